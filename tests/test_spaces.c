/* search: every registered space by its contract, and the isomorphisms of the NASNet cells. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/graph/graph.h"
#include "models/model.h"
#include "search/space.h"

/* Every space of the registry, opened. */
static nlg_space *opened;

static int open_spaces(void **state) {
    (void)state;
    opened = nlg_alloc((size_t)nlg_space_count(), sizeof *opened);
    if (!opened) return 1;
    for (int s = 0; s < nlg_space_count(); s++) {
        nlg_error err = {0};
        if (nlg_space_open(nlg_space_at(s)->name, &opened[s], &err) == NLG_OK) continue;
        print_error("%s\n", err.text);
        return 1;
    }
    return 0;
}

static int close_spaces(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) nlg_space_close(&opened[s]);
    nlg_free(opened);
    return 0;
}

static const nlg_space *space_of(const char *name) {
    for (int s = 0; s < nlg_space_count(); s++) {
        if (strcmp(opened[s].name, name) == 0) return &opened[s];
    }
    fail_msg("no space %s", name);
    return NULL;
}

static nlg_code random_code(const nlg_space *space, uint64_t number) {
    nlg_code code;
    nlg_space_sample(space, nlg_rng_stream(nlg_rng_named(nlg_rng_seed(1), space->name), number), &code);
    return code;
}

static void hash_of(const nlg_space *space, const nlg_code *code, char hex[65]) {
    assert_int_equal(nlg_space_hash(space, code, hex, NULL), NLG_OK);
}

static bool same_architecture(const nlg_space *space, const nlg_code *a, const nlg_code *b) {
    char x[65], y[65];
    hash_of(space, a, x);
    hash_of(space, b, y);
    return strcmp(x, y) == 0;
}

static nlg_graph_cost cost_of(const nlg_space *space, const nlg_code *code, int h, int w, int c) {
    nlg_graph *graph;
    nlg_graph_cost cost = {0};
    nlg_error err = {0};
    if (space->build(space, code, h, w, c, 10, &graph, &err) != NLG_OK) fail_msg("%s: %s", space->name, err.text);
    if (nlg_graph_count(graph, &cost, &err) != NLG_OK) fail_msg("%s: %s", space->name, err.text);
    nlg_graph_destroy(graph);
    return cost;
}

/* --- searched cells as networks --- */

/* What a search prints, given to the row of the same size, is the network that the search trained. */
static void searched_cells_are_rows(void **state) {
    (void)state;
    static const struct {
        const char *space, *model;
        bool same_size;
    } cases[] = {{"nasnet_small", "nasnet_small", true}, {"nasfpn", "nas_fpn_small", false}};
    for (int c = 0; c < 2; c++) {
        const nlg_space *space = space_of(cases[c].space);
        const nlg_model *base = NULL, *model = NULL;
        nlg_error err = {0};
        assert_int_equal(nlg_model_find(cases[c].model, &base, &err), NLG_OK);
        for (uint64_t i = 0; i < 20; i++) {
            const nlg_code code = random_code(space, i);
            char text[NLG_GENOTYPE_MAX];
            nlg_graph *graph = NULL;
            nlg_graph_cost cost = {0};
            nlg_arena *arena = nlg_arena_create();
            space->encode(space, &code, text, sizeof text);
            if (nlg_model_with_genotype(base, text, arena, &model, &err) != NLG_OK ||
                nlg_model_build(model, (nlg_shape){0}, 0, &graph, &err) != NLG_OK || nlg_graph_count(graph, &cost, &err) != NLG_OK)
                fail_msg("%s: %s", text, err.text);
            if (cases[c].same_size) {
                const nlg_graph_cost wanted = cost_of(space, &code, 28, 28, 1);
                assert_int_equal(cost.params, wanted.params);
                assert_int_equal(cost.macs, wanted.macs);
            }
            nlg_graph_destroy(graph);
            nlg_arena_destroy(arena);
        }
    }
}

