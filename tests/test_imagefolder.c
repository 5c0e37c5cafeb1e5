/* Folders of images: layouts, classes, sizes, broken files, the cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "datasets/dataset.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "tests/made_files.h"

/* Opens imagefolder:FOLDER, then the test split if asked. */
static nlg_status try_open(const char *folder, const nlg_dataset_options *options, bool test, nlg_dataset **d, nlg_error *err) {
    char name[1100];
    snprintf(name, sizeof name, "imagefolder:%s", folder);
    nlg_status status = nlg_dataset_open(name, options, d, err);
    if (status == NLG_OK && test) status = nlg_dataset_open_test(*d, err);
    return status;
}

static nlg_dataset *opened(const char *folder, const nlg_dataset_options *options, bool test) {
    nlg_dataset *d;
    nlg_error err = {0};
    if (try_open(folder, options, test, &d, &err) != NLG_OK) fail_msg("%s", err.text);
    return d;
}

static void refused(const char *folder, const nlg_dataset_options *options, bool test, nlg_status expected, const char *part) {
    nlg_dataset *d;
    nlg_error err = {0};
    nlg_status status = try_open(folder, options, test, &d, &err);
    if (status != expected) fail_msg("%s: expected status %d, found %d: %s", part, expected, status, err.text);
    if (!strstr(err.text, part)) fail_msg("expected \"%s\" in: %s", part, err.text);
    nlg_dataset_close(d);
}

/* The first pixel's bytes of image i and its label. */
static int first_pixel(const nlg_dataset *d, nlg_split split, uint32_t i, int rgb[3]) {
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    float *image = malloc((size_t)info->h * (size_t)info->w * 3 * sizeof *image);
    nlg_target target = {0};
    nlg_error err = {0};
    if (nlg_dataset_images(d, split, &i, 1, &(nlg_augmentation){.raw = true}, 0, 0, image, &target, &err) != NLG_OK)
        fail_msg("%s", err.text);
    for (int c = 0; c < 3; c++) rgb[c] = (int)(image[c] * 255.0f + 0.5f);
    free(image);
    return target.label;
}

/* Two classes of three PNG files, gray level 10 * (label + 1) + number; the same below `part`, shifted by `shift`. */
static void make_classes(const char *folder, const char *part, int shift) {
    static const char *const names[2] = {"ant", "bee"};
    for (int label = 0; label < 2; label++)
        for (int i = 0; i < 3; i++) {
            char name[64];
            snprintf(name, sizeof name, "%s/%s/%d.png", part, names[label], i);
            uint8_t gray = (uint8_t)(10 * (label + 1) + i + shift);
            made_image_file(folder, name, 4, 5, gray, gray, gray);
        }
}

