/* Our own table: listing a space, and how a table was made. */
#include "search/evaluators/own_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_train.h"
#include "search/table_file.h"

enum { LARGEST_FACTS = 1 << 20, LARGEST_BATCH = 65536 };

/* ---- the space --------------------------------------------------------------------------------------------------------- */

/* The next code in order; false behind the last. */
static bool next_code(const nlg_space *space, nlg_code *code) {
    for (int i = code->length - 1; i >= 0; i--) {
        if (++code->value[i] < space->choices(space, i)) return true;
        code->value[i] = 0;
    }
    return false;
}

static nlg_status count_codes(const nlg_space *space, double *all, nlg_error *err) {
    *all = 1;
    for (int i = 0; i < space->length; i++) *all *= space->choices(space, i);
    if (*all <= NLG_TABLE_CODES) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "space %s has %.3g codes; expected at most %d to train all of them", space->name, *all,
                    NLG_TABLE_CODES);
}

nlg_status nlg_table_check(const nlg_table_recipe *recipe, nlg_error *err) {
    double all;
    if (!recipe->space->build) return nlg_fail(err, NLG_ERR_INPUT, "space %s has no networks to train", recipe->space->name);
    if (recipe->seeds < 1 || recipe->seeds > NLG_TABLE_SEEDS || recipe->recipe.epochs < 1 ||
        recipe->recipe.epochs > NLG_TABLE_EPOCHS)
        return nlg_fail(err, NLG_ERR_INPUT, "a table has 1 to %d seeds and 1 to %d epochs, found %d and %d", NLG_TABLE_SEEDS,
                        NLG_TABLE_EPOCHS, recipe->seeds, recipe->recipe.epochs);
    return count_codes(recipe->space, &all, err);
}

nlg_status nlg_space_list(const nlg_space *space, nlg_code **codes, int *count, nlg_error *err) {
    double all;
    *codes = NULL;
    *count = 0;
    NLG_TRY(count_codes(space, &all, err));
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

nlg_status nlg_table_list(const nlg_table_recipe *recipe, nlg_code **codes, int *count, nlg_error *err) {
    const int limit = recipe->limit;
    NLG_TRY(nlg_space_list(recipe->space, codes, count, err));
    if (limit == 0 || limit >= *count) return NLG_OK;
    for (int i = 0; i < limit; i++) (*codes)[i] = (*codes)[(int64_t)i * *count / limit];
    *count = limit;
    return NLG_OK;
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

/* Members of PATH.json. The first that does not fit is named; what follows it reads as 0 and "". */
typedef struct reader {
    const char *path;
    nlg_status status;
    nlg_error *err;
} reader;

static double number_in(reader *r, const cJSON *object, const char *name, double least, double most, bool whole) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    const double found = cJSON_IsNumber(item) ? item->valuedouble : (double)NAN;
    const bool fits = found >= least && found <= most && (!whole || floor(found) == found);
    if (fits || r->status != NLG_OK) return fits ? found : 0;
    char text[32] = "nothing";
    if (item) snprintf(text, sizeof text, cJSON_IsNumber(item) ? "%.15g" : "no number", found);
    r->status = nlg_fail(r->err, NLG_ERR_INPUT, "%s: expected \"%s\" to be %s from %.15g to %.15g, found %s", r->path, name,
                         whole ? "a whole number" : "a number", least, most, text);
    return 0;
}

static int whole_in(reader *r, const cJSON *object, const char *name, int least, int most) {
    return (int)number_in(r, object, name, least, most, true);
}

static void text_in(reader *r, const cJSON *object, const char *name, char *text, size_t size) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    const char *found = cJSON_IsString(item) ? item->valuestring : "";
    if (r->status == NLG_OK && (!*found || strlen(found) >= size))
        r->status = nlg_fail(r->err, NLG_ERR_INPUT, "%s: expected \"%s\" to be a text of 1 to %zu bytes, found %zu", r->path, name,
                             size - 1, strlen(found));
    snprintf(text, size, "%s", found);
}

static uint64_t seed_in(reader *r, const cJSON *object, const char *name) {
    char text[24];
    uint64_t seed = 0;
    int length = 0;
    text_in(r, object, name, text, sizeof text);
    const bool good = strspn(text, "0123456789") == strlen(text) && sscanf(text, "%20" SCNu64 "%n", &seed, &length) == 1;
    if (r->status == NLG_OK && (!good || text[length]))
        r->status = nlg_fail(r->err, NLG_ERR_INPUT, "%s: expected \"%s\" to be digits, found '%s'", r->path, name, text);
    return seed;
}

