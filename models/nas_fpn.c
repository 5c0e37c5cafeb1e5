/* The pyramid of NAS-FPN and its text form: Ghiasi, Lin, Pang, Le, CVPR 2019, Figure 6 (the 7-cell pyramid). */
#include <stdio.h>
#include <string.h>

#include "models/families.h"

enum { FIRST_LEVEL = 3 };

static const nlg_fpn_cell published[] = {
    {.level = 4, .op = NLG_FPN_GLOBAL_POOL, .in = {1, 3}},
    {.level = 4, .op = NLG_FPN_SUM, .in = {1, 5}},
    {.level = 3, .op = NLG_FPN_SUM, .in = {0, 6}, .output = true},
    {.level = 4, .op = NLG_FPN_SUM, .in = {6, 7}, .output = true},
    {.level = 5, .op = NLG_FPN_GLOBAL_POOL, .in = {7, 8}, .output = true},
    {.level = 7, .op = NLG_FPN_GLOBAL_POOL, .in = {6, 9}, .output = true},
    {.level = 6, .op = NLG_FPN_GLOBAL_POOL, .in = {9, 10}, .output = true},
};
const nlg_fpn_stack nlg_nas_fpn_stack = {.n_cells = sizeof published / sizeof *published, .cells = published};

size_t nlg_fpn_print(const nlg_fpn_stack *stack, char *text, size_t size) {
    size_t length = 0;
    for (int i = 0; i < stack->n_cells; i++) {
        const nlg_fpn_cell *cell = &stack->cells[i];
        char part[64];
        snprintf(part, sizeof part, "%s%d %d %s P%d", i > 0 ? "; " : "", cell->in[0], cell->in[1],
                 cell->op == NLG_FPN_SUM ? "sum" : "gp", cell->level);
        for (const char *c = part; *c != '\0'; c++, length++)
            if (length + 1 < size) text[length] = *c;
    }
    if (size > 0) text[length < size ? length : size - 1] = '\0';
    return length;
}

nlg_status nlg_fpn_parse(const char *text, nlg_fpn_cell cells[NLG_FPN_CELLS_MAX], int *n_cells, nlg_error *err) {
    unsigned outputs = 0;
    int n = 0;
    for (const char *at = text;;) {
        char op[4] = "";
        int in[2] = {-1, -1}, level = 0, used = 0;
        const bool complete = sscanf(at, " %2d %2d %3[a-z] P%1d %n", &in[0], &in[1], op, &level, &used) == 4;
        const bool is_sum = strcmp(op, "sum") == 0;
        if (!complete || (!is_sum && strcmp(op, "gp") != 0) || (at[used] != ';' && at[used] != '\0'))
            return nlg_fail(err, NLG_ERR_INPUT,
                            "genotype, merging cell %d: expected two nodes, sum or gp, and a level, such as '1 3 gp P4;', found "
                            "'%.24s'",
                            n, at);
        if (n == NLG_FPN_CELLS_MAX)
            return nlg_fail(err, NLG_ERR_INPUT, "genotype: expected up to %d merging cells, found more", NLG_FPN_CELLS_MAX);
        if (level < FIRST_LEVEL || level >= FIRST_LEVEL + NLG_FPN_LEVELS)
            return nlg_fail(err, NLG_ERR_INPUT, "genotype, merging cell %d: expected a level from P%d to P%d, found P%d", n,
                            FIRST_LEVEL, FIRST_LEVEL + NLG_FPN_LEVELS - 1, level);
        for (int k = 0; k < 2; k++)
            if (in[k] < 0 || in[k] >= NLG_FPN_LEVELS + n)
                return nlg_fail(err, NLG_ERR_INPUT, "genotype, merging cell %d: expected nodes from 0 to %d, found %d", n,
                                NLG_FPN_LEVELS + n - 1, in[k]);
        cells[n++] = (nlg_fpn_cell){.level = level, .op = is_sum ? NLG_FPN_SUM : NLG_FPN_GLOBAL_POOL, .in = {in[0], in[1]}};
        at += used;
        if (*at++ == '\0') break;
    }
    for (int i = n < NLG_FPN_LEVELS ? 0 : n - NLG_FPN_LEVELS; i < n; i++) {
        cells[i].output = true;
        outputs |= 1u << (cells[i].level - FIRST_LEVEL);
    }
    if (n < NLG_FPN_LEVELS || outputs != (1u << NLG_FPN_LEVELS) - 1)
        return nlg_fail(err, NLG_ERR_INPUT, "genotype: the last five merging cells must have the levels P3 to P7, one each");
    *n_cells = n;
    return NLG_OK;
}

/* ---- rows with other pyramids ----------------------------------------------------------------------------------------- */

static size_t print(const void *spec, char *text, size_t size) {
    const nlg_detector_spec *d = spec;
    return nlg_fpn_print(d->stack != NULL ? d->stack : &nlg_nas_fpn_stack, text, size);
}

static nlg_status paste(const void *spec, const char *text, nlg_arena *arena, const void **pasted, nlg_error *err) {
    nlg_detector_spec *d = nlg_arena_alloc(arena, 1, sizeof *d);
    nlg_fpn_stack *stack = nlg_arena_alloc(arena, 1, sizeof *stack);
    nlg_fpn_cell *cells = nlg_arena_alloc(arena, NLG_FPN_CELLS_MAX, sizeof *cells);
    if (d == NULL || stack == NULL || cells == NULL) return nlg_fail_memory(err, sizeof *d, "a genotype");
    NLG_TRY(nlg_fpn_parse(text, cells, &stack->n_cells, err));
    stack->cells = cells;
    memcpy(d, spec, sizeof *d);
    d->stack = stack;
    *pasted = d;
    return NLG_OK;
}

const nlg_genotype_form nlg_fpn_genotypes = {print, paste};
