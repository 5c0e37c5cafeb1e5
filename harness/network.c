/* Networks for the commands that look at them. */
#include "harness/network.h"

#include <stdio.h>
#include <string.h>

#include "harness/stored_network.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "search/space_model.h"

nlg_status nlg_network_complete(nlg_network *network, nlg_shape input, int classes, nlg_error *err) {
    network->input = input.c ? input : network->model->input;
    NLG_TRY(nlg_model_build(network->model, input, classes, &network->graph, err));
    if (network->graph->aux_left_out)
        fprintf(stderr, "%s: an auxiliary head is left out, which does not fit this input (%s)\n", network->title,
                network->graph->aux_left_out);
    return nlg_graph_count(network->graph, &network->cost, err);
}

nlg_status nlg_network_build(const nlg_model *model, nlg_shape input, int classes, nlg_network *network, nlg_error *err) {
    *network = (nlg_network){.model = model};
    snprintf(network->title, sizeof network->title, "%s", model->name);
    return nlg_network_complete(network, input, classes, err);
}

/* ---- which network ------------------------------------------------------------------------------------------------------ */

/* The text, or what the file behind @ holds; free with nlg_free. */
static nlg_status read_genotype(const char *genotype, char **text, nlg_error *err) {
    enum { LARGEST = 1 << 16 };
    size_t size;
    if (genotype[0] == '@') return nlg_file_read(genotype + 1, LARGEST, text, &size, err);
    *text = nlg_strdup(genotype);
    return *text ? NLG_OK : nlg_fail_memory(err, strlen(genotype), "a genotype");
}

static nlg_status paste(nlg_network *network, const char *genotype, nlg_error *err) {
    char *text = NULL;
    NLG_TRY(read_genotype(genotype, &text, err));
    nlg_status status = nlg_model_with_genotype(network->model, text, network->arena, &network->model, err);
    nlg_free(text);
    return status;
}

/* The architecture of a space; input and classes: of its images where they are known, else zeros. */
static nlg_status find_in_space(nlg_network *network, const char *space, const char *genotype, nlg_shape input, int classes,
                                nlg_error *err) {
    network->space = nlg_alloc(1, sizeof *network->space);
    if (!network->space) return nlg_fail_memory(err, sizeof *network->space, "a space");
    NLG_TRY(nlg_space_open(space, network->space, err));
    NLG_TRY(nlg_space_model(network->space, genotype, input, classes, network->arena, &network->model, err));
    snprintf(network->title, sizeof network->title, "%s architecture", network->space->name);
    return NLG_OK;
}

static nlg_status find_space(nlg_network *network, const char *space, const char *genotype, nlg_error *err) {
    char *text = NULL;
    if (!genotype)
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "space %s: expected --genotype with the text of an architecture, or @FILE; `lineage spaces %.64s` shows how "
            "it is written",
            space, space);
    NLG_TRY(read_genotype(genotype, &text, err));
    nlg_status status = find_in_space(network, space, text, (nlg_shape){0}, 0, err);
    nlg_free(text);
    return status;
}

static nlg_status find_trial(nlg_network *network, const char *place, const char *genotype, nlg_error *err) {
    nlg_stored_network found = {0};
    if (genotype) return nlg_fail(err, NLG_ERR_INPUT, "--trial %s has its own genotype; give one of the two", place);
    NLG_TRY(nlg_stored_network_find(place, &found, err));
    return find_in_space(network, found.space, found.genotype, found.input, found.classes, err);
}

nlg_status nlg_network_find(const char *name, const char *genotype, nlg_network *network, nlg_error *err) {
    static const char in_space[] = "space:", of_trial[] = "trial:";
    *network = (nlg_network){0};
    const bool space = strncmp(name, in_space, sizeof in_space - 1) == 0, trial = strncmp(name, of_trial, sizeof of_trial - 1) == 0;
    if (space || trial || genotype) {
        network->arena = nlg_arena_create();
        if (!network->arena) return nlg_fail_memory(err, sizeof *network, "a genotype");
    }
    if (space) return find_space(network, name + sizeof in_space - 1, genotype, err);
    if (trial) return find_trial(network, name + sizeof of_trial - 1, genotype, err);
    NLG_TRY(nlg_model_find(name, &network->model, err));
    snprintf(network->title, sizeof network->title, "%s%s", genotype ? "own cells in " : "", network->model->name);
    return genotype ? paste(network, genotype, err) : NLG_OK;
}

