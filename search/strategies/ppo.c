/* Proximal policy optimization of the controller: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable
 * Image Recognition", CVPR 2018, Appendix A.2; the algorithm: Schulman et al., "Proximal Policy Optimization Algorithms", 2017,
 * equation 7.
 *
 * After every m trials the controller takes some steps up sum min(r A, clip(r, 1 - e, 1 + e) A) + w entropy, where r is the chance
 * of an architecture now over its chance when it was written, and A the reward less its moving average. */
#include "layers/base/dmath.h"
#include "search/strategies/common/policy.h"

enum { HIDDEN, INIT, RATE, CHILDREN, EPOCHS, CLIP, BASELINE, ENTROPY };
#define PAPER "Zoph et al. 2018"
static const nlg_strategy_option options[] = {
    [HIDDEN] = {"hidden", NLG_OPTION_INT, 100, 0, 1024, "LSTM units; 0: one softmax a position", PAPER},
    [INIT] = {"init", NLG_OPTION_REAL, 0.1, 0, 10, "weights begin uniform in -init .. init", PAPER},
    [RATE] = {"rate", NLG_OPTION_REAL, 0.00035, 0, 10, "learning rate of Adam", PAPER},
    [CHILDREN] = {"children", NLG_OPTION_INT, 20, 1, 4096, "trials m of an update",
                  "ours; the paper's work queue has no fixed number"},
    [EPOCHS] = {"epochs", NLG_OPTION_INT, 3, 1, 1000, "steps over the m trials", "Schulman et al. 2017, Atari"},
    [CLIP] = {"clip", NLG_OPTION_REAL, 0.2, 0, 10, "e: how far a ratio of chances may pull", "Schulman et al. 2017"},
    [BASELINE] = {"baseline", NLG_OPTION_REAL, 0.95, 0, 1, "share of itself that the moving average keeps", PAPER},
    [ENTROPY] = {"entropy", NLG_OPTION_REAL, 0.00001, 0, 100, "weight w of the entropy", PAPER},
};

typedef struct state {
    nlg_policy policy;
    int children, epochs;
    double clip, entropy;
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s =
        (state){.children = (int)values[CHILDREN], .epochs = (int)values[EPOCHS], .clip = values[CLIP], .entropy = values[ENTROPY]};
    s->policy = (nlg_policy){.rng = nlg_rng_named(rng, "sample"), .power = 1, .decay = values[BASELINE]};
    nlg_controller_options o = {(int)values[HIDDEN], 1, values[INIT], values[RATE]};
    return nlg_controller_create(space, &o, nlg_rng_named(rng, "controller"), &s->policy.controller, err);
}

static void destroy(void *memory) {
    nlg_policy_free(&((state *)memory)->policy);
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    return nlg_policy_ask(&((state *)memory)->policy, count, proposals, err);
}

static void take_step(const state *s) {
    nlg_controller *c = s->policy.controller;
    for (int i = 0; i < s->children; i++) {
        const nlg_episode *e = &s->policy.episodes[i];
        double ratio = nlg_exp(nlg_controller_evaluate(c, &e->code, NULL) - e->log_chance);
        bool clipped = e->advantage > 0 ? ratio > 1 + s->clip : ratio < 1 - s->clip;
        nlg_controller_learn(c, clipped ? 0 : e->advantage * ratio / s->children, s->entropy / s->children);
    }
    nlg_controller_step(c);
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    (void)err;
    state *s = memory;
    nlg_policy_tell(&s->policy, trials, count);
    for (; s->policy.told >= s->children; nlg_policy_drop(&s->policy, s->children)) {
        for (int epoch = 0; epoch < s->epochs; epoch++) take_step(s);
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_ppo = {
    .name = "ppo",
    .summary = "LSTM controller trained by proximal policy optimization (NASNet, Zoph et al. 2018)",
    .short_run = "hidden=16:rate=0.01:children=5",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
