/* NAS-Bench-201: X. Dong, Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture Search", ICLR 2020,
 * Section 2.
 *
 * A cell has four nodes; each of the six edges from an earlier to a later node carries one of five operations, and a node sums
 * what its edges bring. The network: 3x3 stem of 16 channels, three stages of five cells at 16, 32 and 64 channels, a residual
 * block of stride 2 before the second and the third, batch norm, ReLU, global average pool, classifier. The order within layers
 * (ReLU, convolution, batch norm) and the shortcut (2x2 average pool, 1x1 convolution) are those of the released code.
 *
 * Two cells are the same architecture when the benchmark says so: 6,466 classes of the 15,625 cells. It compares expressions as
 * text, in which a skip stands for its input and what a zero node feeds is zero, up to the order of sums. They do not tell a
 * shared operation from a repeated one and ignore what only zeros read, so that a class holds networks of several sizes; its
 * canonical cell has the fewest parameters, then the smallest code.
 *
 * Code: the operations of edges 0-1, 0-2, 1-2, 0-3, 1-3, 2-3. Genotype: the benchmark's own string. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"
#include "search/spaces/common/build.h"

enum { NODES = 4, EDGES = 6, CELLS = 15625, STAGES = 3, REPEATS = 5, FILTERS = 16 };
enum { NONE, SKIP, CONV_1X1, CONV_3X3, AVG_POOL, OPS };
static const char *const op_names[OPS] = {"none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3"};
static const int op_weights[OPS] = {0, 0, 1, 9, 0}; /* per pair of channels */

static int edge(int from, int to) {
    return to * (to - 1) / 2 + from;
}

static int choices(const nlg_space *self, int position) {
    (void)self, (void)position;
    return OPS;
}

/* ---- classes ----------------------------------------------------------------------------------------------------------- */

/* The benchmark's expression of a node: its terms in the order of their text, joined by +. */
enum { EXPRESSION_MAX = 192 };

static int compare_texts(const void *left, const void *right) {
    return strcmp(left, right);
}

static uint64_t expression(const int16_t *ops) {
    char node[NODES][EXPRESSION_MAX] = {"0"}, terms[NODES - 1][EXPRESSION_MAX];
    for (int to = 1; to < NODES; to++) {
        for (int from = 0; from < to; from++) {
            const int op = ops[edge(from, to)];
            if (op == NONE || strcmp(node[from], "#") == 0)
                snprintf(terms[from], EXPRESSION_MAX, "#");
            else if (op == SKIP)
                memcpy(terms[from], node[from], EXPRESSION_MAX);
            else
                snprintf(terms[from], EXPRESSION_MAX, "(%.150s)@%s", node[from], op_names[op]);
        }
        qsort(terms, (size_t)to, sizeof terms[0], compare_texts);
        size_t used = 0;
        for (int i = 0; i < to && used < EXPRESSION_MAX; i++)
            used += (size_t)snprintf(node[to] + used, EXPRESSION_MAX - used, "%s%s", i ? "+" : "", terms[i]);
    }
    uint64_t hash = 0xcbf29ce484222325u;
    for (const char *c = node[NODES - 1]; *c; c++) hash = (hash ^ (unsigned char)*c) * 0x100000001b3u;
    return hash;
}

typedef struct cell {
    uint64_t expression;
    int weights, number; /* number: the code read as digits */
} cell;
static void from_number(int number, int16_t *ops) {
    for (int i = EDGES - 1; i >= 0; i--, number /= OPS) ops[i] = (int16_t)(number % OPS);
}

static int compare_cells(const void *left, const void *right) {
    const cell *a = left, *b = right;
    if (a->expression != b->expression) return a->expression < b->expression ? -1 : 1;
    if (a->weights != b->weights) return a->weights < b->weights ? -1 : 1;
    return a->number - b->number;
}

/* The number of the canonical cell of every cell, in order of their numbers. */
static nlg_status open_space(nlg_space *self, nlg_error *err) {
    int16_t *representative = self->data = nlg_alloc(CELLS, sizeof *representative);
    cell *cells = nlg_alloc(CELLS, sizeof *cells);
    if (!representative || !cells) {
        nlg_free(cells);
        return nlg_fail_memory(err, CELLS * sizeof *cells, "the cells of nasbench201");
    }
    for (int number = 0; number < CELLS; number++) {
        int16_t ops[EDGES];
        from_number(number, ops);
        cells[number] = (cell){.expression = expression(ops), .number = number};
        for (int i = 0; i < EDGES; i++) cells[number].weights += op_weights[ops[i]];
    }
    qsort(cells, CELLS, sizeof cells[0], compare_cells);
    for (int i = 0, first = 0; i < CELLS; i++) {
        if (cells[i].expression != cells[first].expression) first = i;
        representative[cells[i].number] = (int16_t)cells[first].number;
    }
    nlg_free(cells);
    return NLG_OK;
}

static void close_space(nlg_space *self) {
    nlg_free(self->data);
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    const int16_t *representative = self->data;
    assert(representative); /* nlg_space_open, not nlg_space_find */
    int number = 0;
    for (int i = 0; i < EDGES; i++) number = number * OPS + code->value[i];
    out->length = EDGES;
    from_number(representative[number], out->value);
}

