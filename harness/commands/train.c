/* lineage train: train one network on one data set. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "harness/provenance.h"
#include "harness/query/stats.h"
#include "harness/measures/training.h"
#include "harness/commands/training_options.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "train/train.h"

typedef struct train_options {
    const char *checkpoint, *weights;
    nlg_training_options training;
    int optimizer, schedule;
    double momentum, weight_decay, warmup, smoothing, clip, ema; /* negative: the recipe's default */
    nlg_detection_loss detection;                                /* the same */
    int shift, cutout;
    bool no_augment, no_flip, test;
} train_options;

enum {
    KEY_IMAGE_SIZE = 0x100,
    KEY_OPTIMIZER,
    KEY_MOMENTUM,
    KEY_DECAY,
    KEY_SCHEDULE,
    KEY_WARMUP,
    KEY_SMOOTHING,
    KEY_CLIP,
    KEY_EMA,
    KEY_SHIFT,
    KEY_CUTOUT,
    KEY_NO_FLIP,
    KEY_NO_AUGMENT,
    KEY_CHECKPOINT,
    KEY_TEST,
    KEY_ALPHA,
    KEY_GAMMA,
    KEY_BETA,
    KEY_PRIOR,
    KEY_WEIGHTS,
};
static const struct argp_option options[] = {
    NLG_OPTION_DATA(0),
    {"epochs", NLG_KEY_EPOCHS, "E", 0, "Passes over the training images (default 5)", 0},
    {"train-images", NLG_KEY_TRAIN_IMAGES, "N", 0, "Use the first N of the permuted training images (default: all)", 0},
    {"validation-images", NLG_KEY_VALIDATION_IMAGES, "N", 0, "Images cut from training for validation (default 5000, or a tenth)",
     0},
    NLG_OPTION_SPLIT_SEED(0),
    {"image-size", KEY_IMAGE_SIZE, "P", 0, "Resize and crop the images of a folder to P x P", 0},
    {"checkpoint", KEY_CHECKPOINT, "FILE", 0, "Save here (safetensors) after each epoch and on Ctrl-C, and continue from here", 0},
    {"weights", KEY_WEIGHTS, "FILE", 0,
     "Start from these weights (fine-tuning); with other classes than theirs the last layer is new", 0},
    {"test", KEY_TEST, NULL, 0, "Evaluate once on the test split at the end", 0},
    {NULL, 0, NULL, 0, "Recipe:", 1},
    {"batch", NLG_KEY_BATCH, "B", 0, "Images per step (default 64; detectors 16)", 2},
    {"optimizer", KEY_OPTIMIZER, "O", 0, "sgd (default, Nesterov), adam, adamw (default of detectors) or rmsprop", 2},
    {"lr", NLG_KEY_LR, "R", 0,
     "Highest learning rate (default 0.1, or 0.02 without batch norm; adam and adamw 0.001, rmsprop 0.01; "
     "detectors with adamw 0.002)",
     2},
    {"momentum", KEY_MOMENTUM, "M", 0, "For sgd and rmsprop (default 0.9)", 2},
    {"weight-decay", KEY_DECAY, "D", 0, "On weights of rank 2 and more (default 5e-4; detectors 0.01)", 2},
    {"schedule", KEY_SCHEDULE, "S", 0, "constant, step, cosine (default) or exponential", 2},
    {"warmup", KEY_WARMUP, "E", 0, "Epochs of linear warm-up (default 0.5)", 2},
    {"label-smoothing", KEY_SMOOTHING, "P", 0, "Default 0", 2},
    {"clip", KEY_CLIP, "N", 0, "Largest norm of the gradient (default: none; detectors 10)", 2},
    {"ema", KEY_EMA, "D", 0, "Decay of averaged weights (default: none)", 2},
    {"shift", KEY_SHIFT, "P", 0, "Augmentation: shift by up to P pixels (default 2)", 2},
    {"cutout", KEY_CUTOUT, "P", 0, "Augmentation: blank a square of P pixels (default 0)", 2},
    {"no-flip", KEY_NO_FLIP, NULL, 0, "Augmentation: no mirror images", 2},
    {"no-augment", KEY_NO_AUGMENT, NULL, 0, "No augmentation at all", 2},
    {NULL, 0, NULL, 0, "Detectors:", 3},
    {"focal-alpha", KEY_ALPHA, "A", 0, "Focal loss: weight of the objects' anchors (default 0.25)", 4},
    {"focal-gamma", KEY_GAMMA, "G", 0, "Focal loss: exponent (default 2; 0 is cross entropy)", 4},
    {"box-beta", KEY_BETA, "B", 0, "Smooth L1: where it becomes linear (default 1/9; 0 is L1)", 4},
    {"prior", KEY_PRIOR, "P", 0, "Score of every anchor before training (default 0.01)", 4},
    {0},
};