static void train_and_val_as_imagenet(void **state) {
    (void)state;
    char *folder = made_folder();
    make_classes(folder, "train", 0);
    nlg_dataset *d = opened(folder, &(nlg_dataset_options){.validation = 2, .file_order = true}, false); /* no test folder yet */
    nlg_error err = {0};
    assert_int_equal(nlg_dataset_open_test(d, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "expected a folder test or val beside train"));
    make_classes(folder, "val", 100);
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->classes, 2);
    assert_string_equal(info->class_names[0], "ant");
    assert_string_equal(info->class_names[1], "bee");
    assert_int_equal(info->h, 4);
    assert_int_equal(info->w, 5);
    assert_int_equal(info->train, 4);
    assert_int_equal(info->validation, 2);
    assert_int_equal(info->test, 6);
    assert_float_equal(info->mean[1], 16.0 / 255, 1e-6);
    for (uint32_t i = 0; i < 6; i++) {
        int rgb[3], label = (int)i / 3;
        assert_int_equal(first_pixel(d, i < 4 ? NLG_SPLIT_TRAIN : NLG_SPLIT_VALIDATION, i < 4 ? i : i - 4, rgb), label);
        assert_int_equal(rgb[0], 10 * (label + 1) + (int)i % 3);
        assert_int_equal(first_pixel(d, NLG_SPLIT_TEST, i, rgb), label);
        assert_int_equal(rgb[2], 110 + 10 * label + (int)i % 3);
    }
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void three_folders_are_three_splits(void **state) {
    (void)state;
    char *folder = made_folder(), *copy = made_folder();
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 50);
    make_classes(folder, "test", 100);
    nlg_dataset *d = opened(folder, NULL, true);
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->train, 6);
    assert_int_equal(info->validation, 6);
    assert_int_equal(info->test, 6);
    for (uint32_t i = 0; i < 6; i++) {
        int rgb[3];
        assert_int_equal(first_pixel(d, NLG_SPLIT_VALIDATION, i, rgb), i / 3);
        assert_true(rgb[0] >= 60 && rgb[0] < 100);
        first_pixel(d, NLG_SPLIT_TRAIN, i, rgb);
        assert_true(rgb[0] < 50);
        first_pixel(d, NLG_SPLIT_TEST, i, rgb);
        assert_true(rgb[0] >= 110);
    }
    char digest[65];
    snprintf(digest, sizeof digest, "%s", info->digest);
    nlg_dataset_close(d);
    make_classes(copy, "train", 0);
    make_classes(copy, "val", 50);
    make_classes(copy, "test", 7);
    d = opened(copy, NULL, false); /* the digest is that of the files, wherever they are */
    assert_string_equal(nlg_dataset_describe(d)->digest, digest);
    nlg_dataset_close(d);
    made_image_file(copy, "val/bee/2.png", 4, 5, 0, 0, 0);
    d = opened(copy, NULL, false);
    assert_string_not_equal(nlg_dataset_describe(d)->digest, digest);
    nlg_dataset_close(d);
    made_folder_remove(folder);
    made_folder_remove(copy);
}

/* Without train: val alone, or class folders in the folder itself. All is test; normalisation is ImageNet's or as asked. */
static void folders_for_evaluation_alone(void **state) {
    (void)state;
    for (int flat = 0; flat < 2; flat++) {
        char *folder = made_folder();
        make_classes(folder, flat ? "." : "val", 3);
        made_image_file(folder, flat ? "bee/deeper/still/x.JPEG" : "val/bee/deeper/still/x.JPEG", 4, 5, 90, 90, 90);
        made_file(folder, flat ? "ant/notes.txt" : "val/ant/notes.txt", "no image", 8);
        made_file(folder, flat ? ".cache/x.png" : "val/.cache/x.png", "no class", 8);
        nlg_dataset *d = opened(folder, NULL, false);
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->train + info->validation + info->test, 0);
        assert_int_equal(info->classes, 2);
        assert_string_equal(info->digest, "");
        assert_float_equal(info->mean[0], 0.485, 1e-6);
        assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
        assert_int_equal(info->test, 7);
        assert_int_equal(info->skipped, 0);
        assert_int_equal(info->h, 4);
        int rgb[3];
        assert_int_equal(first_pixel(d, NLG_SPLIT_TEST, 6, rgb), 1);
        assert_true(abs(rgb[0] - 90) < 3);
        nlg_dataset_close(d);
        d = opened(folder, &(nlg_dataset_options){.mean = {0.5f, 0.5f, 0.5f}, .std = {0.25f, 0.5f, 1.0f}}, true);
        float image[4 * 5 * 3];
        const uint32_t zero = 0;
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TEST, &zero, 1, NULL, 0, 0, image, NULL, NULL), NLG_OK);
        for (int c = 0; c < 3; c++)
            assert_float_equal(image[c], (13.0f / 255 - 0.5f) / (c == 0 ? 0.25f : c == 1 ? 0.5f : 1.0f), 1e-6f);
        nlg_dataset_close(d);
        made_folder_remove(folder);
    }
}

