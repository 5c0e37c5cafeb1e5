/* Statistics of claims, comparisons and the report. All are deterministic: +, -, *, /, square roots and layers/base/dmath in a
 * fixed order. tests/reference/stats.json holds what SciPy and statsmodels give. */
#ifndef NLG_STATS_H
#define NLG_STATS_H

#include <stdbool.h>
#include <stddef.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

double nlg_mean(const double *x, size_t n);
double nlg_standard_deviation(const double *x, size_t n); /* n - 1 below; NaN for n < 2: one value has no deviation */
void nlg_sort(double *x, size_t n);
/* Linear between order statistics (R's type 7); x is sorted, n >= 1, 0 <= q <= 1. */
double nlg_quantile_sorted(const double *x, size_t n, double q);

typedef struct nlg_interval {
    double low, high;
} nlg_interval;

/* Wilson's 95% interval of a proportion (Wilson, 1927). n >= 1. */
nlg_interval nlg_wilson(uint64_t successes, uint64_t n);
/* Student's 95% interval of the mean of n values, e.g. one per seed. NaN for n < 2. */
nlg_interval nlg_t_interval(const double *x, size_t n);

/* Rank correlations; NaN where one side is constant or n < 2. ties: pairs tied in x or y. The two-sided p values are SciPy's: of
 * tau-b exact without ties up to n = 33, else of the normal approximation with its correction for ties; of Spearman by Student's t
 * with n - 2 degrees of freedom (NaN for n = 2). */
typedef struct nlg_correlation {
    size_t n;
    double kendall_tau_b, kendall_p, spearman, spearman_p;
    uint64_t tied_x, tied_y;
} nlg_correlation;
nlg_status nlg_rank_correlation(const double *x, const double *y, size_t n, nlg_correlation *result, nlg_error *err);

/* Wilcoxon's signed-rank test on paired differences; ties share ranks.
 *
 * What to do with differences of zero (SciPy's names): drop them (Wilcoxon, "wilcox"), rank them and then drop their ranks (Pratt,
 * "pratt"), or rank them and give half of their ranks to either side ("zsplit"). */
typedef enum { NLG_ZEROS_DROPPED, NLG_ZEROS_PRATT, NLG_ZEROS_SPLIT } nlg_zeros;
typedef struct nlg_signed_rank {
    size_t n;              /* differences that are not zero */
    double plus, minus, p; /* sums of ranks; two-sided p */
    double effect;         /* matched-pairs rank-biserial correlation, -1 .. 1; 0 where all are zero */
    bool is_exact;
} nlg_signed_rank;
/* Zeros dropped; p is exact (the distribution of the tied ranks as they are) up to 1000 differences, else by the normal
 * approximation. NLG_ERR_INPUT for a difference that is not a number. */
nlg_status nlg_wilcoxon(const double *difference, size_t n, nlg_signed_rank *result, nlg_error *err);
/* exact false: the normal approximation with its correction for ties; continuity: half a rank towards the mean. */
nlg_status nlg_wilcoxon_as(const double *difference, size_t n, nlg_zeros zeros, bool exact, bool continuity,
                           nlg_signed_rank *result, nlg_error *err);

/* 95% intervals of the mean of paired differences, resampled `resamples` times: percentile, or bias-corrected and accelerated
 * (Efron, 1987). Pure functions of the values in their order and of the key: draw i of resample r is value r * n + i of the key. */
nlg_status nlg_paired_bootstrap(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                nlg_error *err);
nlg_status nlg_paired_bootstrap_bca(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                    nlg_error *err);

/* Vargha and Delaney's A (2000): the chance that a value of x is above one of y, ties half. NaN where one is empty. */
double nlg_vargha_delaney(const double *x, size_t n, const double *y, size_t m);

/* Area that points dominate, up to a reference point: cost is better when low, gain when high. Points that do not beat the
 * reference in both count nothing. x and y pair up; neither is changed. */
nlg_status nlg_hypervolume(const double *cost, const double *gain, size_t n, double reference_cost, double reference_gain,
                           double *volume, nlg_error *err);
/* Marks the points that no other one beats: no higher cost and no lower gain, and better in one. NaN is never on the front. */
void nlg_pareto_front(const double *cost, const double *gain, size_t n, bool *on_front);

/* Adjusted p values into q, in the order of p: Holm (1979) for the family-wise error, Benjamini and Hochberg (1995) for the false
 * discovery rate. */
nlg_status nlg_holm(const double *p, size_t n, double *q, nlg_error *err);
nlg_status nlg_benjamini_hochberg(const double *p, size_t n, double *q, nlg_error *err);

#endif
