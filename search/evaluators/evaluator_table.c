/* Evaluator "table". */
#include "search/evaluators/evaluator_table.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/code_map.h"
#include "search/evaluators/own_table.h"
#include "search/table_file.h"

enum { SIGNALS = 4, COLUMNS = 4 };
enum { PERCENT = 100, TIME = 1000000000 }; /* the most that an accuracy can be, and that seconds and milliseconds may be */

typedef struct signal {
    const char *name, *score_text, *report_text;
    const char *score[COLUMNS], *report[COLUMNS]; /* report: the score itself if there is none */
    const char *latency;
    int epochs;
} signal;

typedef struct table {
    const char *space, *file;
    const char *digest;  /* of the shipped file's text, as results/published/README.md has it */
    int seeds;           /* of a table of ours as it is shipped */
    const char *seconds; /* column of the evaluation's cost; NULL: MACs x epochs are charged */
    signal signals[SIGNALS];
} table;

static const table tables[] = {
    {.space = "nasbench201",
     .file = "nas-bench-201.csv.gz",
     .digest = "baf66e21e5b78e15ac7b4ea84e09c1efba384ffafabdd59d088ed8dbae28e944",
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
     .digest = "bd439cd9006ee78563a2ef8ab3dee28cdee0e5365ccc83f55495b3c7e82cb524",
     .signals = {{.name = "cifar10",
                  .score_text =
                      "mean test accuracy of seeds 1 and 2, 50 epochs, CIFAR-10 (NAS-Bench-Macro has no validation split)",
                  .report_text = "test accuracy of seed 3, 50 epochs, CIFAR-10",
                  .score = {"test_acc_seed1", "test_acc_seed2"},
                  .report = {"test_acc_seed3"},
                  .epochs = 50}}},
    {.space = "accelnas",
     .file = "accel-nasbench.csv.gz",
     .digest = "49deb72512ba7d25850fd9bcf95415410bcf164f461302fae0206f86538bca6d",
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
    {.space = "lineage", .file = "lineage.csv.gz", .seeds = 3}, /* ours: its columns tell seeds and epochs */
};

/* Columns of a file whose mean is meant; all must have a value. */
typedef struct columns {
    int count, at[NLG_TABLE_SEEDS];
} columns;

typedef struct row {
    nlg_code code;
    double report, latency_ms, cost; /* accuracy 0 to 1; NAN: missing */
    int64_t params, macs;
} row;

struct nlg_table_evaluator {
    const nlg_space *space;
    const char *signal_name;
    char score_text[160], report_text[160];
    bool has_latency;
    nlg_evaluator interface;
    nlg_table_file *file, *report_file; /* report_file: NULL where the reports are in the same file */
    char *config;
    int levels, epochs[NLG_TABLE_EPOCHS]; /* budgets that the table has, ascending; the last is the full one */
    columns score[NLG_TABLE_EPOCHS], report, seconds;
    int latency, params, macs; /* columns */
    int rows;
    row *row;
    double *scores;       /* rows x levels, 0 to 1; NAN: missing */
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

static double score_at(const nlg_table_evaluator *e, const row *r, int level) {
    return e->scores[(r - e->row) * e->levels + level];
}

/* The level of a share of the full budget, rounded to whole epochs as in training; -1 if the table does not have it. */
static int find_level(const nlg_table_evaluator *e, double budget) {
    const int full = e->epochs[e->levels - 1];
    int epochs = (int)(budget * full + 0.5);
    if (epochs < 1) epochs = 1;
    for (int i = 0; i < e->levels; i++) {
        if (e->epochs[i] == epochs) return i;
    }
    return budget >= 1 ? e->levels - 1 : -1;
}

/* What there is instead. Nothing stands in for it: another training length, or a test accuracy, would be another signal. */
static void explain_budget(const nlg_table_evaluator *e, nlg_trial *trial) {
    const int full = e->epochs[e->levels - 1];
    size_t used = (size_t)snprintf(trial->message, sizeof trial->message, "the table has no score at %.4g of %d epochs, only after",
                                   trial->budget, full);
    for (int i = 0; i < e->levels && used < sizeof trial->message; i++) {
        used += (size_t)snprintf(trial->message + used, sizeof trial->message - used, "%s %d", i ? "," : "", e->epochs[i]);
    }
}

/* The first column of a score, or the latency, without a value. */
static const char *missing_column(const nlg_table_evaluator *e, const row *r, int level) {
    const columns *c = &e->score[level];
    for (int i = 0; i < c->count; i++) {
        if (!*nlg_table_file_cell(e->file, (int)(r - e->row), c->at[i])) return nlg_table_file_header(e->file, c->at[i]);
    }
    return nlg_table_file_header(e->file, e->latency);
}

static void take_row(const nlg_table_evaluator *e, const row *r, nlg_trial *trial) {
    const int level = find_level(e, trial->budget);
    trial->params = r->params;
    trial->macs = r->macs;
    if (level < 0) {
        explain_budget(e, trial);
        return;
    }
    const int full = e->epochs[e->levels - 1];
    trial->budget_epochs = e->epochs[level];
    trial->simulated_cost = isnan(r->cost) ? 0 : full > 0 ? r->cost * e->epochs[level] / full : r->cost;
    if (isnan(score_at(e, r, level)) || (e->has_latency && isnan(r->latency_ms))) {
        snprintf(trial->message, sizeof trial->message, "the table has no value of %s", missing_column(e, r, level));
        return;
    }
    trial->status = NLG_TRIAL_DONE;
    trial->score = score_at(e, r, level);
    trial->latency_ms = r->latency_ms;
}

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)space;
    const nlg_table_evaluator *e = context;
    const row *r = find_canonical(e, &trial->code);
    trial->status = NLG_TRIAL_FAILED;
    snprintf(trial->message, sizeof trial->message, "%s", r ? "" : "not in the table");
    if (r) take_row(e, r, trial);
    return trial->status == NLG_TRIAL_DONE ? nlg_table_file_row_digest(e->file, (int)(r - e->row), trial->digest, err) : NLG_OK;
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
        const double score = score_at(evaluator, r, evaluator->levels - 1);
        if (!isnan(score)) {
            s.scores++;
            s.costs += r->cost > 0;
            s.score_mean += score;
            if (s.scores == 1 || score > s.score_best) s.score_best = score, s.report_of_best_score = r->report;
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

/* ---- what the columns are ---------------------------------------------------------------------------------------------- */

static nlg_status add_column(columns *c, const nlg_table_file *file, const char *header, nlg_error *err) {
    return nlg_table_file_find(file, header, &c->at[c->count++], err);
}

static nlg_status add_columns(columns *c, const nlg_table_file *file, const char *const *headers, nlg_error *err) {
    for (int i = 0; i < COLUMNS && headers[i]; i++) NLG_TRY(add_column(c, file, headers[i], err));
    return NLG_OK;
}

static const table *find_table(const char *space) {
    const size_t length = strcspn(space, ":");
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (strlen(tables[i].space) == length && strncmp(tables[i].space, space, length) == 0) return &tables[i];
    }
    return NULL;
}

static const char *const own_signals[] = {"mean", "seed1", "seed2", "seed3", "seed4", "seed5", "seed6", "seed7", "seed8"};

const char *nlg_table_signal_at(const char *space, int index) {
    const table *t = find_table(space);
    if (!t || index < 0) return NULL;
    if (t->seeds) return index <= t->seeds ? own_signals[index] : NULL;
    return index < SIGNALS ? t->signals[index].name : NULL;
}

static nlg_status no_signal(const nlg_table_evaluator *e, const char *name, const char *known, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT, "the table of space %s has no signal '%.40s'; it has %s", e->space->name, name, known);
}

