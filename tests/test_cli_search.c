/* lineage search and lineage trials, on made-up images of 12 x 12. */
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

#define SEARCH                                                                                                                     \
    "lineage search --data mnist:$D --train-images 64 --validation-images 60 --epochs 1 --batch 32 --threads 1 "                   \
    "--strategy-options '{\"population\": 3, \"sample\": 2}' --seed 5 "
enum { BUDGET = 6 };

/* The digest of a whole search of 6 trials, which are the same in every test. */
static char whole[80];

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 200, 20, 12, 12, true);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void make_whole(void) {
    if (whole[0]) return;
    cJSON *r = run_json(SEARCH "--store $D/whole.db --budget %d --json", BUDGET);
    snprintf(whole, sizeof whole, "%s", json_text(r, "digest"));
    cJSON_Delete(r);
}

static void search_follows_the_contract(void **state) {
    (void)state;
    cJSON *r = run_json(SEARCH "--store $D/s.db --budget %d --json", BUDGET), *trial;
    json_has_exactly(
        r, "space strategy strategy_options evaluator evaluator_config objective score seed batch budget count evaluations repeats "
           "complete best history digest");
    const cJSON *history = cJSON_GetObjectItem(r, "history"), *best = cJSON_GetObjectItem(r, "best");
    assert_int_equal(cJSON_GetArraySize(history), BUDGET);
    assert_int_equal(strlen(json_text(r, "digest")), 64);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r, "complete")));
    assert_true(json_number(r, "evaluations") + json_number(r, "repeats") == BUDGET);
    assert_non_null(strstr(json_text(r, "score"), "proxy"));
    double highest = -1;
    int number = 0;
    cJSON_ArrayForEach(trial, history) {
        json_has_exactly(trial, "number hash is_repeat status score best_score params macs latency_ms cost reward budget epochs "
                                "seed digest message genotype "
                                "overhead_seconds evaluation_seconds simulated_cost");
        assert_true(json_number(trial, "number") == number++);
        assert_string_equal(json_text(trial, "status"), "done");
        double score = json_number(trial, "score");
        if (score > highest) highest = score;
        assert_true(json_number(trial, "best_score") == highest);
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(trial, "is_repeat")) || json_number(trial, "evaluation_seconds") > 0);
    }
    assert_true(json_number(best, "score") == highest);
    assert_int_equal(strncmp(json_text(best, "genotype"), "normal 2 = ", 11), 0);
    cJSON_Delete(r);
    program_result text = run_good(SEARCH "--store $D/s.db --budget %d", BUDGET); /* stored already */
    assert_non_null(strstr(text.out, "6 trials:"));
    assert_non_null(strstr(text.out, "digest "));
}

/* Threads, instruction set, budget in pieces, a kill and Ctrl-C: the same history. */
static void history_is_always_the_same(void **state) {
    (void)state;
    make_whole();
    cJSON *r = run_json(SEARCH "--threads 2 --isa portable --store $D/other.db --budget %d --json", BUDGET);
    assert_string_equal(json_text(r, "digest"), whole);
    cJSON_Delete(r);
    run_good(SEARCH "--store $D/pieces.db --budget 3 --json");
    r = run_json(SEARCH "--store $D/pieces.db --budget %d --json", BUDGET);
    assert_string_equal(json_text(r, "digest"), whole);
    cJSON_Delete(r);
    /* Killed as soon as there are three trials. */
    run(SEARCH
        "--store $D/killed.db --budget %d --json & p=$!; until lineage trials --store $D/killed.db | grep -q '^ *2 .* done '; "
        "do kill -0 $p || break; sleep 0.01; done; kill -9 $p; wait $p",
        BUDGET);
    r = run_json(SEARCH "--store $D/killed.db --budget %d --json", BUDGET);
    assert_string_equal(json_text(r, "digest"), whole);
    cJSON_Delete(r);
}

