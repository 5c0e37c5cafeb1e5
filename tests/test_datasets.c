/* Data sets: IDX and CIFAR-10 files, sound and damaged; the registry. (Image folders: test_imagefolder.c.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datasets/dataset.h"
#include "datasets/format.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "tests/made_files.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

static nlg_dataset *opened(const char *name, const nlg_dataset_options *options) {
    nlg_dataset *dataset;
    nlg_error err = {0};
    if (nlg_dataset_open(name, options, &dataset, &err) != NLG_OK) fail_msg("%s", err.text);
    return dataset;
}

/* Opening fails with this status, and its line holds each of the parts. */
static void refused(const char *name, const nlg_dataset_options *options, nlg_status expected, const char *const *parts) {
    nlg_dataset *dataset;
    nlg_error err = {0};
    nlg_status status = nlg_dataset_open(name, options, &dataset, &err);
    if (status == NLG_OK) status = nlg_dataset_open_test(dataset, &err);
    if (status != expected) fail_msg("%s: expected status %d, found %d: %s", parts[0], expected, status, err.text);
    assert_null(strchr(err.text, '\n'));
    for (; *parts; parts++)
        if (!strstr(err.text, *parts)) fail_msg("expected \"%s\" in: %s", *parts, err.text);
    nlg_dataset_close(dataset);
}

/* --- IDX ------------------------------------------------------------------------------------------------------------ */

static void packed_and_plain_files_are_the_same_data(void **state) {
    (void)state;
    char digests[2][65], test_digests[2][65];
    for (int packed = 0; packed < 2; packed++) {
        char *folder = made_folder();
        made_idx_set(folder, 20, 12, 5, 4, packed);
        nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder, .validation = 6, .file_order = true});
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_string_equal(info->name, "mnist");
        assert_int_equal(info->h, 5);
        assert_int_equal(info->w, 4);
        assert_int_equal(info->c, 1);
        assert_int_equal(info->classes, 10);
        assert_string_equal(info->class_names[7], "7");
        assert_int_equal(info->train, 14);
        assert_int_equal(info->validation, 6);
        assert_int_equal(info->test, 0);
        assert_string_equal(info->test_digest, "");
        assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
        assert_int_equal(info->test, 12);
        snprintf(digests[packed], 65, "%s", info->digest);
        snprintf(test_digests[packed], 65, "%s", info->test_digest);
        const nlg_augmentation raw = {.raw = true};
        for (uint32_t i = 0; i < 20; i++) {
            float image[20];
            nlg_target target;
            uint32_t index = i < 14 ? i : i - 14;
            nlg_split split = i < 14 ? NLG_SPLIT_TRAIN : NLG_SPLIT_VALIDATION;
            assert_int_equal(nlg_dataset_images(d, split, &index, 1, &raw, 0, 0, image, &target, NULL), NLG_OK);
            assert_int_equal(target.label, i % 10);
            for (size_t p = 0; p < 20; p++) assert_true(image[p] == (float)(made_pixel(i, p) / 255.0));
        }
        nlg_dataset_close(d);
        made_folder_remove(folder);
    }
    assert_int_equal(strlen(digests[0]), 64);
    assert_string_equal(digests[0], digests[1]);
    assert_string_equal(test_digests[0], test_digests[1]);
    assert_string_not_equal(digests[0], test_digests[0]);
}

static void test_files_are_not_touched_before_the_final_step(void **state) {
    (void)state;
    char *folder = made_folder();
    made_idx_set(folder, 20, 0, 5, 4, true);
    nlg_dataset *d = opened("mnist", &(nlg_dataset_options){.folder = folder});
    float image[20];
    nlg_target target;
    const uint32_t first = 0;
    nlg_error err = {0};
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TEST, &first, 1, NULL, 0, 0, image, &target, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "the test split is not open"));
    err = (nlg_error){0};
    assert_int_equal(nlg_dataset_open_test(d, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "t10k-images-idx3-ubyte.gz: cannot read"));
    assert_int_equal(nlg_dataset_describe(d)->test, 0);
    made_idx_set(folder, 20, 7, 5, 4, true);
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK); /* nothing more to do */
    assert_int_equal(nlg_dataset_describe(d)->test, 7);
    assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TEST, &first, 1, NULL, 0, 0, image, &target, NULL), NLG_OK);
    nlg_dataset_close(d);
    made_folder_remove(folder);
}

