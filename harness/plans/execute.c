/* Planning, estimating and running. */
#include "harness/plans/execute.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/output.h"
#include "harness/progress.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/parallel/at_once.h"
#include "search/parallel/ranks.h"
#include "search/parallel/workers.h"

typedef struct stage_state {
    nlg_stage_plan plan;
    double seconds; /* estimated for what is left */
    int left;
} stage_state;

/* Seconds and work of a measure's trials, in the store and since. */
typedef struct speed {
    double seconds, amount;
} speed;

enum { MEASURES_MAX = 32 };

typedef struct runner {
    const nlg_execution *e;
    nlg_stage_plan (*plans)[NLG_STAGES_MAX]; /* by experiment and stage */
    speed speeds[MEASURES_MAX];
    nlg_progress progress;
    nlg_execution_summary *summary;
    int number;          /* of trials that are done or there */
    double seconds_left; /* of all stages, estimated */
    /* of the trial that runs */
    const nlg_experiment *experiment;
    const nlg_planned *trial;
    double trial_seconds, begun, best;
} runner;

/* ---- estimates --------------------------------------------------------------------------------------------------------- */

static int index_of(const nlg_measure *measure) {
    for (int i = 0; i < nlg_measures(); i++)
        if (nlg_measure_at(i) == measure) return i;
    return 0;
}

static nlg_status read_speeds(runner *r, nlg_error *err) {
    for (int i = 0; i < nlg_measures() && i < MEASURES_MAX; i++) {
        const nlg_measure *m = nlg_measure_at(i);
        if (m->work && r->e->store)
            NLG_TRY(nlg_store_speed(r->e->store, m->name, m->work, &r->speeds[i].seconds, &r->speeds[i].amount, err));
    }
    return NLG_OK;
}

/* As fast as the store's trials were; before there are any, by the measure's pace. */
static double seconds_of(const runner *r, const nlg_measure *measure, double work) {
    const speed *s = &r->speeds[index_of(measure)];
    if (!measure->work) return work;
    double seconds = s->seconds, amount = s->amount;
    for (int i = 0; i < nlg_measures() && !(seconds > 0 && amount > 0); i++) { /* that of another measure of the same work */
        if (!nlg_measure_at(i)->work || strcmp(nlg_measure_at(i)->work, measure->work) != 0) continue;
        seconds = r->speeds[i].seconds;
        amount = r->speeds[i].amount;
    }
    return seconds > 0 && amount > 0 ? work * seconds / amount : nlg_measure_seconds(measure, work);
}

static double estimate(const runner *r, const nlg_experiment *e, int stage, const nlg_stage_plan *plan, int *left) {
    double seconds = 0;
    *left = 0;
    for (int i = 0; i < plan->count; i++) {
        if (plan->trials[i].stored) continue;
        seconds += seconds_of(r, e->stages[stage].measure, plan->trials[i].work);
        ++*left;
    }
    return seconds;
}

static double estimate_all(const runner *r) {
    double seconds = 0;
    int left;
    for (int x = 0; x < r->e->count; x++)
        for (int s = 0; s < r->e->experiments[x].n_stages; s++)
            seconds += estimate(r, &r->e->experiments[x], s, &r->plans[x][s], &left);
    return seconds;
}

/* ---- planning ---------------------------------------------------------------------------------------------------------- */

static nlg_status plan_stage(runner *r, int x, int stage, nlg_error *err) {
    nlg_stage_plan_free(&r->plans[x][stage]);
    return nlg_stage_make(r->e->lab, r->e->store, &r->e->experiments[x], stage, r->plans[x], &r->plans[x][stage], err);
}

static nlg_status plan_all(runner *r, nlg_error *err) {
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
            NLG_TRY(plan_stage(r, x, e->order[i], err));
            const nlg_stage_plan *plan = &r->plans[x][e->order[i]];
            r->summary->trials += plan->count;
            for (int t = 0; t < plan->count; t++) r->summary->stored += plan->trials[t].stored;
        }
    }
    return NLG_OK;
}

