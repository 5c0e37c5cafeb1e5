/* The NASNet cell space in a size that trains in seconds: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for
 * Scalable Image Recognition", CVPR 2018, Section 3.2.
 *
 * A normal and a reduction cell of B = 4 blocks each (the paper: 5) with five of the paper's operations; combination is always
 * addition. Network: the CIFAR form with N = 1 and F = 8 (the paper's smallest search has N = 2, F = 32), 28x28x1 or 32x32x3, 10
 * classes; no drop path, no auxiliary head. */
#include "search/spaces/common/cell_space.h"
#include "search/spaces/common/build.h"

static const nlg_cell_op ops[] = {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3, NLG_CELL_SEP_5X5, NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3};

static const nlg_cell_space spec = {
    .ops = ops,
    .n_ops = sizeof ops / sizeof ops[0],
    .cells = 2,
    .macro = {.stem = NLG_STEM_CIFAR},
};

static const nlg_space_parameter parameters[NLG_CELL_SPACE_PARAMETERS] = {
    {"B", 4, 1, 8, "blocks of a cell", NULL},
    {"N", 1, 1, 18, "normal cells of a stage", NULL},
    {"F", 8, 4, 168, "filters of the first stage", NULL},
};

const nlg_space nlg_space_nasnet_small = {
    .name = "nasnet_small",
    .summary = "normal and reduction cell of B blocks, 5 operations (NASNet, small images)",
    .source = "after Zoph, Vasudevan, Shlens, Le: NASNet, CVPR 2018",
    .parameters = parameters,
    .n_parameters = NLG_CELL_SPACE_PARAMETERS,
    .open = nlg_cell_space_open,
    .spec = &spec,
    NLG_CELL_SPACE_FUNCTIONS,
};
