/* Batch normalisation loops: see norm_simd.h. Rows are read as they lie in memory, four at a time, so that few streams run side by
 * side; sums of four rows are made in floats and added to doubles. More rows in floats take training further from the reference
 * values than their tolerance allows. */
#include "layers/kernels/norm_simd.h"

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vmath.h"

enum {
    GROUP = NLG_NORM_GROUP,
    DOT_VALUES = 2048,   /* of a block of rows */
    AHEAD_VALUES = 1024, /* fetched ahead */
};

/* Rows from here to those fetched ahead: in training rows come from memory, which the processor foresees too late, and not at all
 * where a slice of each is written. */
NLG_INLINE int64_t rows_ahead(int c) {
    return 1 + AHEAD_VALUES / c;
}

/* The line of lane 0, to be read, or read and written. */
#define FETCH(p)        __builtin_prefetch(p, 0, 3)
#define FETCH_TO_SET(p) __builtin_prefetch(p, 1, 3)

/* Two sums per channel, in lines that hold whole vectors. */
typedef struct line_pair {
    float first[NLG_NORM_WIDTH], second[NLG_NORM_WIDTH];
} line_pair;

NLG_INLINE void add_line(int c, const float *line, double *sum) {
    for (int i = 0; i < c; i++) sum[i] += (double)line[i];
}

/* BODY(count) writes the sums of `count` rows from `row` on: all rows in fours and ones. */
#define FOR_GROUPS(rows, c, lines, sum_1, sum_2, BODY)                                                                             \
    do {                                                                                                                           \
        for (int64_t row = 0, count; row < (rows); row += count) {                                                                 \
            if ((rows)-row >= GROUP) {                                                                                             \
                BODY(GROUP);                                                                                                       \
                count = GROUP;                                                                                                     \
            } else {                                                                                                               \
                BODY(1);                                                                                                           \
                count = 1;                                                                                                         \
            }                                                                                                                      \
            add_line(c, (lines).first, sum_1);                                                                                     \
            add_line(c, (lines).second, sum_2);                                                                                    \
        }                                                                                                                          \
    } while (0)

NLG_INLINE void statistics_group(const int rows, int c, const float *x, int64_t ld_x, const float *center, line_pair *lines) {
    const int64_t far = rows_ahead(c);
    FOR_LANES(c, {
        vf middle = lanes_load(center + i, n), sum = vf_zero(), square = sum;
        for (int r = 0; r < rows; r++) FETCH(x + (r + far) * ld_x + i);
        for (int r = 0; r < rows; r++) {
            vf d = vf_sub(lanes_load(x + r * ld_x + i, n), middle);
            sum = r == 0 ? d : vf_add(sum, d);
            square = r == 0 ? vf_mul(d, d) : vf_fma(d, d, square);
        }
        vf_store(lines->first + i, sum);
        vf_store(lines->second + i, square);
    });
}

static void statistics(int64_t rows, int c, const float *x, int64_t ld_x, const float *center, double *sum, double *square) {
    line_pair lines;
#define STATISTICS(count) statistics_group(count, c, x + row * ld_x, ld_x, center, &lines)
    FOR_GROUPS(rows, c, lines, sum, square, STATISTICS);
}

/* The value before the activation; the same operations in every pass, hence the same bits. */
NLG_INLINE vf before_act(vf x, vf scale, vf shift, const bool add, const float *addend, int n) {
    vf z = vf_fma(x, scale, shift);
    return add ? vf_add(z, lanes_load(addend, n)) : z;
}

NLG_INLINE void lanes_put(float *p, vf v, int n, bool stream) {
    if (stream)
        vf_stream(p, v);
    else
        lanes_store(p, v, n);
}

NLG_INLINE void apply_rows(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int64_t rows, float *y,
                           int64_t ld_y, bool stream) {
    const float *x = norm->x + first * norm->ld_x, *addend = add ? norm->add + first * norm->ld_add : x;
    const float *scale = norm->scale, *shift = norm->shift;
    int64_t ld_x = norm->ld_x, ld_add = add ? norm->ld_add : 0;
    int c = norm->c;
    const int64_t far = rows_ahead(c), far_x = far * ld_x, far_add = far * ld_add, far_y = far * ld_y;
    y += first * ld_y;
    for (int64_t row = 0; row < rows; row++, x += ld_x, addend += ld_add, y += ld_y) {
        FOR_LANES(c, {
            FETCH(x + i + far_x);
            if (add) FETCH(addend + i + far_add);
            if (!stream) FETCH_TO_SET(y + i + far_y);
            vf z = before_act(lanes_load(x + i, n), lanes_load(scale + i, n), lanes_load(shift + i, n), add, addend + i, n);
            lanes_put(y + i, vf_act(act, z), n, stream);
        });
    }
}

