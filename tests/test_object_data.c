/* Data sets with objects: scenes, COCO's files, and how boxes follow augmentation. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "datasets/dataset.h"
#include "layers/base/memory.h"
#include "tests/made_files.h"

static nlg_dataset *opened(const char *name, const nlg_dataset_options *options) {
    nlg_dataset *d = NULL;
    nlg_error err = {0};
    if (nlg_dataset_open(name, options, &d, &err) != NLG_OK) fail_msg("%s", err.text);
    return d;
}

static void made_png_file(const char *folder, const char *name, int h, int w, const uint8_t *rgb) {
    enum { RGB = 2 }; /* libpng's colour type */
    made_bytes png = made_png_encode(&(made_png){.h = h, .w = w, .color_type = RGB, .bit_depth = 8}, rgb);
    made_file(folder, name, png.data, png.size);
    free(png.data);
}

/* ---- scenes ------------------------------------------------------------------------------------------------------------ */

enum { SIDE = 64, FLOATS = SIDE * SIDE * 3 };

/* Items whose class tells where they stand: 0 for the first five sixths of the training images, 1 for the rest, 2 for the test's.
 */
static char *made_items(void) {
    enum { ITEMS = 60 };
    char *folder = made_folder();
    static const char *const parts[] = {"train", "t10k"};
    for (int part = 0; part < 2; part++) {
        made_bytes images = made_idx_images(ITEMS, 28, 28), labels = made_idx_labels(ITEMS, 10);
        for (int i = 0; i < ITEMS; i++) labels.data[8 + i] = part ? 2 : i >= ITEMS - ITEMS / 6;
        for (size_t i = 16; i < images.size; i++) images.data[i] |= 64; /* nothing is background */
        char name[64];
        snprintf(name, sizeof name, "%s-images-idx3-ubyte", parts[part]);
        made_file(folder, name, images.data, images.size);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte", parts[part]);
        made_file(folder, name, labels.data, labels.size);
        free(images.data);
        free(labels.data);
    }
    return folder;
}

