/* cells: published genotypes, their text form, the networks that are built from them, and layer tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "layers/base/file.h"
#include "models/cells.h"
#include "models/layer_table.h"
#include "models/unspecified.h"
#include "tests/read_back.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

static nlg_graph_cost count(const nlg_graph *graph) {
    nlg_graph_cost cost = {0};
    nlg_error err = {0};
    if (nlg_graph_count(graph, &cost, &err) != NLG_OK) fail_msg("%s", err.text);
    return cost;
}

/* ---- genotypes -------------------------------------------------------------------------------------------------------- */

static void published_edges_are_the_references(void **state) {
    (void)state;
    cJSON *json = read_reference("cells.json");
    const cJSON *item;
    int rows = 0;
    cJSON_ArrayForEach(item, cJSON_GetObjectItem(json, "genotypes")) {
        const nlg_cell_genotype *genotype = nlg_genotype_find(item->string);
        if (genotype == NULL) fail_msg("no genotype is called %s", item->string);
        char text[2048];
        assert_in_range(nlg_genotype_print(genotype, text, sizeof text), 1, sizeof text - 1);
        assert_string_equal(text, item->valuestring);
        rows++;
    }
    cJSON_Delete(json);
    assert_int_equal(rows, 6);
    assert_null(nlg_genotype_at(rows));
    assert_null(nlg_genotype_find("nasnet_b"));
}

static nlg_cell random_cell(nlg_rng rng) {
    uint64_t i = 0;
    nlg_cell cell = {.n_blocks = 1 + (int)nlg_rng_below(rng, i++, NLG_CELL_MAX_BLOCKS)};
    for (int b = 0; b < cell.n_blocks; b++)
        for (int side = 0; side < 2; side++) {
            cell.blocks[b].in[side] = (int)nlg_rng_below(rng, i++, (uint64_t)(b + 2));
            cell.blocks[b].op[side] = (nlg_cell_op)nlg_rng_below(rng, i++, NLG_CELL_OPS);
        }
    cell.concat = 1 + (unsigned)nlg_rng_below(rng, i, (1U << (cell.n_blocks + 2)) - 1);
    return cell;
}

static void genotypes_survive_print_and_parse(void **state) {
    (void)state;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        const nlg_rng rng = nlg_rng_seed(seed);
        nlg_cell_genotype genotype = {.normal = random_cell(nlg_rng_stream(rng, 0))}, back;
        if (seed % 4 != 0) genotype.reduction = random_cell(nlg_rng_stream(rng, 1));
        char text[4096], again[4096];
        nlg_error err = {0};
        const size_t length = nlg_genotype_print(&genotype, text, sizeof text);
        assert_int_equal(strlen(text), length);
        if (nlg_genotype_parse(text, &back, &err) != NLG_OK) fail_msg("seed %d: %s\n%s", (int)seed, err.text, text);
        if (!nlg_genotype_equal(&genotype, &back)) fail_msg("seed %d: another genotype came back", (int)seed);
        nlg_genotype_print(&back, again, sizeof again);
        assert_string_equal(text, again);
        /* White space is free. */
        for (char *p = text; *p != '\0'; p++)
            if (*p == '\n') *p = ' ';
        if (nlg_genotype_parse(text, &back, &err) != NLG_OK || !nlg_genotype_equal(&genotype, &back))
            fail_msg("seed %d", (int)seed);
    }
}

static void a_short_buffer_is_cut(void **state) {
    (void)state;
    char whole[2048], part[10];
    const size_t length = nlg_genotype_print(&nlg_nasnet_a, whole, sizeof whole);
    memset(part, 'x', sizeof part);
    assert_int_equal(nlg_genotype_print(&nlg_nasnet_a, part, sizeof part), length);
    assert_memory_equal(part, whole, sizeof part - 1);
    assert_int_equal(part[sizeof part - 1], 0);
    assert_int_equal(nlg_genotype_print(&nlg_nasnet_a, NULL, 0), length);
}

