/* Regularized evolution: Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019,
 * algorithm 1.
 *
 * A population of P random architectures; then in each cycle the best of S members, drawn with replacement, is mutated, and
 * when the child joins, the oldest member dies ("ageing"). Without ageing the worst of the S members dies instead, the paper's
 * non-aging evolution. The paper runs P = 100, S = 25 for 20,000 trials; the defaults keep the ratio for runs of 50 to 500.
 *
 * Beyond the paper: trials that were not done never join, so they have no children and nobody dies for them; a batch of q
 * trials is asked for before any of them is told. */
#include "layers/base/memory.h"
#include "search/search.h"

#include <string.h>

enum { POPULATION, SAMPLE, AGEING };
static const nlg_strategy_option options[] = {
    [POPULATION] = {"population", NLG_OPTION_INT, 20, 2, 10000, "members P; as many random architectures come first"},
    [SAMPLE] = {"sample", NLG_OPTION_INT, 5, 1, 10000, "members S of a tournament; its best becomes the parent"},
    [AGEING] = {"ageing", NLG_OPTION_BOOL, 1, 0, 1, "the oldest member dies; otherwise the worst of the tournament"},
};

typedef struct member {
    nlg_code code;
    double score;
} member;

typedef struct state {
    const nlg_space *space;
    nlg_rng random, tournament, mutation; /* streams; numbered by trial */
    int limit, sample;
    bool ageing;
    int asked;
    int count;
    member *members; /* oldest first */
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s = (state){.space = space,
                 .random = nlg_rng_named(rng, "random"),
                 .tournament = nlg_rng_named(rng, "tournament"),
                 .mutation = nlg_rng_named(rng, "mutation"),
                 .limit = (int)values[POPULATION],
                 .sample = (int)values[SAMPLE],
                 .ageing = values[AGEING] != 0};
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
        double score = s->members[drawn].score, highest = s->members[*best].score, lowest = s->members[*worst].score;
        if (score > highest || (score == highest && drawn < *best)) *best = drawn;
        if (score < lowest || (score == lowest && drawn < *worst)) *worst = drawn;
    }
}

static nlg_status ask(void *memory, int count, nlg_code *codes, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        int trial = s->asked++;
        if (s->count == 0 || s->count + i < s->limit) {
            nlg_space_sample(s->space, nlg_rng_stream(s->random, (uint64_t)trial), &codes[i]);
            continue;
        }
        int parent, worst;
        hold_tournament(s, trial, &parent, &worst);
        nlg_space_mutate(s->space, nlg_rng_stream(s->mutation, (uint64_t)trial), &s->members[parent].code, &codes[i]);
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
        s->members[s->count++] = (member){trials[i].code, trials[i].score};
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_regularized_evolution = {
    .name = "regularized_evolution",
    .summary = "tournament evolution in which the oldest dies (Real et al. 2019)",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
