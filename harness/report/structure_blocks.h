/* What drawings ask of a graph: words of nodes, blocks and their shortcuts; for structure*.c. */
#ifndef NLG_STRUCTURE_BLOCKS_H
#define NLG_STRUCTURE_BLOCKS_H

#include "harness/report/structure.h"

/* "3x3 conv 64 /2" */
void nlg_node_label(const nlg_graph *graph, const nlg_node *node, bool with_stride, char text[NLG_BOX_TEXT]);
bool nlg_node_has_weights(const nlg_node *node); /* of a layer, not of a norm */
bool nlg_node_is_read_behind(const nlg_graph *graph, int node, int end);

/* The outermost block from `first` to `end` that holds the node, another one than not_this; -1: none. */
int nlg_block_around(const nlg_graph *graph, int node, int first, int end, int not_this);
/* The value that a block's nodes read from outside of it; -1: several. */
int nlg_block_source(const nlg_graph *graph, const nlg_block *block);
/* A module of branches that are joined; *branches: how many. */
bool nlg_block_is_branched(const nlg_graph *graph, const nlg_block *block, int *branches);
bool nlg_block_has_blocks(const nlg_graph *graph, const nlg_block *block);
size_t nlg_block_weights(const nlg_graph *graph, const nlg_block *block);
/* How many values of a block are read outside of it; *largest: the shape of the largest. */
int nlg_block_maps(const nlg_graph *graph, const nlg_block *block, nlg_shape *largest);
/* "TITLE" or "TITLE#N", the N-th of this title. Without a number one whose output is like its input, if there is such a one: the
 * first of a stage is often an exception. -1: none. */
int nlg_block_find(const nlg_graph *graph, const char *wanted);

/* Work, by node. */
typedef struct nlg_trail {
    const nlg_graph *graph;
    int *weight, *trace;
} nlg_trail;
enum { NLG_ON_SHORTCUT = 1, NLG_ON_PATH = 2 };
/* The shortcut of a residual block: an addition of which one side passes fewer layers with weights than the other, at most one.
 * Nodes that are on no other path have the trace NLG_ON_SHORTCUT. */
nlg_shortcut_mark nlg_block_shortcut(const nlg_trail *trail, int block);

#endif
