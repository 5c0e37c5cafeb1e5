/* Evaluator "table". */
#include "search/evaluator_table.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/table_file.h"

enum { SIGNALS = 4, COLUMNS = 4 };

/* Several columns: their mean, all of which must be there. */
typedef struct signal {
    const char *name, *score_text, *report_text;
    const char *score[COLUMNS], *report[COLUMNS]; /* report: the score itself if there is none */
    const char *latency;
    int epochs;
} signal;

typedef struct table {
    const char *space, *file;
    const char *seconds; /* column of the evaluation's cost; NULL: MACs x epochs are charged */
    signal signals[SIGNALS];
} table;

static const table tables[] = {
    {.space = "nasbench201",
     .file = "nas-bench-201.csv.gz",
     .signals = {{.name = "cifar10",
                  .score_text = "validation accuracy after 12 epochs, CIFAR-10 (NAS-Bench-201)",
                  .report_text = "test accuracy after 200 epochs, CIFAR-10, mean over the published seeds",
                  .score = {"cifar10_val_acc_12"},
                  .report = {"cifar10_test_acc_200"},
                  .epochs = 12},
                 {.name = "cifar100",
                  .score_text = "validation accuracy after 12 epochs, CIFAR-100 (NAS-Bench-201)",
                  .report_text = "test accuracy after 200 epochs, CIFAR-100, mean over the published seeds",
                  .score = {"cifar100_val_acc_12"},
                  .report = {"cifar100_test_acc_200"},
                  .epochs = 12},
                 {.name = "in16",
                  .score_text = "validation accuracy after 12 epochs, ImageNet16-120 (NAS-Bench-201)",
                  .report_text = "test accuracy after 200 epochs, ImageNet16-120, mean over the published seeds",
                  .score = {"in16_val_acc_12"},
                  .report = {"in16_test_acc_200"},
                  .epochs = 12}}},
    {.space = "nasbenchmacro",
     .file = "nas-bench-macro.csv.gz",
     .signals = {{.name = "cifar10",
                  .score_text =
                      "mean test accuracy of seeds 1 and 2, 50 epochs, CIFAR-10 (NAS-Bench-Macro has no validation split)",
                  .report_text = "test accuracy of seed 3, 50 epochs, CIFAR-10",
                  .score = {"test_acc_seed1", "test_acc_seed2"},
                  .report = {"test_acc_seed3"},
                  .epochs = 50}}},
    {.space = "accelnas",
     .file = "accel-nasbench.csv.gz",
     .seconds = "train_seconds",
     .signals = {{.name = "zcu102",
                  .score_text = "validation accuracy of a shortened ImageNet training, latency on ZCU102 (Accel-NASBench)",
                  .report_text = "the same value: no other measurement was published",
                  .score = {"val_top1"},
                  .latency = "latency_zcu102_ms"},
                 {.name = "vck190",
                  .score_text = "validation accuracy of a shortened ImageNet training, latency on VCK190 (Accel-NASBench)",
                  .report_text = "the same value: no other measurement was published",
                  .score = {"val_top1"},
                  .latency = "latency_vck190_ms"}}},
};

typedef struct row {
    nlg_code code;
    double score, report, latency_ms, cost; /* accuracies 0 to 1; NAN: missing */
    const char *missing;                    /* the first score column without a value */
    int64_t params, macs;
} row;

struct nlg_table_evaluator {
    const nlg_space *space;
    const signal *signal;
    nlg_evaluator interface;
    nlg_table_file *file;
    char *config;
    int rows;
    row *row;
    nlg_code_map numbers; /* of the rows, by code */
};

/* ---- finding architectures --------------------------------------------------------------------------------------------- */

static const row *find(const nlg_table_evaluator *e, const nlg_code *code) {
    const double *number = nlg_code_map_get(&e->numbers, code);
    return number ? &e->row[(int)*number] : NULL;
}

