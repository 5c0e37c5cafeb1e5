/* MnasNet: M. Tan, B. Chen, R. Pang, V. Vasudevan, M. Sandler, A. Howard, Q. Le: MnasNet: Platform-Aware Neural Architecture
 * Search for Mobile, CVPR 2019 (arXiv:1807.11626), Figure 7 (A1) and the released code (B1, small).
 *
 * torchvision's mnasnet* and timm's mnasnet_* are B1, timm's semnasnet_* A1. */
#include "models/blocks.h"
#include "models/rows.h"

typedef enum { NLG_MNASNET_A1, NLG_MNASNET_B1, NLG_MNASNET_SMALL, NLG_MNASNET_TINY } mnasnet_table;
typedef struct mnasnet_spec {
    mnasnet_table table;
    float width;
    nlg_mobile_names names;
} mnasnet_spec;

typedef struct table {
    int stem, n_stages;
    const nlg_mobile_stage *stages;
} table;

static const nlg_mobile_stage a1[] = {
    /* k  e  out  n  s  squeeze */
    {3, 1, 16, 1, 1, 0},  /* separable convolution */
    {3, 6, 24, 2, 2, 0},  //
    {5, 3, 40, 3, 2, 4},  //
    {3, 6, 80, 4, 2, 0},  //
    {3, 6, 112, 2, 1, 4}, //
    {5, 6, 160, 3, 2, 4}, //
    {3, 6, 320, 1, 1, 0}, //
};
static const nlg_mobile_stage b1[] = {
    {3, 1, 16, 1, 1, 0},  //
    {3, 3, 24, 3, 2, 0},  //
    {5, 3, 40, 3, 2, 0},  //
    {5, 6, 80, 3, 2, 0},  //
    {3, 6, 96, 2, 1, 0},  //
    {5, 6, 192, 4, 2, 0}, //
    {3, 6, 320, 1, 1, 0}, //
};
static const nlg_mobile_stage small[] = {
    {3, 1, 8, 1, 1, 0},   //
    {3, 3, 16, 1, 2, 0},  //
    {3, 6, 16, 2, 2, 0},  //
    {5, 6, 32, 4, 2, 4},  //
    {3, 6, 32, 3, 1, 4},  //
    {5, 6, 88, 3, 2, 4},  //
    {3, 6, 144, 1, 1, 0}, //
};
/* A1 for 28 x 28: the stages from 28 x 28 down to 4 x 4. */
static const nlg_mobile_stage tiny[] = {
    {3, 1, 16, 1, 1, 0}, {3, 6, 24, 2, 2, 0}, {5, 3, 32, 2, 2, 4}, {3, 6, 48, 2, 1, 0}, {5, 6, 64, 2, 2, 4},
};
static const table tables[] = {
    [NLG_MNASNET_A1] = {32, 7, a1},
    [NLG_MNASNET_B1] = {32, 7, b1},
    [NLG_MNASNET_SMALL] = {8, 7, small},
    [NLG_MNASNET_TINY] = {16, 5, tiny},
};

/* torchvision numbers the separable convolution into the outer list: layers.3 .. 7; stages start at 8. */
static void scope_torchvision(nlg_builder *b, int stage, int index, int block) {
    (void)block;
    if (stage == 0)
        nlg_push(b, "layers");
    else
        nlg_push(b, "layers.%d.%d.layers", stage + 7, index);
}

static const nlg_mobile_naming torchvision = {
    .stem = "layers.0",
    .stem_norm = "layers.1",
    .head = "layers.14",
    .head_norm = "layers.15",
    .classifier = "classifier.1",
    .block = {"0", "1", "3", "4", NULL, NULL, "6", "7"},
    .block_without_expand = {NULL, NULL, "3", "4", NULL, NULL, "6", "7"},
    .scope = scope_torchvision,
};

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const mnasnet_spec *spec = model->spec;
    const table *t = &tables[spec->table];
    nlg_mobile_net net = {.naming = spec->names == NLG_TORCHVISION ? &torchvision : &nlg_mobile_naming_timm,
                          .stages = t->stages,
                          .n_stages = t->n_stages,
                          .width = spec->width,
                          .stem = nlg_round_channels(t->stem, spec->width),
                          .stem_stride = model->small ? 1 : 2,
                          .head = model->small ? 256 : 1280,
                          .act = NLG_ACT_RELU,
                          .dropout = model->small || spec->table == NLG_MNASNET_SMALL ? 0 : 0.2f};
    if (spec->names == NLG_TORCHVISION) net.norm.momentum = 3e-4f;
    nlg_mobile_build(b, &net, input, classes);
}

