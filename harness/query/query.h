/* One SQLite connection in which a query of the report sees everything that there is, read-only:
 *
 *   the store's tables and views (search/store/schema.sql), empty ones where there is no store;
 *   published_NAME: results/published/NAME.tsv ('-' in NAME becomes '_'; "-" and empty cells are NULL, numbers are REAL);
 *   networks(name, family, designer, year, small, published_params, published_macs, published_source, input, deviations, row,
 * title, authors, venue): the registry of models;
 *   added, input: rows of a user or of a command, see nlg_query_load_rows;
 *   the statistics of harness/query/stats_sql.h as functions, the collation by_number (numbers within texts by their value), and
 * the parameters :profile, :experiment and :networks;
 *   the views of harness/query/views.sql, such as final_arms: what final stages trained, in percent, with Student's interval over
 * the seeds from three on, and Wilson's over the test images where there is one.
 *
 * Times are those of the machine at hand, even where the other results are shipped ones: here_results, here_records and
 * here_members are the tables of that name in the store of what ran here, and :here is its profile. */
#ifndef NLG_QUERY_H
#define NLG_QUERY_H

#include <stdbool.h>

#include "layers/base/status.h"

typedef struct nlg_query nlg_query;

/* store: a path, or NULL; a file that does not exist is an empty store. published: the folder of the TSV files, NULL: none. */
nlg_status nlg_query_open(const char *store, const char *published, nlg_query **query, nlg_error *err);
void nlg_query_close(nlg_query *query);
/* From now on here_results and its like are read from another store (a path that may not exist yet), with another profile, which is
 * borrowed. */
nlg_status nlg_query_here(nlg_query *query, const char *store, const char *profile, nlg_error *err);
/* Computes the views that many queries read once and for all: for a connection of many queries, whose stores stay as they are. What
 * is set by nlg_query_here must be set before. */
nlg_status nlg_query_keep_views(nlg_query *query, nlg_error *err);
/* Sets :networks to a JSON list of patterns of names (GLOB). The text is borrowed. */
void nlg_query_networks(nlg_query *query, const char *patterns);

/* Fills the table `name` from tab-separated text with a line of column names, after lines that begin with '#'. `columns`: those
 * that it has, space separated, a name ended by '#' must be a number, one begun by '?' may be missing; NULL takes what the text
 * has. `text` may be NULL: an empty table of these columns. `what` names the text in messages. */
nlg_status nlg_query_load_rows(nlg_query *query, const char *name, const char *columns, const char *text, const char *what,
                               nlg_error *err);

/* The result of one SELECT. Cells are texts, NULL where SQL's value is NULL; numbers are in `number`, NaN for what is none. */
typedef struct nlg_rows {
    int columns, count;
    char **names;   /* [columns] */
    char **text;    /* [count][columns] */
    double *number; /* [count][columns] */
} nlg_rows;
/* what: names the query in messages, e.g. its file. A query that does more than read is refused. Free with nlg_rows_free. */
nlg_status nlg_query_run(nlg_query *query, const char *sql, const char *profile, const char *experiment, const char *what,
                         nlg_rows **rows, nlg_error *err);
void nlg_rows_free(nlg_rows *rows);
/* Takes out the rows that have another text in this column; text NULL: than the first row. Nothing where there is no such column.
 */
void nlg_rows_keep(nlg_rows *rows, const char *column, const char *text);
int nlg_rows_column(const nlg_rows *rows, const char *name);                  /* -1: none */
const char *nlg_rows_text(const nlg_rows *rows, int row, const char *column); /* NULL: NULL, or no such column */
double nlg_rows_number(const nlg_rows *rows, int row, const char *column);    /* NaN likewise */

#endif
