/* Single operations of the reference program, each through the op table that networks use; losses through train. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/oracle/reference.h"
#include "tests/oracle/reference_json.h"
#include "tests/oracle/reference_tape.h"
#include "layers/ops/attrs.h"
#include "train/train.h"

enum { MAX_KEYS = 12, MAX_VALUES = 1 << 28 };

typedef struct op_case {
    nlg_tape tape;
    const char *name;
    const cJSON *attrs;
    int n_inputs;
    nlg_reference_input input[NLG_REFERENCE_INPUTS];
    double scale; /* input_scale: of x, inside the operation */
    nlg_reference_value *x[NLG_REFERENCE_INPUTS], *y;
    cJSON *out, *gradients;
} op_case;

/* ---- reading attributes: a missing or impossible one is an error ---- */

static nlg_status get_number(const op_case *c, const char *key, double *value, nlg_error *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->attrs, key);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: attribute %s: expected a number", c->name, key);
    *value = item->valuedouble;
    return NLG_OK;
}

static nlg_status to_int(const op_case *c, const char *key, const cJSON *item, int *value, nlg_error *err) {
    if (!cJSON_IsNumber(item) || item->valuedouble != floor(item->valuedouble) || fabs(item->valuedouble) > 1e6)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: attribute %s: expected an integer", c->name, key);
    *value = (int)item->valuedouble;
    return NLG_OK;
}

static nlg_status get_int(const op_case *c, const char *key, int *value, nlg_error *err) {
    return to_int(c, key, cJSON_GetObjectItemCaseSensitive(c->attrs, key), value, err);
}

static nlg_status get_bool(const op_case *c, const char *key, bool *value, nlg_error *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->attrs, key);
    if (!item) return NLG_OK;
    if (!cJSON_IsBool(item)) return nlg_fail(err, NLG_ERR_INPUT, "%s: attribute %s: expected true or false", c->name, key);
    *value = cJSON_IsTrue(item);
    return NLG_OK;
}

/* A rule that the case states in words: there is only one. */
static nlg_status check_text(const op_case *c, const char *key, const char *only, nlg_error *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(c->attrs, key);
    if (item && (!cJSON_IsString(item) || strcmp(item->valuestring, only) != 0))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: attribute %s: expected \"%s\"", c->name, key, only);
    return NLG_OK;
}

static nlg_reference_input *find_input(op_case *c, const char *name) {
    for (int i = 0; i < c->n_inputs; i++)
        if (strcmp(c->input[i].name, name) == 0) return &c->input[i];
    return NULL;
}

/* ---- operations ---- */

static nlg_status apply(op_case *c, const char *op, const void *attrs, int n_x, const char *const *params, nlg_error *err) {
    nlg_reference_input *list[NLG_OP_MAX_PARAMS] = {0};
    int n = 0;
    for (; params && params[n]; n++)
        if (!(list[n] = find_input(c, params[n])))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: input %s is missing", c->name, params[n]);
    return nlg_tape_apply(&c->tape, op, attrs, c->x, n_x, list, n, &c->y, err);
}

static nlg_status run_conv2d(op_case *c, nlg_error *err) {
    static const char *const all[] = {"w", "b", NULL}, *const weight[] = {"w", NULL};
    const nlg_reference_input *w = find_input(c, "w");
    nlg_conv2d_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    if (!w || w->rank != 4) return nlg_fail(err, NLG_ERR_INPUT, "%s: input w: expected a shape [K,C,R,S]", c->name);
    NLG_TRY(get_int(c, "stride", &a->stride_h, err));
    NLG_TRY(get_int(c, "dilation", &a->dilation, err));
    NLG_TRY(get_int(c, "groups", &a->groups, err));
    const cJSON *pad = cJSON_GetObjectItemCaseSensitive(c->attrs, "pad_top_bottom_left_right");
    if (!cJSON_IsArray(pad) || cJSON_GetArraySize(pad) != 4)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: attribute pad_top_bottom_left_right: expected four integers", c->name);
    int *sides[] = {&a->pad_top, &a->pad_bottom, &a->pad_left, &a->pad_right};
    for (int i = 0; i < 4; i++) NLG_TRY(to_int(c, "pad_top_bottom_left_right", cJSON_GetArrayItem(pad, i), sides[i], err));
    a->stride_w = a->stride_h;
    a->out = w->shape[0], a->kernel_h = w->shape[2], a->kernel_w = w->shape[3];
    a->bias = find_input(c, "b") != NULL;
    return apply(c, "conv2d", a, 1, a->bias ? all : weight, err);
}

