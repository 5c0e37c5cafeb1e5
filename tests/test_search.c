/* search: strategies, runner and store on a made-up space with a made-up score. Nothing here knows of networks. */
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/search.h"
#include "search/store.h"

/* --- a space: beads of 5 colours on a string of 10, which may be turned round ----------------------------------------- */

enum { LENGTH = 10, COLOURS = 5 };

static int choices(int position) {
    (void)position;
    return COLOURS;
}

static void canonical(const nlg_code *code, nlg_code *out) {
    nlg_code turned = {.length = LENGTH};
    for (int i = 0; i < LENGTH; i++) turned.value[i] = code->value[LENGTH - 1 - i];
    int i = 0;
    while (i < LENGTH - 1 && code->value[i] == turned.value[i]) i++;
    *out = turned.value[i] < code->value[i] ? turned : *code;
}

static void encode(const nlg_code *code, char *text, size_t size) {
    char letters[LENGTH + 1] = "";
    for (int i = 0; i < code->length; i++) letters[i] = (char)('a' + code->value[i]);
    snprintf(text, size, "%s", letters);
}

static nlg_status decode(const char *text, nlg_code *code, nlg_error *err) {
    *code = (nlg_code){.length = (int)strlen(text)};
    if (code->length != LENGTH) return nlg_fail(err, NLG_ERR_INPUT, "expected 10 letters, found %s", text);
    for (int i = 0; i < LENGTH; i++) code->value[i] = (int16_t)(text[i] - 'a');
    return NLG_OK;
}

static const nlg_space beads = {
    .name = "beads", .length = LENGTH, .choices = choices, .canonical = canonical, .encode = encode, .decode = decode};

/* A small one, in which random search soon meets what it has seen. */
static int two(int position) {
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

static const char *store_path(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s.db", folder, name);
    return path;
}

static void remove_store(const char *name) {
    char path[600];
    static const char *const endings[] = {"", "-journal", "-lock"};
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", store_path(name), endings[i]);
        unlink(path);
    }
}

typedef struct experiment {
    const nlg_space *space;
    const char *strategy, *options;
    int budget, batch;
    uint64_t seed;
    const char *store;
    int stop_after, kill_after; /* trials committed by this process; 0: never */
    score_context context;
    int commits;
} experiment;

static bool on_commit(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    experiment *e = context;
    assert_int_equal(done, trial->number + 1);
    assert_true(done <= budget);
    if (trial->status == NLG_TRIAL_DONE) assert_true(best && best->score >= trial->score);
    e->commits++;
    if (e->commits == e->kill_after) kill(getpid(), SIGKILL);
    return e->commits != e->stop_after;
}

static nlg_status search(experiment *e, nlg_search_result *result, nlg_error *err) {
    nlg_evaluator evaluator = {.name = "made_up", .context = &e->context, .evaluate = score};
    nlg_search_options options = {
        .space = e->space ? e->space : &beads,
        .strategy = nlg_strategy_find(e->strategy ? e->strategy : "regularized_evolution"),
        .strategy_options = e->options,
        .evaluator = &evaluator,
        .budget = e->budget,
        .batch = e->batch,
        .seed = e->seed,
        .store = e->store,
        .progress = on_commit,
        .progress_context = e,
    };
    assert_non_null(options.strategy);
    e->commits = 0;
    return nlg_search_run(&options, result, err);
}

static void search_well(experiment *e, nlg_search_result *result) {
    nlg_error err = {0};
    if (search(e, result, &err) != NLG_OK) fail_msg("search failed: %s", err.text);
    assert_int_equal(result->count, e->budget);
    assert_int_equal(result->evaluations + result->repeats, result->count);
}

