/* The statistics as SQL functions. Aggregates collect their values and sort them first, so that no order of rows matters; NULL is
 * skipped, and what cannot be told (no values, one value's deviation) is NULL.
 *
 *   mean(x) sd(x) median(x) quantile(x, q)          t_low(x) t_high(x): Student's 95% interval over seeds
 *   bootstrap_low(x) bootstrap_high(x)              percentile, 10000 resamples; bca_low, bca_high: bias-corrected, accelerated
 *   wilcoxon_p(d) rank_biserial(d)                  of paired differences
 *   vargha_delaney(x, is_first)                     of the values with is_first against the others
 *   kendall_tau(x, y) kendall_p spearman spearman_p
 *   hypervolume(cost, gain, reference_cost, reference_gain)
 *   wilson_low(k, n) wilson_high(k, n)              of one network on n images
 *   holm(p, list) benjamini_hochberg(p, list)       p adjusted as a member of the list (JSON, as json_group_array makes it) */
#ifndef NLG_STATS_SQL_H
#define NLG_STATS_SQL_H

#include <sqlite3.h>

#include "layers/base/status.h"

nlg_status nlg_stats_register(sqlite3 *database, nlg_error *err);

#endif
