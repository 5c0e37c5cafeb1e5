/* Our own space: small networks for 28x28 and 32x32 images that differ much, few enough to train all of them (`lineage table`).
 *
 * A 3x3 stem of 16 channels at stride 2 and three stages of 16, 32 and 64 channels at half, quarter and eighth size. Each stage is
 * nothing, a 3x3 convolution, a 3x3 or 5x5 depthwise separable one, or (not the first) a residual pair of 3x3 convolutions. Between
 * stages the image shrinks by maximum pooling, average pooling or the stride of the 1x1 convolution that widens it. Every stage
 * that is something ends with squeeze-and-excitation, or none does. Every convolution is followed by batch norm and ReLU (within a
 * residual pair as in ResNet).
 *
 * Code: stages, shrinking, squeeze. 600 codes; squeezing nothing changes nothing, so that 597 are different networks. */
#include <stdio.h>
#include <string.h>

#include "models/blocks.h"
#include "search/spaces/common/build.h"

enum { STAGES = 3, SHRINK = STAGES, SQUEEZE, LENGTH, FILTERS = 16 };
enum { NOTHING, CONV, SEPARABLE_3, SEPARABLE_5, RESIDUAL, OPS };
enum { MAX_POOL, AVG_POOL, STRIDE, SHRINKS };
static const char *const op_names[OPS] = {"none", "conv3", "sep3", "sep5", "res3"};
static const char *const shrink_names[SHRINKS] = {"max", "avg", "stride"}, *const squeeze_names[] = {"plain", "se"};

static int choices(const nlg_space *self, int position) {
    (void)self;
    if (position == 0) return RESIDUAL; /* all but that: on the largest images the dearest */
    return position < STAGES ? OPS : position == SHRINK ? SHRINKS : 2;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    (void)self;
    *out = *code;
    bool empty = true;
    for (int i = 0; i < STAGES; i++) empty = empty && code->value[i] == NOTHING;
    if (empty) out->value[SQUEEZE] = 0;
}

/* ---- genotypes: "sep3 none res3 max se" -------------------------------------------------------------------------------- */

static const char *const *names_at(int position) {
    return position < STAGES ? op_names : position == SHRINK ? shrink_names : squeeze_names;
}

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    size_t used = 0;
    for (int i = 0; i < LENGTH && used < size; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? " " : "", names_at(i)[code->value[i]]);
    }
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    *code = (nlg_code){.length = LENGTH};
    const char *at = text;
    for (int i = 0; i < LENGTH; i++) {
        const size_t length = strcspn(at, " ");
        int value = 0;
        while (value < choices(self, i) && (strlen(names_at(i)[value]) != length || strncmp(at, names_at(i)[value], length) != 0))
            value++;
        code->value[i] = (int16_t)value;
        at += length;
        if (value == choices(self, i) || *at != (i < LENGTH - 1 ? ' ' : '\0')) {
            return nlg_fail(
                err, NLG_ERR_INPUT,
                "space lineage: expected three stages (none, conv3, sep3, sep5, res3), max, avg or stride, plain or se, "
                "found '%.40s'",
                text);
        }
        at += *at == ' ';
    }
    return NLG_OK;
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_value conv(nlg_builder *b, nlg_value x, nlg_conv_args args, nlg_act act, const char *name) {
    char norm[16];
    snprintf(norm, sizeof norm, "%s_bn", name);
    args.half = true;
    return nlg_conv_norm_act(b, x, args, (nlg_norm_args){0}, act, name, norm);
}

static nlg_value build_stage(nlg_builder *b, nlg_value x, int op, int filters, bool squeeze) {
    const int kernel = op == SEPARABLE_5 ? 5 : 3;
    nlg_value y = x;
    if (op == NOTHING) return x;
    if (op == SEPARABLE_3 || op == SEPARABLE_5) {
        y = conv(b, y, (nlg_conv_args){.kernel = kernel, .groups = -1}, NLG_ACT_RELU, "depthwise");
        y = conv(b, y, (nlg_conv_args){.out = filters, .kernel = 1}, NLG_ACT_RELU, "pointwise");
    } else {
        y = conv(b, y, (nlg_conv_args){.out = filters, .kernel = kernel}, NLG_ACT_RELU, "conv1");
    }
    if (op == RESIDUAL) y = conv(b, y, (nlg_conv_args){.out = filters, .kernel = kernel}, NLG_ACT_NONE, "conv2");
    if (squeeze) y = nlg_squeeze_excite(b, y, filters / 4, NLG_ACT_RELU, "reduce", "excite");
    return op == RESIDUAL ? nlg_relu(b, nlg_add(b, y, x)) : y;
}

static nlg_value build_shrink(nlg_builder *b, nlg_value x, int shrink, int filters) {
    if (shrink == MAX_POOL) x = nlg_max_pool(b, x, (nlg_pool_args){.kernel = 2});
    if (shrink == AVG_POOL) x = nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 2});
    return conv(b, x, (nlg_conv_args){.out = filters, .kernel = 1, .stride = shrink == STRIDE ? 2 : 1}, NLG_ACT_RELU, "widen");
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_value x = conv(b, nlg_input(b, c, h, w), (nlg_conv_args){.out = FILTERS, .kernel = 3, .stride = 2}, NLG_ACT_RELU, "stem");
    for (int stage = 0; stage < STAGES; stage++) {
        const int filters = FILTERS << stage;
        nlg_push(b, "stages.%d", stage);
        if (stage > 0) x = build_shrink(b, x, code->value[SHRINK], filters);
        x = build_stage(b, x, code->value[stage], filters, code->value[SQUEEZE] != 0);
        nlg_pop(b);
    }
    nlg_classifier(b, x, 0, classes, "fc");
    return nlg_space_build_finish(b, graph, err);
}

const nlg_space nlg_space_lineage = {
    .name = "lineage",
    .summary = "three stages of five operations, shrinking and squeezing; small enough to train completely",
    .source = "this program",
    .length = LENGTH,
    .choices = choices,
    .canonical = canonical,
    .notation =
        "STAGE STAGE STAGE SHRINK SQUEEZE: the first stage none, conv3, sep3 or sep5, the others also res3; the image shrinks\n"
        "between stages by max, avg or stride; plain or se.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
    .architectures = 597,
};
