/* harness/claims: statistics against values of R, SciPy and statsmodels, and against enumeration; the same in SQL. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <sqlite3.h>
#include <stdlib.h>

#include "harness/query/distributions.h"
#include "harness/query/stats.h"
#include "harness/query/stats_sql.h"
#include "layers/base/file.h"
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
    assert_true(isnan(nlg_standard_deviation(x, 1)));
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

/* --- against SciPy and statsmodels: tests/reference/stats.json --- */

static cJSON *reference;

static int read_reference(void **state) {
    (void)state;
    char *text;
    size_t size;
    nlg_error err = {0};
    if (nlg_file_read("tests/reference/stats.json", 1 << 22, &text, &size, &err) != NLG_OK) return -1;
    reference = cJSON_Parse(text);
    nlg_free(text);
    return reference ? 0 : -1;
}

static int free_reference(void **state) {
    (void)state;
    cJSON_Delete(reference);
    return 0;
}

static double number(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

static size_t numbers(const cJSON *object, const char *key, double *out) {
    size_t n = 0;
    const cJSON *v;
    cJSON_ArrayForEach(v, cJSON_GetObjectItemCaseSensitive(object, key)) out[n++] = v->valuedouble;
    return n;
}

/* Relative, since small p values matter. */
static void check_relative(double found, double expected) {
    if (isnan(expected) && isnan(found)) return;
    if (!(fabs(found - expected) <= 1e-10 * fabs(expected) + 1e-300)) fail_msg("expected %.17g, found %.17g", expected, found);
}

static void signed_rank_is_scipys(void **state) {
    (void)state;
    static const char *const names[] = {"wilcox", "pratt", "zsplit"};
    double d[64];
    int cases = 0, exact = 0;
    nlg_error err = {0};
    nlg_signed_rank r;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "signed_rank")) {
        size_t n = numbers(row, "d", d);
        cases++;
        if (cJSON_HasObjectItem(row, "exact")) {
            assert_int_equal(nlg_wilcoxon(d, n, &r, &err), NLG_OK);
            check_relative(r.p, number(row, "exact"));
        }
        for (int z = 0; z < 3; z++) {
            const cJSON *expected = cJSON_GetObjectItem(cJSON_GetObjectItem(row, "zeros"), names[z]);
            assert_int_equal(nlg_wilcoxon_as(d, n, (nlg_zeros)z, false, false, &r, &err), NLG_OK);
            check_relative(r.p, number(expected, "plain"));
            check_near(r.plus < r.minus ? r.plus : r.minus, number(expected, "statistic"));
            assert_int_equal(nlg_wilcoxon_as(d, n, (nlg_zeros)z, false, true, &r, &err), NLG_OK);
            check_relative(r.p, number(expected, "corrected"));
            if (!cJSON_HasObjectItem(expected, "exact")) continue;
            exact++;
            assert_int_equal(nlg_wilcoxon_as(d, n, (nlg_zeros)z, true, false, &r, &err), NLG_OK);
            check_relative(r.p, number(expected, "exact"));
        }
    }
    assert_true(cases > 40 && exact > 90);
    d[0] = (double)NAN;
    assert_int_equal(nlg_wilcoxon(d, 3, &r, &err), NLG_ERR_INPUT);
}

static void bootstrap_is_scipys(void **state) {
    (void)state;
    double d[64], expected[2];
    nlg_error err = {0};
    nlg_interval found;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "bootstrap")) {
        size_t n = numbers(row, "d", d), resamples = (size_t)number(row, "resamples");
        nlg_rng rng = {strtoull(cJSON_GetObjectItem(row, "key")->valuestring, NULL, 10)};
        numbers(row, "percentile", expected);
        assert_int_equal(nlg_paired_bootstrap(d, n, resamples, rng, &found, &err), NLG_OK);
        check_near(found.low, expected[0]);
        check_near(found.high, expected[1]);
        numbers(row, "bca", expected);
        assert_int_equal(nlg_paired_bootstrap_bca(d, n, resamples, rng, &found, &err), NLG_OK);
        check_near(found.low, expected[0]);
        check_near(found.high, expected[1]);
    }
    double same[] = {0.5, 0.5, 0.5};
    assert_int_equal(nlg_paired_bootstrap_bca(same, 3, 100, nlg_rng_seed(1), &found, &err), NLG_OK);
    assert_true(found.low == 0.5 && found.high == 0.5);
}

