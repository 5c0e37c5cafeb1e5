/* The store of experiments' results. */
#include "harness/plans/results.h"

#include <sqlite3.h>
#include <string.h>

#include "harness/build_info.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/store/store_lock.h"

struct nlg_results {
    sqlite3 *database;
    nlg_store_lock lock;
    char path[1024];
};

static nlg_status fail(nlg_results *r, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_IO, "%s: %s; what was stored before is safe: check the file, or name another folder by --results",
                    r->path, sqlite3_errmsg(r->database));
}

static nlg_status execute(nlg_results *r, const char *sql, nlg_error *err) {
    return sqlite3_exec(r->database, sql, NULL, NULL, NULL) == SQLITE_OK ? NLG_OK : fail(r, err);
}

/* One statement with text values. */
static nlg_status prepare(nlg_results *r, const char *sql, const char *const *values, int n, sqlite3_stmt **s, nlg_error *err) {
    if (sqlite3_prepare_v2(r->database, sql, -1, s, NULL) != SQLITE_OK) return fail(r, err);
    for (int i = 0; i < n; i++) sqlite3_bind_text(*s, i + 1, values[i], -1, SQLITE_TRANSIENT);
    return NLG_OK;
}

static nlg_status step_done(nlg_results *r, sqlite3_stmt *s, nlg_error *err) {
    nlg_status status = sqlite3_step(s) == SQLITE_DONE ? NLG_OK : fail(r, err);
    sqlite3_finalize(s);
    return status;
}

static nlg_status open_database(nlg_results *r, bool writable, nlg_error *err) {
    static const char schema[] =
        "PRAGMA synchronous = FULL;"
        "CREATE TABLE IF NOT EXISTS result (key TEXT PRIMARY KEY, identity TEXT NOT NULL, result TEXT NOT NULL, seconds REAL,"
        " git TEXT, compiler TEXT, flags TEXT, cpu TEXT, isa TEXT, threads INTEGER);"
        "CREATE TABLE IF NOT EXISTS member (profile TEXT, experiment TEXT, part TEXT, arm TEXT, key TEXT);";
    int flags = writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY;
    if (writable) NLG_TRY(nlg_store_lock_take(&r->lock, r->path, err));
    if (sqlite3_open_v2(r->path, &r->database, flags, NULL) != SQLITE_OK) return fail(r, err);
    sqlite3_busy_timeout(r->database, 5000);
    return execute(r, writable ? schema : "SELECT 1 FROM member LIMIT 1", err);
}

nlg_status nlg_results_open(const char *folder, bool writable, nlg_results **results, nlg_error *err) {
    *results = NULL;
    nlg_results *r = nlg_alloc(1, sizeof *r);
    if (!r) return nlg_fail_memory(err, sizeof *r, "the results");
    r->lock.file = -1;
    int length = snprintf(r->path, sizeof r->path, "%s/experiments.sqlite", folder);
    nlg_status status = NLG_OK;
    if (length >= (int)sizeof r->path) status = nlg_fail(err, NLG_ERR_INPUT, "--results: the path is too long");
    if (status == NLG_OK && writable) status = nlg_folder_create(folder, err);
    if (status == NLG_OK && !writable && !nlg_file_exists(r->path))
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: no results there; make them first by lineage run", r->path);
    if (status == NLG_OK) status = open_database(r, writable, err);
    if (status != NLG_OK) {
        nlg_results_close(r);
        return status;
    }
    *results = r;
    return NLG_OK;
}

void nlg_results_close(nlg_results *r) {
    if (!r) return;
    sqlite3_close(r->database);
    nlg_store_lock_release(&r->lock);
    nlg_free(r);
}

nlg_status nlg_results_key(const char *identity, char key[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 0, "a digest");
    nlg_digest_update(digest, identity, strlen(identity));
    nlg_digest_finish(digest, key);
    return NLG_OK;
}

