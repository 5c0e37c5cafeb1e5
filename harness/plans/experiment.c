/* Reading and checking of experiments. */
#include "harness/plans/experiment.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"

static const char *const head_keys[] = {"id", "title", "question", "paper", "notes", "profiles", "stages", "claims", NULL};
static const char *const stage_keys[] = {"name", "measure", "final", "cross", "with", NULL};

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

const cJSON *nlg_experiment_value(const cJSON *scale, const cJSON *value) {
    const char *text = cJSON_GetStringValue(value);
    return text && text[0] == '$' ? member(scale, text + 1) : value;
}

nlg_status nlg_experiment_plan(const cJSON *document, const char *profile, char digest[65], nlg_error *err) {
    cJSON *plan = cJSON_CreateObject();
    char *text;
    cJSON_AddItemReferenceToObject(plan, "stages", (cJSON *)(uintptr_t)member(document, "stages"));
    cJSON_AddItemReferenceToObject(plan, "values", (cJSON *)(uintptr_t)member(member(document, "profiles"), profile));
    nlg_status status = nlg_json_canonical(plan, &text, err);
    cJSON_Delete(plan);
    NLG_TRY(status);
    status = nlg_record_key(text, digest, err);
    nlg_free(text);
    return status;
}

void nlg_stage_where(const nlg_experiment *e, const nlg_stage *stage, char *text, size_t size) {
    snprintf(text, size, "%s: stage \"%s\"", e->path, stage->name);
}

static bool is_listed(const char *key, const char *const *known) {
    for (; *known; known++)
        if (strcmp(*known, key) == 0) return true;
    return false;
}

/* Every key is known and there once. */
static nlg_status check_keys(const cJSON *object, const char *const *known, const char *where, nlg_error *err) {
    if (!cJSON_IsObject(object)) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected an object", where);
    for (const cJSON *v = object->child; v; v = v->next) {
        if (known && !is_listed(v->string, known)) {
            nlg_nearest nearest = {.wanted = v->string};
            for (const char *const *k = known; *k; k++) nlg_nearest_try(&nearest, *k);
            const char *near = nlg_nearest_name(&nearest);
            return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key \"%.64s\"; %s%s%s", where, v->string,
                            near ? "did you mean \"" : "remove or correct it", near ? near : "", near ? "\"?" : "");
        }
        if (member(object, v->string) != v)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"%.64s\" is there twice; remove one", where, v->string);
    }
    return NLG_OK;
}

static nlg_status need_text(const cJSON *object, const char *key, const char *where, const char **text, nlg_error *err) {
    const cJSON *v = member(object, key);
    if (cJSON_IsString(v) && *v->valuestring) {
        *text = v->valuestring;
        return NLG_OK;
    }
    return nlg_fail(err, NLG_ERR_INPUT, v ? "%s: key \"%s\": expected a text" : "%s: the key \"%s\" is missing; add a text", where,
                    key);
}

static bool is_name(const char *text) {
    enum { LONGEST = 64 };
    if (!*text || strlen(text) > LONGEST) return false;
    for (; *text; text++)
        if (!isalnum((unsigned char)*text) && *text != '-' && *text != '_') return false;
    return true;
}

static nlg_status need_name(const cJSON *object, const char *key, const char *where, const char **text, nlg_error *err) {
    NLG_TRY(need_text(object, key, where, text, err));
    return is_name(*text) ? NLG_OK
                          : nlg_fail(err, NLG_ERR_INPUT, "%s: key \"%s\": expected letters, digits, - and _, found \"%.64s\"",
                                     where, key, *text);
}

/* ---- values of one profile --------------------------------------------------------------------------------------------- */

typedef struct checker {
    const nlg_experiment *experiment;
    const nlg_stage *stage;
    const cJSON *scale;
    const char *where;
    nlg_error *err;
} checker;

static nlg_status missing_value(const checker *c, const char *key, const char *name) {
    return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": the profile \"%s\" has no value \"%.64s\"; add it", c->where, key,
                    c->scale->string, name + 1);
}

