/* search: the evaluator that trains, on a space of tiny networks and 256 real images. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/graph/builder.h"
#include "layers/kernels/simd.h"
#include "search/evaluators/evaluator_train.h"
#include "search/runner.h"

/* --- a space: a convolution of 4, 8, .. 32 filters with kernel 1, 3 or 5, or one that cannot be built ------------------------ */

static int choices(const nlg_space *self, int position) {
    (void)self;
    return position == 0 ? 8 : 4;
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    *graph = nlg_graph_create();
    assert_non_null(*graph);
    nlg_builder *b = nlg_builder_create(*graph);
    assert_non_null(b);
    nlg_conv_args args = {.out = 4 * (code->value[0] + 1), .kernel = 2 * code->value[1] + 1, .stride = 4, .half = true};
    if (code->value[1] == 3) nlg_builder_fail(b, "no such kernel");
    nlg_value x = nlg_conv(b, nlg_input(b, c, h, w), args, "conv");
    x = nlg_relu(b, nlg_batch_norm(b, x, (nlg_norm_args){0}, "bn"));
    nlg_output(b, nlg_linear(b, nlg_global_avg_pool(b, x), (nlg_linear_args){.out = classes}, "fc"));
    nlg_status status = nlg_builder_finish(b, err);
    if (status != NLG_OK) {
        nlg_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    snprintf(text, size, "%d %d", code->value[0], code->value[1]);
}

static const nlg_space tiny = {.name = "tiny", .length = 2, .choices = choices, .encode = encode, .build = build};
static const nlg_space no_networks = {.name = "none", .length = 2, .choices = choices, .encode = encode};

/* --- evaluating ---------------------------------------------------------------------------------------------------------- */

static nlg_dataset *dataset;
static const nlg_dataset_options data_options = {.train_limit = 256, .validation = 128};

typedef struct setting {
    int threads;
    nlg_isa isa;
    double lr;
    int64_t max_params, max_macs;
    size_t max_memory;
    int stop_after; /* progress calls */
    int epochs;     /* default 2 */
} setting;

static bool on_progress(void *context, const nlg_trial *trial, int epoch, double fraction) {
    int *left = context;
    assert_int_equal(trial->number, 3);
    assert_true(epoch >= 0 && epoch < 2 && fraction > 0 && fraction <= 1);
    return --*left != 0;
}

/* Evaluates code (filters, kernel) as trial 3; config may be NULL. */
static nlg_status evaluate(setting s, const nlg_space *space, int filters, int kernel, nlg_trial *trial, char *config,
                           nlg_error *err) {
    nlg_exec exec = {.team = nlg_team_create(s.threads ? s.threads : 1), .isa = s.isa, .simd = nlg_simd_table(s.isa)};
    int left = s.stop_after;
    nlg_train_evaluator_options options = {.dataset = dataset,
                                           .exec = &exec,
                                           .recipe = nlg_recipe_default(),
                                           .max_params = s.max_params,
                                           .max_macs = s.max_macs,
                                           .max_memory_bytes = s.max_memory,
                                           .progress_context = &left};
    options.recipe.epochs = s.epochs ? s.epochs : 2;
    if (s.stop_after) options.progress = on_progress;
    if (s.lr > 0) options.recipe.lr = s.lr;
    nlg_train_evaluator *evaluator;
    nlg_status status = nlg_train_evaluator_create(&options, &evaluator, err);
    *trial = (nlg_trial){
        .number = 3, .budget = 1, .code = {.length = space->length, .value = {(int16_t)filters, (int16_t)kernel}}, .seed = 77};
    if (status == NLG_OK) {
        const nlg_evaluator *interface = nlg_train_evaluator_interface(evaluator);
        assert_string_equal(interface->name, "train");
        if (config) snprintf(config, 4096, "%s", nlg_train_evaluator_config(evaluator));
        status = interface->evaluate(interface->context, space, trial, err);
        nlg_train_evaluator_destroy(evaluator);
    }
    nlg_team_destroy(exec.team);
    assert_int_equal(nlg_dataset_describe(dataset)->test, 0); /* the test split is closed, whatever happened */
    return status;
}

static nlg_trial evaluate_well(setting s, const nlg_space *space, int filters, int kernel) {
    nlg_trial trial;
    nlg_error err = {0};
    if (evaluate(s, space, filters, kernel, &trial, NULL, &err) != NLG_OK) fail_msg("%s", err.text);
    return trial;
}

static void scores_are_validation_accuracies(void **state) {
    (void)state;
    nlg_trial trial = evaluate_well((setting){.epochs = 15}, &tiny, 3, 1);
    assert_int_equal(trial.status, NLG_TRIAL_DONE);
    if (!(trial.score > 0.2)) /* chance is 0.1 */
        fail_msg("score %g", trial.score);
    assert_true(trial.score < 1);
    assert_true(fabs(trial.score * 128 - floor(trial.score * 128 + 0.5)) < 1e-9);
    assert_int_equal(trial.params, 16 * 9 + 2 * 16 + 16 * 10 + 10);
    assert_int_equal(trial.macs, 7 * 7 * 16 * 9 + 160);
    assert_int_equal(trial.budget_epochs, 15);
    assert_int_equal(strlen(trial.digest), 64);
    assert_string_equal(trial.message, "");
}

static void scores_do_not_depend_on_the_machine(void **state) {
    (void)state;
    nlg_trial one = evaluate_well((setting){.threads = 1}, &tiny, 7, 2);
    for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
        if (!nlg_isa_available((nlg_isa)isa)) continue;
        for (int threads = 1; threads <= 3; threads++) {
            nlg_trial other = evaluate_well((setting){.threads = threads, .isa = (nlg_isa)isa}, &tiny, 7, 2);
            assert_string_equal(one.digest, other.digest);
            assert_memory_equal(&one.score, &other.score, sizeof one.score);
        }
    }
    nlg_trial wider = evaluate_well((setting){0}, &tiny, 6, 2);
    assert_string_not_equal(one.digest, wider.digest);
}