/* 80 images of several sizes: resized as by nlg_image_prepare, the same bits from the cache and without it. */
static void images_are_resized_and_cropped(void **state) {
    (void)state;
    enum { CROP = 12, RESIZE = 15, FILES = 80 };
    char *folder = made_folder();
    for (int i = 0; i < FILES; i++) {
        int h = 20 + i % 7, w = 30 - i % 5;
        uint8_t pixels[30 * 30 * 3];
        for (int p = 0; p < h * w * 3; p++) pixels[p] = made_pixel((size_t)i, (size_t)p / 9);
        made_bytes file = made_jpeg_encode(&(made_jpeg){.h = h, .w = w, .components = 3}, pixels);
        char name[64];
        snprintf(name, sizeof name, "train/c%d/%03d.jpg", i % 3, i);
        made_file(folder, name, file.data, file.size);
        free(file.data);
    }
    nlg_dataset_options options = {
        .image_size = CROP, .resize = RESIZE, .filter = NLG_FILTER_BICUBIC, .file_order = true, .validation = 1};
    nlg_dataset *cached = opened(folder, &options, false);
    options.cache_bytes = 1;
    nlg_dataset *streamed = opened(folder, &options, false);
    const nlg_dataset_info *info = nlg_dataset_describe(cached), *other = nlg_dataset_describe(streamed);
    assert_int_equal(info->train, FILES - 1);
    assert_string_equal(info->digest, other->digest);
    assert_memory_equal(info->mean, other->mean, sizeof info->mean);
    assert_memory_equal(info->std, other->std, sizeof info->std);
    assert_int_equal(info->h, CROP);
    for (uint32_t i = 0; i < FILES - 1; i++) {
        float a[CROP * CROP * 3], b[CROP * CROP * 3];
        nlg_target target_a, target_b;
        const nlg_augmentation augmentation = {.shift = 2, .flip = true, .raw = true}, raw = {.raw = true};
        assert_int_equal(nlg_dataset_images(cached, NLG_SPLIT_TRAIN, &i, 1, &augmentation, 1, 2, a, &target_a, NULL), NLG_OK);
        assert_int_equal(nlg_dataset_images(streamed, NLG_SPLIT_TRAIN, &i, 1, &augmentation, 1, 2, b, &target_b, NULL), NLG_OK);
        assert_memory_equal(a, b, sizeof a);
        assert_int_equal(target_a.label, target_b.label);
        int number = target_a.label == 0 ? (int)i * 3 : target_a.label == 1 ? ((int)i - 27) * 3 + 1 : ((int)i - 54) * 3 + 2;
        char name[64];
        snprintf(name, sizeof name, "train/c%d/%03d.jpg", target_a.label, number);
        nlg_image image;
        uint8_t expected[CROP * CROP * 3];
        assert_int_equal(nlg_image_read(made_path(folder, name), &image, NULL), NLG_OK);
        assert_int_equal(nlg_image_prepare(&image, &(nlg_image_recipe){RESIZE, CROP, NLG_FILTER_BICUBIC}, expected, NULL), NLG_OK);
        nlg_image_release(&image);
        assert_int_equal(nlg_dataset_images(cached, NLG_SPLIT_TRAIN, &i, 1, &raw, 1, 2, a, NULL, NULL), NLG_OK);
        for (int p = 0; p < CROP * CROP * 3; p++) assert_true(a[p] == (float)(expected[p] / 255.0));
    }
    unlink(made_path(folder, "train/c0/000.jpg")); /* gone after opening: only the streamed one needs it */
    const uint32_t first = 0;
    float image[CROP * CROP * 3];
    nlg_error err = {0};
    assert_int_equal(nlg_dataset_images(cached, NLG_SPLIT_TRAIN, &first, 1, NULL, 0, 0, image, NULL, NULL), NLG_OK);
    assert_int_equal(nlg_dataset_images(streamed, NLG_SPLIT_TRAIN, &first, 1, NULL, 0, 0, image, NULL, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "train/c0/000.jpg: cannot read"));
    nlg_dataset_close(cached);
    nlg_dataset_close(streamed);
    made_folder_remove(folder);
}

