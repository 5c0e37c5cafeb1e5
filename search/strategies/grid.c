/* Every code of the space in lexicographic order, e.g. the multipliers of compound scaling: Tan and Le, "EfficientNet: Rethinking
 * Model Scaling for Convolutional Neural Networks", ICML 2019, Section 3.3, step 1, is a small grid search. Codes that are not
 * valid, or an earlier architecture in another guise, are left out. After the last it begins again. */
#include "search/code_map.h"
#include "search/strategy.h"

enum { SKIPS = 200 }; /* in a row; then a repeat is asked for */

typedef struct state {
    const nlg_space *space;
    nlg_code next;
    nlg_code_map seen; /* asked for */
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    (void)rng, (void)values, (void)err;
    *(state *)memory = (state){.space = space, .next = {.length = space->length}};
    return NLG_OK;
}

static void destroy(void *memory) {
    nlg_code_map_free(&((state *)memory)->seen);
}

/* The last position counts fastest. */
static void advance(state *s) {
    for (int i = s->next.length - 1; i >= 0; i--) {
        if (++s->next.value[i] < s->space->choices(s->space, i)) return;
        s->next.value[i] = 0;
    }
}

/* The next valid code in its canonical form. */
static nlg_code next_architecture(state *s) {
    nlg_code canonical;
    while (!nlg_space_valid(s->space, &s->next)) advance(s);
    nlg_space_canonical(s->space, &s->next, &canonical);
    advance(s);
    return canonical;
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        nlg_code code = next_architecture(s);
        for (int skipped = 0; skipped < SKIPS && nlg_code_map_get(&s->seen, &code); skipped++) code = next_architecture(s);
        NLG_TRY(nlg_code_map_put(&s->seen, &code, 0, err));
        proposals[i].code = code;
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_grid = {
    .name = "grid",
    .summary = "every architecture in order of its code (EfficientNet's grid, Tan and Le 2019)",
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
};
