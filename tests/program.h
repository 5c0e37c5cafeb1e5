/* Runs the built program as a user does, with a temporary folder. */
#ifndef NLG_TESTS_PROGRAM_H
#define NLG_TESTS_PROGRAM_H

#include <cjson/cJSON.h>

typedef struct program_result {
    int code;        /* exit code; 128 + signal if killed */
    char *out, *err; /* everything on the two streams */
} program_result;

/* The binary: LINEAGE from the environment, else ../lineage beside the folder of the test program. */
void program_find(const char *test_program);
/* A new folder for the commands' files, $D in them; program_leave removes it. */
void program_enter(void);
void program_leave(void);

/* A shell command, in which `lineage` is the binary. The result lasts until the next call. */
program_result run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The test fails unless the exit code is 0. */
program_result run_good(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Exit code 2, nothing on stdout, one line on stderr that holds `expected`. */
void run_refused(const char *expected, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Exit code 0 and exactly one JSON document on stdout. Delete it with cJSON_Delete. */
cJSON *run_json(const char *format, ...) __attribute__((format(printf, 1, 2)));

double json_number(const cJSON *object, const char *name);
const char *json_text(const cJSON *object, const char *name);
/* The object has these members and no others (a space separated list). */
void json_has_exactly(const cJSON *object, const char *names);

#endif