static nlg_status run_linear(op_case *c, nlg_error *err) {
    static const char *const all[] = {"w", "b", NULL}, *const weight[] = {"w", NULL};
    const nlg_reference_input *w = find_input(c, "w");
    nlg_linear_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    if (!w || w->rank != 2) return nlg_fail(err, NLG_ERR_INPUT, "%s: input w: expected a shape [out,in]", c->name);
    a->out = w->shape[0];
    a->bias = find_input(c, "b") != NULL;
    return apply(c, "linear", a, 1, a->bias ? all : weight, err);
}

static nlg_status run_batchnorm(op_case *c, nlg_error *err) {
    const char *const params[] = {"weight", "bias", "running_mean", "running_var", NULL};
    double eps, momentum;
    bool training = false;
    NLG_TRY(get_number(c, "eps", &eps, err));
    NLG_TRY(get_number(c, "momentum", &momentum, err));
    NLG_TRY(get_bool(c, "training", &training, err));
    NLG_TRY(check_text(c, "running_var", "1 + 0.25 * fill", err));
    const nlg_tensor *x = &c->x[0]->data;
    if (training && nlg_tensor_pixels(x) < 2)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: training needs more than one value per channel", c->name);
    int named = c->n_inputs;
    for (int i = 0; i < 2; i++) {
        nlg_reference_input *running = &c->input[named + i];
        *running = (nlg_reference_input){.name = params[2 + i], .rank = 1, .shape = {x->c}, .count = (size_t)x->c};
        NLG_TRY(nlg_reference_fill(&c->tape, running, i, i ? 0.25 : 1.0, err));
    }
    nlg_batch_norm_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    *a = (nlg_batch_norm_attrs){.eps = (float)eps, .momentum = (float)momentum, .affine = true};
    c->tape.batch_statistics = training;
    c->n_inputs = named + 2;
    nlg_status status = apply(c, "batch_norm", a, 1, params, err);
    c->n_inputs = named;
    if (status != NLG_OK) return status;
    cJSON *after = cJSON_AddObjectToObject(c->out, "running_after");
    for (int i = 0; i < 2; i++) {
        cJSON *list = cJSON_AddArrayToObject(after, i ? "var" : "mean");
        for (int k = 0; k < x->c; k++) nlg_json_add_number(list, (double)c->input[named + i].value[k]);
    }
    return NLG_OK;
}

static nlg_status run_pool(op_case *c, nlg_error *err) {
    nlg_pool_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    a->count_include_pad = true;
    a->global = strcmp(c->name, "global_avgpool") == 0;
    if (!a->global) {
        NLG_TRY(get_int(c, "kernel", &a->kernel_h, err));
        NLG_TRY(get_int(c, "stride", &a->stride_h, err));
        NLG_TRY(get_int(c, "padding", &a->pad_top, err));
        NLG_TRY(get_bool(c, "ceil_mode", &a->ceil_mode, err));
        NLG_TRY(get_bool(c, "count_include_pad", &a->count_include_pad, err));
        a->kernel_w = a->kernel_h, a->stride_w = a->stride_h;
        a->pad_bottom = a->pad_left = a->pad_right = a->pad_top;
    }
    NLG_TRY(apply(c, strcmp(c->name, "maxpool") == 0 ? "max_pool" : "avg_pool", a, 1, NULL, err));
    if (a->global) c->y->rank = 2; /* a feature vector */
    return NLG_OK;
}

static nlg_status run_adaptive(op_case *c, nlg_error *err) {
    nlg_adaptive_pool_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    NLG_TRY(get_int(c, "out", &a->out_h, err));
    a->out_w = a->out_h;
    return apply(c, "adaptive_avg_pool", a, 1, NULL, err);
}

static nlg_status run_lrn(op_case *c, nlg_error *err) {
    double alpha, beta, k;
    nlg_lrn_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    NLG_TRY(get_int(c, "size", &a->size, err));
    NLG_TRY(get_number(c, "alpha", &alpha, err));
    NLG_TRY(get_number(c, "beta", &beta, err));
    NLG_TRY(get_number(c, "k", &k, err));
    a->alpha = (float)alpha, a->beta = (float)beta, a->k = (float)k;
    return apply(c, "local_response_norm", a, 1, NULL, err);
}

