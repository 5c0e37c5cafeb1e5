/* Trials of a stage on the processes of an mpirun: rank 0 keeps the store and sends specs, the others answer with records. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "harness/plans/execution.h"
#include "layers/base/memory.h"
#include "search/parallel/ranks.h"

/* ---- ranks above 0 ----------------------------------------------------------------------------------------------------- */

static bool until_stopped(void *context, double fraction, const char *what) {
    (void)context, (void)fraction, (void)what;
    return !nlg_ranks_stop() && !nlg_interrupted();
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

/* ---- rank 0 ------------------------------------------------------------------------------------------------------------ */

/* A task is the name of the data set with its folder (empty: none), a newline, and the spec, which has no newline. */
static nlg_status write_task(const nlg_planned *trial, char **task, nlg_error *err) {
    const char *source = nlg_value_text(trial->values, "data");
    const size_t size = (source ? strlen(source) : 0) + strlen(trial->spec) + 2;
    *task = nlg_alloc(size, 1);
    if (!*task) return nlg_fail_memory(err, size, "a task");
    snprintf(*task, size, "%s\n%s", source ? source : "", trial->spec);
    return NLG_OK;
}

/* An answer becomes a record; t is the trial that the rank had. */
static nlg_status take_answer(nlg_execution_state *r, const nlg_stage *stage, nlg_planned *t, nlg_status told, const char *text,
                              nlg_error *err) {
    nlg_record record;
    bool found;
    char result[96];
    if (told != NLG_OK) return nlg_fail(err, told, "%s, %s: %.60s: %.600s", r->experiment->id, stage->name, t->arm, text);
    NLG_TRY(nlg_store_take_line(r->e->store, text, "a record of another process", err));
    NLG_TRY(nlg_store_record(r->e->store, t->key, &record, &found, err));
    if (!found) return nlg_fail(err, NLG_ERR_CHECK, "another process measured another spec; do all have the same program?");
    nlg_execution_count(r, stage, t, record.seconds);
    nlg_execution_result_text(stage->measure, &record, result, sizeof result);
    nlg_execution_tell(r, stage, t, result, record.seconds);
    nlg_record_free(&record);
    return NLG_OK;
}

nlg_status nlg_execution_on_ranks(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen,
                                  int count, nlg_error *err) {
    const int ranks = r->e->ranks;
    int *has = nlg_alloc((size_t)ranks + 1, sizeof *has); /* trial of each rank, counted from 1; 0: none */
    if (!has) return nlg_fail_memory(err, (size_t)ranks * sizeof *has, "the ranks");
    nlg_status status = NLG_OK;
    nlg_execution_wait(r, stage);
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
        if (nlg_execution_stop()) {
            status = nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
        } else if (nlg_ranks_receive_text(&rank, &told, &text)) {
            status = take_answer(r, stage, &plan->trials[has[rank] - 1], told, text, err);
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
