/* lineage compare, on the published tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/program.h"

static int enter(void **state) {
    (void)state;
    program_enter();
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

#define COMPARE "lineage compare --space nasbench201 --strategies random,evolution --evaluator table --seeds 20 "

static const char row_keys[] = "strategy budget seeds val_mean val_sd test_mean test_sd auc_mean regret_mean";

static void check_row(const cJSON *rows, int index, const char *strategy, int budget) {
    const cJSON *row = cJSON_GetArrayItem(rows, index);
    json_has_exactly(row, row_keys);
    assert_string_equal(json_text(row, "strategy"), strategy);
    assert_true(json_number(row, "budget") == budget);
    assert_true(json_number(row, "seeds") == 20);
    assert_true(json_number(row, "val_mean") > 0.7 && json_number(row, "val_mean") < 0.86);
    assert_true(json_number(row, "test_mean") > 0.9 && json_number(row, "test_mean") < 0.9438);
    assert_true(fabs(json_number(row, "test_mean") + json_number(row, "regret_mean") - 0.94373) < 1e-4);
    assert_true(json_number(row, "auc_mean") < json_number(row, "val_mean"));
    assert_true(json_number(row, "val_sd") > 0 && json_number(row, "test_sd") > 0);
}

static void json_follows_the_contract(void **state) {
    (void)state;
    cJSON *r = run_json(COMPARE "--budget 40,120 --json");
    assert_int_equal(cJSON_GetArraySize(r), 4);
    check_row(r, 0, "random", 40);
    check_row(r, 1, "random", 120);
    check_row(r, 2, "evolution", 40);
    check_row(r, 3, "evolution", 120);
    const cJSON *random = cJSON_GetArrayItem(r, 1), *evolution = cJSON_GetArrayItem(r, 3);
    assert_true(json_number(evolution, "test_mean") > json_number(random, "test_mean"));
    /* A smaller budget alone is the beginning of the same runs; threads do not matter. */
    cJSON *alone = run_json(COMPARE "--budget 40 --threads 1 --json");
    assert_true(cJSON_Compare(cJSON_GetArrayItem(r, 0), cJSON_GetArrayItem(alone, 0), true));
    assert_true(cJSON_Compare(cJSON_GetArrayItem(r, 2), cJSON_GetArrayItem(alone, 1), true));
    cJSON *threads = run_json(COMPARE "--budget 40,120 --threads 3 --json");
    assert_true(cJSON_Compare(r, threads, true));
    cJSON *other = run_json(COMPARE "--budget 40,120 --seed 1 --json");
    assert_false(cJSON_Compare(r, other, true));
    cJSON_Delete(r);
    cJSON_Delete(alone);
    cJSON_Delete(threads);
    cJSON_Delete(other);
}

static void every_strategy_replays_every_table(void **state) {
    (void)state;
    static const char *const spaces[] = {"nasbench201", "nasbenchmacro", "accelnas"};
    for (int i = 0; i < 3; i++) {
        cJSON *r = run_json(
                  "lineage compare --space %s --strategies random,grid,local,evolution,nsga2,reinforce,ppo,pnas --budget 37 "
                  "--seeds 2 --ask 3 --json",
                  spaces[i]),
              *row;
        assert_int_equal(cJSON_GetArraySize(r), 8);
        cJSON_ArrayForEach(row, r) json_has_exactly(row, row_keys);
        cJSON_Delete(r);
    }
}

static void tables_and_charts_are_written(void **state) {
    (void)state;
    program_result text = run_good(COMPARE "--budget 60 --output $D/out");
    assert_non_null(strstr(text.out, "equal cost"));
    assert_non_null(strstr(text.out, "random - evolution"));
    assert_non_null(strstr(text.out, "{\"population\":10,\"sample\":10}"));
    run_good("cd $D/out && grep -c svg curve.svg cost_curve.svg efficiency.svg && test $(wc -l < curve.tsv) = 121 && "
             "test $(wc -l < cost_curve.tsv) = 201 && test $(wc -l < scores.tsv) = 5 && test $(wc -l < tests.tsv) = 3");
}

/* The tests and the rows at equal cost, which the array of rows has no room for; none for copies of one run, or with one seed. */
static void tests_are_told_in_json(void **state) {
    (void)state;
    cJSON *r = run_json("lineage compare --strategies random,grid,local --budget 30,60 --seeds 6 --json --tests"), *row;
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r, "rows")), 9);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r, "tests")), 2); /* random - local, at trials and at cost */
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(r, "tests")) {
        assert_string_equal(json_text(row, "a"), "random");
        assert_string_equal(json_text(row, "b"), "local");
        assert_true(json_number(row, "n") == 6 && json_number(row, "p_holm") >= json_number(row, "p"));
    }
    assert_string_equal(json_text(r, "space"), "nasbench201");
    cJSON_Delete(r);
    program_result one = run_good("lineage compare --strategies random,local --budget 30 --seeds 1");
    assert_non_null(strstr(one.out, " +- -"));
    assert_non_null(strstr(one.out, "1 seed from 0"));
    assert_null(strstr(one.out, "Wilcoxon"));
    r = run_json("lineage compare --strategies random --budget 30 --seeds 1 --json");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(cJSON_GetArrayItem(r, 0), "val_sd")));
    cJSON_Delete(r);
}

static void contenders_have_options(void **state) {
    (void)state;
    cJSON *r =
        run_json("lineage compare --strategies random,evolution:,evolution:population=5:sample=2 --budget 30 --seeds 3 --json");
    assert_string_equal(json_text(cJSON_GetArrayItem(r, 0), "strategy"), "random");
    assert_string_equal(json_text(cJSON_GetArrayItem(r, 1), "strategy"), "evolution:");
    assert_string_equal(json_text(cJSON_GetArrayItem(r, 2), "strategy"), "evolution:population=5:sample=2");
    cJSON_Delete(r);
    run_refused("unknown strategy 'evolve'", "lineage compare --strategies random,evolve");
    run_refused("'grid' is given twice", "lineage compare --strategies grid,random,grid --budget 1000000 --seeds 1000");
    run_refused("none/x: cannot create", "touch $D/none; lineage compare --budget 1000000 --seeds 1000 --output $D/none/x");
    run_refused("has no option \"size\"", "lineage compare --strategies evolution:size=3");
    run_refused("rising", "lineage compare --budget 50,20");
    run_refused("--budget", "lineage compare --budget 50,x");
    run_refused("--evaluator", "lineage compare --evaluator train");
    run_refused("has no table", "lineage compare --space nasnet_small");
    run_refused("no signal 'imagenet'", "lineage compare --signal imagenet");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(json_follows_the_contract, enter, leave),
        cmocka_unit_test_setup_teardown(every_strategy_replays_every_table, enter, leave),
        cmocka_unit_test_setup_teardown(tables_and_charts_are_written, enter, leave),
        cmocka_unit_test_setup_teardown(tests_are_told_in_json, enter, leave),
        cmocka_unit_test_setup_teardown(contenders_have_options, enter, leave),
    };
    return cmocka_run_group_tests_name("cli compare", tests, NULL, NULL);
}
