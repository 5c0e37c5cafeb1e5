/* lineage predict: the five most probable classes of photographs. */
#include <stdio.h>
#include <string.h>

#include "datasets/image.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/measures/class_map.h"
#include "harness/measures/training.h"
#include "layers/base/dmath.h"
#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "layers/graph/weights_file.h"

enum { TOP = 5 };

typedef struct predict_options {
    const char *weights, *labels;
    int classes;
    bool strict;
} predict_options;

enum { KEY_WEIGHTS = 0x100, KEY_LABELS, KEY_CLASSES, KEY_STRICT };
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Weights in safetensors form, names as torchvision's or timm's (required)", 0},
    {"labels", KEY_LABELS, "FILE", 0, "Class names, one a line (default: those in the weight file, or ImageNet's for 1000 outputs)",
     0},
    {"classes", KEY_CLASSES, "N", 0, "Number of classes (default: the outputs in the weight file)", 0},
    {"strict", KEY_STRICT, NULL, 0, "Refuse broken images instead of leaving them out", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    predict_options *o = where;
    switch (key) {
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_LABELS:
        o->labels = value;
        return NLG_OK;
    case KEY_CLASSES:
        return nlg_option_int("--classes", value, 1, 1 << 20, &o->classes, err);
    default:
        o->strict = true;
        return NLG_OK;
    }
}

/* --- class names --- */

/* Given ones, those of the file, or ImageNet's where a network of its row has its 1000 outputs. None: the map stays empty. */
static nlg_status open_labels(const char *path, const nlg_weights_source *source, const nlg_model *model, int classes,
                              nlg_class_map *map, const char *const **names, nlg_error *err) {
    const nlg_weights_facts *facts = &source->facts;
    *names = NULL;
    if (!path && facts->classes && facts->n_classes == classes) {
        *names = facts->classes;
        return NLG_OK;
    }
    if (path) {
        NLG_TRY(nlg_class_map_open(path, map, err));
    } else {
        if (classes != 1000 || !nlg_is_for_photographs(model) || facts->known) return NLG_OK;
        if (nlg_class_map_open("imagenet", map, NULL) != NLG_OK) return NLG_OK; /* a help, not needed */
    }
    *names = map->names;
    if (map->count == classes) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %d class names, one a line, found %d", path, classes, map->count);
}

/* --- one image --- */

typedef struct predictor {
    nlg_image_recipe recipe;
    float mean[3], std[3];
    nlg_plan *plan;
    uint8_t *pixels;
    int classes;
    nlg_class_map map;
    const char *const *names; /* NULL: none known */
} predictor;

typedef struct prediction {
    int class[TOP];
    double probability[TOP];
    int count;
} prediction;

static void rank(const float *logits, int classes, prediction *p) {
    float largest = logits[0];
    double sum = 0;
    for (int i = 1; i < classes; i++)
        if (logits[i] > largest) largest = logits[i];
    for (int i = 0; i < classes; i++) sum += nlg_exp((double)logits[i] - (double)largest);
    p->count = 0;
    for (int i = 0; i < classes; i++) {
        double probability = nlg_exp((double)logits[i] - (double)largest) / sum;
        int place = p->count;
        while (place > 0 && p->probability[place - 1] < probability) place--;
        if (place >= TOP) continue;
        int last = p->count < TOP ? p->count++ : TOP - 1;
        for (int j = last; j > place; j--) {
            p->class[j] = p->class[j - 1];
            p->probability[j] = p->probability[j - 1];
        }
        p->class[place] = i;
        p->probability[place] = probability;
    }
}

static nlg_status predict_image(predictor *q, const char *file, prediction *p, nlg_error *err) {
    nlg_image image;
    NLG_TRY(nlg_image_read(file, &image, err));
    nlg_status status = nlg_image_prepare(&image, &q->recipe, q->pixels, err);
    nlg_image_release(&image);
    NLG_TRY(status);
    nlg_tensor x = nlg_plan_input(q->plan);
    nlg_image_normalise(q->pixels, (size_t)nlg_tensor_pixels(&x), q->mean, q->std, x.data);
    nlg_plan_forward(q->plan, 1, nlg_rng_seed(0));
    rank(nlg_plan_output(q->plan, 0).data, q->classes, p);
    return NLG_OK;
}

