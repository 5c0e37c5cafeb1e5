/* Records as lines of JSON. The first line says what the file is; then come records by key, with lines of trials between them, then
 * members, then plans. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "datasets/format.h"
#include "layers/base/cpu.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/store/records.h"
#include "search/store/records_trials.h"
#include "search/store/store_internal.h"

enum { FORMAT_VERSION = 2, OLDEST_VERSION = 1, LARGEST = 1 << 30 }; /* version 1 had no lines of trials */
static const char format_name[] = "netlineage records";

/* ---- export ------------------------------------------------------------------------------------------------------------ */

typedef struct output {
    char *bytes;
    size_t size, room;
} output;

/* Takes the document. */
static nlg_status add_line(output *o, cJSON *document, nlg_error *err) {
    char *text;
    nlg_status status = nlg_json_canonical(document, &text, err);
    cJSON_Delete(document);
    NLG_TRY(status);
    const size_t length = strlen(text);
    if (o->size + length + 1 > o->room) {
        const size_t room = 2 * (o->size + length + 1);
        char *more = nlg_realloc(o->bytes, room, 1);
        if (!more) {
            nlg_free(text);
            return nlg_fail_memory(err, room, "the records");
        }
        o->bytes = more;
        o->room = room;
    }
    memcpy(o->bytes + o->size, text, length);
    o->size += length;
    o->bytes[o->size++] = '\n';
    nlg_free(text);
    return NLG_OK;
}

static nlg_status add_json(cJSON *object, const char *name, const char *text, nlg_error *err) {
    cJSON *value;
    if (!text || !*text) return NLG_OK;
    NLG_TRY(nlg_json_read(text, strlen(text), name, &value, err));
    if (!cJSON_AddItemToObject(object, name, value)) cJSON_Delete(value);
    return NLG_OK;
}

static void put_machine(cJSON *object, const nlg_machine *m, const char *created) {
    const char *const names[] = {"cpu", "isa", "commit", "compiler", "flags"};
    const char *const texts[] = {m->cpu, m->isa, m->commit, m->compiler, m->flags};
    cJSON *machine = cJSON_AddObjectToObject(object, "machine");
    for (int i = 0; i < 5; i++) nlg_json_text(machine, names[i], texts[i] ? texts[i] : "unknown");
    nlg_json_number(machine, "cores", m->cores);
    nlg_json_number(machine, "threads", m->threads);
    nlg_json_text(object, "created", created);
}

static nlg_status add_machine(nlg_store *store, const char *key, cJSON *object, nlg_error *err) {
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store,
                              "SELECT cpu, isa, commit_id, compiler, flags, cores, threads, created FROM records JOIN machines ON"
                              " machine = machines.id WHERE key = ?1",
                              &s, "reading facts of the machine", err));
    nlg_store_bind_text(s, 1, key);
    if (sqlite3_step(s) == SQLITE_ROW) {
        const nlg_machine machine = {.cpu = nlg_store_column_text(s, 0),
                                     .isa = nlg_store_column_text(s, 1),
                                     .commit = nlg_store_column_text(s, 2),
                                     .compiler = nlg_store_column_text(s, 3),
                                     .flags = nlg_store_column_text(s, 4),
                                     .cores = sqlite3_column_int(s, 5),
                                     .threads = sqlite3_column_int(s, 6)};
        put_machine(object, &machine, nlg_store_column_text(s, 7));
    }
    sqlite3_finalize(s);
    return NLG_OK;
}

static nlg_status fill_record(const nlg_record *r, cJSON *object, nlg_error *err) {
    nlg_json_text(object, "key", r->key);
    nlg_json_text(object, "measure", r->measure);
    nlg_json_text(object, "status", r->status);
    nlg_json_text(object, "digest", r->digest);
    if (r->message[0]) nlg_json_text(object, "message", r->message);
    nlg_json_number(object, "seconds", r->seconds);
    cJSON *metrics = cJSON_AddObjectToObject(object, "metrics");
    for (int i = 0; i < r->n_metrics; i++) {
        cJSON *pair = cJSON_AddArrayToObject(metrics, r->metrics[i].name);
        cJSON_AddItemToArray(pair, cJSON_CreateNumber(r->metrics[i].value));
        cJSON_AddItemToArray(pair, cJSON_CreateString(r->metrics[i].unit));
    }
    NLG_TRY(add_json(object, "spec", r->spec, err));
    return add_json(object, "detail", r->detail, err);
}

