/* lineage verify, lineage records: stored records are made again; exported ones come back or are refused. */
#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/made_files.h"
#include "tests/program.h"

/* A training, a search in a table, counts and a time. */
static const char experiment[] =
    "{\"id\":\"x\",\"title\":\"t\",\"profiles\":{\"smoke\":{}},\"stages\":["
    "{\"name\":\"train\",\"measure\":\"train\",\"final\":true,\"cross\":{\"network\":[\"lenet5_small\"],\"seed\":[1]},\"with\":{"
    "\"data\":\"mnist:%s\","
    "\"train_images\":64,\"validation_images\":64,\"epochs\":1,\"batch\":32,\"label_smoothing\":0.1}},"
    "{\"name\":\"search\",\"measure\":\"search\",\"with\":{\"space\":\"nasbench201\",\"evaluator\":\"table\",\"budget\":5}},"
    "{\"name\":\"counts\",\"measure\":\"count\",\"cross\":{\"network\":[\"lenet5\",\"resnet18\"]}},"
    "{\"name\":\"time\",\"measure\":\"latency\",\"with\":{\"network\":\"lenet5\",\"seconds\":0,\"threads\":1}}]}";

static int enter(void **state) {
    (void)state;
    char text[4096];
    program_enter();
    made_idx_set(getenv("D"), 300, 60, 28, 28, true);
    snprintf(text, sizeof text, experiment, getenv("D"));
    made_file(getenv("D"), "e.json", text, strlen(text));
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void change(const char *folder, const char *sql) {
    char path[512], *text = NULL;
    sqlite3 *database;
    snprintf(path, sizeof path, "%s/%s/store.sqlite", getenv("D"), folder);
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, NULL, NULL, &text) != SQLITE_OK) fail_msg("%s: %s", sql, text);
    assert_true(sqlite3_changes(database) > 0);
    sqlite3_close(database);
}

static void records_are_made_again(void **state) {
    (void)state;
    program_result r = run_good("lineage verify --results $D/r --threads 2 --isa portable");
    assert_string_equal(r.out, "4 of 4 records have the same bits; 1 times were left out\n");
    assert_non_null(strstr(run_good("lineage verify --results $D/r --sample 2 --seed 5").out, "2 of 2 records"));
    run_refused("no record to verify", "lineage verify --results $D/r --key zzz");
    run_refused("no results there", "lineage verify --results $D/none");
    run_refused("--sample: expected", "lineage verify --results $D/r --sample 0");
}

/* What was changed by hand is found, whatever it is. */
static void differences_are_found(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"UPDATE metrics SET value = value + 0.015625 WHERE name = 'test_accuracy'", "differs in test_accuracy"},
        {"UPDATE records SET digest = 'abc' WHERE measure = 'train'", "differs in digest"},
        {"UPDATE records SET status = 'diverged' WHERE measure = 'train'", "differs in status"},
        {"UPDATE records SET detail = replace(detail, '\"epochs\":', '\"epohcs\":') WHERE measure = 'search'", "differs in detail"},
        {"DELETE FROM metrics WHERE name = 'layers'", "stored 4 metrics, now 5"},
    };
    for (int i = 0; i < 5; i++) {
        run_good("rm -rf $D/c; cp -r $D/r $D/c");
        change("c", changes[i][0]);
        program_result r = run("lineage verify --results $D/c");
        assert_int_equal(r.code, 1);
        if (!strstr(r.out, changes[i][1])) fail_msg("expected \"%s\" in: %s", changes[i][1], r.out);
        r = run("lineage verify --results $D/c --against $D/r");
        assert_int_equal(r.code, 1);
        if (!strstr(r.out, i < 4 ? changes[i][1] : "differs in")) fail_msg("expected \"%s\" in: %s", changes[i][1], r.out);
    }
}

