/* Convolution, and in inference batch norm, addition and activation fused into it.
 *
 * Folded norm: w' = w * g, b' = (b - mean) * g + beta with g = gamma / sqrt(var + eps), in double, rounded once.
 * Cost: macs = P Q K (C / G) R S; other_ops per output: 1 for the bias, 2 for the norm (scale and shift), 1 for the addition, 1 for
 * the activation; 1 per scaled input. Training runs norm and activation as nodes of their own. */
#include <assert.h>
#include <string.h>

#include "layers/base/dmath.h"
#include "layers/ops/conv_call.h"
#include "layers/ops/onnx.h"

bool nlg_conv2d_shape(const nlg_conv2d_attrs *a, nlg_shape x, nlg_conv_shape *s) {
    *s = (nlg_conv_shape){.n = 1,
                          .h = x.h,
                          .w = x.w,
                          .c = x.c,
                          .k = a->out,
                          .r = a->kernel_h,
                          .s = a->kernel_w,
                          .stride_h = a->stride_h,
                          .stride_w = a->stride_w,
                          .pad_top = a->pad_top,
                          .pad_bottom = a->pad_bottom,
                          .pad_left = a->pad_left,
                          .pad_right = a->pad_right,
                          .dilation = a->dilation,
                          .groups = a->groups};
    if (a->same) {
        same_padding(x.h, s->r, s->stride_h, s->dilation, &s->pad_top, &s->pad_bottom);
        same_padding(x.w, s->s, s->stride_w, s->dilation, &s->pad_left, &s->pad_right);
    }
    return nlg_conv_output_size(s);
}

static nlg_conv_shape shape_of(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0];
    nlg_conv_shape s;
    nlg_conv2d_shape(call->attrs, (nlg_shape){x->h, x->w, x->c}, &s);
    s.n = x->n;
    return s;
}

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_conv2d_attrs *a = attrs;
    if (a->out < 1 || a->kernel_h < 1 || a->kernel_w < 1 || a->stride_h < 1 || a->stride_w < 1 || a->dilation < 1)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "convolution: outputs %d, kernel %dx%d, stride %dx%d, dilation %d must all be at least 1", a->out,
                        a->kernel_h, a->kernel_w, a->stride_h, a->stride_w, a->dilation);
    if (a->pad_top < 0 || a->pad_bottom < 0 || a->pad_left < 0 || a->pad_right < 0)
        return nlg_fail(err, NLG_ERR_INPUT, "convolution: padding %d %d %d %d must not be negative", a->pad_top, a->pad_bottom,
                        a->pad_left, a->pad_right);
    if (a->groups < 1 || x->c % a->groups || a->out % a->groups)
        return nlg_fail(err, NLG_ERR_INPUT, "convolution: %d groups must divide %d input and %d output channels", a->groups, x->c,
                        a->out);
    nlg_conv_shape s;
    if (!nlg_conv2d_shape(a, *x, &s))
        return nlg_fail(err, NLG_ERR_INPUT, "convolution: kernel %dx%d (dilation %d) does not fit the padded input %dx%d",
                        a->kernel_h, a->kernel_w, a->dilation, x->h + s.pad_top + s.pad_bottom, x->w + s.pad_left + s.pad_right);
    *y = (nlg_shape){s.p, s.q, s.k};
    if (a->scale && (n_x < 2 || !shape_equal(x[1], (nlg_shape){1, 1, x->c})))
        return nlg_fail(err, NLG_ERR_INPUT, "convolution: the factors must have the shape 1x1x%d", x->c);
    if (a->add && (n_x != (a->scale ? 3 : 2) || !shape_equal(x[n_x - 1], *y)))
        return nlg_fail(err, NLG_ERR_INPUT, "convolution: the added input must have the output's shape %dx%dx%d", y->h, y->w, y->c);
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    const nlg_conv2d_attrs *a = attrs;
    int n = 0;
    (void)n_x;
    out[n++] = (nlg_param_spec){"weight", NLG_PARAM_WEIGHT, 4, {a->out, x->c / a->groups, a->kernel_h, a->kernel_w}};
    if (a->bias) out[n++] = (nlg_param_spec){"bias", NLG_PARAM_BIAS, 1, {a->out}};
    if (a->norm && a->norm_affine) {
        out[n++] = (nlg_param_spec){"weight", NLG_PARAM_NORM_WEIGHT, 1, {a->out}};
        out[n++] = (nlg_param_spec){"bias", NLG_PARAM_NORM_BIAS, 1, {a->out}};
    }
    if (a->norm) {
        out[n++] = (nlg_param_spec){"running_mean", NLG_PARAM_RUNNING_MEAN, 1, {a->out}};
        out[n++] = (nlg_param_spec){"running_var", NLG_PARAM_RUNNING_VAR, 1, {a->out}};
    }
    return n;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_conv2d_attrs *a = attrs;
    int64_t outputs = shape_size(y);
    (void)n_x;
    cost->macs = outputs * (x->c / a->groups) * a->kernel_h * a->kernel_w;
    cost->other_ops = outputs * ((a->bias ? 1 : 0) + (a->norm ? 2 : 0) + (a->add ? 1 : 0)) + act_ops(a->act, outputs) +
                      (a->scale ? shape_size(*x) : 0);
}

