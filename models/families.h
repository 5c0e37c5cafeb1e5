/* The families and the rows of their papers' tables, shared by models.def and the family files.
 *
 * families.def lists the families. One section here for each family that has a spec, the private part of a row. */
#ifndef NLG_FAMILIES_H
#define NLG_FAMILIES_H

#include "models/cells.h"
#include "models/layer_table.h"
#include "models/model.h"

#define FAMILY(name) extern const nlg_family nlg_##name;
#include "models/families.def"
#undef FAMILY

/* ---- LeNet-5 ------------------------------------------------------------------------------------------------------------- */

typedef struct nlg_lenet_spec {
    nlg_act act;    /* of the modern form */
    bool pad_to_32; /* 28x28 images: the first convolution pads by 2 instead of the data set */
    int dense;      /* no convolutions: one hidden layer of so many units */
} nlg_lenet_spec;

/* ---- AlexNet ------------------------------------------------------------------------------------------------------------- */

typedef enum { NLG_ALEXNET_2012, NLG_ALEXNET_ONE_TOWER, NLG_ALEXNET_SMALL } nlg_alexnet_form;
typedef struct nlg_alexnet_spec {
    nlg_alexnet_form form;
    bool tanh; /* in place of ReLU */
    bool no_dropout;
} nlg_alexnet_spec;

/* ---- VGG ----------------------------------------------------------------------------------------------------------------- */

/* `layers` is a column of Table 1: a width is a 3x3 convolution, "256/1" one of 1x1, M a max pooling, L a local response
 * normalisation. */
typedef struct nlg_vgg_spec {
    const char *layers;
    bool norm;  /* batch norm after each convolution */
    int hidden; /* width of the two hidden linear layers, 0: the paper's 4096 behind a 7x7 pooling */
} nlg_vgg_spec;

/* ---- ResNet, ResNeXt ----------------------------------------------------------------------------------------------------- */

typedef enum { NLG_BASIC, NLG_BOTTLENECK } nlg_resnet_block;
typedef enum { NLG_SHORTCUT_B, NLG_SHORTCUT_A, NLG_PLAIN } nlg_resnet_shortcut;
typedef struct nlg_resnet_spec {
    nlg_resnet_block block;
    int blocks[4];                /* per stage; a zero ends the list */
    int groups, group_width;      /* ResNeXt's cardinality and bottleneck width; 0: one group of the stage's width */
    int cifar;                    /* Section 4.2: 3x3 stem without pooling; the first stage's width */
    int cifar_stride;             /* of that stem; 0: 1 */
    nlg_resnet_shortcut shortcut; /* B: projection, A: zero padding, plain: none at all */
    bool v1;                      /* stride in the first 1x1, as the paper has it, not in the 3x3 */
    int squeeze;                  /* squeeze-and-excitation: reduction ratio */
} nlg_resnet_spec;

/* ---- SENet --------------------------------------------------------------------------------------------------------------- */

typedef struct nlg_senet_spec {
    nlg_resnet_block block;
    int blocks[4];
    int groups, group_width;
    bool v1; /* stride in the first 1x1 */
    bool senet154;
} nlg_senet_spec;

/* ---- MobileNet, MnasNet, EfficientNet ------------------------------------------------------------------------------------ */

/* Whose names the parameters have. */
typedef enum { NLG_TORCHVISION, NLG_TIMM } nlg_mobile_names;

/* What the residual connections of inverted residuals join (MobileNetV2, Figure 6b): a block's input and output; nothing; the
 * expanded values of a block whose input and output have the same shape and of the block behind it. */
typedef enum { NLG_JOIN_BOTTLENECKS, NLG_JOIN_NOTHING, NLG_JOIN_EXPANSIONS } nlg_mobile_join;

typedef struct nlg_mobilenet_spec {
    float width;
    nlg_mobile_names names;
    bool wide;            /* of the two small forms of v2, the one with wider stages at full resolution */
    bool dense;           /* the small form of v1 with a full convolution in place of each depthwise and 1x1 pair */
    bool relu_bottleneck; /* v2: an activation behind the projection */
    nlg_mobile_join join; /* v2 */
} nlg_mobilenet_spec;

typedef enum { NLG_MNASNET_A1, NLG_MNASNET_B1, NLG_MNASNET_SMALL, NLG_MNASNET_TINY } nlg_mnasnet_table;
typedef struct nlg_mnasnet_spec {
    nlg_mnasnet_table table;
    float width;
    nlg_mobile_names names;
} nlg_mnasnet_spec;

