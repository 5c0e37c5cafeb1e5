/* The report's tables. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/network.h"
#include "harness/report/report.h"
#include "harness/claims/stats.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

double nlg_result_number(const cJSON *object, const char *key) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

bool nlg_result_is(const cJSON *object, const char *key, const char *text) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    return cJSON_IsString(v) && strcmp(v->valuestring, text) == 0;
}

typedef struct table {
    nlg_file_writer writer;
    char path[1024];
    const char *needs; /* the experiment that fills it */
    int rows;
} table;

static nlg_status begin(table *t, const char *folder, const char *name, const char *needs, const char *header, nlg_error *err) {
    *t = (table){.needs = needs};
    snprintf(t->path, sizeof t->path, "%s/tables/%s.tsv", folder, name);
    NLG_TRY(nlg_file_begin(&t->writer, t->path, err));
    fprintf(t->writer.stream, "%s\n", header);
    return NLG_OK;
}

static nlg_status end(table *t, nlg_error *err) {
    if (t->rows) return nlg_file_commit(&t->writer, err);
    nlg_file_abort(&t->writer);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no data for this table in the profile; run the experiment %s first", t->path,
                    t->needs);
}

static const char *designer_of(const char *arm) {
    const nlg_model *m;
    return nlg_model_find(arm, &m, NULL) == NLG_OK ? nlg_designer_name(m->family->designer) : "searched";
}

static bool is_part(const nlg_result_row *row, const char *part) {
    return strcmp(row->part, part) == 0;
}

static nlg_status write_counts(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    NLG_TRY(begin(&t, folder, "counts", "counts",
                  "model\tdesigner\tyear\tparams\tparams_without_aux\tmacs\tpublished_params\tpublished_macs\tparams_"
                  "difference\tmacs_difference_percent\tsource",
                  err));
    for (int i = 0; i < count; i++) {
        const nlg_model *m;
        if (!is_part(&rows[i], "counts") || nlg_model_find(rows[i].arm, &m, NULL) != NLG_OK) continue;
        double params = nlg_result_number(rows[i].result, "params_without_aux"), macs = nlg_result_number(rows[i].result, "macs");
        FILE *f = t.writer.stream;
        fprintf(f, "%s\t%s\t%d\t%.0f\t%.0f\t%.0f\t", m->name, nlg_designer_name(m->family->designer), nlg_model_year(m),
                nlg_result_number(rows[i].result, "params"), params, macs);
        fprintf(f, m->published_params ? "%" PRId64 "\t" : "-\t", m->published_params);
        fprintf(f, m->published_macs ? "%" PRId64 "\t" : "-\t", m->published_macs);
        fprintf(f, m->published_params ? "%.0f\t" : "-\t", params - (double)m->published_params);
        fprintf(f, m->published_macs ? "%.2f\t" : "-\t", 100 * (macs / (double)m->published_macs - 1));
        fprintf(f, "%s\n", m->published_source ? m->published_source : "-");
        t.rows++;
    }
    return end(&t, err);
}

static nlg_status write_seeds(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    NLG_TRY(begin(&t, folder, "seeds", "human-vs-searched",
                  "experiment\tpart\tnetwork\trate\tseed\tstatus\tloss\ttrain_accuracy\tvalidation_accuracy\ttest_correct\ttest_"
                  "images\tdigest\tcommit\tthreads\tseconds",
                  err));
    for (int i = 0; i < count; i++) {
        if (!nlg_result_is(rows[i].identity, "kind", "train")) continue;
        const cJSON *r = rows[i].result, *id = rows[i].identity, *digest = cJSON_GetObjectItem(r, "digest");
        fprintf(t.writer.stream, "%s\t%s\t%s\t%g\t%.0f\t%s\t%.6f\t%.6f\t%.6f\t%.0f\t%.0f\t%s\t%s\t%d\t%.2f\n", rows[i].experiment,
                rows[i].part, rows[i].arm, nlg_result_number(id, "rate"), nlg_result_number(id, "seed"),
                cJSON_GetObjectItem(r, "status")->valuestring, nlg_result_number(r, "train_loss"),
                nlg_result_number(r, "train_accuracy"), nlg_result_number(r, "val_accuracy"), nlg_result_number(r, "test_correct"),
                nlg_result_number(r, "test_images"), digest ? digest->valuestring : "-", rows[i].commit, rows[i].threads,
                rows[i].seconds);
        t.rows++;
    }
    return end(&t, err);
}

