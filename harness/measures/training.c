/* A network and a data set that fit together. */
#include "harness/measures/training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "train/detection.h"

void nlg_model_preprocessing(const nlg_model *model, nlg_image_recipe *recipe, float mean[3], float std[3]) {
    static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f}, imagenet_std[3] = {0.229f, 0.224f, 0.225f};
    const nlg_preprocessing *p = &model->preprocessing;
    double fraction = p->crop_fraction > 0 ? (double)p->crop_fraction : 0.875;
    bool own = p->std[0] > 0;
    *recipe = (nlg_image_recipe){.crop = model->input.h,
                                 /* floor, as timm does; the fraction is a rounded float */
                                 .resize = p->resize ? p->resize : (int)(model->input.h / fraction + 1e-3),
                                 .filter = p->interpolation == NLG_BICUBIC ? NLG_FILTER_BICUBIC : NLG_FILTER_BILINEAR};
    memcpy(mean, own ? p->mean : imagenet_mean, 3 * sizeof *mean);
    memcpy(std, own ? p->std : imagenet_std, 3 * sizeof *std);
}

bool nlg_is_for_photographs(const nlg_model *model) {
    return model->input.c == 3 && model->input.h > 64;
}

static void complete_options(const nlg_model *model, const char *data, nlg_dataset_options *options) {
    const nlg_dataset_format *format = NULL;
    if (nlg_dataset_format_find(data, &format, NULL) == NLG_OK && nlg_dataset_format_targets(format) == NLG_TARGET_OBJECTS &&
        model->input.c == 3) {
        nlg_image_recipe unused;
        if (!options->image_size) options->image_size = model->input.h;
        options->category_ids = model->classes > 90; /* torchvision's 91 */
        if (!(options->std[0] > 0)) nlg_model_preprocessing(model, &unused, options->mean, options->std);
    }
    if (strncmp(data, "imagefolder", 11) != 0 || !nlg_is_for_photographs(model)) return;
    nlg_image_recipe recipe;
    float mean[3], std[3];
    nlg_model_preprocessing(model, &recipe, mean, std);
    if (!options->image_size) {
        options->image_size = recipe.crop;
        if (!options->resize) options->resize = recipe.resize;
    }
    options->filter = recipe.filter;
    if (!(options->std[0] > 0)) {
        memcpy(options->mean, mean, sizeof mean);
        memcpy(options->std, std, sizeof std);
    }
}

static int border(const nlg_model *model, const nlg_dataset_info *info) {
    enum { LARGEST = 4 };
    int missing = model->input.h - info->h;
    bool fits = model->input.c == info->c && missing == model->input.w - info->w && missing % 2 == 0;
    return fits && missing > 0 && missing <= 2 * LARGEST ? missing / 2 : 0;
}

/* ---- weights that exist ------------------------------------------------------------------------------------------------- */

nlg_status nlg_weights_source_open(const char *path, nlg_weights_source *source, nlg_error *err) {
    *source = (nlg_weights_source){.path = path};
    NLG_TRY(nlg_safetensors_open(path, false, &source->file, err));
    return nlg_weights_facts_read(&source->file, &source->facts, err);
}

void nlg_weights_source_close(nlg_weights_source *source) {
    nlg_weights_facts_free(&source->facts);
    nlg_safetensors_close(&source->file);
}

static nlg_status refuse_other_cells(const nlg_weights_source *source, const nlg_network *network, nlg_error *err) {
    char *text = NULL;
    NLG_TRY(nlg_network_genotype(network, &text, err));
    nlg_status status = NLG_OK;
    if (text && strcmp(text, source->facts.genotype) != 0)
        status =
            nlg_fail(err, NLG_ERR_INPUT, "%s: these weights are of the cells \"%.200s\", not of \"%.200s\"; leave --genotype out",
                     source->path, source->facts.genotype, text);
    nlg_free(text);
    return status;
}

nlg_status nlg_weights_source_network(const nlg_weights_source *source, const char *name, const char *genotype,
                                      nlg_network *network, nlg_error *err) {
    const nlg_weights_facts *facts = &source->facts;
    const bool own = !genotype && facts->known && facts->genotype && strncmp(name, "trial:", 6) != 0;
    NLG_TRY(nlg_network_find(name, own ? facts->genotype : genotype, network, err));
    if (!facts->known) return NLG_OK;
    if (facts->model[0] && strcmp(facts->model, network->model->name) != 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: these weights are of %s, not %s; give %s", source->path, facts->model,
                        network->model->name, facts->model);
    if (own) fprintf(stderr, "cells of the weights: %.100s\n", facts->genotype);
    return genotype && facts->genotype ? refuse_other_cells(source, network, err) : NLG_OK;
}

