/* What lineage compare prints and writes. */
#ifndef NLG_COMPARE_OUTPUT_H
#define NLG_COMPARE_OUTPUT_H

#include "harness/commands/comparison.h"

/* Budgets rise; the last is the comparison's. */
nlg_status nlg_comparison_print(const nlg_comparison *comparison, const int *budgets, int n_budgets, nlg_error *err);
/* An object with rows, also at equal cost, and the tests between all pairs; nlg_comparison_json: an array of rows. */
nlg_status nlg_comparison_json_with_tests(const nlg_comparison *comparison, const int *budgets, int n_budgets, nlg_error *err);
nlg_status nlg_comparison_json(const nlg_comparison *comparison, const int *budgets, int n_budgets, nlg_error *err);
/* scores.tsv, curve.tsv, cost_curve.tsv, tests.tsv and the charts curve.svg, cost_curve.svg, efficiency.svg in a folder, which is
 * made. */
nlg_status nlg_comparison_write(const nlg_comparison *comparison, const int *budgets, int n_budgets, const char *folder,
                                nlg_error *err);

#endif
