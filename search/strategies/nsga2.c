/* NSGA-II: Deb, Pratap, Agarwal, Meyarivan, "A Fast and Elitist Multiobjective Genetic Algorithm: NSGA-II", IEEE TEC 6(2), 2002.
 *
 * Two objectives: a high score and a low cost (MACs, parameters or latency, as the run says). Parents and their children are sorted
 * into fronts that do not dominate each other; the best fronts survive, the last one by crowding distance. Parents are chosen by
 * tournaments of two. A child is a uniform crossover of two parents, then one mutation of the space, which stands for Deb's 1/n a
 * variable.
 *
 * Within a batch a generation may get more children than parents; all of them compete. */
#include <math.h>
#include <stdlib.h>

#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/strategy.h"

enum { POPULATION, CROSSOVER, MUTATION };
#define PAPER "Deb et al. 2002"
static const nlg_strategy_option options[] = {
    [POPULATION] = {"population", NLG_OPTION_INT, 100, 2, 10000, "members; as many random architectures come first", PAPER},
    [CROSSOVER] = {"crossover", NLG_OPTION_REAL, 0.9, 0, 1, "chance that a child has two parents", PAPER},
    [MUTATION] = {"mutation", NLG_OPTION_REAL, 1, 0, 1, "chance that a child is mutated", PAPER ": one variable on average"},
};

typedef struct member {
    nlg_code code;
    double score, cost, crowding;
    int number, front;
} member;

typedef struct state {
    const nlg_space *space;
    nlg_rng random, tournament, cross, mutation;
    int limit, asked;
    double crossover, mutate;
    member *members; /* the parents, best first; then the children that were told */
    int parents, count, room;
    int told; /* since the last survival */
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    (void)err;
    *(state *)memory = (state){.space = space,
                               .random = nlg_rng_named(rng, "random"),
                               .tournament = nlg_rng_named(rng, "tournament"),
                               .cross = nlg_rng_named(rng, "crossover"),
                               .mutation = nlg_rng_named(rng, "mutation"),
                               .limit = (int)values[POPULATION],
                               .crossover = values[CROSSOVER],
                               .mutate = values[MUTATION]};
    return NLG_OK;
}

static void destroy(void *memory) {
    nlg_free(((state *)memory)->members);
}

/* ---- children ---------------------------------------------------------------------------------------------------------- */

/* The parents stand in order, so the smaller index wins. */
static const member *choose_parent(const state *s, nlg_rng rng, uint64_t which) {
    uint64_t a = nlg_rng_below(rng, 2 * which, (uint64_t)s->parents), b = nlg_rng_below(rng, 2 * which + 1, (uint64_t)s->parents);
    return &s->members[a < b ? a : b];
}

static void make_child(const state *s, int trial, nlg_code *child) {
    nlg_rng tournament = nlg_rng_stream(s->tournament, (uint64_t)trial), cross = nlg_rng_stream(s->cross, (uint64_t)trial),
            mutation = nlg_rng_stream(s->mutation, (uint64_t)trial);
    const nlg_code *a = &choose_parent(s, tournament, 0)->code, *b = &choose_parent(s, tournament, 1)->code;
    nlg_code mixed = *a;
    if (a->length == b->length && nlg_rng_uniform(cross, 0) < s->crossover) {
        for (int i = 0; i < a->length; i++)
            if (nlg_rng_below(cross, (uint64_t)i + 1, 2)) mixed.value[i] = b->value[i];
        if (!nlg_space_valid(s->space, &mixed)) mixed = *a;
    }
    *child = mixed;
    if (nlg_rng_uniform(nlg_rng_named(mutation, "chance"), 0) < s->mutate) nlg_space_mutate(s->space, mutation, &mixed, child);
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        int trial = s->asked++;
        if (s->parents) {
            make_child(s, trial, &proposals[i].code);
        } else {
            nlg_space_sample(s->space, nlg_rng_stream(s->random, (uint64_t)trial), &proposals[i].code);
        }
    }
    return NLG_OK;
}

