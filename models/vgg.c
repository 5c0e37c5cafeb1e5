/* VGG: K. Simonyan, A. Zisserman: Very Deep Convolutional Networks for Large-Scale Image Recognition, ICLR 2015
 * (arXiv:1409.1556), Table 1. A row of models.def holds a column of that table as text. */
#include <stdlib.h>

#include "models/blocks.h"

static nlg_value hidden(nlg_builder *b, nlg_value x, int width, const char *name) {
    return nlg_dropout(b, nlg_relu(b, nlg_linear(b, x, (nlg_linear_args){.out = width}, "%s", name)), 0.5f);
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    const nlg_vgg_spec *spec = model->spec;
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

const nlg_family nlg_vgg = {
    .name = "VGG",
    .title = "Very Deep Convolutional Networks for Large-Scale Image Recognition",
    .authors = "Simonyan, Zisserman",
    .venue = "ICLR 2015",
    .year = 2014,
    .designer = NLG_HUMAN,
    .build = build,
};
