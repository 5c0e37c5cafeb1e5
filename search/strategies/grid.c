/* Every code of the space in lexicographic order, e.g. the multipliers of compound scaling: Tan and Le, "EfficientNet: Rethinking
 * Model Scaling for Convolutional Neural Networks", ICML 2019, Section 3.3, step 1, is a small grid search. Codes that are not
 * valid, or the same architecture in another guise, are left out. After the last it begins again. */
#include "search/search.h"

typedef struct state {
    const nlg_space *space;
    nlg_code next;
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    (void)rng, (void)values, (void)err;
    *(state *)memory = (state){.space = space, .next = {.length = space->length}};
    return NLG_OK;
}

/* The next code in order that differs in one of its first `length` values; the last position counts fastest. */
static void advance(state *s, int length) {
    for (int i = length; i < s->next.length; i++) s->next.value[i] = 0;
    for (int i = length - 1; i >= 0; i--) {
        if (++s->next.value[i] < s->space->choices(s->space, i)) return;
        s->next.value[i] = 0;
    }
}

/* How many of its first values rule a code out; 0: it is wanted. */
static int ruled_out_by(const state *s) {
    const nlg_space *space = s->space;
    nlg_code canonical;
    nlg_code prefix = s->next;
    for (prefix.length = 1; space->possible && prefix.length <= s->next.length; prefix.length++) {
        if (!space->possible(space, &prefix)) return prefix.length;
    }
    if (!nlg_space_valid(space, &s->next)) return s->next.length;
    nlg_space_canonical(space, &s->next, &canonical);
    return nlg_code_equal(&s->next, &canonical) ? 0 : s->next.length;
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) {
        for (int length; (length = ruled_out_by(s)) > 0;) advance(s, length);
        proposals[i].code = s->next;
        advance(s, s->next.length);
    }
    return NLG_OK;
}

const nlg_strategy nlg_strategy_grid = {
    .name = "grid",
    .summary = "every architecture in order of its code (EfficientNet's grid, Tan and Le 2019)",
    .state_size = sizeof(state),
    .create = create,
    .ask = ask,
};
