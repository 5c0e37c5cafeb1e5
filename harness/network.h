/* A registered network as commands look at it: model, graph, counts, and one row per layer. */
#ifndef NLG_NETWORK_H
#define NLG_NETWORK_H

#include "models/model.h"
#include "search/space.h"

typedef struct nlg_network {
    const nlg_model *model;
    char title[160]; /* for people: "resnet18", "own cells in nasnet_a_small", "nasbench201 architecture" */
    nlg_shape input;
    nlg_graph *graph;
    nlg_graph_cost cost;
    nlg_arena *arena; /* of a model with other cells, or of a space; NULL for a row of the registry */
    nlg_space *space; /* NULL: of the registry */
} nlg_network;

/* name: of the registry, or its alias; "space:SPACE": the architecture of that search space with this genotype; "trial:STORE:N" or
 * "trial:STORE:RUN:N": that of a stored trial (N a number or "best"), for images as the search had them. genotype: text, or @FILE;
 * of a model: other cells than its own, which NULL takes. An input {0,0,0} and classes 0 take the model's own. Close also after a
 * failed open. */
nlg_status nlg_network_open(const char *name, const char *genotype, nlg_shape input, int classes, nlg_network *network,
                            nlg_error *err);
/* The first half of nlg_network_open: only model and arena are set. nlg_network_complete is the second. */
nlg_status nlg_network_find(const char *name, const char *genotype, nlg_network *network, nlg_error *err);
nlg_status nlg_network_complete(nlg_network *network, nlg_shape input, int classes, nlg_error *err);
/* The cells as text, to be freed with nlg_free; *text is NULL if the network is not made of cells. */
nlg_status nlg_network_genotype(const nlg_network *network, char **text, nlg_error *err);
nlg_status nlg_network_build(const nlg_model *model, nlg_shape input, int classes, nlg_network *network, nlg_error *err);
void nlg_network_close(nlg_network *network);
int nlg_model_year(const nlg_model *model);
const char *nlg_designer_name(nlg_designer designer); /* "human", "searched" */

/* For nlg_load_options: a tensor that does not fit, as a line on standard error. */
void nlg_print_misfit(const char *kind, const char *name);

/* One node in words and numbers; what a layer does not have is "" or 0. */
typedef struct nlg_layer_row {
    const nlg_node *node;
    const char *op;                           /* "input" for the input node */
    char kernel[16], stride[16], padding[24]; /* "3x3", "2" or "2x1", "1" or top,bottom,left,right as "0,1,0,1" */
    int dilation, groups;
    nlg_shape in, out;
    int64_t params; /* trainable; a shared tensor counts where it is used first */
    nlg_op_cost cost;
} nlg_layer_row;
nlg_status nlg_network_layer(const nlg_network *network, int node, nlg_layer_row *row, nlg_error *err);
/* "28x28x16" (rows, columns, channels). */
void nlg_shape_text(nlg_shape shape, char *text, size_t size);

#endif
