/* Tables as plans: values, rows from records, and building. */
#include "harness/plans/table_plan.h"

#include <stdio.h>
#include <string.h>

#include "harness/query/results_store.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

/* ---- a row as a trial -------------------------------------------------------------------------------------------------- */

nlg_status nlg_table_values(const nlg_table_recipe *recipe, const char *data, cJSON **values, nlg_error *err) {
    cJSON *v = *values = cJSON_CreateObject();
    if (!v) return nlg_fail_memory(err, 64, "the values of a table");
    nlg_json_text(v, "space", recipe->space->name);
    nlg_json_text(v, "data", data);
    if (recipe->data.train_limit) nlg_json_number(v, "train_images", recipe->data.train_limit);
    if (recipe->data.validation) nlg_json_number(v, "validation_images", recipe->data.validation);
    nlg_json_number(v, "split_seed", (double)recipe->data.split_seed);
    nlg_json_number(v, "epochs", recipe->recipe.epochs);
    nlg_json_number(v, "batch", recipe->recipe.batch);
    nlg_json_number(v, "rate", recipe->recipe.lr);
    nlg_json_text(v, "validate", "every");
    return NLG_OK;
}

nlg_status nlg_table_row_values(const nlg_table_recipe *recipe, const nlg_code *code, int seed, cJSON *values, nlg_error *err) {
    char genotype[NLG_GENOTYPE_MAX], hash[65];
    NLG_TRY(nlg_space_hash(recipe->space, code, hash, err));
    recipe->space->encode(recipe->space, code, genotype, sizeof genotype);
    nlg_json_text(values, "genotype", genotype);
    nlg_json_number(values, "seed", (double)nlg_trial_seed((uint64_t)seed, hash));
    return NLG_OK;
}

/* Validation accuracies by epoch. */
static nlg_status take_history(const nlg_record *record, nlg_table_row *row, nlg_error *err) {
    cJSON *detail = NULL;
    const cJSON *epoch;
    const char *text = record->detail ? record->detail : "{}";
    NLG_TRY(nlg_json_read(text, strlen(text), "the detail of a record", &detail, err));
    int n = 0;
    cJSON_ArrayForEach(epoch, cJSON_GetObjectItemCaseSensitive(detail, "history")) {
        const cJSON *accuracy = cJSON_GetObjectItemCaseSensitive(epoch, "val_accuracy");
        if (n < row->epochs && cJSON_IsNumber(accuracy)) row->validation[n++] = 100 * accuracy->valuedouble;
    }
    cJSON_Delete(detail);
    return n == row->epochs ? NLG_OK
                            : nlg_fail(err, NLG_ERR_INPUT, "record %.12s: expected %d validation accuracies, found %d", record->key,
                                       row->epochs, n);
}

nlg_status nlg_table_take_row(const nlg_table_recipe *recipe, const nlg_record *record, const nlg_code *code, int seed,
                              nlg_table_row *row, nlg_error *err) {
    if (strcmp(record->status, "done") != 0) {
        char genotype[NLG_GENOTYPE_MAX];
        recipe->space->encode(recipe->space, code, genotype, sizeof genotype);
        return nlg_fail(err, NLG_ERR_NUMERIC, "%.200s, seed %d: %s: %.200s; a table needs all accuracies: take a lower --lr",
                        genotype, seed, record->status, record->message);
    }
    *row = (nlg_table_row){.code = *code,
                           .seed = seed,
                           .params = (int64_t)nlg_record_value(record, "params"),
                           .macs = (int64_t)nlg_record_value(record, "macs"),
                           .epochs = recipe->recipe.epochs,
                           .test = 100.0 * nlg_record_value(record, "test_correct") / nlg_record_value(record, "test_images"),
                           .seconds = record->seconds};
    snprintf(row->digest, sizeof row->digest, "%s", record->digest);
    return take_history(record, row, err);
}

/* ---- building ---------------------------------------------------------------------------------------------------------- */

typedef struct build {
    const nlg_table_build_options *options;
    nlg_table_recipe recipe;
    nlg_lab lab;
    cJSON *shared; /* values of all rows */
    nlg_code *codes;
    int count; /* architectures */
    nlg_experiment experiment;
    nlg_table_row *rows; /* count x seeds */
    nlg_execution_summary *summary;
} build;

#define PROFILE "table"

/* One value of the plan's list: what a row adds, and the seed under the number that the table gives it. */
static nlg_status add_row(const build *b, const nlg_code *code, int seed, cJSON *list, nlg_error *err) {
    cJSON *row = nlg_json_object_in(list), *factors = row ? cJSON_AddObjectToObject(row, "factors") : NULL;
    if (!factors) return nlg_fail_memory(err, 64, "the plan of a table");
    nlg_json_number(factors, "seed", seed);
    return nlg_table_row_values(&b->recipe, code, seed, row, err);
}

