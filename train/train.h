/* Training policy: losses, optimizers, schedules, the trainer. Knows no particular model or data set. */
#ifndef NLG_TRAIN_H
#define NLG_TRAIN_H

#include "datasets/dataset.h"
#include "layers/graph/plan.h"
#include "train/recipe.h"

/* ---- losses: values in double, gradients in float; `scale` multiplies the gradient (1/N for a mean) ---- */

/* logits [N, C] with row distance ld; label smoothing as PyTorch's; returns the sum over rows. d_logits may be NULL. */
double nlg_softmax_cross_entropy(int n, int classes, const float *logits, int64_t ld, const int *labels, double smoothing,
                                 double scale, float *d_logits, int64_t ld_d);
/* target in {0,1}; alpha weighs positives, 1 - alpha negatives (Lin et al. 2017, equation 5); returns the sum. */
double nlg_sigmoid_focal_loss(size_t count, const float *logits, const float *target, double alpha, double gamma, double scale,
                              float *d_logits);
/* 0.5 d^2 / beta below beta, |d| - 0.5 beta above; returns the sum. */
double nlg_smooth_l1(size_t count, const float *x, const float *target, double beta, double scale, float *dx);

/* ---- optimizers ---- */

int nlg_optimizer_state_count(nlg_optimizer_kind kind, double momentum); /* floats of state per value: 0, 1 or 2 */
double nlg_optimizer_state_start(nlg_optimizer_kind kind, int slot);     /* 0, or 1 for RMSProp's square average */
/* One update of `count` values at step t = 1, 2, ...; state[slot] points to `count` floats each. Elementwise, any split. */
void nlg_optimizer_update(const nlg_optimizer_options *options, double lr, int64_t t, bool decay, double gradient_scale,
                          size_t count, float *value, const float *gradient, float *const *state);

/* ---- schedules ---- */

typedef struct nlg_schedule {
    nlg_schedule_kind kind;
    double lr;
    int64_t steps, warmup_steps; /* linear warm-up from lr / warmup_steps */
    int64_t step_every;          /* STEP and EXPONENTIAL (staircase-free): decay `factor` per step_every steps */
    double factor;
    double final_lr; /* COSINE ends here */
} nlg_schedule;
double nlg_schedule_at(const nlg_schedule *schedule, int64_t step); /* step = 0, 1, ... */

/* ---- trainer ---- */

/* Scores are the task's first metric, in 0..1. The training score is taken during the epoch, from the augmented images. NaN: not
 * known. */
typedef struct nlg_epoch_record {
    double loss, train_score, val_score, seconds;
    int64_t images;
} nlg_epoch_record;

typedef struct nlg_trainer nlg_trainer;
typedef struct nlg_trainer_options {
    nlg_recipe recipe;
    const char *model, *genotype; /* for the identity of a checkpoint and for its reader; NULL: nobody says */
    uint64_t seed;                /* initialisation, order, augmentation, dropout: each its own stream */
    size_t memory_limit;          /* as nlg_trainer_measure counts; 0: none */
    /* NULL: none. Else after each epoch, and on a stop, the weights go to this file and all that a continuation needs to
     * `checkpoint`.state; when that exists, training continues from it with the identical trajectory. Anything that changes results
     * must be as it was: else an error names the field. A cosine schedule of more epochs is another trajectory: see
     * nlg_trainer_schedules. Another process on the same checkpoint is refused. */
    const char *checkpoint;
    const char *weights;  /* start from these instead of new ones; NULL: new */
    const char *new_head; /* but this layer is new, for other classes than theirs; NULL: none */
    bool validate_last_only;
    /* Called after each step (fraction of the epoch done, record of the epoch so far) and after each epoch (fraction 1, complete
     * record); returning false stops cleanly after saving. */
    bool (*progress)(void *context, int epoch, double fraction, const nlg_epoch_record *record);
    void *progress_context;
} nlg_trainer_options;

