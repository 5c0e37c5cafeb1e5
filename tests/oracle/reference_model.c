/* build/reference model: a network with the reference filling, its logits and, where asked for, gradients. */
#include "tests/oracle/reference.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "tests/oracle/reference_json.h"
#include "train/train.h"
#include "models/model.h"

enum { IMAGES = 2 };
static const int labels[IMAGES] = {3, 7};

/* 0.5 * u("input") + coarse, the coarse values repeated over 32 x 32 pixels; [2,C,H,W] order of the flat index. */
static void fill_input(nlg_tensor x) {
    const uint64_t fine = nlg_fill_key("input"), coarse = nlg_fill_key("coarse");
    const uint64_t gh = ((uint64_t)x.h + 31) / 32, gw = ((uint64_t)x.w + 31) / 32;
    for (int n = 0; n < x.n; n++)
        for (int c = 0; c < x.c; c++)
            for (int i = 0; i < x.h; i++)
                for (int j = 0; j < x.w; j++) {
                    const uint64_t plane = (uint64_t)n * (uint64_t)x.c + (uint64_t)c;
                    const double u = nlg_fill_value(fine, (plane * (uint64_t)x.h + (uint64_t)i) * (uint64_t)x.w + (uint64_t)j);
                    const double v = nlg_fill_value(coarse, (plane * gh + (uint64_t)i / 32) * gw + (uint64_t)j / 32);
                    x.data[(((int64_t)n * x.h + i) * x.w + j) * x.ld + c] = (float)(0.5 * u + v);
                }
}

static bool add_logits(cJSON *out, nlg_tensor y) {
    cJSON *logits = cJSON_AddArrayToObject(out, "logits"), *argmax = cJSON_CreateArray();
    double sum = 0, squares = 0;
    if (logits == NULL || argmax == NULL) return false;
    for (int n = 0; n < y.n; n++) {
        const float *row = y.data + n * y.ld;
        int best = 0;
        cJSON *first = cJSON_CreateArray();
        for (int c = 0; c < y.c; c++) {
            if (c < 8) nlg_json_add_number(first, (double)row[c]);
            if (row[c] > row[best]) best = c;
            sum += (double)row[c];
            squares += (double)row[c] * (double)row[c];
        }
        cJSON_AddItemToArray(logits, first);
        cJSON_AddItemToArray(argmax, cJSON_CreateNumber(best));
    }
    const double count = (double)y.n * y.c;
    nlg_json_put_number(out, "logits_mean", sum / count);
    nlg_json_put_number(out, "logits_rms", sqrt(squares / count));
    cJSON_AddItemToObject(out, "argmax", argmax);
    return true;
}

static nlg_status add_gradient(const nlg_graph *graph, const nlg_weights *weights, const nlg_exec *exec, const char *mode,
                               const cJSON *names, cJSON *out, nlg_error *err) {
    nlg_weights gradients = {0};
    nlg_plan *plan = NULL;
    const nlg_plan_options options = {.batch = IMAGES,
                                      .mode = NLG_TRAIN,
                                      .frozen_statistics = strcmp(mode, "eval") == 0,
                                      .without_aux = true,
                                      .without_random = true};
    nlg_status status = nlg_weights_create(graph, &gradients, err);
    if (status == NLG_OK) status = nlg_plan_create(graph, exec, &options, weights, &gradients, &plan, err);
    if (status == NLG_OK) {
        char key[32];
        fill_input(nlg_plan_input(plan));
        nlg_plan_forward(plan, IMAGES, nlg_rng_seed(0));
        const nlg_tensor y = nlg_plan_output(plan, 0), dy = nlg_plan_output_gradient(plan, 0);
        const double loss = nlg_softmax_cross_entropy(IMAGES, y.c, y.data, y.ld, labels, 0, 1.0 / IMAGES, dy.data, dy.ld) / IMAGES;
        nlg_plan_backward(plan);
        snprintf(key, sizeof key, "gradient_%s", mode);
        cJSON *gradient = cJSON_AddObjectToObject(out, key), *grads = cJSON_CreateObject();
        nlg_json_put_number(gradient, "loss", loss);
        nlg_json_put_number(gradient, "grad_norm", nlg_gradient_norm(&gradients));
        cJSON_AddItemToObject(gradient, "grads", grads);
        const cJSON *name;
        cJSON_ArrayForEach(name, names) {
            const int p = cJSON_IsString(name) ? nlg_graph_find_param(graph, name->valuestring) : -1;
            if (p < 0) {
                status = nlg_fail(err, NLG_ERR_INPUT, "gradients: the network has no parameter %s",
                                  cJSON_IsString(name) ? name->valuestring : "(not a text)");
                break;
            }
            const float *g = nlg_weights_at(&gradients, p);
            double squares = 0;
            for (size_t i = 0; i < graph->params[p].count; i++) squares += (double)g[i] * (double)g[i];
            cJSON *entry = cJSON_AddObjectToObject(grads, name->valuestring), *first = cJSON_CreateArray();
            nlg_json_put_number(entry, "norm", sqrt(squares));
            for (size_t i = 0; i < 4 && i < graph->params[p].count; i++) nlg_json_add_number(first, (double)g[i]);
            cJSON_AddItemToObject(entry, "first", first);
        }
    }
    nlg_plan_destroy(plan);
    nlg_weights_destroy(&gradients);
    return status;
}