enum { SEEDS_MAX = 256, ARMS_MAX = 256 };

typedef struct arm {
    const nlg_result_row *first;
    int n, diverged;
    double accuracy[SEEDS_MAX], mean, sd, rate;
    uint64_t correct, images;
    double validation; /* mean */
} arm;

/* All seeds of one network within one part. */
static void gather(const nlg_result_row *rows, int count, int from, arm *a) {
    *a = (arm){.first = &rows[from]};
    double validation = 0;
    for (int i = from; i < count; i++) {
        const cJSON *r = rows[i].result;
        if (strcmp(rows[i].arm, rows[from].arm) || strcmp(rows[i].part, rows[from].part) ||
            strcmp(rows[i].experiment, rows[from].experiment))
            continue;
        a->rate = nlg_result_number(rows[i].identity, "rate");
        if (!nlg_result_is(r, "status", "done")) {
            a->diverged++;
        } else if (a->n < SEEDS_MAX) {
            double correct = nlg_result_number(r, "test_correct"), images = nlg_result_number(r, "test_images");
            a->accuracy[a->n++] = 100 * correct / images;
            a->correct += (uint64_t)correct;
            a->images += (uint64_t)images;
            validation += nlg_result_number(r, "val_accuracy");
        }
    }
    a->mean = a->n ? nlg_mean(a->accuracy, (size_t)a->n) : (double)NAN;
    a->sd = nlg_standard_deviation(a->accuracy, (size_t)a->n);
    a->validation = validation / a->n;
}

static bool is_first(const nlg_result_row *rows, int i) {
    for (int j = 0; j < i; j++)
        if (!strcmp(rows[j].arm, rows[i].arm) && !strcmp(rows[j].part, rows[i].part) &&
            !strcmp(rows[j].experiment, rows[i].experiment))
            return false;
    return true;
}

static void write_arm(FILE *f, const arm *a, bool by_params, bool by_macs) {
    enum { CHANCE = 10 };
    nlg_interval w = a->images ? nlg_wilson(a->correct, a->images) : (nlg_interval){0};
    const char *note = a->n == 0 ? "diverged" : 100 * w.low <= CHANCE ? "did not train" : "-";
    fprintf(f, "%s\t%s\t%.0f\t%.0f\t%g\t%d\t%d\t%.2f\t%.2f\t%.2f\t%.2f\t%.0f\t%d\t%d\t%s\n", a->first->arm,
            designer_of(a->first->arm), nlg_result_number(a->first->result, "params"), nlg_result_number(a->first->result, "macs"),
            a->rate, a->n, a->diverged, a->mean, a->sd, 100 * w.low, 100 * w.high, (double)a->images, by_params, by_macs, note);
}

static nlg_status write_training(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    arm *arms = nlg_alloc(ARMS_MAX, sizeof *arms);
    if (!arms) return nlg_fail_memory(err, 0, "the report");
    double gain[ARMS_MAX] = {0}, cost[2][ARMS_MAX] = {{0}};
    bool front[2][ARMS_MAX] = {{0}};
    int n = 0;
    for (int i = 0; i < count && n < ARMS_MAX; i++) {
        if (!is_part(&rows[i], "final") || !is_first(rows, i)) continue;
        gather(rows, count, i, &arms[n]);
        gain[n] = arms[n].mean;
        cost[0][n] = nlg_result_number(rows[i].result, "params");
        cost[1][n++] = nlg_result_number(rows[i].result, "macs");
    }
    for (int k = 0; k < 2; k++) nlg_pareto_front(cost[k], gain, (size_t)n, front[k]);
    nlg_status status = begin(&t, folder, "training", "human-vs-searched",
                              "network\tdesigner\tparams\tmacs\trate\tn\tdiverged\tmean\tsd\twilson_low\twilson_high\ttest_"
                              "images\tpareto_params\tpareto_macs\tnote",
                              err);
    if (status == NLG_OK) {
        for (int i = 0; i < n; i++) write_arm(t.writer.stream, &arms[i], front[0][i], front[1][i]);
        t.rows = n;
        status = end(&t, err);
    }
    nlg_free(arms);
    return status;
}

