/* The one loop of every search: ask q, evaluate, commit, tell.
 *
 * A run is resumed by running it again from its first trial with the stored results in place of evaluations, so that the strategy
 * passes through the same states; what the store holds must be what the strategy asks for. Strategies are asked for whole
 * batches and told whole batches: a budget that ends within a batch leaves it untold until the run is continued. Workers commit
 * as they finish, so that a killed run may have holes within its last batch. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "layers/base/digest.h"
#include "layers/base/memory.h"
#include "search/runner.h"
#include "search/store/store.h"
#include "search/parallel/workers.h"

enum { BATCH_MAX = 4096, WORKERS_MAX = 1024 };

typedef struct runner {
    const nlg_search_options *options;
    int batch;
    char strategy_options[NLG_STRATEGY_OPTIONS_TEXT], objective[256];
    nlg_store *store; /* NULL: nothing is kept */
    nlg_run_identity identity;
    void *state;
    nlg_proposal *asked;
    nlg_trial *trials;
    bool *have;  /* by number: stored, or committed since */
    int *chosen; /* numbers of a batch that workers evaluate */
    int stored, count, best;
    int reached;   /* trials asked for */
    int different; /* architectures among them, each budget apart; counted where they are limited */
    int shared;    /* taken from other runs of the store */
    double mark;   /* when the last evaluation ended */
} runner;

static double seconds_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* --- set up ------------------------------------------------------------------------------------------------------- */

static nlg_status check_options(const nlg_search_options *o, nlg_error *err) {
    if (o->budget < 1) return nlg_fail(err, NLG_ERR_INPUT, "search: the budget must be at least 1 trial, found %d", o->budget);
    if (o->evaluations < 0)
        return nlg_fail(err, NLG_ERR_INPUT, "search: expected 0 evaluations (no limit) or more, found %d", o->evaluations);
    if (o->batch < 0 || o->batch > BATCH_MAX) {
        return nlg_fail(err, NLG_ERR_INPUT, "search: a batch must have 1 to %d trials, found %d", BATCH_MAX, o->batch);
    }
    if (o->workers < 0 || o->workers > WORKERS_MAX) {
        return nlg_fail(err, NLG_ERR_INPUT, "search: expected 0 to %d workers, found %d", WORKERS_MAX, o->workers);
    }
    if (o->evaluator->no_costs && (o->strategy->lowers_cost || o->objective.target > 0))
        return nlg_fail(err, NLG_ERR_INPUT, "%s needs costs, and the evaluator %s measures none; take %s",
                        o->objective.target > 0 ? "a target" : o->strategy->name, o->evaluator->name,
                        o->objective.target > 0 ? "none" : "another strategy");
    return NLG_OK;
}

static void write_objective(const nlg_objective *o, char *text, size_t size) {
    if (o->target > 0) {
        snprintf(text, size, "{\"cost\":\"%s\",\"target\":%.17g,\"alpha\":%.17g,\"beta\":%.17g}", nlg_cost_name(o->cost), o->target,
                 o->alpha, o->beta);
    } else {
        snprintf(text, size, "{\"cost\":\"%s\"}", nlg_cost_name(o->cost));
    }
}

/* Cost and reward from what the evaluator measured. */
static void apply_objective(const nlg_search_options *o, nlg_trial *trial) {
    const nlg_objective *objective = &o->objective;
    if (trial->status == NLG_TRIAL_DONE && !isfinite(trial->score)) {
        trial->status = NLG_TRIAL_NONFINITE;
        snprintf(trial->message, sizeof trial->message, "the score is not finite");
    }
    const double costs[NLG_COST_KIND_COUNT] = {(double)trial->macs, (double)trial->params, trial->latency_ms};
    trial->cost = costs[objective->cost];
    const bool needed = objective->target > 0 || objective->cost == NLG_COST_LATENCY || o->strategy->lowers_cost;
    if (trial->status == NLG_TRIAL_DONE && needed && !(trial->cost > 0)) {
        trial->status = NLG_TRIAL_FAILED;
        snprintf(trial->message, sizeof trial->message, "the evaluator measured no %s", nlg_cost_name(objective->cost));
    }
    if (trial->status != NLG_TRIAL_DONE) trial->score = trial->cost = trial->latency_ms = 0;
    trial->score += 0.0; /* the store has no negative zero */
    trial->reward = trial->status == NLG_TRIAL_DONE ? nlg_objective_reward(objective, trial->score, trial->cost) + 0.0 : 0;
}