static void apply(const nlg_norm *norm, int64_t first, int64_t rows, float *y, int64_t ld_y, bool stream) {
    if (norm->add) {
        NLG_ACT_CASES(norm->act, { apply_rows(ACT, true, norm, first, rows, y, ld_y, stream); });
    } else {
        NLG_ACT_CASES(norm->act, { apply_rows(ACT, false, norm, first, rows, y, ld_y, stream); });
    }
    if (stream) vf_stream_end();
}

NLG_INLINE vf gradient_of_z(const nlg_act act, const bool add, vf x, vf scale, vf shift, const float *addend, vf dy, int n) {
    if (act == NLG_ACT_NONE) return dy;
    return vf_act_back(act, before_act(x, scale, shift, add, addend, n), dy);
}

NLG_INLINE void gradient_sums_group(const int rows, const nlg_act act, const bool add, const nlg_norm *norm, int64_t first,
                                    float *dy, int64_t ld_dy, line_pair *lines) {
    int64_t ld_x = norm->ld_x, ld_add = add ? norm->ld_add : 0;
    const float *x = norm->x + first * ld_x, *addend = add ? norm->add + first * ld_add : x;
    const float *scale = norm->scale, *shift = norm->shift, *mean = norm->mean;
    int c = norm->c;
    const int64_t far = rows_ahead(c), far_x = far * ld_x, far_add = far * ld_add, far_dy = far * ld_dy;
    dy += first * ld_dy;
    FOR_LANES(c, {
        for (int r = 0; r < rows; r++) {
            FETCH(x + r * ld_x + i + far_x);
            if (add) FETCH(addend + r * ld_add + i + far_add);
            FETCH_TO_SET(dy + r * ld_dy + i + far_dy);
        }
        vf s = lanes_load(scale + i, n), t = lanes_load(shift + i, n), m = lanes_load(mean + i, n);
        vf sum = vf_zero(), product = sum;
        for (int r = 0; r < rows; r++) {
            vf value = lanes_load(x + r * ld_x + i, n);
            vf d = gradient_of_z(act, add, value, s, t, addend + r * ld_add + i, lanes_load(dy + r * ld_dy + i, n), n);
            if (act != NLG_ACT_NONE) lanes_store(dy + r * ld_dy + i, d, n);
            value = vf_sub(value, m);
            sum = r == 0 ? d : vf_add(sum, d);
            product = r == 0 ? vf_mul(d, value) : vf_fma(d, value, product);
        }
        vf_store(lines->first + i, sum);
        vf_store(lines->second + i, product);
    });
}

NLG_INLINE void gradient_sums_rows(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int64_t rows, float *dy,
                                   int64_t ld_dy, double *sum, double *product) {
    line_pair lines;
#define GRADIENT_SUMS(count) gradient_sums_group(count, act, add, norm, first + row, dy, ld_dy, &lines)
    FOR_GROUPS(rows, norm->c, lines, sum, product, GRADIENT_SUMS);
}

static void gradient_sums(const nlg_norm *norm, int64_t first, int64_t rows, float *dy, int64_t ld_dy, double *sum,
                          double *product) {
    if (norm->add) {
        NLG_ACT_CASES(norm->act, { gradient_sums_rows(ACT, true, norm, first, rows, dy, ld_dy, sum, product); });
    } else {
        NLG_ACT_CASES(norm->act, { gradient_sums_rows(ACT, false, norm, first, rows, dy, ld_dy, sum, product); });
    }
}

/* What is wanted of the gradient, as constants of the loop. */
typedef struct wanted {
    bool dx, statistics, accumulate_dx, dadd, accumulate_dadd;
} wanted;

