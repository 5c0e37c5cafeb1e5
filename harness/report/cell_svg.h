/* Cells as pictures: blocks in rows from the inputs above to the concatenation below. */
#ifndef NLG_CELL_SVG_H
#define NLG_CELL_SVG_H

#include <stdio.h>

#include "models/cells.h"

/* One SVG of a cell; id: of its title and description, unique in a page. A cell without blocks prints nothing. */
void nlg_cell_svg(FILE *out, const nlg_cell *cell, const char *id, const char *title);

#endif
