/* At home on a terminal: widths, help, closed pipes. `script` gives the program a terminal. */
#include "harness/terminal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/program.h"

static int enter(void **state) {
    (void)state;
    program_enter();
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void check_printed(const char *expected, const char *text, int columns, void (*print)(FILE *, const char *, int)) {
    char *out;
    size_t size;
    FILE *stream = open_memstream(&out, &size);
    print(stream, text, columns);
    fclose(stream);
    assert_string_equal(out, expected);
    free(out);
}

static void texts_are_cut_between_characters(void **state) {
    (void)state;
    check_printed("abcdefgh", "abcdefgh", 8, nlg_print_cut);
    check_printed("abcdefgh", "abcdefgh", 0, nlg_print_cut);
    check_printed("abcd...", "abcdefgh", 7, nlg_print_cut);
    check_printed("ab", "abcdefgh", 2, nlg_print_cut);
    check_printed("\xc3\xa4\xc3\xb6...", "\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xc3\xa4\xc3\xb6", 5, nlg_print_cut);
    assert_int_equal(nlg_text_columns("\xc3\xa4\xe2\x82\xac"), 2);
}

static void paragraphs_are_filled_and_examples_kept(void **state) {
    (void)state;
    check_printed("one two\nthree\n\nExamples:\n  lineage count resnet18 --json\n  lineage info\n",
                  "one two\nthree\n\nExamples:\n  lineage count resnet18 --json\n  lineage info", 9, nlg_print_filled);
    check_printed("averyveryverylongword\nand\n", "averyveryverylongword and\n", 5, nlg_print_filled);
}

/* The widest line or part of a line that was overwritten, of what a terminal got. */
static int widest(const char *text) {
    int most = 0;
    char line[8192];
    for (size_t length; *text; text += length + (text[length] != '\0')) {
        length = strcspn(text, "\r\n");
        snprintf(line, sizeof line, "%.*s", (int)length, text);
        const char *shown = strncmp(line, "\033[K", 3) == 0 ? line + 3 : line;
        if (nlg_text_columns(shown) > most) most = nlg_text_columns(shown);
    }
    return most;
}

static void tables_fit_the_terminal(void **state) {
    (void)state;
    static const char *const commands[] = {"spaces", "count resnet18 resnet20_cifar", "data list"};
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        char *plain = strdup(run_good("lineage %s", commands[i]).out);
        char *narrow = strdup(run_good("script -qec 'stty cols 60; lineage %s | head -n 100 >/dev/null; lineage %s' /dev/null | "
                                       "grep -v 'MACs ='",
                                       commands[i], commands[i])
                                  .out);
        assert_true(widest(plain) > 60);
        assert_in_range(widest(narrow), 20, 60);
        free(plain);
        free(narrow);
    }
    const char *rows = run_good("script -qec 'stty cols 60; lineage count resnet18' /dev/null").out;
    assert_non_null(strstr(rows, "1,814,073,344")); /* numbers are whole */
    assert_non_null(strstr(rows, "9,860,584"));     /* and none is missing */
}

static void progress_never_wraps(void **state) {
    (void)state;
    program_result r =
        run_good("script -qec 'stty cols 40; lineage train lenet5_small --train-images 40000 --validation-images 500 "
                 "--epochs 1 --threads 1 --json >$D/json' /dev/null");
    assert_non_null(strstr(r.out, "%"));
    const char *progress = strstr(r.out, "\r\033[K");
    assert_non_null(progress);
    for (const char *line = strstr(r.out, "left: "); line; line = strstr(line + 1, "left: ")) {
        while (line > r.out && line[-1] != '\r' && line[-1] != '\n' && line[-1] != 'K') line--;
        char shown[200];
        snprintf(shown, sizeof shown, "%.*s", (int)strcspn(line, "\r\n"), line);
        assert_true(nlg_text_columns(shown) < 40);
        line = strstr(line, "left: ");
    }
}

/* Timing is told while it goes on, then networks are compared; what was timed before Ctrl-C is printed. */
static void timing_tells_how_far_it_is(void **state) {
    (void)state;
    program_result r = run_good("script -qec 'stty cols 40; lineage bench lenet5 --seconds 0.8 --threads 1' /dev/null");
    const char *progress = strstr(r.out, "timed step by");
    assert_non_null(progress);
    assert_true(nlg_text_columns("0%: lenet5: timed step by step") < 40 && strstr(r.out, "left: lenet5"));
    r = run_good("lineage bench lenet5 lenet5_small --seconds 0 --threads 1");
    assert_non_null(strstr(r.out, " times as fast as lenet5"));
    r = run("timeout --preserve-status -s INT 2 lineage bench lenet5 vgg16 --seconds 0.2 --batch 64 --threads 1");
    if (r.code != 0) { /* a fast machine is through before */
        assert_int_equal(r.code, 130);
        assert_non_null(strstr(r.out, "lenet5"));
    }
}

