/* What networks are made of, as boxes: layers with their norms and activations, blocks, repetitions. All of it comes from the
 * graph; ops say themselves what they are in a drawing (layers/ops/op.h). */
#ifndef NLG_STRUCTURE_H
#define NLG_STRUCTURE_H

#include "harness/network.h"
#include "harness/report/boxes.h"
#include "models/cells.h"
#include "models/families.h"

typedef enum {
    NLG_SHOW_STAGES,  /* blocks, equal ones behind each other as one */
    NLG_SHOW_BLOCKS,  /* each block by itself */
    NLG_SHOW_LAYERS,  /* what blocks are made of */
    NLG_SHOW_OUTLINE, /* stages as bars: as wide as they have channels, as high as they have blocks */
} nlg_show;

typedef struct nlg_structure {
    nlg_show show;
    const char *block; /* a block in detail: "TITLE", or "TITLE#N", the N-th of this title; NULL: the whole network */
    bool columns;      /* a column for each size of the maps */
    bool brief;        /* only titles: no shapes, no layers of blocks */
} nlg_structure;

/* Fills `boxes` (empty before; free them also after a failure), not placed yet. Refused: a block that the network does not have. */
nlg_status nlg_structure_boxes(const nlg_network *network, const nlg_structure *structure, nlg_boxes *boxes, nlg_error *err);

/* Titles of all different blocks that are in no other block, in the order of their first ones; at most `room`. Returns how many. */
int nlg_structure_kinds(const nlg_graph *graph, const char **titles, int room);
/* Parameters and multiply-accumulates of the first block of a title, or of the whole network (NULL): "25.6 M params, 4.09 G
 * MACs". */
nlg_status nlg_structure_counts(const nlg_network *network, const char *block, char *text, size_t size, nlg_error *err);
/* Stages for large networks, blocks for small ones. */
nlg_show nlg_structure_choice(const nlg_graph *graph);

/* Cells of two states and blocks (NASNet, PNASNet, AmoebaNet) as their papers draw them. */
nlg_status nlg_cell_boxes(const nlg_cell *cell, nlg_boxes *boxes, nlg_error *err);
/* Merging cells of a pyramid (NAS-FPN): a column for each level. */
nlg_status nlg_fpn_boxes(const nlg_fpn_stack *stack, nlg_boxes *boxes, nlg_error *err);

/* A space of cells: what one block may be. Refused: spaces of something else. */
nlg_status nlg_space_boxes(const nlg_space *space, nlg_boxes *boxes, nlg_error *err);

#endif
