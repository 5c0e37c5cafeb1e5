/* lineage eval: top-1 and top-5 of a weight file on a data set. */
#include <math.h>
#include <stdio.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/claims/stats.h"
#include "harness/measures/training.h"
#include "harness/commands/training_options.h"
#include "layers/graph/weights_file.h"
#include "train/train.h"

typedef struct eval_options {
    const char *weights;
    nlg_training_options training;
    int split;
} eval_options;

static const char *const splits[] = {"validation", "test", NULL};
enum {
    KEY_WEIGHTS = 0x100,
    KEY_SPLIT,
    KEY_IMAGE_SIZE,
    KEY_RESIZE,
    KEY_STRICT,
};
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Weights in safetensors form, names as torchvision's or timm's (required)", 0},
    NLG_OPTION_DATA(0),
    {"split", KEY_SPLIT, "SPLIT", 0, "validation (default) or test", 0},
    {"batch", NLG_KEY_BATCH, "B", 0, "Images per step (default 32); the result does not depend on it", 0},
    {"image-size", KEY_IMAGE_SIZE, "P", 0, "Crop of an image folder, against the network's own", 0},
    {"resize", KEY_RESIZE, "P", 0, "Shorter side before the crop, against the network's own", 0},
    NLG_OPTION_SPLIT_SEED(0),
    {"validation-images", NLG_KEY_VALIDATION_IMAGES, "N", 0, "Images cut from training for validation (default 5000, or a tenth)",
     0},
    {"strict", KEY_STRICT, NULL, 0, "Refuse broken image files instead of leaving them out", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    eval_options *o = where;
    if (nlg_is_training_option(key)) return nlg_training_option(&o->training, key, value, err);
    switch (key) {
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_SPLIT:
        return nlg_option_choice("--split", value, splits, &o->split, err);
    case KEY_IMAGE_SIZE:
        return nlg_option_int("--image-size", value, 1, 4096, &o->training.dataset.image_size, err);
    case KEY_RESIZE:
        return nlg_option_int("--resize", value, 1, 4096, &o->training.dataset.resize, err);
    default:
        o->training.dataset.strict = true;
        return NLG_OK;
    }
}

static cJSON *interval_json(nlg_interval i) {
    const double ends[2] = {i.low, i.high};
    return cJSON_CreateDoubleArray(ends, 2);
}

static nlg_status print_result(const nlg_invocation *call, const nlg_fitted *fitted, const nlg_evaluation *e, nlg_error *err) {
    const eval_options *o = call->options;
    const nlg_task_type *task = nlg_task_for(fitted->info);
    const bool counted = nlg_task_counts_hits(task);
    const char *model = fitted->network.title, *names[2] = {"top1", "top5"};
    const uint32_t counts[2] = {e->top1, e->top5};
    if (!call->settings.json) {
        printf("%s on %s, %s split: %u images%s\n", model, fitted->info->name, splits[o->split], e->images,
               fitted->info->skipped ? ", broken files left out" : "");
        if (!counted) nlg_print_evaluation(task, splits[o->split], e);
        for (int i = 0; counted && i < 2; i++) {
            nlg_interval w = nlg_wilson(counts[i], e->images);
            printf("%s: %.4f (95%%: %.4f to %.4f)\n", names[i], (double)counts[i] / e->images, w.low, w.high);
        }
        printf("loss: %.4f\n", e->loss);
        return NLG_OK;
    }
    cJSON *doc = cJSON_CreateObject();
    nlg_json_text(doc, "model", fitted->network.model->name);
    nlg_json_text(doc, "weights", o->weights);
    nlg_json_text(doc, "data", fitted->info->name);
    nlg_json_text(doc, "split", splits[o->split]);
    nlg_json_number(doc, "images", e->images);
    nlg_json_number(doc, "skipped", fitted->info->skipped);
    for (int i = 0; !counted && i < nlg_task_metrics(task); i++) nlg_json_number(doc, nlg_task_metric(task, i), e->value[i]);
    for (int i = 0; counted && i < 2; i++) {
        nlg_json_number(doc, names[i], (double)counts[i] / e->images);
        cJSON_AddItemToObject(doc, i ? "top5_interval" : "top1_interval", interval_json(nlg_wilson(counts[i], e->images)));
    }
    nlg_json_number(doc, "loss", e->loss);
    return nlg_json_print(doc, err);
}

static nlg_status evaluate(const nlg_invocation *call, nlg_fitted *fitted, const nlg_exec *exec, nlg_weights *weights,
                           nlg_error *err) {
    const eval_options *o = call->options;
    nlg_load_options load = {.allow_missing_aux = true, .problem = nlg_print_misfit};
    nlg_evaluation result;
    nlg_augmentation border = {.pad = fitted->pad};
    size_t bytes;
    NLG_TRY(nlg_inference_measure(&fitted->network, exec, o->training.batch, call->settings.memory_limit, &bytes, err));
    NLG_TRY(nlg_weights_create(fitted->network.graph, weights, err));
    NLG_TRY(nlg_weights_load(weights, o->weights, &load, err));
    fprintf(stderr, "%s: %.1f MiB (%zu bytes)\n", fitted->network.title, (double)bytes / (1 << 20), bytes);
    if (o->split == 1) NLG_TRY(nlg_fitted_open_test(fitted, err));
    NLG_TRY(nlg_evaluate(fitted->network.graph, weights, fitted->dataset, o->split == 1 ? NLG_SPLIT_TEST : NLG_SPLIT_VALIDATION,
                         o->training.batch, &border, exec, &result, err));
    if (!isfinite(result.loss))
        return nlg_fail(err, NLG_ERR_NUMERIC, "%s: the loss on %s is %g, the network's output is not finite; check the weights",
                        o->weights, fitted->info->name, result.loss);
    return print_result(call, fitted, &result, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const eval_options *o = call->options;
    if (!o->weights) return nlg_fail(err, NLG_ERR_INPUT, "--weights FILE is required; --help shows an example");
    if (o->training.dataset.image_size || o->training.dataset.resize)
        fprintf(stderr, "warning: not the network's own preprocessing (lineage show %s)\n", call->arguments[0]);
    nlg_fitted fitted;
    nlg_exec exec = {0};
    nlg_weights weights = {0};
    nlg_status status =
        nlg_fitted_open(call->arguments[0], call->settings.genotype, o->training.data, &o->training.dataset, &fitted, err);
    if (status == NLG_OK) status = nlg_exec_open(&call->settings, &exec, err);
    if (status == NLG_OK) status = evaluate(call, &fitted, &exec, &weights, err);
    nlg_weights_destroy(&weights);
    nlg_exec_close(&exec);
    nlg_fitted_close(&fitted);
    return status;
}

const nlg_command nlg_command_eval = {
    .name = "eval",
    .summary = "Evaluate a weight file on a data set: top 1 and top 5 with intervals",
    .arguments = "MODEL",
    .min_arguments = 1,
    .max_arguments = 1,
    .help =
        "Photographs in a folder are resized, cropped and normalised as the network's row says (lineage show MODEL); every image "
        "counts once. Intervals are Wilson's, 95%.\n\n"
        "Examples:\n  lineage eval resnet50 --weights resnet50.safetensors --data imagefolder:imagenet\n"
        "  lineage eval lenet5_small --weights lenet5.safetensors --data mnist --split test",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_GENOTYPE,
    .defaults = &(const eval_options){.training = {.data = "fashion-mnist", .batch = 32}},
    .options_size = sizeof(eval_options),
    .option = option,
    .run = run,
};