nlg_status nlg_network_open(const char *name, const char *genotype, nlg_shape input, int classes, nlg_network *network,
                            nlg_error *err) {
    NLG_TRY(nlg_network_find(name, genotype, network, err));
    return nlg_network_complete(network, input, classes, err);
}

void nlg_network_close(nlg_network *network) {
    nlg_graph_destroy(network->graph);
    if (network->arena) nlg_arena_destroy(network->arena);
    if (network->space) nlg_space_close(network->space);
    nlg_free(network->space);
    network->graph = NULL;
    network->arena = NULL;
    network->space = NULL;
}

nlg_status nlg_network_genotype(const nlg_network *network, char **text, nlg_error *err) {
    *text = NULL;
    const size_t length = nlg_model_genotype(network->model, NULL, 0);
    if (!length) return NLG_OK;
    *text = nlg_alloc(length + 1, 1);
    if (!*text) return nlg_fail_memory(err, length + 1, "the genotype");
    nlg_model_genotype(network->model, *text, length + 1);
    return NLG_OK;
}

void nlg_print_misfit(const char *kind, const char *name) {
    fprintf(stderr, "%s %s\n", kind, name);
}

int nlg_model_year(const nlg_model *model) {
    return model->year ? model->year : model->family->year;
}

const char *nlg_designer_name(nlg_designer designer) {
    return designer == NLG_SEARCHED ? "searched" : "human";
}

void nlg_shape_text(nlg_shape shape, char *text, size_t size) {
    snprintf(text, size, "%dx%dx%d", shape.h, shape.w, shape.c);
}

/* --- one layer --- */

/* TensorFlow's rule: as many outputs as strides in the input, the odd pixel after. */
static void same_padding(nlg_window *w, nlg_shape in) {
    const int size[2] = {in.h, in.w};
    for (int i = 0; i < 2; i++) {
        int outputs = (size[i] + w->stride[i] - 1) / w->stride[i];
        int total = (outputs - 1) * w->stride[i] + (w->kernel[i] - 1) * w->dilation + 1 - size[i];
        if (total < 0) total = 0;
        w->pad[2 * i] = total / 2;
        w->pad[2 * i + 1] = total - total / 2;
    }
}

static void write_window(const nlg_window *w, nlg_layer_row *row) {
    const int *p = w->pad;
    bool alike = p[0] == p[1] && p[0] == p[2] && p[0] == p[3];
    snprintf(row->kernel, sizeof row->kernel, "%dx%d", w->kernel[0], w->kernel[1]);
    if (w->stride[0] == w->stride[1])
        snprintf(row->stride, sizeof row->stride, "%d", w->stride[0]);
    else
        snprintf(row->stride, sizeof row->stride, "%dx%d", w->stride[0], w->stride[1]);
    if (alike)
        snprintf(row->padding, sizeof row->padding, "%d", p[0]);
    else
        snprintf(row->padding, sizeof row->padding, "%d,%d,%d,%d", p[0], p[1], p[2], p[3]);
    row->dilation = w->dilation;
    row->groups = w->groups;
}

static bool used_earlier(const nlg_graph *graph, int param, int node) {
    if (graph->params[param].uses <= 1) return false;
    for (int n = 0; n < node; n++)
        for (int i = 0; i < graph->nodes[n].n_params; i++)
            if (graph->nodes[n].params[i] == param) return true;
    return false;
}

nlg_status nlg_network_layer(const nlg_network *network, int index, nlg_layer_row *row, nlg_error *err) {
    const nlg_graph *graph = network->graph;
    const nlg_node *node = &graph->nodes[index];
    *row = (nlg_layer_row){.node = node, .op = node->op ? node->op->name : "input", .in = node->shape, .out = node->shape};
    if (!node->op) return NLG_OK;
    if (node->n_inputs > 0) row->in = graph->nodes[node->inputs[0]].shape;
    for (int i = 0; i < node->n_params; i++) {
        const nlg_param *p = &graph->params[node->params[i]];
        if (p->trainable && !used_earlier(graph, node->params[i], index)) row->params += (int64_t)p->count;
    }
    if (node->op->window) {
        nlg_window w = node->op->window(node->attrs, row->in);
        if (w.same) same_padding(&w, row->in);
        write_window(&w, row);
    }
    return nlg_node_count(graph, node, &row->cost, err);
}
