/* Records, metrics and members in the store. */
#include "search/store/records.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/cpu.h"
#include "layers/base/digest.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/store/store_internal.h"

/* ---- in memory --------------------------------------------------------------------------------------------------------- */

void nlg_record_free(nlg_record *record) {
    nlg_free(record->spec);
    nlg_free(record->detail);
    record->spec = record->detail = NULL;
}

void nlg_record_metric(nlg_record *record, const char *name, const char *unit, double value) {
    if (!isfinite(value) || record->n_metrics == NLG_RECORD_METRICS) return;
    nlg_metric *m = &record->metrics[record->n_metrics++];
    snprintf(m->name, sizeof m->name, "%s", name);
    snprintf(m->unit, sizeof m->unit, "%s", unit);
    m->value = value + 0.0; /* no negative zero */
}

double nlg_record_value(const nlg_record *record, const char *name) {
    for (int i = 0; i < record->n_metrics; i++)
        if (strcmp(record->metrics[i].name, name) == 0) return record->metrics[i].value;
    return (double)NAN;
}

nlg_status nlg_record_key(const char *spec, char key[65], nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 0, "a digest");
    nlg_digest_update(digest, spec, strlen(spec));
    nlg_digest_finish(digest, key);
    return NLG_OK;
}

/* ---- records ----------------------------------------------------------------------------------------------------------- */

static nlg_status damaged(const nlg_store *store, const char *key, const char *what, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT, "%s: damaged: the record %.12s has %s; restore a copy or name another folder", store->path,
                    key, what);
}

/* A lack of memory must not look like damage. */
static nlg_status check_object(const nlg_store *store, const char *key, const char *text, const char *otherwise, nlg_error *err) {
    cJSON *found;
    nlg_status status = nlg_json_read(text, strlen(text), "a record", &found, NULL);
    if (status == NLG_ERR_MEMORY) return nlg_fail_memory(err, strlen(text), "a record");
    const bool good = cJSON_IsObject(found);
    cJSON_Delete(found);
    return good ? NLG_OK : damaged(store, key, otherwise, err);
}

static nlg_status read_metrics(nlg_store *store, nlg_record *record, nlg_error *err) {
    static const char *const doing = "reading metrics";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, "SELECT name, unit, value FROM metrics WHERE key = ?1 ORDER BY name", &s, doing, err));
    nlg_store_bind_text(s, 1, record->key);
    nlg_status status = NLG_OK;
    bool more;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &more, doing, err)) == NLG_OK && more) {
        double value = sqlite3_column_double(s, 2);
        if (sqlite3_column_type(s, 2) == SQLITE_TEXT || !isfinite(value) || record->n_metrics == NLG_RECORD_METRICS)
            status = damaged(store, record->key, "a metric that is no finite number, or too many metrics", err);
        else
            nlg_record_metric(record, nlg_store_column_text(s, 0), nlg_store_column_text(s, 1), value);
    }
    sqlite3_finalize(s);
    return status;
}

static nlg_status read_record(nlg_store *store, sqlite3_stmt *s, nlg_record *record, nlg_error *err) {
    const char *spec = nlg_store_column_text(s, 1), *detail = nlg_store_column_text(s, 5);
    char key[65];
    snprintf(record->measure, sizeof record->measure, "%s", nlg_store_column_text(s, 0));
    snprintf(record->status, sizeof record->status, "%s", nlg_store_column_text(s, 2));
    snprintf(record->digest, sizeof record->digest, "%s", nlg_store_column_text(s, 3));
    snprintf(record->message, sizeof record->message, "%s", nlg_store_column_text(s, 4));
    record->seconds = sqlite3_column_double(s, 6);
    snprintf(record->created, sizeof record->created, "%s", nlg_store_column_text(s, 7));
    NLG_TRY(nlg_record_key(spec, key, err));
    if (strcmp(key, record->key) != 0) return damaged(store, record->key, "a spec that is not its own", err);
    NLG_TRY(check_object(store, record->key, spec, "a spec that is not its own", err));
    if (*detail) NLG_TRY(check_object(store, record->key, detail, "a detail that is no JSON object", err));
    record->spec = nlg_strdup(spec);
    record->detail = *detail ? nlg_strdup(detail) : NULL;
    if (!record->spec || (*detail && !record->detail)) return nlg_fail_memory(err, strlen(spec) + strlen(detail), "a record");
    return NLG_OK;
}

