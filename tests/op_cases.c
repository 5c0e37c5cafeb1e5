#include "tests/op_cases.h"

#include <math.h>

/* Element of an input, or `outside` beyond its borders. */
static double at(const nlg_tensor *t, int n, int y, int x, int c, double outside) {
    if (y < 0 || x < 0 || y >= t->h || x >= t->w) return outside;
    return (double)t->data[(((int64_t)n * t->h + y) * t->w + x) * t->ld + c];
}

static double act(nlg_act kind, double z) {
    switch (kind) {
    case NLG_ACT_RELU:
        return fmax(z, 0);
    case NLG_ACT_RELU6:
        return fmin(fmax(z, 0), 6);
    case NLG_ACT_SILU:
        return z / (1 + exp(-z));
    case NLG_ACT_SIGMOID:
        return 1 / (1 + exp(-z));
    case NLG_ACT_TANH:
        return tanh(z);
    case NLG_ACT_SCALED_TANH:
        return 1.7159 * tanh(2 * z / 3);
    case NLG_ACT_NONE:
        break;
    }
    return z;
}

/* Padding before, by TensorFlow's 'same'. */
static int same_before(int in, int kernel, int stride) {
    int total = ((in + stride - 1) / stride - 1) * stride + kernel - in;
    return total > 0 ? total / 2 : 0;
}

static double plain_conv2d(const nlg_op_call *call, int n, int p, int q, int k) {
    const nlg_conv2d_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    int per_group = x->c / a->groups, group = k / (a->out / a->groups), next = 1;
    int top = a->same ? same_before(x->h, (a->kernel_h - 1) * a->dilation + 1, a->stride_h) : a->pad_top;
    int left = a->same ? same_before(x->w, (a->kernel_w - 1) * a->dilation + 1, a->stride_w) : a->pad_left;
    const float *w = call->param[0] + (int64_t)k * per_group * a->kernel_h * a->kernel_w;
    double sum = 0;
    for (int c = 0; c < per_group; c++)
        for (int r = 0; r < a->kernel_h; r++)
            for (int s = 0; s < a->kernel_w; s++)
                sum += (double)*w++ * at(x, n, p * a->stride_h - top + r * a->dilation, q * a->stride_w - left + s * a->dilation,
                                         group * per_group + c, 0);
    if (a->bias) sum += (double)call->param[next++][k];
    if (a->norm) {
        float *const *norm = call->param + next + (a->norm_affine ? 2 : 0);
        sum = (sum - (double)norm[0][k]) / sqrt((double)norm[1][k] + (double)a->norm_eps);
        if (a->norm_affine) sum = sum * (double)call->param[next][k] + (double)call->param[next + 1][k];
    }
    if (a->add) sum += at(&call->x[1], n, p, q, k, 0);
    return act(a->act, sum);
}

static double plain_linear(const nlg_op_call *call, int n, int y, int x, int k) {
    const nlg_linear_attrs *a = call->attrs;
    const nlg_tensor *in = &call->x[0];
    const float *w = call->param[0] + (int64_t)k * in->c * in->h * in->w;
    double sum = a->bias ? (double)call->param[1][k] : 0;
    (void)y, (void)x;
    for (int c = 0; c < in->c; c++)
        for (int i = 0; i < in->h; i++)
            for (int j = 0; j < in->w; j++) sum += (double)*w++ * at(in, n, i, j, c, 0);
    return act(a->act, sum);
}

static double plain_batch_norm(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_batch_norm_attrs *a = call->attrs;
    const nlg_tensor *in = &call->x[0];
    float *const *running = call->param + (a->affine ? 2 : 0);
    double mean = (double)running[0][c], var = (double)running[1][c];
    if (call->batch_statistics) {
        double count = (double)nlg_tensor_pixels(in);
        mean = var = 0;
        for (int64_t i = 0; i < nlg_tensor_pixels(in); i++) mean += (double)in->data[i * in->ld + c] / count;
        for (int64_t i = 0; i < nlg_tensor_pixels(in); i++) var += pow((double)in->data[i * in->ld + c] - mean, 2) / count;
    }
    double z = (at(in, n, y, x, c, 0) - mean) / sqrt(var + (double)a->eps);
    if (a->affine) z = z * (double)call->param[0][c] + (double)call->param[1][c];
    return act(a->act, a->add ? z + at(&call->x[1], n, y, x, c, 0) : z);
}

