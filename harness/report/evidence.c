/* Where an experiment's records come from. */
#include "harness/report/evidence.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/share.h"

/* One line of an exported file of records: its key and when it was made, if it is a record. */
static void add_shipped(FILE *out, const char *line, size_t length) {
    cJSON *record = NULL;
    if (nlg_json_read(line, length, "a record", &record, NULL) != NLG_OK) return;
    const cJSON *key = cJSON_GetObjectItem(record, "key"), *created = cJSON_GetObjectItem(record, "created");
    if (cJSON_IsString(key) && cJSON_IsString(created)) fprintf(out, "%s\t%s\n", key->valuestring, created->valuestring);
    cJSON_Delete(record);
}

/* A line is as long as the history that it holds. */
static nlg_status read_shipped(gzFile in, FILE *out, const char *path, nlg_error *err) {
    char *line = NULL;
    size_t room = 0, used = 0;
    nlg_status status = NLG_OK;
    while (status == NLG_OK) {
        if (room - used < 2) {
            char *more = nlg_realloc(line, room ? 2 * room : 1 << 16, 1);
            if (!more) {
                status = nlg_fail_memory(err, room, path);
                break;
            }
            line = more;
            room = room ? 2 * room : 1 << 16;
        }
        if (!gzgets(in, line + used, room - used < INT_MAX ? (int)(room - used) : INT_MAX)) break;
        used += strlen(line + used);
        if (!used || line[used - 1] != '\n') continue;
        add_shipped(out, line, used);
        used = 0;
    }
    nlg_free(line);
    return status;
}

static nlg_status load_shipped(nlg_query *query, const char *profile, nlg_error *err) {
    char name[256], path[1024] = "shipped records", *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return nlg_fail_memory(err, 0, "the report");
    fputs("key\tcreated\n", out);
    snprintf(name, sizeof name, "results/reference/%.200s.records.gz", profile);
    gzFile in = !strchr(profile, '/') && nlg_share_path(name, path, sizeof path) ? gzopen(path, "rb") : NULL;
    nlg_status status = in ? read_shipped(in, out, path, err) : NLG_OK;
    if (in) gzclose(in);
    fclose(out);
    if (status == NLG_OK) status = nlg_query_load_rows(query, "shipped", "key created", text, path, err);
    free(text);
    return status;
}

nlg_status nlg_evidence_load(nlg_query *query, const char *results, const char *profile, nlg_error *err) {
    enum { LARGEST = 1 << 26 };
    char path[1100], *text = NULL;
    size_t size;
    NLG_TRY(load_shipped(query, profile, err));
    snprintf(path, sizeof path, "%.1000s/verified.tsv", results);
    if (nlg_file_exists(path)) NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_query_load_rows(query, "verifications", "key same#", text, path, err);
    nlg_free(text);
    return status;
}

nlg_status nlg_evidence_of(nlg_query *query, const char *profile, const char *experiment, nlg_evidence *evidence, nlg_error *err) {
    static const char sql[] =
        "WITH own AS (SELECT DISTINCT key FROM members WHERE profile = :profile AND experiment = :experiment),"
        " last AS (SELECT key, same, row_number() OVER (PARTITION BY key ORDER BY verifications.rowid DESC) AS age FROM "
        "verifications"
        "  WHERE key IN own)"
        " SELECT (SELECT count(*) FROM last WHERE age = 1) AS again, (SELECT count(*) FROM last WHERE age = 1 AND same = 1) AS "
        "same,"
        " (SELECT count(*) FROM records JOIN shipped USING (key, created) WHERE key IN own) AS shipped,"
        " (SELECT sum(seconds) FROM records WHERE key IN own) AS seconds";
    nlg_rows *rows;
    NLG_TRY(nlg_query_run(query, sql, profile, experiment, "evidence", &rows, err));
    double seconds = nlg_rows_number(rows, 0, "seconds");
    *evidence = (nlg_evidence){.again = (int)nlg_rows_number(rows, 0, "again"),
                               .same = (int)nlg_rows_number(rows, 0, "same"),
                               .seconds = isfinite(seconds) ? seconds : 0};
    evidence->source = strcmp(profile, "smoke") == 0 ? "smoke" : nlg_rows_number(rows, 0, "shipped") > 0 ? "shipped" : "live";
    nlg_rows_free(rows);
    return NLG_OK;
}
