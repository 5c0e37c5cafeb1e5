/* Private parameters of the ops, as the builder and the planner fill them. An op without a struct here has none. */
#ifndef NLG_ATTRS_H
#define NLG_ATTRS_H

#include <stdbool.h>

#include "layers/base/rng.h"
#include "layers/kernels/exec.h"

/* "conv2d": x -> y. Parameters: weight [K,C/groups,R,S], bias [K] if `bias`.
 * Fusion (planner, inference): `norm` appends the batch norm's weight, bias, running_mean, running_var, folded into the packed
 * weights by pack; `scale` takes a second input, one factor for each image and channel of x, which x is multiplied with (see
 * nlg_conv_scale_fits); `add` takes a last input of y's shape, added before `act`. */
typedef struct nlg_conv2d_attrs {
    int out, kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_bottom, pad_left, pad_right;
    bool same; /* TensorFlow's 'same': padding from the input size, the odd pixel after; overrides pad_* */
    int dilation, groups;
    bool bias;
    bool norm;
    bool norm_affine;
    float norm_eps;
    bool scale;
    bool add;
    nlg_act act;
    bool gate;
} nlg_conv2d_attrs;

/* "linear": the whole H x W x C input in C,H,W order -> out features. Parameters: weight [out, C*H*W], bias [out] if `bias`.
 * Fused like conv2d's act. */
typedef struct nlg_linear_attrs {
    int out;
    bool bias;
    nlg_act act;
} nlg_linear_attrs;

/* "batch_norm": y = (x - mean) / sqrt(var + eps) * weight + bias. Parameters: weight, bias (if affine), running_mean,
 * running_var; running = (1 - momentum) * running + momentum * batch (unbiased variance), PyTorch's convention.
 * Fusion (planner): y = act(norm(x) + add), with `add` as second input. */
typedef struct nlg_batch_norm_attrs {
    float eps, momentum;
    bool affine;
    bool add;
    nlg_act act;
} nlg_batch_norm_attrs;

/* "activation" */
typedef struct nlg_activation_attrs {
    nlg_act act;
} nlg_activation_attrs;

/* "max_pool", "avg_pool": windows; `global` covers the whole input ("avg_pool" only); `same` as in conv2d. */
typedef struct nlg_pool_attrs {
    int kernel_h, kernel_w, stride_h, stride_w;
    int pad_top, pad_bottom, pad_left, pad_right;
    bool same;
    bool ceil_mode;         /* PyTorch's rule: the last window must start inside the input or its left padding */
    bool count_include_pad; /* average: divide by the whole window */
    bool global;
} nlg_pool_attrs;

/* "adaptive_avg_pool": out_h x out_w cells, window i covers [floor(i*H/out), ceil((i+1)*H/out)). */
typedef struct nlg_adaptive_pool_attrs {
    int out_h, out_w;
} nlg_adaptive_pool_attrs;

/* "local_response_norm": y = x / (k + alpha * sum of squares over `size` neighbouring channels) ^ beta, as in AlexNet's paper.
 * torch's form divides alpha by size: who wants it gives the quotient. */
typedef struct nlg_lrn_attrs {
    int size;
    float alpha, beta, k;
} nlg_lrn_attrs;

/* "add": sum of all inputs, each times its factor (1 unless scaled: Inception-ResNet's 0.1 .. 0.3), then act. */
typedef struct nlg_add_attrs {
    float factor[24];
    nlg_act act;
} nlg_add_attrs;

/* "channel_scale": x [H,W,C] times s [1,1,C] (squeeze-and-excitation); no attrs.
 * "concat": channels of all inputs in order; no attrs. "flatten": C,H,W order view is a matter of "linear"; no op needed.
 * "multiply": elementwise product of two inputs of the same shape; no attrs. */

/* "channel_pad": option A shortcut: take every stride-th pixel, `before` and `after` zero channels around. */
typedef struct nlg_channel_pad_attrs {
    int stride, before, after;
} nlg_channel_pad_attrs;

/* "spatial_pad": zero pixels around (negative values crop). */
typedef struct nlg_spatial_pad_attrs {
    int top, bottom, left, right;
} nlg_spatial_pad_attrs;

/* "upsample_nearest": each pixel factor x factor times. */
typedef struct nlg_upsample_attrs {
    int factor;
} nlg_upsample_attrs;

/* "dropout": with batch statistics active, zero with probability `rate`, scale by 1 / (1 - rate); else identity.
 * "drop_path": the same for whole images (stochastic depth). Masks are keyed by call->rng and the element (image) index. */
typedef struct nlg_dropout_attrs {
    float rate;
} nlg_dropout_attrs;

/* "slice": channels [begin, begin + count) of the input. */
typedef struct nlg_slice_attrs {
    int begin, count;
} nlg_slice_attrs;

/* "subsample_scale" (LeNet-5 S2, S4): y = x * weight[c] + bias[c] on sums of 2 x 2 pixels; parameters weight [C], bias [C].
 * "conv_table" (LeNet-5 C3): convolution whose output map k reads the input maps of table row k only; parameters weight
 * [number of connections, R, S] in order of output map then input map, bias [K].
 * "rbf" (LeNet-5 output): y[i] = -sum_j (x[j] - code[i][j])^2; parameter codes [10,84] constant. */
typedef struct nlg_conv_table_attrs {
    int inputs, out, kernel;
    const unsigned char *table; /* out x inputs, 1 = connected; static data */
} nlg_conv_table_attrs;

#endif
