/* SENet: J. Hu, L. Shen, G. Sun: Squeeze-and-Excitation Networks, CVPR 2018 (arXiv:1709.01507), Table 1 and, for SENet-154,
 * Section 6.1 and the appendix. The structure is that of the released Caffe networks, as timm's legacy_* has it: max pooling that
 * rounds up without padding, biases in the squeeze-and-excitation, stride in the first 1x1 of SE-ResNet and in the 3x3 of
 * SE-ResNeXt and SENet-154. */
#include "models/blocks.h"

static const nlg_norm_args norm = {0};
enum { REDUCTION = 16 };

static nlg_value residual_block(nlg_builder *b, nlg_value x, const nlg_senet_spec *spec, int stage, int stride) {
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
    const nlg_senet_spec *spec = model->spec;
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

const nlg_family nlg_senet = {
    .name = "SENet",
    .title = "Squeeze-and-Excitation Networks",
    .authors = "Hu, Shen, Sun",
    .venue = "CVPR 2018",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations = "As released: biases in both layers of the squeeze-and-excitation, which the paper's formulas omit.",
    .build = build,
};
