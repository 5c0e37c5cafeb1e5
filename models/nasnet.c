/* NASNet-A: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018
 * (arXiv 2017). The cells are Figure 4, the rows Tables 1 to 3; the network is built by cell_network.c.
 *
 * State 0 is h[i-1], as in the figure's left input. The normal cell concatenates it (adjusted to F filters) with the five
 * block outputs: nothing in the figure says so, the released code and the printed 4032 = 168 * 4 * 6 do. Parameter names are
 * timm's. */
#include "models/families.h"

const nlg_cell_genotype nlg_nasnet_a = {
    .normal = {.n_blocks = 5,
               .blocks = {{{1, 0}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_3X3}},
                          {{0, 0}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_3X3}},
                          {{1, 0}, {NLG_CELL_AVG_3X3, NLG_CELL_IDENTITY}},
                          {{0, 0}, {NLG_CELL_AVG_3X3, NLG_CELL_AVG_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}}},
               .concat = NLG_STATE(0) | NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
    .reduction = {.n_blocks = 5,
                  .blocks = {{{1, 0}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_7X7}},
                             {{1, 0}, {NLG_CELL_MAX_3X3, NLG_CELL_SEP_7X7}},
                             {{1, 0}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_5X5}},
                             {{3, 2}, {NLG_CELL_IDENTITY, NLG_CELL_AVG_3X3}},
                             {{2, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_MAX_3X3}}},
                  .concat = NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

/* Every state is h[i] in the peers' stand-in for a normal cell. */
const nlg_cell_genotype nlg_cells_one_input = {
    .normal = {.n_blocks = 5,
               .blocks = {{{1, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}},
                          {{1, 1}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_5X5, NLG_CELL_AVG_3X3}},
                          {{1, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_AVG_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}}},
               .concat = NLG_STATE(1) | NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_family nlg_nasnet = {
    .name = "NASNet",
    .title = "Learning Transferable Architectures for Scalable Image Recognition",
    .authors = "B. Zoph, V. Vasudevan, J. Shlens, Q. V. Le",
    .venue = "CVPR 2018, arXiv 1707.07012",
    .year = 2017,
    .designer = NLG_SEARCHED,
    .deviations =
        "The normal cell concatenates h[i-1] as well, as the released code and the printed widths have it.\n"
        "Drop path has its final rate from the first step; the released code raises it over the training.\n"
        "Printed sizes include the running statistics of batch norm (mobile 5,326,716, large 88,949,818); we count trainable "
        "parameters.\n",
    .build = nlg_build_cell_model,
    .genotypes = &nlg_cell_genotypes,
};
