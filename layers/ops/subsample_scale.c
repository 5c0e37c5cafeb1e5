/* LeNet-5's S2 and S4 (LeCun et al. 1998, section II.B): y = weight[c] * (sum of 2 x 2 pixels) + bias[c].
 * The weight starts at 1/4, as an average. Cost: other_ops 5 per output (3 additions, a product, the bias). */
#include "layers/kernels/pool.h"

#include "layers/ops/op_util.h"

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    (void)attrs, (void)n_x;
    if (x->h % 2 || x->w % 2) return nlg_fail(err, NLG_ERR_INPUT, "subsampling: input %dx%d, expected even sides", x->h, x->w);
    *y = (nlg_shape){x->h / 2, x->w / 2, x->c};
    return NLG_OK;
}

static int params(const void *attrs, const nlg_shape *x, int n_x, nlg_param_spec *out) {
    (void)attrs, (void)n_x;
    out[0] = (nlg_param_spec){"weight", NLG_PARAM_VECTOR, 1, {x->c}};
    out[1] = (nlg_param_spec){"bias", NLG_PARAM_BIAS, 1, {x->c}};
    return 2;
}

static bool init(const void *attrs, int index, float *value, size_t count, nlg_rng rng) {
    (void)attrs, (void)rng;
    for (size_t i = 0; i < count && index == 0; i++) value[i] = 0.25f;
    return index == 0;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x;
    cost->other_ops = 5 * shape_size(y);
}

/* Average pooling times 4 is the sum; all powers of two are exact. */
static nlg_pool pool_of(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0];
    return (nlg_pool){.n = x->n,
                      .c = x->c,
                      .h = {.in = x->h, .out = x->h / 2, .kernel = 2, .stride = 2},
                      .w = {.in = x->w, .out = x->w / 2, .kernel = 2, .stride = 2}};
}

static size_t rounded_channels(const nlg_op_call *call) {
    return ((size_t)call->x[0].c + 15) / 16 * 16;
}

static size_t outputs(const nlg_op_call *call) {
    return (size_t)nlg_tensor_pixels(&call->y) * (size_t)call->y.c;
}

/* saved: averages of 2 x 2 pixels. */
static size_t saved_size(const nlg_op_call *call) {
    return outputs(call);
}

/* scratch: factors of the averages, then dy times them or (inference) the averages. */
static size_t scratch_size(const nlg_op_call *call) {
    return rounded_channels(call) + outputs(call);
}

static float *fill_factors(const nlg_op_call *call, float factor) {
    for (int i = 0; i < call->y.c; i++) call->scratch[i] = factor * call->param[0][i];
    return call->scratch + rounded_channels(call);
}

static void forward(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    nlg_pool pool = pool_of(call);
    float *rest = fill_factors(call, 4.0f), *average = call->training ? call->saved : rest;
    nlg_average_pool_forward(call->exec, &pool, x->data, x->ld, average, y->c);
    nlg_norm scale = {
        .rows = nlg_tensor_pixels(y), .c = y->c, .x = average, .ld_x = y->c, .scale = call->scratch, .shift = call->param[1]};
    nlg_norm_apply(call->exec, &scale, y->data, y->ld);
}

static void backward(const nlg_op_call *call) {
    const nlg_tensor *dx = &call->dx[0], *dy = &call->dy;
    int64_t rows = nlg_tensor_pixels(dy);
    bool accumulate = call->accumulate_dparam;
    float *dweight = call->dparam[0], *dbias = call->dparam[1];
    if (dbias) nlg_channel_dot(call->exec, 1, rows, dy->c, dy->data, dy->ld, NULL, 0, accumulate, dbias, 0);
    if (dweight) {
        nlg_channel_dot(call->exec, 1, rows, dy->c, dy->data, dy->ld, call->saved, dy->c, false, call->scratch, 0);
        for (int i = 0; i < dy->c; i++) dweight[i] = (accumulate ? dweight[i] : 0.0f) + 4.0f * call->scratch[i];
    }
    if (!dx->data) return;
    nlg_pool pool = pool_of(call);
    float *scaled = fill_factors(call, 4.0f);
    nlg_multiply_rows(call->exec, rows, dy->c, dy->data, dy->ld, call->scratch, 0, rows + 1, false, scaled, dy->c);
    nlg_average_pool_backward(call->exec, &pool, scaled, dy->c, call->accumulate_dx[0], dx->data, dx->ld);
}

static const char *word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "subsampling";
}

const nlg_op nlg_op_subsample_scale = {
    .name = "subsample_scale",
    .summary = "sum of a 2x2 window times a weight, plus a bias (LeNet-5)",
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .params = params,
    .init = init,
    .cost = cost,
    .saved_size = saved_size,
    .scratch_size = scratch_size,
    .forward = forward,
    .backward = backward,
    .role = NLG_ROLE_POOL,
    .word = word,
};
