/* MobileNet v1: A. Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017
 * (arXiv:1704.04861), Table 1.
 * MobileNet v2: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks,
 * CVPR 2018 (arXiv:1801.04381), Table 2.
 *
 * The width multiplier scales the channels; the resolution multiplier is the input's size. */
#include "models/blocks.h"
#include "models/rows.h"

#define COUNT(array) ((int)(sizeof(array) / sizeof(array)[0]))

/* Table 1: a depthwise 3x3 and a 1x1 per block. The paper prints stride 2 for the last depthwise layer but keeps 7 x 7: it is 1. */
static const nlg_mobile_stage v1_stages[] = {
    /* k  t  out   n  s */
    {3, 1, 64, 1, 1, 0}, {3, 1, 128, 2, 2, 0}, {3, 1, 256, 2, 2, 0}, {3, 1, 512, 6, 2, 0}, {3, 1, 1024, 2, 2, 0},
};
static const nlg_mobile_stage v1_small_stages[] = {
    {3, 1, 32, 1, 1, 0},
    {3, 1, 64, 2, 2, 0},
    {3, 1, 128, 3, 2, 0},
    {3, 1, 256, 2, 2, 0},
};

static void build_v1(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_mobilenet_spec *spec = model->spec;
    nlg_mobile_net net = {.naming = &nlg_mobile_naming_timm,
                          .stages = v1_stages,
                          .n_stages = COUNT(v1_stages),
                          .width = spec->width,
                          .stem = nlg_round_channels(32, spec->width),
                          .v1 = true,
                          .dense = spec->dense,
                          .act = NLG_ACT_RELU6};
    if (model->small || spec->dense) {
        net.stages = v1_small_stages;
        net.n_stages = COUNT(v1_small_stages);
        net.stem = 16;
        net.stem_stride = 1;
    }
    nlg_mobile_build(b, &net, input, classes);
}

/* Table 2. */
static const nlg_mobile_stage v2_stages[] = {
    /* k  t  c   n  s */
    {3, 1, 16, 1, 1, 0},  //
    {3, 6, 24, 2, 2, 0},  //
    {3, 6, 32, 3, 2, 0},  //
    {3, 6, 64, 4, 2, 0},  //
    {3, 6, 96, 3, 1, 0},  //
    {3, 6, 160, 3, 2, 0}, //
    {3, 6, 320, 1, 1, 0}, //
};
static const nlg_mobile_stage v2_small_stages[] = {
    {3, 1, 16, 1, 1, 0},
    {3, 6, 24, 2, 2, 0},
    {3, 6, 32, 2, 2, 0},
    {3, 6, 64, 2, 2, 0},
};
static const nlg_mobile_stage v2_small_wide_stages[] = {
    {3, 6, 24, 2, 1, 0},
    {3, 6, 32, 3, 2, 0},
    {3, 6, 64, 3, 2, 0},
};

static void scope_torchvision(nlg_builder *b, int stage, int index, int block) {
    (void)stage, (void)index;
    nlg_push(b, "features.%d.conv", block + 1);
}

static const nlg_mobile_naming torchvision_v2 = {
    .stem = "features.0.0",
    .stem_norm = "features.0.1",
    .head = "features.18.0",
    .head_norm = "features.18.1",
    .classifier = "classifier.1",
    .block = {"0.0", "0.1", "1.0", "1.1", NULL, NULL, "2", "3"},
    .block_without_expand = {NULL, NULL, "0.0", "0.1", NULL, NULL, "1", "2"},
    .scope = scope_torchvision,
};

static nlg_mobile_net v2_net(const nlg_mobilenet_spec *spec, bool small) {
    /* The last convolution keeps its 1280 channels below width 1. */
    nlg_mobile_net net = {.naming = spec->names == NLG_TORCHVISION ? &torchvision_v2 : &nlg_mobile_naming_timm,
                          .stages = v2_stages,
                          .n_stages = COUNT(v2_stages),
                          .width = spec->width,
                          .stem = nlg_round_channels(32, spec->width),
                          .head = nlg_round_channels(1280, spec->width > 1 ? spec->width : 1),
                          .act = NLG_ACT_RELU6,
                          .dropout = 0.2f,
                          .relu_bottleneck = spec->relu_bottleneck,
                          .join = spec->join};
    if (small) {
        net.stages = spec->wide ? v2_small_wide_stages : v2_small_stages;
        net.n_stages = spec->wide ? COUNT(v2_small_wide_stages) : COUNT(v2_small_stages);
        net.stem = 16;
        net.stem_stride = 1;
        net.head = 256;
        net.dropout = 0;
    }
    return net;
}

static void build_v2(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_mobile_net net = v2_net(model->spec, model->small);
    nlg_mobile_build(b, &net, input, classes);
}

void nlg_mobilenet_v2_trunk(nlg_builder *b, const nlg_mobilenet_spec *spec, bool small, nlg_value x, nlg_value stages[4]) {
    nlg_mobile_net net = v2_net(spec, small);
    nlg_value after[COUNT(v2_stages)];
    if (small) net.stem_stride = 2;
    nlg_mobile_trunk(b, &net, x, after);
    int level = small ? 0 : -1; /* C2 has a quarter of the image's sides, in the small form half of them */
    for (int s = 0; s < net.n_stages; s++) {
        level += s > 0 && net.stages[s].stride == 2;
        if (level >= 0 && level < 4) stages[level] = after[s];
    }
}

static const nlg_family mobilenet_v1 = {
    .name = "MobileNet v1",
    .title = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    .authors = "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
    .venue = "arXiv:1704.04861",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations = "ReLU6 as in the released code; the paper says ReLU.",
    .build = build_v1,
};

