/* lineage data: what it prints and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <cjson/cJSON.h>

#include "datasets/dataset.h"
#include "harness/command.h"
#include "tests/made_files.h"

extern const nlg_command nlg_command_data;

/* Runs the command with its standard output in a file of `folder`, returned as text (free it). */
static char *printed(const char *folder, int argc, const char *const *arguments, nlg_status *status, nlg_error *err) {
    char *argv[8] = {NULL}, path[1024];
    for (int i = 0; i < argc; i++) argv[i] = strdup(arguments[i]);
    snprintf(path, sizeof path, "%s", made_path(folder, "stdout"));
    fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    if (!freopen(path, "w", stdout)) fail_msg("cannot write %s", path);
    *status = nlg_command_invoke(&nlg_command_data, argc, argv, err);
    fflush(stdout);
    dup2(saved, STDOUT_FILENO);
    close(saved);
    for (int i = 0; i < argc; i++) free(argv[i]);
    size_t size;
    char *text = (char *)made_read(folder, "stdout", &size);
    text[size] = '\0';
    return text;
}

static const char *text_of(const cJSON *object, const char *key) {
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(object, key));
    return text ? text : "";
}

static double number_of(const cJSON *object, const char *key) {
    return cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(object, key));
}

static void lists_every_data_set(void **state) {
    (void)state;
    char *folder = made_folder();
    nlg_status status;
    nlg_error err = {0};
    char *text = printed(folder, 2, (const char *[]){"data", "--json"}, &status, &err);
    assert_int_equal(status, NLG_OK);
    cJSON *rows = cJSON_Parse(text);
    assert_int_equal(cJSON_GetArraySize(rows), nlg_dataset_format_count());
    for (int i = 0; i < nlg_dataset_format_count(); i++)
        assert_string_equal(text_of(cJSON_GetArrayItem(rows, i), "name"), nlg_dataset_format_name(nlg_dataset_format_at(i)));
    cJSON_Delete(rows);
    free(text);
    made_folder_remove(folder);
}

static void describes_a_data_set(void **state) {
    (void)state;
    char *folder = made_folder();
    made_idx_set(folder, 40, 0, 6, 5, true); /* no test files: they are not opened */
    nlg_status status;
    nlg_error err = {0};
    const char *const arguments[] = {"data", "info", "mnist", "--folder", folder, "--json"};
    char *text = printed(folder, 6, arguments, &status, &err);
    assert_int_equal(status, NLG_OK);
    cJSON *o = cJSON_Parse(text);
    assert_true(number_of(o, "train") == 36 && number_of(o, "validation") == 4);
    assert_string_equal(text_of(o, "source"), folder);
    assert_int_equal(strlen(text_of(o, "digest")), 64);
    cJSON_Delete(o);
    free(text);
    text = printed(folder, 5, arguments, &status, &err);
    assert_non_null(strstr(text, "5 x 6 x 1"));
    assert_non_null(strstr(text, "test        not opened"));
    free(text);
    text = printed(folder, 3, (const char *[]){"data", "info", "imagefolder"}, &status, &err);
    assert_int_equal(status, NLG_OK);
    assert_non_null(strstr(text, "DIR/train/CLASS"));
    free(text);
    made_folder_remove(folder);
}

static void refuses_wrong_use(void **state) {
    (void)state;
    static const struct {
        int argc;
        const char *arguments[5];
        const char *part;
    } cases[] = {
        {2, {"data", "ls"}, "expected one of list, info, show, fetch, verify"},
        {2, {"data", "info"}, "data info: expected the name of one data set, found 0"},
        {3, {"data", "list", "mnist"}, "data list: expected nothing behind it"},
        {3, {"data", "info", "mnits"}, "did you mean 'mnist'?"},
        {3, {"data", "verify", "imagefolder"}, "one that is your own folder"},
        {5, {"data", "info", "imagefolder:x", "--image-size", "0"}, "--image-size: expected a whole number from 1"},
    };
    char *folder = made_folder();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_status status;
        nlg_error err = {0};
        char *text = printed(folder, cases[i].argc, cases[i].arguments, &status, &err);
        assert_int_equal(status, NLG_ERR_INPUT);
        if (!strstr(err.text, cases[i].part)) fail_msg("expected \"%s\" in: %s", cases[i].part, err.text);
        assert_string_equal(text, "");
        free(text);
    }
    made_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_every_data_set),
        cmocka_unit_test(describes_a_data_set),
        cmocka_unit_test(refuses_wrong_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