static void check_same(const nlg_search_result *a, const nlg_search_result *b) {
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
static void search_and_die(const experiment *e) {
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

static const char small_population[] = "{\"population\": 8, \"sample\": 3}";

/* --- determinism -------------------------------------------------------------------------------------------------------- */

static void same_seed_same_history(void **state) {
    (void)state;
    for (int i = 0; i < nlg_strategy_count(); i++) {
        for (int batch = 1; batch <= 4; batch += 3) {
            experiment e = {.strategy = nlg_strategy_at(i)->name, .budget = 60, .batch = batch, .seed = 5};
            experiment other_seed = e;
            other_seed.seed = 6;
            nlg_search_result a, b, c;
            search_well(&(experiment){.strategy = e.strategy, .budget = 60, .batch = batch, .seed = 5}, &a);
            search_well(&e, &b);
            search_well(&other_seed, &c);
            check_same(&a, &b);
            assert_string_not_equal(a.digest, c.digest);
            nlg_free(a.trials);
            nlg_free(b.trials);
            nlg_free(c.trials);
        }
    }
}

static void trial_seeds_depend_on_run_seed_and_architecture(void **state) {
    (void)state;
    nlg_search_result a, b;
    search_well(&(experiment){.space = &coins, .strategy = "random", .budget = 40, .seed = 1}, &a);
    search_well(&(experiment){.space = &coins, .strategy = "regularized_evolution", .budget = 40, .seed = 1}, &b);
    int shared_architectures = 0;
    for (int i = 0; i < a.count; i++) {
        assert_true(a.trials[i].seed < UINT64_C(1) << 53);
        for (int j = 0; j < b.count; j++) {
            if (strcmp(a.trials[i].hash, b.trials[j].hash) != 0) continue;
            shared_architectures++;
            assert_true(a.trials[i].seed == b.trials[j].seed);
            assert_true(a.trials[i].score == b.trials[j].score);
        }
    }
    assert_true(shared_architectures > 20);
    nlg_free(a.trials);
    nlg_free(b.trials);
}

static void best_is_earliest_highest(void **state) {
    (void)state;
    nlg_search_result r;
    search_well(&(experiment){.budget = 80, .seed = 3}, &r);
    int best = -1, unlucky = 0;
    for (int i = 0; i < r.count; i++) {
        const nlg_trial *t = &r.trials[i];
        if (t->status == NLG_TRIAL_DONE && (best < 0 || t->score > r.trials[best].score)) best = i;
        if (t->status != NLG_TRIAL_DONE) {
            unlucky++;
            assert_true(t->score == 0);
            assert_true(t->message[0] != '\0');
        }
    }
    assert_int_equal(r.best, best);
    assert_true(unlucky > 0);
    nlg_free(r.trials);
}

/* --- repeats ------------------------------------------------------------------------------------------------------------ */

static void repeats_cost_nothing(void **state) {
    (void)state;
    experiment e = {.space = &coins, .strategy = "random", .budget = 50, .batch = 4};
    nlg_search_result r;
    search_well(&e, &r);
    assert_true(r.evaluations <= 16);
    assert_int_equal(e.context.calls, r.evaluations);
    for (int i = 0; i < r.count; i++) {
        int first = 0;
        while (strcmp(r.trials[first].hash, r.trials[i].hash) != 0) first++;
        const nlg_trial *original = &r.trials[first], *repeat = &r.trials[i];
        assert_int_equal(repeat->is_repeat, first < i);
        assert_true(repeat->score == original->score && repeat->params == original->params);
        assert_int_equal(repeat->status, original->status);
        if (first < i) assert_true(repeat->evaluation_seconds == 0);
    }
    nlg_free(r.trials);
}

static void guises_are_one_architecture(void **state) {
    (void)state;
    nlg_code code, turned, other;
    char a[65], b[65];
    int differed = 0;
    for (uint64_t i = 0; i < 200; i++) {
        nlg_space_sample(&beads, nlg_rng_stream(nlg_rng_seed(1), i), &code);
        turned = code;
        for (int j = 0; j < LENGTH; j++) turned.value[j] = code.value[LENGTH - 1 - j];
        differed += !nlg_code_equal(&code, &turned);
        assert_int_equal(nlg_space_hash(&beads, &code, a, NULL), NLG_OK);
        assert_int_equal(nlg_space_hash(&beads, &turned, b, NULL), NLG_OK);
        assert_string_equal(a, b);
        nlg_space_mutate(&beads, nlg_rng_stream(nlg_rng_seed(2), i), &code, &other);
        assert_int_equal(nlg_space_hash(&beads, &other, b, NULL), NLG_OK);
        assert_string_not_equal(a, b);
    }
    assert_true(differed > 100);
    nlg_search_result r; /* trials are canonical whatever was asked for */
    search_well(&(experiment){.strategy = "random", .budget = 50}, &r);
    for (int i = 0; i < r.count; i++) {
        nlg_space_canonical(&beads, &r.trials[i].code, &other);
        assert_true(nlg_code_equal(&other, &r.trials[i].code));
    }
    nlg_free(r.trials);
}

/* --- resuming ----------------------------------------------------------------------------------------------------------- */

enum { TRIALS = 30 };

static void killed_anywhere_resumes_identically(void **state) {
    (void)state;
    shared *counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counts != MAP_FAILED);
    for (int batch = 1; batch <= 4; batch += 3) {
        nlg_search_result whole, resumed;
        experiment e = {.options = small_population, .budget = TRIALS, .batch = batch, .seed = 11};
        search_well(&e, &whole);
        e.store = store_path("killed");
        e.context = (score_context){.shared = counts};
        /* Killed in the middle of an evaluation, or right behind a commit. */
        for (int at = 1; at <= whole.evaluations; at += batch) {
            for (int behind = 0; behind < 2; behind++) {
                remove_store("killed");
                counts->evaluations = 0;
                experiment victim = e, heir = e;
                if (behind) {
                    victim.kill_after = at;
                } else {
                    victim.context.kill_at = at;
                }
                search_and_die(&victim);
                search_well(&heir, &resumed);
                check_same(&whole, &resumed);
                assert_int_equal(counts->evaluations, whole.evaluations + !behind); /* only the running one again */
                assert_int_equal(resumed.stored + heir.commits, TRIALS);
                if (behind) assert_int_equal(resumed.stored, at);
                nlg_free(resumed.trials);
            }
        }
        nlg_free(whole.trials);
    }
    munmap(counts, sizeof *counts);
    remove_store("killed");
}

static void killed_at_any_moment_resumes_identically(void **state) {
    (void)state;
    nlg_search_result whole, resumed;
    experiment e = {.options = small_population, .budget = 100, .batch = 4, .seed = 12};
    search_well(&e, &whole);
    e.store = store_path("moment");
    remove_store("moment");
    for (int i = 0; i < 25; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            experiment mine = e;
            nlg_search_result result;
            _exit(search(&mine, &result, NULL) != NLG_OK);
        }
        struct timespec wait = {.tv_nsec = 1000000 + 700000 * (i % 10)};
        nanosleep(&wait, NULL);
        kill(child, SIGKILL);
        int how;
        waitpid(child, &how, 0);
        assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
    }
    search_well(&e, &resumed);
    check_same(&whole, &resumed);
    nlg_free(whole.trials);
    nlg_free(resumed.trials);
    remove_store("moment");
}

