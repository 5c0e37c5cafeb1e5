/* Paired tests, bootstrap intervals, sizes of effects and fronts. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/query/distributions.h"
#include "harness/query/ranks.h"
#include "harness/query/stats.h"
#include "layers/base/memory.h"

enum { EXACT_MAX = 1000 }; /* differences: 2^-1000 is still a normal number */

/* --- Wilcoxon --- */

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

/* count: ranked values, zeros included where they are ranked; more: what the ties take off the variance. */
static double normal_p(double plus, double count, double zeros, double ties, bool continuity) {
    double mean = 0.25 * (count * (count + 1) - zeros * (zeros + 1));
    double variance = count * (count + 1) * (2 * count + 1) - zeros * (zeros + 1) * (2 * zeros + 1);
    double deviation = sqrt((variance - 0.5 * ties) / 24), z = (plus - mean) / deviation;
    if (continuity) z -= (z > 0 ? 0.5 : z < 0 ? -0.5 : 0) / deviation;
    return nlg_normal_two_sided(z);
}

/* sizes: |difference| of all that are ranked; ranks: room for them. */
static nlg_status signed_rank(const double *difference, size_t n, nlg_zeros zeros, bool exact, bool continuity, double *sizes,
                              double *ranks, nlg_signed_rank *result, nlg_error *err) {
    size_t ranked = 0;
    double plus = 0, minus = 0, of_zeros = 0, ties = 0;
    for (size_t i = 0; i < n; i++)
        if (zeros != NLG_ZEROS_DROPPED || difference[i] != 0) sizes[ranked++] = fabs(difference[i]);
    NLG_TRY(nlg_double_ranks(sizes, ranked, ranks, err));
    for (size_t i = 0; i < ranked; i++) {
        double t = 0;
        if (exact) break;
        if (sizes[i] == 0 && zeros == NLG_ZEROS_PRATT) continue; /* their ranks are not used */
        for (size_t j = 0; j < ranked; j++) t += ranks[j] == ranks[i];
        ties += t * t - 1; /* t members make t^3 - t */
    }
    /* The ranks of what is not zero move to the front: they are what may take either sign. */
    size_t moved = 0, next = 0;
    for (size_t i = 0; i < n; i++) {
        if (zeros == NLG_ZEROS_DROPPED && difference[i] == 0) continue;
        double rank = ranks[next++];
        if (difference[i] == 0) {
            of_zeros += rank;
        } else {
            *(difference[i] > 0 ? &plus : &minus) += rank;
            ranks[moved++] = rank;
        }
    }
    double smaller = plus < minus ? plus : minus, chance = 0;
    result->effect = (plus - minus) / (plus + minus);
    if (zeros == NLG_ZEROS_SPLIT) {
        plus += of_zeros / 2;
        minus += of_zeros / 2;
    }
    result->plus = plus / 2;
    result->minus = minus / 2;
    result->is_exact = exact;
    if (!exact) {
        result->p =
            normal_p(result->plus, (double)ranked, zeros == NLG_ZEROS_PRATT ? (double)(ranked - moved) : 0, ties, continuity);
        return NLG_OK;
    }
    NLG_TRY(chance_of_at_most(ranks, moved, (size_t)smaller, &chance, err));
    result->p = 2 * chance < 1 ? 2 * chance : 1;
    return NLG_OK;
}

nlg_status nlg_wilcoxon_as(const double *difference, size_t n, nlg_zeros zeros, bool exact, bool continuity,
                           nlg_signed_rank *result, nlg_error *err) {
    *result = (nlg_signed_rank){.p = 1, .is_exact = true};
    for (size_t i = 0; i < n; i++) {
        if (isnan(difference[i])) return nlg_fail(err, NLG_ERR_INPUT, "signed-rank test: difference %zu is not a number", i + 1);
        result->n += difference[i] != 0;
    }
    if (!result->n) return NLG_OK;
    double *room = nlg_alloc(2 * n, sizeof *room);
    if (!room) return nlg_fail_memory(err, 2 * n * sizeof *room, "a signed-rank test");
    nlg_status status = signed_rank(difference, n, zeros, exact, continuity, room, room + n, result, err);
    nlg_free(room);
    return status;
}

nlg_status nlg_wilcoxon(const double *difference, size_t n, nlg_signed_rank *result, nlg_error *err) {
    return nlg_wilcoxon_as(difference, n, NLG_ZEROS_DROPPED, n <= EXACT_MAX, false, result, err);
}

/* --- bootstrap --- */

