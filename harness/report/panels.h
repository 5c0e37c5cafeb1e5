/* Networks and their blocks side by side: the pictures of structures that `lineage draw` and the report show. Those of the report
 * stand in drawings.json, one row each. */
#ifndef NLG_PANELS_H
#define NLG_PANELS_H

#include <cjson/cJSON.h>

#include "harness/report/structure.h"

typedef struct nlg_panel {
    nlg_boxes boxes;
    char head[96], soft[96]; /* above the boxes */
} nlg_panel;

typedef struct nlg_panels {
    nlg_panel *panel;
    int n, room;
    bool aligned; /* maps of one size stand side by side */
} nlg_panels;

void nlg_panels_free(nlg_panels *panels);
/* One panel, or one for each kind of block (structure->block is "*"). head: NULL: the network's or the block's name. */
nlg_status nlg_panels_add(nlg_panels *panels, const nlg_network *network, const nlg_structure *structure, const char *head,
                          nlg_error *err);
bool nlg_has_cells(const nlg_model *model);
/* The normal and the reduction cell, or the merging cells of a pyramid. Only for models with cells. */
nlg_status nlg_panels_add_cells(nlg_panels *panels, const nlg_model *model, const char *head, nlg_error *err);
/* The same of a genotype. */
nlg_status nlg_panels_add_pair(nlg_panels *panels, const nlg_cell_genotype *genotype, const char *head, nlg_error *err);
nlg_status nlg_panels_add_cell(nlg_panels *panels, const nlg_cell *cell, const char *head, nlg_error *err);
/* Places all and draws them, as many in a row as have room. */
nlg_status nlg_panels_scene(nlg_panels *panels, nlg_scene *scene, nlg_error *err);
void nlg_panels_dot(const nlg_panels *panels, const char *title, FILE *out);

/* The rows of drawings.json: {id, section, title, caption, alt, aligned, panels: [{network, genotype, show, block, columns, brief,
 * head, input: [channels, height, width]}]}; show: "stages", "blocks", "layers", "outline", "cells", or
 * "space": then the network is the name of a space of cells. Delete with cJSON_Delete. */
nlg_status nlg_drawings_load(cJSON **drawings, nlg_error *err);
nlg_status nlg_drawing_panels(const cJSON *drawing, nlg_panels *panels, nlg_error *err);

#endif