static void stopping_keeps_what_was_committed(void **state) {
    (void)state;
    experiment whole = {.options = small_population, .budget = TRIALS, .seed = 2};
    experiment e = whole;
    nlg_search_result a, b, c;
    search_well(&whole, &a);
    remove_store("stopped");
    e.store = store_path("stopped");
    e.stop_after = 9;
    nlg_error err = {0};
    assert_int_equal(search(&e, &b, &err), NLG_ERR_INTERRUPTED);
    assert_non_null(strstr(err.text, "9 of 30"));
    assert_int_equal(b.count, 9);
    nlg_free(b.trials);
    e.stop_after = 0;
    e.context.interrupt_at = e.context.calls + 5; /* within a trial, which is not stored */
    memset(&err, 0, sizeof err);
    assert_int_equal(search(&e, &b, &err), NLG_ERR_INTERRUPTED);
    assert_true(b.count >= 13 && b.count < TRIALS);
    nlg_free(b.trials);
    e.context.interrupt_at = 0;
    e.context.break_at = e.context.calls + 3;
    memset(&err, 0, sizeof err);
    assert_int_equal(search(&e, &b, &err), NLG_ERR_IO);
    assert_string_equal(err.text, "the data are gone");
    assert_null(b.trials);
    e.context.break_at = 0;
    search_well(&e, &c);
    check_same(&a, &c);
    nlg_free(a.trials);
    nlg_free(c.trials);
    remove_store("stopped");
}

static void larger_budget_continues(void **state) {
    (void)state;
    for (int batch = 1; batch <= 4; batch += 3) {
        experiment whole = {.options = small_population, .budget = 50, .batch = batch, .seed = 4};
        experiment e = whole;
        nlg_search_result a, b;
        search_well(&whole, &a);
        remove_store("budget");
        e.store = store_path("budget");
        for (int budget = 5; budget <= 50; budget += 15) { /* 5, 20, 35, 50: also within a batch */
            e.budget = budget;
            search_well(&e, &b);
            assert_int_equal(e.commits, budget == 5 ? 5 : 15);
            if (budget < 50) nlg_free(b.trials);
        }
        check_same(&a, &b);
        nlg_free(b.trials);
        e.budget = 10; /* a smaller one gives the first trials and runs nothing */
        search_well(&e, &b);
        assert_int_equal(e.commits, 0);
        for (int i = 0; i < 10; i++) assert_string_equal(a.trials[i].hash, b.trials[i].hash);
        nlg_free(b.trials);
        nlg_free(a.trials);
    }
    remove_store("budget");
}

