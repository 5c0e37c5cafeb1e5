/* Experiments: their files, stages, keys, what is run again and what not. */
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
#include "tests/read_back.h"

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 300, 60, 28, 28, true);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void write_file(const char *name, const char *text) {
    made_file(getenv("D"), name, text, strlen(text));
}

/* ---- files that are refused -------------------------------------------------------------------------------------------- */

#define HEAD  "{\"id\":\"x\",\"title\":\"t\","
#define SMOKE "\"profiles\":{\"smoke\":{}},"
#define TRAIN "\"data\":\"mnist:DATA\",\"train_images\":64,\"validation_images\":64,\"epochs\":1,\"batch\":32"
#define SELECT                                                                                                                     \
    "{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"],\"rate\":[0.05]},\"with\":{" TRAIN "}}"

/* The folder of the data in place of DATA. */
static void write_experiment(const char *name, const char *text) {
    char whole[8192];
    const char *at;
    size_t used = 0;
    while ((at = strstr(text, "DATA"))) {
        used += (size_t)snprintf(whole + used, sizeof whole - used, "%.*s%s", (int)(at - text), text, getenv("D"));
        text = at + 4;
    }
    snprintf(whole + used, sizeof whole - used, "%s", text);
    write_file(name, whole);
}

/* Refused with the file and `part` named, and nothing is made. */
static void refuses_file(const char *part) {
    program_result r = run("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_int_equal(r.code, 2);
    assert_string_equal(r.out, "");
    if (!strstr(r.err, part) || !strstr(r.err, "e.json")) fail_msg("expected \"%s\" and e.json in: %s", part, r.err);
    assert_ptr_equal(strchr(r.err, '\n'), r.err + strlen(r.err) - 1);
}

static void refuses(const char *text, const char *part) {
    write_experiment("e.json", text);
    refuses_file(part);
}

static void refuses_train(const char *key, const char *value, const char *part) {
    char text[2048];
    snprintf(text, sizeof text,
             HEAD SMOKE "\"stages\":[{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"]},\"with\":{"
                        "\"data\":\"mnist:DATA\",\"train_images\":64,\"validation_images\":64,\"epochs\":1,\"%s\":%s}}]}",
             key, value);
    refuses(text, part);
}

static void values_are_checked(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {"batch", "0.5", "recipe field \"batch\": expected a whole number from 1"},
        {"batch", "1e12", "recipe field \"batch\": expected a whole number from 1"},
        {"seed", "1.5", "key \"seed\": expected a whole number from 0"},
        {"seed", "1e300", "key \"seed\": expected a whole number from 0"},
        {"seed", "-1", "key \"seed\": expected a whole number from 0"},
        {"split_seed", "\"0\"", "key \"split_seed\": expected a whole number"},
        {"image_size", "0", "key \"image_size\": expected a whole number from 1"},
        {"momentum", "2", "recipe field \"momentum\": expected a number from 0 to 1"},
        {"nesterov", "1", "recipe field \"nesterov\": expected true or false"},
        {"optimizer", "\"sdg\"", "recipe field \"optimizer\": expected sgd or adam"},
        {"cutout", "1.5", "recipe field \"cutout\": expected a whole number"},
        {"augment", "0", "key \"augment\": expected true or false"},
        {"validate", "\"never\"", "key \"validate\": expected last or every"},
        {"epohcs", "1", "unknown key \"epohcs\" of the measure train; did you mean \"epochs\"?"},
        {"budget", "1", "unknown key \"budget\""},
        {"final", "true", "unknown key \"final\""},
        {"space", "\"nasnet_small\"", "found both"},
        {"genotype", "\"nonsense\"", "lenet5_small"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refuses_train(cases[i][0], cases[i][1], cases[i][2]);
    static const char *const wrong[][2] = {{"0.5", "recipe field \"epochs\": expected a whole number"},
                                           {"0", "expected at least 1"},
                                           {"1e300", "expected a whole number"}};
    for (int i = 0; i < 3; i++) {
        char text[1024];
        snprintf(text, sizeof text,
                 HEAD SMOKE
                 "\"stages\":[{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"]},\"with\":{"
                 "\"data\":\"mnist:DATA\",\"epochs\":%s}}]}",
                 wrong[i][0]);
        refuses(text, wrong[i][1]);
    }
}

