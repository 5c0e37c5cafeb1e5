/* The results of a search as the command prints them. */
#ifndef NLG_SEARCH_OUTPUT_H
#define NLG_SEARCH_OUTPUT_H

#include "harness/output.h"
#include "search/evaluators/evaluator_table.h"
#include "search/runner.h"

typedef struct nlg_search_output {
    const nlg_table_evaluator *table; /* whose scores they are; NULL: trained */
    const char *scores;               /* what they are, for people; NULL: validation accuracies, or the table's */
    int top;                          /* genotypes of the best to list */
    bool front;                       /* list what no other beats in both score and cost */
    bool json;
} nlg_search_output;

/* On standard output; the history, the best and the lists. With a table its report of the best is read: the final step. */
nlg_status nlg_search_print(const nlg_search_options *run, const nlg_search_output *how, const nlg_search_result *result,
                            nlg_error *err);

#endif