static void correlations_are_scipys(void **state) {
    (void)state;
    double x[64], y[64];
    nlg_error err = {0};
    nlg_correlation c;
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "correlation")) {
        size_t n = numbers(row, "x", x);
        numbers(row, "y", y);
        assert_int_equal(nlg_rank_correlation(x, y, n, &c, &err), NLG_OK);
        if (isnan(number(row, "tau"))) {
            assert_true(isnan(c.kendall_tau_b) && isnan(c.spearman));
            continue;
        }
        check_near(c.kendall_tau_b, number(row, "tau"));
        check_near(c.spearman, number(row, "rho"));
        check_relative(c.kendall_p, number(row, "tau_p"));
        if (fabs(c.spearman) < 0.99) check_relative(c.spearman_p, number(row, "rho_p"));
    }
}

static void intervals_and_effects_are_theirs(void **state) {
    (void)state;
    double x[64], y[64], expected[64], found[64];
    nlg_error err = {0};
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "mean")) {
        nlg_interval i = nlg_t_interval(x, numbers(row, "x", x));
        numbers(row, "t", expected);
        check_near(i.low, expected[0]);
        check_near(i.high, expected[1]);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "vargha_delaney")) {
        size_t n = numbers(row, "x", x), m = numbers(row, "y", y);
        check_near(nlg_vargha_delaney(x, n, y, m), number(row, "a"));
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "wilson")) {
        nlg_interval i = nlg_wilson((uint64_t)number(row, "k"), (uint64_t)number(row, "n"));
        numbers(row, "interval", expected);
        check_near(i.low, expected[0]);
        check_near(i.high, expected[1]);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "many")) {
        size_t n = numbers(row, "p", x);
        numbers(row, "holm", expected);
        assert_int_equal(nlg_holm(x, n, found, &err), NLG_OK);
        for (size_t i = 0; i < n; i++) check_relative(found[i], expected[i]);
        numbers(row, "benjamini_hochberg", expected);
        assert_int_equal(nlg_benjamini_hochberg(x, n, found, &err), NLG_OK);
        for (size_t i = 0; i < n; i++) check_relative(found[i], expected[i]);
    }
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "t"))
        check_relative(nlg_t_two_sided(number(row, "t"), number(row, "degrees")), number(row, "p"));
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "normal"))
        check_relative(nlg_normal_two_sided(number(row, "z")), number(row, "p"));
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "normal_quantile"))
        check_near(nlg_normal_quantile(number(row, "p")), number(row, "z"));
}

static void hypervolume_is_the_area(void **state) {
    (void)state;
    double cost[64], gain[64], at[2], found;
    nlg_error err = {0};
    const cJSON *row, *p;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(reference, "hypervolume")) {
        size_t n = 0;
        cJSON_ArrayForEach(p, cJSON_GetObjectItem(row, "points")) {
            cost[n] = cJSON_GetArrayItem(p, 0)->valuedouble;
            gain[n++] = cJSON_GetArrayItem(p, 1)->valuedouble;
        }
        numbers(row, "reference", at);
        assert_int_equal(nlg_hypervolume(cost, gain, n, at[0], at[1], &found, &err), NLG_OK);
        check_near(found, number(row, "area"));
    }
}

/* --- in SQL --- */

