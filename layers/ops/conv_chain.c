/* Two conv2d steps of an inference plan in one: a 1 x 1 convolution and the depthwise one that is its only reader.
 *
 * The planner makes it; no graph has it. Parameters, packed weights and cost are those of the two, one after the other. */
#include "layers/ops/conv_chain.h"

#include "layers/kernels/conv_chain.h"
#include "layers/ops/conv_call.h"

/* What convolution 0 or 1 sees as a conv2d of its own; what lies between them has a shape, but no data. */
static nlg_op_call conv_of(const nlg_op_call *call, int index) {
    const nlg_conv_chain_attrs *a = call->attrs;
    nlg_op_call c = *call;
    c.attrs = &a->conv[index];
    nlg_tensor between = {.n = call->x[0].n, .h = a->between.h, .w = a->between.w, .c = a->between.c, .ld = a->between.c};
    if (index == 0) {
        c.n_x = 1;
        c.y = between;
        c.n_params = a->params;
        return c;
    }
    c.x[0] = between;
    c.n_params = call->n_params - a->params;
    for (int i = 0; i < c.n_params; i++) c.param[i] = call->param[a->params + i];
    nlg_op_call first = conv_of(call, 0);
    if (c.packed) c.packed += round_up_floats(nlg_op_conv2d.packed_size(&first));
    return c;
}

bool nlg_conv_chain_allowed(const nlg_exec *exec, const nlg_conv2d_attrs *first, nlg_shape x, const nlg_conv2d_attrs *second,
                            nlg_shape between) {
    nlg_conv_shape a, b;
    if (first->add || first->scale || !nlg_conv2d_shape(first, x, &a) || !nlg_conv2d_shape(second, between, &b)) return false;
    return nlg_conv_chain_fits(&a, &b, exec);
}

static nlg_conv_link link_of(const nlg_op_call *conv) {
    nlg_conv_link link = {.packed = conv->packed};
    nlg_conv2d_shape(conv->attrs, (nlg_shape){conv->x[0].h, conv->x[0].w, conv->x[0].c}, &link.shape);
    link.shape.n = conv->x[0].n;
    link.epilogue = nlg_conv2d_epilogue(conv, &link.shape);
    return link;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_conv_chain_attrs *a = attrs;
    nlg_op_cost first = {0};
    nlg_op_conv2d.cost(&a->conv[0], x, n_x, a->between, &first);
    nlg_op_conv2d.cost(&a->conv[1], &a->between, n_x, y, cost);
    cost->macs += first.macs;
    cost->other_ops += first.other_ops;
}

static size_t packed_size(const nlg_op_call *call) {
    nlg_op_call first = conv_of(call, 0), second = conv_of(call, 1);
    return round_up_floats(nlg_op_conv2d.packed_size(&first)) + nlg_op_conv2d.packed_size(&second);
}

static size_t larger(size_t a, size_t b) {
    return a > b ? a : b;
}

static size_t scratch_size(const nlg_op_call *call) {
    nlg_op_call first = conv_of(call, 0), second = conv_of(call, 1);
    nlg_conv_link a = link_of(&first), b = link_of(&second);
    size_t folding = larger(nlg_op_conv2d.scratch_size(&first), nlg_op_conv2d.scratch_size(&second));
    return larger(folding, nlg_conv_chain_scratch_size(&a.shape, &b.shape, call->exec));
}

static void pack(const nlg_op_call *call) {
    for (int i = 0; i < 2; i++) {
        nlg_op_call c = conv_of(call, i);
        nlg_op_conv2d.pack(&c);
    }
}

static void forward(const nlg_op_call *call) {
    nlg_op_call first = conv_of(call, 0), second = conv_of(call, 1);
    nlg_conv_link a = link_of(&first), b = link_of(&second);
    nlg_conv_chain_forward(call->exec, &a, &b, call->x[0].data, call->x[0].ld, call->y.data, call->y.ld, call->scratch);
}

static const char *algorithm(const nlg_op_call *call) {
    (void)call;
    return "chain";
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_conv_chain_attrs *a = attrs;
    nlg_op_conv2d.describe(&a->conv[1], text, size);
}

static void describe_fused(const void *attrs, char *text, size_t size) {
    const nlg_conv_chain_attrs *a = attrs;
    char text_of[2][96] = {"", ""};
    for (int i = 0; i < 2; i++) nlg_op_conv2d.describe_fused(&a->conv[i], text_of[i], sizeof text_of[i]);
    snprintf(text, size, "%s then %d %s", text_of[0], a->between.c, text_of[1]);
}

const nlg_op nlg_op_conv_chain = {
    .name = "conv_chain",
    .attrs_size = sizeof(nlg_conv_chain_attrs),
    .min_inputs = 1,
    .max_inputs = 2,
    .flags = NLG_OP_READS_X,
    .cost = cost,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .algorithm = algorithm,
    .describe = describe,
    .describe_fused = describe_fused,
};
