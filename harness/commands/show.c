/* lineage show: one network's facts, layers, deviations from its paper and genotype. */
#include <stdio.h>

#include "harness/command.h"
#include "harness/network.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/measures/training.h"
#include "layers/base/memory.h"

typedef struct show_options {
    bool deviations, genotype;
    const char *other_cells;
    nlg_shape input;
} show_options;

enum { KEY_DEVIATIONS = 0x100, KEY_GENOTYPE, KEY_INPUT };
static const struct argp_option options[] = {
    {"deviations", KEY_DEVIATIONS, NULL, 0, "Only what differs from the paper, and from the published counts", 0},
    {"genotype", KEY_GENOTYPE, "TEXT", OPTION_ARG_OPTIONAL,
     "Only the cells, in the form that searches print and read; with TEXT or @FILE (behind = or a blank): the network with these "
     "cells instead",
     0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    show_options *o = where;
    switch (key) {
    case KEY_DEVIATIONS:
        o->deviations = true;
        return NLG_OK;
    case KEY_GENOTYPE:
        o->genotype = !value;
        o->other_cells = value;
        return NLG_OK;
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

static void print_lines(const char *text) {
    while (text && *text) {
        const char *end = text;
        while (*end && *end != '\n') end++;
        printf("  - %.*s\n", (int)(end - text), text);
        text = *end ? end + 1 : end;
    }
}

static void print_against(const char *what, int64_t ours, int64_t published, const char *source) {
    if (!published) return;
    char here[32], there[32];
    printf("  %s: %s here, %s published (%s): %+.2f%%\n", what, nlg_count_text(ours, here), nlg_count_text(published, there),
           source ? source : "no source", 100.0 * (double)(ours - published) / (double)published);
}

static void print_deviations(const nlg_network *network) {
    const nlg_model *m = network->model;
    bool any = m->deviations || m->family->deviations;
    printf("Deviations from the paper:%s\n", any ? "" : " none known");
    print_lines(m->family->deviations);
    print_lines(m->deviations);
    if (!m->published_params && !m->published_macs) {
        printf("Counts: not published\n");
        return;
    }
    printf("Counts:\n");
    print_against("parameters without auxiliary heads", network->cost.params_without_aux, m->published_params, m->published_source);
    print_against("MACs", network->cost.macs, m->published_macs, m->published_source);
}

/* As eval and predict do it. */
static void print_preprocessing(const nlg_model *m) {
    nlg_image_recipe r;
    float mean[3], std[3];
    if (!nlg_is_for_photographs(m)) return;
    nlg_model_preprocessing(m, &r, mean, std);
    printf("preprocessing: shorter side resized to %d (%s), centre crop %d, mean %.3f %.3f %.3f, std %.3f %.3f %.3f\n", r.resize,
           r.filter == NLG_FILTER_BICUBIC ? "bicubic" : "bilinear", r.crop, (double)mean[0], (double)mean[1], (double)mean[2],
           (double)std[0], (double)std[1], (double)std[2]);
}

static void add_preprocessing(cJSON *doc, const nlg_model *m) {
    nlg_image_recipe r;
    float mean[3], std[3];
    if (!nlg_is_for_photographs(m)) {
        cJSON_AddNullToObject(doc, "preprocessing");
        return;
    }
    nlg_model_preprocessing(m, &r, mean, std);
    cJSON *p = cJSON_AddObjectToObject(doc, "preprocessing");
    nlg_json_number(p, "resize", r.resize);
    nlg_json_number(p, "crop", r.crop);
    nlg_json_text(p, "interpolation", r.filter == NLG_FILTER_BICUBIC ? "bicubic" : "bilinear");
    cJSON_AddItemToObject(p, "mean", cJSON_CreateFloatArray(mean, 3));
    cJSON_AddItemToObject(p, "std", cJSON_CreateFloatArray(std, 3));
}

static void print_facts(const nlg_network *network) {
    const nlg_model *m = network->model;
    const nlg_family *f = m->family;
    printf("%s (%s, ", network->title, f->name);
    if (nlg_model_year(m)) printf("%d, ", nlg_model_year(m));
    printf("%s)\n", nlg_designer_name(f->designer));
    if (network->space)
        printf("space: %s (%s)\n", f->title, f->authors);
    else
        printf("paper: %s, \"%s\", %s\n", f->authors, f->title, f->venue);
    if (m->aliases && *m->aliases) printf("aliases: %s\n", m->aliases);
    printf("input: %d,%d,%d; other sizes %s; classes %d\n", network->input.c, network->input.h, network->input.w,
           m->any_input ? "allowed" : "not allowed", m->classes);
    print_preprocessing(m);
    const nlg_graph_cost *c = &network->cost;
    char params[32], without_aux[32], macs[32], flops[32], other[32];
    printf("params: %s (%s without auxiliary heads); MACs: %s; FLOPs: %s; other ops: %s\n", nlg_count_text(c->params, params),
           nlg_count_text(c->params_without_aux, without_aux), nlg_count_text(c->macs, macs), nlg_count_text(2 * c->macs, flops),
           nlg_count_text(c->other_ops, other));
}

static nlg_status print_layers(const nlg_network *network, nlg_error *err) {
    static const char *const headers[] = {"layer", "op", "kernel", "stride", "pad", "groups", "input", "output", "params", "MACs"};
    nlg_text_table *t = nlg_text_table_create("llrrrrrrrr", headers);
    for (int i = 0; i < network->graph->n_nodes; i++) {
        nlg_layer_row row;
        nlg_status status = nlg_network_layer(network, i, &row, err);
        if (status != NLG_OK) {
            nlg_text_table_destroy(t);
            return status;
        }
        char in[48], out[48], groups[16] = "";
        nlg_shape_text(row.in, in, sizeof in);
        nlg_shape_text(row.out, out, sizeof out);
        if (row.groups > 1) snprintf(groups, sizeof groups, "%d", row.groups);
        nlg_text_table_cell(t, "%s%s", row.node->name, row.node->aux ? " (aux)" : "");
        nlg_text_table_cell(t, "%s", row.op);
        nlg_text_table_cell(t, "%s", row.kernel);
        nlg_text_table_cell(t, "%s", row.stride);
        nlg_text_table_cell(t, "%s", row.padding);
        nlg_text_table_cell(t, "%s", groups);
        nlg_text_table_cell(t, "%s", in);
        nlg_text_table_cell(t, "%s", out);
        nlg_text_table_integer(t, row.params);
        nlg_text_table_integer(t, row.cost.macs);
    }
    return nlg_text_table_print(t, stdout, err);
}

static nlg_status print_text(const nlg_network *network, const show_options *o, const char *genotype, nlg_error *err) {
    if (o->genotype) {
        puts(genotype);
        return NLG_OK;
    }
    if (!o->deviations) {
        print_facts(network);
        putchar('\n');
        NLG_TRY(print_layers(network, err));
        putchar('\n');
        if (genotype) printf("%s\n", genotype);
    }
    print_deviations(network);
    printf("\n%s\n", nlg_counting_rule);
    return NLG_OK;
}

static void add_lines(cJSON *array, const char *text) {
    while (text && *text) {
        char line[1024];
        int length = 0;
        while (text[length] && text[length] != '\n') length++;
        snprintf(line, sizeof line, "%.*s", length, text);
        cJSON_AddItemToArray(array, cJSON_CreateString(line));
        text += length + (text[length] == '\n');
    }
}

static cJSON *shape_json(nlg_shape shape) {
    const int size[3] = {shape.c, shape.h, shape.w};
    return cJSON_CreateIntArray(size, 3);
}

static nlg_status print_json(const nlg_network *network, const char *genotype, nlg_error *err) {
    const nlg_model *m = network->model;
    cJSON *doc = cJSON_CreateObject();
    nlg_json_text(doc, "model", m->name);
    nlg_json_text(doc, "aliases", m->aliases ? m->aliases : "");
    nlg_json_text(doc, "family", m->family->name);
    nlg_json_number(doc, "year", nlg_model_year(m));
    nlg_json_text(doc, "designer", nlg_designer_name(m->family->designer));
    nlg_json_text(doc, "title", m->family->title);
    nlg_json_text(doc, "authors", m->family->authors);
    nlg_json_text(doc, "venue", m->family->venue);
    cJSON_AddItemToObject(doc, "input", shape_json(network->input));
    cJSON_AddBoolToObject(doc, "any_input", m->any_input);
    add_preprocessing(doc, m);
    nlg_json_number(doc, "params", (double)network->cost.params);
    nlg_json_number(doc, "params_without_aux", (double)network->cost.params_without_aux);
    nlg_json_number(doc, "macs", (double)network->cost.macs);
    cJSON *published = cJSON_AddObjectToObject(doc, "published");
    if (m->published_params) nlg_json_number(published, "params", (double)m->published_params);
    if (m->published_macs) nlg_json_number(published, "macs", (double)m->published_macs);
    nlg_json_text(published, "source", m->published_source);
    cJSON *deviations = cJSON_AddArrayToObject(doc, "deviations");
    add_lines(deviations, m->family->deviations);
    add_lines(deviations, m->deviations);
    nlg_json_text(doc, "genotype", genotype);
    cJSON *layers = cJSON_AddArrayToObject(doc, "layers");
    for (int i = 0; i < network->graph->n_nodes; i++) {
        nlg_layer_row row;
        nlg_status status = nlg_network_layer(network, i, &row, err);
        if (status != NLG_OK) {
            cJSON_Delete(doc);
            return status;
        }
        cJSON *layer = nlg_json_object_in(layers);
        nlg_json_text(layer, "layer", row.node->name);
        nlg_json_text(layer, "op", row.op);
        nlg_json_text(layer, "kernel", row.kernel);
        nlg_json_text(layer, "stride", row.stride);
        nlg_json_text(layer, "padding", row.padding);
        nlg_json_number(layer, "dilation", row.dilation);
        nlg_json_number(layer, "groups", row.groups);
        cJSON_AddItemToObject(layer, "in", shape_json(row.in));
        cJSON_AddItemToObject(layer, "out", shape_json(row.out));
        nlg_json_number(layer, "params", (double)row.params);
        nlg_json_number(layer, "macs", (double)row.cost.macs);
        nlg_json_number(layer, "other_ops", (double)row.cost.other_ops);
        cJSON_AddBoolToObject(layer, "aux", row.node->aux);
    }
    return nlg_json_print(doc, err);
}

/* An option's value that may be missing is found only behind "=": behind a blank it comes as an argument. */
static nlg_status find_genotype(const nlg_invocation *call, show_options *o, const char **name, nlg_error *err) {
    const nlg_model *model;
    *name = call->arguments[0];
    if (call->n_arguments == 1) return NLG_OK;
    const bool reversed = !call->settings.space && !call->settings.trial &&
                          nlg_model_find(call->arguments[0], &model, NULL) != NLG_OK &&
                          nlg_model_find(call->arguments[1], &model, NULL) == NLG_OK;
    if (!o->genotype) return nlg_fail(err, NLG_ERR_INPUT, "unexpected argument '%s'; expected at most MODEL", call->arguments[1]);
    *name = call->arguments[reversed];
    o->other_cells = call->arguments[!reversed];
    o->genotype = false;
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    show_options chosen = *(const show_options *)call->options, *o = &chosen;
    nlg_network network = {0};
    const char *name;
    char *genotype = NULL;
    NLG_TRY(find_genotype(call, o, &name, err));
    nlg_status status = nlg_network_open(name, o->other_cells, o->input, 0, &network, err);
    if (status == NLG_OK) status = nlg_network_genotype(&network, &genotype, err);
    if (status == NLG_OK && o->genotype && !genotype)
        status = nlg_fail(err, NLG_ERR_INPUT, "model %s is not made of cells and has no genotype; nasnet_a_small has one",
                          network.model->name);
    if (status == NLG_OK)
        status = call->settings.json ? print_json(&network, genotype, err) : print_text(&network, o, genotype, err);
    nlg_free(genotype);
    nlg_network_close(&network);
    return status;
}

const nlg_command nlg_command_show = {
    .name = "show",
    .summary = "Show one network: facts, layers, deviations from its paper, genotype",
    .arguments = "MODEL",
    .min_arguments = 1,
    .max_arguments = 2,
    .help =
        "Examples:\n  lineage show resnet20_small\n  lineage show nasnet_a_small --genotype\n  lineage show googlenet --deviations",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_SPACE,
    .options_size = sizeof(show_options),
    .option = option,
    .run = run,
};
