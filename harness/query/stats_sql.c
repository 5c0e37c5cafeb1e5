/* The statistics as SQL functions. */
#include "harness/query/stats_sql.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdlib.h>

#include "harness/query/stats.h"
#include "layers/base/memory.h"

enum { RESAMPLES = 10000 };

/* What an aggregate has seen; constants: the last two arguments of four, or the second of quantile. */
typedef struct sample {
    double (*values)[2];
    int n, room;
    double constants[2];
    bool failed;
} sample;

/* x and y: the collected values, sorted by x and then y. NaN: NULL. */
typedef nlg_status (*compute)(const sample *s, double *x, double *y, double *result, nlg_error *err);

static void answer(sqlite3_context *context, double value) {
    if (isnan(value))
        sqlite3_result_null(context);
    else
        sqlite3_result_double(context, value);
}

static void answer_failure(sqlite3_context *context, const nlg_error *err) {
    if (err->status == NLG_ERR_MEMORY)
        sqlite3_result_error_nomem(context);
    else
        sqlite3_result_error(context, err->text, -1);
}

static void step(sqlite3_context *context, int n, sqlite3_value **values) {
    sample *s = sqlite3_aggregate_context(context, sizeof *s);
    if (!s || s->failed) return;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || (n > 1 && sqlite3_value_type(values[1]) == SQLITE_NULL)) return;
    void *grown = nlg_grow(s->values, &s->room, s->n, sizeof *s->values);
    if (!grown) {
        s->failed = true;
        return;
    }
    s->values = grown;
    for (int i = 0; i < 2; i++) {
        s->values[s->n][i] = i < n ? sqlite3_value_double(values[i]) : 0;
        if (n == 4) s->constants[i] = sqlite3_value_double(values[2 + i]);
    }
    s->n++;
}

static int by_pair(const void *a, const void *b) {
    const double *p = a, *q = b;
    for (int i = 0; i < 2; i++)
        if (p[i] != q[i]) return p[i] < q[i] ? -1 : 1;
    return 0;
}

static void finish(sqlite3_context *context) {
    sample *s = sqlite3_aggregate_context(context, 0);
    compute f = (compute)sqlite3_user_data(context);
    if (!s || (!s->n && !s->failed)) {
        sqlite3_result_null(context);
        return;
    }
    double *x = s->failed ? NULL : nlg_alloc(2 * (size_t)s->n, sizeof *x), result = (double)NAN;
    nlg_error err = {0};
    if (x) {
        qsort(s->values, (size_t)s->n, sizeof *s->values, by_pair);
        for (int i = 0; i < s->n; i++)
            for (int k = 0; k < 2; k++) x[k * s->n + i] = s->values[i][k];
        if (f(s, x, x + s->n, &result, &err) == NLG_OK)
            answer(context, result);
        else
            answer_failure(context, &err);
    } else {
        sqlite3_result_error_nomem(context);
    }
    nlg_free(x);
    nlg_free(s->values);
}

/* --- aggregates --- */

#define AGGREGATE(name) static nlg_status name(const sample *s, double *x, double *y, double *result, nlg_error *err)
#define UNUSED          (void)s, (void)x, (void)y, (void)err

AGGREGATE(mean) {
    UNUSED;
    *result = nlg_mean(x, (size_t)s->n);
    return NLG_OK;
}
AGGREGATE(sd) {
    UNUSED;
    *result = nlg_standard_deviation(x, (size_t)s->n);
    return NLG_OK;
}
AGGREGATE(median) {
    UNUSED;
    *result = nlg_quantile_sorted(x, (size_t)s->n, 0.5);
    return NLG_OK;
}
AGGREGATE(quantile) {
    UNUSED;
    double q = y[0];
    if (!(q >= 0 && q <= 1)) return nlg_fail(err, NLG_ERR_INPUT, "quantile: expected a second argument from 0 to 1");
    *result = nlg_quantile_sorted(x, (size_t)s->n, q);
    return NLG_OK;
}
AGGREGATE(t_low) {
    UNUSED;
    *result = nlg_t_interval(x, (size_t)s->n).low;
    return NLG_OK;
}
AGGREGATE(t_high) {
    UNUSED;
    *result = nlg_t_interval(x, (size_t)s->n).high;
    return NLG_OK;
}

