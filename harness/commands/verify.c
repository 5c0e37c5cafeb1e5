/* lineage verify: makes stored records again from their specs, or compares them with those of another folder. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/plans/again.h"
#include "harness/query/results_store.h"
#include "harness/plans/shipped.h"
#include "harness/progress.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/rng.h"

typedef struct verify_options {
    const char *profile, *results, *key, *against;
    int sample;
    bool shipped;
} verify_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_SAMPLE, KEY_KEY, KEY_AGAINST, KEY_SHIPPED };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "Records of this profile only (default: all)", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {"sample", KEY_SAMPLE, "N", 0, "Only so many records, picked by --seed (default: all)", 0},
    {"key", KEY_KEY, "KEY", 0, "Only the record whose key begins so", 0},
    {"shipped", KEY_SHIPPED, NULL, 0, "Records that come with the project, results/reference", 0},
    {"against", KEY_AGAINST, "PATH", 0, "Run nothing: compare with the records of another folder, or of an exported file", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    verify_options *o = where;
    switch (key) {
    case KEY_PROFILE:
        o->profile = value;
        return NLG_OK;
    case KEY_RESULTS:
        o->results = value;
        return NLG_OK;
    case KEY_KEY:
        o->key = value;
        return NLG_OK;
    case KEY_SHIPPED:
        o->shipped = true;
        return NLG_OK;
    case KEY_AGAINST:
        o->against = value;
        return NLG_OK;
    default:
        return nlg_option_int("--sample", value, 1, 1000000000, &o->sample, err);
    }
}

typedef struct verifier {
    const verify_options *options;
    nlg_lab lab;
    nlg_store *store, *other; /* other: to compare with, or NULL */
    nlg_progress progress;
    char (*keys)[65];
    int count, checked, same, timed, absent;
    const char *running;
    char notes[4096]; /* file */
} verifier;

/* ---- picking ----------------------------------------------------------------------------------------------------------- */

/* The record stays listed if its key fits and its measure is no time. */
static nlg_status keep_fitting(verifier *v, nlg_error *err) {
    const char *wanted = v->options->key;
    int kept = 0;
    for (int i = 0; i < v->count; i++) {
        nlg_record r;
        bool found;
        if (wanted && strncmp(v->keys[i], wanted, strlen(wanted)) != 0) continue;
        NLG_TRY(nlg_store_record(v->store, v->keys[i], &r, &found, err));
        const nlg_measure *m = nlg_measure_find(r.measure);
        nlg_record_free(&r);
        if (m && m->is_timed) {
            v->timed++;
            continue;
        }
        memmove(v->keys[kept++], v->keys[i], sizeof *v->keys);
    }
    v->count = kept;
    return NLG_OK;
}

/* The first `sample` of a shuffle. */
static void pick_sample(verifier *v, uint64_t seed) {
    const nlg_rng rng = nlg_rng_named(nlg_rng_seed(seed), "verify");
    const int sample = v->options->sample;
    if (!sample || sample >= v->count) return;
    for (int i = 0; i < sample; i++) {
        char moved[65];
        const int at = i + (int)(nlg_rng_u64(rng, (uint64_t)i) % (uint64_t)(v->count - i));
        memcpy(moved, v->keys[i], sizeof moved);
        memcpy(v->keys[i], v->keys[at], sizeof moved);
        memcpy(v->keys[at], moved, sizeof moved);
    }
    v->count = sample;
}

static nlg_status pick(verifier *v, uint64_t seed, nlg_error *err) {
    NLG_TRY(nlg_store_keys(v->store, &(nlg_record_choice){.profile = v->options->profile}, &v->keys, &v->count, err));
    NLG_TRY(keep_fitting(v, err));
    pick_sample(v, seed);
    if (v->count) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no record to verify%s%s%s; lineage records list shows what there is",
                    v->options->results, v->options->profile ? " in profile " : "", v->options->profile ? v->options->profile : "",
                    v->timed ? " (times are not verified)" : "");
}

/* ---- running ----------------------------------------------------------------------------------------------------------- */

static bool watch(void *context, double fraction, const char *what) {
    verifier *v = context;
    nlg_progress_update(&v->progress, (v->checked + fraction) / v->count, "[%d/%d] %.12s %s: %s", v->checked + 1, v->count,
                        v->keys[v->checked + v->absent], v->running, what);
    return !nlg_interrupted();
}

static nlg_status check_one(verifier *v, const char *key, nlg_error *err) {
    nlg_record stored, again = {0};
    char difference[NLG_DIFFERENCE] = "";
    bool found, there = true;
    if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    NLG_TRY(nlg_store_record(v->store, key, &stored, &found, err));
    v->running = stored.measure;
    nlg_status status =
        v->other ? nlg_store_record(v->other, key, &again, &there, err) : nlg_record_again(&v->lab, &stored, &again, err);
    if (status == NLG_OK && !there) v->absent++;
    if (status == NLG_OK && there) {
        status = nlg_record_compare(&stored, &again, difference, err);
        v->checked++;
        v->same += !*difference;
        if (*difference) printf("%.12s %s: differs in %s\n", stored.key, stored.measure, difference);
        fflush(stdout);
    }
    if (status == NLG_OK && !v->other) status = nlg_verification_note(v->notes, key, stored.created, difference, err);
    nlg_record_free(&stored);
    if (there) nlg_record_free(&again);
    return status;
}

