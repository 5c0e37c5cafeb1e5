/* PNASNet-5: Liu, Zoph, Neumann, Shlens, Hua, Li, Fei-Fei, Yuille, Huang, Murphy, "Progressive Neural Architecture Search",
 * ECCV 2018. The cell is Figure 1 (left); (N, F) are those of Tables 3 to 5. There is one cell for both purposes: with stride 2 it
 * reduces, and such cells count among the N of their stage. Built by cell_network.c; parameter names are timm's. */
#include "models/families.h"
#include "models/rows.h"

const nlg_cell_genotype nlg_pnasnet_5 = {
    .normal = {.n_blocks = 5,
               .blocks = {{{0, 0}, {NLG_CELL_SEP_5X5, NLG_CELL_MAX_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_7X7, NLG_CELL_MAX_3X3}},
                          {{1, 1}, {NLG_CELL_SEP_5X5, NLG_CELL_SEP_3X3}},
                          {{4, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_MAX_3X3}},
                          {{0, 1}, {NLG_CELL_SEP_3X3, NLG_CELL_IDENTITY}}},
               .concat = NLG_STATE(2) | NLG_STATE(3) | NLG_STATE(4) | NLG_STATE(5) | NLG_STATE(6)},
};

static const nlg_family pnasnet = {
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

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(pnasnet_5_mobile, .family = &pnasnet, .aliases = "pnasnet_5 pnasnet5mobile", IMAGENET(224),
          CELLS(nlg_pnasnet_5, ON_IMAGENET, NF(3, 54), .stem_filters = 32, .reduction = NLG_REDUCTION_COUNTED, .stem_name = "conv_0",
                .factorized_name = "conv_prev_1x1", AUX(128, 768)),
          PREPARE(HALF), PUBLISHED(5100000, 588000000, "PNASNet mobile table, N = 3, F = 54"))
    MODEL(pnasnet_5_large, .family = &pnasnet, IMAGENET(331),
          CELLS(nlg_pnasnet_5, ON_IMAGENET, NF(4, 216), .stem_filters = 96, .reduction = NLG_REDUCTION_COUNTED, .stem_name = "conv_0",
                .factorized_name = "conv_prev_1x1", .drop_path = 0.4f, AUX(128, 768)),
          LARGE_CROP, PUBLISHED(86057668, 25000000000, "timm; MACs: AmoebaNet Table 2"))
    MODEL(pnasnet_5_large_timm, .family = &pnasnet, .aliases = "pnasnet5large", IMAGENET(331),
          CELLS(nlg_pnasnet_5, .stem = NLG_STEM_IMAGENET, .norm_eps = 1e-3f, NF(4, 216), .stem_filters = 96, .reduction = NLG_REDUCTION_COUNTED,
                .stem_name = "conv_0", .factorized_name = "conv_prev_1x1"),
          LARGE_CROP, PUBLISHED(86057668, 24937395792, TIMM), .deviations = "timm's form: no auxiliary head, dropout or drop path.\n")
    MODEL(pnasnet_5_cifar, .family = &pnasnet, CIFAR,
          CELLS(nlg_pnasnet_5, ON_CIFAR, NF(3, 48), .stem_filters = 144, .reduction = NLG_REDUCTION_COUNTED, .stem_name = "conv_0",
                .factorized_name = "conv_prev_1x1", .drop_path = 0.4f),
          PREPARE(CROP(1)), PUBLISHED(3200000, 0, "PNASNet CIFAR table, N = 3, F = 48"))
    MODEL(pnasnet_small, .family = &pnasnet, SMALL,
          CELLS(nlg_pnasnet_5, .stem = NLG_STEM_CIFAR, NF(1, 12), .stem_filters = 36, .reduction = NLG_REDUCTION_COUNTED, .stem_name = "conv_0",
                .factorized_name = "conv_prev_1x1"),
          .deviations = "The CIFAR form with N = 1 and F = 12 (the paper's has 3 and 48); no drop path, no auxiliary head.\n")
};
ROWS(pnasnet, rows)
// clang-format on
