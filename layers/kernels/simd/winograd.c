/* Transforms of F(4x4, 3x3), F(2x2, 5x5), F(4, 3) and F(4, 7) (Winograd 1980; Lavin and Gray, "Fast Algorithms for Convolutional
 * Neural Networks", 2016, section 4).
 *
 * The interpolation points are 0, +-5/8, +-3/2 and infinity for three and five taps: with them every coefficient of the source and
 * output transforms is exact in float, and the error with three is a third of that of the usual 0, +-1, +-2. Seven taps take 0,
 * +-3/8, +-13/16, +-5/4, +-5/2 and infinity, of the fractions tried those with the least error. For a point p the rows are
 *   source  x^4 .. of (product of x - q over the other points), output 1 p p^2 p^3, weights (1 p p^2) / (product of p - q). */
#include "layers/kernels/conv_straight.h"
#include "layers/kernels/winograd_simd.h"

#define A  0.625f
#define B  1.5f
#define A2 (A * A)
#define B2 (B * B)

#if defined(__clang__)
#define ROLLED _Pragma("clang loop unroll(disable)")
#else
#define ROLLED _Pragma("GCC unroll 1") /* unrolled, it would work out all addresses beforehand and spill them */
#endif

/* d[6] -> v[6], elements `from` and `to` apart. */
NLG_INLINE void source_line(const vn *d, int from, vn *v, int to) {
    vn d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
    vn even_a = vn_fnma(vn_set1(B2), d2, d4), odd_a = vn_mul(vn_set1(A), vn_fnma(vn_set1(B2), d1, d3));
    vn even_b = vn_fnma(vn_set1(A2), d2, d4), odd_b = vn_mul(vn_set1(B), vn_fnma(vn_set1(A2), d1, d3));
    v[0] = vn_fma(vn_set1(A2 * B2), d0, vn_fnma(vn_set1(A2 + B2), d2, d4));
    v[to] = vn_add(even_a, odd_a);
    v[2 * to] = vn_sub(even_a, odd_a);
    v[3 * to] = vn_add(even_b, odd_b);
    v[4 * to] = vn_sub(even_b, odd_b);
    v[5 * to] = vn_fma(vn_set1(A2 * B2), d1, vn_fnma(vn_set1(A2 + B2), d3, d5));
}

/* m[6] -> y[4]. */
NLG_INLINE void output_line(const vn *m, int from, vn *y, int to) {
    vn sum_a = vn_add(m[from], m[2 * from]), difference_a = vn_sub(m[from], m[2 * from]);
    vn sum_b = vn_add(m[3 * from], m[4 * from]), difference_b = vn_sub(m[3 * from], m[4 * from]);
    y[0] = vn_add(vn_add(m[0], sum_a), sum_b);
    y[to] = vn_fma(vn_set1(A), difference_a, vn_mul(vn_set1(B), difference_b));
    y[2 * to] = vn_fma(vn_set1(A2), sum_a, vn_mul(vn_set1(B2), sum_b));
    y[3 * to] = vn_fma(vn_set1(A2 * A), difference_a, vn_fma(vn_set1(B2 * B), difference_b, m[5 * from]));
}

/* m[6] -> y[2], of five taps. */
NLG_INLINE void output_line_5(const vn *m, int from, vn *y, int to) {
    vn sum_a = vn_add(m[from], m[2 * from]), difference_a = vn_sub(m[from], m[2 * from]);
    vn sum_b = vn_add(m[3 * from], m[4 * from]), difference_b = vn_sub(m[3 * from], m[4 * from]);
    y[0] = vn_add(vn_add(m[0], sum_a), sum_b);
    y[to] = vn_fma(vn_set1(A), difference_a, vn_fma(vn_set1(B), difference_b, m[5 * from]));
}

/* y[4] -> m[6], the transpose of output_line. */
NLG_INLINE void gradient_line(const vn *y, int from, vn *m, int to) {
    vn y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
    vn even_a = vn_fma(vn_set1(A2), y2, y0), odd_a = vn_mul(vn_set1(A), vn_fma(vn_set1(A2), y3, y1));
    vn even_b = vn_fma(vn_set1(B2), y2, y0), odd_b = vn_mul(vn_set1(B), vn_fma(vn_set1(B2), y3, y1));
    m[0] = y0;
    m[to] = vn_add(even_a, odd_a);
    m[2 * to] = vn_sub(even_a, odd_a);
    m[3 * to] = vn_add(even_b, odd_b);
    m[4 * to] = vn_sub(even_b, odd_b);
    m[5 * to] = y3;
}

