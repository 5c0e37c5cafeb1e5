/* Folders of JPEG and PNG files, one folder per class, in ImageNet's layout: DIR/train/CLASS/... and DIR/val or DIR/test.
 *
 * - Classes are the folders' names in byte order, as torchvision sorts them, but by value where all are numbers; names that begin
 *   with a dot are passed over. The outputs of a network may be given instead: then folders are matched to these.
 * - With train, val and test, val is the validation split and test the test split; with train and one other, that one is the
 *   test split and validation is cut from train; without train, or where DIR holds the class folders itself, all is test. For
 *   scoring alone, no other picture is read than those to score: those of val, else of test.
 * - Each file is decoded once when its split is opened, so that broken files are known before work starts and the sums for
 *   normalisation are exact. Decoded pixels stay in memory as long as they fit the cache, else they are decoded at each use. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "datasets/image_tree.h"
#include "layers/base/cpu.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/team.h"

enum { MOST_CLASSES = 100000, LIMIT_FILE_BYTES = 256 << 20, FEW_FILES = 64 };

static const size_t default_cache_bytes = (size_t)1 << 30;

/* --- classes -------------------------------------------------------------------------------------------------------- */

/* The classes of a root become those of the data set, unless it has some already. */
static nlg_status take_classes(nlg_dataset *dataset, const char *root, const nlg_pictures *classes, nlg_error *err) {
    if (classes->count == 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected one folder per class in it, found none; see the layout in lineage data info imagefolder",
                        root);
    if (classes->count > MOST_CLASSES)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected at most %d classes, found %zu folders", root, MOST_CLASSES,
                        classes->count);
    if (dataset->info.classes) return NLG_OK;
    const nlg_dataset_options *o = &dataset->options;
    if (o->n_classes) { /* the outputs of a network: folders are matched to them */
        dataset->info.class_names = o->classes;
        dataset->info.classes = o->n_classes;
        return NLG_OK;
    }
    const char **names = nlg_arena_alloc(dataset->arena, classes->count, sizeof *names);
    if (!names) return nlg_fail_memory(err, classes->count * sizeof *names, "the class names");
    bool numbers = true;
    for (size_t i = 0; i < classes->count; i++) {
        names[i] = nlg_last_part(classes->items[i].path);
        numbers &= nlg_is_number(names[i]);
    }
    dataset->info.class_names = names;
    dataset->info.classes = (int)classes->count;
    dataset->info.numeric_classes = numbers;
    return NLG_OK;
}

/* By key ("n01440764"), by name, or by number. */
static int find_output(const nlg_dataset_options *o, const char *name) {
    for (int i = 0; i < o->n_classes; i++)
        if ((o->class_keys && strcmp(o->class_keys[i], name) == 0) || strcmp(o->classes[i], name) == 0) return i;
    if (!o->class_numbers || !nlg_is_number(name) || strlen(name) > 7) return -1;
    const int number = atoi(name);
    return number < o->n_classes ? number : -1;
}

static int find_class(const nlg_dataset *dataset, const char *name) {
    const nlg_dataset_info *info = &dataset->info;
    if (dataset->options.n_classes) return find_output(&dataset->options, name);
    int low = 0, high = info->classes;
    while (low < high) {
        int middle = (low + high) / 2, order = nlg_compare_class_names(info->class_names[middle], name, info->numeric_classes);
        if (order == 0) return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static nlg_status refuse_class(const nlg_dataset *dataset, const char *path, nlg_error *err) {
    const nlg_dataset_options *o = &dataset->options;
    if (o->n_classes)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected the name of one of the network's %d classes (%s, ...), found %s; rename the folder or give "
                        "another class map",
                        path, o->n_classes, o->classes[0], nlg_last_part(path));
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a class that training has, found %s; remove or rename the folder", path,
                    nlg_last_part(path));
}

