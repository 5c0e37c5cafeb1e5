/* Tables of the report: what their queries make of trainings of every kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/query/query.h"
#include "harness/report/report.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "search/store/records.h"
#include "tests/program.h"

enum { RUNS = 32, METRICS = 4 };

/* A training, of a detector or not, or in the stage `search` a search with two proposals, of which one is rejected, in `counts` a
 * count. subject: its network or genotype in the spec. */
typedef struct training {
    const char *stage, *arm, *factors, *subject, *status;
    int seed;
    double rate;
    struct {
        const char *name;
        double value;
    } metrics[METRICS];
} training;

#define STEPS                                                                                                                      \
    "\"optimizer\":\"sgd\",\"momentum\":0.9,\"nesterov\":true,\"schedule\":\"cosine\","                                            \
    "\"warmup_epochs\":0.5,\"weight_decay\":0.0005,"

static void put_runs(nlg_store *store, const training *runs, int n, bool is_detector) {
    static const nlg_session_facts facts = {.commit = "abc", .compiler = "gcc", .flags = "-O2", .isa = "avx2", .threads = 1};
    static char keys[RUNS][65], proposals[] = "{\"history\":[{\"status\":\"done\",\"genotype\":\"g\",\"score\":0.5},"
                                              "{\"status\":\"rejected\",\"genotype\":\"h\",\"score\":0}]}";
    nlg_member members[RUNS];
    nlg_error err = {0};
    int begin = 0;
    for (int i = 0; i < n; i++) {
        char spec[512];
        nlg_record r = {.spec = spec};
        const char *stage = runs[i].stage, *measure = "train";
        if (strcmp(stage, "counts") == 0) measure = "count";
        if (strcmp(stage, "search") == 0) {
            measure = "search";
            r.detail = proposals;
        }
        snprintf(r.measure, sizeof r.measure, "%s", measure);
        snprintf(r.status, sizeof r.status, "%s", runs[i].status);
        snprintf(spec, sizeof spec, "{%s,\"measure\":\"%s\",\"recipe\":{%s" STEPS "\"lr\":%g},\"seed\":%d}", runs[i].subject,
                 measure, is_detector ? "\"detection\":{}," : "", runs[i].rate, runs[i].seed);
        assert_int_equal(nlg_record_key(spec, keys[i], &err), NLG_OK);
        memcpy(r.key, keys[i], sizeof r.key);
        for (int m = 0; m < METRICS && runs[i].metrics[m].name; m++)
            nlg_record_metric(&r, runs[i].metrics[m].name, "", runs[i].metrics[m].value);
        if (nlg_store_put_record(store, &r, &facts, &err) != NLG_OK) fail_msg("%s", err.text);
        members[i - begin] = (nlg_member){
            .arm = runs[i].arm, .factors = runs[i].factors, .key = keys[i], .final = strcmp(runs[i].stage, "selection") != 0};
        if (i + 1 < n && strcmp(runs[i + 1].stage, runs[i].stage) == 0) continue;
        if (nlg_store_set_members(store, "smoke", "e", runs[i].stage, members, i + 1 - begin, &err) != NLG_OK)
            fail_msg("%s", err.text);
        begin = i + 1;
    }
}

