/* What the ops built on convolution share: conv2d, linear, conv_table. */
#ifndef NLG_CONV_CALL_H
#define NLG_CONV_CALL_H

#include "layers/ops/op_util.h"

/* Packed weights for forward, and in training behind them those for the data gradient. */
size_t nlg_conv_call_packed(const nlg_op_call *call, const nlg_conv_shape *shape);
/* From `weight` (O,I,H,W). */
void nlg_conv_call_pack(const nlg_op_call *call, const nlg_conv_shape *shape, const float *weight);
/* Floats of scratch for forward, and in training for backward. */
size_t nlg_conv_call_scratch(const nlg_op_call *call, const nlg_conv_shape *shape);
/* dx with the packed weights; dw and db (NULL: not wanted) accumulate as the call says. `gate`: x is a ReLU's output and dx belongs
 * to the ReLU's input. */
void nlg_conv_call_backward(const nlg_op_call *call, const nlg_conv_shape *shape, bool gate, float *dw, float *db, float *scratch);
const char *nlg_conv_call_algorithm(const nlg_op_call *call, const nlg_conv_shape *shape);

extern const nlg_op nlg_op_conv2d, nlg_op_channel_scale;
extern const nlg_op nlg_op_batch_norm; /* which a convolution takes over in inference */
/* Sizes of a conv2d for one image of shape x, with P and Q; false if the kernel does not fit. */
bool nlg_conv2d_shape(const nlg_conv2d_attrs *attrs, nlg_shape x, nlg_conv_shape *shape);
/* Bias (behind the packed weights), addend and activation of a conv2d's call. */
nlg_conv_epilogue nlg_conv2d_epilogue(const nlg_op_call *call, const nlg_conv_shape *shape);

static inline size_t conv_weight_count(const nlg_conv_shape *s) {
    return (size_t)s->k * (size_t)(s->c / s->groups) * (size_t)s->r * (size_t)s->s;
}

static inline size_t round_up_floats(size_t count) {
    return (count + 15) / 16 * 16;
}

#endif