static const char *const optimizers[] = {"sgd", "adam", "adamw", "rmsprop", NULL};
static const char *const schedules[] = {"constant", "step", "cosine", "exponential", NULL};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    train_options *o = where;
    if (nlg_is_training_option(key)) return nlg_training_option(&o->training, key, value, err);
    switch (key) {
    case KEY_CHECKPOINT:
        o->checkpoint = value;
        return NLG_OK;
    case KEY_WEIGHTS:
        o->weights = value;
        return NLG_OK;
    case KEY_IMAGE_SIZE:
        return nlg_option_int("--image-size", value, 1, 4096, &o->training.dataset.image_size, err);
    case KEY_OPTIMIZER:
        return nlg_option_choice("--optimizer", value, optimizers, &o->optimizer, err);
    case KEY_SCHEDULE:
        return nlg_option_choice("--schedule", value, schedules, &o->schedule, err);
    case KEY_MOMENTUM:
        return nlg_option_number("--momentum", value, 0, 1, &o->momentum, err);
    case KEY_DECAY:
        return nlg_option_number("--weight-decay", value, 0, 1e3, &o->weight_decay, err);
    case KEY_WARMUP:
        return nlg_option_number("--warmup", value, 0, 1e5, &o->warmup, err);
    case KEY_SMOOTHING:
        return nlg_option_number("--label-smoothing", value, 0, 1, &o->smoothing, err);
    case KEY_CLIP:
        return nlg_option_number("--clip", value, 0, 1e9, &o->clip, err);
    case KEY_EMA:
        return nlg_option_number("--ema", value, 0, 1, &o->ema, err);
    case KEY_SHIFT:
        return nlg_option_int("--shift", value, 0, 64, &o->shift, err);
    case KEY_CUTOUT:
        return nlg_option_int("--cutout", value, 0, 4096, &o->cutout, err);
    case KEY_ALPHA:
        return nlg_option_number("--focal-alpha", value, 0, 1, &o->detection.alpha, err);
    case KEY_GAMMA:
        return nlg_option_number("--focal-gamma", value, 0, 100, &o->detection.gamma, err);
    case KEY_BETA:
        return nlg_option_number("--box-beta", value, 0, 100, &o->detection.beta, err);
    case KEY_PRIOR:
        return nlg_option_number("--prior", value, 1e-9, 0.999, &o->detection.prior, err);
    case KEY_NO_FLIP:
        o->no_flip = true;
        return NLG_OK;
    case KEY_NO_AUGMENT:
        o->no_augment = true;
        return NLG_OK;
    default:
        o->test = true;
        return NLG_OK;
    }
}

static double given_or(double given, double otherwise) {
    return given >= 0 ? given : otherwise;
}

static bool is_normalised(const nlg_graph *graph) {
    for (int i = 1; i < graph->n_nodes; i++)
        if (graph->nodes[i].op->reduce) return true; /* statistics of the batch */
    return false;
}