nlg_status nlg_store_record(nlg_store *store, const char *key, nlg_record *record, bool *found, nlg_error *err) {
    static const char *const doing = "reading a record";
    sqlite3_stmt *s;
    *record = (nlg_record){0};
    *found = false;
    snprintf(record->key, sizeof record->key, "%s", key);
    NLG_TRY(nlg_store_prepare(store,
                              "SELECT measure, spec, status, digest, message, detail, seconds, created FROM records WHERE key = ?1",
                              &s, doing, err));
    nlg_store_bind_text(s, 1, key);
    bool row;
    nlg_status status = nlg_store_step(store, s, &row, doing, err);
    if (row) status = read_record(store, s, record, err);
    sqlite3_finalize(s);
    if (status == NLG_OK && row) status = read_metrics(store, record, err);
    *found = status == NLG_OK && row;
    if (!*found) nlg_record_free(record);
    return status;
}

nlg_status nlg_store_has_record(nlg_store *store, const char *key, bool *found, nlg_error *err) {
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, "SELECT 1 FROM records WHERE key = ?1", &s, "looking for a record", err));
    nlg_store_bind_text(s, 1, key);
    nlg_status status = nlg_store_step(store, s, found, "looking for a record", err);
    sqlite3_finalize(s);
    return status;
}

static void bind_machine(sqlite3_stmt *s, const nlg_machine *m) {
    const char *const texts[] = {m->isa, m->commit, m->compiler, m->flags};
    nlg_store_bind_text(s, 1, m->cpu);
    sqlite3_bind_int(s, 2, m->cores);
    sqlite3_bind_int(s, 3, m->threads);
    for (int i = 0; i < 4; i++) nlg_store_bind_text(s, i + 4, texts[i] ? texts[i] : "unknown");
}

