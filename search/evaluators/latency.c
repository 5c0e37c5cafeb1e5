/* Predicted latency: reading a table, and adding up a network's operations. */
#include "search/evaluators/latency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"
#include "search/evaluators/latency_steps.h"
#include "search/table_file.h"

typedef struct operation {
    const char *text; /* of the file */
    double ms;
} operation;

struct nlg_latency_table {
    nlg_table_file *file;
    nlg_latency_conditions measured;
    double overhead_ms;
    operation *operations; /* by text */
    int count;
};

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
    return strcmp(((const operation *)a)->text, ((const operation *)b)->text);
}

enum { LONGEST_MS = 1000000000 };

/* Digits and nothing else, up to a number that no condition exceeds. */
static bool read_whole(const char *text, int *number) {
    enum { DIGITS = 7 };
    const size_t length = strlen(text);
    if (length < 1 || length > DIGITS || strspn(text, "0123456789") != length) return false;
    *number = atoi(text);
    return true;
}

/* A row that is no operation; *good is false for a value that it cannot have. */
static bool read_condition(nlg_latency_table *t, const char *what, const char *value, bool *good) {
    nlg_latency_conditions *c = &t->measured;
    const struct {
        const char *name;
        int *number;
    } numbers[] = {
        {"classes", &c->classes}, {"batch", &c->batch}, {"threads", &c->threads}, {"numerics version", &c->numerics_version}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (strcmp(what, numbers[i].name) != 0) continue;
        *good = read_whole(value, numbers[i].number);
        return true;
    }
    if (strcmp(what, "space") == 0) {
        snprintf(c->space, sizeof c->space, "%s", value);
        nlg_latency_swap(c->space, ';', ',');
    } else if (strcmp(what, "input") == 0) {
        int length = 0;
        *good = sscanf(value, "%5dx%5dx%5d%n", &c->input.h, &c->input.w, &c->input.c, &length) == 3 && !value[length];
    } else if (strcmp(what, "isa") == 0) {
        snprintf(c->isa, sizeof c->isa, "%s", value);
    } else if (strcmp(what, "cpu") == 0) {
        snprintf(c->cpu, sizeof c->cpu, "%s", value);
    } else {
        return false;
    }
    return true;
}

static nlg_status read_rows(nlg_latency_table *t, nlg_error *err) {
    const int rows = nlg_table_file_rows(t->file);
    int what, value;
    NLG_TRY(nlg_table_file_find(t->file, "what", &what, err));
    NLG_TRY(nlg_table_file_find(t->file, "value", &value, err));
    t->operations = nlg_alloc((size_t)rows + 1, sizeof *t->operations);
    if (!t->operations) return nlg_fail_memory(err, (size_t)rows * sizeof *t->operations, "the operations of a latency table");
    for (int row = 0; row < rows; row++) {
        const char *text = nlg_table_file_cell(t->file, row, what);
        double ms;
        bool good = true;
        if (read_condition(t, text, nlg_table_file_cell(t->file, row, value), &good) && good) continue;
        if (!good)
            return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: %s cannot be '%.40s'", nlg_table_file_path(t->file), row + 2, text,
                            nlg_table_file_cell(t->file, row, value));
        NLG_TRY(nlg_table_file_number(t->file, row, value, &ms, err));
        const bool overhead = strcmp(text, "overhead") == 0;
        if (!(fabs(ms) < LONGEST_MS) || (!overhead && ms < 0))
            return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected milliseconds", nlg_table_file_path(t->file), row + 2);
        if (overhead) {
            t->overhead_ms = ms;
        } else {
            t->operations[t->count++] = (operation){text, ms};
        }
    }
    qsort(t->operations, (size_t)t->count, sizeof *t->operations, by_text);
    for (int i = 1; i < t->count; i++) {
        if (strcmp(t->operations[i - 1].text, t->operations[i].text) == 0)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: the operation '%.100s' stands there twice", nlg_table_file_path(t->file),
                            t->operations[i].text);
    }
    const nlg_latency_conditions *c = &t->measured;
    if (c->space[0] && c->input.h > 0 && c->input.w > 0 && c->input.c > 0 && c->classes > 0 && c->batch > 0 && t->count)
        return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT,
                    "%s: expected space, input, classes, batch and operations, as `lineage latency table` writes "
                    "them",
                    nlg_table_file_path(t->file));
}

nlg_status nlg_latency_open(const char *name_or_path, nlg_latency_table **table, nlg_error *err) {
    nlg_latency_table *t = nlg_alloc(1, sizeof *t);
    *table = NULL;
    if (!t) return nlg_fail_memory(err, sizeof *t, "a latency table");
    nlg_status status = nlg_table_file_open(name_or_path, &t->file, err);
    if (status == NLG_OK) status = read_rows(t, err);
    if (status == NLG_OK) {
        *table = t;
        return NLG_OK;
    }
    nlg_latency_close(t);
    return status;
}

void nlg_latency_close(nlg_latency_table *table) {
    if (!table) return;
    nlg_table_file_close(table->file);
    nlg_free(table->operations);
    nlg_free(table);
}

const nlg_latency_conditions *nlg_latency_measured(const nlg_latency_table *table) {
    return &table->measured;
}

const char *nlg_latency_path(const nlg_latency_table *table) {
    return nlg_table_file_path(table->file);
}

const char *nlg_latency_digest(const nlg_latency_table *table) {
    return nlg_table_file_digest(table->file);
}

int nlg_latency_operations(const nlg_latency_table *table) {
    return table->count;
}

/* ---- predicting -------------------------------------------------------------------------------------------------------- */

typedef struct sum {
    const nlg_latency_table *table;
    double ms;
    char *missing;
} sum;

static nlg_status add_up(void *context, const char *text, nlg_error *err) {
    (void)err;
    sum *s = context;
    const operation wanted = {.text = text};
    const operation *found = bsearch(&wanted, s->table->operations, (size_t)s->table->count, sizeof wanted, by_text);
    if (found) {
        s->ms += found->ms;
    } else if (!isnan(s->ms)) {
        s->ms = (double)NAN;
        snprintf(s->missing, NLG_OPERATION_MAX, "%s", text);
    }
    return NLG_OK;
}

nlg_status nlg_latency_check_space(const nlg_latency_table *table, const nlg_space *space, nlg_error *err) {
    if (strcmp(space->name, table->measured.space) == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: measured for space %s, not for %s", nlg_latency_path(table), table->measured.space,
                    space->name);
}

nlg_status nlg_latency_predict(const nlg_latency_table *table, const nlg_space *space, const nlg_code *code, double *ms,
                               char *missing, nlg_error *err) {
    sum s = {.table = table, .ms = table->overhead_ms, .missing = missing};
    NLG_TRY(nlg_latency_check_space(table, space, err));
    missing[0] = '\0';
    nlg_status status = nlg_latency_steps(space, code, &table->measured, add_up, &s, err);
    *ms = s.ms;
    return status;
}
