/* search: tables of evaluated architectures and the evaluator that looks up in them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/graph/graph.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/own_table.h"
#include "search/table_file.h"
#include "search/runner.h"

typedef struct lookup {
    nlg_space space;
    nlg_table_evaluator *table;
} lookup;

/* The lookup is filled in place: the evaluator borrows its space. */
static nlg_status try_open(lookup *l, const char *space, const char *file, const char *signal, nlg_error *err) {
    l->table = NULL;
    NLG_TRY(nlg_space_open(space, &l->space, err));
    const nlg_table_evaluator_options options = {.space = &l->space, .file = file, .signal = signal};
    return nlg_table_evaluator_create(&options, &l->table, err);
}

static void open_well(lookup *l, const char *space, const char *file, const char *signal) {
    nlg_error err = {0};
    if (try_open(l, space, file, signal, &err) != NLG_OK) fail_msg("%s", err.text);
}

static void close_lookup(lookup *l) {
    nlg_table_evaluator_destroy(l->table);
    nlg_space_close(&l->space);
}

static nlg_trial look_up(lookup *l, const char *genotype, double *report) {
    nlg_trial trial = {.budget = 1};
    nlg_code code;
    nlg_error err = {0};
    if (l->space.decode(&l->space, genotype, &code, &err) != NLG_OK) fail_msg("%s", err.text);
    nlg_space_canonical(&l->space, &code, &trial.code);
    const nlg_evaluator *evaluator = nlg_table_evaluator_interface(l->table);
    if (evaluator->evaluate(evaluator->context, &l->space, &trial, &err) != NLG_OK) fail_msg("%s", err.text);
    if (report && nlg_table_evaluator_report(l->table, &trial.code, report, &err) != NLG_OK) fail_msg("%s", err.text);
    return trial;
}

static void close_to(double found, double expected) {
    if (fabs(found - expected) > 1e-9) fail_msg("expected %.6f, found %.6f", expected, found);
}

/* --- published tables ---------------------------------------------------------------------------------------------------- */

static void nasbench201_has_the_published_rows(void **state) {
    (void)state;
    lookup l;
    double report;
    open_well(&l, "nasbench201", NULL, NULL);
    /* the best of the paper's table: 94.37 */
    nlg_trial best =
        look_up(&l, "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|skip_connect~0|nor_conv_3x3~1|nor_conv_1x1~2|", &report);
    assert_int_equal(best.status, NLG_TRIAL_DONE);
    close_to(best.score, 0.84384);
    close_to(report, 0.943733);
    assert_true(best.params == 1073466 && best.macs == 153272960);
    close_to(best.simulated_cost, 153272960.0 * 12);
    assert_int_equal(best.budget_epochs, 12);
    assert_int_equal(strlen(best.digest), 64);
    assert_string_equal(nlg_table_evaluator_interface(l.table)->cost_unit, "MACs x epochs");
    /* Validation accuracies after 200 epochs were not found, and test accuracies are not for searches: 12 epochs are the budget. */
    nlg_trial early = best;
    early.budget = 0.25;
    const nlg_evaluator *evaluator = nlg_table_evaluator_interface(l.table);
    assert_int_equal(evaluator->evaluate(evaluator->context, &l.space, &early, NULL), NLG_OK);
    assert_int_equal(early.status, NLG_TRIAL_FAILED);
    assert_string_equal(early.message, "the table has no score at 0.25 of 12 epochs, only after 12");
    nlg_trial other =
        look_up(&l, "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|", &report);
    close_to(other.score, 0.82834);
    close_to(report, 0.9366);
    assert_string_not_equal(other.digest, best.digest);
    nlg_table_summary s = nlg_table_evaluator_summary(l.table);
    assert_int_equal(s.rows, 15625);
    assert_int_equal(s.scores, 15625);
    assert_int_equal(s.reports, 15625);
    close_to(s.report_best, 0.943733);
    assert_true(s.score_mean > 0.5 && s.score_mean < s.score_best);
    close_lookup(&l);
    open_well(&l, "nasbench201", NULL, "in16");
    nlg_trial in16 =
        look_up(&l, "|avg_pool_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|", &report);
    close_to(in16.score, 0.184667);
    close_to(report, 0.272556);
    close_lookup(&l);
}

