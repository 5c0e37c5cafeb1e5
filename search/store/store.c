/* The trial store on SQLite. While a search writes it is in WAL mode, so that readers never wait; a clean end leaves one plain
 * file, which can be read from a read-only folder. */
#include "search/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/base/cpu.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/store/store_internal.h"

enum {
    APPLICATION_ID = 0x4e4c4753, /* "NLGS", in the file's header */
    SCHEMA_VERSION = 4,          /* user_version of the file */
    WAIT_MS = 10000,             /* for readers to finish, and for other writers of the same program */
};

/* --- errors and small helpers ------------------------------------------------------------------------------------- */

/* `doing` completes "while ...". */
nlg_status nlg_store_fail(const nlg_store *store, const char *doing, nlg_error *err) {
    int code = sqlite3_errcode(store->database) & 0xff;
    const char *path = store->path;
    switch (code) {
    case SQLITE_FULL:
        return nlg_fail(
            err, NLG_ERR_IO,
            "%s: the disk is full while %s; what was stored before is safe: free some space and give the same command again", path,
            doing);
    case SQLITE_NOTADB:
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: not a trial store: expected an SQLite file, found something else; name another file", path);
    case SQLITE_CORRUPT:
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: the trial store is damaged (found while %s: %s); restore a copy or name another file", path, doing,
                        sqlite3_errmsg(store->database));
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return nlg_fail(err, NLG_ERR_IO, "%s: the trial store may only be read, found while %s; allow writing or name another file",
                        path, doing);
    case SQLITE_CANTOPEN:
        return nlg_fail(err, NLG_ERR_IO,
                        "%s: cannot open the trial store while %s; check that the folder exists and may be written to", path,
                        doing);
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return nlg_fail(err, NLG_ERR_IO, "%s: another process uses this trial store (while %s); try again when it is done", path,
                        doing);
    case SQLITE_NOMEM:
        return nlg_fail_memory(err, 0, "the trial store");
    default:
        break;
    }
    int cause = sqlite3_system_errno(store->database);
    return nlg_fail(err, NLG_ERR_IO,
                    "%s: the trial store failed while %s: %s%s%s; what was stored before is safe: check the disk and give the same "
                    "command again",
                    path, doing, sqlite3_errmsg(store->database), cause ? ", " : "", cause ? strerror(cause) : "");
}

nlg_status nlg_store_prepare(nlg_store *store, const char *sql, sqlite3_stmt **statement, const char *doing, nlg_error *err) {
    return sqlite3_prepare_v2(store->database, sql, -1, statement, NULL) == SQLITE_OK ? NLG_OK : nlg_store_fail(store, doing, err);
}

nlg_status nlg_store_execute(nlg_store *store, const char *sql, const char *doing, nlg_error *err) {
    return sqlite3_exec(store->database, sql, NULL, NULL, NULL) == SQLITE_OK ? NLG_OK : nlg_store_fail(store, doing, err);
}

/* The first column of the first row; *found is untouched if there is none. */
static nlg_status query_integer(nlg_store *store, const char *sql, int64_t *found, const char *doing, nlg_error *err) {
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) *found = sqlite3_column_int64(statement, 0);
    nlg_status status = step == SQLITE_ROW || step == SQLITE_DONE ? NLG_OK : nlg_store_fail(store, doing, err);
    sqlite3_finalize(statement);
    return status;
}

void nlg_store_bind_text(sqlite3_stmt *statement, int index, const char *text) {
    sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

const char *nlg_store_column_text(sqlite3_stmt *statement, int index) {
    const char *text = (const char *)sqlite3_column_text(statement, index);
    return text ? text : "";
}

static void copy_text(char *to, size_t size, const char *from) {
    snprintf(to, size, "%s", from);
}

/* --- open and close ----------------------------------------------------------------------------------------------- */

/* SQLite takes any file shorter than its header for an empty database and would overwrite it. */
static nlg_status check_header(const char *path, nlg_store_mode mode, nlg_error *err) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe must not block */
    if (file < 0) {
        if (errno == ENOENT && mode == NLG_STORE_WRITE) return NLG_OK;
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot open the trial store: %s; check the path", path, strerror(errno));
    }
    static const char magic[16] = "SQLite format 3";
    char found[16] = "";
    struct stat facts;
    bool regular = fstat(file, &facts) == 0 && S_ISREG(facts.st_mode);
    ssize_t size = regular ? read(file, found, sizeof found) : 0;
    close(file);
    if (regular && size == 0 && mode == NLG_STORE_WRITE) return NLG_OK;
    if (regular && size == sizeof magic && memcmp(found, magic, sizeof magic) == 0) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: not a trial store: expected an SQLite file, found %s; name another file", path,
                    !regular    ? "something that is no regular file"
                    : size == 0 ? "an empty file"
                                : "something else");
}

