/* layers/base/json: exact numbers, text that is always UTF-8, no document without a member where memory is short. */
#include "layers/base/json.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/base/rng.h"

static void numbers_have_the_fewest_digits_that_are_exact(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {{0.05, "0.05"},
                 {0.1 + 0.2, "0.30000000000000004"},
                 {1 - 0.855, "0.14500000000000002"},
                 {-0.0, "0"},
                 {25557032, "25557032"},
                 {9007199254740991, "9007199254740991"},
                 {1e-7, "1e-07"},
                 {5e-324, "4.94065645841247e-324"},
                 {0.3333333333333333, "0.333333333333333"}};
    char text[32];
    for (size_t i = 0; i + 1 < sizeof cases / sizeof *cases; i++)
        assert_string_equal(nlg_number_text(cases[i].value, text), cases[i].text);
    for (uint32_t i = 0; i < 20000; i++) {
        const double value = ldexp(1 + nlg_rng_uniform(nlg_rng_seed(7), i), (int)(i % 200) - 100);
        assert_true(strtod(nlg_number_text(value, text), NULL) == value);
    }
}

/* cJSON's own printer writes 0.3 for this value. */
static void a_document_keeps_the_exact_value(void **state) {
    (void)state;
    cJSON *document = cJSON_CreateObject(), *again;
    cJSON_AddNumberToObject(document, "a", 0.1 + 0.2);
    cJSON_AddNumberToObject(document, "b", (double)NAN);
    char *text;
    assert_int_equal(nlg_json_write(document, false, &text, NULL), NLG_OK);
    assert_string_equal(text, "{\"a\":0.30000000000000004,\"b\":null}");
    assert_true(cJSON_IsNumber(cJSON_GetObjectItem(document, "a"))); /* the document itself stays as it was */
    assert_int_equal(nlg_json_read(text, strlen(text), "text", &again, NULL), NLG_OK);
    assert_true(cJSON_GetObjectItem(again, "a")->valuedouble == 0.1 + 0.2);
    nlg_free(text);
    cJSON_Delete(document);
    cJSON_Delete(again);
}

static void bytes_that_are_not_utf8_are_replaced(void **state) {
    (void)state;
    static const struct {
        const char *in, *out;
    } cases[] = {{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x99\x82"},
                 {"a\xffz", "a\xef\xbf\xbdz"},
                 {"\xc3", "\xef\xbf\xbd"},
                 {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong */
                 {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* a surrogate */
                 {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text, want[64] = "[\"";
        cJSON *array = cJSON_CreateArray();
        cJSON_AddItemToArray(array, cJSON_CreateString(cases[i].in));
        assert_int_equal(nlg_json_finish(array, false, &text, NULL), NLG_OK);
        strcat(strcat(want, cases[i].out), "\"]");
        assert_string_equal(text, want);
        nlg_free(text);
    }
}

static void only_whole_documents_are_read(void **state) {
    (void)state;
    static const char *const bad[] = {"", "{", "{} x", "[1,]", "{}{}", "{\"a\":1}\n\n]"};
    cJSON *document;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nlg_error err = {0};
        assert_int_equal(nlg_json_read(bad[i], strlen(bad[i]), "f.json", &document, &err), NLG_ERR_INPUT);
        assert_null(document);
        assert_non_null(strstr(err.text, i == 5 ? "f.json: line 3: " : "f.json: line 1: "));
    }
    assert_int_equal(nlg_json_read("{}\0x", 4, "f.json", &document, NULL), NLG_ERR_INPUT);
    assert_int_equal(nlg_json_read(" [] \n", 5, "f.json", &document, NULL), NLG_OK);
    cJSON_Delete(document);
    assert_int_equal(nlg_json_read("[]garbage", 2, "header", &document, NULL), NLG_OK); /* behind the length */
    cJSON_Delete(document);
}

static nlg_status write_something(char **text, nlg_error *err) {
    cJSON *document = cJSON_CreateObject(), *rows = cJSON_AddArrayToObject(document, "rows");
    for (int i = 0; i < 3; i++) {
        cJSON *row = nlg_json_object_in(rows);
        nlg_json_text(row, "name", "n\xff");
        nlg_json_number(row, "value", i / 3.0);
        cJSON_AddBoolToObject(row, "even", i % 2 == 0);
    }
    return nlg_json_finish(document, true, text, err);
}

static void no_failed_allocation_is_lost(void **state) {
    (void)state;
    char *whole, *text;
    assert_int_equal(write_something(&whole, NULL), NLG_OK);
    int failed = 0;
    for (int n = 0;; n++) {
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = write_something(&text, &err);
        nlg_alloc_fail_after(-1);
        if (status == NLG_OK) {
            assert_string_equal(text, whole);
            nlg_free(text);
            break;
        }
        assert_int_equal(status, NLG_ERR_MEMORY);
        assert_null(text);
        failed++;
    }
    assert_true(failed > 40); /* one for each block of the document at least */
    cJSON *document;
    for (int n = 0; n < 10; n++) {
        nlg_alloc_fail_after(n);
        nlg_status status = nlg_json_read(whole, strlen(whole), "text", &document, NULL);
        nlg_alloc_fail_after(-1);
        assert_int_equal(status, NLG_ERR_MEMORY); /* not: "not valid JSON" */
    }
    nlg_free(whole);
}

static void a_member_that_is_replaced_keeps_its_name(void **state) {
    (void)state;
    int failed = 0;
    for (bool done = false; !done; failed += !done) {
        cJSON *object = cJSON_CreateObject();
        assert_true(nlg_json_set(object, "rate", cJSON_CreateNumber(1)) && nlg_json_set(object, "epochs", cJSON_CreateNumber(2)));
        nlg_alloc_fail_after(failed);
        done = nlg_json_set(object, "rate", cJSON_CreateNumber(3));
        nlg_alloc_fail_after(-1);
        for (const cJSON *member = object->child; member; member = member->next) assert_non_null(member->string);
        const cJSON *rate = cJSON_GetObjectItem(object, "rate");
        assert_true(!done || (rate && rate->valuedouble == 3));
        assert_true(done || !rate || rate->valuedouble == 1);
        assert_int_equal(cJSON_GetArraySize(object), rate ? 2 : 1);
        cJSON_Delete(object);
    }
    assert_int_equal(failed, 2); /* the number, its name */
    cJSON *document;
    (void)nlg_json_read("0", 1, "text", &document, NULL); /* takes the note of the failures away */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_have_the_fewest_digits_that_are_exact),
        cmocka_unit_test(a_document_keeps_the_exact_value),
        cmocka_unit_test(bytes_that_are_not_utf8_are_replaced),
        cmocka_unit_test(only_whole_documents_are_read),
        cmocka_unit_test(no_failed_allocation_is_lost),
        cmocka_unit_test(a_member_that_is_replaced_keeps_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
