/* Elementwise loops: see pointwise_simd.h. */
#include "layers/kernels/pointwise_simd.h"

#include "layers/kernels/lanes.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/vmath.h"

NLG_INLINE void act_rows(const nlg_act act, int64_t rows, int64_t c, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                         float *derivative) {
    for (int64_t row = 0; row < rows; row++, x += ld_x, y += ld_y) {
        if (derivative) {
            FOR_LANES(c, {
                vf z = lanes_load(x + i, n);
                lanes_store(derivative + i, vf_act_back(act, z, vf_set1(1.0f)), n);
                lanes_store(y + i, vf_act(act, z), n);
            });
            derivative += c;
        } else {
            FOR_LANES(c, { lanes_store(y + i, vf_act(act, lanes_load(x + i, n)), n); });
        }
    }
}

NLG_INLINE void curved_rows(const nlg_act act, int64_t rows, int64_t c, const float *x, int64_t ld_x, float *y, int64_t ld_y) {
    for (int64_t row = 0; row < rows; row++, x += ld_x, y += ld_y)
        FOR_LANES(c, { lanes_store(y + i, vf_act_curved(act, lanes_load(x + i, n)), n); });
}

static void act_forward(nlg_act act, int64_t rows, int64_t c, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                        float *derivative) {
    if (act > NLG_ACT_RELU6 && !derivative)
        NLG_CURVED_CASES(act, { curved_rows(ACT, rows, c, x, ld_x, y, ld_y); });
    else
        NLG_ACT_CASES(act, { act_rows(ACT, rows, c, x, ld_x, y, ld_y, derivative); });
}

NLG_INLINE void act_back_rows(const nlg_act act, int64_t rows, int64_t c, const float *y, int64_t ld_y, const float *dy,
                              int64_t ld_dy, const bool accumulate, float *dx, int64_t ld_dx) {
    for (int64_t row = 0; row < rows; row++, y += ld_y, dy += ld_dy, dx += ld_dx) {
        FOR_LANES(c, {
            vf d = vf_act_back_y(act, lanes_load(y + i, n), lanes_load(dy + i, n));
            if (accumulate) d = vf_add(lanes_load(dx + i, n), d);
            lanes_store(dx + i, d, n);
        });
    }
}

static void act_back(nlg_act act, int64_t rows, int64_t c, const float *y, int64_t ld_y, const float *dy, int64_t ld_dy,
                     bool accumulate, float *dx, int64_t ld_dx) {
    if (accumulate) {
        NLG_ACT_CASES(act, { act_back_rows(ACT, rows, c, y, ld_y, dy, ld_dy, true, dx, ld_dx); });
    } else {
        NLG_ACT_CASES(act, { act_back_rows(ACT, rows, c, y, ld_y, dy, ld_dy, false, dx, ld_dx); });
    }
}

NLG_INLINE void sum_rows(const nlg_act act, int64_t rows, int64_t c, int inputs, const float *factor, const float *const *x,
                         const int64_t *ld_x, bool accumulate, float *y, int64_t ld_y) {
    for (int64_t row = 0; row < rows; row++, y += ld_y) {
        FOR_LANES(c, {
            vf first = lanes_load(x[0] + row * ld_x[0] + i, n), f = vf_set1(factor[0]);
            vf sum = accumulate ? vf_fma(f, first, lanes_load(y + i, n)) : vf_mul(f, first);
            for (int k = 1; k < inputs; k++) sum = vf_fma(vf_set1(factor[k]), lanes_load(x[k] + row * ld_x[k] + i, n), sum);
            lanes_store(y + i, vf_act(act, sum), n);
        });
    }
}

static void sum(nlg_act act, int64_t rows, int64_t c, int n, const float *factor, const float *const *x, const int64_t *ld_x,
                bool accumulate, float *y, int64_t ld_y) {
    NLG_ACT_CASES(act, { sum_rows(ACT, rows, c, n, factor, x, ld_x, accumulate, y, ld_y); });
}

static void multiply(int64_t rows, int64_t c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, bool accumulate, float *y,
                     int64_t ld_y) {
    for (int64_t row = 0; row < rows; row++, a += ld_a, b += ld_b, y += ld_y) {
        FOR_LANES(c, {
            vf u = lanes_load(a + i, n), v = lanes_load(b + i, n);
            lanes_store(y + i, accumulate ? vf_fma(u, v, lanes_load(y + i, n)) : vf_mul(u, v), n);
        });
    }
}

const nlg_pointwise_simd NLG_NAME(pointwise_table) = {
    .act = act_forward,
    .act_back = act_back,
    .sum = sum,
    .multiply = multiply,
};