static void add_json(cJSON *list, const predictor *q, const char *file, const prediction *p) {
    cJSON *row = nlg_json_object_in(list);
    nlg_json_text(row, "file", file);
    cJSON *top = cJSON_AddArrayToObject(row, "top5");
    for (int i = 0; i < p->count; i++) {
        cJSON *entry = nlg_json_object_in(top);
        nlg_json_number(entry, "class", p->class[i]);
        nlg_json_text(entry, "name", q->names ? q->names[p->class[i]] : NULL);
        nlg_json_number(entry, "probability", p->probability[i]);
    }
}

static void print_text(const predictor *q, const char *file, const prediction *p) {
    printf("%s\n", file);
    for (int i = 0; i < p->count; i++)
        printf("  %6.2f%%  %d %s\n", 100 * p->probability[i], p->class[i], q -> names ? q -> names[p->class[i]] : "");
}

static nlg_status predict_all(const nlg_invocation *call, predictor *q, cJSON *list, nlg_error *err) {
    const predict_options *o = call->options;
    int skipped = 0, images = call->n_arguments - 1;
    for (int i = 1; i <= images; i++) {
        prediction p;
        nlg_error broken = {0};
        if (predict_image(q, call->arguments[i], &p, &broken) != NLG_OK) {
            if (o->strict || broken.status == NLG_ERR_MEMORY) return nlg_fail(err, broken.status, "%s", broken.text);
            fprintf(stderr, "left out: %s\n", broken.text);
            skipped++;
        } else if (list) {
            add_json(list, q, call->arguments[i], &p);
        } else {
            print_text(q, call->arguments[i], &p);
        }
    }
    if (skipped == images) return nlg_fail(err, NLG_ERR_INPUT, "none of the %d images could be read", images);
    if (skipped) fprintf(stderr, "%d of %d images left out\n", skipped, images);
    return NLG_OK;
}

/* --- the run --- */

/* How images are prepared: as the weight file says, else as the network's row. */
static nlg_status find_preparation(const nlg_weights_source *source, const nlg_network *network, predictor *q, nlg_error *err) {
    const nlg_weights_facts *facts = &source->facts;
    nlg_model_preprocessing(network->model, &q->recipe, q->mean, q->std);
    if (!facts->known) return NLG_OK;
    if (facts->c != 3 || facts->h != facts->w || facts->pad)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: was trained on images of %d x %d x %d (C x H x W) with a border of %d, to which photographs cannot be "
                        "cut; expected squares of 3 channels",
                        source->path, facts->c, facts->h, facts->w, facts->pad);
    q->recipe =
        (nlg_image_recipe){.crop = facts->h, .resize = facts->image_size ? facts->resize : facts->h, .filter = facts->filter};
    for (int c = 0; c < 3; c++) {
        q->mean[c] = facts->raw ? 0 : facts->mean[c];
        q->std[c] = facts->raw ? 1 : facts->std[c];
    }
    return NLG_OK;
}

/* The network with as many outputs as the file has, or as were asked for. */
static nlg_status open_network(const nlg_invocation *call, const nlg_weights_source *source, nlg_network *network, nlg_error *err) {
    const predict_options *o = call->options;
    const nlg_weights_facts *facts = &source->facts;
    NLG_TRY(nlg_weights_source_network(source, call->arguments[0], call->settings.genotype, network, err));
    nlg_shape input = network->model->input;
    if (facts->known) input = (nlg_shape){.h = facts->h + 2 * facts->pad, .w = facts->w + 2 * facts->pad, .c = facts->c};
    NLG_TRY(nlg_network_complete(network, input, 0, err));
    const int classes = o->classes ? o->classes : nlg_weights_source_classes(source, network->graph);
    if (!classes || classes == nlg_network_classes(network->graph)) return NLG_OK;
    nlg_graph_destroy(network->graph);
    network->graph = NULL;
    return nlg_network_complete(network, input, classes, err);
}

