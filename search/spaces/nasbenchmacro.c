/* NAS-Bench-Macro: X. Su, T. Huang, Y. Li, S. You, F. Wang, C. Qian, C. Zhang, C. Xu, "Prioritized Architecture Sampling with
 * Monto-Carlo Tree Search", CVPR 2021, Appendix A.
 *
 * Eight layers, each an identity or an inverted residual block with expansion 3 and kernel 3, or expansion 6 and kernel 5; 3^8
 * networks for CIFAR-10. Stages of 2, 3 and 3 layers, whose first halves the image and doubles the width, beginning with 32
 * channels; a last 1x1 convolution to 1280 channels. An identity that changes the shape is a 1x1 convolution with batch norm; one
 * that does not is nothing. Details are those of the released code.
 *
 * Within a stage, identities of stride 1 may stand anywhere between the blocks without changing the network: such codes are one
 * architecture, written with its identities last. The benchmark trained them apart, so the rows of its table differ by noise. */
#include <string.h>

#include "search/spaces/common/build.h"

enum { LAYERS = 8, STAGES = 3, OPS = 3, FILTERS = 32, HEAD = 1280 };
static const int stage_layers[STAGES] = {2, 3, 3};
static const int expansion[OPS] = {0, 3, 6}, kernel[OPS] = {0, 3, 5}; /* expansion 0: identity */

static int choices(const nlg_space *self, int position) {
    (void)self, (void)position;
    return OPS;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    (void)self;
    out->length = LAYERS;
    for (int stage = 0, first = 0; stage < STAGES; first += stage_layers[stage++]) {
        int filled = first;
        for (int i = first; i < first + stage_layers[stage]; i++) {
            if (i == first || code->value[i] != 0) out->value[filled++] = code->value[i];
        }
        while (filled < first + stage_layers[stage]) out->value[filled++] = 0;
    }
}

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    if (size < LAYERS + 1) return;
    for (int i = 0; i < LAYERS; i++) text[i] = (char)('0' + code->value[i]);
    text[LAYERS] = '\0';
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = LAYERS};
    if (strlen(text) != LAYERS || strspn(text, "012") != LAYERS)
        return nlg_fail(err, NLG_ERR_INPUT, "space nasbenchmacro: expected 8 digits from 0 to 2, found '%.40s'", text);
    for (int i = 0; i < LAYERS; i++) code->value[i] = (int16_t)(text[i] - '0');
    return NLG_OK;
}

static nlg_value conv_norm(nlg_builder *b, nlg_value x, nlg_conv_args conv, nlg_act act, int number) {
    conv.half = true;
    x = nlg_conv(b, x, conv, "%d", number);
    return nlg_activation(b, nlg_batch_norm(b, x, (nlg_norm_args){0}, "%d", number + 1), act);
}

static nlg_value build_identity(nlg_builder *b, nlg_value x, int out, int stride) {
    if (stride == 1) return x;
    nlg_push(b, "downsample");
    x = conv_norm(b, x, (nlg_conv_args){.out = out, .kernel = 1, .stride = stride}, NLG_ACT_NONE, 0);
    nlg_pop(b);
    return x;
}

static nlg_value build_block(nlg_builder *b, nlg_value x, int op, int out, int stride) {
    const int hidden = expansion[op] * nlg_shape_of(b, x).c;
    nlg_push(b, "conv");
    nlg_value y = conv_norm(b, x, (nlg_conv_args){.out = hidden, .kernel = 1}, NLG_ACT_RELU, 0);
    y = conv_norm(b, y, (nlg_conv_args){.kernel = kernel[op], .stride = stride, .groups = -1}, NLG_ACT_RELU, 3);
    y = conv_norm(b, y, (nlg_conv_args){.out = out, .kernel = 1}, NLG_ACT_NONE, 6);
    nlg_pop(b);
    return stride == 1 ? nlg_add(b, y, x) : y;
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_push(b, "stem");
    nlg_value x = conv_norm(b, nlg_input(b, c, h, w), (nlg_conv_args){.out = FILTERS, .kernel = 3}, NLG_ACT_RELU, 0);
    nlg_pop(b);
    for (int stage = 0, layer = 0; stage < STAGES; stage++) {
        for (int i = 0; i < stage_layers[stage]; i++, layer++) {
            const int op = code->value[layer], out = FILTERS << (stage + 1), stride = i == 0 ? 2 : 1;
            nlg_push(b, "features.%d", layer);
            x = op == 0 ? build_identity(b, x, out, stride) : build_block(b, x, op, out, stride);
            nlg_pop(b);
        }
    }
    nlg_push(b, "out");
    x = conv_norm(b, x, (nlg_conv_args){.out = HEAD, .kernel = 1}, NLG_ACT_RELU, 0);
    nlg_pop(b);
    nlg_output(b, nlg_linear(b, nlg_global_avg_pool(b, x), (nlg_linear_args){.out = classes}, "classifier"));
    return nlg_space_build_finish(b, graph, err);
}

const nlg_space nlg_space_nasbenchmacro = {
    .name = "nasbenchmacro",
    .summary = "8 layers of identity or two MobileNetV2 blocks; published table",
    .source = "Su et al.: Prioritized Architecture Sampling with Monto-Carlo Tree Search, CVPR 2021",
    .length = LAYERS,
    .choices = choices,
    .canonical = canonical,
    .notation = "the benchmark's own: 8 digits, one a layer: 0 identity, 1 expansion 3 and kernel 3, 2 expansion 6 and kernel 5.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
    .architectures = 9 * 21 * 21,
};