/* --- all spaces --------------------------------------------------------------------------------------------------------- */

static void genotypes_round_trip(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        assert_ptr_equal(nlg_space_find(space->name), nlg_space_at(s));
        assert_true(space->length > 0 && space->length <= NLG_CODE_MAX);
        for (uint64_t i = 0; i < 1000; i++) {
            nlg_code code = random_code(space, i), back;
            char text[NLG_GENOTYPE_MAX];
            nlg_error err = {0};
            assert_true(nlg_space_valid(space, &code));
            space->encode(space, &code, text, sizeof text);
            assert_true(strlen(text) < sizeof text - 1);
            assert_null(strchr(text, '\n'));
            if (space->decode(space, text, &back, &err) != NLG_OK) fail_msg("%s: %s", text, err.text);
            if (!nlg_code_equal(&code, &back)) fail_msg("%s: another code comes back", text);
        }
    }
}

static void bad_genotypes_are_errors(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        nlg_code code = random_code(space, 0), back;
        char text[NLG_GENOTYPE_MAX];
        space->encode(space, &code, text, sizeof text);
        for (size_t cut = 0; cut < strlen(text); cut++) { /* cut short */
            char part[NLG_GENOTYPE_MAX];
            nlg_error err = {0};
            snprintf(part, sizeof part, "%.*s", (int)cut, text);
            if (space->decode(space, part, &back, &err) != NLG_ERR_INPUT) fail_msg("%s took '%s'", space->name, part);
            assert_true(err.text[0] != '\0');
        }
    }
}

static void mutation_changes_one_thing(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        int changed[NLG_CODE_MAX] = {0};
        for (uint64_t i = 0; i < 3000; i++) {
            nlg_code parent = random_code(space, i), child;
            nlg_space_mutate(space, nlg_rng_stream(nlg_rng_seed(7), i), &parent, &child);
            assert_true(nlg_space_valid(space, &child));
            assert_false(same_architecture(space, &parent, &child));
            int differences = 0;
            for (int j = 0; j < space->length; j++) {
                differences += parent.value[j] != child.value[j];
                changed[j] += parent.value[j] != child.value[j];
            }
            assert_true(differences >= 1);
            if (!space->mutate) assert_int_equal(differences, 1);
        }
        for (int j = 0; j < space->length; j++) assert_true(space->choices(space, j) < 2 || changed[j] > 0);
    }
}

static void canonical_codes_are_fixed_points(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        for (uint64_t i = 0; i < 1000; i++) {
            nlg_code code = random_code(space, i), once, twice;
            nlg_space_canonical(space, &code, &once);
            nlg_space_canonical(space, &once, &twice);
            assert_true(nlg_space_valid(space, &once));
            assert_true(nlg_code_equal(&once, &twice));
            assert_true(same_architecture(space, &code, &once));
        }
    }
}

static void features_have_one_length(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        if (!space->features) continue;
        double values[4096];
        for (uint64_t i = 0; i < 20; i++) {
            nlg_code code = random_code(space, i);
            int count = space->features(space, &code, NULL);
            assert_true(count > 0 && count <= 4096);
            assert_int_equal(space->features(space, &code, values), count);
        }
    }
}

static void networks_can_be_built(void **state) {
    (void)state;
    for (int s = 0; s < nlg_space_count(); s++) {
        const nlg_space *space = &opened[s];
        if (!space->build) continue;
        for (uint64_t i = 0; i < 50; i++) {
            nlg_code code = random_code(space, i), canonical;
            nlg_space_canonical(space, &code, &canonical);
            const int side = space->detects ? 64 : 28, larger = space->detects ? 64 : 32;
            nlg_graph_cost small = cost_of(space, &code, side, side, 1), large = cost_of(space, &code, larger, larger, 3);
            nlg_graph_cost same = cost_of(space, &canonical, side, side, 1);
            assert_true(small.params > 0 && small.macs > 0);
            assert_true(large.params > small.params && large.macs > small.macs); /* a stem of three channels */
            /* NAS-Bench-201 does not tell a shared operation from a repeated one: its classes hold larger networks too. */
            const bool merges = strcmp(space->name, "nasbench201") == 0;
            assert_true(merges ? same.params <= small.params : same.params == small.params && same.macs == small.macs);
        }
    }
}

