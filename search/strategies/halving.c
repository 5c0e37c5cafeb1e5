/* Successive halving: Jamieson and Talwalkar, "Non-stochastic Best Arm Identification and Hyperparameter Optimization", AISTATS
 * 2016, with the promotion rule of Li et al., "A System for Massively Parallel Hyperparameter Tuning", MLSys 2020, algorithm 2,
 * which needs no number of trials beforehand.
 *
 * Random architectures start at a small budget; whoever is among the best 1/eta of those that were told at a budget, and was not
 * promoted yet, is tried again at eta times that budget, up to the full one. */
#include <stdlib.h>

#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/strategy.h"

enum { ETA, RUNGS };
enum { RUNGS_MAX = 10 };
static const nlg_strategy_option options[] = {
    [ETA] = {"eta", NLG_OPTION_REAL, 4, 1.5, 100, "one of eta goes on, to eta times the budget", "Li et al. 2020"},
    [RUNGS] = {"rungs", NLG_OPTION_INT, 3, 1, RUNGS_MAX, "budgets; the smallest is the full one / eta^(rungs - 1)", "ours"},
};

typedef struct entry {
    nlg_code code;
    double reward;
    int number;
    bool promoted;
} entry;

typedef struct rung {
    entry *entries; /* best first */
    int count, room;
    double budget;
} rung;

typedef struct state {
    const nlg_space *space;
    nlg_rng random;
    uint64_t started;
    double eta;
    int rungs;
    rung rung[RUNGS_MAX];
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    (void)err;
    state *s = memory;
    *s = (state){.space = space, .random = nlg_rng_named(rng, "random"), .eta = values[ETA], .rungs = (int)values[RUNGS]};
    double budget = 1;
    for (int i = s->rungs - 1; i >= 0; i--, budget /= s->eta) s->rung[i].budget = budget;
    return NLG_OK;
}

static void destroy(void *memory) {
    state *s = memory;
    for (int i = 0; i < RUNGS_MAX; i++) nlg_free(s->rung[i].entries);
}

/* The best that may go on, at the highest budget first; NULL if there is none. */
static entry *find_promotable(state *s, int *to) {
    for (int i = s->rungs - 2; i >= 0; i--) {
        int best = (int)(s->rung[i].count / s->eta);
        for (int j = 0; j < best; j++) {
            if (s->rung[i].entries[j].promoted) continue;
            *to = i + 1;
            return &s->rung[i].entries[j];
        }
    }
    return NULL;
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        int to = 0;
        entry *e = find_promotable(s, &to);
        if (e) {
            e->promoted = true;
            proposals[i].code = e->code;
        } else {
            nlg_space_sample(s->space, nlg_rng_stream(s->random, s->started++), &proposals[i].code);
        }
        proposals[i].budget = s->rung[to].budget;
    }
    return NLG_OK;
}

static nlg_status insert(rung *r, const nlg_trial *trial, nlg_error *err) {
    entry *entries = nlg_grow(r->entries, &r->room, r->count, sizeof *entries);
    if (!entries) return nlg_fail_memory(err, (size_t)r->room * sizeof *entries, "a rung");
    r->entries = entries;
    int at = r->count++;
    for (; at > 0 && r->entries[at - 1].reward < trial->reward; at--) r->entries[at] = r->entries[at - 1];
    r->entries[at] = (entry){trial->code, trial->reward, trial->number, false};
    return NLG_OK;
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        int at = 0;
        while (at + 1 < s->rungs && s->rung[at].budget < trials[i].budget) at++;
        rung *r = &s->rung[at];
        /* The same architecture drawn twice must not be promoted twice, nor fill the best. */
        if (trials[i].status != NLG_TRIAL_DONE || nlg_codes_have(r->entries, sizeof(entry), r->count, &trials[i].code)) continue;
        NLG_TRY(insert(r, &trials[i], err));
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_halving = {
    .name = "halving",
    .summary = "successive halving: many at a small budget, the best at larger ones (Li et al. 2020)",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
