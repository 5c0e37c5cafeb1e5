/* The registry of measures, and checked values. */
#include "harness/measures/measure.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/options.h"
#include "harness/progress.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"
#include "train/recipe.h"

#define MEASURE(name) extern const nlg_measure nlg_measure_##name;
#include "harness/measures/measures.def"
#undef MEASURE

static const nlg_measure *const measures[] = {
#define MEASURE(name) &nlg_measure_##name,
#include "harness/measures/measures.def"
#undef MEASURE
};

int nlg_measures(void) {
    return (int)(sizeof measures / sizeof *measures);
}

const nlg_measure *nlg_measure_at(int index) {
    return measures[index];
}

const nlg_measure *nlg_measure_find(const char *name) {
    for (int i = 0; i < nlg_measures(); i++)
        if (strcmp(measures[i]->name, name) == 0) return measures[i];
    return NULL;
}

double nlg_measure_seconds(const nlg_measure *m, double work) {
    const double least = 0.02; /* a search in a table, the costs of a network */
    return fmax(least, m->pace > 0 ? work / m->pace : work);
}

/* ---- values ------------------------------------------------------------------------------------------------------------ */

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const char *nlg_value_text(const cJSON *values, const char *key) {
    return cJSON_GetStringValue(member(values, key));
}

double nlg_value_number(const cJSON *values, const char *key, double fallback) {
    const cJSON *v = member(values, key);
    return cJSON_IsNumber(v) ? v->valuedouble : fallback;
}

int nlg_value_int(const cJSON *values, const char *key) {
    const double value = nlg_value_number(values, key, 0);
    return value >= -2147483647 && value <= 2147483647 ? (int)value : 0;
}

bool nlg_value_flag(const cJSON *values, const char *key) {
    return cJSON_IsTrue(member(values, key));
}

static const char *recipe_name(const char *key) {
    return strcmp(key, "rate") == 0 ? "lr" : key;
}

/* The field of a recipe's JSON that a key stands for; NULL if there is none. */
static cJSON *recipe_field(cJSON *recipe, const char *key, cJSON **parent) {
    static const char *const parts[] = {"augmentation", "detection"};
    const char *name = recipe_name(key);
    *parent = recipe;
    cJSON *field = cJSON_GetObjectItemCaseSensitive(recipe, name);
    if (field && !cJSON_IsObject(field)) return field;
    field = NULL;
    for (int i = 0; i < 2 && !field; i++) {
        *parent = cJSON_GetObjectItemCaseSensitive(recipe, parts[i]);
        field = cJSON_GetObjectItemCaseSensitive(*parent, name);
    }
    return field;
}

/* The recipe of the task that the data set has; without one, that with every field. */
static cJSON *default_recipe(const char *data) {
    const nlg_dataset_format *format = NULL;
    nlg_recipe recipe = nlg_recipe_default_detection();
    if (data && nlg_dataset_format_find(data, &format, NULL) == NLG_OK)
        recipe = nlg_task_recipe(nlg_task_for(&(const nlg_dataset_info){.targets = nlg_dataset_format_targets(format)}));
    cJSON *object = cJSON_CreateObject();
    if (object && nlg_recipe_add(object, &recipe)) return object;
    cJSON_Delete(object);
    return NULL;
}

static bool replace(cJSON *recipe, const cJSON *value, const char *key) {
    cJSON *parent;
    return !recipe_field(recipe, key, &parent) || nlg_json_set(parent, recipe_name(key), cJSON_Duplicate(value, true));
}

nlg_status nlg_value_recipe(const cJSON *values, const char *where, nlg_recipe *recipe, nlg_error *err) {
    cJSON *object = default_recipe(nlg_value_text(values, "data"));
    bool good = object != NULL;
    for (const cJSON *v = values->child; v && good; v = v->next) good = replace(object, v, v->string);
    const cJSON *augment = member(values, "augment");
    if (good && cJSON_IsFalse(augment)) good = nlg_json_set(object, "augmentation", cJSON_CreateNull());
    nlg_status status = good ? nlg_recipe_read(object, where, recipe, err) : nlg_fail_memory(err, 0, "a recipe");
    cJSON_Delete(object);
    return status;
}

nlg_status nlg_value_input(const cJSON *values, const char *where, nlg_shape *input, int *classes, nlg_error *err) {
    char key[1280];
    const char *given = nlg_value_text(values, "input");
    const cJSON *shape = member(values, "input"); /* a spec has three numbers */
    *input = (nlg_shape){0};
    *classes = nlg_value_int(values, "classes");
    if (cJSON_GetArraySize(shape) == 3 && cJSON_IsArray(shape)) {
        const cJSON *c = shape->child;
        *input = (nlg_shape){.c = c->valueint, .h = c->next->valueint, .w = c->next->next->valueint};
    }
    if (!given) {
        if (nlg_value_text(values, "space") && !input->c)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"input\" is missing; add the size of the images as \"C,H,W\"", where);
        if (nlg_value_text(values, "space") && !*classes) *classes = 10;
        return NLG_OK;
    }
    if (nlg_value_text(values, "space") && !*classes) *classes = 10;
    snprintf(key, sizeof key, "%s: key \"input\"", where);
    return nlg_option_shape(key, given, input, err);
}