/* The value behind "$NAME". */
static nlg_status follow(const checker *c, const char *key, const cJSON *given, const cJSON **value) {
    *value = nlg_experiment_value(c->scale, given);
    return *value ? NLG_OK : missing_value(c, key, given->valuestring);
}

static nlg_status check_count(const checker *c, const char *key, const cJSON *selector, const char *name, double least) {
    const cJSON *value = member(selector, name);
    if (!value) return NLG_OK;
    NLG_TRY(follow(c, key, value, &value));
    const double most = 1e6, n = cJSON_IsNumber(value) ? value->valuedouble : -1;
    if (n >= least && n <= most && floor(n) == n) return NLG_OK;
    return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": \"%s\" must be a whole number from %g to %g", c->where, key, name,
                    least, most);
}

static int find_stage(const nlg_experiment *e, const char *name) {
    for (int i = 0; i < e->n_stages; i++)
        if (strcmp(e->stages[i].name, name) == 0) return i;
    return -1;
}

static nlg_status check_source(const checker *c, const char *key, const cJSON *name, bool is_choice, const char *measure) {
    if (!cJSON_IsString(name))
        return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": expected the name of a stage", c->where, key);
    const int source = find_stage(c->experiment, name->valuestring);
    if (source < 0)
        return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": there is no stage \"%.64s\"", c->where, key, name->valuestring);
    const nlg_stage *s = &c->experiment->stages[source];
    if (is_choice && s->final)
        return nlg_fail(
            c->err, NLG_ERR_INPUT,
            "%s: key \"%s\": nothing may be chosen by the results of the final stage \"%s\"; choose before the test split "
            "is opened",
            c->where, key, s->name);
    if (measure && strcmp(s->measure->name, measure) != 0)
        return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": stage \"%s\" must be of the measure %s", c->where, key, s->name,
                        measure);
    ((nlg_stage *)(uintptr_t)c->stage)->sources |= 1u << source;
    return NLG_OK;
}

static nlg_status check_selector(const checker *c, const char *key, const cJSON *s) {
    static const char *const of_best[] = {"best_of", "metric", "by", "lowest", NULL};
    static const char *const of_winners[] = {"winners_of", "count", "where", "space", "keep_seed", NULL};
    static const char *const of_all[] = {"all_of", NULL};
    static const char *const of_sample[] = {"sample", "count", "where", "space", NULL}, *const of_space[] = {"space", "seed", NULL};
    static const char *const of_models[] = {"models", NULL}, *const of_range[] = {"from", "count", NULL};
    const cJSON *v;
    const char *text;
    if ((v = member(s, "best_of"))) {
        NLG_TRY(check_keys(s, of_best, c->where, c->err));
        NLG_TRY(need_text(s, "metric", c->where, &text, c->err));
        return check_source(c, key, v, true, NULL);
    }
    NLG_TRY(check_count(c, key, s, "count", 1));
    if ((v = member(s, "space"))) NLG_TRY(nlg_measure_check(c->stage->measure, c->where, "space", v, c->err));
    if ((v = member(s, "winners_of"))) {
        NLG_TRY(check_keys(s, of_winners, c->where, c->err));
        if (member(s, "keep_seed") && !cJSON_IsBool(member(s, "keep_seed")))
            return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": \"keep_seed\": expected true or false", c->where, key);
        const cJSON any = {.type = cJSON_Number, .valuedouble = 1, .valueint = 1};
        if (cJSON_IsTrue(member(s, "keep_seed"))) NLG_TRY(nlg_measure_check(c->stage->measure, c->where, "seed", &any, c->err));
        return check_source(c, key, v, true, "search");
    }
    if ((v = member(s, "sample"))) {
        NLG_TRY(check_keys(s, of_sample, c->where, c->err));
        if (!cJSON_IsObject(v)) return check_source(c, key, v, true, "search");
        NLG_TRY(check_keys(v, of_space, c->where, c->err));
        return need_text(v, "space", c->where, &text, c->err);
    }
    if ((v = member(s, "all_of"))) {
        NLG_TRY(check_keys(s, of_all, c->where, c->err));
        return check_source(c, key, v, false, NULL);
    }
    if (member(s, "models")) {
        NLG_TRY(check_keys(s, of_models, c->where, c->err));
        return need_text(s, "models", c->where, &text, c->err);
    }
    if (!member(s, "from"))
        return nlg_fail(c->err, NLG_ERR_INPUT,
                        "%s: key \"%s\": expected a list, or an object with best_of, winners_of, sample, all_of, models, or from",
                        c->where, key);
    NLG_TRY(check_keys(s, of_range, c->where, c->err));
    NLG_TRY(check_count(c, key, s, "from", 0));
    return member(s, "count") ? NLG_OK : nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": \"count\" is missing", c->where, key);
}

