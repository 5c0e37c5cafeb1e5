/* Runs the built program as a user does. */
#include "tests/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/made_files.h"

enum { PATH_LENGTH = 1024, COMMAND_LENGTH = 4096 };

static char *folder;
static program_result last;

void program_find(const char *test_program) {
    const char *given = getenv("LINEAGE"), *slash = strrchr(test_program, '/'), *path = getenv("PATH");
    char place[PATH_LENGTH], search[4 * PATH_LENGTH];
    if (given)
        snprintf(place, sizeof place, "%s", given);
    else
        snprintf(place, sizeof place, "%.*s/../lineage", slash ? (int)(slash - test_program) : 1, slash ? test_program : ".");
    char *absolute = realpath(place, NULL), *name = absolute ? strrchr(absolute, '/') : NULL;
    if (!name || strcmp(name, "/lineage") != 0) {
        fprintf(stderr, "%s: expected a program called lineage; build it or name it in LINEAGE\n", place);
        exit(2);
    }
    snprintf(search, sizeof search, "%.*s:%s", (int)(name - absolute), absolute, path ? path : "/usr/bin:/bin");
    free(absolute);
    setenv("PATH", search, 1);
}

void program_enter(void) {
    folder = made_folder();
    setenv("D", folder, 1);
}

void program_leave(void) {
    made_folder_remove(folder);
    folder = NULL;
    free(last.out);
    free(last.err);
    last = (program_result){0};
}

static char *read_stream(const char *name) {
    size_t size;
    uint8_t *bytes = made_read(folder, name, &size);
    char *text = calloc(size + 1, 1);
    assert_non_null(text);
    memcpy(text, bytes, size);
    free(bytes);
    return text;
}

__attribute__((format(printf, 1, 0))) static program_result run_list(const char *format, va_list arguments) {
    char words[COMMAND_LENGTH], line[COMMAND_LENGTH + 100];
    vsnprintf(words, sizeof words, format, arguments);
    snprintf(line, sizeof line, "{ %s\n} >$D/stdout 2>$D/stderr", words);
    int status = system(line);
    free(last.out);
    free(last.err);
    last = (program_result){.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
    last.out = read_stream("stdout");
    last.err = read_stream("stderr");
    return last;
}

program_result run(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    program_result result = run_list(format, arguments);
    va_end(arguments);
    return result;
}

program_result run_good(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    program_result result = run_list(format, arguments);
    va_end(arguments);
    if (result.code != 0) fail_msg("%s: exit code %d: %s", format, result.code, result.err);
    return result;
}

void run_refused(const char *expected, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    program_result result = run_list(format, arguments);
    va_end(arguments);
    size_t length = strlen(result.err), line = strcspn(result.err, "\n");
    if (result.code != 2) fail_msg("%s: expected exit code 2, found %d: %s", format, result.code, result.err);
    if (result.out[0]) fail_msg("%s: unexpected on standard output: %.200s", format, result.out);
    if (length == 0 || line + 1 != length) fail_msg("%s: expected one line on standard error, found: %.400s", format, result.err);
    if (!strstr(result.err, expected)) fail_msg("%s: expected '%s' in: %s", format, expected, result.err);
}

cJSON *run_json(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    program_result result = run_list(format, arguments);
    va_end(arguments);
    if (result.code != 0) fail_msg("%s: exit code %d: %s", format, result.code, result.err);
    const char *end;
    cJSON *document = cJSON_ParseWithOpts(result.out, &end, 0);
    if (!document) fail_msg("%s: not JSON: %.200s", format, result.out);
    if (end[strspn(end, " \n")]) fail_msg("%s: more behind the JSON document: %.200s", format, end);
    return document;
}

double json_number(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsNumber(item)) fail_msg("JSON: %s is missing or no number", name);
    return item->valuedouble;
}

const char *json_text(const cJSON *object, const char *name) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!cJSON_IsString(item)) fail_msg("JSON: %s is missing or no text", name);
    return item->valuestring;
}

void json_has_exactly(const cJSON *object, const char *names) {
    char copy[1024], *rest, *name;
    int count = 0;
    snprintf(copy, sizeof copy, "%s", names);
    for (name = strtok_r(copy, " ", &rest); name; name = strtok_r(NULL, " ", &rest), count++)
        if (!cJSON_HasObjectItem(object, name)) fail_msg("JSON: %s is missing", name);
    if (cJSON_GetArraySize(object) != count) fail_msg("JSON: expected only %s; found %s", names, cJSON_PrintUnformatted(object));
}
