/* Convolution: x [N,H,W,C] * w [K,C/groups,R,S] (O,I,H,W) -> y [N,P,Q,K], with its two gradients.
 *
 * Letters: N images, H W input rows and columns, C input channels, P Q output rows and columns, K output channels, R S kernel
 * rows and columns, G groups. Activations are NHWC; `ld*` is the distance of two pixels in floats (>= channels), so that a
 * tensor may be a channel slice of a wider one (concatenation in place). The packed form of the weights is private to
 * algorithm and pass, and independent of threads.
 *
 * Each output of the direct forms is one chain of fused multiply-adds over (r, s, c) in that order, starting at zero; bias,
 * addend and activation follow. The weight gradient is cut over pixels into a number of parts that depends on the shape alone. */
#ifndef NLG_CONV_H
#define NLG_CONV_H

#include "layers/kernels/exec.h"

typedef struct nlg_conv_shape {
    int n, h, w, c;
    int p, q, k;
    int r, s, stride_h, stride_w, pad_top, pad_bottom, pad_left, pad_right, dilation, groups;
} nlg_conv_shape;

typedef enum { NLG_CONV_FORWARD, NLG_CONV_BACKWARD_DATA, NLG_CONV_BACKWARD_WEIGHTS } nlg_conv_pass;
typedef enum { NLG_CONV_DIRECT, NLG_CONV_DEPTHWISE, NLG_CONV_WINOGRAD } nlg_conv_algorithm;

/* P and Q of a shape whose other fields are set; false if the kernel does not fit the padded input. */
bool nlg_conv_output_size(nlg_conv_shape *shape);

/* Rule on shapes alone (never timing, threads or CPU). */
nlg_conv_algorithm nlg_conv_choose(const nlg_conv_shape *shape, nlg_conv_pass pass, bool direct_only);
const char *nlg_conv_algorithm_name(nlg_conv_algorithm algorithm);

/* Floats needed for packed weights (0 for the weight gradient) and for scratch with a team of `threads`. */
size_t nlg_conv_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec);
size_t nlg_conv_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec);

/* w_oihw [K,C/G,R,S] -> packed, for FORWARD or BACKWARD_DATA. */
void nlg_conv_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw, float *packed);

/* y = act(conv(x) + bias + add); bias [K] and add (same shape as y, pixel distance ld_add) may be NULL; add may be y itself. */
typedef struct nlg_conv_epilogue {
    const float *bias;
    const float *add;
    int64_t ld_add;
    nlg_act act;
} nlg_conv_epilogue;

void nlg_conv_forward(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *packed,
                      const nlg_conv_epilogue *epilogue, float *y, int64_t ld_y, float *scratch);

/* The same of x times scale, one factor for each image (distance ld_scale) and channel. The product is rounded, but stays in the
 * caches. For 1 x 1 kernels of stride 1 without padding and groups, and worth it where x does not stay in the caches. */
bool nlg_conv_scale_fits(const nlg_conv_shape *shape, const nlg_exec *exec);
size_t nlg_conv_scaled_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec);
void nlg_conv_scaled_forward(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *scale,
                             int64_t ld_scale, const float *packed, const nlg_conv_epilogue *epilogue, float *y, int64_t ld_y,
                             float *scratch);

/* dx = (accumulate ? dx : 0) + gradient. */
void nlg_conv_backward_data(const nlg_exec *exec, const nlg_conv_shape *shape, const float *dy, int64_t ld_dy, const float *packed,
                            bool accumulate, float *dx, int64_t ld_dx, float *scratch);

/* The same where x is the output of a ReLU and dx belongs to the ReLU's input: the gradient counts where x is above 0. Not every
 * algorithm and backend can do it. */
bool nlg_conv_gate_fits(const nlg_conv_shape *shape, const nlg_exec *exec);
void nlg_conv_backward_gated(const nlg_exec *exec, const nlg_conv_shape *shape, const float *dy, int64_t ld_dy, const float *packed,
                             const float *x, int64_t ld_x, bool accumulate, float *dx, int64_t ld_dx, float *scratch);

/* dw_oihw [K,C/G,R,S] = (accumulate ? dw_oihw : 0) + gradient; db [K] likewise unless NULL. */
void nlg_conv_backward_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *dy,
                               int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch);

/* Plain twins in the simplest loops (double sums), for tests: same meaning, no packing, one thread. */
void nlg_conv_plain_forward(const nlg_conv_shape *shape, const float *x, const float *w_oihw, const float *bias, float *y);
void nlg_conv_plain_backward(const nlg_conv_shape *shape, const float *x, const float *w_oihw, const float *dy, float *dx,
                             float *dw_oihw, float *db);

#endif