static void interruption_is_clean_and_says_how_to_continue(void **state) {
    (void)state;
    make_whole();
    /* A shell starts background commands with SIGINT ignored; SIGTERM does the same. */
    program_result stopped = run(
        SEARCH "--store $D/i.db --budget 1000 --json & p=$!; until lineage trials --store $D/i.db 2>&- | grep -q '^ *2 .* done '; "
               "do kill -0 $p || break; sleep 0.01; done; kill -TERM $p; wait $p");
    assert_int_equal(stopped.code, 130);
    assert_non_null(strstr(stopped.err, "continue with\n  lineage search --data mnist:"));
    assert_non_null(strstr(stopped.err, "--strategy-options '{\"population\": 3, \"sample\": 2}'"));
    cJSON *partial = cJSON_Parse(stopped.out);
    assert_non_null(partial);
    assert_true(cJSON_IsFalse(cJSON_GetObjectItem(partial, "complete")));
    assert_true(json_number(partial, "count") >= 3);
    cJSON_Delete(partial);
    cJSON *r = run_json(SEARCH "--store $D/i.db --budget %d --json", BUDGET);
    assert_string_equal(json_text(r, "digest"), whole);
    cJSON_Delete(r);
}

static void trials_lists_what_is_stored(void **state) {
    (void)state;
    run_good(SEARCH "--store $D/t.db --budget 3");
    run_refused(
        "strategy is evolution there, random here; evaluator.limits.params is 0 there, 1000 here; give its options, another file",
        SEARCH "--store $D/t.db --strategy random --strategy-options '{}' --budget 2 --max-params 1000");
    run_good(SEARCH "--add-run --store $D/t.db --strategy random --strategy-options '{}' --budget 2 --max-params 1000");
    cJSON *runs = run_json("lineage trials --store $D/t.db --json"), *trial;
    assert_int_equal(cJSON_GetArraySize(runs), 2);
    const cJSON *first = cJSON_GetArrayItem(runs, 0), *second = cJSON_GetArrayItem(runs, 1);
    json_has_exactly(
        first, "run space strategy strategy_options evaluator evaluator_config objective batch seed numerics_version budget count "
               "evaluations repeats done created history");
    assert_string_equal(json_text(first, "strategy"), "evolution");
    assert_true(json_number(cJSON_GetObjectItem(first, "strategy_options"), "population") == 3);
    assert_string_equal(json_text(first, "seed"), "5");
    assert_true(json_number(first, "done") == 3);
    assert_true(json_number(second, "done") == 0); /* all rejected */
    cJSON_ArrayForEach(trial, cJSON_GetObjectItem(first, "history")) {
        const cJSON *session = cJSON_GetObjectItem(trial, "session");
        json_has_exactly(session, "commit compiler flags isa threads cpu cores");
        assert_true(json_number(session, "threads") == 1);
    }
    cJSON_ArrayForEach(trial, cJSON_GetObjectItem(second, "history")) {
        assert_string_equal(json_text(trial, "status"), "rejected");
        assert_true(cJSON_IsNull(cJSON_GetObjectItem(trial, "score")));
        assert_non_null(strstr(json_text(trial, "message"), "parameters, the limit is 1000"));
    }
    cJSON_Delete(runs);
    runs = run_json("lineage trials $D/t.db --strategy evolution --top 2 --json");
    assert_int_equal(cJSON_GetArraySize(runs), 1);
    const cJSON *top = cJSON_GetObjectItem(cJSON_GetArrayItem(runs, 0), "history");
    assert_int_equal(cJSON_GetArraySize(top), 2);
    assert_true(json_number(cJSON_GetArrayItem(top, 0), "score") >= json_number(cJSON_GetArrayItem(top, 1), "score"));
    cJSON_Delete(runs);
    program_result tsv = run_good("lineage trials $D/t.db --tsv --status rejected | cut -f 1,2,5,7 | tr '\\t' ' '");
    assert_string_equal(tsv.out, "run strategy status score\n2 random rejected -\n2 random rejected -\n");
    tsv = run_good("lineage trials $D/t.db --tsv --min-score 0 | wc -l");
    assert_int_equal(atoi(tsv.out), 4); /* the header and three that are done */
    runs = run_json("lineage trials --store $D/t.db --run 2 --summary --json");
    assert_int_equal(cJSON_GetArraySize(runs), 1);
    assert_false(cJSON_HasObjectItem(cJSON_GetArrayItem(runs, 0), "history"));
    cJSON_Delete(runs);
    program_result text = run_good("lineage trials --store $D/t.db");
    assert_non_null(strstr(text.out, "run 1: space nasnet_small"));
    assert_non_null(strstr(text.out, "rejected"));
}