/* A search finds its architectures by their canonical codes; a table may list them by another guise only. */
static const row *find_canonical(const nlg_table_evaluator *e, const nlg_code *code) {
    nlg_code canonical;
    nlg_space_canonical(e->space, code, &canonical);
    const row *found = find(e, &canonical);
    return found ? found : find(e, code);
}

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)space;
    const nlg_table_evaluator *e = context;
    const row *r = find_canonical(e, &trial->code);
    trial->status = NLG_TRIAL_FAILED;
    if (!r) {
        snprintf(trial->message, sizeof trial->message, "not in the table");
        return NLG_OK;
    }
    trial->params = r->params;
    trial->macs = r->macs;
    if (trial->budget < 1) {
        snprintf(trial->message, sizeof trial->message, "the table has no value at %g of the budget", trial->budget);
        return NLG_OK;
    }
    trial->budget_epochs = e->signal->epochs;
    trial->simulated_cost = isnan(r->cost) ? 0 : r->cost;
    if (r->missing) {
        snprintf(trial->message, sizeof trial->message, "the table has no value of %s", r->missing);
        return NLG_OK;
    }
    if (e->signal->latency && isnan(r->latency_ms)) {
        snprintf(trial->message, sizeof trial->message, "the table has no value of %s", e->signal->latency);
        return NLG_OK;
    }
    trial->status = NLG_TRIAL_DONE;
    trial->score = r->score;
    trial->latency_ms = r->latency_ms;
    return nlg_table_file_row_digest(e->file, (int)(r - e->row), trial->digest, err);
}

nlg_status nlg_table_evaluator_report(const nlg_table_evaluator *evaluator, const nlg_code *code, double *accuracy,
                                      nlg_error *err) {
    const row *r = find_canonical(evaluator, code);
    if (!r) {
        char genotype[NLG_GENOTYPE_MAX];
        evaluator->space->encode(evaluator->space, code, genotype, sizeof genotype);
        return nlg_fail(err, NLG_ERR_INPUT, "%s: no row for %s", nlg_table_file_path(evaluator->file), genotype);
    }
    *accuracy = r->report;
    return NLG_OK;
}

nlg_table_summary nlg_table_evaluator_summary(const nlg_table_evaluator *evaluator) {
    nlg_table_summary s = {.rows = evaluator->rows, .report_of_best_score = (double)NAN};
    for (int i = 0; i < evaluator->rows; i++) {
        const row *r = find_canonical(evaluator, &evaluator->row[i].code);
        if (!isnan(r->score)) {
            s.scores++;
            s.score_mean += r->score;
            if (s.scores == 1 || r->score > s.score_best) s.score_best = r->score, s.report_of_best_score = r->report;
        }
        if (!isnan(r->report)) {
            s.reports++;
            s.report_mean += r->report;
            if (s.reports == 1 || r->report > s.report_best) s.report_best = r->report;
        }
    }
    s.score_mean = s.scores ? s.score_mean / s.scores : (double)NAN;
    s.report_mean = s.reports ? s.report_mean / s.reports : (double)NAN;
    return s;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static nlg_status read_mean(nlg_table_evaluator *e, int number, const char *const *headers, double *mean, const char **missing,
                            nlg_error *err) {
    double sum = 0;
    int count = 0;
    for (; count < COLUMNS && headers[count]; count++) {
        int column;
        double value;
        NLG_TRY(nlg_table_file_find(e->file, headers[count], &column, err));
        NLG_TRY(nlg_table_file_number(e->file, number, column, &value, err));
        if (isnan(value) && missing && !*missing) *missing = headers[count];
        sum += value;
    }
    *mean = sum / count / 100;
    return NLG_OK;
}

static nlg_status read_column(nlg_table_evaluator *e, int number, const char *header, double *value, nlg_error *err) {
    int column;
    NLG_TRY(nlg_table_file_find(e->file, header, &column, err));
    return nlg_table_file_number(e->file, number, column, value, err);
}

static nlg_status read_row(nlg_table_evaluator *e, const table *t, int number, nlg_error *err) {
    row *r = &e->row[number];
    const signal *s = e->signal;
    double params, macs;
    if (e->space->decode(e->space, nlg_table_file_cell(e->file, number, 0), &r->code, err) != NLG_OK)
        return nlg_fail_at(err, "%s, line %d", nlg_table_file_path(e->file), number + 2);
    NLG_TRY(read_mean(e, number, s->score, &r->score, &r->missing, err));
    r->report = r->score;
    if (s->report[0]) NLG_TRY(read_mean(e, number, s->report, &r->report, NULL, err));
    if (s->latency) NLG_TRY(read_column(e, number, s->latency, &r->latency_ms, err));
    NLG_TRY(read_column(e, number, "params", &params, err));
    NLG_TRY(read_column(e, number, "macs", &macs, err));
    r->params = isnan(params) ? 0 : (int64_t)params;
    r->macs = isnan(macs) ? 0 : (int64_t)macs;
    r->cost = macs * s->epochs;
    if (t->seconds) NLG_TRY(read_column(e, number, t->seconds, &r->cost, err));
    if (find(e, &r->code)) return NLG_OK; /* of architectures that were measured twice, the first measurement counts */
    return nlg_code_map_put(&e->numbers, &r->code, number, err);
}

static const table *find_table(const char *space) {
    const size_t length = strcspn(space, ":");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strlen(tables[i].space) == length && strncmp(tables[i].space, space, length) == 0) return &tables[i];
    }
    return NULL;
}

