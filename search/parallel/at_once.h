/* How many trainings run at once, one thread each, where the user leaves the choice. No bit of a result depends on it. */
#ifndef NLG_AT_ONCE_H
#define NLG_AT_ONCE_H

#include "search/space.h"
#include "train/train.h"

/* A rule on shapes, never on timing. Threads that share one training wait for each other after every layer; those with a training
 * of their own do not. So there is a training for each of `threads`, but no more than are `waiting`, and than fit half of `memory`
 * (bytes, 0: the machine's) when each takes `bytes`. At least 1: then one training has all threads. */
int nlg_at_once(int threads, int waiting, size_t bytes, size_t memory);

/* The same for a space's architectures: `bytes` is that of the largest of a few drawn ones, as nlg_trainer_measure counts for the
 * data set, instruction set and recipe, batch included. Spaces without networks: 1. */
typedef struct nlg_at_once_job {
    const nlg_space *space;
    const nlg_dataset *dataset;
    const nlg_exec *exec;
    const nlg_recipe *recipe;
    int threads, waiting;
} nlg_at_once_job;
nlg_status nlg_at_once_in_space(const nlg_at_once_job *job, int *count, nlg_error *err);

#endif