static int by_line(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* All images below root/CLASS, class by class. */
static nlg_status list_images(nlg_dataset *dataset, const char *root, nlg_pictures *images, nlg_error *err) {
    const uint32_t skipped_before = dataset->info.skipped;
    nlg_pictures classes = {0};
    nlg_folders_seen seen = {0};
    nlg_status status = nlg_image_tree_classes(dataset, root, &classes, &seen, err);
    if (status == NLG_OK) status = take_classes(dataset, root, &classes, err);
    for (size_t i = 0; status == NLG_OK && i < classes.count; i++) {
        const char *path = classes.items[i].path;
        const int label = find_class(dataset, nlg_last_part(path));
        const size_t before = images->count;
        const uint32_t skipped = dataset->info.skipped;
        status = label < 0 ? refuse_class(dataset, path, err) : nlg_image_tree_list(dataset, path, label, images, &seen, err);
        if (status == NLG_OK && images->count == before)
            status =
                dataset->info.skipped > skipped
                    ? nlg_fail(err, NLG_ERR_INPUT,
                               "%s: expected JPEG or PNG files in this class folder, found none, but %u that are left out, the "
                               "first: %s",
                               path, dataset->info.skipped - skipped, dataset->skipped[skipped])
                    : nlg_fail(err, NLG_ERR_INPUT,
                               "%s: expected JPEG or PNG files in this class folder, found none; add some or remove it", path);
    }
    nlg_free(seen.ids);
    nlg_free(classes.items);
    if (dataset->info.skipped > skipped_before) /* as found: in the order of the disk */
        qsort(dataset->skipped + skipped_before, dataset->info.skipped - skipped_before, sizeof *dataset->skipped, by_line);
    return status;
}

/* --- decoding ------------------------------------------------------------------------------------------------------- */

/* Decodes `bytes` to the data set's form; h and w are those of `samples`. NLG_ERR_CHECK: sound but of another size. */
static nlg_status decode(const nlg_dataset *dataset, const nlg_samples *samples, const char *bytes, size_t size, const char *path,
                         uint8_t *pixels, nlg_error *err) {
    const nlg_dataset_options *o = &dataset->options;
    nlg_image image;
    NLG_TRY(nlg_image_decode(bytes, size, path, &image, err));
    nlg_status status = NLG_OK;
    if (o->image_size)
        status = nlg_image_prepare(&image, &(nlg_image_recipe){o->resize, o->image_size, o->filter}, pixels, err);
    else if (image.h != samples->h || image.w != samples->w)
        status = nlg_fail(err, NLG_ERR_CHECK,
                          "%s: expected %d x %d pixels as in the first image, found %d x %d; choose an image size to resize to",
                          path, samples->w, samples->h, image.w, image.h);
    else
        memcpy(pixels, image.rgb, (size_t)image.h * (size_t)image.w * 3);
    nlg_image_release(&image);
    return status;
}

static nlg_status read_sample(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *pixels,
                              nlg_error *err) {
    char *bytes;
    size_t size;
    NLG_TRY(nlg_file_read(samples->paths[sample], LIMIT_FILE_BYTES, &bytes, &size, err));
    nlg_status status = decode(dataset, samples, bytes, size, samples->paths[sample], pixels, err);
    nlg_free(bytes);
    return status == NLG_ERR_CHECK ? NLG_ERR_INPUT : status;
}

/* What the scan found out about one file. */
typedef struct finding {
    nlg_status status;
    char *reason; /* nlg_alloc */
    char digest[65];
} finding;

typedef struct scan {
    const nlg_dataset *dataset;
    const nlg_samples *samples;
    const nlg_picture *files;
    finding *findings;
    uint8_t *pixels;                       /* [files, h, w, 3] or NULL */
    uint64_t (*sums)[2][NLG_MAX_CHANNELS]; /* per worker: sum, square */
} scan;

static nlg_status scan_file(const scan *s, size_t i, uint8_t *pixels, nlg_error *err) {
    const char *path = s->files[i].path;
    char *bytes;
    size_t size;
    NLG_TRY(nlg_file_read(path, LIMIT_FILE_BYTES, &bytes, &size, err));
    nlg_digest *digest = nlg_digest_create();
    nlg_status status = digest ? NLG_OK : nlg_fail_memory(err, 64, "a digest");
    if (digest) {
        nlg_digest_update(digest, bytes, size);
        nlg_digest_finish(digest, s->findings[i].digest);
        status = decode(s->dataset, s->samples, bytes, size, path, pixels, err);
    }
    nlg_free(bytes);
    return status;
}

static void scan_range(void *context, int64_t begin, int64_t end, int worker) {
    const scan *s = context;
    size_t size = (size_t)s->samples->h * (size_t)s->samples->w * 3;
    uint8_t *own = s->pixels ? NULL : nlg_alloc(size, 1);
    for (int64_t i = begin; i < end; i++) {
        finding *f = &s->findings[i];
        nlg_error err = {0};
        uint8_t *pixels = s->pixels ? s->pixels + (size_t)i * size : own;
        f->status = pixels ? scan_file(s, (size_t)i, pixels, &err) : nlg_fail_memory(&err, size, "an image");
        if (f->status == NLG_OK)
            nlg_samples_sum(pixels, size / 3, 3, s->sums[worker][0], s->sums[worker][1]);
        else
            f->reason = nlg_strdup(err.text);
        if (f->status != NLG_OK && !f->reason) f->status = NLG_ERR_MEMORY;
    }
    nlg_free(own);
}

static nlg_status scan_all(scan *s, nlg_samples *samples, size_t count, nlg_error *err) {
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    nlg_team *team = nlg_team_create(count < FEW_FILES || cpu.cores < 1 ? 1 : cpu.cores);
    if (!team) return nlg_fail_memory(err, 1 << 12, "a thread team");
    int workers = nlg_team_size(team);
    s->sums = nlg_alloc((size_t)workers, sizeof *s->sums);
    nlg_status status = s->sums ? NLG_OK : nlg_fail_memory(err, (size_t)workers * sizeof *s->sums, "the sums of pixels");
    if (status == NLG_OK) nlg_team_run(team, (int64_t)count, scan_range, s);
    for (int i = 0; status == NLG_OK && i < workers; i++) /* integers: exact in any order */
        for (int c = 0; c < 3; c++) {
            samples->sum[c] += s->sums[i][0][c];
            samples->square[c] += s->sums[i][1][c];
        }
    samples->summed = true;
    nlg_free(s->sums);
    nlg_team_destroy(team);
    return status;
}

/* Moves the sound files together and lists the broken ones, or fails on those that may not be skipped. */
static nlg_status keep_sound(nlg_dataset *dataset, nlg_samples *samples, const nlg_pictures *images, finding *findings,
                             size_t fixed_from, nlg_error *err) {
    size_t size = (size_t)samples->h * (size_t)samples->w * 3;
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 64, "a digest");
    nlg_status status = NLG_OK;
    size_t folder = strlen(dataset->options.folder) + 1;
    for (size_t i = 0; status == NLG_OK && i < images->count; i++) {
        const finding *f = &findings[i];
        const char *path = images->items[i].path;
        nlg_digest_update(digest, path + folder, strlen(path + folder) + 1);
        nlg_digest_update(digest, f->digest, 64);
        if (f->status == NLG_OK) {
            uint32_t slot = samples->count++;
            samples->labels[slot] = images->items[i].label;
            samples->paths[slot] = path;
            samples->fixed_validation += i >= fixed_from;
            if (samples->pixels && slot != i) memmove(samples->pixels + slot * size, samples->pixels + i * size, size);
        } else if (f->status != NLG_ERR_INPUT || dataset->options.strict) { /* of memory, disk and size no picture is to blame */
            status = nlg_fail(err, f->status == NLG_ERR_CHECK ? NLG_ERR_INPUT : f->status, "%s", f->reason ? f->reason : path);
        } else {
            status = nlg_dataset_skip(dataset, f->reason ? f->reason : path, err);
        }
    }
    nlg_digest_finish(digest, samples->digest);
    if (status == NLG_OK && samples->count == 0)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected sound images, found %zu files of which all are broken, the first: %s",
                          dataset->options.folder, images->count, dataset->skipped[dataset->info.skipped - 1]);
    return status;
}

