/* RetinaNet: Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017, Section 4, on the feature
 * pyramid of Lin et al., CVPR 2017. NAS-FPN: Ghiasi, Lin, Pang, Le, "NAS-FPN: Learning Scalable Feature Pyramid Architecture for
 * Object Detection", CVPR 2019, Figure 6 (the 7-cell pyramid), with the details of the authors' code.
 *
 * Outputs: class scores (before the sigmoid) of P3 .. P7, each H x W x (9 anchors * classes), then box offsets, H x W x (9 * 4).
 * The two heads share their weights over the levels. Names are torchvision's; NAS-FPN has no public names, its layers are named
 * alike. */
#include "models/blocks.h"
#include "models/rows.h"

enum { LEVELS = NLG_FPN_LEVELS, FIRST_LEVEL = 3, ANCHORS = 9 };

typedef struct detector {
    nlg_builder *b;
    const nlg_detector_spec *spec;
    nlg_value level[LEVELS]; /* P3 .. P7 */
} detector;

static nlg_value conv3x3(detector *d, nlg_value x, int out, const char *name) {
    return nlg_conv(d->b, x, (nlg_conv_args){.out = out, .kernel = 3, .pad = 1, .bias = true}, "%s", name);
}

/* ---- feature pyramid network ------------------------------------------------------------------------------------------ */

/* Convolution "NAME.0" and, with norm, batch norm "NAME.1": torchvision's names. */
static nlg_value fpn_block(detector *d, nlg_value x, int kernel, const char *name, int index) {
    nlg_builder *b = d->b;
    nlg_push(b, "%s.%d", name, index);
    x = nlg_conv(b, x, (nlg_conv_args){.out = d->spec->channels, .kernel = kernel, .pad = kernel / 2, .bias = true}, "0");
    if (d->spec->norm) x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "1");
    nlg_pop(b);
    return x;
}

static nlg_value extra_block(detector *d, nlg_value x, int level) {
    nlg_builder *b = d->b;
    nlg_push(b, "extra_blocks");
    x = nlg_conv(b, x, (nlg_conv_args){.out = d->spec->channels, .kernel = 3, .stride = 2, .pad = 1, .bias = true}, "p%d", level);
    if (d->spec->norm) x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "bn%d", level);
    nlg_pop(b);
    return x;
}

static void build_fpn(detector *d, const nlg_value stage[4]) {
    nlg_builder *b = d->b;
    nlg_value merged[3];
    nlg_push(b, "backbone.fpn");
    nlg_block_begin(b, "FPN");
    for (int i = 0; i < 3; i++) merged[i] = fpn_block(d, stage[i + 1], 1, "inner_blocks", i);
    for (int i = 1; i >= 0; i--) merged[i] = nlg_add(b, merged[i], nlg_upsample(b, merged[i + 1], 2));
    for (int i = 0; i < 3; i++) d->level[i] = fpn_block(d, merged[i], 3, "layer_blocks", i);
    d->level[3] = extra_block(d, d->spec->pyramid == NLG_PYRAMID_FPN ? stage[3] : d->level[2], 6);
    d->level[4] = extra_block(d, nlg_relu(b, d->level[3]), 7);
    nlg_block_end(b);
    nlg_pop(b);
}

/* ---- NAS-FPN ---------------------------------------------------------------------------------------------------------- */

typedef struct pyramid_node {
    nlg_value value;
    int level;
    bool read;
} pyramid_node;

/* To a coarser level by maximum pooling, to a finer one by repeating pixels. */
static nlg_value resample(nlg_builder *b, const pyramid_node *node, int level) {
    if (level > node->level) return nlg_max_pool(b, node->value, (nlg_pool_args){.kernel = 1 << (level - node->level)});
    if (level < node->level) return nlg_upsample(b, node->value, 1 << (node->level - level));
    return node->value;
}

