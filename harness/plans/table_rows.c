/* Rows of a table, made again. */
#include "harness/plans/table_rows.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "harness/plans/table_plan.h"
#include "harness/progress.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/table_file.h"

/* What was trained again as the two files write it. */
typedef struct verification {
    const nlg_table_rows *check;
    nlg_table_facts facts;
    nlg_space space;
    nlg_lab lab;
    cJSON *shared; /* values of all rows */
    nlg_table_file *file, *test;
    uint32_t *order; /* of all rows: the first are picked */
    nlg_table_rows_summary *summary;
} verification;

static nlg_status compare_cell(const nlg_table_file *file, int row, const char *header, const char *found, char differs[64],
                               nlg_error *err) {
    int column;
    NLG_TRY(nlg_table_file_find(file, header, &column, err));
    if (!*differs && strcmp(nlg_table_file_cell(file, row, column), found) != 0) snprintf(differs, 64, "%s", header);
    return NLG_OK;
}

/* The first column that differs, or "". */
static nlg_status compare_row(const verification *v, int row, const nlg_table_row *trained, char differs[64], nlg_error *err) {
    char header[32], found[80];
    *differs = '\0';
    NLG_TRY(nlg_space_hash(&v->space, &trained->code, found, err));
    NLG_TRY(compare_cell(v->file, row, "hash", found, differs, err));
    snprintf(found, sizeof found, "%" PRId64, trained->params);
    NLG_TRY(compare_cell(v->file, row, "params", found, differs, err));
    snprintf(found, sizeof found, "%" PRId64, trained->macs);
    NLG_TRY(compare_cell(v->file, row, "macs", found, differs, err));
    snprintf(header, sizeof header, "digest_s%d", trained->seed);
    NLG_TRY(compare_cell(v->file, row, header, trained->digest, differs, err));
    for (int epoch = 1; epoch <= trained->epochs; epoch++) {
        snprintf(header, sizeof header, "val_s%d_e%d", trained->seed, epoch);
        snprintf(found, sizeof found, "%.10g", trained->validation[epoch - 1]);
        NLG_TRY(compare_cell(v->file, row, header, found, differs, err));
    }
    snprintf(header, sizeof header, "test_s%d", trained->seed);
    snprintf(found, sizeof found, "%.10g", trained->test);
    return compare_cell(v->test, row, header, found, differs, err);
}

static nlg_status specify(verification *v, const nlg_code *code, int seed, char **spec, nlg_error *err) {
    const nlg_measure *measure = nlg_measure_find("train");
    const char *where = v->check->path;
    char key[65];
    double work;
    cJSON *values = cJSON_Duplicate(v->shared, true);
    if (!values) return nlg_fail_memory(err, 64, "the values of a row");
    nlg_status status = nlg_table_row_values(&v->facts.recipe, code, seed, values, err);
    if (status == NLG_OK) status = nlg_measure_complete(measure, where, values, err);
    cJSON_AddTrueToObject(values, "final"); /* a row has a test accuracy */
    if (status == NLG_OK) status = nlg_measure_specify(measure, &v->lab, values, where, spec, key, &work, err);
    cJSON_Delete(values);
    return status;
}

/* Runs the spec of a row. */
static nlg_status make_again(verification *v, const nlg_code *code, int seed, nlg_table_row *row, nlg_error *err) {
    char *spec;
    nlg_record record;
    NLG_TRY(specify(v, code, seed, &spec, err));
    nlg_status status = nlg_measure_run(&v->lab, spec, &record, err);
    nlg_free(spec);
    NLG_TRY(status);
    status = nlg_table_take_row(&v->facts.recipe, &record, code, seed, row, err);
    nlg_record_free(&record);
    return status;
}

static nlg_status check_row(verification *v, int row, int seed, nlg_error *err) {
    const char *genotype = nlg_table_file_cell(v->file, row, 0);
    nlg_code code, canonical;
    nlg_table_row trained;
    char differs[64];
    NLG_TRY(v->space.decode(&v->space, genotype, &code, err));
    nlg_space_canonical(&v->space, &code, &canonical);
    NLG_TRY(make_again(v, &canonical, seed, &trained, err));
    NLG_TRY(compare_row(v, row, &trained, differs, err));
    v->summary->done++;
    v->summary->differ += *differs != '\0';
    return v->check->done(v->check->context, &v->facts, row, genotype, &trained, differs, err);
}

static nlg_rng rng_of(const verification *v) {
    return nlg_rng_seed(v->check->settings->seed);
}

static int seed_of(const verification *v, int i) {
    return 1 + (int)nlg_rng_below(nlg_rng_named(rng_of(v), "seeds"), (uint64_t)i, (uint64_t)v->facts.recipe.seeds);
}

static bool is_known(const verification *v, int i) {
    const nlg_table_rows *c = v->check;
    return c->skip && c->skip(c->context, &v->facts, (int)v->order[i], seed_of(v, i));
}

static nlg_status pick(verification *v, nlg_error *err) {
    const int all = nlg_table_file_rows(v->file);
    v->order = nlg_alloc((size_t)all + 1, sizeof *v->order);
    if (!v->order) return nlg_fail_memory(err, (size_t)all * sizeof *v->order, "the order of rows");
    nlg_rng_permutation(nlg_rng_named(rng_of(v), "rows"), v->order, (uint32_t)all);
    v->summary->rows = v->check->rows < all ? v->check->rows : all;
    for (int i = 0; i < v->summary->rows; i++) v->summary->skipped += is_known(v, i);
    return NLG_OK;
}