/* Which pictures are there more than once: copies in two classes, or in training and validation. */
typedef struct copy {
    const char *digest, *path;
} copy;

static int by_contents(const void *a, const void *b) {
    const copy *x = a, *y = b;
    const int order = strcmp(x->digest, y->digest);
    return order ? order : strcmp(x->path, y->path);
}

static nlg_status find_copies(nlg_dataset *dataset, const nlg_pictures *images, const finding *findings, nlg_error *err) {
    size_t count = 0;
    copy *list = nlg_alloc(images->count, sizeof *list);
    if (!list) return nlg_fail_memory(err, images->count * sizeof *list, "the digests of images");
    for (size_t i = 0; i < images->count; i++)
        if (findings[i].status == NLG_OK) list[count++] = (copy){findings[i].digest, images->items[i].path};
    qsort(list, count, sizeof *list, by_contents);
    nlg_status status = NLG_OK;
    for (size_t i = 1; i < count && status == NLG_OK; i++) {
        if (strcmp(list[i - 1].digest, list[i].digest) != 0) continue;
        if (dataset->info.repeated++) continue;
        dataset->info.repeat = nlg_arena_printf(dataset->arena, "%s is %s", list[i].path, list[i - 1].path);
        if (!dataset->info.repeat) status = nlg_fail_memory(err, 512, "a path");
    }
    nlg_free(list);
    return status;
}

