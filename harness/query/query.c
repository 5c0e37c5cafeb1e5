/* The connection of the report's queries. */
#define _GNU_SOURCE /* strverscmp */
#include "harness/query/query.h"

#include <dirent.h>
#include <math.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/query/stats_sql.h"
#include "harness/network.h"
#include "harness/query/views.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "search/store/store.h"
#include "search/store/store_internal.h"

enum { COLUMNS_MAX = 64, LARGEST = 1 << 24 };

struct nlg_query {
    sqlite3 *database;
    const char *networks, *here; /* here: NULL: the profile of the query */
};

static nlg_status fail(const nlg_query *q, const char *what, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT, "%s: %s", what, sqlite3_errmsg(q->database));
}

static nlg_status execute(const nlg_query *q, const char *sql, const char *what, nlg_error *err) {
    return sqlite3_exec(q->database, sql, NULL, NULL, NULL) == SQLITE_OK ? NLG_OK : fail(q, what, err);
}

/* --- tables from text --- */

/* A cell ends at a tab, the line at a line feed; both are replaced by the end of a string. Returns the number of cells. */
static int split(char *line, char **cells) {
    int n = 0;
    for (char *cell = line; cell;) {
        char *tab = strchr(cell, '\t');
        if (tab) *tab++ = 0;
        if (n < COLUMNS_MAX) cells[n] = cell;
        n++;
        cell = tab;
    }
    return n;
}

static bool is_number(const char *text, double *value) {
    char *end;
    *value = strtod(text, &end);
    return end != text && !*end && isfinite(*value) && !strpbrk(text, "xX");
}

static bool is_name(const char *text) {
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") == strlen(text);
}

/* One column of the list `columns`: *name gets it without its marks. */
typedef struct wanted {
    char name[64];
    bool must_be_number, may_be_missing;
    int cell; /* of the text, -1: missing */
} wanted;

static int parse_wanted(const char *columns, wanted *w) {
    int n = 0;
    while (*columns && n < COLUMNS_MAX) {
        size_t length = strcspn(columns, " ");
        w[n] = (wanted){.cell = -1};
        const char *begin = columns;
        size_t kept = length;
        if (*begin == '?') w[n].may_be_missing = true, begin++, kept--;
        if (kept && begin[kept - 1] == '#') w[n].must_be_number = true, kept--;
        snprintf(w[n].name, sizeof w[n].name, "%.*s", (int)kept, begin);
        if (kept) n++;
        columns += length + strspn(columns + length, " ");
    }
    return n;
}

static nlg_status match_header(char **names, int n, wanted *w, int n_wanted, const char *columns, const char *what,
                               nlg_error *err) {
    for (int c = 0; c < n; c++) {
        int found = -1;
        for (int i = 0; i < n_wanted; i++)
            if (strcmp(w[i].name, names[c]) == 0) found = i;
        if (found < 0)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown column '%s'; expected these columns, tab-separated: %s", what,
                            names[c], columns);
        if (w[found].cell >= 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: the column '%s' is there twice", what, names[c]);
        w[found].cell = c;
    }
    for (int i = 0; i < n_wanted; i++)
        if (w[i].cell < 0 && !w[i].may_be_missing)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: the column '%s' is missing; expected these columns, tab-separated: %s", what,
                            w[i].name, columns);
    return NLG_OK;
}

