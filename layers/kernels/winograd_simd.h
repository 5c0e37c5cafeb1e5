/* What the Winograd driver asks of an instruction set: the transforms of F(4x4, 3x3), vectors over channels. */
#ifndef NLG_WINOGRAD_SIMD_H
#define NLG_WINOGRAD_SIMD_H

#include "layers/kernels/conv_simd.h"

enum { NLG_WINOGRAD_TILE = 6, NLG_WINOGRAD_OUT = 4, NLG_WINOGRAD_PRODUCTS = 36 };

/* One tile of finished products, [36][16] at distance `stride`: rows x cols <= 4 x 4 outputs from number `index` on, whose rows are
 * `row_step` pixels apart, channels from `channel` on. */
typedef struct nlg_winograd_outputs {
    const float *products;
    int64_t stride, index, row_step;
    int channel, rows, cols;
} nlg_winograd_outputs;

typedef struct nlg_winograd_simd {
    /* Channels [begin, end) of 6 x 6 source pixels (where outside, of zeros) -> 36 rows of v at distance `stride`; the last vector
     * is padded with zeros. */
    void (*source)(const float *const pixel[36], int begin, int end, float *v, int64_t stride);
    /* 4 x 4 output gradients of up to 16 channels -> 36 vectors at distance `stride`. */
    void (*gradient)(const float *const pixel[16], int channels, float *v, int64_t stride);
    void (*outputs)(const nlg_winograd_outputs *tile, const nlg_conv_output *out);
    /* Weights [depth][9][16] -> 36 rows [depth][16] of u at distance `stride`. */
    void (*weights)(const float *taps, int64_t depth, float *u, int64_t stride);
    /* Sums [36][depth][16] -> weight gradient [9][depth][16] in place. */
    void (*weight_gradient)(float *panel, int64_t depth);
} nlg_winograd_simd;

#endif