/* One element of a list: a value of the key, or an object of several. */
static nlg_status check_element(const checker *c, const char *key, const cJSON *given) {
    NLG_TRY(follow(c, key, given, &given));
    if (!cJSON_IsObject(given)) return nlg_measure_check(c->stage->measure, c->where, key, given, c->err);
    NLG_TRY(check_keys(given, NULL, c->where, c->err));
    for (const cJSON *v = given->child; v; v = v->next) {
        const cJSON *value;
        if (strcmp(v->string, "label") == 0) {
            const char *label;
            NLG_TRY(need_text(given, "label", c->where, &label, c->err));
        } else if (strcmp(v->string, "factors") == 0) {
            NLG_TRY(check_keys(v, NULL, c->where, c->err));
        } else {
            NLG_TRY(follow(c, v->string, v, &value));
            NLG_TRY(nlg_measure_check(c->stage->measure, c->where, v->string, value, c->err));
        }
    }
    return NLG_OK;
}

static nlg_status check_cross(const checker *c, const cJSON *given) {
    const cJSON *values;
    NLG_TRY(follow(c, given->string, given, &values));
    if (cJSON_IsObject(values)) return check_selector(c, given->string, values);
    if (!cJSON_IsArray(values)) return check_element(c, given->string, values); /* a list of one */
    if (!values->child) return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\": the list is empty", c->where, given->string);
    for (const cJSON *v = values->child; v; v = v->next) NLG_TRY(check_element(c, given->string, v));
    return NLG_OK;
}

static nlg_status check_stage_values(const checker *c) {
    const nlg_stage *s = c->stage;
    for (const cJSON *v = s->cross ? s->cross->child : NULL; v; v = v->next) NLG_TRY(check_cross(c, v));
    for (const cJSON *v = s->with ? s->with->child : NULL; v; v = v->next) {
        const cJSON *value;
        if (s->cross && member(s->cross, v->string))
            return nlg_fail(c->err, NLG_ERR_INPUT, "%s: key \"%s\" stands in cross and in with; remove one", c->where, v->string);
        NLG_TRY(follow(c, v->string, v, &value));
        NLG_TRY(nlg_measure_check(s->measure, c->where, v->string, value, c->err));
    }
    return NLG_OK;
}

static bool is_used(const cJSON *item, const char *name) {
    const char *text = cJSON_GetStringValue(item);
    if (text && text[0] == '$' && strcmp(text + 1, name) == 0) return true;
    for (const cJSON *v = item ? item->child : NULL; v; v = v->next)
        if (is_used(v, name)) return true;
    return false;
}