/* Packed: weights, then the bias if there is one (the parameter itself may change before the next pack). */
static size_t packed_weights(const nlg_op_call *call, const nlg_conv_shape *s) {
    return nlg_conv_call_packed(call, s);
}

static size_t packed_size(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return packed_weights(call, &s) + (size_t)s.k;
}

static size_t scratch_size(const nlg_op_call *call) {
    const nlg_conv2d_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    size_t size = a->scale ? nlg_conv_scaled_scratch_size(&s, call->exec) : nlg_conv_call_scratch(call, &s),
           folded = a->norm ? conv_weight_count(&s) : 0;
    return size > folded ? size : folded;
}

static void fold(const nlg_op_call *call, const nlg_conv_shape *s, float *weight, float *bias) {
    const nlg_conv2d_attrs *a = call->attrs;
    int norm = a->bias ? 2 : 1;
    const float *gamma = a->norm_affine ? call->param[norm] : NULL, *beta = a->norm_affine ? call->param[norm + 1] : NULL;
    const float *mean = call->param[norm + (a->norm_affine ? 2 : 0)], *var = call->param[norm + (a->norm_affine ? 3 : 1)];
    size_t each = conv_weight_count(s) / (size_t)s->k;
    for (int k = 0; k < s->k; k++) {
        double scale = (gamma ? (double)gamma[k] : 1.0) / nlg_sqrt((double)var[k] + (double)a->norm_eps);
        const float *from = call->param[0] + (size_t)k * each;
        for (size_t i = 0; i < each; i++) weight[(size_t)k * each + i] = (float)((double)from[i] * scale);
        double b = (a->bias ? (double)call->param[1][k] : 0.0) - (double)mean[k];
        bias[k] = (float)(b * scale + (beta ? (double)beta[k] : 0.0));
    }
}

static void pack(const nlg_op_call *call) {
    const nlg_conv2d_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    const float *weight = call->param[0];
    float *bias = call->packed + packed_weights(call, &s);
    if (a->norm) {
        fold(call, &s, call->scratch, bias);
        weight = call->scratch;
    } else if (a->bias) {
        memcpy(bias, call->param[1], (size_t)s.k * sizeof *bias);
    }
    nlg_conv_call_pack(call, &s, weight);
}

nlg_conv_epilogue nlg_conv2d_epilogue(const nlg_op_call *call, const nlg_conv_shape *s) {
    const nlg_conv2d_attrs *a = call->attrs;
    return (nlg_conv_epilogue){.bias = (a->bias || a->norm) && call->packed ? call->packed + packed_weights(call, s) : NULL,
                               .add = a->add ? call->x[call->n_x - 1].data : NULL,
                               .ld_add = a->add ? call->x[call->n_x - 1].ld : 0,
                               .act = a->act};
}

static void forward(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    nlg_conv_epilogue epilogue = nlg_conv2d_epilogue(call, &s);
    if (((const nlg_conv2d_attrs *)call->attrs)->scale)
        nlg_conv_scaled_forward(call->exec, &s, call->x[0].data, call->x[0].ld, call->x[1].data, call->x[1].ld, call->packed,
                                &epilogue, call->y.data, call->y.ld, call->scratch);
    else
        nlg_conv_forward(call->exec, &s, call->x[0].data, call->x[0].ld, call->packed, &epilogue, call->y.data, call->y.ld,
                         call->scratch);
}

static void backward(const nlg_op_call *call) {
    const nlg_conv2d_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    assert(!a->norm && !a->scale && !a->add && a->act == NLG_ACT_NONE); /* fused for inference only */
    nlg_conv_call_backward(call, &s, a->gate, call->dparam[0], a->bias ? call->dparam[1] : NULL, call->scratch);
}

static const char *algorithm(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return nlg_conv_call_algorithm(call, &s);
}

