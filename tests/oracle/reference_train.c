/* build/reference train: a short training run on the first Fashion-MNIST images, in file order. */
#include "tests/oracle/reference.h"

#include <math.h>
#include <string.h>

#include "tests/oracle/reference_json.h"
#include "train/train.h"
#include "models/model.h"

enum { TEST_IMAGES = 1000 };

typedef struct train_case {
    const char *model;
    int pad, batch, steps;
    double lr;
    nlg_optimizer_options optimizer;
} train_case;

static nlg_status read_number(const cJSON *in, const char *key, double least, double most, double *value, nlg_error *err) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(in, key);
    if (!cJSON_IsNumber(item) || item->valuedouble < least || item->valuedouble > most)
        return nlg_fail(err, NLG_ERR_INPUT, "train: expected \"%s\", a number from %g to %g", key, least, most);
    *value = item->valuedouble;
    return NLG_OK;
}

static nlg_status read_case(const cJSON *in, train_case *c, nlg_error *err) {
    static const char *const keys[] = {"model",           "note",  "pad", "batch", "lr", "momentum", "nesterov", "weight_decay",
                                       "weight_decay_on", "steps", NULL};
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(in, "model"),
                *on = cJSON_GetObjectItemCaseSensitive(in, "weight_decay_on");
    double pad, batch, steps;
    NLG_TRY(nlg_json_check_keys(in, keys, "train", err));
    if (!cJSON_IsString(model)) return nlg_fail(err, NLG_ERR_INPUT, "train: expected \"model\", the name of a network");
    NLG_TRY(read_number(in, "pad", 0, 64, &pad, err));
    NLG_TRY(read_number(in, "batch", 1, 4096, &batch, err));
    NLG_TRY(read_number(in, "steps", 0, 10000, &steps, err));
    NLG_TRY(read_number(in, "lr", 0, 1e6, &c->lr, err));
    NLG_TRY(read_number(in, "momentum", 0, 1, &c->optimizer.momentum, err));
    NLG_TRY(read_number(in, "weight_decay", 0, 1e6, &c->optimizer.weight_decay, err));
    if (on != NULL && (!cJSON_IsString(on) || strcmp(on->valuestring, "every parameter") != 0))
        return nlg_fail(err, NLG_ERR_INPUT, "train: \"weight_decay_on\" must be \"every parameter\"");
    c->model = model->valuestring, c->pad = (int)pad, c->batch = (int)batch, c->steps = (int)steps;
    c->optimizer.kind = NLG_SGD;
    c->optimizer.nesterov = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(in, "nesterov"));
    c->optimizer.decay_all = true;
    return NLG_OK;
}

static nlg_status load(const nlg_dataset *data, nlg_split split, uint32_t begin, int count, const nlg_augmentation *raw,
                       float *images, int *labels, nlg_error *err) {
    for (int i = 0; i < count; i++) {
        const uint32_t index = begin + (uint32_t)i;
        const nlg_dataset_info *info = nlg_dataset_describe(data);
        const size_t floats = (size_t)(info->h + 2 * raw->pad) * (size_t)(info->w + 2 * raw->pad) * (size_t)info->c;
        nlg_target target;
        NLG_TRY(nlg_dataset_images(data, split, &index, 1, raw, 0, 0, images + (size_t)i * floats, &target, err));
        labels[i] = target.label;
    }
    return NLG_OK;
}

typedef struct run_state {
    const train_case *c;
    const nlg_graph *graph;
    const nlg_exec *exec;
    nlg_dataset *data;
    nlg_augmentation raw;
    nlg_weights weights, gradients, momentum;
    nlg_plan *plan;
    int *labels;
} run_state;

static nlg_status train(run_state *s, cJSON *out, nlg_error *err) {
    cJSON *losses = cJSON_AddArrayToObject(out, "loss"), *norms = cJSON_AddArrayToObject(out, "grad_norm");
    const int n = s->c->batch;
    for (int step = 0; step < s->c->steps; step++) {
        NLG_TRY(load(s->data, NLG_SPLIT_TRAIN, (uint32_t)(step * n), n, &s->raw, nlg_plan_input(s->plan).data, s->labels, err));
        nlg_plan_forward(s->plan, n, nlg_rng_seed(0));
        const nlg_tensor y = nlg_plan_output(s->plan, 0), dy = nlg_plan_output_gradient(s->plan, 0);
        const double loss = nlg_softmax_cross_entropy(n, y.c, y.data, y.ld, s->labels, 0, 1.0 / n, dy.data, dy.ld) / n;
        nlg_plan_backward(s->plan);
        nlg_json_add_number(losses, loss);
        nlg_json_add_number(norms, nlg_gradient_norm(&s->gradients));
        for (int p = 0; p < s->graph->n_params; p++) {
            float *state[2] = {nlg_weights_at(&s->momentum, p), NULL};
            if (!s->graph->params[p].trainable) continue;
            nlg_optimizer_update(&s->c->optimizer, s->c->lr, step + 1, true, 1, s->graph->params[p].count,
                                 nlg_weights_at(&s->weights, p), nlg_weights_at(&s->gradients, p), state);
        }
    }
    return NLG_OK;
}

