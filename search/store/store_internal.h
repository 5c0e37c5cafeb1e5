/* Inside of the store, shared by its files. */
#ifndef NLG_STORE_INTERNAL_H
#define NLG_STORE_INTERNAL_H

#include <sqlite3.h>

#include "search/store/store.h"
#include "search/store/store_lock.h"

#define NLG_STORE_NOW "strftime('%Y-%m-%dT%H:%M:%SZ','now')"

struct nlg_store {
    char *path, *file; /* as the user gave it, as SQLite gets it */
    sqlite3 *database;
    sqlite3_stmt *append;
    nlg_store_lock lock;
    bool is_writer;
    int64_t run, session;
};

const char *nlg_store_schema(void);
/* Adds the table `plans`, which stores of earlier versions lack, to the store that is attached as `schema`, or for this connection
 * alone. Returns SQLite's code. */
int nlg_store_add_plans(sqlite3 *database, const char *schema, bool is_kept);

/* The failure of the last call to SQLite as one line; `doing` completes "while ...". */
nlg_status nlg_store_fail(const nlg_store *store, const char *doing, nlg_error *err);
nlg_status nlg_store_prepare(nlg_store *store, const char *sql, sqlite3_stmt **statement, const char *doing, nlg_error *err);
nlg_status nlg_store_execute(nlg_store *store, const char *sql, const char *doing, nlg_error *err);
/* One step of a statement. *row: whether it has come to a row, and not to its end. */
nlg_status nlg_store_step(nlg_store *store, sqlite3_stmt *statement, bool *row, const char *doing, nlg_error *err);
/* Runs a statement that returns nothing, and finalizes it. */
nlg_status nlg_store_finish(nlg_store *store, sqlite3_stmt *statement, const char *doing, nlg_error *err);
void nlg_store_bind_text(sqlite3_stmt *statement, int index, const char *text);
const char *nlg_store_column_text(sqlite3_stmt *statement, int index); /* "" for NULL */

#endif
