/* Transforms of F(4x4, 3x3) (Winograd 1980; Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2016, section 4).
 *
 * The interpolation points are 0, +-5/8, +-3/2 and infinity: with them every coefficient of the source and output transforms is
 * exact in float, and the error is a third of that of the usual 0, +-1, +-2. For a point p the rows are
 *   source  x^4 .. of (product of x - q over the other points), output 1 p p^2 p^3, weights (1 p p^2) / (product of p - q). */
#include "layers/kernels/winograd_simd.h"
#include "layers/kernels/conv_finish.h"

#define A  0.625f
#define B  1.5f
#define A2 (A * A)
#define B2 (B * B)

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif

/* d[6] -> v[6], elements `from` and `to` apart. */
NLG_INLINE void source_line(const vf *d, int from, vf *v, int to) {
    vf d0 = d[0], d1 = d[from], d2 = d[2 * from], d3 = d[3 * from], d4 = d[4 * from], d5 = d[5 * from];
    vf even_a = vf_fnma(vf_set1(B2), d2, d4), odd_a = vf_mul(vf_set1(A), vf_fnma(vf_set1(B2), d1, d3));
    vf even_b = vf_fnma(vf_set1(A2), d2, d4), odd_b = vf_mul(vf_set1(B), vf_fnma(vf_set1(A2), d1, d3));
    v[0] = vf_fma(vf_set1(A2 * B2), d0, vf_fnma(vf_set1(A2 + B2), d2, d4));
    v[to] = vf_add(even_a, odd_a);
    v[2 * to] = vf_sub(even_a, odd_a);
    v[3 * to] = vf_add(even_b, odd_b);
    v[4 * to] = vf_sub(even_b, odd_b);
    v[5 * to] = vf_fma(vf_set1(A2 * B2), d1, vf_fnma(vf_set1(A2 + B2), d3, d5));
}

/* m[6] -> y[4]. */
NLG_INLINE void output_line(const vf *m, int from, vf *y, int to) {
    vf sum_a = vf_add(m[from], m[2 * from]), difference_a = vf_sub(m[from], m[2 * from]);
    vf sum_b = vf_add(m[3 * from], m[4 * from]), difference_b = vf_sub(m[3 * from], m[4 * from]);
    y[0] = vf_add(vf_add(m[0], sum_a), sum_b);
    y[to] = vf_fma(vf_set1(A), difference_a, vf_mul(vf_set1(B), difference_b));
    y[2 * to] = vf_fma(vf_set1(A2), sum_a, vf_mul(vf_set1(B2), sum_b));
    y[3 * to] = vf_fma(vf_set1(A2 * A), difference_a, vf_fma(vf_set1(B2 * B), difference_b, m[5 * from]));
}

/* y[4] -> m[6], the transpose of output_line. */
NLG_INLINE void gradient_line(const vf *y, int from, vf *m, int to) {
    vf y0 = y[0], y1 = y[from], y2 = y[2 * from], y3 = y[3 * from];
    vf even_a = vf_fma(vf_set1(A2), y2, y0), odd_a = vf_mul(vf_set1(A), vf_fma(vf_set1(A2), y3, y1));
    vf even_b = vf_fma(vf_set1(B2), y2, y0), odd_b = vf_mul(vf_set1(B), vf_fma(vf_set1(B2), y3, y1));
    m[0] = y0;
    m[to] = vf_add(even_a, odd_a);
    m[2 * to] = vf_sub(even_a, odd_a);
    m[3 * to] = vf_add(even_b, odd_b);
    m[4 * to] = vf_sub(even_b, odd_b);
    m[5 * to] = y3;
}

#define N0 (1 / (A2 * B2))
#define NA (1 / (2 * A2 * (A2 - B2)))
#define NB (1 / (2 * B2 * (B2 - A2)))

/* g[3] -> u[6]. */
NLG_INLINE void weight_line(const vf *g, int from, vf *u, int to) {
    vf g0 = g[0], g1 = g[from], g2 = g[2 * from];
    vf even_a = vf_fma(vf_set1(A2 * NA), g2, vf_mul(vf_set1(NA), g0)), odd_a = vf_mul(vf_set1(A * NA), g1);
    vf even_b = vf_fma(vf_set1(B2 * NB), g2, vf_mul(vf_set1(NB), g0)), odd_b = vf_mul(vf_set1(B * NB), g1);
    u[0] = vf_mul(vf_set1(N0), g0);
    u[to] = vf_add(even_a, odd_a);
    u[2 * to] = vf_sub(even_a, odd_a);
    u[3 * to] = vf_add(even_b, odd_b);
    u[4 * to] = vf_sub(even_b, odd_b);
    u[5 * to] = g2;
}