static double query(sqlite3 *db, const char *sql) {
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    if (sqlite3_step(s) != SQLITE_ROW) fail_msg("%s: %s", sql, sqlite3_errmsg(db));
    double value = sqlite3_column_type(s, 0) == SQLITE_NULL ? (double)NAN : sqlite3_column_double(s, 0);
    sqlite3_finalize(s);
    return value;
}

static void sql_gives_the_same(void **state) {
    (void)state;
    static const double d[] = {0.5, -0.2, 0.3, 0.3, -0.3, 0.9, 1.1, 0.0, 0.4, -0.1, 0.7};
    static const char *const aggregates[] = {"mean(d)",
                                             "sd(d)",
                                             "median(d)",
                                             "quantile(d, 0.25)",
                                             "t_low(d)",
                                             "t_high(d)",
                                             "wilcoxon_p(d)",
                                             "rank_biserial(d)",
                                             "bootstrap_low(d)",
                                             "bca_high(d)",
                                             "kendall_tau(d, e)",
                                             "kendall_p(d, e)",
                                             "spearman(d, e)",
                                             "spearman_p(d, e)",
                                             "vargha_delaney(d, e > 4)",
                                             "hypervolume(e, d, 9, 0.05)"};
    sqlite3 *db;
    nlg_error err = {0};
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(nlg_stats_register(db, &err), NLG_OK);
    sqlite3_exec(db, "CREATE TABLE t(d REAL, e REAL); INSERT INTO t VALUES (NULL, 3)", NULL, NULL, NULL);
    for (size_t i = 0; i < COUNT(d); i++) {
        char sql[96];
        snprintf(sql, sizeof sql, "INSERT INTO t VALUES (%g, %zu)", d[i], 7 * i % 11);
        sqlite3_exec(db, sql, NULL, NULL, NULL);
    }
    check_near(query(db, "SELECT wilcoxon_p(d) FROM t"), 0.037109375);
    check_near(query(db, "SELECT rank_biserial(d) FROM t"), 0.7454545454545455);
    check_near(query(db, "SELECT mean(d) FROM t"), 3.6 / 11);
    check_near(query(db, "SELECT median(d) FROM t"), 0.3);
    check_near(query(db, "SELECT wilson_low(8, 10)"), 0.4901624715366418);
    check_near(query(db, "SELECT holm(0.03, json_array(0.01, 0.04, 0.03, 0.005, 0.5))"), 0.09);
    check_near(query(db, "SELECT benjamini_hochberg(0.01, json_array(0.01, 0.04, 0.03, 0.005, 0.5))"), 0.025);
    assert_true(isnan(query(db, "SELECT sd(1.0)")));
    assert_true(isnan(query(db, "SELECT t_low(1.0)")));
    assert_true(isnan(query(db, "SELECT median(d) FROM t WHERE 0")));
    assert_true(isnan(query(db, "SELECT wilcoxon_p(d) FROM t WHERE 0")));
    /* The order of rows does not matter, to the last bit. */
    for (size_t i = 0; i < COUNT(aggregates); i++) {
        char up[160], down[160];
        snprintf(up, sizeof up, "SELECT %s FROM (SELECT * FROM t ORDER BY e)", aggregates[i]);
        snprintf(down, sizeof down, "SELECT %s FROM (SELECT * FROM t ORDER BY d DESC, e)", aggregates[i]);
        double a = query(db, up), b = query(db, down);
        if (!(a == b)) fail_msg("%s: %.17g and %.17g", aggregates[i], a, b);
    }
    sqlite3_close(db);
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
        cmocka_unit_test(signed_rank_is_scipys),
        cmocka_unit_test(bootstrap_is_scipys),
        cmocka_unit_test(correlations_are_scipys),
        cmocka_unit_test(intervals_and_effects_are_theirs),
        cmocka_unit_test(hypervolume_is_the_area),
        cmocka_unit_test(sql_gives_the_same),
        cmocka_unit_test(lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests(tests, read_reference, free_reference);
}
