/* Small things that several ops share. */
#ifndef NLG_OP_UTIL_H
#define NLG_OP_UTIL_H

#include <stdio.h>

#include "layers/kernels/conv.h"
#include "layers/kernels/norm.h"
#include "layers/kernels/pointwise.h"
#include "layers/ops/attrs.h"
#include "layers/ops/op.h"

static inline int64_t shape_size(nlg_shape s) {
    return (int64_t)s.h * s.w * s.c;
}

static inline bool shape_equal(nlg_shape a, nlg_shape b) {
    return a.h == b.h && a.w == b.w && a.c == b.c;
}

/* TensorFlow's 'same': ceil(in / stride) outputs, the odd pixel of padding behind. */
static inline void same_padding(int in, int kernel, int stride, int dilation, int *before, int *after) {
    int out = (in + stride - 1) / stride;
    int64_t total = (int64_t)(out - 1) * stride + (int64_t)(kernel - 1) * dilation + 1 - in;
    if (total < 0) total = 0;
    *before = (int)(total / 2);
    *after = (int)(total - total / 2);
}

/* dx[index] = (accumulate ? dx : 0) + factor * dy channels from `offset` on; nothing if dx is not wanted or is that very memory. */
static inline void copy_gradient(const nlg_op_call *call, int index, float factor, int64_t offset) {
    const nlg_tensor *dx = &call->dx[index], *dy = &call->dy;
    if (!dx->data || (dx->data == dy->data + offset && dx->ld == dy->ld && factor == 1.0f)) return;
    nlg_pointwise_add_scaled(call->exec, nlg_tensor_pixels(dx), dx->c, factor, dy->data + offset, dy->ld,
                             call->accumulate_dx[index], dx->data, dx->ld);
}

/* y's channels from `offset` on = x; nothing if they are the same memory. */
static inline void copy_forward(const nlg_exec *exec, const nlg_tensor *x, const nlg_tensor *y, int64_t offset) {
    if (x->data == y->data + offset && x->ld == y->ld) return;
    nlg_pointwise_add_scaled(exec, nlg_tensor_pixels(x), x->c, 1.0f, x->data, x->ld, false, y->data + offset, y->ld);
}

static inline int64_t act_ops(nlg_act act, int64_t elements) {
    return act == NLG_ACT_NONE ? 0 : elements;
}

static inline const char *act_name(nlg_act act) {
    static const char *const names[] = {"", "relu", "relu6", "silu", "sigmoid", "tanh", "scaled_tanh"};
    return names[act];
}

#endif
