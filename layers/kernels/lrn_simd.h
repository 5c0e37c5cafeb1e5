/* Local response normalisation of `rows` pixels; buffer: NLG_LRN_BUFFER(lrn) floats of one worker. */
#ifndef NLG_LRN_SIMD_H
#define NLG_LRN_SIMD_H

#include "layers/kernels/lrn.h"

/* Three lines of channels, each with room for the window's ends and a last vector. */
#define NLG_LRN_LINE(lrn)   (((size_t)(lrn)->c + (size_t)(lrn)->size + 31) / 16 * 16)
#define NLG_LRN_BUFFER(lrn) (3 * NLG_LRN_LINE(lrn))

typedef struct nlg_lrn_simd {
    void (*forward)(const nlg_lrn *lrn, int64_t rows, const float *x, int64_t ld_x, float *y, int64_t ld_y, float *buffer);
    void (*backward)(const nlg_lrn *lrn, int64_t rows, const float *x, int64_t ld_x, const float *dy, int64_t ld_dy,
                     bool accumulate, float *dx, int64_t ld_dx, float *buffer);
} nlg_lrn_simd;

#endif