#define N0 (1 / (A2 * B2))
#define NA (1 / (2 * A2 * (A2 - B2)))
#define NB (1 / (2 * B2 * (B2 - A2)))

/* g[3] -> u[6]. */
NLG_INLINE void weight_line(const vn *g, int from, vn *u, int to) {
    vn g0 = g[0], g1 = g[from], g2 = g[2 * from];
    vn even_a = vn_fma(vn_set1(A2 * NA), g2, vn_mul(vn_set1(NA), g0)), odd_a = vn_mul(vn_set1(A * NA), g1);
    vn even_b = vn_fma(vn_set1(B2 * NB), g2, vn_mul(vn_set1(NB), g0)), odd_b = vn_mul(vn_set1(B * NB), g1);
    u[0] = vn_mul(vn_set1(N0), g0);
    u[to] = vn_add(even_a, odd_a);
    u[2 * to] = vn_sub(even_a, odd_a);
    u[3 * to] = vn_add(even_b, odd_b);
    u[4 * to] = vn_sub(even_b, odd_b);
    u[5 * to] = g2;
}

/* g[5] -> u[6]. */
NLG_INLINE void weight_line_5(const vn *g, int from, vn *u, int to) {
    vn g0 = g[0], g1 = g[from], g2 = g[2 * from], g3 = g[3 * from], g4 = g[4 * from];
    vn even_a = vn_mul(vn_set1(NA), vn_fma(vn_set1(A2), vn_fma(vn_set1(A2), g4, g2), g0)),
       odd_a = vn_mul(vn_set1(A * NA), vn_fma(vn_set1(A2), g3, g1));
    vn even_b = vn_mul(vn_set1(NB), vn_fma(vn_set1(B2), vn_fma(vn_set1(B2), g4, g2), g0)),
       odd_b = vn_mul(vn_set1(B * NB), vn_fma(vn_set1(B2), g3, g1));
    u[0] = vn_mul(vn_set1(N0), g0);
    u[to] = vn_add(even_a, odd_a);
    u[2 * to] = vn_sub(even_a, odd_a);
    u[3 * to] = vn_add(even_b, odd_b);
    u[4 * to] = vn_sub(even_b, odd_b);
    u[5 * to] = g4;
}

/* ---- seven taps: ten products for four outputs ---- */

enum { PAIRS = 4, MOST_POINTS = 10 };

/* Squares of the points; of the product of x - q^2 over the other three the coefficients of 1, x and x^2; and the weights' factor.
 */
#define S1 (0.375f * 0.375f)
#define S2 (0.8125f * 0.8125f)
#define S3 (1.25f * 1.25f)
#define S4 (2.5f * 2.5f)
#define OTHERS(q, r, s)                                                                                                            \
    { -((q) * (r) * (s)), (q) * (r) + (q) * (s) + (r) * (s), -((q) + (r) + (s)) }
#define FACTOR(p, q, r, s) (1 / (2 * (p) * ((p) - (q)) * ((p) - (r)) * ((p) - (s))))
static const float point[PAIRS] = {0.375f, 0.8125f, 1.25f, 2.5f}, square[PAIRS] = {S1, S2, S3, S4};
static const float others[PAIRS][3] = {OTHERS(S2, S3, S4), OTHERS(S1, S3, S4), OTHERS(S1, S2, S4), OTHERS(S1, S2, S3)};
static const float factor[PAIRS] = {FACTOR(S1, S2, S3, S4), FACTOR(S2, S1, S3, S4), FACTOR(S3, S1, S2, S4), FACTOR(S4, S1, S2, S3)};
/* Of the product over all four. */
static const float all[PAIRS] = {S1 * S2 * S3 * S4, -(S1 *S2 *S3 + S1 * S2 * S4 + S1 * S3 * S4 + S2 * S3 * S4),
                                 S1 *S2 + S1 *S3 + S1 *S4 + S2 *S3 + S2 *S4 + S3 *S4, -(S1 + S2 + S3 + S4)};

