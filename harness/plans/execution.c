/* The plan of an execution, its estimates, and what it tells. */
#include "harness/plans/execution.h"

#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

/* ---- estimates --------------------------------------------------------------------------------------------------------- */

static int index_of(const nlg_measure *measure) {
    for (int i = 0; i < nlg_measures(); i++)
        if (nlg_measure_at(i) == measure) return i;
    return 0;
}

typedef struct speed_reader {
    nlg_execution_state *r;
    int measure;
    bool shipped;
} speed_reader;

/* The first speed of a stage stays: that of the store. What measures take at all is not looked up in other machines' records. */
static void take_speed(void *context, const char *experiment, const char *stage, double seconds, double amount) {
    const speed_reader *reader = context;
    nlg_execution_state *r = reader->r;
    if (!experiment) {
        if (!reader->shipped) r->speeds[reader->measure] = (nlg_execution_speed){seconds, amount};
        return;
    }
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; strcmp(e->id, experiment) == 0 && i < e->n_stages; i++)
            if (strcmp(e->stages[i].name, stage) == 0 && e->stages[i].measure == nlg_measure_at(reader->measure) &&
                !(r->stage_speeds[x][i].amount > 0))
                r->stage_speeds[x][i] = (nlg_execution_speed){seconds, amount};
    }
}

static nlg_status read_store_speeds(nlg_execution_state *r, nlg_store *store, bool shipped, nlg_error *err) {
    for (int i = 0; i < nlg_measures() && i < NLG_EXECUTION_MEASURES_MAX; i++) {
        const nlg_measure *m = nlg_measure_at(i);
        if (m->work)
            NLG_TRY(nlg_store_speeds(store, m->name, m->work, take_speed, &(speed_reader){.r = r, .measure = i, .shipped = shipped},
                                     err));
    }
    return NLG_OK;
}

static nlg_status read_speeds(nlg_execution_state *r, nlg_error *err) {
    nlg_store *shipped;
    if (r->e->store) NLG_TRY(read_store_speeds(r, r->e->store, false, err));
    if (!r->e->shipped || !*r->e->shipped) return NLG_OK;
    NLG_TRY(nlg_store_open(r->e->shipped, NLG_STORE_READ, &shipped, err));
    nlg_status status = read_store_speeds(r, shipped, true, err);
    nlg_store_close(shipped);
    return status;
}

/* As fast as other trials of the stage; where there are none, as those of the measure, or of one of the same work, in the store,
 * else by the measure's pace. */
static double expected_seconds(const nlg_execution_state *r, const nlg_experiment *e, int stage, double work) {
    const nlg_measure *measure = e->stages[stage].measure;
    if (!measure->work) return work;
    const nlg_execution_speed *s = &r->stage_speeds[e - r->e->experiments][stage];
    if (!(s->amount > 0)) s = &r->speeds[index_of(measure)];
    for (int i = 0; i < nlg_measures() && !(s->amount > 0); i++)
        if (nlg_measure_at(i)->work && strcmp(nlg_measure_at(i)->work, measure->work) == 0) s = &r->speeds[i];
    return s->amount > 0 ? work * s->seconds / s->amount : nlg_measure_seconds(measure, work);
}

/* With what the trials of this run took beside what was expected: this machine may be another. */
double nlg_execution_seconds(const nlg_execution_state *r, const nlg_experiment *e, int stage, double work) {
    enum { PRIOR_SECONDS = 10 };
    return expected_seconds(r, e, stage, work) * (r->took + PRIOR_SECONDS) / (r->expected + PRIOR_SECONDS);
}

/* Trials that are measured at once. */
static int side_by_side(const nlg_execution *e, const nlg_measure *measure, int trials) {
    const int processes = e->ranks ? e->ranks : e->workers < 0 ? e->lab->settings->threads : e->workers;
    if (measure->is_timed || processes < 1) return 1;
    return processes < trials ? processes : trials > 0 ? trials : 1;
}

double nlg_execution_estimate(const nlg_execution_state *r, const nlg_experiment *e, int stage, const nlg_stage_plan *plan,
                              int *left) {
    double seconds = 0;
    *left = 0;
    for (int i = 0; i < plan->count; i++) {
        if (plan->trials[i].stored) continue;
        seconds += nlg_execution_seconds(r, e, stage, plan->trials[i].work);
        ++*left;
    }
    return seconds / side_by_side(r->e, e->stages[stage].measure, *left);
}

