/* Cells as data: table of operations, checks, and the text form of genotypes. */
#include "models/cells.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

const nlg_cell_op_info nlg_cell_ops[NLG_CELL_OPS] = {
    [NLG_CELL_IDENTITY] = {"identity", NLG_CELL_KIND_IDENTITY, 1, 1},
    [NLG_CELL_SEP_3X3] = {"sep3x3", NLG_CELL_KIND_SEPARABLE, 3, 1},
    [NLG_CELL_SEP_5X5] = {"sep5x5", NLG_CELL_KIND_SEPARABLE, 5, 1},
    [NLG_CELL_SEP_7X7] = {"sep7x7", NLG_CELL_KIND_SEPARABLE, 7, 1},
    [NLG_CELL_DIL_SEP_3X3] = {"dil_sep3x3", NLG_CELL_KIND_SEPARABLE, 3, 2},
    [NLG_CELL_DIL_SEP_5X5] = {"dil_sep5x5", NLG_CELL_KIND_SEPARABLE, 5, 2},
    [NLG_CELL_AVG_3X3] = {"avg3x3", NLG_CELL_KIND_AVG_POOL, 3, 1},
    [NLG_CELL_MAX_2X2] = {"max2x2", NLG_CELL_KIND_MAX_POOL, 2, 1},
    [NLG_CELL_MAX_3X3] = {"max3x3", NLG_CELL_KIND_MAX_POOL, 3, 1},
    [NLG_CELL_MAX_5X5] = {"max5x5", NLG_CELL_KIND_MAX_POOL, 5, 1},
    [NLG_CELL_MAX_7X7] = {"max7x7", NLG_CELL_KIND_MAX_POOL, 7, 1},
    [NLG_CELL_CONV_1X1] = {"conv1x1", NLG_CELL_KIND_CONV, 1, 1},
    [NLG_CELL_CONV_3X3] = {"conv3x3", NLG_CELL_KIND_BOTTLENECK, 3, 1},
    [NLG_CELL_CONV_1X7_7X1] = {"conv1x7_7x1", NLG_CELL_KIND_BOTTLENECK_1D, 7, 1},
    [NLG_CELL_CONV_1X3_3X1] = {"conv1x3_3x1", NLG_CELL_KIND_BOTTLENECK_1D, 3, 1},
    [NLG_CELL_DIL_3X3] = {"dil3x3", NLG_CELL_KIND_CONV, 3, 2},
};

unsigned nlg_cell_used_states(const nlg_cell *cell) {
    unsigned used = cell->concat;
    for (int i = 0; i < cell->n_blocks; i++) used |= NLG_STATE(cell->blocks[i].in[0]) | NLG_STATE(cell->blocks[i].in[1]);
    return used;
}

unsigned nlg_cell_loose_ends(const nlg_cell *cell) {
    unsigned read = 0, outputs = 0;
    for (int i = 0; i < cell->n_blocks; i++) {
        read |= NLG_STATE(cell->blocks[i].in[0]) | NLG_STATE(cell->blocks[i].in[1]);
        outputs |= NLG_STATE(i + 2);
    }
    return outputs & ~read;
}

static nlg_status check_cell(const nlg_cell *cell, const char *name, nlg_error *err) {
    if (cell->n_blocks < 1 || cell->n_blocks > NLG_CELL_MAX_BLOCKS)
        return nlg_fail(err, NLG_ERR_INPUT, "genotype, %s cell: expected 1 to %d blocks, found %d", name, NLG_CELL_MAX_BLOCKS,
                        cell->n_blocks);
    for (int i = 0; i < cell->n_blocks; i++)
        for (int side = 0; side < 2; side++) {
            const int in = cell->blocks[i].in[side], op = (int)cell->blocks[i].op[side];
            if (in < 0 || in >= i + 2)
                return nlg_fail(err, NLG_ERR_INPUT, "genotype, %s cell, block %d: expected an input state from 0 to %d, found %d",
                                name, i + 2, i + 1, in);
            if (op < 0 || op >= NLG_CELL_OPS)
                return nlg_fail(err, NLG_ERR_INPUT, "genotype, %s cell, block %d: operation %d does not exist", name, i + 2, op);
        }
    if (cell->concat == 0 || cell->concat >> (cell->n_blocks + 2) != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "genotype, %s cell: concat must name one or more of the states 0 to %d", name,
                        cell->n_blocks + 1);
    return NLG_OK;
}

