/* Cells as Graphviz DOT, inputs below and output above, as the papers draw them. */
#include "harness/commands/draw_network.h"

#include "models/cells.h"
#include "models/families.h"

static const char *const blue = "#cfe2f3", *const green = "#d9ead3", *const yellow = "#fff2cc";

/* --- cells of blocks (NASNet, PNASNet, AmoebaNet) --- */

static void print_states(const char *id, FILE *out) {
    fprintf(out, "    %s0 [label=\"h[i-1]\", fillcolor=\"%s\"];\n    %s1 [label=\"h[i]\", fillcolor=\"%s\"];\n", id, blue, id,
            blue);
}

static void print_cell(const nlg_cell *cell, const char *id, const char *title, FILE *out) {
    fprintf(out, "  subgraph \"cluster_%s\" {\n    label=\"%s\"; fontname=\"Helvetica\"; color=\"#aaaaaa\";\n", id, title);
    print_states(id, out);
    for (int b = 0; b < cell->n_blocks; b++) {
        const nlg_cell_block *block = &cell->blocks[b];
        fprintf(out, "    %s%d [label=\"add\", shape=circle, fillcolor=\"%s\", fontsize=9];\n", id, b + 2, green);
        for (int i = 0; i < 2; i++) {
            fprintf(out, "    %s%d_%d [label=\"%s\", fillcolor=\"%s\"];\n", id, b + 2, i, nlg_cell_ops[block->op[i]].name, yellow);
            fprintf(out, "    %s%d -> %s%d_%d;\n    %s%d_%d -> %s%d;\n", id, block->in[i], id, b + 2, i, id, b + 2, i, id, b + 2);
        }
    }
    fprintf(out, "    %s_out [label=\"concat\", fillcolor=\"%s\"];\n", id, blue);
    for (int s = 0; s < cell->n_blocks + 2; s++)
        if (cell->concat & NLG_STATE(s)) fprintf(out, "    %s%d -> %s_out;\n", id, s, id);
    fprintf(out, "  }\n");
}

static void print_genotype(const nlg_cell_genotype *genotype, FILE *out) {
    print_cell(&genotype->normal, "n", genotype->reduction.n_blocks ? "Normal cell" : "Cell (stride 2 where it reduces)", out);
    if (genotype->reduction.n_blocks) print_cell(&genotype->reduction, "r", "Reduction cell", out);
}

/* --- merging cells of a pyramid (NAS-FPN) --- */

enum { FIRST_LEVEL = 3, LEVELS = 5, PYRAMID_NODES = LEVELS + NLG_FPN_CELLS_MAX };

/* Maps that nothing has read are added to the output of their level. */
static void print_loose_ends(int cell, int level, const int *level_of, bool *read, FILE *out) {
    for (int i = 0; i < cell; i++) {
        if (read[i] || level_of[i] != level) continue;
        read[i] = true;
        fprintf(out, "  c%d -> c%d [style=dashed];\n", i, cell);
    }
}

static void print_pyramid(const nlg_fpn_stack *stack, FILE *out) {
    const int nodes = LEVELS + stack->n_cells;
    int level_of[PYRAMID_NODES];
    bool read[PYRAMID_NODES] = {false};
    for (int i = 0; i < LEVELS; i++) {
        level_of[i] = FIRST_LEVEL + i;
        fprintf(out, "  c%d [label=\"P%d in\", fillcolor=\"%s\"];\n", i, level_of[i], blue);
    }
    for (int i = LEVELS; i < nodes; i++) {
        const nlg_fpn_cell *cell = &stack->cells[i - LEVELS];
        bool sum = cell->op == NLG_FPN_SUM;
        level_of[i] = cell->level;
        fprintf(out, "  c%d [label=\"%s\\nP%d%s\", fillcolor=\"%s\"%s];\n", i, sum ? "sum" : "global pooling", cell->level,
                cell->output ? " out" : "", sum ? green : yellow, cell->output ? ", penwidth=2" : "");
        for (int k = 0; k < 2; k++) {
            read[cell->in[k]] = true;
            fprintf(out, "  c%d -> c%d;\n", cell->in[k], i);
        }
        if (cell->output) print_loose_ends(i, cell->level, level_of, read, out);
    }
    for (int level = FIRST_LEVEL; level < FIRST_LEVEL + LEVELS; level++) {
        fprintf(out, "  { rank=same;");
        for (int i = 0; i < nodes; i++)
            if (level_of[i] == level) fprintf(out, " c%d;", i);
        fprintf(out, " }\n");
    }
    for (int i = 0; i + 1 < LEVELS; i++) fprintf(out, "  c%d -> c%d [style=invis];\n", i, i + 1);
}

bool nlg_has_cells(const nlg_model *model) {
    return nlg_model_cells(model) || model->family->genotypes == &nlg_fpn_genotypes;
}

void nlg_draw_cells(const nlg_network *network, FILE *out) {
    const nlg_model *model = network->model;
    const nlg_cell_network *cells = nlg_model_cells(model);
    const nlg_detector_spec *spec = model->spec; /* of detectors */
    fprintf(out, "digraph \"%s cells\" {\n  rankdir=BT;\n  labelloc=t; fontname=\"Helvetica\";\n  label=\"%s\";\n%s",
            network->title, network->title, nlg_draw_style);
    if (cells)
        print_genotype(cells->genotype, out);
    else
        print_pyramid(spec->stack ? spec->stack : &nlg_nas_fpn_stack, out);
    fprintf(out, "}\n");
}