static nlg_status choose_published(nlg_table_evaluator *e, const table *t, const char *wanted, nlg_error *err) {
    char known[128] = "";
    const signal *s = NULL;
    for (int i = 0; i < SIGNALS && t->signals[i].name && !s; i++) {
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", t->signals[i].name);
        if (!wanted || strcmp(t->signals[i].name, wanted) == 0) s = &t->signals[i];
    }
    if (!s) return no_signal(e, wanted, known, err);
    e->signal_name = s->name;
    snprintf(e->score_text, sizeof e->score_text, "%s", s->score_text);
    snprintf(e->report_text, sizeof e->report_text, "%s", s->report_text);
    e->levels = 1;
    e->epochs[0] = s->epochs;
    e->has_latency = s->latency != NULL;
    if (s->latency) NLG_TRY(nlg_table_file_find(e->file, s->latency, &e->latency, err));
    if (t->seconds) NLG_TRY(add_column(&e->seconds, e->file, t->seconds, err));
    NLG_TRY(add_columns(&e->score[0], e->file, s->score, err));
    return add_columns(&e->report, e->file, s->report[0] ? s->report : s->score, err);
}

/* The highest seed and epoch of the columns val_s1_e1 and following; zeros: no table of ours. */
static nlg_status find_extent(const nlg_table_file *file, int *seeds, int *epochs, nlg_error *err) {
    *seeds = *epochs = 0;
    for (int column = 0; column < nlg_table_file_columns(file); column++) {
        const char *header = nlg_table_file_header(file, column);
        int seed = 0, epoch = 0, length = 0;
        if (strncmp(header, "val_s", strlen("val_s")) != 0) continue;
        const bool read = sscanf(header, "val_s%3d_e%3d%n", &seed, &epoch, &length) == 2 && !header[length];
        if (!read || seed < 1 || seed > NLG_TABLE_SEEDS || epoch < 1 || epoch > NLG_TABLE_EPOCHS)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected columns val_s1_e1 to val_s%d_e%d at most, found '%.40s'",
                            nlg_table_file_path(file), NLG_TABLE_SEEDS, NLG_TABLE_EPOCHS, header);
        if (seed > *seeds) *seeds = seed;
        if (epoch > *epochs) *epochs = epoch;
    }
    return NLG_OK;
}

