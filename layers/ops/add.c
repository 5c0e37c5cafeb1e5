/* Sum of all inputs, each times its factor, then an activation. Cost: other_ops per element: n - 1 additions, 1 for the activation.
 * A scaling factor counts as part of its addition. */
#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs;
    for (int i = 1; i < n_x; i++)
        if (!shape_equal(x[0], x[i]))
            return nlg_fail(err, NLG_ERR_INPUT, "add: input %d is %dx%dx%d, expected %dx%dx%d as input 0", i, x[i].h, x[i].w,
                            x[i].c, x->h, x->w, x->c);
    *y = *x;
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)x;
    cost->other_ops = (n_x - 1) * shape_size(y) + act_ops(((const nlg_add_attrs *)attrs)->act, shape_size(y));
}

/* With an activation the gradient of the sum is kept (SiLU: its derivative as well, see activation.c) in scratch. */
static unsigned reads(const void *attrs) {
    nlg_act act = ((const nlg_add_attrs *)attrs)->act;
    return act == NLG_ACT_NONE || act == NLG_ACT_SILU ? 0 : NLG_OP_READS_Y;
}

static size_t values(const nlg_op_call *call) {
    return (size_t)nlg_tensor_pixels(&call->y) * (size_t)call->y.c;
}

static size_t saved_size(const nlg_op_call *call) {
    return ((const nlg_add_attrs *)call->attrs)->act == NLG_ACT_SILU ? values(call) : 0;
}

static size_t scratch_size(const nlg_op_call *call) {
    return call->training && ((const nlg_add_attrs *)call->attrs)->act != NLG_ACT_NONE ? values(call) : 0;
}

static void forward(const nlg_op_call *call) {
    const nlg_add_attrs *a = call->attrs;
    const nlg_tensor *y = &call->y;
    const float *x[NLG_OP_MAX_INPUTS];
    int64_t ld[NLG_OP_MAX_INPUTS], rows = nlg_tensor_pixels(y);
    bool derivative = call->training && a->act == NLG_ACT_SILU;
    for (int i = 0; i < call->n_x; i++) x[i] = call->x[i].data, ld[i] = call->x[i].ld;
    nlg_sum(call->exec, derivative ? NLG_ACT_NONE : a->act, call->n_x, a->factor, x, ld, rows, y->c, y->data, y->ld);
    if (derivative) nlg_act_forward(call->exec, a->act, rows, y->c, y->data, y->ld, y->data, y->ld, call->saved);
}

static void backward(const nlg_op_call *call) {
    const nlg_add_attrs *a = call->attrs;
    const nlg_tensor *y = &call->y;
    nlg_op_call plain = *call; /* the same without the activation */
    int64_t rows = nlg_tensor_pixels(y);
    if (a->act != NLG_ACT_NONE) {
        plain.dy.data = call->scratch;
        plain.dy.ld = y->c;
        if (a->act == NLG_ACT_SILU)
            nlg_multiply_rows(call->exec, rows, y->c, call->dy.data, call->dy.ld, call->saved, y->c, 1, false, call->scratch, y->c);
        else
            nlg_act_backward(call->exec, a->act, rows, y->c, y->data, y->ld, call->dy.data, call->dy.ld, false, call->scratch,
                             y->c);
    }
    for (int i = 1; i < call->n_x && call->dx[0].data == plain.dy.data; i++) copy_gradient(&plain, i, a->factor[i], 0);
    copy_gradient(&plain, 0, a->factor[0], 0); /* last if it goes over dy, else in order, since later ones may add to it */
    for (int i = 1; i < call->n_x && call->dx[0].data != plain.dy.data; i++) copy_gradient(&plain, i, a->factor[i], 0);
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_add_attrs *a = attrs;
    if (a->factor[1] != 1.0f && a->factor[1] != 0.0f)
        snprintf(text, size, "x%g %s", (double)a->factor[1], act_name(a->act));
    else
        snprintf(text, size, "%s", act_name(a->act));
}

static nlg_act *act_of(void *attrs) {
    return &((nlg_add_attrs *)attrs)->act;
}

static bool sums_two(const void *attrs, int n_x) {
    const nlg_add_attrs *a = attrs;
    return n_x == 2 && a->factor[0] == 1.0f && a->factor[1] == 1.0f && a->act == NLG_ACT_NONE;
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "+";
}

static bool onnx(const nlg_onnx_use *u) {
    const nlg_add_attrs *a = u->attrs;
    char factor[NLG_ONNX_NAME], scaled[NLG_OP_MAX_INPUTS][NLG_ONNX_NAME];
    const char *in[NLG_OP_MAX_INPUTS];
    if (a->act) return false;
    for (int i = 0; i < u->n_x; i++) {
        in[i] = u->in[i];
        if (a->factor[i] == 1.0f) continue;
        nlg_onnx_constant(u->onnx, &a->factor[i], 0, factor);
        snprintf(scaled[i], sizeof scaled[i], "%.140s_side_%d", u->out, i);
        nlg_onnx_node(u->onnx, "Mul", (const char *const[]){u->in[i], factor}, 2, scaled[i], NULL, 0);
        in[i] = scaled[i];
    }
    nlg_onnx_node(u->onnx, "Sum", in, u->n_x, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_add = {
    .name = "add",
    .summary = "sum of inputs, each with a weight of its own",
    .attrs_size = sizeof(nlg_add_attrs),
    .min_inputs = 1,
    .max_inputs = NLG_OP_MAX_INPUTS,
    .flags = NLG_OP_READS_Y | NLG_OP_IN_PLACE | NLG_OP_FUSES_TRAINING,
    .infer = infer,
    .cost = cost,
    .saved_size = saved_size,
    .scratch_size = scratch_size,
    .forward = forward,
    .backward = backward,
    .act = act_of,
    .sums_two = sums_two,
    .reads = reads,
    .describe = describe,
    .role = NLG_ROLE_SUM,
    .word = word,
    .onnx = onnx,
};
