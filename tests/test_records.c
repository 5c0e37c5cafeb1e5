/* The store of records: keys, immutability, members, queries' views, paths that SQLite would take for something else. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/store/records.h"
#include "tests/read_back.h"

static char home[1024], folder[64];

static int enter(void **state) {
    (void)state;
    snprintf(folder, sizeof folder, "%s", "/tmp/records-XXXXXX");
    return getcwd(home, sizeof home) && mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int leave(void **state) {
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r %s", folder);
    return chdir(home) == 0 && system(command) == 0 ? 0 : -1;
}

static nlg_store *open_store(const char *path, nlg_store_mode mode) {
    nlg_store *store;
    nlg_error err = {0};
    if (nlg_store_open(path, mode, &store, &err) != NLG_OK) fail_msg("%s", err.text);
    return store;
}

static void put_timed(nlg_store *store, const char *spec, const char *commit, double accuracy, double seconds, double macs,
                      char key[65]) {
    nlg_record r = {.measure = "train", .status = "done", .digest = "d1", .seconds = seconds, .spec = (char *)(uintptr_t)spec};
    nlg_session_facts facts = {.commit = commit, .compiler = "cc", .flags = "-O2", .isa = "avx2", .threads = 3};
    char detail[] = "{\"history\":[{\"loss\":1}]}";
    r.detail = detail;
    assert_int_equal(nlg_record_key(spec, r.key, NULL), NLG_OK);
    nlg_record_metric(&r, "val_accuracy", "fraction", accuracy);
    nlg_record_metric(&r, "macs", "MACs", macs);
    nlg_record_metric(&r, "test_accuracy", "fraction", (double)NAN); /* left out */
    assert_int_equal(nlg_store_put_record(store, &r, &facts, NULL), NLG_OK);
    memcpy(key, r.key, 65);
}

static void put(nlg_store *store, const char *spec, double accuracy, char key[65]) {
    put_timed(store, spec, "c", accuracy, 2, 1e9, key);
}

typedef struct speeds {
    const char *stage; /* of which stage_* are */
    double seconds, work, stage_seconds, stage_work;
    int stages;
} speeds;

static void take_speed(void *context, const char *experiment, const char *stage, double seconds, double amount) {
    speeds *read = context;
    assert_int_equal(experiment == NULL, stage == NULL);
    if (!experiment) {
        read->seconds = seconds;
        read->work = amount;
    } else if (strcmp(stage, read->stage) == 0) {
        read->stage_seconds = seconds;
        read->stage_work = amount;
    }
    read->stages += experiment != NULL;
}

static void records_come_back_and_never_change(void **state) {
    (void)state;
    char key[65], again[65];
    nlg_record r;
    bool found;
    nlg_store *store = open_store("s", NLG_STORE_WRITE);
    put(store, "{\"seed\":1}", 0.5, key);
    put(store, "{\"seed\":1}", 0.75, again); /* the first stays */
    assert_string_equal(key, again);
    assert_string_equal(key, "fbe47f6d82b435a89f6e6fca65ad16138195de06c5fc3ffb66826a76e64e479f");
    nlg_store_close(store);
    store = open_store("s", NLG_STORE_READ);
    assert_int_equal(nlg_store_record(store, key, &r, &found, NULL), NLG_OK);
    assert_true(found);
    assert_string_equal(r.measure, "train");
    assert_string_equal(r.spec, "{\"seed\":1}");
    assert_string_equal(r.digest, "d1");
    assert_int_equal(r.n_metrics, 2);
    assert_true(nlg_record_value(&r, "val_accuracy") == 0.5 && nlg_record_value(&r, "macs") == 1e9 && r.seconds == 2);
    assert_true(isnan(nlg_record_value(&r, "test_accuracy")));
    nlg_record_free(&r);
    char other[65];
    assert_int_equal(nlg_record_key("{}", other, NULL), NLG_OK);
    assert_int_equal(nlg_store_record(store, other, &r, &found, NULL), NLG_OK);
    assert_false(found);
    speeds read = {.stage = "final"};
    assert_int_equal(nlg_store_speeds(store, "train", "macs", take_speed, &read, NULL), NLG_OK);
    assert_true(read.seconds == 2 && read.work == 1e9);
    assert_int_equal(read.stages, 0); /* it belongs to no stage */
    nlg_store_close(store);
}