static nlg_status check_profile(nlg_experiment *e, const cJSON *scale, nlg_error *err) {
    char where[1200];
    snprintf(where, sizeof where, "%.1000s: profile \"%.64s\"", e->path, scale->string);
    if (cJSON_IsNull(scale)) return NLG_OK;
    NLG_TRY(check_keys(scale, NULL, where, err));
    const cJSON *stages = member(e->document, "stages");
    for (const cJSON *v = scale->child; v; v = v->next) {
        bool used = is_used(stages, v->string) || is_used(member(e->document, "claims"), v->string);
        for (const cJSON *w = scale->child; w && !used; w = w->next) used = w != v && is_used(w, v->string);
        if (!used)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"%.64s\" is used by no stage; remove or correct it", where, v->string);
    }
    for (int i = 0; i < e->n_stages; i++) {
        char place[1200];
        nlg_stage_where(e, &e->stages[i], place, sizeof place);
        const checker c = {.experiment = e, .stage = &e->stages[i], .scale = scale, .where = place, .err = err};
        NLG_TRY(check_stage_values(&c));
    }
    return NLG_OK;
}

/* ---- stages ------------------------------------------------------------------------------------------------------------ */

static nlg_status unknown_measure(const char *where, const char *name, nlg_error *err) {
    char known[256] = "";
    for (int i = 0; i < nlg_measures(); i++) {
        size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", nlg_measure_at(i)->name);
    }
    return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"measure\": there is no measure \"%.64s\"; there are %s", where, name, known);
}

static nlg_status read_stage(nlg_experiment *e, const cJSON *object, nlg_error *err) {
    char where[1200];
    const char *measure;
    snprintf(where, sizeof where, "%.1000s: stage %d", e->path, e->n_stages + 1);
    if (e->n_stages == NLG_STAGES_MAX) return nlg_fail(err, NLG_ERR_INPUT, "%s: more than %d stages", e->path, NLG_STAGES_MAX);
    nlg_stage *s = &e->stages[e->n_stages];
    *s = (nlg_stage){0};
    NLG_TRY(check_keys(object, stage_keys, where, err));
    NLG_TRY(need_name(object, "name", where, &s->name, err));
    NLG_TRY(need_text(object, "measure", where, &measure, err));
    if (find_stage(e, s->name) >= 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: two stages are named \"%s\"; rename one", e->path, s->name);
    s->measure = nlg_measure_find(measure);
    if (!s->measure) return unknown_measure(where, measure, err);
    const cJSON *final = member(object, "final");
    if (final && !cJSON_IsBool(final)) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"final\": expected true or false", where);
    s->final = cJSON_IsTrue(final);
    s->cross = member(object, "cross");
    s->with = member(object, "with");
    if (s->cross) NLG_TRY(check_keys(s->cross, NULL, where, err));
    if (s->with) NLG_TRY(check_keys(s->with, NULL, where, err));
    e->n_stages++;
    return NLG_OK;
}

/* Sources first; among those that are ready, the stages that open no test split. */
static nlg_status order_stages(nlg_experiment *e, nlg_error *err) {
    unsigned done = 0;
    for (int n = 0; n < e->n_stages; n++) {
        int next = -1;
        for (int pass = 0; pass < 2 && next < 0; pass++)
            for (int i = 0; i < e->n_stages && next < 0; i++)
                if (!(done & 1u << i) && !(e->stages[i].sources & ~done) && e->stages[i].final == (pass == 1)) next = i;
        if (next < 0) {
            int first = 0;
            while (done & 1u << first) first++;
            return nlg_fail(err, NLG_ERR_INPUT, "%s: the stages select from each other in a circle, among them \"%s\"", e->path,
                            e->stages[first].name);
        }
        e->order[n] = next;
        done |= 1u << next;
    }
    return NLG_OK;
}

static nlg_status read_document(nlg_experiment *e, const char *profile, nlg_error *err) {
    const cJSON *v;
    NLG_TRY(check_keys(e->document, head_keys, e->path, err));
    NLG_TRY(need_name(e->document, "id", e->path, &e->id, err));
    NLG_TRY(need_text(e->document, "title", e->path, &e->title, err));
    const cJSON *profiles = member(e->document, "profiles"), *stages = member(e->document, "stages");
    const cJSON *claims = member(e->document, "claims");
    if (!cJSON_IsObject(profiles)) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"profiles\": expected an object", e->path);
    if (!cJSON_IsArray(stages) || !stages->child)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"stages\": expected a list of stages", e->path);
    if (claims && !cJSON_IsArray(claims)) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"claims\": expected a list", e->path);
    cJSON_ArrayForEach(v, stages) NLG_TRY(read_stage(e, v, err));
    cJSON_ArrayForEach(v, profiles) NLG_TRY(check_profile(e, v, err));
    e->scale = member(profiles, profile);
    if (!e->scale)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: there is no profile \"%s\"; expected smoke, quick or full", e->path, profile);
    if (cJSON_IsNull(e->scale)) { /* no part of this profile */
        e->n_stages = 0;
        return NLG_OK;
    }
    return order_stages(e, err);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

