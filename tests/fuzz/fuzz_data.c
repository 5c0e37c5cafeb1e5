/* Readers of data sets and pictures. */
#include <stdlib.h>

#include "datasets/dataset.h"
#include "datasets/image.h"
#include "tests/fuzz/fuzz.h"

static void open_and_use(const char *name) {
    nlg_dataset *dataset;
    nlg_error err = {0};
    const nlg_status status = nlg_dataset_open(name, &(nlg_dataset_options){.folder = fuzz_path("")}, &dataset, &err);
    fuzz_check(status, &err);
    if (status != NLG_OK) return;
    const nlg_dataset_info *info = nlg_dataset_describe(dataset);
    const size_t floats = (size_t)info->h * (size_t)info->w * (size_t)info->c;
    float *image = floats < 1 << 24 ? malloc(floats * sizeof *image) : NULL;
    const uint32_t last = info->train - 1;
    const nlg_augmentation augmentation = {.shift = 2, .flip = true, .cutout = 3};
    if (image)
        fuzz_demand(nlg_dataset_images(dataset, NLG_SPLIT_TRAIN, &last, 1, &augmentation, 1, 1, image, NULL, &err) == NLG_OK,
                    "an image of an open data set cannot be read", &err);
    free(image);
    nlg_dataset_close(dataset);
}

/* The first byte: the rest is images or labels, packed or plain. */
void fuzz_idx(const uint8_t *data, size_t size) {
    static const uint8_t images[] = {0, 0, 8, 3, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8};
    static const uint8_t labels[] = {0, 0, 8, 1, 0, 0, 0, 4, 1, 2, 3, 4};
    if (size < 1) return;
    if (data[0] & 1) {
        fuzz_file("train-images-idx3-ubyte", images, sizeof images);
        fuzz_file("train-labels-idx1-ubyte", data + 1, size - 1);
    } else {
        fuzz_file("train-images-idx3-ubyte", data + 1, size - 1);
        fuzz_file("train-labels-idx1-ubyte", labels, sizeof labels);
    }
    open_and_use("mnist");
}

void fuzz_cifar(const uint8_t *data, size_t size) {
    fuzz_file("cifar-10-binary.tar.gz", data, size);
    open_and_use("cifar10");
}

void fuzz_picture(const uint8_t *data, size_t size) {
    nlg_image image;
    uint8_t out[8 * 8 * 3];
    nlg_error err = {0};
    nlg_status status = nlg_image_decode(data, size, "picture", &image, &err);
    fuzz_check(status, &err);
    if (status != NLG_OK) return;
    const nlg_image_recipe recipe = {.resize = 9, .crop = 8, .filter = size % 2 ? NLG_FILTER_BICUBIC : NLG_FILTER_BILINEAR};
    fuzz_check(nlg_image_prepare(&image, &recipe, out, &err), &err);
    nlg_image_release(&image);
}
