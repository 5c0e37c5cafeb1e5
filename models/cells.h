/* Cell networks as data: the NASNet family of architectures (NASNet, PNASNet, AmoebaNet, searched cells).
 *
 * A cell is a list of blocks; a block adds two operations, each on one earlier state. States: 0 = h[i-1] (output of the cell
 * before the previous one), 1 = h[i] (output of the previous cell), 2.. = the blocks' outputs in order. The cell's output
 * concatenates the states in `concat`, ascending. Two cells and a macro structure (stem, repeats, filters) are a network. */
#ifndef NLG_CELLS_H
#define NLG_CELLS_H

#include "models/model.h"

enum { NLG_CELL_MAX_BLOCKS = 12, NLG_CELL_MAX_STATES = NLG_CELL_MAX_BLOCKS + 2 };

typedef enum {
    NLG_CELL_IDENTITY,
    NLG_CELL_SEP_3X3,
    NLG_CELL_SEP_5X5,
    NLG_CELL_SEP_7X7,
    NLG_CELL_DIL_SEP_3X3,
    NLG_CELL_DIL_SEP_5X5,
    NLG_CELL_AVG_3X3,
    NLG_CELL_MAX_2X2,
    NLG_CELL_MAX_3X3,
    NLG_CELL_MAX_5X5,
    NLG_CELL_MAX_7X7,
    NLG_CELL_CONV_1X1,
    NLG_CELL_CONV_3X3,
    NLG_CELL_CONV_1X7_7X1,
    NLG_CELL_CONV_1X3_3X1,
    NLG_CELL_DIL_3X3,
    NLG_CELL_OPS,
} nlg_cell_op;

/* How an operation is built; every convolution is ReLU, convolution, batch norm. */
typedef enum {
    NLG_CELL_KIND_IDENTITY,      /* ReLU, 1x1 convolution, norm where stride or channels change */
    NLG_CELL_KIND_SEPARABLE,     /* depthwise and 1x1 convolution, norm; applied twice */
    NLG_CELL_KIND_AVG_POOL,      /* 1x1 convolution, norm behind it where channels change */
    NLG_CELL_KIND_MAX_POOL,      /* the same */
    NLG_CELL_KIND_CONV,          /* plain convolution */
    NLG_CELL_KIND_BOTTLENECK,    /* 1x1 to a quarter of the filters, k x k, 1x1 back */
    NLG_CELL_KIND_BOTTLENECK_1D, /* the same with 1 x k and k x 1 */
} nlg_cell_kind;

typedef struct nlg_cell_op_info {
    const char *name; /* as genotypes print it: "sep5x5" */
    nlg_cell_kind kind;
    int kernel, dilation;
} nlg_cell_op_info;
extern const nlg_cell_op_info nlg_cell_ops[NLG_CELL_OPS];

typedef struct nlg_cell_block {
    int in[2];         /* states, smaller than the block's own */
    nlg_cell_op op[2]; /* output = op[0](in[0]) + op[1](in[1]) */
} nlg_cell_block;

typedef struct nlg_cell {
    int n_blocks;
    nlg_cell_block blocks[NLG_CELL_MAX_BLOCKS];
    unsigned concat; /* bit s: state s is concatenated */
} nlg_cell;
#define NLG_STATE(s) (1u << (s))

/* A reduction cell without blocks: the normal cell with stride 2 takes its place (PNASNet). */
typedef struct nlg_cell_genotype {
    nlg_cell normal, reduction;
} nlg_cell_genotype;

/* Block outputs that no block reads, as a concat mask. */
unsigned nlg_cell_loose_ends(const nlg_cell *cell);
/* States that are read by a block or concatenated, as a mask. */
unsigned nlg_cell_used_states(const nlg_cell *cell);
/* NLG_OK if every index and operation is in range and the output is not empty; else one line that names cell and block. */
nlg_status nlg_genotype_check(const nlg_cell_genotype *genotype, nlg_error *err);
bool nlg_genotype_equal(const nlg_cell_genotype *a, const nlg_cell_genotype *b);