/* Stored trials go to their numbers; what is missing must lie in the last batch. */
static nlg_status place_stored(runner *r, const nlg_trial *stored, int count, nlg_error *err) {
    int last = count ? stored[count - 1].number : 0, complete = last / r->batch * r->batch, next = 0;
    for (int i = 0; i < count; i++) {
        int number = stored[i].number;
        if (last >= count + r->batch || number < next || (number > next && next < complete)) {
            return nlg_fail(err, NLG_ERR_INPUT,
                            "%s: the trial store is damaged: expected trial %d, found %d; restore a copy or name another file",
                            nlg_store_path(r->store), next, number);
        }
        next = number + 1;
        r->trials[number] = stored[i];
        apply_objective(r->options, &r->trials[number]);
        r->have[number] = true;
        r->stored += number < r->options->budget;
    }
    return NLG_OK;
}

static nlg_status make_room(runner *r, int trials, nlg_error *err) {
    r->trials = nlg_alloc((size_t)trials, sizeof *r->trials);
    r->have = nlg_alloc((size_t)trials, sizeof *r->have);
    if (r->trials && r->have) return NLG_OK;
    return nlg_fail_memory(err, (size_t)trials * sizeof *r->trials, "the trials");
}

static nlg_status load_trials(runner *r, nlg_error *err) {
    const nlg_search_options *o = r->options;
    if (!o->store && !o->opened) return make_room(r, o->budget, err);
    r->identity = (nlg_run_identity){.space = o->space->name,
                                     .strategy = o->strategy->name,
                                     .strategy_options = r->strategy_options,
                                     .evaluator = o->evaluator->name,
                                     .evaluator_config = o->evaluator_config ? o->evaluator_config : "{}",
                                     .objective = r->objective,
                                     .batch = r->batch,
                                     .seed = o->seed};
    r->store = o->opened;
    if (!r->store) NLG_TRY(nlg_store_open(o->store, NLG_STORE_WRITE, &r->store, err));
    if (o->only_run) NLG_TRY(nlg_store_refuse_other(r->store, &r->identity, err));
    int64_t run;
    nlg_trial *stored;
    int count;
    NLG_TRY(nlg_store_begin(r->store, &r->identity, o->budget, &o->session, &run, err));
    NLG_TRY(nlg_store_trials(r->store, run, &stored, &count, err));
    const int last = count ? stored[count - 1].number : 0; /* within a batch of their count, or the store is damaged */
    int need = last >= o->budget && last < count + r->batch ? last + 1 : o->budget;
    nlg_status status = make_room(r, need, err);
    if (status == NLG_OK) status = place_stored(r, stored, count, err);
    nlg_free(stored);
    return status;
}

static nlg_status create_strategy(runner *r, nlg_rng rng, const double *values, nlg_error *err) {
    const nlg_search_options *o = r->options;
    char text[NLG_STRATEGY_OPTIONS_TEXT];
    if (!o->strategy->create_from_text) return o->strategy->create(r->state, o->space, rng, values, err);
    NLG_TRY(nlg_strategy_text(o->strategy, r->strategy_options, text, err));
    return o->strategy->create_from_text(r->state, o->space, rng, values, text, o->stop, err);
}

static nlg_status set_up(runner *r, nlg_error *err) {
    const nlg_search_options *o = r->options;
    NLG_TRY(check_options(o, err));
    r->batch = o->batch ? o->batch : 1;
    double values[NLG_STRATEGY_OPTIONS_MAX];
    NLG_TRY(nlg_strategy_parse(o->strategy, o->strategy_options, values, r->strategy_options, err));
    write_objective(&o->objective, r->objective, sizeof r->objective);
    r->asked = nlg_alloc((size_t)r->batch, sizeof *r->asked);
    r->chosen = nlg_alloc((size_t)r->batch, sizeof *r->chosen);
    r->state = nlg_alloc(1, o->strategy->state_size);
    if (!r->asked || !r->chosen || !r->state) return nlg_fail_memory(err, o->strategy->state_size, "the strategy");
    nlg_rng rng = nlg_rng_named(nlg_rng_named(nlg_rng_seed(o->seed), "strategy"), o->strategy->name);
    /* First: options that do not fit leave no run in the store. */
    NLG_TRY(create_strategy(r, rng, values, err));
    return load_trials(r, err);
}

