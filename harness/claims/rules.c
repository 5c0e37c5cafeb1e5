/* The rules of claims: functions of rows alone. Tests are two-sided at 0.05. */
#include <math.h>
#include <string.h>

#include "harness/claims/claim.h"
#include "harness/query/stats.h"
#include "layers/base/dmath.h"
#include "layers/base/memory.h"

enum { RESAMPLES = 10000, LEAST_PAIRS = 6 }; /* five pairs reach p = 0.0625 at best */
static const double level = 0.05;

static double param(const cJSON *params, const char *name, double otherwise) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(params, name);
    return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static nlg_rng draws(const char *key) {
    return nlg_rng_named(nlg_rng_named(nlg_rng_seed(0), "claims"), key);
}

static bool are_too_few(const nlg_claim_rows *rows, const cJSON *params, nlg_verdict *v) {
    v->pairs = rows->count;
    if ((double)rows->count >= param(params, "least_pairs", LEAST_PAIRS)) return false;
    v->kind = NLG_NOT_TESTABLE;
    return true;
}

/* Interval, test and effect of paired differences less `shift`. */
static nlg_status test_differences(const double *d, size_t n, double shift, const char *key, nlg_verdict *v, nlg_error *err) {
    nlg_interval interval = {(double)NAN, (double)NAN};
    nlg_signed_rank test;
    double *shifted = nlg_alloc(n + 1, sizeof *shifted);
    if (!shifted) return nlg_fail_memory(err, n * sizeof *shifted, "a claim");
    for (size_t i = 0; i < n; i++) shifted[i] = d[i] - shift;
    nlg_status status = nlg_wilcoxon(shifted, n, &test, err);
    if (status == NLG_OK && n >= 2) status = nlg_paired_bootstrap_bca(d, n, RESAMPLES, draws(key), &interval, err);
    nlg_free(shifted);
    if (status != NLG_OK) return status;
    v->difference = n ? nlg_mean(d, n) : (double)NAN;
    v->low = interval.low;
    v->high = interval.high;
    v->p = test.p;
    v->effect = test.effect;
    return NLG_OK;
}

static nlg_status with_differences(const nlg_claim_rows *rows, double shift, const char *key, nlg_verdict *v, nlg_error *err) {
    double *d = nlg_alloc(rows->count + 1, sizeof *d);
    if (!d) return nlg_fail_memory(err, rows->count * sizeof *d, "a claim");
    for (size_t i = 0; i < rows->count; i++) d[i] = rows->a[i] - rows->b[i];
    nlg_status status = test_differences(d, rows->count, shift, key, v, err);
    nlg_free(d);
    return status;
}

/* Significant in a direction, or not shown. */
static void decide_by_sign(nlg_verdict *v, double sign) {
    v->kind = !(v->p <= level) ? NLG_NOT_SHOWN : sign > 0 ? NLG_SUPPORTED : sign < 0 ? NLG_CONTRADICTED : NLG_NOT_SHOWN;
}

static nlg_status decide_greater(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v, nlg_error *err) {
    NLG_TRY(with_differences(rows, 0, key, v, err));
    if (!are_too_few(rows, params, v)) decide_by_sign(v, v->effect);
    return NLG_OK;
}

static nlg_status decide_not_lower(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v,
                                   nlg_error *err) {
    double margin = param(params, "margin", 0);
    NLG_TRY(with_differences(rows, -margin, key, v, err));
    if (are_too_few(rows, params, v)) return NLG_OK;
    v->kind = v->low > -margin ? NLG_SUPPORTED : v->high < -margin ? NLG_CONTRADICTED : NLG_NOT_SHOWN;
    return NLG_OK;
}

static nlg_status decide_equal(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v, nlg_error *err) {
    (void)params, (void)key, (void)err;
    double largest = 0;
    v->pairs = rows->count;
    v->kind = rows->count ? NLG_SUPPORTED : NLG_NOT_TESTABLE;
    for (size_t i = 0; i < rows->count; i++) {
        double d = rows->a[i] - rows->b[i];
        if (d != 0) v->kind = NLG_CONTRADICTED;
        if (fabs(d) > fabs(largest)) largest = d;
    }
    if (rows->count) v->difference = largest;
    return NLG_OK;
}

