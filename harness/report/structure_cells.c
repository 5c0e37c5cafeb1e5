/* Cells as boxes: from genotypes, as their papers draw them. */
#include <stdio.h>
#include <string.h>

#include "harness/report/structure.h"
#include "search/spaces/common/cell_space.h"

static nlg_status add(nlg_boxes *boxes, const nlg_box *box, int *index, nlg_error *err) {
    *index = nlg_boxes_add(boxes, box);
    return *index < 0 ? nlg_fail_memory(err, sizeof *box, "a drawing") : NLG_OK;
}

static nlg_box titled(const char *title, nlg_tone tone) {
    nlg_box box = {.tone = tone};
    snprintf(box.title, sizeof box.title, "%s", title);
    return box;
}

static nlg_tone tone_of(nlg_cell_op op) {
    switch (nlg_cell_ops[op].kind) {
    case NLG_CELL_KIND_IDENTITY:
        return NLG_TONE_JOIN;
    case NLG_CELL_KIND_AVG_POOL:
    case NLG_CELL_KIND_MAX_POOL:
        return NLG_TONE_POOL;
    default:
        return NLG_TONE_LAYER;
    }
}

nlg_status nlg_cell_boxes(const nlg_cell *cell, nlg_boxes *boxes, nlg_error *err) {
    static const char *const inputs[] = {"h[i-1]", "h[i]"};
    int state[NLG_CELL_MAX_STATES] = {-1, -1}, op, out;
    const unsigned used = nlg_cell_used_states(cell);
    for (int s = 0; s < 2; s++) {
        const nlg_box box = titled(inputs[s], NLG_TONE_INPUT);
        if (used & NLG_STATE(s)) NLG_TRY(add(boxes, &box, &state[s], err));
    }
    for (int b = 0; b < cell->n_blocks; b++) {
        nlg_box sum = titled("+", NLG_TONE_JOIN);
        sum.is_sign = true;
        NLG_TRY(add(boxes, &sum, &state[b + 2], err));
        for (int i = 0; i < 2; i++) {
            const nlg_box box = titled(nlg_cell_ops[cell->blocks[b].op[i]].name, tone_of(cell->blocks[b].op[i]));
            NLG_TRY(add(boxes, &box, &op, err));
            NLG_TRY(nlg_boxes_join(boxes, state[cell->blocks[b].in[i]], op, err));
            NLG_TRY(nlg_boxes_join(boxes, op, state[b + 2], err));
        }
    }
    const nlg_box concat = titled("concat", NLG_TONE_JOIN);
    NLG_TRY(add(boxes, &concat, &out, err));
    for (int s = 0; s < cell->n_blocks + 2; s++)
        if (cell->concat & NLG_STATE(s)) NLG_TRY(nlg_boxes_join(boxes, state[s], out, err));
    return NLG_OK;
}

/* Maps that nothing has read are added to the output of their level. */
static nlg_status add_loose_ends(nlg_boxes *boxes, int cell, const int *level_of, bool *read, nlg_error *err) {
    for (int i = 0; i < cell; i++) {
        if (read[i] || level_of[i] != level_of[cell]) continue;
        read[i] = true;
        NLG_TRY(nlg_boxes_join(boxes, i, cell, err));
        boxes->arrow[boxes->n_arrows - 1].dashed = true;
    }
    return NLG_OK;
}

