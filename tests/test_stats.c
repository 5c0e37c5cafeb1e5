/* harness/stats: against values of R and SciPy, and against enumeration. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness/claims/stats.h"
#include "layers/base/memory.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_near(double found, double expected) {
    if (!(fabs(found - expected) <= 1e-12 * (1 + fabs(expected)))) fail_msg("expected %.17g, found %.17g", expected, found);
}

static void mean_deviation_quantiles(void **state) {
    (void)state;
    double x[] = {8, 1, 4, 2};
    check_near(nlg_mean(x, 4), 3.75);
    check_near(nlg_standard_deviation(x, 4), 3.0956959368344519); /* R: sd(c(8,1,4,2)) */
    check_near(nlg_standard_deviation(x, 1), 0);
    nlg_sort(x, 4);
    check_near(nlg_quantile_sorted(x, 4, 0), 1);
    check_near(nlg_quantile_sorted(x, 4, 0.1), 1.3);
    check_near(nlg_quantile_sorted(x, 4, 0.5), 3);
    check_near(nlg_quantile_sorted(x, 4, 0.9), 6.8);
    check_near(nlg_quantile_sorted(x, 4, 1), 8);
    check_near(nlg_quantile_sorted(x, 1, 0.3), 1);
}

static void wilson_interval(void **state) {
    (void)state;
    static const struct {
        uint64_t k, n;
        double low, high;
    } cases[] = {{8, 10, 0.4901624715366418, 0.9433178485456248},
                 {0, 10, 0, 0.27753279986288926},
                 {10, 10, 0.7224672001371109, 1},
                 {950, 1000, 0.9346861797557491, 0.9618697376072511}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        nlg_interval found = nlg_wilson(cases[i].k, cases[i].n);
        check_near(found.low, cases[i].low);
        check_near(found.high, cases[i].high);
    }
}

static void rank_correlations(void **state) {
    (void)state;
    static const double x[] = {1, 2, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9}, y[] = {2, 1, 3, 3, 5, 4, 6, 6, 9, 8, 8, 10};
    static const double u[] = {3.1, 1.2, 4.4, 2.0, 9.9, 5.5}, v[] = {1.0, 7.7, 2.2, 6.1, 0.3, 4.0}, flat[] = {1, 1, 1, 1, 1, 1};
    nlg_error err = {0};
    nlg_correlation c;
    assert_int_equal(nlg_rank_correlation(x, y, 12, &c, &err), NLG_OK);
    check_near(c.kendall_tau_b, 0.8320266252780202);
    check_near(c.spearman, 0.9414952812876685);
    assert_int_equal(c.n, 12);
    assert_int_equal(c.tied_x, 4);
    assert_int_equal(c.tied_y, 3);
    assert_int_equal(nlg_rank_correlation(u, v, 6, &c, &err), NLG_OK);
    check_near(c.kendall_tau_b, -0.6);
    check_near(c.spearman, -0.7714285714285715);
    assert_int_equal(nlg_rank_correlation(u, flat, 6, &c, &err), NLG_OK);
    assert_true(isnan(c.kendall_tau_b) && isnan(c.spearman));
    assert_int_equal(nlg_rank_correlation(u, v, 1, &c, &err), NLG_OK);
    assert_true(isnan(c.kendall_tau_b));
}