static nlg_status conclude(const verifier *v, nlg_status status, nlg_error *err) {
    const char *const what = v->other ? "compared" : "checked";
    if (status == NLG_ERR_INTERRUPTED) {
        printf("%d of %d records %s, %d the same\n", v->checked, v->count, what, v->same);
        return status;
    }
    NLG_TRY(status);
    printf("%d of %d records have the same bits", v->same, v->checked);
    if (v->absent) printf("; %d are not in %s", v->absent, v->options->against);
    if (v->timed) printf("; %d times were left out", v->timed);
    printf("\n");
    if (v->same < v->checked) return nlg_fail(err, NLG_ERR_CHECK, "%d of %d records differ", v->checked - v->same, v->checked);
    return v->checked ? NLG_OK : nlg_fail(err, NLG_ERR_CHECK, "%s has none of these records", v->options->against);
}

static nlg_status check_all(verifier *v, nlg_error *err) {
    nlg_status status = NLG_OK;
    nlg_progress_start(&v->progress);
    for (int i = 0; i < v->count && status == NLG_OK; i++) status = check_one(v, v->keys[i], err);
    nlg_progress_end(&v->progress);
    return conclude(v, status, err);
}

/* ---- the other side ---------------------------------------------------------------------------------------------------- */

/* An exported file becomes a store in a temporary folder. */
static nlg_status open_file(verifier *v, const char *path, char folder[64], nlg_error *err) {
    int records;
    snprintf(folder, 64, "/tmp/lineage-verify-XXXXXX");
    if (!mkdtemp(folder)) return nlg_fail(err, NLG_ERR_IO, "%s: cannot be created", folder);
    NLG_TRY(nlg_results_open(folder, NLG_STORE_WRITE, &v->other, err));
    return nlg_records_import(v->other, path, &records, err);
}

static void remove_folder(const char *folder) {
    char path[128];
    if (!*folder) return;
    snprintf(path, sizeof path, "%s/store.sqlite", folder);
    nlg_file_remove(path);
    nlg_file_remove(folder);
}

static bool is_folder(const char *path) {
    char inside[4096];
    return snprintf(inside, sizeof inside, "%s/.", path) < (int)sizeof inside && access(inside, F_OK) == 0;
}

static nlg_status open_records(verifier *v, nlg_error *err) {
    const verify_options *o = v->options;
    char path[4096];
    if (o->shipped)
        NLG_TRY(nlg_shipped_open(NULL, o->results, path, sizeof path, err));
    else
        NLG_TRY(nlg_results_path(o->results, path, sizeof path, err));
    if (!*path) return nlg_fail(err, NLG_ERR_INPUT, "results/reference: no shipped records there (*.records.gz)");
    NLG_TRY(nlg_verifications_path(path, v->notes, sizeof v->notes, err));
    return o->shipped ? nlg_store_open(path, NLG_STORE_READ, &v->store, err)
                      : nlg_results_open(o->results, NLG_STORE_READ, &v->store, err);
}

static nlg_status verify(const nlg_invocation *call, verifier *v, char folder[64], nlg_error *err) {
    const verify_options *o = call->options;
    NLG_TRY(open_records(v, err));
    if (o->against)
        NLG_TRY(is_folder(o->against) ? nlg_results_open(o->against, NLG_STORE_READ, &v->other, err)
                                      : open_file(v, o->against, folder, err));
    NLG_TRY(pick(v, call->settings.seed, err));
    v->lab.may_open_test = true; /* what was chosen was chosen when the record was made */
    v->lab.watch = watch;
    v->lab.watch_context = v;
    if (!o->against) NLG_TRY(nlg_lab_start(&v->lab, call->settings.threads, err));
    return check_all(v, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    verifier v = {.options = call->options};
    char folder[64] = "";
    nlg_lab_open(&v.lab, &call->settings);
    nlg_interrupt_watch();
    nlg_status status = verify(call, &v, folder, err);
    nlg_lab_close(&v.lab);
    nlg_store_close(v.store);
    nlg_store_close(v.other);
    remove_folder(folder);
    nlg_free(v.keys);
    return status;
}

const nlg_command nlg_command_verify = {
    .name = "verify",
    .summary = "Make stored records again and compare every bit",
    .arguments = "",
    .help =
        "A record's spec says all that its bits depend on: each is run again, and status, digest, metrics and history must be the "
        "same, on any machine and with any number of threads. Times are left out. Exit code 1 if one differs.\n\n"
        "Examples:\n  lineage verify --profile smoke\n  lineage verify --sample 3 --seed 1\n  lineage verify --key 3f2a\n"
        "  lineage verify --shipped --sample 20 --seed 7\n"
        "  lineage verify --against smoke.records.gz",
    .options = options,
    .shared = NLG_TAKES_EXEC | NLG_TAKES_SEED,
    .defaults = &(const verify_options){.results = "results/local"},
    .options_size = sizeof(verify_options),
    .option = option,
    .run = run,
};
