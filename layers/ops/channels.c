/* Channels side by side: concat and slice. Inputs and outputs that the planner has placed in each other's memory are not copied.
 * Cost: none. */
#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status concat_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs;
    *y = *x;
    for (int i = 1; i < n_x; i++) {
        if (x[i].h != x->h || x[i].w != x->w)
            return nlg_fail(err, NLG_ERR_INPUT, "concat: input %d is %dx%d, expected %dx%d as input 0", i, x[i].h, x[i].w, x->h,
                            x->w);
        y->c += x[i].c;
    }
    return NLG_OK;
}

static void no_cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x, (void)y;
    *cost = (nlg_op_cost){0};
}

static void concat_forward(const nlg_op_call *call) {
    int64_t offset = 0;
    for (int i = 0; i < call->n_x; offset += call->x[i++].c) copy_forward(call->exec, &call->x[i], &call->y, offset);
}

static void concat_backward(const nlg_op_call *call) {
    int64_t offset = 0;
    for (int i = 0; i < call->n_x; offset += call->x[i++].c) copy_gradient(call, i, 1.0f, offset);
}

static bool concat_onnx(const nlg_onnx_use *u) {
    nlg_onnx_node(u->onnx, "Concat", u->in, u->n_x, u->out, &(nlg_onnx_attr){.name = "axis", .n = 1, .ints = {1}, .one = true}, 1);
    return true;
}

const nlg_op nlg_op_concat = {
    .name = "concat",
    .summary = "inputs side by side in channels",
    .min_inputs = 1,
    .max_inputs = NLG_OP_MAX_INPUTS,
    .flags = NLG_OP_CONCATENATES,
    .infer = concat_infer,
    .cost = no_cost,
    .forward = concat_forward,
    .backward = concat_backward,
    .role = NLG_ROLE_JOIN,
    .onnx = concat_onnx,
};

static nlg_status slice_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_slice_attrs *a = attrs;
    (void)n_x;
    if (a->begin < 0 || a->count < 1 || a->begin > x->c - a->count)
        return nlg_fail(err, NLG_ERR_INPUT, "slice: channels %d to %d are not within the input's %d", a->begin,
                        a->begin + a->count - 1, x->c);
    *y = (nlg_shape){x->h, x->w, a->count};
    return NLG_OK;
}

static void slice_forward(const nlg_op_call *call) {
    const nlg_slice_attrs *a = call->attrs;
    nlg_tensor part = call->x[0];
    part.data += a->begin;
    part.c = a->count;
    copy_forward(call->exec, &part, &call->y, 0);
}

static void slice_backward(const nlg_op_call *call) {
    const nlg_slice_attrs *a = call->attrs;
    const nlg_tensor *dx = &call->dx[0], *dy = &call->dy;
    int64_t rows = nlg_tensor_pixels(dx);
    int behind = dx->c - a->begin - a->count;
    if (!dx->data) return;
    nlg_pointwise_add_scaled(call->exec, rows, a->count, 1.0f, dy->data, dy->ld, call->accumulate_dx[0], dx->data + a->begin,
                             dx->ld);
    if (call->accumulate_dx[0]) return;
    if (a->begin) nlg_zero_rows(call->exec, rows, a->begin, dx->data, dx->ld);
    if (behind) nlg_zero_rows(call->exec, rows, behind, dx->data + a->begin + a->count, dx->ld);
}

static void slice_describe(const void *attrs, char *text, size_t size) {
    const nlg_slice_attrs *a = attrs;
    snprintf(text, size, "%d+%d", a->begin, a->count);
}

static bool slice_onnx(const nlg_onnx_use *u) {
    const nlg_slice_attrs *a = u->attrs;
    const int64_t bounds[] = {a->begin, a->begin + a->count, 1};
    char name[3][NLG_ONNX_NAME];
    for (int i = 0; i < 3; i++) nlg_onnx_whole_numbers(u->onnx, &bounds[i], 1, name[i]);
    nlg_onnx_node(u->onnx, "Slice", (const char *const[]){u->in[0], name[0], name[1], name[2]}, 4, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_slice = {
    .name = "slice",
    .summary = "a run of channels",
    .attrs_size = sizeof(nlg_slice_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = slice_infer,
    .cost = no_cost,
    .forward = slice_forward,
    .backward = slice_backward,
    .describe = slice_describe,
    .onnx = slice_onnx,
};
