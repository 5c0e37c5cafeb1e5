/* AmoebaNet: Real, Aggarwal, Huang, Le, "Regularized Evolution for Image Classifier Architecture Search", AAAI 2019 (arXiv
 * 2018). A is the paper's Figure 5; B and C come from its appendix, D from the authors' TPU code, which holds the tables of all
 * four (its numbering of the two inputs is the other way round; ours is 0 = h[i-1]). (N, F) are those of Tables 1 and 2, for D
 * those of Huang et al., "GPipe", 2019, Table 1.
 *
 * The concatenation is that of the released flags, which hold more states than the loose ends: only with them do the printed
 * sizes come out. Built by cell_network.c; no implementation with published parameter names exists, they follow NASNet's. */
#include "models/families.h"
#include "models/rows.h"

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

static const nlg_family amoebanet = {
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

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define EVOLVED_CIFAR(cells, n, f)                                                                                                   \
    CIFAR, CELLS(cells, ON_CIFAR, NF(n, f), .stem_filters = 3 * (f), .drop_path = 0.4f), PREPARE(CROP(1))
#define EVOLVED_IMAGENET(cells, n, f)                                                                                                \
    CELLS(cells, ON_IMAGENET, NF(n, f), .stem_filters = 32, .drop_path = 0.3f, .drop_path_constant = true, AUX(51, 307)), PREPARE(HALF)
#define DILATED "The 5x5 separable convolution of the reduction cell is dilated, as its name says; the released code drops the dilation.\n"
#define GPIPE "AmoebaNet-D of the authors' TPU code; the stem is that code's (32 filters, stem cells of F/4 and F/2).\n"

static const nlg_model rows[] = {
    MODEL(amoebanet_a_mobile, .family = &amoebanet, .aliases = "amoebanet_a", IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_a, 4, 50),
          PUBLISHED(5100000, 555000000, "AmoebaNet mobile table, N = 4, F = 50"))
    MODEL(amoebanet_a_large, .family = &amoebanet, IMAGENET(331), EVOLVED_IMAGENET(nlg_amoebanet_a, 6, 190),
          PUBLISHED(86700000, 23100000000, "AmoebaNet Table 2, N = 6, F = 190"))
    MODEL(amoebanet_a_448, .family = &amoebanet, IMAGENET(331), EVOLVED_IMAGENET(nlg_amoebanet_a, 6, 448),
          PUBLISHED(469000000, 104000000000, "AmoebaNet Table 2, N = 6, F = 448"),
          .deviations = "The printed 104G multiply-adds are the cost at 299 x 299 (103.9G); at 331 x 331 it is 126.5G. Size: 468.2M here, 469M printed.\n")
    MODEL(amoebanet_a_cifar_32, .family = &amoebanet, .aliases = "amoebanet_a_cifar", EVOLVED_CIFAR(nlg_amoebanet_a, 6, 32),
          PUBLISHED(2600000, 0, "AmoebaNet Table 1, N = 6, F = 32"))
    MODEL(amoebanet_a_cifar_36, .family = &amoebanet, EVOLVED_CIFAR(nlg_amoebanet_a, 6, 36),
          PUBLISHED(3200000, 0, "AmoebaNet Table 1, N = 6, F = 36"))

    MODEL(amoebanet_b_mobile, .family = &amoebanet, .aliases = "amoebanet_b", IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_b, 3, 62),
          PUBLISHED(5300000, 555000000, "AmoebaNet mobile table, N = 3, F = 62"), .deviations = DILATED)
    MODEL(amoebanet_b_large, .family = &amoebanet, IMAGENET(331), EVOLVED_IMAGENET(nlg_amoebanet_b, 6, 190),
          PUBLISHED(84000000, 22300000000, "AmoebaNet large table, N = 6, F = 190"),
          .deviations = DILATED "F = 190 gives 79.0M and 20.9G against the printed 84.0M and 22.3G; F = 196 would give both.\n")
    MODEL(amoebanet_b_gpipe, .family = &amoebanet, .aliases = "gpipe", .year = 2019, IMAGENET(480), EVOLVED_IMAGENET(nlg_amoebanet_b, 6, 512),
          PUBLISHED(557000000, 0, "EfficientNet Table 2, GPipe: AmoebaNet-B (N = 6, F = 512)"), .deviations = DILATED)
    MODEL(amoebanet_b_cifar_36, .family = &amoebanet, .aliases = "amoebanet_b_cifar", EVOLVED_CIFAR(nlg_amoebanet_b, 6, 36),
          PUBLISHED(2800000, 0, "PNASNet CIFAR table, N = 6, F = 36"), .deviations = DILATED)
    MODEL(amoebanet_b_cifar_128, .family = &amoebanet, EVOLVED_CIFAR(nlg_amoebanet_b, 6, 128),
          PUBLISHED(34900000, 0, "AmoebaNet CIFAR table, N = 6, F = 128"), .deviations = DILATED)

    MODEL(amoebanet_c_mobile, .family = &amoebanet, .aliases = "amoebanet_c", IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_c, 4, 50),
          PUBLISHED(6400000, 570000000, "AmoebaNet mobile table, N = 4, F = 50"),
          .deviations = "The size matches; the cost is 677M here against the printed 570M, unexplained (the large form matches in both).\n")
    MODEL(amoebanet_c_large, .family = &amoebanet, IMAGENET(331), EVOLVED_IMAGENET(nlg_amoebanet_c, 6, 228),
          PUBLISHED(155300000, 41100000000, "AmoebaNet large table, N = 6, F = 228"))

    MODEL(amoebanet_d, .family = &amoebanet, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 6, 256), .deviations = GPIPE)
    MODEL(amoebanet_d_18_208, .family = &amoebanet, .year = 2019, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 6, 208),
          PUBLISHED(82000000, 0, "GPipe Table 1, AmoebaNet-D (18, 208)"), .deviations = GPIPE "81.1M here against the printed 82M.\n")
    MODEL(amoebanet_d_18_416, .family = &amoebanet, .year = 2019, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 6, 416),
          PUBLISHED(318000000, 0, "GPipe Table 1, AmoebaNet-D (18, 416)"), .deviations = GPIPE)
    MODEL(amoebanet_d_18_544, .family = &amoebanet, .year = 2019, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 6, 544),
          PUBLISHED(542000000, 0, "GPipe Table 1, AmoebaNet-D (18, 544)"), .deviations = GPIPE "540.2M here against the printed 542M.\n")
    MODEL(amoebanet_d_36_544, .family = &amoebanet, .year = 2019, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 12, 544),
          PUBLISHED(1050000000, 0, "GPipe Table 1, AmoebaNet-D (36, 544)"), .deviations = GPIPE)
    MODEL(amoebanet_d_72_512, .family = &amoebanet, .year = 2019, IMAGENET(224), EVOLVED_IMAGENET(nlg_amoebanet_d, 24, 512),
          PUBLISHED(1800000000, 0, "GPipe Table 1, AmoebaNet-D (72, 512)"), .deviations = GPIPE)
    MODEL(amoebanet_small, .family = &amoebanet, SMALL, CELLS(nlg_amoebanet_a, .stem = NLG_STEM_CIFAR, NF(1, 12), .stem_filters = 36),
          .deviations = "AmoebaNet-A's CIFAR form with N = 1 and F = 12 (the paper's smallest has 6 and 32); no drop path, no auxiliary head.\n")
};
ROWS(amoebanet, rows)
// clang-format on