static nlg_status create_schema(nlg_store *store, nlg_error *err) {
    char sql[256];
    snprintf(sql, sizeof sql, "INSERT INTO store VALUES (%d); PRAGMA application_id=%d; PRAGMA user_version=%d;",
             NLG_NUMERICS_VERSION, APPLICATION_ID, SCHEMA_VERSION);
    NLG_TRY(nlg_store_execute(store, nlg_store_schema(), "creating the tables", err));
    return nlg_store_execute(store, sql, "creating the tables", err);
}

static nlg_status check_schema(nlg_store *store, nlg_store_mode mode, nlg_error *err) {
    const char *doing = "reading its header";
    int64_t application = 0, version = 0, tables = 0, numerics = -1, foreign = 0;
    NLG_TRY(query_integer(store, "PRAGMA application_id", &application, doing, err));
    NLG_TRY(query_integer(store, "PRAGMA user_version", &version, doing, err));
    NLG_TRY(query_integer(store, "SELECT count(*) FROM sqlite_master", &tables, doing, err));
    if (application == 0 && version == 0 && tables == 0 && mode == NLG_STORE_WRITE) return create_schema(store, err);
    if (application != APPLICATION_ID) {
        return nlg_fail(err, NLG_ERR_INPUT, "%s: not a trial store: an SQLite file of another program; name another file",
                        store->path);
    }
    if (version != SCHEMA_VERSION) {
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: the trial store has schema %" PRId64
                        ", this program expects %d; name another file, or use the program that "
                        "made it",
                        store->path, version, SCHEMA_VERSION);
    }
    /* A view in a table's place, or a trigger, is a query without end or a change that nobody sees. */
    NLG_TRY(query_integer(
        store,
        "SELECT count(*) FROM sqlite_master WHERE type = 'trigger' OR (type = 'view' AND name IN ('store', 'machines', "
        "'records', 'metrics', 'members', 'runs', 'sessions', 'trials'))",
        &foreign, doing, err));
    if (foreign)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: not a trial store of this program: it has triggers, or views in place of tables; name "
                        "another file",
                        store->path);
    NLG_TRY(query_integer(store, "SELECT numerics_version FROM store", &numerics, doing, err));
    if (numerics != NLG_NUMERICS_VERSION) {
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: the trial store was made with numerics version %" PRId64
                        ", this program has %d and its results are not "
                        "comparable; name another file",
                        store->path, numerics, NLG_NUMERICS_VERSION);
    }
    return NLG_OK;
}