nlg_status nlg_results_get(nlg_results *r, const char *key, cJSON **result, nlg_error *err) {
    *result = NULL;
    sqlite3_stmt *s;
    NLG_TRY(prepare(r, "SELECT result FROM result WHERE key = ?", &key, 1, &s, err));
    int step = sqlite3_step(s);
    nlg_status status = step == SQLITE_ROW || step == SQLITE_DONE ? NLG_OK : fail(r, err);
    if (step == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(s, 0);
        if (!text) text = "";
        status = nlg_json_read(text, strlen(text), r->path, result, err);
        if (status == NLG_ERR_INPUT) nlg_fail_at(err, "the result %s is damaged", key);
    }
    sqlite3_finalize(s);
    return status;
}

nlg_status nlg_results_put(nlg_results *r, const char *key, const char *identity, const char *result, double seconds,
                           const nlg_settings *settings, nlg_error *err) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    const char *values[] = {
        key, identity, result, nlg_build_commit(), nlg_build_compiler(), nlg_build_flags(), cpu.model, nlg_isa_name(settings->isa)};
    sqlite3_stmt *s;
    NLG_TRY(prepare(r,
                    "INSERT OR REPLACE INTO result (key, identity, result, git, compiler, flags, cpu, isa, seconds, threads)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    values, 8, &s, err));
    sqlite3_bind_double(s, 9, seconds);
    sqlite3_bind_int(s, 10, settings->threads);
    return step_done(r, s, err);
}

nlg_status nlg_results_forget_members(nlg_results *r, const char *profile, const char *experiment, nlg_error *err) {
    const char *values[] = {profile, experiment};
    sqlite3_stmt *s;
    NLG_TRY(prepare(r, "DELETE FROM member WHERE profile = ? AND experiment = ?", values, 2, &s, err));
    return step_done(r, s, err);
}

nlg_status nlg_results_add_member(nlg_results *r, const char *profile, const char *experiment, const char *part, const char *arm,
                                  const char *key, nlg_error *err) {
    const char *values[] = {profile, experiment, part, arm, key};
    sqlite3_stmt *s;
    NLG_TRY(prepare(r, "INSERT INTO member (profile, experiment, part, arm, key) VALUES (?, ?, ?, ?, ?)", values, 5, &s, err));
    return step_done(r, s, err);
}

static char *text_at(sqlite3_stmt *s, int column) {
    const char *text = (const char *)sqlite3_column_text(s, column);
    return nlg_strdup(text ? text : "");
}

static bool read_row(sqlite3_stmt *s, nlg_result_row *row) {
    char **const texts[] = {&row->experiment, &row->part,  &row->arm, &row->commit,
                            &row->compiler,   &row->flags, &row->cpu, &row->isa};
    bool complete = true;
    for (int i = 0; i < 8; i++) complete &= (*texts[i] = text_at(s, i)) != NULL;
    row->identity = cJSON_Parse((const char *)sqlite3_column_text(s, 8));
    row->result = cJSON_Parse((const char *)sqlite3_column_text(s, 9));
    row->seconds = sqlite3_column_double(s, 10);
    row->threads = sqlite3_column_int(s, 11);
    return complete && row->identity && row->result;
}

nlg_status nlg_results_rows(nlg_results *r, const char *profile, nlg_result_row **rows, int *count, nlg_error *err) {
    sqlite3_stmt *s;
    *rows = NULL;
    *count = 0;
    NLG_TRY(prepare(r,
                    "SELECT experiment, part, arm, git, compiler, flags, cpu, isa, identity, result, seconds, threads"
                    " FROM member JOIN result USING (key) WHERE profile = ? ORDER BY member.rowid",
                    &profile, 1, &s, err));
    nlg_status status = NLG_OK;
    int step;
    while ((step = sqlite3_step(s)) == SQLITE_ROW && status == NLG_OK) {
        nlg_result_row *more = nlg_realloc(*rows, (size_t)*count + 1, sizeof *more);
        if (!more) {
            status = nlg_fail_memory(err, 0, "the results");
            break;
        }
        *rows = more;
        more[*count] = (nlg_result_row){0};
        if (!read_row(s, &more[(*count)++]))
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: a damaged result; delete the file", r->path);
    }
    if (status == NLG_OK && step != SQLITE_DONE) status = fail(r, err);
    sqlite3_finalize(s);
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
