/* The profile quick: shipped records are the evidence, and a sample of them is made again here. */
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

/* x is shipped and cheap; z has nothing shipped and no profile quick. */
static const char x_file[] =
    "{\"id\":\"x\",\"title\":\"t\",\"profiles\":{\"smoke\":{\"first\":1},\"quick\":{\"first\":11},\"full\":{\"first\":1}},"
    "\"stages\":["
    "{\"name\":\"final\",\"measure\":\"train\",\"final\":true,\"cross\":{\"network\":[\"lenet5_small\"],\"seed\":{\"from\":\"$"
    "first\",\"count\":3}},"
    "\"with\":{\"data\":\"mnist:%s\",\"train_images\":64,\"validation_images\":64,\"epochs\":1,\"batch\":32}},"
    "{\"name\":\"counts\",\"measure\":\"count\",\"cross\":{\"network\":[\"lenet5_1998\"]}}],"
    "\"claims\":[{\"id\":\"weights\",\"text\":\"LeNet-5 has 60,000 "
    "weights\",\"system\":\"lenet\",\"rule\":\"equal\",\"query\":\"SELECT 1 AS "
    "pair, value AS a, 60000 AS b FROM results WHERE profile = :profile AND experiment = :experiment AND stage = 'counts' AND "
    "metric = "
    "'params'\"},"
    "{\"id\":\"human-vs-searched-published\",\"text\":\"Some digits are "
    "right\",\"system\":\"lenet\",\"rule\":\"descriptive\",\"query\":\"SELECT CASE "
    "seed %% 2 WHEN 1 THEN 'at odd seeds' ELSE 'at even seeds' END AS contrast, seed AS pair, "
    "value AS a, 0 AS b FROM results WHERE profile = :profile AND experiment = :experiment AND metric = 'test_accuracy'\"},"
    "{\"id\":\"above\",\"text\":\"More digits are right than none\",\"system\":\"lenet\",\"rule\":\"not_lower\",\"params\":{"
    "\"margin\":0.001,\"least_pairs\":3},\"query\":\"SELECT seed AS pair, value AS a, -1 AS b FROM results WHERE profile = "
    ":profile AND experiment = "
    ":experiment AND metric = 'test_accuracy'\"}]}";
static const char z_file[] =
    "{\"id\":\"z\",\"title\":\"t\",\"profiles\":{\"smoke\":{},\"quick\":null,\"full\":{}},\"stages\":[{\"name\":"
    "\"counts\",\"measure\":\"count\",\"cross\":{"
    "\"network\":[\"alexnet\"]}}],\"claims\":[{\"id\":\"human-vs-searched\",\"text\":\"AlexNet has 61,100,840 "
    "weights\",\"system\":\"alexnet\",\"rule\":"
    "\"equal\",\"query\":\"SELECT 1 AS pair, value AS a, 61100840 AS b FROM results WHERE profile = "
    ":profile AND experiment = :experiment AND "
    "metric = 'params'\"}]}";

/* A project with these two experiments, whose records of x were made in $D/r and are shipped. */
static int enter(void **state) {
    char text[4096];
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 300, 60, 28, 28, true);
    run_good("mkdir -p $D/share/harness/experiments $D/share/results/reference; ln -s $PWD/plots $D/share/plots;"
             "ln -s $PWD/harness/report $D/share/harness/report; ln -s $PWD/results/published $D/share/results/published");
    snprintf(text, sizeof text, x_file, getenv("D"));
    made_file(getenv("D"), "share/harness/experiments/x.json", text, strlen(text));
    made_file(getenv("D"), "share/harness/experiments/z.json", z_file, strlen(z_file));
    run_good(
        "export NLG_SHARE=$D/share; lineage run x --profile full --results $D/r && lineage records export --profile full --results "
        "$D/r $D/share/results/reference/x.records.gz");
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

#define QUICK  "NLG_SHARE=$D/share lineage run --profile quick --results $D/q"
#define REPORT "NLG_SHARE=$D/share lineage report --results $D/q"