/* ---- survival ---------------------------------------------------------------------------------------------------------- */

static bool dominates(const member *a, const member *b) {
    return a->score >= b->score && a->cost <= b->cost && (a->score > b->score || a->cost < b->cost);
}

static bool is_dominated_by_another(const member *m, int count, int i, int front) {
    for (int j = 0; j < count; j++)
        if (m[j].front >= front && dominates(&m[j], &m[i])) return true;
    return false;
}

/* Front 0 is dominated by nobody, front 1 by front 0 only, and so on. */
static void sort_into_fronts(member *m, int count) {
    for (int i = 0; i < count; i++) m[i].front = INT32_MAX;
    for (int front = 0, placed = 0; placed < count; front++) {
        for (int i = 0; i < count; i++)
            if (m[i].front == INT32_MAX && !is_dominated_by_another(m, count, i, front)) m[i].front = front, placed++;
    }
}

static int by_score_then_number(const void *a, const void *b) {
    const member *x = *(member *const *)a, *y = *(member *const *)b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    if (x->cost != y->cost) return x->cost < y->cost ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

/* On a front, a higher score has a higher cost: one order serves both objectives. */
static void measure_crowding(member **sorted, int count) {
    qsort(sorted, (size_t)count, sizeof *sorted, by_score_then_number);
    double scores = sorted[count - 1]->score - sorted[0]->score, costs = sorted[count - 1]->cost - sorted[0]->cost;
    sorted[0]->crowding = sorted[count - 1]->crowding = (double)INFINITY;
    for (int i = 1; i + 1 < count; i++) {
        const member *below = sorted[i - 1], *above = sorted[i + 1];
        sorted[i]->crowding = scores > 0 ? (above->score - below->score) / scores : 0;
        if (costs > 0) sorted[i]->crowding += (above->cost - below->cost) / costs;
    }
}

static int by_rank(const void *a, const void *b) {
    const member *x = a, *y = b;
    if (x->front != y->front) return x->front < y->front ? -1 : 1;
    if (x->crowding != y->crowding) return x->crowding > y->crowding ? -1 : 1;
    return (x->number > y->number) - (x->number < y->number);
}

static nlg_status select_survivors(state *s, nlg_error *err) {
    member **sorted = nlg_alloc((size_t)s->count, sizeof *sorted);
    if (!sorted) return nlg_fail_memory(err, (size_t)s->count * sizeof *sorted, "the population");
    sort_into_fronts(s->members, s->count);
    for (int front = 0, done = 0; done < s->count; front++) {
        int count = 0;
        for (int i = 0; i < s->count; i++)
            if (s->members[i].front == front) sorted[count++] = &s->members[i];
        measure_crowding(sorted, count);
        done += count;
    }
    qsort(s->members, (size_t)s->count, sizeof *s->members, by_rank);
    if (s->count > s->limit) s->count = s->limit;
    s->parents = s->count;
    nlg_free(sorted);
    return NLG_OK;
}

/* An architecture joins once: copies would crowd out the front. */
static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        s->told++;
        if (trials[i].status != NLG_TRIAL_DONE || nlg_codes_have(s->members, sizeof(member), s->count, &trials[i].code)) continue;
        member *members = nlg_grow(s->members, &s->room, s->count, sizeof *members);
        if (!members) return nlg_fail_memory(err, (size_t)s->room * sizeof *members, "the population");
        s->members = members;
        s->members[s->count++] =
            (member){.code = trials[i].code, .score = trials[i].score, .cost = trials[i].cost, .number = trials[i].number};
    }
    if (s->told < s->limit || s->count == 0) return NLG_OK;
    s->told = 0;
    return select_survivors(s, err);
}

const nlg_strategy nlg_strategy_nsga2 = {
    .name = "nsga2",
    .summary = "genetic search for a high score at a low cost (NSGA-II, Deb et al. 2002)",
    .lowers_cost = true,
    .short_run = "population=20",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