static const nlg_family mobilenet_v2 = {
    .name = "MobileNet v2",
    .title = "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    .authors = "Sandler, Howard, Zhu, Zhmoginov, Chen",
    .venue = "CVPR 2018",
    .year = 2018,
    .designer = NLG_HUMAN,
    .build = build_v2,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(mobilenetv1_100, .aliases = "mobilenet_v1_100", .family = &mobilenet_v1, SPEC(nlg_mobilenet_spec, 1), IMAGENET(224),
          PUBLISHED(4231976, 569000000, "timm (parameters), paper, Table 6"), PREPARE(.interpolation = NLG_BICUBIC, HALF))
    MODEL(mobilenetv1_075, .aliases = "mobilenet_v1_075", .family = &mobilenet_v1, SPEC(nlg_mobilenet_spec, 0.75f), IMAGENET(224),
          PUBLISHED(2600000, 325000000, "paper, Table 6"), PREPARE(.interpolation = NLG_BICUBIC, HALF))
    MODEL(mobilenetv1_050, .aliases = "mobilenet_v1_050", .family = &mobilenet_v1, SPEC(nlg_mobilenet_spec, 0.5f), IMAGENET(224),
          PUBLISHED(1300000, 149000000, "paper, Table 6"), PREPARE(.interpolation = NLG_BICUBIC, HALF))
    MODEL(mobilenetv1_025, .aliases = "mobilenet_v1_025", .family = &mobilenet_v1, SPEC(nlg_mobilenet_spec, 0.25f), IMAGENET(224),
          PUBLISHED(500000, 41000000, "paper, Table 6"), PREPARE(.interpolation = NLG_BICUBIC, HALF))
    MODEL(mobilenet_v1_small, .family = &mobilenet_v1, SMALL, SPEC(nlg_mobilenet_spec, 1),
          .deviations = "Stem of 16 channels with stride 1 in place of 32 with stride 2.\n"
                        "Eight separable blocks (32; 64, 64; 128, 128, 128; 256, 256) in place of 13 up to 1024: three strides in place of five.")
    MODEL(mobilenet_v1_small_dense, .family = &mobilenet_v1, TWIN, SPEC(nlg_mobilenet_spec, 1, .dense = true),
          .deviations = "mobilenet_v1_small with a full 3x3 convolution in place of each depthwise and 1x1 pair.")
    MODEL(mobilenet_v1_small_075, .family = &mobilenet_v1, SMALL, SPEC(nlg_mobilenet_spec, 0.75f),
          .deviations = "mobilenet_v1_small with blocks 0.75 times as wide.")
    MODEL(mobilenet_v1_small_050, .family = &mobilenet_v1, SMALL, SPEC(nlg_mobilenet_spec, 0.5f),
          .deviations = "mobilenet_v1_small with blocks half as wide.")
    MODEL(mobilenet_v1_small_wide, .family = &mobilenet_v1, SMALL, SPEC(nlg_mobilenet_spec, 1.125f),
          .deviations = "mobilenet_v1_small with blocks 1.125 times as wide: within 3 % of the multiply-accumulates of mobilenet_v2_small.")
    MODEL(mobilenet_v2, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 1, NLG_TORCHVISION), IMAGENET(224),
          PUBLISHED(3504872, 300774272, TV))
    MODEL(mobilenetv2_035, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 0.35f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(1677128, 59000000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenetv2_050, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 0.5f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(1968680, 97000000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenetv2_075, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 0.75f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(2636424, 209000000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenetv2_100, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM), IMAGENET(224),
          PUBLISHED(3504872, 300000000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenetv2_130, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 1.3f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(5340000, 509000000, "model page"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenetv2_140, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 1.4f, NLG_TIMM), IMAGENET(224),
          PUBLISHED(6108776, 582000000, "timm, model page (cost)"), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(mobilenet_v2_small, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM),
          .deviations = "Stem of 16 channels with stride 1 in place of 32 with stride 2; head 256 in place of 1280; no dropout.\n"
                        "Stages 16, 24, 32, 64 with 1, 2, 2, 2 blocks in place of seven stages up to 320: three strides in place of five.")
    MODEL(mobilenet_v2_small_050, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 0.5f, NLG_TIMM),
          .deviations = "mobilenet_v2_small with blocks half as wide; stem and head keep their channels.")
    MODEL(mobilenet_v2_small_075, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 0.75f, NLG_TIMM),
          .deviations = "mobilenet_v2_small with blocks 0.75 times as wide; stem and head keep their channels.")
    MODEL(mobilenet_v2_small_relu, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM, .relu_bottleneck = true),
          .deviations = "mobilenet_v2_small with an activation behind each projection.")
    MODEL(mobilenet_v2_small_plain, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM, .join = NLG_JOIN_NOTHING),
          .deviations = "mobilenet_v2_small without residual connections.")
    MODEL(mobilenet_v2_small_expansions, .family = &mobilenet_v2, SMALL, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM, .join = NLG_JOIN_EXPANSIONS),
          .deviations = "mobilenet_v2_small with residual connections between expansions, from a block that has one to the block behind it.")
    MODEL(mobilenetv2_small, .family = &mobilenet_v2, SPEC(nlg_mobilenet_spec, 1, NLG_TIMM, .wide = true), .input = {32, 32, 3}, .classes = 10,
          .any_input = true, .small = true,
          .deviations = "Stem of 16 channels with stride 1 in place of 32 with stride 2; head 256 in place of 1280; no dropout.\n"
                        "Stages 24, 32, 64 with 2, 3, 3 blocks, all of expansion 6, strides 1, 2, 2, in place of seven stages up to 320.")
};
ROWS(mobilenet, rows)
// clang-format on
