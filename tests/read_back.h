/* What tests look up: reference values, and rows of a store. Every failure ends the running test. */
#ifndef NLG_TESTS_READ_BACK_H
#define NLG_TESTS_READ_BACK_H

#include <cjson/cJSON.h>

/* tests/reference/NAME as JSON; delete it with cJSON_Delete. */
cJSON *read_reference(const char *name);

/* The rows that a statement has in an SQLite file, "cell,cell;cell,cell;", NULL in capitals. Until the next call. */
const char *ask_store(const char *path, const char *sql);

#endif
