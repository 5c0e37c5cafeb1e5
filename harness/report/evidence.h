/* Where an experiment's records come from: run here, or shipped with the project; and how many were made again here with the same
 * bits. */
#ifndef NLG_EVIDENCE_H
#define NLG_EVIDENCE_H

#include "harness/report/query.h"

/* Makes the tables shipped(key, created), from results/reference/PROFILE.records.gz, and verifications(key, same), from
 * RESULTS/verified.tsv; both may be absent. */
nlg_status nlg_evidence_load(nlg_query *query, const char *results, const char *profile, nlg_error *err);

typedef struct nlg_evidence {
    const char *source; /* "smoke", "shipped" or "live" */
    int again, same;    /* records made again, and those of them with the same bits */
    double seconds;     /* that the records took where they were made */
} nlg_evidence;
nlg_status nlg_evidence_of(nlg_query *query, const char *profile, const char *experiment, nlg_evidence *evidence, nlg_error *err);

#endif