static void interruption_is_no_success(void **state) {
    (void)state;
    run_good("sed 's/\"epochs\":1,/\"epochs\":300,/;s/\"seed\":.1./\"seed\":[1,2,3,4]/' $D/e.json >$D/long.json");
    run_good("lineage run --profile smoke --experiments $D/long.json --results $D/l");
    program_result r = run("timeout --foreground --preserve-status -s INT 0.3 lineage verify --results $D/l --threads 1");
    assert_int_equal(r.code, 130);
    assert_non_null(strstr(r.out, "of 7 records checked"));
}

static void records_travel(void **state) {
    (void)state;
    run_good("lineage records export $D/a.gz --results $D/r && lineage records import $D/a.gz --results $D/i");
    run_good("lineage records export $D/b.gz --results $D/i && cmp $D/a.gz $D/b.gz");
    run_good("test \"$(od -An -j4 -N4 -tu4 $D/a.gz | tr -d ' ')\" = 0"); /* no time in the file's head */
    run_good("lineage verify --results $D/i");
    run_good("lineage verify --results $D/r --against $D/a.gz && test -z \"$(ls -d /tmp/lineage-verify-* 2>/dev/null)\"");
    run_good("lineage records import $D/a.gz --results $D/i"); /* again: nothing new */
    program_result r = run_good("lineage run --profile smoke --experiments $D/e.json --results $D/i");
    assert_non_null(strstr(r.out, "all 5 trials were done already"));
    cJSON *list = run_json("lineage records list --results $D/i --json");
    assert_int_equal(cJSON_GetArraySize(list), 5);
    cJSON_Delete(list);
    run_good("sed 's/\"id\":\"x\"/\"id\":\"y\"/;s/\"seed\":.1./\"seed\":[7]/' $D/e.json >$D/y.json");
    run_good("lineage run --profile smoke --experiments $D/y.json --results $D/r");
    run_good("lineage records export $D/x.gz --experiment x --results $D/r && cmp $D/a.gz $D/x.gz");
    run_refused("no records of experiment z", "lineage records export $D/z.gz --experiment z --results $D/r");
    run_refused("expected list, export FILE or import FILE", "lineage records dance --results $D/r");
    run_refused("needs the name of one file", "lineage records export --results $D/r");
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    static const char *const edits[][2] = {
        {"s/\"seed\":1,/\"seed\":2,/", "line 2: a key that is not that of its spec"},
        {"s/\"status\":\"done\"/\"status\":\"fine\"/", "a record that lacks a member"},
        {"s/\"seconds\":[^,]*,/\"seconds\":-1,/", "a record that lacks a member"},
        {"s/\"version\":2/\"version\":3/", "version 3 of the format, this program reads 1 and 2"},
        {"s/netlineage records/other/", "not a file of records"},
        {"s/\"numerics\":[0-9]*,\"version\"/\"numerics\":3,\"version\"/", "made with numerics version 3"},
        {"s/\"macs\":\\[[0-9]*,/\"macs\":[\"many\",/", "a metric that is no finite number"},
        {"s/\"position\":0/\"position\":0.5/", "a member with a wrong position"},
        {"3s/.*/{/", "not valid JSON"},
    };
    run_good("lineage records export $D/a.txt --results $D/r");
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        run_good("sed '%s' $D/a.txt >$D/bad.txt; ! cmp -s $D/a.txt $D/bad.txt", edits[i][0]);
        run_refused(edits[i][1], "lineage records import $D/bad.txt --results $D/empty");
        run_good("test \"$(lineage records list --results $D/empty --json)\" = '[]'"); /* all or nothing */
    }
    run_refused("expected a sound gzip file, found its end",
                "gzip -c $D/a.txt | head -c 600 >$D/cut.gz; lineage records import $D/cut.gz --results $D/empty");
    run_refused("cannot be read", "lineage records import $D/none.gz --results $D/empty");
    run_refused("not a file of records", "echo '{}' >$D/other; lineage verify --results $D/r --against $D/other");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_are_made_again, enter, leave),
        cmocka_unit_test_setup_teardown(differences_are_found, enter, leave),
        cmocka_unit_test_setup_teardown(interruption_is_no_success, enter, leave),
        cmocka_unit_test_setup_teardown(records_travel, enter, leave),
        cmocka_unit_test_setup_teardown(damaged_files_are_refused, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