static void tear_down(runner *r) {
    if (r->state && r->options->strategy->destroy) r->options->strategy->destroy(r->state);
    nlg_free(r->state);
    nlg_free(r->asked);
    nlg_free(r->chosen);
    nlg_free(r->have);
    nlg_free(r->trials);
    if (r->store != r->options->opened) nlg_store_close(r->store);
}

/* --- one trial ---------------------------------------------------------------------------------------------------- */

/* The trial as asked for, without its result. */
static nlg_status identify(const runner *r, int number, const nlg_proposal *asked, nlg_trial *trial, nlg_error *err) {
    const nlg_space *space = r->options->space;
    *trial = (nlg_trial){.number = number, .budget = asked->budget};
    if (!nlg_space_valid(space, &asked->code) || !(asked->budget > 0 && asked->budget <= 1)) {
        return nlg_fail(err, NLG_ERR_INPUT, "trial %d: strategy %s asked for a code or a budget that space %s does not have",
                        number, r->options->strategy->name, space->name);
    }
    nlg_space_canonical(space, &asked->code, &trial->code);
    NLG_TRY(nlg_space_hash(space, &trial->code, trial->hash, err));
    trial->seed = nlg_trial_seed(r->options->seed, trial->hash);
    return NLG_OK;
}

static nlg_status verify_stored(const runner *r, const nlg_trial *asked, nlg_error *err) {
    const nlg_trial *stored = &r->trials[asked->number];
    if (nlg_code_equal(&stored->code, &asked->code) && strcmp(stored->hash, asked->hash) == 0 && stored->seed == asked->seed &&
        stored->budget == asked->budget)
        return NLG_OK;
    return nlg_fail(
        err, NLG_ERR_INPUT,
        "%s: trial %d of the store is %.12s, but the same run asks for %.12s: the store was made by another version of the "
        "program or was changed; name another file",
        r->store ? nlg_store_path(r->store) : "search", asked->number, stored->hash, asked->hash);
}

/* The first trial of the same architecture at the same budget, NULL if it is new. */
static const nlg_trial *find_earlier(const runner *r, const nlg_trial *trial) {
    for (int i = 0; i < trial->number; i++) {
        if (r->trials[i].budget == trial->budget && strcmp(r->trials[i].hash, trial->hash) == 0) return &r->trials[i];
    }
    return NULL;
}

static void take_result(nlg_trial *trial, const nlg_trial *from) {
    trial->status = from->status;
    trial->score = from->score;
    trial->params = from->params;
    trial->macs = from->macs;
    trial->latency_ms = from->latency_ms;
    trial->cost = from->cost;
    trial->reward = from->reward;
    trial->budget_epochs = from->budget_epochs;
    memcpy(trial->digest, from->digest, sizeof trial->digest);
    memcpy(trial->message, from->message, sizeof trial->message);
}

/* *found: the store has this very evaluation, of another strategy's run; then it is taken over, and no time is spent. */
static nlg_status ask_store(runner *r, nlg_trial *trial, bool *found, nlg_error *err) {
    nlg_trial result;
    *found = false;
    if (!r->store || !r->options->evaluator->is_shared) return NLG_OK;
    NLG_TRY(nlg_store_find_result(r->store, &r->identity, trial, &result, found, err));
    if (!*found) return NLG_OK;
    take_result(trial, &result);
    trial->simulated_cost = result.simulated_cost;
    r->shared++;
    return NLG_OK;
}

