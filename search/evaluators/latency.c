/* Predicted latency: reading a table, adding up a network's operations, and the evaluator that adds the sum to trials. */
#include "search/evaluators/latency.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "layers/kernels/simd.h"
#include "search/evaluators/latency_steps.h"
#include "search/evaluators/table_file.h"

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

/* ---- the operations of a network --------------------------------------------------------------------------------------- */

nlg_status nlg_latency_steps(const nlg_space *space, const nlg_code *code, const nlg_latency_conditions *c,
                             nlg_status (*visit)(void *context, const char *text, nlg_error *err), void *context, nlg_error *err) {
    nlg_graph *graph;
    if (!space->build)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has no networks whose latency could be predicted", space->name);
    NLG_TRY(space->build(space, code, c->input.h, c->input.w, c->input.c, c->classes, &graph, err));
    nlg_exec exec = {.team = nlg_team_create(1), .isa = NLG_ISA_PORTABLE, .simd = nlg_simd_table(NLG_ISA_PORTABLE)};
    nlg_status status = exec.team ? NLG_OK : nlg_fail_memory(err, 64, "a team of one");
    const nlg_plan_options options = {.batch = c->batch, .mode = NLG_INFER};
    const nlg_weights none = {.graph = graph};
    nlg_plan *plan = NULL;
    if (status == NLG_OK) status = nlg_plan_create(graph, &exec, &options, &none, NULL, &plan, err);
    for (int i = 0; status == NLG_OK && i < nlg_plan_step_count(plan); i++) {
        char text[NLG_OPERATION_MAX];
        nlg_plan_step_text(plan, i, text, sizeof text);
        status = visit(context, text, err);
    }
    nlg_plan_destroy(plan);
    if (exec.team) nlg_team_destroy(exec.team);
    nlg_graph_destroy(graph);
    return status;
}

/* ---- reading ----------------------------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b) {
    return strcmp(((const operation *)a)->text, ((const operation *)b)->text);
}

enum { LONGEST_MS = 1000000000 };

void nlg_latency_swap(char *text, char from, char to) {
    for (; *text; text++)
        if (*text == from) *text = to;
}

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

static nlg_status check_space(const nlg_latency_table *table, const nlg_space *space, nlg_error *err) {
    if (strcmp(space->name, table->measured.space) == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: measured for space %s, not for %s", nlg_latency_path(table), table->measured.space,
                    space->name);
}

nlg_status nlg_latency_predict(const nlg_latency_table *table, const nlg_space *space, const nlg_code *code, double *ms,
                               char *missing, nlg_error *err) {
    sum s = {.table = table, .ms = table->overhead_ms, .missing = missing};
    NLG_TRY(check_space(table, space, err));
    missing[0] = '\0';
    nlg_status status = nlg_latency_steps(space, code, &table->measured, add_up, &s, err);
    *ms = s.ms;
    return status;
}

/* ---- the evaluator ----------------------------------------------------------------------------------------------------- */

struct nlg_latency_evaluator {
    const nlg_latency_table *table; /* NULL: measured as here */
    nlg_latency_options here;
    const nlg_evaluator *inner;
    nlg_evaluator interface;
    char *config;
};

static void fail_trial(nlg_trial *trial, const char *what, const char *why) {
    trial->status = NLG_TRIAL_FAILED;
    snprintf(trial->message, sizeof trial->message, "%s%.200s", what, why);
}

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    const nlg_latency_evaluator *e = context;
    char missing[NLG_OPERATION_MAX] = "";
    double ms = 0;
    nlg_error why = {0};
    nlg_status status = e->table ? nlg_latency_predict(e->table, space, &trial->code, &ms, missing, &why)
                                 : nlg_latency_measure(&e->here, &trial->code, &ms, &why);
    if (status == NLG_ERR_MEMORY) return nlg_fail(err, status, "%s", why.text);
    if (status != NLG_OK) {
        fail_trial(trial, "", why.text);
    } else if (isnan(ms)) {
        fail_trial(trial, "the latency table has no ", missing);
    } else {
        NLG_TRY(e->inner->evaluate(e->inner->context, space, trial, err));
        trial->latency_ms = ms;
    }
    return NLG_OK;
}

static nlg_status begin_worker(void *context, nlg_error *err) {
    const nlg_latency_evaluator *e = context;
    return e->inner->begin_worker ? e->inner->begin_worker(e->inner->context, err) : NLG_OK;
}

static nlg_status write_config(const nlg_latency_table *table, const char *inner, char **text, nlg_error *err) {
    cJSON *object;
    NLG_TRY(nlg_json_read(inner, strlen(inner), "the evaluator's configuration", &object, err));
    cJSON_AddStringToObject(object, "latency_table", table ? nlg_latency_digest(table) : "measured");
    return nlg_json_finish(object, false, text, err);
}

nlg_status nlg_latency_evaluator_create(const nlg_latency_table *table, const nlg_latency_options *here, const nlg_evaluator *inner,
                                        const char *inner_config, nlg_latency_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    if (table) NLG_TRY(check_space(table, here->space, err));
    nlg_latency_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "the evaluator");
    e->table = table;
    e->here = *here;
    e->inner = inner;
    e->interface = (nlg_evaluator){.name = inner->name,
                                   .cost_unit = inner->cost_unit,
                                   .is_shared = inner->is_shared && table /* a measured time is not the same twice */,
                                   .context = e,
                                   .evaluate = evaluate,
                                   .begin_worker = begin_worker};
    nlg_status status = write_config(table, inner_config, &e->config, err);
    if (status == NLG_OK)
        *evaluator = e;
    else
        nlg_latency_evaluator_destroy(e);
    return status;
}

void nlg_latency_evaluator_destroy(nlg_latency_evaluator *evaluator) {
    if (!evaluator) return;
    nlg_free(evaluator->config);
    nlg_free(evaluator);
}

const nlg_evaluator *nlg_latency_evaluator_interface(const nlg_latency_evaluator *evaluator) {
    return &evaluator->interface;
}

const char *nlg_latency_evaluator_config(const nlg_latency_evaluator *evaluator) {
    return evaluator->config;
}
