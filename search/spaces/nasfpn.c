/* Feature pyramids of merging cells: G. Ghiasi, T.-Y. Lin, R. Pang, Q. V. Le, "NAS-FPN: Learning Scalable Feature Pyramid
 * Architecture for Object Detection", CVPR 2019, Section 3.1.
 *
 * Nodes 0 to 4 are the levels P3 to P7; each of K cells picks two different nodes, the level of its output, and sum or
 * global-pooling attention, and is a new node. The last five cells are the new P3 .. P7 in an order of their own; nodes of a level
 * that nothing has read flow into that level's output. Each cell ends in ReLU, 3x3 convolution and batch norm (models/detection.c).
 *
 * The space nasfpn_detector builds detectors: a small ResNet whose P3 has a quarter of the image's size, one stack, heads of two
 * layers (nas_fpn_tiny of models/detection.c is one of them); images have sides of a multiple of 64. Narrower ones (C, W) are cheap
 * proxies. In the space nasfpn a classifier on the means of the five outputs scores the pyramid, for images with one label; they
 * are padded to a multiple of 32. Deviation: the paper trains ResNet-10 on COCO. Parameters: K = 7 cells as in the paper, C
 * channels.
 *
 * Code: for each cell first node, second node (among the others), level (of the last five: among those that are left), operation.
 * Pyramids that differ in the order of cells, or of two nodes where it does not matter, are one architecture. */
#include <stdio.h>
#include <string.h>

#include "models/blocks.h"
#include "search/spaces/common/build.h"
#include "search/spaces/common/ordering.h"

enum { LEVELS = NLG_FPN_LEVELS, FIRST_LEVEL = 3, NODES_MAX = LEVELS + NLG_FPN_CELLS_MAX };
enum { FIRST, SECOND, LEVEL, OP, PARTS };

static int cells_of(const nlg_space *self) {
    return self->parameter[0];
}

static nlg_status open_space(nlg_space *self, nlg_error *err) {
    (void)err;
    self->length = PARTS * cells_of(self);
    return NLG_OK;
}

static int choices(const nlg_space *self, int position) {
    const int cell = position / PARTS, left = cells_of(self) - cell;
    const int values[PARTS] = {LEVELS + cell, LEVELS + cell - 1, left < LEVELS ? left : LEVELS, 2};
    return values[position % PARTS];
}

/* ---- graphs ------------------------------------------------------------------------------------------------------------ */

typedef struct pyramid {
    int n_cells;
    nlg_fpn_cell cell[NLG_FPN_CELLS_MAX];
    unsigned flows[NLG_FPN_CELLS_MAX]; /* nodes that flow into a cell's output beside its two inputs, as a mask */
} pyramid;

/* The index-th level that is not in the mask, and back. */
static int level_left(unsigned taken, int index) {
    int level = 0;
    for (; taken >> level & 1 || index > 0; level++) index -= !(taken >> level & 1);
    return level;
}

static int index_left(unsigned taken, int level) {
    int index = 0;
    for (int i = 0; i < level; i++) index += !(taken >> i & 1);
    return index;
}

static int node_level(const pyramid *p, int node) {
    return node < LEVELS ? FIRST_LEVEL + node : p->cell[node - LEVELS].level;
}

static void find_flows(pyramid *p) {
    unsigned is_read = 0;
    for (int i = 0; i < p->n_cells; i++) {
        is_read |= 1u << p->cell[i].in[0] | 1u << p->cell[i].in[1];
        p->flows[i] = 0;
        for (int node = 0; p->cell[i].output && node < LEVELS + i; node++) {
            if (node_level(p, node) == p->cell[i].level && !(is_read >> node & 1)) p->flows[i] |= 1u << node;
        }
        is_read |= p->flows[i];
    }
}

