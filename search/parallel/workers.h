/* Evaluations in processes of their own, several at once, here and in the other processes of an mpirun. A worker that
 * crashes costs its trial (failed); one that is killed, lacks memory or cannot send its result ends the job. */
#ifndef NLG_WORKERS_H
#define NLG_WORKERS_H

#include "search/evaluator.h"
#include "search/store/store.h"

typedef struct nlg_worker_job {
    const nlg_evaluator *evaluator;
    const nlg_space *space;
    int workers;      /* at once in this process */
    int ranks;        /* other processes that serve (search/parallel/ranks.h), one trial each */
    nlg_store *store; /* open in this process, or NULL; workers close their copy of it */
    /* A trial has its result; called in this process in order of finishing. A status other than NLG_OK ends the job. */
    nlg_status (*done)(void *context, nlg_trial *trial, nlg_error *err);
    void *context;
    bool (*stop)(void); /* may be NULL: true ends the job with NLG_ERR_INTERRUPTED */
} nlg_worker_job;

/* Evaluates trials[chosen[0 .. count-1]], which are begun in this order. After
 * a mishap of a worker those that run may end; after another failure they are given up. */
nlg_status nlg_workers_run(const nlg_worker_job *job, nlg_trial *trials, const int *chosen, int count, nlg_error *err);

/* In the other processes of an mpirun: evaluates in a worker process what rank 0 sends, until it is told to end. */
nlg_status nlg_workers_serve(const nlg_evaluator *evaluator, const nlg_space *space, nlg_error *err);

#endif
