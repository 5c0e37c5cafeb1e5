/* What the depthwise driver asks of an instruction set: one output row at a time, vectors over channels. */
#ifndef NLG_DEPTHWISE_SIMD_H
#define NLG_DEPTHWISE_SIMD_H

#include "layers/kernels/conv_simd.h"

/* Rows of the source under one output row, of which taps row_begin .. row_end lie inside the image: tap row t at
 * x + t * row_step. Output column i reads columns i * stride + first + t * step of `columns`. */
typedef struct nlg_depthwise_row {
    const float *x;
    int64_t row_step, ld_x;
    int row_begin, row_end, columns, outputs, stride, first, step, taps;
    int channels;
    int64_t out_step; /* distance of two outputs in `out.y` (and `out.add`), in pixels */
    int64_t index;    /* number of the first output */
    const float *w;   /* [rows][taps][ld_w] */
    int64_t ld_w;
    nlg_conv_output out;
} nlg_depthwise_row;

/* sums [rows][taps][ld_w] += x * dy over one output row: dy at `dy`, pixels `ld_dy` apart. */
typedef struct nlg_depthwise_outer {
    nlg_depthwise_row row;
    const float *dy;
    int64_t ld_dy;
    float *sums, *bias; /* bias [channels] += dy, may be NULL */
} nlg_depthwise_outer;

typedef struct nlg_depthwise_simd {
    void (*row)(const nlg_depthwise_row *job);
    void (*outer)(const nlg_depthwise_outer *job);
} nlg_depthwise_simd;

#endif