static nlg_status open_runner(runner *r, const nlg_execution *e, nlg_execution_summary *summary, nlg_error *err) {
    *r = (runner){.e = e, .summary = summary};
    *summary = (nlg_execution_summary){0};
    r->plans = nlg_alloc((size_t)e->count + 1, sizeof *r->plans);
    if (!r->plans) return nlg_fail_memory(err, (size_t)e->count * sizeof *r->plans, "the plan");
    NLG_TRY(read_speeds(r, err));
    return plan_all(r, err);
}

static void close_runner(runner *r) {
    for (int x = 0; r->plans && x < r->e->count; x++)
        for (int s = 0; s < NLG_STAGES_MAX; s++) nlg_stage_plan_free(&r->plans[x][s]);
    nlg_free(r->plans);
}

/* ---- one trial --------------------------------------------------------------------------------------------------------- */

static bool watch(void *context, double fraction, const char *what) {
    runner *r = context;
    const double left = r->seconds_left - fmin(nlg_seconds_now() - r->begun, r->trial_seconds);
    char text[24];
    nlg_progress_update(&r->progress, fraction, "[%d/%d] %s, %.60s: %s; %s left in all", r->number + 1, r->summary->trials,
                        r->experiment->id, r->trial->arm, what, nlg_duration_text(left, text));
    return !nlg_interrupted();
}

/* "validation 0.2950", of the measure's main metric. */
static void tell_result(const nlg_measure *measure, const nlg_record *record, char *text, size_t size) {
    if (strcmp(record->status, "done") != 0) {
        snprintf(text, size, "%s", record->status);
        return;
    }
    snprintf(text, size, "done");
    for (int i = 0; measure->headline && i < record->n_metrics; i++) {
        const nlg_metric *m = &record->metrics[i];
        if (strncmp(m->name, measure->headline, strlen(measure->headline)) != 0) continue;
        snprintf(text, size, "%s %.4g%s%s", m->name, m->value, strcmp(m->unit, "ms") == 0 ? " " : "",
                 strcmp(m->unit, "ms") == 0 ? "ms" : "");
        return;
    }
}

static void tell(runner *r, const nlg_stage *stage, const nlg_planned *trial, const char *result, double seconds) {
    char factors[160], left[24];
    nlg_planned_text(trial, factors, sizeof factors);
    nlg_progress_line(&r->progress, "[%d/%d] %s, %s: %.60s%s%s: %s (%.1f s; about %s left)", r->number, r->summary->trials,
                      r->experiment->id, stage->name, trial->arm, *factors ? ", " : "", factors, result, seconds,
                      nlg_duration_text(r->seconds_left, left));
}

static void count_speed(runner *r, const nlg_measure *measure, double amount, double seconds) {
    speed *s = &r->speeds[index_of(measure)];
    if (!(amount > 0 && seconds > 0)) return;
    s->amount += amount;
    s->seconds += seconds;
}

/* The trial has its record: it is stored, counted and told. quiet: one line for the stage comes later. */
static nlg_status keep(runner *r, const nlg_stage *stage, nlg_planned *trial, const nlg_record *record, bool quiet,
                       nlg_error *err) {
    nlg_session_facts facts = r->e->lab->session;
    NLG_TRY(nlg_store_put_record(r->e->store, record, &facts, err));
    trial->stored = true;
    r->number++;
    r->summary->done++;
    count_speed(r, stage->measure, stage->measure->work ? nlg_record_value(record, stage->measure->work) : 0, record->seconds);
    r->seconds_left = estimate_all(r);
    if (quiet) return NLG_OK;
    char result[96];
    tell_result(stage->measure, record, result, sizeof result);
    tell(r, stage, trial, result, record->seconds);
    return NLG_OK;
}

static nlg_status run_here(runner *r, const nlg_stage *stage, nlg_planned *trial, bool quiet, nlg_error *err) {
    nlg_record record;
    if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    r->trial = trial;
    r->begun = nlg_seconds_now();
    r->trial_seconds = seconds_of(r, stage->measure, trial->work);
    nlg_status status = nlg_measure_run(r->e->lab, trial->spec, &record, err);
    if (status != NLG_OK) {
        char factors[160];
        nlg_planned_text(trial, factors, sizeof factors);
        return status == NLG_ERR_INTERRUPTED ? status
                                             : nlg_fail_at(err, "%s, %s: %.60s%s%s", r->experiment->id, stage->name, trial->arm,
                                                           *factors ? ", " : "", factors);
    }
    status = keep(r, stage, trial, &record, quiet, err);
    nlg_record_free(&record);
    return status;
}