static nlg_status resampled_means(const double *x, size_t n, size_t resamples, nlg_rng rng, double **means, nlg_error *err) {
    if (n < 1 || resamples < 1) return nlg_fail(err, NLG_ERR_INPUT, "bootstrap: expected at least one pair and one resample");
    *means = nlg_alloc(resamples, sizeof **means);
    if (!*means) return nlg_fail_memory(err, resamples * sizeof **means, "a bootstrap");
    for (size_t r = 0; r < resamples; r++) {
        double sum = 0;
        for (size_t i = 0; i < n; i++) sum += x[nlg_rng_below(rng, r * n + i, n)];
        (*means)[r] = sum / (double)n;
    }
    nlg_sort(*means, resamples);
    return NLG_OK;
}

nlg_status nlg_paired_bootstrap(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                nlg_error *err) {
    double *means;
    NLG_TRY(resampled_means(difference, n, resamples, rng, &means, err));
    *interval = (nlg_interval){nlg_quantile_sorted(means, resamples, 0.025), nlg_quantile_sorted(means, resamples, 0.975)};
    nlg_free(means);
    return NLG_OK;
}

/* Efron, Tibshirani (1993), equation 14.15: the acceleration from the means without one value each. */
static double acceleration(const double *x, size_t n) {
    double mean = nlg_mean(x, n), squares = 0, cubes = 0;
    for (size_t i = 0; i < n; i++) {
        double u = x[i] - mean; /* (n - 1) (mean of the left-out means - this one), for a mean */
        squares += u * u;
        cubes += u * u * u;
    }
    return squares > 0 ? cubes / (6 * squares * sqrt(squares)) : 0;
}

nlg_status nlg_paired_bootstrap_bca(const double *difference, size_t n, size_t resamples, nlg_rng rng, nlg_interval *interval,
                                    nlg_error *err) {
    double *means, mean, below = 0;
    NLG_TRY(resampled_means(difference, n, resamples, rng, &means, err));
    mean = nlg_mean(difference, n);
    for (size_t r = 0; r < resamples; r++) below += (means[r] < mean) + (means[r] <= mean);
    double z0 = nlg_normal_quantile(below / (2 * (double)resamples)), a = acceleration(difference, n),
           z = nlg_normal_quantile(0.025);
    double ends[2];
    for (int side = 0; side < 2; side++) {
        double shifted = z0 + (side ? -z : z), at = nlg_normal_cdf(z0 + shifted / (1 - a * shifted));
        ends[side] = nlg_quantile_sorted(means, resamples, isnan(at) ? (side ? 0.975 : 0.025) : at);
    }
    *interval = (nlg_interval){ends[0], ends[1]};
    nlg_free(means);
    return NLG_OK;
}

/* --- effects and fronts --- */

double nlg_vargha_delaney(const double *x, size_t n, const double *y, size_t m) {
    double above = 0;
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < m; j++) above += x[i] > y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
    return n && m ? above / ((double)n * (double)m) : (double)NAN;
}

typedef struct point {
    double cost, gain;
} point;

static int by_cost(const void *a, const void *b) {
    const point *p = a, *q = b;
    if (p->cost != q->cost) return p->cost < q->cost ? -1 : 1;
    return (p->gain < q->gain) - (p->gain > q->gain);
}

nlg_status nlg_hypervolume(const double *cost, const double *gain, size_t n, double reference_cost, double reference_gain,
                           double *volume, nlg_error *err) {
    *volume = 0;
    point *points = nlg_alloc(n ? n : 1, sizeof *points);
    if (!points) return nlg_fail_memory(err, n * sizeof *points, "a hypervolume");
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (cost[i] < reference_cost && gain[i] > reference_gain) points[kept++] = (point){cost[i], gain[i]};
    qsort(points, kept, sizeof *points, by_cost);
    double best = reference_gain;
    for (size_t i = 0; i < kept; i++) {
        if (points[i].gain <= best) continue;
        *volume += (reference_cost - points[i].cost) * (points[i].gain - best);
        best = points[i].gain;
    }
    nlg_free(points);
    return NLG_OK;
}

void nlg_pareto_front(const double *cost, const double *gain, size_t n, bool *on_front) {
    for (size_t i = 0; i < n; i++) {
        on_front[i] = !isnan(gain[i]) && !isnan(cost[i]);
        for (size_t j = 0; j < n && on_front[i]; j++)
            if (cost[j] <= cost[i] && gain[j] >= gain[i] && (cost[j] < cost[i] || gain[j] > gain[i])) on_front[i] = false;
    }
}
