/* search/latency: tables of operations, what they predict, and searches with them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "layers/kernels/simd.h"
#include "search/evaluators/latency.h"
#include "search/evaluators/own_table.h"
#include "tests/made_files.h"
#include "tests/program.h"

static const nlg_shape images = {12, 12, 1};

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

static const char *in_folder(const char *name) {
    static char path[2][4096];
    static int next;
    next = 1 - next;
    snprintf(path[next], sizeof path[next], "%s/%s", getenv("D"), name);
    return path[next];
}

static void build(const char *space_name, int threads, const char *file, nlg_latency_summary *summary) {
    nlg_space space;
    nlg_error err = {0};
    nlg_exec exec = {.team = nlg_team_create(threads), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    assert_int_equal(nlg_space_open(space_name, &space, &err), NLG_OK);
    const nlg_latency_options o = {.space = &space,
                                   .input = images,
                                   .classes = 10,
                                   .batch = 1,
                                   .exec = &exec,
                                   .repetitions = 41, /* of microseconds: a disturbance is shorter */
                                   .rounds = threads,
                                   .cpu = "A CPU, made up"};
    if (nlg_latency_build(&o, in_folder(file), summary, &err) != NLG_OK) fail_msg("%s: %s", space_name, err.text);
    nlg_space_close(&space);
    nlg_team_destroy(exec.team);
}

static nlg_latency_table *open_table(const char *file) {
    nlg_latency_table *table;
    nlg_error err = {0};
    if (nlg_latency_open(in_folder(file), &table, &err) != NLG_OK) fail_msg("%s", err.text);
    return table;
}

/* Steps of the network as the planner makes them. */
static int steps_of(const nlg_space *space, const nlg_code *code) {
    nlg_graph *graph;
    nlg_plan *plan;
    nlg_weights weights;
    nlg_exec exec = {.team = nlg_team_create(2), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    const nlg_plan_options options = {.batch = 1};
    assert_int_equal(space->build(space, code, images.h, images.w, images.c, 10, &graph, NULL), NLG_OK);
    assert_int_equal(nlg_weights_create(graph, &weights, NULL), NLG_OK);
    assert_int_equal(nlg_plan_create(graph, &exec, &options, &weights, NULL, &plan, NULL), NLG_OK);
    const int steps = nlg_plan_step_count(plan);
    nlg_plan_destroy(plan);
    nlg_weights_destroy(&weights);
    nlg_graph_destroy(graph);
    nlg_team_destroy(exec.team);
    return steps;
}

static void every_architecture_is_predicted(void **state) {
    (void)state;
    const nlg_space *space = nlg_space_find("lineage");
    nlg_latency_summary summary;
    build("lineage", 2, "t.csv", &summary);
    assert_true(summary.complete);
    assert_int_equal(summary.listed, 597);
    nlg_latency_table *table = open_table("t.csv");
    const nlg_latency_conditions *m = nlg_latency_measured(table);
    assert_string_equal(m->space, "lineage");
    assert_string_equal(m->cpu, "A CPU  made up");
    assert_true(m->input.h == 12 && m->input.c == 1 && m->classes == 10 && m->batch == 1 && m->threads == 2);
    assert_int_equal(nlg_latency_operations(table), summary.operations);
    nlg_code *codes;
    int count;
    assert_int_equal(nlg_space_list(space, &codes, &count, NULL), NLG_OK);
    for (int i = 0; i < count; i++) {
        char missing[NLG_OPERATION_MAX];
        double ms;
        assert_int_equal(nlg_latency_predict(table, space, &codes[i], &ms, missing, NULL), NLG_OK);
        if (!(ms > 0)) fail_msg("architecture %d: %g ms, missing '%s'", i, ms, missing);
    }
    /* The largest network takes longer than the smallest. */
    double ms[2];
    char missing[NLG_OPERATION_MAX];
    const nlg_code small = {.length = 5}, large = {.length = 5, .value = {3, 4, 4, 2, 1}};
    assert_int_equal(nlg_latency_predict(table, space, &small, &ms[0], missing, NULL), NLG_OK);
    assert_int_equal(nlg_latency_predict(table, space, &large, &ms[1], missing, NULL), NLG_OK);
    assert_true(ms[1] > ms[0]);
    nlg_free(codes);
    nlg_latency_close(table);
}

/* With a millisecond for each operation, the prediction counts them. */
static void operations_add_up(void **state) {
    (void)state;
    const nlg_space *space = nlg_space_find("lineage");
    run_good(
        "sed -E '/^(add|avg|max|conv|linear|channel)/s/,[0-9.e-]+$/,1/; s/^overhead,.*/overhead,0.25/' $D/t.csv > $D/ones.csv");
    nlg_latency_table *table = open_table("ones.csv");
    for (uint64_t i = 0; i < 40; i++) {
        nlg_code code;
        char missing[NLG_OPERATION_MAX];
        double ms;
        nlg_space_sample(space, nlg_rng_stream(nlg_rng_seed(1), i), &code);
        assert_int_equal(nlg_latency_predict(table, space, &code, &ms, missing, NULL), NLG_OK);
        assert_true(ms == steps_of(space, &code) + 0.25);
    }
    nlg_latency_close(table);
}

static nlg_status score(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)space, (void)err;
    ++*(int *)context;
    trial->score = 0.5;
    return NLG_OK;
}

