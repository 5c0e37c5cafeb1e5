/* search: tables of our own, built from made-up images of 12 x 12. */
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/plans/table_plan.h"
#include "harness/plans/table_rows.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/own_table.h"
#include "search/table_file.h"
#include "search/store/store_lock.h"
#include "tests/made_files.h"

enum { ARCHITECTURES = 3, SEEDS = 2, EPOCHS = 2, TRAININGS = ARCHITECTURES * SEEDS };

static char *folder, data_name[300];
static nlg_space space;
static nlg_settings settings;
static const nlg_dataset_options data_options = {.train_limit = 96, .validation = 50};

static nlg_table_recipe recipe_here(void) {
    nlg_table_recipe r = {
        .space = &space, .data = data_options, .recipe = nlg_recipe_default(), .seeds = SEEDS, .limit = ARCHITECTURES};
    r.recipe.epochs = EPOCHS;
    r.recipe.batch = 16;
    return r;
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

/* trained: how many trainings this build made. */
static nlg_status build_of(const nlg_table_recipe *recipe, const char *name, const char *results, int workers, int *trained,
                           char digest[65], nlg_error *err) {
    char path[512], store[512];
    nlg_execution_summary summary;
    snprintf(path, sizeof path, "%s", path_of(name));
    snprintf(store, sizeof store, "%s", path_of(results));
    const nlg_table_build_options options = {
        .settings = &settings, .data = data_name, .recipe = *recipe, .path = path, .results = store, .workers = workers};
    nlg_status status = nlg_table_build(&options, digest, &summary, err);
    *trained = summary.done - summary.stored;
    return status;
}

/* The store lies beside the table: NAME-store. */
static nlg_status build(const char *name, int workers, int *trained, char digest[65], nlg_error *err) {
    char results[80];
    const nlg_table_recipe recipe = recipe_here();
    snprintf(results, sizeof results, "%s-store", name);
    return build_of(&recipe, name, results, workers, trained, digest, err);
}

static void remove_store(const char *name) {
    char command[600];
    snprintf(command, sizeof command, "rm -rf '%s/%s-store'", folder, name);
    assert_int_equal(system(command), 0);
}

static void remove_table(const char *name) {
    static const char *const endings[] = {".json", ".csv.gz", "-test.csv.gz"};
    for (int i = 0; i < 3; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s%s", name, endings[i]);
        unlink(path_of(file));
    }
    remove_store(name);
}

/* The digest of the one table that all tests build, and its files as "whole". */
static const char *whole_digest(void) {
    static char digest[65];
    int trained;
    nlg_error err = {0};
    if (digest[0]) return digest;
    if (build("whole", 0, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(trained, TRAININGS);
    return digest;
}

static void a_space_is_listed_without_isomorphic_ones(void **state) {
    (void)state;
    nlg_code *codes;
    int count;
    nlg_error err = {0};
    assert_int_equal(nlg_space_list(&space, &codes, &count, &err), NLG_OK);
    assert_int_equal(count, 597);
    nlg_free(codes);
    nlg_space large;
    assert_int_equal(nlg_space_open("nasnet", &large, &err), NLG_OK);
    assert_int_equal(nlg_space_list(&large, &codes, &count, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "codes; expected at most"));
    nlg_space_close(&large);
}

static void workers_do_not_change_a_table(void **state) {
    (void)state;
    int trained;
    char digest[65];
    nlg_error err = {0};
    if (build("workers", 2, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(digest, whole_digest());
    assert_int_equal(trained, TRAININGS);
}

/* Some of the trials are in the store, as after a stop: of fewer seeds, in a table of another name. */
static void begin_with_one_seed(const char *name) {
    int trained;
    char digest[65], results[80];
    nlg_error err = {0};
    nlg_table_recipe recipe = recipe_here();
    recipe.seeds = 1;
    snprintf(results, sizeof results, "%s-store", name);
    remove_table("one-seed");
    if (build_of(&recipe, "one-seed", results, 0, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(trained, ARCHITECTURES);
}

static void what_the_store_has_is_not_trained_again(void **state) {
    (void)state;
    for (int workers = 0; workers <= 2; workers += 2) {
        int trained;
        char digest[65];
        nlg_error err = {0};
        remove_table("begun");
        begin_with_one_seed("begun");
        if (build("begun", workers, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_int_equal(trained, TRAININGS - ARCHITECTURES);
        assert_string_equal(digest, whole_digest());
    }
}

static void other_settings_do_not_mix(void **state) {
    (void)state;
    int trained;
    char digest[65], other[65];
    nlg_error err = {0};
    nlg_table_recipe recipe = recipe_here();
    recipe.recipe.lr = 0.25;
    if (build_of(&recipe, "faster", "mixed-store", 0, &trained, other, &err) != NLG_OK) fail_msg("%s", err.text);
    if (build("mixed", 0, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(trained, TRAININGS);
    assert_string_equal(digest, whole_digest());
    assert_string_not_equal(digest, other);
}

/* Hours of work: built once, and never written over by another one. */
static void a_finished_table_stays(void **state) {
    (void)state;
    char digest[65];
    int trained;
    nlg_error err = {0};
    whole_digest();
    remove_store("whole");
    if (build("whole", 2, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(digest, whole_digest());
    assert_int_equal(trained, 0);
    assert_false(nlg_file_exists(path_of("whole-store/store.sqlite")));
    nlg_table_recipe recipe = recipe_here();
    recipe.recipe.lr = 0.25;
    assert_int_equal(build_of(&recipe, "whole", "whole-store", 0, &trained, digest, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "whole.json: tells of a finished table of space"));
    assert_false(nlg_file_exists(path_of("whole-store/store.sqlite")));
    for (int i = 0; i < 2; i++) { /* damaged: written again from the store */
        err = (nlg_error){0};
        if (build("broken", 0, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_int_equal(trained, i ? 0 : TRAININGS);
        assert_string_equal(digest, whole_digest());
        assert_int_equal(nlg_file_write(path_of("broken-test.csv.gz"), "x\n", 2, NULL), NLG_OK);
    }
}

/* The disk is full when a trial is stored, alone and with workers: what was stored before is kept, and the build goes on when there
 * is room. */
static void a_full_disk_loses_no_trial(void **state) {
    (void)state;
    whole_digest();
    for (int workers = 0; workers <= 2; workers += 2) {
        struct rlimit limit, all;
        char digest[65];
        int trained;
        nlg_error err = {0};
        remove_table("full");
        begin_with_one_seed("full");
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
        limit = all;
        limit.rlim_cur = 40960;
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        const nlg_status status = build("full", workers, &trained, digest, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
        signal(SIGXFSZ, SIG_DFL);
        if (nlg_status_exit_code(status) != 2 || !strstr(err.text, "full-store/store.sqlite"))
            fail_msg("status %d: %s", status, err.text);
        assert_false(nlg_file_exists(path_of("full.json")));
        err = (nlg_error){0};
        if (build("full", workers, &trained, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_string_equal(digest, whole_digest());
        assert_true(trained >= 1 && trained <= TRAININGS - ARCHITECTURES);
    }
}

static void one_build_of_a_store_at_a_time(void **state) {
    (void)state;
    nlg_store_lock lock;
    int trained;
    char digest[65];
    nlg_error err = {0};
    assert_int_equal(nlg_folder_create(path_of("twice-store"), &err), NLG_OK);
    assert_int_equal(nlg_store_lock_take(&lock, path_of("twice-store/store.sqlite"), &err), NLG_OK);
    assert_int_equal(build("twice", 0, &trained, digest, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(trained, 0);
    nlg_store_lock_release(&lock);
}

/* A table has no place for a training without accuracies. */
static void a_training_that_diverges_is_named(void **state) {
    (void)state;
    int trained;
    char digest[65];
    nlg_error err = {0};
    nlg_table_recipe recipe = recipe_here();
    recipe.recipe.lr = 1e30;
    recipe.limit = 1;
    assert_int_equal(build_of(&recipe, "wild", "wild-store", 0, &trained, digest, &err), NLG_ERR_NUMERIC);
    if (!strstr(err.text, "seed 1: diverged") || !strstr(err.text, "take a lower --lr")) fail_msg("%s", err.text);
    assert_false(nlg_file_exists(path_of("wild.json")));
}

/* ---- finished tables ---------------------------------------------------------------------------------------------------- */

/* PATH.json with one text replaced. */
static nlg_status read_changed(const char *what, const char *with, nlg_error *err) {
    char *content, changed[8192];
    size_t size;
    nlg_table_facts facts;
    *err = (nlg_error){0};
    if (nlg_file_read(path_of("whole.json"), sizeof changed / 2, &content, &size, err) != NLG_OK) fail_msg("%s", err->text);
    const char *at = strstr(content, what);
    if (!at) fail_msg("no %s", what);
    snprintf(changed, sizeof changed, "%.*s%s%s", (int)(at - content), content, with, at + strlen(what));
    nlg_free(content);
    assert_int_equal(nlg_file_write(path_of("other.json"), changed, strlen(changed), err), NLG_OK);
    nlg_status status = nlg_table_facts_read(path_of("other"), &facts, err);
    nlg_table_facts_free(&facts);
    return status;
}

/* A table's .json may come from anywhere: no number of it is used that no table can have. */
static void facts_out_of_range_are_refused(void **state) {
    (void)state;
    static const char *const bad[][3] = {
        {"\"epochs\":2", "\"epochs\":65", "\"epochs\" to be a whole number from 1 to 64, found 65"},
        {"\"epochs\":2", "\"epochs\":2000", "from 1 to 64"},
        {"\"epochs\":2", "\"epochs\":1e300", "from 1 to 64"},
        {"\"epochs\":2", "\"epochs\":0", "from 1 to 64"},
        {"\"epochs\":2", "\"epochs\":1.5", "found 1.5"},
        {"\"epochs\":2,", "", "\"epochs\" to be a whole number from 1 to 64, found nothing"},
        {"\"seeds\":2", "\"seeds\":9", "from 1 to 8"},
        {"\"seeds\":2", "\"seeds\":0", "from 1 to 8"},
        {"\"seeds\":2", "\"seeds\":\"2\"", "found no number"},
        {"\"limit\":3", "\"limit\":-1", "\"limit\""},
        {"\"limit\":3", "\"limit\":1e10", "\"limit\""},
        {"\"train\":96", "\"train\":-96", "\"train\""},
        {"\"train\":96", "\"train\":5e9", "\"train\""},
        {"\"validation\":50", "\"validation\":0", "\"validation\""},
        {"\"batch\":16", "\"batch\":0", "\"batch\""},
        {"\"batch\":16", "\"batch\":1e12", "\"batch\""},
        {"\"lr\":0.1", "\"lr\":1e300", "\"lr\""},
        {"\"split_seed\":\"0\"", "\"split_seed\":\"x\"", "\"split_seed\""},
        {"\"split_seed\":\"0\"", "\"split_seed\":\"-1\"", "\"split_seed\""},
        {"\"architectures\": 3", "\"architectures\": 0", "\"architectures\""},
        {"\"file_digest\"", "\"x\"", "\"file_digest\""},
        {"\"space\":\"lineage\"", "\"space\":\"\"", "\"space\""},
    };
    nlg_error err;
    whole_digest();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (read_changed(bad[i][0], bad[i][1], &err) != NLG_ERR_INPUT) fail_msg("%s is taken", bad[i][1]);
        if (!strstr(err.text, bad[i][2])) fail_msg("expected \"%s\": %s", bad[i][2], err.text);
    }
    if (read_changed("\"epochs\":2", "\"epochs\":64", &err) != NLG_OK) fail_msg("%s", err.text);
}

static nlg_status look_up(const char *name, nlg_error *err) {
    char path[600];
    snprintf(path, sizeof path, "%s.csv.gz", path_of(name));
    nlg_table_evaluator *evaluator;
    const nlg_table_evaluator_options options = {.space = &space, .file = path};
    *err = (nlg_error){0};
    nlg_status status = nlg_table_evaluator_create(&options, &evaluator, err);
    nlg_table_evaluator_destroy(evaluator);
    return status;
}

static void copy(const char *from, const char *to) {
    size_t size;
    char *content;
    if (nlg_file_read(path_of(from), 1 << 20, &content, &size, NULL) != NLG_OK) fail_msg("%s", from);
    assert_int_equal(nlg_file_write(path_of(to), content, size, NULL), NLG_OK);
    nlg_free(content);
}

/* The whole table under another name, with `what` of one file (plain text: gzip is not needed) replaced. */
static void write_changed(const char *file, const char *what, const char *with) {
    char *text = NULL, command[1500];
    copy("whole.csv.gz", "c.csv.gz");
    copy("whole-test.csv.gz", "c-test.csv.gz");
    copy("whole.json", "c.json");
    char name[600];
    snprintf(name, sizeof name, "%s", path_of(file));
    snprintf(command, sizeof command, "gzip -dc '%s'", name);
    FILE *pipe = popen(command, "r");
    size_t room = 0;
    assert_non_null(pipe);
    assert_true(getdelim(&text, &room, '\0', pipe) > 0);
    pclose(pipe);
    char *at = strstr(text, what);
    if (!at) fail_msg("no %s", what);
    FILE *out = fopen(name, "w");
    fprintf(out, "%.*s%s%s", (int)(at - text), text, with, at + strlen(what));
    fclose(out);
    free(text);
}

static void searches_refuse_a_changed_table(void **state) {
    (void)state;
    nlg_error err;
    whole_digest();
    write_changed("c.csv.gz", "none", "none"); /* the same text, unpacked */
    if (look_up("c", &err) != NLG_OK) fail_msg("%s", err.text);
    write_changed("c-test.csv.gz", "max plain,", "max plain,0");
    assert_int_equal(look_up("c", &err), NLG_ERR_CHECK);
    assert_non_null(strstr(err.text, "c-test.csv.gz: its digest"));
    write_changed("c.csv.gz", ",3578,", ",3579,");
    assert_int_equal(look_up("c", &err), NLG_ERR_CHECK);
    assert_non_null(strstr(err.text, "c.csv.gz: its digest"));
    unlink(path_of("c.json")); /* a table of somebody who keeps no record of it: only what cannot be is refused */
    if (look_up("c", &err) != NLG_OK) fail_msg("%s", err.text);
    static const char *const bad[][4] = {
        {"c.csv.gz", "val_s1_e1,", "val_s1_e0,", "'val_s1_e0'"},
        {"c.csv.gz", "val_s1_e1,", "val_s1_e-7,", "'val_s1_e-7'"},
        {"c.csv.gz", "val_s1_e1,", "val_s1_e65,", "'val_s1_e65'"},
        {"c.csv.gz", "val_s1_e1,", "val_s1_e1x,", "'val_s1_e1x'"},
        {"c.csv.gz", "val_s1_e1,", "val_s9_e1,", "'val_s9_e1'"},
        {"c.csv.gz", ",3578,", ",1e300,", "params to be from 0 to"},
        {"c.csv.gz", ",3578,", ",-1,", "params to be from 0 to"},
        {"c.csv.gz", ",3578,", ",35.5,", "params to be a whole number"},
        {"c-test.csv.gz", "max plain,", "max plain,99", "test_s1 to be from 0 to 100"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        write_changed(bad[i][0], bad[i][1], bad[i][2]);
        unlink(path_of("c.json"));
        if (look_up("c", &err) != NLG_ERR_INPUT) fail_msg("%s is taken", bad[i][2]);
        if (!strstr(err.text, bad[i][3])) fail_msg("expected \"%s\": %s", bad[i][3], err.text);
    }
}

typedef struct counted {
    int rows, differing;
} counted;

static nlg_status count_row(void *context, const nlg_table_facts *facts, int row, const char *genotype, const nlg_table_row *again,
                            const char *differs, nlg_error *err) {
    counted *c = context;
    (void)err, (void)genotype;
    assert_true(row >= 0 && row < ARCHITECTURES && again->seed >= 1 && again->seed <= facts->recipe.seeds);
    assert_true(again->epochs == EPOCHS && again->params > 0 && again->seconds > 0);
    c->rows++;
    c->differing += *differs != '\0';
    return NLG_OK;
}

/* A user's machine: other threads, other instructions, the recipe as the file has it. */
static void any_row_can_be_made_again(void **state) {
    (void)state;
    nlg_error err = {0};
    nlg_table_facts facts;
    counted c = {0};
    char path[512];
    whole_digest();
    if (nlg_table_facts_read(path_of("whole"), &facts, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(facts.space, "lineage");
    assert_string_equal(facts.digest, whole_digest());
    nlg_table_facts_free(&facts);
    snprintf(path, sizeof path, "%s", path_of("whole"));
    for (uint64_t seed = 1; seed <= 3; seed++) { /* which rows and which of their seeds */
        const nlg_settings other = {.threads = 2, .isa = NLG_ISA_PORTABLE, .seed = seed};
        const nlg_table_rows check = {
            .path = path, .data = data_name, .rows = ARCHITECTURES, .settings = &other, .done = count_row, .context = &c};
        nlg_table_rows_summary summary;
        if (nlg_table_rows_check(&check, &summary, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_true(summary.rows == ARCHITECTURES && summary.done == ARCHITECTURES && summary.differ == 0);
    }
    assert_true(c.rows == 3 * ARCHITECTURES && c.differing == 0);
}

static void searches_look_up_by_epoch(void **state) {
    (void)state;
    whole_digest();
    nlg_error err = {0};
    nlg_table_evaluator *mean, *second;
    char name[600];
    snprintf(name, sizeof name, "%s", path_of("whole.csv.gz"));
    nlg_table_evaluator_options options = {.space = &space, .file = name};
    if (nlg_table_evaluator_create(&options, &mean, &err) != NLG_OK) fail_msg("%s", err.text);
    options.signal = "seed2";
    if (nlg_table_evaluator_create(&options, &second, &err) != NLG_OK) fail_msg("%s", err.text);
    options.signal = "seed3";
    nlg_table_evaluator *none;
    assert_int_equal(nlg_table_evaluator_create(&options, &none, &err), NLG_ERR_INPUT);
    nlg_table_file *file;
    assert_int_equal(nlg_table_file_open(name, &file, &err), NLG_OK);
    const nlg_evaluator *of_mean = nlg_table_evaluator_interface(mean), *of_second = nlg_table_evaluator_interface(second);
    for (int row = 0; row < ARCHITECTURES; row++) {
        double accuracy[SEEDS][EPOCHS], report;
        nlg_trial half = {.budget = 0.5}, whole = {.budget = 1}, single = {.budget = 1};
        assert_int_equal(space.decode(&space, nlg_table_file_cell(file, row, 0), &half.code, &err), NLG_OK);
        whole.code = single.code = half.code;
        for (int seed = 0; seed < SEEDS; seed++) {
            for (int epoch = 0; epoch < EPOCHS; epoch++) {
                char header[32];
                int column;
                snprintf(header, sizeof header, "val_s%d_e%d", seed + 1, epoch + 1);
                assert_int_equal(nlg_table_file_find(file, header, &column, &err), NLG_OK);
                assert_int_equal(nlg_table_file_number(file, row, column, &accuracy[seed][epoch], &err), NLG_OK);
            }
        }
        assert_int_equal(of_mean->evaluate(of_mean->context, &space, &half, &err), NLG_OK);
        assert_int_equal(of_mean->evaluate(of_mean->context, &space, &whole, &err), NLG_OK);
        assert_int_equal(of_second->evaluate(of_second->context, &space, &single, &err), NLG_OK);
        assert_int_equal(half.status, NLG_TRIAL_DONE);
        assert_int_equal(half.budget_epochs, 1);
        assert_int_equal(whole.budget_epochs, 2);
        assert_true(fabs(half.score - (accuracy[0][0] + accuracy[1][0]) / 200) < 1e-12);
        assert_true(fabs(whole.score - (accuracy[0][1] + accuracy[1][1]) / 200) < 1e-12);
        assert_true(fabs(single.score - accuracy[1][1] / 100) < 1e-12);
        assert_true(whole.simulated_cost > 0 && fabs(half.simulated_cost - whole.simulated_cost / 2) < 1e-9);
        assert_true(single.simulated_cost < whole.simulated_cost);
        assert_int_equal(nlg_table_evaluator_report(mean, &whole.code, &report, &err), NLG_OK);
        assert_true(report >= 0 && report <= 1);
    }
    assert_string_equal(of_mean->cost_unit, "seconds");
    nlg_table_file_close(file);
    nlg_table_evaluator_destroy(mean);
    nlg_table_evaluator_destroy(second);
}

static int enter(void **state) {
    (void)state;
    nlg_error err = {0};
    folder = made_folder();
    made_idx_set(folder, 200, 20, 12, 12, true);
    snprintf(data_name, sizeof data_name, "mnist:%s", folder);
    settings = (nlg_settings){.threads = 1, .isa = nlg_isa_best()};
    if (nlg_space_open("lineage", &space, &err) == NLG_OK) return 0;
    print_error("%s\n", err.text);
    return 1;
}

static int leave(void **state) {
    (void)state;
    nlg_space_close(&space);
    made_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_space_is_listed_without_isomorphic_ones),
        cmocka_unit_test(workers_do_not_change_a_table),
        cmocka_unit_test(what_the_store_has_is_not_trained_again),
        cmocka_unit_test(other_settings_do_not_mix),
        cmocka_unit_test(a_finished_table_stays),
        cmocka_unit_test(a_full_disk_loses_no_trial),
        cmocka_unit_test(a_training_that_diverges_is_named),
        cmocka_unit_test(one_build_of_a_store_at_a_time),
        cmocka_unit_test(facts_out_of_range_are_refused),
        cmocka_unit_test(searches_refuse_a_changed_table),
        cmocka_unit_test(any_row_can_be_made_again),
        cmocka_unit_test(searches_look_up_by_epoch),
    };
    return cmocka_run_group_tests_name("own table", tests, enter, leave);
}