static double plain_activation(const nlg_op_call *call, int n, int y, int x, int c) {
    return act(((const nlg_activation_attrs *)call->attrs)->act, at(&call->x[0], n, y, x, c, 0));
}

static double plain_max_pool(const nlg_op_call *call, int n, int p, int q, int c) {
    const nlg_pool_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    int top = a->same ? same_before(x->h, a->kernel_h, a->stride_h) : a->pad_top;
    int left = a->same ? same_before(x->w, a->kernel_w, a->stride_w) : a->pad_left;
    double best = -HUGE_VAL;
    for (int r = 0; r < a->kernel_h; r++)
        for (int s = 0; s < a->kernel_w; s++)
            best = fmax(best, at(x, n, p * a->stride_h - top + r, q * a->stride_w - left + s, c, -HUGE_VAL));
    return best;
}

static double plain_avg_pool(const nlg_op_call *call, int n, int p, int q, int c) {
    const nlg_pool_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    int kernel_h = a->global ? x->h : a->kernel_h, kernel_w = a->global ? x->w : a->kernel_w;
    int top = a->same ? same_before(x->h, kernel_h, a->stride_h) : a->pad_top;
    int left = a->same ? same_before(x->w, kernel_w, a->stride_w) : a->pad_left;
    double sum = 0, count = 0;
    for (int r = 0; r < kernel_h; r++)
        for (int s = 0; s < kernel_w; s++) {
            int y = p * a->stride_h - top + r, z = q * a->stride_w - left + s;
            bool inside = y >= 0 && z >= 0 && y < x->h && z < x->w, padded = y < x->h + a->pad_bottom && z < x->w + a->pad_right;
            sum += at(x, n, y, z, c, 0);
            count += inside || (a->count_include_pad && padded);
        }
    return sum / count;
}

static double plain_adaptive(const nlg_op_call *call, int n, int p, int q, int c) {
    const nlg_adaptive_pool_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0];
    double sum = 0, count = 0;
    for (int y = (int)floor(p * x->h / (double)a->out_h); y < (int)ceil((p + 1) * x->h / (double)a->out_h); y++)
        for (int z = (int)floor(q * x->w / (double)a->out_w); z < (int)ceil((q + 1) * x->w / (double)a->out_w); z++, count++)
            sum += at(x, n, y, z, c, 0);
    return sum / count;
}

static double plain_lrn(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_lrn_attrs *a = call->attrs;
    double sum = 0;
    for (int i = c - a->size / 2; i <= c + (a->size - 1) / 2; i++)
        if (i >= 0 && i < call->x[0].c) sum += pow(at(&call->x[0], n, y, x, i, 0), 2);
    return at(&call->x[0], n, y, x, c, 0) / pow((double)a->k + (double)a->alpha * sum, (double)a->beta);
}

static double plain_add(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_add_attrs *a = call->attrs;
    double sum = 0;
    for (int i = 0; i < call->n_x; i++) sum += (double)a->factor[i] * at(&call->x[i], n, y, x, c, 0);
    return act(a->act, sum);
}

static double plain_concat(const nlg_op_call *call, int n, int y, int x, int c) {
    int i = 0;
    while (c >= call->x[i].c) c -= call->x[i++].c;
    return at(&call->x[i], n, y, x, c, 0);
}

static double plain_multiply(const nlg_op_call *call, int n, int y, int x, int c) {
    return at(&call->x[0], n, y, x, c, 0) * at(&call->x[1], n, y, x, c, 0);
}

static double plain_channel_scale(const nlg_op_call *call, int n, int y, int x, int c) {
    return at(&call->x[0], n, y, x, c, 0) * at(&call->x[1], n, 0, 0, c, 0);
}

static double plain_slice(const nlg_op_call *call, int n, int y, int x, int c) {
    return at(&call->x[0], n, y, x, c + ((const nlg_slice_attrs *)call->attrs)->begin, 0);
}

static double plain_channel_pad(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_channel_pad_attrs *a = call->attrs;
    int from = c - a->before;
    return from < 0 || from >= call->x[0].c ? 0 : at(&call->x[0], n, y * a->stride, x * a->stride, from, 0);
}

