/* Progressive search: Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture
 * Search", ECCV 2018, algorithm 1.
 *
 * Where a space grows (block > 0): all architectures of one block are tried; then, level by level, those that were tried are
 * extended by one block in every way, a predictor fitted to all results ranks the extensions, and the best K are tried. After the
 * last level its next best follow.
 *
 * Other spaces have no smaller architectures. There the levels are the positions of the code: K random architectures come first;
 * then the best K so far take every value at the level's position, keeping the rest. After the last position the first follows
 * again.
 *
 * Predictor: an ensemble of perceptrons on the space's features (the paper has it beside its LSTM), fitted anew for each level.
 * Within a batch a level may be asked for more than K. */
#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/strategies/common/predictor.h"
#include "search/strategy.h"

enum { BEAM, MEMBERS, HIDDEN, EPOCHS, RATE };
#define PAPER "Liu et al. 2018"
static const nlg_strategy_option options[] = {
    [BEAM] = {"beam", NLG_OPTION_INT, 256, 1, 10000, "architectures K that are tried at a level", PAPER},
    [MEMBERS] = {"members", NLG_OPTION_INT, 5, 1, 100, "predictors of the ensemble", PAPER},
    [HIDDEN] = {"hidden", NLG_OPTION_INT, 100, 1, 4096, "units of a predictor", PAPER},
    [EPOCHS] = {"epochs", NLG_OPTION_INT, 50, 1, 10000, "passes over the results when it is fitted", "ours"},
    [RATE] = {"rate", NLG_OPTION_REAL, 0.01, 0, 10, "its learning rate (Adam), falling to zero", PAPER ": first level"},
};
enum { EXTENSIONS_MAX = 1 << 19 }; /* of a level; beyond it they are drawn */

typedef struct result {
    nlg_code code;
    double reward;
} result;

typedef struct candidate {
    nlg_code code;
    double predicted;
} candidate;

typedef struct state {
    const nlg_space *space;
    nlg_rng random, draws, shuffle;
    int beam, features;
    nlg_predictor *predictor;
    bool is_fitted;  /* for this level */
    result *results; /* told */
    double *x, *y;   /* their features and rewards */
    double *row;     /* features of one */
    int count, room;
    nlg_code_map seen; /* asked for */
    int level;         /* 0: the beginning */
    candidate *candidates;
    int n_candidates, next, outstanding;
    uint64_t drawn;
} state;

/* ---- life -------------------------------------------------------------------------------------------------------------- */

/* The space's own features, else every value one-hot. */
static int fill_features(const nlg_space *space, const nlg_code *code, double *out) {
    if (space->features) return space->features(space, code, out);
    int count = 0;
    for (int i = 0; i < space->length; i++) {
        for (int value = 0; value < space->choices(space, i); value++, count++) {
            if (out) out[count] = code && i < code->length && code->value[i] == value;
        }
    }
    return count;
}

static nlg_status create(void *memory, const nlg_space *space, nlg_rng rng, const double *values, nlg_error *err) {
    state *s = memory;
    *s = (state){.space = space,
                 .random = nlg_rng_named(rng, "random"),
                 .draws = nlg_rng_named(rng, "draws"),
                 .shuffle = nlg_rng_named(rng, "shuffle"),
                 .beam = (int)values[BEAM]};
    nlg_code any;
    nlg_space_sample(space, s->random, &any);
    s->features = fill_features(space, &any, NULL);
    s->row = nlg_alloc((size_t)s->features, sizeof *s->row);
    s->candidates = nlg_alloc(2 * (size_t)s->beam, sizeof *s->candidates);
    if (!s->row || !s->candidates) return nlg_fail_memory(err, 2 * (size_t)s->beam * sizeof *s->candidates, "the candidates");
    nlg_predictor_options o = {(int)values[MEMBERS], (int)values[HIDDEN], (int)values[EPOCHS], values[RATE]};
    return nlg_predictor_create(s->features, &o, nlg_rng_named(rng, "predictor"), &s->predictor, err);
}

static void destroy(void *memory) {
    state *s = memory;
    nlg_predictor_destroy(s->predictor);
    nlg_code_map_free(&s->seen);
    nlg_free(s->candidates);
    nlg_free(s->results);
    nlg_free(s->x);
    nlg_free(s->y);
    nlg_free(s->row);
}

/* ---- candidates of a level --------------------------------------------------------------------------------------------- */