/* One of four equal trainings was held up by other programs, and one ran on a machine that takes twice as long; so did that of a
 * network that the quick machine has not trained. A third takes twice as long again, by what it shares with the second. A shorter
 * training and other networks have their own pace. */
static void speed_is_that_of_the_quickest_machine(void **state) {
    (void)state;
    static const struct {
        const char *spec, *commit;
        double seconds, work;
    } rows[] = {{"{\"graph\":\"a\",\"seed\":1}", "quick", 20, 1e9},
                {"{\"graph\":\"a\",\"seed\":2}", "quick", 2, 1e9},
                {"{\"graph\":\"a\",\"seed\":3}", "quick", 2, 1e9},
                {"{\"graph\":\"a\",\"seed\":4}", "slow", 4, 1e9},
                {"{\"graph\":\"a\",\"seed\":5}", "quick", 1.5, 5e8},
                {"{\"graph\":\"b\",\"seed\":1}", "quick", 9, 1e9},
                {"{\"seed\":1}", "quick", 7, 1e9},
                {"{\"seed\":2}", "quick", 8, 1e9},
                {"{\"graph\":\"c\",\"seed\":2}", "slower", 20, 1e9},
                {"{\"graph\":\"d\",\"seed\":1}", "slower", 12, 1e9},
                {"{\"graph\":\"c\",\"seed\":1}", "slow", 10, 1e9}};
    enum { ROWS = sizeof rows / sizeof *rows };
    nlg_store *store = open_store("speed", NLG_STORE_WRITE);
    char key[65];
    for (int i = 0; i < ROWS; i++) put_timed(store, rows[i].spec, rows[i].commit, 0.5, rows[i].seconds, rows[i].work, key);
    const nlg_member last = {"c", "{\"seed\":1}", key, true};
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "final", &last, 1, NULL), NLG_OK);
    assert_int_equal(nlg_store_set_members(store, "full", "x", "final", &last, 1, NULL), NLG_OK);
    assert_int_equal(nlg_store_set_members(store, "full", "x", "later", &last, 1, NULL), NLG_OK); /* is there already */
    speeds read = {.stage = "final"}, later = {.stage = "later"};
    assert_int_equal(nlg_store_speeds(store, "train", "macs", take_speed, &read, NULL), NLG_OK);
    assert_true(fabs(read.seconds - (4 * 2 + 1.5 + 9 + 7 + 8 + 2 * 5 + 3)) < 1e-9 && read.work == 10.5e9);
    assert_true(fabs(read.stage_seconds - 2 * 5) < 1e-9 && read.stage_work == 2e9 && read.stages == 2);
    assert_int_equal(nlg_store_speeds(store, "train", "macs", take_speed, &later, NULL), NLG_OK);
    assert_true(later.stage_seconds == 0 && later.stage_work == 1e9);
    nlg_store_close(store);
}