static nlg_status resampled(const sample *s, const double *x, bool bca, bool high, double *result, nlg_error *err) {
    nlg_interval i = {(double)NAN, (double)NAN};
    nlg_rng rng = nlg_rng_named(nlg_rng_seed(0), "bootstrap");
    if (s->n >= 2) NLG_TRY((bca ? nlg_paired_bootstrap_bca : nlg_paired_bootstrap)(x, (size_t)s->n, RESAMPLES, rng, &i, err));
    *result = high ? i.high : i.low;
    return NLG_OK;
}
AGGREGATE(bootstrap_low) {
    UNUSED;
    return resampled(s, x, false, false, result, err);
}
AGGREGATE(bootstrap_high) {
    UNUSED;
    return resampled(s, x, false, true, result, err);
}
AGGREGATE(bca_low) {
    UNUSED;
    return resampled(s, x, true, false, result, err);
}
AGGREGATE(bca_high) {
    UNUSED;
    return resampled(s, x, true, true, result, err);
}

AGGREGATE(wilcoxon_p) {
    UNUSED;
    nlg_signed_rank r;
    NLG_TRY(nlg_wilcoxon(x, (size_t)s->n, &r, err));
    *result = r.p;
    return NLG_OK;
}
AGGREGATE(rank_biserial) {
    UNUSED;
    nlg_signed_rank r;
    NLG_TRY(nlg_wilcoxon(x, (size_t)s->n, &r, err));
    *result = r.effect;
    return NLG_OK;
}

AGGREGATE(vargha_delaney) {
    UNUSED;
    /* Values of the first side to the front of x, the others to the front of y. */
    size_t n = 0, m = 0;
    for (int i = 0; i < s->n; i++) {
        if (y[i] != 0)
            x[n++] = s->values[i][0];
        else
            y[m++] = s->values[i][0];
    }
    *result = nlg_vargha_delaney(x, n, y, m);
    return NLG_OK;
}

static nlg_status correlate(const sample *s, const double *x, const double *y, nlg_correlation *c, nlg_error *err) {
    return nlg_rank_correlation(x, y, (size_t)s->n, c, err);
}
AGGREGATE(kendall_tau) {
    nlg_correlation c;
    NLG_TRY(correlate(s, x, y, &c, err));
    *result = c.kendall_tau_b;
    return NLG_OK;
}
AGGREGATE(kendall_p) {
    nlg_correlation c;
    NLG_TRY(correlate(s, x, y, &c, err));
    *result = c.kendall_p;
    return NLG_OK;
}
AGGREGATE(spearman) {
    nlg_correlation c;
    NLG_TRY(correlate(s, x, y, &c, err));
    *result = c.spearman;
    return NLG_OK;
}
AGGREGATE(spearman_p) {
    nlg_correlation c;
    NLG_TRY(correlate(s, x, y, &c, err));
    *result = c.spearman_p;
    return NLG_OK;
}
AGGREGATE(hypervolume) {
    return nlg_hypervolume(x, y, (size_t)s->n, s->constants[0], s->constants[1], result, err);
}

/* --- functions of one row --- */

static void wilson(sqlite3_context *context, sqlite3_value **values, bool high) {
    double k = sqlite3_value_double(values[0]), n = sqlite3_value_double(values[1]);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || !(n >= 1 && k >= 0 && k <= n)) {
        sqlite3_result_null(context);
        return;
    }
    nlg_interval i = nlg_wilson((uint64_t)(k + 0.5), (uint64_t)(n + 0.5));
    answer(context, high ? i.high : i.low);
}
static void wilson_low(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    wilson(context, values, false);
}
static void wilson_high(sqlite3_context *context, int n, sqlite3_value **values) {
    (void)n;
    wilson(context, values, true);
}