static nlg_status add_record(nlg_store *store, const char *key, nlg_trial_numbers *trials, output *o, nlg_error *err) {
    nlg_record r;
    bool found;
    cJSON *line = NULL;
    NLG_TRY(nlg_store_record(store, key, &r, &found, err));
    cJSON *object = cJSON_CreateObject();
    nlg_status status = fill_record(&r, object, err);
    if (status == NLG_OK) status = add_machine(store, r.key, object, err);
    nlg_record_free(&r);
    if (status == NLG_OK) status = nlg_trial_numbers_put(trials, object, &line, err);
    if (status == NLG_OK && line) status = add_line(o, line, err);
    if (status == NLG_OK) return add_line(o, object, err);
    cJSON_Delete(object);
    return status;
}

static nlg_status add_records(nlg_store *store, char (*keys)[65], int count, output *o, nlg_error *err) {
    nlg_trial_numbers trials;
    nlg_status status = nlg_trial_numbers_open(store, &trials, err);
    for (int i = 0; i < count && status == NLG_OK; i++) status = add_record(store, keys[i], &trials, o, err);
    nlg_trial_numbers_close(&trials);
    return status;
}

/* sql: its first two parameters are profile and experiment, NULL for any. */
static nlg_status select_chosen(nlg_store *store, const char *sql, const nlg_record_choice *choice, sqlite3_stmt **s,
                                const char *doing, nlg_error *err) {
    NLG_TRY(nlg_store_prepare(store, sql, s, doing, err));
    if (choice->profile) nlg_store_bind_text(*s, 1, choice->profile);
    if (choice->experiment) nlg_store_bind_text(*s, 2, choice->experiment);
    return NLG_OK;
}

static nlg_status add_members(nlg_store *store, const nlg_record_choice *choice, output *o, nlg_error *err) {
    static const char *const names[] = {"profile", "experiment", "stage", "arm", "member"};
    static const char *const doing = "reading members";
    sqlite3_stmt *s;
    NLG_TRY(
        select_chosen(store,
                      "SELECT profile, experiment, stage, arm, key, position, final, factors FROM members WHERE coalesce(profile"
                      " = ?1, 1) AND coalesce(experiment = ?2, 1) ORDER BY profile, experiment, stage, position",
                      choice, &s, doing, err));
    nlg_status status = NLG_OK;
    bool more;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &more, doing, err)) == NLG_OK && more) {
        cJSON *object = cJSON_CreateObject();
        for (int i = 0; i < 5; i++) nlg_json_text(object, names[i], nlg_store_column_text(s, i));
        nlg_json_number(object, "position", sqlite3_column_int(s, 5));
        cJSON_AddBoolToObject(object, "final", sqlite3_column_int(s, 6) != 0);
        status = add_json(object, "factors", nlg_store_column_text(s, 7), err);
        if (status == NLG_OK)
            status = add_line(o, object, err);
        else
            cJSON_Delete(object);
    }
    sqlite3_finalize(s);
    return status;
}

static nlg_status add_plans(nlg_store *store, const nlg_record_choice *choice, output *o, nlg_error *err) {
    static const char *const names[] = {"profile", "experiment", "plan"};
    static const char *const doing = "reading plans";
    sqlite3_stmt *s;
    NLG_TRY(select_chosen(store,
                          "SELECT profile, experiment, digest FROM plans WHERE coalesce(profile = ?1, 1)"
                          " AND coalesce(experiment = ?2, 1) ORDER BY profile, experiment",
                          choice, &s, doing, err));
    nlg_status status = NLG_OK;
    bool more;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &more, doing, err)) == NLG_OK && more) {
        cJSON *object = cJSON_CreateObject();
        for (int i = 0; i < 3; i++) nlg_json_text(object, names[i], nlg_store_column_text(s, i));
        status = add_line(o, object, err);
    }
    sqlite3_finalize(s);
    return status;
}

static bool ends_in_gz(const char *path) {
    const size_t length = strlen(path);
    return length > 3 && strcmp(path + length - 3, ".gz") == 0;
}