static void spaces_are_listed_with_their_sizes(void **state) {
    (void)state;
    program_result text = run_good("lineage spaces");
    assert_non_null(strstr(text.out, "nasbench201"));
    assert_non_null(strstr(text.out, "15,625"));
    cJSON *rows = run_json("lineage spaces nasnet:B=4,N=1,F=8 nasbench201 --json");
    assert_int_equal(cJSON_GetArraySize(rows), 2);
    const cJSON *nasnet = cJSON_GetArrayItem(rows, 0), *bench = cJSON_GetArrayItem(rows, 1);
    json_has_exactly(nasnet, "name summary source positions codes architectures evaluators parameters signals");
    assert_string_equal(json_text(nasnet, "name"), "nasnet:B=4,N=1,F=8");
    assert_true(json_number(nasnet, "positions") == 32);
    assert_true(json_number(bench, "codes") == 15625 && json_number(bench, "architectures") == 6466);
    assert_string_equal(json_text(bench, "evaluators"), "train, table");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(bench, "signals")), 3);
    cJSON_Delete(rows);
    run_refused("unknown space 'nothing'", "lineage spaces nothing");
}

static void tables_are_searched(void **state) {
    (void)state;
    cJSON *r = run_json("lineage search --space nasbench201 --strategy random --evaluator table --budget 30 --seed 1 --json");
    const cJSON *best = cJSON_GetObjectItem(r, "best");
    assert_true(json_number(r, "count") == 30);
    assert_string_equal(json_text(r, "cost_unit"), "MACs x epochs");
    assert_true(json_number(best, "report") > 0.8 && json_number(best, "score") > 0.7);
    assert_non_null(strstr(json_text(best, "report_is"), "test accuracy after 200 epochs"));
    char digest[80];
    snprintf(digest, sizeof digest, "%s", json_text(r, "digest"));
    cJSON_Delete(r);
    r = run_json(
        "lineage search --space nasbench201 --strategy random --evaluator table --budget 30 --seed 1 --store $D/n.db --json");
    assert_string_equal(json_text(r, "digest"), digest);
    cJSON_Delete(r);
    r = run_json(
        "lineage search --space lineage --strategy random --evaluator table --budget 300 --evaluations 30 --seed 1 --json");
    assert_true(json_number(r, "evaluations") == 30 && json_number(r, "count") < 300);
    assert_true(cJSON_IsTrue(cJSON_GetObjectItem(r, "complete")));
    cJSON_Delete(r);
    program_result few = run_good("lineage search --space lineage --strategy random --evaluator table --budget 3 --evaluations 30");
    assert_non_null(strstr(few.err, "note: the budget of 3 trials ended the search with 3 of 30 different architectures"));
    run_refused("--evaluations: expected a whole number", "lineage search --space lineage --evaluator table --evaluations 0");
    run_refused("cifar10, cifar100, in16", "lineage search --space nasbench201 --evaluator table --signal cifar11 --budget 3");
    run_refused("has no table", "lineage search --space nasnet_small --evaluator table --budget 3");
    run_refused("there is no such table", "lineage search --space lineage --evaluator table --table $D/none.csv.gz --budget 3");
}

