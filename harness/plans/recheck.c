/* Sampling and making again. */
#include "harness/plans/recheck.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plans/again.h"
#include "harness/query/results_store.h"
#include "harness/plans/shipped.h"
#include "harness/progress.h"
#include "harness/query/evidence.h"
#include "layers/base/dmath.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/rng.h"
#include "search/parallel/at_once.h"
#include "search/parallel/workers.h"

enum {
    OF_ONE_EXPERIMENT = 8, /* at most */
    ALL_SECONDS = 480,     /* of one thread, where the records were made */
};

/* ---- what there is ----------------------------------------------------------------------------------------------------- */

typedef struct items {
    nlg_recheck_item *at;
    int count, room;
} items;

/* As in sampling with weights of 1 / seconds: the time until a rare event, which comes the later the costlier the record. */
static double order_of(uint64_t seed, const char *key, double seconds) {
    const double u = nlg_rng_uniform(nlg_rng_named(nlg_rng_named(nlg_rng_seed(seed), "recheck"), key), 0);
    return -nlg_log(1 - u) * seconds;
}

static nlg_status add_rows(const nlg_rows *rows, const nlg_measure *m, uint64_t seed, items *all, nlg_error *err) {
    for (int i = 0; i < rows->count; i++) {
        nlg_recheck_item *more = nlg_grow(all->at, &all->room, all->count, sizeof *more);
        if (!more) return nlg_fail_memory(err, (size_t)all->count * sizeof *more, "the shipped records");
        all->at = more;
        nlg_recheck_item *item = &more[all->count++];
        *item = (nlg_recheck_item){.known = nlg_rows_number(rows, i, "known") > 0};
        snprintf(item->experiment, sizeof item->experiment, "%s", nlg_rows_text(rows, i, "experiment"));
        snprintf(item->key, sizeof item->key, "%s", nlg_rows_text(rows, i, "key"));
        snprintf(item->created, sizeof item->created, "%s", nlg_rows_text(rows, i, "created"));
        item->seconds = fmax(nlg_measure_seconds(m, 0), nlg_rows_number(rows, i, "seconds"));
        item->order = order_of(seed, item->key, item->seconds);
    }
    return NLG_OK;
}

static nlg_status list_measure(nlg_query *query, const nlg_measure *m, uint64_t seed, items *all, nlg_error *err) {
    char sql[400];
    nlg_rows *rows;
    snprintf(sql, sizeof sql,
             "SELECT DISTINCT experiment, records.key AS key, created, seconds,"
             " EXISTS (SELECT 1 FROM verifications AS v WHERE v.key = records.key AND v.created = records.created) AS known"
             " FROM members JOIN records USING (key) WHERE profile = :profile AND measure = '%s'",
             m->name);
    NLG_TRY(nlg_query_run(query, sql, NLG_SHIPPED_PROFILE, NULL, "shipped records", &rows, err));
    nlg_status status = add_rows(rows, m, seed, all, err);
    nlg_rows_free(rows);
    return status;
}

static nlg_status list_all(const nlg_recheck_job *job, items *all, nlg_error *err) {
    nlg_query *query;
    NLG_TRY(nlg_query_open(job->shipped, NULL, &query, err));
    nlg_status status = nlg_evidence_load(query, job->shipped, err);
    for (int i = 0; i < nlg_measures() && status == NLG_OK; i++)
        if (!nlg_measure_at(i)->is_timed) status = list_measure(query, nlg_measure_at(i), job->seed, all, err);
    nlg_query_close(query);
    return status;
}

/* ---- picking ----------------------------------------------------------------------------------------------------------- */

static int by_experiment(const void *x, const void *y) {
    const nlg_recheck_item *a = x, *b = y;
    int order = strcmp(a->experiment, b->experiment);
    if (!order) order = (a->order > b->order) - (a->order < b->order);
    return order ? order : strcmp(a->key, b->key);
}

static int by_seconds(const void *x, const void *y) {
    const nlg_recheck_item *a = x, *b = y;
    const int order = (a->seconds > b->seconds) - (a->seconds < b->seconds);
    return order ? order : strcmp(a->key, b->key);
}

