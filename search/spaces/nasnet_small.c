/* The cell space of the small NASNet family: Zoph, Vasudevan, Shlens, Le, "Learning Transferable Architectures for Scalable Image
 * Recognition", CVPR 2018, Section 3.2, in a size that trains in seconds.
 *
 * A normal and a reduction cell of 4 blocks each (the paper: 5). A block adds two operations, each on one earlier state: the two
 * previous cells' outputs and the blocks before it. Blocks that no block reads are concatenated. Five of the paper's
 * operations: identity, 3x3 and 5x5 separable convolution, 3x3 average and maximum pool; combination is always addition.
 * Network: the CIFAR form with N = 1 and F = 8 (the paper's smallest search has N = 2, F = 32), 28x28x1 or 32x32x3, 10 classes; no
 * drop path, no auxiliary head.
 *
 * Code: for each cell and block input, operation, input, operation. Codes that differ in the order of blocks or of a block's two
 * halves only are one architecture. */
#include <assert.h>
#include <string.h>

#include "models/cells.h"
#include "search/search.h"

enum { CELLS = 2, BLOCKS = 4, HALVES = 2, PARTS = 2 /* input, operation */ };
enum { BLOCK_LENGTH = HALVES * PARTS, CELL_LENGTH = BLOCKS * BLOCK_LENGTH, LENGTH = CELLS * CELL_LENGTH };

static const nlg_cell_op ops[] = {NLG_CELL_IDENTITY, NLG_CELL_SEP_3X3, NLG_CELL_SEP_5X5, NLG_CELL_AVG_3X3, NLG_CELL_MAX_3X3};
enum { OPS = sizeof ops / sizeof ops[0] };

static const nlg_cell_macro macro = {
    .stem = NLG_STEM_CIFAR,
    .stem_filters = 24,
    .repeats = 1,
    .filters = 8,
};

static int choices(const nlg_space *self, int position) {
    (void)self;
    return position % PARTS == 0 ? position % CELL_LENGTH / BLOCK_LENGTH + 2 : OPS;
}

/* ---- isomorphism ------------------------------------------------------------------------------------------------------- */

typedef struct half {
    int16_t in, op;
} half;

/* One cell with its blocks in another order: the smallest code over all orders is the canonical one. */
typedef struct ordering {
    half blocks[BLOCKS][HALVES];
    int16_t label[BLOCKS + 2]; /* new number of a state, -1: not placed yet */
    int16_t code[CELL_LENGTH], best[CELL_LENGTH];
    bool found;
} ordering;

static bool smaller(const int16_t *a, const int16_t *b) {
    for (int i = 0; i < CELL_LENGTH; i++) {
        if (a[i] != b[i]) return a[i] < b[i];
    }
    return false;
}

static void write_block(const ordering *o, int block, int16_t *code) {
    half a = o->blocks[block][0], b = o->blocks[block][1];
    a.in = o->label[a.in], b.in = o->label[b.in];
    if (b.in < a.in || (b.in == a.in && b.op < a.op)) {
        half swap = a;
        a = b, b = swap;
    }
    code[0] = a.in, code[1] = a.op, code[2] = b.in, code[3] = b.op;
}

/* Places every block that may stand at `place`, one after the other, and goes on behind it. */
static void order_from(ordering *o, int place) {
    if (place == BLOCKS) {
        if (o->found && !smaller(o->code, o->best)) return;
        memcpy(o->best, o->code, sizeof o->best);
        o->found = true;
        return;
    }
    for (int block = 0; block < BLOCKS; block++) {
        const half *halves = o->blocks[block];
        if (o->label[block + 2] >= 0 || o->label[halves[0].in] < 0 || o->label[halves[1].in] < 0) continue;
        write_block(o, block, &o->code[place * BLOCK_LENGTH]);
        o->label[block + 2] = (int16_t)(place + 2);
        order_from(o, place + 1);
        o->label[block + 2] = -1;
    }
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    (void)self;
    out->length = LENGTH;
    for (int cell = 0; cell < CELLS; cell++) {
        const int16_t *from = &code->value[cell * CELL_LENGTH];
        ordering o = {.label = {0, 1}};
        for (int block = 0; block < BLOCKS; block++) {
            for (int i = 0; i < HALVES; i++, from += PARTS) o.blocks[block][i] = (half){from[0], from[1]};
            o.label[block + 2] = -1;
        }
        order_from(&o, 0);
        memcpy(&out->value[cell * CELL_LENGTH], o.best, sizeof o.best);
    }
}

