/* Tasks: what a network is trained for. A task is one file and one row of tasks.def; the kind of targets that a data set has
 * decides which one it is. The trainer, the evaluation and what stands above them know tasks by this table alone. */
#ifndef NLG_TRAIN_TASK_H
#define NLG_TRAIN_TASK_H

#include "train/train.h"

struct nlg_task_type {
    const char *name; /* "classification", "detection" */
    nlg_target_kind targets;
    /* Names of an evaluation's values, ended by NULL. The first is the score that selection goes by; an epoch's record has it. */
    const char *const *metrics;
    bool counts_hits; /* training counts images answered right, which gives its score without an evaluation */

    nlg_recipe (*recipe)(void); /* of small runs */
    /* Whether the network's outputs fit the data; the error says what was expected and found. */
    nlg_status (*check)(const nlg_graph *graph, const nlg_dataset_info *info, nlg_error *err);
    /* What loss and evaluation keep between batches of up to `batch` images, into *state; destroy takes NULL. */
    nlg_status (*create)(const nlg_graph *graph, const nlg_dataset_info *info, const nlg_recipe *recipe, const nlg_exec *exec,
                         int batch, void **state, nlg_error *err);
    void (*destroy)(void *state);
    /* Optional: what the task wants to be different in new weights. A pure function of graph, recipe and seed. */
    void (*start)(const nlg_graph *graph, const nlg_recipe *recipe, nlg_rng seed, nlg_weights *weights);
    /* Loss of the plan's outputs, summed over the images, and into the plan the gradients of its mean. *hits grows by the images
     * answered right, if the task counts them. */
    nlg_status (*loss)(void *state, nlg_plan *plan, int images, const nlg_target *targets, double *loss, int64_t *hits,
                       nlg_error *err);
    /* An evaluation: begin, then each batch's outputs, then the values. */
    void (*begin)(void *state);
    nlg_status (*add)(void *state, const nlg_plan *plan, int images, const nlg_target *targets, nlg_error *err);
    nlg_status (*finish)(void *state, nlg_evaluation *result, nlg_error *err);
    /* Optional: what the network says of an image of the batch that was added last, short, for people to look at. NULL: memory is
     * short. */
    cJSON *(*answer)(const void *state, int image);
};

#endif
