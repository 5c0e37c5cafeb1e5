/* Networks as Graphviz DOT: whole networks as stages, cells as their papers draw them. */
#ifndef NLG_DRAW_H
#define NLG_DRAW_H

#include <stdio.h>

#include "harness/network.h"

/* One box per stage: the layers of one resolution (and, in detectors, of one part). */
nlg_status nlg_draw_stages(const nlg_network *network, FILE *out, nlg_error *err);
bool nlg_has_cells(const nlg_model *model);
/* The normal and the reduction cell, or the merging cells of a pyramid. Only for models with cells. */
void nlg_draw_cells(const nlg_network *network, FILE *out);
extern const char *const nlg_draw_style; /* DOT statements that all drawings begin with */

#endif
