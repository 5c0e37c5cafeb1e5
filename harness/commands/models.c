/* lineage models: the registry as a table. */
#define _GNU_SOURCE /* qsort_r */
#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "harness/command.h"
#include "harness/network.h"
#include "harness/options.h"
#include "harness/output.h"
#include "layers/base/memory.h"
#include "models/unspecified.h"

typedef enum { BY_REGISTRY, BY_NAME, BY_YEAR, BY_PARAMS, BY_MACS } sort_order;
typedef struct models_options {
    int sort;
    const char *family;
    int designer; /* 0: both, else 1 + nlg_designer */
    bool small;
} models_options;

enum { KEY_SORT = 0x100, KEY_FAMILY, KEY_DESIGNER, KEY_SMALL };
static const struct argp_option options[] = {
    {"sort", KEY_SORT, "KEY", 0, "registry (default), name, year, params or macs", 0},
    {"family", KEY_FAMILY, "NAME", 0, "Only families whose name begins with NAME", 0},
    {"designer", KEY_DESIGNER, "WHO", 0, "Only networks by human designers or searched ones", 0},
    {"small", KEY_SMALL, NULL, 0, "Only the forms for 28x28 and 32x32 images that are trained here", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    static const char *const orders[] = {"registry", "name", "year", "params", "macs", NULL};
    static const char *const designers[] = {"human", "searched", NULL};
    models_options *o = where;
    switch (key) {
    case KEY_SORT:
        return nlg_option_choice("--sort", value, orders, &o->sort, err);
    case KEY_FAMILY:
        o->family = value;
        return NLG_OK;
    case KEY_DESIGNER:
        NLG_TRY(nlg_option_choice("--designer", value, designers, &o->designer, err));
        o->designer++;
        return NLG_OK;
    default:
        o->small = true;
        return NLG_OK;
    }
}

typedef struct entry {
    const nlg_model *model;
    int index; /* in the registry */
    nlg_graph_cost cost;
} entry;

static int by_order(const void *a, const void *b, void *order) {
    const entry *x = a, *y = b;
    int64_t difference = 0;
    switch (*(const int *)order) {
    case BY_NAME:
        return strcmp(x->model->name, y->model->name);
    case BY_YEAR:
        difference = nlg_model_year(x->model) - nlg_model_year(y->model);
        break;
    case BY_PARAMS:
        difference = x->cost.params - y->cost.params;
        break;
    case BY_MACS:
        difference = x->cost.macs - y->cost.macs;
        break;
    default:
        break;
    }
    if (difference) return difference < 0 ? -1 : 1;
    return x->index - y->index;
}

static bool begins_with(const char *name, const char *start) {
    return strncasecmp(name, start, strlen(start)) == 0;
}

/* A pattern as in a shell; without *, ? and [ it may stand anywhere in the name. */
static bool fits_pattern(const char *name, size_t length, const char *pattern) {
    char text[256], anywhere[256];
    if (length >= sizeof text || strlen(pattern) + 3 > sizeof anywhere) return false;
    snprintf(text, sizeof text, "%.*s", (int)length, name);
    snprintf(anywhere, sizeof anywhere, "*%s*", pattern);
    return fnmatch(strpbrk(pattern, "*?[") ? pattern : anywhere, text, FNM_CASEFOLD) == 0;
}

/* Its name, or one of its aliases. */
static bool is_named(const nlg_model *model, const char *pattern) {
    if (fits_pattern(model->name, strlen(model->name), pattern)) return true;
    const char *alias = model->aliases ? model->aliases : "";
    for (size_t length; *alias; alias += length + (alias[length] == ' ')) {
        length = strcspn(alias, " ");
        if (fits_pattern(alias, length, pattern)) return true;
    }
    return false;
}

static bool is_named_by_any(const nlg_model *model, const nlg_invocation *call) {
    for (int i = 0; i < call->n_arguments; i++)
        if (is_named(model, call->arguments[i])) return true;
    return call->n_arguments == 0;
}

static bool wanted(const nlg_model *model, const models_options *o) {
    if (o->family && !begins_with(model->family->name, o->family)) return false;
    if (o->designer && (int)model->family->designer != o->designer - 1) return false;
    return model->small || !o->small;
}

static nlg_status check_family(const models_options *o, nlg_error *err) {
    char list[900] = "";
    const nlg_family *last = NULL;
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_family *family = nlg_model_at(i)->family;
        if (begins_with(family->name, o->family)) return NLG_OK;
        size_t used = strlen(list);
        if (family != last && !strstr(list, family->name))
            snprintf(list + used, sizeof list - used, "%s%s", used ? ", " : "", family->name);
        last = family;
    }
    return nlg_fail(err, NLG_ERR_INPUT, "--family: no family begins with '%s'; there are %s", o->family, list);
}

