/* Running the stages of experiments. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/plans/execution.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

/* ---- one trial --------------------------------------------------------------------------------------------------------- */

static bool watch(void *context, double fraction, const char *what) {
    nlg_execution_state *r = context;
    const double left = r->seconds_left - fmin(nlg_seconds_now() - r->begun, r->trial_seconds);
    char text[24];
    nlg_progress_update(&r->progress, fraction, "[%d/%d] %s, %.60s: %s; %s left in all", r->number + 1, r->summary->trials,
                        r->experiment->id, r->trial->arm, what, nlg_duration_text(left, text));
    return !nlg_interrupted();
}

/* The trial has its record: it is stored, counted and told. quiet: one line for the stage comes later. */
static nlg_status keep(nlg_execution_state *r, const nlg_stage *stage, nlg_planned *trial, const nlg_record *record, bool quiet,
                       nlg_error *err) {
    nlg_session_facts facts = r->e->lab->session;
    NLG_TRY(nlg_store_put_record(r->e->store, record, &facts, err));
    nlg_execution_count(r, stage, trial, record->seconds);
    if (quiet) return NLG_OK;
    char result[96];
    nlg_execution_result_text(stage->measure, record, result, sizeof result);
    nlg_execution_tell(r, stage, trial, result, record->seconds);
    return NLG_OK;
}

static nlg_status run_here(nlg_execution_state *r, const nlg_stage *stage, nlg_planned *trial, bool quiet, nlg_error *err) {
    nlg_record record;
    if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    r->trial = trial;
    r->begun = nlg_seconds_now();
    r->trial_seconds = nlg_execution_seconds(r, r->experiment, (int)(stage - r->experiment->stages), trial->work);
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

static nlg_status write_members(nlg_execution_state *r, const nlg_stage *stage, const nlg_stage_plan *plan, nlg_error *err) {
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
static nlg_status check_final(const nlg_execution_state *r, int x, const nlg_stage *stage, nlg_error *err) {
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
static nlg_status is_stored(const nlg_execution_state *r, const nlg_planned *trial, bool *stored, nlg_error *err) {
    *stored = trial->stored;
    return *stored ? NLG_OK : nlg_store_has_record(r->e->store, trial->key, stored, err);
}

/* Trials without work to speak of share a transaction and a line. */
static bool is_light(const nlg_stage *stage, const nlg_stage_plan *plan) {
    for (int i = 0; i < plan->count; i++)
        if (plan->trials[i].work > 0 || stage->measure->is_timed) return false;
    return true;
}

static nlg_status run_trials(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, bool light, nlg_error *err) {
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

/* Numbers of the trials that are missing, each key once, the longest first: so the last ones end together. */
static nlg_status list_missing(const nlg_execution_state *r, nlg_stage_plan *plan, int *chosen, int *count, nlg_error *err) {
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

static nlg_status run_heavy(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, nlg_error *err) {
    int *chosen = nlg_alloc((size_t)plan->count, sizeof *chosen), count = 0, workers = 0;
    nlg_status status = chosen ? list_missing(r, plan, chosen, &count, err) : nlg_fail_memory(err, 0, "the trials");
    const bool on_ranks = r->e->ranks && !stage->measure->is_timed;
    if (status == NLG_OK && on_ranks) status = nlg_execution_on_ranks(r, stage, plan, chosen, count, err);
    if (status == NLG_OK && !on_ranks) status = nlg_execution_count_workers(r, stage, plan, chosen, count, &workers, err);
    if (status == NLG_OK && workers) status = nlg_execution_in_workers(r, stage, plan, chosen, count, workers, err);
    nlg_free(chosen);
    return status == NLG_OK ? run_trials(r, stage, plan, false, err) : status; /* also finds those that share a record */
}

static nlg_status run_light(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, nlg_error *err) {
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

static nlg_status run_stage(nlg_execution_state *r, int x, int s, nlg_error *err) {
    const nlg_stage *stage = &r->experiment->stages[s];
    nlg_stage_plan *plan = &r->plans[x][s];
    int left;
    if (plan->tentative) {
        const int before = plan->count;
        NLG_TRY(nlg_execution_plan_stage(r, x, s, err));
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
    nlg_execution_estimate(r, r->experiment, s, plan, &left);
    if (!left) return NLG_OK;
    NLG_TRY(check_final(r, x, stage, err));
    if (stage->final)
        nlg_progress_line(&r->progress, "%s, %s: final stage, test splits may be opened", r->experiment->id, stage->name);
    return is_light(stage, plan) ? run_light(r, stage, plan, err) : run_heavy(r, stage, plan, err);
}

static nlg_status run_experiment(nlg_execution_state *r, int x, nlg_error *err) {
    const nlg_experiment *e = r->experiment = &r->e->experiments[x];
    const char *names[NLG_STAGES_MAX];
    char digest[65];
    NLG_TRY(nlg_experiment_plan(e->document, r->e->profile, digest, err));
    NLG_TRY(nlg_store_keep_plan(r->e->store, r->e->profile, e->id, digest, err));
    for (int s = 0; s < e->n_stages; s++) names[s] = e->stages[s].name;
    NLG_TRY(nlg_store_keep_stages(r->e->store, r->e->profile, e->id, names, e->n_stages, err));
    for (int i = 0; i < e->n_stages; i++) NLG_TRY(run_stage(r, x, e->order[i], err));
    return nlg_store_set_plan(r->e->store, r->e->profile, e->id, digest, err);
}

nlg_status nlg_execute(const nlg_execution *e, nlg_execution_summary *summary, nlg_error *err) {
    nlg_execution_state r;
    nlg_status status = nlg_execution_open(&r, e, summary, err);
    summary->done = r.number = summary->stored;
    e->lab->watch = watch;
    e->lab->watch_context = &r;
    nlg_progress_start(&r.progress);
    r.seconds_left = status == NLG_OK ? nlg_execution_estimate_all(&r) : 0;
    for (int x = 0; x < e->count && status == NLG_OK; x++) status = run_experiment(&r, x, err);
    nlg_progress_end(&r.progress);
    e->lab->watch = NULL;
    e->lab->may_open_test = false;
    nlg_execution_close(&r);
    return status;
}
