/* search/workers: evaluations in processes of their own. The history is that of one process, whatever dies when. */
#include "tests/made_up_search.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

static void histories_do_not_depend_on_workers(void **state) {
    (void)state;
    static const char *const strategies[] = {"evolution", "random", "ppo", "halving"};
    for (int i = 0; i < 4; i++) {
        for (int batch = 1; batch <= 5; batch += 4) {
            nlg_search_result alone, r;
            experiment e = {.strategy = strategies[i], .budget = 37, .batch = batch, .seed = 3};
            search_well(&e, &alone);
            for (int workers = 1; workers <= 3; workers++) {
                experiment several = e;
                several.workers = workers;
                search_well(&several, &r);
                check_same(&alone, &r);
                assert_int_equal(several.commits, 37);
                nlg_free(r.trials);
            }
            nlg_free(alone.trials);
        }
    }
    nlg_search_result alone, r; /* repeats within a batch */
    experiment e = {.space = &coins, .strategy = "random", .budget = 60, .batch = 12, .seed = 4};
    search_well(&e, &alone);
    e.workers = 4;
    search_well(&e, &r);
    check_same(&alone, &r);
    assert_true(r.evaluations <= 16);
    nlg_free(alone.trials);
    nlg_free(r.trials);
}

/* --- evaluators that go wrong --------------------------------------------------------------------------------------------- */

typedef enum { CRASH, KILLED, EXIT, NO_MEMORY, BROKEN } accident;

/* Every seventh architecture or so. */
static nlg_status unlucky(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    score_context well = {.all_work = true};
    accident what = *(accident *)context;
    if (trial->seed % 7 == 0) {
        if (what == CRASH) {
            signal(SIGSEGV, SIG_DFL); /* not as a failure of the test */
            raise(SIGSEGV);
        }
        if (what == KILLED) raise(SIGKILL);
        if (what == EXIT) _exit(5);
        if (what == NO_MEMORY) return nlg_fail_memory(err, 1000, "a network");
        return nlg_fail(err, NLG_ERR_IO, "the data are gone");
    }
    return score(&well, space, trial, err);
}

static nlg_status search_unlucky(accident what, int workers, nlg_search_result *r, nlg_error *err) {
    nlg_evaluator evaluator = {.name = "unlucky", .context = &what, .evaluate = unlucky};
    nlg_search_options o = {.space = &beads,
                            .strategy = nlg_strategy_find("evolution"),
                            .strategy_options = small_population,
                            .evaluator = &evaluator,
                            .budget = 60,
                            .batch = 4,
                            .workers = workers};
    return nlg_search_run(&o, r, err);
}