#define STAGES(text) HEAD SMOKE "\"stages\":[" text "]}"
#define COUNT(cross) STAGES("{\"name\":\"a\",\"measure\":\"count\",\"cross\":{" cross "}}")

static void structure_is_checked(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"{\"id\":", "line 1: not valid JSON"},
        {"[]", "expected an object"},
        {HEAD "\"claim\":\"c\"}", "unknown key \"claim\"; did you mean \"claims\"?"},
        {"{\"title\":\"t\"}", "the key \"id\" is missing"},
        {"{\"id\":\"x/y\",\"title\":\"t\"}", "expected letters, digits"},
        {HEAD SMOKE "\"stages\":[]}", "expected a list of stages"},
        {STAGES("{\"name\":\"a\",\"measure\":\"dance\"}"), "there is no measure \"dance\"; there are count, train"},
        {STAGES("{\"name\":\"a\",\"measure\":\"count\",\"crss\":{}}"), "unknown key \"crss\"; did you mean \"cross\"?"},
        {STAGES("{\"name\":\"a\",\"measure\":\"count\",\"final\":1}"), "key \"final\": expected true or false"},
        {STAGES(SELECT "," SELECT), "two stages are named \"a\""},
        {HEAD "\"profiles\":{\"quick\":{}},\"stages\":[" SELECT "]}", "no profile \"smoke\""},
        {HEAD "\"profiles\":{\"smoke\":{\"epochs\":1}},\"stages\":[" SELECT "]}", "key \"epochs\" is used by no stage"},
        {COUNT("\"network\":\"$networks\""), "has no value \"networks\""},
        {COUNT("\"network\":[]"), "the list is empty"},
        {COUNT("\"network\":[\"nosuchnet\"]"), "nosuchnet"},
        {COUNT("\"network\":[1]"), "expected a text"},
        {COUNT("\"network\":{\"models\":\"*\",\"of\":1}"), "unknown key \"of\""},
        {COUNT("\"network\":{\"models\":\"no*\"}"), "no network's name fits"},
        {COUNT("\"network\":{\"best\":\"b\"}"), "expected a list, or an object with best_of"},
        {COUNT("\"arm\":[{\"network\":\"lenet5\",\"lable\":\"x\"}]"), "unknown key \"lable\""},
        {COUNT("\"network\":[\"lenet5\"],\"network\":[\"lenet5\"]"), "is there twice"},
        {COUNT("\"network\":{\"from\":1,\"count\":1.5}"), "must be a whole number"},
        {COUNT("\"network\":{\"all_of\":\"z\"}"), "there is no stage \"z\""},
        {COUNT("\"network\":{\"winners_of\":\"a\"}"), "must be of the measure search"},
        {STAGES("{\"name\":\"a\",\"measure\":\"count\",\"cross\":{\"network\":{\"all_of\":\"b\"}}},"
                "{\"name\":\"b\",\"measure\":\"count\",\"cross\":{\"network\":{\"all_of\":\"a\"}}}"),
         "in a circle"},
        {STAGES("{\"name\":\"a\",\"measure\":\"train\",\"final\":true,\"cross\":{\"network\":[\"lenet5_small\"],\"rate\":[0.1]},"
                "\"with\":{" TRAIN "}},{\"name\":\"b\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"],\"rate\":{"
                "\"best_of\":\"a\",\"metric\":"
                "\"test_accuracy\"}},\"with\":{" TRAIN "}}"),
         "nothing may be chosen by the results of the final stage"},
        {STAGES("{\"name\":\"s\",\"measure\":\"search\",\"with\":{\"space\":\"nosuchspace\"," TRAIN "}}"), "nosuchspace"},
        {STAGES("{\"name\":\"s\",\"measure\":\"search\",\"with\":{\"space\":\"nasnet_small\",\"strategy\":\"luck\"," TRAIN "}}"),
         "luck"},
        {STAGES("{\"name\":\"s\",\"measure\":\"search\",\"with\":{\"space\":\"nasnet_small\",\"cost\":\"time\"," TRAIN "}}"),
         "key \"cost\": expected macs"},
        {STAGES("{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"]},\"with\":{\"data\":"
                "\"nosuchdata\"}}"),
         "nosuchdata"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) refuses(cases[i][0], cases[i][1]);
}