static nlg_recipe make_recipe(const train_options *o, const nlg_task_type *task, const nlg_graph *graph, int pad) {
    nlg_recipe r = nlg_task_recipe(task);
    const double rates[] = {is_normalised(graph) && !r.detects ? 0.1 : 0.02, 1e-3, r.detects ? r.lr : 1e-3, 1e-2};
    if (o->optimizer >= 0) r.optimizer.kind = (nlg_optimizer_kind)o->optimizer;
    r.optimizer.momentum = given_or(o->momentum, r.optimizer.momentum);
    r.optimizer.weight_decay = given_or(o->weight_decay, r.optimizer.weight_decay);
    r.schedule = (nlg_schedule_kind)o->schedule;
    r.lr = given_or(o->training.lr, rates[r.optimizer.kind]);
    r.warmup_epochs = given_or(o->warmup, r.warmup_epochs);
    r.label_smoothing = given_or(o->smoothing, r.label_smoothing);
    r.clip_norm = given_or(o->clip, r.clip_norm);
    r.ema_decay = given_or(o->ema, r.ema_decay);
    r.epochs = o->training.epochs;
    if (o->training.batch) r.batch = o->training.batch;
    r.detection = (nlg_detection_loss){.alpha = given_or(o->detection.alpha, r.detection.alpha),
                                       .gamma = given_or(o->detection.gamma, r.detection.gamma),
                                       .beta = given_or(o->detection.beta, r.detection.beta),
                                       .prior = given_or(o->detection.prior, r.detection.prior)};
    r.augment = true;
    if (o->no_augment) r.augmentation = (nlg_augmentation){0};
    if (o->no_flip) r.augmentation.flip = false;
    if (!o->no_augment && o->shift >= 0) r.augmentation.shift = o->shift;
    if (!o->no_augment) r.augmentation.cutout = o->cutout;
    r.augmentation.pad = pad;
    return r;
}

typedef struct watcher {
    nlg_progress progress;
    int epochs;
    const char *score; /* "accuracy", "ap" */
} watcher;

static bool show_progress(void *context, int epoch, double fraction, const nlg_epoch_record *r) {
    watcher *w = context;
    double rate = r->seconds > 0 ? (double)r->images / r->seconds : 0;
    if (fraction < 1) {
        nlg_progress_update(&w->progress, (epoch + fraction) / w->epochs, "epoch %d/%d: loss %.4f, %.0f images/s", epoch + 1,
                            w->epochs, r->loss, rate);
    } else {
        char training[64] = "";
        if (isfinite(r->train_score)) snprintf(training, sizeof training, ", training %s %.4f", w->score, r->train_score);
        nlg_progress_line(&w->progress, "epoch %d/%d: loss %.4f%s, validation %s %.4f, %.1f s, %.0f images/s", epoch + 1, w->epochs,
                          r->loss, training, w->score, r->val_score, r->seconds, rate);
    }
    return !nlg_interrupted();
}

/* --- results --- */

typedef struct train_result {
    char digest[65];
    double val_score;
    bool tested;
    nlg_evaluation test;
} train_result;

static nlg_status finish(const train_options *o, nlg_fitted *fitted, const nlg_trainer *trainer, const nlg_recipe *recipe,
                         const nlg_exec *exec, train_result *result, nlg_error *err) {
    enum { TEST_BATCH = 128 };
    int epochs = nlg_trainer_epochs(trainer);
    result->val_score = epochs ? nlg_trainer_record(trainer, epochs - 1)->val_score : (double)NAN;
    NLG_TRY(nlg_weights_digest(nlg_trainer_weights(trainer), result->digest, err));
    if (!o->test) return NLG_OK;
    NLG_TRY(nlg_fitted_open_test(fitted, err));
    result->tested = true;
    const nlg_evaluation_options how = {.split = NLG_SPLIT_TEST, .batch = TEST_BATCH, .preprocessing = &recipe->augmentation};
    return nlg_evaluate(fitted->network.graph, nlg_trainer_weights(trainer), fitted->dataset, &how, exec, &result->test, err);
}

/* "val_accuracy" and the like. */
static void add_metric(cJSON *object, const char *split, const char *metric, double value) {
    char name[64];
    snprintf(name, sizeof name, "%s_%s", split, metric);
    nlg_json_number(object, name, value);
}