/* d[0] q[0] + d[2] q[1] + .. + d[2 count]. */
NLG_INLINE vn every_other(const vn *d, const float *q, const int count) {
    vn sum = d[2 * count];
    UNROLL for (int k = count - 1; k >= 0; k--) sum = vn_fma(vn_set1(q[k]), d[2 * k], sum);
    return sum;
}

/* d[10] -> v[10]. */
NLG_INLINE void source_line_7(const vn *d, vn *v) {
    v[0] = every_other(d, all, PAIRS);
    UNROLL for (int p = 0; p < PAIRS; p++) {
        vn even = every_other(d + 2, others[p], PAIRS - 1),
           odd = vn_mul(vn_set1(point[p]), every_other(d + 1, others[p], PAIRS - 1));
        v[1 + 2 * p] = vn_add(even, odd);
        v[2 + 2 * p] = vn_sub(even, odd);
    }
    v[9] = every_other(d + 1, all, PAIRS);
}

/* m[10] -> y[4]. */
NLG_INLINE void output_line_7(const vn *m, vn *y) {
    y[0] = m[0], y[1] = y[2] = vn_zero(), y[3] = m[9];
    UNROLL for (int p = 0; p < PAIRS; p++) {
        vn sum = vn_add(m[1 + 2 * p], m[2 + 2 * p]), difference = vn_sub(m[1 + 2 * p], m[2 + 2 * p]);
        y[0] = vn_add(y[0], sum);
        y[1] = vn_fma(vn_set1(point[p]), difference, y[1]);
        y[2] = vn_fma(vn_set1(square[p]), sum, y[2]);
        y[3] = vn_fma(vn_set1(square[p] * point[p]), difference, y[3]);
    }
}

/* g[7] -> u[10]. */
NLG_INLINE void weight_line_7(const vn *g, vn *u) {
    u[0] = vn_mul(vn_set1(1 / (S1 * S2 * S3 * S4)), g[0]);
    UNROLL for (int p = 0; p < PAIRS; p++) {
        vn even = g[6], odd = g[5], by = vn_set1(square[p]);
        UNROLL for (int k = 4; k >= 0; k -= 2) even = vn_fma(by, even, g[k]);
        UNROLL for (int k = 3; k >= 1; k -= 2) odd = vn_fma(by, odd, g[k]);
        even = vn_mul(vn_set1(factor[p]), even);
        odd = vn_mul(vn_set1(factor[p] * point[p]), odd);
        u[1 + 2 * p] = vn_add(even, odd);
        u[2 + 2 * p] = vn_sub(even, odd);
    }
    u[9] = g[6];
}

/* ---- */

/* u[6] -> g[3], the transpose of weight_line. */
NLG_INLINE void weight_gradient_line(const vf *u, int from, vf *g, int to) {
    vf sum_a = vf_add(u[from], u[2 * from]), difference_a = vf_sub(u[from], u[2 * from]);
    vf sum_b = vf_add(u[3 * from], u[4 * from]), difference_b = vf_sub(u[3 * from], u[4 * from]);
    g[0] = vf_fma(vf_set1(N0), u[0], vf_fma(vf_set1(NA), sum_a, vf_mul(vf_set1(NB), sum_b)));
    g[to] = vf_fma(vf_set1(A * NA), difference_a, vf_mul(vf_set1(B * NB), difference_b));
    g[2 * to] = vf_fma(vf_set1(A2 * NA), sum_a, vf_fma(vf_set1(B2 * NB), sum_b, u[5 * from]));
}

/* `count` pixels of column j, `lanes` channels from x on; `inside`: no pixel is outside and the register is full. */
NLG_INLINE void read_column(const nlg_winograd_window *from, const float *x, int j, int lanes, const int count, const bool inside,
                            vn *d) {
    int64_t at = from->at + j * from->column;
    UNROLL for (int i = 0; i < count; i++, at += from->row) {
        if (inside)
            d[i] = vn_load(x + at);
        else if (i < from->top || i >= from->bottom)
            d[i] = vn_zero();
        else
            d[i] = lanes >= NLG_NATIVE ? vn_load(x + at) : vn_load_n(x + at, lanes);
    }
}

