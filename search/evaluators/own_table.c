/* Our own table: listing a space, training a row, and the files. */
#include "search/evaluators/own_table.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_train.h"
#include "search/evaluators/table_file.h"

enum { CODES_MAX = 1000000, LARGEST_FACTS = 1 << 20 };

/* ---- the space --------------------------------------------------------------------------------------------------------- */

/* The next code in order; false behind the last. */
static bool next_code(const nlg_space *space, nlg_code *code) {
    for (int i = code->length - 1; i >= 0; i--) {
        if (++code->value[i] < space->choices(space, i)) return true;
        code->value[i] = 0;
    }
    return false;
}

nlg_status nlg_space_list(const nlg_space *space, nlg_code **codes, int *count, nlg_error *err) {
    double all = 1;
    *codes = NULL;
    *count = 0;
    for (int i = 0; i < space->length; i++) all *= space->choices(space, i);
    if (all > CODES_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has %.3g codes; expected at most %d to train all of them", space->name, all,
                        CODES_MAX);
    nlg_code code = {.length = space->length}, canonical, *list = nlg_alloc((size_t)all, sizeof *list);
    if (!list) return nlg_fail_memory(err, (size_t)all * sizeof *list, "the architectures of a space");
    do {
        if (!nlg_space_valid(space, &code)) continue;
        nlg_space_canonical(space, &code, &canonical);
        if (nlg_code_equal(&code, &canonical)) list[(*count)++] = code;
    } while (next_code(space, &code));
    *codes = list;
    return NLG_OK;
}

/* ---- one training ------------------------------------------------------------------------------------------------------ */

static nlg_status take_results(const nlg_table_recipe *r, const nlg_graph *graph, const nlg_trainer *trainer, nlg_table_row *row,
                               nlg_error *err) {
    nlg_evaluation test;
    row->epochs = nlg_trainer_epochs(trainer);
    for (int epoch = 0; epoch < row->epochs; epoch++) {
        const nlg_epoch_record *record = nlg_trainer_record(trainer, epoch);
        row->validation[epoch] = 100 * record->val_score;
        row->seconds += record->seconds;
    }
    const nlg_augmentation *augmentation = r->recipe.augment ? &r->recipe.augmentation : NULL;
    NLG_TRY(nlg_evaluate(graph, nlg_trainer_weights(trainer), r->dataset, NLG_SPLIT_TEST, r->recipe.batch, augmentation, r->exec,
                         &test, err));
    row->test = 100.0 * test.top1 / test.images;
    return nlg_weights_digest(nlg_trainer_weights(trainer), row->digest, err);
}

nlg_status nlg_table_train(const nlg_table_recipe *recipe, const nlg_code *code, int seed, nlg_table_row *row, nlg_error *err) {
    const nlg_space *space = recipe->space;
    const nlg_dataset_info *info = nlg_dataset_describe(recipe->dataset);
    const int border = recipe->recipe.augment ? 2 * recipe->recipe.augmentation.pad : 0;
    char hash[65];
    *row = (nlg_table_row){.code = *code, .seed = seed};
    NLG_TRY(nlg_space_hash(space, code, hash, err));
    nlg_graph *graph;
    nlg_graph_cost cost;
    NLG_TRY(space->build(space, code, info->h + border, info->w + border, info->c, info->classes, &graph, err));
    nlg_status status = nlg_graph_count(graph, &cost, err);
    row->params = cost.params;
    row->macs = cost.macs;
    const nlg_trainer_options options = {.recipe = recipe->recipe, .seed = nlg_trial_seed((uint64_t)seed, hash)};
    nlg_trainer *trainer = NULL;
    if (status == NLG_OK) status = nlg_trainer_create(graph, recipe->dataset, recipe->exec, &options, &trainer, err);
    if (status == NLG_OK) status = nlg_trainer_run(trainer, err);
    if (status == NLG_OK) status = take_results(recipe, graph, trainer, row, err);
    if (trainer) nlg_trainer_destroy(trainer);
    nlg_graph_destroy(graph);
    return status;
}