/* ---- search ---- */

static nlg_status write_history(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    NLG_TRY(begin(&t, folder, "search_history", "search-small",
                  "strategy\tseed\ttrial\tstatus\trepeat\tscore\tbest\tparams\tmacs\tgenotype", err));
    for (int i = 0; i < count; i++) {
        if (!is_part(&rows[i], "search")) continue;
        double best = 0;
        int number = 0;
        const cJSON *trial;
        cJSON_ArrayForEach(trial, cJSON_GetObjectItem(rows[i].result, "history")) {
            double score = nlg_result_number(trial, "score");
            if (score > best) best = score;
            fprintf(t.writer.stream, "%s\t%.0f\t%d\t%s\t%d\t%.4f\t%.4f\t%.0f\t%.0f\t%s\n", rows[i].arm,
                    nlg_result_number(rows[i].identity, "seed"), ++number, cJSON_GetObjectItem(trial, "status")->valuestring,
                    cJSON_IsTrue(cJSON_GetObjectItem(trial, "repeat")), score, best, nlg_result_number(trial, "params"),
                    nlg_result_number(trial, "macs"), cJSON_GetObjectItem(trial, "genotype")->valuestring);
            t.rows++;
        }
    }
    return end(&t, err);
}

/* The best score after so many trials. */
static double best_after(const nlg_result_row *row, int trials) {
    double best = 0;
    const cJSON *trial = cJSON_GetObjectItem(row->result, "history")->child;
    for (int i = 0; i < trials && trial; i++, trial = trial->next)
        if (nlg_result_number(trial, "score") > best) best = nlg_result_number(trial, "score");
    return best;
}

static nlg_status write_curve(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    NLG_TRY(begin(&t, folder, "search_curve", "search-small", "strategy\tevaluations\tmedian\tq25\tq75\tseeds", err));
    bool has_random = false;
    for (int i = 0; i < count; i++) {
        if (!is_part(&rows[i], "search") || !is_first(rows, i)) continue;
        has_random |= strcmp(rows[i].arm, "random") == 0;
        int budget = cJSON_GetArraySize(cJSON_GetObjectItem(rows[i].result, "history"));
        for (int k = 1; k <= budget; k++) {
            double best[SEEDS_MAX];
            size_t n = 0;
            for (int j = i; j < count && n < SEEDS_MAX; j++)
                if (is_part(&rows[j], "search") && !strcmp(rows[i].arm, rows[j].arm)) best[n++] = 100 * best_after(&rows[j], k);
            nlg_sort(best, n);
            fprintf(t.writer.stream, "%s\t%d\t%.3f\t%.3f\t%.3f\t%zu\n", rows[i].arm, k, nlg_quantile_sorted(best, n, 0.5),
                    nlg_quantile_sorted(best, n, 0.25), nlg_quantile_sorted(best, n, 0.75), n);
            t.rows++;
        }
    }
    if (has_random) return end(&t, err);
    nlg_file_abort(&t.writer);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: no search curve without random search at the same budget; run search-small", t.path);
}

static double proxy_of(const nlg_result_row *rows, int count, const char *genotype) {
    for (int i = 0; i < count; i++) {
        const cJSON *trial;
        if (!is_part(&rows[i], "search")) continue;
        cJSON_ArrayForEach(trial, cJSON_GetObjectItem(rows[i].result, "history")) if (nlg_result_is(trial, "genotype", genotype)) {
            return nlg_result_number(trial, "score");
        }
    }
    return (double)NAN;
}

