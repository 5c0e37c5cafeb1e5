/* Spaces of NASNet-like cells. */
#include "search/spaces/common/cell_space.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "search/spaces/common/build.h"
#include "search/spaces/common/ordering.h"

enum { HALVES = 2, PARTS = 2 /* input, operation */, BLOCK_LENGTH = HALVES * PARTS, BLOCKS_MAX = NLG_CODE_MAX / BLOCK_LENGTH };

static const nlg_cell_space *spec_of(const nlg_space *self) {
    return self->spec;
}

/* Blocks of each cell of the code, which may have fewer than the space. */
static int blocks_of(const nlg_space *self, const nlg_code *code) {
    return code->length / BLOCK_LENGTH / spec_of(self)->cells;
}

static int cell_length(const nlg_space *self) {
    return self->length / spec_of(self)->cells;
}

nlg_status nlg_cell_space_open(nlg_space *self, nlg_error *err) {
    const nlg_cell_space *spec = spec_of(self);
    self->length = spec->cells * self->parameter[0] * BLOCK_LENGTH;
    if (self->length <= NLG_CODE_MAX) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "space %s: expected at most %d blocks a cell, found %d", self->name,
                    BLOCKS_MAX / spec->cells, self->parameter[0]);
}

int nlg_cell_space_choices(const nlg_space *self, int position) {
    return position % PARTS == 0 ? position % cell_length(self) / BLOCK_LENGTH + 2 : spec_of(self)->n_ops;
}

/* ---- isomorphism ------------------------------------------------------------------------------------------------------- */

/* New number of a state: those of the inputs stay, blocks follow in order. */
static int label(const nlg_ordering *o, int state) {
    return state < 2 ? state : o->place[state - 2] + 2;
}

static bool may_stand(const nlg_ordering *o, int block) {
    const int16_t *from = (const int16_t *)o->graph + block * BLOCK_LENGTH;
    return (from[0] < 2 || o->place[from[0] - 2] >= 0) && (from[2] < 2 || o->place[from[2] - 2] >= 0);
}

static int write_block(const nlg_ordering *o, int block, int16_t *code) {
    const int16_t *from = (const int16_t *)o->graph + block * BLOCK_LENGTH;
    const int in[HALVES] = {label(o, from[0]), label(o, from[2])};
    const int first = in[1] < in[0] || (in[1] == in[0] && from[3] < from[1]);
    code[0] = (int16_t)in[first], code[1] = from[2 * first + 1];
    code[2] = (int16_t)in[!first], code[3] = from[2 * !first + 1];
    return BLOCK_LENGTH;
}

void nlg_cell_space_canonical(const nlg_space *self, const nlg_code *code, nlg_code *canonical) {
    const int blocks = blocks_of(self, code), length = blocks * BLOCK_LENGTH;
    canonical->length = code->length;
    for (int first = 0; first < code->length; first += length) {
        nlg_ordering o = {.graph = &code->value[first], .parts = blocks, .may_stand = may_stand, .write = write_block};
        nlg_ordering_find(&o);
        memcpy(&canonical->value[first], o.best, (size_t)length * sizeof o.best[0]);
    }
}

/* ---- genotypes --------------------------------------------------------------------------------------------------------- */

void nlg_cell_space_genotype(const nlg_space *self, const nlg_code *code, nlg_cell_genotype *genotype) {
    const nlg_cell_space *spec = spec_of(self);
    *genotype = (nlg_cell_genotype){0};
    const int16_t *from = code->value;
    for (int i = 0; i < spec->cells; i++) {
        nlg_cell *cell = i == 0 ? &genotype->normal : &genotype->reduction;
        cell->n_blocks = blocks_of(self, code);
        for (int block = 0; block < cell->n_blocks; block++) {
            for (int side = 0; side < HALVES; side++, from += PARTS) {
                cell->blocks[block].in[side] = from[0];
                cell->blocks[block].op[side] = spec->ops[from[1]];
            }
        }
        cell->concat = nlg_cell_loose_ends(cell);
    }
}

/* One line: white space is free in genotypes. */
void nlg_cell_space_encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    nlg_cell_genotype genotype;
    nlg_cell_space_genotype(self, code, &genotype);
    char lines[NLG_GENOTYPE_MAX];
    size_t length = nlg_genotype_print(&genotype, lines, sizeof lines), used = 0;
    assert(length < sizeof lines);
    for (const char *c = lines; *c && used + 1 < size; c++) {
        bool space = *c == ' ' || *c == '\n';
        if (space && (used == 0 || text[used - 1] == ' ')) continue;
        text[used++] = space ? ' ' : *c;
    }
    if (used > 0 && text[used - 1] == ' ') used--;
    if (size > 0) text[used] = '\0';
}

