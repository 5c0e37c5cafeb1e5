/* What the convolution drivers ask of an instruction set. Pixels are lists of positions, channels come in panels of 16, so that
 * one pair of microkernels serves forward, backward-data phases, grouped and linear layers, and the weight gradient. */
#ifndef NLG_CONV_SIMD_H
#define NLG_CONV_SIMD_H

#include "layers/kernels/exec.h"

#define NLG_PANEL 16 /* output channels of a weight panel [k][16] */

/* `length` consecutive floats at `offset` from a pixel's base: one kernel row of channels, or one tap. */
typedef struct nlg_conv_run {
    int64_t offset, length;
} nlg_conv_run;

/* How a finished sum becomes an output: y = act(sum + bias + add), where a sum counts as 0 unless its gate is above 0. Pixel i of
 * the list is number index[i] of the tensors. */
typedef struct nlg_conv_output {
    float *y;
    int64_t ld_y;
    const float *add; /* may be NULL, may be y */
    int64_t ld_add;
    const float *gate; /* may be NULL; not with an activation that curves */
    int64_t ld_gate;
    const float *bias; /* may be NULL */
    nlg_act act;
    int channels; /* valid channels from y on */
} nlg_conv_output;

/* For each listed pixel and each output channel of `panels` panels: one chain of fused multiply-adds over k, which runs through
 * `length` floats of the list of runs from `skip` floats into runs[0]. A chain that is cut into blocks of k continues from
 * `partial` [pixel][panels][16]. */
typedef struct nlg_conv_gemm {
    const float *x;
    const int64_t *offset; /* per pixel: base in x */
    const int64_t *index;  /* per pixel: number in y */
    int pixels, panels;
    const nlg_conv_run *runs;
    int64_t skip, length;
    const float *w; /* panel p at w + p * panel_stride */
    int64_t panel_stride;
    const float *next; /* weights that the next call starts with, or NULL */
    int spread; /* 0, or channels of a group: each 16 floats of a run meet that many rows of weights; whole chains of one panel */
    bool first, last, fresh; /* fresh: these pixels were not read lately */
    float *partial;
    nlg_conv_output out;
} nlg_conv_gemm;

/* out[p][m][16] += sum over the listed pixels of x[base + m] * dy[p][pixel][16], m = 0 .. rows - 1: one chain over the pixels,
 * then one addition. */
typedef struct nlg_conv_outer {
    const float *x;
    const int64_t *offset;
    const int64_t *row_offset;  /* unless NULL: row m reads x[base + row_offset[m]] */
    int pixels, panels, unused; /* unused: channels at the end of the last panel whose sums nobody reads */
    int64_t rows;
    const float *dy; /* panel p at dy + p * dy_stride */
    int64_t dy_stride;
    float *out; /* panel p at out + p * out_stride */
    int64_t out_stride;
} nlg_conv_outer;

typedef struct nlg_conv_transpose {
    int64_t ld, columns;
    const int64_t *position;
    int rows, period;
} nlg_conv_transpose;

typedef struct nlg_conv_simd {
    int tile_pixels; /* pixels of a full tile, for dividing work */
    int block_k;     /* longest chain piece whose weights stay in the first cache */
    void (*gemm)(const nlg_conv_gemm *job);
    void (*outer)(const nlg_conv_outer *job);
    /* y = act(y + bias + add) on `pixels` consecutive pixels. */
    void (*finish)(const nlg_conv_output *out, int64_t pixels);
    /* dy [pixels][channels <= 16] at distance ld -> panel [pixels][16], missing channels zero; sum[16] += its column sums. */
    void (*pack_panel)(const float *dy, int64_t ld, int channels, int pixels, float *panel, float *sum);
    void (*add)(float *sum, const float *addend, int64_t vectors);
    /* Between `rows` <= 16 rows of `columns` floats at distance `ld` and a panel [..][16] of their columns: column j is the panel's
     * vector at position[j % period] + (j / period) * 16 floats, none where that position is negative. Missing rows are packed
     * as zeros. */
    void (*pack_rows)(const nlg_conv_transpose *transpose, const float *from, float *panel);
    void (*unpack_rows)(const nlg_conv_transpose *transpose, const float *panel, float *to, bool accumulate);
} nlg_conv_simd;

#endif
