/* Inside of the trainer, shared by trainer.c and checkpoint.c. */
#ifndef NLG_TRAIN_INTERNAL_H
#define NLG_TRAIN_INTERNAL_H

#include "layers/base/file.h"
#include "train/task.h"

/* A piece of one parameter that the optimizer updates by itself. */
typedef struct update_chunk {
    size_t offset, count;
    bool decay;
} update_chunk;

struct nlg_trainer {
    const nlg_graph *graph;
    const nlg_dataset *dataset;
    const nlg_exec *exec;
    nlg_trainer_options options;
    nlg_weights weights, gradients, state[2], average; /* average: EMA, values NULL without it */
    int n_state;
    nlg_plan *plan;
    size_t bytes; /* measured */
    nlg_schedule schedule;
    int batch;
    int64_t steps_per_epoch;
    update_chunk *chunks;
    int n_chunks;
    uint32_t *order;     /* of this epoch */
    nlg_target *targets; /* of a batch */
    const nlg_task_type *task;
    void *task_state;
    nlg_epoch_record *records;
    /* progress within the run and within the epoch */
    int epoch;
    int64_t step, seen, correct;
    double loss_sum, seconds;
    /* checkpoint */
    nlg_file_lock lock;
    char *state_path, *schedules;
    char start_digest[65]; /* of the file of options.weights; "" without */
    bool continued, repaired;
};

/* What a training leaves: with EMA, the averaged weights. */
static inline const nlg_weights *nlg_trainer_result(const nlg_trainer *trainer) {
    return trainer->average.values ? &trainer->average : &trainer->weights;
}

/* Finds the names of the checkpoint's files and locks them, as the first thing of a run. */
nlg_status nlg_trainer_lock(nlg_trainer *trainer, nlg_error *err);
/* Write the checkpoint, if there is one to write. */
nlg_status nlg_trainer_save(const nlg_trainer *trainer, nlg_error *err);
/* Take up the state of options.checkpoint if it exists; it must belong to the same network, data, recipe and seed. */
nlg_status nlg_trainer_restore(nlg_trainer *trainer, nlg_error *err);

#endif
