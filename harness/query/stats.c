/* Means, intervals, rank correlations, adjusted p values. Paired tests lie in paired.c. */
#include "harness/query/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/query/distributions.h"
#include "harness/query/ranks.h"
#include "layers/base/memory.h"

double nlg_mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

double nlg_standard_deviation(const double *x, size_t n) {
    if (n < 2) return (double)NAN;
    double mean = nlg_mean(x, n), sum = 0;
    for (size_t i = 0; i < n; i++) sum += (x[i] - mean) * (x[i] - mean);
    return sqrt(sum / (double)(n - 1));
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void nlg_sort(double *x, size_t n) {
    qsort(x, n, sizeof *x, by_value);
}

double nlg_quantile_sorted(const double *x, size_t n, double q) {
    double place = q * (double)(n - 1);
    size_t below = (size_t)place;
    if (below + 1 >= n) return x[n - 1];
    return x[below] + (place - (double)below) * (x[below + 1] - x[below]);
}

nlg_interval nlg_wilson(uint64_t successes, uint64_t n) {
    const double z = 1.959963984540054; /* normal quantile of 0.975 */
    double count = (double)n, p = (double)successes / count, z2 = z * z;
    double middle = (p + z2 / (2 * count)) / (1 + z2 / count);
    double half = z / (1 + z2 / count) * sqrt(p * (1 - p) / count + z2 / (4 * count * count));
    nlg_interval i = {middle - half, middle + half};
    if (successes == 0) i.low = 0;
    if (successes == n) i.high = 1;
    return i;
}

nlg_interval nlg_t_interval(const double *x, size_t n) {
    if (n < 2) return (nlg_interval){(double)NAN, (double)NAN};
    double mean = nlg_mean(x, n);
    double half = nlg_t_quantile(0.975, (double)(n - 1)) * nlg_standard_deviation(x, n) / sqrt((double)n);
    return (nlg_interval){mean - half, mean + half};
}

/* --- ranks --- */

static int by_ranked_value(const void *a, const void *b) {
    const nlg_ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

nlg_ranked *nlg_ranked_create(const double *x, size_t n, nlg_error *err) {
    nlg_ranked *order = nlg_alloc(n, sizeof *order);
    if (!order) {
        nlg_fail_memory(err, n * sizeof *order, "a statistic");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) order[i] = (nlg_ranked){x[i], i};
    qsort(order, n, sizeof *order, by_ranked_value);
    return order;
}

nlg_status nlg_double_ranks(const double *x, size_t n, double *ranks, nlg_error *err) {
    nlg_ranked *order = nlg_ranked_create(x, n, err);
    if (!order) return NLG_ERR_MEMORY;
    for (size_t begin = 0, end; begin < n; begin = end) {
        for (end = begin + 1; end < n && order[end].value == order[begin].value;) end++;
        for (size_t i = begin; i < end; i++) ranks[order[i].index] = (double)(begin + 1 + end);
    }
    nlg_free(order);
    return NLG_OK;
}

static double pearson(const double *x, const double *y, size_t n) {
    double mean_x = nlg_mean(x, n), mean_y = nlg_mean(y, n), xy = 0, xx = 0, yy = 0;
    for (size_t i = 0; i < n; i++) {
        xy += (x[i] - mean_x) * (y[i] - mean_y);
        xx += (x[i] - mean_x) * (x[i] - mean_x);
        yy += (y[i] - mean_y) * (y[i] - mean_y);
    }
    return xx > 0 && yy > 0 ? xy / sqrt(xx * yy) : (double)NAN;
}

/* Two-sided chance that n different values in random order have at most `inversions` of n (n - 1) / 2 or at least all but so many.
 */
static nlg_status chance_of_inversions(size_t n, size_t inversions, double *p, nlg_error *err) {
    double *share = nlg_alloc(inversions + 1, sizeof *share); /* of the orders of the first j values */
    if (!share) return nlg_fail_memory(err, (inversions + 1) * sizeof *share, "a rank correlation");
    share[0] = 1;
    for (size_t j = 2; j <= n; j++) {
        /* The j-th value adds 0 .. j - 1 inversions: a running sum of j places, from above. */
        for (size_t k = inversions + 1; k-- > 0;) {
            double sum = 0;
            for (size_t m = 0; m < j && m <= k; m++) sum += share[k - m];
            share[k] = sum / (double)j;
        }
    }
    *p = 0;
    for (size_t k = 0; k <= inversions; k++) *p += 2 * share[k];
    if (*p > 1) *p = 1;
    nlg_free(share);
    return NLG_OK;
}

/* Sums over groups of t tied values: t (t-1) (t-2) and t (t-1) (2t+5). */
static void tie_sums(const double *double_ranks, size_t n, double *cubes, double *variance_terms) {
    for (size_t i = 0; i < n; i++) {
        double t = 0; /* each of the t members adds a t-th part */
        for (size_t j = 0; j < n; j++) t += double_ranks[j] == double_ranks[i];
        *cubes += (t - 1) * (t - 2);
        *variance_terms += (t - 1) * (2 * t + 5);
    }
}

static nlg_status correlate_pairs(const double *x, const double *y, const double *ranks, size_t n, nlg_correlation *result,
                                  nlg_error *err) {
    int64_t balance = 0; /* concordant less discordant */
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            int dx = (x[i] > x[j]) - (x[i] < x[j]), dy = (y[i] > y[j]) - (y[i] < y[j]);
            balance += dx * dy;
            result->tied_x += dx == 0;
            result->tied_y += dy == 0;
        }
    }
    double pairs = 0.5 * (double)n * (double)(n - 1), tied_x = (double)result->tied_x, tied_y = (double)result->tied_y;
    if (tied_x == pairs || tied_y == pairs) return NLG_OK;
    result->kendall_tau_b = (double)balance / sqrt((pairs - tied_x) * (pairs - tied_y));
    double fewer = 0.5 * (pairs - fabs((double)balance)); /* inversions against the order that is nearer, without ties */
    if (result->tied_x + result->tied_y == 0 && (n <= 33 || fewer <= 1))
        return chance_of_inversions(n, (size_t)fewer, &result->kendall_p, err);
    double cubes_x = 0, cubes_y = 0, spread_x = 0, spread_y = 0, m = 2 * pairs, count = (double)n;
    tie_sums(ranks, n, &cubes_x, &spread_x);
    tie_sums(ranks + n, n, &cubes_y, &spread_y);
    double variance = (m * (2 * count + 5) - spread_x - spread_y) / 18 + 2 * tied_x * tied_y / m;
    if (n > 2) variance += cubes_x * cubes_y / (9 * m * (count - 2));
    result->kendall_p = nlg_normal_two_sided((double)balance / sqrt(variance));
    return NLG_OK;
}