static nlg_value merge(nlg_builder *b, const nlg_fpn_cell *cell, pyramid_node *node) {
    pyramid_node *fine = &node[cell->in[0]], *coarse = &node[cell->in[1]];
    if (fine->level > coarse->level) {
        pyramid_node *swap = fine;
        fine = coarse;
        coarse = swap;
    }
    fine->read = coarse->read = true;
    const nlg_value x = resample(b, fine, cell->level), y = resample(b, coarse, cell->level);
    if (cell->op == NLG_FPN_SUM) return nlg_add(b, x, y);
    const nlg_shape map = nlg_shape_of(b, y);
    const nlg_pool_attrs whole = {.kernel_h = map.h, .kernel_w = map.w, .stride_h = map.h, .stride_w = map.w};
    const nlg_value gate = nlg_activation(b, nlg_apply(b, "max_pool", &whole, &y, 1, "%s", ""), NLG_ACT_SIGMOID);
    return nlg_add(b, y, nlg_channel_scale(b, x, gate));
}

void nlg_fpn_build(nlg_builder *b, const nlg_fpn_cell *cells, int n_cells, int channels, nlg_value level[NLG_FPN_LEVELS]) {
    pyramid_node node[LEVELS + NLG_FPN_CELLS_MAX];
    for (int i = 0; i < LEVELS; i++) node[i] = (pyramid_node){level[i], FIRST_LEVEL + i, false};
    for (int i = 0; i < n_cells; i++) {
        const nlg_fpn_cell *cell = &cells[i];
        nlg_block_begin(b, "%s", cell->op == NLG_FPN_SUM ? "sum" : "global pooling");
        nlg_value x = merge(b, cell, node);
        /* Nodes of this level that nothing has read flow into its output. */
        for (int j = 0; cell->output && j < LEVELS + i; j++)
            if (node[j].level == cell->level && !node[j].read) {
                x = nlg_add(b, x, node[j].value);
                node[j].read = true;
            }
        nlg_push(b, "cells.%d", i);
        x = nlg_conv(b, nlg_relu(b, x), (nlg_conv_args){.out = channels, .kernel = 3, .pad = 1, .bias = true}, "conv");
        x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "bn");
        nlg_pop(b);
        nlg_block_end(b);
        node[LEVELS + i] = (pyramid_node){x, cell->level, false};
        if (cell->output) level[cell->level - FIRST_LEVEL] = x;
    }
}

/* P3 .. P7 before the first stack. */
static void begin_nas_fpn(detector *d, const nlg_value stage[4]) {
    nlg_builder *b = d->b;
    nlg_push(b, "backbone.fpn");
    for (int i = 0; i < 3; i++) {
        nlg_push(b, "inner_blocks.%d", i);
        d->level[i] = nlg_conv(b, stage[i + 1], (nlg_conv_args){.out = d->spec->channels, .kernel = 1, .bias = true}, "conv");
        d->level[i] = nlg_batch_norm(b, d->level[i], (nlg_norm_args){0}, "bn");
        nlg_pop(b);
    }
    for (int i = 3; i < LEVELS; i++) d->level[i] = nlg_max_pool(b, d->level[i - 1], (nlg_pool_args){.kernel = 2});
    nlg_pop(b);
}

static void build_stack(detector *d, int index) {
    nlg_builder *b = d->b;
    const nlg_fpn_stack *stack = d->spec->stack != NULL ? d->spec->stack : &nlg_nas_fpn_stack;
    nlg_push(b, "backbone.fpn.stacks.%d", index);
    nlg_block_begin(b, "NAS-FPN");
    nlg_fpn_build(b, stack->cells, stack->n_cells, d->spec->channels, d->level);
    nlg_block_end(b);
    nlg_pop(b);
}

/* ---- heads ------------------------------------------------------------------------------------------------------------ */

/* Four 3x3 convolutions and a last one, the same weights on every level and at every exit; batch norm is one for each level and
 * exit. exit: 0 at the network's end. */
