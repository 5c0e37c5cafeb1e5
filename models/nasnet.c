/* NASNet-A: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image Recognition", CVPR 2018
 * (arXiv 2017). The cells are Figure 4, the rows Tables 1 to 3; the network is built by cell_network.c.
 *
 * State 0 is h[i-1], as in the figure's left input. The normal cell concatenates it (adjusted to F filters) with the five
 * block outputs: nothing in the figure says so, the released code and the printed 4032 = 168 * 4 * 6 do. Parameter names are
 * timm's. */
#include "models/families.h"
#include "models/rows.h"

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
static const nlg_cell_genotype cells_one_input = {
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

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(nasnet_a_mobile, .family = &nlg_nasnet, .aliases = "nasnet_a nasnetamobile nasnetmobile", IMAGENET(224),
          CELLS(nlg_nasnet_a, ON_IMAGENET, NF(4, 44), .stem_filters = 32, AUX(128, 768)), PREPARE(HALF),
          PUBLISHED(5289978, 564000000, "Keras NASNetMobile, trainable; MACs: NASNet Table 3, 4 @ 1056"))
    MODEL(nasnet_a_5_1538, .family = &nlg_nasnet, IMAGENET(299),
          CELLS(nlg_nasnet_a, ON_IMAGENET, NF(5, 64), .stem_filters = 96, AUX(128, 768)), PREPARE(HALF),
          PUBLISHED(10900000, 2350000000, "NASNet Table 2, 5 @ 1538"),
          .deviations = "The printed size does not come out of the published cell (12.3M against 10.9M), and 1538 is no multiple of 24: what was "
                        "built for this row is not known. Stem width 96 is an assumption.\n")
    MODEL(nasnet_a_7_1920, .family = &nlg_nasnet, IMAGENET(299),
          CELLS(nlg_nasnet_a, ON_IMAGENET, NF(7, 80), .stem_filters = 96, AUX(128, 768)), PREPARE(HALF),
          PUBLISHED(22600000, 4930000000, "NASNet Table 2, 7 @ 1920"),
          .deviations = "The printed size does not come out of the published cell (24.6M against 22.6M). Stem width 96 is an assumption.\n")
    MODEL(nasnet_a_large, .family = &nlg_nasnet, IMAGENET(331),
          CELLS(nlg_nasnet_a, ON_IMAGENET, NF(6, 168), .stem_filters = 96, .skip_reduction_input = true, .drop_path = 0.3f, AUX(128, 768)),
          LARGE_CROP, PUBLISHED(88753150, 23800000000, "Keras NASNetLarge, trainable; MACs: NASNet Table 2, 6 @ 4032"))
    MODEL(nasnet_a_large_timm, .family = &nlg_nasnet, .aliases = "nasnetalarge", IMAGENET(331),
          CELLS(nlg_nasnet_a, .stem = NLG_STEM_IMAGENET, .norm_eps = 1e-3f, NF(6, 168), .stem_filters = 96, .skip_reduction_input = true,
                .pool_padding = NLG_POOL_PADDING_EXCLUDED_UNLESS_STRIDED),
          LARGE_CROP, PUBLISHED(88753150, 23783414658, TIMM),
          .deviations = "timm's form: average pools of stride 2 count the padding; no auxiliary head, dropout or drop path.\n")
    MODEL(nasnet_a_cifar_6_768, .family = &nlg_nasnet, .aliases = "nasnet_a_cifar", CIFAR,
          CELLS(nlg_nasnet_a, ON_CIFAR, NF(6, 32), .stem_filters = 96, .drop_path = 0.4f), PREPARE(CROP(1)),
          PUBLISHED(3300000, 0, "NASNet Table 1, 6 @ 768"))
    MODEL(nasnet_a_cifar_7_2304, .family = &nlg_nasnet, CIFAR,
          CELLS(nlg_nasnet_a, ON_CIFAR, NF(7, 96), .stem_filters = 288, .drop_path = 0.4f), PREPARE(CROP(1)),
          PUBLISHED(27600000, 0, "NASNet Table 1, 7 @ 2304"),
          .deviations = "The printed size does not come out of the published cell (32.6M against 27.6M).\n")
    MODEL(nasnet_a_small, .family = &nlg_nasnet, SMALL, CELLS(nlg_nasnet_a, .stem = NLG_STEM_CIFAR, NF(1, 12), .stem_filters = 36),
          .deviations = "The CIFAR form with N = 1 and F = 12 (the paper's smallest has 6 and 32); no drop path, no auxiliary head.\n")
    MODEL(nasnet_small, .family = &nlg_nasnet, SMALL, CELLS(nlg_nasnet_a, .stem = NLG_STEM_CIFAR, NF(1, 8), .stem_filters = 24),
          .deviations = "The CIFAR form with N = 1 and F = 8 (the paper's smallest has 6 and 32), the size of the search space nasnet_small; no drop "
                        "path, no auxiliary head.\n")
    MODEL(cells_small, .family = &nlg_nasnet, SMALL,
          CELLS(cells_one_input, .stem = NLG_STEM_CIFAR, NF(2, 8), .stem_filters = 24, .reduction = NLG_REDUCTION_POOL,
                .pool_padding = NLG_POOL_PADDING_COUNTED),
          .deviations = "Not a network of the paper: for timing beside other programs. Cells of NASNet-A's kinds of blocks that read h[i] only; "
                        "maximum pools in place of reduction cells; average pools count the padding; N = 2, F = 8.\n")
};
ROWS(nasnet, rows)
// clang-format on
