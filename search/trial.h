/* Trials: evaluations of architectures within a search, and what a search maximises. */
#ifndef NLG_TRIAL_H
#define NLG_TRIAL_H

#include <math.h>

#include "search/space.h"

typedef enum { NLG_COST_MACS, NLG_COST_PARAMS, NLG_COST_LATENCY, NLG_COST_KIND_COUNT } nlg_cost_kind;
const char *nlg_cost_name(nlg_cost_kind kind); /* "macs", "params", "latency" */

/* What a run maximises: the score, or MnasNet's score * (cost / target)^w with w = alpha up to the target and beta beyond it (Tan
 * et al., CVPR 2019, equations 2 and 3: soft alpha = beta = -0.07, hard alpha = 0, beta = -1). */
typedef struct nlg_objective {
    nlg_cost_kind cost; /* also the second objective of strategies that have two */
    double target;      /* in the cost's unit: MACs, parameters, ms; 0: the score alone */
    double alpha, beta;
} nlg_objective;
double nlg_objective_reward(const nlg_objective *objective, double score, double cost);

typedef enum { NLG_TRIAL_DONE, NLG_TRIAL_FAILED, NLG_TRIAL_REJECTED, NLG_TRIAL_NONFINITE, NLG_TRIAL_STATUS_COUNT } nlg_trial_status;
const char *nlg_trial_status_name(nlg_trial_status status); /* "done", "failed", "rejected", "nonfinite" */

typedef struct nlg_trial {
    int number;     /* order of asking, from 0 */
    nlg_code code;  /* canonical, also if the strategy asked for another guise */
    char hash[65];  /* canonical */
    bool is_repeat; /* the hash was seen before in this run at this budget: the result is taken over, no evaluation is spent */
    uint64_t seed;  /* below 2^53; a function of the run's seed and the hash: the same in every strategy's run */
    double budget;  /* the share of the evaluator's full budget that was asked for: above 0, at most 1 */
    nlg_trial_status status;
    double score;         /* validation accuracy, 0 to 1; 0 unless done */
    int64_t params, macs; /* 0: not measured */
    double latency_ms;    /* 0: not measured */
    double cost, reward; /* of the run's objective, by the runner: cost to be minimised (0: not measured), reward to be maximised; 0
                          * unless done */
    int budget_epochs;
    char digest[65];   /* of the trained weights, or of the looked-up row */
    char message[256]; /* why it failed or was rejected */
    /* Times are kept apart from results: not part of digests. Without workers, their sum over a run is its wall time. */
    double overhead_seconds;   /* since the last evaluation ended: store, tell, ask */
    double evaluation_seconds; /* spent here on the evaluation, 0 for repeats */
    double simulated_cost;     /* what the looked-up evaluation once cost elsewhere, in the evaluator's cost_unit; 0: not known */
} nlg_trial;
/* A cost for people and other programs: NaN, which is printed as missing, where it was not measured. */
static inline double nlg_measured(double cost) {
    return cost > 0 ? cost : (double)NAN;
}
/* Of a trial with a score: repeats cost nothing, others something, NaN where it is not known. */
static inline double nlg_trial_simulated_cost(const nlg_trial *trial) {
    return trial->is_repeat || trial->status != NLG_TRIAL_DONE ? trial->simulated_cost : nlg_measured(trial->simulated_cost);
}

/* The seed with which an architecture of that hash is trained in a run, whichever strategy found it; below 2^53. */
uint64_t nlg_trial_seed(uint64_t run_seed, const char *hash);

/* Whether a is better than b (either may be NULL, which is worse than all that are done): a larger budget, then a larger reward,
 * then an earlier number. */
bool nlg_trial_is_better(const nlg_trial *a, const nlg_trial *b);

/* Facts of this process, kept with the trials it evaluates; no result depends on them. Texts may be NULL. */
typedef struct nlg_session_facts {
    const char *commit, *compiler, *flags, *isa;
    int threads;
} nlg_session_facts;

#endif