static nlg_status run(const nlg_graph *graph, const nlg_exec *exec, double bn_gain, const cJSON *gradients, cJSON *out,
                      nlg_error *err) {
    nlg_weights weights = {0};
    nlg_plan *plan = NULL;
    nlg_status status = nlg_weights_create(graph, &weights, err);
    if (status == NLG_OK) {
        nlg_weights_fill_reference(&weights, bn_gain);
        status = nlg_plan_create(graph, exec, &(nlg_plan_options){.batch = IMAGES, .mode = NLG_INFER}, &weights, NULL, &plan, err);
    }
    if (status == NLG_OK) {
        fill_input(nlg_plan_input(plan));
        nlg_plan_forward(plan, IMAGES, nlg_rng_seed(0));
        if (!add_logits(out, nlg_plan_output(plan, 0))) status = nlg_fail_memory(err, 4096, "the result");
    }
    nlg_plan_destroy(plan);
    const cJSON *mode;
    cJSON_ArrayForEach(mode, gradients) {
        if (status != NLG_OK) break;
        if (strcmp(mode->string, "eval") != 0 && strcmp(mode->string, "train") != 0)
            status = nlg_fail(err, NLG_ERR_INPUT, "gradients: mode %s; expected eval or train", mode->string);
        else
            status =
                add_gradient(graph, &weights, exec, mode->string, mode, out, err); /* training updates running statistics: last */
    }
    nlg_weights_destroy(&weights);
    return status;
}

nlg_status nlg_reference_graph(const cJSON *in, const char *key, nlg_graph **graph, nlg_error *err) {
    const cJSON *id = cJSON_GetObjectItemCaseSensitive(in, key), *input = cJSON_GetObjectItemCaseSensitive(in, "input");
    const nlg_model *model = NULL;
    nlg_shape shape = {0, 0, 0};
    if (!cJSON_IsString(id)) return nlg_fail(err, NLG_ERR_INPUT, "model: expected \"%s\", the name of a network", key);
    if (input != NULL) {
        if (cJSON_GetArraySize(input) != 3) return nlg_fail(err, NLG_ERR_INPUT, "model: expected \"input\": [C, H, W]");
        shape = (nlg_shape){.c = cJSON_GetArrayItem(input, 0)->valueint,
                            .h = cJSON_GetArrayItem(input, 1)->valueint,
                            .w = cJSON_GetArrayItem(input, 2)->valueint};
    }
    NLG_TRY(nlg_model_find(id->valuestring, &model, err));
    return nlg_model_build(model, shape, 0, graph, err);
}

nlg_status nlg_reference_model(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err) {
    static const char *const keys[] = {"id", "input", "bn_gain", "gradients", NULL};
    const cJSON *gain = cJSON_GetObjectItemCaseSensitive(in, "bn_gain");
    nlg_graph *graph = NULL;
    NLG_TRY(nlg_json_check_keys(in, keys, "model", err));
    NLG_TRY(nlg_reference_graph(in, "id", &graph, err));
    const nlg_status status =
        run(graph, exec, cJSON_IsNumber(gain) ? gain->valuedouble : 1, cJSON_GetObjectItemCaseSensitive(in, "gradients"), out, err);
    nlg_graph_destroy(graph);
    return status;
}
