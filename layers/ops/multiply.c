/* Products: multiply (elementwise) and channel_scale (squeeze-and-excitation: x [H,W,C] times s [1,1,C] of each image).
 * Cost: other_ops 1 per element. */
#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status multiply_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x;
    if (!shape_equal(x[0], x[1]))
        return nlg_fail(err, NLG_ERR_INPUT, "multiply: inputs are %dx%dx%d and %dx%dx%d, expected the same shape", x[0].h, x[0].w,
                        x[0].c, x[1].h, x[1].w, x[1].c);
    *y = *x;
    return NLG_OK;
}

static nlg_status scale_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x;
    if (x[1].h != 1 || x[1].w != 1 || x[1].c != x->c)
        return nlg_fail(err, NLG_ERR_INPUT, "channel scale: the factors are %dx%dx%d, expected 1x1x%d", x[1].h, x[1].w, x[1].c,
                        x->c);
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x;
    cost->other_ops = shape_size(y);
}

static int64_t rows_per_factor(const nlg_op_call *call) {
    return (int64_t)(call->x[0].h / call->x[1].h) * (call->x[0].w / call->x[1].w);
}

static void forward(const nlg_op_call *call) {
    const nlg_tensor *a = &call->x[0], *b = &call->x[1], *y = &call->y;
    nlg_multiply_rows(call->exec, nlg_tensor_pixels(y), y->c, a->data, a->ld, b->data, b->ld, rows_per_factor(call), false, y->data,
                      y->ld);
}

/* dx[0] = dy * x[1]; one factor per pixel, or per image. */
static void backward_first(const nlg_op_call *call) {
    const nlg_tensor *b = &call->x[1], *dy = &call->dy, *da = &call->dx[0];
    if (da->data)
        nlg_multiply_rows(call->exec, nlg_tensor_pixels(dy), dy->c, dy->data, dy->ld, b->data, b->ld, rows_per_factor(call),
                          call->accumulate_dx[0], da->data, da->ld);
}

static void multiply_backward(const nlg_op_call *call) {
    const nlg_tensor *a = &call->x[0], *dy = &call->dy, *db = &call->dx[1];
    backward_first(call);
    if (db->data)
        nlg_multiply_rows(call->exec, nlg_tensor_pixels(dy), dy->c, dy->data, dy->ld, a->data, a->ld, 1, call->accumulate_dx[1],
                          db->data, db->ld);
}

static void scale_backward(const nlg_op_call *call) {
    const nlg_tensor *a = &call->x[0], *dy = &call->dy, *ds = &call->dx[1];
    backward_first(call);
    if (ds->data)
        nlg_channel_dot(call->exec, dy->n, (int64_t)dy->h * dy->w, dy->c, dy->data, dy->ld, a->data, a->ld, call->accumulate_dx[1],
                        ds->data, ds->ld);
}

static const char *times(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "x";
}

static bool onnx(const nlg_onnx_use *u) {
    nlg_onnx_node(u->onnx, "Mul", u->in, 2, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_multiply = {
    .name = "multiply",
    .summary = "product of inputs, value by value",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NLG_OP_READS_X,
    .infer = multiply_infer,
    .cost = cost,
    .forward = forward,
    .backward = multiply_backward,
    .role = NLG_ROLE_GATE,
    .word = times,
    .onnx = onnx,
};

const nlg_op nlg_op_channel_scale = {
    .name = "channel_scale",
    .summary = "each channel times a value of the second input (squeeze-and-excitation)",
    .min_inputs = 2,
    .max_inputs = 2,
    .flags = NLG_OP_READS_X,
    .infer = scale_infer,
    .cost = cost,
    .forward = forward,
    .backward = scale_backward,
    .role = NLG_ROLE_GATE,
    .word = times,
    .onnx = onnx,
};