/* h and w: those asked for, or of the first image that can be decoded. */
static nlg_status find_size(const nlg_dataset *dataset, const nlg_pictures *images, nlg_samples *samples) {
    samples->c = 3;
    samples->h = samples->w = dataset->options.image_size;
    for (size_t i = 0; samples->h == 0 && i < images->count; i++) {
        nlg_image image;
        nlg_error err = {0};
        nlg_status status = nlg_image_read(images->items[i].path, &image, &err);
        if (status == NLG_ERR_MEMORY) return status;
        if (status != NLG_OK) continue;
        samples->h = image.h;
        samples->w = image.w;
        nlg_image_release(&image);
    }
    return NLG_OK;
}

static nlg_status read_images(nlg_dataset *dataset, const nlg_pictures *images, size_t fixed_from, nlg_samples *samples,
                              nlg_error *err) {
    if (images->count > UINT32_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected fewer than 2^32 images, found %zu", dataset->options.folder,
                        images->count);
    if (find_size(dataset, images, samples) != NLG_OK) return nlg_fail_memory(err, 0, "the first image");
    size_t bytes = 0, size = (size_t)samples->h * (size_t)samples->w * 3;
    size_t cache = dataset->options.cache_bytes ? dataset->options.cache_bytes : default_cache_bytes;
    bool cached = nlg_size_mul_add(&bytes, images->count, size) && bytes <= cache;
    samples->labels = nlg_alloc(images->count, sizeof *samples->labels);
    samples->paths = nlg_alloc(images->count, sizeof *samples->paths);
    finding *findings = nlg_alloc(images->count, sizeof *findings);
    if (cached) {
        samples->pixels = nlg_alloc_large(bytes);
        samples->pixel_bytes = bytes;
    }
    nlg_status status = NLG_OK;
    if (!samples->labels || !samples->paths || !findings || (cached && !samples->pixels))
        status = nlg_fail_memory(err, bytes, "the images");
    scan s = {.dataset = dataset, .samples = samples, .files = images->items, .findings = findings, .pixels = samples->pixels};
    if (status == NLG_OK) status = scan_all(&s, samples, images->count, err);
    if (status == NLG_OK) status = keep_sound(dataset, samples, images, findings, fixed_from, err);
    if (status == NLG_OK) status = find_copies(dataset, images, findings, err);
    for (size_t i = 0; findings && i < images->count; i++) nlg_free(findings[i].reason);
    nlg_free(findings);
    return status;
}