/* One kind of damage to one file of a good set. */
typedef struct damage {
    const char *file;
    int kind; /* see below */
    size_t at;
    uint8_t byte;
    nlg_status status;
    const char *parts[3];
} damage;

enum { SET_BYTE, CUT, GROW, REMOVE, BREAK_GZIP, AS_FOLDER };

static void damaged_idx_files_are_refused(void **state) {
    (void)state;
    static const char images[] = "train-images-idx3-ubyte", labels[] = "train-labels-idx1-ubyte",
                      test_labels[] = "t10k-labels-idx1-ubyte", test_images[] = "t10k-images-idx3-ubyte";
    static const damage cases[] = {
        {images,
         SET_BYTE,
         2,
         9,
         NLG_ERR_INPUT,
         {"train-images-idx3-ubyte", "expected the IDX magic number 00000803", "found 00000903"}},
        {images, SET_BYTE, 3, 1, NLG_ERR_INPUT, {"magic number 00000803 of images", "found 00000801"}},
        {labels, SET_BYTE, 0, 1, NLG_ERR_INPUT, {"train-labels-idx1-ubyte", "magic number 00000801 of labels"}},
        {labels, SET_BYTE, 9, 10, NLG_ERR_INPUT, {"train-labels-idx1-ubyte", "expected labels from 0 to 9, found 10 for image 1"}},
        {images, CUT, 50, 0, NLG_ERR_INPUT, {"train-images-idx3-ubyte", "truncated"}},
        {images, CUT, 9, 0, NLG_ERR_INPUT, {"expected 12 bytes of IDX header, found 5"}},
        {images, CUT, 0, 0, NLG_ERR_INPUT, {"expected 4 bytes of IDX header, found 0"}},
        {labels, CUT, 20, 0, NLG_ERR_INPUT, {"train-labels-idx1-ubyte", "expected 20 bytes of labels, found 12"}},
        {images, GROW, 0, 0, NLG_ERR_INPUT, {"train-images-idx3-ubyte", "expected its end after 400 bytes of images, found more"}},
        {labels, GROW, 0, 0, NLG_ERR_INPUT, {"expected its end after 20 bytes of labels, found more"}},
        {labels, SET_BYTE, 8 + 13, 10, NLG_ERR_INPUT, {"expected labels from 0 to 9, found 10 for image 13 (byte 21)"}},
        {test_labels, SET_BYTE, 8, 255, NLG_ERR_INPUT, {"t10k-labels", "expected labels from 0 to 9, found 255"}},
        {labels, SET_BYTE, 7, 19, NLG_ERR_INPUT, {"expected 20 labels, as many as there are images in", "found 19"}},
        {images, SET_BYTE, 7, 0, NLG_ERR_INPUT, {"expected at least one of its images, found a header that says 0"}},
        {images, SET_BYTE, 4, 255, NLG_ERR_INPUT, {"train-images-idx3-ubyte", "that its header announces"}},
        {images, SET_BYTE, 8, 255, NLG_ERR_INPUT, {"expected sides from 1 to 16384, found 4278190085 x 4"}},
        {images, SET_BYTE, 15, 0, NLG_ERR_INPUT, {"expected sides from 1", "found 5 x 0"}},
        {test_images, SET_BYTE, 11, 4, NLG_ERR_INPUT, {"t10k-images"}},
        {images, REMOVE, 0, 0, NLG_ERR_IO, {"train-images-idx3-ubyte.gz: cannot read", "lineage data fetch"}},
        {labels, REMOVE, 0, 0, NLG_ERR_IO, {"train-labels-idx1-ubyte.gz: cannot read"}},
        {test_labels, REMOVE, 0, 0, NLG_ERR_IO, {"t10k-labels-idx1-ubyte.gz: cannot read"}},
        {images, AS_FOLDER, 0, 0, NLG_ERR_IO, {"train-images-idx3-ubyte", "cannot read"}},
        {images, BREAK_GZIP, 40, 0, NLG_ERR_INPUT, {"train-images-idx3-ubyte.gz", "expected a sound gzip file"}},
        {images, BREAK_GZIP, SIZE_MAX, 0, NLG_ERR_INPUT, {"train-images-idx3-ubyte.gz", "expected a sound gzip file"}}, /* checksum
                                                                                                                         */
        {labels, BREAK_GZIP, 14, 0, NLG_ERR_INPUT, {"train-labels-idx1-ubyte.gz", "expected a sound gzip file"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int packed = 0; packed < 2; packed++) {
            const damage *c = &cases[i];
            if (c->kind == BREAK_GZIP && !packed) continue;
            char *folder = made_folder(), name[64], packed_name[64];
            made_idx_set(folder, 20, 6, 5, 4, false);
            snprintf(name, sizeof name, "%s", c->file);
            snprintf(packed_name, sizeof packed_name, "%s.gz", c->file);
            size_t size;
            uint8_t *bytes = made_read(folder, name, &size);
            unlink(made_path(folder, name));
            if (c->kind == SET_BYTE) bytes[c->at] = c->byte;
            if (c->kind == CUT) size = c->at;
            if (c->kind == GROW) bytes[size++] = 0;
            if (c->kind == AS_FOLDER) {
                made_file(folder, strcat(name, "/inside"), "", 0);
            } else if (packed && c->kind != REMOVE) {
                made_gzip(folder, packed_name, bytes, size);
            } else if (c->kind != REMOVE) {
                made_file(folder, name, bytes, size);
            }
            if (c->kind == BREAK_GZIP) {
                free(bytes);
                bytes = made_read(folder, packed_name, &size);
                bytes[c->at == SIZE_MAX ? size - 6 : c->at] ^= 0x55;
                made_file(folder, packed_name, bytes, size);
            }
            free(bytes);
            refused("mnist", &(nlg_dataset_options){.folder = folder}, c->status, c->parts);
            made_folder_remove(folder);
        }
}

/* Cut anywhere, packed or not, a file is refused by name, and nothing is read beyond it (the sanitizers look on). */
static void idx_files_cut_at_every_byte_are_refused(void **state) {
    (void)state;
    for (int packed = 0; packed < 2; packed++) {
        char *folder = made_folder();
        made_idx_set(folder, 12, 0, 3, 3, packed);
        const char *const names[2] = {packed ? "train-images-idx3-ubyte.gz" : "train-images-idx3-ubyte",
                                      packed ? "train-labels-idx1-ubyte.gz" : "train-labels-idx1-ubyte"};
        for (int f = 0; f < 2; f++) {
            size_t size;
            uint8_t *bytes = made_read(folder, names[f], &size);
            for (size_t cut = 0; cut < size; cut++) {
                made_file(folder, names[f], bytes, cut);
                refused("mnist", &(nlg_dataset_options){.folder = folder}, NLG_ERR_INPUT,
                        (const char *[]){names[f], "expected", NULL});
            }
            made_file(folder, names[f], bytes, size);
            free(bytes);
        }
        nlg_dataset_close(opened("mnist", &(nlg_dataset_options){.folder = folder}));
        made_folder_remove(folder);
    }
}

/* A header that is consistent with a file packed a thousandfold. */
static void packed_bombs_are_refused_before_they_fill_the_memory(void **state) {
    (void)state;
    enum { IMAGES = 128000, SIDE = 28, HEADER = 16 }; /* blank ones: 100 MB in 100 kB */
    const uint8_t header[HEADER] = {0,    0, 8, 3, IMAGES >> 24, IMAGES >> 16 & 255, IMAGES >> 8 & 255, IMAGES & 255, 0, 0, 0,
                                    SIDE, 0, 0, 0, SIDE};
    const uint8_t label_header[8] = {0, 0, 8, 1, header[4], header[5], header[6], header[7]};
    const size_t size = HEADER + (size_t)IMAGES * SIDE * SIDE;
    char *folder = made_folder();
    uint8_t *blank = calloc(size, 1);
    assert_non_null(blank);
    memcpy(blank, header, sizeof header);
    made_gzip(folder, "train-images-idx3-ubyte.gz", blank, size);
    memcpy(blank, label_header, sizeof label_header);
    made_gzip(folder, "train-labels-idx1-ubyte.gz", blank, sizeof label_header + IMAGES);
    refused("mnist", &(nlg_dataset_options){.folder = folder}, NLG_ERR_INPUT,
            (const char *[]){"train-images-idx3-ubyte.gz: expected 100352000 bytes for the 128000 images", NULL});
    char *text;
    size_t length;
    nlg_error err = {0};
    const char *path = made_path(folder, "train-images-idx3-ubyte.gz"); /* no header tells how large it is */
    assert_int_equal(nlg_unpack_text(path, (size_t)1 << 30, &text, &length, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected at most 67108864 bytes packed into"));
    assert_null(text);
    made_file(folder, "train-images-idx3-ubyte", blank, 3 << 20);
    err = (nlg_error){0};
    assert_int_equal(nlg_unpack_text(made_path(folder, "train-images-idx3-ubyte"), 1 << 20, &text, &length, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected at most 1048576 bytes of text, found more"));
    free(blank);
    made_folder_remove(folder);
}

static void wrong_names_and_options_are_refused(void **state) {
    (void)state;
    refused("mnits", NULL, NLG_ERR_INPUT,
            (const char *[]){"mnits: expected the name of a data set (fashion-mnist, fashion-mnist-first,", NULL});
    refused("imagefolder", NULL, NLG_ERR_INPUT, (const char *[]){"write imagefolder:DIR", NULL});
    refused("cifar10:tests/no-such-folder", NULL, NLG_ERR_IO, (const char *[]){"tests/no-such-folder", NULL});
    char *folder = made_folder();
    setenv("NLG_DATA", folder, 1);
    setenv("HOME", folder, 1);
    refused("mnist", NULL, NLG_ERR_IO, (const char *[]){"mnist: expected its files in", folder, "lineage data fetch mnist", NULL});
    made_idx_set(made_path(folder, "mnist"), 20, 6, 5, 4, true);
    nlg_dataset_close(opened("mnist", NULL)); /* found in NLG_DATA */
    unsetenv("NLG_DATA");
    made_idx_set(made_path(folder, ".local/share/netlineage/mnist"), 30, 6, 5, 4, true);
    nlg_dataset *d = opened("mnist", NULL);
    assert_int_equal(nlg_dataset_describe(d)->train + nlg_dataset_describe(d)->validation, 30);
    nlg_dataset_close(d);
    refused("mnist", &(nlg_dataset_options){.validation = 30}, NLG_ERR_INPUT,
            (const char *[]){"mnist: expected a validation split smaller than the 30 training images, found 30", NULL});
    made_folder_remove(folder);
}

/* --- CIFAR-10 ------------------------------------------------------------------------------------------------------- */

static const char *const batches[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                                      "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"};

/* Layout 0: the files, 1: in the official subfolder, 2: the official archive. Four records each. */
static void make_cifar(const char *folder, int layout) {
    made_member members[7];
    char names[7][64];
    static const int order[] = {0, 2, 5, 1, 4, 3}; /* the archive's order is not by name either */
    for (int i = 0; i < 6; i++) {
        int b = order[i];
        snprintf(names[i], sizeof names[i], "%s%s", layout ? "cifar-10-batches-bin/" : "", batches[b]);
        members[i] = (made_member){names[i], made_cifar(4 * (uint32_t)b, 4)};
        if (layout < 2) made_file(folder, names[i], members[i].bytes.data, members[i].bytes.size);
    }
    members[6] = (made_member){"cifar-10-batches-bin/readme.html", made_cifar(0, 1)};
    if (layout == 2) made_tar_gz(folder, "cifar-10-binary.tar.gz", members, 7);
    for (int i = 0; i < 7; i++) free(members[i].bytes.data);
}

static void cifar_is_read_from_files_and_archive(void **state) {
    (void)state;
    char digest[65] = "";
    for (int layout = 0; layout < 3; layout++) {
        char *folder = made_folder();
        make_cifar(folder, layout);
        nlg_dataset *d = opened("cifar10", &(nlg_dataset_options){.folder = folder, .file_order = true, .validation = 1});
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->train, 19);
        assert_int_equal(info->c, 3);
        assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
        assert_int_equal(info->test, 4);
        if (layout) assert_string_equal(info->digest, digest);
        snprintf(digest, sizeof digest, "%s", info->digest);
        static float image[32 * 32 * 3];
        const nlg_augmentation raw = {.raw = true};
        for (uint32_t i = 0; i < 23; i++) {
            if (i == 19) continue; /* the validation image */
            nlg_target target;
            uint32_t index = i < 20 ? i : i - 20;
            assert_int_equal(
                nlg_dataset_images(d, i < 20 ? NLG_SPLIT_TRAIN : NLG_SPLIT_TEST, &index, 1, &raw, 0, 0, image, &target, NULL),
                NLG_OK);
            assert_int_equal(target.label, i % 10);
            for (size_t p = 0; p < 1024; p++)
                for (size_t c = 0; c < 3; c++) assert_true(image[3 * p + c] == (float)(made_pixel(i, c * 1024 + p) / 255.0));
        }
        nlg_dataset_close(d);
        made_folder_remove(folder);
    }
}

static void damaged_cifar_files_are_refused(void **state) {
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        static const char *const parts[4][3] = {{"data_batch_2.bin: expected a whole number of records of 3073 bytes, found 12291"},
                                                {"data_batch_2.bin: expected 4 records as in data_batch_1.bin, found 3"},
                                                {"data_batch_2.bin: expected labels from 0 to 9, found 10 for image 1 (byte 3073)"},
                                                {"data_batch_2.bin: cannot read"}};
        char *folder = made_folder();
        make_cifar(folder, 0);
        size_t size;
        uint8_t *bytes = made_read(folder, batches[1], &size);
        if (kind == 2) bytes[3073] = 10;
        made_file(folder, batches[1], bytes, kind == 0 ? size - 1 : kind == 1 ? size - 3073 : size);
        if (kind == 3) unlink(made_path(folder, batches[1]));
        refused("cifar10", &(nlg_dataset_options){.folder = folder}, kind == 3 ? NLG_ERR_IO : NLG_ERR_INPUT, parts[kind]);
        free(bytes);
        made_folder_remove(folder);
    }
    char *folder = made_folder(); /* the archive, cut and damaged */
    make_cifar(folder, 2);
    size_t size;
    uint8_t *bytes = made_read(folder, "cifar-10-binary.tar.gz", &size);
    for (size_t cut = 0; cut < size - 1; cut += 1 + size / 61) {
        made_file(folder, "cifar-10-binary.tar.gz", bytes, cut);
        nlg_dataset *d;
        nlg_error err = {0};
        nlg_status status = nlg_dataset_open("cifar10", &(nlg_dataset_options){.folder = folder}, &d, &err);
        if (status == NLG_OK) { /* what training needs lies before the cut: the test batch comes earlier in this archive */
            assert_true(cut > size / 2);
            nlg_dataset_close(d);
        } else {
            assert_int_equal(status, NLG_ERR_INPUT);
            assert_non_null(strstr(err.text, "cifar-10-binary.tar.gz: expected"));
        }
    }
    free(bytes);
    made_member wrong[1] = {{"cifar-10-batches-bin/data_batch_1.bin", made_cifar(0, 4)}};
    made_tar_gz(folder, "cifar-10-binary.tar.gz", wrong, 1);
    refused("cifar10", &(nlg_dataset_options){.folder = folder}, NLG_ERR_INPUT,
            (const char *[]){"expected data_batch_2.bin in the archive, found no such member", NULL});
    free(wrong[0].bytes.data);
    char header[512] = "cifar-10-batches-bin/bomb"; /* a member of 1 GiB before anything that is wanted */
    unsigned sum = 8 * ' ';
    memcpy(header + 124, "10000000000", 12);
    memcpy(header + 257, "ustar", 6);
    for (int i = 0; i < 512; i++) sum += i >= 148 && i < 156 ? 0 : (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
    made_gzip(folder, "cifar-10-binary.tar.gz", header, sizeof header);
    refused("cifar10", &(nlg_dataset_options){.folder = folder}, NLG_ERR_INPUT,
            (const char *[]){"expected little else than the batches, found cifar-10-batches-bin/bomb of 1073741824 bytes", NULL});
    made_gzip(folder, "cifar-10-binary.tar.gz", "no tar at all, but long enough", 600 > 30 ? 30 : 0);
    refused("cifar10", &(nlg_dataset_options){.folder = folder}, NLG_ERR_INPUT,
            (const char *[]){"expected a whole tar archive", NULL});
    made_folder_remove(folder);
}

/* --- memory --------------------------------------------------------------------------------------------------------- */

static void any_allocation_may_fail(void **state) {
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        char *folder = made_folder();
        if (kind)
            make_cifar(folder, 2);
        else
            made_idx_set(folder, 20, 6, 5, 4, true);
        bool through = false;
        for (long n = 0; !through; n++) {
            nlg_dataset *d = NULL;
            nlg_error err = {0};
            nlg_alloc_fail_after(n);
            nlg_status status = nlg_dataset_open(kind ? "cifar10" : "mnist", &(nlg_dataset_options){.folder = folder}, &d, &err);
            if (status == NLG_OK) status = nlg_dataset_open_test(d, &err);
            through = nlg_alloc_failure_pending();
            nlg_alloc_fail_after(-1);
            assert_int_equal(status == NLG_OK, through);
            nlg_dataset_close(d);
            if (status != NLG_OK) assert_int_equal(status, NLG_ERR_MEMORY);
            assert_true(n < 300);
        }
        made_folder_remove(folder);
    }
}

/* --- the registry --------------------------------------------------------------------------------------------------- */

static void the_registry_is_complete(void **state) {
    (void)state;
    assert_true(nlg_dataset_format_count() >= 4);
    for (int i = 0; i < nlg_dataset_format_count(); i++) {
        const nlg_dataset_format *format = nlg_dataset_format_at(i);
        assert_true(strlen(format->name) > 0 && strlen(format->summary) > 20);
        assert_true(format->load && format->present);
        assert_false(format->needs_folder && format->file_count > 0); /* scenes are made of another set's files */
        for (int j = 0; j < i; j++) assert_string_not_equal(format->name, nlg_dataset_format_at(j)->name);
        for (int f = 0; f < format->file_count; f++) {
            const nlg_dataset_file *file = &format->files[f];
            assert_int_equal(strspn(file->sha256, "0123456789abcdef"), 64);
            if (file->unpacked_sha256) assert_int_equal(strspn(file->unpacked_sha256, "0123456789abcdef"), 64);
            assert_true(file->bytes > 1000 && strncmp(file->address, "http", 4) == 0);
        }
    }
}

/* Both halves of the classes are the images of the whole, none of them twice, in the files' order. */
static void halves_of_the_classes(void **state) {
    (void)state;
    enum { IMAGES = 40, PIXELS = 20 };
    char *folder = made_folder();
    made_idx_set(folder, IMAGES, 20, 5, 4, true);
    for (int half = 0; half < 2; half++) {
        const nlg_dataset_options options = {.folder = folder, .validation = 1, .file_order = true};
        nlg_dataset *d = opened(half ? "fashion-mnist-last" : "fashion-mnist-first", &options);
        const nlg_dataset_info *info = nlg_dataset_describe(d);
        assert_int_equal(info->classes, 5);
        assert_string_equal(info->class_names[0], half ? "sandal" : "T-shirt/top");
        assert_int_equal(info->train + info->validation, IMAGES / 2);
        const nlg_augmentation raw = {.raw = true};
        uint32_t at = 0;
        for (uint32_t i = 0; i < IMAGES; i++) {
            if ((int)(i % 10) / 5 != half || at >= info->train) continue;
            float image[PIXELS];
            nlg_target target;
            assert_int_equal(nlg_dataset_images(d, NLG_SPLIT_TRAIN, &at, 1, &raw, 0, 0, image, &target, NULL), NLG_OK);
            assert_int_equal(target.label, i % 5);
            for (size_t p = 0; p < PIXELS; p++) assert_true(image[p] == (float)(made_pixel(i, p) / 255.0));
            at++;
        }
        assert_int_equal(at, info->train);
        assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
        assert_int_equal(info->test, 10);
        nlg_dataset_close(d);
    }
    made_folder_remove(folder);
}

/* The embedded default, where the package is installed. */
static void fashion_mnist_of_debian(void **state) {
    (void)state;
    if (!nlg_file_exists("/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz")) skip();
    nlg_dataset *d = opened("fashion-mnist", &(nlg_dataset_options){.folder = "/usr/share/datasets/fashion-mnist"});
    const nlg_dataset_info *info = nlg_dataset_describe(d);
    assert_int_equal(info->train, 55000);
    assert_int_equal(info->validation, 5000);
    assert_float_equal(info->mean[0], 0.2860f, 5e-5f);
    assert_float_equal(info->std[0], 0.3530f, 5e-5f);
    assert_int_equal(nlg_dataset_open_test(d, NULL), NLG_OK);
    assert_int_equal(info->test, 10000);
    assert_string_equal(info->class_names[9], "ankle boot");
    nlg_dataset_close(d);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_and_plain_files_are_the_same_data),
        cmocka_unit_test(test_files_are_not_touched_before_the_final_step),
        cmocka_unit_test(damaged_idx_files_are_refused),
        cmocka_unit_test(idx_files_cut_at_every_byte_are_refused),
        cmocka_unit_test(packed_bombs_are_refused_before_they_fill_the_memory),
        cmocka_unit_test(wrong_names_and_options_are_refused),
        cmocka_unit_test(cifar_is_read_from_files_and_archive),
        cmocka_unit_test(damaged_cifar_files_are_refused),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(the_registry_is_complete),
        cmocka_unit_test(halves_of_the_classes),
        cmocka_unit_test(fashion_mnist_of_debian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
