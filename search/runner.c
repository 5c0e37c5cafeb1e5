/* The one loop of every search: ask q, evaluate, commit, tell.
 *
 * A run is resumed by running it again from its first trial with the stored results in place of evaluations, so that the strategy
 * passes through the same states; what the store holds must be what the strategy asks for. Strategies are asked for whole
 * batches and told whole batches: a budget that ends within a batch leaves it untold until the run is continued. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "layers/base/digest.h"
#include "layers/base/memory.h"
#include "search/search.h"
#include "search/store.h"

enum { BATCH_MAX = 4096 };

typedef struct runner {
    const nlg_search_options *options;
    int batch;
    char strategy_options[NLG_STRATEGY_OPTIONS_TEXT];
    nlg_store *store;
    void *state;
    nlg_code *asked;
    nlg_trial *trials;
    int stored; /* trials taken from the store, those beyond the budget included */
    int count, best;
    double mark; /* when the last evaluation ended */
} runner;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- set up ------------------------------------------------------------------------------------------------------- */

static nlg_status check_options(const nlg_search_options *o, nlg_error *err) {
    if (o->budget < 1) return nlg_fail(err, NLG_ERR_INPUT, "search: the budget must be at least 1 trial, found %d", o->budget);
    if (o->batch < 0 || o->batch > BATCH_MAX) {
        return nlg_fail(err, NLG_ERR_INPUT, "search: a batch must have 1 to %d trials, found %d", BATCH_MAX, o->batch);
    }
    return NLG_OK;
}

static nlg_status load_trials(runner *r, nlg_error *err) {
    const nlg_search_options *o = r->options;
    nlg_run_identity identity = {.space = o->space->name,
                                 .strategy = o->strategy->name,
                                 .strategy_options = r->strategy_options,
                                 .evaluator = o->evaluator->name,
                                 .evaluator_config = o->evaluator_config ? o->evaluator_config : "{}",
                                 .batch = r->batch,
                                 .seed = o->seed};
    int64_t run;
    NLG_TRY(nlg_store_begin(r->store, &identity, o->budget, &o->session, &run, err));
    NLG_TRY(nlg_store_trials(r->store, run, &r->trials, &r->stored, err));
    size_t need = (size_t)(r->stored > o->budget ? r->stored : o->budget);
    nlg_trial *trials = nlg_realloc(r->trials, need, sizeof *trials);
    if (!trials) return nlg_fail_memory(err, need * sizeof *trials, "the trials");
    r->trials = trials;
    return NLG_OK;
}

static nlg_status set_up(runner *r, nlg_error *err) {
    const nlg_search_options *o = r->options;
    NLG_TRY(check_options(o, err));
    r->batch = o->batch ? o->batch : 1;
    double values[NLG_STRATEGY_OPTIONS_MAX];
    NLG_TRY(nlg_strategy_parse(o->strategy, o->strategy_options, values, r->strategy_options, err));
    NLG_TRY(nlg_store_open(o->store, NLG_STORE_WRITE, &r->store, err));
    NLG_TRY(load_trials(r, err));
    r->asked = nlg_alloc((size_t)r->batch, sizeof *r->asked);
    r->state = nlg_alloc(1, o->strategy->state_size);
    if (!r->asked || !r->state) return nlg_fail_memory(err, o->strategy->state_size, "the strategy");
    nlg_rng rng = nlg_rng_named(nlg_rng_named(nlg_rng_seed(o->seed), "strategy"), o->strategy->name);
    return o->strategy->create(r->state, o->space, rng, values, err);
}

static void tear_down(runner *r) {
    if (r->state && r->options->strategy->destroy) r->options->strategy->destroy(r->state);
    nlg_free(r->state);
    nlg_free(r->asked);
    nlg_free(r->trials);
    nlg_store_close(r->store);
}

/* --- one trial ---------------------------------------------------------------------------------------------------- */

static void check_best(runner *r, int number) {
    const nlg_trial *trial = &r->trials[number];
    if (trial->status == NLG_TRIAL_DONE && (r->best < 0 || trial->score > r->trials[r->best].score)) r->best = number;
}

/* The trial as asked for, without its result. */
static nlg_status identify(const runner *r, int number, const nlg_code *asked, nlg_trial *trial, nlg_error *err) {
    const nlg_space *space = r->options->space;
    *trial = (nlg_trial){.number = number};
    if (!nlg_space_valid(space, asked)) {
        return nlg_fail(err, NLG_ERR_INPUT, "trial %d: strategy %s asked for a code that space %s does not have", number,
                        r->options->strategy->name, space->name);
    }
    nlg_space_canonical(space, asked, &trial->code);
    NLG_TRY(nlg_space_hash(space, &trial->code, trial->hash, err));
    nlg_rng rng = nlg_rng_named(nlg_rng_named(nlg_rng_seed(r->options->seed), "trial"), trial->hash);
    trial->seed = nlg_rng_u64(rng, 0) >> 11;
    return NLG_OK;
}

static nlg_status verify_stored(const runner *r, const nlg_trial *asked, nlg_error *err) {
    const nlg_trial *stored = &r->trials[asked->number];
    if (nlg_code_equal(&stored->code, &asked->code) && strcmp(stored->hash, asked->hash) == 0 && stored->seed == asked->seed)
        return NLG_OK;
    return nlg_fail(
        err, NLG_ERR_INPUT,
        "%s: trial %d of the store is %.12s, but the same run asks for %.12s: the store was made by another version of the "
        "program or was changed; name another file",
        r->options->store ? r->options->store : "search", asked->number, stored->hash, asked->hash);
}