/* --- cells of nasnet_small: [cell][block][half][input, operation] ---------------------------------------------------------- */

enum { BLOCKS = 4, CELL = BLOCKS * 4, IDENTITY = 0, SEP3 = 1, SEP5 = 2 };

/* The same cell with its blocks in a random order that keeps every block behind its inputs, and halves exchanged at random. */
static void shuffle_cell(nlg_rng rng, const int16_t *cell, int16_t *out) {
    int label[BLOCKS + 2] = {0, 1, -1, -1, -1, -1};
    uint64_t draw = 0;
    for (int place = 0; place < BLOCKS;) {
        int block = (int)nlg_rng_below(rng, draw++, BLOCKS);
        const int16_t *from = cell + 4 * block;
        if (label[block + 2] >= 0 || label[from[0]] < 0 || label[from[2]] < 0) continue;
        int swap = (int)nlg_rng_below(rng, draw++, 2) * 2;
        int16_t *to = out + 4 * place;
        to[swap] = (int16_t)label[from[0]], to[swap + 1] = from[1];
        to[2 - swap] = (int16_t)label[from[2]], to[3 - swap] = from[3];
        label[block + 2] = place++ + 2;
    }
}

static void isomorphic_cells_have_one_hash(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasnet_small");
    assert_non_null(space);
    assert_int_equal(space->length, 2 * CELL);
    int moved = 0, distinct = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        nlg_code code = random_code(space, i), other = {.length = 2 * CELL}, next = random_code(space, i + 1);
        nlg_rng rng = nlg_rng_stream(nlg_rng_seed(3), i);
        shuffle_cell(nlg_rng_stream(rng, 0), code.value, other.value);
        shuffle_cell(nlg_rng_stream(rng, 1), code.value + CELL, other.value + CELL);
        assert_true(nlg_space_valid(space, &other));
        moved += !nlg_code_equal(&code, &other);
        assert_true(same_architecture(space, &code, &other));
        distinct += !same_architecture(space, &code, &next);
    }
    assert_true(moved > 900);
    assert_true(distinct > 990);
}

static nlg_code from_text(const char *text) {
    nlg_code code;
    nlg_error err = {0};
    const nlg_space *space = space_of("nasnet_small");
    if (space->decode(space, text, &code, &err) != NLG_OK) fail_msg("%s", err.text);
    return code;
}

#define REDUCTION                                                                                                                  \
    " reduction 2 = max3x3(0) + sep3x3(1) 3 = identity(2) + sep5x5(1) 4 = avg3x3(0) + identity(1) 5 = sep3x3(4) + sep3x3(3) "      \
    "concat 5"

static void sharing_a_block_is_not_repeating_it(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasnet_small");
    /* Blocks 2 and 3 look alike. Both 4 and 5 read one of each, or each reads one of them twice: other networks, though every
     * block computes the same expression of the cell's inputs. */
    nlg_code crossed = from_text("normal 2 = sep3x3(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(3)"
                                 " 5 = identity(2) + sep5x5(3) concat 4 5" REDUCTION);
    nlg_code apart = from_text("normal 2 = sep3x3(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(2)"
                               " 5 = identity(3) + sep5x5(3) concat 4 5" REDUCTION);
    nlg_code exchanged = from_text("normal 2 = sep3x3(1) + sep3x3(0) 3 = sep3x3(0) + sep3x3(1) 4 = identity(3) + sep5x5(2)"
                                   " 5 = sep5x5(2) + identity(3) concat 4 5" REDUCTION);
    assert_false(same_architecture(space, &crossed, &apart));
    assert_true(same_architecture(space, &crossed, &exchanged));
    /* The two inputs of a cell are not interchangeable, nor are its two cells. */
    nlg_code inputs = from_text("normal 2 = sep3x3(0) + sep3x3(0) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(3)"
                                " 5 = identity(2) + sep5x5(3) concat 4 5" REDUCTION);
    assert_false(same_architecture(space, &crossed, &inputs));
    nlg_code cells = crossed;
    memcpy(cells.value, crossed.value + CELL, CELL * sizeof cells.value[0]);
    memcpy(cells.value + CELL, crossed.value, CELL * sizeof cells.value[0]);
    assert_false(same_architecture(space, &crossed, &cells));
}

