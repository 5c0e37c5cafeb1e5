/* What becomes of samples: splits, normalisation, augmentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datasets/dataset.h"
#include "layers/base/team.h"
#include "tests/made_files.h"

static nlg_dataset *opened(const char *name, const nlg_dataset_options *options) {
    nlg_dataset *dataset;
    nlg_error err = {0};
    if (nlg_dataset_open(name, options, &dataset, &err) != NLG_OK) fail_msg("%s", err.text);
    return dataset;
}

/* --- splits --------------------------------------------------------------------------------------------------------- */

/* A set of 250 images of 2 x 2, each told apart by its first two pixels. */
static char *numbered_set(void) {
    char *folder = made_folder();
    made_bytes images = made_idx_images(250, 2, 2), labels = made_idx_labels(250, 10);
    for (int i = 0; i < 250; i++) images.data[16 + 4 * i] = (uint8_t)i;
    made_file(folder, "train-images-idx3-ubyte", images.data, images.size);
    made_file(folder, "train-labels-idx1-ubyte", labels.data, labels.size);
    free(images.data);
    free(labels.data);
    return folder;
}

static void numbers_of(const nlg_dataset *d, nlg_split split, uint32_t count, int *numbers) {
    const nlg_augmentation raw = {.raw = true};
    for (uint32_t i = 0; i < count; i++) {
        float image[4];
        nlg_target target;
        assert_int_equal(nlg_dataset_images(d, split, &i, 1, &raw, 0, 0, image, &target, NULL), NLG_OK);
        numbers[i] = (int)(image[0] * 255.0f + 0.5f);
        assert_int_equal(target.label, numbers[i] % 10);
    }
}

static void splits_are_keyed_and_disjoint(void **state) {
    (void)state;
    char *folder = numbered_set();
    int train[3][250], validation[3][250];
    for (int run = 0; run < 3; run++) { /* the third has another key */
        nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .validation = 50, .split_seed = run == 2});
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->train, 200);
        assert_int_equal(info->validation, 50);
        numbers_of(d, NLG_SPLIT_TRAIN, 200, train[run]);
        numbers_of(d, NLG_SPLIT_VALIDATION, 50, validation[run]);
        int seen[250] = {0};
        for (int i = 0; i < 200; i++) seen[train[run][i]]++;
        for (int i = 0; i < 50; i++) seen[validation[run][i]]++;
        for (int i = 0; i < 250; i++) assert_int_equal(seen[i], 1);
        nlg_dataset_close(d);
    }
    assert_memory_equal(train[0], train[1], sizeof(int) * 200);
    assert_memory_equal(validation[0], validation[1], sizeof(int) * 50);
    assert_memory_not_equal(validation[0], validation[2], sizeof(int) * 50);

    nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .validation = 50, .train_limit = 64});
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->train, 64);
    assert_int_equal(info->validation, 50);
    numbers_of(d, NLG_SPLIT_TRAIN, 64, train[1]);
    numbers_of(d, NLG_SPLIT_VALIDATION, 50, validation[1]);
    assert_memory_equal(train[0], train[1], sizeof(int) * 64); /* the first of the rest */
    assert_memory_equal(validation[0], validation[1], sizeof(int) * 50);
    uint32_t order[64], again[64], late[64];
    nlg_dataset_epoch_order(d, 5, 0, order);
    nlg_dataset_epoch_order(d, 5, 0, again);
    nlg_dataset_epoch_order(d, 5, 1, late);
    int seen[64] = {0};
    for (int i = 0; i < 64; i++) seen[order[i]]++;
    for (int i = 0; i < 64; i++) assert_int_equal(seen[i], 1);
    assert_memory_equal(order, again, sizeof order);
    assert_memory_not_equal(order, late, sizeof order);
    nlg_dataset_close(d);

    d = opened("mnist", &(nlg_dataset_options){.folder = folder});
    assert_int_equal(nlg_dataset_describe(d)->validation, 25); /* a tenth */
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

