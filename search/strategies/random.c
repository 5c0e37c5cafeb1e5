/* Random search: every architecture is drawn anew, whatever was told. The baseline of every search. */
#include "search/strategy.h"

typedef struct state {
    const nlg_space *space;
    nlg_rng rng;
    uint64_t asked;
} state;

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    (void)values, (void)err;
    *(state *)memory = (state){.space = space, .rng = rng};
    return NLG_OK;
}

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    (void)err;
    state *s = memory;
    for (int i = 0; i < count; i++) nlg_space_sample(s->space, nlg_rng_stream(s->rng, s->asked++), &proposals[i].code);
    return NLG_OK;
}

const nlg_strategy nlg_strategy_random = {
    .name = "random",
    .summary = "random search, uniform over the space",
    .state_size = sizeof(state),
    .create = create,
    .ask = ask,
};