static int by_seconds_down(const void *x, const void *y) {
    return by_seconds(y, x);
}

static int by_round(const void *x, const void *y) {
    const nlg_recheck_item *a = x, *b = y;
    return a->round != b->round ? a->round - b->round : by_seconds_down(x, y);
}

/* Items of one experiment: [at, end) are still to be looked at. */
typedef struct queue {
    int at, end, taken;
} queue;

static bool is_taken(const nlg_recheck *sample, const char *key) {
    for (int i = 0; i < sample->count; i++)
        if (strcmp(sample->items[i].key, key) == 0) return true;
    return false;
}

/* The next of the experiment that fits; NULL: none. What another experiment has taken counts for this one too. */
static nlg_recheck_item *next_of(queue *t, const items *all, const nlg_recheck *sample, double room) {
    while (t->at < t->end && t->taken < OF_ONE_EXPERIMENT) {
        nlg_recheck_item *item = &all->at[t->at];
        if (is_taken(sample, item->key)) {
            t->taken++;
        } else if (item->seconds <= room) {
            return item;
        }
        t->at++;
    }
    return NULL;
}

static double seconds_of(const nlg_recheck *sample) {
    double sum = 0;
    for (int i = 0; i < sample->count; i++) sum += sample->items[i].seconds;
    return sum;
}

/* One of each experiment; false: none was left. The costliest come first where there is nothing yet, so that no experiment is left
 * out for lack of room, later the cheapest, so that there are many. */
static bool take_round(queue *queues, int n, const items *all, int round, nlg_recheck_item *offers, nlg_recheck *sample) {
    int offered = 0;
    const double room = ALL_SECONDS - seconds_of(sample);
    for (int i = 0; i < n; i++) {
        nlg_recheck_item *item = next_of(&queues[i], all, sample, room);
        if (!item) continue;
        offers[offered] = *item;
        offers[offered++].round = round;
    }
    const int before = sample->count;
    qsort(offers, (size_t)offered, sizeof *offers, before ? by_seconds : by_seconds_down);
    for (int i = 0; i < offered; i++)
        if (!is_taken(sample, offers[i].key) && seconds_of(sample) + offers[i].seconds <= ALL_SECONDS)
            sample->items[sample->count++] = offers[i];
    return sample->count > before;
}

static nlg_status pick(items *all, nlg_recheck *sample, nlg_error *err) {
    queue *queues = nlg_alloc((size_t)all->count + 1, sizeof *queues);
    nlg_recheck_item *offers = nlg_alloc((size_t)all->count + 1, sizeof *offers);
    sample->items = nlg_alloc((size_t)all->count + 1, sizeof *sample->items);
    int n = 0, round = 0;
    if (queues && offers && sample->items) {
        qsort(all->at, (size_t)all->count, sizeof *all->at, by_experiment);
        for (int i = 0; i < all->count; i++) {
            if (!i || strcmp(all->at[i].experiment, all->at[i - 1].experiment) != 0) queues[n++] = (queue){.at = i};
            queues[n - 1].end = i + 1;
        }
        while (take_round(queues, n, all, round, offers, sample)) round++;
        qsort(sample->items, (size_t)sample->count, sizeof *sample->items, by_round);
    }
    nlg_free(queues);
    nlg_free(offers);
    return sample->items && (n || !all->count) ? NLG_OK : nlg_fail_memory(err, (size_t)all->count * sizeof *queues, "the sample");
}

nlg_status nlg_recheck_pick(const nlg_recheck_job *job, nlg_recheck *sample, nlg_error *err) {
    items all = {0};
    *sample = (nlg_recheck){0};
    nlg_status status = list_all(job, &all, err);
    if (status == NLG_OK) status = pick(&all, sample, err);
    nlg_free(all.at);
    for (int i = 0; i < sample->count; i++) {
        sample->known += sample->items[i].known;
        if (!sample->items[i].known) sample->seconds_left += sample->items[i].seconds;
    }
    return status;
}

void nlg_recheck_free(nlg_recheck *sample) {
    nlg_free(sample->items);
    *sample = (nlg_recheck){0};
}

/* ---- making again ------------------------------------------------------------------------------------------------------ */