/* READ opens for writing too where that is allowed: what a killed writer left half done is rolled back. */
static nlg_status open_database(nlg_store *store, nlg_store_mode mode, nlg_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (mode == NLG_STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->file, &store->database, flags, NULL) != SQLITE_OK) {
        return store->database ? nlg_store_fail(store, "opening it", err) : nlg_fail_memory(err, 0, "the trial store");
    }
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, WAIT_MS);
    if (mode == NLG_STORE_READ) return check_schema(store, mode, err);
    if (mode == NLG_STORE_JOIN) {
        NLG_TRY(nlg_store_execute(store, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "opening it", err));
        return check_schema(store, mode, err);
    }
    if (sqlite3_db_readonly(store->database, "main") == 1) {
        return nlg_fail(err, NLG_ERR_IO, "%s: the trial store may only be read; allow writing or name another file", store->path);
    }
    NLG_TRY(nlg_store_execute(store, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; BEGIN IMMEDIATE", "opening it", err));
    NLG_TRY(check_schema(store, mode, err));
    NLG_TRY(nlg_store_execute(store, "COMMIT", "creating the tables", err));
    store->is_writer = true;
    return nlg_store_execute(store, "PRAGMA journal_mode=WAL", "opening it", err);
}

/* SQLite gives "", ":memory:" and "file:..." meanings of their own; a name that begins with a folder is a plain path. */
static nlg_status plain_path(const char *path, char **file, nlg_error *err) {
    *file = NULL;
    if (!*path) return nlg_fail(err, NLG_ERR_INPUT, "the store needs a file name, found an empty one");
    const size_t size = strlen(path) + 3;
    *file = nlg_alloc(size, 1);
    if (!*file) return nlg_fail_memory(err, size, "a path");
    snprintf(*file, size, "%s%s", *path == '/' ? "" : "./", path);
    return NLG_OK;
}

nlg_status nlg_store_open(const char *path, nlg_store_mode mode, nlg_store **store, nlg_error *err) {
    *store = NULL;
    nlg_store *s = nlg_alloc(1, sizeof *s);
    if (!s) return nlg_fail_memory(err, sizeof *s, "the trial store");
    s->lock.file = -1;
    s->path = nlg_strdup(path);
    nlg_status status = s->path ? plain_path(path, &s->file, err) : nlg_fail_memory(err, strlen(path), "a path");
    if (status == NLG_OK && mode == NLG_STORE_WRITE) status = nlg_store_lock_take(&s->lock, path, err);
    if (status == NLG_OK) status = check_header(path, mode, err);
    if (status == NLG_OK) status = open_database(s, mode, err);
    if (status != NLG_OK) {
        nlg_store_close(s);
        return status;
    }
    *store = s;
    return NLG_OK;
}

/* Unless it is being read. */
static void make_one_file(nlg_store *store) {
    const int code = sqlite3_exec(store->database, "PRAGMA journal_mode=DELETE", NULL, NULL, NULL);
    if (code != SQLITE_OK && code != SQLITE_BUSY && code != SQLITE_LOCKED)
        nlg_warn("%s: is kept in several files (-wal, -shm, -journal), which belong together: %s", store->path,
                 sqlite3_errmsg(store->database));
}

void nlg_store_close(nlg_store *store) {
    if (!store) return;
    sqlite3_finalize(store->append);
    if (store->is_writer && store->database) make_one_file(store);
    sqlite3_close(store->database);
    nlg_store_lock_release(&store->lock);
    nlg_free(store->path);
    nlg_free(store->file);
    nlg_free(store);
}

void nlg_store_suspend(nlg_store *store) {
    sqlite3_finalize(store->append);
    store->append = NULL;
    sqlite3_close(store->database);
    store->database = NULL;
}

nlg_status nlg_store_resume(nlg_store *store, nlg_error *err) {
    return open_database(store, NLG_STORE_JOIN, err);
}

const char *nlg_store_path(const nlg_store *store) {
    return store->path;
}

nlg_status nlg_store_transaction(nlg_store *store, nlg_error *err) {
    return nlg_store_execute(store, "BEGIN IMMEDIATE", "beginning a transaction", err);
}

nlg_status nlg_store_commit(nlg_store *store, nlg_error *err) {
    nlg_status status = nlg_store_execute(store, "COMMIT", "storing results", err);
    if (status != NLG_OK) nlg_store_rollback(store);
    return status;
}

void nlg_store_rollback(nlg_store *store) {
    sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

void nlg_store_leave(nlg_store *store) {
    if (store && store->lock.file >= 0) close(store->lock.file);
}

/* --- runs --------------------------------------------------------------------------------------------------------- */

static void bind_identity(sqlite3_stmt *statement, const nlg_run_identity *identity) {
    char seed[24];
    snprintf(seed, sizeof seed, "%" PRIu64, identity->seed);
    nlg_store_bind_text(statement, 1, identity->space);
    nlg_store_bind_text(statement, 2, identity->strategy);
    nlg_store_bind_text(statement, 3, identity->strategy_options);
    nlg_store_bind_text(statement, 4, identity->evaluator);
    nlg_store_bind_text(statement, 5, identity->evaluator_config);
    nlg_store_bind_text(statement, 6, identity->objective);
    sqlite3_bind_int(statement, 7, identity->batch);
    nlg_store_bind_text(statement, 8, seed);
    sqlite3_bind_int(statement, 9, NLG_NUMERICS_VERSION);
}

static nlg_status find_or_make_run(nlg_store *store, const nlg_run_identity *identity, int budget, nlg_error *err) {
    static const char sql[] =
        "INSERT INTO runs (space, strategy, strategy_options, evaluator, evaluator_config, objective, batch,"
        " seed, numerics_version, budget, created) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, " NLG_STORE_NOW ")"
        " ON CONFLICT DO UPDATE SET budget = max(budget, excluded.budget) RETURNING id";
    const char *doing = "entering the run";
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    bind_identity(statement, identity);
    sqlite3_bind_int(statement, 10, budget);
    nlg_status status = NLG_OK;
    if (sqlite3_step(statement) == SQLITE_ROW) store->run = sqlite3_column_int64(statement, 0);
    if (sqlite3_reset(statement) != SQLITE_OK) status = nlg_store_fail(store, doing, err);
    sqlite3_finalize(statement);
    return status;
}

static nlg_status open_session(nlg_store *store, const nlg_session_facts *facts, nlg_error *err) {
    static const char sql[] = "INSERT INTO sessions (run, commit_id, compiler, flags, isa, threads, cpu, cores, started)"
                              " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, " NLG_STORE_NOW ")";
    const char *doing = "entering the session";
    const char *const texts[] = {facts->commit, facts->compiler, facts->flags, facts->isa};
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    sqlite3_bind_int64(statement, 1, store->run);
    for (int i = 0; i < 4; i++) nlg_store_bind_text(statement, i + 2, texts[i] ? texts[i] : "unknown");
    sqlite3_bind_int(statement, 6, facts->threads);
    nlg_store_bind_text(statement, 7, cpu.model);
    sqlite3_bind_int(statement, 8, cpu.cores);
    nlg_status status = sqlite3_step(statement) == SQLITE_DONE ? NLG_OK : nlg_store_fail(store, doing, err);
    sqlite3_finalize(statement);
    store->session = sqlite3_last_insert_rowid(store->database);
    return status;
}

nlg_status nlg_store_begin(nlg_store *store, const nlg_run_identity *identity, int budget, const nlg_session_facts *facts,
                           int64_t *run, nlg_error *err) {
    NLG_TRY(nlg_store_execute(store, "BEGIN IMMEDIATE", "entering the run", err));
    nlg_status status = find_or_make_run(store, identity, budget, err);
    if (status == NLG_OK) status = open_session(store, facts, err);
    if (status == NLG_OK) status = nlg_store_execute(store, "COMMIT", "entering the run", err);
    if (status != NLG_OK) sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    *run = store->run;
    return status;
}

nlg_status nlg_store_runs(nlg_store *store, nlg_status (*visit)(void *context, const nlg_run_row *run), void *context,
                          nlg_error *err) {
    static const char sql[] =
        "SELECT id, space, strategy, strategy_options, evaluator, evaluator_config, objective, batch, runs.seed, numerics_version,"
        " runs.budget, runs.created, count(number), total(is_repeat), total(status = 'done') FROM runs LEFT JOIN trials ON run = id"
        " GROUP BY id ORDER BY id";
    const char *doing = "reading the runs";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    nlg_status status = NLG_OK;
    int step = SQLITE_DONE;
    while (status == NLG_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        nlg_run_row row = {
            .id = sqlite3_column_int64(s, 0),
            .identity = {.space = nlg_store_column_text(s, 1),
                         .strategy = nlg_store_column_text(s, 2),
                         .strategy_options = nlg_store_column_text(s, 3),
                         .evaluator = nlg_store_column_text(s, 4),
                         .evaluator_config = nlg_store_column_text(s, 5),
                         .objective = nlg_store_column_text(s, 6),
                         .batch = sqlite3_column_int(s, 7),
                         .seed = strtoull(nlg_store_column_text(s, 8), NULL, 10)},
            .numerics_version = sqlite3_column_int(s, 9),
            .budget = sqlite3_column_int(s, 10),
            .created = nlg_store_column_text(s, 11),
            .trials = sqlite3_column_int(s, 12),
            .repeats = sqlite3_column_int(s, 13),
            .done = sqlite3_column_int(s, 14),
        };
        status = visit(context, &row);
    }
    if (status == NLG_OK && step != SQLITE_DONE) status = nlg_store_fail(store, doing, err);
    sqlite3_finalize(s);
    return status;
}

/* --- trials ------------------------------------------------------------------------------------------------------- */

static void code_to_text(const nlg_code *code, char text[NLG_GENOTYPE_MAX]) {
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < code->length; i++) {
        used += (size_t)snprintf(text + used, NLG_GENOTYPE_MAX - used, "%s%d", i ? "," : "", code->value[i]);
    }
}

static bool code_from_text(const char *text, nlg_code *code) {
    *code = (nlg_code){0};
    while (code->length < NLG_CODE_MAX) {
        char *end;
        errno = 0;
        long value = strtol(text, &end, 10);
        if (end == text || errno || value < INT16_MIN || value > INT16_MAX) return false;
        code->value[code->length++] = (int16_t)value;
        if (*end == '\0') return true;
        if (*end != ',') return false;
        text = end + 1;
    }
    return false;
}

nlg_status nlg_store_append(nlg_store *store, const nlg_trial *trial, const char *genotype, nlg_error *err) {
    static const char sql[] =
        "INSERT INTO trials VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21,"
        " ?22, " NLG_STORE_NOW ")";
    char doing[48], code[NLG_GENOTYPE_MAX];
    snprintf(doing, sizeof doing, "storing trial %d", trial->number);
    if (!store->append) NLG_TRY(nlg_store_prepare(store, sql, &store->append, doing, err));
    sqlite3_stmt *s = store->append;
    code_to_text(&trial->code, code);
    sqlite3_bind_int64(s, 1, store->run);
    sqlite3_bind_int(s, 2, trial->number);
    nlg_store_bind_text(s, 3, genotype);
    nlg_store_bind_text(s, 4, code);
    nlg_store_bind_text(s, 5, trial->hash);
    sqlite3_bind_int(s, 6, trial->is_repeat);
    sqlite3_bind_int64(s, 7, (int64_t)trial->seed);
    sqlite3_bind_double(s, 8, trial->budget);
    nlg_store_bind_text(s, 9, nlg_trial_status_name(trial->status));
    sqlite3_bind_double(s, 10, trial->score);
    sqlite3_bind_int64(s, 11, trial->params);
    sqlite3_bind_int64(s, 12, trial->macs);
    sqlite3_bind_double(s, 13, trial->latency_ms);
    sqlite3_bind_double(s, 14, trial->cost);
    sqlite3_bind_double(s, 15, trial->reward);
    sqlite3_bind_int(s, 16, trial->budget_epochs);
    nlg_store_bind_text(s, 17, trial->digest);
    nlg_store_bind_text(s, 18, trial->message);
    sqlite3_bind_int64(s, 19, store->session);
    sqlite3_bind_double(s, 20, trial->overhead_seconds);
    sqlite3_bind_double(s, 21, trial->evaluation_seconds);
    sqlite3_bind_double(s, 22, trial->simulated_cost);
    nlg_status status = sqlite3_step(s) == SQLITE_DONE ? NLG_OK : nlg_store_fail(store, doing, err);
    sqlite3_reset(s);
    return status;
}

static bool status_from_name(const char *name, nlg_trial_status *status) {
    for (int i = 0; i < NLG_TRIAL_STATUS_COUNT; i++) {
        if (strcmp(name, nlg_trial_status_name((nlg_trial_status)i)) != 0) continue;
        *status = (nlg_trial_status)i;
        return true;
    }
    return false;
}

/* Columns in the order of the SELECT below. */
static bool read_trial(sqlite3_stmt *s, nlg_trial *trial) {
    const int64_t number = sqlite3_column_int64(s, 0);
    if (number < 0 || number >= INT32_MAX) return false;
    *trial = (nlg_trial){
        .number = (int)number,
        .is_repeat = sqlite3_column_int(s, 3) != 0,
        .seed = (uint64_t)sqlite3_column_int64(s, 4),
        .budget = sqlite3_column_double(s, 5),
        .score = sqlite3_column_double(s, 7),
        .params = sqlite3_column_int64(s, 8),
        .macs = sqlite3_column_int64(s, 9),
        .latency_ms = sqlite3_column_double(s, 10),
        .cost = sqlite3_column_double(s, 11),
        .reward = sqlite3_column_double(s, 12),
        .budget_epochs = sqlite3_column_int(s, 13),
        .overhead_seconds = sqlite3_column_double(s, 16),
        .evaluation_seconds = sqlite3_column_double(s, 17),
        .simulated_cost = sqlite3_column_double(s, 18),
    };
    copy_text(trial->hash, sizeof trial->hash, nlg_store_column_text(s, 2));
    copy_text(trial->digest, sizeof trial->digest, nlg_store_column_text(s, 14));
    copy_text(trial->message, sizeof trial->message, nlg_store_column_text(s, 15));
    return code_from_text(nlg_store_column_text(s, 1), &trial->code) &&
           status_from_name(nlg_store_column_text(s, 6), &trial->status);
}

nlg_status nlg_store_rows(nlg_store *store, int64_t run, nlg_status (*visit)(void *context, const nlg_trial_row *row),
                          void *context, nlg_error *err) {
    static const char sql[] =
        "SELECT number, code, hash, is_repeat, seed, budget, status, score, params, macs, latency_ms, cost, reward, budget_epochs,"
        " digest, message, overhead_seconds, evaluation_seconds, simulated_cost, genotype, created, commit_id, compiler, flags, "
        "isa, threads, cpu, cores"
        " FROM trials LEFT JOIN sessions ON session = id WHERE trials.run = ?1 ORDER BY number";
    const char *doing = "reading the trials";
    sqlite3_stmt *s;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    sqlite3_bind_int64(s, 1, run);
    nlg_status status = NLG_OK;
    int step = SQLITE_DONE;
    while (status == NLG_OK && (step = sqlite3_step(s)) == SQLITE_ROW) {
        nlg_trial_row row;
        if (!read_trial(s, &row.trial)) {
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: the trial store is damaged: trial %" PRId64 " of run %" PRId64 " cannot be read; restore a "
                              "copy or name another file",
                              store->path, (int64_t)sqlite3_column_int64(s, 0), run);
            break;
        }
        row.genotype = nlg_store_column_text(s, 19);
        row.created = nlg_store_column_text(s, 20);
        row.session = (nlg_session_facts){.commit = nlg_store_column_text(s, 21),
                                          .compiler = nlg_store_column_text(s, 22),
                                          .flags = nlg_store_column_text(s, 23),
                                          .isa = nlg_store_column_text(s, 24),
                                          .threads = sqlite3_column_int(s, 25)};
        row.cpu = nlg_store_column_text(s, 26);
        row.cores = sqlite3_column_int(s, 27);
        status = visit(context, &row);
    }
    if (status == NLG_OK && step != SQLITE_DONE) status = nlg_store_fail(store, doing, err);
    sqlite3_finalize(s);
    return status;
}

typedef struct trial_list {
    nlg_trial *trials;
    int count, room;
    nlg_error *err;
} trial_list;

static nlg_status add_to_list(void *context, const nlg_trial_row *row) {
    trial_list *list = context;
    nlg_trial *trials = nlg_grow(list->trials, &list->room, list->count, sizeof *trials);
    if (!trials) return nlg_fail_memory(list->err, (size_t)list->room * sizeof *trials, "the trials of the store");
    list->trials = trials;
    list->trials[list->count++] = row->trial;
    return NLG_OK;
}

nlg_status nlg_store_trials(nlg_store *store, int64_t run, nlg_trial **trials, int *count, nlg_error *err) {
    trial_list list = {.err = err};
    nlg_status status = nlg_store_rows(store, run, add_to_list, &list, err);
    if (status != NLG_OK) {
        nlg_free(list.trials);
        list = (trial_list){0};
    }
    *trials = list.trials;
    *count = list.count;
    return status;
}