#define CLAIM(rest) HEAD SMOKE "\"claims\":[{\"id\":\"c\",\"text\":\"t\",\"system\":\"s\"," rest "}],\"stages\":[" SELECT "]}"

static void claims_are_checked(void **state) {
    (void)state;
    static const char query[] = "\"query\":\"SELECT arm AS pair, value AS a, 0 AS b FROM results\",";
    char text[4096];
    snprintf(text, sizeof text, CLAIM("%s\"rule\":\"nosuchrule\""), query);
    refuses(text, "there is no rule 'nosuchrule'");
    refuses(CLAIM("\"query\":\"SELEC 1\",\"rule\":\"descriptive\""), "claim c: query");
    refuses(CLAIM("\"query\":\"SELECT 1 AS pair\",\"rule\":\"descriptive\""), "the column a is missing");
    refuses(CLAIM("\"query\":\"SELECT 1\",\"qurey\":\"x\",\"rule\":\"descriptive\""), "unknown key 'qurey'");
}

static void names_are_checked_before_anything_runs(void **state) {
    (void)state;
    run_good("mkdir $D/two; cp harness/experiments/counts.json $D/two/a.json");
    run_refused("no such experiment: 'cuonts'; did you mean 'counts'?",
                "lineage run counts cuonts --profile smoke --experiments $D/two --results $D/r");
    run_good("test ! -e $D/r");
    run_good("cp $D/two/a.json $D/two/b.json");
    run_refused("is also the id of", "lineage run --profile smoke --experiments $D/two --results $D/r");
    run_refused("not a trial store",
                "mkdir $D/f; echo x >$D/f/store.sqlite; lineage run --profile smoke --experiments $D/two/a.json "
                "--results $D/f");
}

/* ---- runs -------------------------------------------------------------------------------------------------------------- */

static const char *ask(const char *folder, const char *sql) {
    char path[512];
    snprintf(path, sizeof path, "%s/%s/store.sqlite", getenv("D"), folder);
    return ask_store(path, sql);
}

/* Two learning rates, of which one diverges; the final stage takes the other. */
static const char two_stages[] =
    HEAD "\"profiles\":{\"smoke\":{\"rates\":[1e30,0.05],\"seeds\":2}},\"stages\":["
         "{\"name\":\"final\",\"measure\":\"train\",\"final\":true,\"cross\":{\"network\":[\"lenet5_small\"],\"rate\":{\"best_of\":"
         "\"select\","
         "\"metric\":\"val_accuracy\",\"by\":[\"network\"]},\"seed\":{\"from\":1,\"count\":\"$seeds\"}},\"with\":{" TRAIN "}},"
         "{\"name\":\"select\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"],\"rate\":\"$rates\"},\"with\":{"
         "\"seed\":1000,"
         "\"warmup_epochs\":0," TRAIN "}}]}";