/* DARTS (second order) as its code prints it: Liu, Simonyan, Yang, ICLR 2019. */
static void darts_genotypes_are_read(void **state) {
    (void)state;
    static const char text[] =
        "DARTS_V2 = Genotype(normal=[('sep_conv_3x3', 0), ('sep_conv_3x3', 1), ('sep_conv_3x3', 0), ('sep_conv_3x3', 1), "
        "('sep_conv_3x3', 1), ('skip_connect', 0), ('skip_connect', 0), ('dil_conv_3x3', 2)], normal_concat=[2, 3, 4, 5], "
        "reduce=[('max_pool_3x3', 0), ('max_pool_3x3', 1), ('skip_connect', 2), ('max_pool_3x3', 1), ('max_pool_3x3', 0), "
        "('skip_connect', 2), ('skip_connect', 2), ('max_pool_3x3', 1)], reduce_concat=range(2, 6))";
    static const char own[] = "normal 2 = sep3x3(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = sep3x3(1) + identity(0) "
                              "5 = identity(0) + dil_sep3x3(2) concat 2 3 4 5 "
                              "reduction 2 = max3x3(0) + max3x3(1) 3 = identity(2) + max3x3(1) 4 = max3x3(0) + identity(2) "
                              "5 = identity(2) + max3x3(1) concat 2 3 4 5";
    nlg_cell_genotype darts, expected;
    nlg_error err = {0};
    assert_int_equal(nlg_genotype_parse(own, &expected, &err), NLG_OK);
    for (int named = 0; named < 2; named++) {
        if (nlg_genotype_parse(named ? text : strstr(text, "Genotype"), &darts, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_true(nlg_genotype_equal(&darts, &expected));
    }
}

static void wrong_genotypes_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "'normal'"},
        {"normal 2 = sep3x3(0) + sep3x3(1)", "concat"},
        {"normal 2 = sep3x3(2) + sep3x3(1) concat 2", "block 2"},
        {"normal 2 = sep9x9(0) + sep3x3(1) concat 2", "sep9x9"},
        {"normal 3 = sep3x3(0) + sep3x3(1) concat 2", "expected 2"},
        {"normal 2 = sep3x3(0) - sep3x3(1) concat 2", "'-'"},
        {"normal 2 = sep3x3(0) + sep3x3(1) concat", "concat"},
        {"normal 2 = sep3x3(0) + sep3x3(1) concat 3", "concat"},
        {"normal 2 = sep3x3(0) + sep3x3(1) concat 99", "99"},
        {"normal 2 = sep3x3(0) + sep3x3(123) concat 2", "range"},
        {"normal concat 0", "1 to"},
        {"normal 2 = sep3x3(0) + sep3x3(1) concat 2 reduction", "concat"},
        {"normal\n 2 = sep3x3(0) + sep3x3(1)\n concat 2\n more", "line 4"},
        {"Genotype", "'('"},
        {"Genotype()", "member normal"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2]",
         "the end"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2]) x",
         "'x'"},
        {"Genotype(normal=[('sep_conv_9x9', 0), ('skip_connect', 1)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "sep_conv_9x9"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[9], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "concat"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[99], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "99"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=range(2, 99), reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "do not exist"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=range(3, 3), reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "do not exist"},
        {"Genotype(normal=[('sep_conv_3x3', 0)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), ('skip_connect', 1)], "
         "reduce_concat=[2])",
         "second operation"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 2)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2])",
         "block 2"},
        {"Genotype(normal=[('sep_conv_3x3', 0), ('skip_connect', 1)], normal_concat=[2], reduce=[('sep_conv_3x3', 0), "
         "('skip_connect', 1)], reduce_concat=[2], normal_concat=[2])",
         "each once"},
        {"|none~0|+|none~0|none~1|", "nasbench201"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        nlg_cell_genotype genotype = nlg_pnasnet_5;
        nlg_error err = {0};
        if (nlg_genotype_parse(cases[i][0], &genotype, &err) != NLG_ERR_INPUT) fail_msg("'%s' is accepted", cases[i][0]);
        if (!strstr(err.text, cases[i][1]) || strchr(err.text, '\n')) fail_msg("'%s' does not say %s", err.text, cases[i][1]);
        assert_true(nlg_genotype_equal(&genotype, &nlg_pnasnet_5)); /* untouched */
    }
}