static void to_pyramid(const nlg_space *self, const nlg_code *code, pyramid *p) {
    unsigned taken = 0;
    p->n_cells = cells_of(self);
    for (int i = 0; i < p->n_cells; i++) {
        const int16_t *v = &code->value[i * PARTS];
        const bool output = i >= p->n_cells - LEVELS;
        const int level = output ? level_left(taken, v[LEVEL]) : v[LEVEL];
        if (output) taken |= 1u << level;
        p->cell[i] = (nlg_fpn_cell){.level = FIRST_LEVEL + level,
                                    .op = v[OP] ? NLG_FPN_GLOBAL_POOL : NLG_FPN_SUM,
                                    .in = {v[FIRST], v[SECOND] + (v[SECOND] >= v[FIRST])},
                                    .output = output};
    }
    find_flows(p);
}

static void write_cell(int16_t *v, const nlg_fpn_cell *cell, int first, int second, unsigned taken) {
    v[FIRST] = (int16_t)first;
    v[SECOND] = (int16_t)(second - (second > first));
    v[LEVEL] = (int16_t)(cell->output ? index_left(taken, cell->level - FIRST_LEVEL) : cell->level - FIRST_LEVEL);
    v[OP] = cell->op == NLG_FPN_GLOBAL_POOL;
}

/* ---- isomorphism ------------------------------------------------------------------------------------------------------- */

static bool stands(const nlg_ordering *o, int node) {
    return node < LEVELS || o->place[node - LEVELS] >= 0;
}

/* Whether a cell that stands has taken the node in, as an input or as what flows into its output. */
static bool is_taken(const nlg_ordering *o, int node) {
    const pyramid *p = o->graph;
    for (int i = 0; i < p->n_cells; i++) {
        if (o->place[i] < 0) continue;
        if (p->cell[i].in[0] == node || p->cell[i].in[1] == node || p->flows[i] >> node & 1) return true;
    }
    return false;
}

/* Outputs come last; what a cell reads stands; and the same nodes flow into the outputs in the new order. */
static bool may_stand(const nlg_ordering *o, int part) {
    const pyramid *p = o->graph;
    const nlg_fpn_cell *cell = &p->cell[part];
    if (cell->output != (o->standing >= p->n_cells - LEVELS)) return false;
    for (int i = 0; i < 2; i++) {
        if (!stands(o, cell->in[i])) return false;
        for (int other = 0; other < p->n_cells; other++) { /* read after it has flowed */
            if (p->flows[other] >> cell->in[i] & 1 && o->place[other] < 0) return false;
        }
    }
    for (int node = 0; cell->output && node < LEVELS + p->n_cells; node++) {
        if (node == LEVELS + part || node_level(p, node) != cell->level || !stands(o, node)) continue;
        const bool flows = node != cell->in[0] && node != cell->in[1] && !is_taken(o, node);
        if (flows != (p->flows[part] >> node & 1)) return false;
    }
    for (int node = LEVELS; node < LEVELS + p->n_cells; node++) { /* all that shall flow into it stand */
        if (p->flows[part] >> node & 1 && !stands(o, node)) return false;
    }
    return true;
}

static int write_part(const nlg_ordering *o, int part, int16_t *code) {
    const pyramid *p = o->graph;
    const nlg_fpn_cell *cell = &p->cell[part];
    unsigned taken = 0;
    for (int i = 0; i < p->n_cells; i++) {
        if (p->cell[i].output && o->place[i] >= 0) taken |= 1u << (p->cell[i].level - FIRST_LEVEL);
    }
    int in[2];
    for (int i = 0; i < 2; i++) in[i] = cell->in[i] < LEVELS ? cell->in[i] : LEVELS + o->place[cell->in[i] - LEVELS];
    /* Attention goes from the coarser to the finer level; of equal ones, from the second to the first. */
    const bool symmetric = cell->op == NLG_FPN_SUM || node_level(p, cell->in[0]) != node_level(p, cell->in[1]);
    const bool swap = symmetric && in[1] < in[0];
    write_cell(code, cell, in[swap], in[!swap], taken);
    return PARTS;
}

