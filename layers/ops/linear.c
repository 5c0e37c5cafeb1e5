/* Fully connected layer: a convolution whose kernel is the whole input, so that its weight [out, C*H*W] is O,I,H,W as it stands.
 * Cost: macs = out * C H W; other_ops per output: 1 for the bias, 1 for the activation. */
#include <assert.h>
#include <limits.h>

#include "layers/ops/conv_call.h"
#include "layers/ops/onnx.h"

static nlg_conv_shape shape_of(const nlg_op_call *call) {
    const nlg_linear_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    return (nlg_conv_shape){.n = x->n,
                            .h = x->h,
                            .w = x->w,
                            .c = x->c,
                            .p = 1,
                            .q = 1,
                            .k = a->out,
                            .r = x->h,
                            .s = x->w,
                            .stride_h = 1,
                            .stride_w = 1,
                            .dilation = 1,
                            .groups = 1};
}

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_linear_attrs *a = attrs;
    (void)n_x;
    if (a->out < 1) return nlg_fail(err, NLG_ERR_INPUT, "linear: %d output features, expected at least 1", a->out);
    if (shape_size(*x) > INT_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "linear: input %dx%dx%d has too many values", x->h, x->w, x->c);
    *y = (nlg_shape){1, 1, a->out};
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    const nlg_linear_attrs *a = attrs;
    (void)n_x;
    out[0] = (nlg_param_spec){"weight", NLG_PARAM_WEIGHT, 2, {a->out, (int)shape_size(*x)}};
    out[1] = (nlg_param_spec){"bias", NLG_PARAM_BIAS, 1, {a->out}};
    return a->bias ? 2 : 1;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_linear_attrs *a = attrs;
    (void)n_x;
    cost->macs = shape_size(*x) * y.c;
    cost->other_ops = (a->bias ? y.c : 0) + act_ops(a->act, y.c);
}

static size_t packed_size(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return nlg_conv_call_packed(call, &s);
}

static size_t scratch_size(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return nlg_conv_call_scratch(call, &s);
}

static void pack(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    nlg_conv_call_pack(call, &s, call->param[0]);
}

static void forward(const nlg_op_call *call) {
    const nlg_linear_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    nlg_conv_epilogue epilogue = {.bias = a->bias ? call->param[1] : NULL, .act = a->act};
    nlg_conv_forward(call->exec, &s, call->x[0].data, call->x[0].ld, call->packed, &epilogue, call->y.data, call->y.ld,
                     call->scratch);
}

static void backward(const nlg_op_call *call) {
    const nlg_linear_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    assert(a->act == NLG_ACT_NONE); /* fused for inference only */
    nlg_conv_call_backward(call, &s, false, call->dparam[0], a->bias ? call->dparam[1] : NULL, call->scratch);
}

static const char *algorithm(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return nlg_conv_call_algorithm(call, &s);
}

static nlg_act *act_of(void *attrs) {
    return &((nlg_linear_attrs *)attrs)->act;
}

static void describe_fused(const void *attrs, char *text, size_t size) {
    const nlg_linear_attrs *a = attrs;
    snprintf(text, size, "%s%s%s", a->bias ? "bias" : "", a->bias && a->act ? " " : "", act_name(a->act));
}

static bool onnx(const nlg_onnx_use *u) {
    const nlg_linear_attrs *a = u->attrs;
    char flat[NLG_ONNX_NAME];
    snprintf(flat, sizeof flat, "%s_flat", u->out);
    nlg_onnx_node(u->onnx, "Flatten", u->in, 1, flat, NULL, 0);
    const char *const in[] = {flat, u->param[0], u->param[1]};
    nlg_onnx_node(u->onnx, "Gemm", in, a->bias ? 3 : 2, u->out,
                  &(nlg_onnx_attr){.name = "transB", .n = 1, .ints = {1}, .one = true}, 1);
    return !a->act;
}

const nlg_op nlg_op_linear = {
    .name = "linear",
    .summary = "fully connected layer",
    .attrs_size = sizeof(nlg_linear_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .params = params,
    .cost = cost,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .act = act_of,
    .algorithm = algorithm,
    .describe_fused = describe_fused,
    .onnx = onnx,
    .gives_vectors = true,
};
