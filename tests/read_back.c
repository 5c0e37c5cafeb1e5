/* What tests look up. */
#include "tests/read_back.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

cJSON *read_reference(const char *name) {
    char path[256], *text = NULL;
    size_t size = 0;
    nlg_error err = {0};
    snprintf(path, sizeof path, "tests/reference/%s", name);
    if (nlg_file_read(path, (size_t)1 << 20, &text, &size, &err) != NLG_OK) fail_msg("%s", err.text);
    cJSON *json = cJSON_ParseWithLength(text, size);
    assert_non_null(json);
    nlg_free(text);
    return json;
}

static char answer[4096];

static int take_answer(void *context, int columns, char **values, char **names) {
    (void)context, (void)names;
    for (int i = 0; i < columns; i++) {
        const size_t used = strlen(answer);
        snprintf(answer + used, sizeof answer - used, "%s%s", values[i] ? values[i] : "NULL", i + 1 < columns ? "," : ";");
    }
    return 0;
}

const char *ask_store(const char *path, const char *sql) {
    sqlite3 *database;
    char *text = NULL;
    answer[0] = '\0';
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    if (sqlite3_exec(database, sql, take_answer, NULL, &text) != SQLITE_OK) fail_msg("%s: %s", sql, text);
    sqlite3_close(database);
    return answer;
}