static void add_provenance(cJSON *doc, const nlg_invocation *call, const nlg_fitted *fitted, const nlg_recipe *recipe,
                           const nlg_exec *exec) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, call->settings.seed);
    cJSON *p = nlg_provenance_add(doc, call, exec);
    nlg_json_text(p, "seed", seed);
    cJSON *data = cJSON_AddObjectToObject(p, "data"), *how = cJSON_AddObjectToObject(p, "recipe");
    if (data) nlg_recipe_add_data(data, fitted->dataset);
    if (how) nlg_recipe_add(how, recipe);
    if (fitted->info->test) nlg_json_text(data, "test_digest", fitted->info->test_digest);
}

static nlg_status print_json(const nlg_invocation *call, const nlg_fitted *fitted, const nlg_trainer *trainer,
                             const nlg_recipe *recipe, const nlg_exec *exec, const train_result *result, nlg_error *err) {
    const train_options *o = call->options;
    char warning[256];
    const nlg_network *network = &fitted->network;
    const nlg_task_type *task = nlg_task_for(fitted->info);
    const char *score = nlg_task_metric(task, 0);
    char *genotype = NULL;
    if (network->arena) NLG_TRY(nlg_network_genotype(network, &genotype, err));
    cJSON *doc = cJSON_CreateObject();
    nlg_json_text(doc, "model", network->model->name);
    if (genotype) nlg_json_text(doc, "genotype", genotype);
    nlg_free(genotype);
    nlg_json_number(doc, "params", (double)network->cost.params);
    nlg_json_number(doc, "macs", (double)network->cost.macs);
    cJSON *epochs = cJSON_AddArrayToObject(doc, "epochs");
    for (int i = 0; i < nlg_trainer_epochs(trainer); i++) {
        const nlg_epoch_record *r = nlg_trainer_record(trainer, i);
        cJSON *row = nlg_json_object_in(epochs);
        nlg_json_number(row, "loss", r->loss);
        if (nlg_task_counts_hits(task)) add_metric(row, "train", score, r->train_score);
        add_metric(row, "val", score, r->val_score);
        nlg_json_number(row, "seconds", r->seconds);
    }
    add_metric(doc, "val", score, result->val_score);
    if (result->tested && nlg_task_counts_hits(task)) add_metric(doc, "test", score, result->test.value[0]);
    for (int i = 0; result->tested && !nlg_task_counts_hits(task) && i < nlg_task_metrics(task); i++)
        add_metric(doc, "test", nlg_task_metric(task, i), result->test.value[i]);
    nlg_json_text(doc, "digest", result->digest);
    nlg_json_text(doc, "warning", nlg_trainer_warning(trainer, warning));
    nlg_json_text(doc, "weights", o->checkpoint);
    if (o->weights) nlg_json_text(doc, "started_from", o->weights);
    cJSON_AddItemToObject(doc, "schedules", cJSON_Parse(nlg_trainer_schedules(trainer)));
    add_provenance(doc, call, fitted, recipe, exec);
    return nlg_json_print(doc, err);
}

static void print_accuracy(const char *what, double accuracy, uint32_t images) {
    nlg_interval i = nlg_wilson((uint64_t)(accuracy * images + 0.5), images);
    printf("%s accuracy: %.4f (95%%: %.4f to %.4f, %u images)\n", what, accuracy, i.low, i.high, images);
}

static void print_text(const nlg_fitted *fitted, const train_result *result) {
    const nlg_network *network = &fitted->network;
    printf("%s on %s: %lld parameters, %lld MACs\n", network->title, fitted->info->name, (long long)network->cost.params,
           (long long)network->cost.macs);
    if (nlg_task_counts_hits(nlg_task_for(fitted->info))) {
        if (fitted->info->validation && isfinite(result->val_score))
            print_accuracy("validation", result->val_score, fitted->info->validation);
        if (result->tested) print_accuracy("test", result->test.value[0], result->test.images);
    } else {
        if (fitted->info->validation)
            printf("validation %s: %.4f (%u images)\n", nlg_task_metric(nlg_task_for(fitted->info), 0), result->val_score,
                   fitted->info->validation);
        if (result->tested) nlg_print_evaluation(nlg_task_for(fitted->info), "test", &result->test);
    }
    printf("digest: %s\n", result->digest);
}

