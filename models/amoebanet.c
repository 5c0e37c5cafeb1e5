/* AmoebaNet: Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019 (arXiv
 * 2018). A is the paper's Figure 5; B and C come from its appendix, D from the authors' TPU code, which holds the tables of all
 * four (its numbering of the two inputs is the other way round; ours is 0 = h[i-1]). (N, F) are those of Tables 1 and 2, for D
 * those of Huang et al., "GPipe", 2019, Table 1.
 *
 * The concatenation is that of the released flags, which hold more states than the loose ends: only with them do the printed
 * sizes come out. Built by cell_network.c; no implementation with published parameter names exists, they follow NASNet's. */
#include "models/families.h"

const nlg_cell_genotype nlg_amoebanet_a = {
    .normal = {.n_blocks = 5,
               .blocks = {{{1, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3}},
                          {{0, 0}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}},
                          {{1, 0}, {NLG_CELL_IDENTITY, NLG_CELL_AVG_3X3}},
                          {{1, 2}, {NLG_CELL_SEP_3X3, NLG_CELL_SEP_5X5}},
                          {{5, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_3X3}}},
               .concat = NLG_STATE(0) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(6)},
    .reduction = {.n_blocks = 5,
                  .blocks = {{{0, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_AVG_3X3}},
                             {{1, 2}, {NLG_CELL_MAX_3X3, NLG_CELL_SEP_7X7}},
                             {{0, 1}, {NLG_CELL_MAX_3X3, NLG_CELL_MAX_3X3}},
                             {{4, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_CONV_1X7_7X1}},
                             {{0, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_7X7}}},
                  .concat = NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_cell_genotype nlg_amoebanet_b = {
    .normal = {.n_blocks = 5,
               .blocks = {{{0, 0}, {NLG_CELL_CONV_1X1, NLG_CELL_MAX_3X3}},
                          {{0, 1}, {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3}},
                          {{0, 1}, {NLG_CELL_CONV_1X1, NLG_CELL_SEP_3X3}},
                          {{2, 2}, {NLG_CELL_CONV_1X1, NLG_CELL_IDENTITY}},
                          {{0, 5}, {NLG_CELL_AVG_3X3, NLG_CELL_CONV_1X1}}},
               .concat = NLG_STATE(1) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(6)},
    .reduction = {.n_blocks = 5,
                  .blocks = {{{1, 1}, {NLG_CELL_MAX_2X2, NLG_CELL_MAX_3X3}},
                             {{2, 0}, {NLG_CELL_IDENTITY, NLG_CELL_CONV_3X3}},
                             {{2, 2}, {NLG_CELL_DIL_SEP_5X5, NLG_CELL_MAX_3X3}},
                             {{3, 0}, {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3}},
                             {{4, 3}, {NLG_CELL_AVG_3X3, NLG_CELL_CONV_1X1}}},
                  .concat = NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_cell_genotype nlg_amoebanet_c = {
    .normal = {.n_blocks = 5,
               .blocks = {{{1, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_3X3}},
                          {{1, 1}, {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3}},
                          {{2, 0}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_3X3}},
                          {{1, 0}, {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3}},
                          {{3, 1}, {NLG_CELL_AVG_3X3, NLG_CELL_SEP_3X3}}},
               .concat = NLG_STATE(0) | NLG_STATE(2) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
    .reduction = {.n_blocks = 5,
                  .blocks = {{{1, 1}, {NLG_CELL_MAX_3X3, NLG_CELL_MAX_3X3}},
                             {{2, 1}, {NLG_CELL_SEP_7X7, NLG_CELL_SEP_3X3}},
                             {{1, 0}, {NLG_CELL_SEP_7X7, NLG_CELL_MAX_3X3}},
                             {{4, 4}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_5X5}},
                             {{0, 0}, {NLG_CELL_MAX_3X3, NLG_CELL_SEP_3X3}}},
                  .concat = NLG_STATE(1) | NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_cell_genotype nlg_amoebanet_d = {
    .normal = {.n_blocks = 5,
               .blocks = {{{0, 0}, {NLG_CELL_CONV_1X1, NLG_CELL_MAX_3X3}},
                          {{0, 1}, {NLG_CELL_IDENTITY, NLG_CELL_CONV_1X7_7X1}},
                          {{1, 1}, {NLG_CELL_CONV_1X1, NLG_CELL_CONV_1X7_7X1}},
                          {{2, 2}, {NLG_CELL_MAX_3X3, NLG_CELL_IDENTITY}},
                          {{0, 5}, {NLG_CELL_AVG_3X3, NLG_CELL_CONV_1X1}}},
               .concat = NLG_STATE(1) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(6)},
    .reduction = {.n_blocks = 5,
                  .blocks = {{{1, 1}, {NLG_CELL_MAX_2X2, NLG_CELL_MAX_3X3}},
                             {{2, 0}, {NLG_CELL_IDENTITY, NLG_CELL_CONV_3X3}},
                             {{2, 2}, {NLG_CELL_CONV_1X7_7X1, NLG_CELL_MAX_3X3}},
                             {{3, 0}, {NLG_CELL_IDENTITY, NLG_CELL_MAX_2X2}},
                             {{2, 3}, {NLG_CELL_AVG_3X3, NLG_CELL_CONV_1X1}}},
                  .concat = NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

const nlg_family nlg_amoebanet = {
    .name = "AmoebaNet",
    .title = "Regularized Evolution for Image Classifier Architecture Search",
    .authors = "E. Real, A. Aggarwal, Y. Huang, Q. V. Le",
    .venue = "AAAI 2019, arXiv 1802.01548",
    .year = 2018,
    .designer = NLG_SEARCHED,
    .deviations =
        "Concatenated states are those of the released flags, not the loose ends of the figures: only they give the printed "
        "sizes.\n"
        "Convolutions 3x3 and 1x7-7x1 are bottlenecks of F/4, as in the released code.\n"
        "An odd width is split into floor and remainder in a factorized reduction; the released code takes even widths only.\n"
        "1,000 classes; the released code, and so the printed sizes, have 1,001.\n"
        "CIFAR forms have NASNet's stem of 3F filters: an assumption that gives the printed sizes.\n"
        "Drop path has its final rate from the first step.\n",
    .build = nlg_build_cell_model,
    .genotypes = &nlg_cell_genotypes,
};
