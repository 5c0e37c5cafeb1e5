/* Whole networks as Graphviz DOT: one box per stage. */
#include "harness/commands/draw_network.h"

#include <string.h>

#include "layers/base/memory.h"

const char *const nlg_draw_style =
    "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=\"Helvetica\", fontsize=11];\n"
    "  edge [color=\"#555555\", arrowsize=0.6];\n";

enum { KINDS = 24, STAGES = 64, NAME = 80 };

/* What a stage's layers are, counted: "3x3 conv" 4 times. */
typedef struct layer_kind {
    char text[NAME];
    int count;
} layer_kind;

typedef struct stage {
    nlg_shape shape; /* of the last node */
    char part[NAME];
    bool aux, output;
    layer_kind kinds[KINDS];
    int n_kinds;
    char first[NAME], last[NAME]; /* blocks */
    int blocks;
    int64_t params, macs;
} stage;

typedef struct drawing {
    const nlg_network *network;
    bool in_parts; /* detectors hold several maps of one size: backbone, pyramid and heads are told apart by their names */
    bool *returns; /* by node: a 1x1 value that flows back into a larger map (squeeze-and-excitation, gates) */
    int *stage_of; /* by node */
    stage *stages;
    int count;
    bool edge[STAGES][STAGES];
} drawing;

static void find_returns(drawing *d) {
    const nlg_graph *g = d->network->graph;
    for (int n = g->n_nodes - 1; n >= 0; n--) {
        nlg_shape shape = g->nodes[n].shape;
        bool passes_on = d->returns[n] || shape.h * shape.w > 1;
        for (int i = 0; passes_on && i < g->nodes[n].n_inputs; i++) d->returns[g->nodes[n].inputs[i]] = true;
    }
}

/* The block that a layer belongs to: its first component, with the number after it: "layer1.0" of "layer1.0.conv1". */
static void block_of(const char *name, char block[NAME]) {
    size_t length = strcspn(name, ".");
    size_t digits = name[length] ? strspn(name + length + 1, "0123456789") : 0;
    if (digits && name[length + 1 + digits] == '.') length += 1 + digits;
    snprintf(block, NAME, "%.*s", (int)length, name);
}

/* The first two components of a layer's name; layers without parameters belong to their input's part. */
static void part_of(const drawing *d, const nlg_node *node, char part[NAME]) {
    part[0] = '\0';
    if (!d->in_parts) return;
    if (node->n_params > 0) {
        size_t length = strcspn(node->name, ".");
        if (node->name[length]) length += 1 + strcspn(node->name + length + 1, ".");
        snprintf(part, NAME, "%.*s", (int)length, node->name);
    } else if (node->n_inputs > 0) {
        snprintf(part, NAME, "%s", d->stages[d->stage_of[node->inputs[0]]].part);
    }
}

static int find_stage(drawing *d, int index) {
    const nlg_node *node = &d->network->graph->nodes[index];
    if (node->n_inputs > 0 && d->returns[index] && node->shape.h * node->shape.w == 1) return d->stage_of[node->inputs[0]];
    char part[NAME];
    part_of(d, node, part);
    for (int i = 1; i < d->count; i++) { /* 0 is the input */
        const stage *s = &d->stages[i];
        if (s->shape.h == node->shape.h && s->shape.w == node->shape.w && s->aux == node->aux && strcmp(s->part, part) == 0)
            return i;
    }
    if (d->count == STAGES) return STAGES - 1;
    d->stages[d->count] = (stage){.shape = node->shape, .aux = node->aux};
    memcpy(d->stages[d->count].part, part, NAME);
    return d->count++;
}

/* --- what a stage holds --- */

static void kind_text(const nlg_layer_row *row, char text[NAME]) {
    char op[32];
    snprintf(op, sizeof op, "%s",
             strcmp(row->op, "conv2d")  ? row->op
             : row->groups == 1         ? "conv"
             : row->groups == row->in.c ? "depthwise"
                                        : "grouped conv");
    for (char *c = op; *c; c++)
        if (*c == '_') *c = ' ';
    bool strided = row->stride[0] && strcmp(row->stride, "1") != 0;
    snprintf(text, NAME, "%s%s%s%s%s", row->kernel, row->kernel[0] ? " " : "", op, strided ? " /" : "", strided ? row->stride : "");
}

/* Layers with weights, pools, gates; norms and activations would only fill the box. */
static bool is_listed(const nlg_layer_row *row) {
    bool has_weights = row->cost.macs > 0 && row->node->n_params > 0;
    return has_weights || strstr(row->op, "pool") || strstr(row->op, "scale") || strstr(row->op, "upsample") ||
           strcmp(row->op, "rbf") == 0;
}

static void add_kind(stage *s, const nlg_layer_row *row) {
    char text[NAME];
    kind_text(row, text);
    int i = 0;
    while (i < s->n_kinds && strcmp(s->kinds[i].text, text) != 0) i++;
    if (i == KINDS) return;
    if (i == s->n_kinds) memcpy(s->kinds[s->n_kinds++].text, text, NAME);
    s->kinds[i].count++;
}

