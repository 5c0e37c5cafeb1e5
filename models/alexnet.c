/* AlexNet: A. Krizhevsky, I. Sutskever, G. Hinton: ImageNet Classification with Deep Convolutional Neural Networks, NIPS 2012,
 * Section 3.5 and Figure 2; the one-tower form: A. Krizhevsky: One weird trick for parallelizing convolutional neural networks,
 * 2014 (arXiv:1404.5997), with torchvision's widths.
 *
 * The two GPUs of 2012 are two groups: conv2, conv4 and conv5 see the maps of their own half only. */
#include "models/blocks.h"
#include "models/rows.h"

typedef enum { NLG_ALEXNET_2012, NLG_ALEXNET_ONE_TOWER, NLG_ALEXNET_SMALL } alexnet_form;
typedef struct alexnet_spec {
    alexnet_form form;
    bool tanh; /* in place of ReLU */
    bool no_dropout;
} alexnet_spec;

static nlg_value conv(nlg_builder *b, nlg_value x, nlg_conv_args args, const char *name) {
    args.bias = true;
    return nlg_relu(b, nlg_conv(b, x, args, "%s", name));
}

static nlg_value response_norm(nlg_builder *b, nlg_value x) {
    return nlg_lrn(b, x, 5, 1e-4f, 0.75f, 2.0f);
}
static nlg_value overlapping_pool(nlg_builder *b, nlg_value x) {
    return nlg_max_pool(b, x, (nlg_pool_args){.kernel = 3, .stride = 2});
}

static nlg_value hidden(nlg_builder *b, nlg_value x, int width, const char *name) {
    return nlg_relu(b, nlg_linear(b, nlg_dropout(b, x, 0.5f), (nlg_linear_args){.out = width}, "%s", name));
}

static void build_two_towers(nlg_builder *b, nlg_value x, int classes) {
    x = conv(b, x, (nlg_conv_args){.out = 96, .kernel = 11, .stride = 4}, "conv1");
    x = overlapping_pool(b, response_norm(b, x));
    x = conv(b, x, (nlg_conv_args){.out = 256, .kernel = 5, .pad = 2, .groups = 2}, "conv2");
    x = overlapping_pool(b, response_norm(b, x));
    x = conv(b, x, (nlg_conv_args){.out = 384, .kernel = 3, .pad = 1}, "conv3");
    x = conv(b, x, (nlg_conv_args){.out = 384, .kernel = 3, .pad = 1, .groups = 2}, "conv4");
    x = conv(b, x, (nlg_conv_args){.out = 256, .kernel = 3, .pad = 1, .groups = 2}, "conv5");
    x = overlapping_pool(b, x);
    x = hidden(b, x, 4096, "fc6");
    x = hidden(b, x, 4096, "fc7");
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc8"));
}

static void build_one_tower(nlg_builder *b, nlg_value x, int classes) {
    x = conv(b, x, (nlg_conv_args){.out = 64, .kernel = 11, .stride = 4, .pad = 2}, "features.0");
    x = overlapping_pool(b, x);
    x = conv(b, x, (nlg_conv_args){.out = 192, .kernel = 5, .pad = 2}, "features.3");
    x = overlapping_pool(b, x);
    x = conv(b, x, (nlg_conv_args){.out = 384, .kernel = 3, .pad = 1}, "features.6");
    x = conv(b, x, (nlg_conv_args){.out = 256, .kernel = 3, .pad = 1}, "features.8");
    x = conv(b, x, (nlg_conv_args){.out = 256, .kernel = 3, .pad = 1}, "features.10");
    x = overlapping_pool(b, x);
    if (nlg_shape_of(b, x).h != 6 || nlg_shape_of(b, x).w != 6) x = nlg_adaptive_avg_pool(b, x, 6, 6);
    x = hidden(b, x, 4096, "classifier.1");
    x = hidden(b, x, 4096, "classifier.4");
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "classifier.6"));
}

static nlg_value small_conv(nlg_builder *b, nlg_value x, const alexnet_spec *spec, nlg_conv_args args, const char *name) {
    args.bias = true;
    return nlg_activation(b, nlg_conv(b, x, args, "%s", name), spec->tanh ? NLG_ACT_TANH : NLG_ACT_RELU);
}