static nlg_status evaluate(runner *r, nlg_trial *trial, nlg_error *err) {
    const nlg_evaluator *evaluator = r->options->evaluator;
    nlg_trial result = *trial;
    double start = seconds_now();
    nlg_status status = evaluator->evaluate(evaluator->context, r->options->space, &result, err);
    if (status != NLG_OK) {
        nlg_fail_at(err, "trial %d of %d", trial->number + 1, r->options->budget);
        return status;
    }
    r->mark = seconds_now();
    take_result(trial, &result);
    trial->simulated_cost = result.simulated_cost;
    trial->evaluation_seconds = r->mark - start;
    return NLG_OK;
}

/* The trial has its result: it is stored and shown. */
static nlg_status commit(runner *r, nlg_trial *trial, nlg_error *err) {
    const nlg_search_options *o = r->options;
    if (r->store) {
        char genotype[NLG_GENOTYPE_MAX];
        o->space->encode(o->space, &trial->code, genotype, sizeof genotype);
        NLG_TRY(nlg_store_append(r->store, trial, genotype, err));
    }
    r->have[trial->number] = true;
    r->count++;
    if (nlg_trial_is_better(trial, r->best < 0 ? NULL : &r->trials[r->best])) r->best = trial->number;
    if (!o->progress) return NLG_OK;
    const nlg_trial *best = r->best < 0 ? NULL : &r->trials[r->best];
    if (o->progress(o->progress_context, trial, best, r->count, o->budget)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped after %d of %d trials; %s", r->count, o->budget,
                    o->store ? "they are stored: give the same command again to continue" : "nothing is kept without a store");
}

static nlg_status run_trial(runner *r, nlg_trial *trial, nlg_error *err) {
    const nlg_trial *earlier = find_earlier(r, trial);
    double start = seconds_now();
    trial->overhead_seconds = start - r->mark;
    r->mark = start;
    if (earlier) {
        trial->is_repeat = true;
        take_result(trial, earlier);
    } else {
        bool found;
        NLG_TRY(ask_store(r, trial, &found, err));
        if (!found) NLG_TRY(evaluate(r, trial, err));
        apply_objective(r->options, trial);
    }
    return commit(r, trial, err);
}

/* --- a batch ------------------------------------------------------------------------------------------------------ */

static nlg_status commit_result(void *context, nlg_trial *trial, nlg_error *err) {
    runner *r = context;
    apply_objective(r->options, trial);
    return commit(r, trial, err);
}

/* What is new, to the store too, goes to the workers; the repeats follow when everything they may repeat is there. */
static nlg_status run_on_workers(runner *r, int first, int end, nlg_error *err) {
    int count = 0;
    for (int number = first; number < end; number++) {
        bool found;
        if (r->have[number] || find_earlier(r, &r->trials[number])) continue;
        NLG_TRY(ask_store(r, &r->trials[number], &found, err));
        if (found)
            NLG_TRY(commit_result(r, &r->trials[number], err));
        else
            r->chosen[count++] = number;
    }
    nlg_worker_job job = {.evaluator = r->options->evaluator,
                          .space = r->options->space,
                          .workers = r->options->workers,
                          .ranks = r->options->ranks,
                          .store = r->store,
                          .done = commit_result,
                          .stop = r->options->stop,
                          .context = r};
    double start = seconds_now();
    if (count) r->trials[r->chosen[0]].overhead_seconds = start - r->mark;
    NLG_TRY(nlg_workers_run(&job, r->trials, r->chosen, count, err));
    r->mark = seconds_now();
    for (int number = first; number < end; number++) {
        if (!r->have[number]) NLG_TRY(run_trial(r, &r->trials[number], err));
    }
    return NLG_OK;
}