/* ---- stages ------------------------------------------------------------------------------------------------------------ */

static nlg_status write_members(runner *r, const nlg_stage *stage, const nlg_stage_plan *plan, nlg_error *err) {
    nlg_member *members = nlg_alloc((size_t)plan->count + 1, sizeof *members);
    char **factors = nlg_alloc((size_t)plan->count + 1, sizeof *factors);
    nlg_status status = members && factors ? NLG_OK : nlg_fail_memory(err, 0, "the members of a stage");
    for (int i = 0; i < plan->count && status == NLG_OK; i++) {
        const nlg_planned *t = &plan->trials[i];
        status = nlg_json_canonical(t->factors, &factors[i], err);
        members[i] = (nlg_member){.arm = t->arm, .factors = factors[i], .key = t->key, .final = stage->final};
    }
    if (status == NLG_OK)
        status = nlg_store_set_members(r->e->store, r->e->profile, r->experiment->id, stage->name, members, plan->count, err);
    for (int i = 0; factors && i < plan->count; i++) nlg_free(factors[i]);
    nlg_free(factors);
    nlg_free(members);
    return status;
}

/* The one place that lets a test split be opened: the stage is final, everything it was chosen from is measured, and so are all
 * stages of the experiment that are not final. */
static nlg_status check_final(const runner *r, int x, const nlg_stage *stage, nlg_error *err) {
    const nlg_experiment *e = &r->e->experiments[x];
    r->e->lab->may_open_test = false;
    if (!stage->final) return NLG_OK;
    for (int s = 0; s < e->n_stages; s++) {
        const nlg_stage_plan *plan = &r->plans[x][s];
        if (e->stages[s].final) continue;
        bool complete = !plan->tentative;
        for (int t = 0; t < plan->count && complete; t++)
            NLG_TRY(nlg_store_has_record(r->e->store, plan->trials[t].key, &complete, err));
        if (!complete)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: stage \"%s\" is final, but \"%s\" is not complete; run it first", e->path,
                            stage->name, e->stages[s].name);
    }
    r->e->lab->may_open_test = true;
    return NLG_OK;
}

/* Two trials of a stage may have one spec. */
static nlg_status is_stored(const runner *r, const nlg_planned *trial, bool *stored, nlg_error *err) {
    *stored = trial->stored;
    return *stored ? NLG_OK : nlg_store_has_record(r->e->store, trial->key, stored, err);
}

/* Trials without work to speak of share a transaction and a line. */
static bool is_light(const nlg_stage *stage, const nlg_stage_plan *plan) {
    for (int i = 0; i < plan->count; i++)
        if (plan->trials[i].work > 0 || stage->measure->is_timed) return false;
    return true;
}

static nlg_status run_trials(runner *r, const nlg_stage *stage, nlg_stage_plan *plan, bool light, nlg_error *err) {
    const double most_to_lose = 1; /* second of work, should this process be killed */
    double begun = nlg_seconds_now();
    for (int i = 0; i < plan->count; i++) {
        nlg_planned *t = &plan->trials[i];
        bool stored;
        NLG_TRY(is_stored(r, t, &stored, err));
        if (light && nlg_seconds_now() - begun > most_to_lose) {
            NLG_TRY(nlg_store_commit(r->e->store, err));
            NLG_TRY(nlg_store_transaction(r->e->store, err));
            begun = nlg_seconds_now();
        }
        if (!stored) {
            NLG_TRY(run_here(r, stage, t, light, err));
        } else if (!t->stored) {
            t->stored = true;
            r->number++;
            r->summary->done++;
        }
    }
    return NLG_OK;
}

/* ---- side by side ------------------------------------------------------------------------------------------------------ */

/* What workers share with the process that waits for them. */
typedef struct side_by_side {
    runner *r;
    const nlg_stage *stage;
    nlg_stage_plan *plan;
    int failed;
    char first[320]; /* failure */
} side_by_side;

