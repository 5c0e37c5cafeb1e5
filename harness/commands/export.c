/* lineage export: a network's weights as a safetensors file, or network and weights as an ONNX file. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "harness/command.h"
#include "harness/network.h"
#include "harness/options.h"
#include "harness/measures/training.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/graph/onnx.h"
#include "layers/graph/weights_file.h"

typedef struct export_options {
    const char *weights;
    nlg_shape input;
    int classes;
} export_options;

enum { KEY_WEIGHTS = 0x100, KEY_INPUT, KEY_CLASSES };
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Write these weights (F64, F32, F16, BF16) anew as F32, instead of fresh ones", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {"classes", KEY_CLASSES, "N", 0, "Another number of classes", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    export_options *o = where;
    switch (key) {
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_CLASSES:
        return nlg_option_int("--classes", value, 1, 1 << 20, &o->classes, err);
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

/* A training's weights are not written over: their state lies beside them, where all links lead. */
static nlg_status refuse_checkpoint(const char *path, nlg_error *err) {
    char *target, state[4096];
    NLG_TRY(nlg_file_target(path, &target, err));
    const bool fits = snprintf(state, sizeof state, "%s.state", target) < (int)sizeof state;
    nlg_free(target);
    if (!fits || !nlg_file_exists(state)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: is the checkpoint of a training (%s); name another file", path, state);
}

/* Endings that stand for another format. */
static nlg_status check_name(const char *path, nlg_error *err) {
    static const char *const others[] = {".pth", ".pt", ".bin", ".h5", ".npz", ".ckpt", ".pkl"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const size_t length = strlen(path), end = strlen(others[i]);
        if (length > end && strcasecmp(path + length - end, others[i]) == 0)
            return nlg_fail(err, NLG_ERR_INPUT,
                            "%s: export writes safetensors, not what %s stands for; name it .safetensors (in Python: "
                            "safetensors.torch.load_file reads it)",
                            path, others[i]);
    }
    NLG_TRY(refuse_checkpoint(path, err));
    return nlg_file_probe(path, err);
}

static bool is_onnx(const char *path) {
    const size_t length = strlen(path);
    return length > 5 && strcasecmp(path + length - 5, ".onnx") == 0;
}

static nlg_status write_onnx(const char *path, const nlg_weights *weights, const char *name, nlg_error *err) {
    unsigned char *data;
    size_t size;
    NLG_TRY(nlg_onnx_model(weights, name, &data, &size, err));
    nlg_status status = nlg_file_write(path, data, size, err);
    nlg_free(data);
    if (status == NLG_OK) printf("%s: ONNX, %zu bytes; input [N, C, H, W]\n", path, size);
    return status;
}

static nlg_status write_weights(const nlg_invocation *call, const nlg_weights_source *source, const char *name,
                                nlg_weights *weights, nlg_error *err) {
    const export_options *o = call->options;
    char digest[65];
    if (o->weights)
        NLG_TRY(nlg_weights_load(weights, o->weights, &(nlg_load_options){.problem = nlg_print_misfit}, err));
    else
        nlg_weights_init(weights, call->settings.seed);
    if (is_onnx(call->arguments[1])) return write_onnx(call->arguments[1], weights, name, err);
    const nlg_metadata facts = {nlg_weights_facts_key,
                                source->facts.known ? nlg_safetensors_metadata(&source->file, nlg_weights_facts_key) : ""};
    NLG_TRY(nlg_weights_save(weights, call->arguments[1], NULL, 0, &facts, source->facts.known, err));
    NLG_TRY(nlg_weights_digest(weights, digest, err));
    printf("%s: %d tensors, digest %s\n", call->arguments[1], weights->graph->n_params, digest);
    return NLG_OK;
}

/* Of a file: its network, with its input and outputs unless others are asked for. */
static nlg_status open_network(const nlg_invocation *call, nlg_weights_source *source, nlg_network *network, nlg_error *err) {
    const export_options *o = call->options;
    if (!o->weights) return nlg_network_open(call->arguments[0], call->settings.genotype, o->input, o->classes, network, err);
    NLG_TRY(nlg_weights_source_open(o->weights, source, err));
    NLG_TRY(nlg_weights_source_network(source, call->arguments[0], call->settings.genotype, network, err));
    const nlg_weights_facts *facts = &source->facts;
    nlg_shape input = o->input;
    if (facts->known && !input.c)
        input = (nlg_shape){.h = facts->h + 2 * facts->pad, .w = facts->w + 2 * facts->pad, .c = facts->c};
    NLG_TRY(nlg_network_complete(network, input, o->classes, err));
    const int classes = o->classes ? o->classes : nlg_weights_source_classes(source, network->graph);
    if (!classes || classes == nlg_network_classes(network->graph)) return NLG_OK;
    nlg_graph_destroy(network->graph);
    network->graph = NULL;
    return nlg_network_complete(network, input, classes, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    nlg_network network = {0};
    nlg_weights weights = {0};
    nlg_weights_source source = {0};
    NLG_TRY(check_name(call->arguments[1], err));
    nlg_status status = open_network(call, &source, &network, err);
    if (status == NLG_OK) status = nlg_weights_create(network.graph, &weights, err);
    if (status == NLG_OK) status = write_weights(call, &source, network.model->name, &weights, err);
    nlg_weights_destroy(&weights);
    nlg_network_close(&network);
    nlg_weights_source_close(&source);
    return status;
}

const nlg_command nlg_command_export = {
    .name = "export",
    .summary = "Write a network's weights as a safetensors file, or all of it as ONNX",
    .arguments = "MODEL FILE",
    .min_arguments = 2,
    .max_arguments = 2,
    .help =
        "Names and shapes are those of torchvision's state dict (timm's where torchvision lacks the network); fresh weights are a "
        "function of the seed. FILE.onnx has the network as well (opset 13, inference).\n\nExamples:\n  lineage export resnet18 "
        "resnet18.safetensors --seed 1\n  lineage export resnet18 resnet18.onnx --weights resnet18.safetensors",
    .options = options,
    .shared = NLG_TAKES_SEED | NLG_TAKES_GENOTYPE,
    .options_size = sizeof(export_options),
    .option = option,
    .run = run,
};