static nlg_status find_machine(nlg_store *store, const nlg_machine *machine, int64_t *id, nlg_error *err) {
    static const char *const doing = "storing facts of the machine";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store,
                              "INSERT OR IGNORE INTO machines (cpu, cores, threads, isa, commit_id, compiler, flags)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              &s, doing, err));
    bind_machine(s, machine);
    NLG_TRY(nlg_store_finish(store, s, doing, err));
    NLG_TRY(nlg_store_prepare(store,
                              "SELECT id FROM machines WHERE (cpu, cores, threads, isa, commit_id, compiler, flags)"
                              " = (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                              &s, doing, err));
    bind_machine(s, machine);
    nlg_status status = sqlite3_step(s) == SQLITE_ROW ? NLG_OK : nlg_store_fail(store, doing, err);
    *id = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return status;
}

static nlg_status insert_record(nlg_store *store, const nlg_record *record, int64_t machine, const char *created, bool *is_new,
                                nlg_error *err) {
    static const char *const doing = "storing a record";
    const char *const texts[] = {record->key,
                                 record->measure,
                                 record->spec,
                                 record->status,
                                 record->digest,
                                 record->message,
                                 record->detail ? record->detail : ""};
    sqlite3_stmt *s;
    NLG_TRY(
        nlg_store_prepare(store,
                          "INSERT OR IGNORE INTO records (key, measure, spec, status, digest, message, detail, numerics, seconds,"
                          " machine, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, coalesce(?11, " NLG_STORE_NOW "))",
                          &s, doing, err));
    for (int i = 0; i < 7; i++) nlg_store_bind_text(s, i + 1, texts[i]);
    sqlite3_bind_int(s, 8, NLG_NUMERICS_VERSION);
    sqlite3_bind_double(s, 9, record->seconds);
    sqlite3_bind_int64(s, 10, machine);
    if (created) nlg_store_bind_text(s, 11, created);
    NLG_TRY(nlg_store_finish(store, s, doing, err));
    *is_new = sqlite3_changes(store->database) > 0;
    return NLG_OK;
}

static nlg_status insert_metrics(nlg_store *store, const nlg_record *record, nlg_error *err) {
    static const char *const doing = "storing metrics";
    sqlite3_stmt *s;
    nlg_status status = NLG_OK;
    NLG_TRY(nlg_store_prepare(store, "INSERT INTO metrics (key, name, unit, value) VALUES (?1, ?2, ?3, ?4)", &s, doing, err));
    for (int i = 0; i < record->n_metrics && status == NLG_OK; i++) {
        const nlg_metric *m = &record->metrics[i];
        nlg_store_bind_text(s, 1, record->key);
        nlg_store_bind_text(s, 2, m->name);
        nlg_store_bind_text(s, 3, m->unit);
        sqlite3_bind_double(s, 4, m->value);
        if (sqlite3_step(s) != SQLITE_DONE) status = nlg_store_fail(store, doing, err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return status;
}

static nlg_status put(nlg_store *store, const nlg_record *record, const nlg_machine *facts, const char *created, nlg_error *err) {
    int64_t machine;
    bool is_new;
    NLG_TRY(find_machine(store, facts, &machine, err));
    NLG_TRY(insert_record(store, record, machine, created, &is_new, err));
    return is_new ? insert_metrics(store, record, err) : NLG_OK;
}

/* In a transaction of its own unless one is open. */
static nlg_status begin(nlg_store *store, bool *own, nlg_error *err) {
    *own = sqlite3_get_autocommit(store->database) != 0;
    return *own ? nlg_store_transaction(store, err) : NLG_OK;
}

static nlg_status end(nlg_store *store, bool own, nlg_status status, nlg_error *err) {
    if (!own) return status;
    if (status == NLG_OK) return nlg_store_commit(store, err);
    nlg_store_rollback(store);
    return status;
}

nlg_status nlg_store_take_record(nlg_store *store, const nlg_record *record, const nlg_machine *machine, const char *created,
                                 nlg_error *err) {
    bool own;
    NLG_TRY(begin(store, &own, err));
    return end(store, own, put(store, record, machine, created, err), err);
}

nlg_status nlg_store_put_record(nlg_store *store, const nlg_record *record, const nlg_session_facts *facts, nlg_error *err) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    const nlg_machine machine = {.cpu = cpu.model,
                                 .cores = cpu.cores,
                                 .threads = facts->threads,
                                 .isa = facts->isa,
                                 .commit = facts->commit,
                                 .compiler = facts->compiler,
                                 .flags = facts->flags};
    return nlg_store_take_record(store, record, &machine, NULL, err);
}

nlg_status nlg_store_keys(nlg_store *store, const nlg_record_choice *choice, char (**keys)[65], int *count, nlg_error *err) {
    static const char *const doing = "reading the keys";
    sqlite3_stmt *s;
    int room = 0;
    bool row;
    *keys = NULL;
    *count = 0;
    NLG_TRY(nlg_store_prepare(store,
                              choice->profile || choice->experiment
                                  ? "SELECT DISTINCT key FROM members JOIN records USING (key) WHERE coalesce(profile = ?1, 1) AND "
                                    "coalesce(experiment = ?2, 1) ORDER BY key"
                                  : "SELECT key FROM records ORDER BY key",
                              &s, doing, err));
    if (choice->profile) nlg_store_bind_text(s, 1, choice->profile);
    if (choice->experiment) nlg_store_bind_text(s, 2, choice->experiment);
    nlg_status status = NLG_OK;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &row, doing, err)) == NLG_OK && row) {
        char(*more)[65] = nlg_grow(*keys, &room, *count, sizeof **keys);
        if (!more) {
            status = nlg_fail_memory(err, (size_t)*count * sizeof **keys, "the keys");
        } else {
            *keys = more;
            snprintf(more[(*count)++], sizeof *more, "%s", nlg_store_column_text(s, 0));
        }
    }
    sqlite3_finalize(s);
    if (status != NLG_OK) {
        nlg_free(*keys);
        *keys = NULL;
        *count = 0;
    }
    return status;
}

/* ---- members ----------------------------------------------------------------------------------------------------------- */

static nlg_status bind_stage(nlg_store *store, const char *sql, const char *const names[3], sqlite3_stmt **s, nlg_error *err) {
    NLG_TRY(nlg_store_prepare(store, sql, s, "writing an experiment's members", err));
    for (int i = 0; i < 3; i++) nlg_store_bind_text(*s, i + 1, names[i]);
    return NLG_OK;
}

