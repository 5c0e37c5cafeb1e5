/* Batch normalisation loops: see norm_simd.h. Two chains (even and odd rows) of at most 32 values each hide the latency. */
#include "layers/kernels/norm_simd.h"

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vmath.h"

enum { ROWS = 64 }; /* per chunk: two chains of 32 */

NLG_INLINE int chunk(int64_t rows, int64_t row) {
    return rows - row < ROWS ? (int)(rows - row) : ROWS;
}

NLG_INLINE void statistics_block(int rows, int n, const float *x, int64_t ld_x, const float *center, double *sum, double *square) {
    vf middle = lanes_load(center, n), s0 = vf_zero(), s1 = s0, q0 = s0, q1 = s0;
    int row = 0;
    for (; row + 2 <= rows; row += 2, x += 2 * ld_x) {
        vf d0 = vf_sub(lanes_load(x, n), middle), d1 = vf_sub(lanes_load(x + ld_x, n), middle);
        s0 = vf_add(s0, d0), s1 = vf_add(s1, d1);
        q0 = vf_fma(d0, d0, q0), q1 = vf_fma(d1, d1, q1);
    }
    if (row < rows) {
        vf d0 = vf_sub(lanes_load(x, n), middle);
        s0 = vf_add(s0, d0), q0 = vf_fma(d0, d0, q0);
    }
    lanes_add_double(sum, vf_add(s0, s1), n);
    lanes_add_double(square, vf_add(q0, q1), n);
}

static void statistics(int64_t rows, int c, const float *x, int64_t ld_x, const float *center, double *sum, double *square) {
    for (int64_t row = 0; row < rows; row += ROWS) {
        const float *base = x + row * ld_x;
        int count = chunk(rows, row);
        FOR_LANES(c, { statistics_block(count, n, base + i, ld_x, center + i, sum + i, square + i); });
    }
}

/* The value before the activation; the same operations in every pass, hence the same bits. */
NLG_INLINE vf before_act(vf x, vf scale, vf shift, const bool add, const float *addend, int n) {
    vf z = vf_fma(x, scale, shift);
    return add ? vf_add(z, lanes_load(addend, n)) : z;
}

NLG_INLINE void apply_rows(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int64_t rows, float *y,
                           int64_t ld_y) {
    const float *x = norm->x + first * norm->ld_x, *addend = add ? norm->add + first * norm->ld_add : x;
    const float *scale = norm->scale, *shift = norm->shift;
    int64_t ld_x = norm->ld_x, ld_add = add ? norm->ld_add : 0;
    int c = norm->c;
    y += first * ld_y;
    for (int64_t row = 0; row < rows; row++, x += ld_x, addend += ld_add, y += ld_y) {
        FOR_LANES(c, {
            vf z = before_act(lanes_load(x + i, n), lanes_load(scale + i, n), lanes_load(shift + i, n), add, addend + i, n);
            lanes_store(y + i, vf_act(act, z), n);
        });
    }
}

static void apply(const nlg_norm *norm, int64_t first, int64_t rows, float *y, int64_t ld_y) {
    if (norm->add) {
        NLG_ACT_CASES(norm->act, { apply_rows(ACT, true, norm, first, rows, y, ld_y); });
    } else {
        NLG_ACT_CASES(norm->act, { apply_rows(ACT, false, norm, first, rows, y, ld_y); });
    }
}

NLG_INLINE vf gradient_of_z(const nlg_act act, const bool add, vf x, vf scale, vf shift, const float *addend, vf dy, int n) {
    if (act == NLG_ACT_NONE) return dy;
    return vf_act_back(act, before_act(x, scale, shift, add, addend, n), dy);
}

NLG_INLINE void gradient_sums_block(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int rows, int64_t i,
                                    int n, const float *dy, int64_t ld_dy, double *sum, double *product) {
    int64_t ld_x = norm->ld_x, ld_add = add ? norm->ld_add : 0;
    const float *x = norm->x + first * ld_x + i, *addend = add ? norm->add + first * ld_add + i : x;
    vf scale = lanes_load(norm->scale + i, n), shift = lanes_load(norm->shift + i, n), mean = lanes_load(norm->mean + i, n);
    vf s0 = vf_zero(), s1 = s0, p0 = s0, p1 = s0;
    dy += first * ld_dy + i;
    int row = 0;
    for (; row + 2 <= rows; row += 2, x += 2 * ld_x, addend += 2 * ld_add, dy += 2 * ld_dy) {
        vf x0 = lanes_load(x, n), x1 = lanes_load(x + ld_x, n);
        vf d0 = gradient_of_z(act, add, x0, scale, shift, addend, lanes_load(dy, n), n);
        vf d1 = gradient_of_z(act, add, x1, scale, shift, addend + ld_add, lanes_load(dy + ld_dy, n), n);
        s0 = vf_add(s0, d0), s1 = vf_add(s1, d1);
        p0 = vf_fma(d0, vf_sub(x0, mean), p0), p1 = vf_fma(d1, vf_sub(x1, mean), p1);
    }
    if (row < rows) {
        vf x0 = lanes_load(x, n), d0 = gradient_of_z(act, add, x0, scale, shift, addend, lanes_load(dy, n), n);
        s0 = vf_add(s0, d0), p0 = vf_fma(d0, vf_sub(x0, mean), p0);
    }
    lanes_add_double(sum + i, vf_add(s0, s1), n);
    lanes_add_double(product + i, vf_add(p0, p1), n);
}