/* Retrained architectures beside their proxies, and the mean of the random ones. */
static nlg_status write_retrained(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    arm a;
    double mean_random = 0, proxies[ARMS_MAX], finals[ARMS_MAX];
    int n_random = 0;
    size_t n = 0;
    for (int i = 0; i < count; i++) {
        if (!is_part(&rows[i], "random") || !is_first(rows, i)) continue;
        gather(rows, count, i, &a);
        if (a.n) mean_random += (a.mean - mean_random) / ++n_random;
    }
    NLG_TRY(begin(&t, folder, "search_summary", "search-small",
                  "part\tproxy_validation\tretrained_test_mean\tsd\tn\twilson_low\twilson_high\trelative_to_mean_random_"
                  "percent\tparams\tmacs\tgenotype",
                  err));
    for (int i = 0; i < count; i++) {
        bool wanted = is_part(&rows[i], "random") || strncmp(rows[i].part, "winner ", 7) == 0;
        if (!wanted || !is_first(rows, i)) continue;
        gather(rows, count, i, &a);
        double proxy = 100 * proxy_of(rows, count, rows[i].arm);
        bool is_new = true;
        for (int j = 0; j < i; j++)
            is_new &= strcmp(rows[j].arm, rows[i].arm) != 0 || !nlg_result_is(rows[j].identity, "kind", "training");
        if (a.n && is_new && n < ARMS_MAX) {
            proxies[n] = proxy;
            finals[n++] = a.mean;
        }
        nlg_interval w = a.images ? nlg_wilson(a.correct, a.images) : (nlg_interval){0};
        fprintf(t.writer.stream, "%s\t%.2f\t%.2f\t%.2f\t%d\t%.2f\t%.2f\t%.2f\t%.0f\t%.0f\t%s\n", rows[i].part, proxy, a.mean, a.sd,
                a.n, 100 * w.low, 100 * w.high, 100 * (a.mean / mean_random - 1), nlg_result_number(rows[i].result, "params"),
                nlg_result_number(rows[i].result, "macs"), rows[i].arm);
        t.rows++;
    }
    NLG_TRY(end(&t, err));
    nlg_correlation c = {.n = n, .kendall_tau_b = (double)NAN, .spearman = (double)NAN};
    if (n >= 2) NLG_TRY(nlg_rank_correlation(proxies, finals, n, &c, err));
    NLG_TRY(begin(&t, folder, "search_correlation", "search-small", "n\tkendall_tau_b\tspearman\tnote", err));
    fprintf(t.writer.stream, "%zu\t%.3f\t%.3f\t%s\n", n, c.kendall_tau_b, c.spearman,
            n < 10 ? "too few architectures to conclude" : "-");
    t.rows = 1;
    return end(&t, err);
}

static nlg_status write_latency(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    table t;
    NLG_TRY(begin(&t, folder, "latency", "latency",
                  "network\tdesigner\tmedian_ms\tp10_ms\tp90_ms\tmacs\tbatch\tthreads\tnote\tcpu\ttest_accuracy", err));
    for (int i = 0; i < count; i++) {
        if (!is_part(&rows[i], "latency")) continue;
        const cJSON *r = rows[i].result;
        double accuracy = (double)NAN;
        for (int j = 0; j < count; j++) {
            if (!is_part(&rows[j], "final") || strcmp(rows[j].arm, rows[i].arm) || !is_first(rows, j)) continue;
            arm a;
            gather(rows, count, j, &a);
            accuracy = a.mean;
        }
        fprintf(t.writer.stream, "%s\t%s\t%.4f\t%.4f\t%.4f\t%.0f\t%.0f\t%d\t%s\t%s\t%.2f\n", rows[i].arm, designer_of(rows[i].arm),
                nlg_result_number(r, "median_ms"), nlg_result_number(r, "p10_ms"), nlg_result_number(r, "p90_ms"),
                nlg_result_number(r, "macs"), nlg_result_number(rows[i].identity, "batch"), rows[i].threads,
                nlg_result_number(r, "noisy") > 0 ? "noisy" : "-", rows[i].cpu, accuracy);
        t.rows++;
    }
    return end(&t, err);
}

nlg_status nlg_report_tables(const char *folder, const nlg_result_row *rows, int count, nlg_error *err) {
    NLG_TRY(write_counts(folder, rows, count, err));
    NLG_TRY(write_seeds(folder, rows, count, err));
    NLG_TRY(write_training(folder, rows, count, err));
    NLG_TRY(write_history(folder, rows, count, err));
    NLG_TRY(write_curve(folder, rows, count, err));
    NLG_TRY(write_retrained(folder, rows, count, err));
    return write_latency(folder, rows, count, err);
}
