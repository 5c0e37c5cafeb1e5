/* Dropout (Srivastava et al. 2014) and drop path (stochastic depth, Huang et al. 2016; per image as in NASNet).
 *
 * While batch statistics are active, a value (an image) is dropped with probability `rate`, and the rest scaled by 1 / (1 - rate);
 * otherwise both are the identity. Value i of the random stream decides element i in N,H,W,C order (image i): never the threads.
 * The factors are kept for the backward pass. Cost: none. */
#include "layers/kernels/split.h"

#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    float rate = ((const nlg_dropout_attrs *)attrs)->rate;
    (void)n_x;
    if (!(rate >= 0.0f && rate < 1.0f))
        return nlg_fail(err, NLG_ERR_INPUT, "dropout: rate %g, expected 0 <= rate < 1", (double)rate);
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x, (void)y;
    *cost = (nlg_op_cost){0};
}

static float factor(const nlg_op_call *call, int64_t index) {
    double rate = (double)((const nlg_dropout_attrs *)call->attrs)->rate;
    return nlg_rng_uniform(call->rng, (uint64_t)index) < rate ? 0.0f : (float)(1.0 / (1.0 - rate));
}

static void fill_factors(void *context, int64_t begin, int64_t end, int worker) {
    const nlg_op_call *call = context;
    (void)worker;
    const nlg_tensor *x = &call->x[0];
    const int64_t before = call->first_image * x->h * x->w * x->c;
    for (int64_t i = begin; i < end; i++) call->saved[i] = factor(call, before + i);
}

static size_t saved_size(const nlg_op_call *call) {
    return (size_t)nlg_tensor_pixels(&call->x[0]) * (size_t)call->x[0].c;
}

static void forward(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    if (!call->batch_statistics) {
        copy_forward(call->exec, x, y, 0);
        return;
    }
    nlg_op_call context = *call;
    int64_t count = (int64_t)saved_size(call);
    nlg_split(call->exec, count, count, fill_factors, &context);
    nlg_multiply_rows(call->exec, nlg_tensor_pixels(x), x->c, x->data, x->ld, call->saved, x->c, 1, false, y->data, y->ld);
}

static void backward(const nlg_op_call *call) {
    const nlg_tensor *dx = &call->dx[0], *dy = &call->dy;
    if (!call->batch_statistics)
        copy_gradient(call, 0, 1.0f, 0);
    else if (dx->data)
        nlg_multiply_rows(call->exec, nlg_tensor_pixels(dy), dy->c, dy->data, dy->ld, call->saved, dy->c, 1, call->accumulate_dx[0],
                          dx->data, dx->ld);
}

static void describe(const void *attrs, char *text, size_t size) {
    snprintf(text, size, "%g", (double)((const nlg_dropout_attrs *)attrs)->rate);
}

static bool onnx(const nlg_onnx_use *u) {
    nlg_onnx_node(u->onnx, "Identity", u->in, 1, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_dropout = {
    .name = "dropout",
    .summary = "zeroes values at random in training",
    .attrs_size = sizeof(nlg_dropout_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_IN_PLACE | NLG_OP_RANDOM,
    .infer = infer,
    .cost = cost,
    .saved_size = saved_size,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .role = NLG_ROLE_HIDDEN,
    .onnx = onnx,
};

/* ---- drop path: an image's factor is kept once for each channel ---- */

static size_t path_saved_size(const nlg_op_call *call) {
    return (size_t)call->x[0].n * (size_t)call->x[0].c;
}

static void scale_images(const nlg_op_call *call, const nlg_tensor *from, bool accumulate, const nlg_tensor *to) {
    nlg_multiply_rows(call->exec, nlg_tensor_pixels(from), from->c, from->data, from->ld, call->saved, from->c,
                      (int64_t)from->h * from->w, accumulate, to->data, to->ld);
}

static void path_forward(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    if (!call->batch_statistics) {
        copy_forward(call->exec, x, y, 0);
        return;
    }
    for (int64_t i = 0; i < x->n; i++) {
        float scale = factor(call, call->first_image + i);
        for (int channel = 0; channel < x->c; channel++) call->saved[i * x->c + channel] = scale;
    }
    scale_images(call, x, false, y);
}

static void path_backward(const nlg_op_call *call) {
    if (!call->batch_statistics)
        copy_gradient(call, 0, 1.0f, 0);
    else if (call->dx[0].data)
        scale_images(call, &call->dy, call->accumulate_dx[0], &call->dx[0]);
}

const nlg_op nlg_op_drop_path = {
    .name = "drop_path",
    .summary = "zeroes whole images of a branch at random in training",
    .attrs_size = sizeof(nlg_dropout_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_IN_PLACE | NLG_OP_RANDOM,
    .infer = infer,
    .cost = cost,
    .saved_size = path_saved_size,
    .forward = path_forward,
    .backward = path_backward,
    .describe = describe,
    .role = NLG_ROLE_HIDDEN,
    .onnx = onnx,
};