/* ---- checks ------------------------------------------------------------------------------------------------------------ */

static nlg_status unknown_key(const nlg_measure *m, const char *where, const char *key, const cJSON *recipe, nlg_error *err) {
    nlg_nearest nearest = {.wanted = key};
    for (const nlg_value_key *k = m->keys; k->name; k++) nlg_nearest_try(&nearest, k->name);
    for (const cJSON *v = recipe ? recipe->child : NULL; v; v = v->next) nlg_nearest_try(&nearest, v->string);
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key \"%.64s\" of the measure %s; %s%s%s", where, key, m->name,
                    near ? "did you mean \"" : "remove or correct it", near ? near : "", near ? "\"?" : "");
}

static nlg_status wrong_value(const char *where, const char *key, const char *expected, const cJSON *value, nlg_error *err) {
    char *text = cJSON_PrintUnformatted(value);
    nlg_status status = nlg_fail(err, NLG_ERR_INPUT, "%s: key \"%s\": expected %s, found %.80s", where, key, expected,
                                 text ? text : "something else");
    cJSON_free(text);
    return status;
}

static nlg_status check_own(const nlg_value_key *k, const char *where, const cJSON *value, nlg_error *err) {
    char expected[96];
    if (k->type == NLG_VALUE_TEXT)
        return cJSON_IsString(value) && *value->valuestring ? NLG_OK : wrong_value(where, k->name, "a text", value, err);
    if (k->type == NLG_VALUE_FLAG) return cJSON_IsBool(value) ? NLG_OK : wrong_value(where, k->name, "true or false", value, err);
    snprintf(expected, sizeof expected, "%s from %.15g to %.15g", k->type == NLG_VALUE_WHOLE ? "a whole number" : "a number",
             k->least, k->most);
    bool fits = cJSON_IsNumber(value) && value->valuedouble >= k->least && value->valuedouble <= k->most;
    if (fits && k->type == NLG_VALUE_WHOLE) fits = floor(value->valuedouble) == value->valuedouble;
    return fits ? NLG_OK : wrong_value(where, k->name, expected, value, err);
}

static nlg_status check_recipe(const nlg_measure *m, const char *where, const char *key, const cJSON *value, nlg_error *err) {
    static const nlg_value_key augment = {"augment", NLG_VALUE_FLAG, 0, 0, NULL, NULL};
    if (strcmp(key, augment.name) == 0) return check_own(&augment, where, value, err);
    cJSON *object = default_recipe(NULL), *parent;
    nlg_recipe recipe;
    if (!object) return nlg_fail_memory(err, 0, "a recipe");
    nlg_status status;
    if (!recipe_field(object, key, &parent))
        status = unknown_key(m, where, key, object, err);
    else if (!replace(object, value, key))
        status = nlg_fail_memory(err, 0, "a recipe");
    else
        status = nlg_recipe_read(object, where, &recipe, err);
    cJSON_Delete(object);
    return status;
}

nlg_status nlg_measure_check(const nlg_measure *m, const char *where, const char *key, const cJSON *value, nlg_error *err) {
    for (const nlg_value_key *k = m->keys; k->name; k++)
        if (strcmp(k->name, key) == 0) return check_own(k, where, value, err);
    return m->takes_recipe ? check_recipe(m, where, key, value, err) : unknown_key(m, where, key, NULL, err);
}

nlg_status nlg_measure_complete(const nlg_measure *m, const char *where, cJSON *values, nlg_error *err) {
    for (const cJSON *v = values->child; v; v = v->next) NLG_TRY(nlg_measure_check(m, where, v->string, v, err));
    for (const nlg_value_key *k = m->keys; k->name; k++) {
        if (!k->fallback || member(values, k->name)) continue;
        cJSON *value = cJSON_Parse(k->fallback);
        if (value && cJSON_AddItemToObject(values, k->name, value)) continue;
        cJSON_Delete(value);
        return nlg_fail_memory(err, 0, "the values of a trial");
    }
    return NLG_OK;
}

/* ---- specs ------------------------------------------------------------------------------------------------------------- */

