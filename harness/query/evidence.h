/* Where an experiment's records come from: run here, or shipped with the project; and how many were made again here with the same
 * bits. */
#ifndef NLG_EVIDENCE_H
#define NLG_EVIDENCE_H

#include "harness/query/query.h"

/* Fills the table `verifications` from the file that belongs to that store (harness/query/results_store.h) and may be absent. store
 * NULL: an empty table. */
nlg_status nlg_evidence_load(nlg_query *query, const char *store, nlg_error *err);

typedef struct nlg_evidence {
    const char *source;  /* "smoke", "shipped" or "live" */
    int again, same;     /* records made again, and those of them with the same bits */
    int trials, missing; /* of the experiment; those of them without a record */
    bool is_complete;    /* all stages of the present plan are there */
    double seconds;      /* that the records took where they were made */
    char differs[256];   /* what the first difference is, also in a row of a table that the searches replay; "": none */
} nlg_evidence;
/* source: what the records of the query's store are. plan: its digest (harness/plans/experiment.h). */
nlg_status nlg_evidence_of(nlg_query *query, const char *source, const char *profile, const char *experiment, const char *plan,
                           nlg_evidence *evidence, nlg_error *err);

#endif
