/* Reading and checking of experiments. */
#include "harness/plans/experiment.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"

typedef enum { TEXT, NUMBER, TEXTS, NUMBERS } value_type;
static const char *const type_names[] = {"a text", "a number above 0", "a list of texts", "a list of numbers above 0"};
static const char *const kind_names[] = {"counts", "training", "search", "latency"};
enum { IN_TRAINING = 1 << NLG_TRAINING, IN_SEARCH = 1 << NLG_SEARCH, IN_LATENCY = 1 << NLG_LATENCY, IN_ALL = 15 };

typedef struct key_rule {
    const char *key;
    value_type type;
    unsigned kinds;
} key_rule;

static const key_rule head_rules[] = {
    {"id", TEXT, IN_ALL},    {"title", TEXT, IN_ALL}, {"kind", TEXT, IN_ALL},
    {"claim", TEXT, IN_ALL}, {"rule", TEXT, IN_ALL},  {"data", TEXT, IN_TRAINING | IN_SEARCH},
};
static const key_rule scale_rules[] = {
    {"networks", TEXTS, IN_TRAINING | IN_LATENCY},
    {"train_images", NUMBER, IN_TRAINING | IN_SEARCH},
    {"validation_images", NUMBER, IN_TRAINING | IN_SEARCH},
    {"epochs", NUMBER, IN_TRAINING | IN_SEARCH},
    {"rates", NUMBERS, IN_TRAINING},
    {"rate", NUMBER, IN_SEARCH},
    {"seeds", NUMBER, IN_TRAINING | IN_SEARCH},
    {"space", TEXT, IN_SEARCH},
    {"strategies", TEXTS, IN_SEARCH},
    {"budget", NUMBER, IN_SEARCH},
    {"search_seeds", NUMBER, IN_SEARCH},
    {"retrain_epochs", NUMBER, IN_SEARCH},
    {"retrained_random", NUMBER, IN_SEARCH},
    {"batch", NUMBER, IN_TRAINING | IN_SEARCH | IN_LATENCY},
    {"seconds", NUMBER, IN_LATENCY},
};
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static bool is_of_type(const cJSON *value, value_type type) {
    if (type == TEXT) return cJSON_IsString(value);
    if (type == NUMBER) return cJSON_IsNumber(value) && value->valuedouble > 0;
    if (!cJSON_IsArray(value) || !value->child) return false;
    for (const cJSON *v = value->child; v; v = v->next)
        if (!is_of_type(v, type == TEXTS ? TEXT : NUMBER)) return false;
    return true;
}

static nlg_status unknown_key(const char *path, const char *key, const key_rule *rules, int n, unsigned kinds, nlg_error *err) {
    nlg_nearest nearest = {.wanted = key};
    for (int i = 0; i < n; i++)
        if (rules[i].kinds & kinds) nlg_nearest_try(&nearest, rules[i].key);
    const char *near = nlg_nearest_name(&nearest);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key \"%s\"; %s%s%s", path, key,
                    near ? "did you mean \"" : "remove or correct it", near ? near : "", near ? "\"?" : "");
}

static nlg_status check(const char *path, const cJSON *object, const key_rule *rules, int n, unsigned kinds, const char *also,
                        nlg_error *err) {
    for (const cJSON *v = object->child; v; v = v->next) {
        bool known = also && strcmp(also, v->string) == 0;
        for (int i = 0; i < n; i++) known |= (rules[i].kinds & kinds) && strcmp(rules[i].key, v->string) == 0;
        if (!known) return unknown_key(path, v->string, rules, n, kinds, err);
    }
    for (int i = 0; i < n; i++) {
        if (!(rules[i].kinds & kinds)) continue;
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, rules[i].key);
        if (!v)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: the key \"%s\" is missing; add %s", path, rules[i].key,
                            type_names[rules[i].type]);
        if (!is_of_type(v, rules[i].type))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"%s\": expected %s", path, rules[i].key, type_names[rules[i].type]);
    }
    return NLG_OK;
}

static bool contains(const cJSON *list, const char *text) {
    for (const cJSON *v = list->child; v; v = v->next)
        if (strcmp(v->valuestring, text) == 0) return true;
    return false;
}