/* Views that are kept give the rows that they gave before. */
static void same_rows_of_kept_views(nlg_query *query, const char *sql, const nlg_rows *rows) {
    nlg_error err = {0};
    nlg_rows *kept = NULL;
    if (nlg_query_keep_views(query, &err) != NLG_OK || nlg_query_run(query, sql, "smoke", "e", "kept", &kept, &err) != NLG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(kept->columns, rows->columns);
    assert_int_equal(kept->count, rows->count);
    for (int i = 0; i < rows->count * rows->columns; i++)
        assert_string_equal(kept->text[i] ? kept->text[i] : "NULL", rows->text[i] ? rows->text[i] : "NULL");
    nlg_rows_free(kept);
}

/* The table of a store with these runs. */
static cJSON *table_of(const char *name, const training *runs, int n, bool is_detector) {
    nlg_error err = {0};
    nlg_store *store;
    nlg_query *query;
    nlg_rows *rows = NULL;
    char path[600], file[300], *sql = NULL;
    size_t size;
    assert_true(n <= RUNS);
    program_enter();
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    if (nlg_store_open(path, NLG_STORE_WRITE, &store, &err) != NLG_OK) fail_msg("%s", err.text);
    put_runs(store, runs, n, is_detector);
    nlg_store_close(store);
    snprintf(file, sizeof file, "harness/report/templates/table-%s.sql", name);
    if (nlg_query_open(path, NULL, &query, &err) != NLG_OK || nlg_file_read(file, 1 << 20, &sql, &size, &err) != NLG_OK ||
        nlg_query_run(query, sql, "smoke", "e", file, &rows, &err) != NLG_OK)
        fail_msg("%s", err.text);
    same_rows_of_kept_views(query, sql, rows);
    cJSON *table = nlg_report_table(rows, "t", "T", "", false);
    nlg_free(sql);
    nlg_rows_free(rows);
    nlg_query_close(query);
    program_leave();
    return table;
}

/* The cell of a row under a heading; "": there is no such column. */
static const char *cell(const cJSON *table, int row, const char *heading) {
    const cJSON *columns = cJSON_GetObjectItem(table, "columns");
    const cJSON *cells = cJSON_GetObjectItem(cJSON_GetArrayItem(cJSON_GetObjectItem(table, "rows"), row), "cells");
    for (int c = 0; c < cJSON_GetArraySize(columns); c++)
        if (strcmp(cJSON_GetObjectItem(cJSON_GetArrayItem(columns, c), "heading")->valuestring, heading) == 0)
            return cJSON_GetObjectItem(cJSON_GetArrayItem(cells, c), "text")->valuestring;
    return "";
}

static int rows_of(const cJSON *table) {
    return cJSON_GetArraySize(cJSON_GetObjectItem(table, "rows"));
}

#define TINY  "\"network\":\"retinanet_tiny\""
#define FOUND "\"genotype\":\"g\""

static void detectors_have_precisions_and_a_table_of_their_own(void **state) {
    (void)state;
    static const training runs[] = {
        {"selection", "a", "{\"rate\":0.1}", TINY, "done", 9, 0.1, {{0}}},
        {"selection", "a", "{\"rate\":0.2}", TINY, "done", 9, 0.2, {{0}}},
        {"final", "a", "{\"seed\":1}", TINY, "done", 1, 0.2, {{"test_ap", 0.20}, {"test_ap50", 0.4}}},
        {"final", "a", "{\"seed\":2}", TINY, "done", 2, 0.2, {{"test_ap", 0.21}, {"test_ap50", 0.4}}},
        {"final", "a", "{\"seed\":3}", TINY, "done", 3, 0.2, {{"test_ap", 0.22}, {"test_ap50", 0.4}}},
        {"final", "a", "{\"seed\":4}", TINY, "diverged", 4, 0.2, {{0}}},
        {"final", "b", "{\"seed\":5}", FOUND, "diverged", 5, 0.3, {{0}}},
        {"random", "c", "{}", FOUND, "done", 6, 0.15, {{"test_ap", 0}, {"test_ap50", 0}}},
    };
    cJSON *t = table_of("training_detectors", runs, sizeof runs / sizeof *runs, true);
    assert_int_equal(rows_of(t), 3);
    assert_string_equal(cell(t, 0, "Detector"), "a");
    assert_string_equal(cell(t, 0, "AP, %"), "21.00");
    assert_string_equal(cell(t, 0, "From"), ""); /* three are too few */
    assert_string_equal(cell(t, 0, "AP50, %"), "40.00");
    assert_string_equal(cell(t, 0, "Seeds"), "3");
    assert_string_equal(cell(t, 0, "Note"), "1 of 4 diverged, edge of the grid");
    assert_string_equal(cell(t, 0, "Designed by"), "human");
    assert_string_equal(cell(t, 1, "AP, %"), "-");
    assert_string_equal(cell(t, 1, "Note"), "diverged");
    assert_string_equal(cell(t, 1, "Designed by"), "searched");
    assert_string_equal(cell(t, 2, "AP, %"), "0.00");
    assert_string_equal(cell(t, 2, "Note"), "did not train");
    assert_string_equal(cell(t, 2, "Designed by"), "random");
    assert_string_equal(cell(t, 0, "Standard deviation"), "1.00");
    cJSON_Delete(t);
    t = table_of("training_detectors", runs + 6, 2, true); /* no column without a value */
    assert_int_equal(rows_of(t), 2);
    assert_string_equal(cell(t, 1, "AP, %"), "0.00");
    assert_string_equal(cell(t, 1, "From"), "");
    assert_string_equal(cell(t, 1, "Standard deviation"), "");
    cJSON_Delete(t);
    t = table_of("training", runs, sizeof runs / sizeof *runs, true);
    assert_int_equal(rows_of(t), 0);
    cJSON_Delete(t);
}

static void precisions_have_intervals_from_six_trainings_on(void **state) {
    (void)state;
    training runs[12];
    for (int i = 0; i < 12; i++) {
        const double ap = i < 6 ? 0.20 + 0.01 * i : i < 11 ? 0.01 : 0.5;
        runs[i] = (training){"final", i < 6 ? "a" : "b", "{}", TINY, "done", i, 0.2, {{"test_ap", ap}}};
    }
    cJSON *t = table_of("training_detectors", runs, 12, true);
    assert_string_equal(cell(t, 0, "AP, %"), "22.50");
    assert_string_equal(cell(t, 0, "From"), "20.54"); /* 22.5 - 2.5706 * 1.8708 / sqrt(6) */
    assert_string_equal(cell(t, 0, "To"), "24.46");
    assert_string_equal(cell(t, 1, "From"), "0.00");
    cJSON_Delete(t);
}

static void one_training_has_the_interval_of_its_images(void **state) {
    (void)state;
    static const training runs[] = {
        {"final", "a", "{}", TINY, "done", 1, 0.1, {{"test_accuracy", 0.5}, {"test_images", 100}}},
        {"final", "b", "{}", TINY, "done", 2, 0.1, {{"test_accuracy", 0.5}, {"test_images", 100}}},
        {"final", "b", "{}", TINY, "done", 3, 0.1, {{"test_accuracy", 0.6}, {"test_images", 100}}},
        {"final", "c", "{}", TINY, "done", 4, 0.1, {{"test_accuracy", 0.5}, {"test_images", 100}}},
        {"final", "c", "{}", TINY, "done", 5, 0.1, {{"test_accuracy", 0.6}, {"test_images", 100}}},
        {"final", "c", "{}", TINY, "done", 6, 0.1, {{"test_accuracy", 0.7}, {"test_images", 100}}},
    };
    static const char *const expected[][2] = {{"40.38", "59.62"}, {"-", "-"}, {"35.16", "84.84"}};
    cJSON *t = table_of("training", runs, 6, false);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(cell(t, i, "From"), expected[i][0]);
        assert_string_equal(cell(t, i, "To"), expected[i][1]);
    }
    cJSON_Delete(t);
}