static nlg_status run_batch(runner *r, int first, nlg_error *err) {
    const nlg_search_options *o = r->options;
    memset(r->asked, 0, (size_t)r->batch * sizeof *r->asked);
    for (int i = 0; i < r->batch; i++) r->asked[i].budget = 1;
    NLG_TRY(o->strategy->ask(r->state, r->batch, r->asked, err));
    int end = first + r->batch < o->budget ? first + r->batch : o->budget;
    for (int number = first; number < end; number++) {
        nlg_trial trial;
        NLG_TRY(identify(r, number, &r->asked[number - first], &trial, err));
        if (r->have[number]) {
            NLG_TRY(verify_stored(r, &trial, err));
            r->count++;
            if (nlg_trial_is_better(&r->trials[number], r->best < 0 ? NULL : &r->trials[r->best])) r->best = number;
        } else {
            r->trials[number] = trial;
        }
        if (o->evaluations && !find_earlier(r, &r->trials[number]) && ++r->different == o->evaluations) end = number + 1;
    }
    r->reached = end;
    if (o->workers > 0) NLG_TRY(run_on_workers(r, first, end, err));
    for (int number = first; number < end; number++) {
        if (!r->have[number]) NLG_TRY(run_trial(r, &r->trials[number], err));
    }
    if (end - first < r->batch || !o->strategy->tell) return NLG_OK;
    return o->strategy->tell(r->state, &r->trials[first], r->batch, err);
}

/* --- the end ------------------------------------------------------------------------------------------------------ */

static void digest_u64(nlg_digest *digest, uint64_t value) {
    unsigned char bytes[8];
    for (int i = 0; i < 8; i++) bytes[i] = (unsigned char)(value >> (8 * i) & 0xff);
    nlg_digest_update(digest, bytes, sizeof bytes);
}

static void digest_double(nlg_digest *digest, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    digest_u64(digest, bits);
}

/* Trials up to the first that is missing: an interrupted run of several workers may have more, which its continuation finds. */
static nlg_status finish(runner *r, nlg_search_result *result, nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "the digest of the run");
    int best = -1, count = 0;
    result->kept = r->count;
    for (; count < r->options->budget && r->have[count] && count < r->reached; count++) {
        const nlg_trial *trial = &r->trials[count];
        digest_u64(digest, (uint64_t)trial->number);
        for (int j = 0; j < trial->code.length; j++) digest_u64(digest, (uint64_t)trial->code.value[j]);
        digest_double(digest, trial->budget);
        digest_u64(digest, (uint64_t)trial->status);
        digest_double(digest, trial->score);
        digest_double(digest, trial->reward);
        digest_double(digest, trial->latency_ms);
        digest_u64(digest, (uint64_t)trial->params);
        digest_u64(digest, (uint64_t)trial->macs);
        result->repeats += trial->is_repeat;
        if (nlg_trial_is_better(trial, best < 0 ? NULL : &r->trials[best])) best = count;
    }
    nlg_digest_finish(digest, result->digest);
    result->count = count;
    result->best = best;
    result->evaluations = count - result->repeats;
    result->shared = r->shared;
    result->stored = r->stored < count ? r->stored : count;
    result->trials = r->trials;
    r->trials = NULL;
    return NLG_OK;
}

bool nlg_search_failure(const nlg_search_result *result, char text[256]) {
    int most = 0, first = 0, rejected = 0;
    for (int i = 0; i < result->count; i++) rejected += result->trials[i].status == NLG_TRIAL_REJECTED;
    if (result->best >= 0 || rejected == result->count) return false;
    for (int i = 0; i < result->count; i++) {
        int same = 0;
        for (int j = 0; j < result->count; j++)
            same += result->trials[j].status == result->trials[i].status &&
                    strcmp(result->trials[j].message, result->trials[i].message) == 0;
        if (same > most) most = same, first = i;
        if (2 * most >= result->count) break;
    }
    snprintf(text, 256, "none of the %d trials is done; the most frequent reason (%d times): %s: %.150s", result->count, most,
             nlg_trial_status_name(result->trials[first].status), result->trials[first].message);
    return true;
}

nlg_status nlg_search_run(const nlg_search_options *options, nlg_search_result *result, nlg_error *err) {
    *result = (nlg_search_result){.best = -1};
    runner r = {.options = options, .best = -1};
    nlg_status status = set_up(&r, err);
    r.mark = seconds_now();
    for (int first = 0; status == NLG_OK && first < options->budget; first += r.batch) {
        if (options->evaluations && r.different == options->evaluations) break;
        r.reached = first + r.batch;
        status = run_batch(&r, first, err);
    }
    if (status == NLG_OK || (status == NLG_ERR_INTERRUPTED && r.trials)) {
        nlg_status finished = finish(&r, result, err);
        if (finished != NLG_OK) status = finished;
    }
    tear_down(&r);
    return status;
}