/* An experiment of one stage: all architectures with all seeds. */
static nlg_status make_document(const build *b, const char *id, cJSON *document, nlg_error *err) {
    nlg_json_text(document, "id", id);
    nlg_json_text(document, "title", "Every architecture of a space");
    cJSON *profiles = cJSON_AddObjectToObject(document, "profiles"), *stages = cJSON_AddArrayToObject(document, "stages");
    cJSON *stage = nlg_json_object_in(stages), *cross = cJSON_AddObjectToObject(stage, "cross");
    cJSON *list = cJSON_AddArrayToObject(cross, "row"), *with = cJSON_Duplicate(b->shared, true);
    nlg_json_text(stage, "name", "rows");
    nlg_json_text(stage, "measure", "train");
    if (!cJSON_AddObjectToObject(profiles, PROFILE) || !cJSON_AddTrueToObject(stage, "final") || !list ||
        !nlg_json_add(stage, "with", with))
        return nlg_fail_memory(err, 0, "the plan of a table");
    for (int i = 0; i < b->count; i++)
        for (int seed = 1; seed <= b->recipe.seeds; seed++) NLG_TRY(add_row(b, &b->codes[i], seed, list, err));
    return NLG_OK;
}

static nlg_status plan(build *b, nlg_error *err) {
    char id[NLG_SPACE_NAME_MAX + 8];
    NLG_TRY(nlg_table_list(&b->recipe, &b->codes, &b->count, err));
    snprintf(id, sizeof id, "table-%s", b->recipe.space->name);
    cJSON *document = cJSON_CreateObject();
    nlg_status status = make_document(b, id, document, err);
    if (status == NLG_OK) return nlg_experiment_take(document, id, PROFILE, &b->experiment, err);
    cJSON_Delete(document);
    return status;
}

/* The rows from their records, in the order of the plan. */
static nlg_status take_rows(build *b, nlg_error *err) {
    const nlg_stage_plan none[NLG_STAGES_MAX] = {{0}};
    nlg_stage_plan trials;
    NLG_TRY(nlg_stage_make(&b->lab, b->lab.store, &b->experiment, 0, none, &trials, err));
    b->rows = nlg_alloc((size_t)trials.count, sizeof *b->rows);
    nlg_status status = b->rows ? NLG_OK : nlg_fail_memory(err, (size_t)trials.count * sizeof *b->rows, "the rows");
    for (int i = 0; i < trials.count && status == NLG_OK; i++) {
        nlg_record record;
        bool found;
        status = nlg_store_record(b->lab.store, trials.trials[i].key, &record, &found, err);
        if (status == NLG_OK && !found)
            status = nlg_fail(err, NLG_ERR_IO, "%s: a trial is missing; give the same command again", nlg_store_path(b->lab.store));
        if (status != NLG_OK) break;
        status = nlg_table_take_row(&b->recipe, &record, &b->codes[i / b->recipe.seeds], i % b->recipe.seeds + 1, &b->rows[i], err);
        nlg_record_free(&record);
    }
    nlg_stage_plan_free(&trials);
    return status;
}

static nlg_status run(build *b, char digest[65], nlg_error *err) {
    NLG_TRY(plan(b, err));
    NLG_TRY(nlg_results_open(b->options->results, NLG_STORE_WRITE, &b->lab.store, err));
    b->lab.store_path = nlg_store_path(b->lab.store);
    const nlg_execution e = {.lab = &b->lab,
                             .store = b->lab.store,
                             .profile = PROFILE,
                             .experiments = &b->experiment,
                             .count = 1,
                             .workers = b->options->workers};
    NLG_TRY(nlg_execute(&e, b->summary, err));
    NLG_TRY(take_rows(b, err));
    const nlg_table table = {.recipe = &b->recipe, .codes = b->codes, .count = b->count, .rows = b->rows};
    return nlg_table_write(&table, b->options->path, digest, err);
}

static nlg_status open_data(build *b, nlg_error *err) {
    NLG_TRY(nlg_table_values(&b->recipe, b->options->data, &b->shared, err));
    NLG_TRY(nlg_lab_open_data(&b->lab, b->shared, &b->recipe.dataset, err));
    if (nlg_dataset_describe(b->recipe.dataset)->targets == NLG_TARGET_LABEL) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "a table has accuracies: expected a data set with a label for each image, found %s",
                    b->options->data);
}

nlg_status nlg_table_build(const nlg_table_build_options *options, char digest[65], nlg_execution_summary *summary,
                           nlg_error *err) {
    build b = {.options = options, .recipe = options->recipe, .summary = summary};
    bool finished = false;
    *summary = (nlg_execution_summary){0};
    nlg_lab_open(&b.lab, options->settings);
    nlg_status status = nlg_table_check(&b.recipe, err);
    if (status == NLG_OK) status = nlg_lab_start(&b.lab, options->settings->threads, err);
    if (status == NLG_OK) status = open_data(&b, err);
    b.recipe.exec = &b.lab.exec;
    if (status == NLG_OK) status = nlg_table_find(&b.recipe, options->path, &finished, digest, err);
    if (status == NLG_OK && !finished) status = run(&b, digest, err);
    nlg_store_close(b.lab.store);
    nlg_lab_close(&b.lab);
    cJSON_Delete(b.shared);
    nlg_experiment_close(&b.experiment);
    nlg_free(b.codes);
    nlg_free(b.rows);
    return status;
}