static nlg_status check_document(const char *path, const char *profile, nlg_experiment *e, nlg_error *err) {
    if (!cJSON_IsObject(e->document)) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected one JSON object", path);
    const cJSON *kind = cJSON_GetObjectItemCaseSensitive(e->document, "kind");
    int found = 0;
    while (cJSON_IsString(kind) && found < NLG_EXPERIMENT_KINDS && strcmp(kind_names[found], kind->valuestring) != 0) found++;
    if (!cJSON_IsString(kind) || found == NLG_EXPERIMENT_KINDS)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"kind\": expected counts, training, search or latency", path);
    e->kind = (nlg_experiment_kind)found;
    NLG_TRY(check(path, e->document, head_rules, COUNT(head_rules), 1u << found, "profiles", err));
    const cJSON *profiles = cJSON_GetObjectItemCaseSensitive(e->document, "profiles");
    if (!cJSON_IsObject(profiles)) return nlg_fail(err, NLG_ERR_INPUT, "%s: key \"profiles\": expected an object", path);
    for (const cJSON *p = profiles->child; p; p = p->next) {
        if (!cJSON_IsObject(p)) return nlg_fail(err, NLG_ERR_INPUT, "%s: profile \"%s\": expected an object", path, p->string);
        NLG_TRY(check(path, p, scale_rules, COUNT(scale_rules), 1u << found, NULL, err));
        if (found == NLG_SEARCH && !contains(cJSON_GetObjectItemCaseSensitive(p, "strategies"), "random"))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: profile \"%s\": a search needs its baseline; add \"random\" to \"strategies\"",
                            path, p->string);
    }
    e->id = cJSON_GetObjectItemCaseSensitive(e->document, "id")->valuestring;
    e->title = cJSON_GetObjectItemCaseSensitive(e->document, "title")->valuestring;
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(e->document, "data");
    e->data = data ? data->valuestring : NULL;
    e->scale = cJSON_GetObjectItemCaseSensitive(profiles, profile);
    if (!e->scale)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: there is no profile \"%s\"; expected smoke, quick or full", path, profile);
    return NLG_OK;
}

nlg_status nlg_experiment_load(const char *path, const char *profile, nlg_experiment *experiment, nlg_error *err) {
    enum { LARGEST = 1 << 20 };
    *experiment = (nlg_experiment){0};
    char *text;
    size_t size;
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    const char *end = text;
    experiment->document = cJSON_ParseWithOpts(text, &end, true);
    int line = 1;
    for (const char *c = text; !experiment->document && c < end; c++) line += *c == '\n';
    nlg_free(text);
    if (!experiment->document) return nlg_fail(err, NLG_ERR_INPUT, "%s: line %d: not valid JSON; correct it", path, line);
    nlg_status status = check_document(path, profile, experiment, err);
    if (status != NLG_OK) nlg_experiment_close(experiment);
    return status;
}

void nlg_experiment_close(nlg_experiment *experiment) {
    cJSON_Delete(experiment->document);
    *experiment = (nlg_experiment){0};
}

static int is_json(const struct dirent *entry) {
    size_t length = strlen(entry->d_name);
    return length > 5 && strcmp(entry->d_name + length - 5, ".json") == 0;
}

nlg_status nlg_experiments_load(const char *folder, const char *profile, nlg_experiment **experiments, int *count, nlg_error *err) {
    struct dirent **entries;
    *experiments = NULL;
    *count = 0;
    int n = scandir(folder, &entries, is_json, alphasort);
    if (n <= 0) {
        if (n == 0) free(entries);
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: no experiments (*.json) there; start in the project's folder or give --experiments DIR", folder);
    }
    nlg_status status = NLG_OK;
    *experiments = nlg_alloc((size_t)n, sizeof **experiments);
    if (!*experiments) status = nlg_fail_memory(err, 0, "the experiments");
    for (int i = 0; i < n; i++) {
        char path[1024];
        snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
        if (status == NLG_OK) status = nlg_experiment_load(path, profile, &(*experiments)[i], err);
        if (status == NLG_OK) *count = i + 1;
        free(entries[i]);
    }
    free(entries);
    return status;
}

void nlg_experiments_free(nlg_experiment *experiments, int count) {
    for (int i = 0; i < count; i++) nlg_experiment_close(&experiments[i]);
    nlg_free(experiments);
}

const cJSON *nlg_scale_list(const nlg_experiment *experiment, const char *key) {
    return cJSON_GetObjectItemCaseSensitive(experiment->scale, key);
}

double nlg_scale_number(const nlg_experiment *experiment, const char *key) {
    return nlg_scale_list(experiment, key)->valuedouble;
}

int nlg_scale_int(const nlg_experiment *experiment, const char *key) {
    return (int)nlg_scale_number(experiment, key);
}
