/* Execution of experiments: what the store lacks of a profile is measured, stage by stage. */
#ifndef NLG_EXECUTE_H
#define NLG_EXECUTE_H

#include "harness/plans/stages.h"

/* Other work that a plan lists. */
typedef struct nlg_plan_row {
    const char *experiment, *stage, *measure;
    int trials, stored;
    double seconds; /* that are left */
} nlg_plan_row;

typedef struct nlg_execution {
    nlg_lab *lab;
    nlg_store *store;    /* NULL: only planned, nothing is there yet */
    const char *shipped; /* a store whose records tell how long trials take where the other has none; NULL: none */
    const char *profile;
    const nlg_experiment *experiments; /* those that were chosen */
    int count;
    int ranks;   /* other processes of an mpirun that measure; this one then keeps the store and waits */
    int workers; /* processes with one thread each; 0: this process with the threads of the command; negative: as many as fit */
    const nlg_plan_row *more;
    int n_more;
} nlg_execution;

typedef struct nlg_execution_summary {
    int trials, stored, done; /* in all; there before; there afterwards */
} nlg_execution_summary;

/* Checks everything by planning it, then runs. NLG_ERR_INTERRUPTED when it was stopped; the summary is filled in any case. */
nlg_status nlg_execute(const nlg_execution *execution, nlg_execution_summary *summary, nlg_error *err);
/* Ranks above 0: measures what it is sent until rank 0 ends. */
nlg_status nlg_execute_serve(nlg_lab *lab, nlg_error *err);
/* For each experiment the seconds of one thread that all its trials are worth by the measures' pace, whether they are stored or
 * not: the same on every machine. */
nlg_status nlg_execution_work(const nlg_execution *execution, double *seconds, nlg_error *err);
/* Prints stages, trials, what the store has and how long the rest will take, as text or as JSON. */
nlg_status nlg_execution_print(const nlg_execution *execution, bool json, nlg_error *err);

#endif