static void broken_files_are_skipped_by_name_or_refused(void **state) {
    (void)state;
    char *folder = made_folder();
    make_classes(folder, "train", 0);
    made_file(folder, "train/ant/0.png", "\x89PNG\r\n\x1a\n broken", 15); /* the first of all */
    made_file(folder, "train/bee/1b.jpg", "GIF89a", 6);
    make_classes(folder, "val", 0);
    made_file(folder, "val/bee/2.png", "", 0);
    for (int cache = 0; cache < 2; cache++) {
        nlg_dataset *d =
            opened(folder, &(nlg_dataset_options){.file_order = true, .validation = 1, .cache_bytes = (size_t)cache}, false);
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->train + info->validation, 5);
        assert_int_equal(info->skipped, 2);
        assert_non_null(strstr(info->skipped_files[0], "train/ant/0.png: expected a sound PNG image"));
        assert_non_null(strstr(info->skipped_files[1], "train/bee/1b.jpg: expected a JPEG or PNG image"));
        static const int gray[4] = {11, 12, 20, 21};
        for (uint32_t i = 0; i < 4; i++) {
            int rgb[3];
            assert_int_equal(first_pixel(d, NLG_SPLIT_TRAIN, i, rgb), i / 2);
            assert_int_equal(rgb[0], gray[i]);
        }
        assert_float_equal(info->mean[0], 86 / 5.0f / 255, 1e-6f);
        assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
        assert_int_equal(info->test, 5);
        assert_int_equal(info->skipped, 3);
        assert_non_null(strstr(info->skipped_files[2], "val/bee/2.png: expected a JPEG or PNG image, found 0 bytes"));
        nlg_dataset_close(d);
    }
    refused(folder, &(nlg_dataset_options){.strict = true}, false, NLG_ERR_INPUT, "train/ant/0.png: expected a sound PNG image");
    for (int i = 0; i < 3; i++)
        for (int label = 0; label < 2; label++) {
            char name[64];
            snprintf(name, sizeof name, "val/%s/%d.png", label ? "bee" : "ant", i);
            made_file(folder, name, "x", 1);
        }
    refused(folder, NULL, true, NLG_ERR_INPUT, "expected sound images, found 6 files of which all are broken, the first:");
    made_folder_remove(folder);
}

static void wrong_folders_are_refused(void **state) {
    (void)state;
    char *folder = made_folder();
    refused(made_path(folder, "nowhere"), NULL, false, NLG_ERR_IO, "nowhere: expected a folder of images, found nothing");
    made_file(folder, "file", "x", 1);
    refused(made_path(folder, "file"), NULL, false, NLG_ERR_IO, "file: expected a folder of images, found a file");
    refused(folder, NULL, false, NLG_ERR_INPUT, "expected one folder per class in it, found none");
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 0);
    made_file(folder, "train/cat/readme.txt", "x", 1);
    refused(folder, NULL, false, NLG_ERR_INPUT, "train/cat: expected JPEG or PNG files in this class folder, found none");
    made_image_file(folder, "train/cat/1.png", 4, 6, 1, 2, 3);
    refused(folder, NULL, false, NLG_ERR_INPUT, "train/cat/1.png: expected 5 x 4 pixels as in the first image, found 6 x 4");
    made_image_file(folder, "train/cat/1.png", 4, 5, 1, 2, 3);
    refused(folder, &(nlg_dataset_options){.image_size = 8, .resize = 7}, false, NLG_ERR_INPUT, "a resize at least as large");
    refused(folder, &(nlg_dataset_options){.image_size = -1}, false, NLG_ERR_INPUT, "expected an image size");
    refused(folder, &(nlg_dataset_options){.validation = 7}, false, NLG_ERR_INPUT, "smaller than the 7 training images, found 7");
    made_image_file(folder, "val/dog/1.png", 4, 5, 1, 2, 3);
    refused(folder, NULL, true, NLG_ERR_INPUT, "val/dog: expected a class that training has, found dog");
    unlink(made_path(folder, "val/dog/1.png"));
    refused(folder, NULL, true, NLG_ERR_INPUT, "val/dog: expected a class that training has");
    rmdir(made_path(folder, "val/dog"));
    for (int i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "val/%s/%d.png", i < 3 ? "ant" : "bee", i % 3);
        made_image_file(folder, name, 4, 4, 1, 2, 3);
    }
    refused(folder, NULL, true, NLG_ERR_INPUT, "expected test images of 5 x 4 x 3 as in training, found 4 x 4 x 3");
    made_folder_remove(folder);
}

/* Expects the line of a file left out. */
static void left_out(const nlg_dataset *d, const char *part) {
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    for (uint32_t i = 0; i < info->skipped; i++)
        if (strstr(info->skipped_files[i], part)) return;
    fail_msg("expected \"%s\" under %u files left out, the first: %s", part, info->skipped,
             info->skipped ? info->skipped_files[0] : "none");
}

static void link_to(const char *target, const char *folder, const char *name) {
    assert_int_equal(symlink(target, made_path(folder, name)), 0);
}