static void splits_of_scenes_share_no_item(void **state) {
    (void)state;
    char *folder = made_items();
    nlg_dataset *d = opened("scenes", &(nlg_dataset_options){.folder = folder, .image_size = SIDE, .validation = 20});
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->targets, NLG_TARGET_OBJECTS);
    assert_int_equal(info->validation, 20);
    static float image[FLOATS];
    for (int split = NLG_SPLIT_TRAIN; split <= NLG_SPLIT_TEST; split++)
        for (uint32_t i = 0; i < 20; i++) {
            nlg_target t;
            assert_int_equal(nlg_dataset_images(d, (nlg_split)split, &i, 1, NULL, 0, 0, image, &t, NULL), NLG_OK);
            assert_in_range(t.n_objects, 1, 8);
            for (int k = 0; k < t.n_objects; k++) {
                const nlg_object *o = &t.objects[k];
                assert_int_equal(o->label, split);
                assert_true(o->x > -1e-9 && o->y > -1e-9 && o->x + o->w < SIDE + 1e-9 && o->y + o->h < SIDE + 1e-9);
                assert_true(fabs(o->area - o->w * o->h) < 1e-9 && o->w > SIDE * 0.19);
            }
        }
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void scenes_depend_on_their_key_alone(void **state) {
    (void)state;
    char *folder = made_items();
    static float a[FLOATS], b[FLOATS];
    const uint32_t index = 3;
    nlg_target ta, tb;
    const nlg_dataset_options options = {.folder = folder, .image_size = SIDE, .split_seed = 5},
                              other = {.folder = folder, .image_size = SIDE};
    nlg_dataset *first = opened("scenes", &options), *again = opened("scenes", &options), *different = opened("scenes", &other);
    assert_int_equal(nlg_dataset_images(first, NLG_SPLIT_TRAIN, &index, 1, NULL, 0, 0, a, &ta, NULL), NLG_OK);
    assert_int_equal(nlg_dataset_images(again, NLG_SPLIT_TRAIN, &index, 1, NULL, 0, 0, b, &tb, NULL), NLG_OK);
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(ta.n_objects, tb.n_objects);
    assert_string_equal(nlg_dataset_describe(first)->digest, nlg_dataset_describe(again)->digest);
    assert_int_equal(nlg_dataset_images(different, NLG_SPLIT_TRAIN, &index, 1, NULL, 0, 0, b, &tb, NULL), NLG_OK);
    assert_memory_not_equal(a, b, sizeof a);
    assert_string_not_equal(nlg_dataset_describe(first)->digest, nlg_dataset_describe(different)->digest);
    nlg_dataset_close(first);
    nlg_dataset_close(again);
    nlg_dataset_close(different);
    nlg_error err = {0};
    assert_int_equal(nlg_dataset_open("scenes", &(nlg_dataset_options){.folder = folder, .image_size = 32}, &first, &err),
                     NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected images of 64 to 256 pixels, found 32"));
    made_folder_remove(folder);
}

/* Kept in memory or painted anew at each use, in training and in test. */
static void kept_scenes_are_those_painted_anew(void **state) {
    (void)state;
    enum { SCENES = 5, KEPT = 3 };
    char *folder = made_items();
    static float a[FLOATS], b[FLOATS];
    nlg_dataset_options options = {.folder = folder, .image_size = SIDE};
    nlg_dataset *all = opened("scenes", &options);
    options.cache_bytes = (size_t)KEPT * SIDE * SIDE * 3;
    nlg_dataset *some = opened("scenes", &options);
    options.cache_bytes = 1;
    nlg_dataset *none = opened("scenes", &options);
    nlg_dataset *const sets[] = {all, some};
    for (int i = 0; i < 2; i++) assert_int_equal(nlg_dataset_open_test(sets[i], NULL), NLG_OK);
    assert_int_equal(nlg_dataset_open_test(none, NULL), NLG_OK);
    for (int twice = 0; twice < 2; twice++)
        for (uint32_t i = 0; i < SCENES; i++)
            for (nlg_split split = NLG_SPLIT_TRAIN; split <= NLG_SPLIT_TEST; split++) {
                assert_int_equal(nlg_dataset_images(none, split, &i, 1, NULL, 0, 0, a, NULL, NULL), NLG_OK);
                for (int k = 0; k < 2; k++) {
                    assert_int_equal(nlg_dataset_images(sets[k], split, &i, 1, NULL, 0, 0, b, NULL, NULL), NLG_OK);
                    assert_memory_equal(a, b, sizeof a);
                }
            }
    nlg_dataset_close(all);
    nlg_dataset_close(some);
    nlg_dataset_close(none);
    made_folder_remove(folder);
}

/* An object on black is found by its pixels, wherever augmentation has moved it. */
static void boxes_follow_the_pixels(void **state) {
    (void)state;
    enum { H = 20, W = 30, PAD = 2, OUT_W = W + 2 * PAD, OUT_H = H + 2 * PAD };
    char *folder = made_folder();
    uint8_t rgb[H * W * 3] = {0};
    for (int y = 6; y < 11; y++)
        for (int x = 4; x < 15; x++) memset(rgb + (y * W + x) * 3, 255, 3);
    made_png_file(folder, "train1/a.png", H, W, rgb);
    static const char text[] =
        "{\"images\":[{\"id\":0,\"file_name\":\"a.png\",\"width\":30,\"height\":20},"
        "{\"id\":1,\"file_name\":\"a.png\",\"width\":30,\"height\":20}],"
        "\"annotations\":[{\"id\":0,\"image_id\":0,\"category_id\":7,\"bbox\":[4,6,11,5],\"area\":55,\"iscrowd\":0},"
        "{\"id\":1,\"image_id\":1,\"category_id\":7,\"bbox\":[4,6,11,5],\"area\":55,\"iscrowd\":0}],"
        "\"categories\":[{\"id\":7,\"name\":\"thing\"}]}";
    made_file(folder, "annotations/instances_train1.json", text, strlen(text));
    char name[600];
    snprintf(name, sizeof name, "coco:%s", folder);
    nlg_dataset *d = opened(name, &(nlg_dataset_options){.image_size = 60, .validation = 1, .mean = {0}, .std = {1, 1, 1}});
    static float image[64 * 64 * 3];
    const nlg_augmentation all = {.shift = 3, .flip = true, .pad = PAD, .raw = true};
    int flipped = 0;
    for (uint32_t epoch = 0; epoch < 12; epoch++) {
        const uint32_t zero = 0;
        nlg_target t;
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &zero, 1, &all, 1, epoch, image, &t, NULL), NLG_OK);
        assert_int_equal(t.w, 64);
        flipped += t.mirror > 0;
        double left = 64, right = 0, top = 64, bottom = 0;
        for (int y = 0; y < 64; y++)
            for (int x = 0; x < 64; x++) {
                if (image[(y * 64 + x) * 3] < 0.5f) continue;
                left = fmin(left, x), right = fmax(right, x + 1), top = fmin(top, y), bottom = fmax(bottom, y + 1);
            }
        const nlg_box b = nlg_target_box(&t, 0), back = nlg_target_box_in_file(&t, &b);
        assert_true(fabs(b.x1 - left) < 0.01 && fabs(b.x2 - right) < 0.01 && fabs(b.y1 - top) < 0.01 && fabs(b.y2 - bottom) < 0.01);
        assert_true(fabs(back.x1 - 4) < 1e-9 && fabs(back.y1 - 6) < 1e-9 && fabs(back.x2 - 15) < 1e-9 && fabs(back.y2 - 11) < 1e-9);
    }
    assert_in_range(flipped, 1, 11);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* ---- COCO's files ------------------------------------------------------------------------------------------------------ */