NLG_INLINE void source_vector(const nlg_winograd_window *from, const float *x, int lanes, const bool inside, float *v,
                              int64_t stride) {
    vn half[36];
    ROLLED for (int j = 0; j < 6; j++) {
        vn d[6] = {vn_zero(), vn_zero(), vn_zero(), vn_zero(), vn_zero(), vn_zero()};
        if (inside || (j >= from->left && j < from->right)) read_column(from, x, j, lanes, 6, inside, d);
        source_line(d, 1, half + j, 6);
    }
    ROLLED for (int i = 0; i < 6; i++) {
        vn line[6];
        source_line(half + 6 * i, 1, line, 1);
        UNROLL for (int j = 0; j < 6; j++, v += stride) vn_store(v, line[j]);
    }
}

static void source(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride) {
    bool inside = from->top == 0 && from->bottom == 6 && from->left == 0 && from->right == 6;
    for (int c = begin; c < end; c += NLG_NATIVE, v += NLG_NATIVE) {
        if (inside && end - c >= NLG_NATIVE)
            source_vector(from, from->x + c, NLG_NATIVE, true, v, stride);
        else
            source_vector(from, from->x + c, end - c, false, v, stride);
    }
}

/* The same of a line for `taps` taps. */
NLG_INLINE void source_of_line(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride, const int taps) {
    const int points = taps + 3;
    bool inside = from->top == 0 && from->bottom == points;
    for (int c = begin; c < end; c += NLG_NATIVE, v += NLG_NATIVE) {
        vn d[MOST_POINTS], line[MOST_POINTS];
        if (inside && end - c >= NLG_NATIVE)
            read_column(from, from->x + c, 0, NLG_NATIVE, points, true, d);
        else
            read_column(from, from->x + c, 0, end - c, points, false, d);
        if (taps == 3)
            source_line(d, 1, line, 1);
        else
            source_line_7(d, line);
        UNROLL for (int k = 0; k < points; k++) vn_store(v + k * stride, line[k]);
    }
}
static void source_3(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride) {
    source_of_line(from, begin, end, v, stride, 3);
}
static void source_7(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride) {
    source_of_line(from, begin, end, v, stride, 7);
}

NLG_INLINE void gradient_vector(const nlg_winograd_window *from, const float *x, int lanes, const bool inside, float *v,
                                int64_t stride) {
    vn half[24];
    ROLLED for (int j = 0; j < 4; j++) {
        vn d[4] = {vn_zero(), vn_zero(), vn_zero(), vn_zero()};
        if (inside || (j >= from->left && j < from->right)) read_column(from, x, j, lanes, 4, inside, d);
        gradient_line(d, 1, half + j, 4);
    }
    ROLLED for (int i = 0; i < 6; i++) {
        vn line[6];
        gradient_line(half + 4 * i, 1, line, 1);
        UNROLL for (int j = 0; j < 6; j++, v += stride) vn_store(v, line[j]);
    }
}

static void gradient(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride) {
    bool inside = from->top == 0 && from->bottom == 4 && from->left == 0 && from->right == 4;
    for (int i = 0; i < NLG_PANEL; i += NLG_NATIVE) {
        int lanes = end - begin - i;
        if (inside && lanes >= NLG_NATIVE)
            gradient_vector(from, from->x + begin + i, NLG_NATIVE, true, v + i, stride);
        else if (lanes > 0)
            gradient_vector(from, from->x + begin + i, lanes, false, v + i, stride);
        else
            for (int k = 0; k < 36; k++) vn_store(v + k * stride + i, vn_zero());
    }
}

/* ---- products ---- */

#define PARTS (NLG_PANEL / NLG_NATIVE)

/* clang-format off */
/* MULTIPLY(tiles, registers of channels): full tiles keep 12 or 24 sums in registers, few tiles take two panels. */
#if NLG_ISA_LEVEL == 3
enum { MOST_TILES = 12, WIDE_TILES = 12 };
#define MULTIPLIES(m)                                                                                                              \
    m(1, 1) m(2, 1) m(3, 1) m(4, 1) m(5, 1) m(6, 1) m(7, 1) m(8, 1) m(9, 1) m(10, 1) m(11, 1) m(12, 1)                             \
    m(1, 2) m(2, 2) m(3, 2) m(4, 2) m(5, 2) m(6, 2) m(7, 2) m(8, 2) m(9, 2) m(10, 2) m(11, 2) m(12, 2)