static double plain_spatial_pad(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_spatial_pad_attrs *a = call->attrs;
    return at(&call->x[0], n, y - a->top, x - a->left, c, 0);
}

static double plain_upsample(const nlg_op_call *call, int n, int y, int x, int c) {
    int factor = ((const nlg_upsample_attrs *)call->attrs)->factor;
    return at(&call->x[0], n, y / factor, x / factor, c, 0);
}

static double drop(const nlg_op_call *call, uint64_t index) {
    double rate = (double)((const nlg_dropout_attrs *)call->attrs)->rate;
    if (!call->batch_statistics) return 1;
    return nlg_rng_uniform(call->rng, index) < rate ? 0 : 1 / (1 - rate);
}

static double plain_dropout(const nlg_op_call *call, int n, int y, int x, int c) {
    const nlg_tensor *t = &call->x[0];
    return drop(call,
                (((uint64_t)n * (uint64_t)t->h + (uint64_t)y) * (uint64_t)t->w + (uint64_t)x) * (uint64_t)t->c + (uint64_t)c) *
           at(t, n, y, x, c, 0);
}

static double plain_drop_path(const nlg_op_call *call, int n, int y, int x, int c) {
    return drop(call, (uint64_t)n) * at(&call->x[0], n, y, x, c, 0);
}

static double plain_conv_table(const nlg_op_call *call, int n, int p, int q, int k) {
    const nlg_conv_table_attrs *a = call->attrs;
    const float *w = call->param[0];
    double sum = (double)call->param[1][k];
    for (int i = 0; i < (k + 1) * a->inputs; i++) {
        if (!a->table[i]) continue;
        for (int r = 0; r < a->kernel; r++)
            for (int s = 0; s < a->kernel; s++, w++)
                if (i / a->inputs == k) sum += (double)*w * at(&call->x[0], n, p + r, q + s, i % a->inputs, 0);
    }
    return sum;
}

static double plain_subsample(const nlg_op_call *call, int n, int y, int x, int c) {
    double sum = 0;
    for (int i = 0; i < 4; i++) sum += at(&call->x[0], n, 2 * y + i / 2, 2 * x + i % 2, c, 0);
    return sum * (double)call->param[0][c] + (double)call->param[1][c];
}

static double plain_rbf(const nlg_op_call *call, int n, int y, int x, int c) {
    double sum = 0;
    for (int j = 0; j < 84; j++) sum += pow(at(&call->x[0], n, y, x, j, 0) - (double)call->param[0][c * 84 + j], 2);
    return -sum;
}

#define ATTRS(type, ...) (&(const type){__VA_ARGS__})
#define CONV(...)        ATTRS(nlg_conv2d_attrs, .dilation = 1, __VA_ARGS__)
#define KERNEL(k, s)     .kernel_h = k, .kernel_w = k, .stride_h = s, .stride_w = s
#define PAD(p)           .pad_top = p, .pad_bottom = p, .pad_left = p, .pad_right = p

static const unsigned char table[4 * 3] = {1, 0, 1, 1, 1, 1, 0, 1, 0, 0, 1, 1};

#define ONE(name, function, attributes, ...)                                                                                       \
    {                                                                                                                              \
        .op = name, .plain = function, .attrs = attributes, .images = 2, .n_x = 1, .x = { __VA_ARGS__ }                            \
    }