static nlg_status prepare(const nlg_invocation *call, const nlg_weights_source *source, const nlg_network *network,
                          const nlg_exec *exec, nlg_weights *weights, predictor *q, nlg_error *err) {
    const predict_options *o = call->options;
    const nlg_graph *graph = network->graph;
    nlg_shape out = graph->nodes[graph->outputs[0]].shape;
    if (network->input.c != 3 || out.h != 1 || out.w != 1)
        return nlg_fail(err, NLG_ERR_INPUT, "model %s does not classify photographs (input of %d channels, output %dx%dx%d)",
                        network->title, network->input.c, out.h, out.w, out.c);
    q->classes = out.c;
    NLG_TRY(find_preparation(source, network, q, err));
    NLG_TRY(open_labels(o->labels, source, network->model, q->classes, &q->map, &q->names, err));
    size_t bytes;
    NLG_TRY(nlg_inference_measure(network, exec, 1, call->settings.memory_limit, &bytes, err));
    NLG_TRY(nlg_weights_create(graph, weights, err));
    NLG_TRY(
        nlg_weights_load(weights, o->weights, &(nlg_load_options){.allow_missing_aux = true, .problem = nlg_print_misfit}, err));
    nlg_plan_options plan = {.batch = 1, .mode = NLG_INFER};
    NLG_TRY(nlg_plan_create(graph, exec, &plan, weights, NULL, &q->plan, err));
    bytes = (size_t)q->recipe.crop * (size_t)q->recipe.crop * 3;
    q->pixels = nlg_alloc(bytes, 1);
    return q->pixels ? NLG_OK : nlg_fail_memory(err, bytes, "an image");
}

static nlg_status predict(const nlg_invocation *call, predictor *q, nlg_error *err) {
    if (!call->settings.json) return predict_all(call, q, NULL, err);
    cJSON *list = cJSON_CreateArray();
    nlg_status status = list ? predict_all(call, q, list, err) : nlg_fail_memory(err, 0, "the JSON document");
    if (status == NLG_OK) return nlg_json_print(list, err);
    cJSON_Delete(list);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const predict_options *o = call->options;
    if (!o->weights) return nlg_fail(err, NLG_ERR_INPUT, "--weights FILE is required; --help shows an example");
    nlg_network network = {0};
    nlg_exec exec = {0};
    nlg_weights weights = {0};
    nlg_weights_source source;
    predictor q = {0};
    nlg_status status = nlg_weights_source_open(o->weights, &source, err);
    if (status == NLG_OK) status = open_network(call, &source, &network, err);
    if (status == NLG_OK) status = nlg_exec_open(&call->settings, &exec, err);
    if (status == NLG_OK) status = prepare(call, &source, &network, &exec, &weights, &q, err);
    if (status == NLG_OK) status = predict(call, &q, err);
    nlg_free(q.pixels);
    nlg_class_map_close(&q.map);
    nlg_plan_destroy(q.plan);
    nlg_weights_destroy(&weights);
    nlg_exec_close(&exec);
    nlg_network_close(&network);
    nlg_weights_source_close(&source);
    return status;
}

const nlg_command nlg_command_predict = {
    .name = "predict",
    .summary = "Print the five most probable classes of photographs",
    .arguments = "MODEL IMAGE...",
    .min_arguments = 2,
    .max_arguments = -1,
    .help =
        "JPEG and PNG; resized, cropped and normalised as the weight file says (weights of lineage train), else as the network's "
        "row "
        "(lineage show MODEL). Number and names of the classes are the file's.\n\n"
        "Example:\n  lineage predict tf_efficientnet_lite0 --weights efficientnet-lite0.safetensors --labels imagenet.txt cat.jpg",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_GENOTYPE,
    .options_size = sizeof(predict_options),
    .option = option,
    .run = run,
};