const char *nlg_table_signal_at(const char *space, int index) {
    const table *t = find_table(space);
    return t && index >= 0 && index < SIGNALS ? t->signals[index].name : NULL;
}

static nlg_status find_signal(const table *t, const char *name, const signal **found, nlg_error *err) {
    char known[128] = "";
    for (int i = 0; i < SIGNALS && t->signals[i].name; i++) {
        *found = &t->signals[i];
        if (!name) return NLG_OK;
        if (strcmp((*found)->name, name) == 0) return NLG_OK;
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", (*found)->name);
    }
    *found = NULL;
    return nlg_fail(err, NLG_ERR_INPUT, "the table of space %s has no signal '%.40s'; it has %s", t->space, name, known);
}

static char *write_config(const nlg_table_evaluator *e) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "table", nlg_table_file_digest(e->file));
    cJSON_AddStringToObject(object, "signal", e->signal->name);
    cJSON_AddStringToObject(object, "score", e->signal->score_text);
    cJSON_AddStringToObject(object, "cost", e->interface.cost_unit);
    char *text = cJSON_PrintUnformatted(object), *copy = text ? nlg_strdup(text) : NULL;
    cJSON_free(text);
    cJSON_Delete(object);
    return copy;
}

static nlg_status load(nlg_table_evaluator *e, const table *t, const char *file, nlg_error *err) {
    NLG_TRY(nlg_table_file_open(file ? file : t->file, &e->file, err));
    e->rows = nlg_table_file_rows(e->file);
    e->row = nlg_alloc((size_t)e->rows + 1, sizeof *e->row);
    if (!e->row) return nlg_fail_memory(err, (size_t)e->rows * sizeof *e->row, "the rows of a table");
    for (int i = 0; i < e->rows; i++) NLG_TRY(read_row(e, t, i, err));
    e->config = write_config(e);
    return e->config ? NLG_OK : nlg_fail_memory(err, 1024, "the evaluator's configuration");
}

nlg_status nlg_table_evaluator_create(const nlg_table_evaluator_options *options, nlg_table_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    const table *t = find_table(options->space->name);
    const signal *s;
    if (!t)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has no table; take the evaluator train, or a space with one",
                        options->space->name);
    NLG_TRY(find_signal(t, options->signal, &s, err));
    nlg_table_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "the evaluator");
    e->space = options->space;
    e->signal = s;
    e->interface =
        (nlg_evaluator){.name = "table", .cost_unit = t->seconds ? "seconds" : "MACs x epochs", .context = e, .evaluate = evaluate};
    nlg_status status = load(e, t, options->file, err);
    if (status == NLG_OK) {
        *evaluator = e;
        return NLG_OK;
    }
    nlg_table_evaluator_destroy(e);
    return status;
}

void nlg_table_evaluator_destroy(nlg_table_evaluator *evaluator) {
    if (!evaluator) return;
    nlg_table_file_close(evaluator->file);
    nlg_free(evaluator->row);
    nlg_code_map_free(&evaluator->numbers);
    nlg_free(evaluator->config);
    nlg_free(evaluator);
}

const nlg_evaluator *nlg_table_evaluator_interface(const nlg_table_evaluator *evaluator) {
    return &evaluator->interface;
}

const char *nlg_table_evaluator_config(const nlg_table_evaluator *evaluator) {
    return evaluator->config;
}

const char *nlg_table_evaluator_score_text(const nlg_table_evaluator *evaluator) {
    return evaluator->signal->score_text;
}

const char *nlg_table_evaluator_report_text(const nlg_table_evaluator *evaluator) {
    return evaluator->signal->report_text;
}