static nlg_status run_activation(op_case *c, nlg_error *err) {
    static const struct {
        const char *name;
        nlg_activation_attrs attrs;
    } table[] = {{"relu", {NLG_ACT_RELU}},       {"relu6", {NLG_ACT_RELU6}}, {"silu", {NLG_ACT_SILU}},
                 {"sigmoid", {NLG_ACT_SIGMOID}}, {"tanh", {NLG_ACT_TANH}},   {"scaled_tanh", {NLG_ACT_SCALED_TANH}}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        if (strcmp(table[i].name, c->name) == 0) return apply(c, "activation", &table[i].attrs, 1, NULL, err);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no such activation", c->name);
}

static nlg_status run_upsample(op_case *c, nlg_error *err) {
    nlg_upsample_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    NLG_TRY(get_int(c, "factor", &a->factor, err));
    return apply(c, "upsample_nearest", a, 1, NULL, err);
}

static nlg_status run_concat(op_case *c, nlg_error *err) {
    const nlg_reference_input *z = find_input(c, "z");
    if (!z || z->shape[0] != c->input[0].shape[0])
        return nlg_fail(err, NLG_ERR_INPUT, "%s: input z: expected as many images as x has", c->name);
    NLG_TRY(nlg_tape_read(&c->tape, z, &c->x[1], err));
    return apply(c, "concat", NULL, 2, NULL, err);
}

static nlg_status run_channel_pad(op_case *c, nlg_error *err) {
    nlg_channel_pad_attrs *a = nlg_arena_alloc(c->tape.arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    *a = (nlg_channel_pad_attrs){.stride = 2, .before = c->x[0]->data.c / 2, .after = c->x[0]->data.c / 2};
    return apply(c, "channel_pad", a, 1, NULL, err);
}

/* Global pool, linear, relu, linear, sigmoid, channel scale. */
static nlg_status run_squeeze_excite(op_case *c, nlg_error *err) {
    static const char *const first[] = {"w1", "b1", NULL}, *const second[] = {"w2", "b2", NULL};
    static const nlg_pool_attrs global = {.global = true};
    static const nlg_activation_attrs relu = {NLG_ACT_RELU}, sigmoid = {NLG_ACT_SIGMOID};
    const nlg_reference_input *w1 = find_input(c, "w1"), *w2 = find_input(c, "w2");
    nlg_linear_attrs *a = nlg_arena_alloc(c->tape.arena, 2, sizeof *a);
    nlg_reference_value *x = c->x[0];
    if (!a) return nlg_fail_memory(err, sizeof *a, c->name);
    if (!w1 || !w2) return nlg_fail(err, NLG_ERR_INPUT, "%s: inputs w1 and w2 are needed", c->name);
    NLG_TRY(check_text(c, "reduce", "linear then relu", err));
    NLG_TRY(check_text(c, "expand", "linear then sigmoid", err));
    a[0] = (nlg_linear_attrs){.out = w1->shape[0], .bias = true};
    a[1] = (nlg_linear_attrs){.out = w2->shape[0], .bias = true};
    const struct {
        const char *op;
        const void *attrs;
        const char *const *params;
    } steps[] = {{"avg_pool", &global, NULL},
                 {"linear", &a[0], first},
                 {"activation", &relu, NULL},
                 {"linear", &a[1], second},
                 {"activation", &sigmoid, NULL}};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++, c->x[0] = c->y)
        NLG_TRY(apply(c, steps[i].op, steps[i].attrs, 1, steps[i].params, err));
    c->x[0] = x;
    c->x[1] = c->y;
    return apply(c, "channel_scale", NULL, 2, NULL, err);
}

/* ---- losses: y is one number, and the gradient of y * u("dy") ---- */

static nlg_status put_loss(op_case *c, double loss, float *gradient, nlg_error *err) {
    nlg_reference_input *x = &c->input[0];
    double factor = nlg_fill_value(nlg_fill_key("dy"), 0);
    cJSON_AddItemToObject(c->out, "y", nlg_reference_describe(0, NULL, &loss, 1, 1.0));
    cJSON *d = nlg_reference_describe_floats(&c->tape, x->rank, x->shape, gradient, x->count, factor * c->scale);
    if (!d) return nlg_fail_memory(err, x->count * sizeof(double), c->name);
    cJSON_AddItemToObject(c->gradients, x->name, d);
    return NLG_OK;
}

static nlg_status run_cross_entropy(op_case *c, nlg_error *err) {
    nlg_reference_input *x = &c->input[0];
    double smoothing;
    NLG_TRY(get_number(c, "label_smoothing", &smoothing, err));
    NLG_TRY(check_text(c, "reduction", "mean", err));
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(c->attrs, "labels");
    if (x->rank != 2 || !cJSON_IsArray(list) || cJSON_GetArraySize(list) != x->shape[0])
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected x of shape [N,C] and N labels", c->name);
    int *labels = nlg_arena_alloc(c->tape.arena, (size_t)x->shape[0], sizeof *labels);
    if (!labels) return nlg_fail_memory(err, sizeof *labels, c->name);
    for (int i = 0; i < x->shape[0]; i++) {
        NLG_TRY(to_int(c, "labels", cJSON_GetArrayItem(list, i), &labels[i], err));
        if (labels[i] < 0 || labels[i] >= x->shape[1])
            return nlg_fail(err, NLG_ERR_INPUT, "%s: label %d, expected 0 to %d", c->name, labels[i], x->shape[1] - 1);
    }
    double n = x->shape[0];
    double loss = nlg_softmax_cross_entropy(x->shape[0], x->shape[1], x->value, x->shape[1], labels, smoothing, 1.0 / n,
                                            x->gradient, x->shape[1]);
    return put_loss(c, loss / n, x->gradient, err);
}

static nlg_status run_focal(op_case *c, nlg_error *err) {
    nlg_reference_input *x = &c->input[0];
    double alpha, gamma;
    NLG_TRY(get_number(c, "alpha", &alpha, err));
    NLG_TRY(get_number(c, "gamma", &gamma, err));
    NLG_TRY(check_text(c, "reduction", "sum", err));
    NLG_TRY(check_text(c, "targets", "1 where flat index % 7 == 0", err));
    float *target = nlg_arena_alloc(c->tape.arena, x->count, sizeof *target);
    if (!target) return nlg_fail_memory(err, x->count * sizeof *target, c->name);
    for (size_t i = 0; i < x->count; i += 7) target[i] = 1.0f;
    double loss = nlg_sigmoid_focal_loss(x->count, x->value, target, alpha, gamma, 1.0, x->gradient);
    return put_loss(c, loss, x->gradient, err);
}

static nlg_status run_smooth_l1(op_case *c, nlg_error *err) {
    nlg_reference_input *x = &c->input[0], target = *x;
    double beta;
    NLG_TRY(get_number(c, "beta", &beta, err));
    NLG_TRY(check_text(c, "reduction", "sum", err));
    NLG_TRY(check_text(c, "target", "fill t", err));
    target.name = "t";
    NLG_TRY(nlg_reference_fill(&c->tape, &target, 0.0, 1.0, err));
    double loss = nlg_smooth_l1(x->count, x->value, target.value, beta, 1.0, x->gradient);
    return put_loss(c, loss, x->gradient, err);
}

static const struct op_kind {
    const char *name;
    nlg_status (*run)(op_case *c, nlg_error *err);
    bool loss;
    const char *inputs[NLG_REFERENCE_INPUTS];
    const char *attrs[MAX_KEYS];
} kinds[] = {
    {"conv2d", run_conv2d, false, {"x", "w", "b"}, {"stride", "pad_top_bottom_left_right", "dilation", "groups"}},
    {"linear", run_linear, false, {"x", "w", "b"}, {NULL}},
    {"batchnorm", run_batchnorm, false, {"x", "weight", "bias"}, {"training", "momentum", "eps", "running_var"}},
    {"maxpool", run_pool, false, {"x"}, {"kernel", "stride", "padding", "ceil_mode"}},
    {"avgpool", run_pool, false, {"x"}, {"kernel", "stride", "padding", "ceil_mode", "count_include_pad"}},
    {"adaptive_avgpool", run_adaptive, false, {"x"}, {"out"}},
    {"global_avgpool", run_pool, false, {"x"}, {NULL}},
    {"lrn", run_lrn, false, {"x"}, {"size", "alpha", "beta", "k", "rule", "input_scale"}},
    {"relu", run_activation, false, {"x"}, {"input_scale"}},
    {"relu6", run_activation, false, {"x"}, {"input_scale"}},
    {"silu", run_activation, false, {"x"}, {"input_scale"}},
    {"sigmoid", run_activation, false, {"x"}, {"input_scale"}},
    {"tanh", run_activation, false, {"x"}, {"input_scale"}},
    {"scaled_tanh", run_activation, false, {"x"}, {"input_scale"}},
    {"upsample_nearest", run_upsample, false, {"x"}, {"factor"}},
    {"concat_channels", run_concat, false, {"x", "z"}, {NULL}},
    {"squeeze_excite", run_squeeze_excite, false, {"x", "w1", "b1", "w2", "b2"}, {"reduce", "expand"}},
    {"channel_pad_shortcut", run_channel_pad, false, {"x"}, {"rule"}},
    {"softmax_cross_entropy", run_cross_entropy, true, {"x"}, {"label_smoothing", "labels", "input_scale", "reduction"}},
    {"sigmoid_focal_loss", run_focal, true, {"x"}, {"gamma", "alpha", "targets", "input_scale", "reduction"}},
    {"smooth_l1", run_smooth_l1, true, {"x"}, {"beta", "input_scale", "reduction", "target"}},
};

static nlg_status read_input(op_case *c, const cJSON *item, nlg_error *err) {
    nlg_reference_input *input = &c->input[c->n_inputs++];
    *input = (nlg_reference_input){.name = item->string, .rank = cJSON_GetArraySize(item), .count = 1};
    if (!cJSON_IsArray(item) || input->rank < 1 || input->rank > 4)
        return nlg_fail(err, NLG_ERR_INPUT, "input %s: expected a shape of 1 to 4 sizes", item->string);
    for (int i = 0; i < input->rank; i++) {
        NLG_TRY(to_int(c, item->string, cJSON_GetArrayItem(item, i), &input->shape[i], err));
        if (input->shape[i] < 1 || (input->count *= (size_t)input->shape[i]) > MAX_VALUES)
            return nlg_fail(err, NLG_ERR_INPUT, "input %s: expected sizes of at least 1 and at most %d values", item->string,
                            (int)MAX_VALUES);
    }
    return nlg_reference_fill(&c->tape, input, 0.0, strcmp(input->name, "x") == 0 ? c->scale : 1.0, err);
}

static nlg_status put_results(op_case *c, nlg_error *err) {
    nlg_tape_backward(&c->tape);
    cJSON *y = nlg_reference_describe_value(&c->tape, &c->y->data, c->y->rank, 1.0);
    cJSON_AddItemToObject(c->out, "y", y);
    bool complete = y != NULL;
    for (int i = 0; i < c->n_inputs; i++) {
        const nlg_reference_input *in = &c->input[i];
        bool x = strcmp(in->name, "x") == 0, z = strcmp(in->name, "z") == 0;
        cJSON *d = x || z ? nlg_reference_describe_value(&c->tape, &c->x[z]->gradient, in->rank, x ? c->scale : 1.0)
                          : nlg_reference_describe_floats(&c->tape, in->rank, in->shape, in->gradient, in->count, 1.0);
        complete = complete && d != NULL;
        cJSON_AddItemToObject(c->gradients, in->name, d);
    }
    return complete ? NLG_OK : nlg_fail_memory(err, 0, c->name);
}

static nlg_status run_case(op_case *c, const struct op_kind *kind, const cJSON *inputs, nlg_error *err) {
    NLG_TRY(nlg_json_check_keys(c->attrs, kind->attrs, c->name, err));
    NLG_TRY(nlg_json_check_keys(inputs, kind->inputs, c->name, err));
    if (cJSON_HasObjectItem(c->attrs, "input_scale")) NLG_TRY(get_number(c, "input_scale", &c->scale, err));
    const cJSON *item;
    cJSON_ArrayForEach(item, inputs) {
        if (c->n_inputs + 2 >= NLG_REFERENCE_INPUTS) return nlg_fail(err, NLG_ERR_INPUT, "%s: too many inputs", c->name);
        NLG_TRY(read_input(c, item, err));
    }
    if (!c->n_inputs || strcmp(c->input[0].name, "x") != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: the first input must be x", c->name);
    c->gradients = cJSON_CreateObject();
    nlg_status status = NLG_OK;
    if (kind->loss) {
        status = kind->run(c, err);
    } else {
        status = nlg_tape_read(&c->tape, &c->input[0], &c->x[0], err);
        if (status == NLG_OK) status = kind->run(c, err);
        if (status == NLG_OK) status = put_results(c, err);
    }
    cJSON_AddItemToObject(c->out, "gradients", c->gradients);
    return status;
}

nlg_status nlg_reference_op(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err) {
    static const char *const keys[] = {"op", "attrs", "inputs", NULL};
    const cJSON *op = cJSON_GetObjectItemCaseSensitive(in, "op"), *attrs = cJSON_GetObjectItemCaseSensitive(in, "attrs");
    const cJSON *inputs = cJSON_GetObjectItemCaseSensitive(in, "inputs");
    NLG_TRY(nlg_json_check_keys(in, keys, "operation", err));
    if (!cJSON_IsString(op) || !cJSON_IsObject(attrs) || !cJSON_IsObject(inputs))
        return nlg_fail(err, NLG_ERR_INPUT, "operation: expected a text \"op\" and objects \"attrs\" and \"inputs\"");
    const struct op_kind *kind = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].name, op->valuestring) == 0) kind = &kinds[i];
    if (!kind) return nlg_fail(err, NLG_ERR_INPUT, "operation: there is no \"%s\"", op->valuestring);
    op_case c = {.tape = {.exec = exec, .arena = nlg_arena_create()}, .name = kind->name, .attrs = attrs, .scale = 1.0, .out = out};
    if (!c.tape.arena) return nlg_fail_memory(err, 0, "operation");
    nlg_status status = run_case(&c, kind, inputs, err);
    nlg_arena_destroy(c.tape.arena);
    return status;
}