nlg_status nlg_records_export(nlg_store *store, const nlg_record_choice *choice, const char *path, int *records, nlg_error *err) {
    char(*keys)[65];
    output o = {0};
    NLG_TRY(nlg_store_keys(store, choice, &keys, records, err));
    const char *const profile = choice->profile, *const experiment = choice->experiment;
    if (!*records && (profile || experiment)) {
        nlg_free(keys);
        return nlg_fail(err, NLG_ERR_INPUT, "no records of %s%s%s%s%s; `lineage records list` shows what there is",
                        profile ? "profile " : "", profile ? profile : "", profile && experiment ? ", " : "",
                        experiment ? "experiment " : "", experiment ? experiment : "");
    }
    cJSON *head = cJSON_CreateObject();
    nlg_json_text(head, "format", format_name);
    nlg_json_number(head, "version", FORMAT_VERSION);
    nlg_json_number(head, "numerics", NLG_NUMERICS_VERSION);
    nlg_status status = add_line(&o, head, err);
    if (status == NLG_OK) status = add_records(store, keys, *records, &o, err);
    if (status == NLG_OK) status = add_members(store, choice, &o, err);
    if (status == NLG_OK) status = add_plans(store, choice, &o, err);
    if (status == NLG_OK)
        status = ends_in_gz(path) ? nlg_pack_file(path, o.bytes, o.size, err) : nlg_file_write(path, o.bytes, o.size, err);
    nlg_free(keys);
    nlg_free(o.bytes);
    return status;
}

/* ---- import ------------------------------------------------------------------------------------------------------------ */

typedef struct input {
    nlg_store *store;
    const char *path;
    int line, records;
    nlg_trial_list trials;
    nlg_error *err;
} input;

static nlg_status damaged(const input *in, const char *what) {
    return nlg_fail(in->err, NLG_ERR_INPUT, "%s: line %d: %s; take another copy of the file", in->path, in->line, what);
}

static const char *text_of(const cJSON *object, const char *name) {
    return cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, name));
}

static double number_of(const cJSON *object, const char *name) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(v) ? v->valuedouble : (double)NAN;
}

static nlg_status check_head(const input *in, const cJSON *head) {
    const char *format = text_of(head, "format");
    if (!format || strcmp(format, format_name) != 0)
        return nlg_fail(in->err, NLG_ERR_INPUT, "%s: not a file of records, such as `lineage records export` writes", in->path);
    const double version = number_of(head, "version");
    if (version != FORMAT_VERSION && version != OLDEST_VERSION)
        return nlg_fail(in->err, NLG_ERR_INPUT, "%s: version %g of the format, this program reads %d and %d", in->path, version,
                        OLDEST_VERSION, FORMAT_VERSION);
    if (number_of(head, "numerics") != NLG_NUMERICS_VERSION)
        return nlg_fail(in->err, NLG_ERR_INPUT,
                        "%s: made with numerics version %g, this program has %d and its results are not comparable", in->path,
                        number_of(head, "numerics"), NLG_NUMERICS_VERSION);
    return NLG_OK;
}

static nlg_status read_metrics(const input *in, const cJSON *object, nlg_record *r) {
    const cJSON *m, *list = cJSON_GetObjectItemCaseSensitive(object, "metrics");
    if (!cJSON_IsObject(list) || cJSON_GetArraySize(list) > NLG_RECORD_METRICS)
        return damaged(in, "metrics that are no object, or too many");
    cJSON_ArrayForEach(m, list) {
        const cJSON *value = cJSON_GetArrayItem(m, 0), *unit = cJSON_GetArrayItem(m, 1);
        if (!cJSON_IsNumber(value) || !isfinite(value->valuedouble) || !cJSON_IsString(unit) ||
            strlen(m->string) >= NLG_METRIC_NAME)
            return damaged(in, "a metric that is no finite number with a unit");
        nlg_record_metric(r, m->string, unit->valuestring, value->valuedouble);
    }
    return NLG_OK;
}

static nlg_status read_documents(const input *in, const cJSON *object, nlg_record *r) {
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(object, "spec"),
                *detail = cJSON_GetObjectItemCaseSensitive(object, "detail");
    if (!cJSON_IsObject(spec) || (detail && !cJSON_IsObject(detail))) return damaged(in, "a spec or a detail that is no object");
    NLG_TRY(nlg_json_canonical(spec, &r->spec, in->err));
    if (detail) NLG_TRY(nlg_json_canonical(detail, &r->detail, in->err));
    NLG_TRY(nlg_record_key(r->spec, r->key, in->err));
    const char *key = text_of(object, "key"), *measure = text_of(object, "measure"), *own = text_of(spec, "measure");
    if (!key || strcmp(key, r->key) != 0) return damaged(in, "a key that is not that of its spec");
    if (!measure || !own || strcmp(measure, own) != 0) return damaged(in, "a measure that is not that of its spec");
    return number_of(spec, "numerics") == NLG_NUMERICS_VERSION ? NLG_OK : damaged(in, "a spec of another numerics version");
}