static void runs_share_a_store_without_mixing(void **state) {
    (void)state;
    remove_store("shared");
    const char *path = store_path("shared");
    experiment runs[] = {
        {.strategy = "random", .budget = 12, .seed = 1, .store = path},
        {.strategy = "random", .budget = 12, .seed = UINT64_MAX, .store = path},
        {.strategy = "random", .budget = 12, .seed = 1, .batch = 2, .store = path},
        {.options = small_population, .budget = 12, .seed = 1, .store = path},
        {.options = "{\"sample\": 3, \"population\": 9}", .budget = 12, .seed = 1, .store = path},
        {.space = &coins, .strategy = "random", .budget = 12, .seed = 1, .store = path},
    };
    enum { RUNS = sizeof runs / sizeof runs[0] };
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < RUNS; i++) {
            nlg_search_result r;
            search_well(&runs[i], &r);
            assert_int_equal(runs[i].commits, pass == 0 ? 12 : 0);
            nlg_free(r.trials);
        }
    }
    nlg_search_result r; /* the same options in another spelling are the same run */
    search_well(
        &(experiment){.options = "{ \"sample\":3.0,\"ageing\":true,\"population\":8 }", .budget = 12, .seed = 1, .store = path},
        &r);
    assert_int_equal(r.stored, 12);
    nlg_free(r.trials);
    remove_store("shared");
}

/* --- strategies --------------------------------------------------------------------------------------------------------- */

static int differences(const nlg_code *a, const nlg_code *b) {
    int count = 0;
    for (int i = 0; i < a->length; i++) count += a->value[i] != b->value[i];
    return count;
}

static void general_sampling_and_mutation(void **state) {
    (void)state;
    int seen[LENGTH][COLOURS] = {{0}}, changed[LENGTH] = {0};
    for (uint64_t i = 0; i < 5000; i++) {
        nlg_code code, child;
        nlg_space_sample(&beads, nlg_rng_stream(nlg_rng_seed(1), i), &code);
        assert_true(nlg_space_valid(&beads, &code));
        for (int j = 0; j < LENGTH; j++) seen[j][code.value[j]]++;
        nlg_space_mutate(&beads, nlg_rng_stream(nlg_rng_seed(2), i), &code, &child);
        assert_true(nlg_space_valid(&beads, &child));
        assert_int_equal(differences(&code, &child), 1);
        for (int j = 0; j < LENGTH; j++) changed[j] += code.value[j] != child.value[j];
    }
    for (int j = 0; j < LENGTH; j++) {
        assert_in_range(changed[j], 380, 620);
        for (int k = 0; k < COLOURS; k++) assert_in_range(seen[j][k], 850, 1150);
    }
    nlg_code bad = {.length = LENGTH};
    bad.value[3] = COLOURS;
    assert_false(nlg_space_valid(&beads, &bad));
    bad.value[3] = -1;
    assert_false(nlg_space_valid(&beads, &bad));
    bad.value[3] = 0;
    assert_true(nlg_space_valid(&beads, &bad));
    bad.length--;
    assert_false(nlg_space_valid(&beads, &bad));
}

/* Drives evolution by hand: `scores` may be NAN for trials that failed. Codes asked for are returned in order. */
static void drive(const char *options, int count, const double *scores, nlg_code *codes) {
    const nlg_strategy *strategy = nlg_strategy_find("regularized_evolution");
    double values[NLG_STRATEGY_OPTIONS_MAX];
    assert_int_equal(nlg_strategy_parse(strategy, options, values, NULL, NULL), NLG_OK);
    void *memory = nlg_alloc(1, strategy->state_size);
    assert_int_equal(strategy->create(memory, &beads, nlg_rng_seed(8), values, NULL), NLG_OK);
    for (int i = 0; i < count; i++) {
        assert_int_equal(strategy->ask(memory, 1, &codes[i], NULL), NLG_OK);
        nlg_trial trial = {.number = i, .code = codes[i], .score = isnan(scores[i]) ? 0 : scores[i]};
        if (isnan(scores[i])) trial.status = NLG_TRIAL_FAILED;
        assert_int_equal(strategy->tell(memory, &trial, 1, NULL), NLG_OK);
    }
    strategy->destroy(memory);
    nlg_free(memory);
}

static bool is_child_of(const nlg_code *child, const nlg_code *parent) {
    return differences(child, parent) == 1;
}