static void canonical(const nlg_space *self, const nlg_code *code, nlg_code *out) {
    pyramid p;
    to_pyramid(self, code, &p);
    nlg_ordering o = {.graph = &p, .parts = p.n_cells, .may_stand = may_stand, .write = write_part};
    nlg_ordering_find(&o);
    out->length = o.best_length;
    memcpy(out->value, o.best, sizeof o.best);
}

/* ---- genotypes: "1 3 gp P4; 1 5 sum P4; ..." --------------------------------------------------------------------------- */

static void encode(const nlg_space *self, const nlg_code *code, char *text, size_t size) {
    pyramid p;
    to_pyramid(self, code, &p);
    size_t used = 0;
    for (int i = 0; i < p.n_cells && used < size; i++) {
        const nlg_fpn_cell *cell = &p.cell[i];
        used += (size_t)snprintf(text + used, size - used, "%s%d %d %s P%d", i ? "; " : "", cell->in[0], cell->in[1],
                                 cell->op == NLG_FPN_SUM ? "sum" : "gp", cell->level);
    }
}

static nlg_status decode(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err) {
    const int cells = cells_of(self);
    const char *at = text;
    unsigned taken = 0;
    *code = (nlg_code){.length = PARTS * cells};
    for (int i = 0; i < cells; i++) {
        char op[4];
        int level = 0, first = 0, second = 0, length = 0;
        const bool output = i >= cells - LEVELS;
        bool good = sscanf(at, " %2d %2d %3[a-z] P%1d%n", &first, &second, op, &level, &length) == 4;
        at += length;
        good = good && level >= FIRST_LEVEL && level < FIRST_LEVEL + LEVELS && first >= 0 && second >= 0 && first != second;
        good = good && first < LEVELS + i && second < LEVELS + i && (strcmp(op, "sum") == 0 || strcmp(op, "gp") == 0);
        good = good && *at == (i < cells - 1 ? ';' : '\0') && !(output && taken >> (level - FIRST_LEVEL) & 1);
        if (!good) {
            return nlg_fail(
                err, NLG_ERR_INPUT,
                "space %s: expected %d cells such as 'P4 sum 1 5' or 'P3 gp 0 2' (level of the output; two different nodes "
                "before it: 0 to 4 are P3 to P7) with semicolons, of which the last five have levels of their own; cell %d "
                "does not",
                self->name, cells, i + 1);
        }
        const nlg_fpn_cell cell = {.level = level, .op = op[0] == 'g' ? NLG_FPN_GLOBAL_POOL : NLG_FPN_SUM, .output = output};
        write_cell(&code->value[i * PARTS], &cell, first, second, taken);
        if (output) taken |= 1u << (level - FIRST_LEVEL);
        at += *at == ';';
    }
    return NLG_OK;
}

/* ---- networks ---------------------------------------------------------------------------------------------------------- */

static const nlg_resnet_spec backbone = {.block = NLG_BASIC, .blocks = {1, 1, 1, 1}, .cifar = 8};

static nlg_value pad_to_32(nlg_builder *b, nlg_value x) {
    const nlg_shape s = nlg_shape_of(b, x);
    const int rows = (32 - s.h % 32) % 32, columns = (32 - s.w % 32) % 32;
    if (!rows && !columns) return x;
    return nlg_spatial_pad(b, x, rows / 2, rows - rows / 2, columns / 2, columns - columns / 2);
}

