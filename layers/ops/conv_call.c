#include "layers/ops/conv_call.h"

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t packed_forward(const nlg_op_call *call, const nlg_conv_shape *shape) {
    return round_up_floats(nlg_conv_packed_size(shape, NLG_CONV_FORWARD, call->exec));
}

size_t nlg_conv_call_packed(const nlg_op_call *call, const nlg_conv_shape *shape) {
    size_t backward = call->training ? round_up_floats(nlg_conv_packed_size(shape, NLG_CONV_BACKWARD_DATA, call->exec)) : 0;
    return packed_forward(call, shape) + backward;
}

void nlg_conv_call_pack(const nlg_op_call *call, const nlg_conv_shape *shape, const float *weight) {
    nlg_conv_pack(call->exec, shape, NLG_CONV_FORWARD, weight, call->packed);
    if (call->training && call->dx[0].data)
        nlg_conv_pack(call->exec, shape, NLG_CONV_BACKWARD_DATA, weight, call->packed + packed_forward(call, shape));
}

size_t nlg_conv_call_scratch(const nlg_op_call *call, const nlg_conv_shape *shape) {
    size_t size = nlg_conv_scratch_size(shape, NLG_CONV_FORWARD, call->exec);
    if (call->training) {
        size = larger(size, nlg_conv_scratch_size(shape, NLG_CONV_BACKWARD_DATA, call->exec));
        size = larger(size, nlg_conv_scratch_size(shape, NLG_CONV_BACKWARD_WEIGHTS, call->exec));
    }
    return size;
}

void nlg_conv_call_backward(const nlg_op_call *call, const nlg_conv_shape *shape, bool gate, float *dw, float *db, float *scratch) {
    const nlg_exec *exec = call->exec;
    const nlg_tensor *x = &call->x[0], *dx = &call->dx[0], *dy = &call->dy;
    if (dw)
        nlg_conv_backward_weights(exec, shape, x->data, x->ld, dy->data, dy->ld, call->accumulate_dparam, dw, db, scratch);
    else if (db)
        nlg_channel_dot(exec, 1, nlg_tensor_pixels(dy), dy->c, dy->data, dy->ld, NULL, 0, call->accumulate_dparam, db, 0);
    if (dx->data && gate)
        nlg_conv_backward_gated(exec, shape, dy->data, dy->ld, call->packed + packed_forward(call, shape), x->data, x->ld,
                                call->accumulate_dx[0], dx->data, dx->ld, scratch);
    else if (dx->data)
        nlg_conv_backward_data(exec, shape, dy->data, dy->ld, call->packed + packed_forward(call, shape), call->accumulate_dx[0],
                               dx->data, dx->ld, scratch);
}

const char *nlg_conv_call_algorithm(const nlg_op_call *call, const nlg_conv_shape *shape) {
    return nlg_conv_algorithm_name(nlg_conv_choose(shape, NLG_CONV_FORWARD, call->exec->direct_only));
}
