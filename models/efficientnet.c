/* EfficientNet: M. Tan, Q. Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019
 * (arXiv:1905.11946), Table 1 and Section 3.3; the multipliers of B1 to B7 are those of the released code. Lite: the released
 * EfficientNet-Lite, 2020: no squeeze-and-excitation, ReLU6, stem, head and the depth of the end stages left unscaled. */
#include "models/blocks.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* Table 1 between the stem (stage 1) and the head (stage 9). */
static const nlg_mobile_stage b0[] = {
    /* k  e  out  n  s  squeeze */
    {3, 1, 16, 1, 1, 4},  //
    {3, 6, 24, 2, 2, 4},  //
    {5, 6, 40, 2, 2, 4},  //
    {3, 6, 80, 3, 2, 4},  //
    {5, 6, 112, 3, 1, 4}, //
    {5, 6, 192, 4, 2, 4}, //
    {3, 6, 320, 1, 1, 4}, //
};
static const nlg_mobile_stage lite0[] = {
    {3, 1, 16, 1, 1, 0},  //
    {3, 6, 24, 2, 2, 0},  //
    {5, 6, 40, 2, 2, 0},  //
    {3, 6, 80, 3, 2, 0},  //
    {5, 6, 112, 3, 1, 0}, //
    {5, 6, 192, 4, 2, 0}, //
    {3, 6, 320, 1, 1, 0}, //
};
/* For 28 x 28: stages of B0 from 28 x 28 down to 4 x 4. */
static const nlg_mobile_stage tiny[] = {
    {3, 1, 16, 1, 1, 4}, {3, 6, 24, 1, 2, 4}, {5, 6, 32, 2, 2, 4}, {3, 6, 48, 2, 1, 4}, {5, 6, 64, 2, 2, 4},
};

static void scope_torchvision(nlg_builder *b, int stage, int index, int block) {
    (void)block;
    nlg_push(b, "features.%d.%d.block", stage + 1, index);
}

static const nlg_mobile_naming torchvision = {
    .stem = "features.0.0",
    .stem_norm = "features.0.1",
    .head = "features.8.0",
    .head_norm = "features.8.1",
    .classifier = "classifier.1",
    .block = {"0.0", "0.1", "1.0", "1.1", "2.fc1", "2.fc2", "3.0", "3.1"},
    .block_without_expand = {NULL, NULL, "0.0", "0.1", "1.fc1", "1.fc2", "2.0", "2.1"},
    .scope = scope_torchvision,
};

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_efficientnet_spec *spec = model->spec;
    nlg_mobile_net net = {.naming = &nlg_mobile_naming_timm,
                          .stages = b0,
                          .n_stages = COUNT(b0),
                          .width = spec->width,
                          .depth = spec->depth,
                          .stem = nlg_round_channels(32, spec->width),
                          .head = nlg_round_channels(1280, spec->width),
                          .act = NLG_ACT_SILU,
                          .dropout = spec->dropout,
                          .drop_path = 0.2f};
    switch (spec->form) {
    case NLG_EFFICIENTNET_TORCHVISION:
        net.naming = &torchvision;
        if (spec->late_norm) net.norm = (nlg_norm_args){.eps = 1e-3f, .momentum = 0.01f};
        break;
    case NLG_EFFICIENTNET_LITE:
        net.stages = lite0;
        net.fixed_end_depth = true;
        net.stem = 32;
        net.head = 1280;
        net.act = NLG_ACT_RELU6;
        net.same = true;
        net.norm.eps = 1e-3f;
        break;
    case NLG_EFFICIENTNET_TF:
        net.same = true;
        net.norm.eps = 1e-3f;
        break;
    case NLG_EFFICIENTNET_TINY:
        net.stages = tiny;
        net.n_stages = COUNT(tiny);
        net.stem = 16;
        net.stem_stride = 1;
        net.head = 256;
        net.drop_path = 0;
        break;
    }
    nlg_mobile_build(b, &net, input, classes);
}

const nlg_family nlg_efficientnet = {
    .name = "EfficientNet",
    .title = "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    .authors = "Tan, Le",
    .venue = "ICML 2019",
    .year = 2019,
    .designer = NLG_SEARCHED,
    .build = build,
};