double nlg_execution_estimate_all(const nlg_execution_state *r) {
    double seconds = 0;
    int left;
    for (int x = 0; x < r->e->count; x++)
        for (int s = 0; s < r->e->experiments[x].n_stages; s++)
            seconds += nlg_execution_estimate(r, &r->e->experiments[x], s, &r->plans[x][s], &left);
    return seconds;
}

void nlg_execution_count(nlg_execution_state *r, const nlg_stage *stage, nlg_planned *trial, double seconds) {
    trial->stored = true;
    r->number++;
    r->summary->done++;
    r->expected += expected_seconds(r, r->experiment, (int)(stage - r->experiment->stages), trial->work);
    r->took += seconds;
    r->seconds_left = nlg_execution_estimate_all(r);
}

/* ---- planning ---------------------------------------------------------------------------------------------------------- */

nlg_status nlg_execution_plan_stage(nlg_execution_state *r, int x, int stage, nlg_error *err) {
    nlg_stage_plan_free(&r->plans[x][stage]);
    return nlg_stage_make(r->e->lab, r->e->store, &r->e->experiments[x], stage, r->plans[x], &r->plans[x][stage], err);
}

static nlg_status plan_all(nlg_execution_state *r, nlg_error *err) {
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
            NLG_TRY(nlg_execution_plan_stage(r, x, e->order[i], err));
            const nlg_stage_plan *plan = &r->plans[x][e->order[i]];
            r->summary->trials += plan->count;
            for (int t = 0; t < plan->count; t++) r->summary->stored += plan->trials[t].stored;
        }
    }
    return NLG_OK;
}

nlg_status nlg_execution_open(nlg_execution_state *r, const nlg_execution *e, nlg_execution_summary *summary, nlg_error *err) {
    *r = (nlg_execution_state){.e = e, .summary = summary};
    *summary = (nlg_execution_summary){0};
    r->plans = nlg_alloc((size_t)e->count + 1, sizeof *r->plans);
    r->stage_speeds = nlg_alloc((size_t)e->count + 1, sizeof *r->stage_speeds);
    if (!r->plans || !r->stage_speeds) return nlg_fail_memory(err, (size_t)e->count * sizeof *r->plans, "the plan");
    NLG_TRY(read_speeds(r, err));
    return plan_all(r, err);
}

void nlg_execution_close(nlg_execution_state *r) {
    for (int x = 0; r->plans && x < r->e->count; x++)
        for (int s = 0; s < NLG_STAGES_MAX; s++) nlg_stage_plan_free(&r->plans[x][s]);
    nlg_free(r->plans);
    nlg_free(r->stage_speeds);
}

/* ---- what is told ------------------------------------------------------------------------------------------------------ */

/* "validation 0.2950", of the measure's main metric. */
void nlg_execution_result_text(const nlg_measure *measure, const nlg_record *record, char *text, size_t size) {
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

void nlg_execution_tell(nlg_execution_state *r, const nlg_stage *stage, const nlg_planned *trial, const char *result,
                        double seconds) {
    char factors[160], left[24];
    nlg_planned_text(trial, factors, sizeof factors);
    nlg_progress_line(&r->progress, "[%d/%d] %s, %s: %.60s%s%s: %s (%.1f s; about %s left)", r->number, r->summary->trials,
                      r->experiment->id, stage->name, trial->arm, *factors ? ", " : "", factors, result, seconds,
                      nlg_duration_text(r->seconds_left, left));
}

static struct {
    nlg_execution_state *r;
    const nlg_stage *stage;
} waiting; /* the stop function has no context */

void nlg_execution_wait(nlg_execution_state *r, const nlg_stage *stage) {
    waiting.r = r;
    waiting.stage = stage;
}

bool nlg_execution_stop(void) {
    nlg_execution_state *r = waiting.r;
    char left[24];
    nlg_progress_update(&r->progress, (double)r->number / r->summary->trials, "[%d/%d] %s, %s: side by side; %s left in all",
                        r->number, r->summary->trials, r->experiment->id, waiting.stage->name,
                        nlg_duration_text(r->seconds_left, left));
    return nlg_interrupted();
}