static const cJSON *claim(const cJSON *list, const char *id) {
    const cJSON *c;
    cJSON_ArrayForEach(c, list) if (strcmp(json_text(c, "id"), id) == 0) return c;
    fail_msg("no claim %s", id);
    return NULL;
}

static void shipped_records_are_checked(void **state) {
    (void)state;
    cJSON *plan = run_json(QUICK " --plan --json");
    const cJSON *stages = cJSON_GetObjectItem(plan, "stages"), *last = cJSON_GetArrayItem(stages, cJSON_GetArraySize(stages) - 1);
    assert_string_equal(json_text(last, "experiment"), "shipped records");
    assert_int_equal(json_number(last, "trials"), 4);
    assert_int_equal(json_number(last, "stored"), 0);
    cJSON_Delete(plan);

    program_result r = run_good(QUICK " --minutes 0"); /* no time: the first of the experiment only */
    assert_non_null(strstr(r.err, "[1/4] shipped record"));
    assert_null(strstr(r.err, "[2/4] shipped record"));
    assert_non_null(strstr(r.err, "3 shipped records are left out"));

    r = run_good(QUICK);
    assert_non_null(strstr(r.err, "4 of them are made again, a sample of seed 0"));
    assert_non_null(strstr(r.err, "[4/4] shipped record"));
    assert_null(strstr(r.err, "DIFFERS"));
    r = run_good(QUICK); /* again: nothing is left to do */
    assert_null(strstr(r.err, "shipped record "));

    cJSON *data = run_json(REPORT " --json");
    const cJSON *claims = cJSON_GetObjectItem(data, "claims"), *c = claim(claims, "weights");
    assert_string_equal(json_text(c, "verdict"), "supported");
    assert_string_equal(json_text(c, "source"), "shipped");
    assert_string_equal(json_text(c, "evidence"), "shipped; 4 of 4 re-verified");
    assert_string_equal(json_text(c, "live_verdict"), "supported");
    c = claim(claims, "human-vs-searched");
    assert_string_equal(json_text(c, "verdict"), "not decided");
    assert_string_equal(json_text(c, "evidence"), "no shipped records yet");
    assert_non_null(strstr(json_text(data, "headline"), "1 is not yet decided"));
    const cJSON *findings = cJSON_GetObjectItem(data, "findings");
    assert_int_equal(cJSON_GetArraySize(findings), 2);
    assert_string_equal(json_text(cJSON_GetArrayItem(findings, 0), "finding"),
                        "\"AlexNet has 61,100,840 weights\" is not yet decided.");
    assert_non_null(strstr(json_text(cJSON_GetArrayItem(findings, 1), "finding"), "\"Some digits are right\" is described at "));
    assert_non_null(strstr(json_text(cJSON_GetArrayItem(findings, 1), "finding"), "; described at "));
    assert_non_null(strstr(json_text(data, "provenance"), "4 of 4 made again here gave the same bits"));
    cJSON_Delete(data);

    run_good(REPORT " --output $D/out");
    cJSON *list = run_json("cat $D/out/claims.json");
    c = claim(list, "weights");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(c, "reverified"), 0)->valueint, 4);
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(c, "reverified"), 1)->valueint, 4);
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(c, "interval")), 2);
    assert_string_equal(json_text(c, "source"), "shipped");
    cJSON_Delete(list);
}

/* Other seeds than the shipped ones, shown as live where asked. */
static void live_runs_have_seeds_of_their_own(void **state) {
    (void)state;
    run_good(QUICK " --live");
    cJSON *data = run_json(REPORT " --live --json");
    assert_string_equal(json_text(claim(cJSON_GetObjectItem(data, "claims"), "weights"), "source"), "live");
    cJSON_Delete(data);
    run_good("for s in r q; do lineage records list --results $D/$s --json | tr -d ' \\n\\t' | grep -o '\"seed\":[0-9]*' | sort -u "
             ">$D/seeds-$s; "
             "done; test $(wc -l <$D/seeds-r) = 3 -a $(wc -l <$D/seeds-q) = 3; ! grep -qxFf $D/seeds-r $D/seeds-q");
    run_refused("--live is for the profile quick", "lineage run --profile smoke --live");
}

