/* Batch normalisation, with addition and activation fused: y = act((x - mean) / sqrt(var + eps) * weight + bias + add).
 * Ioffe and Szegedy 2015; running statistics as in PyTorch: momentum weighs the new value, the variance is unbiased.
 *
 * The gradient recomputes the value before the activation from x (and add), so that nothing else need be kept.
 * Cost: other_ops per element: 2 (scale and shift, as in inference), 1 for the addition, 1 for the activation. */
#include "layers/base/dmath.h"
#include "layers/ops/op_util.h"

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

/* saved: scale, shift, mean, 1 / standard deviation. */
static size_t saved_size(const nlg_op_call *call) {
    return 4 * (size_t)call->x[0].c;
}

/* scratch: two sums [c] in double, three vectors [c], the kernels' parts. */
static size_t scratch_size(const nlg_op_call *call) {
    size_t c = (size_t)call->x[0].c, vectors = (7 * c + 15) / 16 * 16;
    return vectors + nlg_norm_scratch_size(nlg_tensor_pixels(&call->x[0]), call->x[0].c);
}

static float *kernel_scratch(const nlg_op_call *call) {
    return call->scratch + (7 * (size_t)call->x[0].c + 15) / 16 * 16;
}

static nlg_norm norm_of(const nlg_op_call *call, const float *vectors) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    return (nlg_norm){.rows = nlg_tensor_pixels(x),
                      .c = x->c,
                      .x = x->data,
                      .ld_x = x->ld,
                      .add = a->add ? call->x[1].data : NULL,
                      .ld_add = a->add ? call->x[1].ld : 0,
                      .act = a->act,
                      .scale = vectors,
                      .shift = vectors + x->c,
                      .mean = vectors + 2 * x->c};
}

static void update_running(const nlg_op_call *call, const double *mean, const double *var) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    double rows = (double)nlg_tensor_pixels(x), momentum = (double)a->momentum, unbias = rows > 1.0 ? rows / (rows - 1.0) : 1.0;
    float *running_mean = call->param[indices(a).mean], *running_var = call->param[indices(a).var];
    for (int i = 0; i < x->c; i++) {
        running_mean[i] = (float)((1.0 - momentum) * (double)running_mean[i] + momentum * mean[i]);
        running_var[i] = (float)((1.0 - momentum) * (double)running_var[i] + momentum * var[i] * unbias);
    }
}

static void forward(const nlg_op_call *call) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    int c = x->c;
    param_index index = indices(a);
    double *mean = (double *)(void *)call->scratch, *var = mean + c;
    float *vectors = call->training ? call->saved : call->scratch + 4 * c;
    if (call->batch_statistics) {
        nlg_norm_statistics(call->exec, nlg_tensor_pixels(x), c, x->data, x->ld, mean, var, kernel_scratch(call));
        update_running(call, mean, var);
    } else {
        for (int i = 0; i < c; i++) mean[i] = (double)call->param[index.mean][i], var[i] = (double)call->param[index.var][i];
    }
    for (int i = 0; i < c; i++) {
        double deviation = nlg_sqrt(var[i] + (double)a->eps), weight = a->affine ? (double)call->param[index.weight][i] : 1.0;
        float scale = (float)(weight / deviation);
        vectors[i] = scale;
        /* from the rounded scale, so that a large mean cancels */
        vectors[c + i] = (float)((a->affine ? (double)call->param[index.bias][i] : 0.0) - mean[i] * (double)scale);
        if (!call->training) continue;
        vectors[2 * c + i] = (float)mean[i];
        vectors[3 * c + i] = (float)(1.0 / deviation);
    }
    nlg_norm norm = norm_of(call, vectors);
    nlg_norm_apply(call->exec, &norm, call->y.data, call->y.ld);
}

static void backward(const nlg_op_call *call) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0], *dx = &call->dx[0], *dadd = &call->dx[1];
    int c = x->c;
    param_index index = indices(a);
    float *dweight = a->affine ? call->dparam[index.weight] : NULL, *dbias = a->affine ? call->dparam[index.bias] : NULL;
    nlg_norm norm = norm_of(call, call->saved);
    const float *scale = call->saved, *inverse = call->saved + 3 * c;
    double *sum = (double *)(void *)call->scratch, *product = sum + c;
    float *slope = call->scratch + 4 * c, *offset = slope + c;
    if (dweight || dbias || (call->batch_statistics && dx->data))
        nlg_norm_gradient_sums(call->exec, &norm, call->dy.data, call->dy.ld, sum, product, kernel_scratch(call));
    for (int i = 0; i < c && dweight; i++)
        dweight[i] = (float)((call->accumulate_dparam ? (double)dweight[i] : 0.0) + product[i] * (double)inverse[i]);
    for (int i = 0; i < c && dbias; i++) dbias[i] = (float)((call->accumulate_dparam ? (double)dbias[i] : 0.0) + sum[i]);
    nlg_norm_gradient gradient = {.dx = dx->data, .ld_dx = dx->ld, .accumulate_dx = call->accumulate_dx[0]};
    if (a->add) {
        gradient.dadd = dadd->data;
        gradient.ld_dadd = dadd->ld;
        gradient.accumulate_dadd = call->accumulate_dx[1];
    }
    if (!gradient.dx && !gradient.dadd) return;
    if (call->batch_statistics && gradient.dx) {
        double rows = (double)norm.rows;
        for (int i = 0; i < c; i++) {
            offset[i] = (float)(-(double)scale[i] * sum[i] / rows);
            slope[i] = (float)(-(double)scale[i] * (double)inverse[i] * (double)inverse[i] * product[i] / rows);
        }
        gradient.slope = slope;
        gradient.offset = offset;
    }
    nlg_norm_gradient_apply(call->exec, &norm, call->dy.data, call->dy.ld, &gradient);
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_batch_norm_attrs *a = attrs;
    snprintf(text, size, "eps %g%s%s%s", (double)a->eps, a->add ? " add" : "", a->act ? " " : "", act_name(a->act));
}

const nlg_op nlg_op_batch_norm = {
    .name = "batch_norm",
    .attrs_size = sizeof(nlg_batch_norm_attrs),
    .min_inputs = 1,
    .max_inputs = 2,
    .flags = NLG_OP_READS_X,
    .infer = infer,
    .params = params,
    .cost = cost,
    .saved_size = saved_size,
    .scratch_size = scratch_size,
    .forward = forward,
    .backward = backward,
    .describe = describe,
};
