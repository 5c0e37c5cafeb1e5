/* lineage count: parameters and multiply-accumulates by one rule. */
#include <stdio.h>

#include "harness/command.h"
#include "harness/network.h"
#include "harness/options.h"
#include "harness/output.h"

typedef struct count_options {
    bool all, csv;
    nlg_shape input;
} count_options;

enum { KEY_ALL = 0x100, KEY_CSV, KEY_INPUT };
static const struct argp_option options[] = {
    {"all", KEY_ALL, NULL, 0, "Every registered network", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {"csv", KEY_CSV, NULL, 0, "One line per layer: groups, stride, padding, shapes, counts", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    count_options *o = where;
    switch (key) {
    case KEY_ALL:
        o->all = true;
        return NLG_OK;
    case KEY_CSV:
        o->csv = true;
        return NLG_OK;
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

/* Each form of output takes one network after another. */
typedef struct count_sink {
    cJSON *json;
    nlg_text_table *table;
    nlg_status (*add)(struct count_sink *sink, const nlg_network *network, nlg_error *err);
} count_sink;

static nlg_status add_json(count_sink *sink, const nlg_network *network, nlg_error *err) {
    (void)err;
    cJSON *row = nlg_json_object_in(sink->json), *input = cJSON_CreateArray();
    const int size[3] = {network->input.c, network->input.h, network->input.w};
    nlg_json_text(row, "model", network->model->name);
    for (int i = 0; i < 3; i++) cJSON_AddItemToArray(input, cJSON_CreateNumber(size[i]));
    cJSON_AddItemToObject(row, "input", input);
    nlg_json_number(row, "params", (double)network->cost.params);
    nlg_json_number(row, "params_without_aux", (double)network->cost.params_without_aux);
    nlg_json_number(row, "macs", (double)network->cost.macs);
    nlg_json_number(row, "flops", 2 * (double)network->cost.macs);
    nlg_json_number(row, "other_ops", (double)network->cost.other_ops);
    nlg_json_number(row, "activations_bytes", (double)network->cost.activations_bytes);
    nlg_json_number(row, "layers", network->cost.layers);
    return NLG_OK;
}

static nlg_status add_row(count_sink *sink, const nlg_network *network, nlg_error *err) {
    (void)err;
    nlg_text_table *t = sink->table;
    nlg_text_table_cell(t, "%s", network->title);
    nlg_text_table_cell(t, "%d,%d,%d", network->input.c, network->input.h, network->input.w);
    nlg_text_table_integer(t, network->cost.params);
    nlg_text_table_integer(t, network->cost.params_without_aux);
    nlg_text_table_integer(t, network->cost.macs);
    nlg_text_table_integer(t, 2 * network->cost.macs);
    nlg_text_table_integer(t, network->cost.other_ops);
    nlg_text_table_integer(t, network->cost.activations_bytes);
    nlg_text_table_integer(t, network->cost.layers);
    return NLG_OK;
}

static nlg_status add_layers(count_sink *sink, const nlg_network *network, nlg_error *err) {
    nlg_text_table *t = sink->table;
    for (int i = 0; i < network->graph->n_nodes; i++) {
        nlg_layer_row row;
        NLG_TRY(nlg_network_layer(network, i, &row, err));
        nlg_text_table_cell(t, "%s", network->title);
        nlg_text_table_integer(t, i);
        nlg_text_table_cell(t, "%s", row.node->name);
        nlg_text_table_cell(t, "%s", row.op);
        nlg_text_table_cell(t, "%s", row.kernel);
        nlg_text_table_cell(t, "%s", row.stride);
        nlg_text_table_cell(t, "%s", row.padding);
        nlg_text_table_integer(t, row.dilation);
        nlg_text_table_integer(t, row.groups);
        const nlg_shape shapes[2] = {row.in, row.out};
        for (int s = 0; s < 2; s++) {
            nlg_text_table_integer(t, shapes[s].c);
            nlg_text_table_integer(t, shapes[s].h);
            nlg_text_table_integer(t, shapes[s].w);
        }
        nlg_text_table_integer(t, row.params);
        nlg_text_table_integer(t, row.cost.macs);
        nlg_text_table_integer(t, row.cost.other_ops);
        nlg_text_table_integer(t, row.node->aux);
    }
    return NLG_OK;
}

static nlg_status count_one(count_sink *sink, const char *name, const char *genotype, nlg_shape input, nlg_error *err) {
    nlg_network network;
    nlg_status status = nlg_network_open(name, genotype, input, 0, &network, err);
    if (status == NLG_OK) status = sink->add(sink, &network, err);
    nlg_network_close(&network);
    return status;
}

static nlg_status count_them(const nlg_invocation *call, count_sink *sink, nlg_error *err) {
    const count_options *o = call->options;
    for (int i = 0; i < (o->all ? nlg_model_count() : call->n_arguments); i++) {
        const char *name = o->all ? nlg_model_at(i)->name : call->arguments[i];
        NLG_TRY(count_one(sink, name, call->settings.genotype, o->input, err));
    }
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    static const char *const headers[] = {
        "model", "input", "params", "without aux", "MACs", "FLOPs", "other ops", "activations bytes", "layers"};
    static const char *const layer_headers[] = {"model",    "node",   "layer", "op",        "kernel", "stride", "padding",
                                                "dilation", "groups", "in_c",  "in_h",      "in_w",   "out_c",  "out_h",
                                                "out_w",    "params", "macs",  "other_ops", "aux"};
    const count_options *o = call->options;
    if (o->all == (call->n_arguments > 0))
        return nlg_fail(err, NLG_ERR_INPUT, "expected either MODEL... or --all; --help shows an example");
    if (o->all && o->input.c) return nlg_fail(err, NLG_ERR_INPUT, "--input needs MODEL...: not every network allows it");
    if (o->all && call->settings.genotype)
        return nlg_fail(err, NLG_ERR_INPUT, "--genotype needs MODEL...: not every network has cells");
    if (o->csv && call->settings.json) return nlg_fail(err, NLG_ERR_INPUT, "--csv and --json exclude each other");
    count_sink sink = {.add = add_row};
    if (call->settings.json) {
        sink.json = cJSON_CreateArray();
        sink.add = add_json;
    } else if (o->csv) {
        sink.table = nlg_text_table_create("lrllrrrrrrrrrrrrrrr", layer_headers);
        sink.add = add_layers;
    } else {
        sink.table = nlg_text_table_create("llrrrrrrr", headers);
    }
    nlg_status status = count_them(call, &sink, err);
    if (status != NLG_OK) {
        cJSON_Delete(sink.json);
        nlg_text_table_destroy(sink.table);
        return status;
    }
    if (call->settings.json) return nlg_json_print(sink.json, err);
    if (o->csv) {
        fprintf(stderr, "%s\n", nlg_counting_rule);
        return nlg_text_table_print_csv(sink.table, stdout, err);
    }
    NLG_TRY(nlg_text_table_print(sink.table, stdout, err));
    printf("\n%s\n", nlg_counting_rule);
    return NLG_OK;
}

const nlg_command nlg_command_count = {
    .name = "count",
    .summary = "Count parameters, multiply-accumulates and other operations",
    .arguments = "MODEL...",
    .max_arguments = -1,
    .help = "Counts are per image whatever the batch, in evaluation mode; inputs are channels, rows, columns.\n\n"
            "Examples:\n  lineage count resnet50 mobilenet_v1 --json\n  lineage count resnet50 --input 3,288,288\n  lineage count "
            "vgg16 --csv > "
            "vgg16.csv\n  lineage count --all",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_GENOTYPE,
    .options_size = sizeof(count_options),
    .option = option,
    .run = run,
};