/* Rising costs buy rising scores, and nothing in the history is better in both. */
static void fronts_are_listed(void **state) {
    (void)state;
    cJSON *r = run_json(
              "lineage search --space accelnas --evaluator table --strategy nsga2:population=20 --cost latency --budget 120 "
              "--front --json"),
          *member, *trial;
    double score = 0, cost = 0;
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(r, "front")) > 3);
    cJSON_ArrayForEach(member, cJSON_GetObjectItem(r, "front")) {
        assert_true(json_number(member, "cost") > cost && json_number(member, "score") > score);
        cost = json_number(member, "cost");
        score = json_number(member, "score");
        cJSON_ArrayForEach(trial, cJSON_GetObjectItem(r, "history")) {
            if (strcmp(json_text(trial, "status"), "done") != 0) continue;
            assert_false(json_number(trial, "cost") < cost && json_number(trial, "score") > score);
        }
    }
    assert_true(score == json_number(cJSON_GetObjectItem(r, "best"), "score"));
    cJSON_Delete(r);
    program_result text = run_good("lineage search --space accelnas --evaluator table --strategy random --budget 20 --front");
    assert_non_null(strstr(text.out, "Pareto front (score, macs): "));
}

static void tables_are_built_and_verified(void **state) {
    (void)state;
#define TABLE                                                                                                                      \
    "--data mnist:$D --train-images 64 --validation-images 60 --batch 16 --epochs 2 --seeds 2 --limit 4 --out $D/t --results "     \
    "$D/r "
    cJSON *r = run_json("lineage table build lineage " TABLE "--workers 2 --json 2>&-");
    json_has_exactly(r, "space file rows seeds lowest_tau digest");
    assert_true(json_number(r, "rows") == 4 && json_number(r, "seeds") == 2);
    cJSON_Delete(r);
    program_result listed = run_good("lineage verify --profile table --results $D/r --sample 2");
    assert_non_null(strstr(listed.out, "2 of 2 records"));
    program_result verified = run_good("lineage table verify $D/t --data mnist:$D --rows 3 --isa portable --threads 2");
    assert_non_null(strstr(verified.out, "3 of 3 rows have the same bits"));
    run_good("lineage search --space lineage --strategy grid --evaluator table --table $D/t.csv.gz --budget 5");
    /* Four of 597 architectures: a search that finds none of them has failed, and says of what. */
    program_result none = run("lineage search --space lineage --strategy random --evaluator table --table $D/t.csv.gz --budget 3");
    assert_int_equal(none.code, 1);
    assert_non_null(strstr(none.err, "none of the 3 trials is done; the most frequent reason (3 times): failed: not in the table"));
    assert_non_null(strstr(none.out, "digest")); /* the result is printed all the same */
    /* A digit is changed in the table $D/u, first under the old digests, then under right ones. */
    static const char *const changes[][3] = {
        {"u.csv.gz", "2,$s/,([0-9.]+),([0-9.]+),([0-9.]+),([0-9a-f]{64})/,\\1,1,\\3,\\4/g", "val_s"},
        {"u.csv.gz", "2,$s/,([0-9a-f]{64}),([0-9]+),/,\\1,1\\2,/", "params"},
        {"u.csv.gz", "2,$s/plain,[0-9a-f]{8}/plain,00000000/;2,$s/se,[0-9a-f]{8}/se,00000000/", "hash"},
        {"u-test.csv.gz", "2,$s/,([0-9.]+)/,3\\.125/g", "test_s"}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        run_good("cd $D; for e in .csv.gz -test.csv.gz .json; do cp t$e u$e; done; zcat %s | sed -E '%s' | gzip > v && mv v %s",
                 changes[i][0], changes[i][1], changes[i][0]);
        verified = run("lineage table verify $D/u --data mnist:$D --rows 4");
        assert_int_equal(verified.code, 1);
        assert_string_equal(verified.out, "");
        assert_non_null(strstr(verified.err, "its digest is"));
        verified = run("lineage search --space lineage --evaluator table --table $D/u.csv.gz --budget 2");
        assert_int_equal(verified.code, 1);
        verified = run("lineage compare --space lineage --table $D/u.csv.gz --budget 2 --seeds 2 --strategies random");
        assert_int_equal(verified.code, 1);
        run_good("cd $D; d() { sha256sum | cut -c1-64; }; sed -i \"s/file_digest\\\": \\\"[0-9a-f]*/file_digest\\\": \\\"$(zcat "
                 "u.csv.gz | d)/; s/test_file_digest\\\": \\\"[0-9a-f]*/test_file_digest\\\": \\\"$(zcat u-test.csv.gz | d)/; "
                 "s/{\\\"digest\\\": \\\"[0-9a-f]*/{\\\"digest\\\": \\\"$(zcat u.csv.gz | cut -d, -f1-6,8-10,12 | d)/\" u.json");
        verified = run("lineage table verify $D/u --data mnist:$D --rows 4");
        assert_int_equal(verified.code, 1);
        assert_non_null(strstr(verified.out, "DIFFERS"));
        if (!strstr(verified.out, changes[i][2])) fail_msg("%s\n%s", changes[i][2], verified.out);
        assert_non_null(strstr(verified.err, "of 4 rows differ"));
    }
    /* An interrupted check has not passed. */
    run_good(
        "lineage table build lineage --data mnist:$D --train-images 64 --validation-images 60 --batch 16 --epochs 64 --seeds 1 "
        "--limit 24 --out $D/long --results $D/r");
    verified =
        run("timeout --foreground --preserve-status -s INT 0.2 lineage table verify $D/long --data mnist:$D --rows 24 --threads 1");
    assert_int_equal(verified.code, 130);
    assert_null(strstr(verified.out, "rows have the same bits"));
    run_refused("from 1 to 64, found 2000",
                "sed 's/.epochs.:2/\"epochs\":2000/' $D/t.json > $D/u.json; lineage table verify $D/u --rows 1");
    run_refused("found 'make'", "lineage table make lineage");
    run_refused("expected at most", "lineage table build pnas " TABLE "2>&1 >&- | grep -v opening >&2; exit 2");
}