/* Keeps the best 2K, best first; each architecture once, and none that was asked for. */
static nlg_status offer(state *s, nlg_code_map *listed, const nlg_code *code, nlg_error *err) {
    nlg_code plain;
    if (!nlg_space_valid(s->space, code)) return NLG_OK;
    nlg_space_canonical(s->space, code, &plain);
    if (nlg_code_map_get(&s->seen, &plain) || nlg_code_map_get(listed, &plain)) return NLG_OK;
    NLG_TRY(nlg_code_map_put(listed, &plain, 0, err));
    candidate new = {.code = plain};
    if (s->level == 0) {
        new.predicted = nlg_rng_uniform(s->shuffle, listed->count);
    } else {
        if (!s->is_fitted) NLG_TRY(nlg_predictor_fit(s->predictor, s->x, s->y, s->count, err));
        s->is_fitted = true;
        fill_features(s->space, &plain, s->row);
        new.predicted = nlg_predictor_predict(s->predictor, s->row);
    }
    int most = 2 * s->beam, at = s->n_candidates;
    if (at == most && new.predicted <= s->candidates[most - 1].predicted) return NLG_OK;
    if (at < most) {
        s->n_candidates++;
    } else {
        at--;
    }
    for (; at > 0 && s->candidates[at - 1].predicted < new.predicted; at--) s->candidates[at] = s->candidates[at - 1];
    s->candidates[at] = new;
    return NLG_OK;
}

/* Every way to fill positions first .. end-1 of a code, or `most` drawn ones if there are more. */
static nlg_status offer_fillings(state *s, nlg_code_map *listed, const nlg_code *base, int first, int end, int most,
                                 nlg_error *err) {
    nlg_code code = *base;
    double ways = 1;
    if (end > code.length) code.length = end;
    for (int i = first; i < end; i++) ways *= s->space->choices(s->space, i);
    bool draw = ways > most;
    for (int way = 0; way < (draw ? most : (int)ways); way++) {
        nlg_rng rng = nlg_rng_stream(s->draws, s->drawn);
        s->drawn += draw;
        for (int i = end - 1, rest = way; i >= first; i--) {
            int choices = s->space->choices(s->space, i);
            code.value[i] = (int16_t)(draw ? (int)nlg_rng_below(rng, (uint64_t)i, (uint64_t)choices) : rest % choices);
            rest /= choices;
        }
        NLG_TRY(offer(s, listed, &code, err));
    }
    return NLG_OK;
}

/* The best K results, of one length if it is not 0; *count of them. */
static nlg_status choose_beam(const state *s, int length, result **beam, int *count, nlg_error *err) {
    result *chosen = *beam = nlg_alloc((size_t)s->count + 1, sizeof *chosen);
    if (!chosen) return nlg_fail_memory(err, (size_t)s->count * sizeof *chosen, "the beam");
    *count = 0;
    for (int i = 0; i < s->count; i++)
        if (!length || s->results[i].code.length == length) chosen[(*count)++] = s->results[i];
    /* By insertion, which keeps the order of asking on ties. */
    for (int i = 1; i < *count; i++) {
        result r = chosen[i];
        int at = i;
        for (; at > 0 && chosen[at - 1].reward < r.reward; at--) chosen[at] = chosen[at - 1];
        chosen[at] = r;
    }
    if (*count > s->beam) *count = s->beam;
    return NLG_OK;
}

/* Levels from 1: results of `level` blocks get one more; without growth the position level - 1 is filled anew, round and round. */
static nlg_status extend(state *s, nlg_code_map *listed, nlg_error *err) {
    int block = s->space->block, count = 0;
    int first = block ? s->level * block : (s->level - 1) % s->space->length, end = first + (block ? block : 1);
    result *beam;
    nlg_status status = choose_beam(s, block ? first : 0, &beam, &count, err);
    for (int i = 0; status == NLG_OK && i < count; i++) {
        status = offer_fillings(s, listed, &beam[i].code, first, end, EXTENSIONS_MAX / count + 1, err);
    }
    nlg_free(beam);
    return status;
}

/* All architectures of one block in random order, or random ones. */
static nlg_status begin(state *s, nlg_code_map *listed, nlg_error *err) {
    nlg_code code = {0};
    if (s->space->block) return offer_fillings(s, listed, &code, 0, s->space->block, EXTENSIONS_MAX, err);
    for (int i = 0; i < s->beam; i++) {
        nlg_space_sample(s->space, nlg_rng_stream(s->random, s->drawn++), &code);
        NLG_TRY(offer(s, listed, &code, err));
    }
    return NLG_OK;
}