const char *nlg_network_head(const nlg_graph *graph, char text[256]) {
    int node = graph->outputs[0];
    while (node > 0 && graph->nodes[node].n_params == 0 && graph->nodes[node].n_inputs > 0) node = graph->nodes[node].inputs[0];
    text[0] = '\0';
    if (graph->nodes[node].n_params == 0) return text;
    const char *name = graph->params[graph->nodes[node].params[0]].name, *dot = strrchr(name, '.');
    snprintf(text, 256, "%.*s", dot ? (int)(dot - name) : 0, name);
    return text;
}

int nlg_network_classes(const nlg_graph *graph) {
    nlg_detector detector;
    return nlg_detector_of(graph, "", &detector, NULL) == NLG_OK ? detector.classes : graph->nodes[graph->outputs[0]].shape.c;
}

int nlg_weights_source_classes(const nlg_weights_source *source, const nlg_graph *graph) {
    char head[256], name[300];
    snprintf(name, sizeof name, "%s.weight", nlg_network_head(graph, head));
    const nlg_safetensor *tensor = nlg_safetensors_find(&source->file, name);
    if (!tensor || tensor->rank < 1 || tensor->shape[0] < 1 || tensor->shape[0] > 1 << 20) return 0;
    const int each = graph->nodes[graph->outputs[0]].shape.c / nlg_network_classes(graph); /* a detector's: one for each anchor */
    return (int)tensor->shape[0] / each;
}

/* ---- a network and a data set ------------------------------------------------------------------------------------------- */

static void take_preparation(const nlg_weights_facts *facts, const char *data, nlg_dataset_options *o) {
    const bool folder = strncmp(data, "imagefolder", 11) == 0, square = facts->h == facts->w;
    const int own_size = facts->image_size ? facts->image_size : square ? facts->h : 0;
    if (folder && !o->image_size) {
        o->image_size = own_size;
        if (!o->resize) o->resize = facts->resize;
    } else if (folder && facts->image_size && o->image_size != own_size) {
        fprintf(stderr, "warning: the weights were trained on images of %d x %d, not %d x %d\n", facts->w, facts->h, o->image_size,
                o->image_size);
    }
    if (folder) o->filter = facts->filter;
    if (facts->c > 3) return;
    memcpy(o->mean, facts->mean, sizeof o->mean);
    memcpy(o->std, facts->std, sizeof o->std);
}

static nlg_status check_classes(const nlg_weights_source *source, const nlg_dataset_info *info, nlg_error *err) {
    const nlg_weights_facts *facts = &source->facts;
    if (!facts->classes || !info->class_names) return NLG_OK;
    for (int i = 0; i < info->classes; i++)
        if (i >= facts->n_classes || strcmp(info->class_names[i], facts->classes[i]) != 0)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: these weights are for the classes of %s (output %d: %s), %s has others (%s)",
                            source->path, facts->data, i, i < facts->n_classes ? facts->classes[i] : "none", info->name,
                            info->class_names[i]);
    return NLG_OK;
}

static void say_left_out(const char *data, const nlg_dataset_info *info, uint32_t from) {
    enum { MOST = 10 };
    for (uint32_t i = from; i < info->skipped && i < from + MOST; i++) fprintf(stderr, "left out: %s\n", info->skipped_files[i]);
    if (info->skipped > from + MOST)
        fprintf(stderr, "left out: %u more (lineage data info %s lists those of training)\n", info->skipped - from - MOST, data);
}

static nlg_status open_data(const nlg_weights_source *source, const char *data, const nlg_dataset_options *options,
                            nlg_fitted *fitted, nlg_error *err) {
    const nlg_model *model = fitted->network.model;
    nlg_dataset_options complete = *options;
    const nlg_weights_facts *facts = source && source->facts.known ? &source->facts : NULL;
    if (facts) take_preparation(facts, data, &complete);
    complete_options(model, data, &complete);
    if (facts && facts->classes && !complete.n_classes) {
        complete.classes = facts->classes;
        complete.n_classes = facts->n_classes;
    }
    NLG_TRY(nlg_dataset_open(data, &complete, &fitted->dataset, err));
    const nlg_dataset_info *info = fitted->info = nlg_dataset_describe(fitted->dataset);
    say_left_out(data, info, 0);
    if (info->repeated)
        fprintf(stderr, "%s: %u pictures are there more than once, the first: %s\n", data, info->repeated, info->repeat);
    if (info->numeric_classes) fprintf(stderr, "%s: the class folders are numbers and taken in their order: 0, 1, 2, 10\n", data);
    fitted->pad = facts && facts->h == info->h && facts->w == info->w ? facts->pad
                  : fitted->network.space                             ? 0
                                          : border(model, info); /* spaces take the images as they are */
    fitted->raw = facts && facts->raw;
    return facts && !options->n_classes ? check_classes(source, info, err) : NLG_OK;
}

