/* Episodes of a controller. */
#include "search/strategies/common/policy.h"

#include <assert.h>
#include <string.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"

nlg_status nlg_policy_ask(nlg_policy *p, int count, nlg_proposal *proposals, nlg_error *err) {
    if (p->count + count > p->room) {
        int room = 2 * (p->count + count);
        nlg_episode *episodes = nlg_realloc(p->episodes, (size_t)room, sizeof *episodes);
        if (!episodes) return nlg_fail_memory(err, (size_t)room * sizeof *episodes, "the episodes");
        p->episodes = episodes;
        p->room = room;
    }
    for (int i = 0; i < count; i++) {
        nlg_episode *e = &p->episodes[p->count++];
        *e = (nlg_episode){0};
        e->log_chance = nlg_controller_sample(p->controller, nlg_rng_stream(p->rng, p->asked++), &e->code);
        proposals[i].code = e->code;
    }
    return NLG_OK;
}

void nlg_policy_tell(nlg_policy *p, const nlg_trial *trials, int count) {
    assert(p->told + count <= p->count);
    for (int i = 0; i < count; i++) {
        double reward = trials[i].status == NLG_TRIAL_DONE && trials[i].reward > 0 ? nlg_pow(trials[i].reward, p->power) : 0;
        if (p->power == 1 && trials[i].status == NLG_TRIAL_DONE) reward = trials[i].reward; /* may be negative */
        if (!p->has_baseline) p->baseline = reward;
        p->has_baseline = true;
        p->episodes[p->told++].advantage = reward - p->baseline;
        p->baseline = p->decay * p->baseline + (1 - p->decay) * reward;
    }
}

void nlg_policy_drop(nlg_policy *p, int count) {
    memmove(p->episodes, p->episodes + count, (size_t)(p->count - count) * sizeof *p->episodes);
    p->count -= count;
    p->told -= count;
}

void nlg_policy_free(nlg_policy *p) {
    nlg_controller_destroy(p->controller);
    nlg_free(p->episodes);
    *p = (nlg_policy){0};
}
