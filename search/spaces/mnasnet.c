/* The factorised hierarchical space of MnasNet: M. Tan, B. Chen, R. Pang, V. Vasudevan, M. Sandler, A. Howard, Q. Le, "MnasNet:
 * Platform-Aware Neural Architecture Search for Mobile", CVPR 2019, Section 4.1.
 *
 * The network is a chain of blocks; all layers of a block are alike, blocks differ. For each block: the operation (convolution,
 * depthwise separable convolution, inverted bottleneck with expansion 3 or 6), kernel 3 or 5, squeeze-and-excitation ratio 0 or
 * 1/4, the skip (none, identity, pooling), the filters (3/4, 1, 5/4 of MobileNetV2's) and the layers (one less, as many, one more).
 *
 * Deviations: five blocks for small images (the paper: seven for 224x224), from full size to an eighth. The paper does not say how
 * a skip meets a change of shape: here identity and 3x3 average pooling bridge layers whose channels agree, identity only those of
 * stride 1; a skip that has no layer to bridge is none. */
#include <stdio.h>
#include <string.h>

#include "models/blocks.h"
#include "search/spaces/common/build.h"

enum { BLOCKS = 5, STEM = 16, HEAD = 256 };
enum { OP, KERNEL, SQUEEZE, SKIP, FILTERS, LAYERS, PARTS };
enum { CONV, SEPARABLE, BOTTLENECK_3, BOTTLENECK_6, OPS };
enum { NO_SKIP, IDENTITY, POOLING, SKIPS };
static const int parts[PARTS] = {OPS, 2, 2, SKIPS, 3, 3};
static const char *const op_names[OPS] = {"conv", "sep", "mb3", "mb6"}, *const skip_names[SKIPS] = {"none", "id", "pool"};
static const int base_filters[BLOCKS] = {16, 24, 32, 48, 64}, base_stride[BLOCKS] = {1, 2, 2, 1, 2};

static int choices(const nlg_space *self, int position) {
    (void)self;
    return parts[position % PARTS];
}

static const int16_t *block_of(const nlg_code *code, int block) {
    return &code->value[block * PARTS];
}

static int filters_of(const nlg_code *code, int block) {
    return block < 0 ? STEM : base_filters[block] * (3 + block_of(code, block)[FILTERS]) / 4;
}

/* Whether the skip of a block bridges at least its first layer, or any later one. */
static bool skips(const nlg_code *code, int block) {
    const int16_t *v = block_of(code, block);
    if (v[SKIP] == NO_SKIP) return false;
    if (v[LAYERS] > 0) return true;
    return filters_of(code, block - 1) == filters_of(code, block) && (v[SKIP] == POOLING || base_stride[block] == 1);
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    (void)self;
    *out = *code;
    for (int block = 0; block < BLOCKS; block++) {
        if (!skips(code, block)) out->value[block * PARTS + SKIP] = NO_SKIP;
    }
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_value conv(nlg_builder *b, nlg_value x, nlg_conv_args args, nlg_act act, const char *name) {
    char norm[16];
    snprintf(norm, sizeof norm, "%s_bn", name);
    args.half = true;
    return nlg_conv_norm_act(b, x, args, (nlg_norm_args){0}, act, name, norm);
}

static nlg_value build_layer(nlg_builder *b, nlg_value x, const int16_t *v, int out, int stride) {
    const int in = nlg_shape_of(b, x).c, kernel = v[KERNEL] ? 5 : 3;
    const bool whole = v[OP] == CONV;
    nlg_value y = x;
    if (v[OP] == BOTTLENECK_3 || v[OP] == BOTTLENECK_6)
        y = conv(b, y, (nlg_conv_args){.out = in * (v[OP] == BOTTLENECK_3 ? 3 : 6), .kernel = 1}, NLG_ACT_RELU, "expand");
    y = conv(b, y, (nlg_conv_args){.out = whole ? out : 0, .kernel = kernel, .stride = stride, .groups = whole ? 1 : -1},
             NLG_ACT_RELU, "spatial");
    if (v[SQUEEZE]) y = nlg_squeeze_excite(b, y, in / 4, NLG_ACT_RELU, "reduce", "excite");
    if (!whole) y = conv(b, y, (nlg_conv_args){.out = out, .kernel = 1}, NLG_ACT_NONE, "project");
    if (v[SKIP] == NO_SKIP || in != out || (v[SKIP] == IDENTITY && stride != 1)) return y;
    if (v[SKIP] == POOLING) x = nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 3, .stride = stride, .pad = 1, .exclude_pad = true});
    return nlg_add(b, y, x);
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_value x = conv(b, nlg_input(b, c, h, w), (nlg_conv_args){.out = STEM, .kernel = 3}, NLG_ACT_RELU, "stem");
    for (int block = 0; block < BLOCKS; block++) {
        const int16_t *v = block_of(code, block);
        for (int layer = 0; layer <= v[LAYERS]; layer++) {
            nlg_push(b, "blocks.%d.%d", block, layer);
            x = build_layer(b, x, v, filters_of(code, block), layer == 0 ? base_stride[block] : 1);
            nlg_pop(b);
        }
    }
    x = conv(b, x, (nlg_conv_args){.out = HEAD, .kernel = 1}, NLG_ACT_RELU, "head");
    nlg_classifier(b, x, 0, classes, "classifier");
    return nlg_space_build_finish(b, graph, err);
}

