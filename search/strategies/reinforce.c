/* REINFORCE with a moving baseline: Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, Section 3.2
 * and 4.1.
 *
 * A controller (search/strategies/common/controller.h) writes architectures; after every m of them its parameters go up the
 * gradient of sum (R - b) log p, where b is a moving average of the rewards R (the paper: validation accuracy cubed). The paper
 * trains 12,800 architectures; runs of a few hundred want a rate of 0.01 and children = 1. hidden = 0 is the policy of
 * NAS-Bench-201's REINFORCE (Dong and Yang, ICLR 2020), one softmax a position. */
#include "search/strategies/common/policy.h"

enum { HIDDEN, LAYERS, INIT, RATE, CHILDREN, POWER, BASELINE, ENTROPY };
#define PAPER "Zoph and Le 2017"
static const nlg_strategy_option options[] = {
    [HIDDEN] = {"hidden", NLG_OPTION_INT, 35, 0, 1024, "LSTM units a layer; 0: one softmax a position", PAPER},
    [LAYERS] = {"layers", NLG_OPTION_INT, 2, 1, 8, "LSTM layers", PAPER},
    [INIT] = {"init", NLG_OPTION_REAL, 0.08, 0, 10, "weights begin uniform in -init .. init", PAPER},
    [RATE] = {"rate", NLG_OPTION_REAL, 0.0006, 0, 10, "learning rate of Adam", PAPER},
    [CHILDREN] = {"children", NLG_OPTION_INT, 8, 1, 4096, "trials m of an update", PAPER},
    [POWER] = {"power", NLG_OPTION_REAL, 3, 0.01, 100, "exponent of the reward", PAPER},
    [BASELINE] = {"baseline", NLG_OPTION_REAL, 0.95, 0, 1, "share of itself that the moving average keeps",
                  "not stated there; NASNet's, Zoph et al. 2018"},
    [ENTROPY] = {"entropy", NLG_OPTION_REAL, 0, 0, 100, "weight of the entropy bonus", PAPER ": none"},
};

typedef struct state {
    nlg_policy policy;
    int children;
    double entropy;
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s = (state){.children = (int)values[CHILDREN], .entropy = values[ENTROPY]};
    s->policy = (nlg_policy){.rng = nlg_rng_named(rng, "sample"), .power = values[POWER], .decay = values[BASELINE]};
    nlg_controller_options o = {(int)values[HIDDEN], (int)values[LAYERS], values[INIT], values[RATE]};
    return nlg_controller_create(space, &o, nlg_rng_named(rng, "controller"), &s->policy.controller, err);
}

static void destroy(void *memory) {
    nlg_policy_free(&((state *)memory)->policy);
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    return nlg_policy_ask(&((state *)memory)->policy, count, proposals, err);
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    (void)err;
    state *s = memory;
    nlg_policy *p = &s->policy;
    nlg_policy_tell(p, trials, count);
    for (; p->told >= s->children; nlg_policy_drop(p, s->children)) {
        for (int i = 0; i < s->children; i++) {
            nlg_controller_evaluate(p->controller, &p->episodes[i].code, NULL);
            nlg_controller_learn(p->controller, p->episodes[i].advantage / s->children, s->entropy / s->children);
        }
        nlg_controller_step(p->controller);
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_reinforce = {
    .name = "reinforce",
    .summary = "LSTM controller trained by REINFORCE (Zoph and Le 2017)",
    .short_run = "hidden=0:rate=0.1:children=1:power=1:baseline=0.9",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