static void normalisation_is_that_of_all_training_images(void **state) {
    (void)state;
    char *folder = numbered_set();
    float mean[2], std[2];
    for (int run = 0; run < 2; run++) {
        nlg_dataset *d =
            opened("mnist", &(nlg_dataset_options){.folder = folder, .split_seed = (uint64_t)run, .train_limit = run ? 9 : 0});
        mean[run] = nlg_dataset_describe(d)->mean[0];
        std[run] = nlg_dataset_describe(d)->std[0];
        nlg_dataset_close(d);
    }
    double sum = 0, square = 0;
    for (size_t i = 0; i < 250; i++)
        for (size_t p = 0; p < 4; p++) {
            double v = p ? made_pixel(i, p) / 255.0 : (double)i / 255.0;
            sum += v;
            square += v * v;
        }
    assert_true(mean[0] == mean[1] && std[0] == std[1]);
    assert_float_equal(mean[0], (float)(sum / 1000), 1e-6f);
    assert_float_equal(std[0], (float)__builtin_sqrt(square / 1000 - sum / 1000 * (sum / 1000)), 1e-6f);
    nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .mean = {0.5f}, .std = {0.25f}});
    const uint32_t index = 3;
    float image[4];
    nlg_target target;
    numbers_of(d, NLG_SPLIT_TRAIN, 4, (int[4]){0});
    assert_int_equal(
        nlg_dataset_images(d, NLG_SPLIT_TRAIN, &index, 1, &(nlg_augmentation){.raw = true}, 0, 0, image, &target, NULL), NLG_OK);
    float raw = image[0];
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &index, 1, NULL, 0, 0, image, NULL, NULL), NLG_OK);
    assert_float_equal(image[0], (raw - 0.5f) / 0.25f, 1e-6f);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* --- augmentation --------------------------------------------------------------------------------------------------- */

enum { IMAGES = 40, SIDE_IN = 9, PAD = 2, SIDE = SIDE_IN + 2 * PAD, FLOATS = SIDE * SIDE };

static const nlg_augmentation all = {.shift = 3, .flip = true, .cutout = 4, .pad = PAD};

typedef struct share {
    const nlg_dataset *dataset;
    float *images;
    nlg_target *targets;
} share;

static void fill_share(void *context, int64_t begin, int64_t end, int worker) {
    (void)worker;
    share *s = context;
    uint32_t index[IMAGES];
    for (int64_t i = begin; i < end; i++) index[i - begin] = (uint32_t)i;
    nlg_dataset_images(s->dataset, NLG_SPLIT_TRAIN, index, (size_t)(end - begin), &all, 11, 2, s->images + begin * FLOATS,
                       s->targets + begin, NULL);
}

static void an_image_depends_on_its_key_alone(void **state) {
    (void)state;
    char *folder = made_folder();
    made_idx_set(folder, IMAGES + 5, 0, SIDE_IN, SIDE_IN, false);
    nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .validation = 5});
    static float whole[IMAGES * FLOATS], part[IMAGES * FLOATS];
    nlg_target targets[IMAGES], target;
    uint32_t index[IMAGES];
    for (uint32_t i = 0; i < IMAGES; i++) index[i] = i;
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, index, IMAGES, &all, 11, 2, whole, targets, NULL), NLG_OK);
    for (uint32_t i = IMAGES; i-- > 0;) { /* one by one, backwards */
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &i, 1, &all, 11, 2, part, &target, NULL), NLG_OK);
        assert_memory_equal(part, whole + i * FLOATS, FLOATS * sizeof *part);
        assert_int_equal(target.label, targets[i].label);
    }
    for (int threads = 1; threads <= 4; threads++) {
        nlg_team *team = nlg_team_create(threads);
        nlg_target team_targets[IMAGES];
        memset(part, 0, sizeof part);
        nlg_team_run(team, IMAGES, fill_share, &(share){d, part, team_targets});
        assert_memory_equal(part, whole, sizeof part);
        for (int i = 0; i < IMAGES; i++) assert_int_equal(team_targets[i].label, targets[i].label);
        nlg_team_destroy(team);
    }
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, index, IMAGES, &all, 12, 2, part, NULL, NULL), NLG_OK);
    assert_memory_not_equal(part, whole, sizeof part);
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, index, IMAGES, &all, 11, 3, part, NULL, NULL), NLG_OK);
    assert_memory_not_equal(part, whole, sizeof part);
    nlg_error err = {0};
    const uint32_t beyond[2] = {0, IMAGES};
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, beyond, 2, &all, 1, 1, part, targets, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected image numbers below 40, found 40"));
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, index, 1, &(nlg_augmentation){.pad = -1}, 1, 1, part, targets, NULL),
                     NLG_ERR_INPUT);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* Finds the shift, the flip and the square of each image by trying all of them. */