static void loose_ends_are_the_unread_blocks(void **state) {
    (void)state;
    /* 2 reads the inputs, 3 reads 2, 4 reads 1: 3 and 4 are loose. */
    const nlg_cell toy = {.n_blocks = 3,
                          .blocks = {{{0, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}},
                                     {{2, 2}, {NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3}},
                                     {{1, 1}, {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3}}},
                          .concat = NLG_STATE(3) | NLG_STATE(4)};
    assert_int_equal(nlg_cell_loose_ends(&toy), NLG_STATE(3) | NLG_STATE(4));
    assert_int_equal(nlg_cell_used_states(&toy), 0x1F);
    /* As the papers' figures have them; the released AmoebaNet concatenates more. */
    assert_int_equal(nlg_cell_loose_ends(&nlg_amoebanet_a.normal), NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(6));
    assert_int_equal(nlg_cell_loose_ends(&nlg_amoebanet_a.reduction), NLG_STATE(3) | NLG_STATE(5) | NLG_STATE(6));
    assert_int_equal(nlg_cell_loose_ends(&nlg_amoebanet_d.reduction), nlg_amoebanet_d.reduction.concat);
}

/* ---- rows with other cells -------------------------------------------------------------------------------------------- */

/* Any row made of cells prints a genotype that, given back, makes the same network. */
static void a_rows_own_genotype_changes_nothing(void **state) {
    (void)state;
    int rows = 0;
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_model *base = nlg_model_at(i), *pasted = NULL;
        char text[2048], again[2048];
        nlg_error err = {0};
        nlg_arena *arena = nlg_arena_create();
        const size_t length = nlg_model_genotype(base, text, sizeof text);
        if (length == 0) {
            assert_int_equal(nlg_model_with_genotype(base, "normal", arena, &pasted, &err), NLG_ERR_INPUT);
            if (!strstr(err.text, base->name)) fail_msg("'%s'", err.text);
        } else {
            assert_true(length < sizeof text);
            if (nlg_model_with_genotype(base, text, arena, &pasted, &err) != NLG_OK) fail_msg("%s", err.text);
            assert_int_equal(nlg_model_genotype(pasted, again, sizeof again), length);
            assert_string_equal(text, again);
            assert_int_equal(pasted->published_params, 0);
            if (base->small) {
                nlg_graph *a = NULL, *b = NULL;
                assert_int_equal(nlg_model_build(base, (nlg_shape){0}, 0, &a, &err), NLG_OK);
                assert_int_equal(nlg_model_build(pasted, (nlg_shape){0}, 0, &b, &err), NLG_OK);
                assert_int_equal(a->n_params, b->n_params);
                for (int p = 0; p < a->n_params; p++) assert_string_equal(a->params[p].name, b->params[p].name);
                nlg_graph_destroy(a);
                nlg_graph_destroy(b);
            }
            rows++;
        }
        nlg_arena_destroy(arena);
    }
    assert_true(rows >= 30);
}

static void wrong_pyramids_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", "merging cell 0"},
        {"0 1 max P3", "sum or gp"},
        {"0 1 sum P8; 0 1 sum P3", "P8"},
        {"0 5 sum P3", "0 to 4"},
        {"0 1 sum P3; 0 1 sum P4", "last five"},
        {"0 1 sum P3; 0 1 sum P3; 0 1 sum P5; 0 1 sum P6; 0 1 sum P7", "one each"},
        {"0 1 sum P3; 0 1 sum P4; 0 1 sum P5; 0 1 sum P6; 0 1 sum P7;", "merging cell 5"},
    };
    const nlg_model *base = NULL, *pasted = NULL;
    assert_int_equal(nlg_model_find("nas_fpn_small", &base, NULL), NLG_OK);
    for (int i = 0; i < COUNT(cases); i++) {
        nlg_error err = {0};
        nlg_arena *arena = nlg_arena_create();
        if (nlg_model_with_genotype(base, cases[i][0], arena, &pasted, &err) != NLG_ERR_INPUT)
            fail_msg("'%s' is accepted", cases[i][0]);
        if (!strstr(err.text, cases[i][1]) || strchr(err.text, '\n')) fail_msg("'%s' does not say %s", err.text, cases[i][1]);
        nlg_arena_destroy(arena);
    }
}