/* ---- genotypes --------------------------------------------------------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    (void)self;
    size_t used = 0;
    for (int to = 1; to < NODES; to++) {
        for (int from = 0; from < to && used < size; from++) {
            used += (size_t)snprintf(text + used, size - used, "%s|%s~%d%s", from == 0 && to > 1 ? "+" : "",
                                     op_names[code->value[edge(from, to)]], from, from == to - 1 ? "|" : "");
        }
    }
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    (void)self;
    *code = (nlg_code){.length = EDGES};
    const char *at = text;
    for (int to = 1; to < NODES; to++) {
        for (int from = 0; from < to; from++) {
            int op = 0;
            char part[32];
            size_t length = 0;
            for (; op < OPS; op++) {
                length = (size_t)snprintf(part, sizeof part, "%s|%s~%d%s", from == 0 && to > 1 ? "+" : "", op_names[op], from,
                                          from == to - 1 ? "|" : "");
                if (strncmp(at, part, length) == 0) break;
            }
            if (op == OPS) {
                return nlg_fail(err, NLG_ERR_INPUT,
                                "space nasbench201: expected an operation (none, skip_connect, nor_conv_1x1, nor_conv_3x3, "
                                "avg_pool_3x3) from node %d to node %d as in |nor_conv_3x3~0|+|..., found '%.40s'",
                                from, to, at);
            }
            code->value[edge(from, to)] = (int16_t)op;
            at += length;
        }
    }
    if (*at == '\0') return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "space nasbench201: expected the end of the cell, found '%.40s'", at);
}

static const char *operation(const nlg_space *self, int index) {
    (void)self;
    return index < OPS ? op_names[index] : NULL;
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static nlg_value relu_conv_norm(nlg_builder *b, nlg_value x, nlg_conv_args conv) {
    conv.half = true;
    x = nlg_conv(b, nlg_relu(b, x), conv, "op.1");
    return nlg_batch_norm(b, x, (nlg_norm_args){0}, "op.2");
}

static nlg_value apply_edge(nlg_builder *b, nlg_value x, int op, int filters, int from, int to) {
    if (op == SKIP) return x;
    if (op == AVG_POOL) return nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 3, .stride = 1, .pad = 1, .exclude_pad = true});
    nlg_push(b, "layers.%d", edge(from, to));
    x = relu_conv_norm(b, x, (nlg_conv_args){.out = filters, .kernel = op == CONV_3X3 ? 3 : 1});
    nlg_pop(b);
    return x;
}

/* Zero times x, added where it must not be left out: x is trained with zero gradients, as in the benchmark's networks. */
static nlg_value build_cell(nlg_builder *b, const int16_t *ops, nlg_value x, int filters) {
    nlg_value node[NODES] = {x};
    for (int to = 1; to < NODES; to++) {
        nlg_value sum = -1;
        for (int from = 0; from < to; from++) {
            const int op = ops[edge(from, to)];
            if (op == NONE) continue;
            const nlg_value term = apply_edge(b, node[from], op, filters, from, to);
            sum = sum < 0 ? term : nlg_add(b, sum, term);
        }
        node[to] = sum < 0 ? nlg_add_scaled(b, x, x, -1) : sum;
    }
    for (int from = 0; from < NODES - 1; from++) { /* what only zeros read */
        bool read = false;
        for (int to = from + 1; to < NODES; to++) read = read || ops[edge(from, to)] != NONE;
        if (!read && from > 0) node[NODES - 1] = nlg_add_scaled(b, node[NODES - 1], node[from], 0);
    }
    return node[NODES - 1];
}

static nlg_value build_reduction(nlg_builder *b, nlg_value x, int filters) {
    nlg_push(b, "conv_a");
    nlg_value y = relu_conv_norm(b, x, (nlg_conv_args){.out = filters, .kernel = 3, .stride = 2});
    nlg_pop(b);
    nlg_push(b, "conv_b");
    y = relu_conv_norm(b, y, (nlg_conv_args){.out = filters, .kernel = 3});
    nlg_pop(b);
    /* An odd size: the last row and column, half outside the image, give the shortcut the size of the other path. */
    x = nlg_avg_pool(b, x, (nlg_pool_args){.kernel = 2, .ceil_mode = true, .exclude_pad = true});
    x = nlg_conv(b, x, (nlg_conv_args){.out = filters, .kernel = 1}, "downsample.1");
    return nlg_add(b, x, y);
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    (void)self;
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_value x = nlg_conv(b, nlg_input(b, c, h, w), (nlg_conv_args){.out = FILTERS, .kernel = 3, .half = true}, "stem.0");
    x = nlg_batch_norm(b, x, (nlg_norm_args){0}, "stem.1");
    for (int stage = 0, number = 0; stage < STAGES; stage++) {
        const int filters = FILTERS << stage;
        for (int i = stage == 0; i <= REPEATS; i++, number++) {
            nlg_push(b, "cells.%d", number);
            x = i == 0 ? build_reduction(b, x, filters) : build_cell(b, code->value, x, filters);
            nlg_pop(b);
        }
    }
    x = nlg_relu(b, nlg_batch_norm(b, x, (nlg_norm_args){0}, "lastact.0"));
    nlg_output(b, nlg_linear(b, nlg_global_avg_pool(b, x), (nlg_linear_args){.out = classes}, "classifier"));
    return nlg_space_build_finish(b, graph, err);
}

const nlg_space nlg_space_nasbench201 = {
    .name = "nasbench201",
    .summary = "cells of 4 nodes, 6 edges and 5 operations; published table",
    .source = "Dong, Yang: NAS-Bench-201, ICLR 2020",
    .length = EDGES,
    .open = open_space,
    .close = close_space,
    .choices = choices,
    .canonical = canonical,
    .notation =
        "the benchmark's own: |OP~0|+|OP~0|OP~1|+|OP~0|OP~1|OP~2|, the operations of the edges from node 0, 1, 2 to nodes 1, 2\n"
        "and 3.",
    .operation = operation,
    .encode = encode,
    .decode = decode,
    .build = build,
    .features = nlg_space_one_hot,
    .architectures = 6466,
};
