/* Trials of searches as commands print them. */
#ifndef NLG_TRIAL_OUTPUT_H
#define NLG_TRIAL_OUTPUT_H

#include "harness/output.h"
#include "search/trial.h"

/* Fills an object with one trial. `best_so_far` may be NULL; scores are proxies: of the short training within the search. */
void nlg_trial_json(cJSON *object, const nlg_trial *trial, const char *genotype, const nlg_trial *best_so_far);

/* Columns of one trial in a table. */
extern const char *const nlg_trial_headers[];
extern const char nlg_trial_align[];
void nlg_trial_cells(nlg_text_table *table, const nlg_trial *trial, const char *genotype);

/* The better of two trials by score; either may be NULL or not done. The first wins ties. */
const nlg_trial *nlg_trial_better(const nlg_trial *first, const nlg_trial *second);

#endif
