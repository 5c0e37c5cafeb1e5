/* EfficientNet: M. Tan, Q. Le: EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, ICML 2019
 * (arXiv:1905.11946), Table 1 and Section 3.3; the multipliers of B1 to B7 are those of the released code. Lite: the released
 * EfficientNet-Lite, 2020: no squeeze-and-excitation, ReLU6, stem, head and the depth of the end stages left unscaled. */
#include <math.h>

#include "models/blocks.h"
#include "models/rows.h"

typedef enum { NLG_EFFICIENTNET_TORCHVISION, NLG_EFFICIENTNET_TF, NLG_EFFICIENTNET_LITE, NLG_EFFICIENTNET_TINY } efficientnet_form;
typedef struct efficientnet_spec {
    efficientnet_form form;
    float width, depth, dropout;
    bool late_norm; /* torchvision's B5 to B7: batch norm with eps 1e-3 and momentum 0.01 */
} efficientnet_spec;

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
    const efficientnet_spec *spec = model->spec;
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
        net.stem = nlg_round_channels(16, fmaxf(1, spec->width)); /* widened, never narrowed */
        net.stem_stride = 1;
        net.head = nlg_round_channels(256, fmaxf(1, spec->width));
        net.drop_path = 0;
        break;
    }
    nlg_mobile_build(b, &net, input, classes);
}

