/* Statistics of the report. */
#include "harness/claims/stats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"

double nlg_mean(const double *x, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += x[i];
    return sum / (double)n;
}

double nlg_standard_deviation(const double *x, size_t n) {
    if (n < 2) return 0;
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

/* --- ranks --- */

typedef struct ranked {
    double value;
    size_t index;
} ranked;

static int by_ranked_value(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    if (x->value != y->value) return x->value < y->value ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static ranked *sorted_copy(const double *x, size_t n, nlg_error *err) {
    ranked *order = nlg_alloc(n, sizeof *order);
    if (!order) {
        nlg_fail_memory(err, n * sizeof *order, "a statistic");
        return NULL;
    }
    for (size_t i = 0; i < n; i++) order[i] = (ranked){x[i], i};
    qsort(order, n, sizeof *order, by_ranked_value);
    return order;
}

/* Twice the rank of each value, so that shared ranks stay whole: 1-based ranks r .. s share r + s. */
static nlg_status double_ranks(const double *x, size_t n, double *ranks, nlg_error *err) {
    ranked *order = sorted_copy(x, n, err);
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

static void count_pairs(const double *x, const double *y, size_t n, nlg_correlation *result) {
    int64_t balance = 0; /* concordant less discordant */
    for (size_t i = 1; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            int dx = (x[i] > x[j]) - (x[i] < x[j]), dy = (y[i] > y[j]) - (y[i] < y[j]);
            balance += dx * dy;
            result->tied_x += dx == 0;
            result->tied_y += dy == 0;
        }
    }
    double pairs = 0.5 * (double)n * (double)(n - 1);
    double free_x = pairs - (double)result->tied_x, free_y = pairs - (double)result->tied_y;
    result->kendall_tau_b = free_x > 0 && free_y > 0 ? (double)balance / sqrt(free_x * free_y) : (double)NAN;
}

nlg_status nlg_rank_correlation(const double *x, const double *y, size_t n, nlg_correlation *result, nlg_error *err) {
    *result = (nlg_correlation){.n = n, .kendall_tau_b = (double)NAN, .spearman = (double)NAN};
    if (n < 2) return NLG_OK;
    double *ranks = nlg_alloc(2 * n, sizeof *ranks);
    if (!ranks) return nlg_fail_memory(err, 2 * n * sizeof *ranks, "a rank correlation");
    nlg_status status = double_ranks(x, n, ranks, err);
    if (status == NLG_OK) status = double_ranks(y, n, ranks + n, err);
    if (status == NLG_OK) {
        result->spearman = pearson(ranks, ranks + n, n);
        count_pairs(x, y, n, result);
    }
    nlg_free(ranks);
    return status;
}

/* --- paired tests --- */

/* Probability that the sum of the doubled ranks, each taken with chance 1/2, is at most `limit`. */
static nlg_status chance_of_at_most(const double *ranks, size_t n, size_t limit, double *chance, nlg_error *err) {
    double *share = nlg_alloc(limit + 1, sizeof *share);
    if (!share) return nlg_fail_memory(err, (limit + 1) * sizeof *share, "a signed-rank test");
    share[0] = 1;
    for (size_t i = 0; i < n; i++) {
        size_t rank = (size_t)ranks[i];
        for (size_t s = limit + 1; s-- > 0;) share[s] = 0.5 * share[s] + (s >= rank ? 0.5 * share[s - rank] : 0);
    }
    *chance = 0;
    for (size_t s = 0; s <= limit; s++) *chance += share[s];
    nlg_free(share);
    return NLG_OK;
}

static nlg_status signed_rank(const double *difference, double *sizes, double *ranks, nlg_signed_rank *result, nlg_error *err) {
    double plus = 0, minus = 0, chance = 0;
    NLG_TRY(double_ranks(sizes, result->n, ranks, err));
    for (size_t i = 0, at = 0; at < result->n; i++) {
        if (difference[i] == 0) continue;
        *(difference[i] > 0 ? &plus : &minus) += ranks[at++];
    }
    double smaller = plus < minus ? plus : minus;
    NLG_TRY(chance_of_at_most(ranks, result->n, (size_t)smaller, &chance, err));
    result->plus = plus / 2;
    result->minus = minus / 2;
    result->p = 2 * chance < 1 ? 2 * chance : 1;
    result->effect = (plus - minus) / (plus + minus);
    return NLG_OK;
}

nlg_status nlg_wilcoxon(const double *difference, size_t n, nlg_signed_rank *result, nlg_error *err) {
    *result = (nlg_signed_rank){.p = 1};
    double *sizes = nlg_alloc(2 * n, sizeof *sizes);
    if (!sizes) return nlg_fail_memory(err, 2 * n * sizeof *sizes, "a signed-rank test");
    for (size_t i = 0; i < n; i++)
        if (difference[i] != 0) sizes[result->n++] = fabs(difference[i]);
    nlg_status status = result->n ? signed_rank(difference, sizes, sizes + n, result, err) : NLG_OK;
    nlg_free(sizes);
    return status;
}

nlg_status nlg_paired_bootstrap(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                nlg_error *err) {
    if (n < 1 || resamples < 1) return nlg_fail(err, NLG_ERR_INPUT, "bootstrap: expected at least one pair and one resample");
    double *means = nlg_alloc(resamples, sizeof *means);
    if (!means) return nlg_fail_memory(err, resamples * sizeof *means, "a bootstrap");
    for (size_t r = 0; r < resamples; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += difference[nlg_rng_below(rng, r * n + i, n)];
        means[r] = sum / (double)n;
    }
    nlg_sort(means, resamples);
    *interval = (nlg_interval){nlg_quantile_sorted(means, resamples, 0.025), nlg_quantile_sorted(means, resamples, 0.975)};
    nlg_free(means);
    return NLG_OK;
}

/* --- many tests --- */

nlg_status nlg_holm(const double *p, size_t n, double *q, nlg_error *err) {
    ranked *order = sorted_copy(p, n, err);
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
    ranked *order = sorted_copy(p, n, err);
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
