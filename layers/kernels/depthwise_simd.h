/* What the depthwise driver asks of an instruction set: a block of rows and columns of one image, vectors over channels. */
#ifndef NLG_DEPTHWISE_SIMD_H
#define NLG_DEPTHWISE_SIMD_H

#include "layers/kernels/conv_internal.h"

/* Outputs of rows row_begin .. row_end and columns col_begin .. col_end of a phase. */
typedef struct nlg_depthwise_block {
    const float *x;       /* source row 0, column 0 */
    int64_t ld_row, ld_x; /* distance of two source rows, of two source columns */
    nlg_conv_axis rows, cols;
    int row_begin, row_end, col_begin, col_end, channels;
    const float *w; /* [rows][taps][ld_w] */
    int64_t ld_w;
    int64_t index, ld_index; /* number of output (0, 0) in `out.y`; distance of two rows' numbers */
    nlg_conv_output out;
} nlg_depthwise_block;

/* sums [rows][taps][ld_w] += x * dy over the block: output (p, q) has its dy at dy + p * ld_dy_row + q * ld_dy. */
typedef struct nlg_depthwise_outer {
    nlg_depthwise_block block;
    const float *dy;
    int64_t ld_dy_row, ld_dy;
    float *sums, *bias; /* bias [channels] += dy, may be NULL */
} nlg_depthwise_outer;

typedef struct nlg_depthwise_simd {
    int tile; /* outputs of a row computed together */
    void (*block)(const nlg_depthwise_block *job);
    void (*outer)(const nlg_depthwise_outer *job);
} nlg_depthwise_simd;

#endif
