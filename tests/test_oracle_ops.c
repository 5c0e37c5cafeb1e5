/* Every case of tests/reference/ops.json through the functions of build/reference: operations with gradients, losses, optimizers.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/oracle/reference.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/kernels/simd.h"

static cJSON *cases;
static nlg_exec exec;

static const cJSON *get(const cJSON *object, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!item) fail_msg("no \"%s\" in the result", key);
    return item;
}

static void compare_lists(const char *what, const cJSON *want, const cJSON *got, double allowed) {
    assert_int_equal(cJSON_GetArraySize(want), cJSON_GetArraySize(got));
    for (int i = 0; i < cJSON_GetArraySize(want); i++) {
        const cJSON *g = cJSON_GetArrayItem(got, i);
        /* numbers are printed as raw text, for their digits */
        double value = g->valuestring ? strtod(g->valuestring, NULL) : g->valuedouble;
        double miss = fabs(cJSON_GetArrayItem(want, i)->valuedouble - value);
        if (!(miss <= allowed)) fail_msg("%s: value %d misses by %g, allowed %g", what, i, miss, allowed);
    }
}

static void compare_tensor(const char *what, const cJSON *want, const cJSON *got, double tolerance) {
    double rms = get(want, "rms")->valuedouble, allowed = tolerance * fmax(rms, 1e-12);
    static const char *const numbers[] = {"mean", "rms", "probe"};
    compare_lists(what, get(want, "shape"), get(got, "shape"), 0);
    compare_lists(what, get(want, "first"), get(got, "first"), allowed);
    compare_lists(what, get(want, "last"), get(got, "last"), allowed);
    for (int i = 0; i < 3; i++) {
        const cJSON *g = get(got, numbers[i]);
        double miss = fabs(get(want, numbers[i])->valuedouble - strtod(g->valuestring, NULL));
        if (!(miss <= allowed)) fail_msg("%s: %s misses by %g, allowed %g", what, numbers[i], miss, allowed);
    }
}

static cJSON *ask(nlg_reference_kind *kind, const cJSON *record, const char *const *keys) {
    cJSON *in = cJSON_CreateObject(), *out = cJSON_CreateObject();
    nlg_error err = {0};
    for (int i = 0; keys[i]; i++) cJSON_AddItemToObject(in, keys[i], cJSON_Duplicate(get(record, keys[i]), true));
    if (kind(&exec, in, out, &err) != NLG_OK) fail_msg("%s", err.text);
    cJSON_Delete(in);
    return out;
}

static bool may_use_winograd(const cJSON *record) {
    const cJSON *attrs = get(record, "attrs"), *w = cJSON_GetObjectItemCaseSensitive(get(record, "inputs"), "w");
    if (strcmp(get(record, "op")->valuestring, "conv2d") != 0) return false;
    double side = fmax(cJSON_GetArrayItem(w, 2)->valuedouble, cJSON_GetArrayItem(w, 3)->valuedouble);
    return get(attrs, "groups")->valueint == 1 && get(attrs, "stride")->valueint == 1 && get(attrs, "dilation")->valueint == 1 &&
           side >= 3;
}

static void compare_operations(bool direct_only) {
    static const char *const keys[] = {"op", "attrs", "inputs", NULL};
    const cJSON *record;
    int index = 0, winograd = 0;
    exec.direct_only = direct_only;
    cJSON_ArrayForEach(record, get(cases, "operations")) {
        bool loose = !direct_only && may_use_winograd(record);
        double tolerance = loose ? 5e-4 : 1e-5;
        const char *op = get(record, "op")->valuestring;
        char what[128];
        cJSON *result = ask(nlg_reference_op, record, keys);
        snprintf(what, sizeof what, "case %d (%s): y", index, op);
        compare_tensor(what, get(record, "y"), get(result, "y"), tolerance);
        const cJSON *gradient;
        cJSON_ArrayForEach(gradient, get(record, "gradients")) {
            snprintf(what, sizeof what, "case %d (%s): gradient of %s", index, op, gradient->string);
            compare_tensor(what, gradient, get(get(result, "gradients"), gradient->string), tolerance);
        }
        const cJSON *running = cJSON_GetObjectItemCaseSensitive(record, "running_after"), *list;
        cJSON_ArrayForEach(list, running) {
            snprintf(what, sizeof what, "case %d (%s): running %s", index, op, list->string);
            compare_lists(what, list, get(get(result, "running_after"), list->string), tolerance);
        }
        cJSON_Delete(result);
        winograd += loose;
        index++;
    }
    assert_true(index >= 50);
    assert_true(direct_only || winograd > 0);
}

static void operations_in_the_usual_form(void **state) {
    (void)state;
    compare_operations(false);
}

static void operations_in_the_direct_form(void **state) {
    (void)state;
    compare_operations(true);
}