/* ---- genotypes: "mb6 k3 se0 id f24 l2; ..." ---------------------------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    size_t used = 0;
    for (int block = 0; block < BLOCKS && used < size; block++) {
        const int16_t *v = block_of(code, block);
        used += (size_t)snprintf(text + used, size - used, "%s%s k%d se%d %s f%d l%d", block ? "; " : "", op_names[v[OP]],
                                 v[KERNEL] ? 5 : 3, v[SQUEEZE], skip_names[v[SKIP]], filters_of(code, block), v[LAYERS] + 1);
    }
}

static int16_t index_of(const char *const *names, int count, const char *name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) return (int16_t)i;
    }
    return -1;
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = BLOCKS * PARTS};
    const char *at = text;
    for (int block = 0; block < BLOCKS; block++) {
        char op[8], skip[8];
        int kernel = 0, squeeze = 0, filters = 0, layers = 0, length = 0;
        int16_t *v = &code->value[block * PARTS];
        bool good =
            sscanf(at, " %7[a-z0-9] k%1d se%1d %7[a-z] f%3d l%1d%n", op, &kernel, &squeeze, skip, &filters, &layers, &length) == 6;
        if (good) {
            v[OP] = index_of(op_names, OPS, op);
            v[KERNEL] = kernel == 5;
            v[SQUEEZE] = (int16_t)squeeze;
            v[SKIP] = index_of(skip_names, SKIPS, skip);
            v[FILTERS] = (int16_t)(4 * filters / base_filters[block] - 3);
            v[LAYERS] = (int16_t)(layers - 1);
            at += length;
            for (int i = 0; i < PARTS; i++) good = good && v[i] >= 0 && v[i] < parts[i];
            good = good && (kernel == 3 || kernel == 5) && filters_of(code, block) == filters;
            good = good && *at == (block < BLOCKS - 1 ? ';' : '\0');
        }
        if (!good) {
            return nlg_fail(
                err, NLG_ERR_INPUT,
                "space mnasnet: expected %d blocks such as 'mb6 k3 se0 id f24 l2' (conv, sep, mb3, mb6; kernel 3, 5; se 0, "
                "1; none, id, pool; filters 3/4, 1 or 5/4 of %d; layers 1 to 3) with semicolons, found '%.40s'",
                BLOCKS, base_filters[block], at);
        }
        at += *at == ';';
    }
    return NLG_OK;
}

const nlg_space nlg_space_mnasnet = {
    .name = "mnasnet",
    .summary = "operation, kernel, squeeze, skip, filters and layers of 5 blocks (MnasNet, small images)",
    .source = "Tan et al.: MnasNet, CVPR 2019",
    .length = BLOCKS * PARTS,
    .choices = choices,
    .canonical = canonical,
    .notation =
        "five blocks \"OP kK seS SKIP fF lL\" with semicolons: OP conv, sep, mb3 or mb6 (inverted bottleneck with that "
        "expansion);\n"
        "kernel K 3 or 5; squeeze-and-excitation S 0 or 1; SKIP none, id or pool; filters F 3/4, 1 or 5/4 of 16, 24, 32, 48\n"
        "and 64; layers L 1 to 3.",
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
};
