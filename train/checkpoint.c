/* Checkpoints: FILE holds the weights (with EMA the averaged ones), FILE.state all that a continuation needs. Both are replaced
 * atomically, the state first; a continuation reads the state alone and writes FILE anew where it is not what the state has, so a
 * kill between the two loses nothing. One process works on a checkpoint: FILE-lock. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "layers/base/digest.h"
#include "layers/graph/weights_file.h"
#include "train/train_internal.h"
#include "train/weights_facts.h"

enum { PATIENCE = 50 }; /* hundredths of a second that a killed process takes to die */

/* ---- identity: what must be equal for a trajectory to be the same ------------------------------------------------------- */

/* Epochs stand beside it: they may be raised. */
static nlg_status write_identity(const nlg_trainer *t, cJSON **identity, nlg_error *err) {
    const nlg_trainer_options *o = &t->options;
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)o->seed);
    nlg_recipe recipe = o->recipe;
    recipe.batch = t->batch; /* as it is used where there are fewer images */
    cJSON *object = *identity = cJSON_CreateObject();
    nlg_json_text(object, "model", o->model);
    nlg_json_text(object, "genotype", o->genotype);
    nlg_json_text(object, "weights", t->start_digest[0] != '\0' ? t->start_digest : NULL);
    cJSON_AddNumberToObject(object, "numerics", NLG_NUMERICS_VERSION);
    nlg_json_text(object, "task", nlg_task_name(t->task));
    nlg_json_text(object, "seed", seed);
    cJSON *data = cJSON_AddObjectToObject(object, "data"), *how = cJSON_AddObjectToObject(object, "recipe");
    if (data != NULL && how != NULL && nlg_recipe_add_data(data, t->dataset) && nlg_recipe_add(how, &recipe) &&
        nlg_recipe_add_exec(object, t->exec)) {
        cJSON_DeleteItemFromObject(how, "epochs");
        return NLG_OK;
    }
    cJSON_Delete(object);
    *identity = NULL;
    return nlg_fail_memory(err, 2048, "the identity of a checkpoint");
}

typedef struct differences {
    char text[600];
    int count;
} differences;

static void compare(differences *d, const char *path, const cJSON *stored, const cJSON *asked) {
    enum { MOST = 4 };
    char below[128];
    if (d->count >= MOST || cJSON_Compare(stored, asked, true)) return;
    if (cJSON_IsObject(stored) && cJSON_IsObject(asked)) {
        for (const cJSON *item = asked->child; item != NULL; item = item->next) {
            snprintf(below, sizeof below, "%s%s%.40s", path, path[0] != '\0' ? "." : "", item->string);
            compare(d, below, cJSON_GetObjectItemCaseSensitive(stored, item->string), item);
        }
        for (const cJSON *item = stored->child; item != NULL; item = item->next) {
            if (cJSON_GetObjectItemCaseSensitive(asked, item->string) != NULL) continue;
            snprintf(below, sizeof below, "%s%s%.40s", path, path[0] != '\0' ? "." : "", item->string);
            compare(d, below, item, NULL);
        }
        return;
    }
    char *there = stored != NULL ? cJSON_PrintUnformatted(stored) : NULL,
         *here = asked != NULL ? cJSON_PrintUnformatted(asked) : NULL;
    const size_t used = strlen(d->text);
    snprintf(d->text + used, sizeof d->text - used, "%s%s is %.48s there, %.48s here", d->count++ > 0 ? "; " : "", path,
             there != NULL ? there : "absent", here != NULL ? here : "absent");
    cJSON_free(there);
    cJSON_free(here);
}

static nlg_status refuse_other(const nlg_trainer *t, const char *path, const cJSON *stored, nlg_error *err) {
    const cJSON *model = cJSON_GetObjectItemCaseSensitive(stored, "model");
    cJSON *asked;
    differences d = {.count = 0};
    if (cJSON_IsString(model) && t->options.model != NULL && strcmp(model->valuestring, t->options.model) != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: this checkpoint is of %.80s, not %.80s; give %.80s or another checkpoint file",
                        path, model->valuestring, t->options.model, model->valuestring);
    NLG_TRY(write_identity(t, &asked, err));
    compare(&d, "", stored, asked);
    cJSON_Delete(asked);
    if (d.count == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: belongs to another run: %s; give the same options or another checkpoint file", path,
                    d.text);
}

