/* The NASNet cell space: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR
 * 2018, Section 3.2.
 *
 * A normal and a reduction cell of B = 5 blocks, thirteen operations, both cells searched together; in the search the network has
 * N = 2 normal cells a stage and F = 32 filters. Mutation is that of Real et al. (AAAI 2019): one input state or one operation.
 *
 * Deviations: combination is always addition (the paper lets the search choose concatenation too; none of its best cells does).
 * 3x3 and 1x7-7x1 convolutions are bottlenecks, as in the released code. No drop path, no auxiliary head. */
#include "search/spaces/common/cell_space.h"
#include "search/spaces/common/build.h"

static const nlg_cell_op ops[] = {
    NLG_CELL_IDENTITY, NLG_CELL_CONV_1X3_3X1, NLG_CELL_CONV_1X7_7X1, NLG_CELL_DIL_3X3,  NLG_CELL_AVG_3X3,
    NLG_CELL_MAX_3X3,  NLG_CELL_MAX_5X5,      NLG_CELL_MAX_7X7,      NLG_CELL_CONV_1X1, NLG_CELL_CONV_3X3,
    NLG_CELL_SEP_3X3,  NLG_CELL_SEP_5X5,      NLG_CELL_SEP_7X7,
};

static const nlg_cell_space spec = {
    .ops = ops,
    .n_ops = sizeof ops / sizeof ops[0],
    .cells = 2,
    .macro = {.stem = NLG_STEM_CIFAR},
};

static const nlg_space_parameter parameters[NLG_CELL_SPACE_PARAMETERS] = {
    {"B", 5, 1, 8, "blocks of a cell", NULL},
    {"N", 2, 1, 18, "normal cells of a stage", NULL},
    {"F", 32, 4, 168, "filters of the first stage", NULL},
};

const nlg_space nlg_space_nasnet = {
    .name = "nasnet",
    .summary = "normal and reduction cell of B blocks, 13 operations (NASNet)",
    .source = "Zoph, Vasudevan, Shlens, Le: NASNet, CVPR 2018",
    .parameters = parameters,
    .n_parameters = NLG_CELL_SPACE_PARAMETERS,
    .open = nlg_cell_space_open,
    .spec = &spec,
    NLG_CELL_SPACE_FUNCTIONS,
};
