/* Local response normalisation across channels (Krizhevsky, Sutskever, Hinton 2012).
 * Cost: other_ops per element: size + 4 (a square, size - 1 additions, times alpha, plus k, the power, the product). */
#include "layers/kernels/lrn.h"

#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_lrn_attrs *a = attrs;
    (void)n_x;
    if (a->size < 1 || !(a->alpha >= 0.0f) || !(a->k > 0.0f))
        return nlg_fail(err, NLG_ERR_INPUT, "local response norm: size %d must be at least 1, alpha %g at least 0, k %g positive",
                        a->size, (double)a->alpha, (double)a->k);
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)x, (void)n_x;
    cost->other_ops = shape_size(y) * (((const nlg_lrn_attrs *)attrs)->size + 4);
}

static nlg_lrn lrn_of(const nlg_op_call *call) {
    const nlg_lrn_attrs *a = call->attrs;
    return (nlg_lrn){nlg_tensor_pixels(&call->x[0]), call->x[0].c, a->size, a->alpha, a->beta, a->k};
}

static size_t scratch_size(const nlg_op_call *call) {
    nlg_lrn lrn = lrn_of(call);
    return nlg_lrn_scratch_size(call->exec, &lrn);
}

static void forward(const nlg_op_call *call) {
    nlg_lrn lrn = lrn_of(call);
    nlg_lrn_forward(call->exec, &lrn, call->x[0].data, call->x[0].ld, call->y.data, call->y.ld, call->scratch);
}

static void backward(const nlg_op_call *call) {
    nlg_lrn lrn = lrn_of(call);
    if (call->dx[0].data)
        nlg_lrn_backward(call->exec, &lrn, call->x[0].data, call->x[0].ld, call->dy.data, call->dy.ld, call->accumulate_dx[0],
                         call->dx[0].data, call->dx[0].ld, call->scratch);
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_lrn_attrs *a = attrs;
    snprintf(text, size, "n%d alpha %g beta %g k %g", a->size, (double)a->alpha, (double)a->beta, (double)a->k);
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "LRN";
}

static bool onnx(const nlg_onnx_use *u) {
    const nlg_lrn_attrs *a = u->attrs;
    const nlg_onnx_attr attrs[] = {{.name = "size", .n = 1, .ints = {a->size}, .one = true},
                                   {.name = "alpha", .fraction = a->alpha * (float)a->size}, /* ONNX divides it by the size */
                                   {.name = "beta", .fraction = a->beta},
                                   {.name = "bias", .fraction = a->k}};
    nlg_onnx_node(u->onnx, "LRN", u->in, 1, u->out, attrs, 4);
    return true;
}

const nlg_op nlg_op_local_response_norm = {
    .name = "local_response_norm",
    .summary = "normalisation over neighbouring channels (AlexNet)",
    .attrs_size = sizeof(nlg_lrn_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .cost = cost,
    .scratch_size = scratch_size,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .role = NLG_ROLE_DETAIL,
    .word = word,
    .onnx = onnx,
};