NLG_INLINE void gradient_apply_rows(const wanted want, const nlg_norm *norm, int64_t first, int64_t rows, const float *dz,
                                    int64_t ld_dz, const nlg_norm_gradient *g, bool stream) {
    int64_t ld_x = norm->ld_x, ld_dx = want.dx ? g->ld_dx : 0, ld_dadd = want.dadd ? g->ld_dadd : 0;
    const float *x = norm->x + first * ld_x, *scale = norm->scale, *mean = norm->mean, *slope = g->slope, *offset = g->offset;
    float *dx = want.dx ? g->dx + first * ld_dx : NULL, *dadd = want.dadd ? g->dadd + first * ld_dadd : NULL;
    int c = norm->c;
    const int64_t far = rows_ahead(c), far_x = far * ld_x, far_dz = far * ld_dz, far_dx = far * ld_dx, far_dadd = far * ld_dadd;
    dz += first * ld_dz;
    for (int64_t row = 0; row < rows; row++, x += ld_x, dz += ld_dz) {
        FOR_LANES(c, {
            FETCH(x + i + far_x);
            FETCH(dz + i + far_dz);
            if (want.dx && !stream) FETCH_TO_SET(dx + i + far_dx);
            if (want.dadd) FETCH_TO_SET(dadd + i + far_dadd);
            vf gradient = lanes_load(dz + i, n), s = lanes_load(scale + i, n);
            if (want.dx) {
                vf d = want.statistics ? vf_fma(s, gradient, lanes_load(offset + i, n)) : vf_mul(s, gradient);
                if (want.statistics) d = vf_fma(lanes_load(slope + i, n), vf_sub(lanes_load(x + i, n), lanes_load(mean + i, n)), d);
                if (want.accumulate_dx) d = vf_add(lanes_load(dx + i, n), d);
                lanes_put(dx + i, d, n, stream);
            }
            if (want.dadd) {
                if (want.accumulate_dadd) gradient = vf_add(lanes_load(dadd + i, n), gradient);
                lanes_store(dadd + i, gradient, n);
            }
        });
        if (want.dx) dx += ld_dx;
        if (want.dadd) dadd += ld_dadd;
    }
}

static void gradient_apply(const nlg_norm *norm, int64_t first, int64_t rows, const float *dz, int64_t ld_dz,
                           const nlg_norm_gradient *g, bool stream) {
    const wanted want = {g->dx != NULL, g->slope != NULL, g->accumulate_dx, g->dadd != NULL, g->accumulate_dadd};
    const wanted usual = {.dx = true, .statistics = true}, more = {.dx = true, .statistics = true, .accumulate_dx = true};
    const wanted both = {.dx = true, .statistics = true, .dadd = true};
    const bool common = want.dx && want.statistics;
    if (common && !want.dadd && !want.accumulate_dx) {
        gradient_apply_rows(usual, norm, first, rows, dz, ld_dz, g, stream);
        if (stream) vf_stream_end();
    } else if (common && !want.dadd) {
        gradient_apply_rows(more, norm, first, rows, dz, ld_dz, g, false);
    } else if (common && !want.accumulate_dx && !want.accumulate_dadd) {
        gradient_apply_rows(both, norm, first, rows, dz, ld_dz, g, false);
    } else {
        gradient_apply_rows(want, norm, first, rows, dz, ld_dz, g, false);
    }
}

NLG_INLINE vf dot_group(const int rows, const float *a, int64_t ld_a, const float *b, int64_t ld_b, const bool product, int n) {
    vf sum = vf_zero();
    for (int r = 0; r < rows; r++) {
        vf v = lanes_load(a + r * ld_a, n);
        if (product)
            sum = r == 0 ? vf_mul(v, lanes_load(b + r * ld_b, n)) : vf_fma(v, lanes_load(b + r * ld_b, n), sum);
        else
            sum = r == 0 ? v : vf_add(sum, v);
    }
    return sum;
}

/* The doubles of 16 channels stay in registers while the rows of a block, which the first cache holds, pass by. */
NLG_INLINE void dot_rows(int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, const bool product,
                         double *sum) {
    const int64_t block = (DOT_VALUES / c / GROUP + 1) * GROUP;
    for (int64_t begin = 0, end; begin < rows; begin = end) {
        end = begin + block < rows ? begin + block : rows;
        FOR_LANES(c, {
            vd total = lanes_load_double(sum + i, n);
            int64_t row = begin;
            for (; row + GROUP <= end; row += GROUP)
                total = vd_add_vf(total, dot_group(GROUP, a + row * ld_a + i, ld_a, b + row * ld_b + i, ld_b, product, n));
            for (; row < end; row++)
                total = vd_add_vf(total, dot_group(1, a + row * ld_a + i, ld_a, b + row * ld_b + i, ld_b, product, n));
            lanes_store_double(sum + i, total, n);
        });
    }
}

static void dot(int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, double *sum) {
    if (b)
        dot_rows(rows, c, a, ld_a, b, ld_b, true, sum);
    else
        dot_rows(rows, c, a, ld_a, a, ld_a, false, sum);
}

const nlg_norm_simd NLG_NAME(norm_table) = {
    .statistics = statistics,
    .apply = apply,
    .gradient_sums = gradient_sums,
    .gradient_apply = gradient_apply,
    .dot = dot,
};