nlg_status nlg_rank_correlation(const double *x, const double *y, size_t n, nlg_correlation *result, nlg_error *err) {
    *result = (nlg_correlation){
        .n = n, .kendall_tau_b = (double)NAN, .kendall_p = (double)NAN, .spearman = (double)NAN, .spearman_p = (double)NAN};
    if (n < 2) return NLG_OK;
    double *ranks = nlg_alloc(2 * n, sizeof *ranks);
    if (!ranks) return nlg_fail_memory(err, 2 * n * sizeof *ranks, "a rank correlation");
    nlg_status status = nlg_double_ranks(x, n, ranks, err);
    if (status == NLG_OK) status = nlg_double_ranks(y, n, ranks + n, err);
    if (status == NLG_OK) {
        result->spearman = pearson(ranks, ranks + n, n);
        double rho = result->spearman, left = (1 - rho) * (1 + rho);
        if (n > 2 && !isnan(rho))
            result->spearman_p = left > 0 ? nlg_t_two_sided(rho * sqrt((double)(n - 2) / left), (double)(n - 2)) : 0;
        status = correlate_pairs(x, y, ranks, n, result, err);
    }
    nlg_free(ranks);
    return status;
}

/* --- many tests --- */

nlg_status nlg_holm(const double *p, size_t n, double *q, nlg_error *err) {
    nlg_ranked *order = nlg_ranked_create(p, n, err);
    if (!order) return NLG_ERR_MEMORY;
    double largest = 0;
    for (size_t i = 0; i < n; i++) {
        double adjusted = order[i].value * (double)(n - i);
        if (adjusted > largest) largest = adjusted;
        q[order[i].index] = largest < 1 ? largest : 1;
    }
    nlg_free(order);
    return NLG_OK;
}

nlg_status nlg_benjamini_hochberg(const double *p, size_t n, double *q, nlg_error *err) {
    nlg_ranked *order = nlg_ranked_create(p, n, err);
    if (!order) return NLG_ERR_MEMORY;
    double smallest = 1;
    for (size_t i = n; i-- > 0;) {
        double adjusted = order[i].value * (double)n / (double)(i + 1);
        if (adjusted < smallest) smallest = adjusted;
        q[order[i].index] = smallest;
    }
    nlg_free(order);
    return NLG_OK;
}