static void limits_reject_before_training(void **state) {
    (void)state;
    nlg_trial free_trial = evaluate_well((setting){0}, &tiny, 3, 1);
    const setting too_small[] = {{.max_params = free_trial.params - 1}, {.max_macs = free_trial.macs - 1}, {.max_memory = 20000}};
    static const char *const parts[] = {"346 parameters, the limit is 345", "multiply-adds, the limit is",
                                        "bytes to train, the limit is"};
    for (int i = 0; i < 3; i++) {
        nlg_trial trial = evaluate_well(too_small[i], &tiny, 3, 1);
        assert_int_equal(trial.status, NLG_TRIAL_REJECTED);
        if (!strstr(trial.message, parts[i])) fail_msg("%s", trial.message);
        assert_int_equal(trial.params, free_trial.params);
        assert_int_equal(trial.budget_epochs, 0);
        assert_string_equal(trial.digest, "");
    }
    nlg_trial same = evaluate_well(
        (setting){.max_params = free_trial.params, .max_macs = free_trial.macs, .max_memory = (size_t)1 << 30}, &tiny, 3, 1);
    assert_int_equal(same.status, NLG_TRIAL_DONE);
    assert_string_equal(same.digest, free_trial.digest);
}

static void unlucky_trials_have_a_status(void **state) {
    (void)state;
    nlg_trial trial = evaluate_well((setting){.lr = 1e30}, &tiny, 3, 1);
    assert_int_equal(trial.status, NLG_TRIAL_NONFINITE);
    assert_non_null(strstr(trial.message, "step"));
    trial = evaluate_well((setting){0}, &tiny, 3, 3);
    assert_int_equal(trial.status, NLG_TRIAL_FAILED);
    assert_non_null(strstr(trial.message, "no such kernel"));
}

static void stopping_and_wrong_use_end_the_run(void **state) {
    (void)state;
    nlg_trial trial;
    nlg_error err = {0};
    assert_int_equal(evaluate((setting){.stop_after = 3}, &tiny, 3, 1, &trial, NULL, &err), NLG_ERR_INTERRUPTED);
    memset(&err, 0, sizeof err);
    assert_int_equal(evaluate((setting){.stop_after = 1000}, &tiny, 3, 1, &trial, NULL, &err), NLG_OK);
    assert_int_equal(evaluate((setting){0}, &no_networks, 3, 1, &trial, NULL, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "no networks"));
}

