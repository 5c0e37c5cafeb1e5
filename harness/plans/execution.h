/* Inside of an execution: what execute.c, execute_workers.c and execute_ranks.c share while stages run, and execution_print.c while
 * they are only planned. */
#ifndef NLG_EXECUTION_H
#define NLG_EXECUTION_H

#include "harness/plans/execute.h"
#include "harness/progress.h"

enum { NLG_EXECUTION_MEASURES_MAX = 32 };

/* Seconds and work of a measure's trials. */
typedef struct nlg_execution_speed {
    double seconds, amount;
} nlg_execution_speed;

typedef struct nlg_execution_state {
    const nlg_execution *e;
    nlg_stage_plan (*plans)[NLG_STAGES_MAX];                /* by experiment and stage */
    nlg_execution_speed (*stage_speeds)[NLG_STAGES_MAX];    /* likewise, before this run */
    nlg_execution_speed speeds[NLG_EXECUTION_MEASURES_MAX]; /* of measures, before this run */
    double expected, took;                                  /* seconds of the trials of this run */
    nlg_progress progress;
    nlg_execution_summary *summary;
    int number;          /* of trials that are done or there */
    double seconds_left; /* of all stages, estimated */
    /* of the trial that runs */
    const nlg_experiment *experiment;
    const nlg_planned *trial;
    double trial_seconds, begun, best;
} nlg_execution_state;

/* Plans all stages; to be closed also after a failure. */
nlg_status nlg_execution_open(nlg_execution_state *r, const nlg_execution *e, nlg_execution_summary *summary, nlg_error *err);
void nlg_execution_close(nlg_execution_state *r);
/* Plans a stage of experiment x anew, which depends on the results of others. */
nlg_status nlg_execution_plan_stage(nlg_execution_state *r, int x, int stage, nlg_error *err);

/* Estimates: of a trial, of what a stage lacks (*left trials), and of everything that is lacking, with the processes that run side
 * by side. */
double nlg_execution_seconds(const nlg_execution_state *r, const nlg_experiment *e, int stage, double work);
double nlg_execution_estimate(const nlg_execution_state *r, const nlg_experiment *e, int stage, const nlg_stage_plan *plan,
                              int *left);
double nlg_execution_estimate_all(const nlg_execution_state *r);

/* The trial has its record in the store: it is counted, with the seconds that it took. */
void nlg_execution_count(nlg_execution_state *r, const nlg_stage *stage, nlg_planned *trial, double seconds);
/* "val_accuracy 0.295": the measure's headline, or the status of what is not done. */
void nlg_execution_result_text(const nlg_measure *measure, const nlg_record *record, char *text, size_t size);
/* A line on a trial that has just ended. */
void nlg_execution_tell(nlg_execution_state *r, const nlg_stage *stage, const nlg_planned *trial, const char *result,
                        double seconds);

/* While this process waits for others: what for; then nlg_execution_stop shows the progress, and says whether to stop. */
void nlg_execution_wait(nlg_execution_state *r, const nlg_stage *stage);
bool nlg_execution_stop(void);

/* execute_workers.c: trials of a stage in processes of one thread each. How many: 0 for one trial after the other, in this process.
 */
nlg_status nlg_execution_count_workers(nlg_execution_state *r, const nlg_stage *stage, const nlg_stage_plan *plan,
                                       const int *chosen, int count, int *workers, nlg_error *err);
nlg_status nlg_execution_in_workers(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen,
                                    int count, int workers, nlg_error *err);
/* execute_ranks.c: on the other processes of an mpirun. */
nlg_status nlg_execution_on_ranks(nlg_execution_state *r, const nlg_stage *stage, nlg_stage_plan *plan, const int *chosen,
                                  int count, nlg_error *err);

#endif