/* Behind the results, on standard error: what their reader must know. */
static void print_notes(const train_options *o, const nlg_trainer *trainer) {
    char warning[256];
    if (nlg_trainer_warning(trainer, warning)) fprintf(stderr, "warning: %s\n", warning);
    cJSON *list = cJSON_Parse(nlg_trainer_schedules(trainer)), *item;
    const int count = cJSON_GetArraySize(list);
    if (count > 1) {
        fprintf(stderr, "note: not the weights of one run: the cosine schedule was of");
        cJSON_ArrayForEach(item, list) {
            const cJSON *epochs = cJSON_GetObjectItem(item, "epochs"), *from = cJSON_GetObjectItem(item, "from");
            fprintf(stderr, "%s %g epochs from epoch %g on", item == list->child ? "" : ", of", cJSON_GetNumberValue(epochs),
                    cJSON_GetNumberValue(from));
        }
        fputc('\n', stderr);
    }
    cJSON_Delete(list);
    if (o->checkpoint)
        fprintf(stderr, "weights: %s (%s.state is only needed to continue)\n", o->checkpoint, o->checkpoint);
    else
        fprintf(stderr, "weights: not kept; --checkpoint FILE keeps them\n");
}

/* --- the run --- */

/* The layer that is new because the file's is for another number of classes; "" if none is. */
static const char *find_new_head(const nlg_weights_source *source, const nlg_fitted *fitted, char head[256]) {
    const nlg_graph *graph = fitted->network.graph;
    const int outputs = nlg_weights_source_classes(source, graph), classes = nlg_network_classes(graph);
    if (outputs == classes || !outputs) return head[0] = '\0', head;
    fprintf(stderr, "%s: has %d outputs, %s has %d classes: layer %s is new\n", source->path, outputs, fitted->info->name, classes,
            nlg_network_head(graph, head));
    return head;
}

static nlg_status train_with(const nlg_invocation *call, nlg_fitted *fitted, const nlg_weights_source *source, const nlg_exec *exec,
                             nlg_error *err) {
    const train_options *o = call->options;
    char *genotype = NULL, head[256];
    watcher watch = {.epochs = o->training.epochs, .score = nlg_task_metric(nlg_task_for(fitted->info), 0)};
    nlg_trainer_options how = {.recipe = make_recipe(o, nlg_task_for(fitted->info), fitted->network.graph, fitted->pad),
                               .model = fitted->network.model->name,
                               .seed = call->settings.seed,
                               .memory_limit = call->settings.memory_limit,
                               .checkpoint = o->checkpoint,
                               .progress = show_progress,
                               .progress_context = &watch};
    nlg_trainer *trainer = NULL;
    if (o->weights) {
        how.weights = o->weights;
        how.new_head = find_new_head(source, fitted, head);
    }
    if (fitted->network.arena) NLG_TRY(nlg_network_genotype(&fitted->network, &genotype, err));
    how.genotype = genotype;
    nlg_status status = nlg_trainer_create(fitted->network.graph, fitted->dataset, exec, &how, &trainer, err);
    if (status != NLG_OK) {
        nlg_free(genotype);
        return status;
    }
    int done = nlg_trainer_epochs(trainer);
    fprintf(stderr, "%s on %s: %u training and %u validation images, %.1f MiB (%zu bytes) for training, %d threads, %s%s\n",
            fitted->network.title, fitted->info->name, fitted->info->train, fitted->info->validation,
            (double)nlg_trainer_bytes(trainer) / (1 << 20), nlg_trainer_bytes(trainer), nlg_team_size(exec->team),
            nlg_isa_name(exec->isa), exec->backend == NLG_BACKEND_OPENBLAS ? ", backend openblas" : "");
    if (nlg_trainer_continued(trainer)) fprintf(stderr, "continuing from %s after epoch %d\n", o->checkpoint, done);
    if (nlg_trainer_repaired(trainer))
        fprintf(stderr, "%s was missing or older than its state and is written anew\n", o->checkpoint);
    nlg_progress_start(&watch.progress);
    status = nlg_trainer_run(trainer, err);
    nlg_progress_end(&watch.progress);
    if (status == NLG_ERR_INTERRUPTED && !o->checkpoint)
        fprintf(stderr, "nothing was saved; with --checkpoint FILE the next run continues\n");
    train_result result = {0};
    if (status == NLG_OK) status = finish(o, fitted, trainer, &how.recipe, exec, &result, err);
    if (status == NLG_OK && call->settings.json)
        status = print_json(call, fitted, trainer, &how.recipe, exec, &result, err);
    else if (status == NLG_OK)
        print_text(fitted, &result);
    if (status == NLG_OK) print_notes(o, trainer);
    nlg_free(genotype);
    nlg_trainer_destroy(trainer);
    return status;
}

