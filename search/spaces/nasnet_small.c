/* The NASNet cell space in a size that trains in seconds: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for
 * Scalable Image Recognition", CVPR 2018, Section 3.2.
 *
 * A normal and a reduction cell of 4 blocks each (the paper: 5) with five of the paper's operations; combination is always
 * addition. Network: the CIFAR form with N = 1 and F = 8 (the paper's smallest search has N = 2, F = 32), 28x28x1 or 32x32x3, 10
 * classes; no drop path, no auxiliary head. */
#include "search/cell_space.h"
#include "search/network.h"

static const nlg_cell_op ops[] = {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3, NLG_CELL_SEP_5X5, NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3};

static const nlg_cell_space spec = {
    .ops = ops,
    .n_ops = sizeof ops / sizeof ops[0],
    .cells = 2,
    .macro = {.stem = NLG_STEM_CIFAR, .repeats = 1, .filters = 8},
};

const nlg_space nlg_space_nasnet_small = {
    .name = "nasnet_small",
    .summary = "normal and reduction cell of 4 blocks, 5 operations; N = 1, F = 8 (NASNet, small images)",
    .source = "after Zoph, Vasudevan, Shlens, Le: NASNet, CVPR 2018",
    .length = 2 * 4 * 4,
    .spec = &spec,
    NLG_CELL_SPACE_FUNCTIONS,
};
