/* MobileNet v1: A. Howard et al.: MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications, 2017
 * (arXiv:1704.04861), Table 1.
 * MobileNet v2: M. Sandler, A. Howard, M. Zhu, A. Zhmoginov, L.-C. Chen: MobileNetV2: Inverted Residuals and Linear Bottlenecks,
 * CVPR 2018 (arXiv:1801.04381), Table 2.
 *
 * The width multiplier scales the channels; the resolution multiplier is the input's size. */
#include "models/blocks.h"

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

const nlg_family nlg_mobilenet_v1 = {
    .name = "MobileNet v1",
    .title = "MobileNets: Efficient Convolutional Neural Networks for Mobile Vision Applications",
    .authors = "Howard, Zhu, Chen, Kalenichenko, Wang, Weyand, Andreetto, Adam",
    .venue = "arXiv:1704.04861",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations = "ReLU6 as in the released code; the paper says ReLU.",
    .build = build_v1,
};

const nlg_family nlg_mobilenet_v2 = {
    .name = "MobileNet v2",
    .title = "MobileNetV2: Inverted Residuals and Linear Bottlenecks",
    .authors = "Sandler, Howard, Zhu, Zhmoginov, Chen",
    .venue = "CVPR 2018",
    .year = 2018,
    .designer = NLG_HUMAN,
    .build = build_v2,
};