static void a_closed_pipe_ends_quietly(void **state) {
    (void)state;
    program_result r = run("{ sleep 0.2; lineage models; echo $? >$D/code; } | true; cat $D/code");
    assert_string_equal(r.err, "");
    assert_string_equal(r.out, "141\n");
}

/* Behind an example comes another, an empty line or the end. */
static void examples_can_be_pasted(void **state) {
    (void)state;
    char *list = strdup(run_good("lineage --help | sed -n 's/^  \\([a-z]*\\) .*/\\1/p' | grep -v lineage").out), *rest;
    int examples = 0;
    for (char *name = strtok_r(list, "\n", &rest); name; name = strtok_r(NULL, "\n", &rest)) {
        char *help = strdup(run_good("lineage %s --help", name).out);
        assert_string_equal(run_good("lineage help %s", name).out, help);
        if (strstr(help, " \n")) fail_msg("%s --help: a line ends with a blank", name);
        const int before = examples;
        for (const char *line = strstr(help, "\n  lineage "); line; line = strstr(line + 1, "\n  lineage "), examples++) {
            const char *end = line + 1 + strcspn(line + 1, "\n");
            if (*end && end[1] && end[1] != '\n' && end[1] != ' ') fail_msg("%s --help: broken: %.200s", name, line + 1);
        }
        if (examples == before) fail_msg("%s --help: no example", name);
        free(help);
    }
    assert_true(examples > 20);
    free(list);
}

static void usual_spellings_work(void **state) {
    (void)state;
    char *version = strdup(run_good("lineage --version").out);
    assert_non_null(strstr(version, "netlineage"));
    assert_string_equal(run_good("lineage version").out, version);
    assert_string_equal(run_good("lineage -v").out, version);
    free(version);
    run_refused("unknown command 'cuont'; did you mean 'count'?", "lineage help cuont");
    cJSON *rows = run_json("POSIXLY_CORRECT=1 lineage count lenet5 --json");
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    cJSON_Delete(rows);
}

static void networks_are_listed_by_pattern_and_alias(void **state) {
    (void)state;
    cJSON *rows = run_json("lineage models 'RESNET*_cifar' --json"), *row;
    assert_true(cJSON_GetArraySize(rows) >= 5);
    cJSON_ArrayForEach(row, rows) assert_int_equal(strncmp(json_text(row, "model"), "resnet", 6), 0);
    cJSON_Delete(rows);
    rows = run_json("lineage models vgg_a_lrn --json");
    assert_string_equal(json_text(cJSON_GetArrayItem(rows, 0), "model"), "vgg11_lrn");
    cJSON_Delete(rows);
    assert_non_null(strstr(run_good("lineage models vgg_a_lrn").out, "vgg_a_lrn"));
    run_refused("no network or alias fits 'nosuch'", "lineage models resnet18 nosuch");
}

static void bench_prints_csv_and_markdown(void **state) {
    (void)state;
    const char *text = run_good("lineage bench lenet5 --seconds 0 --threads 1 --csv").out;
    assert_int_equal(strncmp(text, "model,mode,batch,", 17), 0);
    assert_non_null(strstr(text, "\nlenet5,infer,1,1,"));
    text = run_good("lineage bench lenet5 --seconds 0 --threads 1 --markdown").out;
    assert_int_equal(strncmp(text, "| model | mode | batch |", 24), 0);
    assert_non_null(strstr(text, "\n| --- | --- | ---: |"));
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
#define RUN_TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
    const struct CMUnitTest tests[] = {
        RUN_TEST(texts_are_cut_between_characters),
        RUN_TEST(paragraphs_are_filled_and_examples_kept),
        RUN_TEST(tables_fit_the_terminal),
        RUN_TEST(progress_never_wraps),
        RUN_TEST(timing_tells_how_far_it_is),
        RUN_TEST(a_closed_pipe_ends_quietly),
        RUN_TEST(examples_can_be_pasted),
        RUN_TEST(usual_spellings_work),
        RUN_TEST(networks_are_listed_by_pattern_and_alias),
        RUN_TEST(bench_prints_csv_and_markdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