#elif NLG_ISA_LEVEL == 2
enum { MOST_TILES = 6, WIDE_TILES = 3 };
#define MULTIPLIES(m) m(1, 2) m(2, 2) m(3, 2) m(4, 2) m(5, 2) m(6, 2) m(1, 4) m(2, 4) m(3, 4)
#elif NLG_ISA_LEVEL == 1
enum { MOST_TILES = 6, WIDE_TILES = 3 };
#define MULTIPLIES(m) m(1, 4) m(2, 4) m(3, 4) m(4, 4) m(5, 4) m(6, 4) m(1, 8) m(2, 8) m(3, 8)
#else
enum { MOST_TILES = 4, WIDE_TILES = 0 };
#define MULTIPLIES(m) m(1, 4) m(2, 4) m(3, 4) m(4, 4)
#endif
/* clang-format on */

/* Memory to bring into the second cache meanwhile, `step` floats further with every source channel. */
typedef struct prefetch {
    const float *at;
    int64_t step;
} prefetch;

typedef void multiply_function(const nlg_winograd_multiply *job, const float *v, const float *u, float *to, prefetch ahead);

/* `tiles` tiles from v on by the panels from u on. */
NLG_INLINE void multiply_tiles(const nlg_winograd_multiply *job, const float *v, const float *u, float *to, prefetch ahead,
                               const int tiles, const int vectors) {
    const int64_t ld_to = (int64_t)job->panels * NLG_PANEL, depth = job->depth, panel_stride = job->panel_stride;
    const float *x[MOST_TILES];
    vn sum[MOST_TILES][2 * PARTS];
    UNROLL for (int i = 0; i < tiles; i++) {
        x[i] = v + i * job->ld_v;
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = job->first ? vn_zero() : vn_load(to + i * ld_to + j * NLG_NATIVE);
    }
    for (int64_t k = 0; k < depth; k++, u += NLG_PANEL, ahead.at += ahead.step) {
        vn row[2 * PARTS];
        UNROLL for (int j = 0; j < vectors; j += PARTS) __builtin_prefetch(ahead.at + j / PARTS * job->ahead_panel, 0, 2);
        UNROLL for (int j = 0; j < vectors; j++) row[j] = vn_load(u + j / PARTS * panel_stride + j % PARTS * NLG_NATIVE);
        UNROLL for (int i = 0; i < tiles; i++) {
            vn value = vn_set1(x[i][k]);
            UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = vn_fma(value, row[j], sum[i][j]);
        }
    }
    UNROLL for (int i = 0; i < tiles; i++) UNROLL for (int j = 0; j < vectors; j++)
        vn_store(to + i * ld_to + j * NLG_NATIVE, sum[i][j]);
}

#define MULTIPLY(m, n)                                                                                                             \
    static void multiply_##m##x##n(const nlg_winograd_multiply *job, const float *v, const float *u, float *to, prefetch ahead) {  \
        multiply_tiles(job, v, u, to, ahead, m, n);                                                                                \
    }
MULTIPLIES(MULTIPLY)
#undef MULTIPLY
#define MULTIPLY(m, n) [m][n] = multiply_##m##x##n,
static multiply_function *const multiply_functions[MOST_TILES + 1][2 * PARTS + 1] = {MULTIPLIES(MULTIPLY)};

static void multiply(const nlg_winograd_multiply *job) {
    const float *v = job->v, *u = job->u, *ahead = job->ahead;
    float *products = job->products;
    const int64_t passes = (job->tiles + MOST_TILES - 1) / MOST_TILES * job->depth, /* of a row of weights */
        step = (job->ahead_floats + passes - 1) / passes;
    for (int i = 0; i < job->count; i++, v += job->v_stride, u += job->u_stride, products += job->product_stride) {
        const float *at = ahead + i * job->ahead_floats;
        for (int tile = 0, tiles; tile < job->tiles; tile += tiles, at += step * job->depth) {
            tiles = job->tiles - tile < MOST_TILES ? job->tiles - tile : MOST_TILES;
            for (int panel = 0, panels; panel < job->panels; panel += panels) {
                panels = tiles <= WIDE_TILES && job->panels - panel > 1 ? 2 : 1;
                multiply_functions[tiles][panels * PARTS](job, v + tile * job->ld_v, u + panel * job->panel_stride,
                                                          products + (tile * job->panels + panel) * NLG_PANEL,
                                                          (prefetch){at + panel * job->ahead_panel, step});
            }
        }
    }
}

