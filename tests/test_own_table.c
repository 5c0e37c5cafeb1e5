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

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/kernels/simd.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/own_table.h"
#include "search/evaluators/table_file.h"
#include "search/store/store_lock.h"
#include "tests/made_files.h"

enum { ARCHITECTURES = 3, SEEDS = 2, EPOCHS = 2, TRAININGS = ARCHITECTURES * SEEDS };

static char *folder;
static nlg_space space;
static nlg_dataset *dataset;
static nlg_exec exec;
static const nlg_dataset_options data_options = {.train_limit = 96, .validation = 50};

static nlg_table_recipe recipe_here(void) {
    nlg_table_recipe r = {.space = &space,
                          .dataset = dataset,
                          .data = data_options,
                          .exec = &exec,
                          .recipe = nlg_recipe_default(),
                          .seeds = SEEDS,
                          .limit = ARCHITECTURES};
    r.recipe.epochs = EPOCHS;
    r.recipe.batch = 16;
    return r;
}

static const char *path_of(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

typedef struct watch {
    int calls, stop_at;
} watch;

static bool after_training(void *context, int done, int total) {
    watch *w = context;
    assert_int_equal(total, TRAININGS);
    assert_true(done >= 1 && done <= total);
    return ++w->calls != w->stop_at;
}

static nlg_status build(const char *name, int workers, watch *w, char digest[65], nlg_error *err) {
    const nlg_table_build_options options = {
        .recipe = recipe_here(), .path = path_of(name), .workers = workers, .progress = after_training, .progress_context = w};
    return nlg_table_build(&options, digest, err);
}

static void remove_table(const char *name) {
    static const char *const endings[] = {".json", ".csv.gz", "-test.csv.gz", ".rows"};
    for (int i = 0; i < 4; i++) {
        char file[64];
        snprintf(file, sizeof file, "%s%s", name, endings[i]);
        unlink(path_of(file));
    }
}

/* The digest of the one table that all tests build, and its files as "whole". */
static const char *whole_digest(void) {
    static char digest[65];
    watch w = {0};
    nlg_error err = {0};
    if (digest[0]) return digest;
    if (build("whole", 0, &w, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(w.calls, TRAININGS);
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
    watch w = {0};
    char digest[65];
    nlg_error err = {0};
    if (build("workers", 2, &w, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(digest, whole_digest());
    assert_int_equal(w.calls, TRAININGS);
    assert_false(nlg_file_exists(path_of("workers.rows")));
}

static void a_stopped_build_goes_on(void **state) {
    (void)state;
    char digest[65];
    for (int workers = 0; workers <= 2; workers += 2) {
        watch first = {.stop_at = 2}, second = {0};
        nlg_error err = {0};
        remove_table("stopped");
        assert_int_equal(build("stopped", workers, &first, digest, &err), NLG_ERR_INTERRUPTED);
        assert_non_null(strstr(err.text, "again to continue"));
        if (!workers) { /* killed within a line */
            FILE *rows = fopen(path_of("stopped.rows"), "a");
            assert_non_null(rows);
            fputs("\n1 1 100 200 abc 0.5 33.3 2 11", rows);
            fclose(rows);
        }
        err = (nlg_error){0};
        if (build("stopped", workers, &second, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_true(second.calls >= 1 && second.calls <= TRAININGS - 2);
        assert_string_equal(digest, whole_digest());
    }
}

static void other_settings_do_not_mix(void **state) {
    (void)state;
    watch first = {.stop_at = 1};
    char digest[65];
    nlg_error err = {0};
    assert_int_equal(build("mixed", 0, &first, digest, &err), NLG_ERR_INTERRUPTED);
    nlg_table_build_options options = {.recipe = recipe_here(), .path = path_of("mixed")};
    options.recipe.recipe.lr = 0.25;
    err = (nlg_error){0};
    assert_int_equal(nlg_table_build(&options, digest, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "other settings"));
}

/* Hours of work: built once, and never written over by another one. */
static void a_finished_table_stays(void **state) {
    (void)state;
    char digest[65];
    watch w = {0};
    nlg_error err = {0};
    whole_digest();
    if (build("whole", 2, &w, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(digest, whole_digest());
    assert_int_equal(w.calls, 0);
    assert_false(nlg_file_exists(path_of("whole.rows")));
    nlg_table_build_options options = {.recipe = recipe_here(), .path = path_of("whole")};
    options.recipe.recipe.lr = 0.25;
    assert_int_equal(nlg_table_build(&options, digest, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "whole.json: tells of a finished table of space"));
    assert_false(nlg_file_exists(path_of("whole.rows")));
    for (int i = 0; i < 2; i++) { /* damaged: built again */
        watch again = {0};
        err = (nlg_error){0};
        if (build("broken", 0, &again, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_int_equal(again.calls, TRAININGS);
        assert_int_equal(nlg_file_write(path_of("broken-test.csv.gz"), "x\n", 2, NULL), NLG_OK);
    }
}

/* ---- PATH.rows ---------------------------------------------------------------------------------------------------------- */

static char *rows_text(const char *name, size_t *size) {
    char *content;
    if (nlg_file_read(path_of(name), 1 << 20, &content, size, NULL) != NLG_OK) fail_msg("%s", name);
    return content;
}

/* A build that was stopped after two trainings and whose rows are then what `change` makes of them: it ends with the right table.
 */
static void continue_after(void (*change)(FILE *rows, const char *content, size_t size), int least, int most) {
    watch first = {.stop_at = 2}, second = {0};
    char digest[65];
    size_t size;
    nlg_error err = {0};
    remove_table("changed");
    assert_int_equal(build("changed", 0, &first, digest, &err), NLG_ERR_INTERRUPTED);
    char *content = rows_text("changed.rows", &size);
    FILE *rows = fopen(path_of("changed.rows"), "w");
    assert_non_null(rows);
    change(rows, content, size);
    fclose(rows);
    nlg_free(content);
    err = (nlg_error){0};
    if (build("changed", 0, &second, digest, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(digest, whole_digest());
    if (second.calls < least || second.calls > most) fail_msg("%d trainings, expected %d to %d", second.calls, least, most);
}

static void zeros(FILE *rows, const char *content, size_t size) {
    fwrite(content, 1, size, rows);
    for (int i = 0; i < 4096; i++) fputc(0, rows);
}

static void zeros_within(FILE *rows, const char *content, size_t size) {
    const size_t first = (size_t)(strchr(content, '\n') + 1 - content);
    fwrite(content, 1, first, rows);
    for (int i = 0; i < 40; i++) fputc(0, rows);
    fwrite(content + first, 1, size - first, rows);
}

/* A worker's line cut behind its first byte, another's behind it. */
static void glued(FILE *rows, const char *content, size_t size) {
    const char *first = strchr(content, '\n') + 2; /* each line begins with a newline */
    const char *second = strchr(first, '\n') + 2;
    (void)size;
    fwrite(content, 1, (size_t)(first - content), rows);
    fputc('1', rows);
    fputs(second, rows);
}

/* Seed 2 of architecture 0 becomes that of architecture 2. */
static void renumbered(FILE *rows, const char *content, size_t size) {
    char *copy = strdup(content);
    char *line = strstr(copy, "\n0 2 ");
    assert_non_null(line);
    line[1] = '2';
    fwrite(copy, 1, size, rows);
    free(copy);
}

static void nothing(FILE *rows, const char *content, size_t size) {
    (void)rows, (void)content, (void)size;
}

static void half_a_first_line(FILE *rows, const char *content, size_t size) {
    (void)size;
    fwrite(content, 1, (size_t)(strchr(content, '\n') - content) / 2, rows);
}

/* The disk is full in the middle of the third training's line, alone and with workers: what was cut is taken back, and the build
 * goes on when there is room. */
static void a_full_disk_loses_no_row(void **state) {
    (void)state;
    whole_digest();
    for (int workers = 0; workers <= 2; workers += 2) {
        size_t two, after;
        struct rlimit limit, all;
        char digest[65];
        watch first = {.stop_at = 2}, second = {0}, third = {0};
        nlg_error err = {0};
        remove_table("full");
        assert_int_equal(build("full", 0, &first, digest, &err), NLG_ERR_INTERRUPTED);
        char *content = rows_text("full.rows", &two);
        nlg_free(content);
        assert_int_equal(getrlimit(RLIMIT_FSIZE, &all), 0);
        limit = all;
        limit.rlim_cur = two + 20;
        signal(SIGXFSZ, SIG_IGN);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
        err = (nlg_error){0};
        const nlg_status status = build("full", workers, &second, digest, &err);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &all), 0);
        signal(SIGXFSZ, SIG_DFL);
        assert_int_equal(nlg_status_exit_code(status), 2);
        if (!strstr(err.text, "full.rows: cannot be written: File too large; what was trained before is safe"))
            fail_msg("%s", err.text);
        content = rows_text("full.rows", &after);
        assert_int_equal(after, two);
        nlg_free(content);
        err = (nlg_error){0};
        if (build("full", workers, &third, digest, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_string_equal(digest, whole_digest());
        assert_int_equal(third.calls, TRAININGS - 2);
    }
}

static void damaged_rows_are_trained_again(void **state) {
    (void)state;
    whole_digest();
    continue_after(zeros, TRAININGS - 2, TRAININGS - 2);
    continue_after(zeros_within, TRAININGS - 2, TRAININGS - 2);
    continue_after(glued, TRAININGS - 1, TRAININGS);
    continue_after(renumbered, TRAININGS - 1, TRAININGS - 1);
    continue_after(nothing, TRAININGS, TRAININGS);
    continue_after(half_a_first_line, TRAININGS, TRAININGS);
}

static void one_build_of_a_path_at_a_time(void **state) {
    (void)state;
    nlg_store_lock lock;
    watch w = {0};
    char digest[65], rows[600];
    nlg_error err = {0};
    snprintf(rows, sizeof rows, "%s", path_of("twice.rows"));
    assert_int_equal(nlg_store_lock_take(&lock, rows, &err), NLG_OK);
    assert_int_equal(build("twice", 0, &w, digest, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "another process"));
    assert_int_equal(w.calls, 0);
    assert_false(nlg_file_exists(rows));
    nlg_store_lock_release(&lock);
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
    char *content = rows_text(from, &size);
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

/* A user's machine: other threads, other instructions, the recipe as the file has it. */
static void any_row_can_be_trained_again(void **state) {
    (void)state;
    whole_digest();
    nlg_table_facts facts;
    nlg_table_file *file;
    nlg_error err = {0};
    if (nlg_table_facts_read(path_of("whole"), &facts, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(facts.space, "lineage");
    assert_string_equal(facts.digest, whole_digest());
    nlg_exec other = {.team = nlg_team_create(2), .isa = NLG_ISA_PORTABLE, .simd = nlg_simd_table(NLG_ISA_PORTABLE)};
    facts.recipe.space = &space;
    facts.recipe.dataset = dataset;
    facts.recipe.exec = &other;
    char *config;
    assert_int_equal(nlg_table_config(&facts.recipe, &config, &err), NLG_OK);
    assert_string_equal(config, facts.config);
    nlg_free(config);
    assert_int_equal(nlg_table_file_open(path_of("whole.csv.gz"), &file, &err), NLG_OK);
    assert_int_equal(nlg_table_file_rows(file), ARCHITECTURES);
    int digest_column, accuracy_column;
    assert_int_equal(nlg_table_file_find(file, "digest_s2", &digest_column, &err), NLG_OK);
    assert_int_equal(nlg_table_file_find(file, "val_s2_e1", &accuracy_column, &err), NLG_OK);
    for (int row = 0; row < ARCHITECTURES; row++) {
        nlg_code code;
        nlg_table_row again;
        double accuracy;
        assert_int_equal(space.decode(&space, nlg_table_file_cell(file, row, 0), &code, &err), NLG_OK);
        if (nlg_table_train(&facts.recipe, &code, 2, &again, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_string_equal(again.digest, nlg_table_file_cell(file, row, digest_column));
        assert_int_equal(nlg_table_file_number(file, row, accuracy_column, &accuracy, &err), NLG_OK);
        assert_true(fabs(accuracy - again.validation[0]) < 1e-9);
        if (nlg_table_train(&facts.recipe, &code, 1, &again, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_string_not_equal(again.digest, nlg_table_file_cell(file, row, digest_column));
    }
    nlg_table_file_close(file);
    nlg_team_destroy(other.team);
    nlg_table_facts_free(&facts);
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
    char name[300];
    folder = made_folder();
    made_idx_set(folder, 200, 20, 12, 12, true);
    snprintf(name, sizeof name, "mnist:%s", folder);
    exec = (nlg_exec){.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    if (nlg_space_open("lineage", &space, &err) == NLG_OK && nlg_dataset_open(name, &data_options, &dataset, &err) == NLG_OK &&
        nlg_dataset_open_test(dataset, &err) == NLG_OK)
        return 0;
    print_error("%s\n", err.text);
    return 1;
}

static int leave(void **state) {
    (void)state;
    nlg_dataset_close(dataset);
    nlg_team_destroy(exec.team);
    nlg_space_close(&space);
    made_folder_remove(folder);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_space_is_listed_without_isomorphic_ones),
        cmocka_unit_test(workers_do_not_change_a_table),
        cmocka_unit_test(a_stopped_build_goes_on),
        cmocka_unit_test(other_settings_do_not_mix),
        cmocka_unit_test(a_finished_table_stays),
        cmocka_unit_test(a_full_disk_loses_no_row),
        cmocka_unit_test(damaged_rows_are_trained_again),
        cmocka_unit_test(one_build_of_a_path_at_a_time),
        cmocka_unit_test(facts_out_of_range_are_refused),
        cmocka_unit_test(searches_refuse_a_changed_table),
        cmocka_unit_test(any_row_can_be_trained_again),
        cmocka_unit_test(searches_look_up_by_epoch),
    };
    return cmocka_run_group_tests_name("own table", tests, enter, leave);
}
