/* The evaluator that adds latencies, predicted or measured, to the trials of another one. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/evaluators/latency.h"

struct nlg_latency_evaluator {
    const nlg_latency_table *table; /* NULL: measured as here */
    nlg_latency_options here;
    const nlg_evaluator *inner;
    nlg_evaluator interface;
    char *config;
};

static void fail_trial(nlg_trial *trial, const char *what, const char *why) {
    trial->status = NLG_TRIAL_FAILED;
    snprintf(trial->message, sizeof trial->message, "%s%.200s", what, why);
}

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    const nlg_latency_evaluator *e = context;
    char missing[NLG_OPERATION_MAX] = "";
    double ms = 0;
    nlg_error why = {0};
    nlg_status status = e->table ? nlg_latency_predict(e->table, space, &trial->code, &ms, missing, &why)
                                 : nlg_latency_measure(&e->here, &trial->code, &ms, &why);
    if (status == NLG_ERR_MEMORY) return nlg_fail(err, status, "%s", why.text);
    if (status != NLG_OK) {
        fail_trial(trial, "", why.text);
    } else if (isnan(ms)) {
        fail_trial(trial, "the latency table has no ", missing);
    } else {
        NLG_TRY(e->inner->evaluate(e->inner->context, space, trial, err));
        trial->latency_ms = ms;
    }
    return NLG_OK;
}

static nlg_status begin_worker(void *context, nlg_error *err) {
    const nlg_latency_evaluator *e = context;
    return e->inner->begin_worker ? e->inner->begin_worker(e->inner->context, err) : NLG_OK;
}

static nlg_status write_config(const nlg_latency_table *table, const char *inner, char **text, nlg_error *err) {
    cJSON *object;
    NLG_TRY(nlg_json_read(inner, strlen(inner), "the evaluator's configuration", &object, err));
    cJSON_AddStringToObject(object, "latency_table", table ? nlg_latency_digest(table) : "measured");
    return nlg_json_finish(object, false, text, err);
}

nlg_status nlg_latency_evaluator_create(const nlg_latency_table *table, const nlg_latency_options *here, const nlg_evaluator *inner,
                                        const char *inner_config, nlg_latency_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    if (table) NLG_TRY(nlg_latency_check_space(table, here->space, err));
    nlg_latency_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "the evaluator");
    e->table = table;
    e->here = *here;
    e->inner = inner;
    e->interface = (nlg_evaluator){.name = inner->name,
                                   .cost_unit = inner->cost_unit,
                                   .is_shared = inner->is_shared && table /* a measured time is not the same twice */,
                                   .context = e,
                                   .evaluate = evaluate,
                                   .begin_worker = begin_worker};
    nlg_status status = write_config(table, inner_config, &e->config, err);
    if (status == NLG_OK)
        *evaluator = e;
    else
        nlg_latency_evaluator_destroy(e);
    return status;
}

void nlg_latency_evaluator_destroy(nlg_latency_evaluator *evaluator) {
    if (!evaluator) return;
    nlg_free(evaluator->config);
    nlg_free(evaluator);
}

const nlg_evaluator *nlg_latency_evaluator_interface(const nlg_latency_evaluator *evaluator) {
    return &evaluator->interface;
}

const char *nlg_latency_evaluator_config(const nlg_latency_evaluator *evaluator) {
    return evaluator->config;
}