/* Two worker processes find what one process finds; the best genotypes are printed. */
static void workers_and_top(void **state) {
    (void)state;
    make_whole();
    cJSON *r = run_json(SEARCH "--store $D/w.db --budget %d --workers 2 --top 2 --json", BUDGET);
    assert_string_equal(json_text(r, "digest"), whole);
    const cJSON *top = cJSON_GetObjectItem(r, "top");
    assert_int_equal(cJSON_GetArraySize(top), 2);
    assert_string_equal(json_text(cJSON_GetArrayItem(top, 0), "genotype"), json_text(cJSON_GetObjectItem(r, "best"), "genotype"));
    cJSON_Delete(r);
    program_result text = run_good(SEARCH "--store $D/w.db --budget %d --top 1", BUDGET);
    assert_non_null(strstr(text.out, "Best by score: 1 architecture"));
    text = run_good("lineage search --strategy ppo --help");
    assert_non_null(strstr(text.out, "0.00035; Zoph et al. 2018"));
    assert_non_null(strstr(text.out, "reinforce"));
}

#define TABLE_SEARCH "lineage search --space nasbench201 --evaluator table --budget 50 --seed 1 "

/* A bare name has the same options, whether it is the default or named, here and in compare. */
static void bare_names_mean_the_same(void **state) {
    (void)state;
    cJSON *r = run_json(TABLE_SEARCH "--json"), *named = run_json(TABLE_SEARCH "--strategy evolution --json");
    cJSON *paper = run_json(TABLE_SEARCH "--strategy evolution:population=30:sample=30 --json");
    assert_string_equal(json_text(r, "digest"), json_text(named, "digest"));
    assert_string_not_equal(json_text(r, "digest"), json_text(paper, "digest"));
    assert_true(json_number(cJSON_GetObjectItem(named, "strategy_options"), "population") == 10);
    cJSON_Delete(r);
    cJSON_Delete(named);
    cJSON_Delete(paper);
    program_result p = run_good(TABLE_SEARCH "--strategy evolution:");
    assert_non_null(strstr(p.err, "its population of 100 is as large as all 50 trials"));
    p = run_good(TABLE_SEARCH);
    assert_null(strstr(p.err, "population"));
    run_refused("a sample of at most the population of 100, found 200",
                TABLE_SEARCH "--strategy evolution:population=100:sample=200");
    run_refused("a sample of at most", TABLE_SEARCH "--strategy-options '{\"population\": 5, \"sample\": 6}'");
    run_refused("a sample of at most", "lineage compare --strategies random,evolution:population=4:sample=5 --budget 5 --seeds 2");
    run_refused("expected the name of a strategy", TABLE_SEARCH "--strategy ''");
}

