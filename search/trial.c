/* Objectives, names, seeds and the order of trials. */
#include "search/trial.h"

#include "layers/base/dmath.h"

uint64_t nlg_trial_seed(uint64_t run_seed, const char *hash) {
    return nlg_rng_u64(nlg_rng_named(nlg_rng_named(nlg_rng_seed(run_seed), "trial"), hash), 0) >> 11;
}

const char *nlg_trial_status_name(nlg_trial_status status) {
    static const char *const names[NLG_TRIAL_STATUS_COUNT] = {"done", "failed", "rejected", "nonfinite"};
    return names[status];
}

const char *nlg_cost_name(nlg_cost_kind kind) {
    static const char *const names[NLG_COST_KIND_COUNT] = {"macs", "params", "latency"};
    return names[kind];
}

double nlg_objective_reward(const nlg_objective *objective, double score, double cost) {
    if (objective->target <= 0) return score;
    double ratio = cost / objective->target;
    return score * nlg_pow(ratio, ratio <= 1 ? objective->alpha : objective->beta);
}

bool nlg_trial_is_better(const nlg_trial *a, const nlg_trial *b) {
    if (!a || a->status != NLG_TRIAL_DONE) return false;
    if (!b || b->status != NLG_TRIAL_DONE) return true;
    if (a->budget != b->budget) return a->budget > b->budget;
    if (a->reward != b->reward) return a->reward > b->reward;
    return a->number < b->number;
}
