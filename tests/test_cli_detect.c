/* Detection as a user runs it: train, continue, evaluate, find, show. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datasets/image.h"
#include "tests/made_files.h"
#include "tests/program.h"

#define TRAIN                                                                                                                      \
    "lineage train retinanet_tiny --data scenes --train-images 8 --validation-images 8 --batch 4 --schedule constant --json "

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

static void a_detector_is_trained_continued_and_evaluated(void **state) {
    (void)state;
    cJSON *whole = run_json(TRAIN "--epochs 2 --threads 1");
    run_good(TRAIN "--epochs 1 --checkpoint $D/d.safetensors");
    cJSON *continued = run_json(TRAIN "--epochs 2 --checkpoint $D/d.safetensors --threads 2");
    assert_string_equal(json_text(whole, "digest"), json_text(continued, "digest"));
    json_has_exactly(cJSON_GetArrayItem(cJSON_GetObjectItem(whole, "epochs"), 0), "loss val_ap seconds");
    assert_true(json_number(whole, "val_ap") == json_number(continued, "val_ap"));
    cJSON *eval = run_json("lineage eval retinanet_tiny --weights $D/d.safetensors --data scenes --validation-images 8 --json");
    assert_true(json_number(eval, "ap") == json_number(whole, "val_ap"));
    assert_true(json_number(eval, "images") == 8);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(eval, "ap_large"))); /* nothing is that large on 64 pixels */
    run_refused("expected 0 (the end) to 0, found 1",
                "lineage eval retinanet_tiny --weights $D/d.safetensors --data scenes --exit 1");
    cJSON_Delete(whole);
    cJSON_Delete(continued);
    cJSON_Delete(eval);

    run_good("lineage data show scenes --images 2 --out $D/sheet.png");
    cJSON *found = run_json("lineage detect retinanet_tiny $D/sheet.png --weights $D/d.safetensors --threshold 0.001 --most 5 "
                            "--out $D/boxed.png --json");
    json_has_exactly(found, "model file width height detections");
    const cJSON *list = cJSON_GetObjectItem(found, "detections");
    assert_int_equal(cJSON_GetArraySize(list), 5);
    double last = 1;
    for (int i = 0; i < 5; i++) {
        const cJSON *row = cJSON_GetArrayItem(list, i), *box = cJSON_GetObjectItem(row, "bbox");
        json_has_exactly(row, "class name score bbox");
        assert_true(json_number(row, "score") <= last && json_number(row, "score") >= 0.001);
        last = json_number(row, "score");
        assert_true(strlen(json_text(row, "name")) > 2); /* the file knows its classes */
        double v[4];
        for (int k = 0; k < 4; k++) v[k] = cJSON_GetArrayItem(box, k)->valuedouble;
        assert_true(v[0] >= 0 && v[1] >= 0 && v[2] > 0 && v[3] > 0 && v[0] + v[2] <= json_number(found, "width") + 1e-9 &&
                    v[1] + v[3] <= json_number(found, "height") + 1e-9);
    }
    cJSON_Delete(found);
    nlg_image image;
    char path[1024];
    snprintf(path, sizeof path, "%s/boxed.png", getenv("D"));
    assert_int_equal(nlg_image_read(path, &image, NULL), NLG_OK);
    assert_true(image.w > 400);
    nlg_image_release(&image);
}

/* A file of any number of classes is written anew, continued on other classes and detected with. */
static void detectors_of_other_classes_are_exported(void **state) {
    (void)state;
    char digest[2][80];
    run_good("lineage export retinanet_tiny $D/seven.safetensors --classes 7 --seed 3");
    for (int i = 0; i < 2; i++) {
        const program_result r = run_good(i ? "lineage export retinanet_tiny $D/again.safetensors --weights $D/seven.safetensors"
                                            : "lineage export retinanet_tiny $D/fresh.safetensors --classes 7 --seed 3");
        const char *at = strstr(r.out, "digest ");
        assert_non_null(at);
        snprintf(digest[i], sizeof digest[i], "%.64s", at + 7);
    }
    assert_string_equal(digest[0], digest[1]);
    run_good("lineage data show scenes --images 1 --out $D/sheet.png");
    cJSON *found = run_json("lineage detect retinanet_tiny $D/sheet.png --weights $D/seven.safetensors --threshold 0.001 --json");
    const cJSON *row;
    cJSON_ArrayForEach(row, cJSON_GetObjectItem(found, "detections")) assert_in_range(json_number(row, "class"), 0, 6);
    cJSON_Delete(found);
    const program_result r = run_good(TRAIN "--epochs 1 --weights $D/seven.safetensors");
    assert_non_null(strstr(r.err, "has 7 outputs, scenes has 10 classes: layer head.classification_head.cls_logits is new"));
}

static void wrong_use_is_one_line(void **state) {
    (void)state;
    run_refused("--weights FILE is required", "lineage detect retinanet_tiny $D/none.png");
    run_refused("none.safetensors", "lineage detect retinanet_tiny $D/none.png --weights $D/none.safetensors");
    run_refused("expected a detector", "lineage train resnet8_small --data scenes --train-images 8 --batch 8 --epochs 1");
    run_refused("expected images of 64 to 256 pixels", "lineage data show scenes --image-size 20 --out $D/x.png");
    run_refused("expected annotations/instances_train*.json", "lineage train retinanet_tiny --data coco:$D --epochs 1");
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_detector_is_trained_continued_and_evaluated, enter, leave),
        cmocka_unit_test_setup_teardown(detectors_of_other_classes_are_exported, enter, leave),
        cmocka_unit_test_setup_teardown(wrong_use_is_one_line, enter, leave),
    };
    (void)argc;
    program_find(argv[0]);
    return cmocka_run_group_tests_name("cli_detect", tests, NULL, NULL);
}