static void nasbenchmacro_searches_two_seeds_and_reports_the_third(void **state) {
    (void)state;
    lookup l;
    double report;
    open_well(&l, "nasbenchmacro", NULL, NULL);
    nlg_trial worst = look_up(&l, "00000000", &report);
    close_to(worst.score, (0.4532 + 0.4533) / 2);
    close_to(report, 0.4544);
    nlg_trial best = look_up(&l, "22212220", &report);
    close_to((2 * best.score + report) / 3, 0.93127 - 1e-5 / 3); /* published mean 93.1267 */
    assert_true(best.params == 1985514);
    close_to(best.simulated_cost, (double)best.macs * 50);
    assert_non_null(strstr(nlg_table_evaluator_score_text(l.table), "no validation split"));
    assert_int_equal(nlg_table_evaluator_summary(l.table).reports, 6561);
    close_lookup(&l);
}

static void accelnas_has_accuracy_and_latency(void **state) {
    (void)state;
    lookup l;
    static const char genotype[] = "e6k3s0l1 e4k5s0l2 e6k3s0l3 e6k5s0l3 e6k5s0l2 e1k3s0l2 e1k3s0l2";
    open_well(&l, "accelnas", NULL, NULL);
    nlg_trial first = look_up(&l, genotype, NULL);
    close_to(first.score, 0.59368); /* the first of two measurements */
    close_to(first.latency_ms, 5.02342);
    close_to(first.simulated_cost, 2660.43);
    assert_string_equal(nlg_table_evaluator_interface(l.table)->cost_unit, "seconds");
    const nlg_table_summary s = nlg_table_evaluator_summary(l.table);
    assert_int_equal(s.rows, 5138);
    close_lookup(&l);
    open_well(&l, "accelnas", NULL, "vck190");
    nlg_trial other = look_up(&l, genotype, NULL);
    close_to(other.score, 0.59368);
    close_to(other.latency_ms, 3.50056);
    close_lookup(&l);
}