/* On logarithms, so that a / b and b / a say the same; of one bound with a test against it. */
static nlg_status test_ratios(double *logs, size_t n, double least, double most, const char *key, nlg_verdict *v, nlg_error *err) {
    const bool has_one_bound = isfinite(least) != isfinite(most);
    NLG_TRY(test_differences(logs, n, has_one_bound ? nlg_log(isfinite(least) ? least : most) : 0, key, v, err));
    v->difference = nlg_exp(v->difference);
    v->low = nlg_exp(v->low);
    v->high = nlg_exp(v->high);
    if (!has_one_bound) v->p = v->effect = (double)NAN;
    return NLG_OK;
}

/* The geometric mean of a / b and its interval; of counts (rows that are all alike, no least_pairs asked for), the ratio itself. */
static nlg_status decide_ratio_within(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v,
                                      nlg_error *err) {
    const double least = param(params, "low", -(double)INFINITY), most = param(params, "high", (double)INFINITY);
    const size_t n = rows->count;
    double *logs = nlg_alloc(n + 1, sizeof *logs);
    if (!logs) return nlg_fail_memory(err, n * sizeof *logs, "a claim");
    bool alike = true, has_logs = true;
    for (size_t i = 0; i < n; i++) {
        const double ratio = rows->a[i] / rows->b[i];
        alike &= ratio == rows->a[0] / rows->b[0];
        logs[i] = nlg_log(ratio);
        has_logs &= isfinite(logs[i]);
    }
    nlg_status status = NLG_OK;
    v->pairs = n;
    if (alike && n)
        v->difference = v->low = v->high = rows->a[0] / rows->b[0];
    else if (has_logs)
        status = test_ratios(logs, n, least, most, key, v, err);
    nlg_free(logs);
    const bool counted = alike && !cJSON_HasObjectItem(params, "least_pairs");
    const bool too_few = !n || (!counted && are_too_few(rows, params, v));
    v->kind = too_few || isnan(v->low)             ? NLG_NOT_TESTABLE
              : v->low >= least && v->high <= most ? NLG_SUPPORTED
              : v->high < least || v->low > most   ? NLG_CONTRADICTED
                                                   : NLG_NOT_SHOWN;
    return status;
}

/* pair: a seed; a: the place in the order; b: what should rise with it. Kendall's tau of each seed, then tested against 0. */
static nlg_status decide_ordered(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v, nlg_error *err) {
    double *tau = nlg_alloc(rows->count + 1, sizeof *tau);
    if (!tau) return nlg_fail_memory(err, rows->count * sizeof *tau, "a claim");
    size_t n = 0;
    nlg_status status = NLG_OK;
    for (size_t begin = 0, end; status == NLG_OK && begin < rows->count; begin = end) {
        nlg_correlation c;
        for (end = begin + 1; end < rows->count && strcmp(rows->pair[begin], rows->pair[end]) == 0;) end++;
        status = nlg_rank_correlation(rows->a + begin, rows->b + begin, end - begin, &c, err);
        if (status == NLG_OK && !isnan(c.kendall_tau_b)) tau[n++] = c.kendall_tau_b;
    }
    if (status == NLG_OK) status = test_differences(tau, n, 0, key, v, err);
    nlg_free(tau);
    if (status != NLG_OK) return status;
    nlg_claim_rows seeds = {.count = n};
    if (!are_too_few(&seeds, params, v)) decide_by_sign(v, v->effect);
    return NLG_OK;
}

/* Percentile interval of tau over resampled rows. */
static nlg_status tau_interval(const nlg_claim_rows *rows, const char *key, nlg_interval *interval, nlg_error *err) {
    enum { DRAWS = 2000 };
    size_t n = rows->count, kept = 0;
    double *room = nlg_alloc(2 * n + DRAWS, sizeof *room), *taus = room + 2 * n;
    if (!room) return nlg_fail_memory(err, (2 * n + DRAWS) * sizeof *room, "a claim");
    nlg_rng rng = draws(key);
    nlg_status status = NLG_OK;
    for (size_t r = 0; status == NLG_OK && r < DRAWS; r++) {
        nlg_correlation c;
        for (size_t i = 0; i < n; i++) {
            size_t k = nlg_rng_below(rng, r * n + i, n);
            room[i] = rows->a[k];
            room[n + i] = rows->b[k];
        }
        status = nlg_rank_correlation(room, room + n, n, &c, err);
        if (!isnan(c.kendall_tau_b)) taus[kept++] = c.kendall_tau_b;
    }
    *interval = (nlg_interval){(double)NAN, (double)NAN};
    if (status == NLG_OK && kept) {
        nlg_sort(taus, kept);
        *interval = (nlg_interval){nlg_quantile_sorted(taus, kept, 0.025), nlg_quantile_sorted(taus, kept, 0.975)};
    }
    nlg_free(room);
    return status;
}