/* --- layout --------------------------------------------------------------------------------------------------------- */

/* The folders of a data set; an empty string where it has no such split. A folder is a split if it holds folders: one that holds
 * pictures is a class of that name, and ImageNet's own test folder is neither. */
typedef struct layout {
    char train[NLG_PATH_BYTES], val[NLG_PATH_BYTES], test[NLG_PATH_BYTES];
    bool flat; /* DIR holds the class folders itself */
} layout;

static nlg_status find_split(const char *folder, const char *name, char path[NLG_PATH_BYTES], nlg_error *err) {
    if (!nlg_path_join(path, folder, name)) return nlg_fail(err, NLG_ERR_INPUT, "%s: the path is too long", folder);
    if (!nlg_has_class_folders(path)) path[0] = '\0';
    return NLG_OK;
}

static nlg_status refuse_same(const char *a, const char *b, nlg_error *err) {
    struct stat x, y;
    if (!a[0] || !b[0] || stat(a, &x) != 0 || stat(b, &y) != 0 || x.st_dev != y.st_dev || x.st_ino != y.st_ino) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s and %s are the same folder; expected other pictures to score than to train with", a, b);
}

static nlg_status find_layout(const char *folder, layout *l, nlg_error *err) {
    if (!nlg_is_folder(folder))
        return nlg_fail(err, NLG_ERR_IO, "%s: expected a folder of images, found %s; check the path", folder,
                        nlg_file_exists(folder) ? "a file" : "nothing");
    NLG_TRY(find_split(folder, "train", l->train, err));
    NLG_TRY(find_split(folder, "val", l->val, err));
    NLG_TRY(find_split(folder, "test", l->test, err));
    l->flat = !l->train[0] && !l->val[0] && !l->test[0];
    NLG_TRY(refuse_same(l->train, l->val, err));
    NLG_TRY(refuse_same(l->train, l->test, err));
    return refuse_same(l->val, l->test, err);
}

/* The folder of the test split; an empty string: there is none. */
static const char *test_folder(const layout *l, const nlg_dataset_options *o) {
    if (l->flat) return o->folder;
    switch (o->scored) {
    case NLG_SCORED_VAL:
        return l->val;
    case NLG_SCORED_TEST:
        return l->test[0] ? l->test : l->val;
    case NLG_SCORED_BEST:
        return l->val[0] ? l->val : l->test;
    default:
        return l->test[0] ? l->test : l->val;
    }
}

static nlg_status check_options(const nlg_dataset *dataset, nlg_error *err) {
    const nlg_dataset_options *o = &dataset->options;
    if (o->image_size >= 0 && o->image_size <= 1 << 14 && (!o->resize || o->resize >= o->image_size) && o->resize <= 1 << 15)
        return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected an image size from 1 to %d and a resize at least as large, found %d and %d",
                    dataset->info.name, 1 << 14, o->image_size, o->resize);
}

static nlg_status refuse_missing_test(const nlg_dataset *dataset, nlg_error *err) {
    if (dataset->options.scored)
        return nlg_fail(
            err, NLG_ERR_IO,
            "%s: expected a folder val or test to score, found train alone; add one, or say --split validation to score "
            "images cut from train",
            dataset->options.folder);
    return nlg_fail(err, NLG_ERR_IO, "%s: expected a folder test or val beside train, found none; add one",
                    dataset->options.folder);
}

/* For evaluation: only the names of the classes, those of train where there is one. */
static nlg_status load_classes(nlg_dataset *dataset, const layout *l, nlg_samples *samples, nlg_error *err) {
    const char *root = l->train[0] ? l->train : test_folder(l, &dataset->options);
    nlg_pictures classes = {0};
    nlg_folders_seen seen = {0};
    nlg_status status = nlg_image_tree_classes(dataset, root, &classes, &seen, err);
    if (status == NLG_OK) status = take_classes(dataset, root, &classes, err);
    samples->h = samples->w = dataset->options.image_size;
    samples->c = 3;
    nlg_free(classes.items);
    nlg_free(seen.ids);
    return status;
}