/* ---- optimizers: six values from u("p"), gradients u("g0") .. u("g4") ---- */

nlg_status nlg_reference_optimizer(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err) {
    enum { VALUES = 6, STEPS = 5 };
    static const char *const keys[] = {"optimizer", "attrs", NULL};
    static const char *const known[] = {"lr",    "momentum", "nesterov", "weight_decay", "beta1",
                                        "beta2", "eps",      "alpha",    "rule",         NULL};
    static const struct {
        const char *name;
        nlg_optimizer_kind kind;
    } names[] = {{"sgd", NLG_SGD}, {"adam", NLG_ADAM}, {"adamw", NLG_ADAMW}, {"rmsprop_tf", NLG_RMSPROP_TF}};
    const cJSON *name = cJSON_GetObjectItemCaseSensitive(in, "optimizer");
    op_case c = {.name = "optimizer", .attrs = cJSON_GetObjectItemCaseSensitive(in, "attrs")};
    nlg_optimizer_options options = {.beta1 = 0.9, .beta2 = 0.999, .alpha = 0.9, .eps = 1e-8};
    double lr = 0;
    bool found = false;
    (void)exec;
    NLG_TRY(nlg_json_check_keys(in, keys, "optimizer", err));
    if (!cJSON_IsString(name) || !cJSON_IsObject(c.attrs))
        return nlg_fail(err, NLG_ERR_INPUT, "optimizer: expected a text \"optimizer\" and an object \"attrs\"");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i].name, name->valuestring) == 0) options.kind = names[i].kind, found = true;
    if (!found) return nlg_fail(err, NLG_ERR_INPUT, "optimizer: there is no \"%s\"", name->valuestring);
    NLG_TRY(nlg_json_check_keys(c.attrs, known, "optimizer", err));
    NLG_TRY(get_number(&c, "lr", &lr, err));
    NLG_TRY(get_bool(&c, "nesterov", &options.nesterov, err));
    const struct {
        const char *key;
        double *value;
    } numbers[] = {{"momentum", &options.momentum}, {"weight_decay", &options.weight_decay},
                   {"beta1", &options.beta1},       {"beta2", &options.beta2},
                   {"eps", &options.eps},           {"alpha", &options.alpha}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (cJSON_HasObjectItem(c.attrs, numbers[i].key)) NLG_TRY(get_number(&c, numbers[i].key, numbers[i].value, err));

    float value[VALUES], gradient[VALUES], state[2][VALUES];
    for (uint64_t i = 0; i < VALUES; i++) {
        value[i] = (float)nlg_fill_value(nlg_fill_key("p"), i);
        for (int s = 0; s < 2; s++) state[s][i] = (float)nlg_optimizer_state_start(options.kind, s);
    }
    cJSON *steps = cJSON_AddArrayToObject(out, "p_after_each_step");
    for (int t = 0; t < STEPS; t++) {
        char key[8];
        snprintf(key, sizeof key, "g%d", t);
        for (uint64_t i = 0; i < VALUES; i++) gradient[i] = (float)nlg_fill_value(nlg_fill_key(key), i);
        nlg_optimizer_update(&options, lr, t + 1, true, 1.0, VALUES, value, gradient, (float *const[]){state[0], state[1]});
        cJSON *row = cJSON_CreateArray();
        for (int i = 0; i < VALUES; i++) nlg_json_add_number(row, (double)value[i]);
        cJSON_AddItemToArray(steps, row);
    }
    return NLG_OK;
}