/* graph and dataset are borrowed. */
nlg_status nlg_trainer_create(const nlg_graph *graph, const nlg_dataset *dataset, const nlg_exec *exec,
                              const nlg_trainer_options *options, nlg_trainer **trainer, nlg_error *err);
void nlg_trainer_destroy(nlg_trainer *trainer);
/* Trains to the last epoch of the recipe. NLG_ERR_NUMERIC: loss not finite, with step and layer. NLG_ERR_INTERRUPTED: stopped. */
nlg_status nlg_trainer_run(nlg_trainer *trainer, nlg_error *err);
int nlg_trainer_epochs(const nlg_trainer *trainer); /* records so far */
const nlg_epoch_record *nlg_trainer_record(const nlg_trainer *trainer, int epoch);
bool nlg_trainer_continued(const nlg_trainer *trainer); /* it went on from a checkpoint */
bool nlg_trainer_repaired(const nlg_trainer *trainer);  /* its weights were missing or old and were written anew from the state */
/* JSON: [{"epochs": E, "from": 0}], one entry for each length of schedule that the run has had, `from` in epochs; more than one
 * where a cosine schedule was continued with other epochs, so that the weights are not those of one run. */
const char *nlg_trainer_schedules(const nlg_trainer *trainer);
/* What is wrong with a training that ended without an error: its loss exploded, or it only guesses. NULL: nothing seen. */
const char *nlg_trainer_warning(const nlg_trainer *trainer, char text[256]);
const nlg_weights *nlg_trainer_weights(const nlg_trainer *trainer); /* with EMA: the averaged ones */
size_t nlg_trainer_bytes(const nlg_trainer *trainer);
/* The same before anything is allocated: weights, gradients, state of the optimizer, EMA, the plans of training and validation.
 * Images and small buffers are not counted. NLG_ERR_MEMORY beyond the limit (bytes, 0: none). */
nlg_status nlg_trainer_measure(const nlg_graph *graph, const nlg_dataset *dataset, const nlg_exec *exec, const nlg_recipe *recipe,
                               size_t memory_limit, size_t *bytes, nlg_error *err);

/* ---- tasks: train/task.h has what one is made of ---- */

typedef struct nlg_task_type nlg_task_type;
const nlg_task_type *nlg_task_for(const nlg_dataset_info *info);
const char *nlg_task_name(const nlg_task_type *task);
nlg_recipe nlg_task_recipe(const nlg_task_type *task); /* of small runs: nlg_recipe_default or its like */
/* Whether an evaluation's score is the share of images answered right, so that an interval can be given for it. */
bool nlg_task_counts_hits(const nlg_task_type *task);
int nlg_task_metrics(const nlg_task_type *task);
/* "accuracy", "ap", ...: index 0 is the score. */
const char *nlg_task_metric(const nlg_task_type *task, int index);

/* A split in evaluation mode; every image once, the last partial batch included. */
enum { NLG_METRICS_MAX = 16 };
typedef struct nlg_evaluation {
    uint32_t images;
    double loss;                   /* mean */
    double value[NLG_METRICS_MAX]; /* of the task's metrics, in their order; NaN: the split has nothing to compute it from */
    uint32_t top1, top5;           /* classification: counts, for intervals */
    int64_t stray_detections;      /* detection: in classes without ground truth, which no metric shows */
} nlg_evaluation;
typedef struct nlg_evaluation_options {
    nlg_split split;
    uint32_t most; /* the first so many images of the split; 0: all */
    int batch;
    int exit;                              /* as nlg_plan_options has it */
    const nlg_augmentation *preprocessing; /* border and scaling of the training; NULL: none */
    uint32_t shown; /* of the first so many images, what the network says is added to the array `answers` (train/task.h) */
    cJSON *answers;
} nlg_evaluation_options;
nlg_status nlg_evaluate(const nlg_graph *graph, const nlg_weights *weights, const nlg_dataset *dataset,
                        const nlg_evaluation_options *options, const nlg_exec *exec, nlg_evaluation *result, nlg_error *err);

#endif