static void ageing_removes_the_oldest(void **state) {
    (void)state;
    enum { P = 4, N = 12 };
    double scores[N] = {9, 1, 2, 3}; /* the first member is the best by far */
    nlg_code codes[N];
    for (int i = P; i < N; i++) scores[i] = 4 + 0.1 * i;
    /* A tournament of many draws sees every member, so the parent is the best that is alive. */
    drive("{\"population\": 4, \"sample\": 200}", N, scores, codes);
    assert_true(is_child_of(&codes[4], &codes[0])); /* member 0 is alive until trial 4 is told */
    for (int i = 5; i < N; i++) {
        assert_true(is_child_of(&codes[i], &codes[i - 1]));
        assert_false(i > 5 && is_child_of(&codes[i], &codes[0]));
    }
    drive("{\"population\": 4, \"sample\": 200, \"ageing\": false}", N, scores, codes);
    for (int i = P; i < N; i++) assert_true(is_child_of(&codes[i], &codes[0])); /* lives for ever */
}

static void without_ageing_the_worst_dies(void **state) {
    (void)state;
    enum { P = 3, N = 7 };
    const double scores[N] = {5, 1, 6, 2, 0.5, 7, 3};
    /* Alive before each cycle: 0 1 2 -> (1 dies) 0 2 3 -> (3 dies, though 4 is worse: it joins after) 0 2 4 -> (4) 0 2 5. */
    nlg_code codes[N];
    drive("{\"population\": 3, \"sample\": 200, \"ageing\": false}", N, scores, codes);
    for (int i = 3; i < 6; i++) assert_true(is_child_of(&codes[i], &codes[2]));
    assert_true(is_child_of(&codes[6], &codes[5]));
}

static void failed_trials_never_become_parents(void **state) {
    (void)state;
    enum { N = 40 };
    double scores[N];
    nlg_code codes[N];
    for (int i = 0; i < N; i++) scores[i] = i % 3 == 1 ? (double)NAN : 0.01 * i;
    drive("{\"population\": 5, \"sample\": 50}", N, scores, codes);
    for (int i = 0, alive = 0; i < N; i++) {
        if (alive >= 5) {
            int latest = i - 1; /* scores rise, so the parent is the latest that worked */
            while (isnan(scores[latest])) latest--;
            assert_true(is_child_of(&codes[i], &codes[latest]));
        }
        alive += !isnan(scores[i]);
    }
    for (int i = 0; i < N; i++) scores[i] = (double)NAN; /* nothing works: it goes on at random */
    drive("{\"population\": 5, \"sample\": 50}", N, scores, codes);
}

static void evolution_beats_random_search(void **state) {
    (void)state;
    int wins = 0, losses = 0;
    double gain = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        nlg_search_result evolution, baseline;
        score_context context = {.all_work = true};
        search_well(&(experiment){.budget = 200, .seed = seed, .context = context}, &evolution);
        search_well(&(experiment){.strategy = "random", .budget = 200, .seed = seed, .context = context}, &baseline);
        double difference = evolution.trials[evolution.best].score - baseline.trials[baseline.best].score;
        wins += difference > 0;
        losses += difference < 0;
        gain += difference / 60;
        nlg_free(evolution.trials);
        nlg_free(baseline.trials);
    }
    if (wins < 55 || gain < 0.03) fail_msg("evolution won %d of 60 and lost %d, mean gain %g", wins, losses, gain);
}

static void strategy_options_are_checked(void **state) {
    (void)state;
    const nlg_strategy *evolution = nlg_strategy_find("regularized_evolution");
    static const struct {
        const char *json, *part;
    } bad[] = {
        {"{\"populaton\": 5}", "did you mean \"population\"?"},
        {"{\"population\": 5.5}", "a whole number from 2 to 10000, found 5.5"},
        {"{\"population\": 1}", "from 2"},
        {"{\"population\": \"5\"}", "found \"5\""},
        {"{\"ageing\": 1}", "true or false"},
        {"{\"sample\": 2, \"sample\": 3}", "twice"},
        {"[1]", "one JSON object"},
        {"{\"sample\": 2} x", "one JSON object"},
        {"", "one JSON object"},
    };
    double values[NLG_STRATEGY_OPTIONS_MAX];
    char text[NLG_STRATEGY_OPTIONS_TEXT];
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nlg_error err = {0};
        assert_int_equal(nlg_strategy_parse(evolution, bad[i].json, values, text, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].part)) fail_msg("%s: %s", bad[i].json, err.text);
    }
    nlg_error err = {0};
    assert_int_equal(nlg_strategy_parse(nlg_strategy_find("random"), "{\"x\": 1}", values, text, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "its options: none"));
    assert_int_equal(nlg_strategy_parse(evolution, "{\"ageing\": false}", values, text, NULL), NLG_OK);
    assert_string_equal(text, "{\"population\":20,\"sample\":5,\"ageing\":false}");
    assert_null(nlg_strategy_find("nothing"));
    assert_null(nlg_space_find("nothing"));
    for (int i = 0; i < nlg_strategy_count(); i++) {
        const nlg_strategy *s = nlg_strategy_at(i);
        assert_ptr_equal(nlg_strategy_find(s->name), s);
        assert_true(s->n_options <= NLG_STRATEGY_OPTIONS_MAX);
        assert_int_equal(nlg_strategy_parse(s, NULL, values, text, NULL), NLG_OK);
        assert_int_equal(text[strlen(text) - 1], '}');
    }
}