static nlg_value small_hidden(nlg_builder *b, nlg_value x, const alexnet_spec *spec, const char *name) {
    if (!spec->no_dropout) x = nlg_dropout(b, x, 0.5f);
    return nlg_activation(b, nlg_linear(b, x, (nlg_linear_args){.out = 256}, "%s", name), spec->tanh ? NLG_ACT_TANH : NLG_ACT_RELU);
}

static void build_small(nlg_builder *b, const alexnet_spec *spec, nlg_value x, int classes) {
    x = small_conv(b, x, spec, (nlg_conv_args){.out = 32, .kernel = 5, .pad = 2}, "conv1");
    x = overlapping_pool(b, response_norm(b, x));
    x = small_conv(b, x, spec, (nlg_conv_args){.out = 64, .kernel = 5, .pad = 2, .groups = 2}, "conv2");
    x = overlapping_pool(b, response_norm(b, x));
    x = small_conv(b, x, spec, (nlg_conv_args){.out = 96, .kernel = 3, .pad = 1}, "conv3");
    x = small_conv(b, x, spec, (nlg_conv_args){.out = 96, .kernel = 3, .pad = 1, .groups = 2}, "conv4");
    x = small_conv(b, x, spec, (nlg_conv_args){.out = 64, .kernel = 3, .pad = 1, .groups = 2}, "conv5");
    x = overlapping_pool(b, x);
    x = small_hidden(b, x, spec, "fc6");
    x = small_hidden(b, x, spec, "fc7");
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc8"));
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const alexnet_spec *spec = model->spec;
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    switch (spec->form) {
    case NLG_ALEXNET_2012:
        build_two_towers(b, x, classes);
        break;
    case NLG_ALEXNET_ONE_TOWER:
        build_one_tower(b, x, classes);
        break;
    case NLG_ALEXNET_SMALL:
        build_small(b, spec, x, classes);
        break;
    }
}

static const nlg_family alexnet = {
    .name = "AlexNet",
    .title = "ImageNet Classification with Deep Convolutional Neural Networks",
    .authors = "Krizhevsky, Sutskever, Hinton",
    .venue = "NIPS 2012",
    .year = 2012,
    .designer = NLG_HUMAN,
    .deviations =
        "Dropout stands before the hidden linear layers (torchvision) where the paper has it behind: the same sites but the last.",
    .build = build,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(alexnet_2012, .aliases = "alexnet_two_towers", .family = &alexnet, SPEC(alexnet_spec, NLG_ALEXNET_2012), IMAGENET(227),
          PUBLISHED(60965224, 724000000, "Caffe"), .deviations = "Input 227: the paper prints 224, which its 55x55 maps do not fit.")
    MODEL(alexnet, .family = &alexnet, SPEC(alexnet_spec, NLG_ALEXNET_ONE_TOWER), .year = 2014, IMAGENET(224),
          PUBLISHED(61100840, 714000000, TV), .deviations = "One tower with torchvision's widths 64-192-384-256-256: no groups, no local response norm.")
    MODEL(alexnet_small, .family = &alexnet, SPEC(alexnet_spec, NLG_ALEXNET_SMALL), SMALL,
          .deviations = "Widths 32-64-96-96-64 and 256-256 in place of 96-256-384-384-256 and 4096-4096.\n"
                        "First convolution 5x5 with stride 1 and padding 2 in place of 11x11 with stride 4.")
    MODEL(alexnet_small_tanh, .family = &alexnet, SPEC(alexnet_spec, NLG_ALEXNET_SMALL, .tanh = true, .no_dropout = true), TWIN,
          .deviations = "alexnet_small with tanh in place of ReLU and without dropout.")
    MODEL(alexnet_small_no_dropout, .family = &alexnet, SPEC(alexnet_spec, NLG_ALEXNET_SMALL, .no_dropout = true), TWIN,
          .deviations = "alexnet_small without dropout.")
};
ROWS(alexnet, rows)
// clang-format on
