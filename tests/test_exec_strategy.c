/* Strategies that are programs: the example of docs/exec-strategy.md, and programs of sh that go wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/made_files.h"
#include "tests/program.h"

#define TABLE "lineage search --space nasbench201 --evaluator table "

/* Needs no Python: draws the first, the second, ... random architecture; ends with code 3 at the fifth while $D/die exists. */
static const char sh_program[] = "n=0\n"
                                 "while read -r line; do\n"
                                 "  case $line in\n"
                                 "  *'\"op\":\"ask\"'*) n=$((n + 1))\n"
                                 "    [ $n = 5 ] && [ -e \"$D/die\" ] && exit 3\n"
                                 "    echo \"{\\\"architectures\\\": [{\\\"sample\\\": $n}]}\" ;;\n"
                                 "  *) echo '{}' ;;\n"
                                 "  esac\n"
                                 "done\n"
                                 "echo ended > \"$D/ended\"\n";

static int enter(void **state) {
    (void)state;
    program_enter();
    made_file(getenv("D"), "mine.sh", sh_program, sizeof sh_program - 1);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void a_program_of_sh_searches(void **state) {
    (void)state;
    cJSON *r = run_json(TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 30 --seed 4 --json");
    assert_string_equal(json_text(r, "strategy"), "exec");
    assert_true(json_number(cJSON_GetObjectItem(r, "strategy_options"), "time_limit") == 600);
    assert_non_null(strstr(json_text(cJSON_GetObjectItem(r, "strategy_options"), "command"), "mine.sh"));
    assert_true(json_number(r, "evaluations") > 25);
    cJSON *again = run_json(TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 30 --seed 4 --json");
    assert_string_equal(json_text(r, "digest"), json_text(again, "digest"));
    cJSON *other = run_json(TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 30 --seed 5 --json");
    assert_string_not_equal(json_text(r, "digest"), json_text(other, "digest"));
    run_good("test -s $D/ended"); /* its input was closed, and it had time to end */
    cJSON_Delete(r);
    cJSON_Delete(again);
    cJSON_Delete(other);
    program_result compared =
        run_good("lineage compare --strategies random,exec:\"sh $D/mine.sh\" --budget 20 --seeds 4 --threads 2");
    assert_non_null(strstr(compared.out, "exec"));
}

/* It dies, and the store stays good: the same command goes on and ends with the history of an undisturbed search. */
static void a_search_goes_on_after_its_strategy_died(void **state) {
    (void)state;
    cJSON *whole = run_json(TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 12 --json");
    run_good("touch $D/die");
    run_refused("ended with code 3 when it was asked", TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 12 --store $D/s.db");
    cJSON *stored = run_json("lineage trials $D/s.db --summary --json");
    assert_true(json_number(cJSON_GetArrayItem(stored, 0), "count") == 4);
    run_good("rm $D/die");
    cJSON *r = run_json(TABLE "--strategy exec:\"sh $D/mine.sh\" --budget 12 --store $D/s.db --json");
    assert_string_equal(json_text(r, "digest"), json_text(whole, "digest"));
    cJSON_Delete(whole);
    cJSON_Delete(stored);
    cJSON_Delete(r);
}

static void bad_programs_are_clear_errors(void **state) {
    (void)state;
    run_refused("expected a command", TABLE "--strategy exec --budget 3");
    run_refused("expected a command", TABLE "--strategy exec: --budget 3");
    run_refused("expected a program", TABLE "--strategy 'exec: ' --budget 3");
    run_refused("expected a closing '", TABLE "--strategy \"exec:sh 'x\" --budget 3");
    run_refused("no-such-program cannot be started: No such file", TABLE "--strategy exec:no-such-program --budget 3");
    run_refused("ended with code 1 when it was started", TABLE "--strategy exec:false --budget 3");
    run_refused("expected one JSON object when it was started, found 'y'",
                TABLE "--strategy 'exec:sh -c \"read l; echo y; cat\"' --budget 3");
    run_refused("no answer within 0.2 seconds when it was started", TABLE "--strategy 'exec:time_limit=0.2:sleep 60' --budget 3");
    run_refused("was ended by signal 9", TABLE "--strategy 'exec:sh -c \"kill -9 $$\"' --budget 3");
    run_refused("says: not today", TABLE
                "--strategy 'exec:sh -c \"read l; echo {\\\\\\\"error\\\\\\\": \\\\\\\"not today\\\\\\\"}; cat\"' --budget 3");
    run_refused("expected \"architectures\", an array of 1",
                TABLE "--strategy 'exec:sh -c \"while read l; do echo {}; done\"' --budget 3");
    static const char two[] = "read l; printf '{}\\n{}\\n'; read l; read l\n",
                      late[] = "read l; echo '{}'; echo '{}'; read l; read l\n";
    made_file(getenv("D"), "bad.sh", two, sizeof two - 1);
    run_refused("expected one line", TABLE "--strategy \"exec:sh $D/bad.sh\" --budget 3");
    made_file(getenv("D"), "bad.sh", late, sizeof late - 1);
    run_refused("expected", TABLE "--strategy \"exec:sh $D/bad.sh\" --budget 3");
    run_refused("a line of more than", TABLE "--strategy 'exec:sh -c \"read l; tr x y < /dev/zero\"' --budget 3");
    run_refused("\"time_limit\" must be a number", TABLE "--strategy exec:time_limit=0:cat --budget 3");
    static const char *const proposals[] = {"{\"code\": [0, 0, 0]}",
                                            "{\"code\": [0, 0, 0, 0, 0, 5]}",
                                            "{\"code\": [0, 0, 0, 0, 0, 0.5]}",
                                            "{\"genotype\": 3}",
                                            "{\"sample\": -1}",
                                            "{\"mutate\": [1, 1, 1, 1, 1, 1]}",
                                            "7",
                                            "{\"sample\": 1, \"budget\": 2}",
                                            "{\"sample\": 1, \"code\": [0]}"};
    for (size_t i = 0; i < sizeof proposals / sizeof proposals[0]; i++) {
        char program[512];
        const int length = snprintf(program, sizeof program,
                                    "read l; echo '{}'; read l; echo '{\"architectures\": [%s]}'; read l\n", proposals[i]);
        made_file(getenv("D"), "bad.sh", program, (size_t)length);
        run_refused("architecture 0: expected a \"code\" or \"genotype\"", TABLE "--strategy \"exec:sh $D/bad.sh\" --budget 3");
    }
    static const char wrong[] = "read l; echo '{}'; read l; echo '{\"architectures\": [{\"genotype\": \"x\"}]}'; read l\n";
    made_file(getenv("D"), "bad.sh", wrong, sizeof wrong - 1);
    run_refused("architecture 0: space nasbench201: expected an operation", TABLE "--strategy \"exec:sh $D/bad.sh\" --budget 3");
}

/* A program that does not end when its input is closed is ended, with its children; so it is when the search is killed. */
static void no_program_outlives_its_search(void **state) {
    (void)state;
    static const char stubborn[] = "n=0\n"
                                   "sleep 300 & echo $$ $! > \"$D/pids\"\n"
                                   "while read -r line; do n=$((n + 1)); case $line in\n"
                                   "*ask*) echo \"{\\\"architectures\\\": [{\\\"sample\\\": $n}]}\" ;; *) echo '{}' ;; esac; done\n"
                                   "wait\n";
    made_file(getenv("D"), "stubborn.sh", stubborn, sizeof stubborn - 1);
    run_good(TABLE "--strategy \"exec:sh $D/stubborn.sh\" --budget 3 2>&1");
    run_good("for p in $(cat $D/pids); do ! kill -0 $p 2>/dev/null || ps -o stat= -p $p | grep -q Z; done");
}

static void the_documented_example_runs(void **state) {
    (void)state;
    program_result python = run("command -v python3 > $D/python");
    if (python.code != 0) {
        print_message("python3 is not installed: the example of docs/exec-strategy.md was not run\n");
        skip();
    }
    run_good("sed -n '/^```python/,/^```$/p' \"$(dirname \"$(command -v lineage)\")/../docs/exec-strategy.md\" | grep -v '^```' > "
             "$D/mine.py && test $(wc -l < $D/mine.py) -le 25 && test $(wc -l < $D/mine.py) -ge 15");
    cJSON *r = run_json(TABLE "--strategy \"exec:python3 '$D/mine.py'\" --budget 60 --ask 2 --seed 1 --json");
    assert_true(json_number(cJSON_GetObjectItem(r, "best"), "score") > 0.8);
    cJSON_Delete(r);
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_program_of_sh_searches, enter, leave),
        cmocka_unit_test_setup_teardown(a_search_goes_on_after_its_strategy_died, enter, leave),
        cmocka_unit_test_setup_teardown(bad_programs_are_clear_errors, enter, leave),
        cmocka_unit_test_setup_teardown(no_program_outlives_its_search, enter, leave),
        cmocka_unit_test_setup_teardown(the_documented_example_runs, enter, leave),
    };
    return cmocka_run_group_tests_name("exec strategy", tests, NULL, NULL);
}