static void degenerate_cells_are_legal(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasnet_small");
    nlg_code skips = {.length = 2 * CELL}; /* identity(0) + identity(0) everywhere */
    assert_true(nlg_space_valid(space, &skips));
    nlg_graph_cost cost = cost_of(space, &skips, 28, 28, 1);
    assert_true(cost.params > 0);
    nlg_code larger = skips;
    larger.value[1] = SEP3;
    nlg_graph_cost sep3 = cost_of(space, &larger, 28, 28, 1);
    larger.value[1] = SEP5;
    nlg_graph_cost sep5 = cost_of(space, &larger, 28, 28, 1);
    assert_true(sep3.params > cost.params && sep5.params > sep3.params);
    assert_true(sep3.macs > cost.macs && sep5.macs > sep3.macs);
}

static void foreign_cells_are_refused(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasnet_small");
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"normal 2 = sep3x3(0) + sep3x3(1) concat 2" REDUCTION, "4 blocks, found 1"},
        {"normal 2 = sep7x7(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(3) 5 = identity(2) + sep5x5(3)"
         " concat 4 5" REDUCTION,
         "sep7x7 is not one of"},
        {"normal 2 = sep3x3(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(3) 5 = identity(2) + sep5x5(3)"
         " concat 5" REDUCTION,
         "concatenate exactly"},
        {"normal 2 = sep3x3(0) + sep3x3(1) 3 = sep3x3(0) + sep3x3(1) 4 = identity(2) + sep5x5(3) 5 = identity(2) + sep5x5(3)"
         " concat 4 5",
         "reduction cell"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nlg_code code;
        nlg_error err = {0};
        assert_int_equal(space->decode(space, bad[i].text, &code, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].part)) fail_msg("expected \"%s\": %s", bad[i].part, err.text);
    }
}

/* --- spaces with parameters ---------------------------------------------------------------------------------------------- */

static void parameters_are_read_and_named(void **state) {
    (void)state;
    static const struct {
        const char *text, *name;
        int length;
    } good[] = {{"nasnet", "nasnet", 40},
                {"nasnet:B=5,N=2,F=32", "nasnet", 40},
                {"nasnet:N=1", "nasnet:B=5,N=1,F=32", 40},
                {"nasnet:F=24,B=3,N=2", "nasnet:B=3,N=2,F=24", 24},
                {"pnas:B=8", "pnas:B=8,N=2,F=24", 32}};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        nlg_space space;
        nlg_error err = {0};
        if (nlg_space_open(good[i].text, &space, &err) != NLG_OK) fail_msg("%s", err.text);
        assert_string_equal(space.name, good[i].name);
        assert_int_equal(space.length, good[i].length);
        nlg_space_close(&space);
    }
    static const struct {
        const char *text, *part;
    } bad[] = {{"nasnett", "unknown space 'nasnett'; the nearest is 'nasnet'"},
               {"nasnet:", "expected parameters of B=1..8, N=1..18, F=4..168, found ''"},
               {"nasnet:B", "found 'B'"},
               {"nasnet:B=", "found 'B='"},
               {"nasnet:B=9", "found 'B=9'"},
               {"nasnet:B=5;N=2", "found 'B=5;N=2'"},
               {"nasnet:B=5,", "found ''"},
               {"nasbench201:B=5", "expected parameters of none, found 'B=5'"}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        nlg_space space;
        nlg_error err = {0};
        assert_int_equal(nlg_space_open(bad[i].text, &space, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].part)) fail_msg("expected \"%s\": %s", bad[i].part, err.text);
        nlg_space_close(&space);
    }
}

