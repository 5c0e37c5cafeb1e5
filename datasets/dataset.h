/* Data sets: samples with targets (labels or boxes), in splits. One format per file, one row of datasets.def per data set. */
#ifndef NLG_DATASET_H
#define NLG_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "datasets/image.h"
#include "layers/base/status.h"

typedef enum { NLG_SPLIT_TRAIN, NLG_SPLIT_VALIDATION, NLG_SPLIT_TEST } nlg_split;

typedef struct nlg_dataset nlg_dataset;

/* Data sets that are opened for scoring only, without training images: which folder of an image folder is the test split. */
typedef enum {
    NLG_SCORED_NONE, /* no: training images too */
    NLG_SCORED_BEST, /* val, else test, else the folder itself */
    NLG_SCORED_VAL,  /* the validation split: val beside test, or without train; else cut from train, which is read then */
    NLG_SCORED_TEST, /* test, else val */
} nlg_scored;

/* Zero everywhere means the defaults. */
typedef struct nlg_dataset_options {
    const char *folder;   /* where the files are; NULL: the data set's default (see nlg_dataset_open) */
    uint32_t validation;  /* images cut from training by the keyed permutation; 0: 5000, or a tenth where that is less;
                             without effect where the files themselves hold a validation split */
    uint64_t split_seed;  /* key of that permutation */
    bool file_order;      /* no permutation: training images in the files' order, validation the last of them (reference runs) */
    uint32_t train_limit; /* use the first so many of the permuted training images; 0: all */
    bool strict;          /* imagefolder: refuse broken files instead of skipping them with a count */
    int image_size;       /* imagefolder: images are resized and centre-cropped to squares of this side; 0: as they are, and then
                             all of one size */
    int resize;           /* imagefolder: shorter side after resizing, >= image_size; 0: image_size */
    nlg_filter filter;    /* imagefolder: of the resizing */
    size_t cache_bytes;   /* imagefolder: decoded images are kept in memory up to so much, beyond that decoded at each use;
                             0: 1 GiB. scenes: painted ones of each, training and test; 0: 128 MiB */
    nlg_scored scored;    /* imagefolder: read no training images; others always read them */
    /* imagefolder: the outputs of a network, in their order; folders are matched by key (such as WordNet's n01440764; NULL: none),
     * by name and, with class_numbers, by number. They must live as long as the data set. n_classes 0: the folders are the classes.
     */
    const char *const *classes, *const *class_keys;
    int n_classes;
    bool class_numbers;
    bool category_ids; /* coco: labels are the categories' ids, as in torchvision's weights; else their places in order of ids */
    float mean[3], std[3]; /* replace the computed ones where std[0] > 0, e.g. by those of published weights */
} nlg_dataset_options;

/* What an image should be answered with: its class, or the objects in it. */
typedef enum { NLG_TARGET_LABEL, NLG_TARGET_OBJECTS } nlg_target_kind;

/* Corners in pixels, x to the right and y downwards; a box around one pixel is {0, 0, 1, 1}. */
typedef struct nlg_box {
    double x1, y1, x2, y2;
} nlg_box;

/* An object as it stands in the files, in pixels of the stored image: left, top, width and height as COCO writes them, so that
 * overlaps have the bits that pycocotools gives them. */
typedef struct nlg_object {
    double x, y, w, h;
    double area;   /* decides whether it counts as small, medium or large; COCO: of its outline, not of the box */
    int32_t label; /* 0 .. classes-1 */
    bool crowd;    /* stands for many objects: neither missed nor a false alarm where it is detected */
} nlg_object;

/* Point (x, y) of the stored image is (x * scale + dx, y * scale + dy) of the network's, mirrored in `mirror` where that is not 0.
 */
typedef struct nlg_target {
    int label; /* -1 where the data set has objects */
    int n_objects;
    const nlg_object *objects; /* borrowed from the data set */
    double scale, dx, dy, mirror;
    int h, w; /* of the network's image: the box of an object may reach beyond it */
} nlg_target;
nlg_box nlg_target_box(const nlg_target *target, int object);                   /* in the network's image, clipped to it */
nlg_box nlg_target_box_in_file(const nlg_target *target, const nlg_box *input); /* and back, not clipped */

typedef struct nlg_dataset_info {
    const char *name;
    nlg_target_kind targets;
    int h, w, c, classes;
    const char *const *class_names;
    uint32_t train, validation, test;            /* images in each split; test is 0 until nlg_dataset_open_test */
    bool numeric_classes;                        /* imagefolder: the class folders are numbers and in their order */
    const char *validation_folder, *test_folder; /* imagefolder: where these splits are; NULL: cut from train, not opened */
    uint32_t repeated;  /* imagefolder: pictures whose file is there under another name too, among those opened together, */
    const char *repeat; /* and the first of them: "file is file" */
    uint32_t skipped;   /* files left out: broken, of other formats, too deep, links in a circle, */
    const char *const *skipped_files; /* each as "file: reason" */
    const char *digest, *test_digest; /* SHA-256 over the contents (unpacked) of the files read; "" where none was */
    const char *source;               /* where it came from */
    float mean[4],
        std[4];                         /* per channel, in 0..1, used for normalisation: of all training images in the files, also
                                           those that the split leaves out, so that a trained network meets the same numbers under another split */
    const nlg_dataset_options *options; /* with which it was opened */
} nlg_dataset_info;