static side_by_side *waiting; /* for the stop function, which has no context */

static bool only_interrupted(void *context, double fraction, const char *what) {
    (void)context, (void)fraction, (void)what;
    return !nlg_interrupted();
}

static nlg_status begin_worker(void *context, nlg_error *err) {
    nlg_lab *lab = ((side_by_side *)context)->r->e->lab;
    lab->exec.team = NULL; /* its threads are the parent's */
    lab->watch = only_interrupted;
    NLG_TRY(nlg_lab_start(lab, 1, err));
    return nlg_store_open(lab->store_path, NLG_STORE_JOIN, &lab->store, err);
}

/* In a worker: makes and stores the record. The parent is told what to print. */
static nlg_status work(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    side_by_side *s = context;
    nlg_lab *lab = s->r->e->lab;
    nlg_record record;
    (void)space;
    NLG_TRY(nlg_measure_run(lab, s->plan->trials[trial->number].spec, &record, err));
    nlg_status status = nlg_store_put_record(lab->store, &record, &lab->session, err);
    tell_result(s->stage->measure, &record, trial->message, sizeof trial->message);
    trial->latency_ms = 1e3 * record.seconds;
    trial->score = s->stage->measure->work ? nlg_record_value(&record, s->stage->measure->work) : 0;
    nlg_record_free(&record);
    nlg_store_close(lab->store);
    return status;
}

static nlg_status after_worker(void *context, nlg_trial *trial, nlg_error *err) {
    side_by_side *s = context;
    runner *r = s->r;
    nlg_planned *t = &s->plan->trials[trial->number];
    (void)err;
    if (trial->status != NLG_TRIAL_DONE) { /* the machine is to blame: nothing is stored, the same command tries again */
        if (!s->failed++) snprintf(s->first, sizeof s->first, "%.60s: %.240s", t->arm, trial->message);
        return NLG_OK;
    }
    t->stored = true;
    r->number++;
    r->summary->done++;
    count_speed(r, s->stage->measure, trial->score, trial->latency_ms / 1e3);
    r->seconds_left = estimate_all(r);
    tell(r, s->stage, t, trial->message, trial->latency_ms / 1e3);
    return NLG_OK;
}

static bool stop_waiting(void) {
    runner *r = waiting->r;
    char left[24];
    nlg_progress_update(&r->progress, (double)r->number / r->summary->trials, "[%d/%d] %s, %s: side by side; %s left in all",
                        r->number, r->summary->trials, r->experiment->id, waiting->stage->name,
                        nlg_duration_text(r->seconds_left, left));
    return nlg_interrupted();
}

/* Numbers of the trials that are missing, each key once, the longest first: so the last ones end together. */
static nlg_status list_missing(const runner *r, nlg_stage_plan *plan, int *chosen, int *count, nlg_error *err) {
    *count = 0;
    for (int i = 0; i < plan->count; i++) {
        bool skip;
        NLG_TRY(is_stored(r, &plan->trials[i], &skip, err));
        for (int j = 0; j < *count && !skip; j++) skip = strcmp(plan->trials[chosen[j]].key, plan->trials[i].key) == 0;
        if (skip) continue;
        int at = (*count)++;
        for (; at > 0 && plan->trials[chosen[at - 1]].work < plan->trials[i].work; at--) chosen[at] = chosen[at - 1];
        chosen[at] = i;
    }
    return NLG_OK;
}

/* Whether workers with one thread each end no later than one process with as many threads, whose threads wait for each other now
 * and then: by work alone, never by timing. */
static bool is_balanced(const nlg_stage_plan *plan, const int *chosen, int count, int workers) {
    enum { MOST = 1024 };
    const double efficiency = 0.85;
    double load[MOST] = {0}, all = 0, longest = 0;
    for (int i = 0; i < count; i++) {
        int least = 0;
        for (int w = 1; w < workers; w++)
            if (load[w] < load[least]) least = w;
        load[least] += plan->trials[chosen[i]].work;
        all += plan->trials[chosen[i]].work;
        longest = fmax(longest, load[least]);
    }
    return longest <= all / (workers * efficiency);
}