/* A data set is what the folder holds, each picture once; what is passed over is named. */
static void each_picture_once_and_nothing_silent(void **state) {
    (void)state;
    char *folder = made_folder(), digest[65];
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 100);
    nlg_dataset *d = opened(folder, NULL, true);
    assert_int_equal(nlg_dataset_describe(d)->skipped, 0);
    snprintf(digest, sizeof digest, "%s", nlg_dataset_describe(d)->digest);
    nlg_dataset_close(d);
    link_to(".", folder, "train/ant/again");
    link_to("..", folder, "train/bee/up");
    link_to("../bee", folder, "train/ant/other");
    link_to("nowhere.png", folder, "train/ant/gone.png");
    made_image_file(folder, "train/ant/1/2/3/4/5/6/7/8/x.png", 4, 5, 15, 15, 15); /* 8 deep: read */
    made_image_file(folder, "train/ant/1/2/3/4/5/6/7/8/9/deep.png", 4, 5, 15, 15, 15);
    static const char *const endings[] = {"webp", "bmp", "TIF", "gif", "ppm", "jfif", "heic", "avif"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/bee/x.%s", endings[i]);
        made_file(folder, name, "?", 1);
    }
    made_file(folder, "train/bee/notes.txt", "?", 1); /* no picture: not worth a line */
    d = opened(folder, NULL, true);
    assert_int_equal(nlg_dataset_describe(d)->train + nlg_dataset_describe(d)->validation, 7);
    assert_int_equal(nlg_dataset_describe(d)->skipped, 4 + 1 + 8);
    left_out(d, "train/ant/again: a link to a folder that is listed already");
    left_out(d, "train/bee/up: a link");
    left_out(d, "train/ant/other: a link");
    left_out(d, "train/ant/gone.png: a link that leads to nothing");
    left_out(d, "9/deep.png: deeper than 8 folders");
    left_out(d, "x.jfif: neither JPEG nor PNG by its ending");
    left_out(d, "x.TIF: neither");
    nlg_dataset_close(d);
    refused(folder, &(nlg_dataset_options){.strict = true}, false, NLG_ERR_INPUT, "train/");
    made_folder_remove(folder);

    folder = made_folder();
    make_classes(folder, "train", 0);
    link_to("train", folder, "val");
    refused(folder, NULL, true, NLG_ERR_INPUT, "are the same folder");
    made_file(folder, "train/cow/x.webp", "?", 1); /* a class of nothing else */
    unlink(made_path(folder, "val"));
    refused(folder, NULL, false, NLG_ERR_INPUT, "found none, but 1 that are left out, the first: ");
    made_folder_remove(folder);
}