static nlg_status take_trials(input *in, cJSON *object) {
    const char *wrong;
    NLG_TRY(nlg_trial_list_add(&in->trials, object, &wrong, in->err));
    return wrong ? damaged(in, wrong) : NLG_OK;
}

static nlg_status take_record(input *in, cJSON *object) {
    static const char *const known[] = {"done", "diverged", "failed", "rejected"};
    nlg_record r = {.seconds = number_of(object, "seconds")};
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(object, "machine");
    const char *const texts[] = {text_of(object, "status"), text_of(object, "digest"), text_of(object, "created"),
                                 text_of(m, "cpu"),         text_of(m, "isa"),         text_of(m, "commit"),
                                 text_of(m, "compiler"),    text_of(m, "flags")};
    const char *message = text_of(object, "message");
    bool good = r.seconds >= 0 && r.seconds < 1e12, is_known = false;
    for (int i = 0; i < 8; i++) good &= texts[i] != NULL;
    for (int i = 0; i < 4 && good; i++) is_known |= strcmp(texts[0], known[i]) == 0;
    if (!good || !is_known || strlen(texts[1]) > 64) return damaged(in, "a record that lacks a member, or has one of a wrong kind");
    const char *wrong;
    NLG_TRY(nlg_trial_list_restore(&in->trials, object, &wrong, in->err));
    if (wrong) return damaged(in, wrong);
    snprintf(r.status, sizeof r.status, "%s", texts[0]);
    snprintf(r.digest, sizeof r.digest, "%s", texts[1]);
    snprintf(r.measure, sizeof r.measure, "%s", text_of(object, "measure") ? text_of(object, "measure") : "");
    snprintf(r.message, sizeof r.message, "%s", message ? message : "");
    const nlg_machine machine = {.cpu = texts[3],
                                 .isa = texts[4],
                                 .commit = texts[5],
                                 .compiler = texts[6],
                                 .flags = texts[7],
                                 .cores = (int)fmin(fmax(number_of(m, "cores"), 0), 1e6),
                                 .threads = (int)fmin(fmax(number_of(m, "threads"), 0), 1e6)};
    nlg_status status = read_metrics(in, object, &r);
    if (status == NLG_OK) status = read_documents(in, object, &r);
    if (status == NLG_OK) status = nlg_store_take_record(in->store, &r, &machine, texts[2], in->err);
    nlg_record_free(&r);
    in->records++;
    return status;
}

nlg_status nlg_record_line(const nlg_record *record, const nlg_session_facts *facts, char **line, nlg_error *err) {
    char created[32];
    nlg_cpu_info cpu;
    struct tm parts;
    const time_t now = time(NULL);
    nlg_cpu_query(&cpu);
    strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    const nlg_machine machine = {.cpu = cpu.model,
                                 .cores = cpu.cores,
                                 .threads = facts->threads,
                                 .isa = facts->isa,
                                 .commit = facts->commit,
                                 .compiler = facts->compiler,
                                 .flags = facts->flags};
    cJSON *object = cJSON_CreateObject();
    *line = NULL;
    nlg_status status = fill_record(record, object, err);
    put_machine(object, &machine, created);
    if (status == NLG_OK) status = nlg_json_canonical(object, line, err);
    cJSON_Delete(object);
    return status;
}

nlg_status nlg_store_take_line(nlg_store *store, const char *line, const char *what, nlg_error *err) {
    input in = {.store = store, .path = what, .line = 1, .err = err};
    cJSON *object;
    NLG_TRY(nlg_json_read(line, strlen(line), what, &object, err));
    nlg_status status = take_record(&in, object);
    nlg_trial_list_free(&in.trials);
    cJSON_Delete(object);
    return status;
}