static const nlg_family mnasnet = {
    .name = "MnasNet",
    .title = "MnasNet: Platform-Aware Neural Architecture Search for Mobile",
    .authors = "Tan, Chen, Pang, Vasudevan, Sandler, Howard, Le",
    .venue = "CVPR 2019",
    .year = 2018,
    .designer = NLG_SEARCHED,
    .deviations = "Batch norm with eps 1e-5 as in torchvision and timm; the released code has 1e-3.",
    .build = build,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

#define COUNTS_MORE                                                                                                                \
    "The model page prints 0.9 to 2.7% more multiply-adds, at each width and image size; what it counts beside convolutions and "  \
    "linear layers, it does not say."

// clang-format off
static const nlg_model rows[] = {
    MODEL(mnasnet0_5, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 0.5f, NLG_TORCHVISION), IMAGENET(224),
          PUBLISHED(2218512, 104000000, TV))
    MODEL(mnasnet0_75, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 0.75f, NLG_TORCHVISION), IMAGENET(224),
          PUBLISHED(3170208, 215000000, TV), PREPARE(.resize = 232))
    MODEL(mnasnet1_0, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 1, NLG_TORCHVISION), IMAGENET(224),
          PUBLISHED(4383312, 314000000, TV))
    MODEL(mnasnet1_3, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 1.3f, NLG_TORCHVISION), IMAGENET(224),
          PUBLISHED(6282256, 526000000, TV), PREPARE(.resize = 232))
    MODEL(mnasnet_050, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 0.5f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(2218512, 0, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mnasnet_075, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 0.75f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(3170208, 0, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mnasnet_100, .aliases = "mnasnet_b1", .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 1, NLG_TIMM), IMAGENET(224),
          PUBLISHED(4383312, 0, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mnasnet_140, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_B1, 1.4f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(7120000, 600000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(semnasnet_035, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_A1, 0.35f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(1700000, 63200000, "model page"), PREPARE(.interpolation = NLG_BICUBIC), .deviations = COUNTS_MORE)
    MODEL(semnasnet_050, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_A1, 0.5f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(2082006, 105200000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC), .deviations = COUNTS_MORE)
    MODEL(semnasnet_075, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_A1, 0.75f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(2912278, 226700000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC), .deviations = COUNTS_MORE)
    MODEL(semnasnet_100, .aliases = "mnasnet_a1", .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_A1, 1, NLG_TIMM), IMAGENET(224),
          PUBLISHED(3887038, 315200000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC), .deviations = COUNTS_MORE)
    MODEL(semnasnet_140, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_A1, 1.4f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(6105992, 591500000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC), .deviations = COUNTS_MORE)
    MODEL(mnasnet_small, .family = &mnasnet, SPEC(mnasnet_spec, NLG_MNASNET_SMALL, 1, NLG_TIMM), IMAGENET(224),
          PUBLISHED(2030000, 70000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC),
          .deviations = "The first block has a shortcut as in timm; the released block string says 16 input channels and so has none.\n" NORM_COUNTED)
    MODEL(mnasnet_a1_small, .family = &mnasnet, SMALL, SPEC(mnasnet_spec, NLG_MNASNET_TINY, 1, NLG_TIMM),
          .deviations = "Stem of 16 channels with stride 1 in place of 32 with stride 2; head 256 in place of 1280; no dropout.\n"
                        "Five stages 16, 24, 32, 48, 64 (kernel 5 and squeeze-and-excitation in the third and fifth) in place of A1's seven up to 320: "
                        "three strides in place of five.")
    MODEL(mnasnet_a1_small_075, .family = &mnasnet, SMALL, SPEC(mnasnet_spec, NLG_MNASNET_TINY, 0.75f, NLG_TIMM),
          .deviations = "mnasnet_a1_small with stem and blocks 0.75 times as wide; the head keeps its channels.")
    MODEL(mnasnet_a1_small_050, .family = &mnasnet, SMALL, SPEC(mnasnet_spec, NLG_MNASNET_TINY, 0.5f, NLG_TIMM),
          .deviations = "mnasnet_a1_small with stem and blocks half as wide; the head keeps its channels.")
};
ROWS(mnasnet, rows)
// clang-format on
