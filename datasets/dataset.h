/* Data sets: samples with labels, in splits. One format per file, one row of datasets.def per data set. */
#ifndef NLG_DATASET_H
#define NLG_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

typedef enum { NLG_SPLIT_TRAIN, NLG_SPLIT_VALIDATION, NLG_SPLIT_TEST } nlg_split;

typedef struct nlg_dataset nlg_dataset;

typedef struct nlg_dataset_options {
    const char *folder;       /* where the files are; NULL: the data set's default (Debian's folder, or the fetch folder) */
    uint32_t validation;      /* images cut from training by the keyed permutation; 0: the data set's default (5000, or 10%) */
    uint64_t split_seed;      /* key of that permutation */
    uint32_t train_limit;     /* use the first so many of the permuted training images; 0: all */
    int image_size;           /* imagefolder: images are resized so (shorter side) and centre-cropped to a square; 0: as they are,
                                 which then must all be of one size */
    bool strict;              /* imagefolder: refuse broken files instead of skipping them with a count */
} nlg_dataset_options;

typedef struct nlg_dataset_info {
    const char *name;
    int h, w, c, classes;
    const char *const *class_names;
    uint32_t train, validation, test; /* images in each split; test is known from the file header without reading labels */
    uint32_t skipped;                 /* broken files left out */
    const char *digest;               /* SHA-256 over the files read */
    const char *source;               /* where it came from */
    float mean[4], std[4];            /* per channel, of the training images in 0..1, used for normalisation */
} nlg_dataset_info;

/* name: "fashion-mnist", "mnist", "cifar10", "imagefolder:DIR". The test split is not opened here. */
nlg_status nlg_dataset_open(const char *name, const nlg_dataset_options *options, nlg_dataset **dataset, nlg_error *err);
void nlg_dataset_close(nlg_dataset *dataset);
const nlg_dataset_info *nlg_dataset_describe(const nlg_dataset *dataset);

/* Reads the test split; the final step of an experiment calls it once and logs it. */
nlg_status nlg_dataset_open_test(nlg_dataset *dataset, nlg_error *err);

/* Augmentation of training images, keyed by (seed, epoch, sample index) alone. */
typedef struct nlg_augmentation {
    int shift;       /* pad by this many pixels and crop at a random place */
    bool flip;       /* mirror left-right with probability 1/2 */
    int cutout;      /* side of a random square set to zero after normalisation; 0: none */
    bool raw;        /* no normalisation: pixel / 255 */
    int pad;         /* constant zero border added on each side, e.g. 2: 28 -> 32 */
} nlg_augmentation;

/* Write images `index[0..count)` of a split as float NHWC into images [count, h + 2 pad, w + 2 pad, c] and labels; training
 * images are augmented, keyed by (seed, epoch, index), unless augmentation is NULL (then: normalised only). Order and
 * grouping do not matter: each image is a pure function of its arguments. `begin`/`count` select from a team's range, so
 * several threads may call it at once. */
nlg_status nlg_dataset_images(const nlg_dataset *dataset, nlg_split split, const uint32_t *index, size_t count,
                              const nlg_augmentation *augmentation, uint64_t seed, uint32_t epoch, float *images, int *labels,
                              nlg_error *err);

/* The order of training images in an epoch: keyed permutation of 0 .. train-1 into `order`. */
void nlg_dataset_epoch_order(const nlg_dataset *dataset, uint64_t seed, uint32_t epoch, uint32_t *order);

/* Registry. */
typedef struct nlg_dataset_format nlg_dataset_format;
int nlg_dataset_format_count(void);
const nlg_dataset_format *nlg_dataset_format_at(int index);
const char *nlg_dataset_format_name(const nlg_dataset_format *format);
const char *nlg_dataset_format_summary(const nlg_dataset_format *format);

/* Download the files of a data set into its folder, checking SHA-256, resuming partial downloads (curl as a program); messages go to
 * `progress` (stderr) unless NULL. */
nlg_status nlg_dataset_fetch(const char *name, const char *folder, void (*progress)(void *context, const char *line), void *context,
                             nlg_error *err);

#endif