static void stages_select_and_nothing_runs_twice(void **state) {
    (void)state;
    write_experiment("e.json", two_stages);
#define RUN "lineage run --profile smoke --experiments $D/e.json --results $D/r "
    cJSON *plan = run_json(RUN "--plan --json");
    assert_true(json_number(plan, "trials") == 4 && json_number(plan, "stored") == 0 && json_number(plan, "seconds_left") > 0);
    assert_string_equal(json_text(cJSON_GetArrayItem(cJSON_GetObjectItem(plan, "stages"), 0), "stage"), "select");
    cJSON_Delete(plan);
    run_good("test ! -e $D/r"); /* a plan makes nothing */
    program_result r = run_good(RUN "--threads 1");
    assert_non_null(strstr(r.out, "4 of 4 trials done"));
    assert_non_null(strstr(r.err, "[1/4] x, select: lenet5_small, rate 1e+30: diverged"));
    assert_non_null(strstr(r.err, "[4/4] x, final: lenet5_small, rate 0.05, seed 2: val_accuracy"));
    assert_string_equal(
        ask("r", "SELECT stage, arm, rate, seed, status, final FROM results GROUP BY stage, position ORDER BY stage DESC"),
        "select,lenet5_small,1.0e+30,1000,diverged,0;select,lenet5_small,0.05,1000,done,0;"
        "final,lenet5_small,0.05,1,done,1;final,lenet5_small,0.05,2,done,1;");
    /* Only the final stage has a test accuracy, on all test images. */
    assert_string_equal(ask("r", "SELECT stage, count(*), min(value) FROM results WHERE metric = 'test_images'"), "final,2,60.0;");
    assert_string_equal(ask("r", "SELECT json_array_length(detail, '$.history') FROM records WHERE status = 'done' LIMIT 1"), "1;");
    r = run_good(RUN);
    assert_non_null(strstr(r.out, "all 4 trials were done already"));
    assert_string_equal(r.err, "");
    /* What cannot change a bit is no other spec; what can is one. */
    char before[4096];
    snprintf(before, sizeof before, "%s", ask("r", "SELECT group_concat(key) FROM (SELECT key FROM records ORDER BY key)"));
    run_good(RUN "--threads 2 --isa portable");
    assert_string_equal(ask("r", "SELECT group_concat(key) FROM (SELECT key FROM records ORDER BY key)"), before);
    plan = run_json(RUN "--algorithm direct --plan --json");
    assert_true(json_number(plan, "stored") == 0);
    cJSON_Delete(plan);
    /* Workers write the same records. */
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/w --workers 2");
    static const char sql[] =
        "SELECT group_concat(key || status || digest || detail || (SELECT group_concat(name || value) FROM (SELECT name,"
        " value FROM metrics WHERE metrics.key = records.key ORDER BY name))) FROM (SELECT * FROM records ORDER BY key)"
        " AS records";
    char here[4096];
    snprintf(here, sizeof here, "%s", ask("r", sql));
    assert_string_equal(ask("w", sql), here);
    assert_true(strlen(here) > 600);
    /* Another profile value that is not part of a trial changes nothing but how many there are. */
    run_good("sed -i 's/\"seeds\":2/\"seeds\":3/' $D/e.json");
    plan = run_json(RUN "--plan --json");
    assert_true(json_number(plan, "trials") == 5 && json_number(plan, "stored") == 4);
    cJSON_Delete(plan);
#undef RUN
}

/* The same folder by another name, an alias of the network and another order of keys: one record. */
static void spellings_are_no_differences(void **state) {
    (void)state;
    write_experiment("a.json",
                     HEAD SMOKE "\"stages\":[{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\"]},"
                                "\"with\":{\"rate\":0.05," TRAIN "}}]}");
    write_experiment("b.json", HEAD SMOKE
                     "\"stages\":[{\"name\":\"b\",\"measure\":\"train\",\"with\":{\"batch\":32,\"epochs\":1,\"momentum\":"
                     "0.9,\"lr\":0.05,\"network\":\"lenet5_small\",\"data\":\"mnist:DATA/../DATA/\",\"seed\":0,"
                     "\"validation_images\":64,\"train_images\":64}}]}");
    run_good("sed -i \"s|DATA/../DATA/|$D/.|;s|$D/../$D/|$D/.|\" $D/b.json");
    run_good("lineage run --profile smoke --experiments $D/a.json --results $D/r");
    program_result r = run_good("lineage run --profile smoke --experiments $D/b.json --results $D/r");
    assert_non_null(strstr(r.out, "all 1 trials were done already"));
    assert_string_equal(ask("r", "SELECT count(*) FROM records"), "1;");
}

