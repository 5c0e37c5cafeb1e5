/* The static graph: nodes in topological order, named parameters. Independent of batch, mode and threads. */
#ifndef NLG_GRAPH_H
#define NLG_GRAPH_H

#include "layers/base/memory.h"
#include "layers/ops/attrs.h"
#include "layers/ops/op.h"

enum { NLG_GRAPH_MAX_OUTPUTS = 48 };

typedef struct nlg_param {
    const char *name; /* state-dict name, unique */
    uint64_t key;     /* nlg_fill_key(name) */
    nlg_param_role role;
    int rank;
    int shape[4];
    size_t count;  /* values */
    size_t offset; /* floats from the start of a weights block, a multiple of 16 */
    bool trainable;
    bool aux; /* used by auxiliary heads only */
    int uses;
    const nlg_op *op; /* first user, for its init */
    const void *attrs;
    int op_index; /* index among that op's parameters */
} nlg_param;

typedef struct nlg_node {
    const nlg_op *op; /* NULL for the input node */
    const char *name; /* layer name, e.g. "layer1.0.conv1"; unique among layers with parameters */
    void *attrs;
    int n_inputs;
    int *inputs; /* node indices, all smaller than this node's */
    int n_params;
    int *params; /* parameter indices */
    nlg_shape shape;
    bool aux;
} nlg_node;

/* A part that papers name: a residual block, a module, a cell. Blocks nest; an outer one comes before those in it. They are for
 * drawings and no part of the digest. */
typedef struct nlg_block {
    const char *title; /* "bottleneck", "MBConv6 k3" */
    int first, end;    /* its nodes: first .. end - 1 */
} nlg_block;

typedef struct nlg_graph {
    nlg_arena *arena;
    int n_nodes;
    nlg_node *nodes;
    int n_params;
    nlg_param *params;
    int n_blocks;
    nlg_block *blocks;
    size_t weights_floats; /* size of a weights block */
    int n_outputs;         /* the first is the main one; auxiliary outputs follow */
    int outputs[NLG_GRAPH_MAX_OUTPUTS];
    float output_weight[NLG_GRAPH_MAX_OUTPUTS]; /* of the output's loss in training: 1, auxiliary heads 0.3 or 0.4 */
    int output_exit[NLG_GRAPH_MAX_OUTPUTS];     /* 0: at the end of the network; k: of the k-th auxiliary head */
    const char *aux_left_out;                   /* why an auxiliary head is missing that does not fit the input; NULL: none is */
} nlg_graph;

nlg_graph *nlg_graph_create(void); /* NULL when memory is short */
void nlg_graph_destroy(nlg_graph *graph);
int nlg_graph_find_param(const nlg_graph *graph, const char *name); /* -1 if absent */

/* Counts by the one rule: MACs of convolutions and linear layers, everything else in other_ops; per image; without aux heads. */
typedef struct nlg_graph_cost {
    int64_t params, params_without_aux; /* trainable; a shared tensor counts once */
    int64_t macs, other_ops;            /* each use counts */
    int64_t activations_bytes;          /* sum of all outputs of the layers, float32, one image */
    int layers;                         /* convolutions and linear layers with parameters, without aux */
} nlg_graph_cost;
extern const char *const nlg_counting_rule; /* one sentence, printed with every table */
nlg_status nlg_graph_count(const nlg_graph *graph, nlg_graph_cost *cost, nlg_error *err);
/* MACs of a pass that ends at the exit-th auxiliary head, of the nodes that it needs; exit 0: the end of the network, cost.macs. */
nlg_status nlg_graph_exit_macs(const nlg_graph *graph, int exit, int64_t *macs, nlg_error *err);
int nlg_graph_exits(const nlg_graph *graph); /* auxiliary heads */
/* The same of one node, and the shapes of its inputs (returns their number). */
nlg_status nlg_node_count(const nlg_graph *graph, const nlg_node *node, nlg_op_cost *cost, nlg_error *err);
int nlg_node_input_shapes(const nlg_graph *graph, const nlg_node *node, nlg_shape *shapes);

/* SHA-256 over nodes (operation, name, settings in words, shape, costs, inputs), parameters and outputs: part of the identity of
 * what is trained, so that a changed builder makes another network. */
nlg_status nlg_graph_digest(const nlg_graph *graph, char hex[65], nlg_error *err);

/* Values of all parameters in one block (and, in another block of the same layout, their gradients). */
typedef struct nlg_weights {
    const nlg_graph *graph;
    float *values;
} nlg_weights;
nlg_status nlg_weights_create(const nlg_graph *graph, nlg_weights *weights, nlg_error *err); /* zeroed */
size_t nlg_weights_bytes(const nlg_graph *graph);                                            /* of one such block */
void nlg_weights_destroy(nlg_weights *weights);
static inline float *nlg_weights_at(const nlg_weights *w, int param) {
    return w->values + w->graph->params[param].offset;
}

/* He initialisation (fan-out for convolutions, torchvision's; fan-in for linear layers in front of a ReLU, uniform
 * 1/sqrt(fan_in) for others), norms one and zero.
 * A pure function of seed and parameter name. */
void nlg_weights_init(nlg_weights *weights, uint64_t seed);
/* The reference filling of tests (see tests/reference/README.md). */
void nlg_weights_fill_reference(nlg_weights *weights, double bn_gain);
/* SHA-256 over name, a zero byte and the little-endian values of all parameters and running statistics, sorted by name. */
nlg_status nlg_weights_digest(const nlg_weights *weights, char hex[65], nlg_error *err);

#endif
