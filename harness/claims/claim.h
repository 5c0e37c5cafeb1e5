/* Claims: what a paper says, put to the test. A claim stands in the file of the experiment that decides it:
 *
 *   "claims": [{"id", "text", "system", "query", "rule", "params": {...}, "unit", "would_decide"}]
 *
 *   text: the claim in plain words; system: the section of the report; query: one SELECT with the columns pair, a, b and, where a
 *   claim has several contrasts, contrast (harness/query/query.h; :profile and :experiment are bound); rule: a row of rules.def
 * with its params; unit (optional): of a - b; would_decide (optional): what size would decide it where this one does not.
 *
 * Verdicts are functions of the query's rows alone. */
#ifndef NLG_CLAIM_H
#define NLG_CLAIM_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "layers/base/status.h"

typedef enum { NLG_SUPPORTED, NLG_CONTRADICTED, NLG_NOT_SHOWN, NLG_NOT_TESTABLE, NLG_DESCRIBED, NLG_UNDECIDED } nlg_verdict_kind;
const char *
nlg_verdict_name(nlg_verdict_kind kind); /* "supported", ... "not testable at this scale", "described", "not decided" (no rows) */

/* What a rule sees: rows of one contrast, sorted by pair, without gaps. */
typedef struct nlg_claim_rows {
    const char **pair;
    double *a, *b;
    size_t count;
    int incomplete; /* rows that lacked a or b; not among these */
} nlg_claim_rows;

/* NaN: the rule has no such figure. interval: 95%, in the units of `difference`. */
typedef struct nlg_verdict {
    nlg_verdict_kind kind;
    size_t pairs;
    int contrasts, incomplete;
    double p, q, effect, difference, low, high;
    struct nlg_contrast *each; /* [contrasts], each with Holm's p; NULL where there is only one */
    int decisive;              /* the contrast whose figures these are */
} nlg_verdict;

typedef struct nlg_contrast {
    char name[96];
    nlg_verdict verdict;
} nlg_contrast;
void nlg_verdict_free(nlg_verdict *verdict);

typedef struct nlg_rule {
    const char *name;
    const char *params; /* names that it takes, space separated; one begun by '?' may be missing; all are numbers */
    const char *means;  /* for people: how it decides */
    const char *unit;   /* of difference: "a - b", "a / b", "correlation" ... */
    /* "margin", "bound": what p and effect are measured against, where the interval decides; NULL: the test decides. */
    const char *against;
    /* params: complete. key: for random draws. */
    nlg_status (*decide)(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *verdict, nlg_error *err);
} nlg_rule;
/* NULL: there is none of this name. */
const nlg_rule *nlg_rule_find(const char *name);
const nlg_rule *nlg_rule_at(int index); /* NULL behind the last */

typedef struct nlg_claim {
    const char *file, *experiment;                                /* the experiment's file, and its id */
    const char *id, *text, *system, *query, *unit, *would_decide; /* the last two "" where not stated */
    const nlg_rule *rule;
    const cJSON *params;
} nlg_claim;

/* Whether it is about a / b: elsewhere about a - b, or something else (rule->unit). */
bool nlg_claim_is_ratio(const nlg_claim *claim);

/* An experiment as the report names it; the strings belong to its document. */
typedef struct nlg_experiment_text {
    const char *id, *title, *paper, *question, *notes; /* "" where not stated, but the id */
    cJSON *document;
    char *file;
} nlg_experiment_text;

typedef struct nlg_claims {
    nlg_experiment_text *experiments;
    nlg_claim *claims;
    int n_experiments, n_claims;
} nlg_claims;

/* All *.json files of a folder, by name. Refused with file and key named: an unknown key or rule, a missing or wrong value, a
 * claim's id that is there twice. Free with nlg_claims_free, also after a failure. */
nlg_status nlg_claims_load(const char *folder, nlg_claims *claims, nlg_error *err);
void nlg_claims_free(nlg_claims *claims);

typedef struct nlg_query nlg_query;
/* Runs the query and the rule; Holm over the contrasts. The claim is supported if every contrast is, contradicted if one is; its
 * figures are those of the contrast that decides so. Free with nlg_verdict_free, unless it fails. A query that fails, or lacks a
 * column, is refused with file and claim named. */
nlg_status nlg_claim_decide(const nlg_claim *claim, nlg_query *query, const char *profile, nlg_verdict *verdict, nlg_error *err);
/* Before anything is run: reads the claims of one experiment's document and tries their queries. `query` may be of any store, also
 * of an empty one. */
nlg_status nlg_claims_check(const char *file, const char *experiment, cJSON *document, nlg_query *query, nlg_error *err);
/* Benjamini and Hochberg over all verdicts that have a p: fills q. */
nlg_status nlg_verdicts_adjust(nlg_verdict *verdicts, int count, nlg_error *err);

#endif
