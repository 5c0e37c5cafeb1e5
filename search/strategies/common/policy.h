/* What strategies by reinforcement learning share: a controller, the codes that it wrote and still wait for a reward, and a moving
 * average of rewards as the baseline. A trial that was not done has reward 0. */
#ifndef NLG_POLICY_H
#define NLG_POLICY_H

#include "search/strategies/common/controller.h"
#include "search/strategy.h"

typedef struct nlg_episode {
    nlg_code code;     /* as written, not canonical */
    double log_chance; /* when it was written */
    double advantage;  /* reward less baseline */
} nlg_episode;

typedef struct nlg_policy {
    nlg_controller *controller;
    nlg_rng rng;
    uint64_t asked;
    double power, decay; /* rewards are raised to `power`; the baseline keeps `decay` of itself */
    double baseline;
    bool has_baseline;
    nlg_episode *episodes; /* told ones first, then those that wait */
    int told, count, room;
} nlg_policy;

nlg_status nlg_policy_ask(nlg_policy *policy, int count, nlg_proposal *proposals, nlg_error *err);
void nlg_policy_tell(nlg_policy *policy, const nlg_trial *trials, int count);
void nlg_policy_drop(nlg_policy *policy, int count); /* forgets the first `count` told ones */
void nlg_policy_free(nlg_policy *policy);

#endif
