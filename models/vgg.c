/* VGG: K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015
 * (arXiv:1409.1556), Table 1. A row holds a column of that table as text. */
#include <stdlib.h>

#include "models/blocks.h"
#include "models/rows.h"

/* `layers` is a column of Table 1: a width is a 3x3 convolution, "256/1" one of 1x1, M a max pooling, L a local response
 * normalisation. */
typedef struct vgg_spec {
    const char *layers;
    bool norm;  /* batch norm after each convolution */
    int hidden; /* width of the two hidden linear layers, 0: the paper's 4096 behind a 7x7 pooling */
} vgg_spec;

static nlg_value hidden(nlg_builder *b, nlg_value x, int width, const char *name) {
    return nlg_dropout(b, nlg_relu(b, nlg_linear(b, x, (nlg_linear_args){.out = width}, "%s", name)), 0.5f);
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const vgg_spec *spec = model->spec;
    nlg_value x = nlg_input(b, input.c, input.h, input.w);
    int i = 0; /* position in torchvision's features, which count activations and pools */
    for (const char *layer = spec->layers; *layer;) {
        if (*layer == ' ') {
            layer++;
        } else if (*layer == 'M') {
            x = nlg_max_pool(b, x, (nlg_pool_args){.kernel = 2});
            i++, layer++;
        } else if (*layer == 'L') { /* Section 2.3: the constants of AlexNet */
            x = nlg_lrn(b, x, 5, 1e-4f, 0.75f, 2.0f);
            i++, layer++;
        } else {
            char *end;
            const int width = (int)strtol(layer, &end, 10);
            const int kernel = *end == '/' ? (int)strtol(end + 1, &end, 10) : 3;
            if (width < 1 || end == layer) {
                nlg_builder_fail(b, "layers '%s': a width, M or L is expected at '%s'", spec->layers, layer);
                return;
            }
            layer = end;
            x = nlg_conv(b, x, (nlg_conv_args){.out = width, .kernel = kernel, .half = true, .bias = true}, "features.%d", i++);
            if (spec->norm) x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "features.%d", i++);
            x = nlg_relu(b, x);
            i++;
        }
    }
    if (!spec->hidden && (nlg_shape_of(b, x).h != 7 || nlg_shape_of(b, x).w != 7)) x = nlg_adaptive_avg_pool(b, x, 7, 7);
    const int width = spec->hidden ? spec->hidden : 4096;
    x = hidden(b, x, width, "classifier.0");
    x = hidden(b, x, width, "classifier.3");
    nlg_output(b, nlg_linear(b, x, (nlg_linear_args){.out = classes}, "classifier.6"));
}

static const nlg_family vgg = {
    .name = "VGG",
    .title = "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    .authors = "Simonyan, Zisserman",
    .venue = "ICLR 2015",
    .year = 2014,
    .designer = NLG_HUMAN,
    .build = build,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define VGG_NORM           .deviations = "Batch norm after each convolution, which the paper's networks do not have."

static const nlg_model rows[] = {
    MODEL(vgg11,     .aliases = "vgg_a", .family = &vgg, IMAGENET(224), PUBLISHED(132863336, 7609000000, TV),
          SPEC(vgg_spec, "64 M 128 M 256 256 M 512 512 M 512 512 M"))
    MODEL(vgg11_lrn, .aliases = "vgg_a_lrn", .family = &vgg, IMAGENET(224),
          SPEC(vgg_spec, "64 L M 128 M 256 256 M 512 512 M 512 512 M"))
    MODEL(vgg13,     .aliases = "vgg_b", .family = &vgg, IMAGENET(224), PUBLISHED(133047848, 11308000000, TV),
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M"))
    MODEL(vgg16_c,   .aliases = "vgg_c", .family = &vgg, IMAGENET(224), PUBLISHED(134000000, 0, "paper, Table 2"),
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 256/1 M 512 512 512/1 M 512 512 512/1 M"))
    MODEL(vgg16,     .aliases = "vgg_d", .family = &vgg, IMAGENET(224), PUBLISHED(138357544, 15470000000, TV),
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M"))
    MODEL(vgg19,     .aliases = "vgg_e", .family = &vgg, IMAGENET(224), PUBLISHED(143667240, 19632000000, TV),
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M"))
    MODEL(vgg11_bn,  .aliases = "vgg_a_bn", .family = &vgg, IMAGENET(224), PUBLISHED(132868840, 7609000000, TV), VGG_NORM,
          SPEC(vgg_spec, "64 M 128 M 256 256 M 512 512 M 512 512 M", .norm = true))
    MODEL(vgg13_bn,  .aliases = "vgg_b_bn", .family = &vgg, IMAGENET(224), PUBLISHED(133053736, 11308000000, TV), VGG_NORM,
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 M 512 512 M 512 512 M", .norm = true))
    MODEL(vgg16_bn,  .aliases = "vgg_d_bn", .family = &vgg, IMAGENET(224), PUBLISHED(138365992, 15470000000, TV), VGG_NORM,
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 256 M 512 512 512 M 512 512 512 M", .norm = true))
    MODEL(vgg19_bn,  .aliases = "vgg_e_bn", .family = &vgg, IMAGENET(224), PUBLISHED(143678248, 19632000000, TV), VGG_NORM,
          SPEC(vgg_spec, "64 64 M 128 128 M 256 256 256 256 M 512 512 512 512 M 512 512 512 512 M", .norm = true))
    MODEL(vgg_small, .family = &vgg, SMALL, SPEC(vgg_spec, "16 16 M 32 32 M 64 64 M", .hidden = 128),
          .deviations = "Three stages of two convolutions with 16, 32 and 64 channels in place of five stages up to 512.\n"
                        "Hidden linear layers of 128 in place of 4096.")
    MODEL(vgg_small_bn, .family = &vgg, SMALL, SPEC(vgg_spec, "16 16 M 32 32 M 64 64 M", .norm = true, .hidden = 128),
          .deviations = "Batch norm after each convolution, which the paper's networks do not have.\n"
                        "Three stages of two convolutions with 16, 32 and 64 channels in place of five stages up to 512.\n"
                        "Hidden linear layers of 128 in place of 4096.")
    MODEL(vgg_small_bn_5x5, .family = &vgg, TWIN, SPEC(vgg_spec, "20/5 M 40/5 M 62/5 M", .norm = true, .hidden = 128),
          .deviations = "vgg_small_bn with one 5x5 convolution in place of each pair of 3x3, as wide as the multiply-accumulates allow.")
};
ROWS(vgg, rows)
// clang-format on