/* As many as memory allows. */
static nlg_status fit_memory(runner *r, const nlg_stage *stage, const nlg_stage_plan *plan, const int *chosen, int count,
                             int *workers, nlg_error *err) {
    size_t most = 0;
    for (int i = 0; i < count && stage->measure->bytes; i++) {
        cJSON *spec;
        size_t bytes = 0;
        const char *text = plan->trials[chosen[i]].spec;
        NLG_TRY(nlg_json_read(text, strlen(text), "a spec", &spec, err));
        nlg_status status = stage->measure->bytes(r->e->lab, spec, &bytes, err);
        cJSON_Delete(spec);
        NLG_TRY(status);
        if (bytes > most) most = bytes;
    }
    *workers = nlg_at_once(*workers, count, most, 0);
    return NLG_OK;
}

/* 0: one after the other, in this process. */
static nlg_status count_workers(runner *r, const nlg_stage *stage, const nlg_stage_plan *plan, const int *chosen, int count,
                                int *workers, nlg_error *err) {
    const int asked = r->e->workers, cores = r->e->lab->settings->threads;
    *workers = asked < 0 ? cores : asked;
    if (stage->measure->is_timed || count < 2 || *workers < 2) {
        *workers = asked > 0 && !stage->measure->is_timed ? 1 : 0;
        return NLG_OK;
    }
    if (*workers > count) *workers = count;
    if (asked > 0) return NLG_OK;
    if (!is_balanced(plan, chosen, count, *workers)) *workers = 0;
    return *workers ? fit_memory(r, stage, plan, chosen, count, workers, err) : NLG_OK;
}

static nlg_status run_in_workers(runner *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen, int count, int workers,
                                 nlg_error *err) {
    side_by_side s = {.r = r, .stage = stage, .plan = plan};
    const nlg_evaluator evaluator = {.name = "trials", .context = &s, .evaluate = work, .begin_worker = begin_worker};
    const nlg_worker_job job = {.evaluator = &evaluator,
                                .workers = workers,
                                .store = r->e->store,
                                .done = after_worker,
                                .context = &s,
                                .stop = stop_waiting};
    nlg_trial *trials = nlg_alloc((size_t)plan->count, sizeof *trials);
    if (!trials) return nlg_fail_memory(err, (size_t)plan->count * sizeof *trials, "the trials");
    for (int i = 0; i < plan->count; i++) trials[i].number = i;
    waiting = &s;
    nlg_lab_stop(r->e->lab);
    nlg_store_suspend(r->e->store);
    nlg_status status = nlg_workers_run(&job, trials, chosen, count, err);
    nlg_error later = {0};
    nlg_status resumed = nlg_store_resume(r->e->store, status == NLG_OK ? err : &later);
    if (status == NLG_OK) status = resumed;
    if (status == NLG_OK) status = nlg_lab_start(r->e->lab, r->e->lab->settings->threads, err);
    nlg_free(trials);
    if (status == NLG_OK && s.failed)
        return nlg_fail(err, NLG_ERR_CHECK,
                        "%s, %s: %d of %d trials could not be run, the first: %s; the same command tries them again",
                        r->experiment->id, stage->name, s.failed, count, s.first);
    return status;
}

/* ---- on the processes of an mpirun ------------------------------------------------------------------------------------- */

static bool until_stopped(void *context, double fraction, const char *what) {
    (void)context, (void)fraction, (void)what;
    return !nlg_ranks_stop() && !nlg_interrupted();
}

/* A task is the name of the data set with its folder (empty: none), a newline, and the spec, which has no newline. */
static nlg_status write_task(const nlg_planned *trial, char **task, nlg_error *err) {
    const char *source = nlg_value_text(trial->values, "data");
    const size_t size = (source ? strlen(source) : 0) + strlen(trial->spec) + 2;
    *task = nlg_alloc(size, 1);
    if (!*task) return nlg_fail_memory(err, size, "a task");
    snprintf(*task, size, "%s\n%s", source ? source : "", trial->spec);
    return NLG_OK;
}