static nlg_status create_table(nlg_query *q, const char *name, const wanted *w, int n, sqlite3_stmt **insert, const char *what,
                               nlg_error *err) {
    char sql[8192];
    size_t used = (size_t)snprintf(sql, sizeof sql, "DROP TABLE IF EXISTS temp.%s; CREATE TEMP TABLE %s (", name, name);
    for (int i = 0; i < n; i++) used += (size_t)snprintf(sql + used, sizeof sql - used, "%s\"%s\"", i ? ", " : "", w[i].name);
    snprintf(sql + used, sizeof sql - used, ")");
    NLG_TRY(execute(q, sql, what, err));
    used = (size_t)snprintf(sql, sizeof sql, "INSERT INTO temp.%s VALUES (", name);
    for (int i = 0; i < n; i++) used += (size_t)snprintf(sql + used, sizeof sql - used, i ? ", ?" : "?");
    snprintf(sql + used, sizeof sql - used, ")");
    return sqlite3_prepare_v2(q->database, sql, -1, insert, NULL) == SQLITE_OK ? NLG_OK : fail(q, what, err);
}

static nlg_status insert_line(nlg_query *q, sqlite3_stmt *insert, char **cells, const wanted *w, int n, const char *what, int line,
                              nlg_error *err) {
    for (int i = 0; i < n; i++) {
        const char *cell = w[i].cell < 0 ? "-" : cells[w[i].cell];
        double value;
        if (!*cell || strcmp(cell, "-") == 0) {
            if (w[i].must_be_number && !w[i].may_be_missing)
                return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected a number for %s, found nothing", what, line, w[i].name);
            sqlite3_bind_null(insert, i + 1);
        } else if (is_number(cell, &value)) {
            sqlite3_bind_double(insert, i + 1, value);
        } else if (w[i].must_be_number) {
            return nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected a number for %s, found '%.60s'", what, line, w[i].name,
                            cell);
        } else {
            sqlite3_bind_text(insert, i + 1, cell, -1, SQLITE_TRANSIENT);
        }
    }
    if (sqlite3_step(insert) != SQLITE_DONE) return fail(q, what, err);
    sqlite3_reset(insert);
    return NLG_OK;
}

/* text is changed. */
static nlg_status load_text(nlg_query *q, const char *name, const char *columns, char *text, const char *what, nlg_error *err) {
    char *cells[COLUMNS_MAX];
    wanted w[COLUMNS_MAX];
    sqlite3_stmt *insert = NULL;
    int n_wanted = columns ? parse_wanted(columns, w) : 0, n = 0, number = 0;
    nlg_status status = NLG_OK;
    for (char *line = text, *next; status == NLG_OK && line && *line; line = next) {
        next = strchr(line, '\n');
        if (next) *next++ = 0;
        number++;
        size_t length = strlen(line);
        if (length && line[length - 1] == '\r') line[length - 1] = 0;
        if (*line == '#' || !*line) continue;
        int found = split(line, cells);
        if (found > COLUMNS_MAX) status = nlg_fail(err, NLG_ERR_INPUT, "%s: more than %d columns", what, COLUMNS_MAX);
        if (status == NLG_OK && !n) {
            n = found;
            for (int i = 0; status == NLG_OK && i < n; i++)
                if (!is_name(cells[i]))
                    status = nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected names of columns, found '%.60s'", what, number,
                                      cells[i]);
            for (int i = 0; status == NLG_OK && !columns && i < n; i++) {
                w[i] = (wanted){.cell = i};
                snprintf(w[i].name, sizeof w[i].name, "%s", cells[i]);
                n_wanted = n;
            }
            if (status == NLG_OK && columns) status = match_header(cells, n, w, n_wanted, columns, what, err);
            if (status == NLG_OK) status = create_table(q, name, w, n_wanted, &insert, what, err);
        } else if (status == NLG_OK) {
            if (found != n)
                status = nlg_fail(err, NLG_ERR_INPUT, "%s, line %d: expected %d cells as in its first line, found %d", what, number,
                                  n, found);
            if (status == NLG_OK) status = insert_line(q, insert, cells, w, n_wanted, what, number, err);
        }
    }
    if (status == NLG_OK && !n)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: no line of column names; expected: %s", what, columns ? columns : "");
    sqlite3_finalize(insert);
    return status;
}

