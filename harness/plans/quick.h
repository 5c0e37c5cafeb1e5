/* The profile quick: some experiments run here, with seeds of their own, and a sample of the shipped records is made again. */
#ifndef NLG_QUICK_H
#define NLG_QUICK_H

#include "harness/plans/execute.h"
#include "harness/plans/recheck.h"
#include "harness/plans/table_rows.h"

/* Moves those to the front of e->experiments that run here, and makes e->count their number: experiments without a claim, and of
 * the others the cheapest by their work, until five claims are decided and as many more as fit in a few minutes of work. */
nlg_status nlg_quick_choose(nlg_experiment *experiments, nlg_execution *e, nlg_error *err);

enum { NLG_QUICK_TABLES = 8 };

typedef struct nlg_quick {
    const nlg_settings *settings;
    char shipped[4096]; /* the store of shipped records; "": there are none */
    char notes[4096];   /* where checks of rows are noted */
    nlg_recheck_job job;
    nlg_recheck sample;
    char tables[NLG_QUICK_TABLES][1024]; /* paths without endings */
    nlg_table_rows_summary rows[NLG_QUICK_TABLES];
    double rows_seconds[NLG_QUICK_TABLES]; /* that are left */
    int n_tables;
} nlg_quick;

/* Reads the shipped files (from: their folder, NULL: the project's; tables lie in the folder `tables` beside it) and picks by the
 * settings' seed. most_seconds: see nlg_recheck_job. Nothing is trained. Close also after a failure. */
nlg_status nlg_quick_open(const char *from, const char *results, double most_seconds, nlg_lab *lab, nlg_quick *quick,
                          nlg_error *err);
void nlg_quick_close(nlg_quick *quick);
/* As rows of the plan. Returns their number, at most 1 + NLG_QUICK_TABLES. */
int nlg_quick_plan(const nlg_quick *quick, nlg_plan_row *rows);
/* Makes again what was picked and is not known, and prints what was found. Differences are no error: the report tells them. */
nlg_status nlg_quick_run(nlg_quick *quick, nlg_error *err);

#endif