static void parameters_change_the_network(void **state) {
    (void)state;
    static const char *const names[] = {"nasnet:N=1,F=8", "nasnet:N=2,F=8", "nasnet:N=2,F=12"};
    int64_t params[3];
    for (int i = 0; i < 3; i++) {
        nlg_space space;
        assert_int_equal(nlg_space_open(names[i], &space, NULL), NLG_OK);
        nlg_code code;
        nlg_space_sample(&space, nlg_rng_seed(5), &code);
        params[i] = cost_of(&space, &code, 28, 28, 1).params;
        nlg_space_close(&space);
    }
    assert_true(params[0] < params[1] && params[1] < params[2]);
}

static void pnas_cells_grow(void **state) {
    (void)state;
    const nlg_space *space = space_of("pnas");
    for (uint64_t i = 0; i < 300; i++) {
        nlg_code code = random_code(space, i), once, twice, back;
        code.length = 4 * (1 + (int)(i % 5));
        memset(code.value + code.length, 0, (size_t)(NLG_CODE_MAX - code.length) * sizeof code.value[0]);
        char text[NLG_GENOTYPE_MAX];
        double values[4096];
        nlg_error err = {0};
        assert_true(nlg_space_valid(space, &code));
        space->encode(space, &code, text, sizeof text);
        if (space->decode(space, text, &back, &err) != NLG_OK) fail_msg("%s: %s", text, err.text);
        assert_true(nlg_code_equal(&code, &back));
        nlg_space_canonical(space, &code, &once);
        nlg_space_canonical(space, &once, &twice);
        assert_true(nlg_code_equal(&once, &twice) && once.length == code.length);
        assert_int_equal(space->features(space, &code, values), space->features(space, &code, NULL));
        assert_true(cost_of(space, &code, 28, 28, 1).params > 0);
        nlg_space_mutate(space, nlg_rng_stream(nlg_rng_seed(2), i), &code, &back);
        assert_true(back.length == code.length && nlg_space_valid(space, &back));
        code.length--;
        assert_false(nlg_space_valid(space, &code));
    }
    /* Blocks 2 and 3 do not read each other: their order does not matter. */
    nlg_code a, b;
    assert_int_equal(space->decode(space, "normal 2 = sep3x3(0) + max3x3(1) 3 = identity(1) + sep7x7(1) concat 2 3", &a, NULL),
                     NLG_OK);
    assert_int_equal(space->decode(space, "normal 2 = sep7x7(1) + identity(1) 3 = sep3x3(0) + max3x3(1) concat 2 3", &b, NULL),
                     NLG_OK);
    assert_true(same_architecture(space, &a, &b));
}

/* --- nas, nasfpn, mnasnet, compound --------------------------------------------------------------------------------------- */

static void check_same(const char *name, const char *a, const char *b, bool same) {
    const nlg_space *space = space_of(name);
    nlg_code x, y;
    nlg_error err = {0};
    if (space->decode(space, a, &x, &err) != NLG_OK || space->decode(space, b, &y, &err) != NLG_OK) fail_msg("%s", err.text);
    if (same_architecture(space, &x, &y) != same) fail_msg("%s: %s and %s", name, a, b);
}

