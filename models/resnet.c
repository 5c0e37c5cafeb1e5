/* ResNet: K. He, X. Zhang, S. Ren, J. Sun: Deep Residual Learning for Image Recognition, CVPR 2016 (arXiv:1512.03385).
 * ResNeXt: S. Xie, R. Girshick, P. Dollar, Z. Tu, K. He: Aggregated Residual Transformations for Deep Neural Networks, CVPR 2017
 * (arXiv:1611.05431).
 *
 * Table 1 (224 x 224)          18       34       50       101       152
 *   conv1    112   7x7, 64, stride 2
 *   conv2_x   56   3x3 max pool, stride 2, then blocks
 *                              2        3        3        3         3
 *   conv3_x   28               2        4        4        4         8
 *   conv4_x   14               2        6        6        23        36
 *   conv5_x    7               2        3        3        3         3
 *             1   average pool, fully connected, softmax
 *   block: basic [3x3 w, 3x3 w] for 18 and 34, else bottleneck [1x1 w, 3x3 w, 1x1 4w]; w = 64, 128, 256, 512
 *
 * Section 4.2 (CIFAR-10, 32 x 32): 3x3 16, then n basic blocks each of 16 (32 x 32), 32 (16 x 16) and 64 (8 x 8): 6n + 2 layers.
 *
 * torchvision's bottlenecks have the stride in the 3x3 convolution ("v1.5"); the paper's have it in the first 1x1 (rows *_v1). */
#include "models/blocks.h"

static const nlg_norm_args norm = {0};

static nlg_value shortcut(nlg_builder *b, nlg_value x, const nlg_resnet_spec *spec, int out, int stride) {
    const int in = nlg_shape_of(b, x).c;
    if (stride == 1 && in == out) return x;
    if (spec->shortcut == NLG_SHORTCUT_A) return nlg_channel_pad(b, x, stride, (out - in) / 2, out - in - (out - in) / 2);
    nlg_push(b, "%s", spec->cifar ? "shortcut" : "downsample");
    x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = out, .kernel = 1, .stride = stride}, norm, NLG_ACT_NONE, "0", "1");
    nlg_pop(b);
    return x;
}

/* Figure 5 left: two 3x3. */
static nlg_value basic(nlg_builder *b, nlg_value x, int width, int stride) {
    x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = width, .kernel = 3, .stride = stride, .pad = 1}, norm, NLG_ACT_RELU, "conv1",
                          "bn1");
    return nlg_conv_norm_act(b, x, (nlg_conv_args){.out = width, .kernel = 3, .pad = 1}, norm, NLG_ACT_NONE, "conv2", "bn2");
}

/* Figure 5 right: 1x1, 3x3, 1x1. ResNeXt (its Table 1): the 3x3 in `groups` groups of `group_width` x the stage's doubling. */
static nlg_value bottleneck(nlg_builder *b, nlg_value x, const nlg_resnet_spec *spec, int width, int out, int stride) {
    const int stride1 = spec->v1 ? stride : 1, stride2 = spec->v1 ? 1 : stride, groups = spec->groups ? spec->groups : 1;
    x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = width, .kernel = 1, .stride = stride1}, norm, NLG_ACT_RELU, "conv1", "bn1");
    x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = width, .kernel = 3, .stride = stride2, .pad = 1, .groups = groups}, norm,
                          NLG_ACT_RELU, "conv2", "bn2");
    return nlg_conv_norm_act(b, x, (nlg_conv_args){.out = out, .kernel = 1}, norm, NLG_ACT_NONE, "conv3", "bn3");
}

static nlg_value residual_block(nlg_builder *b, nlg_value x, const nlg_resnet_spec *spec, int stage, int stride) {
    const int width = (spec->cifar ? spec->cifar : 64) << stage;
    const int out = spec->block == NLG_BASIC ? width : 4 * width;
    const int inner = spec->groups ? spec->groups * spec->group_width << stage : width;
    nlg_value y = spec->block == NLG_BASIC ? basic(b, x, width, stride) : bottleneck(b, x, spec, inner, out, stride);
    if (spec->squeeze) y = nlg_squeeze_excite(b, y, out / spec->squeeze, NLG_ACT_RELU, "se.fc1", "se.fc2");
    if (spec->shortcut != NLG_PLAIN) y = nlg_add(b, y, shortcut(b, x, spec, out, stride));
    return nlg_relu(b, y);
}

nlg_value nlg_resnet_trunk(nlg_builder *b, const nlg_resnet_spec *spec, nlg_value x, nlg_value stages[4]) {
    if (spec->cifar) {
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = spec->cifar, .kernel = 3, .stride = spec->cifar_stride, .pad = 1}, norm,
                              NLG_ACT_RELU, "conv1", "bn1");
    } else {
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = 64, .kernel = 7, .stride = 2, .pad = 3}, norm, NLG_ACT_RELU, "conv1",
                              "bn1");
        x = nlg_max_pool(b, x, (nlg_pool_args){.kernel = 3, .stride = 2, .pad = 1});
    }
    for (int stage = 0; stage < 4 && spec->blocks[stage]; stage++) {
        for (int i = 0; i < spec->blocks[stage]; i++) {
            nlg_push(b, "layer%d.%d", stage + 1, i);
            nlg_block_begin(b, "%s", spec->block == NLG_BASIC ? "basic block" : "bottleneck");
            x = residual_block(b, x, spec, stage, stage > 0 && i == 0 ? 2 : 1);
            nlg_block_end(b);
            nlg_pop(b);
        }
        if (stages) stages[stage] = x;
    }
    return x;
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    nlg_classifier(b, nlg_resnet_trunk(b, model->spec, x, NULL), 0, classes, "fc");
}

const nlg_family nlg_resnet = {
    .name = "ResNet",
    .title = "Deep Residual Learning for Image Recognition",
    .authors = "He, Zhang, Ren, Sun",
    .venue = "CVPR 2016",
    .year = 2015,
    .designer = NLG_HUMAN,
    .build = build,
};

const nlg_family nlg_resnext = {
    .name = "ResNeXt",
    .title = "Aggregated Residual Transformations for Deep Neural Networks",
    .authors = "Xie, Girshick, Dollar, Tu, He",
    .venue = "CVPR 2017",
    .year = 2016,
    .designer = NLG_HUMAN,
    .build = build,
};

const nlg_family nlg_seresnet = {
    .name = "SENet",
    .title = "Squeeze-and-Excitation Networks",
    .authors = "Hu, Shen, Sun",
    .venue = "CVPR 2018",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations =
        "timm's later form: stride in the 3x3 convolution (v1.5) and padded max pooling; the released networks are legacy_se*.",
    .build = build,
};