static nlg_status check_patterns(const nlg_invocation *call, nlg_error *err) {
    for (int i = 0; i < call->n_arguments; i++) {
        int found = 0;
        while (found < nlg_model_count() && !is_named(nlg_model_at(found), call->arguments[i])) found++;
        if (found == nlg_model_count())
            return nlg_fail(err, NLG_ERR_INPUT, "no network or alias fits '%s'; lineage models lists all, '*resnet*' is a pattern",
                            call->arguments[i]);
    }
    return NLG_OK;
}

static nlg_status collect(const nlg_invocation *call, entry *entries, int *count, nlg_error *err) {
    const models_options *o = call->options;
    if (o->family) NLG_TRY(check_family(o, err));
    NLG_TRY(check_patterns(call, err));
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_model *model = nlg_model_at(i);
        if (!wanted(model, o) || !is_named_by_any(model, call)) continue;
        nlg_network network;
        nlg_status status = nlg_network_build(model, (nlg_shape){0}, 0, &network, err);
        entries[(*count)++] = (entry){model, i, network.cost};
        nlg_network_close(&network);
        NLG_TRY(status);
    }
    return NLG_OK;
}

static nlg_status print_json(const entry *entries, int count, nlg_error *err) {
    cJSON *list = cJSON_CreateArray();
    for (int i = 0; i < count; i++) {
        const nlg_model *m = entries[i].model;
        cJSON *row = nlg_json_object_in(list);
        nlg_json_text(row, "model", m->name);
        nlg_json_text(row, "aliases", m->aliases ? m->aliases : "");
        nlg_json_text(row, "family", m->family->name);
        nlg_json_number(row, "year", nlg_model_year(m));
        nlg_json_text(row, "designer", nlg_designer_name(m->family->designer));
        nlg_json_number(row, "params", (double)entries[i].cost.params);
        nlg_json_number(row, "macs", (double)entries[i].cost.macs);
        const int input[3] = {m->input.c, m->input.h, m->input.w};
        cJSON_AddItemToObject(row, "input", cJSON_CreateIntArray(input, 3));
        cJSON_AddBoolToObject(row, "small", m->small);
        nlg_json_text(row, "title", m->family->title);
        nlg_json_text(row, "authors", m->family->authors);
        nlg_json_text(row, "venue", m->family->venue);
    }
    return nlg_json_print(list, err);
}

static nlg_status print_table(const entry *entries, int count, nlg_error *err) {
    static const char *const headers[] = {"model", "year", "designer", "params", "MACs", "resolution", "aliases", "paper"};
    nlg_text_table *t = nlg_text_table_create("lrlrrlll", headers);
    for (int i = 0; i < count; i++) {
        const nlg_model *m = entries[i].model;
        nlg_text_table_cell(t, "%s", m->name);
        nlg_text_table_cell(t, "%d", nlg_model_year(m));
        nlg_text_table_cell(t, "%s", nlg_designer_name(m->family->designer));
        nlg_text_table_integer(t, entries[i].cost.params);
        nlg_text_table_integer(t, entries[i].cost.macs);
        nlg_text_table_cell(t, "%dx%dx%d", m->input.h, m->input.w, m->input.c);
        nlg_text_table_cell(t, "%s", m->aliases ? m->aliases : "");
        nlg_text_table_cell(t, "%s", m->family->title);
    }
    NLG_TRY(nlg_text_table_print(t, stdout, err));
    printf("\n%d networks. %s\n", count, nlg_counting_rule);
    for (int i = 0; i < nlg_unspecified_count(); i++) {
        const nlg_unspecified_model *m = nlg_unspecified_at(i);
        printf("Not specified, so not built: %s (%s): %s.\n", m->name, m->published_source, m->missing);
    }
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    int order = ((const models_options *)call->options)->sort, count = 0;
    entry *entries = nlg_alloc((size_t)nlg_model_count(), sizeof *entries);
    if (!entries) return nlg_fail_memory(err, (size_t)nlg_model_count() * sizeof *entries, "the list of networks");
    nlg_status status = collect(call, entries, &count, err);
    if (status == NLG_OK) {
        qsort_r(entries, (size_t)count, sizeof *entries, by_order, &order);
        status = call->settings.json ? print_json(entries, count, err) : print_table(entries, count, err);
    }
    nlg_free(entries);
    return status;
}

const nlg_command nlg_command_models = {
    .name = "models",
    .summary = "List the networks: year, designer, size, paper",
    .arguments = "[PATTERN...]",
    .max_arguments = -1,
    .help = "A pattern is one as in a shell, in quotes; a text without *, ? and [ may stand anywhere in a name or alias.\n\n"
            "Examples:\n  lineage models --designer searched --sort macs\n  lineage models 'resnet*_cifar' nasneta",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .options_size = sizeof(models_options),
    .option = option,
    .run = run,
};