/* Digests, ranges and genotypes of all rows, as searches check them. */
static nlg_status open_files(verification *v, nlg_error *err) {
    char *name = NULL, *test = NULL;
    nlg_table_evaluator *evaluator = NULL;
    const char *path = v->check->path;
    nlg_status status = nlg_table_path(path, ".csv.gz", &name, err);
    if (status == NLG_OK) status = nlg_table_path(path, "-test.csv.gz", &test, err);
    if (status == NLG_OK) status = nlg_table_file_open(name, &v->file, err);
    if (status == NLG_OK) status = nlg_table_file_open(test, &v->test, err);
    if (status == NLG_OK) status = nlg_table_facts_check(&v->facts, v->file, v->test, err);
    const nlg_table_evaluator_options options_of_it = {.space = &v->space, .file = name};
    if (status == NLG_OK) status = nlg_table_evaluator_create(&options_of_it, &evaluator, err);
    nlg_table_evaluator_destroy(evaluator);
    nlg_free(name);
    nlg_free(test);
    return status;
}

static nlg_status open_table(verification *v, nlg_error *err) {
    NLG_TRY(nlg_table_facts_read(v->check->path, &v->facts, err));
    v->facts.recipe.space = &v->space;
    NLG_TRY(nlg_space_open(v->facts.space, &v->space, err));
    NLG_TRY(nlg_table_check(&v->facts.recipe, err));
    NLG_TRY(open_files(v, err));
    return pick(v, err);
}

static bool only_interrupted(void *context, double fraction, const char *what) {
    (void)context, (void)fraction, (void)what;
    return !nlg_interrupted();
}

static nlg_status open_data(verification *v, nlg_error *err) {
    const char *data = v->check->data ? v->check->data : v->facts.data;
    nlg_table_recipe *r = &v->facts.recipe;
    NLG_TRY(nlg_lab_start(&v->lab, v->check->settings->threads, err));
    NLG_TRY(nlg_table_values(r, data, &v->shared, err));
    NLG_TRY(nlg_lab_open_data(&v->lab, v->shared, &r->dataset, err));
    fprintf(stderr, "opening the test split of %s: a table has test accuracies in a file of their own\n", data);
    v->lab.may_open_test = true; /* nothing is chosen by what is made again */
    v->lab.watch = only_interrupted;
    r->exec = &v->lab.exec;
    return NLG_OK;
}

static nlg_status check_config(const nlg_table_facts *facts, nlg_error *err) {
    char *config;
    if (facts->numerics_version != NLG_NUMERICS_VERSION)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "the table was built with numerics version %d, this program has %d: its rows cannot be the same bits",
                        facts->numerics_version, NLG_NUMERICS_VERSION);
    NLG_TRY(nlg_table_config(&facts->recipe, &config, err));
    const bool same = strcmp(config, facts->config) == 0;
    nlg_free(config);
    return same ? NLG_OK
                : nlg_fail(err, NLG_ERR_INPUT,
                           "the table was built from other images or by a recipe that this program no longer has; expected its own "
                           "configuration in the .json file");
}

static nlg_status check_rows(verification *v, nlg_error *err) {
    for (int i = 0; i < v->summary->rows; i++) {
        if (is_known(v, i)) continue;
        if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
        NLG_TRY(check_row(v, (int)v->order[i], seed_of(v, i), err));
    }
    return NLG_OK;
}

static void close_all(verification *v) {
    nlg_table_file_close(v->file);
    nlg_table_file_close(v->test);
    nlg_lab_close(&v->lab);
    cJSON_Delete(v->shared);
    nlg_space_close(&v->space);
    nlg_table_facts_free(&v->facts);
    nlg_free(v->order);
}

nlg_status nlg_table_rows_check(const nlg_table_rows *check, nlg_table_rows_summary *summary, nlg_error *err) {
    verification v = {.check = check, .summary = summary};
    nlg_lab_open(&v.lab, check->settings);
    *summary = (nlg_table_rows_summary){0};
    nlg_status status = open_table(&v, err); /* before any work */
    const bool all_known = status == NLG_OK && summary->skipped == summary->rows;
    if (status == NLG_OK && !all_known) status = open_data(&v, err);
    if (status == NLG_OK && !all_known) status = check_config(&v.facts, err);
    if (status == NLG_OK) status = check_rows(&v, err);
    close_all(&v);
    return status;
}

/* Images that a training sees, three passes each. */
static nlg_status row_seconds(const verification *v, int i, double *seconds, nlg_error *err) {
    const nlg_table_recipe *r = &v->facts.recipe;
    int column;
    double macs;
    NLG_TRY(nlg_table_file_find(v->file, "macs", &column, err));
    NLG_TRY(nlg_table_file_number(v->file, (int)v->order[i], column, &macs, err));
    *seconds = nlg_measure_seconds(nlg_measure_find("train"), 3 * macs * r->data.train_limit * r->recipe.epochs);
    return NLG_OK;
}

nlg_status nlg_table_rows_plan(const nlg_table_rows *check, nlg_table_rows_summary *summary, double *seconds_left, nlg_error *err) {
    verification v = {.check = check, .summary = summary};
    nlg_lab_open(&v.lab, check->settings);
    *summary = (nlg_table_rows_summary){0};
    *seconds_left = 0;
    nlg_status status = open_table(&v, err);
    for (int i = 0; i < summary->rows && status == NLG_OK; i++) {
        double seconds = 0;
        if (is_known(&v, i)) continue;
        status = row_seconds(&v, i, &seconds, err);
        *seconds_left += seconds;
    }
    close_all(&v);
    return status;
}
