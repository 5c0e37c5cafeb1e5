/* Evaluator "train": builds a network space's architecture, trains it on the training split and scores it by its accuracy on the
 * validation split after the last epoch. Never opens the test split.
 *
 * Every trial gets the same recipe and the seed of the trial, which is a function of the run's seed and the architecture: so the
 * same network scores the same whichever strategy found it, and training its genotype with that seed gives its digest. */
#ifndef NLG_EVALUATOR_TRAIN_H
#define NLG_EVALUATOR_TRAIN_H

#include "train/train.h"
#include "search/evaluator.h"

typedef struct nlg_train_evaluator_options {
    const nlg_dataset *dataset; /* borrowed, like exec */
    const nlg_exec *exec;
    int worker_threads; /* of each worker process; above 1 a worker starts a team of its own */
    nlg_recipe recipe;  /* a trial with a smaller budget gets that share of the epochs, at least one */
    /* Beyond these a trial is rejected without training; 0: no limit. The memory is that of training with one thread of portable
     * code (activations, weights, gradients, optimizer), so that every machine rejects the same trials. */
    int64_t max_params, max_macs;
    size_t max_memory_bytes;
    /* Called within a trial; returning false ends the run with NLG_ERR_INTERRUPTED. May be NULL. */
    bool (*progress)(void *context, const nlg_trial *trial, int epoch, double fraction);
    void *progress_context;
} nlg_train_evaluator_options;

typedef struct nlg_train_evaluator nlg_train_evaluator;
nlg_status nlg_train_evaluator_create(const nlg_train_evaluator_options *options, nlg_train_evaluator **evaluator, nlg_error *err);
void nlg_train_evaluator_destroy(nlg_train_evaluator *evaluator);

const nlg_evaluator *nlg_train_evaluator_interface(const nlg_train_evaluator *evaluator); /* for nlg_search_options */
/* Canonical JSON of all that a score depends on: data and split, recipe, limits, backend. Lives as long as the evaluator. */
const char *nlg_train_evaluator_config(const nlg_train_evaluator *evaluator);

#endif