static void members_belong_to_stages(void **state) {
    (void)state;
    char key[2][65];
    nlg_store *store = open_store("s", NLG_STORE_WRITE);
    put(store, "{\"recipe\":{\"lr\":0.1},\"seed\":1}", 0.5, key[0]);
    put(store, "{\"recipe\":{\"lr\":0.2},\"seed\":2}", 0.25, key[1]);
    nlg_member m[2] = {{"a", "{\"seed\":1}", key[0], true}, {"b", "{\"seed\":2}", key[1], true}};
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "final", m, 2, NULL), NLG_OK);
    assert_int_equal(nlg_store_set_members(store, "quick", "x", "final", m, 1, NULL), NLG_OK); /* shares the record */
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "old", m, 1, NULL), NLG_OK);
    const char *const stages[] = {"final"};
    assert_int_equal(nlg_store_keep_stages(store, "smoke", "x", stages, 1, NULL), NLG_OK);
    char(*keys)[65];
    int count;
    assert_int_equal(nlg_store_keys(store, &(nlg_record_choice){.profile = "quick"}, &keys, &count, NULL), NLG_OK);
    assert_int_equal(count, 1);
    assert_string_equal(keys[0], key[0]);
    nlg_free(keys);
    nlg_store_close(store);
    assert_string_equal(ask_store("s",
                                  "SELECT stage, arm, seed, rate, metric, value FROM results WHERE profile = 'smoke' AND metric ="
                                  " 'val_accuracy' ORDER BY position"),
                        "final,a,1,0.1,val_accuracy,0.5;final,b,2,0.2,val_accuracy,0.25;");
    store = open_store("s", NLG_STORE_WRITE);
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "final", m, 1, NULL), NLG_OK);
    nlg_store_close(store);
    assert_string_equal(ask_store("s", "SELECT count(*) FROM members WHERE profile = 'smoke'"), "1;");
}

static void trials_of_searches_are_rows(void **state) {
    (void)state;
    nlg_store *store = open_store("s", NLG_STORE_WRITE);
    nlg_session_facts facts = {0};
    char spec[] = "{\"seed\":4,\"strategy\":\"random\"}";
    char detail[] =
        "{\"history\":[{\"genotype\":\"g\",\"status\":\"done\",\"score\":0.5},{\"status\":\"failed\",\"repeat\":true}]}";
    nlg_record r = {.measure = "search", .status = "done", .spec = spec, .detail = detail};
    assert_int_equal(nlg_record_key(spec, r.key, NULL), NLG_OK);
    assert_int_equal(nlg_store_put_record(store, &r, &facts, NULL), NLG_OK);
    nlg_member m = {"random", "{}", r.key, false};
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "search", &m, 1, NULL), NLG_OK);
    nlg_store_close(store);
    assert_string_equal(ask_store("s", "SELECT strategy, seed, trial, genotype, status, is_repeat, score FROM lab_trials"),
                        "random,4,1,g,done,0,0.5;random,4,2,NULL,failed,1,NULL;");
}

static void refuse(const char *path, nlg_store_mode mode, const char *part) {
    nlg_store *store;
    nlg_error err = {0};
    if (nlg_store_open(path, mode, &store, &err) == NLG_OK) fail_msg("%s was accepted", path);
    if (!strstr(err.text, part)) fail_msg("expected \"%s\" in: %s", part, err.text);
}

static void names_are_plain_paths(void **state) {
    (void)state;
    static const char *const names[] = {":memory:", "file:x?mode=memory", "-"};
    char key[65];
    bool found;
    refuse("", NLG_STORE_WRITE, "an empty one");
    for (int i = 0; i < 3; i++) {
        nlg_store *store = open_store(names[i], NLG_STORE_WRITE);
        put(store, "{\"seed\":1}", 0.5, key);
        nlg_store_close(store);
        assert_int_equal(access(names[i], R_OK), 0);
        store = open_store(names[i], NLG_STORE_READ);
        assert_int_equal(nlg_store_has_record(store, key, &found, NULL), NLG_OK);
        assert_true(found);
        nlg_store_close(store);
    }
}

