/* Claims of the report: verdicts, the evidence for them, and the sentence that sums them up. */
#ifndef NLG_REPORT_CLAIMS_H
#define NLG_REPORT_CLAIMS_H

#include "harness/report/report.h"

/* Decides every claim and fills outcomes, verdict_list and, in the document, claims, has_claims and headline. */
nlg_status nlg_report_decide(nlg_report *report, nlg_error *err);

#endif