static void copies_are_told(void **state) {
    (void)state;
    char *folder = made_folder();
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 50);
    make_classes(folder, "test", 100);
    nlg_dataset *d = opened(folder, NULL, true);
    assert_int_equal(nlg_dataset_describe(d)->repeated, 0);
    nlg_dataset_close(d);
    made_image_file(folder, "val/ant/copy.png", 4, 5, 11, 11, 11); /* that of train/ant/1.png */
    made_image_file(folder, "train/bee/copy.png", 4, 5, 11, 11, 11);
    d = opened(folder, NULL, false);
    assert_int_equal(nlg_dataset_describe(d)->repeated, 2);
    assert_non_null(strstr(nlg_dataset_describe(d)->repeat, "train/bee/copy.png is "));
    assert_non_null(strstr(nlg_dataset_describe(d)->repeat, "train/ant/1.png"));
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void numbers_are_classes_in_their_order(void **state) {
    (void)state;
    char *folder = made_folder();
    static const char *const names[] = {"0", "1", "10", "11", "2", "9"};
    static const int values[] = {0, 1, 2, 9, 10, 11};
    for (int i = 0; i < 6; i++) {
        char name[64];
        snprintf(name, sizeof name, "train/%s/a.png", names[i]);
        uint8_t gray = (uint8_t)(10 * atoi(names[i]));
        made_image_file(folder, name, 4, 5, gray, gray, gray);
        snprintf(name, sizeof name, "val/%s/a.png", names[i]);
        made_image_file(folder, name, 4, 5, gray, gray, gray);
    }
    nlg_dataset *d = opened(folder, NULL, true);
    assert_true(nlg_dataset_describe(d)->numeric_classes);
    for (uint32_t i = 0; i < 6; i++) {
        int rgb[3];
        char name[8];
        snprintf(name, sizeof name, "%d", values[i]);
        assert_string_equal(nlg_dataset_describe(d)->class_names[i], name);
        const int label = first_pixel(d, NLG_SPLIT_TEST, i, rgb);
        assert_int_equal(rgb[0], 10 * values[label]);
    }
    nlg_dataset_close(d);
    made_image_file(folder, "train/ten/a.png", 4, 5, 1, 1, 1); /* one that is no number: bytes again */
    d = opened(folder, NULL, false);
    assert_false(nlg_dataset_describe(d)->numeric_classes);
    assert_string_equal(nlg_dataset_describe(d)->class_names[2], "10");
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void a_class_may_be_named_train(void **state) {
    (void)state;
    char *folder = made_folder();
    static const char *const names[] = {"bus", "car", "test", "train", "val"};
    for (int i = 0; i < 5; i++) {
        char name[64];
        snprintf(name, sizeof name, "%s/a.png", names[i]);
        made_image_file(folder, name, 4, 5, 1, 2, 3);
    }
    nlg_dataset *d = opened(folder, &(nlg_dataset_options){.scored = NLG_SCORED_BEST}, true);
    assert_int_equal(nlg_dataset_describe(d)->classes, 5);
    assert_int_equal(nlg_dataset_describe(d)->test, 5);
    assert_string_equal(nlg_dataset_describe(d)->class_names[3], "train");
    nlg_dataset_close(d);
    make_classes(folder, "veh/train", 0); /* and below a train folder of its own */
    made_image_file(folder, "veh/train/train/a.png", 4, 5, 1, 2, 3);
    char inner[600];
    snprintf(inner, sizeof inner, "%s", made_path(folder, "veh"));
    d = opened(inner, NULL, false);
    assert_int_equal(nlg_dataset_describe(d)->classes, 3);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* Opened for scoring: the folder that was asked for, and no other picture is looked at. */
static void scoring_reads_what_it_scores(void **state) {
    (void)state;
    char *folder = made_folder();
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 50);
    make_classes(folder, "test", 100);
    made_file(folder, "train/ant/0.png", "broken", 6); /* would be noticed */
    static const struct {
        nlg_scored scored;
        const char *folder;
        int gray;
    } cases[] = {{NLG_SCORED_BEST, "/val", 60}, {NLG_SCORED_VAL, "/val", 60}, {NLG_SCORED_TEST, "/test", 110}};
    for (int i = 0; i < 3; i++) {
        int rgb[3];
        nlg_dataset *d = opened(folder, &(nlg_dataset_options){.scored = cases[i].scored, .image_size = 4}, true);
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->train + info->validation + info->skipped, 0);
        assert_int_equal(info->test, 6);
        assert_non_null(strstr(info->test_folder, cases[i].folder));
        first_pixel(d, NLG_SPLIT_TEST, 0, rgb);
        assert_int_equal(rgb[0], cases[i].gray);
        nlg_dataset_close(d);
    }
    made_folder_remove(folder);

    folder = made_folder(); /* train alone */
    make_classes(folder, "train", 0);
    refused(folder, &(nlg_dataset_options){.scored = NLG_SCORED_BEST}, true, NLG_ERR_IO, "say --split validation");
    nlg_error err = {0};
    nlg_dataset *d = opened(folder, NULL, false);
    assert_int_equal(nlg_dataset_check_test(d, &err), NLG_ERR_IO);
    made_image_file(folder, "val/ant/0.png", 4, 6, 1, 1, 1);
    err = (nlg_error){0};
    assert_int_equal(nlg_dataset_check_test(d, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "val: expected images of 5 x 4 pixels as in training, found 6 x 4"));
    made_image_file(folder, "val/ant/0.png", 4, 5, 1, 1, 1);
    made_image_file(folder, "val/cow/0.png", 4, 5, 1, 1, 1);
    err = (nlg_error){0};
    assert_int_equal(nlg_dataset_check_test(d, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected a class that training has, found cow"));
    assert_int_equal(nlg_dataset_describe(d)->test, 0); /* not opened */
    nlg_dataset_close(d);
    made_folder_remove(folder);

    folder = made_folder(); /* val alone, and DIR/CLASS */
    make_classes(folder, "val", 50);
    d = opened(folder, &(nlg_dataset_options){.scored = NLG_SCORED_BEST}, true);
    assert_int_equal(nlg_dataset_describe(d)->test, 6);
    nlg_dataset_close(d);
    char inner[600];
    snprintf(inner, sizeof inner, "%s", made_path(folder, "val"));
    d = opened(inner, &(nlg_dataset_options){.scored = NLG_SCORED_BEST}, true);
    assert_int_equal(nlg_dataset_describe(d)->test, 6);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* Folders of some of a network's classes, by key, name or number. */
static void folders_are_matched_to_outputs(void **state) {
    (void)state;
    char *folder = made_folder();
    static const char *const names[] = {"tench", "goldfish", "shark", "bee"}, *const keys[] = {"n1", "n2", "n3", "n4"};
    nlg_dataset_options o = {.scored = NLG_SCORED_BEST, .classes = names, .n_classes = 4};
    made_image_file(folder, "bee/a.png", 4, 5, 30, 30, 30);
    made_image_file(folder, "tench/a.png", 4, 5, 20, 20, 20);
    nlg_dataset *d = opened(folder, &o, true);
    assert_int_equal(nlg_dataset_describe(d)->classes, 4);
    for (uint32_t i = 0; i < 2; i++) {
        int rgb[3], label = first_pixel(d, NLG_SPLIT_TEST, i, rgb);
        assert_int_equal(label, rgb[0] == 30 ? 3 : 0);
    }
    nlg_dataset_close(d);
    made_image_file(folder, "n3/a.png", 4, 5, 40, 40, 40);
    refused(folder, &o, true, NLG_ERR_INPUT, "expected the name of one of the network's 4 classes (tench, ...), found n3");
    o.class_keys = keys;
    made_image_file(folder, "2/a.png", 4, 5, 50, 50, 50);
    refused(folder, &o, true, NLG_ERR_INPUT, "found 2");
    o.class_numbers = true;
    d = opened(folder, &o, true);
    for (uint32_t i = 0; i < 4; i++) {
        int rgb[3], label = first_pixel(d, NLG_SPLIT_TEST, i, rgb);
        assert_int_equal(label, rgb[0] == 20 ? 0 : rgb[0] == 30 ? 3 : 2);
    }
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    char *folder = made_folder();
    make_classes(folder, "train", 0);
    make_classes(folder, "val", 0);
    made_file(folder, "train/bee/broken.jpg", "x", 1);
    bool through = false;
    for (long n = 0; !through; n++) {
        nlg_dataset *d = NULL;
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = try_open(folder, &(nlg_dataset_options){.cache_bytes = 1}, true, &d, &err);
        const uint32_t first = 0;
        float image[60];
        if (status == NLG_OK) status = nlg_dataset_images(d, NLG_SPLIT_TRAIN, &first, 1, NULL, 0, 0, image, NULL, &err);
        through = nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        assert_int_equal(status == NLG_OK, through);
        if (status == NLG_OK) assert_int_equal(nlg_dataset_describe(d)->skipped, 1);
        nlg_dataset_close(d);
        if (status != NLG_OK) assert_int_equal(status, NLG_ERR_MEMORY);
        assert_true(n < 1000);
    }
    made_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(train_and_val_as_imagenet),
        cmocka_unit_test(three_folders_are_three_splits),
        cmocka_unit_test(folders_for_evaluation_alone),
        cmocka_unit_test(images_are_resized_and_cropped),
        cmocka_unit_test(broken_files_are_skipped_by_name_or_refused),
        cmocka_unit_test(wrong_folders_are_refused),
        cmocka_unit_test(each_picture_once_and_nothing_silent),
        cmocka_unit_test(copies_are_told),
        cmocka_unit_test(numbers_are_classes_in_their_order),
        cmocka_unit_test(a_class_may_be_named_train),
        cmocka_unit_test(scoring_reads_what_it_scores),
        cmocka_unit_test(folders_are_matched_to_outputs),
        cmocka_unit_test(any_allocation_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