typedef nlg_status (*adjustment)(const double *p, size_t n, double *q, nlg_error *err);

static nlg_status adjusted(double p, const char *list, adjustment adjust, double *result, nlg_error *err) {
    cJSON *document = cJSON_Parse(list ? list : "");
    size_t count = 0, room = (size_t)cJSON_GetArraySize(document);
    double *all = nlg_alloc(2 * room + 1, sizeof *all);
    const cJSON *v;
    nlg_status status = NLG_OK;
    if (!all) {
        status = nlg_fail_memory(err, room * sizeof *all, "adjusted p values");
    } else if (!cJSON_IsArray(document)) {
        status = nlg_fail(err, NLG_ERR_INPUT, "adjusted p: expected a JSON array as second argument");
    } else {
        cJSON_ArrayForEach(v, document) if (cJSON_IsNumber(v)) all[count++] = v->valuedouble;
        status = adjust(all, count, all + room, err);
        *result = (double)NAN;
        for (size_t i = 0; status == NLG_OK && i < count; i++)
            if (fabs(all[i] - p) <= 1e-12 * fabs(p)) *result = all[room + i]; /* the text of a list has 15 digits */
    }
    nlg_free(all);
    cJSON_Delete(document);
    return status;
}

static void adjust(sqlite3_context *context, int n, sqlite3_value **values) {
    double result = (double)NAN;
    nlg_error err = {0};
    (void)n;
    if (sqlite3_value_type(values[0]) == SQLITE_NULL) {
        sqlite3_result_null(context);
        return;
    }
    nlg_status status = adjusted(sqlite3_value_double(values[0]), (const char *)sqlite3_value_text(values[1]),
                                 (adjustment)sqlite3_user_data(context), &result, &err);
    if (status == NLG_OK)
        answer(context, result);
    else
        answer_failure(context, &err);
}

nlg_status nlg_stats_register(sqlite3 *database, nlg_error *err) {
    static const struct {
        const char *name;
        int arguments;
        compute f;
    } aggregates[] = {
        {"mean", 1, mean},
        {"sd", 1, sd},
        {"median", 1, median},
        {"quantile", 2, quantile},
        {"t_low", 1, t_low},
        {"t_high", 1, t_high},
        {"bootstrap_low", 1, bootstrap_low},
        {"bootstrap_high", 1, bootstrap_high},
        {"bca_low", 1, bca_low},
        {"bca_high", 1, bca_high},
        {"wilcoxon_p", 1, wilcoxon_p},
        {"rank_biserial", 1, rank_biserial},
        {"vargha_delaney", 2, vargha_delaney},
        {"kendall_tau", 2, kendall_tau},
        {"kendall_p", 2, kendall_p},
        {"spearman", 2, spearman},
        {"spearman_p", 2, spearman_p},
        {"hypervolume", 4, hypervolume},
    };
    enum { FLAGS = SQLITE_UTF8 | SQLITE_DETERMINISTIC };
    int code = SQLITE_OK;
    for (size_t i = 0; code == SQLITE_OK && i < sizeof aggregates / sizeof *aggregates; i++)
        code = sqlite3_create_function_v2(database, aggregates[i].name, aggregates[i].arguments, FLAGS, (void *)aggregates[i].f,
                                          NULL, step, finish, NULL);
    if (code == SQLITE_OK) code = sqlite3_create_function_v2(database, "wilson_low", 2, FLAGS, NULL, wilson_low, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "wilson_high", 2, FLAGS, NULL, wilson_high, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "holm", 2, FLAGS, (void *)nlg_holm, adjust, NULL, NULL, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_create_function_v2(database, "benjamini_hochberg", 2, FLAGS, (void *)nlg_benjamini_hochberg, adjust, NULL,
                                          NULL, NULL);
    return code == SQLITE_OK ? NLG_OK : nlg_fail(err, NLG_ERR_MEMORY, "statistics in SQL: %s", sqlite3_errmsg(database));
}