static void accuracies_stand_beside_those_of_training(void **state) {
    (void)state;
    static const training runs[] = {
        {"final",
         "a",
         "{\"seed\":1}",
         TINY,
         "done",
         1,
         0.1,
         {{"test_accuracy", 0.5}, {"train_accuracy", 0.6}, {"fitted_accuracy", 0.7}}},
        {"final",
         "a",
         "{\"seed\":2}",
         TINY,
         "done",
         2,
         0.1,
         {{"test_accuracy", 0.6}, {"train_accuracy", 0.9}, {"fitted_accuracy", 0.9}}},
    };
    cJSON *t = table_of("training", runs, 2, false);
    assert_int_equal(rows_of(t), 1);
    assert_string_equal(cell(t, 0, "Test accuracy, %"), "55.00");
    assert_string_equal(cell(t, 0, "Training accuracy, %"), "75.00");
    assert_string_equal(cell(t, 0, "After training, %"), "80.00");
    cJSON_Delete(t);
    t = table_of("training_detectors", runs, 2, false);
    assert_int_equal(rows_of(t), 0);
    cJSON_Delete(t);
}

static void arms_have_names_and_designers(void **state) {
    (void)state;
    static const training runs[] = {
        {"final", "a", "{\"label\":\"a\",\"shift\":0,\"seed\":1}", TINY, "done", 1, 0.1, {{"test_accuracy", 0.5}}},
        {"final", "a", "{\"label\":\"a\",\"shift\":2,\"seed\":1}", TINY, "done", 2, 0.1, {{"test_accuracy", 0.6}}},
        {"final", "b", "{\"train_images\":900,\"seed\":1}", TINY, "done", 3, 0.1, {{"test_accuracy", 0.5}}},
        {"final", "b", "{\"train_images\":1000,\"seed\":1}", TINY, "done", 4, 0.1, {{"test_accuracy", 0.6}}},
        {"final", "c", "{\"shift\":3,\"seed\":1}", TINY, "done", 5, 0.1, {{"test_accuracy", 0.6}}},
    };
    static const training labelled[] = {
        {"final",
         "MobileNetV2 at 3/4",
         "{\"seed\":1,\"designer\":\"human\"}",
         "\"genotype\":\"g\"",
         "done",
         1,
         0.1,
         {{"test_accuracy", 0.5}}},
        {"final", "winner", "{\"seed\":1}", "\"genotype\":\"h\"", "done", 2, 0.1, {{"test_accuracy", 0.6}}},
    };
    static const training shared[] = {
        {"final", "a", "{\"seed\":1}", TINY, "done", 1, 0.1, {{"test_accuracy", 0.5}}},
        {"final", "a", "{\"seed\":2}", TINY, "done", 2, 0.1, {{"test_accuracy", 0.6}}},
        {"final", "winner of random, seed 1", "{\"seed\":1}", FOUND, "done", 1, 0.1, {{"test_accuracy", 0.6}}},
        {"high_rate", "a", "{\"seed\":1}", TINY, "done", 1, 0.1, {{"test_accuracy", 0.5}}},
        {"high_rate", "a", "{\"seed\":2}", TINY, "done", 2, 0.1, {{"test_accuracy", 0.6}}},
    };
    static const char *const names[] = {"a, without shift", "a, shift 2", "b, training images 900", "b, training images 1,000",
                                        "c"};
    cJSON *t = table_of("training", runs, 5, false);
    assert_int_equal(rows_of(t), 5);
    for (int i = 0; i < 5; i++) assert_string_equal(cell(t, i, "Network"), names[i]);
    cJSON_Delete(t);
    t = table_of("training", labelled, 2, false);
    assert_string_equal(cell(t, 0, "Designed by"), "human");
    assert_string_equal(cell(t, 1, "Designed by"), "searched");
    cJSON_Delete(t);
    t = table_of("training", shared, 5, false);
    assert_int_equal(rows_of(t), 2);
    assert_string_equal(cell(t, 0, "Network"), "a");
    assert_string_equal(cell(t, 0, "Seeds"), "2");
    assert_string_equal(cell(t, 1, "Designed by"), "random");
    cJSON_Delete(t);
}