static void relabelled_graphs_have_one_hash(void **state) {
    (void)state;
    /* Layers 2 and 3 do not read each other. */
    check_same("nas", "3x3 f24 s1; 1 > 5x5 f36 s1; 1 > 7x1 f24 s2; 2 > 1x1 f64 s1; 3 > 3x3 f48 s1; 1 4 > 5x3 f24 s1",
               "3x3 f24 s1; 1 > 7x1 f24 s2; 1 > 5x5 f36 s1; 2 > 3x3 f48 s1; 3 > 1x1 f64 s1; 1 5 > 5x3 f24 s1", true);
    check_same("nas", "3x3 f24 s1; 1 > 5x5 f36 s1; 1 > 7x1 f24 s2; 2 > 1x1 f64 s1; 3 > 3x3 f48 s1; 1 4 > 5x3 f24 s1",
               "3x3 f24 s1; 1 > 7x1 f24 s2; 1 > 5x5 f36 s1; 2 > 3x3 f48 s1; 3 > 1x1 f64 s1; 1 4 > 5x3 f24 s1", false);
    /* The paper's pyramid with the nodes of its cells exchanged, and with its first cells at other places. */
#define OUTPUTS "0 6 sum P3; 6 7 sum P4; 7 8 gp P5; 6 9 gp P7; 9 10 gp P6"
    check_same("nasfpn", "1 3 gp P4; 1 5 sum P4; " OUTPUTS, "3 1 gp P4; 5 1 sum P4; " OUTPUTS, true);
    check_same("nasfpn", "1 3 gp P4; 1 5 sum P4; " OUTPUTS, "1 3 sum P4; 1 5 sum P4; " OUTPUTS, false);
    check_same("nasfpn", "0 1 gp P3; 2 3 sum P5; 0 5 sum P3; 1 6 sum P4; 2 6 sum P5; 3 4 sum P6; 4 3 sum P7",
               "2 3 sum P5; 0 1 gp P3; 1 5 sum P4; 0 6 sum P3; 2 5 sum P5; 4 3 sum P7; 3 4 sum P6", true);
    /* Nodes 0 and 5 are of one level: attention has a direction. */
    check_same("nasfpn", "0 1 sum P3; 0 5 gp P3; 0 5 sum P3; 1 6 sum P4; 2 6 sum P5; 3 4 sum P6; 4 3 sum P7",
               "0 1 sum P3; 5 0 gp P3; 0 5 sum P3; 1 6 sum P4; 2 6 sum P5; 3 4 sum P6; 4 3 sum P7", false);
    /* A skip without a layer to bridge; a depth that rounds to the same repeats. */
    check_same(
        "mnasnet",
        "mb6 k3 se0 none f20 l1; sep k5 se1 pool f24 l2; conv k3 se0 id f32 l1; mb3 k3 se0 id f48 l3; sep k3 se0 id f64 l1",
        "mb6 k3 se0 id f20 l1; sep k5 se1 pool f24 l2; conv k3 se0 none f32 l1; mb3 k3 se0 id f48 l3; sep k3 se0 pool f64 l1",
        true);
    check_same("mnasnet",
               "mb6 k3 se0 none f16 l1; sep k5 se1 pool f24 l2; conv k3 se0 id f32 l1; mb3 k3 se0 id f48 l3; sep k3 se0 id f64 l1",
               "mb6 k3 se0 id f16 l1; sep k5 se1 pool f24 l2; conv k3 se0 id f32 l1; mb3 k3 se0 id f48 l3; sep k3 se0 id f64 l1",
               false);
    check_same("compound", "depth 1.20 width 1.00 resolution 1.15", "depth 1.50 width 1.00 resolution 1.15", true);
    check_same("compound", "depth 1.00 width 1.00 resolution 1.15", "depth 1.20 width 1.00 resolution 1.15", false);
}

static int layer_start(int layer) {
    return 4 * layer + layer * (layer - 1) / 2;
}

/* The same layers in a random order that keeps every layer behind those that it reads. */
static void shuffle_layers(nlg_rng rng, int layers, const nlg_code *code, nlg_code *out) {
    int place[8], placed = 0;
    for (int i = 0; i < layers; i++) place[i] = -1;
    *out = (nlg_code){.length = code->length};
    for (uint64_t draw = 0; placed < layers; draw++) {
        const int layer = (int)nlg_rng_below(rng, draw, (uint64_t)layers);
        const int16_t *from = &code->value[layer_start(layer)];
        bool ready = place[layer] < 0;
        for (int i = 0; i < layer; i++) ready = ready && (!from[4 + i] || place[i] >= 0);
        if (!ready) continue;
        int16_t *to = &out->value[layer_start(placed)];
        memcpy(to, from, 4 * sizeof *to);
        for (int i = 0; i < layer; i++) {
            if (from[4 + i]) to[4 + place[i]] = 1;
        }
        place[layer] = placed++;
    }
}