nlg_status nlg_genotype_check(const nlg_cell_genotype *genotype, nlg_error *err) {
    NLG_TRY(check_cell(&genotype->normal, "normal", err));
    return genotype->reduction.n_blocks == 0 ? NLG_OK : check_cell(&genotype->reduction, "reduction", err);
}

static bool cell_equal(const nlg_cell *a, const nlg_cell *b) {
    if (a->n_blocks != b->n_blocks) return false;
    for (int i = 0; i < a->n_blocks; i++)
        for (int side = 0; side < 2; side++)
            if (a->blocks[i].in[side] != b->blocks[i].in[side] || a->blocks[i].op[side] != b->blocks[i].op[side]) return false;
    return a->n_blocks == 0 || a->concat == b->concat;
}

bool nlg_genotype_equal(const nlg_cell_genotype *a, const nlg_cell_genotype *b) {
    return cell_equal(&a->normal, &b->normal) && cell_equal(&a->reduction, &b->reduction);
}

/* ---- text form -------------------------------------------------------------------------------------------------------- */

typedef struct writer {
    char *text;
    size_t size, length;
} writer;

static void write_text(writer *w, const char *part) {
    for (; *part != '\0'; part++, w->length++)
        if (w->length + 1 < w->size) w->text[w->length] = *part;
}

static void write_number(writer *w, int number) {
    char digits[16];
    snprintf(digits, sizeof digits, "%d", number);
    write_text(w, digits);
}

static void write_cell(writer *w, const char *name, const nlg_cell *cell) {
    write_text(w, name);
    for (int i = 0; i < cell->n_blocks; i++) {
        const nlg_cell_block *block = &cell->blocks[i];
        write_text(w, "\n  ");
        write_number(w, i + 2);
        for (int side = 0; side < 2; side++) {
            write_text(w, side == 0 ? " = " : " + ");
            write_text(w, nlg_cell_ops[block->op[side]].name);
            write_text(w, "(");
            write_number(w, block->in[side]);
            write_text(w, ")");
        }
    }
    write_text(w, "\n  concat");
    for (int s = 0; s < cell->n_blocks + 2; s++)
        if (cell->concat & NLG_STATE(s)) {
            write_text(w, " ");
            write_number(w, s);
        }
    write_text(w, "\n");
}

size_t nlg_genotype_print(const nlg_cell_genotype *genotype, char *text, size_t size) {
    writer w = {text, size, 0};
    write_cell(&w, "normal", &genotype->normal);
    if (genotype->reduction.n_blocks > 0) write_cell(&w, "reduction", &genotype->reduction);
    if (size > 0) text[w.length < size ? w.length : size - 1] = '\0';
    return w.length;
}

typedef struct reader {
    const char *at;
    int line;
    nlg_error *err;
} reader;

static void skip_space(reader *r) {
    for (; isspace((unsigned char)*r->at); r->at++)
        if (*r->at == '\n') r->line++;
}

/* The next word, number or sign, for messages and comparison; empty at the end of the text. */
static void peek(reader *r, char word[24]) {
    skip_space(r);
    size_t n = 0;
    if (isalnum((unsigned char)*r->at))
        while (n < 23 && (isalnum((unsigned char)r->at[n]) || r->at[n] == '_')) word[n] = r->at[n], n++;
    else if (*r->at != '\0')
        word[n] = r->at[n], n++;
    word[n] = '\0';
}

static bool take(reader *r, const char *expected) {
    char word[24];
    peek(r, word);
    if (strcmp(word, expected) != 0) return false;
    r->at += strlen(word);
    return true;
}

static nlg_status unexpected(reader *r, const char *expected) {
    char word[24];
    peek(r, word);
    if (word[0] == '\0') return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: expected %s, found the end", r->line, expected);
    return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: expected %s, found '%s'", r->line, expected, word);
}

static nlg_status expect(reader *r, const char *sign) {
    if (take(r, sign)) return NLG_OK;
    char expected[24];
    snprintf(expected, sizeof expected, "'%s'", sign);
    return unexpected(r, expected);
}

static bool next_is_number(reader *r) {
    skip_space(r);
    return isdigit((unsigned char)*r->at);
}

