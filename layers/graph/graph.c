/* Graph storage and counting. */
#include "layers/graph/graph.h"

#include <string.h>

#include "layers/base/rng.h"

nlg_graph *nlg_graph_create(void) {
    nlg_arena *arena = nlg_arena_create();
    if (arena == NULL) return NULL;
    nlg_graph *graph = nlg_arena_alloc(arena, 1, sizeof *graph);
    if (graph == NULL) {
        nlg_arena_destroy(arena);
        return NULL;
    }
    graph->arena = arena;
    return graph;
}

void nlg_graph_destroy(nlg_graph *graph) {
    if (graph != NULL) nlg_arena_destroy(graph->arena);
}

int nlg_graph_find_param(const nlg_graph *graph, const char *name) {
    const uint64_t key = nlg_fill_key(name);
    for (int i = 0; i < graph->n_params; i++)
        if (graph->params[i].key == key && strcmp(graph->params[i].name, name) == 0) return i;
    return -1;
}

const char *const nlg_counting_rule =
    "MACs = multiply-accumulates of convolutions and linear layers for one image; FLOPs = 2 x MACs; biases, norms, activations, "
    "pools and additions are in other_ops; shared weights count once in params and each use in MACs; auxiliary heads count in "
    "params only.";

int nlg_node_input_shapes(const nlg_graph *graph, const nlg_node *node, nlg_shape *shapes) {
    for (int i = 0; i < node->n_inputs; i++) shapes[i] = graph->nodes[node->inputs[i]].shape;
    return node->n_inputs;
}

nlg_status nlg_node_count(const nlg_graph *graph, const nlg_node *node, nlg_op_cost *cost, nlg_error *err) {
    nlg_shape x[NLG_OP_MAX_INPUTS];
    *cost = (nlg_op_cost){0, 0};
    if (node->op == NULL) return NLG_OK;
    if (node->op->cost == NULL)
        return nlg_fail(err, NLG_ERR_CHECK, "layer %s: operation %s has no counting rule; add `cost` to its row of operations",
                        node->name, node->op->name);
    nlg_node_input_shapes(graph, node, x);
    node->op->cost(node->attrs, x, node->n_inputs, node->shape, cost);
    return NLG_OK;
}

int nlg_graph_exits(const nlg_graph *graph) {
    int most = 0;
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->output_exit[i] > most) most = graph->output_exit[i];
    return most;
}

nlg_status nlg_graph_exit_macs(const nlg_graph *graph, int exit, int64_t *macs, nlg_error *err) {
    nlg_status status = NLG_OK;
    bool *needed = nlg_alloc((size_t)graph->n_nodes, sizeof *needed);
    *macs = 0;
    if (needed == NULL) return nlg_fail_memory(err, (size_t)graph->n_nodes, "counting");
    for (int i = 0; i < graph->n_outputs; i++)
        if (graph->output_exit[i] == exit) needed[graph->outputs[i]] = true;
    for (int i = graph->n_nodes - 1; i >= 0 && status == NLG_OK; i--) {
        const nlg_node *node = &graph->nodes[i];
        nlg_op_cost cost;
        if (!needed[i]) continue;
        for (int j = 0; j < node->n_inputs; j++) needed[node->inputs[j]] = true;
        status = nlg_node_count(graph, node, &cost, err);
        *macs += cost.macs;
    }
    nlg_free(needed);
    return status;
}

nlg_status nlg_graph_count(const nlg_graph *graph, nlg_graph_cost *total, nlg_error *err) {
    *total = (nlg_graph_cost){0};
    for (int i = 0; i < graph->n_params; i++) {
        const nlg_param *p = &graph->params[i];
        if (!p->trainable) continue;
        total->params += (int64_t)p->count;
        if (!p->aux) total->params_without_aux += (int64_t)p->count;
    }
    for (int i = 0; i < graph->n_nodes; i++) {
        const nlg_node *node = &graph->nodes[i];
        nlg_op_cost cost;
        if (node->aux || node->op == NULL) continue;
        NLG_TRY(nlg_node_count(graph, node, &cost, err));
        total->macs += cost.macs;
        total->other_ops += cost.other_ops;
        total->activations_bytes += (int64_t)node->shape.h * node->shape.w * node->shape.c * 4;
        if (node->n_params > 0 && cost.macs > 0) total->layers++;
    }
    return NLG_OK;
}