/* u[6] -> g[3], the transpose of weight_line. */
NLG_INLINE void weight_gradient_line(const vf *u, int from, vf *g, int to) {
    vf sum_a = vf_add(u[from], u[2 * from]), difference_a = vf_sub(u[from], u[2 * from]);
    vf sum_b = vf_add(u[3 * from], u[4 * from]), difference_b = vf_sub(u[3 * from], u[4 * from]);
    g[0] = vf_fma(vf_set1(N0), u[0], vf_fma(vf_set1(NA), sum_a, vf_mul(vf_set1(NB), sum_b)));
    g[to] = vf_fma(vf_set1(A * NA), difference_a, vf_mul(vf_set1(B * NB), difference_b));
    g[2 * to] = vf_fma(vf_set1(A2 * NA), sum_a, vf_fma(vf_set1(B2 * NB), sum_b, u[5 * from]));
}

static void source(const float *const pixel[36], int begin, int end, float *v, int64_t stride) {
    for (int c = begin; c < end; c += NLG_LANES) {
        vf half[36];
        int lanes = end - c;
        for (int column = 0; column < 6; column++) {
            vf d[6];
            if (lanes >= NLG_LANES) {
                UNROLL for (int i = 0; i < 6; i++) d[i] = vf_load(pixel[6 * i + column] + c);
            } else {
                UNROLL for (int i = 0; i < 6; i++) d[i] = vf_load_n(pixel[6 * i + column] + c, lanes);
            }
            source_line(d, 1, half + column, 6);
        }
        for (int row = 0; row < 6; row++) {
            vf line[6];
            source_line(half + 6 * row, 1, line, 1);
            float *to = v + 6 * row * stride + (c - begin);
            UNROLL for (int i = 0; i < 6; i++) vf_store(to + i * stride, line[i]);
        }
    }
}

static void gradient(const float *const pixel[16], int channels, float *v, int64_t stride) {
    vf half[24];
    for (int column = 0; column < 4; column++) {
        vf d[4];
        if (channels >= NLG_LANES) {
            UNROLL for (int i = 0; i < 4; i++) d[i] = vf_load(pixel[4 * i + column]);
        } else {
            UNROLL for (int i = 0; i < 4; i++) d[i] = vf_load_n(pixel[4 * i + column], channels);
        }
        gradient_line(d, 1, half + column, 4);
    }
    for (int row = 0; row < 6; row++) {
        vf line[6];
        gradient_line(half + 4 * row, 1, line, 1);
        UNROLL for (int i = 0; i < 6; i++) vf_store(v + (6 * row + i) * stride, line[i]);
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

static void outputs(const nlg_winograd_outputs *tile, const nlg_conv_output *out) {
    vf half[24];
    float sums[16 * NLG_LANES];
    for (int column = 0; column < 6; column++) {
        vf m[6];
        UNROLL for (int i = 0; i < 6; i++) m[i] = vf_load(tile->products + (6 * i + column) * tile->stride);
        output_line(m, 1, half + column, 6);
    }
    bool direct = tile->cols == 4 && is_plain(out) && out->channels - tile->channel >= NLG_LANES;
    for (int row = 0; row < tile->rows; row++) {
        vf line[4];
        output_line(half + 6 * row, 1, line, 1);
        float *to = direct ? out->y + (tile->index + row * tile->row_step) * out->ld_y + tile->channel : sums + 4 * row * NLG_LANES;
        int64_t apart = direct ? out->ld_y : NLG_LANES;
        UNROLL for (int i = 0; i < 4; i++) vf_store(to + i * apart, line[i]);
    }
    if (!direct) finish_outputs(tile, out, sums);
}

static void weights(const float *taps, int64_t depth, float *u, int64_t stride) {
    for (int64_t c = 0; c < depth; c++, taps += 9 * NLG_PANEL, u += NLG_PANEL) {
        vf g[9], half[18];
        UNROLL for (int i = 0; i < 9; i++) g[i] = vf_load(taps + i * NLG_PANEL);
        for (int column = 0; column < 3; column++) weight_line(g + column, 3, half + column, 3);
        for (int row = 0; row < 6; row++) {
            vf line[6];
            weight_line(half + 3 * row, 1, line, 1);
            UNROLL for (int i = 0; i < 6; i++) vf_store(u + (6 * row + i) * stride, line[i]);
        }
    }
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
const nlg_winograd_simd NLG_NAME(winograd_table) = {source, gradient, outputs, weights, weight_gradient};