static __attribute__((noinline)) void finish_outputs(const nlg_winograd_outputs *tile, const nlg_conv_output *out,
                                                     const float *sums) {
    finisher f = finisher_at(out, tile->channel);
    for (int row = 0; row < tile->rows; row++)
        for (int column = 0; column < tile->cols; column++)
            finish_vector(&f, vf_load(sums + (4 * row + column) * NLG_LANES), tile->index + row * tile->row_step + column,
                          f.lanes == NLG_LANES);
}

/* Outputs that can be finished in registers: whole vectors of channels, and no curved activation. */
static bool is_straight(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    return out->act <= NLG_ACT_RELU6 && out->channels - tile->channel >= NLG_LANES;
}

/* `form`: how rows of outputs are finished. */
typedef enum { SUMS, PLAIN, BOUNDED, ADDED } finish_form;

NLG_INLINE void outputs_square(const nlg_winograd_outputs *tile, const nlg_conv_output *out, float *sums, const finish_form form,
                               const bool full, const int taps) {
    const int64_t ld_y = form == SUMS ? NLG_LANES : out->ld_y, row_y = form == SUMS ? 4 * NLG_LANES : tile->row_step * ld_y;
    const int64_t ld_add = out->ld_add, row_add = tile->row_step * ld_add;
    const int count = taps == 3 ? 4 : 2;
    for (int c = 0; c < NLG_LANES; c += NLG_NATIVE) {
        const float *products = tile->products + c,
                    *add = form == ADDED ? out->add + tile->index * ld_add + tile->channel + c : NULL;
        float *y = form == SUMS ? sums + c : out->y + tile->index * ld_y + tile->channel + c;
        straight_finisher f;
        straight_finisher_init(&f, out, tile->channel + c, 1);
        vn half[24];
        for (int j = 0; j < 6; j++) {
            vn m[6];
            UNROLL for (int i = 0; i < 6; i++) m[i] = vn_load(products + (6 * i + j) * tile->stride);
            if (taps == 3)
                output_line(m, 1, half + j, 6);
            else
                output_line_5(m, 1, half + j, 6);
        }
        for (int i = 0; i < tile->rows; i++, y += row_y) {
            vn line[4];
            if (taps == 3)
                output_line(half + 6 * i, 1, line, 1);
            else
                output_line_5(half + 6 * i, 1, line, 1);
            UNROLL for (int j = 0; j < count; j++) if (full || j < tile->cols)
                finish_at(&f, line[j], form == ADDED ? add + j * ld_add : NULL, y + j * ld_y, 0, NLG_NATIVE, form <= PLAIN, true);
            if (form == ADDED) add += row_add;
        }
    }
}

NLG_INLINE void outputs_of_square(const nlg_winograd_outputs *tile, const nlg_conv_output *out, const int taps) {
    float sums[16 * NLG_LANES];
    if (!is_straight(tile, out)) {
        outputs_square(tile, out, sums, SUMS, true, taps);
        finish_outputs(tile, out, sums);
    } else if (tile->cols < (taps == 3 ? 4 : 2)) {
        if (out->add)
            outputs_square(tile, out, NULL, ADDED, false, taps);
        else
            outputs_square(tile, out, NULL, BOUNDED, false, taps);
    } else if (is_plain(out)) {
        outputs_square(tile, out, NULL, PLAIN, true, taps);
    } else if (out->add) {
        outputs_square(tile, out, NULL, ADDED, true, taps);
    } else {
        outputs_square(tile, out, NULL, BOUNDED, true, taps);
    }
}
static void outputs_3x3(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    outputs_of_square(tile, out, 3);
}
static void outputs_5x5(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    outputs_of_square(tile, out, 5);
}

NLG_INLINE void outputs_of_line(const nlg_winograd_outputs *tile, const nlg_conv_output *out, const int taps) {
    float sums[16 * NLG_LANES];
    const bool straight = is_straight(tile, out), plain = is_plain(out);
    for (int c = 0; c < NLG_LANES; c += NLG_NATIVE) {
        vn m[MOST_POINTS], line[4];
        straight_finisher f;
        straight_finisher_init(&f, out, tile->channel + c, 1);
        UNROLL for (int i = 0; i < taps + 3; i++) m[i] = vn_load(tile->products + i * tile->stride + c);
        if (taps == 3)
            output_line(m, 1, line, 1);
        else
            output_line_7(m, line);
        UNROLL for (int i = 0; i < 4; i++) {
            if (!straight)
                vn_store(sums + 4 * i * NLG_LANES + c, line[i]);
            else if (i < tile->rows)
                finish_straight(out, &f, line[i], tile->index + i * tile->row_step, tile->channel + c, 0, NLG_NATIVE, plain, true);
        }
    }
    if (!straight) finish_outputs(tile, out, sums);
}
static void outputs_3(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    outputs_of_line(tile, out, 3);
}
static void outputs_7(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    outputs_of_line(tile, out, 7);
}

