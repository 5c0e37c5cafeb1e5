/* From a graph to boxes. */
#include "harness/report/structure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/structure_blocks.h"
#include "layers/base/memory.h"

enum { HIDDEN = -1, TEXT = NLG_BOX_TEXT };

/* A box before equal ones are joined. */
typedef struct item {
    nlg_box box;
    int block;                               /* of the graph; -1: a layer */
    int first_param;                         /* by which parts with shared weights are known; -1: none */
    int shared;                              /* so many parts with the same weights, this one included */
    bool strided, other_input;               /* how the first of a run differs */
    nlg_shape in;                            /* of what it reads first */
    size_t weights;                          /* how many a block without blocks of its own has */
    int into, last;                          /* the first and the last of a run of equal items */
    char plain[NLG_BOX_LINES][NLG_BOX_TEXT]; /* the box's lines without strides */
    char details[NLG_BOX_TEXT];              /* "BN, ReLU" */
    nlg_shape shape;
} item;

typedef struct reading {
    const nlg_graph *graph;
    const nlg_structure *structure;
    int first, end;     /* nodes that are drawn */
    int *item_of;       /* by node; HIDDEN */
    int *readers;       /* by node: how many nodes read it */
    int *block_of;      /* by node: the outermost block inside of what is drawn; -1 */
    int *item_of_block; /* by block */
    nlg_trail trail;
    item *items;
    int n_items, room;
    nlg_boxes *links; /* arrows between items */
} reading;

/* --- words --- */

static void add_word(char text[TEXT], const char *word) {
    const size_t used = strlen(text);
    if (!strstr(text, word)) snprintf(text + used, TEXT - used, "%s%s", used ? ", " : "", word);
}

static void add_detail(item *it, const nlg_node *node) {
    char word[TEXT];
    nlg_node_label(&(nlg_graph){0}, &(nlg_node){.op = node->op, .attrs = node->attrs, .shape = node->shape}, false, word);
    add_word(it->details, word);
}

static nlg_tone tone_of(const nlg_node *node) {
    if (!node->op) return NLG_TONE_INPUT;
    switch (node->op->role) {
    case NLG_ROLE_POOL:
        return NLG_TONE_POOL;
    case NLG_ROLE_LAYER:
        return NLG_TONE_LAYER;
    default:
        return NLG_TONE_JOIN;
    }
}

/* --- blocks --- */

static void add_line(item *it, const char *text, const char *plain) {
    const int n = it->box.n_lines;
    if (n == NLG_BOX_LINES) return;
    snprintf(it->box.line[n], TEXT, "%s", text);
    snprintf(it->plain[n], TEXT, "%s", plain);
    it->box.n_lines++;
}

/* "3x3 conv 64" twice in a row as "3x3 conv 64 x 2". */
static void join_lines(item *it) {
    int kept = 0;
    for (int i = 0, n = it->box.n_lines; i < n; kept++) {
        int times = 1;
        while (i + times < n && strcmp(it->box.line[i], it->box.line[i + times]) == 0) times++;
        for (int k = 0; k < 2; k++) {
            char text[TEXT + 16], *to = k ? it->plain[kept] : it->box.line[kept];
            snprintf(text, sizeof text, times > 1 ? "%s x %d" : "%s", k ? it->plain[i] : it->box.line[i], times);
            snprintf(to, TEXT, "%.*s", TEXT - 1, text);
        }
        i += times;
    }
    it->box.n_lines = kept;
}

/* What a block holds: its layers on the main path, or how many branches. */
static void describe_block(reading *r, item *it) {
    const nlg_graph *g = r->graph;
    const nlg_block *k = &g->blocks[it->block];
    int branches = 0;
    it->box.shortcut = nlg_block_shortcut(&r->trail, it->block);
    if (r->structure->brief) return;
    if (nlg_block_is_branched(g, k, &branches)) {
        char text[TEXT];
        snprintf(text, sizeof text, "%d branches", branches);
        if (!nlg_block_has_blocks(g, k)) add_line(it, text, text);
        return;
    }
    for (int n = k->first; n < k->end; n++) {
        const int inner = nlg_block_around(g, n, k->first, k->end, it->block);
        char text[TEXT], plain[TEXT];
        if (inner >= 0) {
            add_line(it, g->blocks[inner].title, g->blocks[inner].title);
            n = g->blocks[inner].end - 1;
        } else if (r->trail.trace[n] != NLG_ON_SHORTCUT && g->nodes[n].op &&
                   (nlg_node_has_weights(&g->nodes[n]) || g->nodes[n].op->role == NLG_ROLE_POOL)) {
            nlg_node_label(g, &g->nodes[n], true, text);
            nlg_node_label(g, &g->nodes[n], false, plain);
            add_line(it, text, plain);
        }
    }
    join_lines(it);
}