typedef enum {
    NLG_EFFICIENTNET_TORCHVISION,
    NLG_EFFICIENTNET_TF,
    NLG_EFFICIENTNET_LITE,
    NLG_EFFICIENTNET_TINY
} nlg_efficientnet_form;
typedef struct nlg_efficientnet_spec {
    nlg_efficientnet_form form;
    float width, depth, dropout;
    bool late_norm; /* torchvision's B5 to B7: batch norm with eps 1e-3 and momentum 0.01 */
} nlg_efficientnet_spec;

/* ---- Inception ----------------------------------------------------------------------------------------------------------- */

/* Their spec is nlg_layer_table; these are the tables. */
extern const char nlg_googlenet_torchvision[], nlg_googlenet_paper[], nlg_googlenet_small[], nlg_googlenet_small_direct[],
    nlg_single_path_small[], nlg_bn_inception_table[], nlg_inception_v3_table[], nlg_inception_v4_table[],
    nlg_inception_resnet_v1_table[], nlg_inception_resnet_v2_table[], nlg_bn_inception_small[], nlg_inception_v3_small[],
    nlg_inception_v4_small[], nlg_inception_resnet_small[], nlg_inception_resnet_small_bare[], nlg_inception_resnet_small_plain[],
    nlg_inception_resnet_small_unscaled[], nlg_stack_5x5[], nlg_stack_3x3[], nlg_stack_1x5[];

/* ---- NASNet, PNASNet, AmoebaNet ------------------------------------------------------------------------------------------ */

/* Their spec is nlg_cell_network: a genotype and a macro structure. */
extern const nlg_cell_genotype nlg_cells_one_input; /* of cells_small */

/* ---- RetinaNet, NAS-FPN -------------------------------------------------------------------------------------------------- */

/* A merging cell of NAS-FPN. Inputs: 0 .. 4 are P3 .. P7 of the stack's input, 5 .. are the cells in order; global pooling gates
 * the finer of its inputs. */
typedef enum { NLG_FPN_SUM, NLG_FPN_GLOBAL_POOL } nlg_fpn_op;
typedef struct nlg_fpn_cell {
    int level; /* 3 .. 7: the output's */
    nlg_fpn_op op;
    int in[2];
    bool output; /* one of the five outputs of the stack */
} nlg_fpn_cell;
enum { NLG_FPN_CELLS_MAX = 12, NLG_FPN_LEVELS = 5 };
typedef struct nlg_fpn_stack {
    int n_cells;
    const nlg_fpn_cell *cells;
} nlg_fpn_stack;
extern const nlg_fpn_stack nlg_nas_fpn_stack; /* the discovered one */
/* Text form, as the space nasfpn has it: "1 3 gp P4; 1 5 sum P4; ..."; the last five cells are the outputs. Printing works like
 * snprintf. */
size_t nlg_fpn_print(const nlg_fpn_stack *stack, char *text, size_t size);
nlg_status nlg_fpn_parse(const char *text, nlg_fpn_cell cells[NLG_FPN_CELLS_MAX], int *n_cells, nlg_error *err);
extern const nlg_genotype_form nlg_fpn_genotypes;
/* One stack: replaces the levels P3 .. P7, each half the size of the one before, by its outputs. */
void nlg_fpn_build(nlg_builder *b, const nlg_fpn_cell *cells, int n_cells, int channels, nlg_value level[NLG_FPN_LEVELS]);

typedef enum {
    NLG_PYRAMID_FPN,    /* P6 from C5, as in the paper */
    NLG_PYRAMID_FPN_P5, /* P6 from P5, as in torchvision */
    NLG_PYRAMID_NAS_FPN,
} nlg_pyramid;
typedef struct nlg_detector_spec {
    nlg_resnet_spec backbone;
    nlg_pyramid pyramid;
    int channels;                     /* of every level and of the heads */
    int head_layers;                  /* 3x3 convolutions before the last one; 0: 4 */
    bool norm;                        /* batch norm in FPN and heads, as NAS-FPN always has it */
    int stacks;                       /* NAS-FPN: repetitions */
    const nlg_fpn_stack *stack;       /* NAS-FPN: NULL: the discovered one */
    bool exits;                       /* NAS-FPN: heads behind every stack, trained together */
    const nlg_mobilenet_spec *mobile; /* MobileNet v2 as backbone in place of it; NULL: none */
    bool mobile_small;                /* with the stages of mobilenet_v2_small behind a stem of stride 2 */
} nlg_detector_spec;
/* The whole network, input and outputs included. */
void nlg_detector_build(nlg_builder *b, const nlg_detector_spec *spec, nlg_shape input, int classes);

#endif
