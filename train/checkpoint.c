/* Checkpoints: FILE holds the weights (with EMA the averaged ones), FILE.state all that a continuation needs. Both are replaced
 * atomically, the state first; a continuation reads the state alone, so a kill between the two loses nothing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/graph/weights_file.h"
#include "train/train_internal.h"

enum { IDENTITY_LENGTH = 1024 };

/* What must be equal for a trajectory to be the same; epochs may be raised. */
static void identity_of(const nlg_trainer *t, char text[IDENTITY_LENGTH]) {
    const nlg_recipe *r = &t->options.recipe;
    const nlg_optimizer_options *o = &r->optimizer;
    const nlg_augmentation *a = &r->augmentation;
    const nlg_dataset_info *info = nlg_dataset_describe(t->dataset);
    snprintf(text, IDENTITY_LENGTH,
             "numerics %d, seed %llu, data %s %.16s, train %u, validation %u, batch %d, optimizer %d momentum %a nesterov %d beta "
             "%a %a alpha "
             "%a eps %a decay %a all %d, schedule %d lr %a warmup %a step %a factor %a final %a, smoothing %a, clip %a, ema %a, "
             "augment %d: "
             "shift %d flip %d cutout %d raw %d pad %d",
             NLG_NUMERICS_VERSION, (unsigned long long)t->options.seed, info->name, info->digest, info->train, info->validation,
             t->batch, (int)o->kind, o->momentum, o->nesterov, o->beta1, o->beta2, o->alpha, o->eps, o->weight_decay, o->decay_all,
             (int)r->schedule, r->lr, r->warmup_epochs, r->step_epochs, r->factor, r->final_lr, r->label_smoothing, r->clip_norm,
             r->ema_decay, r->augment, a->shift, a->flip, a->cutout, a->raw, a->pad);
}

static int extra_tensors(const nlg_trainer *t, nlg_extra_tensor extra[3]) {
    static const char *const names[2] = {"optimizer.0", "optimizer.1"};
    int n = 0;
    for (int i = 0; i < t->n_state; i++) extra[n++] = (nlg_extra_tensor){names[i], t->state[i].values, t->graph->weights_floats};
    if (t->average.values != NULL) extra[n++] = (nlg_extra_tensor){"average", t->average.values, t->graph->weights_floats};
    return n;
}

static char *state_path(const nlg_trainer *t) {
    const size_t length = strlen(t->options.checkpoint) + sizeof ".state";
    char *path = nlg_alloc(length, 1);
    if (path != NULL) snprintf(path, length, "%s.state", t->options.checkpoint);
    return path;
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

nlg_status nlg_trainer_save(const nlg_trainer *t, nlg_error *err) {
    if (t->options.checkpoint == NULL) return NLG_OK;
    char identity[IDENTITY_LENGTH], progress[256];
    nlg_extra_tensor extra[3];
    identity_of(t, identity);
    snprintf(progress, sizeof progress, "%d %lld %lld %lld %a %a", t->epoch, (long long)t->step, (long long)t->seen,
             (long long)t->correct, t->loss_sum, t->seconds);
    char *path = state_path(t), *records = records_text(t);
    nlg_status status = path == NULL || records == NULL ? nlg_fail_memory(err, 256, "the checkpoint") : NLG_OK;
    if (status == NLG_OK) {
        const nlg_metadata metadata[] = {{"identity", identity}, {"progress", progress}, {"records", records}};
        status = nlg_weights_save(&t->weights, path, extra, extra_tensors(t, extra), metadata, 3, err);
    }
    if (status == NLG_OK) status = nlg_weights_save(nlg_trainer_weights(t), t->options.checkpoint, NULL, 0, NULL, 0, err);
    nlg_free(path);
    nlg_free(records);
    return status;
}

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

static nlg_status take_up(nlg_trainer *t, const char *path, const nlg_metadata *m, nlg_error *err) {
    char identity[IDENTITY_LENGTH];
    identity_of(t, identity);
    if (m[0].value == NULL || m[1].value == NULL || m[2].value == NULL)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: not a training state (expected the entries identity, progress, records); remove it to start anew",
                        path);
    if (strcmp(m[0].value, identity) != 0) {
        size_t at = 0;
        while (identity[at] != '\0' && identity[at] == m[0].value[at]) at++;
        while (at > 0 && identity[at - 1] != ',' && identity[at - 1] != ':') at--;
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: belongs to another run: expected \"%.60s\", found \"%.60s\"; use the same options or another checkpoint file",
            path, identity + at, m[0].value + at);
    }
    if (!read_progress(t, m[1].value, m[2].value))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: its progress entry is damaged; remove the file to start anew", path);
    if (t->epoch > t->options.recipe.epochs)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: holds %d epochs, but only %d are asked for; ask for more, or remove it to start anew", path, t->epoch,
                        t->options.recipe.epochs);
    return NLG_OK;
}

nlg_status nlg_trainer_restore(nlg_trainer *t, nlg_error *err) {
    if (t->options.checkpoint == NULL) return NLG_OK;
    char *path = state_path(t);
    if (path == NULL) return nlg_fail_memory(err, 256, "the checkpoint");
    nlg_status status = NLG_OK;
    if (nlg_file_exists(path)) {
        nlg_extra_tensor extra[3];
        nlg_metadata metadata[] = {{"identity", NULL}, {"progress", NULL}, {"records", NULL}};
        nlg_load_options load = {.extra = extra, .n_extra = extra_tensors(t, extra), .metadata = metadata, .n_metadata = 3};
        status = nlg_weights_load(&t->weights, path, &load, err);
        if (status == NLG_OK) status = take_up(t, path, metadata, err);
        if (status == NLG_OK && load.n_extra > 0 && !load.extra_found)
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: the optimizer's state is missing; remove the file to start anew", path);
        for (int i = 0; i < 3; i++) nlg_free((void *)(uintptr_t)metadata[i].value);
    } else if (nlg_file_exists(t->options.checkpoint)) {
        status = nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: its training state %s is missing, so training cannot continue from it; choose another file name or remove it",
            t->options.checkpoint, path);
    }
    nlg_free(path);
    return status;
}
