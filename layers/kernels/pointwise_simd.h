/* Elementwise loops of one instruction set over `rows` pixels of `c` channels with pixel distances ld*. */
#ifndef NLG_POINTWISE_SIMD_H
#define NLG_POINTWISE_SIMD_H

#include "layers/kernels/exec.h"

typedef struct nlg_pointwise_simd {
    /* y = act(x); derivative [rows, c] (distance c) = act'(x) unless NULL. y may be x. */
    void (*act)(nlg_act act, int64_t rows, int64_t c, const float *x, int64_t ld_x, float *y, int64_t ld_y, float *derivative);
    /* dx = (accumulate ? dx : 0) + dy * act'; from y, so not for SiLU. dx may be dy. */
    void (*act_back)(nlg_act act, int64_t rows, int64_t c, const float *y, int64_t ld_y, const float *dy, int64_t ld_dy,
                     bool accumulate, float *dx, int64_t ld_dx);
    /* y = act((accumulate ? y : 0) + factor[0] * x[0] + ... ), fused multiply-adds in that order. y may be any x. */
    void (*sum)(nlg_act act, int64_t rows, int64_t c, int n, const float *factor, const float *const *x, const int64_t *ld_x,
                bool accumulate, float *y, int64_t ld_y);
    /* y = (accumulate ? y : 0) + a * b; ld_b = 0 repeats one row of b. y may be a or b. */
    void (*multiply)(int64_t rows, int64_t c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, bool accumulate, float *y,
                     int64_t ld_y);
} nlg_pointwise_simd;

#endif