static void verdicts_of_shipped_records_alone(void **state) {
    (void)state;
    run_good("NLG_SHARE=$D/share lineage report --claims $D/claims.json --results $D/none");
    assert_non_null(strstr(run_good("NLG_SHARE=$D/share lineage report --json --results $D/none >/dev/null").err,
                           "none holds no results; the report is of the shipped records alone"));
    cJSON *list = run_json("cat $D/claims.json");
    assert_string_equal(json_text(claim(list, "weights"), "verdict"), "supported");
    assert_string_equal(json_text(claim(list, "weights"), "source"), "shipped");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(claim(list, "weights"), "reverified"), 1)->valueint, 0);
    cJSON_Delete(list);
    assert_non_null(
        strstr(run_good("NLG_SHARE=$D/share lineage verify --shipped --results $D/q").out, "4 of 4 records have the same bits"));
}

/* A test is not decided by the runs of another plan than the present one; an exact figure is. */
static void a_changed_plan_decides_nothing(void **state) {
    (void)state;
    static const char *const edits[] = {"s/\"count\":3/\"count\":4/", "s/\"epochs\":1/\"epochs\":2/",
                                        "s/\"network\":\\[\"lenet5_1998\"/&,\"lenet5_small\"/"};
    run_good("NLG_SHARE=$D/share lineage report --claims $D/claims.json --results $D/none");
    cJSON *list = run_json("cat $D/claims.json");
    assert_string_equal(json_text(claim(list, "above"), "verdict"), "supported");
    cJSON_Delete(list);
    run_good("cp $D/share/harness/experiments/x.json $D/kept.json");
    for (int i = 0; i < 3; i++) {
        run_good("sed '%s' $D/kept.json >$D/share/harness/experiments/x.json && ! cmp -s $D/kept.json "
                 "$D/share/harness/experiments/x.json",
                 edits[i]);
        cJSON *data = run_json("NLG_SHARE=$D/share lineage report --json --results $D/none");
        const cJSON *claims = cJSON_GetObjectItem(data, "claims");
        assert_string_equal(json_text(claim(claims, "above"), "verdict"), "not decided");
        assert_string_equal(json_text(claim(claims, "above"), "evidence"), "shipped, not all runs of the present plan");
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(claim(claims, "above"), "ours")));
        assert_string_equal(json_text(claim(claims, "weights"), "verdict"), "supported");
        cJSON_Delete(data);
    }
    /* What the text says beside the plan changes nothing. */
    run_good("sed 's/\"title\":\"t\"/\"title\":\"another\"/' $D/kept.json >$D/share/harness/experiments/x.json;"
             "NLG_SHARE=$D/share lineage report --claims $D/claims.json --results $D/none; mv $D/kept.json "
             "$D/share/harness/experiments/x.json");
    list = run_json("cat $D/claims.json");
    assert_string_equal(json_text(claim(list, "above"), "verdict"), "supported");
    cJSON_Delete(list);
}