/* Collected in a table of their own, since the stage's own members have precedence. */
static nlg_status take_member(const input *in, const cJSON *object) {
    static const char *const names[] = {"profile", "experiment", "stage", "arm", "member"};
    static const char *const doing = "reading members";
    const cJSON *factors = cJSON_GetObjectItemCaseSensitive(object, "factors"),
                *final = cJSON_GetObjectItemCaseSensitive(object, "final");
    const double position = number_of(object, "position");
    char *text;
    sqlite3_stmt *s;
    for (int i = 0; i < 5; i++)
        if (!text_of(object, names[i])) return damaged(in, "a member that lacks a name");
    if (!cJSON_IsObject(factors) || !cJSON_IsBool(final) || !(position >= 0 && position < 1e9 && floor(position) == position))
        return damaged(in, "a member with a wrong position, final or factors");
    NLG_TRY(nlg_store_prepare(in->store,
                              "INSERT OR IGNORE INTO new_members (profile, experiment, stage, arm, key, position, final, factors)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                              &s, doing, in->err));
    nlg_status status = nlg_json_canonical(factors, &text, in->err);
    if (status == NLG_OK) {
        for (int i = 0; i < 5; i++) nlg_store_bind_text(s, i + 1, text_of(object, names[i]));
        sqlite3_bind_int(s, 6, (int)position);
        sqlite3_bind_int(s, 7, cJSON_IsTrue(final));
        nlg_store_bind_text(s, 8, text);
        if (sqlite3_step(s) != SQLITE_DONE) status = nlg_store_fail(in->store, doing, in->err);
        nlg_free(text);
    }
    sqlite3_finalize(s);
    return status;
}

static nlg_status take_plan(const input *in, const cJSON *object) {
    static const char *const names[] = {"profile", "experiment", "plan"};
    static const char *const doing = "reading plans";
    sqlite3_stmt *s;
    for (int i = 0; i < 3; i++)
        if (!text_of(object, names[i])) return damaged(in, "a plan that lacks a name");
    NLG_TRY(nlg_store_prepare(in->store, "INSERT OR IGNORE INTO new_plans VALUES (?1, ?2, ?3)", &s, doing, in->err));
    for (int i = 0; i < 3; i++) nlg_store_bind_text(s, i + 1, text_of(object, names[i]));
    return nlg_store_finish(in->store, s, doing, in->err);
}

static nlg_status take_line(input *in, const char *text, size_t length) {
    char what[1200];
    cJSON *object;
    snprintf(what, sizeof what, "%.1000s: record %d", in->path, in->line - 1);
    NLG_TRY(nlg_json_read(text, length, what, &object, in->err));
    nlg_status status;
    if (in->line == 1)
        status = check_head(in, object);
    else if (cJSON_GetObjectItemCaseSensitive(object, "member"))
        status = take_member(in, object);
    else if (cJSON_GetObjectItemCaseSensitive(object, "plan"))
        status = take_plan(in, object);
    else if (cJSON_GetObjectItemCaseSensitive(object, "trials"))
        status = take_trials(in, object);
    else
        status = take_record(in, object);
    cJSON_Delete(object);
    return status;
}

static nlg_status take_all(input *in, const char *text, size_t size) {
    static const char begin[] = "CREATE TEMP TABLE new_members AS SELECT * FROM members WHERE 0; CREATE UNIQUE INDEX"
                                " new_members_once ON new_members (profile, experiment, stage, position);"
                                " CREATE TEMP TABLE new_plans AS SELECT * FROM plans WHERE 0";
    static const char finish[] =
        "DELETE FROM new_plans WHERE (profile, experiment) IN (SELECT profile, experiment FROM members);"
        " INSERT OR IGNORE INTO plans SELECT * FROM new_plans; DROP TABLE new_plans;"
        " DELETE FROM new_members WHERE (profile, experiment, stage) IN (SELECT profile, experiment, stage FROM"
        " members); INSERT INTO members SELECT * FROM new_members; DROP TABLE new_members";
    NLG_TRY(nlg_store_execute(in->store, begin, "reading members", in->err));
    for (size_t at = 0; at < size;) {
        const char *end = memchr(text + at, '\n', size - at);
        const size_t length = end ? (size_t)(end - text) - at : size - at;
        in->line++;
        NLG_TRY(take_line(in, text + at, length));
        at += length + 1;
    }
    if (!in->line) return nlg_fail(in->err, NLG_ERR_INPUT, "%s: empty; expected records", in->path);
    return nlg_store_execute(in->store, finish, "storing members", in->err);
}

nlg_status nlg_records_import(nlg_store *store, const char *path, int *records, nlg_error *err) {
    input in = {.store = store, .path = path, .err = err};
    char *text;
    size_t size;
    if (!nlg_file_exists(path)) return nlg_fail(err, NLG_ERR_IO, "%s: cannot be read: there is no such file; check the name", path);
    nlg_status status = nlg_unpack_text(path, LARGEST, &text, &size, err);
    if (status == NLG_OK) status = nlg_store_transaction(store, err);
    if (status == NLG_OK) {
        status = take_all(&in, text, size);
        if (status == NLG_OK)
            status = nlg_store_commit(store, err);
        else
            nlg_store_rollback(store);
    }
    nlg_free(text);
    nlg_trial_list_free(&in.trials);
    *records = in.records;
    return status;
}
