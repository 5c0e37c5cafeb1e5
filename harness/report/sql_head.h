/* The head of a .sql file: lines "-- key: text" at its begin, a text going on in lines that begin with "--   ". */
#ifndef NLG_SQL_HEAD_H
#define NLG_SQL_HEAD_H

#include "layers/base/status.h"

/* Refuses a line of another form, a key that is not in the list `known` (space separated), and one that is there twice. */
nlg_status nlg_sql_head_check(const char *sql, const char *known, const char *path, nlg_error *err);
/* The text of a key, "" where there is none; free with nlg_free. NULL: memory is short. */
char *nlg_sql_head_text(const char *sql, const char *key);

#endif