static void a_crashed_worker_costs_one_trial(void **state) {
    (void)state;
    struct rlimit none = {0, 0}; /* no core files */
    setrlimit(RLIMIT_CORE, &none);
    nlg_search_result r, again;
    nlg_error err = {0};
    if (search_unlucky(CRASH, 2, &r, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(r.count, 60);
    int failed = 0;
    for (int i = 0; i < r.count; i++) {
        bool due = r.trials[i].seed % 7 == 0;
        assert_int_equal(r.trials[i].status, due ? NLG_TRIAL_FAILED : NLG_TRIAL_DONE);
        if (!due) continue;
        failed++;
        if (!strstr(r.trials[i].message, "signal 11")) fail_msg("%s", r.trials[i].message);
    }
    assert_in_range(failed, 1, 30);
    assert_int_equal(search_unlucky(CRASH, 1, &again, NULL), NLG_OK);
    check_same(&r, &again);
    nlg_free(r.trials);
    nlg_free(again.trials);
}

/* It says nothing of the architecture, so it must not become its result. */
static void what_the_machine_does_to_a_worker_ends_the_run(void **state) {
    (void)state;
    static const struct {
        accident what;
        nlg_status status;
        const char *words;
    } cases[] = {
        {KILLED, NLG_ERR_CHECK, "signal 9"}, {EXIT, NLG_ERR_CHECK, "code 5"}, {NO_MEMORY, NLG_ERR_MEMORY, "out of memory"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_search_result r;
        nlg_error err = {0};
        assert_int_equal(search_unlucky(cases[i].what, 2, &r, &err), cases[i].status);
        if (!strstr(err.text, cases[i].words)) fail_msg("%s", err.text);
        assert_null(r.trials);
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    }
}

static nlg_status asleep(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    score_context well = {.all_work = true};
    (void)context;
    if (trial->number == 1) raise(SIGSTOP);
    return score(&well, space, trial, err);
}

static void a_stopped_worker_is_continued(void **state) {
    (void)state;
    nlg_evaluator evaluator = {.name = "asleep", .evaluate = asleep};
    nlg_search_options o = {
        .space = &beads, .strategy = nlg_strategy_find("random"), .evaluator = &evaluator, .budget = 3, .batch = 3, .workers = 2};
    nlg_search_result r;
    nlg_error err = {0};
    if (nlg_search_run(&o, &r, &err) != NLG_OK) fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) assert_int_equal(r.trials[i].status, NLG_TRIAL_DONE);
    nlg_free(r.trials);
}

static void an_error_that_is_no_trials_ends_the_run(void **state) {
    (void)state;
    nlg_search_result r;
    nlg_error err = {0};
    assert_int_equal(search_unlucky(BROKEN, 3, &r, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "the data are gone"));
    assert_null(r.trials);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* no worker is left */
}

/* --- killing the search ---------------------------------------------------------------------------------------------------- */

static shared *counts;

static nlg_status slow(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    struct timespec wait = {.tv_nsec = 200000 + (long)(trial->seed % 16) * 100000};
    nanosleep(&wait, NULL);
    __atomic_add_fetch(&counts->evaluations, 1, __ATOMIC_RELAXED);
    return score(context, space, trial, err);
}

static nlg_status search_slowly(int workers, const char *store, nlg_search_result *r, nlg_error *err) {
    score_context context = {0};
    nlg_evaluator evaluator = {.name = "slow", .context = &context, .evaluate = slow};
    nlg_search_options o = {.space = &beads,
                            .strategy = nlg_strategy_find("evolution"),
                            .strategy_options = small_population,
                            .evaluator = &evaluator,
                            .budget = 150,
                            .batch = 4,
                            .seed = 9,
                            .store = store,
                            .workers = workers};
    return nlg_search_run(&o, r, err);
}

static void killed_at_random_moments_with_workers(void **state) {
    (void)state;
    enum { KILLS = 20 };
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(counts != MAP_FAILED);
    nlg_search_result whole, r;
    assert_int_equal(search_slowly(0, NULL, &whole, NULL), NLG_OK);
    for (int workers = 1; workers <= 2; workers++) {
        const char *path = store_path("workers");
        remove_store("workers");
        counts->evaluations = 0;
        int died = 0;
        for (int i = 0; i < KILLS; i++) {
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                nlg_error err = {0};
                nlg_status status = search_slowly(workers, path, &r, &err);
                if (status != NLG_OK) fprintf(stderr, "%s\n", err.text);
                _exit(status != NLG_OK);
            }
            struct timespec wait = {.tv_nsec = 5000000 + (long)nlg_rng_below(nlg_rng_seed(1), (uint64_t)i, 30000000)};
            nanosleep(&wait, NULL);
            kill(child, SIGKILL);
            int how;
            waitpid(child, &how, 0);
            died += WIFSIGNALED(how);
            assert_true(WIFSIGNALED(how) || WEXITSTATUS(how) == 0);
        }
        assert_true(died > 0);
        nlg_error err = {0};
        if (search_slowly(3 - workers, path, &r, &err) != NLG_OK) fail_msg("%s", err.text);
        check_same(&whole, &r);
        assert_true(counts->evaluations <= whole.evaluations + KILLS * workers); /* what was running, and nothing that was stored */
        nlg_free(r.trials);
    }
    nlg_free(whole.trials);
    munmap(counts, sizeof *counts);
    remove_store("workers");
}

/* --- stores of other searches ----------------------------------------------------------------------------------------------- */

static void other_configurations_are_refused_with_the_difference(void **state) {
    (void)state;
    remove_store("only");
    const char *path = store_path("only");
    score_context context = {0};
    nlg_evaluator evaluator = {.name = "made_up", .context = &context, .evaluate = score};
    nlg_search_options o = {.space = &beads,
                            .strategy = nlg_strategy_find("evolution"),
                            .strategy_options = small_population,
                            .evaluator = &evaluator,
                            .evaluator_config = "{\"data\":{\"train\":2000,\"name\":\"x\"},\"lr\":0.1}",
                            .budget = 9,
                            .seed = 1,
                            .store = path,
                            .only_run = true};
    nlg_search_result r;
    assert_int_equal(nlg_search_run(&o, &r, NULL), NLG_OK);
    nlg_free(r.trials);
    o.budget = 12; /* the same search, further */
    assert_int_equal(nlg_search_run(&o, &r, NULL), NLG_OK);
    assert_int_equal(r.stored, 9);
    nlg_free(r.trials);
    nlg_search_options other = o;
    other.evaluator_config = "{\"data\":{\"train\":500,\"name\":\"x\"},\"lr\":0.1,\"new\":1}";
    other.strategy_options = "{\"population\": 8, \"sample\": 4}";
    other.seed = 2;
    nlg_error err = {0};
    assert_int_equal(nlg_search_run(&other, &r, &err), NLG_ERR_INPUT);
    assert_null(r.trials);
    static const char *const parts[] = {"option.sample is 3 there, 4 here", "evaluator.data.train is 2000 there, 500 here",
                                        "evaluator.new is absent there, 1 here", "seed is 1 there, 2 here"};
    for (int i = 0; i < 4; i++)
        if (!strstr(err.text, parts[i])) fail_msg("%s lacks: %s", err.text, parts[i]);
    other.only_run = false;
    assert_int_equal(nlg_search_run(&other, &r, NULL), NLG_OK);
    nlg_free(r.trials);
    assert_int_equal(nlg_search_run(&o, &r, NULL), NLG_OK); /* it is still there */
    assert_int_equal(r.stored, 12);
    nlg_free(r.trials);
    remove_store("only");
}

int main(void) {
    if (!make_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(histories_do_not_depend_on_workers),
        cmocka_unit_test(a_crashed_worker_costs_one_trial),
        cmocka_unit_test(what_the_machine_does_to_a_worker_ends_the_run),
        cmocka_unit_test(a_stopped_worker_is_continued),
        cmocka_unit_test(an_error_that_is_no_trials_ends_the_run),
        cmocka_unit_test(killed_at_random_moments_with_workers),
        cmocka_unit_test(other_configurations_are_refused_with_the_difference),
    };
    int failed = cmocka_run_group_tests_name("workers", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
