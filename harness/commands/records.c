/* lineage records: what a results folder holds, and records as text for shipping. */
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/output.h"
#include "harness/query/results_store.h"
#include "layers/base/memory.h"
#include "search/store/records.h"

typedef struct records_options {
    nlg_record_choice choice;
    const char *results;
} records_options;

enum { KEY_PROFILE = 0x100, KEY_EXPERIMENT, KEY_RESULTS };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "Records of this profile only (default: all)", 0},
    {"experiment", KEY_EXPERIMENT, "NAME", 0, "Records of this experiment only (default: all)", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    records_options *o = where;
    (void)err;
    *(key == KEY_PROFILE ? &o->choice.profile : key == KEY_EXPERIMENT ? &o->choice.experiment : &o->results) = value;
    return NLG_OK;
}

static void add_row(cJSON *list, const nlg_record *r) {
    cJSON *row = nlg_json_object_in(list), *metrics;
    nlg_json_text(row, "key", r->key);
    nlg_json_text(row, "measure", r->measure);
    nlg_json_text(row, "status", r->status);
    nlg_json_text(row, "digest", r->digest);
    nlg_json_number(row, "seconds", r->seconds);
    cJSON_AddItemToObject(row, "spec", cJSON_Parse(r->spec));
    metrics = cJSON_AddObjectToObject(row, "metrics");
    for (int i = 0; i < r->n_metrics; i++) nlg_json_number(metrics, r->metrics[i].name, r->metrics[i].value);
}

static nlg_status print_list(const nlg_invocation *call, nlg_store *store, char (*keys)[65], int count, nlg_error *err) {
    static const char *const headers[] = {"key", "measure", "status", "metrics", "seconds", "digest"};
    cJSON *list = call->settings.json ? cJSON_CreateArray() : NULL;
    nlg_text_table *table = call->settings.json ? NULL : nlg_text_table_create("lllrrl", headers);
    nlg_status status = NLG_OK;
    for (int i = 0; i < count && status == NLG_OK; i++) {
        nlg_record r;
        bool found;
        status = nlg_store_record(store, keys[i], &r, &found, err);
        if (status != NLG_OK || !found) continue;
        if (list) {
            add_row(list, &r);
        } else {
            nlg_text_table_cell(table, "%.12s", r.key);
            nlg_text_table_cell(table, "%s", r.measure);
            nlg_text_table_cell(table, "%s", r.status);
            nlg_text_table_integer(table, r.n_metrics);
            nlg_text_table_cell(table, "%.1f", r.seconds);
            nlg_text_table_cell(table, "%.12s", r.digest[0] ? r.digest : "-");
        }
        nlg_record_free(&r);
    }
    if (status == NLG_OK) return list ? nlg_json_print(list, err) : nlg_text_table_print(table, stdout, err);
    cJSON_Delete(list);
    nlg_text_table_destroy(table);
    return status;
}

static nlg_status list(const nlg_invocation *call, nlg_error *err) {
    const records_options *o = call->options;
    nlg_store *store;
    char(*keys)[65] = NULL;
    int count;
    NLG_TRY(nlg_results_open(o->results, NLG_STORE_READ, &store, err));
    nlg_status status = nlg_store_keys(store, &o->choice, &keys, &count, err);
    if (status == NLG_OK) status = print_list(call, store, keys, count, err);
    nlg_free(keys);
    nlg_store_close(store);
    return status;
}

static nlg_status exchange(const nlg_invocation *call, bool out, nlg_error *err) {
    const records_options *o = call->options;
    const char *path = call->arguments[1];
    nlg_store *store;
    int records;
    NLG_TRY(nlg_results_open(o->results, out ? NLG_STORE_READ : NLG_STORE_WRITE, &store, err));
    nlg_status status =
        out ? nlg_records_export(store, &o->choice, path, &records, err) : nlg_records_import(store, path, &records, err);
    nlg_store_close(store);
    if (status == NLG_OK) printf(out ? "%d records written to %s\n" : "%d records of %s are in %s\n", records, path, o->results);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const char *what = call->arguments[0];
    if (strcmp(what, "list") == 0 && call->n_arguments == 1) return list(call, err);
    const bool out = strcmp(what, "export") == 0, in = strcmp(what, "import") == 0;
    if ((out || in) && call->n_arguments == 2) return exchange(call, out, err);
    return nlg_fail(err, NLG_ERR_INPUT,
                    out || in ? "%s needs the name of one file" : "expected list, export FILE or import FILE, found '%s'", what);
}

const nlg_command nlg_command_records = {
    .name = "records",
    .summary = "List, export and import the records of experiments",
    .arguments = "list | export FILE | import FILE",
    .min_arguments = 1,
    .max_arguments = 2,
    .help =
        "A record is the result of one spec: all that its bits depend on. export writes lines of JSON, packed if FILE ends in .gz; "
        "import takes what the folder lacks, and changes nothing that it has.\n\nExamples:\n  lineage records list --profile "
        "smoke\n"
        "  lineage records export smoke.records.gz --profile smoke --experiment counts\n  lineage records import smoke.records.gz "
        "--results "
        "results/other",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .defaults = &(const records_options){.results = "results/local"},
    .options_size = sizeof(records_options),
    .option = option,
    .run = run,
};