/* At most two digits: every state index has. */
static nlg_status read_state(reader *r, int *state) {
    if (!next_is_number(r)) return unexpected(r, "a state number");
    *state = 0;
    for (int n = 0; isdigit((unsigned char)*r->at); n++, r->at++) {
        if (n == 2) return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: state number out of range", r->line);
        *state = 10 * *state + (*r->at - '0');
    }
    return NLG_OK;
}

static nlg_status read_operation(reader *r, nlg_cell_op *op, int *in) {
    char word[24];
    peek(r, word);
    int found = 0;
    while (found < NLG_CELL_OPS && strcmp(word, nlg_cell_ops[found].name) != 0) found++;
    if (found == NLG_CELL_OPS) return unexpected(r, "an operation such as sep3x3, avg3x3, identity");
    r->at += strlen(word);
    *op = (nlg_cell_op)found;
    NLG_TRY(expect(r, "("));
    NLG_TRY(read_state(r, in));
    return expect(r, ")");
}

static nlg_status read_cell(reader *r, nlg_cell *cell) {
    while (next_is_number(r)) {
        int state = 0;
        NLG_TRY(read_state(r, &state));
        if (cell->n_blocks == NLG_CELL_MAX_BLOCKS || state != cell->n_blocks + 2)
            return nlg_fail(r->err, NLG_ERR_INPUT,
                            "genotype, line %d: blocks are numbered 2, 3, .. up to %d; expected %d, found %d", r->line,
                            NLG_CELL_MAX_STATES - 1, cell->n_blocks + 2, state);
        nlg_cell_block *block = &cell->blocks[cell->n_blocks++];
        NLG_TRY(expect(r, "="));
        NLG_TRY(read_operation(r, &block->op[0], &block->in[0]));
        NLG_TRY(expect(r, "+"));
        NLG_TRY(read_operation(r, &block->op[1], &block->in[1]));
    }
    NLG_TRY(expect(r, "concat"));
    while (next_is_number(r)) {
        int state = 0;
        NLG_TRY(read_state(r, &state));
        if (state >= NLG_CELL_MAX_STATES)
            return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: concat names state %d, which does not exist", r->line,
                            state);
        cell->concat |= NLG_STATE(state);
    }
    return NLG_OK;
}

/* ---- DARTS' text form: Genotype(normal=[('sep_conv_3x3', 1), ...], normal_concat=range(2, 6), reduce=[...], reduce_concat=[2, 3])
 * -- */

static const struct {
    const char *name;
    nlg_cell_op op;
} darts_ops[] = {
    {"skip_connect", NLG_CELL_IDENTITY}, {"sep_conv_3x3", NLG_CELL_SEP_3X3},     {"sep_conv_5x5", NLG_CELL_SEP_5X5},
    {"sep_conv_7x7", NLG_CELL_SEP_7X7},  {"dil_conv_3x3", NLG_CELL_DIL_SEP_3X3}, {"dil_conv_5x5", NLG_CELL_DIL_SEP_5X5},
    {"avg_pool_3x3", NLG_CELL_AVG_3X3},  {"max_pool_3x3", NLG_CELL_MAX_3X3},     {"conv_7x1_1x7", NLG_CELL_CONV_1X7_7X1},
    {"conv_1x1", NLG_CELL_CONV_1X1},     {"conv_3x3", NLG_CELL_CONV_3X3},
};

/* ('sep_conv_3x3', 1) */
static nlg_status read_darts_edge(reader *r, nlg_cell_op *op, int *in) {
    NLG_TRY(expect(r, "("));
    const bool quoted = take(r, "'") || take(r, "\"");
    char word[24];
    peek(r, word);
    size_t found = 0;
    while (found < sizeof darts_ops / sizeof darts_ops[0] && strcmp(word, darts_ops[found].name) != 0) found++;
    if (!quoted || found == sizeof darts_ops / sizeof darts_ops[0])
        return unexpected(r, "an operation of DARTS such as 'sep_conv_3x3', 'dil_conv_5x5', 'skip_connect'");
    r->at += strlen(word);
    *op = darts_ops[found].op;
    if (!take(r, "'")) NLG_TRY(expect(r, "\""));
    NLG_TRY(expect(r, ","));
    NLG_TRY(read_state(r, in));
    return expect(r, ")");
}