static void what_is_missing_stays_missing(void **state) {
    (void)state;
    const nlg_space *space = nlg_space_find("lineage");
    run_good("grep -v '^add relu:' $D/ones.csv > $D/less.csv");
    nlg_latency_table *table = open_table("less.csv");
    int evaluations = 0;
    const nlg_evaluator inner = {.name = "made up", .context = &evaluations, .evaluate = score};
    nlg_latency_evaluator *e;
    assert_int_equal(nlg_latency_evaluator_create(table, &(nlg_latency_options){.space = space}, &inner, "{\"a\":1}", &e, NULL),
                     NLG_OK);
    char config[128];
    snprintf(config, sizeof config, "{\"a\":1,\"latency_table\":\"%s\"}", nlg_latency_digest(table));
    assert_string_equal(nlg_latency_evaluator_config(e), config);
    const nlg_evaluator *outer = nlg_latency_evaluator_interface(e);
    assert_string_equal(outer->name, "made up");
    nlg_trial without = {.code = {.length = 5, .value = {2, 4, 1, 0, 0}}}, with = {.code = {.length = 5, .value = {1, 1, 4, 0, 1}}};
    assert_int_equal(outer->evaluate(outer->context, space, &without, NULL), NLG_OK);
    assert_int_equal(without.status, NLG_TRIAL_DONE);
    assert_true(without.score == 0.5 && without.latency_ms == steps_of(space, &without.code) + 0.25);
    /* The last stage adds after squeezing: alone, so that nothing fuses it. */
    assert_int_equal(outer->evaluate(outer->context, space, &with, NULL), NLG_OK);
    assert_int_equal(with.status, NLG_TRIAL_FAILED);
    assert_non_null(strstr(with.message, "the latency table has no add relu: "));
    assert_int_equal(evaluations, 1);
    nlg_latency_evaluator_destroy(e);
    double ms;
    char missing[NLG_OPERATION_MAX];
    nlg_error err = {0};
    assert_int_equal(nlg_latency_predict(table, nlg_space_find("mnasnet"), &with.code, &ms, missing, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "measured for space lineage, not for mnasnet"));
    nlg_latency_close(table);
}

static void broken_tables_are_refused(void **state) {
    (void)state;
    static const char *const broken[][2] = {
        {"what,value\nspace,lineage\n", "expected space, input"},
        {"what,ms\nspace,lineage\n", "expected a column 'value'"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2\nbatch,1\nconv,-1\n", "line 6: expected milliseconds"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2\nbatch,1\nconv,x\n", "expected a number"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2\nbatch,1\nconv,1e300\n", "line 6: expected milliseconds"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2\nbatch,1\nconv,1\nconv,2\n", "'conv' stands there twice"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,99999999999\nbatch,1\nconv,1\n", "line 4: classes cannot be"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2.5\nbatch,1\nconv,1\n", "line 4: classes cannot be"},
        {"what,value\nspace,lineage\ninput,1x1x1000000000000\nclasses,2\nbatch,1\nconv,1\n", "line 3: input cannot be"},
        {"what,value\nspace,lineage\ninput,1x1x1\nclasses,2\nbatch,1\nconv,\n", "expected milliseconds"},
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        nlg_latency_table *table;
        nlg_error err = {0};
        assert_int_equal(nlg_file_write(in_folder("b.csv"), broken[i][0], strlen(broken[i][0]), NULL), NLG_OK);
        assert_int_equal(nlg_latency_open(in_folder("b.csv"), &table, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, broken[i][1])) fail_msg("%s lacks: %s", err.text, broken[i][1]);
        assert_null(table);
    }
}

/* A space with a comma in its name, too large to be listed. */
static void random_architectures_find_what_there_is(void **state) {
    (void)state;
    nlg_latency_summary summary;
    nlg_space space;
    build("nasnet:B=2,N=1,F=8", 1, "cells.csv", &summary);
    assert_false(summary.complete);
    assert_true(summary.operations > 30);
    nlg_latency_table *table = open_table("cells.csv");
    assert_int_equal(nlg_space_open("nasnet:B=2,N=1,F=8", &space, NULL), NLG_OK);
    for (uint64_t i = 0; i < 100; i++) {
        nlg_code code;
        double ms;
        char missing[NLG_OPERATION_MAX];
        nlg_space_sample(&space, nlg_rng_stream(nlg_rng_seed(77), i), &code);
        assert_int_equal(nlg_latency_predict(table, &space, &code, &ms, missing, NULL), NLG_OK);
        if (!(ms > 0)) fail_msg("no '%s'", missing);
    }
    nlg_space_close(&space);
    nlg_latency_close(table);
}

