/* Batch normalisation, with addition and activation fused: y = act((x - mean) / sqrt(var + eps) * weight + bias + add).
 * Ioffe and Szegedy 2015; running statistics as in PyTorch: momentum weighs the new value, the variance is unbiased.
 *
 * The gradient recomputes the value before the activation from x (and add), so that nothing else need be kept.
 * Cost: other_ops per element: 2 (scale and shift, as in inference), 1 for the addition, 1 for the activation. */
#include "layers/base/dmath.h"
#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

typedef struct param_index {
    int weight, bias, mean, var;
} param_index;

static param_index indices(const nlg_batch_norm_attrs *a) {
    return a->affine ? (param_index){0, 1, 2, 3} : (param_index){-1, -1, 0, 1};
}

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_batch_norm_attrs *a = attrs;
    if (!(a->eps > 0.0f)) return nlg_fail(err, NLG_ERR_INPUT, "batch norm: eps %g must be positive", (double)a->eps);
    if (n_x != (a->add ? 2 : 1)) return nlg_fail(err, NLG_ERR_INPUT, "batch norm: %d inputs, expected %d", n_x, a->add ? 2 : 1);
    if (a->add && !shape_equal(x[0], x[1]))
        return nlg_fail(err, NLG_ERR_INPUT, "batch norm: the added input is %dx%dx%d, expected %dx%dx%d", x[1].h, x[1].w, x[1].c,
                        x->h, x->w, x->c);
    *y = *x;
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    const nlg_batch_norm_attrs *a = attrs;
    int n = 0;
    (void)n_x;
    if (a->affine) {
        out[n++] = (nlg_param_spec){"weight", NLG_PARAM_NORM_WEIGHT, 1, {x->c}};
        out[n++] = (nlg_param_spec){"bias", NLG_PARAM_NORM_BIAS, 1, {x->c}};
    }
    out[n++] = (nlg_param_spec){"running_mean", NLG_PARAM_RUNNING_MEAN, 1, {x->c}};
    out[n++] = (nlg_param_spec){"running_var", NLG_PARAM_RUNNING_VAR, 1, {x->c}};
    return n;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_batch_norm_attrs *a = attrs;
    (void)x, (void)n_x;
    cost->other_ops = shape_size(y) * (a->add ? 3 : 2) + act_ops(a->act, shape_size(y));
}

/* What forward and backward multiply by, [c] each. In saved while batch statistics are used, else packed with the weights. */
enum { SCALE, SHIFT, MEAN, INVERSE /* 1 / standard deviation */, SLOPE, OFFSET /* of the gradient */, VECTORS };

static size_t packed_size(const nlg_op_call *call) {
    return call->batch_statistics ? 0 : SLOPE * (size_t)call->x[0].c;
}

static size_t saved_size(const nlg_op_call *call) {
    return call->batch_statistics ? VECTORS * (size_t)call->x[0].c : 0;
}

static float *vector(const nlg_op_call *call, int index) {
    return (call->batch_statistics ? call->saved : call->packed) + (size_t)index * (size_t)call->x[0].c;
}

/* A part: two sums [c] in double. */
static size_t part_size(const nlg_op_call *call) {
    return 4 * (size_t)call->x[0].c;
}

static double *part_of(const nlg_op_call *call, int part) {
    return (double *)(void *)(call->parts + (size_t)part * part_size(call));
}

static size_t rounded_sums(const nlg_op_call *call) {
    return (part_size(call) + 15) / 16 * 16;
}

/* scratch: two sums, then the kernels'. */
static size_t scratch_size(const nlg_op_call *call) {
    return rounded_sums(call) + nlg_norm_scratch_size(nlg_tensor_pixels(&call->x[0]), call->x[0].c);
}

static float *kernel_scratch(const nlg_op_call *call) {
    return call->scratch + rounded_sums(call);
}

static nlg_norm norm_of(const nlg_op_call *call) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    return (nlg_norm){.rows = nlg_tensor_pixels(x),
                      .c = x->c,
                      .x = x->data,
                      .ld_x = x->ld,
                      .add = a->add ? call->x[1].data : NULL,
                      .ld_add = a->add ? call->x[1].ld : 0,
                      .act = a->act,
                      .scale = vector(call, SCALE),
                      .shift = vector(call, SHIFT),
                      .mean = vector(call, MEAN)};
}

