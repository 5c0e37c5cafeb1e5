/* Spaces of NASNet-like cells (models/cells.h): a table of operations and a macro structure make one.
 *
 * A cell has B blocks; a block adds two operations, each on one earlier state: the two previous cells' outputs and the blocks
 * before it. Blocks that no block reads are concatenated. Code: for each cell and block input, operation, input, operation. Codes
 * that differ in the order of blocks or of a block's two halves only are one architecture. */
#ifndef NLG_CELL_SPACE_H
#define NLG_CELL_SPACE_H

#include "models/cells.h"
#include "search/space.h"

typedef struct nlg_cell_space {
    const nlg_cell_op *ops;
    int n_ops, cells;     /* cells 2: normal and reduction; 1: the normal one with stride 2 takes the reduction's place */
    int blocks;           /* B; like the macro's N and F replaced by the space's parameters, if it has them */
    nlg_cell_macro macro; /* its stem has three times the first stage's filters */
} nlg_cell_space;

/* Parameters B, N and F, in this order. */
enum { NLG_CELL_SPACE_PARAMETERS = 3 };

/* Members of an nlg_space whose spec is an nlg_cell_space. */
#define NLG_CELL_SPACE_FUNCTIONS                                                                                                   \
    .choices = nlg_cell_space_choices, .canonical = nlg_cell_space_canonical, .encode = nlg_cell_space_encode,                     \
    .decode = nlg_cell_space_decode, .build = nlg_cell_space_build, .cells = nlg_cell_space_cells, .features = nlg_space_one_hot,  \
    .operation = nlg_cell_space_operation, .notation = NLG_CELL_SPACE_NOTATION
#define NLG_CELL_SPACE_NOTATION                                                                                                    \
    "normal 2 = OP(STATE) + OP(STATE) 3 = ... concat STATE... [reduction ...]: block n adds two operations on earlier states;\n"   \
    "states 0 and 1 are the outputs of the two cells before, 2, 3, .. the blocks; concat names the blocks that no block reads.\n"  \
    "DARTS' Genotype(normal=[...], ...) is read too, where the space has its operations."
nlg_status nlg_cell_space_open(nlg_space *self, nlg_error *err); /* with parameters */
int nlg_cell_space_choices(const nlg_space *self, int position);
void nlg_cell_space_canonical(const nlg_space *self, const nlg_code *code, nlg_code *canonical);
void nlg_cell_space_encode(const nlg_space *self, const nlg_code *code, char *text, size_t size);
nlg_status nlg_cell_space_decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err);
nlg_status nlg_cell_space_build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes,
                                struct nlg_graph **graph, nlg_error *err);
const nlg_cell_network *nlg_cell_space_cells(const nlg_space *self, const nlg_code *code, nlg_arena *arena);
const char *nlg_cell_space_operation(const nlg_space *self, int index);

/* Between codes and cells; the code is valid, or to_code says what the space does not have. */
void nlg_cell_space_genotype(const nlg_space *self, const nlg_code *code, nlg_cell_genotype *genotype);
nlg_status nlg_cell_space_code(const nlg_space *self, const nlg_cell_genotype *genotype, nlg_code *code, nlg_error *err);

#endif