/* ---- writing ------------------------------------------------------------------------------------------------------------ */

static int extra_tensors(const nlg_trainer *t, nlg_extra_tensor extra[3]) {
    static const char *const names[2] = {"optimizer.0", "optimizer.1"};
    int n = 0;
    for (int i = 0; i < t->n_state; i++) extra[n++] = (nlg_extra_tensor){names[i], t->state[i].values, t->graph->weights_floats};
    if (t->average.values != NULL) extra[n++] = (nlg_extra_tensor){"average", t->average.values, t->graph->weights_floats};
    return n;
}

/* The finished epochs, one line of hexadecimal floats each, so that nothing is rounded. */
static char *records_text(const nlg_trainer *t) {
    const size_t size = (size_t)t->epoch * 160 + 1;
    char *text = nlg_alloc(size, 1);
    size_t used = 0;
    for (int i = 0; text != NULL && i < t->epoch; i++) {
        const nlg_epoch_record *r = &t->records[i];
        used += (size_t)snprintf(text + used, size - used, "%a %a %a %a %lld;", r->loss, r->train_score, r->val_score, r->seconds,
                                 (long long)r->images);
    }
    return text;
}

/* Takes ownership of `identity`: as text of its own, and as what the weights tell of their training. */
static nlg_status save_with(const nlg_trainer *t, const cJSON *identity, nlg_error *err) {
    char progress[256], *text = NULL, *facts = NULL, *records = records_text(t);
    nlg_extra_tensor extra[3];
    snprintf(progress, sizeof progress, "%d %lld %lld %lld %a %a", t->epoch, (long long)t->step, (long long)t->seen,
             (long long)t->correct, t->loss_sum, t->seconds);
    nlg_status status = records == NULL ? nlg_fail_memory(err, 256, "the checkpoint") : nlg_json_write(identity, false, &text, err);
    cJSON *training = status == NLG_OK ? cJSON_Duplicate(identity, true) : NULL;
    if (status == NLG_OK) {
        cJSON_AddNumberToObject(training, "epoch", t->epoch);
        nlg_json_add(training, "schedules", cJSON_Parse(t->schedules));
        status = nlg_weights_facts_write(t->dataset, t->options.recipe.augment ? &t->options.recipe.augmentation : NULL,
                                         t->options.model, t->options.genotype, training, &facts, err);
        cJSON_Delete(training);
    }
    if (status == NLG_OK) {
        const nlg_metadata metadata[] = {
            {"identity", text}, {"progress", progress}, {"records", records}, {"schedules", t->schedules}};
        status = nlg_weights_save(&t->weights, t->state_path, extra, extra_tensors(t, extra), metadata, 4, err);
    }
    if (status == NLG_OK) {
        const nlg_metadata metadata = {nlg_weights_facts_key, facts};
        status = nlg_weights_save(nlg_trainer_result(t), t->options.checkpoint, NULL, 0, &metadata, 1, err);
    }
    nlg_free(text);
    nlg_free(facts);
    nlg_free(records);
    return status;
}