/* --- items --- */

static nlg_status add_item(reading *r, const item *it, int *index, nlg_error *err) {
    item *grown = nlg_grow(r->items, &r->room, r->n_items, sizeof *grown);
    if (!grown) return nlg_fail_memory(err, sizeof *it, "a drawing");
    r->items = grown;
    *index = r->n_items++;
    r->items[*index] = *it;
    r->items[*index].into = r->items[*index].last = *index;
    return NLG_OK;
}

static int column_of(const reading *r, nlg_shape shape) {
    if (!r->structure->columns || shape.h < 1) return 0;
    return (int)lround(log2((double)r->graph->nodes[0].shape.h / shape.h));
}

static item new_item(const reading *r, int node, int block) {
    const nlg_node *n = &r->graph->nodes[node];
    const nlg_node *last = block >= 0 ? &r->graph->nodes[r->graph->blocks[block].end - 1] : n;
    item it = {.block = block, .first_param = -1, .shared = 1, .shape = last->shape};
    it.box.tone = block >= 0 ? NLG_TONE_BLOCK : tone_of(n);
    it.box.dashed = n->aux;
    it.box.times = 1;
    it.box.size = last->shape.h;
    it.box.column = column_of(r, last->shape);
    it.in = n->n_inputs ? r->graph->nodes[n->inputs[0]].shape : n->shape;
    return it;
}

static int first_param(const nlg_graph *g, int first, int end) {
    for (int n = first; n < end; n++)
        if (g->nodes[n].n_params && g->params[g->nodes[n].params[0]].uses > 1) return g->nodes[n].params[0];
    return -1;
}

/* Parts that share their weights are one box. */
static int same_weights(const reading *r, const item *it) {
    for (int i = 0; it->first_param >= 0 && i < r->n_items; i++)
        if (r->items[i].first_param == it->first_param && strcmp(r->items[i].box.title, it->box.title) == 0) return i;
    return -1;
}

static nlg_status take_part(reading *r, item *it, int *index, nlg_error *err) {
    *index = same_weights(r, it);
    if (*index < 0) return add_item(r, it, index, err);
    r->items[*index].shared++;
    r->items[*index].box.dashed &= it->box.dashed;
    return NLG_OK;
}

static nlg_status take_block(reading *r, int node, int block, nlg_error *err) {
    const nlg_block *k = &r->graph->blocks[block];
    if (r->item_of_block[block] < 0) {
        item it = new_item(r, node, block);
        it.first_param = first_param(r->graph, k->first, k->end);
        snprintf(it.box.title, TEXT, "%s", k->title);
        it.weights = nlg_block_has_blocks(r->graph, k) ? 0 : nlg_block_weights(r->graph, k);
        describe_block(r, &it);
        NLG_TRY(take_part(r, &it, &r->item_of_block[block], err));
    }
    r->item_of[node] = r->item_of_block[block];
    return NLG_OK;
}

static nlg_status take_layer(reading *r, int node, nlg_error *err) {
    const nlg_node *n = &r->graph->nodes[node];
    const nlg_op_role role = n->op ? n->op->role : NLG_ROLE_LAYER;
    const int input = n->n_inputs ? n->inputs[0] : -1, before = input >= 0 ? r->item_of[input] : HIDDEN;
    if (role == NLG_ROLE_HIDDEN && before >= 0) {
        r->item_of[node] = before;
        return NLG_OK;
    }
    if (role == NLG_ROLE_DETAIL && before >= 0 && r->readers[input] == 1 && input >= r->first &&
        r->items[before].box.tone != NLG_TONE_INPUT) {
        r->item_of[node] = before;
        if (r->items[before].block < 0 && r->items[before].shared == 1) add_detail(&r->items[before], n);
        return NLG_OK;
    }
    item it = new_item(r, node, -1);
    it.first_param = first_param(r->graph, node, node + 1);
    if (!n->op) {
        snprintf(it.box.title, TEXT, "input");
    } else if (role == NLG_ROLE_SUM || role == NLG_ROLE_GATE) {
        it.box.is_sign = true;
        snprintf(it.box.title, TEXT, "%s", n->op->word ? n->op->word(n->attrs, n->shape) : n->op->name);
    } else {
        nlg_node_label(r->graph, n, true, it.box.title);
        nlg_node_label(r->graph, n, false, it.plain[0]);
    }
    return take_part(r, &it, &r->item_of[node], err);
}