/* Where the file that tells how a table was made lies beside it, it must tell of these very files. */
static nlg_status check_facts(const nlg_table_evaluator *e, nlg_error *err) {
    char *name = NULL;
    nlg_table_facts facts;
    NLG_TRY(nlg_table_path(nlg_table_file_path(e->file), ".json", &name, err));
    const bool there = nlg_file_exists(name);
    nlg_free(name);
    if (!there) return NLG_OK;
    NLG_TRY(nlg_table_facts_read(nlg_table_file_path(e->file), &facts, err));
    nlg_status status = nlg_table_facts_check(&facts, e->file, e->report_file, err);
    if (status == NLG_OK && strcmp(facts.space, e->space->name) != 0)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: a table of space %s, found space %s here", nlg_table_file_path(e->file),
                          facts.space, e->space->name);
    nlg_table_facts_free(&facts);
    return status;
}

/* Our own table: the mean of all seeds, or the accuracies of one of them; the mean test accuracy of all is reported. */
static nlg_status choose_own(nlg_table_evaluator *e, int seeds, int epochs, const char *wanted, nlg_error *err) {
    int only = 0;
    char header[32], *test = NULL;
    while (wanted && only <= seeds && strcmp(own_signals[only], wanted) != 0) only++;
    if (only > seeds) return no_signal(e, wanted, "mean, seed1, seed2, ..", err);
    e->signal_name = own_signals[only];
    e->levels = epochs;
    NLG_TRY(nlg_table_path(nlg_table_file_path(e->file), "-test.csv.gz", &test, err));
    nlg_status status = nlg_table_file_open(test, &e->report_file, err);
    nlg_free(test);
    if (status == NLG_OK) status = check_facts(e, err);
    for (int seed = 1; status == NLG_OK && seed <= seeds; seed++) {
        snprintf(header, sizeof header, "test_s%d", seed);
        status = add_column(&e->report, e->report_file, header, err);
        if (only && only != seed) continue;
        for (int epoch = 1; status == NLG_OK && epoch <= epochs; epoch++) {
            e->epochs[epoch - 1] = epoch;
            snprintf(header, sizeof header, "val_s%d_e%d", seed, epoch);
            status = add_column(&e->score[epoch - 1], e->file, header, err);
        }
        snprintf(header, sizeof header, "seconds_s%d", seed);
        if (status == NLG_OK) status = add_column(&e->seconds, e->file, header, err);
    }
    snprintf(e->score_text, sizeof e->score_text, "validation accuracy after %d epochs, %s%s of %d seeds (our own table)", epochs,
             only ? "" : "mean", only ? own_signals[only] : "", seeds);
    snprintf(e->report_text, sizeof e->report_text, "test accuracy after %d epochs, mean of %d seeds", epochs, seeds);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

/* A number from 0 to `most`, or NAN for a missing one. */
static nlg_status read_number(const nlg_table_file *file, int number, int column, double most, double *value, nlg_error *err) {
    NLG_TRY(nlg_table_file_number(file, number, column, value, err));
    if (isnan(*value) || (*value >= 0 && *value <= most)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected %s to be from 0 to %.15g, found %.15g", nlg_table_file_path(file),
                    number + 2, nlg_table_file_header(file, column), most, *value);
}

/* Parameters, MACs: whole numbers that a double holds exactly; 0: missing. */
static nlg_status read_count(const nlg_table_file *file, int number, int column, int64_t *count, nlg_error *err) {
    double value;
    NLG_TRY(read_number(file, number, column, 0x1p53, &value, err));
    *count = isnan(value) ? 0 : (int64_t)value;
    if (isnan(value) || (double)*count == value) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected %s to be a whole number, found %.15g", nlg_table_file_path(file),
                    number + 2, nlg_table_file_header(file, column), value);
}