/* The best mean is not that of the best trial. */
static void the_best_value_is_that_of_the_best_mean(void **state) {
    (void)state;
    write_experiment(
        "e.json", HEAD SMOKE
        "\"stages\":[{\"name\":\"a\",\"measure\":\"count\",\"cross\":{\"arm\":["
        "{\"network\":\"lenet5_small\",\"classes\":10},{\"network\":\"resnet8_small\",\"classes\":900},"
        "{\"network\":\"resnet8_small\",\"classes\":10}]}},"
        "{\"name\":\"most\",\"measure\":\"count\",\"cross\":{\"classes\":{\"best_of\":\"a\",\"metric\":\"params\",\"by\":[]}},"
        "\"with\":{\"network\":\"lenet5_small\"}},"
        "{\"name\":\"least\",\"measure\":\"count\",\"cross\":{\"classes\":{\"best_of\":\"a\",\"metric\":\"params\",\"by\":[],"
        "\"lowest\":true}},\"with\":{\"network\":\"lenet5_small\"}}]}");
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r",
                            "SELECT json_extract(factors, '$.classes'), value FROM results WHERE stage = 'a' AND metric = 'params'"
                            " ORDER BY position"),
                        "10,61706.0;900,48444.0;10,19074.0;");
    assert_string_equal(ask("r", "SELECT stage, json_extract(factors, '$.classes') FROM members WHERE stage <> 'a' ORDER BY stage"),
                        "least,10;most,900;");
}

static void own_cells_and_labels(void **state) {
    (void)state;
    run_good(
        "mkdir $D/c; lineage search --space nasnet_small --strategy random --budget 1 --train-images 64 --validation-images 32 "
        "--epochs 1 --store $D/c/store.sqlite --data mnist:$D");
    char cell[1024];
    snprintf(cell, sizeof cell, "%s", ask("c", "SELECT genotype FROM trials"));
    cell[strlen(cell) - 1] = '\n';
    write_file("cell.txt", cell);
    write_experiment(
        "e.json", HEAD SMOKE
        "\"stages\":[{\"name\":\"a\",\"measure\":\"count\",\"cross\":{\"arm\":[{\"network\":\"nasnet_a_small\"},"
        "{\"network\":\"nasnet_a_small\",\"genotype\":\"@DATA/cell.txt\",\"label\":\"ours\",\"factors\":{\"depth\":3}}]}}]}");
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT arm, json_extract(factors, '$.depth'), count(*) FROM members GROUP BY arm ORDER BY arm"),
                        "nasnet_a_small,NULL,1;ours,3,1;");
    assert_string_equal(ask("r", "SELECT count(DISTINCT value) FROM results WHERE metric = 'macs'"), "2;");
}

#define IMAGES "\"with\":{\"input\":\"3,32,32\"}"
static const char search[] = HEAD SMOKE
    "\"stages\":[{\"name\":\"search\",\"measure\":\"search\",\"cross\":{\"strategy\":[\"random\",\"evolution:population=2:sample="
    "2\"],"
    "\"seed\":{\"from\":1,\"count\":2}},\"with\":{\"space\":\"nasbench201\",\"evaluator\":\"table\",\"budget\":20}},"
    "{\"name\":\"counts\",\"measure\":\"count\",\"cross\":{\"arm\":{\"winners_of\":\"search\",\"count\":2,\"where\":{\"strategy\":"
    "\"random\"}}}," IMAGES "},"
    "{\"name\":\"first\",\"measure\":\"count\",\"cross\":{\"arm\":{\"sample\":\"search\",\"count\":3,\"where\":{\"strategy\":"
    "\"random\",\"seed\":2}}}," IMAGES "}]}";

