/* Fuzz target for everything that reads foreign data files. The first byte chooses what the rest is: an image, IDX images, IDX
 * labels, a CIFAR-10 archive. Build with clang's -fsanitize=fuzzer,address,undefined and the sources of datasets and layers/base.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "datasets/dataset.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t good_images[] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
static const uint8_t good_labels[] = {0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4};

static void write_file(const char *folder, const char *name, const uint8_t *data, size_t size) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) abort();
}

static void open_and_use(const char *name, const char *folder) {
    nlg_dataset *dataset;
    nlg_error err = {0};
    if (nlg_dataset_open(name, &(nlg_dataset_options){.folder = folder}, &dataset, &err) != NLG_OK) {
        if (!err.text[0]) abort(); /* every refusal says why */
        return;
    }
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    size_t floats = (size_t)info->h * (size_t)info->w * (size_t)info->c;
    float *image = floats < 1 << 24 ? malloc(floats * sizeof *image) : NULL;
    const uint32_t last = info->train - 1;
    const nlg_augmentation augmentation = {.shift = 2, .flip = true, .cutout = 3};
    if (image && nlg_dataset_images(dataset, NLG_SPLIT_TRAIN, &last, 1, &augmentation, 1, 1, image, NULL, &err) != NLG_OK) abort();
    free(image);
    nlg_dataset_close(dataset);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static char folder[64];
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/nlg-fuzz-XXXXXX", P_tmpdir);
        if (!mkdtemp(folder)) abort();
    }
    if (size == 0) return 0;
    int kind = data[0] % 4;
    data++, size--;
    if (kind == 0) {
        nlg_image image;
        uint8_t out[8 * 8 * 3];
        nlg_error err = {0};
        if (nlg_image_decode(data, size, "fuzz", &image, &err) == NLG_OK) {
            (void)nlg_image_prepare(&image, &(nlg_image_recipe){.resize = 9, .crop = 8, .filter = NLG_FILTER_BICUBIC}, out, &err);
            nlg_image_release(&image);
        }
    } else if (kind == 3) {
        write_file(folder, "cifar-10-binary.tar.gz", data, size);
        open_and_use("cifar10", folder);
    } else {
        write_file(folder, "train-images-idx3-ubyte", kind == 1 ? data : good_images, kind == 1 ? size : sizeof good_images);
        write_file(folder, "train-labels-idx1-ubyte", kind == 2 ? data : good_labels, kind == 2 ? size : sizeof good_labels);
        open_and_use("mnist", folder);
    }
    return 0;
}