/* ---- networks --------------------------------------------------------------------------------------------------------- */

static void counts_equal_the_reference(void **state) {
    (void)state;
    cJSON *json = read_reference("cells.json");
    const cJSON *row;
    int misses = 0;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(json, "counts")) {
        const char *name = cJSON_GetObjectItem(row, "model")->valuestring;
        const nlg_model *model = NULL;
        nlg_graph *graph = NULL;
        nlg_error err = {0};
        const int side = cJSON_GetObjectItem(row, "side")->valueint, classes = cJSON_GetObjectItem(row, "classes")->valueint;
        if (nlg_model_find(name, &model, &err) != NLG_OK ||
            nlg_model_build(model, (nlg_shape){side, side, 3}, classes, &graph, &err) != NLG_OK)
            fail_msg("%s", err.text);
        const nlg_graph_cost cost = count(graph);
        const int64_t params = (int64_t)cJSON_GetObjectItem(row, "params")->valuedouble;
        const int64_t macs = (int64_t)cJSON_GetObjectItem(row, "macs")->valuedouble;
        if (cost.params_without_aux != params || cost.macs != macs) {
            print_error("%s at %d: %lld parameters, %lld MACs, expected %lld, %lld\n", name, side,
                        (long long)cost.params_without_aux, (long long)cost.macs, (long long)params, (long long)macs);
            misses++;
        }
        nlg_graph_destroy(graph);
    }
    cJSON_Delete(json);
    assert_int_equal(misses, 0);
}

static nlg_status build(const nlg_cell_genotype *genotype, const nlg_cell_macro *macro, nlg_shape input, nlg_graph **graph,
                        nlg_error *err) {
    *graph = nlg_graph_create();
    assert_non_null(*graph);
    nlg_builder *b = nlg_builder_create(*graph);
    assert_non_null(b);
    nlg_build_cell_network(b, genotype, macro, input, 10);
    return nlg_builder_finish(b, err);
}

static void a_parsed_cell_is_a_network(void **state) {
    (void)state;
    nlg_cell_genotype genotype;
    nlg_graph *graph = NULL;
    nlg_error err = {0};
    /* One block that never reads h[i-1]: neither its adjustment nor a factorized reduction is built. */
    assert_int_equal(nlg_genotype_parse("normal 2 = conv1x1(1) + identity(1) concat 2", &genotype, &err), NLG_OK);
    const nlg_cell_macro macro = {.stem_filters = 8, .repeats = 1, .filters = 8, .stages = 1};
    if (build(&genotype, &macro, (nlg_shape){8, 8, 3}, &graph, &err) != NLG_OK) fail_msg("%s", err.text);
    /* Stem 3*3*3*8, h[i] 8*8, block 8*8, three norms, classifier 8*10 + 10. */
    assert_int_equal(count(graph).params, 216 + 64 + 64 + 3 * 16 + 90);
    assert_int_equal(count(graph).macs, 64 * (216 + 64 + 64) + 80);
    nlg_graph_destroy(graph);
}

static void every_operation_builds_in_both_strides(void **state) {
    (void)state;
    for (int op = 0; op < NLG_CELL_OPS; op++) {
        nlg_cell cell = {.n_blocks = 2, .concat = NLG_STATE(1) | NLG_STATE(2) | NLG_STATE(3)};
        cell.blocks[0] = (nlg_cell_block){{0, 1}, {(nlg_cell_op)op, (nlg_cell_op)op}};
        cell.blocks[1] = (nlg_cell_block){{2, 0}, {(nlg_cell_op)op, (nlg_cell_op)op}};
        const nlg_cell_genotype genotype = {cell, cell};
        for (int form = 0; form < 6; form++) {
            const nlg_cell_macro macro = {.stem = form % 2 ? NLG_STEM_IMAGENET : NLG_STEM_CIFAR,
                                          .reduction = (nlg_cell_reduction)(form / 2),
                                          .stem_filters = 6,
                                          .repeats = 1,
                                          .filters = 16,
                                          .drop_path = 0.1F,
                                          .skip_reduction_input = form == 1};
            nlg_graph *graph = NULL;
            nlg_error err = {0};
            const nlg_shape input = form % 2 ? (nlg_shape){65, 65, 3} : (nlg_shape){28, 28, 1};
            if (build(&genotype, &macro, input, &graph, &err) != NLG_OK)
                fail_msg("%s, form %d: %s", nlg_cell_ops[op].name, form, err.text);
            nlg_graph_destroy(graph);
        }
    }
}