/* Parameters to the four that the published figures are rounded by. */
static void accelnas_networks_have_the_published_parameters(void **state) {
    (void)state;
    enum { STEP = 37 };
    lookup l;
    nlg_table_file *table;
    nlg_error err = {0};
    int column;
    open_well(&l, "accelnas", NULL, NULL);
    assert_int_equal(nlg_table_file_open("accel-nasbench.csv.gz", &table, &err), NLG_OK);
    assert_int_equal(nlg_table_file_find(table, "params", &column, &err), NLG_OK);
    for (int row = 0; row < nlg_table_file_rows(table); row += STEP) {
        double published;
        nlg_code code;
        nlg_graph *graph;
        nlg_graph_cost cost;
        const char *genotype = nlg_table_file_cell(table, row, 0);
        assert_int_equal(nlg_table_file_number(table, row, column, &published, &err), NLG_OK);
        assert_int_equal(l.space.decode(&l.space, genotype, &code, &err), NLG_OK);
        if (l.space.build(&l.space, &code, 224, 224, 3, 1000, &graph, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_int_equal(nlg_graph_count(graph, &cost, &err), NLG_OK);
        nlg_graph_destroy(graph);
        if (!(fabs((double)cost.params - published) <= 4))
            fail_msg("%s: %lld, published %.0f", genotype, (long long)cost.params, published);
    }
    nlg_table_file_close(table);
    close_lookup(&l);
}

/* --- the networks of the tables ------------------------------------------------------------------------------------------ */

/* The published code is built, not the canonical one, which may be smaller. */
static void check_counts(const char *space_name, const char *file, int step) {
    lookup l;
    nlg_table_file *table;
    nlg_error err = {0};
    open_well(&l, space_name, NULL, NULL);
    assert_int_equal(nlg_table_file_open(file, &table, &err), NLG_OK);
    int params_column, macs_column;
    assert_int_equal(nlg_table_file_find(table, "params", &params_column, &err), NLG_OK);
    assert_int_equal(nlg_table_file_find(table, "macs", &macs_column, &err), NLG_OK);
    for (int row = 0; row < nlg_table_file_rows(table); row += step) {
        const char *genotype = nlg_table_file_cell(table, row, 0);
        nlg_code code;
        nlg_graph *graph;
        nlg_graph_cost cost;
        double params, macs;
        assert_int_equal(l.space.decode(&l.space, genotype, &code, &err), NLG_OK);
        if (l.space.build(&l.space, &code, 32, 32, 3, 10, &graph, &err) != NLG_OK) fail_msg("%s: %s", genotype, err.text);
        assert_int_equal(nlg_graph_count(graph, &cost, &err), NLG_OK);
        nlg_graph_destroy(graph);
        assert_int_equal(nlg_table_file_number(table, row, params_column, &params, &err), NLG_OK);
        assert_int_equal(nlg_table_file_number(table, row, macs_column, &macs, &err), NLG_OK);
        if ((double)cost.params != params || (double)cost.macs != macs)
            fail_msg("%s: published %.0f parameters and %.0f MACs, built %lld and %lld", genotype, params, macs,
                     (long long)cost.params, (long long)cost.macs);
    }
    nlg_table_file_close(table);
    close_lookup(&l);
}

static void nasbench201_networks_have_the_published_counts(void **state) {
    (void)state;
    check_counts("nasbench201", "nas-bench-201.csv.gz", 31);
}

static void nasbenchmacro_networks_have_the_published_counts(void **state) {
    (void)state;
    check_counts("nasbenchmacro", "nas-bench-macro.csv.gz", 13);
}

/* --- what is missing ----------------------------------------------------------------------------------------------------- */

static char path[256];

static void write_table(const char *text) {
    nlg_error err = {0};
    if (nlg_file_write(path, text, strlen(text), &err) != NLG_OK) fail_msg("%s", err.text);
}

#define ALL_CONV "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|+|nor_conv_3x3~0|nor_conv_3x3~1|nor_conv_3x3~2|"
#define ALL_POOL "|avg_pool_3x3~0|+|avg_pool_3x3~0|avg_pool_3x3~1|+|avg_pool_3x3~0|avg_pool_3x3~1|avg_pool_3x3~2|"
#define ALL_NONE "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|"
#define HEADER   "arch,cifar10_val_acc_12,cifar10_test_acc_200,params,macs\n"

static void what_is_missing_stays_missing(void **state) {
    (void)state;
    write_table(HEADER ALL_CONV ",,91.5,10,20\n" ALL_POOL ",50,,11,21\n");
    lookup l;
    double report;
    open_well(&l, "nasbench201", path, NULL);
    nlg_trial trial = look_up(&l, ALL_CONV, &report);
    assert_int_equal(trial.status, NLG_TRIAL_FAILED);
    assert_non_null(strstr(trial.message, "no value of cifar10_val_acc_12"));
    close_to(report, 0.915);
    trial = look_up(&l, ALL_POOL, &report);
    assert_int_equal(trial.status, NLG_TRIAL_DONE);
    close_to(trial.score, 0.5);
    assert_true(isnan(report));
    trial = look_up(&l, ALL_NONE, NULL);
    assert_int_equal(trial.status, NLG_TRIAL_FAILED);
    assert_string_equal(trial.message, "not in the table");
    nlg_error err = {0};
    assert_int_equal(nlg_table_evaluator_report(l.table, &trial.code, &report, &err), NLG_ERR_INPUT);
    nlg_table_summary s = nlg_table_evaluator_summary(l.table);
    assert_true(s.rows == 2 && s.scores == 1 && s.reports == 1 && s.costs == 1);
    close_to(s.score_mean, 0.5);
    close_lookup(&l);
}

/* Whatever lowers a cost, or compares at equal cost, must not take an empty cell for a free network. */
static void missing_costs_are_never_zero(void **state) {
    (void)state;
    write_table(HEADER ALL_CONV ",60,91.5,10,20\n" ALL_POOL ",50,80,11,\n");
    lookup l;
    open_well(&l, "nasbench201", path, NULL);
    const nlg_table_summary s = nlg_table_evaluator_summary(l.table);
    assert_true(s.scores == 2 && s.costs == 1);
    const nlg_trial trial = look_up(&l, ALL_POOL, NULL);
    assert_int_equal(trial.status, NLG_TRIAL_DONE);
    assert_true(isnan(nlg_trial_simulated_cost(&trial)) && isnan(nlg_measured((double)trial.macs)));
    for (int kind = 0; kind < 2; kind++) { /* MACs, which one row lacks, and parameters, which both have */
        nlg_search_options run = {.space = &l.space,
                                  .strategy = nlg_strategy_find("nsga2"),
                                  .evaluator = nlg_table_evaluator_interface(l.table),
                                  .objective.cost = kind == 0 ? NLG_COST_MACS : NLG_COST_PARAMS,
                                  .budget = 4000};
        nlg_search_result result;
        nlg_error err = {0};
        if (nlg_search_run(&run, &result, &err) != NLG_OK) fail_msg("%s", err.text);
        for (int i = 0; i < result.count; i++) {
            const nlg_trial *t = &result.trials[i];
            if (t->status == NLG_TRIAL_DONE) assert_true(t->cost > 0);
            if (t->params == 11 && kind == 0) assert_string_equal(t->message, "the evaluator measured no macs");
        }
        nlg_free(result.trials);
    }
    close_lookup(&l);
}

static void damaged_tables_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"", "no text or a cut last line"},
        {HEADER ALL_CONV ",50,91.5,10,20", "cut last line"},
        {HEADER ALL_CONV ",50,91.5,10\n", "expected 5 values"},
        {HEADER ALL_CONV ",50,91.5,10,20,30\n", "expected 5 values"},
        {HEADER ALL_CONV ",fifty,91.5,10,20\n", "expected a number for cifar10_val_acc_12, found 'fifty'"},
        {HEADER ALL_CONV ",50,91.5,10,inf\n", "expected a number for macs"},
        {HEADER ALL_CONV ",250,91.5,10,20\n", "line 2: expected cifar10_val_acc_12 to be from 0 to 100, found 250"},
        {HEADER ALL_CONV ",50,1e300,10,20\n", "expected cifar10_test_acc_200 to be from 0 to 100"},
        {HEADER ALL_CONV ",50,-1,10,20\n", "expected cifar10_test_acc_200 to be from 0 to 100"},
        {HEADER ALL_CONV ",50,91.5,1e300,20\n", "expected params to be from 0 to"},
        {HEADER ALL_CONV ",50,91.5,10,2.5\n", "expected macs to be a whole number"},
        {HEADER, "expected rows below the header, found none"},
        {HEADER "|conv~0|,50,91.5,10,20\n", "line 2: space nasbench201: expected an operation"},
        {"arch,score\n" ALL_CONV ",50\n", "expected a column 'cifar10_val_acc_12'"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        lookup l;
        nlg_error err = {0};
        write_table(bad[i].text);
        assert_int_equal(try_open(&l, "nasbench201", path, NULL, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].part)) fail_msg("expected \"%s\": %s", bad[i].part, err.text);
        close_lookup(&l);
    }
    lookup l;
    nlg_error err = {0};
    assert_int_equal(try_open(&l, "nasbench201", NULL, "cifar11", &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "cifar10, cifar100, in16"));
    close_lookup(&l);
    err = (nlg_error){0};
    assert_int_equal(try_open(&l, "nasnet_small", NULL, NULL, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "has no table"));
    close_lookup(&l);
}

