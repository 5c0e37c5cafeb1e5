/* lineage predict: the five most probable classes of photographs. */
#include <stdio.h>
#include <string.h>

#include "datasets/image.h"
#include "harness/command.h"
#include "harness/labels.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/measures/training.h"
#include "layers/base/dmath.h"
#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "layers/graph/weights_file.h"

enum { TOP = 5 };

typedef struct predict_options {
    const char *weights, *labels;
    bool strict;
} predict_options;

enum { KEY_WEIGHTS = 0x100, KEY_LABELS, KEY_STRICT };
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Weights in safetensors form, names as torchvision's or timm's (required)", 0},
    {"labels", KEY_LABELS, "FILE", 0, "Class names, one a line", 0},
    {"strict", KEY_STRICT, NULL, 0, "Refuse broken images instead of leaving them out", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    (void)err;
    predict_options *o = where;
    switch (key) {
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_LABELS:
        o->labels = value;
        return NLG_OK;
    default:
        o->strict = true;
        return NLG_OK;
    }
}

/* --- one image --- */

typedef struct predictor {
    nlg_image_recipe recipe;
    float mean[3], std[3];
    nlg_plan *plan;
    uint8_t *pixels;
    int classes;
    nlg_labels labels;
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
        nlg_json_text(entry, "name", q->labels.name ? q->labels.name[p->class[i]] : NULL);
        nlg_json_number(entry, "probability", p->probability[i]);
    }
}

static void print_text(const predictor *q, const char *file, const prediction *p) {
    printf("%s\n", file);
    for (int i = 0; i < p->count; i++)
        printf("  %6.2f%%  %d %s\n", 100 * p->probability[i], p->class[i], q -> labels.name ? q->labels.name[p->class[i]] : "");
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

static nlg_status prepare(const nlg_invocation *call, const nlg_network *network, const nlg_exec *exec, nlg_weights *weights,
                          predictor *q, nlg_error *err) {
    const predict_options *o = call->options;
    const nlg_graph *graph = network->graph;
    nlg_shape out = graph->nodes[graph->outputs[0]].shape;
    if (network->input.c != 3 || out.h != 1 || out.w != 1)
        return nlg_fail(err, NLG_ERR_INPUT, "model %s does not classify photographs (input of %d channels, output %dx%dx%d)",
                        network->model->name, network->input.c, out.h, out.w, out.c);
    q->classes = out.c;
    nlg_model_preprocessing(network->model, &q->recipe, q->mean, q->std);
    NLG_TRY(nlg_labels_read(o->labels, q->classes, &q->labels, err));
    size_t bytes;
    NLG_TRY(nlg_inference_measure(network, exec, 1, call->settings.memory_limit, &bytes, err));
    NLG_TRY(nlg_weights_create(graph, weights, err));
    NLG_TRY(
        nlg_weights_load(weights, o->weights, &(nlg_load_options){.allow_missing_aux = true, .problem = nlg_print_misfit}, err));
    nlg_plan_options plan = {.batch = 1, .mode = NLG_INFER};
    NLG_TRY(nlg_plan_create(graph, exec, &plan, weights, NULL, &q->plan, err));
    bytes = (size_t)network->input.h * (size_t)network->input.w * 3;
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
    nlg_network network;
    nlg_exec exec = {0};
    nlg_weights weights = {0};
    predictor q = {0};
    nlg_status status = nlg_network_open(call->arguments[0], call->settings.genotype, (nlg_shape){0}, 0, &network, err);
    if (status == NLG_OK) status = nlg_exec_open(&call->settings, &exec, err);
    if (status == NLG_OK) status = prepare(call, &network, &exec, &weights, &q, err);
    if (status == NLG_OK) status = predict(call, &q, err);
    nlg_free(q.pixels);
    nlg_labels_release(&q.labels);
    nlg_plan_destroy(q.plan);
    nlg_weights_destroy(&weights);
    nlg_exec_close(&exec);
    nlg_network_close(&network);
    return status;
}

const nlg_command nlg_command_predict = {
    .name = "predict",
    .summary = "Print the five most probable classes of photographs",
    .arguments = "MODEL IMAGE...",
    .min_arguments = 2,
    .max_arguments = -1,
    .help =
        "JPEG and PNG; resized, cropped and normalised as the network's row says (lineage show MODEL).\n\n"
        "Example:\n  lineage predict tf_efficientnet_lite0 --weights efficientnet-lite0.safetensors --labels imagenet.txt cat.jpg",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_GENOTYPE,
    .options_size = sizeof(predict_options),
    .option = option,
    .run = run,
};