/* A cost that was not measured is none, and no smallest one. */
static void missing_costs_are_not_zero(void **state) {
    (void)state;
    run_refused("--cost latency needs --latency FILE", TABLE_SEARCH "--strategy nsga2:population=10 --cost latency --front");
    run_refused("--cost latency needs --latency FILE",
                "lineage search --space lineage --evaluator table --budget 5 --cost latency --front");
    run_good("lineage search --space lineage --evaluator table --budget 5 --cost latency --latency lineage.csv --front");
}

/* Names that SQLite would not keep. */
static void store_names_are_plain_paths(void **state) {
    (void)state;
    static const char *const names[] = {":memory:", "file::memory:", "file:x.db", "file:y.db?mode=memory"};
    run_refused("empty", TABLE_SEARCH "--store ''");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        run_good("cd $D && " TABLE_SEARCH "--store '%s' && test -s './%s'", names[i], names[i]);
        cJSON *runs = run_json("cd $D && lineage trials '%s' --summary --json", names[i]);
        assert_true(json_number(cJSON_GetArrayItem(runs, 0), "count") == 50);
        cJSON_Delete(runs);
    }
}

static void another_number_asked_for_is_named(void **state) {
    (void)state;
    run_good(SEARCH "--store $D/k.db --budget 1");
    run_refused("(--ask) is 1 there, 8 here", SEARCH "--store $D/k.db --budget 1 --ask 8");
}

static void one_strategy_has_its_own_help(void **state) {
    (void)state;
    program_result r = run_good("lineage search --strategy local --help");
    int lines = 0;
    for (const char *c = r.out; *c; c++) lines += *c == '\n';
    assert_true(lines < 20);
    assert_non_null(strstr(r.out, "Options of local"));
    assert_null(strstr(r.out, "Options of evolution"));
    run_refused("unknown strategy 'nsga'; the nearest is 'nsga2'", "lineage search --strategy nsga --help");
}