/* ---- genotypes --------------------------------------------------------------------------------------------------------- */

static void to_genotype(const nlg_code *code, nlg_cell_genotype *genotype) {
    *genotype = (nlg_cell_genotype){0};
    const int16_t *from = code->value;
    for (int i = 0; i < CELLS; i++) {
        nlg_cell *cell = i == 0 ? &genotype->normal : &genotype->reduction;
        cell->n_blocks = BLOCKS;
        for (int block = 0; block < BLOCKS; block++) {
            for (int side = 0; side < HALVES; side++, from += PARTS) {
                cell->blocks[block].in[side] = from[0];
                cell->blocks[block].op[side] = ops[from[1]];
            }
        }
        cell->concat = nlg_cell_loose_ends(cell);
    }
}

/* One line: white space is free in genotypes. */
static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    nlg_cell_genotype genotype;
    to_genotype(code, &genotype);
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

static nlg_status from_cell(const nlg_cell *cell, const char *name, int16_t *code, nlg_error *err) {
    if (cell->n_blocks != BLOCKS) {
        return nlg_fail(err, NLG_ERR_INPUT, "space nasnet_small: the %s cell must have %d blocks, found %d", name, BLOCKS,
                        cell->n_blocks);
    }
    for (int block = 0; block < BLOCKS; block++) {
        for (int side = 0; side < HALVES; side++, code += PARTS) {
            nlg_cell_op op = cell->blocks[block].op[side];
            int16_t index = 0;
            while (index < OPS && ops[index] != op) index++;
            if (index == OPS) {
                return nlg_fail(
                    err, NLG_ERR_INPUT,
                    "space nasnet_small: %s cell, block %d: operation %s is not one of identity, sep3x3, sep5x5, avg3x3, max3x3",
                    name, block + 2, nlg_cell_ops[op].name);
            }
            code[0] = (int16_t)cell->blocks[block].in[side];
            code[1] = index;
        }
    }
    if (cell->concat != nlg_cell_loose_ends(cell)) {
        return nlg_fail(err, NLG_ERR_INPUT,
                        "space nasnet_small: the %s cell must concatenate exactly the blocks that no block reads", name);
    }
    return NLG_OK;
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    nlg_cell_genotype genotype;
    NLG_TRY(nlg_genotype_parse(text, &genotype, err));
    *code = (nlg_code){.length = LENGTH};
    NLG_TRY(from_cell(&genotype.normal, "normal", code->value, err));
    return from_cell(&genotype.reduction, "reduction", code->value + CELL_LENGTH, err);
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    nlg_cell_genotype genotype;
    to_genotype(code, &genotype);
    *graph = nlg_graph_create();
    nlg_builder *b = *graph ? nlg_builder_create(*graph) : NULL;
    nlg_status status = NLG_ERR_MEMORY;
    if (b) {
        nlg_build_cell_network(b, &genotype, &macro, (nlg_shape){.h = h, .w = w, .c = c}, classes);
        status = nlg_builder_finish(b, err);
    } else {
        nlg_fail_memory(err, sizeof **graph, "a graph");
    }
    if (status != NLG_OK) {
        nlg_graph_destroy(*graph);
        *graph = NULL;
    }
    return status;
}

/* Each position of the canonical code, one-hot. */
static int features(const nlg_space *self, const nlg_code *code, double *out) {
    int count = 0;
    nlg_code plain = {0};
    if (out) canonical(self, code, &plain);
    for (int i = 0; i < LENGTH; i++) {
        for (int value = 0; value < choices(self, i); value++, count++) {
            if (out) out[count] = plain.value[i] == value;
        }
    }
    return count;
}

const nlg_space nlg_space_nasnet_small = {
    .name = "nasnet_small",
    .summary = "normal and reduction cell of 4 blocks, 5 operations; N = 1, F = 8 (NASNet, small images)",
    .length = LENGTH,
    .choices = choices,
    .canonical = canonical,
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = features,
};
