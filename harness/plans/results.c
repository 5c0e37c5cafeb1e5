/* Members and their records as rows. */
#include "harness/plans/results.h"

#include <stdio.h>
#include <string.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/store/records.h"
#include "search/store/store_internal.h"

static char *text_at(sqlite3_stmt *s, int column) {
    return nlg_strdup(nlg_store_column_text(s, column));
}

static cJSON *json_at(sqlite3_stmt *s, int column) {
    return cJSON_Parse(nlg_store_column_text(s, column));
}

/* Parts have the names that the tables know: those of stages, and "winner STRATEGY" of what searches found. */
static char *part_of(sqlite3_stmt *s, const cJSON *factors) {
    const char *stage = nlg_store_column_text(s, 1), *strategy = cJSON_GetStringValue(cJSON_GetObjectItem(factors, "strategy"));
    char text[128];
    if (strcmp(stage, "winners") != 0 || !strategy) return nlg_strdup(stage);
    snprintf(text, sizeof text, "winner %.64s", strategy);
    return nlg_strdup(text);
}

static nlg_status read_values(nlg_store *store, sqlite3_stmt *s, nlg_result_row *row, nlg_error *err) {
    nlg_record record;
    bool found;
    NLG_TRY(nlg_store_record(store, nlg_store_column_text(s, 10), &record, &found, err));
    cJSON *detail = cJSON_Parse(found && record.detail ? record.detail : "{}");
    cJSON *history = cJSON_DetachItemFromObjectCaseSensitive(detail, "history");
    row->result = cJSON_CreateObject();
    nlg_json_text(row->result, "status", found ? record.status : "missing");
    if (found && record.message[0]) nlg_json_text(row->result, "message", record.message);
    if (found && record.digest[0]) nlg_json_text(row->result, "digest", record.digest);
    for (int i = 0; i < record.n_metrics; i++) nlg_json_number(row->result, record.metrics[i].name, record.metrics[i].value);
    if (history) cJSON_AddItemToObject(row->result, "history", history);
    cJSON_Delete(detail);
    if (found) nlg_record_free(&record);
    return NLG_OK;
}

static nlg_status read_row(nlg_store *store, sqlite3_stmt *s, nlg_result_row *row, nlg_error *err) {
    char **const texts[] = {&row->commit, &row->compiler, &row->flags, &row->cpu, &row->isa};
    cJSON *factors = json_at(s, 2), *spec = json_at(s, 11);
    row->experiment = text_at(s, 0);
    row->part = part_of(s, factors);
    const char *genotype = cJSON_GetStringValue(cJSON_GetObjectItem(spec, "genotype"));
    const char *space = cJSON_GetStringValue(cJSON_GetObjectItem(spec, "space"));
    const char *strategy = cJSON_GetStringValue(cJSON_GetObjectItem(spec, "strategy"));
    row->arm = genotype && space ? nlg_strdup(genotype) : strategy ? nlg_strdup(strategy) : text_at(s, 3);
    bool complete = row->experiment && row->part && row->arm;
    for (int i = 0; i < 5; i++) complete &= (*texts[i] = text_at(s, i + 4)) != NULL;
    row->threads = sqlite3_column_int(s, 9);
    row->seconds = sqlite3_column_double(s, 12);
    row->identity = cJSON_CreateObject();
    nlg_json_text(row->identity, "kind", nlg_store_column_text(s, 13));
    const cJSON *recipe = cJSON_GetObjectItem(spec, "recipe"), *rate = cJSON_GetObjectItem(recipe, "lr");
    if (cJSON_IsNumber(rate)) nlg_json_number(row->identity, "rate", rate->valuedouble);
    const cJSON *seed = cJSON_GetObjectItem(spec, "seed");
    if (cJSON_IsNumber(seed)) nlg_json_number(row->identity, "seed", seed->valuedouble);
    const cJSON *batch = cJSON_GetObjectItem(spec, "batch");
    if (cJSON_IsNumber(batch)) nlg_json_number(row->identity, "batch", batch->valuedouble);
    cJSON_Delete(factors);
    cJSON_Delete(spec);
    return complete ? read_values(store, s, row, err) : nlg_fail_memory(err, 0, "the results");
}

static nlg_status read_all(nlg_store *store, const char *profile, nlg_result_row **rows, int *count, nlg_error *err) {
    static const char *const doing = "reading the results";
    sqlite3_stmt *s;
    int step = SQLITE_DONE, room = 0;
    NLG_TRY(nlg_store_prepare(
        store,
        "SELECT experiment, stage, factors, arm, commit_id, compiler, flags, cpu, isa, threads, records.key, spec,"
        " seconds, measure FROM members JOIN records USING (key) JOIN machines ON machine = machines.id"
        " WHERE profile = ?1 ORDER BY experiment, measure = 'train' AND final, stage DESC, position",
        &s, doing, err));
    nlg_store_bind_text(s, 1, profile);
    nlg_status status = NLG_OK;
    while (status == NLG_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        nlg_result_row *more = nlg_grow(*rows, &room, *count, sizeof *more);
        if (!more) {
            status = nlg_fail_memory(err, 0, "the results");
            break;
        }
        *rows = more;
        more[*count] = (nlg_result_row){0};
        status = read_row(store, s, &more[(*count)++], err);
    }
    if (status == NLG_OK && step != SQLITE_DONE) status = nlg_store_fail(store, doing, err);
    sqlite3_finalize(s);
    return status;
}

nlg_status nlg_results_rows(const char *folder, const char *profile, nlg_result_row **rows, int *count, nlg_error *err) {
    char path[4096];
    nlg_store *store;
    *rows = NULL;
    *count = 0;
    if (snprintf(path, sizeof path, "%s/store.sqlite", folder) >= (int)sizeof path)
        return nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    if (!nlg_file_exists(path)) return nlg_fail(err, NLG_ERR_INPUT, "%s: no results there; make them first by lineage run", path);
    NLG_TRY(nlg_store_open(path, NLG_STORE_READ, &store, err));
    nlg_status status = read_all(store, profile, rows, count, err);
    nlg_store_close(store);
    return status;
}

void nlg_results_free_rows(nlg_result_row *rows, int count) {
    for (int i = 0; i < count; i++) {
        char *texts[] = {rows[i].experiment, rows[i].part,  rows[i].arm, rows[i].commit,
                         rows[i].compiler,   rows[i].flags, rows[i].cpu, rows[i].isa};
        for (int t = 0; t < 8; t++) nlg_free(texts[t]);
        cJSON_Delete(rows[i].identity);
        cJSON_Delete(rows[i].result);
    }
    nlg_free(rows);
}