static void build_head(detector *d, const char *title, const char *name, const char *last, int out, int exit) {
    nlg_builder *b = d->b;
    const nlg_detector_spec *spec = d->spec;
    const int layers = spec->head_layers ? spec->head_layers : 4;
    const bool norm = spec->norm || spec->pyramid == NLG_PYRAMID_NAS_FPN;
    nlg_push(b, "head.%s", name);
    nlg_share_begin(b);
    for (int l = 0; l < LEVELS; l++) {
        nlg_value x = d->level[l];
        nlg_block_begin(b, "%s", title);
        for (int i = 0; i < layers; i++) {
            nlg_push(b, "conv.%d", i);
            x = conv3x3(d, x, spec->channels, "0");
            if (norm && exit > 0)
                x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "exits.%d.bn.%d", exit, l);
            else if (norm)
                x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "bn.%d", l);
            x = nlg_relu(b, x);
            nlg_pop(b);
        }
        x = conv3x3(d, x, out, last);
        nlg_block_end(b);
        if (exit > 0)
            nlg_output_aux(b, x, 1);
        else
            nlg_output(b, x);
    }
    nlg_share_end(b);
    nlg_pop(b);
}

static void build_heads(detector *d, int classes, int exit) {
    build_head(d, "class subnet", "classification_head", "cls_logits", ANCHORS * classes, exit);
    build_head(d, "box subnet", "regression_head", "bbox_reg", ANCHORS * 4, exit);
}

/* Ghiasi et al., Section 3.2.1, "Deeply supervised anytime object detection": heads behind the intermediate pyramids too, trained
 * together; a forward pass may stop at any of them. */
static void build_exit(detector *d, int classes, int exit) {
    nlg_aux_begin(d->b);
    build_heads(d, classes, exit);
    nlg_aux_end(d->b);
}

void nlg_detector_build(nlg_builder *b, const nlg_detector_spec *spec, nlg_shape input, int classes) {
    detector d = {.b = b, .spec = spec};
    const bool nas_fpn = d.spec->pyramid == NLG_PYRAMID_NAS_FPN;
    const bool small = d.spec->mobile ? d.spec->mobile_small : d.spec->backbone.cifar > 0;
    const int first = !small ? 8 : d.spec->mobile || d.spec->backbone.cifar_stride == 2 ? 4 : 2; /* stride of P3 */
    const int unit = nas_fpn ? 16 * first : 4 * first;
    if (input.h % unit != 0 || input.w % unit != 0) {
        nlg_builder_fail(b, "a feature pyramid takes images whose sides are multiples of %d, found %d x %d; pad the image", unit,
                         input.h, input.w);
        return;
    }
    nlg_value stage[4] = {-1, -1, -1, -1};
    const nlg_value image = nlg_input(b, input.c, input.h, input.w);
    nlg_push(b, "backbone.body");
    if (d.spec->mobile)
        nlg_mobilenet_v2_trunk(b, d.spec->mobile, d.spec->mobile_small, image, stage);
    else
        nlg_resnet_trunk(b, &d.spec->backbone, image, stage);
    nlg_pop(b);
    if (nas_fpn)
        begin_nas_fpn(&d, stage);
    else
        build_fpn(&d, stage);
    for (int i = 0; i < spec->stacks; i++) {
        build_stack(&d, i);
        if (spec->exits && i < spec->stacks - 1) build_exit(&d, classes, i + 1);
    }
    build_heads(&d, classes, 0);
}

static void build(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes) {
    nlg_detector_build(b, model->spec, input, classes);
}

static const nlg_family retinanet = {
    .name = "RetinaNet",
    .title = "Focal Loss for Dense Object Detection",
    .authors = "T.-Y. Lin, P. Goyal, R. Girshick, K. He, P. Dollar",
    .venue = "ICCV 2017, arXiv 1708.02002",
    .year = 2017,
    .designer = NLG_HUMAN,
    .deviations =
        "Batch norm of the backbone counts as trainable; detectors are usually trained with it frozen (53,120 parameters "
        "in R-50).\n"
        "Hidden layers of the heads start as all others do (He), not with deviation 0.01; the last layers start with 0.01 "
        "and the prior when a detector is trained.\n",
    .build = build,
};

