/* LeNet-5: Y. LeCun, L. Bottou, Y. Bengio, P. Haffner: Gradient-Based Learning Applied to Document Recognition, Proceedings of
 * the IEEE 86(11), 1998, Section II and Table I.
 *
 * The 1998 form has trainable subsampling, the sparse table of C3 and Euclidean RBF outputs; its output here is minus the squared
 * distance, so that the largest wins as in every other network. The modern form replaces them by average pooling, a full C3 and
 * a linear layer. */
#include "models/blocks.h"
#include "models/rows.h"

typedef struct lenet_spec {
    nlg_act act;    /* of the modern form */
    bool pad_to_32; /* 28x28 images: the first convolution pads by 2 instead of the data set */
    int dense;      /* no convolutions: one hidden layer of so many units */
} lenet_spec;

/* Table I: the maps of S2 (columns) that each map of C3 (rows) reads. */
static const unsigned char c3_table[16 * 6] = {
    1, 1, 1, 0, 0, 0, /* three neighbours */
    0, 1, 1, 1, 0, 0, //
    0, 0, 1, 1, 1, 0, //
    0, 0, 0, 1, 1, 1, //
    1, 0, 0, 0, 1, 1, //
    1, 1, 0, 0, 0, 1, //
    1, 1, 1, 1, 0, 0, /* four neighbours */
    0, 1, 1, 1, 1, 0, //
    0, 0, 1, 1, 1, 1, //
    1, 0, 0, 1, 1, 1, //
    1, 1, 0, 0, 1, 1, //
    1, 1, 1, 0, 0, 1, //
    1, 1, 0, 1, 1, 0, /* four with gaps */
    0, 1, 1, 0, 1, 1, //
    1, 0, 1, 1, 0, 1, //
    1, 1, 1, 1, 1, 1, /* all six */
};

static void build_1998(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    (void)model;
    if (classes != 10) nlg_builder_fail(b, "the RBF codes are those of the 10 digits, not of %d classes", classes);
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 6, .kernel = 5, .bias = true}, "c1"), NLG_ACT_SCALED_TANH);
    x = nlg_activation(b, nlg_apply(b, "subsample_scale", NULL, &x, 1, "s2"), NLG_ACT_SCALED_TANH);
    nlg_conv_table_attrs c3 = {.inputs = 6, .out = 16, .kernel = 5, .table = c3_table};
    x = nlg_activation(b, nlg_apply(b, "conv_table", &c3, &x, 1, "c3"), NLG_ACT_SCALED_TANH);
    x = nlg_activation(b, nlg_apply(b, "subsample_scale", NULL, &x, 1, "s4"), NLG_ACT_SCALED_TANH);
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 120, .kernel = 5, .bias = true}, "c5"), NLG_ACT_SCALED_TANH);
    x = nlg_activation(b, nlg_linear(b, x, (nlg_linear_args){.out = 84}, "f6"), NLG_ACT_SCALED_TANH);
    x = nlg_apply(b, "rbf", NULL, &x, 1, "output");
    nlg_output(b, x);
}

static const nlg_family lenet_1998 = {
    .name = "LeNet-5",
    .title = "Gradient-Based Learning Applied to Document Recognition",
    .authors = "LeCun, Bottou, Bengio, Haffner",
    .venue = "Proceedings of the IEEE 86(11)",
    .year = 1998,
    .designer = NLG_HUMAN,
    .deviations = "The RBF codes are drawn here in the paper's 7 x 12 format; the paper's own bitmaps are not reproduced.\n"
                  "Trained with softmax cross-entropy on minus the squared distances in place of the paper's MAP criterion.",
    .build = build_1998,
};

static void build_modern(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const lenet_spec *spec = model->spec;
    const int pad = spec->pad_to_32 && input.h < 32 ? (32 - input.h) / 2 : 0;
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    if (spec->dense) {
        x = nlg_activation(b, nlg_linear(b, x, (nlg_linear_args){.out = spec->dense}, "fc1"), spec->act);
        nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc2"));
        return;
    }
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 6, .kernel = 5, .pad = pad, .bias = true}, "conv1"), spec->act);
    x = nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 2});
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 16, .kernel = 5, .bias = true}, "conv2"), spec->act);
    x = nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 2});
    x = nlg_activation(b, nlg_conv(b, x, (nlg_conv_args){.out = 120, .kernel = 5, .bias = true}, "conv3"), spec->act);
    x = nlg_activation(b, nlg_linear(b, x, (nlg_linear_args){.out = 84}, "fc1"), spec->act);
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "fc2"));
}

static const nlg_family lenet = {
    .name = "LeNet-5",
    .title = "Gradient-Based Learning Applied to Document Recognition",
    .authors = "LeCun, Bottou, Bengio, Haffner",
    .venue = "Proceedings of the IEEE 86(11)",
    .year = 1998,
    .designer = NLG_HUMAN,
    .deviations =
        "The common later form: average pooling without parameters, C3 connected to all six maps, plain tanh, a linear output.",
    .build = build_modern,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(lenet5_1998, .aliases = "lenet5_original", .family = &lenet_1998, .input = {32, 32, 1}, .classes = 10,
          PUBLISHED(60000, 0, "paper: C1 156, S2 12, C3 1,516, S4 32, C5 48,120, F6 10,164"))
    MODEL(lenet5, .aliases = "lenet5_modern", .family = &lenet, SPEC(lenet_spec, NLG_ACT_TANH), .input = {32, 32, 1}, .classes = 10,
          .any_input = true, PUBLISHED(61706, 416520, "common re-implementation"))
    MODEL(lenet5_relu, .family = &lenet, SPEC(lenet_spec, NLG_ACT_RELU), .input = {32, 32, 1}, .classes = 10, .any_input = true,
          .deviations = "ReLU in place of tanh.")
    MODEL(lenet5_small, .family = &lenet, SPEC(lenet_spec, NLG_ACT_TANH, .pad_to_32 = true), SMALL,
          .deviations = "The first convolution pads 28x28 images by 2 where the paper pads the images; otherwise lenet5.")
    MODEL(lenet5_dense, .family = &lenet, SPEC(lenet_spec, NLG_ACT_TANH, .dense = 78), TWIN,
          .deviations = "No convolution: one hidden layer of 78 units, about as many parameters as lenet5_small.")
};
ROWS(lenet, rows)
// clang-format on