static void damaged_records_are_refused(void **state) {
    (void)state;
    static const char *const changes[][2] = {
        {"UPDATE records SET detail = '{'", "a detail that is no JSON object"},
        {"UPDATE records SET spec = '{\"seed\":2}'", "a spec that is not its own"},
        {"UPDATE metrics SET value = 'much'", "no finite number"},
        {"UPDATE metrics SET value = 9e999", "no finite number"},
    };
    for (int i = 0; i < 4; i++) {
        char key[65];
        nlg_record r;
        bool found;
        nlg_error err = {0};
        unlink("s");
        nlg_store *store = open_store("s", NLG_STORE_WRITE);
        put(store, "{\"seed\":1}", 0.5, key);
        nlg_store_close(store);
        ask_store("s", changes[i][0]);
        store = open_store("s", NLG_STORE_READ);
        assert_int_equal(nlg_store_record(store, key, &r, &found, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, changes[i][1])) fail_msg("expected \"%s\" in: %s", changes[i][1], err.text);
        nlg_store_close(store);
    }
}

/* A writer killed within a transaction: a reader finds what was committed, also where the file has a hot journal. */
static void killed_writers_lose_nothing(void **state) {
    (void)state;
    for (int wal = 0; wal < 2; wal++) {
        char key[65], lost[65];
        bool found;
        unlink("s");
        pid_t child = fork();
        if (child == 0) {
            nlg_store *store;
            if (nlg_store_open("s", NLG_STORE_WRITE, &store, NULL) != NLG_OK) _exit(1);
            put(store, "{\"seed\":1}", 0.5, key);
            if (!wal) { /* leave one plain file, then a journal of the old kind, spilled to the disk */
                nlg_store_close(store);
                sqlite3 *database;
                sqlite3_open("./s", &database);
                sqlite3_exec(database, "PRAGMA cache_size=1; PRAGMA cache_spill=1; BEGIN IMMEDIATE", NULL, NULL, NULL);
                for (int i = 0; i < 200; i++)
                    sqlite3_exec(database, "INSERT INTO metrics SELECT key, hex(randomblob(400)), '', 1 FROM records", NULL, NULL,
                                 NULL);
            } else {
                nlg_store_transaction(store, NULL);
                put(store, "{\"seed\":2}", 0.5, lost);
            }
            kill(getpid(), SIGKILL);
        }
        int ended;
        assert_int_equal(waitpid(child, &ended, 0), child);
        assert_true(WIFSIGNALED(ended));
        assert_int_equal(access(wal ? "s-wal" : "s-journal", R_OK), 0);
        nlg_store *store = open_store("s", NLG_STORE_READ);
        nlg_record r;
        assert_int_equal(nlg_record_key("{\"seed\":1}", key, NULL), NLG_OK);
        assert_int_equal(nlg_record_key("{\"seed\":2}", lost, NULL), NLG_OK);
        assert_int_equal(nlg_store_record(store, key, &r, &found, NULL), NLG_OK);
        assert_true(found);
        assert_int_equal(r.n_metrics, 2);
        nlg_record_free(&r);
        assert_int_equal(nlg_store_has_record(store, lost, &found, NULL), NLG_OK);
        assert_false(found);
        nlg_store_close(store);
    }
}

static void set_plan(const char *file, const char *experiment, const char *digest) {
    nlg_store *store = open_store(file, NLG_STORE_WRITE);
    assert_int_equal(nlg_store_set_plan(store, "smoke", experiment, digest, NULL), NLG_OK);
    nlg_store_close(store);
}

static void exchange(const char *from, const char *to) {
    int records;
    nlg_error err = {0};
    nlg_store *store = open_store(from, NLG_STORE_READ);
    if (nlg_records_export(store, &(nlg_record_choice){.profile = "smoke"}, "plans.gz", &records, &err) != NLG_OK)
        fail_msg("%s", err.text);
    nlg_store_close(store);
    store = open_store(to, NLG_STORE_WRITE);
    if (nlg_records_import(store, "plans.gz", &records, &err) != NLG_OK) fail_msg("%s", err.text);
    nlg_store_close(store);
}

static const char best_trial[] = "{\"genotype\":\"g\",\"score\":0.1}", other_trial[] = "{\"genotype\":\"h\",\"repeat\":true}";

