/* Measure "train": builds a network, trains it, validates it and, in a final stage, tests it. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/measures/measure.h"
#include "harness/options.h"
#include "layers/base/json.h"
#include "train/recipe.h"

enum { TEST_BATCH = 128 };

static const nlg_value_key keys[] = {
    NLG_KEYS_OF_SUBJECT,
    NLG_KEYS_OF_DATA,
    {"seed", NLG_VALUE_WHOLE, 0, 9007199254740991.0, "0", "of everything random"},
    {"validate", NLG_VALUE_TEXT, 0, 0, "\"last\"", "after the last epoch, or \"every\" epoch"},
    {"test_images", NLG_VALUE_WHOLE, 1, 1e9, NULL, "final stages: score the first so many test images; all without it"},
    {"exits", NLG_VALUE_FLAG, 0, 0, NULL, "final stages: also test what the network says at each of its auxiliary heads"},
    {"pictures", NLG_VALUE_WHOLE, 1, 32, NULL, "final stages: keep what the network says of the first so many test images"},
    {"score_training", NLG_VALUE_FLAG, 0, 0, NULL, "also score the training images in the end, as the others are scored"},
    {0},
};

/* Multiply-adds of a training: one forward and two backward passes an image. */
static double work_of(double macs, double images, double epochs) {
    return 3 * macs * images * epochs;
}

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    nlg_dataset *dataset;
    nlg_recipe recipe;
    nlg_graph_cost cost;
    const char *validate = nlg_value_text(values, "validate");
    if (strcmp(validate, "last") != 0 && strcmp(validate, "every") != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"validate\": expected last or every, found %.40s", where, validate);
    NLG_TRY(nlg_value_recipe(values, where, &recipe, err));
    if (recipe.epochs < 1) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"epochs\": expected at least 1, found 0", where);
    if (nlg_lab_open_data(lab, values, &dataset, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    const int border = recipe.augment ? 2 * recipe.augmentation.pad : 0;
    const nlg_shape input = {.h = info->h + border, .w = info->w + border, .c = info->c};
    NLG_TRY(nlg_subject_specify(lab, values, input, info->classes, where, spec, &cost, err));
    cJSON *data = cJSON_AddObjectToObject(spec, "data"), *written = cJSON_AddObjectToObject(spec, "recipe");
    if (!data || !written || !nlg_recipe_add_data(data, dataset) || !nlg_recipe_add(written, &recipe))
        return nlg_fail_memory(err, 0, "a spec");
    nlg_json_number(spec, "seed", nlg_value_number(values, "seed", 0));
    nlg_json_text(spec, "validate", validate);
    cJSON_AddBoolToObject(spec, "test", nlg_value_flag(values, "final"));
    if (nlg_value_int(values, "test_images")) nlg_json_number(spec, "test_images", nlg_value_int(values, "test_images"));
    if (nlg_value_flag(values, "exits")) cJSON_AddTrueToObject(spec, "exits");
    if (nlg_value_int(values, "pictures")) nlg_json_number(spec, "pictures", nlg_value_int(values, "pictures"));
    if (nlg_value_flag(values, "score_training")) cJSON_AddTrueToObject(spec, "score_training");
    nlg_json_text(spec, "backend", nlg_backend_name(lab->settings->backend));
    cJSON_AddBoolToObject(spec, "direct_only", lab->settings->direct_only);
    *work = work_of((double)cost.macs, info->train, recipe.epochs);
    return NLG_OK;
}

typedef struct watcher {
    const nlg_lab *lab;
    int epochs;
} watcher;

static bool watch(void *context, int epoch, double fraction, const nlg_epoch_record *record) {
    const watcher *w = context;
    char what[96];
    snprintf(what, sizeof what, "epoch %d of %d, loss %.3f", epoch + 1, w->epochs, record->loss);
    return nlg_lab_watch(w->lab, (epoch + fraction) / w->epochs, what);
}

static void name_score(const nlg_task_type *task, const char *split, int metric, char name[NLG_METRIC_NAME]) {
    snprintf(name, NLG_METRIC_NAME, "%s_%s", split, nlg_task_metric(task, metric));
}

/* What is not known (NaN) is left out. */
static void add_history(const nlg_trainer *trainer, const nlg_task_type *task, cJSON *detail) {
    char train_score[NLG_METRIC_NAME], val_score[NLG_METRIC_NAME];
    cJSON *list = cJSON_AddArrayToObject(detail, "history");
    name_score(task, "train", 0, train_score);
    name_score(task, "val", 0, val_score);
    for (int i = 0; i < nlg_trainer_epochs(trainer); i++) {
        const nlg_epoch_record *e = nlg_trainer_record(trainer, i);
        cJSON *row = nlg_json_object_in(list);
        nlg_json_number(row, "loss", e->loss);
        if (!isnan(e->train_score)) nlg_json_number(row, train_score, e->train_score);
        if (!isnan(e->val_score)) nlg_json_number(row, val_score, e->val_score);
    }
}

/* "test_ap_exit1", "macs_exit1" and so on. */
static nlg_status test_exits(const nlg_lab *lab, const nlg_network *s, const nlg_dataset *dataset, const nlg_weights *weights,
                             const nlg_evaluation_options *options, nlg_record *record, nlg_error *err) {
    const nlg_task_type *task = nlg_task_for(nlg_dataset_describe(dataset));
    nlg_evaluation_options how = *options;
    for (how.exit = 1; how.exit <= nlg_graph_exits(s->graph); how.exit++) {
        nlg_evaluation e;
        int64_t macs;
        char score[NLG_METRIC_NAME], name[NLG_METRIC_NAME + 16];
        NLG_TRY(nlg_evaluate(s->graph, weights, dataset, &how, &lab->exec, &e, err));
        NLG_TRY(nlg_graph_exit_macs(s->graph, how.exit, &macs, err));
        name_score(task, "test", 0, score);
        snprintf(name, sizeof name, "%s_exit%d", score, how.exit);
        nlg_record_metric(record, name, "fraction", e.value[0]);
        snprintf(name, sizeof name, "macs_exit%d", how.exit);
        nlg_record_metric(record, name, "MACs", (double)macs);
    }
    return NLG_OK;
}

static nlg_status test(nlg_lab *lab, const cJSON *spec, const nlg_network *s, nlg_dataset *dataset, const nlg_recipe *recipe,
                       const nlg_weights *weights, nlg_record *record, cJSON *detail, nlg_error *err) {
    nlg_evaluation e;
    nlg_evaluation_options how = {.split = NLG_SPLIT_TEST,
                                  .most = (uint32_t)nlg_value_int(spec, "test_images"),
                                  .batch = TEST_BATCH,
                                  .preprocessing = &recipe->augmentation,
                                  .shown = (uint32_t)nlg_value_int(spec, "pictures")};
    NLG_TRY(nlg_lab_open_test(lab, dataset, err));
    if (how.shown) how.answers = cJSON_AddArrayToObject(detail, "answers");
    if (how.shown && !how.answers) return nlg_fail_memory(err, 64, "a record");
    NLG_TRY(nlg_evaluate(s->graph, weights, dataset, &how, &lab->exec, &e, err));
    how.shown = 0;
    const nlg_task_type *task = nlg_task_for(nlg_dataset_describe(dataset));
    for (int i = 0; i < nlg_task_metrics(task); i++) {
        char name[NLG_METRIC_NAME];
        name_score(task, "test", i, name);
        nlg_record_metric(record, name, "fraction", e.value[i]);
    }
    if (nlg_task_counts_hits(task)) nlg_record_metric(record, "test_correct", "images", e.top1);
    nlg_record_metric(record, "test_images", "images", e.images);
    nlg_record_metric(record, "test_loss", "nats", e.loss);
    return nlg_value_flag(spec, "exits") ? test_exits(lab, s, dataset, weights, &how, record, err) : NLG_OK;
}

static nlg_status take_results(nlg_lab *lab, const cJSON *spec, const nlg_network *s, nlg_dataset *dataset,
                               const nlg_recipe *recipe, const nlg_trainer *trainer, nlg_record *record, cJSON *detail,
                               nlg_error *err) {
    const nlg_epoch_record *last = nlg_trainer_record(trainer, nlg_trainer_epochs(trainer) - 1);
    const nlg_task_type *task = nlg_task_for(nlg_dataset_describe(dataset));
    char name[NLG_METRIC_NAME];
    NLG_TRY(nlg_weights_digest(nlg_trainer_weights(trainer), record->digest, err));
    nlg_record_metric(record, "train_loss", "nats", last->loss);
    name_score(task, "train", 0, name);
    nlg_record_metric(record, name, "fraction", last->train_score);
    name_score(task, "val", 0, name);
    nlg_record_metric(record, name, "fraction", last->val_score);
    const nlg_weights *weights = nlg_trainer_weights(trainer);
    if (nlg_value_flag(spec, "score_training")) {
        nlg_evaluation e;
        const nlg_evaluation_options how = {.split = NLG_SPLIT_TRAIN, .batch = TEST_BATCH, .preprocessing = &recipe->augmentation};
        NLG_TRY(nlg_evaluate(s->graph, weights, dataset, &how, &lab->exec, &e, err));
        name_score(task, "fitted", 0, name);
        nlg_record_metric(record, name, "fraction", e.value[0]);
    }
    return nlg_value_flag(spec, "test") ? test(lab, spec, s, dataset, recipe, weights, record, detail, err) : NLG_OK;
}

static nlg_status train(nlg_lab *lab, const cJSON *spec, const nlg_network *s, nlg_dataset *dataset, const nlg_recipe *recipe,
                        nlg_record *record, cJSON *detail, nlg_error *err) {
    watcher w = {.lab = lab, .epochs = recipe->epochs};
    const nlg_trainer_options how = {.recipe = *recipe,
                                     .seed = (uint64_t)nlg_value_number(spec, "seed", 0),
                                     .memory_limit = lab->settings->memory_limit,
                                     .validate_last_only = strcmp(nlg_value_text(spec, "validate"), "every") != 0,
                                     .progress = watch,
                                     .progress_context = &w};
    nlg_trainer *trainer = NULL;
    nlg_error mine = {0};
    NLG_TRY(nlg_trainer_create(s->graph, dataset, &lab->exec, &how, &trainer, err));
    nlg_status status = nlg_trainer_run(trainer, &mine);
    add_history(trainer, nlg_task_for(nlg_dataset_describe(dataset)), detail);
    if (status == NLG_ERR_NUMERIC) { /* a result like any other */
        snprintf(record->status, sizeof record->status, "diverged");
        snprintf(record->message, sizeof record->message, "%.255s", mine.text);
        status = NLG_OK;
    } else if (status != NLG_OK) {
        nlg_fail(err, status, "%s", mine.text);
    } else {
        status = take_results(lab, spec, s, dataset, recipe, trainer, record, detail, err);
    }
    nlg_trainer_destroy(trainer);
    return status;
}

/* Data, recipe and network of a spec. */
static nlg_status open_spec(nlg_lab *lab, const cJSON *spec, nlg_dataset **dataset, const char **source, nlg_recipe *recipe,
                            nlg_network *s, nlg_error *err) {
    *s = (nlg_network){0};
    NLG_TRY(nlg_recipe_read(cJSON_GetObjectItemCaseSensitive(spec, "recipe"), "spec", recipe, err));
    NLG_TRY(nlg_lab_find_data(lab, cJSON_GetObjectItemCaseSensitive(spec, "data"), dataset, source, err));
    const nlg_dataset_info *info = nlg_dataset_describe(*dataset);
    const int border = recipe->augment ? 2 * recipe->augmentation.pad : 0;
    const nlg_shape input = {.h = info->h + border, .w = info->w + border, .c = info->c};
    return nlg_subject_open(spec, input, info->classes, "train", s, err);
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    nlg_dataset *dataset;
    nlg_recipe recipe;
    nlg_network s;
    const char *source = NULL;
    if (!nlg_value_text(spec, "validate")) return nlg_fail(err, NLG_ERR_INPUT, "a spec of train without \"validate\"");
    nlg_status status = open_spec(lab, spec, &dataset, &source, &recipe, &s, err);
    if (status == NLG_OK) {
        nlg_record_metric(record, "params", "", (double)s.cost.params);
        nlg_record_metric(record, "macs", "MACs", (double)s.cost.macs);
        nlg_record_metric(record, "trained_macs", "MACs",
                          work_of((double)s.cost.macs, nlg_dataset_describe(dataset)->train, recipe.epochs));
        nlg_json_text(detail, "source", source);
        status = train(lab, spec, &s, dataset, &recipe, record, detail, err);
    }
    nlg_network_close(&s);
    return status;
}

static nlg_status bytes(nlg_lab *lab, const cJSON *spec, size_t *bytes_needed, nlg_error *err) {
    nlg_dataset *dataset;
    nlg_recipe recipe;
    nlg_network s;
    nlg_status status = open_spec(lab, spec, &dataset, NULL, &recipe, &s, err);
    if (status == NLG_OK) status = nlg_trainer_measure(s.graph, dataset, &lab->exec, &recipe, 0, bytes_needed, err);
    nlg_network_close(&s);
    return status;
}

const nlg_measure nlg_measure_train = {
    .name = "train",
    .summary = "training, validation accuracy and, in final stages, test accuracy of a network",
    .keys = keys,
    .headline = "val_",
    .takes_recipe = true,
    .work = "trained_macs",
    .pace = 2e10,
    .specify = specify,
    .run = run,
    .bytes = bytes,
};