const op_case op_cases[] = {
    ONE("conv2d", plain_conv2d, CONV(.out = 19, KERNEL(3, 1), PAD(1), .groups = 1, .bias = true), {5, 6, 5}),
    ONE("conv2d", plain_conv2d, CONV(.out = 7, KERNEL(3, 2), .same = true, .groups = 1), {6, 5, 3}),
    ONE("conv2d", plain_conv2d, CONV(.out = 17, KERNEL(5, 2), .pad_top = 1, .pad_bottom = 2, .pad_left = 2, .groups = 17),
        {7, 8, 17}),
    ONE("conv2d", plain_conv2d,
        ATTRS(nlg_conv2d_attrs, .out = 6, .kernel_h = 1, .kernel_w = 3, .stride_h = 1, .stride_w = 1, .dilation = 2, .groups = 2),
        {3, 7, 4}),
    {"conv2d",
     CONV(.out = 19, KERNEL(3, 1), PAD(1), .groups = 1, .norm = true, .norm_affine = true, .norm_eps = 1e-3f, .add = true,
          .act = NLG_ACT_RELU),
     2,
     2,
     {{5, 6, 5}, {5, 6, 19}},
     .inference = true,
     .plain = plain_conv2d},
    {"conv2d",
     CONV(.out = 6, KERNEL(3, 2), PAD(1), .groups = 6, .bias = true, .norm = true, .norm_eps = 1e-3f, .act = NLG_ACT_SILU),
     2,
     1,
     {{5, 6, 6}},
     .inference = true,
     .plain = plain_conv2d},
    {"conv2d",
     CONV(.out = 9, KERNEL(1, 1), .groups = 1, .bias = true, .act = NLG_ACT_RELU6),
     2,
     1,
     {{5, 4, 6}},
     .inference = true,
     .plain = plain_conv2d},
    ONE("linear", plain_linear, ATTRS(nlg_linear_attrs, .out = 7, .bias = true), {2, 3, 5}),
    ONE("linear", plain_linear, ATTRS(nlg_linear_attrs, .out = 18), {1, 1, 33}),
    {"linear",
     ATTRS(nlg_linear_attrs, .out = 7, .bias = true, .act = NLG_ACT_SIGMOID),
     2,
     1,
     {{2, 3, 5}},
     .inference = true,
     .plain = plain_linear},
    {"batch_norm",
     ATTRS(nlg_batch_norm_attrs, .eps = 1e-5f, .momentum = 0.1f, .affine = true),
     2,
     1,
     {{3, 4, 5}},
     .statistics = true,
     .plain = plain_batch_norm},
    {"batch_norm",
     ATTRS(nlg_batch_norm_attrs, .eps = 1e-3f, .momentum = 0.1f, .affine = true, .add = true, .act = NLG_ACT_SILU),
     2,
     2,
     {{3, 3, 19}, {3, 3, 19}},
     .statistics = true,
     .plain = plain_batch_norm},
    {"batch_norm",
     ATTRS(nlg_batch_norm_attrs, .eps = 1e-5f, .momentum = 0.1f, .affine = true, .add = true, .act = NLG_ACT_RELU),
     2,
     2,
     {{3, 3, 5}, {3, 3, 5}},
     .statistics = true,
     .step = 2e-3,
     .plain = plain_batch_norm},
    {"batch_norm",
     ATTRS(nlg_batch_norm_attrs, .eps = 1e-5f, .momentum = 0.1f, .act = NLG_ACT_TANH),
     3,
     1,
     {{3, 3, 5}},
     .statistics = true,
     .plain = plain_batch_norm},
    {"batch_norm",
     ATTRS(nlg_batch_norm_attrs, .eps = 1e-5f, .momentum = 0.1f, .affine = true, .act = NLG_ACT_RELU6),
     2,
     1,
     {{3, 3, 18}},
     .step = 2e-3,
     .plain = plain_batch_norm},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_RELU), 2, 1, {{3, 3, 5}}, .spacing = 0.2, .plain = plain_activation},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_RELU6), 2, 1, {{3, 3, 5}}, .spacing = 0.2, .plain = plain_activation},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_SILU), 2, 1, {{3, 3, 5}}, .spacing = 0.2, .plain = plain_activation},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_SIGMOID), 2, 1, {{3, 3, 5}}, .spacing = 0.2, .plain = plain_activation},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_TANH), 2, 1, {{3, 3, 5}}, .plain = plain_activation},
    {"activation", ATTRS(nlg_activation_attrs, NLG_ACT_SCALED_TANH), 2, 1, {{3, 3, 19}}, .plain = plain_activation},
    ONE("max_pool", plain_max_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), PAD(1)), {7, 6, 5}),
    ONE("max_pool", plain_max_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), .ceil_mode = true), {6, 8, 18}),
    ONE("max_pool", plain_max_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), .same = true), {6, 5, 4}),
    ONE("max_pool", plain_max_pool, ATTRS(nlg_pool_attrs, KERNEL(2, 3)), {8, 8, 3}),
    ONE("avg_pool", plain_avg_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), PAD(1), .count_include_pad = true), {7, 6, 18}),
    ONE("avg_pool", plain_avg_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 1), PAD(1)), {4, 5, 5}),
    ONE("avg_pool", plain_avg_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), PAD(1), .ceil_mode = true, .count_include_pad = true),
        {6, 8, 3}),
    ONE("avg_pool", plain_avg_pool, ATTRS(nlg_pool_attrs, KERNEL(3, 2), .same = true), {6, 5, 4}),
    ONE("avg_pool", plain_avg_pool, ATTRS(nlg_pool_attrs, .global = true), {5, 3, 70}),
    ONE("adaptive_avg_pool", plain_adaptive, ATTRS(nlg_adaptive_pool_attrs, 3, 2), {5, 7, 5}),
    ONE("adaptive_avg_pool", plain_adaptive, ATTRS(nlg_adaptive_pool_attrs, 4, 5), {3, 2, 17}),
    ONE("local_response_norm", plain_lrn, ATTRS(nlg_lrn_attrs, 5, 0.1f, 0.75f, 2.0f), {2, 2, 19}),
    ONE("local_response_norm", plain_lrn, ATTRS(nlg_lrn_attrs, 4, 0.5f, 0.5f, 1.0f), {2, 2, 6}),
    {"add", ATTRS(nlg_add_attrs, {1, 0.3f, -2}, NLG_ACT_NONE), 2, 3, {{3, 3, 5}, {3, 3, 5}, {3, 3, 5}}, .plain = plain_add},
    {"add", ATTRS(nlg_add_attrs, {1, 1}, NLG_ACT_RELU), 2, 2, {{3, 3, 5}, {3, 3, 5}}, .step = 2e-3, .plain = plain_add},
    {"add", ATTRS(nlg_add_attrs, {0.5f, 1}, NLG_ACT_SILU), 2, 2, {{3, 3, 18}, {3, 3, 18}}, .plain = plain_add},
    {"concat", NULL, 2, 3, {{3, 2, 5}, {3, 2, 17}, {3, 2, 2}}, .plain = plain_concat},
    {"multiply", NULL, 2, 2, {{3, 3, 5}, {3, 3, 5}}, .plain = plain_multiply},
    {"channel_scale", NULL, 2, 2, {{3, 4, 19}, {1, 1, 19}}, .plain = plain_channel_scale},
    ONE("slice", plain_slice, ATTRS(nlg_slice_attrs, 2, 5), {3, 3, 9}),
    ONE("channel_pad", plain_channel_pad, ATTRS(nlg_channel_pad_attrs, 2, 2, 3), {5, 4, 5}),
    ONE("channel_pad", plain_channel_pad, ATTRS(nlg_channel_pad_attrs, 1, 0, 4), {3, 3, 4}),
    ONE("spatial_pad", plain_spatial_pad, ATTRS(nlg_spatial_pad_attrs, 1, -1, -2, 2), {4, 4, 5}),
    ONE("spatial_pad", plain_spatial_pad, ATTRS(nlg_spatial_pad_attrs, 0, 1, 0, 1), {3, 4, 5}),
    ONE("upsample_nearest", plain_upsample, ATTRS(nlg_upsample_attrs, 3), {3, 2, 5}),
    {"dropout", ATTRS(nlg_dropout_attrs, 0.3f), 2, 1, {{3, 3, 5}}, .statistics = true, .plain = plain_dropout},
    {"dropout", ATTRS(nlg_dropout_attrs, 0.3f), 2, 1, {{3, 3, 5}}, .plain = plain_dropout},
    {"drop_path", ATTRS(nlg_dropout_attrs, 0.4f), 5, 1, {{3, 3, 5}}, .statistics = true, .plain = plain_drop_path},
    ONE("conv_table", plain_conv_table, ATTRS(nlg_conv_table_attrs, 3, 4, 3, table), {5, 6, 3}),
    ONE("subsample_scale", plain_subsample, NULL, {4, 6, 5}),
    ONE("rbf", plain_rbf, NULL, {1, 1, 84}),
};
const int op_case_count = sizeof op_cases / sizeof *op_cases;
