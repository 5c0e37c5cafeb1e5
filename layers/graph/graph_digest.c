/* What a graph is, as one digest. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/digest.h"
#include "layers/graph/graph.h"

static void add(nlg_digest *digest, const char *text) {
    nlg_digest_update(digest, text, strlen(text) + 1);
}

static void add_numbers(nlg_digest *digest, const int64_t *values, int count) {
    char text[32];
    for (int i = 0; i < count; i++) {
        snprintf(text, sizeof text, "%" PRId64, values[i]);
        add(digest, text);
    }
    add(digest, ";");
}

static nlg_status add_node(nlg_digest *digest, const nlg_graph *graph, const nlg_node *node, nlg_error *err) {
    char text[256] = "";
    nlg_op_cost cost = {0};
    if (node->op && node->op->describe) node->op->describe(node->attrs, text, sizeof text);
    if (node->op) NLG_TRY(nlg_node_count(graph, node, &cost, err));
    add(digest, node->op ? node->op->name : "input");
    add(digest, node->name ? node->name : "");
    add(digest, text);
    const int64_t facts[] = {node->shape.h, node->shape.w, node->shape.c, node->aux, cost.macs, cost.other_ops};
    add_numbers(digest, facts, 6);
    for (int i = 0; i < node->n_inputs; i++) add_numbers(digest, &(int64_t){node->inputs[i]}, 1);
    for (int i = 0; i < node->n_params; i++) add_numbers(digest, &(int64_t){node->params[i]}, 1);
    return NLG_OK;
}

nlg_status nlg_graph_digest(const nlg_graph *graph, char hex[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 0, "a digest");
    nlg_status status = NLG_OK;
    for (int i = 0; i < graph->n_nodes && status == NLG_OK; i++) status = add_node(digest, graph, &graph->nodes[i], err);
    for (int i = 0; i < graph->n_params; i++) {
        const nlg_param *p = &graph->params[i];
        const int64_t facts[] = {p->role, p->rank, p->shape[0], p->shape[1], p->shape[2], p->shape[3], p->trainable, p->aux};
        add(digest, p->name);
        add_numbers(digest, facts, 8);
    }
    for (int i = 0; i < graph->n_outputs; i++) {
        char text[32];
        snprintf(text, sizeof text, "%a", (double)graph->output_weight[i]);
        add_numbers(digest, &(int64_t){graph->outputs[i]}, 1);
        add(digest, text);
    }
    nlg_digest_finish(digest, hex);
    return status;
}
