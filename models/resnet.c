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
#include "models/rows.h"

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

static const nlg_family resnet = {
    .name = "ResNet",
    .title = "Deep Residual Learning for Image Recognition",
    .authors = "He, Zhang, Ren, Sun",
    .venue = "CVPR 2016",
    .year = 2015,
    .designer = NLG_HUMAN,
    .build = build,
};

static const nlg_family resnext = {
    .name = "ResNeXt",
    .title = "Aggregated Residual Transformations for Deep Neural Networks",
    .authors = "Xie, Girshick, Dollar, Tu, He",
    .venue = "CVPR 2017",
    .year = 2016,
    .designer = NLG_HUMAN,
    .build = build,
};

static const nlg_family seresnet = {
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

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define V15                .deviations = "Stride 2 in the 3x3 convolution (v1.5, torchvision) in place of the first 1x1."

static const nlg_model rows[] = {
    MODEL(resnet18,     .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {2, 2, 2, 2}), IMAGENET(224), PUBLISHED(11689512, 1814000000, TV))
    MODEL(resnet34,     .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 4, 6, 3}), IMAGENET(224), PUBLISHED(21797672, 3664000000, TV))
    MODEL(resnet50,     .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}), IMAGENET(224), PUBLISHED(25557032, 4089000000, TV), V15)
    MODEL(resnet101,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}), IMAGENET(224), PUBLISHED(44549160, 7801000000, TV), V15)
    MODEL(resnet152,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 8, 36, 3}), IMAGENET(224), PUBLISHED(60192808, 11514000000, TV), V15)
    MODEL(plain34,      .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 4, 6, 3}, .shortcut = NLG_PLAIN), IMAGENET(224))
    MODEL(resnet50_v1,  .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, .v1 = true), IMAGENET(224), PUBLISHED(25557032, 3800000000, "paper, Table 1 (cost)"),
          .deviations = "The printed 3.8G multiply-adds are cut after the second digit: 3.858G here.")
    MODEL(resnet101_v1, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, .v1 = true), IMAGENET(224), PUBLISHED(44549160, 7600000000, "paper, Table 1 (cost)"))
    MODEL(resnet152_v1, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 8, 36, 3}, .v1 = true), IMAGENET(224), PUBLISHED(60192808, 11300000000, "paper, Table 1 (cost)"))

    MODEL(resnet20_cifar,   .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(269722, 0, "paper arithmetic"))
    MODEL(resnet32_cifar,   .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {5, 5, 5}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(464154, 0, "paper arithmetic"))
    MODEL(resnet44_cifar,   .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {7, 7, 7}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(658586, 0, "paper arithmetic"))
    MODEL(resnet56_cifar,   .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {9, 9, 9}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(853018, 0, "paper arithmetic"))
    MODEL(resnet110_cifar,  .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {18, 18, 18}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(1727962, 0, "paper arithmetic"))
    MODEL(resnet1202_cifar, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {200, 200, 200}, .cifar = 16, .shortcut = NLG_SHORTCUT_A), CIFAR,
          PUBLISHED(19421274, 0, "paper arithmetic"))
    MODEL(resnet20_cifar_b, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 16, .shortcut = NLG_SHORTCUT_B), CIFAR,
          .deviations = "Projection shortcuts (option B) where the paper's CIFAR networks have option A.")
    MODEL(resnet32_cifar_b, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {5, 5, 5}, .cifar = 16, .shortcut = NLG_SHORTCUT_B), CIFAR,
          .deviations = "Projection shortcuts (option B) where the paper's CIFAR networks have option A.")
    MODEL(resnet44_cifar_b, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {7, 7, 7}, .cifar = 16, .shortcut = NLG_SHORTCUT_B), CIFAR,
          .deviations = "Projection shortcuts (option B) where the paper's CIFAR networks have option A.")
    MODEL(resnet56_cifar_b, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {9, 9, 9}, .cifar = 16, .shortcut = NLG_SHORTCUT_B), CIFAR,
          .deviations = "Projection shortcuts (option B) where the paper's CIFAR networks have option A.")
    MODEL(resnet110_cifar_b, .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {18, 18, 18}, .cifar = 16, .shortcut = NLG_SHORTCUT_B), CIFAR,
          .deviations = "Projection shortcuts (option B) where the paper's CIFAR networks have option A.")
    MODEL(plain20_cifar,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 16, .shortcut = NLG_PLAIN), CIFAR)
    MODEL(plain32_cifar,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {5, 5, 5}, .cifar = 16, .shortcut = NLG_PLAIN), CIFAR)
    MODEL(plain44_cifar,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {7, 7, 7}, .cifar = 16, .shortcut = NLG_PLAIN), CIFAR)
    MODEL(plain56_cifar,    .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {9, 9, 9}, .cifar = 16, .shortcut = NLG_PLAIN), CIFAR)
    MODEL(plain110_cifar,   .family = &resnet, SPEC(nlg_resnet_spec, NLG_BASIC, {18, 18, 18}, .cifar = 16, .shortcut = NLG_PLAIN), CIFAR)

    MODEL(resnet20_small, .aliases = "resnet20_28x28x1", .family = &resnet, SMALL,
          SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 16, .shortcut = NLG_SHORTCUT_A),
          .deviations = "resnet20_cifar on 28x28 images with one channel: stages of 28x28, 14x14 and 7x7.")
    MODEL(plain20_small, .family = &resnet, SMALL, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 16, .shortcut = NLG_PLAIN),
          .deviations = "plain20_cifar on 28x28 images with one channel: stages of 28x28, 14x14 and 7x7.")
    MODEL(resnet8_small, .aliases = "resnet8_width8_28x28x1", .family = &resnet, SMALL,
          SPEC(nlg_resnet_spec, NLG_BASIC, {1, 1, 1}, .cifar = 8, .shortcut = NLG_SHORTCUT_A),
          .deviations = "One block a stage and widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel.")
    MODEL(resnet20_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 8, .shortcut = NLG_SHORTCUT_A),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel.")
    MODEL(resnet32_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {5, 5, 5}, .cifar = 8, .shortcut = NLG_SHORTCUT_A),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel.")
    MODEL(resnet56_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {9, 9, 9}, .cifar = 8, .shortcut = NLG_SHORTCUT_A),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel.")
    MODEL(plain8_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {1, 1, 1}, .cifar = 8, .shortcut = NLG_PLAIN),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel; no shortcuts.")
    MODEL(plain20_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {3, 3, 3}, .cifar = 8, .shortcut = NLG_PLAIN),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel; no shortcuts.")
    MODEL(plain32_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {5, 5, 5}, .cifar = 8, .shortcut = NLG_PLAIN),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel; no shortcuts.")
    MODEL(plain56_narrow, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {9, 9, 9}, .cifar = 8, .shortcut = NLG_PLAIN),
          .deviations = "Widths 8, 16, 32 in place of 16, 32, 64, on 28x28 images with one channel; no shortcuts.")
    MODEL(resnet14_small, .family = &resnet, TWIN, SPEC(nlg_resnet_spec, NLG_BASIC, {2, 2, 2}, .cifar = 16, .shortcut = NLG_SHORTCUT_A),
          .deviations = "senet_small without squeeze-and-excitation.")

    MODEL(resnext50_32x4d, .family = &resnext, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, 32, 4), IMAGENET(224), PUBLISHED(25028904, 4230000000, TV))
    MODEL(resnext101_32x4d, .family = &resnext, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 32, 4), IMAGENET(224), PUBLISHED(44177704, 8010000000, TIMM))
    MODEL(resnext101_32x8d, .family = &resnext, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 32, 8), IMAGENET(224), PUBLISHED(88791336, 16414000000, TV))
    MODEL(resnext101_64x4d, .family = &resnext, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 64, 4), IMAGENET(224), PUBLISHED(83455272, 15460000000, TV),
          PREPARE(.resize = 232))
    MODEL(resnext_small, .family = &resnext, SMALL,
          SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {1, 1, 1}, 8, 4, .cifar = 16, .shortcut = NLG_SHORTCUT_B),
          .deviations = "Three stages of one block, cardinality 8 of width 4, outputs 64, 128, 256; the paper's CIFAR network has three blocks a "
                        "stage, cardinality 8 of width 64.")
    MODEL(resnext_1x19d_small, .family = &resnext, TWIN, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {1, 1, 1}, 1, 19, .cifar = 16, .shortcut = NLG_SHORTCUT_B),
          .deviations = "resnext_small with one group of width 19: about the same multiply-accumulates.")
    MODEL(resnext_4x7d_small, .family = &resnext, TWIN, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {1, 1, 1}, 4, 7, .cifar = 16, .shortcut = NLG_SHORTCUT_B),
          .deviations = "resnext_small with 4 groups of width 7: about the same multiply-accumulates.")
};
ROWS(resnet, rows)