static void signed_rank_against_published(void **state) {
    (void)state;
    /* Hollander and Wolfe (1973), depression scale, as in R's wilcox.test: V = 40, one-sided p = 0.01953125. */
    static const double before[] = {1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30};
    static const double after[] = {0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29};
    double d[9];
    for (int i = 0; i < 9; i++) d[i] = before[i] - after[i];
    nlg_error err = {0};
    nlg_signed_rank r;
    assert_int_equal(nlg_wilcoxon(d, 9, &r, &err), NLG_OK);
    check_near(r.plus, 40);
    check_near(r.minus, 5);
    check_near(r.p, 0.0390625);
    check_near(r.effect, 35.0 / 45);

    /* The best that n pairs reach: 2 / 2^n. */
    static const double up[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    assert_int_equal(nlg_wilcoxon(up, 6, &r, &err), NLG_OK);
    check_near(r.p, 0.03125);
    assert_int_equal(nlg_wilcoxon(up, 10, &r, &err), NLG_OK);
    check_near(r.p, 0.001953125);
    check_near(r.effect, 1);
}

static void signed_rank_with_ties_and_zeros(void **state) {
    (void)state;
    static const double d[] = {0.5, -0.2, 0.3, 0.3, -0.3, 0.9, 1.1, 0.0, 0.4, -0.1, 0.7}, zeros[] = {0, 0};
    nlg_error err = {0};
    nlg_signed_rank r;
    assert_int_equal(nlg_wilcoxon(d, COUNT(d), &r, &err), NLG_OK);
    assert_int_equal(r.n, 10);
    check_near(r.plus, 48);
    check_near(r.minus, 7);
    check_near(r.p, 0.037109375); /* 2^10 sign patterns enumerated */
    check_near(r.effect, 0.7454545454545455);
    assert_int_equal(nlg_wilcoxon(zeros, 2, &r, &err), NLG_OK);
    assert_int_equal(r.n, 0);
    check_near(r.p, 1);
}

static void bootstrap_is_keyed(void **state) {
    (void)state;
    double d[20], same[5] = {2, 2, 2, 2, 2};
    nlg_rng key = nlg_rng_seed(7);
    for (int i = 0; i < 20; i++) d[i] = 1 + nlg_rng_normal(key, (uint64_t)i);
    nlg_error err = {0};
    nlg_interval a, b, other;
    assert_int_equal(nlg_paired_bootstrap(d, 20, 4000, nlg_rng_seed(1), &a, &err), NLG_OK);
    assert_int_equal(nlg_paired_bootstrap(d, 20, 4000, nlg_rng_seed(1), &b, &err), NLG_OK);
    assert_int_equal(nlg_paired_bootstrap(d, 20, 4000, nlg_rng_seed(2), &other, &err), NLG_OK);
    assert_true(a.low == b.low && a.high == b.high);
    assert_true(a.low != other.low);
    /* Close to mean -+ 1.96 sd / sqrt(n), with sd over n. */
    double half = 1.96 * nlg_standard_deviation(d, 20) * sqrt(19.0 / 20) / sqrt(20.0), mean = nlg_mean(d, 20);
    assert_true(fabs(a.low - (mean - half)) < 0.15 * half);
    assert_true(fabs(a.high - (mean + half)) < 0.15 * half);
    assert_int_equal(nlg_paired_bootstrap(same, 5, 100, nlg_rng_seed(1), &a, &err), NLG_OK);
    assert_true(a.low == 2 && a.high == 2);
    assert_int_equal(nlg_paired_bootstrap(same, 0, 100, nlg_rng_seed(1), &a, &err), NLG_ERR_INPUT);
}

static void many_tests(void **state) {
    (void)state;
    static const double p[] = {0.01, 0.04, 0.03, 0.005, 0.5};
    static const double holm[] = {0.04, 0.09, 0.09, 0.025, 0.5}, hochberg[] = {0.025, 0.05, 0.05, 0.025, 0.5};
    double q[5];
    nlg_error err = {0};
    assert_int_equal(nlg_holm(p, 5, q, &err), NLG_OK);
    for (int i = 0; i < 5; i++) check_near(q[i], holm[i]);
    assert_int_equal(nlg_benjamini_hochberg(p, 5, q, &err), NLG_OK);
    for (int i = 0; i < 5; i++) check_near(q[i], hochberg[i]);
}

static void lack_of_memory_is_reported(void **state) {
    (void)state;
    static const double x[] = {1, 2, 3, 4}, y[] = {2, 1, 4, 3};
    double q[4];
    nlg_correlation c;
    nlg_signed_rank r;
    nlg_interval i;
    for (long n = 0; n < 3; n++) {
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = nlg_rank_correlation(x, y, 4, &c, &err);
        nlg_alloc_fail_after(-1);
        assert_int_equal(status, NLG_ERR_MEMORY);
        assert_int_equal(err.status, NLG_ERR_MEMORY);
    }
    for (long n = 0; n < 3; n++) {
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = nlg_wilcoxon(x, 4, &r, &err);
        nlg_alloc_fail_after(-1);
        assert_int_equal(status, NLG_ERR_MEMORY);
    }
    nlg_alloc_fail_after(0);
    assert_int_equal(nlg_paired_bootstrap(x, 4, 10, nlg_rng_seed(1), &i, &(nlg_error){0}), NLG_ERR_MEMORY);
    nlg_alloc_fail_after(0);
    assert_int_equal(nlg_holm(x, 4, q, &(nlg_error){0}), NLG_ERR_MEMORY);
    nlg_alloc_fail_after(0);
    assert_int_equal(nlg_benjamini_hochberg(x, 4, q, &(nlg_error){0}), NLG_ERR_MEMORY);
    nlg_alloc_fail_after(-1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mean_deviation_quantiles),
        cmocka_unit_test(wilson_interval),
        cmocka_unit_test(rank_correlations),
        cmocka_unit_test(signed_rank_against_published),
        cmocka_unit_test(signed_rank_with_ties_and_zeros),
        cmocka_unit_test(bootstrap_is_keyed),
        cmocka_unit_test(many_tests),
        cmocka_unit_test(lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