/* ---- the commands ------------------------------------------------------------------------------------------------------ */

#define SEARCH                                                                                                                     \
    "lineage search --space lineage --data mnist:$D --train-images 64 --validation-images 60 --epochs 1 --batch 32 --threads 1 "   \
    "--strategy random --budget 5 --seed 5 "

static void searches_are_told_the_table(void **state) {
    (void)state;
    cJSON *r = run_json("lineage latency table lineage --input 1,12,12 --out $D/c.csv --runs 5 --networks 10 --json");
    json_has_exactly(
        r, "space file operations noisy networks_run complete overhead_ms networks spearman kendall_tau macs_spearman error bias "
           "predicted_ms measured_ms digest");
    assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(r, "measured_ms")), 10);
    char table[80], digest[80];
    snprintf(table, sizeof table, "%s", json_text(r, "digest"));
    cJSON_Delete(r);
    r = run_json("lineage latency check $D/c.csv --networks 8 --json");
    assert_string_equal(json_text(r, "digest"), table);
    assert_true(json_number(r, "networks") == 8);
    cJSON_Delete(r);
    /* The same latencies in every run; nothing else of the history changes. */
    r = run_json(SEARCH "--latency $D/c.csv --cost latency --reward soft --target 0.02 --store $D/a.db --json");
    assert_string_equal(json_text(cJSON_GetObjectItem(r, "evaluator_config"), "latency_table"), table);
    snprintf(digest, sizeof digest, "%s", json_text(r, "digest"));
    const cJSON *trial;
    cJSON_ArrayForEach(trial, cJSON_GetObjectItem(r, "history")) {
        const double ms = json_number(trial, "latency_ms"), score = json_number(trial, "score");
        assert_true(ms > 0);
        assert_true(json_number(trial, "cost") == ms);
        assert_true(fabs(json_number(trial, "reward") - score * pow(ms / 0.02, -0.07)) < 1e-9);
    }
    cJSON_Delete(r);
    r = run_json(SEARCH "--latency $D/c.csv --cost latency --reward soft --target 0.02 --store $D/b.db --workers 2 --ask 1 "
                        "--isa portable --json");
    assert_string_equal(json_text(r, "digest"), digest);
    cJSON_Delete(r);
    r = run_json(SEARCH "--latency measured --cost latency --store $D/m.db --json");
    assert_string_equal(json_text(cJSON_GetObjectItem(r, "evaluator_config"), "latency_table"), "measured");
    cJSON_ArrayForEach(trial, cJSON_GetObjectItem(r, "history")) assert_true(json_number(trial, "latency_ms") > 0);
    snprintf(digest, sizeof digest, "%s", json_text(r, "digest"));
    cJSON_Delete(r);
    r = run_json(SEARCH "--latency measured --cost latency --store $D/m.db --json"); /* what is stored stays */
    assert_string_equal(json_text(r, "digest"), digest);
    cJSON_Delete(r);
    run_refused("nothing is trained here",
                "lineage search --space nasbench201 --evaluator table --strategy random --budget 3 --latency measured");
    /* Another table is another search. */
    run_good("sed -E 's/^overhead,.*/overhead,1/' $D/c.csv > $D/d.csv");
    run_refused("evaluator.latency_table is",
                SEARCH "--latency $D/d.csv --cost latency --reward soft --target 0.02 --store $D/a.db");
    run_refused("--cost latency needs --latency FILE", SEARCH "--cost latency --strategy nsga2 --store $D/n.db");
    run_refused("not for mnasnet", SEARCH "--space mnasnet --latency $D/c.csv --store $D/n.db");
    run_good("sed -E 's/^classes,.*/classes,7/' $D/c.csv > $D/e.csv");
    run_refused("measure another with `lineage latency table lineage --input 1,12,12 --classes 10`",
                SEARCH "--latency $D/e.csv --store $D/n.db");
    run_refused("found 'make'", "lineage latency make lineage");
    run_refused("has no networks", "lineage latency table layout");
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_architecture_is_predicted),         cmocka_unit_test(operations_add_up),
        cmocka_unit_test(what_is_missing_stays_missing),           cmocka_unit_test(broken_tables_are_refused),
        cmocka_unit_test(random_architectures_find_what_there_is), cmocka_unit_test(searches_are_told_the_table),
    };
    return cmocka_run_group_tests_name("latency", tests, enter, leave);
}
