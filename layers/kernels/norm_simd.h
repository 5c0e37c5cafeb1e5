/* Loops of batch normalisation and of sums over pixels, for one instruction set. Sums are added to double arrays [c], where
 * c <= NLG_NORM_WIDTH. */
#ifndef NLG_NORM_SIMD_H
#define NLG_NORM_SIMD_H

#include "layers/kernels/norm.h"

enum { NLG_NORM_WIDTH = 512, NLG_NORM_GROUP = 4 /* rows whose sums are made in floats */ };

typedef struct nlg_norm_simd {
    /* sum += x - center, square += (x - center)^2 */
    void (*statistics)(int64_t rows, int c, const float *x, int64_t ld_x, const float *center, double *sum, double *square);
    /* `stream`: y is too large for the caches, rows of whole vectors begin at multiples of 64 bytes. */
    void (*apply)(const nlg_norm *norm, int64_t first, int64_t rows, float *y, int64_t ld_y, bool stream);
    /* dz = dy * act'(z) over dy: sum += dz, product += dz * (x - mean) */
    void (*gradient_sums)(const nlg_norm *norm, int64_t first, int64_t rows, float *dy, int64_t ld_dy, double *sum,
                          double *product);
    void (*gradient_apply)(const nlg_norm *norm, int64_t first, int64_t rows, const float *dz, int64_t ld_dz,
                           const nlg_norm_gradient *gradient, bool stream); /* of dx, if it is written */
    /* sum += a * b, or a where b is NULL */
    void (*dot)(int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b, double *sum);
} nlg_norm_simd;

#endif
