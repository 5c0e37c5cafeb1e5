/* lineage eval: top-1 and top-5 of a weight file on a data set. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/provenance.h"
#include "harness/query/stats.h"
#include "harness/measures/class_map.h"
#include "harness/measures/training.h"
#include "harness/commands/training_options.h"
#include "layers/graph/weights_file.h"
#include "train/train.h"

typedef struct eval_options {
    const char *weights, *class_map;
    nlg_training_options training;
    int split; /* -1: not given */
    int exit;
} eval_options;

static const char *const splits[] = {"validation", "test", NULL};
enum {
    KEY_WEIGHTS = 0x100,
    KEY_SPLIT,
    KEY_IMAGE_SIZE,
    KEY_RESIZE,
    KEY_STRICT,
    KEY_CLASS_MAP,
    KEY_EXIT,
};
static const struct argp_option options[] = {
    {"weights", KEY_WEIGHTS, "FILE", 0, "Weights in safetensors form, names as torchvision's or timm's (required)", 0},
    NLG_OPTION_DATA(0),
    {"split", KEY_SPLIT, "SPLIT", 0,
     "validation or test. Default: of a folder its val/, "
     "else its test/, else the class folders in it; else validation, which is cut from training",
     0},
    {"class-map", KEY_CLASS_MAP, "FILE", 0,
     "What the outputs mean, a line for each: name, synset (n01440764) or both; \"imagenet\" "
     "comes with the program. Folders of some of the classes are matched by name, synset or number",
     0},
    {"exit", KEY_EXIT, "K", 0, "Score what the K-th auxiliary head says (default 0: the end of the network)", 0},
    {"batch", NLG_KEY_BATCH, "B", 0, "Images per step (default 32); the result does not depend on it", 0},
    {"image-size", KEY_IMAGE_SIZE, "P", 0, "Side of the crop in pixels (default: the network's own)", 0},
    {"resize", KEY_RESIZE, "P", 0, "Shorter side before the crop in pixels (default: the network's own)", 0},
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
    case KEY_CLASS_MAP:
        o->class_map = value;
        return NLG_OK;
    case KEY_SPLIT:
        return nlg_option_choice("--split", value, splits, &o->split, err);
    case KEY_EXIT:
        return nlg_option_int("--exit", value, 0, NLG_GRAPH_MAX_OUTPUTS, &o->exit, err);
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

/* --- which images --- */

typedef struct scored {
    nlg_split split;
    char name[32];      /* "val", "test", "validation" */
    const char *folder; /* NULL: no folder of its own */
    bool cut;           /* from the training images */
} scored;

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* A folder is opened for scoring alone, unless only its training images tell mean and deviation. */
static nlg_scored folder_to_score(const eval_options *o, const nlg_weights_source *source, const nlg_model *model) {
    if (strncmp(o->training.data, "imagefolder", 11) != 0) return NLG_SCORED_NONE;
    if (!source->facts.known && !(model && nlg_is_for_photographs(model))) return NLG_SCORED_NONE;
    return o->split < 0 ? NLG_SCORED_BEST : o->split ? NLG_SCORED_TEST : NLG_SCORED_VAL;
}

static nlg_status choose_split(const eval_options *o, nlg_fitted *fitted, scored *s, nlg_error *err) {
    const bool folder = strncmp(o->training.data, "imagefolder", 11) == 0;
    const bool own_validation = fitted->info->validation_folder != NULL, trained = fitted->info->train > 0;
    const bool test = folder ? !trained || o->split > 0 || (o->split < 0 && !own_validation) : o->split > 0;
    *s = (scored){.split = test ? NLG_SPLIT_TEST : NLG_SPLIT_VALIDATION};
    if (test) NLG_TRY(nlg_fitted_open_test(fitted, err));
    s->folder = test ? fitted->info->test_folder : fitted->info->validation_folder;
    s->cut = !test && !own_validation;
    snprintf(s->name, sizeof s->name, "%s", s->folder && (trained || folder) ? last_part(s->folder) : splits[test]);
    if (strcmp(s->name, "val") != 0) snprintf(s->name, sizeof s->name, "%s", splits[test]);
    return NLG_OK;
}

/* --- results --- */

static void print_head(const nlg_fitted *fitted, const nlg_evaluation *e, const scored *s) {
    char left_out[64] = "";
    const uint32_t skipped = fitted->info->skipped;
    if (skipped) snprintf(left_out, sizeof left_out, ", %u %s left out", skipped, skipped == 1 ? "file" : "files");
    printf("%s on %s, ", fitted->network.title, fitted->info->name);
    if (s->folder)
        printf("folder %s: %u images%s\n", s->folder, e->images, left_out);
    else
        printf("%s split%s: %u images%s\n", s->name, s->cut ? " (cut from training)" : "", e->images, left_out);
}

static void add_preparation(cJSON *doc, const nlg_fitted *fitted, const nlg_weights_source *source) {
    const nlg_dataset_info *info = fitted->info;
    const nlg_dataset_options *o = info->options;
    cJSON *p = cJSON_AddObjectToObject(doc, "preprocessing");
    if (o->image_size) {
        nlg_json_number(p, "crop", o->image_size);
        nlg_json_number(p, "resize", o->resize ? o->resize : o->image_size);
        nlg_json_text(p, "interpolation", o->filter == NLG_FILTER_BICUBIC ? "bicubic" : "bilinear");
    }
    nlg_json_number(p, "border", fitted->pad);
    cJSON *mean = cJSON_AddArrayToObject(p, "mean"), *std = cJSON_AddArrayToObject(p, "std");
    for (int i = 0; i < info->c; i++) {
        cJSON_AddItemToArray(mean, cJSON_CreateNumber((double)info->mean[i]));
        cJSON_AddItemToArray(std, cJSON_CreateNumber((double)info->std[i]));
    }
    nlg_json_text(p, "normalisation_of", nlg_normalisation_source(fitted, source));
}

static nlg_status print_result(const nlg_invocation *call, const nlg_fitted *fitted, const nlg_weights_source *source,
                               const nlg_evaluation *e, const scored *s, nlg_error *err) {
    const eval_options *o = call->options;
    const nlg_task_type *task = nlg_task_for(fitted->info);
    const bool counted = nlg_task_counts_hits(task);
    const char *names[2] = {"top1", "top5"};
    const uint32_t counts[2] = {e->top1, e->top5};
    if (!call->settings.json) {
        print_head(fitted, e, s);
        if (!counted) nlg_print_evaluation(task, s->name, e);
        for (int i = 0; counted && i < 2; i++) {
            nlg_interval w = nlg_wilson(counts[i], e->images);
            printf("%s: %.4f (95%%: %.4f to %.4f)\n", names[i], (double)counts[i] / e->images, w.low, w.high);
        }
        printf("loss: %.4f\n", e->loss);
        return NLG_OK;
    }
    cJSON *doc = cJSON_CreateObject();
    nlg_json_text(doc, "model", fitted->network.title);
    nlg_json_text(doc, "weights", o->weights);
    nlg_json_text(doc, "data", fitted->info->name);
    nlg_json_text(doc, "split", s->name);
    nlg_json_text(doc, "folder", s->folder);
    cJSON_AddBoolToObject(doc, "cut_from_training", s->cut);
    nlg_json_number(doc, "images", e->images);
    nlg_json_number(doc, "skipped", fitted->info->skipped);
    cJSON *left_out = cJSON_AddArrayToObject(doc, "left_out");
    for (uint32_t i = 0; i < fitted->info->skipped; i++)
        cJSON_AddItemToArray(left_out, cJSON_CreateString(fitted->info->skipped_files[i]));
    add_preparation(doc, fitted, source);
    for (int i = 0; !counted && i < nlg_task_metrics(task); i++) nlg_json_number(doc, nlg_task_metric(task, i), e->value[i]);
    for (int i = 0; counted && i < 2; i++) {
        nlg_json_number(doc, names[i], (double)counts[i] / e->images);
        cJSON_AddItemToObject(doc, i ? "top5_interval" : "top1_interval", interval_json(nlg_wilson(counts[i], e->images)));
    }
    nlg_json_number(doc, "loss", e->loss);
    nlg_provenance_add(doc, call, NULL);
    return nlg_json_print(doc, err);
}

/* --- the run --- */

typedef struct evaluation {
    nlg_weights_source source;
    nlg_class_map map;
    nlg_fitted fitted;
    nlg_exec exec;
    nlg_weights weights;
} evaluation;

static nlg_status open_all(const nlg_invocation *call, evaluation *v, nlg_error *err) {
    const eval_options *o = call->options;
    nlg_dataset_options data = o->training.dataset;
    const nlg_model *model = NULL; /* stays NULL for a network of a search space */
    NLG_TRY(nlg_weights_source_open(o->weights, &v->source, err));
    (void)nlg_model_find(call->arguments[0], &model, NULL);
    if (o->class_map) {
        NLG_TRY(nlg_class_map_open(o->class_map, &v->map, err));
        data.classes = v->map.names;
        data.class_keys = v->map.keys;
        data.n_classes = v->map.count;
        data.class_numbers = true;
    }
    data.scored = folder_to_score(o, &v->source, model);
    NLG_TRY(nlg_fitted_open_for(&v->source, call->arguments[0], call->settings.genotype, o->training.data, &data, &v->fitted, err));
    return nlg_exec_open(&call->settings, &v->exec, err);
}

static nlg_status evaluate(const nlg_invocation *call, evaluation *v, nlg_error *err) {
    const eval_options *o = call->options;
    nlg_fitted *fitted = &v->fitted;
    nlg_load_options load = {.allow_missing_aux = true, .problem = nlg_print_misfit};
    nlg_evaluation result;
    nlg_augmentation border = {.pad = fitted->pad, .raw = fitted->raw};
    size_t bytes;
    scored s;
    const int exits = nlg_graph_exits(fitted->network.graph);
    if (o->exit > exits) return nlg_fail(err, NLG_ERR_INPUT, "--exit: expected 0 (the end) to %d, found %d", exits, o->exit);
    NLG_TRY(nlg_inference_measure(&fitted->network, &v->exec, o->training.batch, call->settings.memory_limit, &bytes, err));
    NLG_TRY(nlg_weights_create(fitted->network.graph, &v->weights, err));
    NLG_TRY(nlg_weights_load(&v->weights, o->weights, &load, err));
    fprintf(stderr, "%s: %.1f MiB (%zu bytes)\n", fitted->network.title, (double)bytes / (1 << 20), bytes);
    NLG_TRY(choose_split(o, fitted, &s, err));
    fprintf(stderr, "mean and deviation: of %s\n", nlg_normalisation_source(fitted, &v->source));
    const nlg_evaluation_options how = {.split = s.split, .batch = o->training.batch, .exit = o->exit, .preprocessing = &border};
    NLG_TRY(nlg_evaluate(fitted->network.graph, &v->weights, fitted->dataset, &how, &v->exec, &result, err));
    if (!isfinite(result.loss))
        return nlg_fail(err, NLG_ERR_NUMERIC, "%s: the loss on %s is %g, the network's output is not finite; check the weights",
                        o->weights, fitted->info->name, result.loss);
    return print_result(call, fitted, &v->source, &result, &s, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const eval_options *o = call->options;
    if (!o->weights) return nlg_fail(err, NLG_ERR_INPUT, "--weights FILE is required; --help shows an example");
    if (o->training.dataset.image_size || o->training.dataset.resize)
        fprintf(stderr, "warning: not the network's own preprocessing (lineage show %s)\n", call->arguments[0]);
    evaluation v = {0};
    nlg_status status = open_all(call, &v, err);
    if (status == NLG_OK) status = evaluate(call, &v, err);
    nlg_weights_destroy(&v.weights);
    nlg_exec_close(&v.exec);
    nlg_fitted_close(&v.fitted);
    nlg_class_map_close(&v.map);
    nlg_weights_source_close(&v.source);
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
    .defaults = &(const eval_options){.training = {.data = "fashion-mnist", .batch = 32}, .split = -1},
    .options_size = sizeof(eval_options),
    .option = option,
    .run = run,
};
