/* Regularized evolution: Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
 * algorithm 1.
 *
 * A population of P random architectures; then in each cycle the best of S members, drawn with replacement, is mutated, and
 * when the child joins, the oldest member dies ("ageing"). Without ageing the worst of the S members dies instead, the paper's
 * non-aging evolution. The paper's third mutation, identity, copies the parent: a repeat, which keeps a good member young.
 * The paper runs 20,000 trials; shorter runs want a smaller population.
 *
 * Beyond the paper: trials that were not done never join, so they have no children and nobody dies for them; a batch of q
 * trials is asked for before any of them is told. */
#include "layers/base/memory.h"
#include "search/strategy.h"

#include <string.h>

enum { POPULATION, SAMPLE, AGEING, IDENTITY };
#define PAPER "Real et al. 2019"
static const nlg_strategy_option options[] = {
    [POPULATION] = {"population", NLG_OPTION_INT, 100, 2, 10000, "members P; as many random architectures come first", PAPER},
    [SAMPLE] = {"sample", NLG_OPTION_INT, 25, 1, 10000, "members S of a tournament; its best becomes the parent", PAPER},
    [AGEING] = {"ageing", NLG_OPTION_BOOL, 1, 0, 1, "the oldest member dies; otherwise the worst of the tournament", PAPER},
    [IDENTITY] = {"identity", NLG_OPTION_REAL, 0.05, 0, 1, "chance that the child is a copy of its parent", PAPER},
};

typedef struct member {
    nlg_code code;
    double reward;
} member;

typedef struct state {
    const nlg_space *space;
    nlg_rng random, tournament, mutation; /* streams; numbered by trial */
    int limit, sample;
    bool ageing;
    double identity;
    int asked;
    int count;
    member *members; /* oldest first */
} state;

/* Drawn with replacement, the paper's sample fits any population; one that is asked for is meant. */
static nlg_status check(const double *values, const bool *given, nlg_error *err) {
    if (!given[SAMPLE] || values[SAMPLE] <= values[POPULATION]) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "strategy evolution: expected a sample of at most the population of %.0f, found %.0f",
                    values[POPULATION], values[SAMPLE]);
}

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s = (state){.space = space,
                 .random = nlg_rng_named(rng, "random"),
                 .tournament = nlg_rng_named(rng, "tournament"),
                 .mutation = nlg_rng_named(rng, "mutation"),
                 .limit = (int)values[POPULATION],
                 .sample = (int)values[SAMPLE],
                 .ageing = values[AGEING] != 0,
                 .identity = values[IDENTITY]};
    s->members = nlg_alloc((size_t)s->limit, sizeof *s->members);
    return s->members ? NLG_OK : nlg_fail_memory(err, (size_t)s->limit * sizeof *s->members, "the population");
}

static void destroy(void *memory) {
    nlg_free(((state *)memory)->members);
}

/* The tournament of a trial: indices of its best and worst member, the older one on ties. */
static void hold_tournament(const state *s, int trial, int *best, int *worst) {
    nlg_rng rng = nlg_rng_stream(s->tournament, (uint64_t)trial);
    *best = *worst = (int)nlg_rng_below(rng, 0, (uint64_t)s->count);
    for (int i = 1; i < s->sample; i++) {
        int drawn = (int)nlg_rng_below(rng, (uint64_t)i, (uint64_t)s->count);
        double reward = s->members[drawn].reward, highest = s->members[*best].reward, lowest = s->members[*worst].reward;
        if (reward > highest || (reward == highest && drawn < *best)) *best = drawn;
        if (reward < lowest || (reward == lowest && drawn < *worst)) *worst = drawn;
    }
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        int trial = s->asked++;
        if (s->count == 0 || s->count + i < s->limit) {
            nlg_space_sample(s->space, nlg_rng_stream(s->random, (uint64_t)trial), &proposals[i].code);
            continue;
        }
        int parent, worst;
        hold_tournament(s, trial, &parent, &worst);
        nlg_rng rng = nlg_rng_stream(s->mutation, (uint64_t)trial);
        proposals[i].code = s->members[parent].code;
        if (nlg_rng_uniform(nlg_rng_named(rng, "identity"), 0) < s->identity) continue;
        nlg_space_mutate(s->space, rng, &s->members[parent].code, &proposals[i].code);
    }
    return NLG_OK;
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        if (trials[i].status != NLG_TRIAL_DONE) continue;
        if (s->count == s->limit) {
            int dies = 0, best;
            if (!s->ageing) hold_tournament(s, trials[i].number, &best, &dies);
            s->count--;
            memmove(&s->members[dies], &s->members[dies + 1], (size_t)(s->count - dies) * sizeof *s->members);
        }
        s->members[s->count++] = (member){trials[i].code, trials[i].reward};
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_evolution = {
    .name = "evolution",
    .alias = "regularized_evolution",
    .summary = "tournament evolution in which the oldest dies (Real et al. 2019)",
    .short_run = "population=10:sample=10",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .check = check,
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
