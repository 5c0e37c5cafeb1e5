/* lineage detect: the objects in a photograph. */
#include <math.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/measures/class_map.h"
#include "harness/measures/training.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/picture.h"
#include "layers/base/memory.h"
#include "layers/graph/weights_file.h"
#include "train/detection.h"

typedef struct detect_options {
    const char *weights, *labels, *out;
    double threshold;
    int most;
} detect_options;

enum { KEY_WEIGHTS = 0x100, KEY_LABELS, KEY_OUT, KEY_THRESHOLD, KEY_MOST };
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Weights in safetensors form, names as torchvision's (required)", 0},
    {"labels", KEY_LABELS, "FILE", 0, "Class names, one a line (default: those of the weight file)", 0},
    {"out", KEY_OUT, "FILE", 0, "Write the image with the boxes on it to this PNG file", 0},
    {"threshold", KEY_THRESHOLD, "P", 0, "Lowest score (default 0.3)", 0},
    {"most", KEY_MOST, "N", 0, "So many detections at most (default 100)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    detect_options *o = where;
    switch (key) {
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_LABELS:
        o->labels = value;
        return NLG_OK;
    case KEY_OUT:
        o->out = value;
        return NLG_OK;
    case KEY_THRESHOLD:
        return nlg_option_number("--threshold", value, 1e-6, 0.999999, &o->threshold, err);
    default:
        return nlg_option_int("--most", value, 1, 10000, &o->most, err);
    }
}

typedef struct finder {
    const nlg_network *network;
    nlg_detector detector;
    nlg_plan *plan;
    nlg_class_map map;
    const char *const *names; /* NULL: none known */
    float mean[3], std[3];
    nlg_image image;
    uint8_t *pixels; /* as the network takes them */
    nlg_detection *found;
    int count;
} finder;

/* Given ones, or those of the file. */
static nlg_status open_names(const char *path, const nlg_weights_source *source, finder *f, nlg_error *err) {
    const int classes = f->detector.classes;
    if (!path) {
        if (source->facts.classes && source->facts.n_classes == classes) f->names = source->facts.classes;
        return NLG_OK;
    }
    NLG_TRY(nlg_class_map_open(path, &f->map, err));
    f->names = f->map.names;
    if (f->map.count == classes) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %d class names, one a line, found %d", path, classes, f->map.count);
}

/* The network for the images and the classes that the weights were trained with; without that knowledge, the row's images and as
 * many classes as the file has. */
static nlg_status open_network(const nlg_invocation *call, const nlg_weights_source *source, nlg_network *network, finder *f,
                               nlg_error *err) {
    const nlg_weights_facts *facts = &source->facts;
    nlg_image_recipe unused;
    NLG_TRY(nlg_weights_source_network(source, call->arguments[0], call->settings.genotype, network, err));
    nlg_shape input = network->model->input;
    nlg_model_preprocessing(network->model, &unused, f->mean, f->std);
    if (facts->known && facts->c == 3) {
        input = (nlg_shape){.h = facts->h + 2 * facts->pad, .w = facts->w + 2 * facts->pad, .c = 3};
        for (int c = 0; c < 3; c++) f->mean[c] = facts->raw ? 0 : facts->mean[c], f->std[c] = facts->raw ? 1 : facts->std[c];
    }
    NLG_TRY(nlg_network_complete(network, input, 0, err));
    NLG_TRY(nlg_detector_of(network->graph, network->model->name, &f->detector, err));
    const int classes = nlg_weights_source_classes(source, network->graph);
    if (classes == 0 || classes == f->detector.classes) return NLG_OK;
    nlg_graph_destroy(network->graph);
    network->graph = NULL;
    NLG_TRY(nlg_network_complete(network, input, classes, err));
    return nlg_detector_of(network->graph, network->model->name, &f->detector, err);
}

