#include "layers/graph/onnx.h"

#include <stdio.h>
#include <string.h>

#include "layers/ops/onnx.h"

enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8, OPSET_VERSION = 2, IR_VERSION = 7, OPSET = 13 };
enum { GRAPH_NAME = 2, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum {
    VALUE_NAME = 1,
    VALUE_TYPE = 2,
    TYPE_TENSOR = 1,
    TENSOR_ELEMENT = 1,
    TENSOR_SHAPE = 2,
    SHAPE_DIM = 1,
    DIM_VALUE = 1,
    DIM_NAME = 2,
    FLOAT = 1
};

static void name_value(const nlg_graph *g, int node, char name[NLG_ONNX_NAME]) {
    snprintf(name, NLG_ONNX_NAME, node == 0 ? "input" : "value_%d", node);
    for (int i = 0; i < g->n_outputs; i++)
        if (g->outputs[i] == node && g->output_exit[i] == 0) snprintf(name, NLG_ONNX_NAME, i ? "output_%d" : "output", i);
}

/* flat: what a linear layer gives, N x C. */
static void put_value(nlg_wire *graph, int field, const char *name, nlg_shape shape, bool flat) {
    nlg_wire value = {0}, type = {0}, tensor = {0}, dims = {0};
    const int sizes[] = {0, shape.c, shape.h, shape.w};
    for (int i = 0; i < (flat ? 2 : 4); i++) {
        nlg_wire dim = {0};
        if (i == 0)
            nlg_wire_text(&dim, DIM_NAME, "N");
        else
            nlg_wire_varint(&dim, DIM_VALUE, sizes[i]);
        nlg_wire_message(&dims, SHAPE_DIM, &dim);
    }
    nlg_wire_varint(&tensor, TENSOR_ELEMENT, FLOAT);
    nlg_wire_message(&tensor, TENSOR_SHAPE, &dims);
    nlg_wire_message(&type, TYPE_TENSOR, &tensor);
    nlg_wire_text(&value, VALUE_NAME, name);
    nlg_wire_message(&value, VALUE_TYPE, &type);
    nlg_wire_message(graph, field, &value);
}

static nlg_status put_node(nlg_onnx *onnx, const nlg_graph *g, int index, nlg_error *err) {
    const nlg_node *node = &g->nodes[index];
    char in[NLG_OP_MAX_INPUTS][NLG_ONNX_NAME], out[NLG_ONNX_NAME];
    nlg_onnx_use use = {
        .onnx = onnx, .attrs = node->attrs, .n_x = node->n_inputs, .n_params = node->n_params, .y = node->shape, .out = out};
    nlg_node_input_shapes(g, node, use.x);
    name_value(g, index, out);
    for (int i = 0; i < node->n_inputs; i++) {
        name_value(g, node->inputs[i], in[i]);
        use.in[i] = in[i];
    }
    for (int i = 0; i < node->n_params; i++) use.param[i] = g->params[node->params[i]].name;
    if (node->op->onnx && node->op->onnx(&use)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "node %d (%s): has no form in ONNX's operations", index, node->op->name);
}

static void put_params(nlg_onnx *onnx, const nlg_weights *weights) {
    for (int i = 0; i < weights->graph->n_params; i++) {
        const nlg_param *p = &weights->graph->params[i];
        int64_t shape[4];
        for (int k = 0; k < p->rank; k++) shape[k] = p->shape[k];
        if (!p->aux) nlg_onnx_floats(onnx, p->name, nlg_weights_at(weights, i), shape, p->rank);
    }
}

nlg_status nlg_onnx_model(const nlg_weights *weights, const char *name, unsigned char **data, size_t *size, nlg_error *err) {
    const nlg_graph *g = weights->graph;
    nlg_onnx onnx = {0};
    nlg_wire model = {0}, opset = {0};
    char text[NLG_ONNX_NAME];
    nlg_status status = NLG_OK;
    for (int n = 1; status == NLG_OK && n < g->n_nodes; n++)
        if (!g->nodes[n].aux) status = put_node(&onnx, g, n, err);
    nlg_wire_text(&onnx.graph, GRAPH_NAME, name);
    if (status == NLG_OK) put_params(&onnx, weights);
    put_value(&onnx.graph, GRAPH_INPUT, "input", g->nodes[0].shape, false);
    for (int i = 0; i < g->n_outputs; i++) {
        if (g->output_exit[i] != 0) continue;
        name_value(g, g->outputs[i], text);
        const nlg_node *node = &g->nodes[g->outputs[i]];
        put_value(&onnx.graph, GRAPH_OUTPUT, text, node->shape, node->op->gives_vectors);
    }
    nlg_wire_varint(&model, MODEL_IR, IR_VERSION);
    nlg_wire_text(&model, MODEL_PRODUCER, "netlineage");
    nlg_wire_varint(&opset, OPSET_VERSION, OPSET);
    nlg_wire_message(&model, MODEL_OPSET, &opset);
    nlg_wire_message(&model, MODEL_GRAPH, &onnx.graph);
    if (status == NLG_OK && model.failed) status = nlg_fail_memory(err, model.size, "an ONNX file");
    if (status == NLG_OK && model.size >= (size_t)1 << 31)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: %zu bytes, but an ONNX file holds less than 2^31", name, model.size);
    *data = status == NLG_OK ? model.data : NULL;
    *size = model.size;
    if (status != NLG_OK) nlg_free(model.data);
    return status;
}