nlg_status nlg_measure_specify(const nlg_measure *m, nlg_lab *lab, const cJSON *values, const char *where, char **spec,
                               char key[65], double *work, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    *spec = NULL;
    *work = 0;
    nlg_json_text(object, "measure", m->name);
    nlg_json_number(object, "numerics", NLG_NUMERICS_VERSION);
    nlg_status status = m->specify(lab, values, where, object, work, err);
    if (status == NLG_OK) status = nlg_json_canonical(object, spec, err);
    if (status == NLG_OK) status = nlg_record_key(*spec, key, err);
    cJSON_Delete(object);
    return status;
}

nlg_status nlg_measure_run(nlg_lab *lab, const char *text, nlg_record *record, nlg_error *err) {
    *record = (nlg_record){.status = "done"};
    cJSON *spec, *detail = cJSON_CreateObject();
    nlg_status status = nlg_json_read(text, strlen(text), "a spec", &spec, err);
    const char *name = nlg_value_text(spec, "measure");
    const nlg_measure *m = name ? nlg_measure_find(name) : NULL;
    if (status == NLG_OK && !m)
        status =
            nlg_fail(err, NLG_ERR_INPUT, "a spec of the measure \"%.64s\", which this program does not have", name ? name : "?");
    else if (status == NLG_OK && nlg_value_number(spec, "numerics", -1) != NLG_NUMERICS_VERSION)
        status = nlg_fail(err, NLG_ERR_INPUT, "a spec of numerics version %g; this program has %d and gives other bits",
                          nlg_value_number(spec, "numerics", -1), NLG_NUMERICS_VERSION);
    double start = nlg_seconds_now();
    if (status == NLG_OK) status = m->run(lab, spec, record, detail, err);
    record->seconds = nlg_seconds_now() - start;
    snprintf(record->measure, sizeof record->measure, "%s", m ? m->name : "");
    if (status == NLG_OK) status = nlg_record_key(text, record->key, err);
    if (status == NLG_OK && !(record->spec = nlg_strdup(text))) status = nlg_fail_memory(err, strlen(text), "a spec");
    if (status == NLG_OK) status = nlg_json_canonical(detail, &record->detail, err);
    cJSON_Delete(spec);
    cJSON_Delete(detail);
    if (status != NLG_OK) nlg_record_free(record);
    return status;
}

nlg_status nlg_value_strategy(const cJSON *values, const char *where, cJSON *spec, nlg_error *err) {
    const nlg_strategy *strategy;
    char chosen[NLG_STRATEGY_OPTIONS_TEXT], all[NLG_STRATEGY_OPTIONS_TEXT];
    double numbers[NLG_STRATEGY_OPTIONS_MAX];
    nlg_status status = nlg_strategy_pick(nlg_value_text(values, "strategy"), true, &strategy, chosen, err);
    if (status == NLG_OK) status = nlg_strategy_parse(strategy, chosen, numbers, all, err);
    if (status != NLG_OK) return nlg_fail_at(err, "%s", where);
    nlg_json_text(spec, "strategy", strategy->name);
    cJSON *options = cJSON_Parse(all);
    if (!options || !cJSON_AddItemToObject(spec, "options", options)) return nlg_fail_memory(err, 0, "a spec");
    return NLG_OK;
}

nlg_status nlg_value_latency(const cJSON *values, const char *where, cJSON *spec, nlg_error *err) {
    const char *path = nlg_value_text(values, "latency");
    nlg_latency_table *table;
    if (!path) return NLG_OK;
    if (nlg_latency_open(path, &table, err) != NLG_OK) return nlg_fail_at(err, "%s", where);
    nlg_json_text(spec, "latency", path);
    nlg_json_text(spec, "latency_digest", nlg_latency_digest(table));
    nlg_latency_close(table);
    return NLG_OK;
}

static nlg_status check_table(const cJSON *spec, const nlg_shape *images, int classes, const nlg_latency_table *table,
                              nlg_error *err) {
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    const char *path = nlg_latency_path(table), *digest = nlg_value_text(spec, "latency_digest");
    if (!digest || strcmp(digest, nlg_latency_digest(table)) != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: not the table of the spec; restore it", path);
    if (images && (m->input.h != images->h || m->input.w != images->w || m->classes != classes))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: measured for images of %dx%d and %d classes, these are %dx%d with %d", path,
                        m->input.h, m->input.w, m->classes, images->h, images->w, classes);
    return NLG_OK;
}

nlg_status nlg_spec_latency(const cJSON *spec, const nlg_shape *images, int classes, nlg_latency_table **table, nlg_error *err) {
    const char *path = nlg_value_text(spec, "latency");
    *table = NULL;
    if (!path) return NLG_OK;
    NLG_TRY(nlg_latency_open(path, table, err));
    nlg_status status = check_table(spec, images, classes, *table, err);
    if (status == NLG_OK) return NLG_OK;
    nlg_latency_close(*table);
    *table = NULL;
    return status;
}