static const nlg_family efficientnet = {
    .name = "EfficientNet",
    .title = "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks",
    .authors = "Tan, Le",
    .venue = "ICML 2019",
    .year = 2019,
    .designer = NLG_SEARCHED,
    .build = build,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define TV_B2              .deviations = "Input 288 as torchvision evaluates it; the paper has 260."

static const nlg_model rows[] = {
    MODEL(efficientnet_b0, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1, 1, 0.2f), IMAGENET(224),
          PUBLISHED(5288548, 386000000, TV), PREPARE(.resize = 256, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b1, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1, 1.1f, 0.2f), IMAGENET(240),
          PUBLISHED(7794184, 687000000, TV), PREPARE(.resize = 256, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b2, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1.1f, 1.2f, 0.3f), IMAGENET(288),
          PUBLISHED(9109994, 1088000000, TV), PREPARE(.resize = 288, .interpolation = NLG_BICUBIC), TV_B2)
    MODEL(efficientnet_b3, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1.2f, 1.4f, 0.3f), IMAGENET(300),
          PUBLISHED(12233232, 1827000000, TV), PREPARE(.resize = 320, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b4, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1.4f, 1.8f, 0.4f), IMAGENET(380),
          PUBLISHED(19341616, 4394000000, TV), PREPARE(.resize = 384, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b5, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1.6f, 2.2f, 0.4f, .late_norm = true), IMAGENET(456),
          PUBLISHED(30389784, 10266000000, TV), PREPARE(.resize = 456, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b6, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 1.8f, 2.6f, 0.5f, .late_norm = true), IMAGENET(528),
          PUBLISHED(43040704, 19068000000, TV), PREPARE(.resize = 528, .interpolation = NLG_BICUBIC))
    MODEL(efficientnet_b7, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TORCHVISION, 2, 3.1f, 0.5f, .late_norm = true), IMAGENET(600),
          PUBLISHED(66347960, 37746000000, TV), PREPARE(.resize = 600, .interpolation = NLG_BICUBIC))
    MODEL(tf_efficientnet_b0, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1, 1, 0.2f), IMAGENET(224),
          PUBLISHED(5288548, 400000000, TIMM), PREPARE(.crop_fraction = 0.875f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b1, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1, 1.1f, 0.2f), IMAGENET(240),
          PUBLISHED(7794184, 710000000, TIMM), PREPARE(.crop_fraction = 0.882f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b2, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1.1f, 1.2f, 0.3f), IMAGENET(260),
          PUBLISHED(9109994, 1020000000, TIMM), PREPARE(.crop_fraction = 0.890f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b3, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1.2f, 1.4f, 0.3f), IMAGENET(300),
          PUBLISHED(12233232, 1870000000, TIMM), PREPARE(.crop_fraction = 0.904f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b4, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1.4f, 1.8f, 0.4f), IMAGENET(380),
          PUBLISHED(19341616, 4490000000, TIMM), PREPARE(.crop_fraction = 0.922f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b5, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1.6f, 2.2f, 0.4f), IMAGENET(456),
          PUBLISHED(30389784, 10460000000, TIMM), PREPARE(.crop_fraction = 0.934f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b6, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 1.8f, 2.6f, 0.5f), IMAGENET(528),
          PUBLISHED(43040704, 19400000000, TIMM), PREPARE(.crop_fraction = 0.942f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_b7, .family = &efficientnet, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TF, 2, 3.1f, 0.5f), IMAGENET(600),
          PUBLISHED(66347960, 38330000000, TIMM), PREPARE(.crop_fraction = 0.949f, .interpolation = NLG_BICUBIC), .deviations = NORM_COUNTED)
    MODEL(tf_efficientnet_lite0, .aliases = "efficientnet_lite0", .family = &efficientnet, .year = 2020, SPEC(efficientnet_spec, NLG_EFFICIENTNET_LITE, 1, 1, 0.2f),
          IMAGENET(224), PUBLISHED(4652008, 0, TIMM), PREPARE(.crop_fraction = 0.875f, .interpolation = NLG_BICUBIC, HALF))
    MODEL(tf_efficientnet_lite1, .aliases = "efficientnet_lite1", .family = &efficientnet, .year = 2020, SPEC(efficientnet_spec, NLG_EFFICIENTNET_LITE, 1, 1.1f, 0.2f),
          IMAGENET(240), PUBLISHED(5416680, 0, TIMM), PREPARE(.crop_fraction = 0.882f, .interpolation = NLG_BICUBIC, HALF))
    MODEL(tf_efficientnet_lite2, .aliases = "efficientnet_lite2", .family = &efficientnet, .year = 2020, SPEC(efficientnet_spec, NLG_EFFICIENTNET_LITE, 1.1f, 1.2f, 0.3f),
          IMAGENET(260), PUBLISHED(6092072, 0, TIMM), PREPARE(.crop_fraction = 0.890f, .interpolation = NLG_BICUBIC, HALF))
    MODEL(tf_efficientnet_lite3, .aliases = "efficientnet_lite3", .family = &efficientnet, .year = 2020, SPEC(efficientnet_spec, NLG_EFFICIENTNET_LITE, 1.2f, 1.4f, 0.3f),
          IMAGENET(280), PUBLISHED(8197096, 0, TIMM), PREPARE(.crop_fraction = 0.904f, HALF))
    MODEL(tf_efficientnet_lite4, .aliases = "efficientnet_lite4", .family = &efficientnet, .year = 2020, SPEC(efficientnet_spec, NLG_EFFICIENTNET_LITE, 1.4f, 1.8f, 0.3f),
          IMAGENET(300), PUBLISHED(13006568, 0, TIMM), PREPARE(.crop_fraction = 0.920f, HALF))
    MODEL(efficientnet_small, .family = &efficientnet, SMALL, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TINY, 1, 1, 0.2f),
          .deviations = "Stem of 16 channels with stride 1 in place of 32 with stride 2; head 256 in place of 1280; no drop path.\n"
                        "Five stages 16, 24, 32, 48, 64 with 1, 1, 2, 2, 2 blocks in place of B0's seven up to 320: three strides in place of five.")
    MODEL(efficientnet_small_075, .family = &efficientnet, SMALL, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TINY, 0.75f, 1, 0.2f),
          .deviations = "efficientnet_small with blocks 0.75 times as wide; stem and head keep their channels.")
    MODEL(efficientnet_small_050, .family = &efficientnet, SMALL, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TINY, 0.5f, 1, 0.2f),
          .deviations = "efficientnet_small with blocks half as wide; stem and head keep their channels.")
    MODEL(efficientnet_small_wide, .family = &efficientnet, SMALL, SPEC(efficientnet_spec, NLG_EFFICIENTNET_TINY, 2.25f, 1, 0),
          .deviations = "efficientnet_small 2.25 times as wide, without dropout: within 3 % of the multiply-accumulates of two steps of compound scaling.")
};
ROWS(efficientnet, rows)
// clang-format on
