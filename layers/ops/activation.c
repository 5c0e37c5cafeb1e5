/* Activation. SiLU keeps its derivative, the others find it from y. Cost: other_ops 1 per element. */
#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x, (void)err;
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)x, (void)n_x;
    cost->other_ops = act_ops(((const nlg_activation_attrs *)attrs)->act, shape_size(y));
}

static bool keeps_derivative(const void *attrs) {
    return ((const nlg_activation_attrs *)attrs)->act == NLG_ACT_SILU;
}

static unsigned reads(const void *attrs) {
    return keeps_derivative(attrs) ? 0 : NLG_OP_READS_Y;
}

static size_t saved_size(const nlg_op_call *call) {
    return keeps_derivative(call->attrs) ? (size_t)nlg_tensor_pixels(&call->x[0]) * (size_t)call->x[0].c : 0;
}

static void forward(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    float *derivative = call->training && keeps_derivative(call->attrs) ? call->saved : NULL;
    nlg_act_forward(call->exec, ((const nlg_activation_attrs *)call->attrs)->act, nlg_tensor_pixels(x), x->c, x->data, x->ld,
                    y->data, y->ld, derivative);
}

static void backward(const nlg_op_call *call) {
    const nlg_tensor *y = &call->y, *dy = &call->dy, *dx = &call->dx[0];
    if (!dx->data) return;
    if (keeps_derivative(call->attrs))
        nlg_multiply_rows(call->exec, nlg_tensor_pixels(dy), dy->c, dy->data, dy->ld, call->saved, dy->c, 1, call->accumulate_dx[0],
                          dx->data, dx->ld);
    else
        nlg_act_backward(call->exec, ((const nlg_activation_attrs *)call->attrs)->act, nlg_tensor_pixels(dy), dy->c, y->data, y->ld,
                         dy->data, dy->ld, call->accumulate_dx[0], dx->data, dx->ld);
}

static void describe(const void *attrs, char *text, size_t size) {
    snprintf(text, size, "%s", act_name(((const nlg_activation_attrs *)attrs)->act));
}

static nlg_act activates(const void *attrs) {
    return ((const nlg_activation_attrs *)attrs)->act;
}

static const char *word(const void *attrs, nlg_shape x) {
    static const char *const words[] = {"", "ReLU", "ReLU6", "SiLU", "sigmoid", "tanh", "tanh"};
    (void)x;
    return words[((const nlg_activation_attrs *)attrs)->act];
}

static bool onnx(const nlg_onnx_use *u) {
    static const char *const types[] = {NULL, "Relu", "Clip", NULL, "Sigmoid", "Tanh", NULL};
    const nlg_act act = ((const nlg_activation_attrs *)u->attrs)->act;
    const float bounds[] = {0, 6};
    char least[NLG_ONNX_NAME], most[NLG_ONNX_NAME], gate[NLG_ONNX_NAME];
    const char *in[] = {u->in[0], least, most};
    if (act == NLG_ACT_SILU) {
        snprintf(gate, sizeof gate, "%s_gate", u->out);
        nlg_onnx_node(u->onnx, "Sigmoid", in, 1, gate, NULL, 0);
        in[1] = gate;
        nlg_onnx_node(u->onnx, "Mul", in, 2, u->out, NULL, 0);
        return true;
    }
    if (!types[act]) return false;
    if (act == NLG_ACT_RELU6) {
        nlg_onnx_constant(u->onnx, &bounds[0], 0, least);
        nlg_onnx_constant(u->onnx, &bounds[1], 0, most);
    }
    nlg_onnx_node(u->onnx, types[act], in, act == NLG_ACT_RELU6 ? 3 : 1, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_activation = {
    .name = "activation",
    .summary = "elementwise function: ReLU, ReLU6, SiLU, sigmoid, tanh",
    .attrs_size = sizeof(nlg_activation_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_READS_Y | NLG_OP_IN_PLACE,
    .infer = infer,
    .cost = cost,
    .saved_size = saved_size,
    .forward = forward,
    .backward = backward,
    .activates = activates,
    .reads = reads,
    .describe = describe,
    .role = NLG_ROLE_DETAIL,
    .word = word,
    .onnx = onnx,
};
