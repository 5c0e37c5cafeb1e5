/* A network and a data set that fit together. */
#include "harness/measures/training.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/graph/plan.h"

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

static bool is_for_photographs(const nlg_model *model) {
    return model->input.c == 3 && model->input.h > 64;
}

static void complete_options(const nlg_model *model, const char *data, nlg_dataset_options *options) {
    if (strncmp(data, "imagefolder", 11) != 0 || !is_for_photographs(model)) return;
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

nlg_status nlg_fitted_open(const char *name, const char *genotype, const char *data, const nlg_dataset_options *options,
                           nlg_fitted *fitted, nlg_error *err) {
    *fitted = (nlg_fitted){0};
    nlg_dataset_options complete = *options;
    NLG_TRY(nlg_network_find(name, genotype, &fitted->network, err));
    const nlg_model *model = fitted->network.model;
    complete_options(model, data, &complete);
    NLG_TRY(nlg_dataset_open(data, &complete, &fitted->dataset, err));
    const nlg_dataset_info *info = fitted->info = nlg_dataset_describe(fitted->dataset);
    if (info->skipped) fprintf(stderr, "%s: %u files left out, the first: %s\n", data, info->skipped, info->skipped_files[0]);
    fitted->pad = fitted->network.space ? 0 : border(model, info); /* spaces take the images as they are */
    nlg_shape input = {.h = info->h + 2 * fitted->pad, .w = info->w + 2 * fitted->pad, .c = info->c};
    nlg_status status = nlg_network_complete(&fitted->network, input, info->classes, err);
    return status == NLG_OK ? status : nlg_fail_at(err, "data %s", data);
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
    NLG_TRY(nlg_dataset_open_test(fitted->dataset, err));
    fitted->info = nlg_dataset_describe(fitted->dataset);
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