nlg_status nlg_trainer_save(const nlg_trainer *t, nlg_error *err) {
    cJSON *identity;
    if (t->options.checkpoint == NULL) return NLG_OK;
    NLG_TRY(write_identity(t, &identity, err));
    const nlg_status status = save_with(t, identity, err);
    cJSON_Delete(identity);
    return status;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static bool read_progress(nlg_trainer *t, const char *progress, const char *records) {
    long long step, seen, correct;
    if (sscanf(progress, "%d %lld %lld %lld %la %la", &t->epoch, &step, &seen, &correct, &t->loss_sum, &t->seconds) != 6)
        return false;
    if (t->epoch < 0 || step < 0 || step > t->steps_per_epoch || seen < 0 || correct < 0 || correct > seen) return false;
    t->step = step, t->seen = seen, t->correct = correct;
    const int known = t->epoch < t->options.recipe.epochs ? t->epoch : t->options.recipe.epochs;
    for (int i = 0; i < known; i++) {
        nlg_epoch_record *r = &t->records[i];
        long long images;
        int used = 0;
        if (sscanf(records, "%la %la %la %la %lld;%n", &r->loss, &r->train_score, &r->val_score, &r->seconds, &images, &used) != 5)
            return false;
        r->images = images;
        records += used;
    }
    return true;
}

/* The schedules that the run has had: [{"epochs": 5, "from": 0}, ...], `from` in epochs. Only the cosine depends on the length of
 * the whole run, so only there a longer run is another one. */
static nlg_status take_schedules(nlg_trainer *t, const char *path, const char *text, nlg_error *err) {
    cJSON *list;
    NLG_TRY(nlg_json_read(text, strlen(text), path, &list, err));
    const int count = cJSON_GetArraySize(list);
    const cJSON *last = count > 0 ? cJSON_GetArrayItem(list, count - 1) : NULL;
    const cJSON *epochs = cJSON_GetObjectItemCaseSensitive(last, "epochs");
    nlg_status status =
        cJSON_IsArray(list) && cJSON_IsNumber(epochs)
            ? NLG_OK
            : nlg_fail(err, NLG_ERR_INPUT, "%s: its schedules entry is damaged; remove the file to start anew", path);
    const int asked = t->options.recipe.epochs;
    if (status == NLG_OK && epochs->valuedouble != (double)asked) {
        if (t->options.recipe.schedule == NLG_COSINE && t->epoch + t->step > 0) {
            cJSON *next = nlg_json_object_in(list);
            nlg_json_number(next, "epochs", asked);
            nlg_json_number(next, "from", t->epoch + (double)t->step / (double)t->steps_per_epoch);
        } else {
            nlg_json_set(cJSON_GetArrayItem(list, count - 1), "epochs", cJSON_CreateNumber(asked));
        }
    }
    if (status == NLG_OK) {
        nlg_free(t->schedules);
        t->schedules = NULL;
        return nlg_json_finish(list, false, &t->schedules, err);
    }
    cJSON_Delete(list);
    return status;
}

enum { IDENTITY, PROGRESS, RECORDS, SCHEDULES, ENTRIES };
static const char *const entries[ENTRIES] = {"identity", "progress", "records", "schedules"};

/* Whose state is it? Before its tensors are looked at. */
static nlg_status check_state(const nlg_trainer *t, nlg_error *err) {
    nlg_safetensors file;
    cJSON *stored = NULL;
    nlg_status status = nlg_safetensors_open(t->state_path, false, &file, err);
    const char *identity = status == NLG_OK ? nlg_safetensors_metadata(&file, entries[IDENTITY]) : NULL;
    for (int i = 0; i < ENTRIES && status == NLG_OK; i++) {
        if (identity != NULL && identity[0] != '{')
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: an earlier version of this program wrote it, which did not note all that must be equal to "
                              "continue; remove it to start anew (%s stays good for eval)",
                              t->state_path, t->options.checkpoint);
        else if (nlg_safetensors_metadata(&file, entries[i]) == NULL)
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: not a training state (expected the entries identity, progress, records, schedules); remove it "
                              "to start anew",
                              t->state_path);
    }
    if (status == NLG_OK) status = nlg_json_read(identity, strlen(identity), t->state_path, &stored, err);
    if (status == NLG_OK) status = refuse_other(t, t->state_path, stored, err);
    cJSON_Delete(stored);
    nlg_safetensors_close(&file);
    return status;
}

static nlg_status take_up(nlg_trainer *t, const nlg_metadata *m, nlg_error *err) {
    if (!read_progress(t, m[PROGRESS].value, m[RECORDS].value))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: its progress entry is damaged; remove the file to start anew", t->state_path);
    if (t->epoch > t->options.recipe.epochs)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: holds %d epochs, but only %d are asked for; ask for more, or remove it to start anew", t->state_path,
                        t->epoch, t->options.recipe.epochs);
    return take_schedules(t, t->state_path, m[SCHEDULES].value, err);
}

