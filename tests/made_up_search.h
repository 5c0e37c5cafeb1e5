/* A made-up space with a made-up score, and runs on it: shared by the tests of the search and of its store. */
#ifndef NLG_TESTS_MADE_UP_SEARCH_H
#define NLG_TESTS_MADE_UP_SEARCH_H

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "search/runner.h"

/* --- a space: beads of 5 colours on a string of 10, which may be turned round ----------------------------------------- */

enum { LENGTH = 10, COLOURS = 5 };

static int choices(const nlg_space *self, int position) {
    (void)self;
    (void)position;
    return COLOURS;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    (void)self;
    nlg_code turned = {.length = LENGTH};
    for (int i = 0; i < LENGTH; i++) turned.value[i] = code->value[LENGTH - 1 - i];
    int i = 0;
    while (i < LENGTH - 1 && code->value[i] == turned.value[i]) i++;
    *out = turned.value[i] < code->value[i] ? turned : *code;
}

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    char letters[LENGTH + 1] = "";
    for (int i = 0; i < code->length; i++) letters[i] = (char)('a' + code->value[i]);
    snprintf(text, size, "%s", letters);
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = (int)strlen(text)};
    if (code->length != LENGTH) return nlg_fail(err, NLG_ERR_INPUT, "expected 10 letters, found %s", text);
    for (int i = 0; i < LENGTH; i++) code->value[i] = (int16_t)(text[i] - 'a');
    return NLG_OK;
}

static const nlg_space beads = {
    .name = "beads", .length = LENGTH, .choices = choices, .canonical = canonical, .encode = encode, .decode = decode};

/* A small one, in which random search soon meets what it has seen. */
static int two(const nlg_space *self, int position) {
    (void)self;
    (void)position;
    return 2;
}
static const nlg_space coins = {.name = "coins", .length = 4, .choices = two, .encode = encode, .decode = decode};

/* --- an evaluator: smooth, with its optimum in the middle of the space; some codes fail -------------------------------- */

typedef struct shared {
    int evaluations; /* over all processes */
} shared;

typedef struct score_context {
    bool all_work;
    int kill_at;      /* this evaluation of this process kills it; 0: none */
    int interrupt_at; /* this one is stopped */
    int break_at;     /* this one ends the run with an error */
    int calls;
    shared *shared;
} score_context;

static double smooth_score(const nlg_code *code) {
    double score = 0;
    for (int i = 0; i < code->length; i++) {
        int wanted = i % 2 ? 3 : 1, distance = code->value[i] - wanted;
        score -= distance * distance;
    }
    return score / 100;
}

static nlg_status score(void *memory, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)space;
    score_context *c = memory;
    c->calls++;
    if (c->shared) c->shared->evaluations++;
    if (c->calls == c->kill_at) kill(getpid(), SIGKILL);
    if (c->calls == c->interrupt_at) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped within a trial");
    if (c->calls == c->break_at) return nlg_fail(err, NLG_ERR_IO, "the data are gone");
    int sum = 0;
    for (int i = 0; i < trial->code.length; i++) sum += (i + 1) * trial->code.value[i];
    trial->params = 1000 + sum;
    trial->macs = 7 * sum;
    trial->budget_epochs = 2;
    trial->score = smooth_score(&trial->code) + 1e-9 * (double)(trial->seed % 1000);
    snprintf(trial->digest, sizeof trial->digest, "%016" PRIx64, trial->seed);
    if (c->all_work) return NLG_OK;
    if (sum % 7 == 0) trial->status = NLG_TRIAL_FAILED;
    if (sum % 7 == 1) trial->status = NLG_TRIAL_REJECTED;
    if (trial->status != NLG_TRIAL_DONE) snprintf(trial->message, sizeof trial->message, "sum %d", sum);
    if (sum % 7 == 2) trial->score = (double)NAN;
    return NLG_OK;
}

/* --- running ----------------------------------------------------------------------------------------------------------- */

static char folder[256];

