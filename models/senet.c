/* SENet: J. Hu, L. Shen, G. Sun: Squeeze-and-Excitation Networks, CVPR 2018 (arXiv:1709.01507), Table 1 and, for SENet-154,
 * Section 6.1 and the appendix. The structure is that of the released Caffe networks, as timm's legacy_* has it: max pooling that
 * rounds up without padding, biases in the squeeze-and-excitation, stride in the first 1x1 of SE-ResNet and in the 3x3 of
 * SE-ResNeXt and SENet-154. */
#include "models/blocks.h"
#include "models/rows.h"

typedef struct senet_spec {
    nlg_resnet_block block;
    int blocks[4];
    int groups, group_width;
    bool v1; /* stride in the first 1x1 */
    bool senet154;
} senet_spec;

static const nlg_norm_args norm = {0};
enum { REDUCTION = 16 };

static nlg_value residual_block(nlg_builder *b, nlg_value x, const senet_spec *spec, int stage, int stride) {
    const int in = nlg_shape_of(b, x).c, width = 64 << stage, groups = spec->groups ? spec->groups : 1;
    const int out = spec->block == NLG_BASIC ? width : 4 * width;
    nlg_value y = x;
    if (spec->block == NLG_BASIC) {
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = width, .kernel = 3, .stride = stride, .pad = 1}, norm, NLG_ACT_RELU,
                              "conv1", "bn1");
        /* timm's basic block has an activation before the squeeze as well. */
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = width, .kernel = 3, .pad = 1}, norm, NLG_ACT_RELU, "conv2", "bn2");
    } else {
        const int inner = spec->groups ? spec->groups * spec->group_width << stage : width;
        const int first = spec->senet154 ? inner / 2 : inner; /* the grouped 3x3 doubles: "1x1 channels halved", Section 6.1 */
        const int stride1 = spec->v1 ? stride : 1, stride2 = spec->v1 ? 1 : stride;
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = first, .kernel = 1, .stride = stride1}, norm, NLG_ACT_RELU, "conv1",
                              "bn1");
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = inner, .kernel = 3, .stride = stride2, .pad = 1, .groups = groups}, norm,
                              NLG_ACT_RELU, "conv2", "bn2");
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = out, .kernel = 1}, norm, NLG_ACT_NONE, "conv3", "bn3");
    }
    y = nlg_squeeze_excite(b, y, out / REDUCTION, NLG_ACT_RELU, "se_module.fc1", "se_module.fc2");
    if (stride != 1 || in != out) {
        const int kernel = spec->senet154 && stage > 0 ? 3 : 1;
        nlg_push(b, "downsample");
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = out, .kernel = kernel, .stride = stride, .half = true}, norm,
                              NLG_ACT_NONE, "0", "1");
        nlg_pop(b);
    }
    return nlg_relu(b, nlg_add(b, y, x));
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const senet_spec *spec = model->spec;
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    nlg_push(b, "layer0");
    if (spec->senet154) {
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = 64, .kernel = 3, .stride = 2, .pad = 1}, norm, NLG_ACT_RELU, "conv1",
                              "bn1");
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = 64, .kernel = 3, .pad = 1}, norm, NLG_ACT_RELU, "conv2", "bn2");
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = 128, .kernel = 3, .pad = 1}, norm, NLG_ACT_RELU, "conv3", "bn3");
    } else {
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = 64, .kernel = 7, .stride = 2, .pad = 3}, norm, NLG_ACT_RELU, "conv1",
                              "bn1");
    }
    nlg_pop(b);
    x = nlg_max_pool(b, x, (nlg_pool_args){.kernel = 3, .stride = 2, .ceil_mode = true});
    for (int stage = 0; stage < 4; stage++) {
        for (int i = 0; i < spec->blocks[stage]; i++) {
            nlg_push(b, "layer%d.%d", stage + 1, i);
            nlg_block_begin(b, "%s", spec->block == NLG_BASIC ? "basic block" : "bottleneck");
            x = residual_block(b, x, spec, stage, stage > 0 && i == 0 ? 2 : 1);
            nlg_block_end(b);
            nlg_pop(b);
        }
    }
    nlg_classifier(b, x, spec->senet154 ? 0.2f : 0, classes, "last_linear");
}

static const nlg_family senet = {
    .name = "SENet",
    .title = "Squeeze-and-Excitation Networks",
    .authors = "Hu, Shen, Sun",
    .venue = "CVPR 2018",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations = "As released: biases in both layers of the squeeze-and-excitation, which the paper's formulas omit.",
    .build = build,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define SE_BASIC           .deviations = "timm's basic block has a ReLU before the squeeze-and-excitation."

static const nlg_model rows[] = {
    MODEL(legacy_seresnet18, .aliases = "se_resnet18", .family = &senet, SPEC(senet_spec, NLG_BASIC, {2, 2, 2, 2}), IMAGENET(224),
          PUBLISHED(11778592, 1820000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC), SE_BASIC)
    MODEL(legacy_seresnet34, .aliases = "se_resnet34", .family = &senet, SPEC(senet_spec, NLG_BASIC, {3, 4, 6, 3}), IMAGENET(224),
          PUBLISHED(21958868, 3670000000, TIMM), SE_BASIC)
    MODEL(legacy_seresnet50, .aliases = "se_resnet50", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, .v1 = true), IMAGENET(224),
          PUBLISHED(28088024, 3880000000, TIMM))
    MODEL(legacy_seresnet101, .aliases = "se_resnet101", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, .v1 = true), IMAGENET(224),
          PUBLISHED(49326872, 7610000000, TIMM))
    MODEL(legacy_seresnet152, .aliases = "se_resnet152", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 8, 36, 3}, .v1 = true), IMAGENET(224),
          PUBLISHED(66821848, 11330000000, TIMM))
    MODEL(legacy_seresnext50_32x4d, .aliases = "se_resnext50_32x4d", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, 32, 4),
          IMAGENET(224), PUBLISHED(27559896, 4260000000, TIMM))
    MODEL(legacy_seresnext101_32x4d, .aliases = "se_resnext101_32x4d", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 32, 4),
          IMAGENET(224), PUBLISHED(48955416, 8020000000, TIMM))
    MODEL(legacy_senet154, .aliases = "senet_154", .family = &senet, SPEC(senet_spec, NLG_BOTTLENECK, {3, 8, 36, 3}, 64, 4, .senet154 = true),
          IMAGENET(224), PUBLISHED(115088984, 20770000000, TIMM))
};
ROWS(senet, rows)
// clang-format on