static void searches_are_measured_and_chosen_from(void **state) {
    (void)state;
    write_experiment("e.json", search);
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT arm, count(*) FROM members WHERE stage = 'search' GROUP BY arm ORDER BY arm"),
                        "evolution:population=2:sample=2,2;random,2;");
    assert_string_equal(ask("r", "SELECT count(*), min(trial), max(trial) FROM lab_trials"), "80,1,20;");
    /* The two winners of a search are its two best different architectures. */
    assert_string_equal(
        ask("r", "SELECT arm FROM members WHERE stage = 'counts' ORDER BY position"),
        "winner 1 of random, seed 1;winner 2 of random, seed 1;winner 1 of random, seed 2;winner 2 of random, seed 2;");
    assert_string_equal(
        ask("r", "SELECT (SELECT json_extract(spec, '$.genotype') FROM members JOIN records USING (key) WHERE stage = 'counts'"
                 " ORDER BY position LIMIT 1) = (SELECT genotype FROM lab_trials WHERE strategy = 'random' AND seed = 1 ORDER BY"
                 " score DESC, trial LIMIT 1)"),
        "1;");
    assert_string_equal(ask("r", "SELECT count(*) FROM members WHERE stage = 'first'"), "3;");
    assert_string_equal(ask("r", "SELECT count(*) FROM results WHERE metric = 'best_report' AND value > 0.1"), "4;");
}

/* A count with a table of operations predicts what a search with it was told. */
static void latencies_are_predicted(void **state) {
    (void)state;
    static const char counted[] = HEAD SMOKE
        "\"stages\":[{\"name\":\"search\",\"measure\":\"search\",\"with\":{\"space\":\"lineage\",\"evaluator\":\"table\","
        "\"budget\":30,\"latency\":\"lineage.csv\",\"cost\":\"latency\",\"target\":0.05}},"
        "{\"name\":\"counts\",\"measure\":\"count\",\"cross\":{\"arm\":{\"winners_of\":\"search\",\"count\":5}},\"with\":{"
        "\"input\":\"%s\",\"classes\":%d,\"latency\":\"lineage.csv\"}}]}";
    char text[2048];
    snprintf(text, sizeof text, counted, "1,28,28", 10);
    write_experiment("e.json", text);
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(
        ask("r", "SELECT count(*), count(DISTINCT t.latency_ms) > 1 FROM results JOIN records USING (key) JOIN lab_trials AS t ON"
                 " t.genotype = json_extract(records.spec, '$.genotype') AND t.latency_ms = value WHERE metric = 'latency_ms'"
                 " AND NOT is_repeat"),
        "5,1;");
    assert_string_equal(ask("r", "SELECT count(*) FROM plans"), "1;");
    snprintf(text, sizeof text, counted, "1,32,32", 10);
    write_experiment("e.json", text);
    run_refused("lineage.csv: measured for images of 28x28 and 10 classes, these are 32x32 with 10",
                "lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT count(*) FROM plans"), "0;"); /* members are those of two plans now */
    write_experiment("e.json",
                     HEAD SMOKE "\"stages\":[{\"name\":\"a\",\"measure\":\"count\",\"with\":{\"network\":\"lenet5_small\","
                                "\"latency\":\"lineage.csv\"}}]}");
    run_refused("key \"latency\": a table is of one space", "lineage run --profile smoke --experiments $D/e.json --results $D/r");
}