/* What workers share with the process that waits for them. */
typedef struct runner {
    const nlg_recheck_job *job;
    nlg_recheck *sample;
    nlg_store *store; /* a worker's, of shipped records */
    int workers;
    char notes[4096];
    nlg_progress progress;
    double begun, left_at_first;
    int differ, failed;
    char first[320]; /* failure */
} runner;

static runner *waiting; /* for the stop function, which has no context */

static bool only_interrupted(void *context, double fraction, const char *what) {
    (void)context, (void)fraction, (void)what;
    return !nlg_interrupted();
}

static nlg_status begin_worker(void *context, nlg_error *err) {
    runner *r = context;
    nlg_lab *lab = r->job->lab;
    lab->watch = only_interrupted;
    lab->may_open_test = true; /* what was chosen was chosen when the record was made */
    NLG_TRY(nlg_lab_start(lab, 1, err));
    return nlg_store_open(r->job->shipped, NLG_STORE_READ, &r->store, err);
}

/* In a worker: the difference goes back as the trial's message. */
static nlg_status work(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    runner *r = context;
    nlg_record stored, again = {0};
    char difference[NLG_DIFFERENCE] = "";
    bool found;
    (void)space;
    NLG_TRY(nlg_store_record(r->store, r->sample->items[trial->number].key, &stored, &found, err));
    if (!found) return nlg_fail(err, NLG_ERR_INPUT, "%s: a record is gone", r->job->shipped);
    nlg_status status = nlg_record_again(r->job->lab, &stored, &again, err);
    if (status == NLG_OK) status = nlg_record_compare(&stored, &again, difference, err);
    snprintf(trial->message, sizeof trial->message, "%s", difference);
    nlg_record_free(&stored);
    nlg_record_free(&again);
    nlg_store_close(r->store);
    return status;
}

static nlg_status after_worker(void *context, nlg_trial *trial, nlg_error *err) {
    runner *r = context;
    nlg_recheck_item *item = &r->sample->items[trial->number];
    if (trial->status != NLG_TRIAL_DONE) { /* the machine failed: nothing is noted, the same command tries again */
        if (!r->failed++) snprintf(r->first, sizeof r->first, "%.60s: %.240s", item->experiment, trial->message);
        return NLG_OK;
    }
    NLG_TRY(nlg_verification_note(r->notes, item->key, item->created, trial->message, err));
    item->known = true;
    r->sample->known++;
    r->sample->seconds_left -= item->seconds;
    r->differ += *trial->message != '\0';
    nlg_progress_line(&r->progress, "[%d/%d] shipped record %.12s of %s made again: %s%s", r->sample->known, r->sample->count,
                      item->key, item->experiment, *trial->message ? "DIFFERS in " : "the same bits", trial->message);
    return NLG_OK;
}

static bool stop_waiting(void) {
    runner *r = waiting;
    char text[24];
    const double passed = nlg_seconds_now() - r->begun, made = r->left_at_first - r->sample->seconds_left,
                 left = made > 0 ? passed * r->sample->seconds_left / made : r->sample->seconds_left;
    nlg_progress_update(&r->progress, (double)r->sample->known / r->sample->count, "[%d/%d] shipped records made again; %s left",
                        r->sample->known, r->sample->count, nlg_duration_text(left, text));
    return nlg_interrupted();
}

/* As many at once as there are threads, and memory for the largest. */
static nlg_status count_workers(const runner *r, nlg_store *store, int *workers, nlg_error *err) {
    nlg_lab *lab = r->job->lab;
    size_t most = 0;
    nlg_status status = NLG_OK;
    for (int i = 0; i < r->sample->count && status == NLG_OK; i++) {
        nlg_record stored;
        size_t bytes = 0;
        bool found;
        cJSON *spec = NULL;
        if (r->sample->items[i].known) continue;
        NLG_TRY(nlg_store_record(store, r->sample->items[i].key, &stored, &found, err));
        const nlg_measure *m = nlg_measure_find(stored.measure);
        if (found && m && m->bytes) {
            status = nlg_json_read(stored.spec, strlen(stored.spec), "a spec", &spec, err);
            if (status == NLG_OK) status = m->bytes(lab, spec, &bytes, err);
        }
        cJSON_Delete(spec);
        nlg_record_free(&stored);
        if (bytes > most) most = bytes;
    }
    *workers = nlg_at_once(lab->settings->threads, r->sample->count, most, 0);
    return status;
}

