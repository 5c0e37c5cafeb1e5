/* Evaluators: they give an architecture its score and costs, by training, by looking it up, or by drawing. */
#ifndef NLG_EVALUATOR_H
#define NLG_EVALUATOR_H

#include "search/trial.h"

/* architecture -> score and costs, for a budget. Fills status, score, params, macs, latency_ms, budget_epochs, simulated_cost,
 * digest and message from code, hash, seed and budget. A failure that the architecture causes is a trial status; an error
 * status ends the run without storing the trial (it is evaluated again when the run is continued). */
typedef struct nlg_evaluator {
    const char *name;
    const char *cost_unit; /* of simulated_cost: "seconds", "MACs x epochs"; NULL: evaluations are not simulated */
    bool no_costs;         /* its architectures are no networks: they have neither parameters, MACs nor latency */
    /* Evaluations take long and depend on space, configuration, architecture, seed and budget only: a result in the store is taken
     * in place of a new one, whichever strategy asked for it. */
    bool is_shared;
    void *context;
    nlg_status (*evaluate)(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err);
    /* Optional: called in a new worker process before its one evaluation, where the parent's threads do not exist. */
    nlg_status (*begin_worker)(void *context, nlg_error *err);
} nlg_evaluator;

#endif