/* name: "fashion-mnist", "mnist", "cifar10", "imagefolder:DIR"; "NAME:DIR" is the same as options->folder for the others.
 * options may be NULL. Without a folder, the first of these that holds the files is taken: $NLG_DATA/NAME,
 * ~/.local/share/netlineage/NAME, the folder of the Debian package. The test split is not opened here. A folder of images
 * without a train folder opens with no training images: for evaluation.
 * Errors name the file, what was expected, what was found and what to do. */
nlg_status nlg_dataset_open(const char *name, const nlg_dataset_options *options, nlg_dataset **dataset, nlg_error *err);
void nlg_dataset_close(nlg_dataset *dataset);
const nlg_dataset_info *nlg_dataset_describe(const nlg_dataset *dataset); /* valid until the next open_test or close */

/* Reads the test split; the final step of an experiment calls it once and logs it. Calling it again does nothing. */
nlg_status nlg_dataset_open_test(nlg_dataset *dataset, nlg_error *err);
/* Could it be opened? Looks at names and headers, decodes at most one image and opens nothing: for the start of a long run. */
nlg_status nlg_dataset_check_test(nlg_dataset *dataset, nlg_error *err);

/* Augmentation of training images, keyed by (seed, epoch, index) alone. All fields are drawn independently. */
typedef struct nlg_augmentation {
    int shift;  /* pad by this many black pixels and crop at a random place */
    bool flip;  /* mirror left-right with probability 1/2 */
    int cutout; /* side of a square set to zero after normalisation, its centre anywhere; 0: none */
    bool raw;   /* no normalisation: pixel / 255 */
    int pad;    /* black border added on each side, e.g. 2: 28 -> 32; like raw, it holds for every split */
} nlg_augmentation;

/* Write images `index[0..count)` of a split as float NHWC into images [count, h + 2 pad, w + 2 pad, c] and their targets;
 * training images are augmented unless augmentation is NULL (then: normalised only), others get `raw` and `pad` alone. An
 * image is a pure function of (split, index, augmentation, seed, epoch), so order and grouping do not matter and several
 * threads may call this at once. `targets` may be NULL.
 * Errors: an index outside the split, a test split not opened; imagefolder beyond its cache: a file that cannot be read. */
nlg_status nlg_dataset_images(const nlg_dataset *dataset, nlg_split split, const uint32_t *index, size_t count,
                              const nlg_augmentation *augmentation, uint64_t seed, uint32_t epoch, float *images,
                              nlg_target *targets, nlg_error *err);

/* The order of training images in an epoch: keyed permutation of 0 .. train-1 into `order`. */
void nlg_dataset_epoch_order(const nlg_dataset *dataset, uint64_t seed, uint32_t epoch, uint32_t *order);

/* ---- registry ---- */

typedef struct nlg_dataset_format nlg_dataset_format;
int nlg_dataset_format_count(void);
const nlg_dataset_format *nlg_dataset_format_at(int index);
const char *nlg_dataset_format_name(const nlg_dataset_format *format);
const char *nlg_dataset_format_summary(const nlg_dataset_format *format);
const char *nlg_dataset_format_layout(const nlg_dataset_format *format); /* which files its folder holds, in lines */
nlg_target_kind nlg_dataset_format_targets(const nlg_dataset_format *format);
bool nlg_dataset_format_fetchable(const nlg_dataset_format *format);
/* The folder that nlg_dataset_open would take without one given, into `folder`; false: the files are nowhere. */
bool nlg_dataset_format_folder(const nlg_dataset_format *format, char *folder, size_t size);

/* Where fetched files go: $NLG_DATA/NAME or ~/.local/share/netlineage/NAME. */
nlg_status nlg_dataset_fetch_folder(const nlg_dataset_format *format, char *path, size_t size, nlg_error *err);
/* By name, also with ":DIR" behind it; the error lists the known ones. */
nlg_status nlg_dataset_format_find(const char *name, const nlg_dataset_format **format, nlg_error *err);

/* ---- fetching ---- */

/* Receives one line at a time, without a line end. */
typedef void nlg_fetch_progress(void *context, const char *line);

/* Download the files of a data set into its folder (NULL: $NLG_DATA/NAME or ~/.local/share/netlineage/NAME) by the program
 * curl, continuing partial downloads. A file takes its name only when its SHA-256 fits. `progress` may be NULL. */
nlg_status nlg_dataset_fetch(const char *name, const char *folder, nlg_fetch_progress *progress, void *context, nlg_error *err);

/* Compare the files of a data set with the published SHA-256 values; a file that is absent or differs is an NLG_ERR_CHECK that
 * names it. Debian's repacked files are compared by their unpacked contents. */
nlg_status nlg_dataset_verify(const char *name, const char *folder, nlg_fetch_progress *progress, void *context, nlg_error *err);

#endif