/* Thousands of commits: in memory where the system offers it. */
static bool make_folder(void) {
    const char *place = getenv("TMPDIR") ? getenv("TMPDIR") : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
    snprintf(folder, sizeof folder, "%s/nlg-search-XXXXXX", place);
    return mkdtemp(folder) != NULL;
}

static inline const char *store_path(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s.db", folder, name);
    return path;
}

static inline void remove_store(const char *name) {
    char path[600];
    static const char *const endings[] = {"", "-journal", "-wal", "-shm", "-lock"};
    for (int i = 0; i < 5; i++) {
        snprintf(path, sizeof path, "%s%s", store_path(name), endings[i]);
        unlink(path);
    }
}

typedef struct experiment {
    const nlg_space *space;
    const char *strategy, *options;
    int budget, evaluations, batch, workers;
    uint64_t seed;
    nlg_objective objective;
    const char *store;
    int stop_after, kill_after; /* trials committed by this process; 0: never */
    score_context context;
    bool is_shared; /* the evaluator's results, between runs of a store */
    int commits;
} experiment;

static bool on_commit(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    experiment *e = context;
    if (!e->workers) assert_int_equal(done, trial->number + 1);
    assert_true(done <= budget);
    if (trial->status == NLG_TRIAL_DONE) assert_true(best && (best->number == trial->number || nlg_trial_is_better(best, trial)));
    e->commits++;
    if (e->commits == e->kill_after) kill(getpid(), SIGKILL);
    return e->commits != e->stop_after;
}

static nlg_status search(experiment *e, nlg_search_result *result, nlg_error *err) {
    nlg_evaluator evaluator = {.name = "made_up", .is_shared = e->is_shared, .context = &e->context, .evaluate = score};
    nlg_search_options options = {
        .space = e->space ? e->space : &beads,
        .strategy = nlg_strategy_find(e->strategy ? e->strategy : "evolution"),
        .strategy_options = e->options || e->strategy ? e->options : "{\"population\": 20, \"sample\": 5}",
        .evaluator = &evaluator,
        .budget = e->budget,
        .evaluations = e->evaluations,
        .batch = e->batch,
        .workers = e->workers,
        .objective = e->objective,
        .seed = e->seed,
        .store = e->store,
        .session = {.commit = "abc", .isa = "none", .threads = 3},
        .progress = on_commit,
        .progress_context = e,
    };
    assert_non_null(options.strategy);
    e->commits = 0;
    return nlg_search_run(&options, result, err);
}

static inline void search_well(experiment *e, nlg_search_result *result) {
    nlg_error err = {0};
    if (search(e, result, &err) != NLG_OK) fail_msg("search failed: %s", err.text);
    assert_int_equal(result->count, e->budget);
    assert_int_equal(result->evaluations + result->repeats, result->count);
}

static inline void check_same(const nlg_search_result *a, const nlg_search_result *b) {
    assert_int_equal(a->count, b->count);
    for (int i = 0; i < a->count; i++) {
        const nlg_trial *x = &a->trials[i], *y = &b->trials[i];
        if (strcmp(x->hash, y->hash) != 0) fail_msg("trial %d: %.12s and %.12s", i, x->hash, y->hash);
        assert_int_equal(x->number, y->number);
        assert_int_equal(x->is_repeat, y->is_repeat);
        assert_true(x->seed == y->seed);
        assert_int_equal(x->status, y->status);
        assert_memory_equal(&x->score, &y->score, sizeof x->score);
        assert_true(x->params == y->params && x->macs == y->macs && x->budget_epochs == y->budget_epochs);
        assert_string_equal(x->digest, y->digest);
        assert_string_equal(x->message, y->message);
    }
    assert_int_equal(a->best, b->best);
    assert_int_equal(a->repeats, b->repeats);
    assert_string_equal(a->digest, b->digest);
}

/* Runs in a child that is expected to be killed. */
static inline void search_and_die(const experiment *e) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        experiment mine = *e;
        nlg_search_result result;
        search(&mine, &result, NULL);
        _exit(3); /* lived */
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

enum { TRIALS = 30 };
static const char small_population[] = "{\"population\": 8, \"sample\": 3}";

#endif