/* --- stores that are no good -------------------------------------------------------------------------------------------- */

static void make_store(const char *name) {
    nlg_search_result r;
    remove_store(name);
    search_well(&(experiment){.options = small_population, .budget = TRIALS, .seed = 1, .store = store_path(name)}, &r);
    nlg_free(r.trials);
}

static void write_bytes(const char *path, int flags, long offset, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | flags, 0666);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, size, offset), size);
    close(file);
}

static void change(const char *path, const char *sql) {
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    char *text = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &text) != SQLITE_OK) fail_msg("%s: %s", sql, text);
    sqlite3_close(database);
}

/* A search on the store ends with one line that names the file and says `part`. */
static void check_refused(const char *path, const char *part) {
    experiment e = {.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path};
    nlg_search_result r;
    nlg_error err = {0};
    nlg_status status = search(&e, &r, &err);
    if (status == NLG_OK) fail_msg("%s was accepted", path);
    assert_int_equal(nlg_status_exit_code(status), 2);
    assert_null(r.trials);
    assert_int_equal(e.commits, 0);
    if (!strstr(err.text, part) || !strstr(err.text, path) || strchr(err.text, '\n'))
        fail_msg("expected \"%s\": %s", part, err.text);
}

static void files_that_are_no_store_are_refused(void **state) {
    (void)state;
    const char *path = store_path("wrong");
    static const char *const texts[] = {"x", "not a database", "not a database, but longer than sixteen bytes"};
    for (int i = 0; i < 3; i++) {
        remove_store("wrong");
        write_bytes(path, O_CREAT, 0, texts[i], strlen(texts[i]));
        check_refused(path, "not a trial store");
        struct stat facts; /* and left alone */
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_size, strlen(texts[i]));
    }
    remove_store("wrong");
    change(path, "CREATE TABLE other (x); INSERT INTO other VALUES (1)");
    check_refused(path, "another program");
    remove_store("wrong");
    assert_int_equal(mkdir(path, 0777), 0);
    check_refused(path, "no regular file");
    rmdir(path);
    check_refused(store_path("no/such/folder"), "cannot be written");
    nlg_store *store;
    nlg_error err = {0};
    assert_int_equal(nlg_store_open(store_path("absent"), NLG_STORE_READ, &store, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "No such file"));
    assert_null(store);
    remove_store("wrong");
    write_bytes(path, O_CREAT, 0, "", 0); /* an empty file is a new store */
    nlg_search_result r;
    search_well(&(experiment){.budget = 3, .store = path}, &r);
    nlg_free(r.trials);
    remove_store("wrong");
}

static void damaged_and_foreign_stores_are_refused(void **state) {
    (void)state;
    const char *path = store_path("damaged");
    struct stat facts;
    make_store("damaged");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size / 2), 0);
    check_refused(path, "damaged");
    make_store("damaged");
    char noise[2048];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(37 * i + 11);
    for (long offset = 100; offset < facts.st_size; offset += 4096) write_bytes(path, 0, offset, noise, sizeof noise);
    check_refused(path, "damaged");
    make_store("damaged");
    write_bytes(path, 0, 0, noise, 100);
    check_refused(path, "not a trial store");

    static const struct {
        const char *sql, *part;
    } changes[] = {
        {"PRAGMA user_version = 99", "schema 99, this program expects"},
        {"UPDATE store SET numerics_version = numerics_version + 1", "numerics version"},
        {"DELETE FROM trials WHERE number = 13", "expected trial 13, found 14"},
        {"UPDATE trials SET code = '0,0,0,0,0,0,0,0,0,1' WHERE number = 20", "trial 20 of the store"},
        {"UPDATE trials SET code = 'x' WHERE number = 20", "trial 20 of run 1 cannot be read"},
        {"UPDATE trials SET code = '1,99999' WHERE number = 20", "trial 20 of run 1 cannot be read"},
        {"UPDATE trials SET status = 'lost' WHERE number = 2", "trial 2 of run 1 cannot be read"},
        {"UPDATE trials SET hash = 'abc' WHERE number = 7", "trial 7 of the store is abc"},
        {"UPDATE trials SET seed = seed + 1 WHERE number = 7", "trial 7 of the store"},
        {"UPDATE trials SET status = 'done', score = 9 WHERE number = 0", "of the store is"}, /* then evolution goes elsewhere */
        {"DROP TABLE trials", "no such table"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        make_store("damaged");
        change(path, changes[i].sql);
        check_refused(path, changes[i].part);
    }
    remove_store("damaged");
}

