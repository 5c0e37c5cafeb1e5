/* Local response normalisation loops: see lrn_simd.h. A line of squares with zero ends makes the window plain shifted loads. */
#include "layers/kernels/lrn_simd.h"

#include <string.h>

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vmath.h"

NLG_INLINE vf window_sum(const float *line, int size) {
    vf sum = vf_load(line);
    for (int d = 1; d < size; d++) sum = vf_add(sum, vf_load(line + d));
    return sum;
}

NLG_INLINE void fill_squares(const nlg_lrn *lrn, const float *x, float *squares) {
    FOR_LANES(lrn->c, {
        vf v = lanes_load(x + i, n);
        lanes_store(squares + lrn->size / 2 + i, vf_mul(v, v), n);
    });
}

static void forward(const nlg_lrn *lrn, int64_t rows, const float *x, int64_t ld_x, float *y, int64_t ld_y, float *buffer) {
    vf alpha = vf_set1(lrn->alpha), k = vf_set1(lrn->k), minus_beta = vf_set1(-lrn->beta);
    memset(buffer, 0, NLG_LRN_LINE(lrn) * sizeof *buffer);
    for (int64_t row = 0; row < rows; row++, x += ld_x, y += ld_y) {
        fill_squares(lrn, x, buffer);
        FOR_LANES(lrn->c, {
            vf t = vf_fma(alpha, window_sum(buffer + i, lrn->size), k);
            lanes_store(y + i, vf_mul(lanes_load(x + i, n), vf_pow(t, minus_beta)), n);
        });
    }
}

/* dx[i] = dy[i] t[i]^-beta - 2 alpha beta x[i] * sum over the j whose windows hold i of dy[j] x[j] t[j]^(-beta - 1) */
static void backward(const nlg_lrn *lrn, int64_t rows, const float *x, int64_t ld_x, const float *dy, int64_t ld_dy,
                     bool accumulate, float *dx, int64_t ld_dx, float *buffer) {
    float *squares = buffer, *products = buffer + NLG_LRN_LINE(lrn), *direct = products + NLG_LRN_LINE(lrn);
    vf alpha = vf_set1(lrn->alpha), k = vf_set1(lrn->k), minus_beta = vf_set1(-lrn->beta);
    vf factor = vf_set1(2.0f * lrn->alpha * lrn->beta);
    memset(buffer, 0, NLG_LRN_BUFFER(lrn) * sizeof *buffer);
    for (int64_t row = 0; row < rows; row++, x += ld_x, dy += ld_dy, dx += ld_dx) {
        fill_squares(lrn, x, squares);
        FOR_LANES(lrn->c, {
            vf t = vf_fma(alpha, window_sum(squares + i, lrn->size), k);
            vf d = vf_mul(lanes_load(dy + i, n), vf_pow(t, minus_beta));
            lanes_store(direct + i, d, n);
            lanes_store(products + (lrn->size - 1) / 2 + i, vf_div(vf_mul(d, lanes_load(x + i, n)), t), n);
        });
        FOR_LANES(lrn->c, {
            vf spread = vf_mul(lanes_load(x + i, n), window_sum(products + i, lrn->size));
            vf d = vf_fnma(factor, spread, lanes_load(direct + i, n));
            if (accumulate) d = vf_add(lanes_load(dx + i, n), d);
            lanes_store(dx + i, d, n);
        });
    }
}

const nlg_lrn_simd NLG_NAME(lrn_table) = {.forward = forward, .backward = backward};
