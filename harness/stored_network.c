/* Trials of stores as networks. */
#include "harness/stored_network.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/store/store.h"

typedef struct finder {
    nlg_store *store;
    const char *path;
    int64_t run, number; /* 0: the only run; -1: the best trial */
    int runs;
    int64_t found_run;
    bool found;
    nlg_trial best;
    nlg_stored_network *network;
    nlg_error *err;
} finder;

static nlg_status wrong_place(const char *place, nlg_error *err) {
    return nlg_fail(
        err, NLG_ERR_INPUT,
        "trial '%s': expected STORE:N, or STORE:RUN:N where the store holds several searches; N is the number of a trial, "
        "or best",
        place);
}

static bool read_number(const char *text, int64_t least, int64_t *number) {
    char *end;
    errno = 0;
    *number = strtoll(text, &end, 10);
    return *text >= '0' && *text <= '9' && !*end && !errno && *number >= least && *number <= INT32_MAX;
}

/* Splits from the end, since a path may hold colons. */
static nlg_status split(const char *place, char **path, finder *f, nlg_error *err) {
    *path = nlg_strdup(place);
    if (!*path) return nlg_fail_memory(err, strlen(place), "a path");
    char *colon = strrchr(*path, ':');
    if (!colon || colon == *path) return wrong_place(place, err);
    *colon = '\0';
    f->number = -1;
    if (strcmp(colon + 1, "best") != 0 && !read_number(colon + 1, 0, &f->number)) return wrong_place(place, err);
    if (nlg_file_exists(*path)) return NLG_OK;
    colon = strrchr(*path, ':');
    if (!colon || colon == *path || !read_number(colon + 1, 1, &f->run)) return NLG_OK; /* opening says what is wrong */
    *colon = '\0';
    return NLG_OK;
}

/* The images of a search that trains; a table's configuration has none. */
static nlg_status read_images(const char *config, nlg_stored_network *network, nlg_error *err) {
    enum { LARGEST = 1 << 14, CLASSES = 1 << 20 };
    cJSON *object;
    NLG_TRY(nlg_json_read(config, strlen(config), "the search's configuration", &object, err));
    const cJSON *data = cJSON_GetObjectItem(object, "data"), *image = cJSON_GetObjectItem(data, "image");
    const cJSON *classes = cJSON_GetObjectItem(data, "classes");
    const cJSON *pad = cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(object, "recipe"), "augmentation"), "pad");
    const double border = cJSON_IsNumber(pad) ? 2 * pad->valuedouble : 0;
    double size[3] = {0};
    for (int i = 0; i < 3 && cJSON_GetArraySize(image) == 3; i++) {
        const cJSON *side = cJSON_GetArrayItem(image, i);
        size[i] = cJSON_IsNumber(side) ? side->valuedouble + (i > 0 ? border : 0) : 0;
    }
    bool good = cJSON_IsNumber(classes) && classes->valuedouble >= 1 && classes->valuedouble <= CLASSES;
    for (int i = 0; i < 3; i++) good = good && size[i] >= 1 && size[i] <= LARGEST;
    if (good) {
        network->input = (nlg_shape){.c = (int)size[0], .h = (int)size[1], .w = (int)size[2]};
        network->classes = (int)classes->valuedouble;
    }
    cJSON_Delete(object);
    return NLG_OK;
}

static nlg_status look_at_trial(void *context, const nlg_trial_row *row) {
    finder *f = context;
    const bool wanted =
        f->number < 0 ? nlg_trial_is_better(&row->trial, f->found ? &f->best : NULL) : row->trial.number == f->number;
    if (!wanted) return NLG_OK;
    f->found = true;
    f->best = row->trial;
    snprintf(f->network->genotype, sizeof f->network->genotype, "%s", row->genotype);
    return NLG_OK;
}

static nlg_status look_at_run(void *context, const nlg_run_row *row) {
    finder *f = context;
    f->runs++;
    if (f->run && row->id != f->run) return NLG_OK;
    f->found_run = row->id;
    snprintf(f->network->space, sizeof f->network->space, "%s", row->identity.space);
    NLG_TRY(read_images(row->identity.evaluator_config, f->network, f->err));
    return nlg_store_rows(f->store, row->id, look_at_trial, f, f->err);
}

static nlg_status find(finder *f, nlg_error *err) {
    NLG_TRY(nlg_store_open(f->path, NLG_STORE_READ, &f->store, err));
    NLG_TRY(nlg_store_runs(f->store, look_at_run, f, err));
    if (!f->run && f->runs > 1)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: holds %d searches; say which by STORE:RUN:N, as `lineage trials %s --summary` lists them", f->path,
                        f->runs, f->path);
    if (!f->found_run && f->run) return nlg_fail(err, NLG_ERR_INPUT, "%s: no run %" PRId64, f->path, f->run);
    if (f->found) return NLG_OK;
    return f->number < 0 ? nlg_fail(err, NLG_ERR_INPUT, "%s: no trial that is done", f->path)
                         : nlg_fail(err, NLG_ERR_INPUT, "%s: no trial %" PRId64, f->path, f->number);
}

nlg_status nlg_stored_network_find(const char *place, nlg_stored_network *found, nlg_error *err) {
    *found = (nlg_stored_network){0};
    finder f = {.network = found, .err = err};
    char *path = NULL;
    nlg_status status = split(place, &path, &f, err);
    f.path = path;
    if (status == NLG_OK) status = find(&f, err);
    nlg_store_close(f.store);
    nlg_free(path);
    return status;
}