static nlg_status list_candidates(state *s, nlg_error *err) {
    nlg_code_map listed = {0};
    s->n_candidates = s->next = 0;
    s->is_fitted = false;
    nlg_status status = s->level == 0 ? begin(s, &listed, err) : extend(s, &listed, err);
    nlg_code_map_free(&listed);
    return status;
}

/* Where filling leads nowhere: mutations of the best. */
static nlg_status offer_mutations(state *s, nlg_error *err) {
    enum { EACH = 16 };
    nlg_code_map listed = {0};
    result *beam;
    int count = 0;
    nlg_status status = choose_beam(s, 0, &beam, &count, err);
    for (int i = 0; status == NLG_OK && i < EACH * count; i++) {
        nlg_code mutant;
        nlg_space_mutate(s->space, nlg_rng_stream(s->draws, s->drawn++), &beam[i / EACH].code, &mutant);
        status = offer(s, &listed, &mutant, err);
    }
    nlg_code_map_free(&listed);
    nlg_free(beam);
    return status;
}

/* The next level that has something new. */
static nlg_status advance(state *s, nlg_error *err) {
    int last = s->space->block ? s->space->length / s->space->block - 1 : INT32_MAX;
    for (int tries = 0; tries < s->space->length; tries++) {
        if (s->level < last) s->level++;
        NLG_TRY(list_candidates(s, err));
        if (s->n_candidates) return NLG_OK;
    }
    return offer_mutations(s, err);
}

/* ---- asking and telling ------------------------------------------------------------------------------------------------ */

static nlg_status ask(void *memory, int count, nlg_proposal *proposals, nlg_error *err) {
    state *s = memory;
    if (s->level == 0 && s->n_candidates == 0) NLG_TRY(list_candidates(s, err));
    for (int i = 0; i < count; i++) {
        nlg_code code;
        if (s->next < s->n_candidates) {
            code = s->candidates[s->next++].code;
        } else {
            nlg_code drawn;
            nlg_space_sample(s->space, nlg_rng_stream(s->random, s->drawn++), &drawn);
            nlg_space_canonical(s->space, &drawn, &code);
        }
        NLG_TRY(nlg_code_map_put(&s->seen, &code, 0, err));
        proposals[i].code = code;
        s->outstanding++;
    }
    return NLG_OK;
}

static nlg_status remember(state *s, const nlg_trial *trial, nlg_error *err) {
    if (s->count == s->room) {
        int room = s->room ? 2 * s->room : 256;
        result *results = nlg_realloc(s->results, (size_t)room, sizeof *results);
        if (results) s->results = results;
        double *x = nlg_realloc(s->x, (size_t)room * (size_t)s->features, sizeof *x);
        if (x) s->x = x;
        double *y = nlg_realloc(s->y, (size_t)room, sizeof *y);
        if (y) s->y = y;
        if (!results || !x || !y) return nlg_fail_memory(err, (size_t)room * (size_t)s->features * sizeof *x, "the results");
        s->room = room;
    }
    s->results[s->count] = (result){trial->code, trial->reward};
    fill_features(s->space, &trial->code, s->x + (size_t)s->count * (size_t)s->features);
    s->y[s->count++] = trial->reward;
    return NLG_OK;
}

static nlg_status tell(void *memory, const nlg_trial *trials, int count, nlg_error *err) {
    state *s = memory;
    for (int i = 0; i < count; i++) {
        s->outstanding--;
        if (trials[i].status == NLG_TRIAL_DONE && !trials[i].is_repeat) NLG_TRY(remember(s, &trials[i], err));
    }
    int quota = s->n_candidates < s->beam ? s->n_candidates : s->beam;
    return s->next >= quota && s->outstanding == 0 && s->count > 0 ? advance(s, err) : NLG_OK;
}

const nlg_strategy nlg_strategy_pnas = {
    .name = "pnas",
    .summary = "progressive search with a predictor (PNAS, Liu et al. 2018)",
    .short_run = "beam=20:members=3:hidden=50:epochs=15",
    .options = options,
    .n_options = sizeof options / sizeof options[0],
    .state_size = sizeof(state),
    .create = create,
    .destroy = destroy,
    .ask = ask,
    .tell = tell,
};
