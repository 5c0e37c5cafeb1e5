/* Pooling of one row of output pixels (forward) or input pixels (backward), channels [begin, end) of one image. */
#ifndef NLG_POOL_SIMD_H
#define NLG_POOL_SIMD_H

#include "layers/kernels/pool.h"

/* Pointers are to the first pixel of the image; `row` is the row of the side written. */
typedef struct nlg_pool_row {
    const nlg_pool *pool;
    int row, begin, end;
    const float *from;
    int64_t ld_from;
    float *to;
    int64_t ld_to;
    int32_t *position; /* written by max_forward unless NULL, read by max_backward */
    bool accumulate;
} nlg_pool_row;

typedef struct nlg_pool_simd {
    void (*max_forward)(const nlg_pool_row *row);
    void (*max_backward)(const nlg_pool_row *row);
    void (*average_forward)(const nlg_pool_row *row);
    void (*average_backward)(const nlg_pool_row *row);
} nlg_pool_simd;

#endif
