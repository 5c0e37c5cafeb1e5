/* What a training is: its recipe and its data, as canonical JSON. The one writer for identities of checkpoints, of searches, of
 * tables and of records: who adds a field that changes results adds it here, and every identity has it. */
#ifndef NLG_RECIPE_H
#define NLG_RECIPE_H

#include <cjson/cJSON.h>

#include "datasets/dataset.h"
#include "layers/kernels/exec.h"

typedef enum { NLG_SGD, NLG_ADAM, NLG_ADAMW, NLG_RMSPROP_TF } nlg_optimizer_kind;
typedef struct nlg_optimizer_options {
    nlg_optimizer_kind kind;
    double momentum;     /* SGD, RMSProp */
    bool nesterov;       /* SGD */
    double beta1, beta2; /* Adam, AdamW */
    double alpha;        /* RMSProp: decay of the square average, which starts at 1; eps inside the root */
    double eps;
    double weight_decay; /* added to the gradient (SGD, Adam, RMSProp) or decoupled (AdamW) */
    bool decay_all;      /* also biases and norm parameters; default: weights of rank >= 2 only */
} nlg_optimizer_options;

typedef enum { NLG_CONSTANT, NLG_STEP, NLG_COSINE, NLG_EXPONENTIAL } nlg_schedule_kind;

/* Of dense detectors: focal loss (Lin et al. 2017, equation 5), smooth L1, prior of the class scores before training. */
typedef struct nlg_detection_loss {
    double alpha, gamma;
    double beta; /* of smooth L1; 0: L1 */
    double prior;
} nlg_detection_loss;
nlg_detection_loss nlg_detection_loss_default(void); /* 0.25, 2, 1/9, 0.01 */

typedef struct nlg_recipe {
    nlg_optimizer_options optimizer;
    nlg_schedule_kind schedule;
    double lr, warmup_epochs, step_epochs, factor, final_lr;
    int epochs, batch;
    double label_smoothing, clip_norm, ema_decay; /* 0: off */
    nlg_augmentation augmentation;
    bool augment;
    bool detects; /* `detection` counts */
    nlg_detection_loss detection;
} nlg_recipe;
/* The recipe of small runs: SGD, Nesterov momentum 0.9, cosine, warm-up, weight decay 5e-4 on weights, shift 2 and flip. */
nlg_recipe nlg_recipe_default(void);
/* The same for a detector: AdamW at 0.002, weight decay 0.01, batch 16, gradients clipped at norm 10, focal loss. */
nlg_recipe nlg_recipe_default_detection(void);

/* Adds every field of the recipe to a JSON object, always all and in the same order; without augmentation "augmentation" is null;
 * "detection" stands there for detectors only. Numbers have 15 or 17 digits, so that the text stands for exactly this value. False
 * when memory is short. */
bool nlg_recipe_add(cJSON *object, const nlg_recipe *recipe);
/* The same as text, to be freed with nlg_free. */
nlg_status nlg_recipe_write(const nlg_recipe *recipe, char **text, nlg_error *err);
/* Reads what nlg_recipe_add writes. A field that is absent, unknown, of another type or out of range is an error that names it;
 * `where` (a file, a spec) begins the message. */
nlg_status nlg_recipe_read(const cJSON *object, const char *where, nlg_recipe *recipe, nlg_error *err);

/* Adds what a data set is to a JSON object: name without the folder, SHA-256 of its contents, shape, classes, sizes of the splits,
 * key of the split, preprocessing, mean and deviation. So the same files in another folder are the same data. False when memory is
 * short. */
bool nlg_recipe_add_data(cJSON *object, const nlg_dataset *dataset);
/* Adds what of the execution changes bits: "backend" and "direct_only". Threads and instruction sets change none. */
bool nlg_recipe_add_exec(cJSON *object, const nlg_exec *exec);

#endif