/* Gaps between ids, a crowd, a box beyond the image, an annotation of an image that is not listed and one of an unknown category,
 * an image without annotations, one whose file is missing. */
static const char instances[] =
    "{\"info\": {\"x\": \"a \\\"}]\\\" b\", \"n\": [1, {\"k\": []}, true]},\n"
    " \"annotations\": [\n"
    "  {\"segmentation\": [[1.5,2,3,4]], \"area\": 100, \"iscrowd\": 0, \"image_id\": 9, \"bbox\": [1,2,10,12], \"category_id\": "
    "90, \"id\": 0},\n"
    "  {\"segmentation\": {\"counts\": [1,2], \"size\": [3,4]}, \"area\": 30, \"iscrowd\": 1, \"image_id\": 9, \"bbox\": "
    "[0,0,5,6], \"category_id\": 2, \"id\": 5},\n"
    "  {\"image_id\": 4, \"bbox\": [20,10,30,30], \"category_id\": 13, \"id\": 6, \"area\": 900, \"segmentation\": []},\n"
    "  {\"image_id\": 77, \"bbox\": [20,10,30,30], \"category_id\": 13, \"id\": 7},\n"
    "  {\"image_id\": 4, \"bbox\": [2,1,3,3], \"category_id\": 3, \"id\": 8}],\n"
    " \"images\": [{\"id\": 9, \"file_name\": \"b.png\", \"width\": 24, \"height\": 16}, {\"file_name\": \"a.png\", \"height\": "
    "16, \"width\": 24, \"id\": 4},\n"
    "  {\"id\": 11, \"file_name\": \"a.png\", \"width\": 24, \"height\": 16}, {\"id\": 12, \"file_name\": \"gone.png\", \"width\": "
    "24, \"height\": 16}],\n"
    " \"licenses\": null,\n"
    " \"categories\": [{\"id\": 90, \"name\": \"toothbrush\"}, {\"id\": 2, \"name\": \"bicycle\"}, {\"name\": \"sign\", \"id\": "
    "13}]}\n";

static char *made_coco(const char *text, size_t size) {
    char *folder = made_folder();
    uint8_t rgb[16 * 24 * 3];
    memset(rgb, 99, sizeof rgb);
    made_png_file(folder, "images/val2017/a.png", 16, 24, rgb);
    made_png_file(folder, "images/val2017/b.png", 16, 24, rgb);
    made_file(folder, "annotations/instances_val2017.json", text, size);
    return folder;
}

static nlg_status open_test(const char *folder, const nlg_dataset_options *options, nlg_dataset **d, nlg_error *err) {
    char name[600];
    snprintf(name, sizeof name, "coco:%s", folder);
    nlg_status status = nlg_dataset_open(name, options, d, err);
    if (status != NLG_OK) return status;
    status = nlg_dataset_open_test(*d, err);
    if (status != NLG_OK) nlg_dataset_close(*d);
    return status;
}

static void coco_files_are_read_as_they_are_meant(void **state) {
    (void)state;
    char *folder = made_coco(instances, sizeof instances - 1);
    nlg_dataset *d = NULL;
    nlg_error err = {0};
    if (open_test(folder, &(nlg_dataset_options){.image_size = 48}, &d, &err) != NLG_OK) fail_msg("%s", err.text);
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->train, 0);
    assert_int_equal(info->test, 3);
    assert_int_equal(info->classes, 3);
    assert_string_equal(info->class_names[0], "bicycle");
    assert_string_equal(info->class_names[2], "toothbrush");
    assert_int_equal(info->skipped, 3);
    assert_non_null(strstr(info->skipped_files[0], "gone.png"));
    assert_non_null(strstr(info->skipped_files[1], "1 annotations of images that are not there"));
    assert_non_null(strstr(info->skipped_files[2], "1 annotations of categories that it does not list"));
    static float image[48 * 48 * 3];
    nlg_target t[3];
    for (uint32_t i = 0; i < 3; i++) /* in the order of ids: 4, 9, 11 */
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TEST, &i, 1, NULL, 0, 0, image, &t[i], NULL), NLG_OK);
    assert_int_equal(t[0].n_objects, 1);
    assert_int_equal(t[0].objects[0].label, 1);
    assert_true(t[0].objects[0].w == 30 && t[0].objects[0].area == 900);
    const nlg_box cut = nlg_target_box(&t[0], 0);
    assert_true(cut.x1 == 40 && cut.y1 == 20 && cut.x2 == 48 && cut.y2 == 48);
    assert_int_equal(t[1].n_objects, 2);
    assert_true(t[1].objects[1].crowd && !t[1].objects[0].crowd && t[1].objects[0].label == 2);
    assert_int_equal(t[2].n_objects, 0);
    nlg_dataset_close(d);

    if (open_test(folder, &(nlg_dataset_options){.image_size = 48, .category_ids = true}, &d, &err) != NLG_OK)
        fail_msg("%s", err.text);
    assert_int_equal(nlg_dataset_describe(d)->classes, 91);
    assert_string_equal(nlg_dataset_describe(d)->class_names[13], "sign");
    nlg_dataset_close(d);
    assert_int_equal(open_test(folder, &(nlg_dataset_options){.image_size = 48, .strict = true}, &d, &err), NLG_ERR_IO);
    made_folder_remove(folder);
}