/* Whatever was changed in a shipped file, its claim says so and names it. */
static void tampered_records_are_named(void **state) {
    (void)state;
    static const char *const edits[][2] = {
        {"s/\"test_accuracy\":\\[[0-9.]*,/\"test_accuracy\":[0.984375,/", "test_accuracy: stored 0.984375, now "},
        {"/\"train\"/s/\"digest\":\"[0-9a-f]*\"/\"digest\":\"0123456789abcdef0123456789abcdef\"/",
         "digest: stored 0123456789abcdef, now "},
    };
    for (int i = 0; i < 2; i++) {
        run_good("rm -rf $D/t $D/ref; mkdir $D/ref; gzip -dc $D/share/results/reference/x.records.gz | sed '%s' | gzip "
                 ">$D/ref/x.records.gz",
                 edits[i][0]);
        program_result r = run_good("NLG_SHARE=$D/share lineage run --profile quick --results $D/t --shipped $D/ref");
        if (!strstr(r.err, edits[i][1])) fail_msg("expected \"%s\" in: %s", edits[i][1], r.err);
        cJSON *data = run_json("NLG_SHARE=$D/share lineage report --results $D/t --shipped $D/ref --json");
        const cJSON *c = claim(cJSON_GetObjectItem(data, "claims"), "weights");
        assert_string_equal(json_text(c, "verdict"), "not verified here");
        if (!strstr(json_text(c, "differs"), edits[i][1])) fail_msg("expected \"%s\" in: %s", edits[i][1], json_text(c, "differs"));
        assert_non_null(strstr(json_text(data, "headline"), "2 could not be verified here"));
        cJSON_Delete(data);
    }
    /* The true file again: nothing of the other one is left. */
    run_good("NLG_SHARE=$D/share lineage run --profile quick --results $D/t");
    cJSON *data = run_json("NLG_SHARE=$D/share lineage report --results $D/t --json");
    assert_string_equal(json_text(claim(cJSON_GetObjectItem(data, "claims"), "weights"), "verdict"), "supported");
    cJSON_Delete(data);
}

static void damaged_files_are_refused(void **state) {
    (void)state;
    run_good("mkdir $D/bad; head -c 700 $D/share/results/reference/x.records.gz >$D/bad/x.records.gz");
    run_refused("x.records.gz: expected a sound gzip file",
                "NLG_SHARE=$D/share lineage run --profile quick --results $D/b --shipped $D/bad");
    run_refused("x.records.gz: expected a sound gzip file", "NLG_SHARE=$D/share lineage report --results $D/b --shipped $D/bad");
    run_good("echo '{}' | gzip >$D/bad/x.records.gz");
    run_refused("x.records.gz: not a file of records",
                "NLG_SHARE=$D/share lineage run --profile quick --results $D/b --shipped $D/bad");
    run_refused("it holds shipped records", "NLG_SHARE=$D/share lineage run --profile quick --results $D/b --shipped $D/nowhere");
    run_good("mkdir $D/empty"); /* no shipped records at all is no fault */
    assert_non_null(
        strstr(run_good("NLG_SHARE=$D/share lineage run --profile quick --results $D/b --shipped $D/empty").err, "there are none"));
}

/* Stopped again and again, each record is made again once. */
static void interrupted_checks_go_on(void **state) {
    (void)state;
    run_good("sed -i 's/\"epochs\":1,/\"epochs\":40,/;s/\"count\":3/\"count\":6/' $D/share/harness/experiments/x.json; export "
             "NLG_SHARE=$D/share;"
             "lineage run x --profile full --results $D/l && lineage records export --profile full --results $D/l $D/x.gz && mkdir "
             "$D/long && "
             "mv $D/x.gz $D/long/x.records.gz");
    int code = 130, stopped = 0;
    double seconds = 0.5;
    for (; code == 130 && seconds < 600; seconds *= 1.5) {
        program_result r =
            run("NLG_SHARE=$D/share timeout --foreground --preserve-status -s INT %.2f lineage run --profile quick --results "
                "$D/s --shipped $D/long --threads 1",
                seconds);
        code = r.code;
        stopped += code == 130;
        if (code == 130) assert_non_null(strstr(r.err, "the same command continues"));
    }
    assert_int_equal(code, 0);
    assert_true(stopped > 0);
    run_good("test $(grep -c '1\t-$' $D/s/shipped-*.tsv) = 7 && test $(cut -f 1 $D/s/shipped-*.tsv | sort | uniq -d | wc "
             "-l) = 0");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shipped_records_are_checked),       cmocka_unit_test(live_runs_have_seeds_of_their_own),
        cmocka_unit_test(verdicts_of_shipped_records_alone), cmocka_unit_test(tampered_records_are_named),
        cmocka_unit_test(a_changed_plan_decides_nothing),    cmocka_unit_test(damaged_files_are_refused),
        cmocka_unit_test(interrupted_checks_go_on),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
