/* Words, blocks and counts of a graph. */
#include "harness/report/structure_blocks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void nlg_node_label(const nlg_graph *g, const nlg_node *node, bool with_stride, char text[NLG_BOX_TEXT]) {
    const nlg_shape in = node->n_inputs ? g->nodes[node->inputs[0]].shape : node->shape, out = node->shape;
    char word[NLG_BOX_TEXT], kernel[16] = "", width[16] = "", groups[24] = "", stride[16] = "";
    snprintf(word, sizeof word, "%s", node->op->word ? node->op->word(node->attrs, in) : node->op->name);
    for (char *c = word; *c; c++)
        if (*c == '_') *c = ' ';
    bool each_channel = false;
    if (node->op->window) {
        const nlg_window w = node->op->window(node->attrs, in);
        const bool whole = out.h * out.w == 1 && w.kernel[0] == in.h && w.kernel[1] == in.w && node->op->role == NLG_ROLE_POOL;
        if (!whole) snprintf(kernel, sizeof kernel, "%dx%d ", w.kernel[0], w.kernel[1]);
        each_channel = w.groups > 1 && w.groups == in.c;
        if (w.groups > 1 && !each_channel) snprintf(groups, sizeof groups, ", %d groups", w.groups);
        if (with_stride && !whole && w.stride[0] * w.stride[1] > 1)
            snprintf(stride, sizeof stride, " /%d", w.stride[0] > w.stride[1] ? w.stride[0] : w.stride[1]);
    }
    if (node->op->role == NLG_ROLE_LAYER && node->n_params && !each_channel) snprintf(width, sizeof width, " %d", out.c);
    snprintf(text, NLG_BOX_TEXT, "%s%.20s%s%s%s", kernel, word, width, groups, stride);
}

int nlg_block_around(const nlg_graph *g, int node, int first, int end, int not_this) {
    for (int i = 0; i < g->n_blocks; i++) { /* outer ones come first */
        const nlg_block *k = &g->blocks[i];
        if (i != not_this && k->first >= first && k->end <= end && node >= k->first && node < k->end) return i;
    }
    return -1;
}

int nlg_block_source(const nlg_graph *g, const nlg_block *k) {
    int source = -2;
    for (int n = k->first; n < k->end; n++)
        for (int i = 0; i < g->nodes[n].n_inputs; i++) {
            const int from = g->nodes[n].inputs[i];
            if (from >= k->first) continue;
            if (source != -2 && source != from) return -1;
            source = from;
        }
    return source < 0 ? -1 : source;
}

bool nlg_node_has_weights(const nlg_node *node) {
    return node->op && node->op->role == NLG_ROLE_LAYER && node->n_params > 0;
}

/* Most layers with weights on a way from the block's source to each of its nodes. */
static void weigh(const nlg_trail *r, const nlg_block *k) {
    for (int n = k->first; n < k->end; n++) {
        const nlg_node *node = &r->graph->nodes[n];
        r->weight[n] = 0;
        for (int i = 0; i < node->n_inputs; i++)
            if (node->inputs[i] >= k->first && r->weight[node->inputs[i]] > r->weight[n]) r->weight[n] = r->weight[node->inputs[i]];
        r->weight[n] += nlg_node_has_weights(node);
    }
}

/* Adds `bit` to the work of a node and of all that it comes from within the block. */
static void trace(const nlg_trail *r, const nlg_block *k, int node, int bit) {
    r->trace[node] |= bit;
    for (int n = node; n >= k->first; n--)
        for (int i = 0; r->trace[n] & bit && i < r->graph->nodes[n].n_inputs; i++)
            if (r->graph->nodes[n].inputs[i] >= k->first) r->trace[r->graph->nodes[n].inputs[i]] |= bit;
}

nlg_shortcut_mark nlg_block_shortcut(const nlg_trail *r, int block) {
    const nlg_graph *g = r->graph;
    const nlg_block *k = &g->blocks[block];
    const int source = nlg_block_source(g, k);
    memset(r->trace + k->first, 0, (size_t)(k->end - k->first) * sizeof *r->trace);
    if (source < 0) return NLG_SHORTCUT_NONE;
    weigh(r, k);
    for (int n = k->end - 1; n >= k->first; n--) {
        const nlg_node *node = &g->nodes[n];
        const bool is_sum = node->op && node->op->role == NLG_ROLE_SUM && node->n_inputs == 2;
        if (!is_sum && node->op && node->op->role == NLG_ROLE_DETAIL) continue;
        if (!is_sum || nlg_block_around(g, n, k->first, k->end, block) >= 0) break; /* the block does not end in an addition */
        const int a = node->inputs[0], b = node->inputs[1];
        const int weight_a = a < k->first ? 0 : r->weight[a], weight_b = b < k->first ? 0 : r->weight[b];
        const int light = weight_a < weight_b ? a : b, heavy = light == a ? b : a;
        if (weight_a == weight_b || (weight_a < weight_b ? weight_a : weight_b) > 1) break;
        if (light < k->first) return NLG_SHORTCUT_IDENTITY;
        trace(r, k, light, NLG_ON_SHORTCUT);
        trace(r, k, heavy, NLG_ON_PATH);
        return NLG_SHORTCUT_PROJECTION;
    }
    return NLG_SHORTCUT_NONE;
}