nlg_status nlg_query_load_rows(nlg_query *q, const char *name, const char *columns, const char *text, const char *what,
                               nlg_error *err) {
    sqlite3_set_authorizer(q->database, NULL, NULL);
    if (!text) {
        wanted w[COLUMNS_MAX];
        sqlite3_stmt *insert = NULL;
        nlg_status status = create_table(q, name, w, parse_wanted(columns, w), &insert, what, err);
        sqlite3_finalize(insert);
        return status;
    }
    char *copy = nlg_strdup(text);
    if (!copy) return nlg_fail_memory(err, strlen(text), what);
    nlg_status status = execute(q, "BEGIN", what, err);
    if (status == NLG_OK) status = load_text(q, name, columns, copy, what, err);
    if (status == NLG_OK)
        status = execute(q, "COMMIT", what, err);
    else
        sqlite3_exec(q->database, "ROLLBACK", NULL, NULL, NULL);
    nlg_free(copy);
    return status;
}

/* --- opening --- */

static nlg_status load_published(nlg_query *q, const char *folder, nlg_error *err) {
    struct dirent **files;
    int n = scandir(folder, &files, NULL, alphasort);
    if (n < 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: cannot be read; it holds the published figures", folder);
    nlg_status status = NLG_OK;
    for (int i = 0; i < n; i++) {
        const char *name = files[i]->d_name, *dot = strrchr(name, '.');
        char path[1024], table[128], *text;
        size_t size;
        snprintf(table, sizeof table, "published_%.*s", dot ? (int)(dot - name) : 0, name);
        for (char *c = table; *c; c++)
            if (*c == '-') *c = '_';
        if (status == NLG_OK && dot && strcmp(dot, ".tsv") == 0 && is_name(table)) {
            snprintf(path, sizeof path, "%s/%s", folder, name);
            status = nlg_file_read(path, LARGEST, &text, &size, err);
            if (status == NLG_OK) {
                status = nlg_query_load_rows(q, table, NULL, text, path, err);
                nlg_free(text);
            }
        }
        free(files[i]);
    }
    free(files);
    return status;
}

static nlg_status load_networks(nlg_query *q, nlg_error *err) {
    sqlite3_stmt *s;
    NLG_TRY(execute(q,
                    "CREATE TEMP TABLE networks (name TEXT PRIMARY KEY, family TEXT, designer TEXT, year INTEGER, small INTEGER,"
                    " published_params INTEGER, published_macs INTEGER, published_source TEXT, input INTEGER, deviations TEXT, "
                    "row INTEGER, title TEXT, authors TEXT, venue TEXT)",
                    "networks", err));
    if (sqlite3_prepare_v2(q->database, "INSERT INTO networks VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", -1, &s, NULL) !=
        SQLITE_OK)
        return fail(q, "networks", err);
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < nlg_model_count(); i++) {
        const nlg_model *m = nlg_model_at(i);
        sqlite3_bind_text(s, 1, m->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 2, m->family->name, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 3, nlg_designer_name(m->family->designer), -1, SQLITE_STATIC);
        sqlite3_bind_int(s, 4, nlg_model_year(m));
        sqlite3_bind_int(s, 5, m->small);
        for (int k = 0; k < 2; k++) {
            int64_t v = k ? m->published_macs : m->published_params;
            if (v)
                sqlite3_bind_int64(s, 6 + k, v);
            else
                sqlite3_bind_null(s, 6 + k);
        }
        sqlite3_bind_text(s, 8, m->published_source, -1, SQLITE_STATIC);
        sqlite3_bind_int(s, 9, m->input.h);
        sqlite3_bind_text(s, 10, m->deviations, -1, SQLITE_STATIC);
        sqlite3_bind_int(s, 11, i);
        sqlite3_bind_text(s, 12, m->family->title, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 13, m->family->authors, -1, SQLITE_STATIC);
        sqlite3_bind_text(s, 14, m->family->venue, -1, SQLITE_STATIC);
        if (sqlite3_step(s) != SQLITE_DONE) status = fail(q, "networks", err);
        sqlite3_reset(s);
    }
    sqlite3_finalize(s);
    return status;
}