static void damaged_coco_files_are_refused(void **state) {
    (void)state;
    nlg_dataset *d = NULL;
    for (size_t size = 1; size < sizeof instances - 3; size += 7) { /* cut anywhere */
        char *folder = made_coco(instances, size);
        nlg_error err = {0};
        if (open_test(folder, &(nlg_dataset_options){.image_size = 48}, &d, &err) != NLG_ERR_INPUT)
            fail_msg("cut at %zu: %s", size, err.text);
        assert_non_null(strstr(err.text, "instances_val2017.json"));
        assert_null(strchr(err.text, '\n'));
        made_folder_remove(folder);
    }
    static const struct {
        const char *find, *put, *says;
    } cases[] = {
        {"\"bbox\": [1,2,10,12]", "\"bbox\": [1,2,\"x\",1]", "annotation 0"},
        {"\"bbox\": [1,2,10,12]", "\"bbox\": [1,2,3]    ", "annotation 0"},
        {"\"id\": 9, ", "\"id\": 11,", "two images have the id 11"},
        {"\"id\": 2,", "\"id\":90,", "two categories have the id 90"},
        {"\"categories\"", "\"categorie5\"", "found no \"categories\""},
        {"\"width\": 24, \"height\": 16}, {\"file", "\"width\": 0 , \"height\": 16}, {\"file", "image 0"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = strdup(instances), *at = strstr(text, cases[i].find);
        assert_non_null(at);
        memcpy(at, cases[i].put, strlen(cases[i].put));
        char *folder = made_coco(text, strlen(text));
        nlg_error err = {0};
        assert_int_equal(open_test(folder, &(nlg_dataset_options){.image_size = 48}, &d, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, cases[i].says)) fail_msg("'%s' does not say %s", err.text, cases[i].says);
        made_folder_remove(folder);
        free(text);
    }
    char *folder = made_folder();
    nlg_error err = {0};
    assert_int_equal(open_test(folder, NULL, &d, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "expected annotations/instances_train*.json"));
    made_folder_remove(folder);
}

/* Every allocation of opening and reading may fail. */
static void a_lack_of_memory_is_reported(void **state) {
    (void)state;
    char *folder = made_coco(instances, sizeof instances - 1);
    static float image[48 * 48 * 3];
    const uint32_t zero = 0;
    nlg_target t;
    bool done = false;
    int failures = 0;
    for (long n = 0; !done; n++) {
        nlg_dataset *d = NULL;
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = open_test(folder, &(nlg_dataset_options){.image_size = 48}, &d, &err);
        const bool opened_it = status == NLG_OK;
        if (status == NLG_OK) status = nlg_dataset_images(d, NLG_SPLIT_TEST, &zero, 1, NULL, 0, 0, image, &t, &err);
        nlg_alloc_fail_after(-1);
        if (status != NLG_OK && status != NLG_ERR_MEMORY) fail_msg("allocation %ld: %s", n, err.text);
        if (opened_it) nlg_dataset_close(d);
        done = status == NLG_OK;
        failures += !done;
    }
    assert_true(failures > 20);
    made_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_of_scenes_share_no_item),        cmocka_unit_test(scenes_depend_on_their_key_alone),
        cmocka_unit_test(kept_scenes_are_those_painted_anew),    cmocka_unit_test(boxes_follow_the_pixels),
        cmocka_unit_test(coco_files_are_read_as_they_are_meant), cmocka_unit_test(damaged_coco_files_are_refused),
        cmocka_unit_test(a_lack_of_memory_is_reported),
    };
    return cmocka_run_group_tests_name("object_data", tests, NULL, NULL);
}