static void put_search(nlg_store *store, int seed, const char *history) {
    char spec[200], detail[400], key[65];
    snprintf(spec, sizeof spec, "{\"measure\":\"search\",\"numerics\":%d,\"seed\":%d}", NLG_NUMERICS_VERSION, seed);
    snprintf(detail, sizeof detail, "{\"best_trial\":1,\"history\":[%s]}", history);
    nlg_record r = {.measure = "search", .status = "done", .digest = "d", .seconds = 1, .spec = spec, .detail = detail};
    nlg_session_facts facts = {.commit = "c", .compiler = "cc", .flags = "-O2", .isa = "avx2", .threads = 1};
    assert_int_equal(nlg_record_key(spec, r.key, NULL), NLG_OK);
    assert_int_equal(nlg_store_put_record(store, &r, &facts, NULL), NLG_OK);
    snprintf(key, sizeof key, "%s", r.key);
    const nlg_member m = {.arm = "a", .factors = "{}", .key = key};
    char stage[16];
    snprintf(stage, sizeof stage, "s%d", seed);
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", stage, &m, 1, NULL), NLG_OK);
}

/* Imports the text into a new store; NULL: it has to be good, else part of the message. */
static void import_text(const char *text, const char *store_name, const char *refusal) {
    int records;
    nlg_error err = {0};
    FILE *file = fopen("text", "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
    nlg_store *store = open_store(store_name, NLG_STORE_WRITE);
    const nlg_status status = nlg_records_import(store, "text", &records, &err);
    nlg_store_close(store);
    if (!refusal && status != NLG_OK) fail_msg("%s", err.text);
    if (refusal && (status != NLG_ERR_INPUT || !strstr(err.text, refusal))) fail_msg("expected \"%s\" in: %s", refusal, err.text);
}

static char *replaced(const char *text, const char *part, const char *by) {
    static char out[4000];
    const char *at = strstr(text, part);
    assert_non_null(at);
    snprintf(out, sizeof out, "%.*s%s%s", (int)(at - text), text, by, at + strlen(part));
    return out;
}

/* A trial stands in the file once, however many searches have it, and histories come back as they were. */
static void searches_share_their_trials(void **state) {
    (void)state;
    static const char question[] = "SELECT detail FROM records ORDER BY spec";
    char history[200], text[4000], wanted[4000];
    int records;
    nlg_store *store = open_store("from", NLG_STORE_WRITE);
    snprintf(history, sizeof history, "%s,%s,%s", best_trial, other_trial, best_trial);
    put_search(store, 1, history);
    snprintf(history, sizeof history, "%s,%s", other_trial, best_trial);
    put_search(store, 2, history);
    put_search(store, 3, "");
    assert_int_equal(nlg_records_export(store, &(nlg_record_choice){.profile = "smoke"}, "text", &records, NULL), NLG_OK);
    nlg_store_close(store);
    assert_int_equal(records, 3);
    FILE *file = fopen("text", "r");
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *best = strstr(text, best_trial), *other = strstr(text, other_trial);
    assert_true(best && other && !strstr(best + 1, best_trial) && !strstr(other + 1, other_trial));
    snprintf(wanted, sizeof wanted, "%s", ask_store("from", question));
    import_text(text, "to", NULL);
    assert_string_equal(ask_store("to", question), wanted);

    import_text(replaced(text, "\"history\":[0,", "\"history\":[2,"), "refused",
                "a history with a trial that is in no line before it");
    import_text(replaced(text, "\"history\":[0,", "\"history\":[-1,"), "refused",
                "a history with a trial that is in no line before it");
    import_text(replaced(text, "\"history\":[0,", "\"history\":[0.5,"), "refused",
                "a history with a trial that is in no line before it");
    import_text(replaced(text, "\"history\":[0,", "\"history\":[0,{},"), "refused", "a history that is no list of trials");
    static const char *const first[] = {"{}", "\"0\"", "null", "[0]"};
    for (size_t i = 0; i < sizeof first / sizeof *first; i++) {
        snprintf(history, sizeof history, "\"history\":[%s,", first[i]);
        import_text(replaced(text, "\"history\":[0,", history), "refused",
                    i == 0 ? "a history that is no list of trials" : "a history with a trial that is in no line before it");
    }
    import_text(replaced(text, "\"history\":[]", "\"history\":7"), "refused", "a history that is no list of trials");
    import_text(replaced(text, "\"history\":[]", "\"history\":{}"), "refused", "a history that is no list of trials");
    import_text(replaced(text, "{\"trials\":[", "{\"trials\":[7,"), "refused", "a trial that is no object");
    import_text(replaced(text, "{\"trials\":[", "{\"trials\":7}\n{\"trials\":["), "refused", "trials that are no list");
    assert_string_equal(ask_store("refused", "SELECT count(*) FROM records"), "0;");
    /* version 1 had whole histories */
    snprintf(wanted, sizeof wanted, "%s", replaced(text, "\"version\":2", "\"version\":1"));
    snprintf(text, sizeof text, "%s", replaced(wanted, "\"history\":[]", "\"history\":[{\"genotype\":\"old\"}]"));
    import_text(text, "old", NULL);
    assert_string_equal(ask_store("old", "SELECT genotype FROM lab_trials WHERE genotype = 'old'"), "old;");
}

/* A plan travels with the members that fulfil it, and does not take the place of others. A store of an earlier version has none. */
static void plans_belong_to_members(void **state) {
    (void)state;
    char key[65], spec[100];
    nlg_store *store = open_store("from", NLG_STORE_WRITE);
    snprintf(spec, sizeof spec, "{\"measure\":\"train\",\"numerics\":%d}", NLG_NUMERICS_VERSION);
    put(store, spec, 0.5, key);
    const nlg_member m = {.arm = "a", .factors = "{}", .key = key};
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "final", &m, 1, NULL), NLG_OK);
    nlg_store_close(store);
    set_plan("from", "x", "first");
    set_plan("from", "x", "second"); /* the last one holds */

    exchange("from", "to");
    assert_string_equal(ask_store("to", "SELECT profile, experiment, digest FROM plans"), "smoke,x,second;");
    set_plan("from", "x", "third");
    exchange("from", "to");
    assert_string_equal(ask_store("to", "SELECT digest FROM plans"), "second;");

    store = open_store("own", NLG_STORE_WRITE); /* runs of its own, not complete */
    assert_int_equal(nlg_store_set_members(store, "smoke", "x", "first", &m, 1, NULL), NLG_OK);
    nlg_store_close(store);
    exchange("from", "own");
    assert_string_equal(ask_store("own", "SELECT count(*) FROM plans"), "0;");

    ask_store("from", "DROP TABLE plans");
    exchange("from", "later");
    assert_string_equal(ask_store("later", "SELECT count(*) FROM plans"), "0;");
    assert_string_equal(ask_store("from", "SELECT count(*) FROM sqlite_master WHERE name = 'plans'"), "0;"); /* it was only read */
    set_plan("from", "x", "fourth");
    assert_string_equal(ask_store("from", "SELECT digest FROM plans"), "fourth;");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(records_come_back_and_never_change, enter, leave),
        cmocka_unit_test_setup_teardown(plans_belong_to_members, enter, leave),
        cmocka_unit_test_setup_teardown(searches_share_their_trials, enter, leave),
        cmocka_unit_test_setup_teardown(speed_is_that_of_the_quickest_machine, enter, leave),
        cmocka_unit_test_setup_teardown(members_belong_to_stages, enter, leave),
        cmocka_unit_test_setup_teardown(trials_of_searches_are_rows, enter, leave),
        cmocka_unit_test_setup_teardown(names_are_plain_paths, enter, leave),
        cmocka_unit_test_setup_teardown(damaged_records_are_refused, enter, leave),
        cmocka_unit_test_setup_teardown(killed_writers_lose_nothing, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
