/* Statistics of the report. All are deterministic: only +, -, *, / and square roots in a fixed order. */
#ifndef NLG_STATS_H
#define NLG_STATS_H

#include <stddef.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

double nlg_mean(const double *x, size_t n);
double nlg_standard_deviation(const double *x, size_t n); /* n - 1 below; 0 for n < 2 */
void nlg_sort(double *x, size_t n);
/* Linear between order statistics (R's type 7); x is sorted, n >= 1, 0 <= q <= 1. */
double nlg_quantile_sorted(const double *x, size_t n, double q);

typedef struct nlg_interval {
    double low, high;
} nlg_interval;

/* Wilson's 95% interval of a proportion (Wilson, 1927). n >= 1. */
nlg_interval nlg_wilson(uint64_t successes, uint64_t n);

/* Rank correlations; NaN where one side is constant or n < 2. ties: pairs tied in x or y. */
typedef struct nlg_correlation {
    size_t n;
    double kendall_tau_b, spearman;
    uint64_t tied_x, tied_y;
} nlg_correlation;
nlg_status nlg_rank_correlation(const double *x, const double *y, size_t n, nlg_correlation *result, nlg_error *err);

/* Wilcoxon's signed-rank test on paired differences: zeros are dropped, ties share ranks, the two-sided p is exact (the
 * distribution of the tied ranks as they are). effect: matched-pairs rank-biserial correlation in -1 .. 1. */
typedef struct nlg_signed_rank {
    size_t n; /* differences that are not zero */
    double plus, minus, p, effect;
} nlg_signed_rank;
nlg_status nlg_wilcoxon(const double *difference, size_t n, nlg_signed_rank *result, nlg_error *err);

/* Percentile interval (95%) of the mean of paired differences, resampled `resamples` times; a pure function of the key. */
nlg_status nlg_paired_bootstrap(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                nlg_error *err);

/* Adjusted p values into q, in the order of p: Holm (1979) for the family-wise error, Benjamini and Hochberg (1995) for the false
 * discovery rate. */
nlg_status nlg_holm(const double *p, size_t n, double *q, nlg_error *err);
nlg_status nlg_benjamini_hochberg(const double *p, size_t n, double *q, nlg_error *err);

#endif