static nlg_status prepare(const nlg_invocation *call, const nlg_weights_source *source, const nlg_exec *exec, nlg_weights *weights,
                          finder *f, nlg_error *err) {
    const detect_options *o = call->options;
    const nlg_graph *graph = f->network->graph;
    nlg_load_options load = {.allow_missing_aux = true, .problem = nlg_print_misfit};
    size_t bytes;
    NLG_TRY(open_names(o->labels, source, f, err));
    NLG_TRY(nlg_inference_measure(f->network, exec, 1, call->settings.memory_limit, &bytes, err));
    NLG_TRY(nlg_weights_create(graph, weights, err));
    NLG_TRY(nlg_weights_load(weights, o->weights, &load, err));
    NLG_TRY(nlg_plan_create(graph, exec, &(nlg_plan_options){.batch = 1, .mode = NLG_INFER}, weights, NULL, &f->plan, err));
    bytes = (size_t)f->network->input.h * (size_t)f->network->input.w * 3;
    f->pixels = nlg_alloc(bytes, 1);
    f->found = nlg_alloc((size_t)o->most, sizeof *f->found);
    return f->pixels && f->found ? NLG_OK : nlg_fail_memory(err, bytes, "an image");
}

/* Boxes in pixels of the photograph. */
static nlg_status find(const detect_options *o, finder *f, nlg_error *err) {
    const nlg_detect_options how = {.threshold = o->threshold, .overlap = 0.5, .candidates = 1000, .most = o->most};
    uint8_t border[3];
    double scale;
    nlg_tensor x = nlg_plan_input(f->plan);
    for (int c = 0; c < 3; c++) border[c] = (uint8_t)lround(255 * (double)f->mean[c]);
    NLG_TRY(nlg_image_fit(&f->image, x.h, x.w, NLG_FILTER_BILINEAR, border, f->pixels, &scale, err));
    nlg_image_normalise(f->pixels, (size_t)nlg_tensor_pixels(&x), f->mean, f->std, x.data);
    nlg_plan_forward(f->plan, 1, nlg_rng_seed(0));
    NLG_TRY(nlg_detect(&f->detector, f->plan, 0, &how, f->found, &f->count, err));
    for (int i = 0; i < f->count; i++) {
        nlg_detection *d = &f->found[i];
        const double right = fmin((d->x + d->w) / scale, f->image.w), bottom = fmin((d->y + d->h) / scale, f->image.h);
        d->x = fmin(d->x / scale, f->image.w), d->y = fmin(d->y / scale, f->image.h);
        d->w = right - d->x, d->h = bottom - d->y;
    }
    return NLG_OK;
}

static const char *name_of(const finder *f, int label, char text[16]) {
    if (f->names) return f->names[label];
    snprintf(text, 16, "%d", label);
    return text;
}

static nlg_status draw(finder *f, const char *path, nlg_error *err) {
    const int larger = f->image.h > f->image.w ? f->image.h : f->image.w, factor = larger < 320 ? (511 + larger) / larger : 1;
    const int shown = larger * factor, scale = shown < 900 ? 1 : shown / 600, line = shown < 900 ? 2 : shown / 400;
    nlg_image picture;
    NLG_TRY(nlg_picture_create(f->image.h * factor, f->image.w * factor, &picture, err));
    nlg_picture_paste(&picture, 0, 0, &f->image, factor);
    for (int i = f->count - 1; i >= 0; i--) { /* the best on top */
        const nlg_detection *d = &f->found[i];
        const nlg_colour colour = nlg_class_colour(d->label);
        char name[16], text[128];
        snprintf(text, sizeof text, "%.100s %.2f", name_of(f, d->label, name), d->score);
        nlg_picture_frame(&picture, d->x * factor, d->y * factor, d->w * factor, d->h * factor, line, colour);
        const int y = (int)(d->y * factor) - line - 9 * scale;
        nlg_picture_text(&picture, (int)(d->x * factor) - line, y < 0 ? 0 : y, text, scale, nlg_ink_on(colour), colour);
    }
    nlg_status status = nlg_image_write_png(path, &picture, err);
    nlg_image_release(&picture);
    return status;
}