/* What has no effect is refused, what is used otherwise than given is said. */
static nlg_status check_options(const train_options *o, nlg_error *err) {
    const bool adaptive = o->optimizer == NLG_ADAM || o->optimizer == NLG_ADAMW;
    if (o->momentum >= 0 && adaptive)
        return nlg_fail(err, NLG_ERR_INPUT, "--momentum has no effect with --optimizer %s; leave it out", optimizers[o->optimizer]);
    if (o->ema >= 1)
        return nlg_fail(err, NLG_ERR_INPUT, "--ema %g: would keep the untrained weights for ever; expected a number below 1",
                        o->ema);
    if (o->smoothing >= 1)
        return nlg_fail(err, NLG_ERR_INPUT, "--label-smoothing %g: would make all classes the same; expected a number below 1",
                        o->smoothing);
    if (o->clip == 0) return nlg_fail(err, NLG_ERR_INPUT, "--clip 0: would stop all learning; expected a number above 0, or none");
    if (o->no_augment && (o->shift > 0 || o->cutout > 0))
        return nlg_fail(err, NLG_ERR_INPUT, "--no-augment leaves no %s; give one of the two",
                        o->shift > 0 ? "--shift" : "--cutout");
    return NLG_OK;
}

static nlg_status say_what_is_used(const train_options *o, const nlg_fitted *fitted, nlg_error *err) {
    const nlg_dataset_info *info = fitted->info;
    const nlg_dataset_options *d = &o->training.dataset;
    const nlg_recipe recipe = make_recipe(o, nlg_task_for(info), fitted->network.graph, fitted->pad);
    const int asked = recipe.batch;
    const int batch = (uint32_t)asked < info->train ? asked : (int)info->train;
    const uint32_t rest = batch > 0 ? info->train % (uint32_t)batch : 0;
    if (info->validation_folder && d->validation)
        return nlg_fail(err, NLG_ERR_INPUT, "--validation-images has no effect: %s is the validation split; leave it out",
                        info->validation_folder);
    if (d->image_size && info->h != d->image_size)
        return nlg_fail(err, NLG_ERR_INPUT, "--image-size has no effect on %s; leave it out", info->name);
    if (d->train_limit > info->train)
        fprintf(stderr, "note: --train-images %u: there are %u, all are used\n", d->train_limit, info->train);
    if (recipe.warmup_epochs >= recipe.epochs)
        fprintf(stderr, "note: a warm-up of %g epochs in a training of %d: the learning rate stays below %g\n",
                recipe.warmup_epochs, recipe.epochs, recipe.lr);
    if (batch < asked)
        fprintf(stderr, "note: --batch %d: there are %d training images, one step takes all\n", asked, batch);
    else if (rest)
        fprintf(stderr, "note: steps of %d images: %u of %u are left out of each epoch, others each time\n", batch, rest,
                info->train);
    return NLG_OK;
}