NLG_INLINE void weights_of_square(const float *from, int64_t depth, float *u, int64_t stride, const int taps) {
    for (int64_t c = 0; c < depth * NLG_PANEL; c += NLG_NATIVE, u += NLG_NATIVE) {
        const float *g = from + c / NLG_PANEL * taps * taps * NLG_PANEL + c % NLG_PANEL;
        float *to = u;
        vn half[30];
        ROLLED for (int j = 0; j < taps; j++, g += NLG_PANEL) {
            vn column[5];
            UNROLL for (int i = 0; i < taps; i++) column[i] = vn_load(g + taps * i * NLG_PANEL);
            if (taps == 3)
                weight_line(column, 1, half + j, taps);
            else
                weight_line_5(column, 1, half + j, taps);
        }
        ROLLED for (int i = 0; i < 6; i++) {
            vn line[6];
            if (taps == 3)
                weight_line(half + taps * i, 1, line, 1);
            else
                weight_line_5(half + taps * i, 1, line, 1);
            UNROLL for (int j = 0; j < 6; j++, to += stride) vn_store(to, line[j]);
        }
    }
}
static void weights_3x3(const float *taps, int64_t depth, float *u, int64_t stride) {
    weights_of_square(taps, depth, u, stride, 3);
}
static void weights_5x5(const float *taps, int64_t depth, float *u, int64_t stride) {
    weights_of_square(taps, depth, u, stride, 5);
}

NLG_INLINE void weights_of_line(const float *from, int64_t depth, float *u, int64_t stride, const int taps) {
    for (int64_t c = 0; c < depth * NLG_PANEL; c += NLG_NATIVE, u += NLG_NATIVE) {
        const float *at = from + c / NLG_PANEL * taps * NLG_PANEL + c % NLG_PANEL;
        vn g[MOST_POINTS], line[MOST_POINTS];
        UNROLL for (int i = 0; i < taps; i++) g[i] = vn_load(at + i * NLG_PANEL);
        if (taps == 3)
            weight_line(g, 1, line, 1);
        else
            weight_line_7(g, line);
        UNROLL for (int i = 0; i < taps + 3; i++) vn_store(u + i * stride, line[i]);
    }
}
static void weights_3(const float *taps, int64_t depth, float *u, int64_t stride) {
    weights_of_line(taps, depth, u, stride, 3);
}
static void weights_7(const float *taps, int64_t depth, float *u, int64_t stride) {
    weights_of_line(taps, depth, u, stride, 7);
}

static void weight_gradient(float *panel, int64_t depth) {
    for (int64_t c = 0; c < depth; c++) {
        vf half[18];
        for (int column = 0; column < 6; column++) {
            vf u[6];
            UNROLL for (int i = 0; i < 6; i++) u[i] = vf_load(panel + ((6 * i + column) * depth + c) * NLG_PANEL);
            weight_gradient_line(u, 1, half + column, 6);
        }
        for (int row = 0; row < 3; row++) {
            vf line[3];
            weight_gradient_line(half + 6 * row, 1, line, 1);
            UNROLL for (int i = 0; i < 3; i++) vf_store(panel + ((3 * row + i) * depth + c) * NLG_PANEL, line[i]);
        }
    }
}

extern const nlg_winograd_simd NLG_NAME(winograd_table);
const nlg_winograd_simd NLG_NAME(winograd_table) = {
    .tiles = MOST_TILES,
    .form = {[NLG_WINOGRAD_SQUARE_3] = {source, outputs_3x3, weights_3x3},
             [NLG_WINOGRAD_SQUARE_5] = {source, outputs_5x5, weights_5x5},
             [NLG_WINOGRAD_LINE_3] = {source_3, outputs_3, weights_3},
             [NLG_WINOGRAD_LINE_7] = {source_7, outputs_7, weights_7}},
    .multiply = multiply,
    .gradient = gradient,
    .weight_gradient = weight_gradient,
};