static nlg_status print_json(const finder *f, const char *file, nlg_error *err) {
    cJSON *doc = cJSON_CreateObject();
    nlg_json_text(doc, "model", f->network->model->name);
    nlg_json_text(doc, "file", file);
    nlg_json_number(doc, "width", f->image.w);
    nlg_json_number(doc, "height", f->image.h);
    cJSON *list = cJSON_AddArrayToObject(doc, "detections");
    for (int i = 0; i < f->count; i++) {
        const nlg_detection *d = &f->found[i];
        const double box[4] = {d->x, d->y, d->w, d->h};
        cJSON *row = nlg_json_object_in(list);
        nlg_json_number(row, "class", d->label);
        nlg_json_text(row, "name", f->names ? f->names[d->label] : NULL);
        nlg_json_number(row, "score", d->score);
        cJSON_AddItemToObject(row, "bbox", cJSON_CreateDoubleArray(box, 4));
    }
    return nlg_json_print(doc, err);
}

static nlg_status answer(const nlg_invocation *call, finder *f, nlg_error *err) {
    const detect_options *o = call->options;
    NLG_TRY(find(o, f, err));
    if (o->out) NLG_TRY(draw(f, o->out, err));
    if (o->out) fprintf(stderr, "%s written\n", o->out);
    if (call->settings.json) return print_json(f, call->arguments[1], err);
    printf("%s: %d objects with a score of %g and more\n", call->arguments[1], f->count, o->threshold);
    for (int i = 0; i < f->count; i++) {
        const nlg_detection *d = &f->found[i];
        char name[16];
        printf("  %5.1f%%  %-16s  x %.1f  y %.1f  width %.1f  height %.1f\n", 100 * d->score, name_of(f, d->label, name), d->x,
               d->y, d->w, d->h);
    }
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const detect_options *o = call->options;
    if (!o->weights) return nlg_fail(err, NLG_ERR_INPUT, "--weights FILE is required; --help shows an example");
    nlg_network network = {0};
    nlg_weights_source source;
    nlg_exec exec = {0};
    nlg_weights weights = {0};
    finder f = {.network = &network};
    nlg_status status = nlg_weights_source_open(o->weights, &source, err);
    if (status == NLG_OK) status = open_network(call, &source, &network, &f, err);
    if (status == NLG_OK) status = nlg_image_read(call->arguments[1], &f.image, err);
    if (status == NLG_OK) status = nlg_exec_open(&call->settings, &exec, err);
    if (status == NLG_OK) status = prepare(call, &source, &exec, &weights, &f, err);
    if (status == NLG_OK) status = answer(call, &f, err);
    nlg_image_release(&f.image);
    nlg_class_map_close(&f.map);
    nlg_free(f.pixels);
    nlg_free(f.found);
    nlg_plan_destroy(f.plan);
    nlg_weights_destroy(&weights);
    nlg_exec_close(&exec);
    nlg_network_close(&network);
    nlg_weights_source_close(&source);
    return status;
}

const nlg_command nlg_command_detect = {
    .name = "detect",
    .summary = "Find objects in a photograph: boxes, classes and scores",
    .arguments = "MODEL IMAGE",
    .min_arguments = 2,
    .max_arguments = 2,
    .help =
        "JPEG and PNG; the whole image is resized to fit the network's input. Boxes are left, top, width and height in pixels of "
        "the photograph.\n\n"
        "Example:\n  lineage detect retinanet_resnet50_fpn --weights retinanet.safetensors street.jpg --out boxed.png",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_GENOTYPE,
    .defaults = &(const detect_options){.threshold = 0.3, .most = 100},
    .options_size = sizeof(detect_options),
    .option = option,
    .run = run,
};