nlg_status nlg_fpn_boxes(const nlg_fpn_stack *stack, nlg_boxes *boxes, nlg_error *err) {
    enum { FIRST_LEVEL = 3, NODES = NLG_FPN_LEVELS + NLG_FPN_CELLS_MAX };
    int level_of[NODES], index;
    bool read[NODES] = {false};
    boxes->in_columns = true;
    for (int i = 0; i < NLG_FPN_LEVELS + stack->n_cells; i++) {
        const nlg_fpn_cell *cell = i < NLG_FPN_LEVELS ? NULL : &stack->cells[i - NLG_FPN_LEVELS];
        nlg_box box = titled(!cell                     ? ""
                             : cell->op == NLG_FPN_SUM ? "sum"
                                                       : "global pooling",
                             !cell                     ? NLG_TONE_INPUT
                             : cell->op == NLG_FPN_SUM ? NLG_TONE_LAYER
                                                       : NLG_TONE_POOL);
        level_of[i] = cell ? cell->level : FIRST_LEVEL + i;
        box.column = level_of[i] - FIRST_LEVEL;
        box.strong = cell && cell->output;
        nlg_box_line(&box, "P%d%s", level_of[i], !cell ? " in" : cell->output ? " out" : "");
        NLG_TRY(add(boxes, &box, &index, err));
        for (int k = 0; cell && k < 2; k++) {
            read[cell->in[k]] = true;
            NLG_TRY(nlg_boxes_join(boxes, cell->in[k], i, err));
        }
        if (cell && cell->output) NLG_TRY(add_loose_ends(boxes, i, level_of, read, err));
    }
    return NLG_OK;
}

/* --- spaces --- */

enum { PER_BLOCK = 4 }; /* positions: input, operation, input, operation */

/* The names of all operations, as many in a line as have room. */
static void list_operations(const nlg_space *space, nlg_box *box) {
    char line[NLG_BOX_TEXT] = "";
    for (int i = 0; space->operation(space, i); i++) {
        const char *name = space->operation(space, i);
        if (*line && strlen(line) + strlen(name) > 26) {
            nlg_box_soft(box, "%s", line);
            *line = '\0';
        }
        const size_t used = strlen(line);
        snprintf(line + used, sizeof line - used, "%s%s", used ? ", " : "", name);
    }
    nlg_box_soft(box, "%s", line);
}

nlg_status nlg_space_boxes(const nlg_space *space, nlg_boxes *boxes, nlg_error *err) {
    static const char *const which[] = {"first", "second"};
    const nlg_cell_space *cells = space->spec;
    int states, sum, out, choice[2];
    if (space->choices != nlg_cell_space_choices)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s: not a space of cells", space->name);
    const int blocks = space->length / cells->cells / PER_BLOCK;
    nlg_box box = titled("states", NLG_TONE_INPUT);
    nlg_box_line(&box, "h[i-1], h[i] and the blocks before");
    NLG_TRY(add(boxes, &box, &states, err));
    for (int i = 0; i < 2; i++) {
        box = titled("", NLG_TONE_JOIN);
        snprintf(box.title, sizeof box.title, "%s state", which[i]);
        nlg_box_line(&box, "one of %d in the first block", space->choices(space, 2 * i));
        nlg_box_line(&box, "to %d in the last", space->choices(space, (blocks - 1) * PER_BLOCK + 2 * i));
        NLG_TRY(add(boxes, &box, &choice[i], err));
        NLG_TRY(nlg_boxes_join(boxes, states, choice[i], err));
    }
    box = titled("+", NLG_TONE_JOIN);
    box.is_sign = true;
    NLG_TRY(add(boxes, &box, &sum, err));
    for (int i = 0, op; i < 2; i++) {
        box = titled("", NLG_TONE_LAYER);
        snprintf(box.title, sizeof box.title, "%s operation", which[i]);
        nlg_box_line(&box, "one of %d", space->choices(space, 2 * i + 1));
        list_operations(space, &box);
        NLG_TRY(add(boxes, &box, &op, err));
        NLG_TRY(nlg_boxes_join(boxes, choice[i], op, err));
        NLG_TRY(nlg_boxes_join(boxes, op, sum, err));
    }
    box = titled("concat", NLG_TONE_JOIN);
    nlg_box_line(&box, "of the blocks that no block reads");
    NLG_TRY(add(boxes, &box, &out, err));
    return nlg_boxes_join(boxes, sum, out, err);
}