static void lack_of_memory_is_reported(void **state) {
    (void)state;
    write_table(HEADER ALL_CONV ",,91.5,10,20\n" ALL_POOL ",50,,11,21\n");
    bool through = false;
    int failures = 0;
    for (long n = 0; !through; n++) {
        lookup l;
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = try_open(&l, "nasbench201", path, NULL, &err);
        through = nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        assert_int_equal(status == NLG_OK, through);
        if (status != NLG_OK) assert_int_equal(status, NLG_ERR_MEMORY);
        failures += status != NLG_OK;
        close_lookup(&l);
    }
    assert_true(failures >= 4);
}

/* --- searching ----------------------------------------------------------------------------------------------------------- */

static void searches_run_on_a_table(void **state) {
    (void)state;
    lookup l;
    nlg_error err = {0};
    nlg_search_result result[2];
    open_well(&l, "nasbench201", NULL, NULL);
    for (int i = 0; i < 2; i++) {
        const nlg_search_options options = {.space = &l.space,
                                            .strategy = nlg_strategy_find("random"),
                                            .evaluator = nlg_table_evaluator_interface(l.table),
                                            .evaluator_config = nlg_table_evaluator_config(l.table),
                                            .budget = 200,
                                            .seed = 3};
        if (nlg_search_run(&options, &result[i], &err) != NLG_OK) fail_msg("%s", err.text);
    }
    assert_string_equal(result[0].digest, result[1].digest);
    assert_true(result[0].trials[result[0].best].score > 0.8);
    for (int i = 0; i < 200; i++) assert_int_equal(result[0].trials[i].status, NLG_TRIAL_DONE);
    nlg_free(result[0].trials);
    nlg_free(result[1].trials);
    close_lookup(&l);
}

/* A made-up table of ours, of all architectures: percents rise with the epochs, and more for a larger code. */
static double made_up_percent(const nlg_code *code, int epoch) {
    return 10.0 * epoch + code->value[0] + code->value[1] + code->value[2] + 0.5 * code->value[3] + 0.25 * code->value[4];
}