static void optimizers_take_the_same_steps(void **state) {
    static const char *const keys[] = {"optimizer", "attrs", NULL};
    const cJSON *record;
    int count = 0;
    (void)state;
    cJSON_ArrayForEach(record, get(cases, "optimizers")) {
        cJSON *result = ask(nlg_reference_optimizer, record, keys);
        const cJSON *want = get(record, "p_after_each_step"), *got = get(result, "p_after_each_step");
        assert_int_equal(cJSON_GetArraySize(want), cJSON_GetArraySize(got));
        for (int t = 0; t < cJSON_GetArraySize(want); t++)
            compare_lists(get(record, "optimizer")->valuestring, cJSON_GetArrayItem(want, t), cJSON_GetArrayItem(got, t), 1e-5);
        cJSON_Delete(result);
        count++;
    }
    assert_true(count >= 6);
}

/* Each ends with one line that names the fault. */
static void impossible_cases_are_refused(void **state) {
    static const struct {
        nlg_reference_kind *kind;
        const char *text, *names;
    } wrong[] = {
        {nlg_reference_op, "{\"op\":\"fold\",\"attrs\":{},\"inputs\":{\"x\":[1,2,3,3]}}", "fold"},
        {nlg_reference_op, "{\"op\":\"relu\",\"attrs\":{\"slope\":1},\"inputs\":{\"x\":[1,2,3,3]}}", "slope"},
        {nlg_reference_op, "{\"op\":\"relu\",\"attrs\":{},\"inputs\":{\"x\":[1,2,3,3]},\"extra\":1}", "extra"},
        {nlg_reference_op, "{\"op\":\"relu\",\"attrs\":{},\"inputs\":{\"x\":[1,0,3,3]}}", "x"},
        {nlg_reference_op, "{\"op\":\"relu\",\"attrs\":{},\"inputs\":{\"x\":[1,2,3]}}", "x"},
        {nlg_reference_op, "{\"op\":\"linear\",\"attrs\":{},\"inputs\":{\"x\":[3,37],\"w\":[11,36],\"b\":[11]}}", "w"},
        {nlg_reference_op, "{\"op\":\"maxpool\",\"attrs\":{\"kernel\":2,\"stride\":2,\"padding\":2},\"inputs\":{\"x\":[1,2,5,5]}}",
         "padding"},
        {nlg_reference_op, "{\"op\":\"avgpool\",\"attrs\":{\"kernel\":5,\"stride\":1,\"padding\":0},\"inputs\":{\"x\":[1,2,3,3]}}",
         "kernel"},
        {nlg_reference_op,
         "{\"op\":\"softmax_cross_entropy\",\"attrs\":{\"labels\":[2],\"label_smoothing\":0},\"inputs\":{\"x\":[1,2]}}", "label"},
        {nlg_reference_op,
         "{\"op\":\"batchnorm\",\"attrs\":{\"training\":true,\"momentum\":0.1,\"eps\":1e-5},"
         "\"inputs\":{\"x\":[1,2,1,1],\"weight\":[2],\"bias\":[2]}}",
         "batchnorm"},
        {nlg_reference_optimizer, "{\"optimizer\":\"sdg\",\"attrs\":{\"lr\":0.1}}", "sdg"},
        {nlg_reference_optimizer, "{\"optimizer\":\"sgd\",\"attrs\":{}}", "lr"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cJSON *in = cJSON_Parse(wrong[i].text), *out = cJSON_CreateObject();
        nlg_error err = {0};
        assert_non_null(in);
        if (wrong[i].kind(&exec, in, out, &err) != NLG_ERR_INPUT || !strstr(err.text, wrong[i].names) || strchr(err.text, '\n'))
            fail_msg("case %zu is not refused with a line that names %s: \"%s\"", i, wrong[i].names, err.text);
        cJSON_Delete(in);
        cJSON_Delete(out);
    }
}

static int start(void **state) {
    char *text = NULL;
    size_t size = 0;
    nlg_error err = {0};
    (void)state;
    if (nlg_file_read("tests/reference/ops.json", (size_t)1 << 20, &text, &size, &err) != NLG_OK) {
        print_error("%s\n", err.text);
        return -1;
    }
    cases = cJSON_ParseWithLength(text, size);
    nlg_free(text);
    exec = (nlg_exec){.team = nlg_team_create(2), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    return cases && exec.team ? 0 : -1;
}

static int stop(void **state) {
    (void)state;
    cJSON_Delete(cases);
    nlg_team_destroy(exec.team);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(operations_in_the_usual_form),
        cmocka_unit_test(operations_in_the_direct_form),
        cmocka_unit_test(optimizers_take_the_same_steps),
        cmocka_unit_test(impossible_cases_are_refused),
    };
    return cmocka_run_group_tests_name("oracle_ops", tests, start, stop);
}