static void shuffled_layers_have_one_hash(void **state) {
    (void)state;
    const nlg_space *space = space_of("nas");
    int moved = 0;
    for (uint64_t i = 0; i < 1000; i++) {
        nlg_code code = random_code(space, i), other;
        shuffle_layers(nlg_rng_stream(nlg_rng_seed(6), i), 6, &code, &other);
        assert_true(nlg_space_valid(space, &other));
        moved += !nlg_code_equal(&code, &other);
        assert_true(same_architecture(space, &code, &other));
    }
    assert_true(moved > 300);
}

/* Sums do not care for the order of their nodes, nor does attention between two levels. */
static void exchanged_nodes_of_a_pyramid_have_one_hash(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasfpn");
    for (uint64_t i = 0; i < 1000; i++) {
        nlg_code code = random_code(space, i), other = code;
        for (int cell = 0; cell < 7; cell++) {
            int16_t *v = &other.value[4 * cell];
            const int second = v[1] + (v[1] >= v[0]), first = v[0];
            if (v[3] != 0 && (first >= 5 || second >= 5)) continue; /* attention between levels that are not known here */
            v[0] = (int16_t)second;
            v[1] = (int16_t)(first - (first > second));
        }
        assert_true(nlg_space_valid(space, &other));
        assert_false(nlg_code_equal(&code, &other));
        assert_true(same_architecture(space, &code, &other));
    }
}

static void published_pyramid_is_in_the_space(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasfpn");
    nlg_code code;
    char text[NLG_GENOTYPE_MAX];
    assert_int_equal(space->decode(space, "1 3 gp P4; 1 5 sum P4; " OUTPUTS, &code, NULL), NLG_OK);
    space->encode(space, &code, text, sizeof text);
    assert_string_equal(text, "1 3 gp P4; 1 5 sum P4; " OUTPUTS);
    assert_true(cost_of(space, &code, 32, 32, 3).params > 0);
}

/* --- nasbench201 ---------------------------------------------------------------------------------------------------------- */

static nlg_code cell_of(const char *text) {
    const nlg_space *space = space_of("nasbench201");
    nlg_code code;
    nlg_error err = {0};
    if (space->decode(space, text, &code, &err) != NLG_OK) fail_msg("%s", err.text);
    return code;
}

static void nasbench201_has_6466_classes(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasbench201");
    assert_true(nlg_space_size(space) == 15625);
    int classes = 0;
    nlg_code code = {.length = 6}, canonical;
    for (int number = 0; number < 15625; number++) {
        for (int i = 0, rest = number; i < 6; i++, rest /= 5) code.value[i] = (int16_t)(rest % 5);
        nlg_space_canonical(space, &code, &canonical);
        classes += nlg_code_equal(&code, &canonical); /* canonical codes are fixed points, one a class */
    }
    assert_int_equal(classes, 6466);
    assert_int_equal(space->architectures, classes);
}