static nlg_status answer_task(void *context, const char *task, char **answer, nlg_error *err) {
    nlg_lab *lab = context;
    nlg_record record;
    char *source = nlg_strdup(task), *end = source ? strrchr(source, '\n') : NULL;
    if (!end) {
        nlg_free(source);
        return nlg_fail_memory(err, strlen(task), "a task");
    }
    *end = '\0';
    lab->source = *source ? source : NULL;
    nlg_status status = nlg_measure_run(lab, end + 1, &record, err);
    lab->source = NULL;
    nlg_free(source);
    NLG_TRY(status);
    status = nlg_record_line(&record, &lab->session, answer, err);
    nlg_record_free(&record);
    return status;
}

nlg_status nlg_execute_serve(nlg_lab *lab, nlg_error *err) {
    lab->watch = until_stopped;
    lab->may_open_test = true; /* rank 0 has checked what it sends */
    NLG_TRY(nlg_lab_start(lab, lab->settings->threads_given ? lab->settings->threads : 1, err));
    return nlg_ranks_serve_texts(answer_task, lab, err);
}

/* An answer becomes a record; chosen[rank] is the trial that the rank had. */
static nlg_status take_answer(side_by_side *s, int trial, nlg_status told, const char *text, nlg_error *err) {
    runner *r = s->r;
    nlg_planned *t = &s->plan->trials[trial];
    nlg_record record;
    bool found;
    char result[96];
    if (told != NLG_OK) return nlg_fail(err, told, "%s, %s: %.60s: %.600s", r->experiment->id, s->stage->name, t->arm, text);
    NLG_TRY(nlg_store_take_line(r->e->store, text, "a record of another process", err));
    NLG_TRY(nlg_store_record(r->e->store, t->key, &record, &found, err));
    if (!found) return nlg_fail(err, NLG_ERR_CHECK, "another process measured another spec; do all have the same program?");
    t->stored = true;
    r->number++;
    r->summary->done++;
    count_speed(r, s->stage->measure, s->stage->measure->work ? nlg_record_value(&record, s->stage->measure->work) : 0,
                record.seconds);
    r->seconds_left = estimate_all(r);
    tell_result(s->stage->measure, &record, result, sizeof result);
    tell(r, s->stage, t, result, record.seconds);
    nlg_record_free(&record);
    return NLG_OK;
}

static nlg_status run_on_ranks(runner *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen, int count,
                               nlg_error *err) {
    side_by_side s = {.r = r, .stage = stage, .plan = plan};
    const int ranks = r->e->ranks;
    int *has = nlg_alloc((size_t)ranks + 1, sizeof *has); /* trial of each rank, counted from 1; 0: none */
    if (!has) return nlg_fail_memory(err, (size_t)ranks * sizeof *has, "the ranks");
    nlg_status status = NLG_OK;
    waiting = &s;
    for (int next = 0, running = 0; status == NLG_OK && (next < count || running > 0);) {
        const struct timespec pause = {.tv_nsec = 2000000};
        nlg_status told;
        char *text;
        int rank;
        for (int i = 1; i <= ranks && next < count; i++) {
            char *task;
            if (has[i]) continue;
            status = write_task(&plan->trials[chosen[next]], &task, err);
            if (status != NLG_OK) break;
            nlg_ranks_send_text(i, task);
            nlg_free(task);
            has[i] = chosen[next++] + 1;
            running++;
        }
        if (status != NLG_OK) break;
        if (stop_waiting()) {
            status = nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
        } else if (nlg_ranks_receive_text(&rank, &told, &text)) {
            status = take_answer(&s, has[rank] - 1, told, text, err);
            nlg_free(text);
            has[rank] = 0;
            running--;
        } else {
            nanosleep(&pause, NULL);
        }
    }
    nlg_free(has);
    return status;
}

static nlg_status run_heavy(runner *r, const nlg_stage *stage, nlg_stage_plan *plan, nlg_error *err) {
    int *chosen = nlg_alloc((size_t)plan->count, sizeof *chosen), count = 0, workers = 0;
    nlg_status status = chosen ? list_missing(r, plan, chosen, &count, err) : nlg_fail_memory(err, 0, "the trials");
    const bool on_ranks = r->e->ranks && !stage->measure->is_timed;
    if (status == NLG_OK && on_ranks) status = run_on_ranks(r, stage, plan, chosen, count, err);
    if (status == NLG_OK && !on_ranks) status = count_workers(r, stage, plan, chosen, count, &workers, err);
    if (status == NLG_OK && workers) status = run_in_workers(r, stage, plan, chosen, count, workers, err);
    nlg_free(chosen);
    return status == NLG_OK ? run_trials(r, stage, plan, false, err) : status; /* also finds those that share a record */
}