/* The same cells in larger networks. */
static void cells_move_to_another_space(void **state) {
    (void)state;
    write_experiment(
        "e.json", HEAD SMOKE
        "\"stages\":[{\"name\":\"search\",\"measure\":\"search\",\"cross\":{\"strategy\":[\"random\"]},\"with\":{"
        "\"space\":\"nasnet_small\",\"budget\":2,\"rate\":0.1," TRAIN "}},"
        "{\"name\":\"small\",\"measure\":\"count\",\"cross\":{\"arm\":{\"sample\":\"search\",\"count\":2}},\"with\":{\"input\":"
        "\"1,28,28\"}},"
        "{\"name\":\"large\",\"measure\":\"count\",\"cross\":{\"arm\":{\"sample\":\"search\",\"count\":2,\"space\":"
        "\"nasnet_small:N=3\"}},\"with\":{\"input\":\"1,28,28\"}}]}");
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r",
                            "SELECT stage, json_extract(spec, '$.space'), count(DISTINCT json_extract(spec, '$.genotype')) FROM "
                            "members JOIN records USING (key) WHERE measure = 'count' GROUP BY 1, 2 ORDER BY 1"),
                        "large,nasnet_small:B=4,N=3,F=8,2;small,nasnet_small,2;");
    assert_string_equal(ask("r",
                            "SELECT count(*) FROM results a JOIN results b USING (position, metric) WHERE a.stage = 'large' AND "
                            "b.stage = 'small' AND metric = 'macs' AND a.value > 1.5 * b.value"),
                        "2;");
    write_experiment("e.json",
                     HEAD SMOKE "\"stages\":[{\"name\":\"search\",\"measure\":\"search\",\"with\":{\"space\":\"nasnet_small\","
                                "\"budget\":2," TRAIN "}},{\"name\":\"b\",\"measure\":\"count\",\"cross\":{\"arm\":{\"sample\":"
                                "\"search\",\"space\":3}}}]}");
    refuses_file("key \"space\": expected a text");
}

/* A winner may be trained with the seed of its search. */
static void winners_keep_their_seed(void **state) {
    (void)state;
    static const char stages[] =
        HEAD SMOKE "\"stages\":[{\"name\":\"search\",\"measure\":\"search\",\"cross\":{\"seed\":[4,7]},\"with\":{"
                   "\"space\":\"nasnet_small\",\"budget\":1,\"rate\":0.1," TRAIN "}},"
                   "{\"name\":\"winners\",\"measure\":\"%s\",\"cross\":{\"arm\":{\"winners_of\":\"search\",\"keep_seed\":%s}}%s}]}";
    static const char with[] = ",\"with\":{\"rate\":0.1," TRAIN "}";
    char text[2000];
    snprintf(text, sizeof text, stages, "train", "true", with);
    write_experiment("e.json", text);
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT DISTINCT position, seed, json_extract(factors, '$.search_seed') FROM results WHERE stage ="
                                 " 'winners' ORDER BY position"),
                        "0,4,4;1,7,7;");
    snprintf(text, sizeof text, stages, "train", "1", with);
    write_experiment("e.json", text);
    refuses_file("\"keep_seed\": expected true or false");
    snprintf(text, sizeof text, stages, "count", "true", "");
    write_experiment("e.json", text);
    refuses_file("\"seed\"");
}

/* Records of detectors keep what was found on the first test images, and the score of each exit. */
static void records_hold_answers_and_exits(void **state) {
    (void)state;
    write_experiment("e.json", HEAD SMOKE "\"stages\":[{\"name\":\"a\",\"measure\":\"train\",\"final\":true,\"with\":{\"network\":"
                                          "\"nas_fpn_tiny_3_exits\",\"data\":\"scenes\",\"image_size\":64,\"train_images\":8,"
                                          "\"validation_images\":8,\"batch\":4,\"epochs\":1,\"test_images\":8,\"exits\":true,"
                                          "\"pictures\":3}}]}");
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT json_array_length(detail, '$.answers'), length(detail) < 2000 FROM records"), "3,1;");
    assert_string_equal(ask("r",
                            "SELECT count(*) FROM metrics WHERE name IN ('test_ap', 'test_ap_exit1', 'test_ap_exit2') AND value"
                            " BETWEEN 0 AND 1"),
                        "3;");
    assert_string_equal(ask("r", "SELECT name, CAST(value AS INTEGER) FROM metrics WHERE name LIKE 'macs%' ORDER BY name"),
                        "macs,40160592;macs_exit1,35298000;macs_exit2,37729296;");
}

