/* LeNet-5's C3 (LeCun et al. 1998, Table I): a convolution whose output map k reads only the input maps of table row k.
 *
 * Run as a dense convolution with zeros where maps are not connected; the state has the connected kernels alone.
 * Cost: macs = connections * P Q R S; other_ops per output: 1 for the bias. */
#include <string.h>

#include "layers/ops/conv_call.h"

static int connections(const nlg_conv_table_attrs *a) {
    int count = 0;
    for (int i = 0; i < a->out * a->inputs; i++) count += a->table[i] != 0;
    return count;
}

static nlg_conv_shape shape_of(const nlg_op_call *call) {
    const nlg_conv_table_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    nlg_conv_shape s = {.n = x->n,
                        .h = x->h,
                        .w = x->w,
                        .c = x->c,
                        .k = a->out,
                        .r = a->kernel,
                        .s = a->kernel,
                        .stride_h = 1,
                        .stride_w = 1,
                        .dilation = 1,
                        .groups = 1};
    nlg_conv_output_size(&s);
    return s;
}

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_conv_table_attrs *a = attrs;
    (void)n_x;
    if (a->out < 1 || a->inputs < 1 || a->kernel < 1 || !a->table)
        return nlg_fail(err, NLG_ERR_INPUT, "table convolution: outputs %d, inputs %d and kernel %d must be at least 1", a->out,
                        a->inputs, a->kernel);
    if (x->c != a->inputs || x->h < a->kernel || x->w < a->kernel)
        return nlg_fail(err, NLG_ERR_INPUT, "table convolution: input %dx%dx%d, expected at least %dx%d with %d channels", x->h,
                        x->w, x->c, a->kernel, a->kernel, a->inputs);
    *y = (nlg_shape){x->h - a->kernel + 1, x->w - a->kernel + 1, a->out};
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    const nlg_conv_table_attrs *a = attrs;
    (void)x, (void)n_x;
    out[0] = (nlg_param_spec){"weight", NLG_PARAM_WEIGHT, 3, {connections(a), a->kernel, a->kernel}};
    out[1] = (nlg_param_spec){"bias", NLG_PARAM_BIAS, 1, {a->out}};
    return 2;
}

/* Uniform with variance 1 / fan-in, where fan-in counts an output map's own connections. */
static bool init(const void *attrs, int index, float *value, size_t count, nlg_rng rng) {
    const nlg_conv_table_attrs *a = attrs;
    if (index != 0) return false;
    size_t each = (size_t)a->kernel * (size_t)a->kernel, i = 0;
    for (int k = 0; k < a->out; k++) {
        int inputs = 0;
        for (int c = 0; c < a->inputs; c++) inputs += a->table[k * a->inputs + c] != 0;
        double bound = inputs ? __builtin_sqrt(3.0 / ((double)inputs * (double)each)) : 0.0;
        for (size_t stop = i + (size_t)inputs * each; i < stop && i < count; i++)
            value[i] = (float)(bound * (2.0 * nlg_rng_uniform(rng, i) - 1.0));
    }
    return true;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_conv_table_attrs *a = attrs;
    (void)x, (void)n_x;
    cost->macs = (int64_t)connections(a) * y.h * y.w * a->kernel * a->kernel;
    cost->other_ops = shape_size(y);
}

static size_t packed_size(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return nlg_conv_call_packed(call, &s);
}

/* scratch: dense weights or their gradient, then the convolution's. */
static size_t scratch_size(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    return round_up_floats(conv_weight_count(&s)) + nlg_conv_call_scratch(call, &s);
}

static void expand(const nlg_conv_table_attrs *a, const float *weight, float *dense) {
    size_t each = (size_t)a->kernel * (size_t)a->kernel;
    for (int i = 0; i < a->out * a->inputs; i++, dense += each) {
        if (a->table[i]) {
            memcpy(dense, weight, each * sizeof *dense);
            weight += each;
        } else {
            memset(dense, 0, each * sizeof *dense);
        }
    }
}

static void pack(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    expand(call->attrs, call->param[0], call->scratch);
    nlg_conv_call_pack(call, &s, call->scratch);
}

static void forward(const nlg_op_call *call) {
    nlg_conv_shape s = shape_of(call);
    nlg_conv_epilogue epilogue = {.bias = call->param[1]};
    nlg_conv_forward(call->exec, &s, call->x[0].data, call->x[0].ld, call->packed, &epilogue, call->y.data, call->y.ld,
                     call->scratch);
}

static void backward(const nlg_op_call *call) {
    const nlg_conv_table_attrs *a = call->attrs;
    nlg_conv_shape s = shape_of(call);
    size_t each = (size_t)a->kernel * (size_t)a->kernel;
    float *gradient = call->scratch, *dw = call->dparam[0], *db = call->dparam[1];
    nlg_op_call fresh = *call;
    fresh.accumulate_dparam = false;
    nlg_conv_call_backward(&fresh, &s, false, dw ? gradient : NULL, NULL, gradient + round_up_floats(conv_weight_count(&s)));
    if (db)
        nlg_channel_dot(call->exec, 1, nlg_tensor_pixels(&call->dy), call->dy.c, call->dy.data, call->dy.ld, NULL, 0,
                        call->accumulate_dparam, db, 0);
    for (int i = 0; i < a->out * a->inputs && dw; i++, gradient += each) {
        if (!a->table[i]) continue;
        for (size_t j = 0; j < each; j++) dw[j] = (call->accumulate_dparam ? dw[j] : 0.0f) + gradient[j];
        dw += each;
    }
}

static nlg_window window(const void *attrs, nlg_shape x) {
    const nlg_conv_table_attrs *a = attrs;
    (void)x;
    return (nlg_window){{a->kernel, a->kernel}, {1, 1}, {0}, false, 1, 0};
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_conv_table_attrs *a = attrs;
    snprintf(text, size, "%dx%d, %d of %d pairs", a->kernel, a->kernel, connections(a), a->out * a->inputs);
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "conv by table";
}

const nlg_op nlg_op_conv_table = {
    .name = "conv_table",
    .summary = "convolution whose outputs read the inputs of a table (LeNet-5, C3)",
    .attrs_size = sizeof(nlg_conv_table_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .params = params,
    .init = init,
    .cost = cost,
    .packed_size = packed_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .describe = describe,
    .window = window,
    .word = word,
};