/* A value from outside of the block that is drawn. */
static nlg_status take_outside(reading *r, int node, nlg_error *err) {
    item it = new_item(r, node, -1);
    it.box.tone = NLG_TONE_INPUT;
    it.box.dashed = false;
    snprintf(it.box.title, TEXT, "input");
    return add_item(r, &it, &r->item_of[node], err);
}

static nlg_status read_nodes(reading *r, nlg_error *err) {
    const nlg_graph *g = r->graph;
    for (int n = r->first; n < r->end; n++) {
        const nlg_node *node = &g->nodes[n];
        for (int i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] < r->first && r->item_of[node->inputs[i]] < 0) NLG_TRY(take_outside(r, node->inputs[i], err));
        NLG_TRY(r->block_of[n] >= 0 ? take_block(r, n, r->block_of[n], err) : take_layer(r, n, err));
        for (int i = 0; i < node->n_inputs; i++) {
            const int from = r->item_of[node->inputs[i]], to = r->item_of[n];
            if (from >= 0 && to >= 0 && from != to) NLG_TRY(nlg_boxes_join(r->links, from, to, err));
        }
    }
    return NLG_OK;
}

/* --- runs of equal items --- */

/* Up to the width at their ends: "1x1 conv 96" and "1x1 conv 144". */
static bool alike_but_width(const char *a, const char *b) {
    const char *end_a = strrchr(a, ' '), *end_b = strrchr(b, ' ');
    if (!end_a || !end_b || strspn(end_a + 1, "0123456789") != strlen(end_a + 1)) return strcmp(a, b) == 0;
    return end_a - a == end_b - b && strncmp(a, b, (size_t)(end_a - a)) == 0 &&
           strspn(end_b + 1, "0123456789") == strlen(end_b + 1);
}

/* May `b` go on a run that ends in `a`? The first block of a run may have another width within, if it reads other channels. */
static bool is_alike(const item *head, const item *a, const item *b) {
    if (a->box.is_sign || b->box.is_sign || (a->block < 0) != (b->block < 0) || strcmp(a->details, b->details) != 0) return false;
    if (memcmp(&a->shape, &b->shape, sizeof a->shape) != 0 || a->box.dashed != b->box.dashed || a->shared != b->shared)
        return false;
    if (a->block < 0) return *a->plain[0] && strcmp(a->plain[0], b->plain[0]) == 0;
    if (strcmp(a->box.title, b->box.title) != 0 || a->box.n_lines != b->box.n_lines) return false;
    const bool other_input = head->box.times == 1 && a->in.c != b->in.c;
    for (int i = 0; i < a->box.n_lines; i++)
        if (other_input ? !alike_but_width(a->plain[i], b->plain[i]) : strcmp(a->plain[i], b->plain[i]) != 0) return false;
    return other_input || a->weights == b->weights;
}

static bool leads(const reading *r, int from, int to) {
    for (int i = 0; i < r->links->n_arrows; i++)
        if (r->links->arrow[i].from == from && r->links->arrow[i].to == to) return true;
    return false;
}

/* May the item go on a run: does it read only what the run makes or reads? */
static bool reads_only_run(const reading *r, int index, int run) {
    for (int i = 0; i < r->links->n_arrows; i++) {
        if (r->links->arrow[i].to != index) continue;
        const int from = r->links->arrow[i].from;
        bool known = r->items[from].into == run;
        for (int k = run; !known && k < index; k++) known = r->items[k].into == run && leads(r, from, k);
        if (!known) return false;
    }
    return true;
}