static nlg_status load_training(nlg_dataset *dataset, const layout *l, nlg_samples *samples, nlg_error *err) {
    nlg_pictures images = {0};
    size_t fixed_from = SIZE_MAX;
    nlg_status status = list_images(dataset, l->train, &images, err);
    if (status == NLG_OK && l->test[0] && l->val[0]) {
        fixed_from = images.count;
        status = list_images(dataset, l->val, &images, err);
        dataset->info.validation_folder = nlg_arena_printf(dataset->arena, "%s", l->val);
        if (status == NLG_OK && !dataset->info.validation_folder) status = nlg_fail_memory(err, strlen(l->val) + 1, "a path");
    }
    if (status == NLG_OK) status = read_images(dataset, &images, fixed_from, samples, err);
    nlg_free(images.items);
    return status;
}

static nlg_status load_test(nlg_dataset *dataset, const layout *l, nlg_samples *samples, nlg_error *err) {
    const char *root = test_folder(l, &dataset->options);
    nlg_pictures images = {0};
    if (!root[0]) return refuse_missing_test(dataset, err);
    dataset->info.test_folder = nlg_arena_printf(dataset->arena, "%s", root);
    if (!dataset->info.test_folder) return nlg_fail_memory(err, strlen(root) + 1, "a path");
    nlg_status status = list_images(dataset, root, &images, err);
    if (status == NLG_OK) status = read_images(dataset, &images, SIZE_MAX, samples, err);
    nlg_free(images.items);
    return status;
}

static nlg_status load(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    layout l;
    NLG_TRY(check_options(dataset, err));
    NLG_TRY(find_layout(dataset->options.folder, &l, err));
    if (test) return load_test(dataset, &l, samples, err);
    const bool cut = dataset->options.scored == NLG_SCORED_VAL && !(l.val[0] && l.test[0]); /* asked for, and only there */
    if (l.train[0] && (!dataset->options.scored || cut)) return load_training(dataset, &l, samples, err);
    if (!l.train[0] && !test_folder(&l, &dataset->options)[0]) return refuse_missing_test(dataset, err);
    return load_classes(dataset, &l, samples, err);
}

/* Only names, and the size of one image: nothing is scored. */
static nlg_status check_test(nlg_dataset *dataset, nlg_error *err) {
    layout l;
    nlg_samples first = {0};
    nlg_pictures images = {0};
    NLG_TRY(find_layout(dataset->options.folder, &l, err));
    const char *root = test_folder(&l, &dataset->options);
    if (!root[0]) return refuse_missing_test(dataset, err);
    const uint32_t skipped = dataset->info.skipped;
    nlg_status status = list_images(dataset, root, &images, err);
    dataset->info.skipped = skipped;
    if (status == NLG_OK) status = find_size(dataset, &images, &first);
    if (status == NLG_OK && dataset->training.count && (first.h != dataset->info.h || first.w != dataset->info.w))
        status = nlg_fail(err, NLG_ERR_INPUT,
                          "%s: expected images of %d x %d pixels as in training, found %d x %d; choose an image size to resize to",
                          root, dataset->info.w, dataset->info.h, first.w, first.h);
    nlg_free(images.items);
    return status;
}

static bool present(const char *folder) {
    return nlg_is_folder(folder);
}

extern const nlg_dataset_format nlg_dataset_imagefolder;

const nlg_dataset_format nlg_dataset_imagefolder = {
    .name = "imagefolder",
    .summary = "a folder of JPEG and PNG files: DIR/train/CLASS/... and DIR/val or DIR/test (ImageNet's layout)",
    .layout = "DIR/train/CLASS/*.jpg, *.jpeg, *.png for training, DIR/val/CLASS/... or DIR/test/CLASS/... for testing; with all "
              "three, val is for validation. For evaluation alone: DIR/CLASS/...",
    .needs_folder = true,
    .load = load,
    .check_test = check_test,
    .read = read_sample,
    .present = present,
};