static nlg_status build(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                        nlg_error *err) {
    const int channels = self->parameter[1];
    pyramid p;
    to_pyramid(self, code, &p);
    nlg_builder *b = nlg_space_build_begin(graph);
    if (!b) return nlg_space_build_finish(b, graph, err);
    nlg_value stage[4] = {-1, -1, -1, -1}, level[LEVELS];
    nlg_push(b, "backbone");
    nlg_resnet_trunk(b, &backbone, pad_to_32(b, nlg_input(b, c, h, w)), stage);
    nlg_pop(b);
    for (int i = 0; i < 3; i++) {
        nlg_push(b, "inner.%d", i);
        level[i] = nlg_conv(b, stage[i + 1], (nlg_conv_args){.out = channels, .kernel = 1}, "conv");
        level[i] = nlg_batch_norm(b, level[i], (nlg_norm_args){0}, "bn");
        nlg_pop(b);
    }
    for (int i = 3; i < LEVELS; i++) level[i] = nlg_max_pool(b, level[i - 1], (nlg_pool_args){.kernel = 2});
    nlg_fpn_build(b, p.cell, p.n_cells, channels, level);
    for (int i = 0; i < LEVELS; i++) level[i] = nlg_global_avg_pool(b, nlg_relu(b, level[i]));
    nlg_output(b, nlg_linear(b, nlg_concat(b, level, LEVELS), (nlg_linear_args){.out = classes}, "fc"));
    return nlg_space_build_finish(b, graph, err);
}

static nlg_status build_detector(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, nlg_graph **graph,
                                 nlg_error *err) {
    pyramid p;
    to_pyramid(self, code, &p);
    const nlg_fpn_stack stack = {.n_cells = p.n_cells, .cells = p.cell};
    const nlg_detector_spec spec = {
        .backbone = {.block = NLG_BASIC, .blocks = {1, 1, 1, 1}, .cifar = self->parameter[2], .cifar_stride = 2},
        .pyramid = NLG_PYRAMID_NAS_FPN,
        .channels = self->parameter[1],
        .stacks = 1,
        .stack = &stack,
        .head_layers = 2};
    nlg_builder *b = nlg_space_build_begin(graph);
    if (b) nlg_detector_build(b, &spec, (nlg_shape){.h = h, .w = w, .c = c}, classes);
    return nlg_space_build_finish(b, graph, err);
}

static const nlg_space_parameter parameters[] = {
    {"K", 7, 5, NLG_FPN_CELLS_MAX, "merging cells", NULL},
    {"C", 32, 4, 256, "channels of every level", NULL},
};

static const nlg_space_parameter detector_parameters[] = {
    {"K", 7, 5, NLG_FPN_CELLS_MAX, "merging cells", NULL},
    {"C", 24, 4, 256, "channels of every level", NULL},
    {"W", 16, 4, 64, "channels of the backbone's first stage", NULL},
};

#define NOTATION                                                                                                                   \
    "K cells \"NODE NODE OP Pn\" with semicolons: two different earlier nodes (0 to 4 are P3 to P7, then the cells), sum or\n"     \
    "gp (global-pooling attention), the output's level P3 to P7; the last five cells have levels of their own."
#define OF_BOTH                                                                                                                    \
    .source = "Ghiasi et al.: NAS-FPN, CVPR 2019", .open = open_space, .choices = choices, .canonical = canonical,                 \
    .notation = NOTATION, .encode = encode, .decode = decode, .features = nlg_space_one_hot

const nlg_space nlg_space_nasfpn = {
    .name = "nasfpn",
    .summary = "feature pyramids of K merging cells, sum or global-pooling attention (NAS-FPN)",
    .parameters = parameters,
    .n_parameters = sizeof parameters / sizeof parameters[0],
    OF_BOTH,
    .build = build,
};

const nlg_space nlg_space_nasfpn_detector = {
    .name = "nasfpn_detector",
    .summary = "the same in small detectors: feature pyramids of K merging cells, sum or global-pooling attention (NAS-FPN)",
    .parameters = detector_parameters,
    .n_parameters = sizeof detector_parameters / sizeof detector_parameters[0],
    OF_BOTH,
    .build = build_detector,
    .detects = true,
    .input = {3, 64, 64},
};