static void write_own_table(const char *name, const char *test_name) {
    const nlg_space *space = nlg_space_find("lineage");
    nlg_code *codes;
    int count;
    nlg_file_writer scores, reports;
    assert_int_equal(nlg_space_list(space, &codes, &count, NULL), NLG_OK);
    assert_int_equal(nlg_file_begin(&scores, name, NULL), NLG_OK);
    assert_int_equal(nlg_file_begin(&reports, test_name, NULL), NLG_OK);
    fputs("arch,hash,params,macs,val_s1_e1,val_s1_e2,val_s1_e3,val_s1_e4,seconds_s1,digest_s1\n", scores.stream);
    fputs("arch,test_s1\n", reports.stream);
    for (int i = 0; i < count; i++) {
        char genotype[NLG_GENOTYPE_MAX];
        space->encode(space, &codes[i], genotype, sizeof genotype);
        fprintf(scores.stream, "%s,h,%d,%d", genotype, 10 + i, 1000 + i);
        for (int epoch = 1; epoch <= 4; epoch++) fprintf(scores.stream, ",%.10g", made_up_percent(&codes[i], epoch));
        fprintf(scores.stream, ",8,d\n");
        fprintf(reports.stream, "%s,50\n", genotype);
    }
    nlg_free(codes);
    assert_int_equal(nlg_file_commit(&scores, NULL), NLG_OK);
    assert_int_equal(nlg_file_commit(&reports, NULL), NLG_OK);
}

/* Successive halving gets the scores after 1, 2 and 4 epochs and pays for so many. */
static void halving_has_the_epochs_of_a_table(void **state) {
    (void)state;
    char name[400], test_name[400];
    lookup l;
    nlg_error err = {0};
    nlg_search_result r;
    snprintf(name, sizeof name, "%s.gz", path);
    snprintf(test_name, sizeof test_name, "%.*s-test.csv.gz", (int)(strlen(path) - strlen(".csv")), path);
    write_own_table(name, test_name);
    open_well(&l, "lineage", name, NULL);
    const nlg_search_options options = {.space = &l.space,
                                        .strategy = nlg_strategy_find("halving"),
                                        .strategy_options = "{\"eta\": 2, \"rungs\": 3}",
                                        .evaluator = nlg_table_evaluator_interface(l.table),
                                        .evaluator_config = nlg_table_evaluator_config(l.table),
                                        .budget = 140,
                                        .seed = 2};
    if (nlg_search_run(&options, &r, &err) != NLG_OK) fail_msg("%s", err.text);
    int at[5] = {0};
    for (int i = 0; i < r.count; i++) {
        const nlg_trial *t = &r.trials[i];
        if (t->status != NLG_TRIAL_DONE) fail_msg("trial %d: %s", i, t->message);
        assert_true(t->budget_epochs == 1 || t->budget_epochs == 2 || t->budget_epochs == 4);
        assert_true(t->budget == t->budget_epochs / 4.0);
        close_to(t->score, made_up_percent(&t->code, t->budget_epochs) / 100);
        close_to(t->simulated_cost, t->is_repeat ? 0 : 2.0 * t->budget_epochs); /* 8 seconds for 4 epochs */
        at[t->budget_epochs]++;
    }
    assert_true(at[1] > at[2] && at[2] > at[4] && at[4] > 10);
    assert_int_equal(r.trials[r.best].budget_epochs, 4);
    nlg_free(r.trials);
    close_lookup(&l);
    unlink(name);
    unlink(test_name);
}

int main(void) {
    snprintf(path, sizeof path, "%s/nlg-table-%ld.csv", getenv("TMPDIR") ? getenv("TMPDIR") : P_tmpdir, (long)getpid());
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nasbench201_has_the_published_rows),
        cmocka_unit_test(nasbench201_networks_have_the_published_counts),
        cmocka_unit_test(nasbenchmacro_searches_two_seeds_and_reports_the_third),
        cmocka_unit_test(accelnas_has_accuracy_and_latency),
        cmocka_unit_test(accelnas_networks_have_the_published_parameters),
        cmocka_unit_test(nasbenchmacro_networks_have_the_published_counts),
        cmocka_unit_test(what_is_missing_stays_missing),
        cmocka_unit_test(missing_costs_are_never_zero),
        cmocka_unit_test(damaged_tables_are_refused),
        cmocka_unit_test(lack_of_memory_is_reported),
        cmocka_unit_test(searches_run_on_a_table),
        cmocka_unit_test(halving_has_the_epochs_of_a_table),
    };
    int failed = cmocka_run_group_tests_name("table", tests, NULL, NULL);
    unlink(path);
    return failed;
}