static bool is_member(sqlite3_stmt *s, const nlg_member *m) {
    return strcmp(nlg_store_column_text(s, 0), m->arm) == 0 && strcmp(nlg_store_column_text(s, 1), m->factors) == 0 &&
           (sqlite3_column_int(s, 2) != 0) == m->final && strcmp(nlg_store_column_text(s, 3), m->key) == 0;
}

static nlg_status are_members(nlg_store *store, const char *const names[3], const nlg_member *members, int count, bool *same,
                              nlg_error *err) {
    sqlite3_stmt *s;
    NLG_TRY(bind_stage(store,
                       "SELECT arm, factors, final, key FROM members WHERE profile = ?1 AND experiment = ?2 AND stage = ?3"
                       " ORDER BY position",
                       names, &s, err));
    nlg_status status = NLG_OK;
    int i = 0;
    bool more;
    *same = true;
    while (*same && (status = nlg_store_step(store, s, &more, "reading members", err)) == NLG_OK && more) {
        *same = i < count && is_member(s, &members[i]);
        i++;
    }
    *same = *same && i == count;
    sqlite3_finalize(s);
    return status;
}

static nlg_status replace_members(nlg_store *store, const char *const names[3], const nlg_member *members, int count,
                                  nlg_error *err) {
    static const char *const doing = "writing an experiment's members";
    sqlite3_stmt *s;
    NLG_TRY(bind_stage(store, "DELETE FROM members WHERE profile = ?1 AND experiment = ?2 AND stage = ?3", names, &s, err));
    NLG_TRY(nlg_store_finish(store, s, doing, err));
    NLG_TRY(bind_stage(store,
                       "INSERT INTO members (profile, experiment, stage, position, arm, factors, final, key)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                       names, &s, err));
    nlg_status status = NLG_OK;
    for (int i = 0; i < count && status == NLG_OK; i++) {
        sqlite3_bind_int(s, 4, i);
        nlg_store_bind_text(s, 5, members[i].arm);
        nlg_store_bind_text(s, 6, members[i].factors);
        sqlite3_bind_int(s, 7, members[i].final);
        nlg_store_bind_text(s, 8, members[i].key);
        if (sqlite3_step(s) != SQLITE_DONE) status = nlg_store_fail(store, doing, err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return status;
}

nlg_status nlg_store_set_members(nlg_store *store, const char *profile, const char *experiment, const char *stage,
                                 const nlg_member *members, int count, nlg_error *err) {
    const char *const names[3] = {profile, experiment, stage};
    bool same, own;
    NLG_TRY(are_members(store, names, members, count, &same, err));
    if (same) return NLG_OK;
    NLG_TRY(begin(store, &own, err));
    return end(store, own, replace_members(store, names, members, count, err), err);
}

nlg_status nlg_store_keep_stages(nlg_store *store, const char *profile, const char *experiment, const char *const *stages,
                                 int count, nlg_error *err) {
    cJSON *list = cJSON_CreateStringArray(stages, count);
    char *text;
    NLG_TRY(nlg_json_finish(list, false, &text, err));
    sqlite3_stmt *s;
    const char *const names[3] = {profile, experiment, text};
    nlg_status status = bind_stage(store,
                                   "DELETE FROM members WHERE profile = ?1 AND experiment = ?2 AND stage NOT IN"
                                   " (SELECT value FROM json_each(?3))",
                                   names, &s, err);
    nlg_free(text);
    return status == NLG_OK ? nlg_store_finish(store, s, "forgetting old members", err) : status;
}

static nlg_status write_plan(nlg_store *store, const char *sql, const char *const names[3], nlg_error *err) {
    sqlite3_stmt *s;
    NLG_TRY(bind_stage(store, sql, names, &s, err));
    return nlg_store_finish(store, s, "writing an experiment's plan", err);
}

nlg_status nlg_store_set_plan(nlg_store *store, const char *profile, const char *experiment, const char *digest, nlg_error *err) {
    return write_plan(store, "INSERT OR REPLACE INTO plans VALUES (?1, ?2, ?3)", (const char *[]){profile, experiment, digest},
                      err);
}

nlg_status nlg_store_keep_plan(nlg_store *store, const char *profile, const char *experiment, const char *digest, nlg_error *err) {
    return write_plan(store, "DELETE FROM plans WHERE profile = ?1 AND experiment = ?2 AND digest <> ?3",
                      (const char *[]){profile, experiment, digest}, err);
}