/* The first trial of the same architecture, NULL if it is new. */
static const nlg_trial *find_earlier(const runner *r, const nlg_trial *trial) {
    for (int i = 0; i < trial->number; i++) {
        if (strcmp(r->trials[i].hash, trial->hash) == 0) return &r->trials[i];
    }
    return NULL;
}

static void take_result(nlg_trial *trial, const nlg_trial *from) {
    trial->status = from->status;
    trial->score = from->score;
    trial->latency_ms = from->latency_ms;
    trial->params = from->params;
    trial->macs = from->macs;
    trial->budget_epochs = from->budget_epochs;
    memcpy(trial->digest, from->digest, sizeof trial->digest);
    memcpy(trial->message, from->message, sizeof trial->message);
}

static nlg_status evaluate(const runner *r, nlg_trial *trial, nlg_error *err) {
    const nlg_evaluator *evaluator = r->options->evaluator;
    nlg_trial result = *trial;
    NLG_TRY(evaluator->evaluate(evaluator->context, r->options->space, &result, err));
    take_result(trial, &result);
    trial->simulated_cost = result.simulated_cost;
    if (trial->status == NLG_TRIAL_DONE && !isfinite(trial->score)) {
        trial->status = NLG_TRIAL_NONFINITE;
        snprintf(trial->message, sizeof trial->message, "the score is not finite");
    }
    if (trial->status != NLG_TRIAL_DONE) trial->score = 0;
    if (trial->status != NLG_TRIAL_DONE) trial->latency_ms = 0;
    trial->score += 0.0; /* the store has no negative zero */
    return NLG_OK;
}

static nlg_status run_trial(runner *r, nlg_trial *trial, nlg_error *err) {
    const nlg_search_options *o = r->options;
    const nlg_trial *earlier = find_earlier(r, trial);
    double start = seconds_now();
    trial->overhead_seconds = start - r->mark;
    r->mark = start;
    if (earlier) {
        trial->is_repeat = true;
        take_result(trial, earlier);
    } else {
        nlg_status status = evaluate(r, trial, err);
        if (status != NLG_OK) {
            nlg_fail_at(err, "trial %d of %d", trial->number + 1, o->budget);
            return status;
        }
        r->mark = seconds_now();
        trial->evaluation_seconds = r->mark - start;
    }
    char genotype[NLG_GENOTYPE_MAX];
    o->space->encode(o->space, &trial->code, genotype, sizeof genotype);
    NLG_TRY(nlg_store_append(r->store, trial, genotype, err));
    r->trials[trial->number] = *trial;
    r->count = trial->number + 1;
    check_best(r, trial->number);
    if (!o->progress) return NLG_OK;
    const nlg_trial *best = r->best < 0 ? NULL : &r->trials[r->best];
    if (o->progress(o->progress_context, &r->trials[trial->number], best, r->count, o->budget)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INTERRUPTED,
                    "stopped after %d of %d trials; they are stored: give the same command again to continue", r->count, o->budget);
}

/* --- the loop ----------------------------------------------------------------------------------------------------- */

static nlg_status run_batch(runner *r, int first, nlg_error *err) {
    const nlg_search_options *o = r->options;
    memset(r->asked, 0, (size_t)r->batch * sizeof *r->asked);
    NLG_TRY(o->strategy->ask(r->state, r->batch, r->asked, err));
    int end = first + r->batch < o->budget ? first + r->batch : o->budget;
    for (int number = first; number < end; number++) {
        nlg_trial trial;
        NLG_TRY(identify(r, number, &r->asked[number - first], &trial, err));
        if (number >= r->stored) {
            NLG_TRY(run_trial(r, &trial, err));
            continue;
        }
        NLG_TRY(verify_stored(r, &trial, err));
        r->count = number + 1;
        check_best(r, number);
    }
    if (end - first < r->batch || !o->strategy->tell) return NLG_OK;
    return o->strategy->tell(r->state, &r->trials[first], r->batch, err);
}

static void digest_u64(nlg_digest *digest, uint64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i) & 0xff);
    nlg_digest_update(digest, bytes, sizeof bytes);
}

static nlg_status finish(runner *r, nlg_search_result *result, nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "the digest of the run");
    for (int i = 0; i < r->count; i++) {
        const nlg_trial *trial = &r->trials[i];
        uint64_t bits;
        memcpy(&bits, &trial->score, sizeof bits);
        digest_u64(digest, (uint64_t)trial->number);
        for (int j = 0; j < trial->code.length; j++) digest_u64(digest, (uint64_t)trial->code.value[j]);
        digest_u64(digest, (uint64_t)trial->status);
        digest_u64(digest, bits);
        if (trial->latency_ms > 0) {
            memcpy(&bits, &trial->latency_ms, sizeof bits);
            digest_u64(digest, bits);
        }
        digest_u64(digest, (uint64_t)trial->params);
        digest_u64(digest, (uint64_t)trial->macs);
        result->repeats += trial->is_repeat;
    }
    nlg_digest_finish(digest, result->digest);
    result->count = r->count;
    result->best = r->best;
    result->evaluations = r->count - result->repeats;
    result->stored = r->stored < r->count ? r->stored : r->count;
    result->trials = r->trials;
    r->trials = NULL;
    return NLG_OK;
}

nlg_status nlg_search_run(const nlg_search_options *options, nlg_search_result *result, nlg_error *err) {
    *result = (nlg_search_result){.best = -1};
    runner r = {.options = options, .best = -1};
    nlg_status status = set_up(&r, err);
    r.mark = seconds_now();
    for (int first = 0; status == NLG_OK && first < options->budget; first += r.batch) status = run_batch(&r, first, err);
    if (status == NLG_OK || (status == NLG_ERR_INTERRUPTED && r.trials)) {
        nlg_status finished = finish(&r, result, err);
        if (finished != NLG_OK) status = finished;
    }
    tear_down(&r);
    return status;
}