/* [edge, edge, ...], two for each block */
static nlg_status read_darts_blocks(reader *r, nlg_cell *cell) {
    NLG_TRY(expect(r, "["));
    for (int side = 0; !take(r, "]"); side ^= 1) {
        if (cell->n_blocks == NLG_CELL_MAX_BLOCKS)
            return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: expected at most %d pairs of operations", r->line,
                            NLG_CELL_MAX_BLOCKS);
        nlg_cell_block *block = &cell->blocks[cell->n_blocks];
        NLG_TRY(read_darts_edge(r, &block->op[side], &block->in[side]));
        cell->n_blocks += side;
        if (take(r, ",")) continue;
        if (side == 0) return unexpected(r, "',' and the block's second operation");
        NLG_TRY(expect(r, "]"));
        return NLG_OK;
    }
    return NLG_OK;
}

/* range(2, 6) or [2, 3, 4, 5] */
static nlg_status read_darts_concat(reader *r, nlg_cell *cell) {
    int first = 0, end = 0;
    if (take(r, "range")) {
        NLG_TRY(expect(r, "("));
        NLG_TRY(read_state(r, &first));
        NLG_TRY(expect(r, ","));
        NLG_TRY(read_state(r, &end));
        if (end > NLG_CELL_MAX_STATES || first >= end)
            return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: concat names states that do not exist", r->line);
        for (int s = first; s < end; s++) cell->concat |= NLG_STATE(s);
        return expect(r, ")");
    }
    NLG_TRY(expect(r, "["));
    while (!take(r, "]")) {
        NLG_TRY(read_state(r, &first));
        if (first >= NLG_CELL_MAX_STATES)
            return nlg_fail(r->err, NLG_ERR_INPUT, "genotype, line %d: concat names state %d, which does not exist", r->line,
                            first);
        cell->concat |= NLG_STATE(first);
        if (!take(r, ",")) return expect(r, "]");
    }
    return NLG_OK;
}

static nlg_status read_darts(reader *r, nlg_cell_genotype *g) {
    static const char *const members[] = {"normal", "normal_concat", "reduce", "reduce_concat"};
    bool seen[4] = {false};
    NLG_TRY(expect(r, "("));
    for (int count = 0; !take(r, ")"); count++) {
        int member = 0;
        while (member < 4 && !take(r, members[member])) member++;
        if (member == 4 || seen[member]) return unexpected(r, "normal, normal_concat, reduce or reduce_concat, each once");
        seen[member] = true;
        NLG_TRY(expect(r, "="));
        nlg_cell *cell = member < 2 ? &g->normal : &g->reduction;
        NLG_TRY(member % 2 ? read_darts_concat(r, cell) : read_darts_blocks(r, cell));
        if (take(r, ",")) continue;
        NLG_TRY(expect(r, ")"));
        break;
    }
    for (int i = 0; i < 4; i++) {
        if (!seen[i]) return nlg_fail(r->err, NLG_ERR_INPUT, "genotype: expected a member %s, found none", members[i]);
    }
    return NLG_OK;
}

nlg_status nlg_genotype_parse(const char *text, nlg_cell_genotype *genotype, nlg_error *err) {
    reader r = {text, 1, err};
    nlg_cell_genotype g = {0};
    char word[24];
    peek(&r, word);
    if (word[0] == '|')
        return nlg_fail(err, NLG_ERR_INPUT,
                        "genotype: a cell of NAS-Bench-201, which is no pair of cells; give it with --space "
                        "nasbench201");
    const char *begin = strstr(text, "Genotype"); /* as in "NAME = Genotype(...)" */
    if (begin && begin != r.at && isalpha((unsigned char)word[0]) && strcmp(word, "normal") != 0) {
        r.at += strlen(word);
        NLG_TRY(expect(&r, "="));
    }
    if (take(&r, "Genotype")) {
        NLG_TRY(read_darts(&r, &g));
        skip_space(&r);
        if (*r.at != '\0') return unexpected(&r, "the end");
        NLG_TRY(nlg_genotype_check(&g, err));
        *genotype = g;
        return NLG_OK;
    }
    NLG_TRY(expect(&r, "normal"));
    NLG_TRY(read_cell(&r, &g.normal));
    if (take(&r, "reduction")) NLG_TRY(read_cell(&r, &g.reduction));
    skip_space(&r);
    if (*r.at != '\0') return unexpected(&r, "the end");
    NLG_TRY(nlg_genotype_check(&g, err));
    *genotype = g;
    return NLG_OK;
}