bool nlg_block_is_branched(const nlg_graph *g, const nlg_block *k, int *branches) {
    bool found = false;
    for (int n = k->first; n < k->end; n++)
        if (g->nodes[n].op && g->nodes[n].op->role == NLG_ROLE_JOIN) found = true, *branches = g->nodes[n].n_inputs;
    return found;
}

bool nlg_block_has_blocks(const nlg_graph *g, const nlg_block *k) {
    for (const nlg_block *i = k + 1; i < g->blocks + g->n_blocks && i->first < k->end; i++)
        if (i->end > i->first) return true;
    return false;
}

size_t nlg_block_weights(const nlg_graph *g, const nlg_block *k) {
    size_t sum = 0;
    for (int n = k->first; n < k->end; n++)
        for (int i = 0; i < g->nodes[n].n_params; i++) sum += g->params[g->nodes[n].params[i]].count;
    return sum;
}

bool nlg_node_is_read_behind(const nlg_graph *g, int node, int end) {
    for (int m = end; m < g->n_nodes; m++)
        for (int i = 0; i < g->nodes[m].n_inputs; i++)
            if (g->nodes[m].inputs[i] == node) return true;
    return false;
}

int nlg_block_maps(const nlg_graph *g, const nlg_block *k, nlg_shape *largest) {
    int maps = 0;
    for (int n = k->first; n < k->end; n++) {
        const bool read = nlg_node_is_read_behind(g, n, k->end);
        if (read && (!maps || g->nodes[n].shape.h > largest->h)) *largest = g->nodes[n].shape;
        maps += read;
    }
    return maps;
}

int nlg_block_find(const nlg_graph *g, const char *wanted) {
    const char *mark = strrchr(wanted, '#');
    const int number = mark ? atoi(mark + 1) : 0, length = mark ? (int)(mark - wanted) : (int)strlen(wanted);
    int first = -1, count = 0;
    for (int i = 0; i < g->n_blocks; i++) {
        const nlg_block *k = &g->blocks[i];
        if (k->end == k->first || strncmp(k->title, wanted, (size_t)length) != 0 || k->title[length]) continue;
        count++;
        if (number ? count == number : first < 0) first = i;
        const int source = nlg_block_source(g, k);
        if (!number && source >= 0 && memcmp(&g->nodes[source].shape, &g->nodes[k->end - 1].shape, sizeof(nlg_shape)) == 0)
            return i;
    }
    return first;
}

/* --- facts --- */

int nlg_structure_kinds(const nlg_graph *g, const char **titles, int room) {
    int n = 0;
    for (int i = 0; i < g->n_blocks && n < room; i++) {
        bool known = g->blocks[i].end == g->blocks[i].first || nlg_block_around(g, g->blocks[i].first, 0, g->n_nodes, -1) != i;
        for (int k = 0; k < n; k++) known |= strcmp(titles[k], g->blocks[i].title) == 0;
        if (!known) titles[n++] = g->blocks[i].title;
    }
    return n;
}

static int print_count(char *text, size_t size, double value, const char *unit) {
    if (value >= 1e9) return snprintf(text, size, "%.3g G %s", 1e-9 * value, unit);
    if (value >= 1e6) return snprintf(text, size, "%.3g M %s", 1e-6 * value, unit);
    if (value >= 1e4) return snprintf(text, size, "%.3g k %s", 1e-3 * value, unit);
    return snprintf(text, size, "%.0f %s", value, unit);
}

nlg_status nlg_structure_counts(const nlg_network *network, const char *block, char *text, size_t size, nlg_error *err) {
    double params = (double)network->cost.params_without_aux, macs = (double)network->cost.macs;
    const int found = block ? nlg_block_find(network->graph, block) : -1;
    if (found >= 0) {
        params = macs = 0;
        for (int n = network->graph->blocks[found].first; n < network->graph->blocks[found].end; n++) {
            nlg_layer_row row;
            NLG_TRY(nlg_network_layer(network, n, &row, err));
            params += (double)row.params;
            macs += (double)row.cost.macs;
        }
    }
    const int used = print_count(text, size, params, "params, ");
    if (used > 0 && (size_t)used < size) print_count(text + used, size - (size_t)used, macs, "MACs");
    return NLG_OK;
}

nlg_show nlg_structure_choice(const nlg_graph *g) {
    int outer = 0;
    for (int i = 0; i < g->n_blocks; i++) outer += nlg_block_around(g, g->blocks[i].first, 0, g->n_nodes, -1) == i;
    return outer > 12 ? NLG_SHOW_STAGES : NLG_SHOW_BLOCKS;
}