static void augmentation_does_what_it_says(void **state) {
    (void)state;
    char *folder = made_folder();
    made_idx_set(folder, IMAGES + 5, 6, SIDE_IN, SIDE_IN, false);
    nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .validation = 5});
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    float black = (float)((0 - (double)info->mean[0]) / (double)info->std[0]);
    int flips = 0, diagonal = 0, moved[7] = {0};
    for (uint32_t i = 0; i < IMAGES; i++) {
        float plain[SIDE_IN * SIDE_IN], out[FLOATS];
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &i, 1, NULL, 1, 1, plain, NULL, NULL), NLG_OK);
        assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &i, 1, &all, 1, 1, out, NULL, NULL), NLG_OK);
        int fits = 0;
        for (int dy = -3; dy <= 3; dy++)
            for (int dx = -3; dx <= 3; dx++)
                for (int flip = 0; flip < 2; flip++) {
                    int top = SIDE, bottom = -1, left = SIDE, right = -1, differs = 0, zeros = 0;
                    for (int y = 0; y < SIDE; y++)
                        for (int x = 0; x < SIDE; x++) {
                            int from_y = y - PAD + dy, from_x = (flip ? SIDE - 1 - x : x) - PAD + dx;
                            bool inside = from_y >= 0 && from_y < SIDE_IN && from_x >= 0 && from_x < SIDE_IN;
                            float expected = inside ? plain[from_y * SIDE_IN + from_x] : black, found = out[y * SIDE + x];
                            if (found == 0.0f) {
                                zeros++;
                                top = y < top ? y : top, bottom = y > bottom ? y : bottom;
                                left = x < left ? x : left, right = x > right ? x : right;
                            } else if (found != expected) {
                                differs++;
                            }
                        }
                    if (differs) continue;
                    fits++;
                    flips += flip;
                    diagonal += dy == dx || dy == -dx;
                    moved[dy + 3]++;
                    int h = bottom - top + 1, w = right - left + 1; /* clipped at the border: at least half a side */
                    assert_true(h >= 2 && h <= 4 && w >= 2 && w <= 4);
                    assert_int_equal(zeros, h * w);
                }
        assert_int_equal(fits, 1);
    }
    assert_true(flips > IMAGES / 4 && flips < 3 * IMAGES / 4);
    for (int i = 0; i < 7; i++) assert_true(moved[i] > 0);
    assert_true(diagonal < IMAGES / 2); /* the two directions are drawn apart */

    float a[FLOATS], b[FLOATS]; /* validation and test images are padded, not augmented */
    const uint32_t first = 0;
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
    for (int split = NLG_SPLIT_VALIDATION; split <= NLG_SPLIT_TEST; split++) {
        assert_int_equal(nlg_dataset_images(d, (nlg_split)split, &first, 1, &all, 1, 1, a, NULL, NULL), NLG_OK);
        assert_int_equal(nlg_dataset_images(d, (nlg_split)split, &first, 1, &(nlg_augmentation){.pad = PAD}, 9, 9, b, NULL, NULL),
                         NLG_OK);
        assert_memory_equal(a, b, sizeof a);
    }
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(splits_are_keyed_and_disjoint),
        cmocka_unit_test(normalisation_is_that_of_all_training_images),
        cmocka_unit_test(an_image_depends_on_its_key_alone),
        cmocka_unit_test(augmentation_does_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
