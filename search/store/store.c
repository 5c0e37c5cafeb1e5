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

nlg_status nlg_store_step(nlg_store *store, sqlite3_stmt *statement, bool *row, const char *doing, nlg_error *err) {
    const int step = sqlite3_step(statement);
    *row = step == SQLITE_ROW;
    return *row || step == SQLITE_DONE ? NLG_OK : nlg_store_fail(store, doing, err);
}

nlg_status nlg_store_finish(nlg_store *store, sqlite3_stmt *statement, const char *doing, nlg_error *err) {
    bool row;
    nlg_status status = nlg_store_step(store, statement, &row, doing, err);
    sqlite3_finalize(statement);
    return status;
}

/* The first column of the first row; *found is untouched if there is none. */
static nlg_status query_integer(nlg_store *store, const char *sql, int64_t *found, const char *doing, nlg_error *err) {
    sqlite3_stmt *statement;
    NLG_TRY(nlg_store_prepare(store, sql, &statement, doing, err));
    bool row;
    nlg_status status = nlg_store_step(store, statement, &row, doing, err);
    if (row) *found = sqlite3_column_int64(statement, 0);
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
        "'records', 'metrics', 'members', 'plans', 'runs', 'sessions', 'trials'))",
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

int nlg_store_add_plans(sqlite3 *database, const char *schema, bool is_kept) {
    char sql[256];
    sqlite3_stmt *s;
    snprintf(sql, sizeof sql, "SELECT 1 FROM %s.sqlite_master WHERE name = 'plans'", schema);
    int code = sqlite3_prepare_v2(database, sql, -1, &s, NULL);
    if (code != SQLITE_OK) return code;
    code = sqlite3_step(s);
    sqlite3_finalize(s);
    if (code != SQLITE_DONE) return code == SQLITE_ROW ? SQLITE_OK : code;
    snprintf(sql, sizeof sql,
             "CREATE TABLE %s.plans (profile TEXT NOT NULL, experiment TEXT NOT NULL, digest TEXT NOT NULL,"
             " PRIMARY KEY (profile, experiment)) WITHOUT ROWID",
             is_kept ? schema : "temp");
    return sqlite3_exec(database, sql, NULL, NULL, NULL);
}

static nlg_status add_plans(nlg_store *store, bool is_kept, nlg_error *err) {
    return nlg_store_add_plans(store->database, "main", is_kept) == SQLITE_OK ? NLG_OK
                                                                              : nlg_store_fail(store, "reading its tables", err);
}

/* READ opens for writing too where that is allowed: what a killed writer left half done is rolled back. */
static nlg_status open_database(nlg_store *store, nlg_store_mode mode, nlg_error *err) {
    int flags = SQLITE_OPEN_READWRITE | (mode == NLG_STORE_WRITE ? SQLITE_OPEN_CREATE : 0);
    if (sqlite3_open_v2(store->file, &store->database, flags, NULL) != SQLITE_OK) {
        return store->database ? nlg_store_fail(store, "opening it", err) : nlg_fail_memory(err, 0, "the trial store");
    }
    sqlite3_extended_result_codes(store->database, 1);
    sqlite3_busy_timeout(store->database, WAIT_MS);
    if (mode == NLG_STORE_READ) {
        NLG_TRY(check_schema(store, mode, err));
        return add_plans(store, false, err);
    }
    if (mode == NLG_STORE_JOIN) {
        NLG_TRY(nlg_store_execute(store, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON", "opening it", err));
        return check_schema(store, mode, err);
    }
    if (sqlite3_db_readonly(store->database, "main") == 1) {
        return nlg_fail(err, NLG_ERR_IO, "%s: the trial store may only be read; allow writing or name another file", store->path);
    }
    NLG_TRY(nlg_store_execute(store, "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; BEGIN IMMEDIATE", "opening it", err));
    NLG_TRY(check_schema(store, mode, err));
    NLG_TRY(add_plans(store, true, err));
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