static void add_layer(stage *s, const nlg_layer_row *row) {
    char block[NAME];
    s->params += row->params;
    s->macs += row->cost.macs;
    if (row->out.h == s->shape.h && row->out.w == s->shape.w) s->shape.c = row->out.c;
    if (row->node->n_params > 0) {
        block_of(row->node->name, block);
        if (s->blocks == 0) memcpy(s->first, block, NAME);
        if (strcmp(s->last, block) != 0) s->blocks++;
        memcpy(s->last, block, NAME);
    }
    if (is_listed(row)) add_kind(s, row);
}

static nlg_status collect(drawing *d, nlg_error *err) {
    const nlg_graph *g = d->network->graph;
    find_returns(d);
    for (int n = 0; n < g->n_nodes; n++) {
        nlg_layer_row row;
        NLG_TRY(nlg_network_layer(d->network, n, &row, err));
        int to = d->stage_of[n] = find_stage(d, n);
        add_layer(&d->stages[to], &row);
        for (int i = 0; i < row.node->n_inputs; i++) d->edge[d->stage_of[row.node->inputs[i]]][to] = true;
    }
    for (int i = 0; i < g->n_outputs; i++) d->stages[d->stage_of[g->outputs[i]]].output = true;
    return NLG_OK;
}

/* --- text --- */

static void print_count(FILE *out, int64_t value, const char *unit) {
    if (value >= 1000000000)
        fprintf(out, "%.2f G %s", 1e-9 * (double)value, unit);
    else if (value >= 10000000)
        fprintf(out, "%.0f M %s", 1e-6 * (double)value, unit);
    else if (value >= 100000)
        fprintf(out, "%.2f M %s", 1e-6 * (double)value, unit);
    else
        fprintf(out, "%lld %s", (long long)value, unit);
}

static void print_stage(const drawing *d, int index, FILE *out) {
    const stage *s = &d->stages[index];
    fprintf(out, "  s%d [label=\"", index);
    if (s->part[0])
        fprintf(out, "%s\\n", s->part);
    else if (s->blocks == 1)
        fprintf(out, "%s\\n", s->first);
    else if (s->blocks > 1)
        fprintf(out, "%s ... %s\\n", s->first, s->last);
    for (int i = 0; i < s->n_kinds; i++) {
        fprintf(out, "%s", s->kinds[i].text);
        if (s->kinds[i].count > 1) fprintf(out, " x %d", s->kinds[i].count);
        fprintf(out, "\\n");
    }
    fprintf(out, "%d x %d x %d", s->shape.h, s->shape.w, s->shape.c);
    if (s->params) {
        fprintf(out, "\\n");
        print_count(out, s->params, "params, ");
        print_count(out, s->macs, "MACs");
    }
    fprintf(out, "\"%s%s%s];\n", index == 0 ? ", shape=ellipse" : "", s->aux ? ", style=\"rounded,dashed\"" : "",
            s->output ? ", penwidth=2" : "");
}

static void print_drawing(const drawing *d, FILE *out) {
    const nlg_model *m = d->network->model;
    fprintf(out, "digraph \"%s\" {\n  rankdir=TB;\n  labelloc=t; fontname=\"Helvetica\";\n  label=\"%s (%s", d->network->title,
            d->network->title, m->family->name);
    if (nlg_model_year(m)) fprintf(out, ", %d", nlg_model_year(m));
    fprintf(out, "): ");
    print_count(out, d->network->cost.params, "parameters, ");
    print_count(out, d->network->cost.macs, "MACs");
    fprintf(out, "\";\n%s", nlg_draw_style);
    for (int i = 0; i < d->count; i++) print_stage(d, i, out);
    for (int from = 0; from < d->count; from++)
        for (int to = 0; to < d->count; to++)
            if (from != to && d->edge[from][to]) fprintf(out, "  s%d -> s%d;\n", from, to);
    fprintf(out, "}\n");
}

nlg_status nlg_draw_stages(const nlg_network *network, FILE *out, nlg_error *err) {
    const nlg_graph *g = network->graph;
    size_t nodes = (size_t)g->n_nodes;
    drawing *d = nlg_alloc(1, sizeof *d);
    if (!d) return nlg_fail_memory(err, sizeof *d, "a drawing");
    *d = (drawing){.network = network, .in_parts = g->n_outputs > 1 && g->output_exit[g->n_outputs - 1] == 0};
    d->returns = nlg_alloc(nodes, sizeof *d->returns);
    d->stage_of = nlg_alloc(nodes, sizeof *d->stage_of);
    d->stages = nlg_alloc(STAGES, sizeof *d->stages);
    bool complete = d->returns && d->stage_of && d->stages;
    nlg_status status = complete ? collect(d, err) : nlg_fail_memory(err, nodes * sizeof *d->stage_of, "a drawing");
    if (status == NLG_OK) print_drawing(d, out);
    nlg_free(d->returns);
    nlg_free(d->stage_of);
    nlg_free(d->stages);
    nlg_free(d);
    return status;
}