static void fill_vectors(const nlg_op_call *call, int i, double mean, double var) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const param_index index = indices(a);
    const double deviation = nlg_sqrt(var + (double)a->eps), weight = a->affine ? (double)call->param[index.weight][i] : 1.0;
    const float scale = (float)(weight / deviation);
    vector(call, SCALE)[i] = scale;
    /* from the rounded scale, so that a large mean cancels */
    vector(call, SHIFT)[i] = (float)((a->affine ? (double)call->param[index.bias][i] : 0.0) - mean * (double)scale);
    vector(call, MEAN)[i] = (float)mean;
    vector(call, INVERSE)[i] = (float)(1.0 / deviation);
}

static void pack(const nlg_op_call *call) {
    const param_index index = indices(call->attrs);
    for (int i = 0; i < call->x[0].c && !call->batch_statistics; i++)
        fill_vectors(call, i, (double)call->param[index.mean][i], (double)call->param[index.var][i]);
}

/* Mean and variance of a part. */
static void reduce(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0];
    double *mean = part_of(call, call->part);
    nlg_norm_statistics(call->exec, nlg_tensor_pixels(x), x->c, x->data, x->ld, mean, mean + x->c, kernel_scratch(call));
}

static double part_rows(const nlg_op_call *call, int part) {
    const nlg_tensor *x = &call->x[0];
    const int images = part < call->n_parts - 1 ? call->part_images : x->n - part * call->part_images;
    return (double)images * x->h * x->w;
}

/* Statistics of the whole from those of its parts: the variance is that within the parts and that of their means. */
static void settle(const nlg_op_call *call) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const int c = call->x[0].c;
    const double rows = (double)nlg_tensor_pixels(&call->x[0]), momentum = (double)a->momentum;
    const double unbias = rows > 1.0 ? rows / (rows - 1.0) : 1.0;
    float *running_mean = call->param[indices(a).mean], *running_var = call->param[indices(a).var];
    double *mean = (double *)(void *)call->scratch, *var = mean + c;
    for (int i = 0; i < c; i++) mean[i] = var[i] = 0.0;
    for (int k = 0; k < call->n_parts; k++) {
        const double *part = part_of(call, k), share = part_rows(call, k) / rows;
        for (int i = 0; i < c; i++) mean[i] += share * part[i];
    }
    for (int k = 0; k < call->n_parts; k++) {
        const double *part = part_of(call, k), share = part_rows(call, k) / rows;
        for (int i = 0; i < c; i++) var[i] += share * (part[c + i] + (part[i] - mean[i]) * (part[i] - mean[i]));
    }
    for (int i = 0; i < c; i++) {
        running_mean[i] = (float)((1.0 - momentum) * (double)running_mean[i] + momentum * mean[i]);
        running_var[i] = (float)((1.0 - momentum) * (double)running_var[i] + momentum * var[i] * unbias);
        fill_vectors(call, i, mean[i], var[i]);
    }
}

static void forward(const nlg_op_call *call) {
    nlg_norm norm = norm_of(call);
    nlg_norm_apply(call->exec, &norm, call->y.data, call->y.ld);
}

/* Also puts the gradient before the activation in dy's place. */
static void gradient_sums(const nlg_op_call *call, double *sum) {
    nlg_norm norm = norm_of(call);
    nlg_norm_gradient_sums(call->exec, &norm, call->dy.data, call->dy.ld, sum, sum + norm.c, kernel_scratch(call));
}

static void write_dparam(const nlg_op_call *call, const double *sum) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const int c = call->x[0].c;
    float *dweight = a->affine ? call->dparam[indices(a).weight] : NULL, *dbias = a->affine ? call->dparam[indices(a).bias] : NULL;
    const float *inverse = vector(call, INVERSE);
    const bool accumulate = call->accumulate_dparam;
    for (int i = 0; i < c && dweight; i++)
        dweight[i] = (float)((accumulate ? (double)dweight[i] : 0.0) + sum[c + i] * (double)inverse[i]);
    for (int i = 0; i < c && dbias; i++) dbias[i] = (float)((accumulate ? (double)dbias[i] : 0.0) + sum[i]);
}

