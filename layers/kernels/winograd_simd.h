/* What the Winograd driver asks of an instruction set: the transforms of F(4x4, 3x3) and F(2x2, 5x5), and of F(4, 3) and F(4, 7)
 * along one axis; vectors over channels. */
#ifndef NLG_WINOGRAD_SIMD_H
#define NLG_WINOGRAD_SIMD_H

#include "layers/kernels/conv_simd.h"

enum { NLG_WINOGRAD_OUT = 4 }; /* most outputs of a tile along each axis that the kernel spans */

typedef enum {
    NLG_WINOGRAD_SQUARE_3,
    NLG_WINOGRAD_SQUARE_5,
    NLG_WINOGRAD_LINE_3,
    NLG_WINOGRAD_LINE_7,
    NLG_WINOGRAD_FORMS
} nlg_winograd_form;

/* The source pixels of a tile in an image [row][column]: pixel (i, j) at x + at + i * row + j * column. Those outside of [top,
 * bottom) x [left, right) are zeros. A line is a column of pixels, whichever axis it lies along. */
typedef struct nlg_winograd_window {
    const float *x;
    int64_t at, row, column;
    int top, bottom, left, right;
} nlg_winograd_window;

/* One tile of finished products, [products][16] at distance `stride`: rows x cols <= 4 x 4 outputs (a line: 4 x 1) from number
 * `index` on, whose rows are `row_step` pixels apart, channels from `channel` on. */
typedef struct nlg_winograd_outputs {
    const float *products;
    int64_t stride, index, row_step;
    int channel, rows, cols;
} nlg_winograd_outputs;

/* `count` matrix products: products [tile][panels][16] = (first ? 0 : products) + v [tile][depth] x u [panel][depth][16], each sum
 * one chain of fused multiply-adds. */
typedef struct nlg_winograd_multiply {
    const float *v, *u;
    float *products;
    int count;
    int64_t v_stride, u_stride, product_stride; /* from one of the products to the next */
    int64_t ld_v, panel_stride;                 /* tiles of v, panels of u */
    int64_t depth;
    int tiles, panels;
    bool first;
    const float *ahead; /* brought nearer meanwhile: `count` times so many floats of each panel, which are `ahead_panel` apart */
    int64_t ahead_floats, ahead_panel;
} nlg_winograd_multiply;

typedef struct nlg_winograd_transforms {
    /* Channels [begin, end) of a tile's source pixels -> rows of v at distance `stride`, one for each product; the last vector may
     * hold any values beyond `end`. */
    void (*source)(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride);
    void (*outputs)(const nlg_winograd_outputs *tile, const nlg_conv_output *out);
    /* Weights [depth][taps][16] -> rows [depth][16] of u at distance `stride`, one for each product. */
    void (*weights)(const float *taps, int64_t depth, float *u, int64_t stride);
} nlg_winograd_transforms;

typedef struct nlg_winograd_simd {
    int tiles; /* that a product takes at once, for dividing work */
    nlg_winograd_transforms form[NLG_WINOGRAD_FORMS];
    void (*multiply)(const nlg_winograd_multiply *job);
    /* Of F(4x4, 3x3): channels [begin, end) of 4 x 4 output gradients, at most 16 -> 36 vectors at distance `stride`, padded with
     * zeros. */
    void (*gradient)(const nlg_winograd_window *from, int begin, int end, float *v, int64_t stride);
    /* Of F(4x4, 3x3): sums [36][depth][16] -> weight gradient [9][depth][16] in place. */
    void (*weight_gradient)(float *panel, int64_t depth);
} nlg_winograd_simd;

#endif