static const nlg_model seresnet_rows[] = {
    MODEL(seresnet50, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, .squeeze = 16), IMAGENET(224),
          PUBLISHED(28088024, 4110000000, TIMM), PREPARE(.crop_fraction = 0.95f, .interpolation = NLG_BICUBIC))
    MODEL(seresnet101, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, .squeeze = 16), IMAGENET(224),
          PUBLISHED(49326872, 7840000000, TIMM), PREPARE(.crop_fraction = 0.95f, .interpolation = NLG_BICUBIC))
    MODEL(seresnet152, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 8, 36, 3}, .squeeze = 16), IMAGENET(224),
          PUBLISHED(66821848, 11570000000, TIMM), PREPARE(.crop_fraction = 0.95f, .interpolation = NLG_BICUBIC))
    MODEL(seresnext50_32x4d, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 6, 3}, 32, 4, .squeeze = 16), IMAGENET(224),
          PUBLISHED(27559896, 4260000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(seresnext101_32x4d, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 32, 4, .squeeze = 16), IMAGENET(224),
          PUBLISHED(48955416, 8020000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(seresnext101_64x4d, .family = &seresnet, SPEC(nlg_resnet_spec, NLG_BOTTLENECK, {3, 4, 23, 3}, 64, 4, .squeeze = 16), IMAGENET(224),
          PUBLISHED(88230000, 15530000000, TIMM), PREPARE(.interpolation = NLG_BICUBIC))
    MODEL(senet_small, .family = &seresnet, SMALL,
          SPEC(nlg_resnet_spec, NLG_BASIC, {2, 2, 2}, .cifar = 16, .shortcut = NLG_SHORTCUT_A, .squeeze = 8),
          .deviations = "SE-ResNet-14 in the CIFAR form (three stages of two basic blocks, widths 16, 32, 64, option A) in place of SE-ResNet-50.\n"
                        "Reduction 8 in place of 16: 16 channels leave 2.")
};
ROWS(seresnet, seresnet_rows)
// clang-format on
