/* Evaluator "table": looks an architecture up in a table of evaluated ones, published or our own, and charges what the evaluation
 * once cost.
 *
 * What a search may see (the score) and what is reported of its result in the end (the report: another training or the test
 * split) are different columns. Strategies get scores only; the report is read by the final step through
 * nlg_table_evaluator_report. A value that is missing is missing: a trial without one has failed. Nothing is interpolated. */
#ifndef NLG_EVALUATOR_TABLE_H
#define NLG_EVALUATOR_TABLE_H

#include "search/evaluator.h"

typedef struct nlg_table_evaluator_options {
    const nlg_space *space; /* borrowed */
    const char *file;       /* NULL: the one shipped for this space */
    const char *signal;     /* which score of the table, e.g. "cifar100"; NULL: its first */
} nlg_table_evaluator_options;

typedef struct nlg_table_evaluator nlg_table_evaluator;
nlg_status nlg_table_evaluator_create(const nlg_table_evaluator_options *options, nlg_table_evaluator **evaluator, nlg_error *err);
void nlg_table_evaluator_destroy(nlg_table_evaluator *evaluator);

const nlg_evaluator *nlg_table_evaluator_interface(const nlg_table_evaluator *evaluator); /* for nlg_search_options */
const char *nlg_table_evaluator_config(const nlg_table_evaluator *evaluator); /* canonical JSON; names the table's digest */

bool nlg_table_evaluator_has_latency(const nlg_table_evaluator *evaluator);

/* For people: "validation accuracy after 12 epochs, CIFAR-10 (NAS-Bench-201)". */
const char *nlg_table_evaluator_score_text(const nlg_table_evaluator *evaluator);
const char *nlg_table_evaluator_report_text(const nlg_table_evaluator *evaluator);

/* The final step: 0 to 1, NAN if missing. An architecture that the table lacks is an error. */
nlg_status nlg_table_evaluator_report(const nlg_table_evaluator *evaluator, const nlg_code *code, double *accuracy, nlg_error *err);

/* Over all rows of the table, each taken as the architecture that a search would find for its code; missing values are left out. */
typedef struct nlg_table_summary {
    int rows, scores, reports; /* rows in the file; values that are there */
    int costs;                 /* of the rows with a score, those whose cost is known */
    double score_mean, score_best, report_mean, report_best;
    double report_of_best_score; /* of the first row with the best score */
} nlg_table_summary;
nlg_table_summary nlg_table_evaluator_summary(const nlg_table_evaluator *evaluator);

/* Names of the signals that the shipped table of a space has, in order; NULL behind the last, or if there is no table. */
const char *nlg_table_signal_at(const char *space, int index);

#endif