static const nlg_family nas_fpn = {
    .name = "NAS-FPN",
    .title = "NAS-FPN: Learning Scalable Feature Pyramid Architecture for Object Detection",
    .authors = "G. Ghiasi, T.-Y. Lin, R. Pang, Q. V. Le",
    .venue = "CVPR 2019, arXiv 1904.07392",
    .year = 2019,
    .designer = NLG_SEARCHED,
    .deviations =
        "Global pooling as in the authors' code: the maximum of the coarser input gates the finer one; mmdetection does it the "
        "other way "
        "round with averages. P6 and P7 are plain pools of P5. No DropBlock.\n"
        "Convolutions before batch norm have biases, as in the authors' code; 7 @ 256 has 60,057,998 parameters and 7 @ 384 "
        "103,547,534 against the printed 60.3M and 103.9M. A 1x1 convolution and norm of its own for each of the two uses of C4 "
        "would give 60,320,910 and 103,941,902: a comment in the released code says that the original did not project the "
        "backbone's maps once beforehand. It is not built: what P6 was made of then is not stated.\n",
    .build = build,
    .genotypes = &nlg_fpn_genotypes,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
#define COCO(h, w, c) .input = {h, w, 3}, .classes = c, .any_input = true
#define R50           {NLG_BOTTLENECK, {3, 4, 6, 3}}
#define R101          {NLG_BOTTLENECK, {3, 4, 23, 3}}
#define R50_V1        {NLG_BOTTLENECK, {3, 4, 6, 3}, .v1 = true}
#define R101_V1       {NLG_BOTTLENECK, {3, 4, 23, 3}, .v1 = true}
#define STACKED(n, w) .pyramid = NLG_PYRAMID_NAS_FPN, .channels = w, .stacks = n
#define SMALL_BACKBONE {NLG_BASIC, {1, 1, 1, 1}, .cifar = 8}
#define SMALLER        "Backbone: a basic block a stage, widths 8, 16, 32, 64, a 3x3 stem without stride: P3 has half the image's size, P7 a 32nd.\n"
#define TINY_BACKBONE {NLG_BASIC, {1, 1, 1, 1}, .cifar = 16, .cifar_stride = 2}
#define TINY          "For trials: a basic block a stage, widths 16 to 128, a 3x3 stem of stride 2: P3 has a quarter of the image's size, P7 a 64th.\n"
#define TINY_HEADS    "24 channels, heads of two 3x3 convolutions in place of four; 10 classes.\n"

static const nlg_model rows[] = {
    MODEL(retinanet_resnet50_fpn, .family = &retinanet, COCO(800, 800, 91),
          SPEC(nlg_detector_spec, R50, NLG_PYRAMID_FPN_P5, .channels = 256), PUBLISHED(34068119, 151540000000, TV),
          .deviations = "torchvision's form: P6 comes from P5, 91 classes, ResNet v1.5. Its 34,014,999 parameters leave batch norm out.\n")
    MODEL(retinanet_resnet101_fpn, .family = &retinanet, COCO(800, 800, 91),
          SPEC(nlg_detector_spec, R101, NLG_PYRAMID_FPN_P5, .channels = 256), PUBLISHED(53000000, 0, "NAS-FPN Table 1, R-101 FPN"),
          .deviations = "torchvision's form of R-50 with a deeper backbone: P6 comes from P5, 91 classes, ResNet v1.5.\n")
    MODEL(retinanet_r50, .family = &retinanet, COCO(800, 1344, 80), SPEC(nlg_detector_spec, R50_V1, NLG_PYRAMID_FPN, .channels = 256))
    MODEL(retinanet_r101, .family = &retinanet, COCO(800, 1344, 80), SPEC(nlg_detector_spec, R101_V1, NLG_PYRAMID_FPN, .channels = 256))
    MODEL(nas_fpn_r50_7_256, .family = &nas_fpn, .aliases = "nas_fpn", COCO(640, 640, 90), SPEC(nlg_detector_spec, R50, STACKED(7, 256)),
          PUBLISHED(60300000, 140600000000, "NAS-FPN Table 1; MACs: the authors' model list"))
    MODEL(nas_fpn_r50_7_384, .family = &nas_fpn, COCO(1280, 1280, 90), SPEC(nlg_detector_spec, R50, STACKED(7, 384)),
          PUBLISHED(103900000, 0, "NAS-FPN Table 1, 7 @ 384"))
    MODEL(nas_fpn_r50_5_256, .family = &nas_fpn, COCO(640, 640, 90), SPEC(nlg_detector_spec, R50, STACKED(5, 256)),
          .deviations = "Five stacks are the default of the released configuration, not a row of the paper.\n")
    MODEL(nas_fpn_r50_3_256, .family = &nas_fpn, COCO(640, 640, 90), SPEC(nlg_detector_spec, R50, STACKED(3, 256)))
    MODEL(nas_fpn_r50_1_256, .family = &nas_fpn, COCO(640, 640, 90), SPEC(nlg_detector_spec, R50, STACKED(1, 256)))
    MODEL(retinanet_small, .family = &retinanet, COCO(128, 128, 10), SPEC(nlg_detector_spec, SMALL_BACKBONE, NLG_PYRAMID_FPN, .channels = 32),
          .deviations = SMALLER "32 channels in pyramid and heads in place of 256; 10 classes.\n")
    MODEL(nas_fpn_small, .family = &nas_fpn, COCO(128, 128, 10), SPEC(nlg_detector_spec, SMALL_BACKBONE, STACKED(2, 32)),
          .deviations = SMALLER "Two stacks of 32 channels in place of 7 of 256; 10 classes.\n")
    MODEL(retinanet_tiny, .family = &retinanet, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, .pyramid = NLG_PYRAMID_FPN, .channels = 24, .head_layers = 2), .deviations = TINY TINY_HEADS)
    MODEL(retinanet_tiny_bn, .family = &retinanet, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, .pyramid = NLG_PYRAMID_FPN, .channels = 24, .head_layers = 2, .norm = true),
          .deviations = TINY "Batch norm in pyramid and heads, one for each level, as the NAS-FPN authors' RetinaNet has it. " TINY_HEADS)
    MODEL(retinanet_mobilenet_tiny, .family = &retinanet, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, .mobile = &(const nlg_mobilenet_spec){1, NLG_TIMM}, .mobile_small = true, .pyramid = NLG_PYRAMID_FPN, .channels = 24,
               .head_layers = 2),
          .deviations = "For trials: the stages of mobilenet_v2_small behind a stem of stride 2: P3 has a quarter of the image's size.\n" TINY_HEADS)
    MODEL(nas_fpn_tiny, .family = &nas_fpn, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, STACKED(1, 24), .head_layers = 2), .deviations = TINY "One stack. " TINY_HEADS)
    MODEL(nas_fpn_tiny_2, .family = &nas_fpn, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, STACKED(2, 24), .head_layers = 2), .deviations = TINY "Two stacks. " TINY_HEADS)
    MODEL(nas_fpn_tiny_3, .family = &nas_fpn, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, STACKED(3, 24), .head_layers = 2), .deviations = TINY "Three stacks. " TINY_HEADS)
    MODEL(nas_fpn_tiny_3_exits, .family = &nas_fpn, COCO(64, 64, 10),
          SPEC(nlg_detector_spec, TINY_BACKBONE, STACKED(3, 24), .head_layers = 2, .exits = true),
          .deviations = TINY "Three stacks; the heads also stand behind the first and the second (early exits), with batch norms of their own. " TINY_HEADS)
    MODEL(retinanet_mobilenet_v2_fpn, .family = &retinanet, COCO(640, 640, 80),
          SPEC(nlg_detector_spec, .mobile = &(const nlg_mobilenet_spec){1, NLG_TORCHVISION}, .pyramid = NLG_PYRAMID_FPN, .channels = 256),
          .deviations = "MobileNet v2 (torchvision's names) as backbone: C3, C4 and C5 are its blocks 6, 13 and 17. Not a row of a paper.\n")
};
ROWS(detection, rows)
// clang-format on