/* The lines of a run are those of its later items; what the first one does otherwise is said apart. */
static void go_on(reading *r, int run, int index) {
    item *head = &r->items[run], *next = &r->items[index];
    if (head->box.times == 1) {
        head->other_input = head->box.n_lines > 0 && head->in.c != next->in.c;
        head->strided = head->block < 0 && strcmp(head->box.title, head->plain[0]) != 0;
        for (int i = 0; i < head->box.n_lines; i++) head->strided |= strcmp(head->box.line[i], head->plain[i]) != 0;
        memcpy(head->box.line, next->plain, sizeof head->box.line);
        if (head->block < 0) memcpy(head->box.title, head->plain[0], TEXT);
    }
    if (next->box.shortcut == NLG_SHORTCUT_IDENTITY) head->box.shortcut = NLG_SHORTCUT_IDENTITY;
    head->box.times++;
    head->last = index;
    next->into = run;
}

static void join_runs(reading *r) {
    for (int i = 0; i < r->n_items; i++)
        for (int k = 0; k < i; k++) {
            const int run = r->items[k].into;
            if (r->items[run].last != k || !leads(r, k, i) || !is_alike(&r->items[run], &r->items[k], &r->items[i])) continue;
            if (!reads_only_run(r, i, run)) continue;
            go_on(r, run, i);
            break;
        }
}

/* --- to boxes --- */

static int stride_of(const item *it) {
    return (it->in.h + it->shape.h / 2) / it->shape.h;
}

static void finish_texts(const reading *r, item *it) {
    const bool whole = !r->structure->block;
    char shape[48];
    if (it->box.is_sign) {
        if (*it->details && !whole) nlg_box_soft(&it->box, "%s", it->details);
        return;
    }
    if (it->shared > 1) nlg_box_soft(&it->box, "on %d maps, same weights", it->shared);
    if (it->strided && it->other_input && !r->structure->brief)
        nlg_box_soft(&it->box, "the first: /%d, reads %d", stride_of(it), it->in.c);
    else if (it->strided)
        nlg_box_soft(&it->box, "the first: /%d", stride_of(it));
    else if (it->other_input && !r->structure->brief)
        nlg_box_soft(&it->box, "the first reads %d", it->in.c);
    if (*it->details && (!whole || (r->structure->show == NLG_SHOW_BLOCKS && !r->structure->brief)))
        nlg_box_soft(&it->box, "%s", it->details);
    if (r->structure->brief || it->shared > 1) return;
    if (it->block >= 0 && nlg_block_maps(r->graph, &r->graph->blocks[it->block], &it->shape) > 1) {
        nlg_box_soft(&it->box, "%d maps from %dx%d", nlg_block_maps(r->graph, &r->graph->blocks[it->block], &it->shape),
                     it->shape.h, it->shape.w);
        return;
    }
    nlg_shape_text(it->shape, shape, sizeof shape);
    nlg_box_soft(&it->box, "%s", shape);
}

/* Blocks have bars; the image is as large as it is, in one scale for small networks and one for others. */
static bool to_bar(const reading *r, item *it) {
    const bool image = it->shape.c == r->graph->nodes[0].shape.c; /* as it is, or resized by the network */
    const bool is_small = r->graph->nodes[0].shape.h < 64;
    const double side = (is_small ? 2 : 0.25) * it->shape.h;
    if (!image && it->block < 0) return false;
    it->box.bar_w = image ? side : (is_small ? 1 : 0.2) * it->shape.c;
    it->box.bar_h = image ? side : 9.0 + 9.0 * it->box.times;
    if (image)
        snprintf(it->box.title, TEXT, "%d x %d", it->shape.h, it->shape.w);
    else
        snprintf(it->box.title, TEXT, "%d", it->shape.c);
    if (image) it->box.tone = NLG_TONE_INPUT;
    it->box.n_lines = it->box.n_soft = 0;
    it->box.shortcut = NLG_SHORTCUT_NONE;
    return true;
}

/* An output of the network, or of the block that is drawn. */
static bool leaves(const reading *r, int node) {
    for (int i = 0; i < r->graph->n_outputs; i++)
        if (r->graph->outputs[i] == node) return true;
    return nlg_node_is_read_behind(r->graph, node, r->end);
}