static void read_facts(reader *in, const cJSON *object, const cJSON *config, nlg_table_facts *facts) {
    const cJSON *training = cJSON_GetObjectItem(config, "training"), *data = cJSON_GetObjectItem(training, "data");
    const cJSON *recipe = cJSON_GetObjectItem(training, "recipe");
    nlg_table_recipe *r = &facts->recipe;
    text_in(in, object, "digest", facts->digest, sizeof facts->digest);
    text_in(in, object, "file_digest", facts->file_digest, sizeof facts->file_digest);
    text_in(in, object, "test_file_digest", facts->test_digest, sizeof facts->test_digest);
    facts->architectures = whole_in(in, object, "architectures", 1, NLG_TABLE_CODES);
    text_in(in, config, "space", facts->space, sizeof facts->space);
    facts->numerics_version = whole_in(in, config, "numerics_version", 0, INT32_MAX);
    r->seeds = whole_in(in, config, "seeds", 1, NLG_TABLE_SEEDS);
    r->limit = whole_in(in, config, "limit", 0, NLG_TABLE_CODES);
    text_in(in, data, "name", facts->data, sizeof facts->data);
    r->data.train_limit = (uint32_t)number_in(in, data, "train", 1, UINT32_MAX, true);
    r->data.validation = (uint32_t)number_in(in, data, "validation", 1, UINT32_MAX, true);
    r->data.split_seed = seed_in(in, data, "split_seed");
    r->recipe = nlg_recipe_default();
    r->recipe.epochs = whole_in(in, recipe, "epochs", 1, NLG_TABLE_EPOCHS);
    r->recipe.batch = whole_in(in, recipe, "batch", 1, LARGEST_BATCH);
    r->recipe.lr = number_in(in, recipe, "lr", 0, 1e6, false);
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
    reader in = {.path = name, .err = err};
    if (status == NLG_OK) {
        read_facts(&in, object, config, facts);
        status = in.status;
    }
    if (status == NLG_OK) status = nlg_json_write(config, false, &facts->config, err);
    cJSON_Delete(object);
    nlg_free(text);
    nlg_free(name);
    if (status != NLG_OK) nlg_table_facts_free(facts);
    return status;
}

static nlg_status check_file(const nlg_table_file *file, const char *found, const char *expected, nlg_error *err) {
    if (strcmp(found, expected) == 0) return NLG_OK;
    return nlg_fail(
        err, NLG_ERR_CHECK,
        "%s: its digest is %.12s, the .json file beside it has %.12s: the table was changed or damaged; restore or build "
        "it again",
        nlg_table_file_path(file), found, expected);
}

/* Over the text of the table as it was written, without the columns of seconds. */
static nlg_status digest_without_seconds(const nlg_table_file *file, char hex[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "a digest");
    for (int row = -1; row < nlg_table_file_rows(file); row++) {
        for (int column = 0; column < nlg_table_file_columns(file); column++) {
            if (strncmp(nlg_table_file_header(file, column), "seconds_s", strlen("seconds_s")) == 0) continue;
            const char *cell = nlg_table_file_cell(file, row, column);
            if (column) nlg_digest_update(digest, ",", 1);
            nlg_digest_update(digest, cell, strlen(cell));
        }
        nlg_digest_update(digest, "\n", 1);
    }
    nlg_digest_finish(digest, hex);
    return NLG_OK;
}

nlg_status nlg_table_facts_check(const nlg_table_facts *facts, const nlg_table_file *table, const nlg_table_file *test,
                                 nlg_error *err) {
    char digest[65];
    NLG_TRY(check_file(table, nlg_table_file_digest(table), facts->file_digest, err));
    NLG_TRY(check_file(test, nlg_table_file_digest(test), facts->test_digest, err));
    if (nlg_table_file_rows(table) != facts->architectures || nlg_table_file_rows(test) != facts->architectures)
        return nlg_fail(err, NLG_ERR_CHECK, "%s: expected %d rows in both files, as the .json file says, found %d and %d",
                        nlg_table_file_path(table), facts->architectures, nlg_table_file_rows(table), nlg_table_file_rows(test));
    NLG_TRY(digest_without_seconds(table, digest, err));
    return check_file(table, digest, facts->digest, err);
}

void nlg_table_facts_free(nlg_table_facts *facts) {
    nlg_free(facts->config);
    *facts = (nlg_table_facts){0};
}
