/* coco_scores: equal to pycocotools, and the cases in which a score is known without it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cjson/cJSON.h>
#include <cmocka.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "tests/oracle/reference.h"
#include "train/coco_scores.h"

enum { TEXT_BYTES = 1 << 20 };

/* As build/reference answers. */
static cJSON *ask(const cJSON *question) {
    cJSON *answer = cJSON_CreateObject();
    nlg_error err = {0};
    if (nlg_reference_coco(NULL, question, answer, &err) != NLG_OK) fail_msg("%s", err.text);
    return answer;
}

static void scores_are_those_of_pycocotools(void **state) {
    (void)state;
    char *text = NULL;
    size_t size = 0;
    assert_int_equal(nlg_file_read("tests/reference/coco.json", TEXT_BYTES, &text, &size, NULL), NLG_OK);
    cJSON *file = cJSON_ParseWithLength(text, size), *c;
    assert_non_null(file);
    nlg_free(text);
    int number = 0;
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(file, "cases")) {
        cJSON *wanted = cJSON_DetachItemFromObject(c, "scores"), *answer = ask(c);
        const cJSON *found = cJSON_GetObjectItem(answer, "scores");
        assert_int_equal(cJSON_GetArraySize(found), NLG_COCO_SCORES);
        for (int i = 0; i < NLG_COCO_SCORES; i++) {
            const double is = cJSON_GetArrayItem(found, i)->valuedouble, should = cJSON_GetArrayItem(wanted, i)->valuedouble;
            if (fabs(is - should) > 1e-6) fail_msg("case %d, %s: %.9f, expected %.9f", number, nlg_coco_score_names[i], is, should);
        }
        cJSON_Delete(answer);
        cJSON_Delete(wanted);
        number++;
    }
    assert_int_equal(number, 7);
    cJSON_Delete(file);
}

/* ---- known without it -------------------------------------------------------------------------------------------------- */

typedef struct scored {
    double value[NLG_COCO_SCORES];
    int64_t stray;
} scored;

static scored score(const nlg_object *objects, int n_objects, const nlg_detection *detections, int n_detections) {
    nlg_coco *coco = NULL;
    scored s;
    assert_int_equal(nlg_coco_create(3, &coco, NULL), NLG_OK);
    assert_int_equal(nlg_coco_add(coco, objects, n_objects, detections, n_detections, NULL), NLG_OK);
    assert_int_equal(nlg_coco_finish(coco, s.value, &s.stray, NULL), NLG_OK);
    nlg_coco_destroy(coco);
    return s;
}

/* Ground truth as detections gives 1; cocodataset/cocoapi#672: also with ids from 0. */
static void ground_truth_scores_one(void **state) {
    (void)state;
    const char *const text = "{\"images\":2,\"categories\":[0,1],\"annotations\":["
                             "{\"id\":0,\"image_id\":0,\"category_id\":0,\"bbox\":[10,10,20,20],\"area\":400,\"iscrowd\":0},"
                             "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[30,5,50,60],\"area\":3000,\"iscrowd\":0},"
                             "{\"id\":2,\"image_id\":1,\"category_id\":1,\"bbox\":[100,90,200,150],\"area\":30000,\"iscrowd\":0}],"
                             "\"detections\":["
                             "{\"image_id\":0,\"category_id\":0,\"bbox\":[10,10,20,20],\"score\":0.5},"
                             "{\"image_id\":1,\"category_id\":1,\"bbox\":[30,5,50,60],\"score\":0.9},"
                             "{\"image_id\":1,\"category_id\":1,\"bbox\":[100,90,200,150],\"score\":0.8}]}";
    cJSON *c = cJSON_Parse(text), *answer = ask(c);
    const cJSON *scores = cJSON_GetObjectItem(answer, "scores");
    for (int i = 0; i < NLG_COCO_SCORES; i++)
        if (strcmp(nlg_coco_score_names[i], "ar1") != 0) /* two objects of one class in an image */
            assert_true(fabs(cJSON_GetArrayItem(scores, i)->valuedouble - 1) < 1e-12);
    assert_null(cJSON_GetObjectItem(answer, "detections_without_ground_truth"));
    cJSON_Delete(answer);
    cJSON_Delete(c);
}

/* cocodataset/cocoapi#55: a false alarm in a class without ground truth shows in no score, but is counted. #546: nothing of a
 * size gives no score. */
static void what_no_score_shows_is_counted(void **state) {
    (void)state;
    const nlg_object one = {.x = 10, .y = 10, .w = 50, .h = 50, .area = 2500, .label = 1};
    const nlg_detection two[] = {{10, 10, 50, 50, 0.9, 1}, {100, 100, 50, 50, 0.95, 2}};
    const scored s = score(&one, 1, two, 2);
    assert_true(s.value[0] > 1 - 1e-12);
    assert_int_equal(s.stray, 1);
    assert_true(isnan(s.value[3]) && isnan(s.value[5]) && isnan(s.value[9]) && isnan(s.value[11]));
    assert_true(s.value[4] > 1 - 1e-12);
}

/* A crowd takes any number of detections, is never missed, and a class that has only crowds has no score. */
static void crowds_take_no_part(void **state) {
    (void)state;
    const nlg_object objects[] = {{.x = 0, .y = 0, .w = 200, .h = 200, .area = 40000, .label = 0, .crowd = true},
                                  {.x = 300, .y = 300, .w = 50, .h = 50, .area = 2500, .label = 0}};
    const nlg_detection found[] = {{10, 10, 50, 50, 0.9, 0}, {20, 20, 60, 50, 0.8, 0}, {300, 300, 50, 50, 0.7, 0}};
    assert_true(score(objects, 2, found, 3).value[0] > 1 - 1e-12);
    assert_true(isnan(score(objects, 1, found, 2).value[0]));
    assert_int_equal(score(objects, 1, found, 2).stray, 0);
}

static void half_an_overlap_is_a_hit_at_50_only(void **state) {
    (void)state;
    const nlg_object one = {.x = 0, .y = 0, .w = 100, .h = 100, .area = 10000, .label = 0};
    const nlg_detection half = {0, 0, 50, 100, 0.9, 0};
    const scored s = score(&one, 1, &half, 1);
    assert_true(s.value[1] > 1 - 1e-12 && s.value[2] < 1e-12);
    assert_true(fabs(s.value[0] - 0.1) < 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_are_those_of_pycocotools),     cmocka_unit_test(ground_truth_scores_one),
        cmocka_unit_test(what_no_score_shows_is_counted),      cmocka_unit_test(crowds_take_no_part),
        cmocka_unit_test(half_an_overlap_is_a_hit_at_50_only),
    };
    return cmocka_run_group_tests_name("coco", tests, NULL, NULL);
}
