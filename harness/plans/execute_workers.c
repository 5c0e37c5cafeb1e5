/* Trials of a stage side by side, in processes of one thread each. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/plans/execution.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/parallel/at_once.h"
#include "search/parallel/workers.h"

/* ---- how many ---------------------------------------------------------------------------------------------------------- */

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
static nlg_status fit_memory(nlg_execution_state *r, const nlg_stage *stage, const nlg_stage_plan *plan, const int *chosen,
                             int count, int *workers, nlg_error *err) {
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

nlg_status nlg_execution_count_workers(nlg_execution_state *r, const nlg_stage *stage, const nlg_stage_plan *plan,
                                       const int *chosen, int count, int *workers, nlg_error *err) {
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

/* ---- running ----------------------------------------------------------------------------------------------------------- */

/* What workers share with the process that waits for them. */
typedef struct side_by_side {
    nlg_execution_state *r;
    const nlg_stage *stage;
    nlg_stage_plan *plan;
    int failed;
    char first[320]; /* failure */
} side_by_side;

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
    nlg_execution_result_text(s->stage->measure, &record, trial->message, sizeof trial->message);
    trial->latency_ms = 1e3 * record.seconds;
    nlg_record_free(&record);
    nlg_store_close(lab->store);
    return status;
}

static nlg_status after_worker(void *context, nlg_trial *trial, nlg_error *err) {
    side_by_side *s = context;
    nlg_execution_state *r = s->r;
    nlg_planned *t = &s->plan->trials[trial->number];
    (void)err;
    if (trial->status != NLG_TRIAL_DONE) { /* the machine failed: nothing is stored, the same command tries again */
        if (!s->failed++) snprintf(s->first, sizeof s->first, "%.60s: %.240s", t->arm, trial->message);
        return NLG_OK;
    }
    nlg_execution_count(r, s->stage, t, trial->latency_ms / 1e3);
    nlg_execution_tell(r, s->stage, t, trial->message, trial->latency_ms / 1e3);
    return NLG_OK;
}

nlg_status nlg_execution_in_workers(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen,
                                    int count, int workers, nlg_error *err) {
    side_by_side s = {.r = r, .stage = stage, .plan = plan};
    const nlg_evaluator evaluator = {.name = "trials", .context = &s, .evaluate = work, .begin_worker = begin_worker};
    const nlg_worker_job job = {.evaluator = &evaluator,
                                .workers = workers,
                                .store = r->e->store,
                                .done = after_worker,
                                .context = &s,
                                .stop = nlg_execution_stop};
    nlg_trial *trials = nlg_alloc((size_t)plan->count, sizeof *trials);
    if (!trials) return nlg_fail_memory(err, (size_t)plan->count * sizeof *trials, "the trials");
    for (int i = 0; i < plan->count; i++) trials[i].number = i;
    nlg_execution_wait(r, stage);
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