/* The search is there already, by another experiment or before a stop; what is chosen from it is not. */
static void sources_may_be_there_in_part(void **state) {
    (void)state;
    static const char only_search[] =
        "{\"name\":\"search\",\"measure\":\"search\",\"cross\":{\"strategy\":[\"random\"]},\"with\":{\"space\":\"nasnet_small\","
        "\"budget\":2," TRAIN "}}";
    char text[4096];
    snprintf(text, sizeof text, "{\"id\":\"y\",\"title\":\"t\"," SMOKE "\"stages\":[%s]}", only_search);
    write_experiment("y.json", text);
    run_good("lineage run --profile smoke --experiments $D/y.json --results $D/r");
    snprintf(text, sizeof text,
             HEAD SMOKE
             "\"stages\":[%s,{\"name\":\"rates\",\"measure\":\"train\",\"cross\":{\"arm\":{\"winners_of\":\"search\"},"
             "\"rate\":[0.05,0.1]},\"with\":{" TRAIN "}},{\"name\":\"last\",\"measure\":\"train\",\"final\":true,\"cross\":{"
             "\"arm\":{\"winners_of\":\"search\"},\"rate\":{\"best_of\":\"rates\",\"metric\":\"val_accuracy\"}},\"with\":{" TRAIN
             "}}]}",
             only_search);
    write_experiment("e.json", text);
    run_good("lineage run --plan --profile smoke --experiments $D/e.json --results $D/r");
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/r");
    assert_string_equal(ask("r", "SELECT stage, count(*) FROM members WHERE experiment = 'x' GROUP BY stage ORDER BY stage"),
                        "last,1;rates,2;search,1;");
}

/* Two experiments of one measure stay apart. */
static void experiments_stay_apart(void **state) {
    (void)state;
    run_good("mkdir $D/e");
    write_experiment("e/a.json", "{\"id\":\"one\",\"title\":\"t\"," SMOKE
                                 "\"stages\":[{\"name\":\"a\",\"measure\":\"count\",\"cross\":{\"network\":["
                                 "\"lenet5_small\",\"resnet8_small\"]}}]}");
    write_experiment("e/b.json", "{\"id\":\"two\",\"title\":\"t\"," SMOKE
                                 "\"stages\":[{\"name\":\"a\",\"measure\":\"count\",\"cross\":{\"network\":["
                                 "\"lenet5_small\"]}}]}");
    run_good("lineage run --profile smoke --experiments $D/e --results $D/r");
    assert_string_equal(ask("r", "SELECT experiment, count(*) FROM results WHERE metric = 'macs' GROUP BY experiment"),
                        "one,2;two,1;");
    assert_string_equal(ask("r", "SELECT count(*) FROM records"), "2;"); /* the shared one once */
    run_good("lineage run one --profile smoke --experiments $D/e --results $D/r2");
    assert_string_equal(ask("r2", "SELECT DISTINCT experiment FROM members"), "one;");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(values_are_checked, enter, leave),
        cmocka_unit_test_setup_teardown(structure_is_checked, enter, leave),
        cmocka_unit_test_setup_teardown(claims_are_checked, enter, leave),
        cmocka_unit_test_setup_teardown(names_are_checked_before_anything_runs, enter, leave),
        cmocka_unit_test_setup_teardown(stages_select_and_nothing_runs_twice, enter, leave),
        cmocka_unit_test_setup_teardown(spellings_are_no_differences, enter, leave),
        cmocka_unit_test_setup_teardown(the_best_value_is_that_of_the_best_mean, enter, leave),
        cmocka_unit_test_setup_teardown(own_cells_and_labels, enter, leave),
        cmocka_unit_test_setup_teardown(searches_are_measured_and_chosen_from, enter, leave),
        cmocka_unit_test_setup_teardown(latencies_are_predicted, enter, leave),
        cmocka_unit_test_setup_teardown(cells_move_to_another_space, enter, leave),
        cmocka_unit_test_setup_teardown(sources_may_be_there_in_part, enter, leave),
        cmocka_unit_test_setup_teardown(winners_keep_their_seed, enter, leave),
        cmocka_unit_test_setup_teardown(records_hold_answers_and_exits, enter, leave),
        cmocka_unit_test_setup_teardown(experiments_stay_apart, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