/* Stores that somebody else, or a fault, has changed. */
static void damaged_stores_are_refused(void **state) {
    (void)state;
    if (run("command -v sqlite3").code != 0) skip();
    static const char *const changes[][2] = {
        {"UPDATE trials SET number = 4294967299 WHERE number = 3", "damaged"},
        {"UPDATE trials SET number = 2147483647 WHERE number = 3", "damaged"},
        {"UPDATE trials SET number = 2147483646 WHERE number = 3", "damaged"},
        {"UPDATE trials SET number = -1 WHERE number = 3", "damaged"},
        {"ALTER TABLE trials RENAME TO t2; CREATE VIEW trials AS SELECT * FROM t2, t2 AS b", "views in place of tables"},
        {"CREATE TRIGGER x AFTER INSERT ON trials BEGIN DELETE FROM trials; END", "triggers"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        run_good("rm -f $D/v.db; " TABLE_SEARCH "--budget 4 --store $D/v.db && sqlite3 $D/v.db '%s'", changes[i][0]);
        run_refused(changes[i][1], TABLE_SEARCH "--budget 4 --store $D/v.db");
    }
}

static void mistakes_are_refused(void **state) {
    (void)state;
    run_refused("--store FILE is missing", "lineage search");
    run_refused("the nearest is 'nasnet_small'", SEARCH "--store $D/x.db --space nasnet_smal");
    run_refused("expected parameters of none, found 'B=3'", SEARCH "--store $D/x.db --space nasbench201:B=3");
    run_refused("the nearest is 'random'", SEARCH "--store $D/x.db --strategy rnadom");
    run_refused("has no option \"populatio\", did you mean \"population\"?",
                SEARCH "--store $D/x.db --strategy-options '{\"populatio\": 1}'");
    run_refused("--budget: expected a whole number from 1", SEARCH "--store $D/x.db --budget 0");
    run_refused("--evaluator", SEARCH "--store $D/x.db --evaluator none");
    run_refused("not a trial store", SEARCH "--store $D/t10k-labels-idx1-ubyte.gz --budget 1");
    run_refused("cannot be written", SEARCH "--store $D/no/such/x.db --budget 1");
    run_refused("--store FILE is missing", "lineage trials");
    run_refused("No such file", "lineage trials --store $D/absent.db");
    run_good(SEARCH "--store $D/one.db --budget 1");
    run_refused("no run 7", "lineage trials --store $D/one.db --run 7");
}

/* Pyramids of detectors are searched on scenes of their size, with the recipe of detectors. */
static void pyramids_are_searched(void **state) {
    (void)state;
    run_good(
        "lineage search --space nasfpn_detector --strategy random --budget 2 --data scenes --train-images 8 --validation-images 4"
        " --batch 8 --epochs 1 --max-macs 40000000 --store $D/p.sqlite");
    cJSON *trials = run_json("lineage trials $D/p.sqlite --json");
    const cJSON *list = cJSON_GetObjectItem(cJSON_GetArrayItem(trials, 0), "history"), *trial;
    assert_int_equal(cJSON_GetArraySize(list), 2);
    cJSON_ArrayForEach(trial, list) assert_string_equal(json_text(trial, "status"), "done");
    cJSON_Delete(trials);
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(search_follows_the_contract, enter, leave),
        cmocka_unit_test_setup_teardown(history_is_always_the_same, enter, leave),
        cmocka_unit_test_setup_teardown(interruption_is_clean_and_says_how_to_continue, enter, leave),
        cmocka_unit_test_setup_teardown(trials_lists_what_is_stored, enter, leave),
        cmocka_unit_test_setup_teardown(spaces_are_listed_with_their_sizes, enter, leave),
        cmocka_unit_test_setup_teardown(tables_are_searched, enter, leave),
        cmocka_unit_test_setup_teardown(fronts_are_listed, enter, leave),
        cmocka_unit_test_setup_teardown(tables_are_built_and_verified, enter, leave),
        cmocka_unit_test_setup_teardown(workers_and_top, enter, leave),
        cmocka_unit_test_setup_teardown(bare_names_mean_the_same, enter, leave),
        cmocka_unit_test_setup_teardown(missing_costs_are_not_zero, enter, leave),
        cmocka_unit_test_setup_teardown(store_names_are_plain_paths, enter, leave),
        cmocka_unit_test_setup_teardown(another_number_asked_for_is_named, enter, leave),
        cmocka_unit_test_setup_teardown(one_strategy_has_its_own_help, enter, leave),
        cmocka_unit_test_setup_teardown(damaged_stores_are_refused, enter, leave),
        cmocka_unit_test_setup_teardown(pyramids_are_searched, enter, leave),
        cmocka_unit_test_setup_teardown(mistakes_are_refused, enter, leave),
    };
    return cmocka_run_group_tests_name("cli search", tests, NULL, NULL);
}