static void configuration_tells_what_scores_depend_on(void **state) {
    (void)state;
    char a[4096], b[4096], c[4096];
    nlg_trial trial;
    assert_int_equal(evaluate((setting){0}, &tiny, 0, 0, &trial, a, NULL), NLG_OK);
    assert_int_equal(evaluate((setting){.threads = 2, .isa = nlg_isa_best()}, &tiny, 0, 0, &trial, b, NULL), NLG_OK);
    assert_string_equal(a, b);
    assert_int_equal(evaluate((setting){.lr = 0.25}, &tiny, 0, 0, &trial, b, NULL), NLG_OK);
    assert_int_equal(evaluate((setting){.max_params = 12345}, &tiny, 0, 0, &trial, c, NULL), NLG_OK);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
    assert_non_null(strstr(a, nlg_dataset_describe(dataset)->digest));
    assert_non_null(strstr(b, "\"lr\":0.25"));
    assert_non_null(strstr(c, "\"params\":12345"));
}

static void a_search_runs_on_it(void **state) {
    (void)state;
    nlg_exec exec = {.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    nlg_train_evaluator_options options = {.dataset = dataset, .exec = &exec, .recipe = nlg_recipe_default()};
    options.recipe.epochs = 1;
    nlg_train_evaluator *evaluator;
    nlg_search_result result[2];
    nlg_error err = {0};
    assert_int_equal(nlg_train_evaluator_create(&options, &evaluator, &err), NLG_OK);
    for (int i = 0; i < 2; i++) {
        const nlg_search_options search = {.space = &tiny,
                                           .strategy = nlg_strategy_find("evolution"),
                                           .strategy_options = "{\"population\": 4, \"sample\": 2}",
                                           .evaluator = nlg_train_evaluator_interface(evaluator),
                                           .evaluator_config = nlg_train_evaluator_config(evaluator),
                                           .budget = 16,
                                           .seed = 9};
        if (nlg_search_run(&search, &result[i], &err) != NLG_OK) fail_msg("%s", err.text);
    }
    nlg_train_evaluator_destroy(evaluator);
    nlg_team_destroy(exec.team);
    assert_string_equal(result[0].digest, result[1].digest);
    assert_true(result[0].best >= 0);
    for (int i = 0; i < 16; i++) {
        const nlg_trial *trial = &result[0].trials[i];
        assert_int_equal(trial->status, trial->code.value[1] == 3 ? NLG_TRIAL_FAILED : NLG_TRIAL_DONE);
        assert_true(trial->is_repeat || trial->evaluation_seconds > 0);
        assert_string_equal(trial->digest, result[1].trials[i].digest);
    }
    nlg_free(result[0].trials);
    nlg_free(result[1].trials);
}

/* A cell network, as `lineage search` trains it. */
static void cells_train(void **state) {
    (void)state;
    nlg_space space;
    assert_int_equal(nlg_space_open("nasnet_small", &space, NULL), NLG_OK);
    nlg_exec exec = {.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    nlg_train_evaluator_options options = {.dataset = dataset, .exec = &exec, .recipe = nlg_recipe_default()};
    options.recipe.epochs = 1;
    nlg_train_evaluator *evaluator;
    nlg_error err = {0};
    assert_int_equal(nlg_train_evaluator_create(&options, &evaluator, &err), NLG_OK);
    const nlg_evaluator *interface = nlg_train_evaluator_interface(evaluator);
    nlg_trial trial = {.seed = 1, .budget = 1};
    nlg_space_sample(&space, nlg_rng_seed(4), &trial.code);
    if (interface->evaluate(interface->context, &space, &trial, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(trial.status, NLG_TRIAL_DONE);
    assert_true(trial.score >= 0 && trial.params > 1000 && trial.macs > 100000);
    nlg_train_evaluator_destroy(evaluator);
    nlg_team_destroy(exec.team);
    nlg_space_close(&space);
}

static int open_data(void **state) {
    (void)state;
    nlg_error err = {0};
    if (nlg_dataset_open("fashion-mnist", &data_options, &dataset, &err) == NLG_OK) return 0;
    print_error("%s\n", err.text);
    return 1;
}

static int close_data(void **state) {
    (void)state;
    nlg_dataset_close(dataset);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_validation_accuracies),
        cmocka_unit_test(scores_do_not_depend_on_the_machine),
        cmocka_unit_test(limits_reject_before_training),
        cmocka_unit_test(unlucky_trials_have_a_status),
        cmocka_unit_test(stopping_and_wrong_use_end_the_run),
        cmocka_unit_test(configuration_tells_what_scores_depend_on),
        cmocka_unit_test(a_search_runs_on_it),
        cmocka_unit_test(cells_train),
    };
    return cmocka_run_group_tests_name("evaluator train", tests, open_data, close_data);
}