static void second_writer_is_told(void **state) {
    (void)state;
    make_store("busy");
    const char *path = store_path("busy");
    nlg_store *store, *reader;
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, NULL), NLG_OK);
    check_refused(path, "another process is searching");
    assert_int_equal(nlg_store_open(path, NLG_STORE_READ, &reader, NULL), NLG_OK); /* reading is allowed */
    nlg_trial *trials;
    int count;
    assert_int_equal(nlg_store_trials(reader, 1, &trials, &count, NULL), NLG_OK);
    assert_int_equal(count, TRIALS);
    nlg_free(trials);
    nlg_store_close(reader);
    nlg_store_close(store);
    nlg_search_result r;
    search_well(&(experiment){.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path}, &r);
    nlg_free(r.trials);
    char lock[600];
    snprintf(lock, sizeof lock, "%s-lock", path);
    assert_int_not_equal(access(lock, F_OK), 0); /* removed after use */
    remove_store("busy");
}

/* 0: refused with these words. Runs in a child, which must not come back to the test program. */
static int check_refused_in_child(const char *path, const char *part) {
    experiment e = {.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path};
    nlg_search_result r;
    nlg_error err = {0};
    if (nlg_status_exit_code(search(&e, &r, &err)) != 2 || r.trials) return 1;
    return strstr(err.text, part) && strstr(err.text, path) ? 0 : 2;
}

static void read_only_store_is_refused(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    make_store("fixed");
    const char *path = store_path("fixed");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* Root may write everywhere: become somebody else. */
        bool root = geteuid() == 0;
        if (root && (chown(folder, NOBODY, NOBODY) || chown(path, NOBODY, NOBODY) || setuid(NOBODY))) _exit(9);
        if (chmod(path, 0444) || check_refused_in_child(path, "may only be read")) _exit(1);
        if (chmod(folder, 0555) || check_refused_in_child(path, "cannot be written")) _exit(2);
        nlg_store *store; /* reading needs no more than that */
        if (nlg_store_open(path, NLG_STORE_READ, &store, NULL) != NLG_OK) _exit(3);
        nlg_store_close(store);
        _exit(chmod(folder, 0755) != 0);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    chmod(folder, 0755);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    remove_store("fixed");
}

/* The file may not grow any further: what was committed stays, and the run goes on when there is room again. */
static void full_disk_loses_nothing(void **state) {
    (void)state;
    nlg_search_result whole, resumed;
    experiment e = {.options = small_population, .budget = 200, .seed = 21};
    search_well(&e, &whole);
    remove_store("full");
    e.store = store_path("full");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 64 << 10, .rlim_max = 64 << 10};
        nlg_error err = {0};
        nlg_search_result result;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        nlg_status status = search(&e, &result, &err);
        if (nlg_status_exit_code(status) != 2 || result.trials) _exit(4);
        if (!strstr(err.text, "what was stored before is safe") || !strstr(err.text, "storing trial")) _exit(5);
        _exit(e.commits > 20 ? 0 : 6);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    search_well(&e, &resumed);
    check_same(&whole, &resumed);
    assert_true(resumed.stored > 20);
    nlg_free(whole.trials);
    nlg_free(resumed.trials);
    remove_store("full");
}

static void failing_allocations_are_reported(void **state) {
    (void)state;
    int failures = 0;
    for (long n = 0; n < 400; n++) {
        experiment e = {.options = small_population, .budget = 20, .batch = 3, .store = n % 2 ? NULL : store_path("memory")};
        nlg_search_result r;
        nlg_error err = {0};
        remove_store("memory");
        nlg_alloc_fail_after(n);
        nlg_status status = search(&e, &r, &err);
        nlg_alloc_fail_after(-1);
        nlg_free(r.trials);
        if (status == NLG_OK) continue;
        failures++;
        assert_int_equal(status, NLG_ERR_MEMORY);
        assert_non_null(strstr(err.text, "out of memory"));
    }
    assert_true(failures > 20);
    remove_store("memory");
}