/* Loss and correct answers on the first test images, in evaluation mode. */
static nlg_status test(run_state *s, cJSON *out, nlg_error *err) {
    nlg_plan *plan = NULL;
    NLG_TRY(nlg_plan_create(s->graph, s->exec, &(nlg_plan_options){.batch = TEST_IMAGES, .mode = NLG_INFER}, &s->weights, NULL,
                            &plan, err));
    int correct = 0, labels[TEST_IMAGES];
    nlg_status status = load(s->data, NLG_SPLIT_TEST, 0, TEST_IMAGES, &s->raw, nlg_plan_input(plan).data, labels, err);
    if (status == NLG_OK) {
        nlg_plan_forward(plan, TEST_IMAGES, nlg_rng_seed(0));
        const nlg_tensor y = nlg_plan_output(plan, 0);
        for (int i = 0; i < TEST_IMAGES; i++) {
            const float *row = y.data + i * y.ld;
            int best = 0;
            for (int c = 1; c < y.c; c++)
                if (row[c] > row[best]) best = c;
            correct += best == labels[i];
        }
        nlg_json_put_number(out, "parameter_norm", nlg_gradient_norm(&s->weights));
        nlg_json_put_number(out, "test_loss_first_1000",
                            nlg_softmax_cross_entropy(TEST_IMAGES, y.c, y.data, y.ld, labels, 0, 1, NULL, 0) / TEST_IMAGES);
        nlg_json_put_number(out, "test_correct_first_1000", correct);
    }
    nlg_plan_destroy(plan);
    return status;
}

static nlg_status run(run_state *s, cJSON *out, nlg_error *err) {
    const nlg_plan_options options = {.batch = s->c->batch, .mode = NLG_TRAIN};
    NLG_TRY(nlg_weights_create(s->graph, &s->weights, err));
    NLG_TRY(nlg_weights_create(s->graph, &s->gradients, err));
    NLG_TRY(nlg_weights_create(s->graph, &s->momentum, err));
    nlg_weights_fill_reference(&s->weights, 1);
    NLG_TRY(nlg_plan_create(s->graph, s->exec, &options, &s->weights, &s->gradients, &s->plan, err));
    s->labels = nlg_alloc((size_t)s->c->batch, sizeof *s->labels);
    if (s->labels == NULL) return nlg_fail_memory(err, (size_t)s->c->batch * sizeof(int), "labels");
    NLG_TRY(train(s, out, err));
    return test(s, out, err);
}

nlg_status nlg_reference_train(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err) {
    train_case c = {0};
    const nlg_model *model = NULL;
    nlg_graph *graph = NULL;
    nlg_dataset *data = NULL;
    NLG_TRY(read_case(in, &c, err));
    NLG_TRY(nlg_model_find(c.model, &model, err));
    NLG_TRY(nlg_dataset_open("fashion-mnist", &(nlg_dataset_options){.file_order = true}, &data, err));
    nlg_status status = nlg_dataset_open_test(data, err);
    const nlg_dataset_info *info = nlg_dataset_describe(data);
    const nlg_shape shape = {.h = info->h + 2 * c.pad, .w = info->w + 2 * c.pad, .c = info->c};
    if (status == NLG_OK && ((uint64_t)c.steps * (uint64_t)c.batch > info->train || info->test < TEST_IMAGES))
        status =
            nlg_fail(err, NLG_ERR_INPUT, "train: %d steps of %d images, but %s has %u", c.steps, c.batch, info->name, info->train);
    if (status == NLG_OK) status = nlg_model_build(model, shape, info->classes, &graph, err);
    run_state s = {.c = &c, .graph = graph, .exec = exec, .data = data, .raw = {.raw = true, .pad = c.pad}};
    if (status == NLG_OK) status = run(&s, out, err);
    nlg_plan_destroy(s.plan);
    nlg_weights_destroy(&s.weights);
    nlg_weights_destroy(&s.gradients);
    nlg_weights_destroy(&s.momentum);
    nlg_free(s.labels);
    nlg_graph_destroy(graph);
    nlg_dataset_close(data);
    return status;
}