static nlg_status unknown_operation(const nlg_space *self, const char *cell, int block, nlg_cell_op op, nlg_error *err) {
    const nlg_cell_space *spec = spec_of(self);
    char known[256] = "";
    for (int i = 0; i < spec->n_ops; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", nlg_cell_ops[spec->ops[i]].name);
    }
    return nlg_fail(err, NLG_ERR_INPUT, "space %s: %s cell, block %d: operation %s is not one of %s", self->name, cell, block + 2,
                    nlg_cell_ops[op].name, known);
}

static nlg_status from_cell(const nlg_space *self, const nlg_cell *cell, const char *name, nlg_code *code, nlg_error *err) {
    const nlg_cell_space *spec = spec_of(self);
    const int blocks = cell_length(self) / BLOCK_LENGTH;
    const bool fits = self->block > 0 ? cell->n_blocks <= blocks : cell->n_blocks == blocks;
    if (!fits) {
        return nlg_fail(err, NLG_ERR_INPUT, "space %s: the %s cell must have %s%d blocks, found %d", self->name, name,
                        self->block > 0 ? "at most " : "", blocks, cell->n_blocks);
    }
    for (int block = 0; block < cell->n_blocks; block++) {
        for (int side = 0; side < HALVES; side++) {
            const nlg_cell_op op = cell->blocks[block].op[side];
            int index = 0;
            while (index < spec->n_ops && spec->ops[index] != op) index++;
            if (index == spec->n_ops) return unknown_operation(self, name, block, op, err);
            code->value[code->length++] = (int16_t)cell->blocks[block].in[side];
            code->value[code->length++] = (int16_t)index;
        }
    }
    if (cell->concat != nlg_cell_loose_ends(cell)) {
        return nlg_fail(err, NLG_ERR_INPUT, "space %s: the %s cell must concatenate exactly the blocks that no block reads",
                        self->name, name);
    }
    return NLG_OK;
}

nlg_status nlg_cell_space_code(const nlg_space *self, const nlg_cell_genotype *genotype, nlg_code *code, nlg_error *err) {
    *code = (nlg_code){0};
    NLG_TRY(from_cell(self, &genotype->normal, "normal", code, err));
    if (spec_of(self)->cells == 2) return from_cell(self, &genotype->reduction, "reduction", code, err);
    if (genotype->reduction.n_blocks == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "space %s has one cell; expected no reduction cell", self->name);
}

nlg_status nlg_cell_space_decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    nlg_cell_genotype genotype;
    NLG_TRY(nlg_genotype_parse(text, &genotype, err));
    return nlg_cell_space_code(self, &genotype, code, err);
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_cell_macro macro_of(const nlg_space *self) {
    nlg_cell_macro macro = spec_of(self)->macro;
    if (self->n_parameters > 0) {
        macro.repeats = self->parameter[1];
        macro.filters = self->parameter[2];
    }
    macro.stem_filters = 3 * macro.filters;
    return macro;
}

const nlg_cell_network *nlg_cell_space_cells(const nlg_space *self, const nlg_code *code, nlg_arena *arena) {
    nlg_cell_network *network = nlg_arena_alloc(arena, 1, sizeof *network);
    nlg_cell_genotype *genotype = nlg_arena_alloc(arena, 1, sizeof *genotype);
    if (!network || !genotype) return NULL;
    nlg_cell_space_genotype(self, code, genotype);
    *network = (nlg_cell_network){.genotype = genotype, .macro = macro_of(self)};
    return network;
}

const char *nlg_cell_space_operation(const nlg_space *self, int index) {
    return index < spec_of(self)->n_ops ? nlg_cell_ops[spec_of(self)->ops[index]].name : NULL;
}

nlg_status nlg_cell_space_build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                                nlg_error *err) {
    nlg_cell_genotype genotype;
    nlg_cell_space_genotype(self, code, &genotype);
    const nlg_cell_macro macro = macro_of(self);
    nlg_builder *b = nlg_space_build_begin(graph);
    if (b) nlg_build_cell_network(b, &genotype, &macro, (nlg_shape){.h = h, .w = w, .c = c}, classes);
    return nlg_space_build_finish(b, graph, err);
}