static void wrong_use_is_an_error(void **state) {
    (void)state;
    nlg_search_result r;
    nlg_error err = {0};
    assert_int_equal(search(&(experiment){.budget = 0}, &r, &err), NLG_ERR_INPUT);
    memset(&err, 0, sizeof err);
    assert_int_equal(search(&(experiment){.budget = 1, .batch = -1}, &r, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "batch"));
}

/* --- listing ------------------------------------------------------------------------------------------------------------ */

typedef struct listing {
    int rows;
    nlg_trial trials[TRIALS];
} listing;

static nlg_status list_run(void *context, const nlg_run_row *row) {
    (*(int *)context)++;
    assert_string_equal(row->identity.space, "beads");
    assert_string_equal(row->identity.strategy, "regularized_evolution");
    assert_string_equal(row->identity.strategy_options, "{\"population\":8,\"sample\":3,\"ageing\":true}");
    assert_string_equal(row->identity.evaluator, "made_up");
    assert_true(row->identity.seed == 1);
    assert_int_equal(row->identity.batch, 1);
    assert_int_equal(row->numerics_version, NLG_NUMERICS_VERSION);
    assert_int_equal(row->budget, TRIALS);
    assert_int_equal(row->trials, TRIALS);
    assert_int_equal(strlen(row->created), strlen("2000-01-01T00:00:00Z"));
    return NLG_OK;
}

static nlg_status list_trial(void *context, const nlg_trial_row *row) {
    listing *list = context;
    nlg_code code;
    assert_int_equal(decode(row->genotype, &code, NULL), NLG_OK);
    assert_true(nlg_code_equal(&code, &row->trial.code));
    assert_true(row->compiler[0] && row->cpu[0] && row->commit[0]);
    assert_true(row->trial.overhead_seconds > 0);
    list->trials[list->rows++] = row->trial;
    return list->rows == 20 ? NLG_ERR_CHECK : NLG_OK; /* enough */
}

static void stored_runs_can_be_listed(void **state) {
    (void)state;
    make_store("list");
    nlg_store *store;
    assert_int_equal(nlg_store_open(store_path("list"), NLG_STORE_READ, &store, NULL), NLG_OK);
    int runs = 0;
    assert_int_equal(nlg_store_runs(store, list_run, &runs, NULL), NLG_OK);
    assert_int_equal(runs, 1);
    listing list = {0};
    assert_int_equal(nlg_store_rows(store, 1, list_trial, &list, NULL), NLG_ERR_CHECK);
    assert_int_equal(list.rows, 20);
    nlg_store_close(store);
    remove_store("list");
}

int main(void) {
    /* Thousands of commits: in memory where the system offers it. */
    const char *place = getenv("TMPDIR") ? getenv("TMPDIR") : access("/dev/shm", W_OK) == 0 ? "/dev/shm" : P_tmpdir;
    snprintf(folder, sizeof folder, "%s/nlg-search-XXXXXX", place);
    if (!mkdtemp(folder)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_history),
        cmocka_unit_test(trial_seeds_depend_on_run_seed_and_architecture),
        cmocka_unit_test(best_is_earliest_highest),
        cmocka_unit_test(repeats_cost_nothing),
        cmocka_unit_test(guises_are_one_architecture),
        cmocka_unit_test(killed_anywhere_resumes_identically),
        cmocka_unit_test(killed_at_any_moment_resumes_identically),
        cmocka_unit_test(stopping_keeps_what_was_committed),
        cmocka_unit_test(larger_budget_continues),
        cmocka_unit_test(runs_share_a_store_without_mixing),
        cmocka_unit_test(general_sampling_and_mutation),
        cmocka_unit_test(ageing_removes_the_oldest),
        cmocka_unit_test(without_ageing_the_worst_dies),
        cmocka_unit_test(failed_trials_never_become_parents),
        cmocka_unit_test(evolution_beats_random_search),
        cmocka_unit_test(strategy_options_are_checked),
        cmocka_unit_test(files_that_are_no_store_are_refused),
        cmocka_unit_test(damaged_and_foreign_stores_are_refused),
        cmocka_unit_test(second_writer_is_told),
        cmocka_unit_test(read_only_store_is_refused),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(wrong_use_is_an_error),
        cmocka_unit_test(stored_runs_can_be_listed),
    };
    int failed = cmocka_run_group_tests_name("search", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
