/* PNASNet-5: Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search",
 * ECCV 2018. The cell is Figure 1 (left); (N, F) are those of Tables 3 to 5. There is one cell for both purposes: with stride 2 it
 * reduces, and such cells count among the N of their stage. Built by cell_network.c; parameter names are timm's. */
#include "models/families.h"

const nlg_cell_genotype nlg_pnasnet_5 = {
    .normal = {.n_blocks = 5,
               .blocks = {{{0, 0}, {NLG_CELL_SEP_5X5, NLG_CELL_MAX_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_7X7, NLG_CELL_MAX_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_3X3}},
                          {{4, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_MAX_3X3}},
                          {{0, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}}},
               .concat = NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_family nlg_pnasnet = {
    .name = "PNASNet",
    .title = "Progressive Neural Architecture Search",
    .authors = "C. Liu, B. Zoph, M. Neumann, J. Shlens, W. Hua, L.-J. Li, L. Fei-Fei, A. Yuille, J. Huang, K. Murphy",
    .venue = "ECCV 2018, arXiv 1712.00559",
    .year = 2018,
    .designer = NLG_SEARCHED,
    .deviations = "All five block outputs are concatenated, the one that another block reads too, as in the released code.\n"
                  "Drop path has its final rate from the first step; the released code raises it over the training.\n",
    .build = nlg_build_cell_model,
    .genotypes = &nlg_cell_genotypes,
};