NLG_INLINE void gradient_sums_rows(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int64_t rows,
                                   const float *dy, int64_t ld_dy, double *sum, double *product) {
    for (int64_t row = 0; row < rows; row += ROWS) {
        int count = chunk(rows, row);
        FOR_LANES(norm->c, { gradient_sums_block(act, add, norm, first + row, count, i, n, dy, ld_dy, sum, product); });
    }
}

static void gradient_sums(const nlg_norm *norm, int64_t first, int64_t rows, const float *dy, int64_t ld_dy, double *sum,
                          double *product) {
    if (norm->add) {
        NLG_ACT_CASES(norm->act, { gradient_sums_rows(ACT, true, norm, first, rows, dy, ld_dy, sum, product); });
    } else {
        NLG_ACT_CASES(norm->act, { gradient_sums_rows(ACT, false, norm, first, rows, dy, ld_dy, sum, product); });
    }
}

NLG_INLINE void gradient_apply_rows(const nlg_act act, const bool add, const nlg_norm *norm, int64_t first, int64_t rows,
                                    const float *dy, int64_t ld_dy, const nlg_norm_gradient *g) {
    int64_t ld_x = norm->ld_x, ld_add = add ? norm->ld_add : 0;
    const float *x = norm->x + first * ld_x, *addend = add ? norm->add + first * ld_add : x;
    const float *scale = norm->scale, *shift = norm->shift, *mean = norm->mean, *slope = g->slope, *offset = g->offset;
    float *dx = g->dx ? g->dx + first * g->ld_dx : NULL, *dadd = g->dadd ? g->dadd + first * g->ld_dadd : NULL;
    int c = norm->c;
    dy += first * ld_dy;
    for (int64_t row = 0; row < rows; row++) {
        FOR_LANES(c, {
            vf value = lanes_load(x + i, n), s = lanes_load(scale + i, n);
            vf dz = gradient_of_z(act, add, value, s, lanes_load(shift + i, n), addend + i, lanes_load(dy + i, n), n);
            if (dx) {
                vf d = vf_mul(s, dz);
                if (slope) {
                    d = vf_fma(s, dz, lanes_load(offset + i, n));
                    d = vf_fma(lanes_load(slope + i, n), vf_sub(value, lanes_load(mean + i, n)), d);
                }
                if (g->accumulate_dx) d = vf_add(lanes_load(dx + i, n), d);
                lanes_store(dx + i, d, n);
            }
            if (dadd) {
                if (g->accumulate_dadd) dz = vf_add(lanes_load(dadd + i, n), dz);
                lanes_store(dadd + i, dz, n);
            }
        });
        x += ld_x, addend += ld_add, dy += ld_dy;
        if (dx) dx += g->ld_dx;
        if (dadd) dadd += g->ld_dadd;
    }
}

static void gradient_apply(const nlg_norm *norm, int64_t first, int64_t rows, const float *dy, int64_t ld_dy,
                           const nlg_norm_gradient *gradient) {
    if (norm->add) {
        NLG_ACT_CASES(norm->act, { gradient_apply_rows(ACT, true, norm, first, rows, dy, ld_dy, gradient); });
    } else {
        NLG_ACT_CASES(norm->act, { gradient_apply_rows(ACT, false, norm, first, rows, dy, ld_dy, gradient); });
    }
}

NLG_INLINE void dot_block(int rows, int n, const float *a, int64_t ld_a, const float *b, int64_t ld_b, const bool product,
                          double *sum) {
    vf s0 = vf_zero(), s1 = s0;
    int row = 0;
    for (; row + 2 <= rows; row += 2, a += 2 * ld_a, b += 2 * ld_b) {
        vf a0 = lanes_load(a, n), a1 = lanes_load(a + ld_a, n);
        s0 = product ? vf_fma(a0, lanes_load(b, n), s0) : vf_add(s0, a0);
        s1 = product ? vf_fma(a1, lanes_load(b + ld_b, n), s1) : vf_add(s1, a1);
    }
    if (row < rows) {
        vf a0 = lanes_load(a, n);
        s0 = product ? vf_fma(a0, lanes_load(b, n), s0) : vf_add(s0, a0);
    }
    lanes_add_double(sum, vf_add(s0, s1), n);
}

static void dot(int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, double *sum) {
    for (int64_t row = 0; row < rows; row += ROWS, a += ROWS * ld_a, b += b ? ROWS * ld_b : 0) {
        int count = chunk(rows, row);
        if (b)
            FOR_LANES(c, { dot_block(count, n, a + i, ld_a, b + i, ld_b, true, sum + i); });
        else
            FOR_LANES(c, { dot_block(count, n, a + i, ld_a, a + i, ld_a, false, sum + i); });
    }
}

const nlg_norm_simd NLG_NAME(norm_table) = {
    .statistics = statistics,
    .apply = apply,
    .gradient_sums = gradient_sums,
    .gradient_apply = gradient_apply,
    .dot = dot,
};