#define DIGITS(images) "\"data\":{\"image\":[1,28,20],\"name\":\"digits\",\"train\":" images ",\"validation\":50}"

/* In the rows for choosing and for testing: all values that there are, by size. */
static void the_setup_is_told(void **state) {
    (void)state;
    static const training runs[] = {
        {"selection", "a", "{\"rate\":0.2}", DIGITS("1000"), "done", 9, 0.2, {{0}}},
        {"selection", "a", "{\"rate\":0.05}", DIGITS("1000"), "diverged", 9, 0.05, {{0}}},
        {"selection", "a", "{\"rate\":1.2}", DIGITS("200"), "done", 9, 1.2, {{0}}},
        {"final", "a", "{\"seed\":1}", DIGITS("1000"), "done", 1, 0.2, {{"test_images", 3000}}},
        {"final", "a", "{\"seed\":2}", DIGITS("1000"), "done", 2, 0.2, {{"test_images", 3000}}},
        {"final", "b", "{\"seed\":1}", DIGITS("1000") ",\"network\":\"b\"", "done", 1, 0.2, {{"test_images", 3000}}},
    };
    cJSON *t = table_of("setup", runs, 6, false);
    assert_int_equal(rows_of(t), 2);
    assert_string_equal(cell(t, 0, "Trained"), "to choose the rate");
    assert_string_equal(cell(t, 0, "Data set"), "digits");
    assert_string_equal(cell(t, 0, "Image"), "28x20");
    assert_string_equal(cell(t, 0, "Steps and schedule"),
                        "SGD, Nesterov momentum 0.9, cosine, warm-up 0.5 epochs, weight decay 0.0005");
    assert_string_equal(cell(t, 0, "Training images"), "200, 1,000");
    assert_string_equal(cell(t, 0, "Test"), "-");
    assert_string_equal(cell(t, 0, "Augmentation"), "none");
    assert_string_equal(cell(t, 0, "Rates"), "0.05, 0.2, 1.2");
    assert_string_equal(cell(t, 0, "Seeds"), "1");
    assert_string_equal(cell(t, 0, "Trainings"), "3");
    assert_string_equal(cell(t, 1, "Trained"), "to be tested");
    assert_string_equal(cell(t, 1, "Training images"), "1,000");
    assert_string_equal(cell(t, 1, "Validation"), "50");
    assert_string_equal(cell(t, 1, "Test"), "3,000");
    assert_string_equal(cell(t, 1, "Rates"), "0.2");
    assert_string_equal(cell(t, 1, "Seeds"), "1, 2");
    assert_string_equal(cell(t, 1, "Trainings"), "3");
    cJSON_Delete(t);
}

