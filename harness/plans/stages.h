/* From stages to trials: values are crossed, selections are made from what the store has, every trial gets its spec and key. */
#ifndef NLG_STAGES_H
#define NLG_STAGES_H

#include "harness/plans/experiment.h"

typedef struct nlg_planned {
    cJSON *values, *factors; /* of the measure; what the stage crossed */
    char *arm;               /* the name that people see */
    char *spec, key[65];
    double work; /* as nlg_measure.work */
    bool stored; /* when it was planned */
} nlg_planned;

typedef struct nlg_stage_plan {
    nlg_planned *trials;
    int count, room;
    /* Something it selects from is not there yet: the trials stand for others of about the same work, and are not to be run. */
    bool tentative;
} nlg_stage_plan;

/* Plans one stage; earlier: the plans of the experiment's stages by index, of which the sources are there. With tentative sources,
 * or sources whose records are not all in the store, the plan is tentative. store NULL: nothing is stored. */
nlg_status nlg_stage_make(nlg_lab *lab, nlg_store *store, const nlg_experiment *experiment, int stage,
                          const nlg_stage_plan *earlier, nlg_stage_plan *plan, nlg_error *err);
void nlg_stage_plan_free(nlg_stage_plan *plan);
/* "rate 0.05, seed 1": the factors that the arm's name does not tell. */
void nlg_planned_text(const nlg_planned *trial, char *text, size_t size);

#endif
