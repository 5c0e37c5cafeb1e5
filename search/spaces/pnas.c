/* The cell space of PNAS: Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture
 * Search", ECCV 2018, Section 3.
 *
 * One cell, with stride 2 where the image shrinks; up to B = 5 blocks, eight operations, addition. A code may stop after any block:
 * a search can grow cells block by block. In the search the network has N = 2 cells a stage and F = 24 filters. The first cell of
 * the second and third stage has stride 2 and is one of the N.
 *
 * Deviation: no drop path, no auxiliary head. */
#include "search/spaces/common/cell_space.h"
#include "search/spaces/common/build.h"

static const nlg_cell_op ops[] = {
    NLG_CELL_SEP_3X3,  NLG_CELL_SEP_5X5, NLG_CELL_SEP_7X7, NLG_CELL_CONV_1X7_7X1,
    NLG_CELL_IDENTITY, NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3, NLG_CELL_DIL_3X3,
};

static const nlg_cell_space spec = {
    .ops = ops,
    .n_ops = sizeof ops / sizeof ops[0],
    .cells = 1,
    .macro = {.stem = NLG_STEM_CIFAR, .reduction = NLG_REDUCTION_COUNTED},
};

static const nlg_space_parameter parameters[NLG_CELL_SPACE_PARAMETERS] = {
    {"B", 5, 1, 8, "blocks of the cell, at most", NULL},
    {"N", 2, 1, 18, "cells of a stage", NULL},
    {"F", 24, 4, 216, "filters of the first stage", NULL},
};

const nlg_space nlg_space_pnas = {
    .name = "pnas",
    .summary = "one cell of up to B blocks, 8 operations; grows block by block (PNAS)",
    .source = "Liu et al.: Progressive NAS, ECCV 2018",
    .block = 4,
    .parameters = parameters,
    .n_parameters = NLG_CELL_SPACE_PARAMETERS,
    .open = nlg_cell_space_open,
    .spec = &spec,
    NLG_CELL_SPACE_FUNCTIONS,
};