/* Text form, one block a line, white space free to choose:
 *   normal
 *     2 = sep5x5(1) + sep3x3(0)
 *     concat 0 2
 *   reduction
 *     2 = max3x3(1) + sep7x7(0)
 *     concat 2
 * Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=[2, 3, 4, 5]) as DARTS' code
 * prints it is read too; its operations become ours of the same kind (Liu et al., ICLR 2019; its dilated ones are applied once,
 * ours twice). Printing works like snprintf: it returns the length of the whole text without the final zero byte. Parsing checks
 * the genotype.
 */
size_t nlg_genotype_print(const nlg_cell_genotype *genotype, char *text, size_t size);
nlg_status nlg_genotype_parse(const char *text, nlg_cell_genotype *genotype, nlg_error *err);

typedef enum {
    NLG_STEM_CIFAR,    /* 3x3 convolution, stride 1, norm */
    NLG_STEM_IMAGENET, /* 3x3 convolution, stride 2, no padding, norm; then two reduction cells of F/4 and F/2 filters */
} nlg_cell_stem;

typedef enum {
    NLG_REDUCTION_CELL,    /* a reduction cell between stages, in addition to the N normal ones */
    NLG_REDUCTION_COUNTED, /* the first cell of a stage has stride 2, one of the N (PNASNet) */
    NLG_REDUCTION_POOL,    /* 2x2 maximum pool between stages */
} nlg_cell_reduction;

/* Divisor of 3x3 average pools at the border. */
typedef enum {
    NLG_POOL_PADDING_EXCLUDED,                /* TensorFlow: pixels inside only */
    NLG_POOL_PADDING_EXCLUDED_UNLESS_STRIDED, /* timm: the whole window with stride 2 */
    NLG_POOL_PADDING_COUNTED,
} nlg_pool_padding;

typedef struct nlg_cell_macro {
    nlg_cell_stem stem;
    int stem_filters;
    int repeats; /* N cells per stage */
    int filters; /* F of the first stage, doubled at every later one */
    int stages;  /* default 3 */
    nlg_cell_reduction reduction;
    bool skip_reduction_input; /* first cell after a reduction: h[i-1] is the cell before the reduction's input */
    nlg_pool_padding pool_padding;
    float norm_eps, norm_momentum; /* default 1e-5, 0.1 */
    float dropout;                 /* rate before the classifier */
    float drop_path;               /* rate of the last cell; cell i of n has rate * (i + 1) / n */
    bool drop_path_constant;       /* the same rate in every cell */
    int aux_filters[2];            /* auxiliary head before the last reduction; 0: none */
    float aux_weight;
    const char *stem_name;       /* default "conv0" */
    const char *factorized_name; /* scope of a factorized reduction inside its cell; default: the cell itself */
} nlg_cell_macro;

/* Build input -> main output (and auxiliary output). Faults go to the builder. Zoph et al., 2018 (NASNet) with the details of its
 * released code. */
void nlg_build_cell_network(nlg_builder *b, const nlg_cell_genotype *genotype, const nlg_cell_macro *macro, nlg_shape input,
                            int classes);

/* The spec of every row of a cell network family, and the family's build function. */
typedef struct nlg_cell_network {
    const nlg_cell_genotype *genotype;
    nlg_cell_macro macro;
} nlg_cell_network;
void nlg_build_cell_model(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes);
extern const nlg_genotype_form nlg_cell_genotypes;

/* Cells and macro structure of a row, or NULL if it is no cell network. */
const nlg_cell_network *nlg_model_cells(const nlg_model *model);

/* Published genotypes by name ("nasnet_a", "pnasnet_5", "amoebanet_a" .. "amoebanet_d"); NULL at the end or if unknown. */
typedef struct nlg_named_genotype {
    const char *name;
    const nlg_cell_genotype *genotype;
} nlg_named_genotype;
const nlg_named_genotype *nlg_genotype_at(int index);
const nlg_cell_genotype *nlg_genotype_find(const char *name);

extern const nlg_cell_genotype nlg_nasnet_a, nlg_pnasnet_5, nlg_amoebanet_a, nlg_amoebanet_b, nlg_amoebanet_c, nlg_amoebanet_d;

#endif