static nlg_status run_light(runner *r, const nlg_stage *stage, nlg_stage_plan *plan, nlg_error *err) {
    const double begun = nlg_seconds_now();
    NLG_TRY(nlg_store_transaction(r->e->store, err));
    nlg_status status = run_trials(r, stage, plan, true, err);
    if (status == NLG_ERR_INTERRUPTED || status == NLG_OK) {
        nlg_error later = {0};
        nlg_status kept = nlg_store_commit(r->e->store, status == NLG_OK ? err : &later);
        if (status == NLG_OK) status = kept;
    } else {
        nlg_store_rollback(r->e->store);
    }
    if (status == NLG_OK)
        nlg_progress_line(&r->progress, "[%d/%d] %s, %s: all %d done (%.1f s)", r->number, r->summary->trials, r->experiment->id,
                          stage->name, plan->count, nlg_seconds_now() - begun);
    return status;
}

static nlg_status run_stage(runner *r, int x, int s, nlg_error *err) {
    const nlg_stage *stage = &r->experiment->stages[s];
    nlg_stage_plan *plan = &r->plans[x][s];
    int left;
    if (plan->tentative) {
        const int before = plan->count;
        NLG_TRY(plan_stage(r, x, s, err));
        r->summary->trials += plan->count - before;
        if (plan->tentative)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: stage \"%s\": what it selects from is not there", r->experiment->path,
                            stage->name);
        for (int t = 0; t < plan->count; t++) {
            r->summary->stored += plan->trials[t].stored;
            r->summary->done += plan->trials[t].stored;
            r->number += plan->trials[t].stored;
        }
    }
    NLG_TRY(write_members(r, stage, plan, err));
    estimate(r, r->experiment, s, plan, &left);
    if (!left) return NLG_OK;
    NLG_TRY(check_final(r, x, stage, err));
    if (stage->final)
        nlg_progress_line(&r->progress, "%s, %s: final stage, test splits may be opened", r->experiment->id, stage->name);
    return is_light(stage, plan) ? run_light(r, stage, plan, err) : run_heavy(r, stage, plan, err);
}

static nlg_status run_experiment(runner *r, int x, nlg_error *err) {
    const nlg_experiment *e = r->experiment = &r->e->experiments[x];
    const char *names[NLG_STAGES_MAX];
    for (int s = 0; s < e->n_stages; s++) names[s] = e->stages[s].name;
    NLG_TRY(nlg_store_keep_stages(r->e->store, r->e->profile, e->id, names, e->n_stages, err));
    for (int i = 0; i < e->n_stages; i++) NLG_TRY(run_stage(r, x, e->order[i], err));
    return NLG_OK;
}

nlg_status nlg_execute(const nlg_execution *e, nlg_execution_summary *summary, nlg_error *err) {
    runner r;
    nlg_status status = open_runner(&r, e, summary, err);
    summary->done = r.number = summary->stored;
    e->lab->watch = watch;
    e->lab->watch_context = &r;
    nlg_progress_start(&r.progress);
    r.seconds_left = status == NLG_OK ? estimate_all(&r) : 0;
    for (int x = 0; x < e->count && status == NLG_OK; x++) status = run_experiment(&r, x, err);
    nlg_progress_end(&r.progress);
    e->lab->watch = NULL;
    e->lab->may_open_test = false;
    close_runner(&r);
    return status;
}

/* ---- the plan ---------------------------------------------------------------------------------------------------------- */

static double seconds_of_more(const nlg_execution *e) {
    double seconds = 0;
    for (int i = 0; i < e->n_more; i++) seconds += e->more[i].seconds;
    return seconds;
}