static void reduce_backward(const nlg_op_call *call) {
    gradient_sums(call, part_of(call, call->part));
}

static void settle_backward(const nlg_op_call *call) {
    const int c = call->x[0].c;
    const double rows = (double)nlg_tensor_pixels(&call->x[0]);
    const float *scale = vector(call, SCALE), *inverse = vector(call, INVERSE);
    float *slope = vector(call, SLOPE), *offset = vector(call, OFFSET);
    double *sum = (double *)(void *)call->scratch;
    for (int i = 0; i < 2 * c; i++) sum[i] = 0.0;
    for (int k = 0; k < call->n_parts; k++) {
        const double *part = part_of(call, k);
        for (int i = 0; i < 2 * c; i++) sum[i] += part[i];
    }
    write_dparam(call, sum);
    for (int i = 0; i < c; i++) {
        offset[i] = (float)(-(double)scale[i] * sum[i] / rows);
        slope[i] = (float)(-(double)scale[i] * (double)inverse[i] * (double)inverse[i] * sum[c + i] / rows);
    }
}

static void backward(const nlg_op_call *call) {
    const nlg_tensor *dx = &call->dx[0], *dadd = &call->dx[1];
    nlg_norm norm = norm_of(call);
    norm.add = NULL; /* dy is the gradient before the activation by now */
    nlg_norm_gradient gradient = {.dx = dx->data, .ld_dx = dx->ld, .accumulate_dx = call->accumulate_dx[0]};
    if (!call->batch_statistics) {
        gradient_sums(call, (double *)(void *)call->scratch);
        write_dparam(call, (const double *)(const void *)call->scratch);
    }
    if (((const nlg_batch_norm_attrs *)call->attrs)->add) {
        gradient.dadd = dadd->data;
        gradient.ld_dadd = dadd->ld;
        gradient.accumulate_dadd = call->accumulate_dx[1];
    }
    if (!gradient.dx && !gradient.dadd) return;
    if (call->batch_statistics && gradient.dx) {
        gradient.slope = vector(call, SLOPE);
        gradient.offset = vector(call, OFFSET);
    }
    nlg_norm_gradient_apply(call->exec, &norm, call->dy.data, call->dy.ld, &gradient);
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_batch_norm_attrs *a = attrs;
    snprintf(text, size, "eps %g%s%s%s", (double)a->eps, a->add ? " add" : "", a->act ? " " : "", act_name(a->act));
}

static nlg_act *act_of(void *attrs) {
    return &((nlg_batch_norm_attrs *)attrs)->act;
}

static bool *add_of(void *attrs) {
    return &((nlg_batch_norm_attrs *)attrs)->add;
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "BN";
}

static bool onnx(const nlg_onnx_use *u) {
    const nlg_batch_norm_attrs *a = u->attrs;
    if (!a->affine || a->add || a->act) return false;
    const char *const in[] = {u->in[0], u->param[0], u->param[1], u->param[2], u->param[3]};
    nlg_onnx_node(u->onnx, "BatchNormalization", in, 5, u->out, &(nlg_onnx_attr){.name = "epsilon", .fraction = a->eps}, 1);
    return true;
}

const nlg_op nlg_op_batch_norm = {
    .name = "batch_norm",
    .summary = "batch normalisation over a channel",
    .attrs_size = sizeof(nlg_batch_norm_attrs),
    .min_inputs = 1,
    .max_inputs = 2,
    .flags = NLG_OP_READS_X | NLG_OP_FUSES_TRAINING,
    .infer = infer,
    .params = params,
    .cost = cost,
    .packed_size = packed_size,
    .saved_size = saved_size,
    .scratch_size = scratch_size,
    .pack = pack,
    .forward = forward,
    .backward = backward,
    .part_size = part_size,
    .reduce = reduce,
    .settle = settle,
    .reduce_backward = reduce_backward,
    .settle_backward = settle_backward,
    .act = act_of,
    .add = add_of,
    .describe = describe,
    .role = NLG_ROLE_DETAIL,
    .word = word,
    .onnx = onnx,
};
