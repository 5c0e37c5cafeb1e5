/* What the files of families share: specs that several of them use, and the tables of rows that the registry walks. A spec that one
 * family uses stands in its file. */
#ifndef NLG_FAMILIES_H
#define NLG_FAMILIES_H

#include "models/cells.h"
#include "models/layer_table.h"
#include "models/model.h"

/* The variants of a paper's networks (models/rows.h). */
typedef struct nlg_model_rows {
    const nlg_model *rows;
    int count;
} nlg_model_rows;

extern const nlg_family nlg_nasnet; /* some networks of its paper cannot be built: unspecified.c */

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

/* ---- MobileNet ----------------------------------------------------------------------------------------------------------- */

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
