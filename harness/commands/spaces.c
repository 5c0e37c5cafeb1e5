/* lineage spaces: the search spaces, their sizes and parameters. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/output.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/own_table.h"
#include "search/spaces/layout.h"

static const char *evaluators_of(const nlg_space *space, char text[64]) {
    if (nlg_layout_space_target(space)) return "layout";
    const bool table = nlg_table_signal_at(space->name, 0) != NULL;
    snprintf(text, 64, "%s%s%s", space->build ? "train" : "", space->build && table ? ", " : "", table ? "table" : "");
    return text;
}

/* Counted here where that takes no time; 0: unknown. */
static int64_t architectures_of(const nlg_space *space) {
    enum { QUICKLY = 10000 };
    nlg_code *codes;
    int count = 0;
    if (space->architectures || nlg_space_size(space) > QUICKLY) return space->architectures;
    if (nlg_space_list(space, &codes, &count, NULL) == NLG_OK) nlg_free(codes);
    return count;
}

static void parameters_text(const nlg_space *space, char text[96]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < space->n_parameters && used < 96; i++) {
        const nlg_space_parameter *p = &space->parameters[i];
        used += (size_t)snprintf(text + used, 96 - used, "%s%s=", i ? "," : "", p->name);
        if (used >= 96) break;
        if (p->text)
            used += (size_t)snprintf(text + used, 96 - used, "%s", space->parameter_text[i]);
        else
            used += (size_t)snprintf(text + used, 96 - used, "%d", space->parameter[i]);
    }
}

/* The first that a search with seed 0 would draw. */
static void example_of(const nlg_space *space, char genotype[NLG_GENOTYPE_MAX]) {
    nlg_code code, canonical;
    nlg_space_sample(space, nlg_rng_seed(0), &code);
    nlg_space_canonical(space, &code, &canonical);
    space->encode(space, &canonical, genotype, NLG_GENOTYPE_MAX);
}

static void add_json(cJSON *rows, const nlg_space *space) {
    char text[64];
    cJSON *row = nlg_json_object_in(rows);
    nlg_json_text(row, "name", space->name);
    nlg_json_text(row, "summary", space->summary);
    nlg_json_text(row, "source", space->source);
    nlg_json_number(row, "positions", space->length);
    nlg_json_number(row, "codes", nlg_space_size(space));
    const int64_t architectures = architectures_of(space);
    nlg_json_number(row, "architectures", architectures ? (double)architectures : (double)NAN);
    nlg_json_text(row, "evaluators", evaluators_of(space, text));
    cJSON *parameters = cJSON_AddObjectToObject(row, "parameters");
    for (int i = 0; i < space->n_parameters; i++) {
        const nlg_space_parameter *p = &space->parameters[i];
        cJSON *object = cJSON_AddObjectToObject(parameters, p->name);
        if (p->text) {
            nlg_json_text(object, "value", space->parameter_text[i]);
        } else {
            nlg_json_number(object, "value", space->parameter[i]);
            nlg_json_number(object, "min", p->min);
            nlg_json_number(object, "max", p->max);
        }
        nlg_json_text(object, "summary", p->summary);
    }
    cJSON *signals = cJSON_AddArrayToObject(row, "signals");
    for (int i = 0; nlg_table_signal_at(space->name, i); i++)
        cJSON_AddItemToArray(signals, cJSON_CreateString(nlg_table_signal_at(space->name, i)));
}

static void add_cells(nlg_text_table *table, const nlg_space *space) {
    char text[96];
    nlg_text_table_cell(table, "%.*s", (int)strcspn(space->name, ":"), space->name);
    parameters_text(space, text);
    nlg_text_table_cell(table, "%s", text);
    nlg_text_table_cell(table, "%d", space->length);
    const double codes = nlg_space_size(space);
    if (codes < 1e7)
        nlg_text_table_integer(table, (int64_t)codes);
    else
        nlg_text_table_cell(table, "%.2e", codes);
    const int64_t architectures = architectures_of(space);
    if (architectures)
        nlg_text_table_integer(table, architectures);
    else
        nlg_text_table_cell(table, "not counted");
    nlg_text_table_cell(table, "%s", evaluators_of(space, text));
    nlg_text_table_cell(table, "%s", space->summary);
}

