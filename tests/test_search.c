/* search: strategies and the runner on a made-up space. Nothing here knows of networks. (The store: test_store.c.) */
#include "tests/made_up_search.h"

#include <sys/mman.h>
#include <time.h>

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
    search_well(&(experiment){.space = &coins, .strategy = "evolution", .budget = 40, .seed = 1}, &b);
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

/* A limit of evaluations cuts the history of the same search without it behind the last architecture that it allows, whether that
 * lies within a batch, in the store or nowhere (there are 16 strings of coins). */
static void evaluations_end_a_search(void **state) {
    (void)state;
    for (int batch = 1; batch <= 4; batch += 3) {
        for (int limit = 1; limit <= 17; limit += 4) {
            experiment whole = {.space = &coins, .strategy = "random", .budget = 200, .batch = batch, .store = store_path("limit")};
            experiment limited = whole;
            nlg_search_result all, some, again;
            nlg_error err = {0};
            int end = 0;
            limited.evaluations = limit;
            limited.store = NULL;
            if (search(&limited, &some, &err) != NLG_OK) fail_msg("%s", err.text);
            remove_store("limit");
            search_well(&whole, &all);
            for (int different = 0; end < all.count && different < limit; end++) different += !all.trials[end].is_repeat;
            assert_int_equal(some.count, end);
            assert_int_equal(some.evaluations, limit < 16 ? limit : 16);
            assert_int_equal(limited.context.calls, some.evaluations);
            for (int i = 0; i < end; i++) assert_string_equal(some.trials[i].hash, all.trials[i].hash);
            limited.store = store_path("limit"); /* which has more trials than the limit */
            if (search(&limited, &again, &err) != NLG_OK) fail_msg("%s", err.text);
            check_same(&some, &again);
            assert_int_equal(limited.context.calls, some.evaluations);
            nlg_free(all.trials);
            nlg_free(some.trials);
            nlg_free(again.trials);
            remove_store("limit");
        }
    }
    nlg_search_result r;
    assert_int_equal(search(&(experiment){.budget = 5, .evaluations = -1}, &r, NULL), NLG_ERR_INPUT);
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
    assert_non_null(strstr(err.text, "of 30: the data are gone"));
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
    const nlg_strategy *strategy = nlg_strategy_find("evolution");
    double values[NLG_STRATEGY_OPTIONS_MAX];
    assert_int_equal(nlg_strategy_parse(strategy, options, values, NULL, NULL), NLG_OK);
    void *memory = nlg_alloc(1, strategy->state_size);
    assert_int_equal(strategy->create(memory, &beads, nlg_rng_seed(8), values, NULL), NLG_OK);
    for (int i = 0; i < count; i++) {
        nlg_proposal asked = {.budget = 1};
        assert_int_equal(strategy->ask(memory, 1, &asked, NULL), NLG_OK);
        codes[i] = asked.code;
        nlg_trial trial = {.number = i, .code = codes[i], .reward = isnan(scores[i]) ? 0 : scores[i]};
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
    drive("{\"population\": 4, \"sample\": 200, \"identity\": 0}", N, scores, codes);
    assert_true(is_child_of(&codes[4], &codes[0])); /* member 0 is alive until trial 4 is told */
    for (int i = 5; i < N; i++) {
        assert_true(is_child_of(&codes[i], &codes[i - 1]));
        assert_false(i > 5 && is_child_of(&codes[i], &codes[0]));
    }
    drive("{\"population\": 4, \"sample\": 200, \"ageing\": false, \"identity\": 0}", N, scores, codes);
    for (int i = P; i < N; i++) assert_true(is_child_of(&codes[i], &codes[0])); /* lives for ever */
}

static void without_ageing_the_worst_dies(void **state) {
    (void)state;
    enum { P = 3, N = 7 };
    const double scores[N] = {5, 1, 6, 2, 0.5, 7, 3};
    /* Alive before each cycle: 0 1 2 -> (1 dies) 0 2 3 -> (3 dies, though 4 is worse: it joins after) 0 2 4 -> (4) 0 2 5. */
    nlg_code codes[N];
    drive("{\"population\": 3, \"sample\": 200, \"ageing\": false, \"identity\": 0}", N, scores, codes);
    for (int i = 3; i < 6; i++) assert_true(is_child_of(&codes[i], &codes[2]));
    assert_true(is_child_of(&codes[6], &codes[5]));
}

static void failed_trials_never_become_parents(void **state) {
    (void)state;
    enum { N = 40 };
    double scores[N];
    nlg_code codes[N];
    for (int i = 0; i < N; i++) scores[i] = i % 3 == 1 ? (double)NAN : 0.01 * i;
    drive("{\"population\": 5, \"sample\": 50, \"identity\": 0}", N, scores, codes);
    for (int i = 0, alive = 0; i < N; i++) {
        if (alive >= 5) {
            int latest = i - 1; /* scores rise, so the parent is the latest that worked */
            while (isnan(scores[latest])) latest--;
            assert_true(is_child_of(&codes[i], &codes[latest]));
        }
        alive += !isnan(scores[i]);
    }
    for (int i = 0; i < N; i++) scores[i] = (double)NAN; /* nothing works: it goes on at random */
    drive("{\"population\": 5, \"sample\": 50, \"identity\": 0}", N, scores, codes);
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
    const nlg_strategy *evolution = nlg_strategy_find("evolution");
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
    assert_string_equal(text, "{\"population\":100,\"sample\":25,\"ageing\":false,\"identity\":0.05}");
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

int main(void) {
    if (!make_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_seed_same_history),
        cmocka_unit_test(trial_seeds_depend_on_run_seed_and_architecture),
        cmocka_unit_test(best_is_earliest_highest),
        cmocka_unit_test(repeats_cost_nothing),
        cmocka_unit_test(evaluations_end_a_search),
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
    };
    int failed = cmocka_run_group_tests_name("search", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