/* ---- how it was made --------------------------------------------------------------------------------------------------- */

/* The trainer's configuration, as the evaluator train writes it. */
static nlg_status trainer_config(const nlg_table_recipe *r, cJSON **config, nlg_error *err) {
    const nlg_train_evaluator_options options = {.dataset = r->dataset, .exec = r->exec, .recipe = r->recipe};
    nlg_train_evaluator *evaluator;
    NLG_TRY(nlg_train_evaluator_create(&options, &evaluator, err));
    const char *text = nlg_train_evaluator_config(evaluator);
    nlg_status status = nlg_json_read(text, strlen(text), "the configuration of a table", config, err);
    nlg_train_evaluator_destroy(evaluator);
    return status;
}

nlg_status nlg_table_config(const nlg_table_recipe *recipe, char **text, nlg_error *err) {
    cJSON *training;
    *text = NULL;
    NLG_TRY(trainer_config(recipe, &training, err));
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "space", recipe->space->name);
    cJSON_AddNumberToObject(object, "seeds", recipe->seeds);
    cJSON_AddNumberToObject(object, "limit", recipe->limit);
    cJSON_AddNumberToObject(object, "numerics_version", NLG_NUMERICS_VERSION);
    cJSON_AddItemToObject(object, "training", training);
    return nlg_json_finish(object, false, text, err);
}

static double number_in(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsNumber(item) ? item->valuedouble : 0;
}

static const char *text_in(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItem(object, name);
    return cJSON_IsString(item) ? item->valuestring : "";
}

static void read_recipe(const cJSON *config, nlg_table_facts *facts) {
    const cJSON *training = cJSON_GetObjectItem(config, "training"), *data = cJSON_GetObjectItem(training, "data");
    const cJSON *recipe = cJSON_GetObjectItem(training, "recipe");
    nlg_table_recipe *r = &facts->recipe;
    snprintf(facts->space, sizeof facts->space, "%s", text_in(config, "space"));
    snprintf(facts->data, sizeof facts->data, "%s", text_in(data, "name"));
    facts->numerics_version = (int)number_in(config, "numerics_version");
    r->seeds = (int)number_in(config, "seeds");
    r->limit = (int)number_in(config, "limit");
    r->data.train_limit = (uint32_t)number_in(data, "train");
    r->data.validation = (uint32_t)number_in(data, "validation");
    sscanf(text_in(data, "split_seed"), "%" SCNu64, &r->data.split_seed);
    r->recipe = nlg_recipe_default();
    r->recipe.epochs = (int)number_in(recipe, "epochs");
    r->recipe.batch = (int)number_in(recipe, "batch");
    r->recipe.lr = number_in(recipe, "lr");
}

nlg_status nlg_table_facts_read(const char *path, nlg_table_facts *facts, nlg_error *err) {
    char *name = NULL, *text = NULL;
    size_t size;
    *facts = (nlg_table_facts){0};
    NLG_TRY(nlg_table_path(path, ".json", &name, err));
    nlg_status status = nlg_file_read(name, LARGEST_FACTS, &text, &size, err);
    cJSON *object = NULL;
    if (status == NLG_OK) status = nlg_json_read(text, size, name, &object, err);
    const cJSON *config = cJSON_GetObjectItem(object, "config");
    if (status == NLG_OK && !cJSON_IsObject(config))
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected what `lineage table build` writes, found something else", name);
    if (status == NLG_OK) {
        read_recipe(config, facts);
        snprintf(facts->digest, sizeof facts->digest, "%s", text_in(object, "digest"));
        status = nlg_json_write(config, false, &facts->config, err);
    }
    cJSON_Delete(object);
    nlg_free(text);
    nlg_free(name);
    return status;
}

void nlg_table_facts_free(nlg_table_facts *facts) {
    nlg_free(facts->config);
    *facts = (nlg_table_facts){0};
}