static nlg_status read_mean(const nlg_table_file *file, int number, const columns *c, double most, double *mean, nlg_error *err) {
    double sum = 0;
    for (int i = 0; i < c->count; i++) {
        double value;
        NLG_TRY(read_number(file, number, c->at[i], most, &value, err));
        sum += value;
    }
    *mean = sum / c->count;
    return NLG_OK;
}

static nlg_status read_row(nlg_table_evaluator *e, int number, nlg_error *err) {
    row *r = &e->row[number];
    const nlg_table_file *report = e->report_file ? e->report_file : e->file;
    const char *genotype = nlg_table_file_cell(e->file, number, 0);
    if (e->space->decode(e->space, genotype, &r->code, err) != NLG_OK)
        return nlg_fail_at(err, "%s, line %d", nlg_table_file_path(e->file), number + 2);
    for (int level = 0; level < e->levels; level++) {
        double *score = &e->scores[number * e->levels + level];
        NLG_TRY(read_mean(e->file, number, &e->score[level], PERCENT, score, err));
        *score /= 100;
    }
    if (e->report_file && (number >= nlg_table_file_rows(report) || strcmp(nlg_table_file_cell(report, number, 0), genotype) != 0))
        return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected %s as in the other file", nlg_table_file_path(report),
                        number + 2, genotype);
    NLG_TRY(read_mean(report, number, &e->report, PERCENT, &r->report, err));
    r->report /= 100;
    if (e->has_latency) NLG_TRY(read_number(e->file, number, e->latency, TIME, &r->latency_ms, err));
    NLG_TRY(read_count(e->file, number, e->params, &r->params, err));
    NLG_TRY(read_count(e->file, number, e->macs, &r->macs, err));
    r->cost = r->macs ? (double)r->macs * e->epochs[e->levels - 1] : (double)NAN;
    if (e->seconds.count) {
        NLG_TRY(read_mean(e->file, number, &e->seconds, TIME, &r->cost, err));
        r->cost *= e->seconds.count; /* all trainings of the signal are paid for */
    }
    if (find(e, &r->code)) return NLG_OK; /* of architectures that were measured twice, the first measurement counts */
    return nlg_code_map_put(&e->numbers, &r->code, number, err);
}

