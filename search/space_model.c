/* Spaces as families of models. Cells become a row of the cell networks, whose drawings and text form then fit too. */
#include "search/space_model.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models/cells.h"

typedef struct architecture {
    const nlg_space *space;
    nlg_code code;
} architecture;

static nlg_status build_graph(const nlg_model *model, nlg_shape input, int classes, nlg_graph **graph, nlg_error *err) {
    const architecture *a = model->spec;
    return a->space->build(a->space, &a->code, input.h, input.w, input.c, classes, graph, err);
}

static size_t print(const void *spec, char *text, size_t size) {
    const architecture *a = spec;
    char genotype[NLG_GENOTYPE_MAX];
    a->space->encode(a->space, &a->code, genotype, sizeof genotype);
    snprintf(text, size, "%s", genotype);
    return strlen(genotype);
}

static nlg_status paste(const void *spec, const char *text, nlg_arena *arena, const void **pasted, nlg_error *err) {
    architecture *a = nlg_arena_alloc(arena, 1, sizeof *a);
    if (!a) return nlg_fail_memory(err, sizeof *a, "an architecture");
    memcpy(a, spec, sizeof *a);
    *pasted = a;
    return a->space->decode(a->space, text, &a->code, err);
}

static const nlg_genotype_form genotypes = {print, paste};

/* The year that ends "Tan et al.: MnasNet, CVPR 2019"; 0: none. */
static int year_of(const char *source) {
    const size_t length = strlen(source);
    return length >= 4 && isdigit((unsigned char)source[length - 4]) ? atoi(source + length - 4) : 0;
}

static nlg_status describe(const nlg_space *space, nlg_arena *arena, nlg_family *family, nlg_model *model, nlg_error *err) {
    const char *name = nlg_arena_printf(arena, "space %.*s", (int)strcspn(space->name, ":"), space->name);
    const char *own = nlg_arena_printf(arena, "%s", space->name);
    const char *deviations =
        nlg_arena_printf(arena, "An architecture of the search space %s (%s), built as the space's own description says.",
                         space->name, space->source);
    if (!name || !own || !deviations) return nlg_fail_memory(err, 256, "a model");
    *family = (nlg_family){.name = name,
                           .title = space->summary,
                           .authors = space->source,
                           .venue = "search space",
                           .year = year_of(space->source),
                           .designer = NLG_SEARCHED};
    *model = (nlg_model){.name = own, .aliases = "", .family = family, .any_input = true, .deviations = deviations};
    return NLG_OK;
}

nlg_status nlg_space_model(const nlg_space *space, const char *genotype, nlg_shape input, int classes, nlg_arena *arena,
                           const nlg_model **model, nlg_error *err) {
    nlg_model *m = nlg_arena_alloc(arena, 1, sizeof *m);
    nlg_family *family = nlg_arena_alloc(arena, 1, sizeof *family);
    architecture *a = nlg_arena_alloc(arena, 1, sizeof *a);
    while (isspace((unsigned char)*genotype)) genotype++;
    size_t length = strlen(genotype);
    while (length > 0 && isspace((unsigned char)genotype[length - 1])) length--;
    const char *text = nlg_arena_printf(arena, "%.*s", (int)length, genotype);
    if (!m || !family || !a || !text) return nlg_fail_memory(err, sizeof *a, "a model");
    if (!space->build) return nlg_fail(err, NLG_ERR_INPUT, "space %s has no networks", space->name);
    a->space = space;
    NLG_TRY(space->decode(space, text, &a->code, err));
    NLG_TRY(describe(space, arena, family, m, err));
    m->spec = space->cells ? space->cells(space, &a->code, arena) : (const void *)a;
    if (!m->spec) return nlg_fail_memory(err, sizeof *a, "the cells of a model");
    if (space->cells) {
        family->build = nlg_build_cell_model;
        family->genotypes = &nlg_cell_genotypes;
    } else {
        family->build_graph = build_graph;
        family->genotypes = &genotypes;
    }
    const int *own = space->input;
    m->input = input.c > 0 ? input
               : own[0]    ? (nlg_shape){.c = own[0], .h = own[1], .w = own[2]}
                           : (nlg_shape){.c = 3, .h = 32, .w = 32};
    m->classes = classes > 0 ? classes : space->classes ? space->classes : 10;
    m->small = m->input.h <= 32;
    *model = m;
    return NLG_OK;
}
