/* CIFAR-10 (Krizhevsky 2009), binary version: records of one label byte and 3 x 32 x 32 pixels, colour by colour. Read from the
 * extracted files, or straight from the official archive. */
#include <stdio.h>
#include <string.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"

enum { SIDE = 32, PLANE = SIDE * SIDE, RECORD = 1 + 3 * PLANE, TAR_BLOCK = 512, MOST_RECORDS = 1000000, MOST_SKIPPED = 256 << 20 };

#define ARCHIVE   "cifar-10-binary.tar.gz"
#define SUBFOLDER "cifar-10-batches-bin"

static const char *const training_names[] = {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin",
                                             "data_batch_5.bin"};
static const char *const test_names[] = {"test_batch.bin"};

enum { MOST_BATCHES = 5 };

/* The bytes of the batches, before they are taken apart. */
typedef struct batches {
    int count;
    const char *const *names;
    char *bytes[MOST_BATCHES];
    size_t size[MOST_BATCHES];
} batches;

/* --- the archive ---------------------------------------------------------------------------------------------------- */

static bool tar_number(const char *field, int width, uint64_t *value) {
    *value = 0;
    int digits = 0;
    for (int i = 0; i < width && field[i] && field[i] != ' '; i++, digits++) {
        if (field[i] < '0' || field[i] > '7' || *value >> 60) return false;
        *value = *value * 8 + (uint64_t)(field[i] - '0');
    }
    return digits > 0;
}

static bool tar_header_is_sound(const uint8_t *block) {
    uint64_t stored, sum = 8 * ' ';
    for (int i = 0; i < TAR_BLOCK; i++)
        if (i < 148 || i >= 156) sum += block[i];
    return tar_number((const char *)block + 148, 8, &stored) && stored == sum;
}

static nlg_status tar_read(nlg_unpacker *unpacker, void *into, size_t size, nlg_error *err) {
    size_t got;
    NLG_TRY(nlg_unpacker_read(unpacker, into, size, &got, err));
    if (got == size) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a whole tar archive, found its end too early; fetch it again",
                    nlg_unpacker_path(unpacker));
}

static nlg_status tar_skip(nlg_unpacker *unpacker, uint64_t size, nlg_error *err) {
    char waste[8 * TAR_BLOCK];
    for (; size; size -= size < sizeof waste ? size : sizeof waste)
        NLG_TRY(tar_read(unpacker, waste, size < sizeof waste ? (size_t)size : sizeof waste, err));
    return NLG_OK;
}

static nlg_status read_from_archive(nlg_unpacker *unpacker, batches *b, nlg_error *err) {
    const char *path = nlg_unpacker_path(unpacker);
    uint8_t block[TAR_BLOCK];
    uint64_t skipped = 0;
    for (int missing = b->count; missing;) {
        NLG_TRY(tar_read(unpacker, block, sizeof block, err));
        int want = 0;
        while (want < b->count && !b->bytes[want]) want++;
        if (block[0] == 0) {
            want = 0;
            while (b->bytes[want]) want++;
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %s in the archive, found no such member; fetch it again", path,
                            b->names[want]);
        }
        uint64_t size;
        if (!tar_header_is_sound(block) || !tar_number((const char *)block + 124, 12, &size))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a tar archive, found a damaged member header; fetch it again", path);
        char name[101];
        snprintf(name, sizeof name, "%.100s", (const char *)block);
        const char *slash = strrchr(name, '/'), *stem = slash ? slash + 1 : name;
        want = 0;
        while (want < b->count && (strcmp(stem, b->names[want]) != 0 || b->bytes[want])) want++;
        uint64_t padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
        if (want == b->count) {
            skipped += size < MOST_SKIPPED ? size : MOST_SKIPPED;
            if (skipped >= MOST_SKIPPED)
                return nlg_fail(err, NLG_ERR_INPUT,
                                "%s: expected little else than the batches, found %s of %llu bytes; fetch it again", path, name,
                                (unsigned long long)size);
            NLG_TRY(tar_skip(unpacker, size + padding, err));
            continue;
        }
        if (size == 0 || size > (uint64_t)MOST_RECORDS * RECORD || size > nlg_unpacker_bound(unpacker))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %s of 30730000 bytes, found a header that says %llu; fetch it again",
                            path, stem, (unsigned long long)size);
        b->bytes[want] = nlg_alloc((size_t)size, 1);
        if (!b->bytes[want]) return nlg_fail_memory(err, (size_t)size, path);
        b->size[want] = (size_t)size;
        NLG_TRY(tar_read(unpacker, b->bytes[want], (size_t)size, err));
        NLG_TRY(tar_skip(unpacker, padding, err));
        missing--;
    }
    return NLG_OK;
}

/* --- batches to samples --------------------------------------------------------------------------------------------- */

static bool has(const char *folder, const char *name, char path[NLG_PATH_BYTES]) {
    return nlg_path_join(path, folder, name) && nlg_file_exists(path);
}

/* Where the batches are: `folder` itself or its official subfolder. */
static bool extracted(const char *folder, char found[NLG_PATH_BYTES]) {
    char path[NLG_PATH_BYTES];
    if (has(folder, SUBFOLDER, found) && has(found, training_names[0], path)) return true;
    snprintf(found, NLG_PATH_BYTES, "%s", folder);
    return has(folder, training_names[0], path);
}