static nlg_status to_boxes(reading *r, nlg_boxes *boxes, nlg_error *err) {
    const bool outline = r->structure->show == NLG_SHOW_OUTLINE;
    int least = 1 << 20;
    for (int i = 0; i < r->n_items; i++) {
        item *it = &r->items[i];
        if (it->box.column < least) least = it->box.column;
        if (it->into == i) finish_texts(r, it);
    }
    for (int i = 0; i < r->n_items; i++) {
        item *it = &r->items[i];
        if (it->into != i) continue;
        it->last = HIDDEN; /* from now on: the box */
        it->box.column -= least;
        if (outline && !to_bar(r, it)) continue;
        const int index = nlg_boxes_add(boxes, &it->box);
        if (index < 0) return nlg_fail_memory(err, sizeof it->box, "a drawing");
        it->last = index;
    }
    for (int i = 1; i < boxes->n_boxes && outline; i++) NLG_TRY(nlg_boxes_join(boxes, i - 1, i, err));
    for (int i = 0; i < r->links->n_arrows && !outline; i++) {
        const int from = r->items[r->items[r->links->arrow[i].from].into].last,
                  to = r->items[r->items[r->links->arrow[i].to].into].last;
        if (from != to) NLG_TRY(nlg_boxes_join(boxes, from, to, err));
    }
    for (int n = r->first; n < r->end && !outline; n++)
        if (r->item_of[n] >= 0 && leaves(r, n)) boxes->box[r->items[r->items[r->item_of[n]].into].last].strong = true;
    boxes->in_columns = r->structure->columns;
    boxes->are_bars = outline;
    boxes->are_close = r->structure->brief;
    return NLG_OK;
}

static nlg_status refuse_block(const nlg_network *network, const char *block, nlg_error *err) {
    const char *titles[24];
    char list[400] = "";
    const int n = nlg_structure_kinds(network->graph, titles, 24);
    for (int i = 0; i < n; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", titles[i]);
    }
    return nlg_fail(err, NLG_ERR_INPUT, "%s has no block '%s'; it has: %s", network->title, block, n ? list : "none");
}

static nlg_status begin(reading *r, int block, nlg_error *err) {
    const nlg_graph *g = r->graph;
    const size_t nodes = (size_t)g->n_nodes;
    r->trail.graph = g;
    r->item_of = nlg_alloc(nodes, sizeof *r->item_of);
    r->readers = nlg_alloc(nodes, sizeof *r->readers);
    r->block_of = nlg_alloc(nodes, sizeof *r->block_of);
    r->trail.weight = nlg_alloc(nodes, sizeof *r->trail.weight);
    r->trail.trace = nlg_alloc(nodes, sizeof *r->trail.trace);
    r->item_of_block = nlg_alloc((size_t)g->n_blocks + 1, sizeof *r->item_of_block);
    r->links = nlg_alloc(1, sizeof *r->links);
    if (!r->item_of || !r->readers || !r->block_of || !r->trail.weight || !r->trail.trace || !r->item_of_block || !r->links)
        return nlg_fail_memory(err, nodes * sizeof *r->item_of, "a drawing");
    for (int i = 0; i < g->n_blocks; i++) r->item_of_block[i] = -1;
    for (int n = 0; n < g->n_nodes; n++) {
        r->item_of[n] = HIDDEN;
        for (int i = 0; i < g->nodes[n].n_inputs; i++) r->readers[g->nodes[n].inputs[i]]++;
    }
    for (int n = r->first; n < r->end; n++)
        r->block_of[n] = r->structure->show == NLG_SHOW_LAYERS ? -1 : nlg_block_around(g, n, r->first, r->end, block);
    return NLG_OK;
}

static void finish(reading *r) {
    nlg_free(r->item_of);
    nlg_free(r->readers);
    nlg_free(r->block_of);
    nlg_free(r->trail.weight);
    nlg_free(r->trail.trace);
    nlg_free(r->item_of_block);
    nlg_free(r->items);
    if (r->links) nlg_boxes_free(r->links);
    nlg_free(r->links);
}

nlg_status nlg_structure_boxes(const nlg_network *network, const nlg_structure *structure, nlg_boxes *boxes, nlg_error *err) {
    reading r = {.graph = network->graph, .structure = structure, .end = network->graph->n_nodes};
    int block = -1;
    if (structure->block) {
        block = nlg_block_find(r.graph, structure->block);
        if (block < 0) return refuse_block(network, structure->block, err);
        r.first = r.graph->blocks[block].first;
        r.end = r.graph->blocks[block].end;
    }
    nlg_status status = begin(&r, block, err);
    if (status == NLG_OK) status = read_nodes(&r, err);
    if (status == NLG_OK && (structure->show == NLG_SHOW_STAGES || structure->show == NLG_SHOW_OUTLINE)) join_runs(&r);
    if (status == NLG_OK) status = to_boxes(&r, boxes, err);
    finish(&r);
    return status;
}
