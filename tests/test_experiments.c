/* Experiments: their files, the store of results, the report's refusals. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/plans/experiment.h"
#include "harness/claims/stats.h"
#include "harness/report/report.h"
#include "layers/base/file.h"

static char folder[64];

static int make_folder(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", "experiments-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state) {
    (void)state;
    static const char *const names[] = {"e.json", "experiments.sqlite", "experiments.sqlite-lock", "experiments.sqlite-journal"};
    char path[256];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static nlg_status load(const char *text, nlg_error *err) {
    char path[256];
    nlg_experiment e;
    snprintf(path, sizeof path, "%s/e.json", folder);
    assert_int_equal(nlg_file_write(path, text, strlen(text), NULL), NLG_OK);
    nlg_status status = nlg_experiment_load(path, "smoke", &e, err);
    nlg_experiment_close(&e);
    return status;
}

#define HEAD    "{\"id\":\"x\",\"title\":\"t\",\"claim\":\"c\",\"rule\":\"r\","
#define LATENCY HEAD "\"kind\":\"latency\",\"profiles\":{\"smoke\":{\"networks\":[\"lenet5\"],\"batch\":1,"

static void refuses(const char *text, const char *part) {
    nlg_error err = {0};
    assert_int_equal(load(text, &err), NLG_ERR_INPUT);
    if (!strstr(err.text, part)) fail_msg("expected \"%s\" in: %s", part, err.text);
    assert_non_null(strstr(err.text, "e.json"));
}

static void test_files(void **state) {
    (void)state;
    nlg_error err = {0};
    assert_int_equal(load(LATENCY "\"seconds\":1}}}", &err), NLG_OK);
    refuses(LATENCY "\"secnods\":1}}}", "unknown key \"secnods\"");
    refuses(LATENCY "\"seconds\":\"1\"}}}", "\"seconds\": expected a number");
    refuses(LATENCY "\"seconds\":-1}}}", "\"seconds\": expected a number");
    refuses(LATENCY "\"batch\":1}}}", "\"seconds\" is missing");
    refuses(HEAD "\"kind\":\"dance\",\"profiles\":{}}", "\"kind\"");
    refuses(HEAD "\"kind\":\"counts\",\"profiles\":{\"quick\":{}}}", "no profile \"smoke\"");
    refuses("{\"id\":", "not valid JSON");
    refuses(
        HEAD
        "\"kind\":\"search\",\"data\":\"d\",\"profiles\":{\"smoke\":{\"space\":\"s\",\"strategies\":[\"other\"],\"train_images\":1,"
        "\"validation_images\":1,\"batch\":1,\"epochs\":1,\"rate\":1,\"seeds\":1,\"budget\":1,\"search_seeds\":1,\"retrain_"
        "epochs\":1,"
        "\"retrained_random\":1}}}",
        "baseline");
}

static void put_one(nlg_results *results, const char *identity, const char *result) {
    nlg_settings settings = {.threads = 1};
    char key[65];
    assert_int_equal(nlg_results_key(identity, key, NULL), NLG_OK);
    assert_int_equal(nlg_results_put(results, key, identity, result, 1, &settings, NULL), NLG_OK);
    assert_int_equal(nlg_results_add_member(results, "smoke", "x", "final", "arm", key, NULL), NLG_OK);
}

static void test_killed_writer_keeps_results(void **state) {
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        nlg_results *results;
        if (nlg_results_open(folder, true, &results, NULL) != NLG_OK) _exit(1);
        put_one(results, "{\"a\":1}", "{\"value\":7}");
        kill(getpid(), SIGKILL);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    nlg_results *results;
    nlg_result_row *rows;
    cJSON *found;
    int count;
    char key[65];
    assert_int_equal(nlg_results_open(folder, true, &results, NULL), NLG_OK);
    assert_int_equal(nlg_results_key("{\"a\":1}", key, NULL), NLG_OK);
    assert_int_equal(nlg_results_get(results, key, &found, NULL), NLG_OK);
    assert_non_null(found);
    assert_true(nlg_result_number(found, "value") == 7);
    cJSON_Delete(found);
    assert_int_equal(nlg_results_key("{\"a\":2}", key, NULL), NLG_OK);
    assert_int_equal(nlg_results_get(results, key, &found, NULL), NLG_OK);
    assert_null(found);
    assert_int_equal(nlg_results_rows(results, "smoke", &rows, &count, NULL), NLG_OK);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0].arm, "arm");
    nlg_results_free_rows(rows, count);
    assert_int_equal(nlg_results_forget_members(results, "smoke", "x", NULL), NLG_OK);
    assert_int_equal(nlg_results_rows(results, "smoke", &rows, &count, NULL), NLG_OK);
    assert_int_equal(count, 0);
    nlg_results_close(results);
}

static void test_report_needs_data(void **state) {
    (void)state;
    nlg_results *results;
    nlg_error err = {0};
    assert_int_equal(nlg_results_open("no-such-folder", false, &results, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "lineage run"));
}

static void test_identity_is_stable(void **state) {
    (void)state;
    char key[65];
    assert_int_equal(nlg_results_key("", key, NULL), NLG_OK);
    assert_string_equal(key, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void test_pareto_front(void **state) {
    (void)state;
    const double cost[] = {1, 2, 3, 3, 4}, gain[] = {5, 4, 6, 6, (double)NAN};
    bool front[5];
    nlg_pareto_front(cost, gain, 5, front);
    const bool expected[] = {true, false, true, true, false};
    for (int i = 0; i < 5; i++) assert_int_equal(front[i], expected[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_files, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(test_killed_writer_keeps_results, make_folder, remove_folder),
        cmocka_unit_test(test_report_needs_data),
        cmocka_unit_test(test_identity_is_stable),
        cmocka_unit_test(test_pareto_front),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