static void no_zero_is_negative(void **state) {
    (void)state;
    static const double values[] = {-0.004, -0.006, -0.3, -1200};
    static const char *const expected[][2] = {{"0.00", "0"}, {"-0.01", "0"}, {"-0.30", "0"}, {"-1200.00", "-1,200"}};
    char a[] = "a|A|.2", b[] = "b|B|,", some[] = "", *names[] = {a, b}, *text[8];
    double number[8];
    for (int i = 0; i < 8; i++) {
        text[i] = some;
        number[i] = values[i / 2];
    }
    const nlg_rows rows = {.columns = 2, .count = 4, .names = names, .text = text, .number = number};
    cJSON *t = nlg_report_table(&rows, "t", "T", "", false);
    for (int i = 0; i < 4; i++) {
        assert_string_equal(cell(t, i, "A"), expected[i][0]);
        assert_string_equal(cell(t, i, "B"), expected[i][1]);
    }
    cJSON_Delete(t);
}

static void differences_of_counts_have_reasons(void **state) {
    (void)state;
    static const training runs[] = {
        {"counts", "mobilenetv1_025", "{}", "\"network\":\"a\"", "done", 1, 0.1, {{"params", 470072}, {"macs", 41030272}}},
        {"counts", "nasnet_a_5_1538", "{}", "\"network\":\"b\"", "done", 1, 0.1, {{"params", 12263416}, {"macs", 2686417584}}},
        {"counts", "resnet50_v1", "{}", "\"network\":\"c\"", "done", 1, 0.1, {{"params", 25557032}, {"macs", 3857973248}}},
        {"counts", "resnet50", "{}", "\"network\":\"d\"", "done", 1, 0.1, {{"params", 25557032}, {"macs", 4089184256}}},
        {"counts", "semnasnet_100", "{}", "\"network\":\"e\"", "done", 1, 0.1, {{"params", 3887038}, {"macs", 311579120}}},
        {"counts", "bn_inception", "{}", "\"network\":\"f\"", "done", 1, 0.1, {{"params", 11295240}, {"macs", 2032600064}}},
    };
    cJSON *t = table_of("counts_reasons", runs, 6, false);
    assert_int_equal(rows_of(t), 5);
    assert_string_equal(cell(t, 0, "Network"), "resnet50_v1");
    assert_string_equal(cell(t, 0, "MACs, %"), "1.53");
    assert_non_null(strstr(cell(t, 0, "Reason"), "are cut after the second digit"));
    assert_string_equal(cell(t, 1, "Parameters, %"), "-5.99");
    assert_string_equal(cell(t, 1, "Reason"), "the published number of parameters is rounded");
    assert_string_equal(cell(t, 2, "Network"), "semnasnet_100");
    assert_string_equal(cell(t, 2, "Reason"), "-");
    assert_string_equal(cell(t, 3, "Reason"), "the published MACs are rounded");
    assert_non_null(strstr(cell(t, 4, "Reason"), "does not come out of the published cell"));
    cJSON_Delete(t);
    t = table_of("counts", runs, 4, false);
    assert_int_equal(rows_of(t), 4);
    assert_string_equal(cell(t, 0, "Network"), "resnet50");
    assert_string_equal(cell(t, 0, "Difference, %"), "0.00");
    cJSON_Delete(t);
}