static nlg_status build(const nlg_weights_source *source, const char *data, nlg_fitted *fitted, nlg_error *err) {
    const nlg_dataset_info *info = fitted->info;
    if (info->h == 0 || info->w == 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: holds no training images that would tell the size of images, nor does %s; give --image-size P", data,
                        source ? "the weight file" : "the network");
    const nlg_shape input = {.h = info->h + 2 * fitted->pad, .w = info->w + 2 * fitted->pad, .c = info->c};
    NLG_TRY(nlg_network_complete(&fitted->network, input, info->classes, err));
    const int outputs = source ? nlg_weights_source_classes(source, fitted->network.graph) : 0;
    if (!outputs || outputs == info->classes || info->targets != NLG_TARGET_LABEL) return NLG_OK;
    return nlg_fail(
        err, NLG_ERR_INPUT,
        "%s: has %d outputs, %s has %d classes; say which outputs these are by --class-map FILE (a line for each output; "
        "\"imagenet\" for ImageNet's 1000)",
        source->path, outputs, data, info->classes);
}

nlg_status nlg_fitted_open_for(const nlg_weights_source *source, const char *name, const char *genotype, const char *data,
                               const nlg_dataset_options *options, nlg_fitted *fitted, nlg_error *err) {
    *fitted = (nlg_fitted){0};
    if (source)
        NLG_TRY(nlg_weights_source_network(source, name, genotype, &fitted->network, err));
    else
        NLG_TRY(nlg_network_find(name, genotype, &fitted->network, err));
    NLG_TRY(open_data(source, data, options, fitted, err));
    const nlg_status status = build(source, data, fitted, err);
    return status == NLG_OK ? status : nlg_fail_at(err, "data %s", data);
}

nlg_status nlg_fitted_open(const char *name, const char *genotype, const char *data, const nlg_dataset_options *options,
                           nlg_fitted *fitted, nlg_error *err) {
    return nlg_fitted_open_for(NULL, name, genotype, data, options, fitted, err);
}

const char *nlg_normalisation_source(const nlg_fitted *fitted, const nlg_weights_source *source) {
    if (source && source->facts.known) return "the weight file";
    if (strncmp(fitted->info->name, "imagefolder", 11) != 0) return "the training images";
    if (nlg_is_for_photographs(fitted->network.model)) return "the network's row";
    return fitted->info->train ? "the training images, since the weight file tells none"
                               : "ImageNet, since neither the weight file nor training images tell any";
}

void nlg_fitted_close(nlg_fitted *fitted) {
    nlg_network_close(&fitted->network);
    if (fitted->dataset) nlg_dataset_close(fitted->dataset);
    fitted->dataset = NULL;
}

nlg_status nlg_inference_measure(const nlg_network *network, const nlg_exec *exec, int batch, size_t memory_limit, size_t *bytes,
                                 nlg_error *err) {
    nlg_plan_options plan = {
        .batch = batch, .mode = NLG_INFER, .memory_limit = memory_limit, .other_bytes = nlg_weights_bytes(network->graph)};
    NLG_TRY(nlg_plan_measure(network->graph, exec, &plan, bytes, err));
    *bytes += plan.other_bytes;
    return NLG_OK;
}

nlg_status nlg_fitted_open_test(nlg_fitted *fitted, nlg_error *err) {
    const uint32_t skipped = fitted->info->skipped;
    NLG_TRY(nlg_dataset_open_test(fitted->dataset, err));
    fitted->info = nlg_dataset_describe(fitted->dataset);
    say_left_out(fitted->info->name, fitted->info, skipped);
    if (fitted->info->test_folder) {
        fprintf(stderr, "%s opened: %u images, SHA-256 %s\n", fitted->info->test_folder, fitted->info->test,
                fitted->info->test_digest);
        return NLG_OK;
    }
    fprintf(stderr, "test split of %s opened: %u images, SHA-256 %s\n", fitted->info->name, fitted->info->test,
            fitted->info->test_digest);
    return NLG_OK;
}

void nlg_print_evaluation(const nlg_task_type *task, const char *split, const nlg_evaluation *result) {
    for (int i = 0; i < nlg_task_metrics(task); i++) {
        if (isnan(result->value[i]))
            printf("%s %s: n/a (no ground truth in range)\n", split, nlg_task_metric(task, i));
        else
            printf("%s %s: %.4f\n", split, nlg_task_metric(task, i), result->value[i]);
    }
    if (result->stray_detections > 0)
        printf("%lld detections in classes without ground truth, which no figure shows\n", (long long)result->stray_detections);
}