nlg_status nlg_experiment_take(cJSON *document, const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err) {
    *experiment = (nlg_experiment){.document = document, .path = nlg_strdup(path)};
    nlg_status status = experiment->path ? read_document(experiment, profile, err) : nlg_fail_memory(err, strlen(path), "a path");
    if (status != NLG_OK) nlg_experiment_close(experiment);
    return status;
}

nlg_status nlg_experiment_load(const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err) {
    enum { LARGEST = 1 << 20 };
    char *text;
    size_t size;
    cJSON *document = NULL;
    *experiment = (nlg_experiment){0};
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_json_read(text, size, path, &document, err);
    nlg_free(text);
    return status == NLG_OK ? nlg_experiment_take(document, path, profile, experiment, err) : status;
}

void nlg_experiment_close(nlg_experiment *experiment) {
    cJSON_Delete(experiment->document);
    nlg_free(experiment->path);
    *experiment = (nlg_experiment){0};
}

static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && entry->d_name[0] != '.' && strcmp(entry->d_name + length - 5, ".json") == 0;
}

static nlg_status check_ids(const nlg_experiment *experiments, int count, nlg_error *err) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++)
            if (strcmp(experiments[i].id, experiments[j].id) == 0)
                return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"id\": \"%s\" is also the id of %s; rename one", experiments[i].path,
                                experiments[i].id, experiments[j].path);
    return NLG_OK;
}

static nlg_status load_folder(const char *folder, const char *profile, struct dirent **entries, int n, nlg_experiment **experiments,
                              int *count, nlg_error *err) {
    *experiments = nlg_alloc((size_t)n, sizeof **experiments);
    if (!*experiments) return nlg_fail_memory(err, 0, "the experiments");
    for (int i = 0; i < n; i++) {
        char path[4096];
        if (snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name) >= (int)sizeof path)
            return nlg_fail(err, NLG_ERR_INPUT, "%.200s: the path is too long", folder);
        NLG_TRY(nlg_experiment_load(path, profile, &(*experiments)[i], err));
        *count = i + 1;
    }
    return check_ids(*experiments, *count, err);
}

nlg_status nlg_experiments_load(const char *path, const char *profile, nlg_experiment **experiments, int *count, nlg_error *err) {
    struct dirent **entries;
    struct stat facts;
    *experiments = NULL;
    *count = 0;
    if (stat(path, &facts) == 0 && S_ISREG(facts.st_mode)) {
        *experiments = nlg_alloc(1, sizeof **experiments);
        if (!*experiments) return nlg_fail_memory(err, 0, "the experiments");
        nlg_status status = nlg_experiment_load(path, profile, *experiments, err);
        *count = status == NLG_OK;
        return status;
    }
    int n = scandir(path, &entries, is_json, alphasort);
    if (n < 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: no experiments there: %s; give --experiments DIR or FILE", path, strerror(errno));
    nlg_status status = n ? load_folder(path, profile, entries, n, experiments, count, err)
                          : nlg_fail(err, NLG_ERR_INPUT, "%s: no experiments (*.json) there; give --experiments DIR or FILE", path);
    for (int i = 0; i < n; i++) free(entries[i]);
    free(entries);
    return status;
}

void nlg_experiments_free(nlg_experiment *experiments, int count) {
    for (int i = 0; i < count; i++) nlg_experiment_close(&experiments[i]);
    nlg_free(experiments);
}
