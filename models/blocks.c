/* Shared blocks: squeeze-and-excitation, inverted residuals and the networks made of stages of them. */
#include <math.h>

#include "models/blocks.h"

nlg_value nlg_conv_norm_act(nlg_builder *b, nlg_value x, nlg_conv_args conv, nlg_norm_args norm, nlg_act act, const char *conv_name,
                            const char *norm_name) {
    x = nlg_conv(b, x, conv, "%s", conv_name);
    x = nlg_batch_norm(b, x, norm, "%s", norm_name);
    return nlg_activation(b, x, act);
}

nlg_value nlg_squeeze_excite(nlg_builder *b, nlg_value x, int width, nlg_act act, const char *reduce_name,
                             const char *expand_name) {
    int channels = nlg_shape_of(b, x).c;
    nlg_block_begin(b, "SE");
    nlg_value s = nlg_global_avg_pool(b, x);
    s = nlg_conv(b, s, (nlg_conv_args){.out = width, .kernel = 1, .bias = true}, "%s", reduce_name);
    s = nlg_activation(b, s, act);
    s = nlg_conv(b, s, (nlg_conv_args){.out = channels, .kernel = 1, .bias = true}, "%s", expand_name);
    s = nlg_activation(b, s, NLG_ACT_SIGMOID);
    x = nlg_channel_scale(b, x, s);
    nlg_block_end(b);
    return x;
}

void nlg_classifier(nlg_builder *b, nlg_value x, float dropout, int classes, const char *name) {
    x = nlg_global_avg_pool(b, x);
    x = nlg_dropout(b, x, dropout);
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "%s", name));
}

int nlg_round_channels(int channels, float width) {
    /* In double: 1.1 as float times 80 would already be off the exact product that the papers' code rounds. */
    double wanted = channels * (round((double)width * 1000.0) / 1000.0);
    int rounded = (int)(wanted + 4.0) / 8 * 8;
    if (rounded < 8) rounded = 8;
    return rounded < 0.9 * wanted ? rounded + 8 : rounded;
}

/* ---- Mobile networks ------------------------------------------------------------------------------------------------------ */

static void scope_timm(nlg_builder *b, int stage, int index, int block) {
    (void)block;
    nlg_push(b, "blocks.%d.%d", stage, index);
}

const nlg_mobile_naming nlg_mobile_naming_timm = {
    .stem = "conv_stem",
    .stem_norm = "bn1",
    .head = "conv_head",
    .head_norm = "bn2",
    .classifier = "classifier",
    .block = {"conv_pw", "bn1", "conv_dw", "bn2", "se.conv_reduce", "se.conv_expand", "conv_pwl", "bn3"},
    .block_without_expand = {NULL, NULL, "conv_dw", "bn1", "se.conv_reduce", "se.conv_expand", "conv_pw", "bn2"},
    .scope = scope_timm,
};

/* Expand by 1x1, depthwise k x k, squeeze and excite, project by 1x1; with a shortcut where the shapes allow it. carried: the
 * expansion that the block before left for a shortcut between expansions, or -1; then that of this block. */
static nlg_value inverted_residual(nlg_builder *b, nlg_value x, const nlg_mobile_net *net, const nlg_mobile_stage *stage, int out,
                                   int stride, float drop_path, nlg_value *carried) {
    const int in = nlg_shape_of(b, x).c;
    const nlg_mobile_block_names *name = stage->expand == 1 ? &net->naming->block_without_expand : &net->naming->block;
    nlg_value y = x;
    if (net->dense)
        return nlg_conv_norm_act(b, y, (nlg_conv_args){.out = out, .kernel = stage->kernel, .stride = stride, .half = true},
                                 net->norm, net->act, name->project, name->project_norm);
    if (stage->expand != 1)
        y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = in * stage->expand, .kernel = 1}, net->norm, net->act, name->expand,
                              name->expand_norm);
    if (*carried >= 0 && nlg_shape_of(b, y).c == nlg_shape_of(b, *carried).c) y = nlg_add(b, y, *carried);
    const bool joins = stride == 1 && in == out && !net->v1;
    *carried = joins && net->join == NLG_JOIN_EXPANSIONS ? y : -1;
    y = nlg_conv_norm_act(
        b, y, (nlg_conv_args){.kernel = stage->kernel, .stride = stride, .groups = -1, .half = !net->same, .same = net->same},
        net->norm, net->act, name->depthwise, name->depthwise_norm);
    if (stage->squeeze) y = nlg_squeeze_excite(b, y, in / stage->squeeze, net->act, name->reduce, name->excite);
    y = nlg_conv_norm_act(b, y, (nlg_conv_args){.out = out, .kernel = 1}, net->norm,
                          net->v1 || net->relu_bottleneck ? net->act : NLG_ACT_NONE, name->project, name->project_norm);
    return joins && net->join == NLG_JOIN_BOTTLENECKS ? nlg_add(b, nlg_drop_path(b, y, drop_path), x) : y;
}

static int repeats(const nlg_mobile_net *net, int stage) {
    bool fixed = net->depth == 0 || (net->fixed_end_depth && (stage == 0 || stage == net->n_stages - 1));
    /* The published multipliers have one decimal: rounding keeps ceil(2 * 1.5f) and its like exact. */
    return fixed ? net->stages[stage].repeat : (int)ceil(round((double)net->depth * 1000.0) * net->stages[stage].repeat / 1000.0);
}

void nlg_mobile_build(nlg_builder *b, const nlg_mobile_net *net, nlg_shape input, int classes) {
    nlg_mobile_build_on(b, net, nlg_input(b, input.c, input.h, input.w), classes);
}

nlg_value nlg_mobile_trunk(nlg_builder *b, const nlg_mobile_net *net, nlg_value x, nlg_value *after) {
    int blocks = 0, block = 0;
    nlg_value carried = -1;
    for (int s = 0; s < net->n_stages; s++) blocks += repeats(net, s);

    x = nlg_conv_norm_act(b, x,
                          (nlg_conv_args){.out = net->stem,
                                          .kernel = 3,
                                          .stride = net->stem_stride ? net->stem_stride : 2,
                                          .half = !net->same,
                                          .same = net->same},
                          net->norm, net->act, net->naming->stem, net->naming->stem_norm);
    for (int s = 0; s < net->n_stages; s++) {
        const nlg_mobile_stage *stage = &net->stages[s];
        const int out = net->width == 0 ? stage->out : nlg_round_channels(stage->out, net->width);
        for (int i = 0; i < repeats(net, s); i++, block++) {
            net->naming->scope(b, s, i, block);
            if (net->v1)
                nlg_block_begin(b, "%s", net->dense ? "convolution" : "separable");
            else
                nlg_block_begin(b, "MBConv%d k%d", stage->expand, stage->kernel);
            x = inverted_residual(b, x, net, stage, out, i == 0 ? stage->stride : 1, net->drop_path * (float)block / (float)blocks,
                                  &carried);
            nlg_block_end(b);
            nlg_pop(b);
        }
        if (after) after[s] = x;
    }
    return x;
}

void nlg_mobile_build_on(nlg_builder *b, const nlg_mobile_net *net, nlg_value x, int classes) {
    x = nlg_mobile_trunk(b, net, x, NULL);
    if (net->head)
        x = nlg_conv_norm_act(b, x, (nlg_conv_args){.out = net->head, .kernel = 1}, net->norm, net->act, net->naming->head,
                              net->naming->head_norm);
    nlg_classifier(b, x, net->dropout, classes, net->naming->classifier);
}