static void add_text_row(nlg_table *table, const nlg_plan_row *row) {
    char text[24];
    nlg_table_cell(table, "%s", row->experiment);
    nlg_table_cell(table, "%s", row->stage);
    nlg_table_cell(table, "%s", row->measure);
    nlg_table_integer(table, row->trials);
    nlg_table_integer(table, row->stored);
    nlg_table_cell(table, "%s", row->stored < row->trials ? nlg_duration_text(row->seconds, text) : "-");
}

static void add_json_row(cJSON *stages, const nlg_plan_row *plan, bool final) {
    cJSON *row = nlg_json_object_in(stages);
    nlg_json_text(row, "experiment", plan->experiment);
    nlg_json_text(row, "stage", plan->stage);
    nlg_json_text(row, "measure", plan->measure);
    cJSON_AddBoolToObject(row, "final", final);
    nlg_json_number(row, "trials", plan->trials);
    nlg_json_number(row, "stored", plan->stored);
    nlg_json_number(row, "seconds_left", plan->seconds);
}

static nlg_plan_row row_of(const runner *r, int x, int stage) {
    const nlg_experiment *e = &r->e->experiments[x];
    const nlg_stage_plan *plan = &r->plans[x][stage];
    int left;
    const double seconds = estimate(r, e, stage, plan, &left);
    return (nlg_plan_row){.experiment = e->id,
                          .stage = e->stages[stage].name,
                          .measure = e->stages[stage].measure->name,
                          .trials = plan->count,
                          .stored = plan->count - left,
                          .seconds = seconds};
}

static nlg_status print_text(const runner *r, nlg_error *err) {
    static const char *const headers[] = {"experiment", "stage", "measure", "trials", "stored", "time left"};
    nlg_table *table = nlg_table_create("lllrrr", headers);
    char text[24], name[128];
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            nlg_plan_row row = row_of(r, x, e->order[i]);
            snprintf(name, sizeof name, "%.110s (final)", row.stage);
            if (e->stages[e->order[i]].final) row.stage = name;
            add_text_row(table, &row);
        }
    }
    for (int i = 0; i < r->e->n_more; i++) add_text_row(table, &r->e->more[i]);
    NLG_TRY(nlg_table_print(table, stdout, err));
    printf("\nProfile %s: %d of %d trials are stored; the rest takes about %s.\n", r->e->profile, r->summary->stored,
           r->summary->trials, nlg_duration_text(estimate_all(r) + seconds_of_more(r->e), text));
    return NLG_OK;
}

static nlg_status print_json(const runner *r, nlg_error *err) {
    cJSON *object = cJSON_CreateObject(), *stages = cJSON_AddArrayToObject(object, "stages");
    nlg_json_text(object, "profile", r->e->profile);
    nlg_json_number(object, "trials", r->summary->trials);
    nlg_json_number(object, "stored", r->summary->stored);
    nlg_json_number(object, "seconds_left", estimate_all(r) + seconds_of_more(r->e));
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            const nlg_plan_row row = row_of(r, x, e->order[i]);
            add_json_row(stages, &row, e->stages[e->order[i]].final);
        }
    }
    for (int i = 0; i < r->e->n_more; i++) add_json_row(stages, &r->e->more[i], false);
    return nlg_json_print(object, err);
}

nlg_status nlg_execution_print(const nlg_execution *e, bool json, nlg_error *err) {
    runner r;
    nlg_execution_summary summary;
    nlg_status status = open_runner(&r, e, &summary, err);
    if (status == NLG_OK) status = json ? print_json(&r, err) : print_text(&r, err);
    close_runner(&r);
    return status;
}

nlg_status nlg_execution_work(const nlg_execution *e, double *seconds, nlg_error *err) {
    runner r;
    nlg_execution_summary summary;
    nlg_status status = open_runner(&r, e, &summary, err);
    for (int x = 0; x < e->count && status == NLG_OK; x++) {
        seconds[x] = 0;
        for (int s = 0; s < e->experiments[x].n_stages; s++)
            for (int t = 0; t < r.plans[x][s].count; t++)
                seconds[x] += nlg_measure_seconds(e->experiments[x].stages[s].measure, r.plans[x][s].trials[t].work);
    }
    close_runner(&r);
    return status;
}
