/* The builder: the vocabulary that models are written in.
 *
 * Every call adds nodes to the graph and returns the new value. The first error sticks (later calls do nothing and return -1) and
 * names node and layer; nlg_builder_finish reports it. Layer names are printf-formatted and prefixed by the current scope, so
 * that they are the state-dict names of torchvision (timm where only timm has the network). Layers without parameters take no
 * name. Optional arguments have zero defaults: nlg_conv(b, x, (nlg_conv_args){.out = 64, .kernel = 3, .pad = 1}, "conv1"). */
#ifndef NLG_BUILDER_H
#define NLG_BUILDER_H

#include "layers/graph/graph.h"

typedef struct nlg_builder nlg_builder;
typedef int nlg_value; /* node index, -1 after an error */

nlg_builder *nlg_builder_create(nlg_graph *graph);
/* Destroys the builder and returns its first error. */
nlg_status nlg_builder_finish(nlg_builder *b, nlg_error *err);
/* For models that find a fault themselves. */
void nlg_builder_fail(nlg_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool nlg_builder_failed(const nlg_builder *b);

/* Scopes: push "layer1.0" makes conv "conv1" be "layer1.0.conv1". */
void nlg_push(nlg_builder *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nlg_pop(nlg_builder *b);
/* Nodes made between begin and end are a block of this title (printf-formatted); blocks nest. */
void nlg_block_begin(nlg_builder *b, const char *title, ...) __attribute__((format(printf, 2, 3)));
void nlg_block_end(nlg_builder *b);
/* Nodes and parameters made between begin and end belong to an auxiliary head (left out of inference and of most counts). */
void nlg_aux_begin(nlg_builder *b);
bool nlg_aux_end(nlg_builder *b); /* false: the head was left out, as if it had not been begun */
/* From now on an auxiliary head that does not fit is left out instead of being an error: for other input sizes than a network's
 * own. */
void nlg_builder_allow_missing_aux(nlg_builder *b);
/* Layers made between begin and end may use a parameter name again: the tensor is shared (RetinaNet heads over levels). */
void nlg_share_begin(nlg_builder *b);
void nlg_share_end(nlg_builder *b);

nlg_shape nlg_shape_of(const nlg_builder *b, nlg_value x); /* {0,0,0} after an error */

nlg_value nlg_input(nlg_builder *b, int channels, int height, int width);
void nlg_output(nlg_builder *b, nlg_value x);                        /* main output */
void nlg_output_aux(nlg_builder *b, nlg_value x, float loss_weight); /* auxiliary output */

typedef struct nlg_conv_args {
    int out;
    int kernel;             /* square, or */
    int kernel_h, kernel_w; /* rectangular */
    int stride;             /* default 1; or */
    int stride_h, stride_w;
    int pad;          /* all sides; or */
    int pad_h, pad_w; /* top = bottom, left = right; or */
    int pad_tblr[4];  /* explicit, asymmetric */
    bool same;        /* TensorFlow's 'same' */
    bool half;        /* (kernel - 1) / 2 * dilation on all sides: stride-1 'same' for odd kernels */
    int dilation;     /* default 1 */
    int groups;       /* default 1; -1: depthwise (groups = input channels, out = input channels unless set) */
    bool bias;
} nlg_conv_args;
nlg_value nlg_conv(nlg_builder *b, nlg_value x, nlg_conv_args args, const char *name, ...) __attribute__((format(printf, 4, 5)));

/* weight [out, C*H*W], bias unless no_bias. */
typedef struct nlg_linear_args {
    int out;
    bool no_bias;
} nlg_linear_args;
nlg_value nlg_linear(nlg_builder *b, nlg_value x, nlg_linear_args args, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

typedef struct nlg_norm_args {
    float eps;      /* default 1e-5 */
    float momentum; /* default 0.1, PyTorch's convention */
    bool no_affine;
} nlg_norm_args;
nlg_value nlg_batch_norm(nlg_builder *b, nlg_value x, nlg_norm_args args, const char *name, ...)
    __attribute__((format(printf, 4, 5)));

nlg_value nlg_activation(nlg_builder *b, nlg_value x, nlg_act act); /* NLG_ACT_NONE returns x */
nlg_value nlg_relu(nlg_builder *b, nlg_value x);

typedef struct nlg_pool_args {
    int kernel, stride; /* stride defaults to kernel */
    int pad;            /* all sides, or */
    int pad_tblr[4];
    bool same, ceil_mode;
    bool exclude_pad; /* average: count_include_pad = false */
} nlg_pool_args;
nlg_value nlg_max_pool(nlg_builder *b, nlg_value x, nlg_pool_args args);
nlg_value nlg_avg_pool(nlg_builder *b, nlg_value x, nlg_pool_args args);
nlg_value nlg_global_avg_pool(nlg_builder *b, nlg_value x);
nlg_value nlg_adaptive_avg_pool(nlg_builder *b, nlg_value x, int out_h, int out_w);

/* y = x / (k + alpha * sum of squares over size channels) ^ beta; alpha as the 2012 paper writes it (not divided by size). */
nlg_value nlg_lrn(nlg_builder *b, nlg_value x, int size, float alpha, float beta, float k);

nlg_value nlg_add(nlg_builder *b, nlg_value x, nlg_value y);
nlg_value nlg_add_scaled(nlg_builder *b, nlg_value x, nlg_value y, float factor_y); /* x + factor * y */
nlg_value nlg_add_n(nlg_builder *b, const nlg_value *x, int n);
nlg_value nlg_concat(nlg_builder *b, const nlg_value *x, int n);
nlg_value nlg_multiply(nlg_builder *b, nlg_value x, nlg_value y);
nlg_value nlg_channel_scale(nlg_builder *b, nlg_value x, nlg_value s);
nlg_value nlg_slice(nlg_builder *b, nlg_value x, int begin, int count);
nlg_value nlg_channel_pad(nlg_builder *b, nlg_value x, int stride, int before, int after);
nlg_value nlg_spatial_pad(nlg_builder *b, nlg_value x, int top, int bottom, int left, int right); /* negative crops */
nlg_value nlg_upsample(nlg_builder *b, nlg_value x, int factor);
nlg_value nlg_dropout(nlg_builder *b, nlg_value x, float rate);
nlg_value nlg_drop_path(nlg_builder *b, nlg_value x, float rate);

/* Any op of ops.def with private parameters copied from `attrs` (NULL if it has none), for layers that only one family uses
 * (LeNet-5's conv_table, subsample, rbf). */
nlg_value nlg_apply(nlg_builder *b, const char *op, const void *attrs, const nlg_value *x, int n, const char *name, ...)
    __attribute__((format(printf, 6, 7)));

#endif