/* Stops the lab: threads do not go into workers. The store is closed again before they open it. */
static nlg_status prepare(runner *r, nlg_error *err) {
    nlg_store *store = NULL;
    nlg_status status = nlg_store_open(r->job->shipped, NLG_STORE_READ, &store, err);
    if (status == NLG_OK) status = count_workers(r, store, &r->workers, err);
    nlg_store_close(store);
    nlg_lab_stop(r->job->lab);
    return status;
}

static nlg_status run_chosen(runner *r, const int *chosen, int count, nlg_error *err) {
    const nlg_evaluator evaluator = {.name = "records", .context = r, .evaluate = work, .begin_worker = begin_worker};
    const nlg_worker_job job = {.evaluator = &evaluator,
                                .workers = r->workers < count ? r->workers : count,
                                .done = after_worker,
                                .context = r,
                                .stop = stop_waiting};
    nlg_trial *trials = nlg_alloc((size_t)r->sample->count + 1, sizeof *trials);
    if (!trials) return nlg_fail_memory(err, (size_t)r->sample->count * sizeof *trials, "the sample");
    for (int i = 0; i < r->sample->count; i++) trials[i].number = i;
    waiting = r;
    nlg_status status = nlg_workers_run(&job, trials, chosen, count, err);
    nlg_free(trials);
    return status;
}

/* The items of the next round that are not known, from `at` on, which moves behind it. */
static int choose_round(const nlg_recheck *sample, int *at, int *chosen, double *seconds) {
    const int round = sample->items[*at].round;
    int count = 0;
    *seconds = 0;
    for (; *at < sample->count && sample->items[*at].round == round; ++*at) {
        if (sample->items[*at].known) continue;
        *seconds += sample->items[*at].seconds;
        chosen[count++] = *at;
    }
    return count;
}

static bool has_time(const runner *r, double seconds) {
    const double passed = nlg_seconds_now() - r->begun, made = r->left_at_first - r->sample->seconds_left;
    const double pace = made > 0 ? passed / made : 1.0 / r->job->lab->settings->threads;
    return passed + seconds * pace <= r->job->most_seconds;
}

static nlg_status run_rounds(runner *r, int *chosen, nlg_error *err) {
    char text[24];
    if (r->sample->known < r->sample->count) NLG_TRY(prepare(r, err));
    for (int at = 0; at < r->sample->count;) {
        double seconds;
        const int round = r->sample->items[at].round, count = choose_round(r->sample, &at, chosen, &seconds);
        if (count && round && !has_time(r, seconds)) {
            nlg_progress_line(&r->progress,
                              "%d shipped records are left out: they would take more than %s here; the same command goes on",
                              r->sample->count - r->sample->known, nlg_duration_text(r->job->most_seconds, text));
            return NLG_OK;
        }
        if (count) NLG_TRY(run_chosen(r, chosen, count, err));
    }
    return NLG_OK;
}

nlg_status nlg_recheck_run(const nlg_recheck_job *job, nlg_recheck *sample, nlg_error *err) {
    runner r = {.job = job, .sample = sample, .begun = nlg_seconds_now(), .left_at_first = sample->seconds_left};
    int *chosen = nlg_alloc((size_t)sample->count + 1, sizeof *chosen);
    if (!chosen) return nlg_fail_memory(err, (size_t)sample->count * sizeof *chosen, "the sample");
    nlg_status status = nlg_verifications_path(job->shipped, r.notes, sizeof r.notes, err);
    nlg_progress_start(&r.progress);
    if (status == NLG_OK) status = run_rounds(&r, chosen, err);
    nlg_progress_end(&r.progress);
    nlg_free(chosen);
    if (status == NLG_OK && r.failed)
        return nlg_fail(err, NLG_ERR_CHECK,
                        "%d shipped records could not be made again, the first: %s; the same command tries them again", r.failed,
                        r.first);
    return status;
}
