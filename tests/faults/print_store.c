/* Prints all rows of an SQLite file but for what may differ between two equal runs: times, machines, processes. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

static int is_left_out(const char *column) {
    return strstr(column, "seconds") || strcmp(column, "created") == 0 || strcmp(column, "started") == 0 ||
           strcmp(column, "session") == 0 || strcmp(column, "machine") == 0 || strcmp(column, "simulated_cost") == 0;
}

/* The details of a record hold the seconds of each epoch. */
static void print_text(const char *text) {
    static const char mark[] = "seconds\":";
    for (const char *found; (found = strstr(text, mark)); text = found) {
        found += sizeof mark - 1;
        printf("%.*s", (int)(found - text), text);
        found += strspn(found, "0123456789.e+-[], ");
    }
    printf("%s", text);
}

/* Records stand in the order in which workers ended. */
static int print_table(sqlite3 *db, const char *name) {
    const int by_key = strcmp(name, "records") == 0 || strcmp(name, "metrics") == 0;
    char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"%s", name, by_key ? " ORDER BY 1, 2" : "");
    sqlite3_stmt *rows;
    if (!sql || sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK) return 1;
    sqlite3_free(sql);
    while (sqlite3_step(rows) == SQLITE_ROW) {
        printf("%s", name);
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const char *text = (const char *)sqlite3_column_text(rows, i);
            if (is_left_out(sqlite3_column_name(rows, i))) continue;
            printf("\t");
            print_text(text ? text : "NULL");
        }
        printf("\n");
    }
    return sqlite3_finalize(rows) != SQLITE_OK;
}

int main(int argc, char **argv) {
    sqlite3 *db;
    sqlite3_stmt *names;
    int failed = argc != 2 || sqlite3_open_v2(argv[1], &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
                 sqlite3_prepare_v2(db,
                                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('machines', 'sessions')"
                                    " ORDER BY name",
                                    -1, &names, NULL) != SQLITE_OK;
    while (!failed && sqlite3_step(names) == SQLITE_ROW) failed = print_table(db, (const char *)sqlite3_column_text(names, 0));
    if (failed) printf("the store cannot be read\n");
    return failed;
}