static nlg_window window(const void *attrs, nlg_shape x) {
    const nlg_conv2d_attrs *a = attrs;
    (void)x;
    return (nlg_window){{a->kernel_h, a->kernel_w},
                        {a->stride_h, a->stride_w},
                        {a->pad_top, a->pad_bottom, a->pad_left, a->pad_right},
                        a->same,
                        a->dilation,
                        a->groups};
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_conv2d_attrs *a = attrs;
    char pad[48] = "";
    if (a->same)
        snprintf(pad, sizeof pad, " same");
    else if (a->pad_top == a->pad_bottom && a->pad_left == a->pad_right && a->pad_top == a->pad_left)
        snprintf(pad, sizeof pad, " p%d", a->pad_top);
    else
        snprintf(pad, sizeof pad, " p%d,%d,%d,%d", a->pad_top, a->pad_bottom, a->pad_left, a->pad_right);
    int used = snprintf(text, size, "%dx%d s%d%s", a->kernel_h, a->kernel_w, a->stride_h, pad);
    if (used > 0 && (size_t)used < size && a->dilation > 1) used += snprintf(text + used, size - (size_t)used, " d%d", a->dilation);
    if (used > 0 && (size_t)used < size && a->groups > 1) snprintf(text + used, size - (size_t)used, " g%d", a->groups);
}

/* ---- what the planner may leave to a convolution ---- */

static nlg_act *act_of(void *attrs) {
    return &((nlg_conv2d_attrs *)attrs)->act;
}

static bool *add_of(void *attrs) {
    return &((nlg_conv2d_attrs *)attrs)->add;
}

static bool *gate_of(void *attrs, nlg_shape x, const nlg_exec *exec) {
    nlg_conv2d_attrs *a = attrs;
    nlg_conv_shape shape;
    return nlg_conv2d_shape(a, x, &shape) && nlg_conv_gate_fits(&shape, exec) ? &a->gate : NULL;
}

/* A batch norm, into the packed weights. */
static bool fold_norm(void *attrs, const nlg_op *later, const void *later_attrs) {
    nlg_conv2d_attrs *a = attrs;
    const nlg_batch_norm_attrs *norm = later_attrs;
    if (later != &nlg_op_batch_norm || a->norm || a->add) return false;
    a->norm = true, a->norm_affine = norm->affine, a->norm_eps = norm->eps;
    return true;
}

static void describe_fused(const void *attrs, char *text, size_t size) {
    const nlg_conv2d_attrs *a = attrs;
    describe(attrs, text, size);
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s%s%s%s", a->scale ? " scale" : "", a->bias || a->norm ? " bias" : "",
             a->add ? " add" : "", a->act ? " " : "", act_name(a->act));
}

static const char *word(const void *attrs, nlg_shape x) {
    const nlg_conv2d_attrs *a = attrs;
    return a->groups > 1 && a->groups == x.c ? "depthwise conv" : "conv";
}

static bool onnx(const nlg_onnx_use *u) {
    const nlg_conv2d_attrs *a = u->attrs;
    nlg_conv_shape s;
    if (u->n_x != 1 || a->norm || a->act || !nlg_conv2d_shape(a, u->x[0], &s)) return false;
    const nlg_onnx_attr attrs[] = {{.name = "kernel_shape", .n = 2, .ints = {s.r, s.s}},
                                   {.name = "strides", .n = 2, .ints = {s.stride_h, s.stride_w}},
                                   {.name = "pads", .n = 4, .ints = {s.pad_top, s.pad_left, s.pad_bottom, s.pad_right}},
                                   {.name = "dilations", .n = 2, .ints = {s.dilation, s.dilation}},
                                   {.name = "group", .n = 1, .ints = {s.groups}, .one = true}};
    const char *const in[] = {u->in[0], u->param[0], u->param[1]};
    nlg_onnx_node(u->onnx, "Conv", in, a->bias ? 3 : 2, u->out, attrs, 5);
    return true;
}

const nlg_op nlg_op_conv2d = {
    .name = "conv2d",
    .summary = "convolution, also grouped, depthwise and dilated",
    .attrs_size = sizeof(nlg_conv2d_attrs),
    .min_inputs = 1,
    .max_inputs = 3,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .params = params,
    .cost = cost,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .algorithm = algorithm,
    .act = act_of,
    .add = add_of,
    .gate = gate_of,
    .fold = fold_norm,
    .describe = describe,
    .describe_fused = describe_fused,
    .window = window,
    .word = word,
    .onnx = onnx,
};