static nlg_status write_config(const nlg_table_evaluator *e, char **text, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    cJSON_AddStringToObject(object, "table", nlg_table_file_digest(e->file));
    cJSON_AddStringToObject(object, "signal", e->signal_name);
    cJSON_AddStringToObject(object, "score", e->score_text);
    cJSON_AddStringToObject(object, "cost", e->interface.cost_unit);
    return nlg_json_finish(object, false, text, err);
}

static nlg_status open_file(nlg_table_evaluator *e, const nlg_table_evaluator_options *o, nlg_error *err) {
    const table *t = find_table(e->space->name);
    int seeds, epochs;
    if (!t && !o->file)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has no table; take the evaluator train, or a space with one", e->space->name);
    if (nlg_table_file_open(o->file ? o->file : t->file, &e->file, err) != NLG_OK)
        return t && !t->signals[0].name && !o->file ? nlg_fail_at(err, "`lineage table build %s` makes this table", e->space->name)
                                                    : nlg_fail_at(err, "space %s", e->space->name);
    if (t && t->digest && !o->file && strcmp(nlg_table_file_digest(e->file), t->digest) != 0)
        return nlg_fail(err, NLG_ERR_CHECK, "%s: its digest is %.12s, expected %.12s: the published table was changed or damaged",
                        nlg_table_file_path(e->file), nlg_table_file_digest(e->file), t->digest);
    if (nlg_table_file_rows(e->file) == 0)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected rows below the header, found none", nlg_table_file_path(e->file));
    NLG_TRY(find_extent(e->file, &seeds, &epochs, err));
    if (seeds) return choose_own(e, seeds, epochs, o->signal, err);
    if (t && t->signals[0].name) return choose_published(e, t, o->signal, err);
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected columns val_s1_e1 and so on, as `lineage table build` writes them",
                    nlg_table_file_path(e->file));
}

static nlg_status load(nlg_table_evaluator *e, const nlg_table_evaluator_options *o, nlg_error *err) {
    NLG_TRY(open_file(e, o, err));
    NLG_TRY(nlg_table_file_find(e->file, "params", &e->params, err));
    NLG_TRY(nlg_table_file_find(e->file, "macs", &e->macs, err));
    e->interface = (nlg_evaluator){
        .name = "table", .cost_unit = e->seconds.count ? "seconds" : "MACs x epochs", .context = e, .evaluate = evaluate};
    e->rows = nlg_table_file_rows(e->file);
    e->row = nlg_alloc((size_t)e->rows + 1, sizeof *e->row);
    e->scores = nlg_alloc((size_t)e->rows * (size_t)e->levels + 1, sizeof *e->scores);
    if (!e->row || !e->scores) return nlg_fail_memory(err, (size_t)e->rows * sizeof *e->row, "the rows of a table");
    for (int i = 0; i < e->rows; i++) NLG_TRY(read_row(e, i, err));
    return write_config(e, &e->config, err);
}

nlg_status nlg_table_evaluator_create(const nlg_table_evaluator_options *options, nlg_table_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    nlg_table_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "the evaluator");
    e->space = options->space;
    nlg_status status = load(e, options, err);
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
    nlg_table_file_close(evaluator->report_file);
    nlg_free(evaluator->row);
    nlg_free(evaluator->scores);
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
    return evaluator->score_text;
}

const char *nlg_table_evaluator_report_text(const nlg_table_evaluator *evaluator) {
    return evaluator->report_text;
}

bool nlg_table_evaluator_has_latency(const nlg_table_evaluator *evaluator) {
    return evaluator->has_latency;
}