static nlg_status decide_correlation_above(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v,
                                           nlg_error *err) {
    nlg_correlation c;
    nlg_interval interval = {(double)NAN, (double)NAN};
    double above = param(params, "above", 0);
    NLG_TRY(nlg_rank_correlation(rows->a, rows->b, rows->count, &c, err));
    NLG_TRY(tau_interval(rows, key, &interval, err));
    v->difference = v->effect = c.kendall_tau_b;
    v->p = c.kendall_p;
    v->low = interval.low;
    v->high = interval.high;
    if (are_too_few(rows, params, v) || isnan(c.kendall_tau_b)) {
        v->kind = NLG_NOT_TESTABLE;
        return NLG_OK;
    }
    bool clear = c.kendall_p <= level;
    v->kind = clear && c.kendall_tau_b > 0 && (above == 0 || interval.low > above) ? NLG_SUPPORTED
              : (clear && c.kendall_tau_b < 0) || interval.high < above            ? NLG_CONTRADICTED
                                                                                   : NLG_NOT_SHOWN;
    return NLG_OK;
}

static nlg_status decide_descriptive(const nlg_claim_rows *rows, const cJSON *params, const char *key, nlg_verdict *v,
                                     nlg_error *err) {
    (void)params;
    v->pairs = rows->count;
    if (rows->count) NLG_TRY(with_differences(rows, 0, key, v, err));
    v->p = (double)NAN;
    v->kind = NLG_DESCRIBED;
    return NLG_OK;
}

#define RULE_ROW(x, parameters, text, of, ...)                                                                                     \
    static const nlg_rule nlg_rule_##x = {                                                                                         \
        .name = #x, .params = parameters, .means = text, .unit = of, .decide = decide_##x, __VA_ARGS__}
#define decide_front_dominates decide_greater

RULE_ROW(greater, "?least_pairs",
         "a is greater than b: Wilcoxon's signed-rank test over the pairs, two-sided, p at most 0.05; contradicted where it is "
         "significant the "
         "other way",
         "a - b");
RULE_ROW(
    not_lower, "margin ?least_pairs",
    "a is not lower than b by more than the margin: the 95% bootstrap interval of the mean difference lies above -margin; p is of "
    "the test against -margin",
    "a - b", .against = "margin");
RULE_ROW(equal, "", "a equals b exactly in every row", "a - b");
RULE_ROW(ratio_within, "?low ?high ?least_pairs",
         "the geometric mean of a / b, with its 95% bootstrap interval, lies within the bounds; p, where there is one bound, is of "
         "Wilcoxon's signed-rank test of log(a / b) against it",
         "a / b", .against = "bound");
RULE_ROW(ordered, "?least_pairs",
         "b rises with a within each seed: Kendall's tau of every seed, tested by Wilcoxon's signed-rank test against 0", "tau");
RULE_ROW(correlation_above, "?above ?least_pairs", "Kendall's tau-b of a and b is above the bound, p at most 0.05", "tau");
RULE_ROW(front_dominates, "?least_pairs",
         "the front of a is higher than that of b: mean heights over the logarithm of the cost, paired by seed, Wilcoxon's "
         "signed-rank test, p at most 0.05",
         "a - b");
RULE_ROW(descriptive, "", "no test is made; the figures are stated", "a - b");

static const nlg_rule *const rules[] = {
#define RULE(x) &nlg_rule_##x,
#include "harness/claims/rules.def"
#undef RULE
};
enum { RULES = sizeof rules / sizeof *rules };

const nlg_rule *nlg_rule_at(int index) {
    return index >= 0 && index < RULES ? rules[index] : NULL;
}

const nlg_rule *nlg_rule_find(const char *name) {
    for (int i = 0; i < RULES; i++)
        if (strcmp(rules[i]->name, name) == 0) return rules[i];
    return NULL;
}