static nlg_status read_batches(const char *folder, batches *b, nlg_error *err) {
    char path[NLG_PATH_BYTES], where[NLG_PATH_BYTES];
    if (!extracted(folder, where) && has(folder, ARCHIVE, path)) {
        nlg_unpacker *unpacker;
        NLG_TRY(nlg_unpacker_open(path, &unpacker, err));
        nlg_status status = read_from_archive(unpacker, b, err);
        nlg_unpacker_close(unpacker);
        return status;
    }
    for (int i = 0; i < b->count; i++) {
        if (!nlg_path_join(path, where, b->names[i])) return nlg_fail(err, NLG_ERR_INPUT, "%s: the path is too long", where);
        NLG_TRY(nlg_file_read(path, (size_t)MOST_RECORDS * RECORD, &b->bytes[i], &b->size[i], err));
    }
    return NLG_OK;
}

static nlg_status check_batches(const char *folder, const batches *b, nlg_error *err) {
    for (int i = 0; i < b->count; i++) {
        if (b->size[i] == 0 || b->size[i] % RECORD)
            return nlg_fail(err, NLG_ERR_INPUT,
                            "%s/%s: expected a whole number of records of %d bytes, found %zu bytes; fetch it again", folder,
                            b->names[i], RECORD, b->size[i]);
        if (b->size[i] != b->size[0])
            return nlg_fail(err, NLG_ERR_INPUT, "%s/%s: expected %zu records as in %s, found %zu; fetch it again", folder,
                            b->names[i], b->size[0] / RECORD, b->names[0], b->size[i] / RECORD);
    }
    return NLG_OK;
}

static nlg_status take_apart(const char *folder, const batches *b, int classes, nlg_samples *samples, nlg_error *err) {
    size_t records = b->size[0] / RECORD;
    NLG_TRY(nlg_samples_allocate(samples, (uint32_t)(records * (size_t)b->count), SIDE, SIDE, 3, folder, err));
    for (size_t i = 0; i < samples->count; i++) {
        const uint8_t *record = (const uint8_t *)b->bytes[i / records] + i % records * RECORD;
        if (record[0] >= classes)
            return nlg_fail(err, NLG_ERR_INPUT,
                            "%s/%s: expected labels from 0 to %d, found %d for image %zu (byte %zu); fetch it again", folder,
                            b->names[i / records], classes - 1, record[0], i % records, i % records * RECORD);
        samples->labels[i] = record[0];
        uint8_t *pixel = samples->pixels + i * 3 * PLANE;
        for (int p = 0; p < PLANE; p++)
            for (int c = 0; c < 3; c++) pixel[3 * p + c] = record[1 + c * PLANE + p];
    }
    return NLG_OK;
}

static nlg_status load(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    const char *folder = dataset->options.folder;
    batches b = {.count = test ? 1 : MOST_BATCHES, .names = test ? test_names : training_names};
    nlg_status status = read_batches(folder, &b, err);
    if (status == NLG_OK) status = check_batches(folder, &b, err);
    if (status == NLG_OK) status = take_apart(folder, &b, dataset->info.classes, samples, err);
    nlg_digest *digest = status == NLG_OK ? nlg_digest_create() : NULL;
    if (status == NLG_OK && !digest) status = nlg_fail_memory(err, 64, "a digest");
    for (int i = 0; i < b.count; i++) {
        if (digest) nlg_digest_update(digest, b.bytes[i], b.size[i]);
        nlg_free(b.bytes[i]);
    }
    if (digest) nlg_digest_finish(digest, samples->digest);
    return status;
}

static nlg_status check_test(nlg_dataset *dataset, nlg_error *err) {
    const char *folder = dataset->options.folder;
    char path[NLG_PATH_BYTES], where[NLG_PATH_BYTES];
    if (!extracted(folder, where)) return NLG_OK; /* in the archive, where training found the batches before it */
    if (has(where, test_names[0], path)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_IO, "%s/%s: expected the test images beside the training batches, found none; fetch them again",
                    where, test_names[0]);
}

static bool present(const char *folder) {
    char path[NLG_PATH_BYTES];
    return extracted(folder, path) || has(folder, ARCHIVE, path);
}

static const char *const classes[] = {"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

static const nlg_dataset_file files[] = {
    {ARCHIVE, "https://www.cs.toronto.edu/~kriz/" ARCHIVE, 170052171,
     "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", NULL},
};

extern const nlg_dataset_format nlg_dataset_cifar10;

const nlg_dataset_format nlg_dataset_cifar10 = {
    .name = "cifar10",
    .summary = "60,000 colour photographs, 32x32, 10 classes (Krizhevsky 2009), binary version",
    .layout = ARCHIVE ", or " SUBFOLDER "/ from it, or its files data_batch_1.bin to data_batch_5.bin and test_batch.bin",
    .classes = 10,
    .class_names = classes,
    .files = files,
    .file_count = 1,
    .load = load,
    .check_test = check_test,
    .present = present,
};