static void wrong_networks_are_refused(void **state) {
    (void)state;
    nlg_cell_genotype wrong = nlg_nasnet_a;
    wrong.normal.blocks[0].in[0] = 2;
    const nlg_cell_macro good = {.stem_filters = 24, .repeats = 1, .filters = 8}, none = {.stem_filters = 24, .filters = 8};
    const struct {
        const nlg_cell_genotype *genotype;
        const nlg_cell_macro *macro;
        const char *says;
    } cases[] = {{&wrong, &good, "block 2"}, {&nlg_nasnet_a, &none, "cells per stage"}};
    for (int i = 0; i < COUNT(cases); i++) {
        nlg_graph *graph = NULL;
        nlg_error err = {0};
        assert_int_equal(build(cases[i].genotype, cases[i].macro, (nlg_shape){28, 28, 1}, &graph, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, cases[i].says)) fail_msg("'%s' does not say %s", err.text, cases[i].says);
        nlg_graph_destroy(graph);
    }
}

static void unspecified_networks_say_so(void **state) {
    (void)state;
    assert_int_equal(nlg_unspecified_count(), 4);
    for (int i = 0; i < nlg_unspecified_count(); i++) {
        const nlg_unspecified_model *u = nlg_unspecified_at(i);
        const nlg_model *model = NULL;
        nlg_error err = {0};
        assert_ptr_equal(nlg_unspecified_find(u->name), u);
        assert_int_equal(nlg_model_find(u->name, &model, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, "not specified")) fail_msg("'%s'", err.text);
    }
    assert_non_null(nlg_unspecified_find("NASNet_B"));
    assert_null(nlg_unspecified_find("nasnet_a"));
}

/* ---- layer tables ----------------------------------------------------------------------------------------------------- */

static void faults_of_layer_tables_are_reported(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"conv 3x3", "':'"},        {"conv 3x3:", "a number"},
        {"conv 3:8", "'x'"},        {"( a 1x1:8 | b 1x1:8", "')'"},
        {"m { a 1x1:8", "'}'"},     {"a 1x1:8 b 1x1:8", "the end"},
        {"a 1x1:8, ,", "a name"},   {"residual x { a 1x1:3! }", "decimal"},
        {"mark 9", "smaller mark"},
    };
    for (int i = 0; i < COUNT(cases); i++) {
        nlg_graph *graph = nlg_graph_create();
        nlg_builder *b = nlg_builder_create(graph);
        const nlg_layer_table table = {.items = cases[i][0]};
        nlg_error err = {0};
        nlg_build_layer_table(b, &table, nlg_input(b, 3, 8, 8), 10);
        assert_int_equal(nlg_builder_finish(b, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, cases[i][1])) fail_msg("'%s' does not say %s", err.text, cases[i][1]);
        nlg_graph_destroy(graph);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_edges_are_the_references),
        cmocka_unit_test(genotypes_survive_print_and_parse),
        cmocka_unit_test(darts_genotypes_are_read),
        cmocka_unit_test(a_short_buffer_is_cut),
        cmocka_unit_test(wrong_genotypes_are_refused),
        cmocka_unit_test(loose_ends_are_the_unread_blocks),
        cmocka_unit_test(a_rows_own_genotype_changes_nothing),
        cmocka_unit_test(wrong_pyramids_are_refused),
        cmocka_unit_test(counts_equal_the_reference),
        cmocka_unit_test(a_parsed_cell_is_a_network),
        cmocka_unit_test(every_operation_builds_in_both_strides),
        cmocka_unit_test(wrong_networks_are_refused),
        cmocka_unit_test(unspecified_networks_say_so),
        cmocka_unit_test(faults_of_layer_tables_are_reported),
    };
    return cmocka_run_group_tests_name("cells", tests, NULL, NULL);
}