static nlg_status attach(nlg_query *q, const char *path, const char *name, nlg_error *err) {
    nlg_store *store;
    NLG_TRY(nlg_store_open(path, NLG_STORE_READ, &store, err)); /* checks it, and undoes what a killed writer left half done */
    nlg_store_close(store);
    char plain[2048];
    snprintf(plain, sizeof plain, "%s%s", *path == '/' ? "" : "./", path);
    sqlite3_stmt *s;
    if (sqlite3_prepare_v2(q->database, "ATTACH ?1 AS ?2", -1, &s, NULL) != SQLITE_OK) return fail(q, path, err);
    sqlite3_bind_text(s, 1, plain, -1, SQLITE_STATIC);
    sqlite3_bind_text(s, 2, name, -1, SQLITE_STATIC);
    nlg_status status = sqlite3_step(s) == SQLITE_DONE ? NLG_OK : fail(q, path, err);
    sqlite3_finalize(s);
    return status;
}

/* schema: "here." or "" with the store that all queries see. */
static nlg_status create_here(nlg_query *q, const char *schema, const char *where, nlg_error *err) {
    static const char *const names[] = {"results", "records", "members"};
    for (int i = 0; i < 3; i++) {
        char sql[256];
        snprintf(sql, sizeof sql, "DROP VIEW IF EXISTS temp.here_%s; CREATE TEMP VIEW here_%s AS SELECT * FROM %s%s%s", names[i],
                 names[i], schema, names[i], where);
        NLG_TRY(execute(q, sql, "what ran here", err));
    }
    return NLG_OK;
}

nlg_status nlg_query_here(nlg_query *q, const char *store, const char *profile, nlg_error *err) {
    sqlite3_set_authorizer(q->database, NULL, NULL);
    q->here = profile;
    if (!nlg_file_exists(store)) return create_here(q, "", " WHERE 0", err);
    NLG_TRY(attach(q, store, "here", err));
    return create_here(q, "here.", "", err);
}

nlg_status nlg_query_keep_views(nlg_query *q, nlg_error *err) {
    /* Those that many queries ask for, each before the ones that read it. */
    static const char *const names[] = {
        "lab_trials", "final_arms", "arm_costs", "arm_fronts", "front_heights_left_out", "accuracy_against_cost", "table_searches"};
    sqlite3_set_authorizer(q->database, NULL, NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char sql[512];
        snprintf(sql, sizeof sql,
                 "CREATE TEMP TABLE kept_%s AS SELECT * FROM %s; CREATE INDEX temp.kept_%s_rows ON kept_%s (profile, experiment);"
                 "DROP VIEW IF EXISTS temp.%s; CREATE TEMP VIEW %s AS SELECT * FROM kept_%s",
                 names[i], names[i], names[i], names[i], names[i], names[i], names[i]);
        NLG_TRY(execute(q, sql, names[i], err));
    }
    return NLG_OK;
}

/* Numbers within texts by their value: "5000 images" before "20000 images". */
static int by_number(void *unused, int n, const void *a, int m, const void *b) {
    (void)unused;
    char x[256], y[256];
    snprintf(x, sizeof x, "%.*s", n, (const char *)a);
    snprintf(y, sizeof y, "%.*s", m, (const char *)b);
    int order = strverscmp(x, y);
    if (order) return order;
    order = memcmp(a, b, (size_t)(n < m ? n : m));
    return order ? order : n - m;
}