static nlg_status load_state(nlg_trainer *t, nlg_error *err) {
    nlg_extra_tensor extra[3];
    nlg_metadata metadata[ENTRIES];
    for (int i = 0; i < ENTRIES; i++) metadata[i] = (nlg_metadata){entries[i], NULL};
    nlg_load_options load = {.extra = extra, .n_extra = extra_tensors(t, extra), .metadata = metadata, .n_metadata = ENTRIES};
    nlg_status status = nlg_weights_load(&t->weights, t->state_path, &load, err);
    if (status == NLG_OK) status = take_up(t, metadata, err);
    if (status == NLG_OK && load.n_extra > 0 && !load.extra_found)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: the optimizer's state is missing; remove the file to start anew", t->state_path);
    for (int i = 0; i < ENTRIES; i++) nlg_free((void *)(uintptr_t)metadata[i].value);
    return status;
}

/* Is it a sound weight file, only not of this run? Then somebody put it there. */
static bool is_sound(const char *path) {
    nlg_safetensors file;
    const bool sound = nlg_safetensors_open(path, true, &file, NULL) == NLG_OK;
    nlg_safetensors_close(&file);
    return sound;
}

/* A kill between the two files leaves the weights of the save before, or none: write them from the state. */
static nlg_status repair_weights(nlg_trainer *t, nlg_error *err) {
    nlg_weights found = {0};
    const size_t bytes = t->graph->weights_floats * sizeof(float);
    bool same = false;
    NLG_TRY(nlg_weights_create(t->graph, &found, err));
    if (nlg_file_exists(t->options.checkpoint)) {
        nlg_error why = {0};
        nlg_status status = nlg_weights_load(&found, t->options.checkpoint, NULL, &why);
        same = status == NLG_OK && memcmp(found.values, nlg_trainer_result(t)->values, bytes) == 0;
        if (status == NLG_ERR_MEMORY || status == NLG_ERR_IO || (status != NLG_OK && is_sound(t->options.checkpoint))) {
            nlg_weights_destroy(&found);
            return nlg_fail(err, status, "%s", why.text);
        }
    }
    nlg_weights_destroy(&found);
    t->repaired = !same;
    return same ? NLG_OK : nlg_trainer_save(t, err);
}

/* ---- life --------------------------------------------------------------------------------------------------------------- */

static nlg_status find_files(nlg_trainer *t, nlg_error *err) {
    struct stat info;
    char *target;
    if (stat(t->options.checkpoint, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a file for the checkpoint, found a device or pipe; name a file",
                        t->options.checkpoint);
    NLG_TRY(nlg_file_target(t->options.checkpoint, &target, err));
    const size_t size = strlen(target) + sizeof ".state";
    t->state_path = nlg_alloc(size, 1);
    if (t->state_path != NULL) snprintf(t->state_path, size, "%s.state", target);
    nlg_free(target);
    return t->state_path != NULL ? NLG_OK : nlg_fail_memory(err, size, "the name of the checkpoint");
}

nlg_status nlg_trainer_lock(nlg_trainer *t, nlg_error *err) {
    if (t->options.weights != NULL) NLG_TRY(nlg_digest_file(t->options.weights, t->start_digest, err));
    t->schedules = nlg_alloc(64, 1);
    if (t->schedules == NULL) return nlg_fail_memory(err, 64, "the schedule");
    snprintf(t->schedules, 64, "[{\"epochs\":%d,\"from\":0}]", t->options.recipe.epochs);
    if (t->options.checkpoint == NULL) return NLG_OK;
    NLG_TRY(find_files(t, err));
    return nlg_file_lock_take(&t->lock, t->options.checkpoint, "another process is training into this checkpoint", PATIENCE, err);
}

nlg_status nlg_trainer_restore(nlg_trainer *t, nlg_error *err) {
    if (t->options.checkpoint == NULL) return NLG_OK;
    if (nlg_file_exists(t->state_path)) {
        NLG_TRY(check_state(t, err));
        NLG_TRY(load_state(t, err));
        t->continued = true;
        return repair_weights(t, err);
    }
    if (nlg_file_exists(t->options.checkpoint))
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: its training state %s is missing, so training cannot continue from it; choose another file name or remove it",
            t->options.checkpoint, t->state_path);
    return NLG_OK;
}
