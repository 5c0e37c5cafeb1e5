/* Local search: from a random architecture to a better neighbour, until there is none; then again from another random one. On NAS
 * benchmarks it is a strong baseline: White, Nolen, Savani, "Exploring the Loss Landscape in Neural Architecture Search", UAI 2021.
 *
 * Neighbours differ in one position of the code (if no such code is valid: as many mutations of the space). Best improvement tries
 * them all and moves to the best; first improvement moves as soon as one is better. What was tried before is not tried again.
 * Within a batch, results may be outstanding when the neighbours run out: then random architectures are tried, which may become the
 * next start. */
#include <math.h>

#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/strategy.h"

#define UNTOLD (-(double)INFINITY)

enum { FIRST };
static const nlg_strategy_option options[] = {
    [FIRST] = {"first", NLG_OPTION_BOOL, 0, 0, 1, "move to the first better neighbour instead of the best of all",
               "White et al. 2021"},
};

typedef struct point {
    nlg_code code;
    double reward;
    bool exists;
} point;

typedef struct state {
    const nlg_space *space;
    nlg_rng random, order;
    bool first;
    uint64_t starts, moves;
    point current, best; /* best: seen since the last move */
    nlg_code *neighbours;
    int room, count, next;
    int outstanding;   /* asked for and not told */
    nlg_code_map seen; /* canonical codes asked for; rewards of those told */
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s = (state){
        .space = space, .random = nlg_rng_named(rng, "random"), .order = nlg_rng_named(rng, "order"), .first = values[FIRST] != 0};
    for (int i = 0; i < space->length; i++) s->room += space->choices(space, i) - 1;
    s->neighbours = nlg_alloc((size_t)s->room + 1, sizeof *s->neighbours);
    return s->neighbours ? NLG_OK : nlg_fail_memory(err, (size_t)s->room * sizeof *s->neighbours, "the neighbours");
}

static void destroy(void *memory) {
    state *s = memory;
    nlg_free(s->neighbours);
    nlg_code_map_free(&s->seen);
}

/* Valid and canonical, in random order. */
static void list_neighbours(state *s) {
    const nlg_code *from = &s->current.code;
    s->count = s->next = 0;
    for (int i = 0; i < from->length; i++) {
        for (int value = 0; value < s->space->choices(s->space, i); value++) {
            nlg_code changed = *from;
            changed.value[i] = (int16_t)value;
            if (value == from->value[i] || !nlg_space_valid(s->space, &changed)) continue;
            nlg_space_canonical(s->space, &changed, &s->neighbours[s->count++]);
        }
    }
    nlg_rng rng = nlg_rng_stream(s->order, s->moves++);
    /* Where changes of one position lead nowhere, the space's own mutations do. */
    if (s->count == 0) {
        for (; s->count < s->room; s->count++) {
            nlg_code mutant;
            nlg_space_mutate(s->space, nlg_rng_stream(rng, (uint64_t)s->count), from, &mutant);
            nlg_space_canonical(s->space, &mutant, &s->neighbours[s->count]);
        }
    }
    for (int i = s->count - 1; i > 0; i--) {
        int other = (int)nlg_rng_below(rng, (uint64_t)i, (uint64_t)i + 1);
        nlg_code swap = s->neighbours[i];
        s->neighbours[i] = s->neighbours[other];
        s->neighbours[other] = swap;
    }
}

static void consider(state *s, const nlg_code *code, double reward) {
    if (reward == UNTOLD || (s->best.exists && reward <= s->best.reward)) return;
    s->best = (point){*code, reward, true};
}

static void move_to(state *s, const point *to) {
    s->current = *to;
    s->best.exists = false;
    list_neighbours(s);
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        nlg_code code = {0};
        bool found = false;
        while (!found && s->next < s->count) {
            code = s->neighbours[s->next++];
            const double *known = nlg_code_map_get(&s->seen, &code);
            found = !known;
            if (known && *known > s->current.reward) consider(s, &code, *known);
        }
        if (!found) {
            nlg_code drawn;
            nlg_space_sample(s->space, nlg_rng_stream(s->random, s->starts++), &drawn);
            nlg_space_canonical(s->space, &drawn, &code);
        }
        if (!nlg_code_map_get(&s->seen, &code)) NLG_TRY(nlg_code_map_put(&s->seen, &code, UNTOLD, err));
        proposals[i].code = code;
        s->outstanding++;
    }
    return NLG_OK;
}

/* Everything around the current point was told. */
static void decide(state *s) {
    if (s->current.exists && s->best.exists && s->best.reward > s->current.reward) {
        move_to(s, &s->best);
    } else {
        s->current.exists = s->best.exists = false; /* a local optimum: start again */
        s->count = s->next = 0;
    }
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        s->outstanding--;
        if (trials[i].status != NLG_TRIAL_DONE) continue;
        NLG_TRY(nlg_code_map_put(&s->seen, &trials[i].code, trials[i].reward, err));
        consider(s, &trials[i].code, trials[i].reward);
    }
    bool better = s->best.exists && (!s->current.exists || s->best.reward > s->current.reward);
    if (better && (s->first || !s->current.exists)) {
        point to = s->best;
        move_to(s, &to);
    }
    /* Neighbours known from before count as told. */
    while (s->next < s->count) {
        const double *known = nlg_code_map_get(&s->seen, &s->neighbours[s->next]);
        if (!known) return NLG_OK;
        consider(s, &s->neighbours[s->next++], *known);
    }
    if (s->current.exists && s->outstanding == 0) decide(s);
    return NLG_OK;
}

const nlg_strategy nlg_strategy_local = {
    .name = "local",
    .summary = "local search with restarts (White et al. 2021)",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