static nlg_status fill(nlg_query *q, const char *store, const char *published, nlg_error *err) {
    NLG_TRY(nlg_stats_register(q->database, err));
    if (sqlite3_create_collation_v2(q->database, "by_number", SQLITE_UTF8, NULL, by_number, NULL) != SQLITE_OK)
        return nlg_fail(err, NLG_ERR_MEMORY, "collation in SQL: %s", sqlite3_errmsg(q->database));
    /* Connects the virtual tables now: their constructors declare a table, which the authorizer of queries refuses. */
    NLG_TRY(execute(q, "SELECT count(*) FROM json_each('[]'), json_tree('[]')", "json", err));
    if (store && nlg_file_exists(store)) {
        NLG_TRY(attach(q, store, "kept", err));
        if (nlg_store_add_plans(q->database, "kept", false) != SQLITE_OK) return fail(q, store, err);
    } else {
        NLG_TRY(execute(q, nlg_store_schema(), "schema", err));
    }
    NLG_TRY(create_here(q, "", "", err));
    NLG_TRY(load_networks(q, err));
    NLG_TRY(execute(q, nlg_query_views(), "views", err));
    return published ? load_published(q, published, err) : NLG_OK;
}

nlg_status nlg_query_open(const char *store, const char *published, nlg_query **query, nlg_error *err) {
    nlg_query *q = nlg_alloc(1, sizeof *q);
    *query = NULL;
    if (!q) return nlg_fail_memory(err, sizeof *q, "a query");
    nlg_status status = NLG_OK;
    if (sqlite3_open_v2(":memory:", &q->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
        status = nlg_fail_memory(err, 0, "a query");
    if (status == NLG_OK) status = fill(q, store, published, err);
    if (status != NLG_OK) {
        nlg_query_close(q);
        return status;
    }
    *query = q;
    return NLG_OK;
}

void nlg_query_close(nlg_query *q) {
    if (!q) return;
    sqlite3_close(q->database);
    nlg_free(q);
}

void nlg_query_networks(nlg_query *q, const char *patterns) {
    q->networks = patterns;
}

/* --- running --- */

/* Queries may read and compute. Whatever else they ask for is refused: they may come from a user's experiment file. */
static int authorize(void *context, int action, const char *a, const char *b, const char *c, const char *d) {
    (void)context, (void)a, (void)c, (void)d;
    if (action == SQLITE_FUNCTION && b && strcmp(b, "load_extension") == 0) return SQLITE_DENY;
    return action == SQLITE_SELECT || action == SQLITE_READ || action == SQLITE_FUNCTION || action == SQLITE_RECURSIVE
               ? SQLITE_OK
               : SQLITE_DENY;
}

static void bind(sqlite3_stmt *s, const char *parameter, const char *value) {
    int index = sqlite3_bind_parameter_index(s, parameter);
    if (index && value) sqlite3_bind_text(s, index, value, -1, SQLITE_TRANSIENT);
}

static nlg_status add_row(nlg_rows *rows, int *room, sqlite3_stmt *s, const char *what, nlg_error *err) {
    size_t columns = (size_t)rows->columns;
    int room_of_numbers = *room;
    char **text = nlg_grow(rows->text, room, rows->count, columns * sizeof *text);
    if (text) rows->text = text;
    double *number = text ? nlg_grow(rows->number, &room_of_numbers, rows->count, columns * sizeof *number) : NULL;
    if (number) rows->number = number;
    if (!text || !number) return nlg_fail_memory(err, 0, what);
    text += (size_t)rows->count * columns;
    number += (size_t)rows->count * columns;
    for (size_t c = 0; c < columns; c++) text[c] = NULL;
    rows->count++;
    for (int c = 0; c < rows->columns; c++) {
        int type = sqlite3_column_type(s, c);
        const char *value = (const char *)sqlite3_column_text(s, c);
        number[c] = type == SQLITE_INTEGER || type == SQLITE_FLOAT ? sqlite3_column_double(s, c) : (double)NAN;
        if (type != SQLITE_NULL && !(text[c] = nlg_strdup(value ? value : ""))) return nlg_fail_memory(err, 0, what);
    }
    return NLG_OK;
}

static nlg_status collect(nlg_query *q, sqlite3_stmt *s, const char *what, nlg_rows *rows, nlg_error *err) {
    int room = 0, step;
    rows->columns = sqlite3_column_count(s);
    rows->names = nlg_alloc((size_t)rows->columns, sizeof *rows->names);
    for (int c = 0; c < rows->columns; c++)
        if (!rows->names || !(rows->names[c] = nlg_strdup(sqlite3_column_name(s, c)))) return nlg_fail_memory(err, 0, what);
    while ((step = sqlite3_step(s)) == SQLITE_ROW) NLG_TRY(add_row(rows, &room, s, what, err));
    return step == SQLITE_DONE ? NLG_OK : fail(q, what, err);
}

nlg_status nlg_query_run(nlg_query *q, const char *sql, const char *profile, const char *experiment, const char *what,
                         nlg_rows **rows, nlg_error *err) {
    sqlite3_stmt *s = NULL;
    const char *rest = NULL;
    *rows = NULL;
    sqlite3_set_authorizer(q->database, authorize, NULL);
    if (sqlite3_prepare_v2(q->database, sql, -1, &s, &rest) != SQLITE_OK) return fail(q, what, err);
    nlg_status status = NLG_OK;
    if (!s) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected one SELECT, found none", what);
    if (rest[strspn(rest, " \t\r\n;")])
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected one SELECT, found text behind it", what);
    nlg_rows *r = nlg_alloc(1, sizeof *r);
    if (!r) status = nlg_fail_memory(err, sizeof *r, what);
    bind(s, ":profile", profile);
    bind(s, ":here", q->here ? q->here : profile);
    bind(s, ":experiment", experiment);
    bind(s, ":networks", q->networks ? q->networks : "[\"*\"]");
    if (status == NLG_OK) status = collect(q, s, what, r, err);
    sqlite3_finalize(s);
    if (status != NLG_OK) {
        nlg_rows_free(r);
        return status;
    }
    *rows = r;
    return NLG_OK;
}

void nlg_rows_free(nlg_rows *rows) {
    if (!rows) return;
    for (int c = 0; rows->names && c < rows->columns; c++) nlg_free(rows->names[c]);
    for (int i = 0; rows->text && i < rows->count * rows->columns; i++) nlg_free(rows->text[i]);
    nlg_free(rows->names);
    nlg_free(rows->text);
    nlg_free(rows->number);
    nlg_free(rows);
}

void nlg_rows_keep(nlg_rows *rows, const char *column, const char *text) {
    const int at = nlg_rows_column(rows, column), n = rows->columns;
    if (at < 0 || !rows->count) return;
    if (!text) text = rows->text[at] ? rows->text[at] : ""; /* of the first row, which stays */
    int kept = 0;
    for (int i = 0; i < rows->count; i++) {
        char **row = rows->text + i * n;
        const bool stays = strcmp(row[at] ? row[at] : "", text) == 0;
        for (int c = 0; c < n; c++) {
            if (!stays) nlg_free(row[c]);
            if (stays) rows->text[kept * n + c] = row[c];
            if (stays) rows->number[kept * n + c] = rows->number[i * n + c];
        }
        kept += stays;
    }
    rows->count = kept;
}

int nlg_rows_column(const nlg_rows *rows, const char *name) {
    for (int c = 0; c < rows->columns; c++)
        if (strcmp(rows->names[c], name) == 0) return c;
    return -1;
}

const char *nlg_rows_text(const nlg_rows *rows, int row, const char *column) {
    int c = nlg_rows_column(rows, column);
    return c < 0 ? NULL : rows->text[row * rows->columns + c];
}

double nlg_rows_number(const nlg_rows *rows, int row, const char *column) {
    int c = nlg_rows_column(rows, column);
    return c < 0 ? (double)NAN : rows->number[row * rows->columns + c];
}