/* Adds one space to either. */
static void add(const nlg_space *space, cJSON *rows, nlg_text_table *table) {
    if (rows) add_json(rows, space);
    if (table) add_cells(table, space);
}

/* How its genotypes are written; the space is open. */
static void describe(const nlg_space *space) {
    char genotype[NLG_GENOTYPE_MAX];
    example_of(space, genotype);
    printf("\n%s: %s\nSource: %s\n", space->name, space->summary, space->source);
    for (int i = 0; i < space->n_parameters; i++) {
        const nlg_space_parameter *p = &space->parameters[i];
        printf("%s%s=%d (%d to %d): %s\n", i ? "            " : "Parameters: ", p->name, space->parameter[i], p->min, p->max,
               p->summary);
    }
    if (space->notation) printf("Genotypes: %s\n", space->notation);
    for (int i = 0; space->operation && space->operation(space, i); i++)
        printf("%s%s", i ? ", " : "Operations: ", space->operation(space, i));
    printf("%sExample: %s\n", space->operation ? "\n" : "", genotype);
}

static nlg_status list(const char *name, cJSON *rows, nlg_text_table *table, nlg_error *err) {
    nlg_space space;
    nlg_status status = nlg_space_open(name, &space, err);
    if (status == NLG_OK) add(&space, rows, table);
    nlg_space_close(&space);
    return status;
}

static nlg_status describe_named(const nlg_invocation *call, nlg_error *err) {
    for (int i = 0; i < call->n_arguments; i++) {
        nlg_space space;
        nlg_status status = nlg_space_open(call->arguments[i], &space, err);
        if (status == NLG_OK) describe(&space);
        nlg_space_close(&space);
        NLG_TRY(status);
    }
    return NLG_OK;
}

/* A space whose table is missing is described all the same. */
static nlg_status list_all(cJSON *rows, nlg_text_table *table, nlg_error *err) {
    for (int i = 0; i < nlg_space_count(); i++) {
        nlg_error missing = {0};
        nlg_status status = list(nlg_space_at(i)->name, rows, table, &missing);
        if (status == NLG_OK) continue;
        if (status == NLG_ERR_MEMORY) return nlg_fail(err, status, "%s", missing.text);
        fprintf(stderr, "space %s cannot be searched: %s\n", nlg_space_at(i)->name, missing.text);
        add(nlg_space_at(i), rows, table);
    }
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    cJSON *rows = call->settings.json ? cJSON_CreateArray() : NULL;
    nlg_text_table *table = rows ? NULL
                                 : nlg_text_table_create("llrrrll", (const char *[]){"space", "parameters", "positions", "codes",
                                                                                     "architectures", "evaluators", "what"});
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < call->n_arguments; i++) status = list(call->arguments[i], rows, table, err);
    if (call->n_arguments == 0) status = list_all(rows, table, err);
    if (status != NLG_OK) {
        cJSON_Delete(rows);
        nlg_text_table_destroy(table);
        return status;
    }
    if (rows) return nlg_json_print(rows, err);
    NLG_TRY(nlg_text_table_print(table, stdout, err));
    return describe_named(call, err);
}

const nlg_command nlg_command_spaces = {
    .name = "spaces",
    .summary = "List the search spaces with their sizes",
    .arguments = "[SPACE...]",
    .max_arguments = -1,
    .help = "Codes are what a search draws; architectures are the different networks among them, where they were counted. "
            "Parameters are set as in nasnet:B=4,N=1,F=8. For the spaces that are named, how genotypes are written and which "
            "operations they have.\n\n"
            "Examples:\n  lineage spaces\n  lineage spaces nasbench201\n  lineage spaces nasnet:B=4 pnas:B=4 --json",
    .shared = NLG_TAKES_JSON,
    .run = run,
};