/* The checkpoint would replace the weights that the training starts from. */
static nlg_status refuse_same_file(const train_options *o, nlg_error *err) {
    struct stat a, b;
    if (!o->checkpoint || stat(o->checkpoint, &a) != 0 || stat(o->weights, &b) != 0) return NLG_OK;
    if (a.st_dev != b.st_dev || a.st_ino != b.st_ino) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT,
                    "%s: --weights and --checkpoint are the same file; name another checkpoint, or leave --weights "
                    "out to continue",
                    o->checkpoint);
}

/* Everything that can be known is known before the first step. */
static nlg_status open_all(const nlg_invocation *call, nlg_weights_source *source, nlg_fitted *fitted, nlg_exec *exec,
                           nlg_error *err) {
    const train_options *o = call->options;
    nlg_dataset_options data = o->training.dataset;
    NLG_TRY(check_options(o, err));
    if (o->checkpoint) NLG_TRY(nlg_file_probe(o->checkpoint, err));
    if (o->weights) {
        nlg_network network = {0};
        NLG_TRY(refuse_same_file(o, err));
        NLG_TRY(nlg_weights_source_open(o->weights, source, err));
        const nlg_status status = nlg_weights_source_network(source, call->arguments[0], call->settings.genotype, &network, err);
        nlg_network_close(&network);
        NLG_TRY(status);
        if (source->facts.known && source->facts.c <= 3) { /* new images are prepared as the weights are used to */
            memcpy(data.mean, source->facts.mean, sizeof data.mean);
            memcpy(data.std, source->facts.std, sizeof data.std);
        }
    }
    const char *genotype = call->settings.genotype;
    if (!genotype && source->facts.known) genotype = source->facts.genotype;
    NLG_TRY(nlg_fitted_open(call->arguments[0], genotype, o->training.data, &data, fitted, err));
    NLG_TRY(say_what_is_used(o, fitted, err));
    if (o->test) NLG_TRY(nlg_dataset_check_test(fitted->dataset, err));
    return nlg_exec_open(&call->settings, exec, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    nlg_fitted fitted = {0};
    nlg_exec exec = {0};
    nlg_weights_source source = {0};
    nlg_interrupt_watch(); /* a stop while the images are read saves what there is: the weights after the first step */
    nlg_status status = open_all(call, &source, &fitted, &exec, err);
    if (status == NLG_OK) status = train_with(call, &fitted, &source, &exec, err);
    nlg_exec_close(&exec);
    nlg_fitted_close(&fitted);
    nlg_weights_source_close(&source);
    return status;
}

const nlg_command nlg_command_train = {
    .name = "train",
    .summary = "Train a network; the same seed gives the same bits on every machine",
    .arguments = "MODEL",
    .min_arguments = 1,
    .max_arguments = 1,
    .help = "Selection sees training and validation images only; the test split is opened once, at the end, with --test. Ctrl-C "
            "finishes "
            "the step and saves the checkpoint; the same command continues with the identical trajectory.\n\n"
            "Examples:\n  lineage train resnet20_small --epochs 3 --train-images 10000 --seed 1 --json\n"
            "  lineage train retinanet_tiny_bn --data scenes --epochs 2 --batch 8 --lr 0.003 --checkpoint detector.safetensors\n"
            "  lineage train lenet5_small --data mnist --epochs 10 --checkpoint lenet5.safetensors",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_SEED | NLG_TAKES_GENOTYPE,
    .defaults = &(const train_options){.training = {.data = "fashion-mnist", .epochs = 5, .lr = -1},
                                       .optimizer = -1,
                                       .schedule = NLG_COSINE,
                                       .momentum = -1,
                                       .weight_decay = -1,
                                       .warmup = -1,
                                       .smoothing = -1,
                                       .clip = -1,
                                       .ema = -1,
                                       .detection = {-1, -1, -1, -1},
                                       .shift = -1},
    .options_size = sizeof(train_options),
    .option = option,
    .run = run,
};
