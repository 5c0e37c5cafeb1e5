/* Elementwise kernels over `rows` pixels of `c` channels; ld* are pixel distances (>= c), so that a tensor may be a channel slice.
 *
 * Every output is computed by itself: the split over the team cannot change a bit. */
#ifndef NLG_POINTWISE_H
#define NLG_POINTWISE_H

#include "layers/kernels/exec.h"

/* y = act(x); derivative [rows, c] without gaps = act'(x) unless NULL. y may be x. */
void nlg_act_forward(const nlg_exec *exec, nlg_act act, int64_t rows, int c, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                     float *derivative);
/* dx = (accumulate ? dx : 0) + dy * act', from y = act(x): not for SiLU. dx may be dy. */
void nlg_act_backward(const nlg_exec *exec, nlg_act act, int64_t rows, int c, const float *y, int64_t ld_y, const float *dy,
                      int64_t ld_dy, bool accumulate, float *dx, int64_t ld_dx);

/* y = act(factor[0] * x[0] + factor[1] * x[1] + ...), n >= 1. y may be one of x with the same distance. */
void nlg_sum(const nlg_exec *exec, nlg_act act, int n, const float *factor, const float *const *x, const int64_t *ld_x,
             int64_t rows, int c, float *y, int64_t ld_y);
/* y = (accumulate ? y : 0) + factor * x. */
void nlg_pointwise_add_scaled(const nlg_exec *exec, int64_t rows, int c, float factor, const float *x, int64_t ld_x,
                              bool accumulate, float *y, int64_t ld_y);

/* y = (accumulate ? y : 0) + a * b, where row i of y meets row i / repeat of b (repeat = 1: elementwise; = H * W: one factor
 * per image and channel). y may be a, or b when repeat is 1. */
void nlg_multiply_rows(const nlg_exec *exec, int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b,
                       int64_t repeat, bool accumulate, float *y, int64_t ld_y);

/* A map of images in which every output row of pixels is a strided copy of an input row or zero: slices, padding, subsampling,
 * upsampling. Pixel (y, x) of the larger side meets pixel (y, x) * step + offset of the other. */
typedef struct nlg_pixel_map {
    int n, c;
    int rows, columns;                        /* pixels copied per image */
    int64_t from_image, from_row, from_pixel; /* distances in floats */
    int64_t to_image, to_row, to_pixel;
} nlg_pixel_map;
/* to = (accumulate ? to : 0) + from for every pixel of the map. */
void nlg_copy_pixels(const nlg_exec *exec, const nlg_pixel_map *map, const float *from, bool accumulate, float *to);
/* Zero `rows` pixels of `c` channels. */
void nlg_zero_rows(const nlg_exec *exec, int64_t rows, int c, float *y, int64_t ld_y);

#endif