static void other_tables_have_the_sizes_they_name(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasbenchmacro");
    int classes = 0;
    nlg_code code = {.length = 8}, canonical;
    for (int number = 0; number < 6561; number++) {
        for (int i = 0, rest = number; i < 8; i++, rest /= 3) code.value[i] = (int16_t)(rest % 3);
        nlg_space_canonical(space, &code, &canonical);
        classes += nlg_code_equal(&code, &canonical);
    }
    assert_int_equal(classes, space->architectures);
    assert_true(nlg_space_size(space) == 6561);
    space = space_of("lineage");
    classes = 0;
    code = (nlg_code){.length = 5};
    for (int number = 0; number < 600; number++) {
        for (int i = 0, rest = number; i < 5; i++) {
            const int values = space->choices(space, i);
            code.value[i] = (int16_t)(rest % values);
            rest /= values;
        }
        nlg_space_canonical(space, &code, &canonical);
        classes += nlg_code_equal(&code, &canonical);
    }
    assert_int_equal(classes, space->architectures);
    assert_true(nlg_space_size(space) == 600);
    space = space_of("accelnas");
    assert_int_equal(space->architectures, 5125);
    for (uint64_t i = 0; i < 200; i++) { /* any code stands for a measured architecture */
        for (int j = 0; j < space->length; j++)
            code.value[j] =
                (int16_t)nlg_rng_below(nlg_rng_stream(nlg_rng_seed(8), i), (uint64_t)j, (uint64_t)space->choices(space, j));
        code.length = space->length;
        nlg_space_canonical(space, &code, &canonical);
        nlg_code measured = random_code(space, i), fixed;
        nlg_space_canonical(space, &canonical, &fixed);
        assert_true(nlg_code_equal(&canonical, &fixed));
        nlg_space_canonical(space, &measured, &fixed);
        assert_true(nlg_code_equal(&measured, &fixed));
    }
}

static void nasbench201_classes_are_the_benchmarks(void **state) {
    (void)state;
    const nlg_space *space = space_of("nasbench201");
    /* What a zero node feeds is zero; a skip is its input; what nothing reads does not matter. */
    static const char *const same[][2] = {
        {"|none~0|+|nor_conv_3x3~0|nor_conv_1x1~1|+|skip_connect~0|avg_pool_3x3~1|none~2|",
         "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"},
        {"|skip_connect~0|+|none~0|none~1|+|none~0|nor_conv_3x3~1|none~2|",
         "|nor_conv_1x1~0|+|none~0|none~1|+|nor_conv_3x3~0|none~1|none~2|"},
    };
    static const char *const other[][2] = {
        {"|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|none~0|none~1|skip_connect~2|",
         "|nor_conv_1x1~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|skip_connect~2|"},
        {"|none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "|none~0|+|none~0|none~1|+|skip_connect~0|none~1|none~2|"},
    };
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        nlg_code a = cell_of(same[i][0]), b = cell_of(same[i][1]);
        assert_true(same_architecture(space, &a, &b));
    }
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        nlg_code a = cell_of(other[i][0]), b = cell_of(other[i][1]);
        assert_false(same_architecture(space, &a, &b));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(searched_cells_are_rows),
        cmocka_unit_test(genotypes_round_trip),
        cmocka_unit_test(bad_genotypes_are_errors),
        cmocka_unit_test(mutation_changes_one_thing),
        cmocka_unit_test(canonical_codes_are_fixed_points),
        cmocka_unit_test(features_have_one_length),
        cmocka_unit_test(networks_can_be_built),
        cmocka_unit_test(isomorphic_cells_have_one_hash),
        cmocka_unit_test(sharing_a_block_is_not_repeating_it),
        cmocka_unit_test(degenerate_cells_are_legal),
        cmocka_unit_test(foreign_cells_are_refused),
        cmocka_unit_test(relabelled_graphs_have_one_hash),
        cmocka_unit_test(published_pyramid_is_in_the_space),
        cmocka_unit_test(shuffled_layers_have_one_hash),
        cmocka_unit_test(exchanged_nodes_of_a_pyramid_have_one_hash),
        cmocka_unit_test(parameters_are_read_and_named),
        cmocka_unit_test(parameters_change_the_network),
        cmocka_unit_test(pnas_cells_grow),
        cmocka_unit_test(nasbench201_has_6466_classes),
        cmocka_unit_test(nasbench201_classes_are_the_benchmarks),
        cmocka_unit_test(other_tables_have_the_sizes_they_name),
    };
    return cmocka_run_group_tests_name("spaces", tests, open_spaces, close_spaces);
}