static void searches_are_compared_with_random_and_tell_what_they_rejected(void **state) {
    (void)state;
    static const training runs[] = {
        {"search", "evolution", "{\"seed\":1}", "\"limits\":{\"macs\":1000},\"space\":\"s\"", "done", 1, 0.1, {{0}}},
        {"search", "evolution", "{\"seed\":2}", "\"limits\":{\"macs\":1000},\"space\":\"s\"", "done", 2, 0.1, {{0}}},
        {"random", "architecture 1 of random", "{}", "\"genotype\":\"h\"", "done", 3, 0.1, {{"test_accuracy", 0.4}}},
        {"random", "architecture 2 of random", "{}", "\"genotype\":\"i\"", "done", 4, 0.1, {{"test_accuracy", 0.6}}},
        {"winners", "winner", "{}", "\"genotype\":\"g\"", "done", 5, 0.1, {{"test_accuracy", 0.6}}},
        {"winners", "lost", "{}", "\"genotype\":\"j\"", "diverged", 5, 0.1, {{0}}},
    };
    cJSON *t = table_of("search_summary", runs, 6, false);
    assert_int_equal(rows_of(t), 3);
    assert_string_equal(cell(t, 0, "Over mean random, %"), "-20.00");
    assert_string_equal(cell(t, 0, "Proxy, %"), "-");
    assert_string_equal(cell(t, 2, "Found by"), "winner");
    assert_string_equal(cell(t, 2, "Over mean random, %"), "20.00");
    assert_string_equal(cell(t, 2, "Proxy, %"), "50.00");
    cJSON_Delete(t);
    t = table_of("search_cost", runs, 6, false);
    assert_int_equal(rows_of(t), 1);
    assert_string_equal(cell(t, 0, "Strategy"), "evolution");
    assert_string_equal(cell(t, 0, "Searches"), "2");
    assert_string_equal(cell(t, 0, "Proposals"), "4");
    assert_string_equal(cell(t, 0, "Repeats"), "0");
    assert_string_equal(cell(t, 0, "Rejected, failed"), "2");
    assert_string_equal(cell(t, 0, "Evaluated"), "2");
    assert_string_equal(cell(t, 0, "Epochs"), "");
    cJSON_Delete(t);
    t = table_of("failed", runs, 6, false);
    assert_int_equal(rows_of(t), 2);
    assert_string_equal(cell(t, 0, "Arm"), "evolution");
    assert_string_equal(cell(t, 0, "Status"), "rejected");
    assert_string_equal(cell(t, 0, "Reason"), "2 of 4 different proposals; the limit is 1,000 MACs");
    assert_string_equal(cell(t, 1, "Arm"), "lost");
    assert_string_equal(cell(t, 1, "Status"), "diverged");
    cJSON_Delete(t);
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(detectors_have_precisions_and_a_table_of_their_own),
        cmocka_unit_test(precisions_have_intervals_from_six_trainings_on),
        cmocka_unit_test(one_training_has_the_interval_of_its_images),
        cmocka_unit_test(accuracies_stand_beside_those_of_training),
        cmocka_unit_test(arms_have_names_and_designers),
        cmocka_unit_test(the_setup_is_told),
        cmocka_unit_test(no_zero_is_negative),
        cmocka_unit_test(differences_of_counts_have_reasons),
        cmocka_unit_test(searches_are_compared_with_random_and_tell_what_they_rejected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
