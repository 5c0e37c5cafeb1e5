/* Opening a data set: samples from its format, then the splits, the digests and the numbers for normalisation. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "datasets/format.h"
#include "layers/base/rng.h"

enum { DEFAULT_VALIDATION = 5000 };

/* --- samples -------------------------------------------------------------------------------------------------------- */

nlg_status nlg_samples_allocate(nlg_samples *samples, uint32_t count, int h, int w, int c, const char *what, nlg_error *err) {
    size_t bytes = 0, image = (size_t)h * (size_t)w * (size_t)c;
    if (!nlg_size_mul_add(&bytes, count, image))
        return nlg_fail(err, NLG_ERR_INPUT, "%s: %u images of %d x %d x %d are more than memory can address", what, count, w, h, c);
    samples->labels = nlg_alloc(count, sizeof *samples->labels);
    samples->pixels = nlg_alloc_large(bytes);
    samples->pixel_bytes = bytes;
    samples->count = count;
    samples->h = h;
    samples->w = w;
    samples->c = c;
    return samples->labels && samples->pixels ? NLG_OK : nlg_fail_memory(err, bytes, what);
}

void nlg_samples_release(nlg_samples *samples) {
    nlg_free(samples->labels);
    nlg_free(samples->objects);
    nlg_free(samples->first_object);
    nlg_free(samples->scale);
    nlg_free_large(samples->pixels, samples->pixel_bytes);
    nlg_free(samples->kept);
    nlg_free(samples->kept_state);
    nlg_free(samples->paths);
    if (samples->source) nlg_samples_release(samples->source);
    nlg_free(samples->source);
    *samples = (nlg_samples){0};
}

void nlg_samples_sum(const uint8_t *bytes, size_t pixels, int c, uint64_t *sum, uint64_t *square) {
    enum { PART = 1 << 14 }; /* 255^2 times this fits in 32 bits, which is quicker to add in */
    for (int channel = 0; channel < c; channel++)
        for (size_t first = 0; first < pixels; first += PART) {
            size_t last = pixels - first < PART ? pixels : first + PART;
            uint32_t s = 0, q = 0;
            for (size_t i = first; i < last; i++) {
                uint32_t v = bytes[i * (size_t)c + (size_t)channel];
                s += v;
                q += v * v;
            }
            sum[channel] += s;
            square[channel] += q;
        }
}

nlg_status nlg_dataset_skip(nlg_dataset *dataset, const char *line, nlg_error *err) {
    uint32_t count = dataset->info.skipped;
    if ((count & (count - 1)) == 0) { /* full at each power of two */
        const char **grown = nlg_realloc(dataset->skipped, count ? 2 * (size_t)count : 1, sizeof *grown);
        if (!grown) return nlg_fail_memory(err, 2 * (size_t)count * sizeof *grown, "the list of broken files");
        dataset->skipped = grown;
    }
    const char *copy = nlg_arena_printf(dataset->arena, "%s", line);
    if (!copy) return nlg_fail_memory(err, strlen(line) + 1, "the list of broken files");
    dataset->skipped[dataset->info.skipped++] = copy;
    dataset->info.skipped_files = dataset->skipped;
    return NLG_OK;
}

/* --- splits and normalisation --------------------------------------------------------------------------------------- */

/* order: the training split, then the validation split. The keyed permutation puts validation first and training behind it,
 * so that a limit on training images leaves the validation images as they are. */
static nlg_status split(nlg_dataset *dataset, nlg_error *err) {
    const nlg_dataset_options *options = &dataset->options;
    const nlg_samples *samples = &dataset->training;
    uint32_t fixed = samples->fixed_validation, free_count = samples->count - fixed, validation = options->validation;
    if (samples->count == 0) return NLG_OK; /* for evaluation only */
    if (fixed) {
        validation = 0;
    } else {
        if (validation == 0) validation = free_count / 10 < DEFAULT_VALIDATION ? free_count / 10 : DEFAULT_VALIDATION;
        if (validation == 0) validation = 1;
    }
    if (validation >= free_count)
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "%s: expected a validation split smaller than the %u training images, found %u; ask for fewer validation images",
            dataset->info.name, free_count, validation);
    uint32_t *permutation = nlg_alloc(free_count, sizeof *permutation);
    dataset->order = nlg_alloc(samples->count, sizeof *dataset->order);
    if (!permutation || !dataset->order) {
        nlg_free(permutation);
        return nlg_fail_memory(err, (size_t)samples->count * sizeof *permutation, "the splits");
    }
    nlg_rng_permutation(nlg_rng_named(nlg_rng_seed(options->split_seed), "split"), permutation, free_count);
    for (uint32_t i = 0; options->file_order && i < free_count; i++) permutation[i] = (i + free_count - validation) % free_count;
    uint32_t train = free_count - validation;
    if (options->train_limit && options->train_limit < train) train = options->train_limit;
    memcpy(dataset->order, permutation + validation, (size_t)train * sizeof *permutation);
    memcpy(dataset->order + train, permutation, (size_t)validation * sizeof *permutation);
    for (uint32_t i = 0; i < fixed; i++) dataset->order[train + i] = free_count + i;
    nlg_free(permutation);
    dataset->info.train = train;
    dataset->info.validation = validation + fixed;
    return NLG_OK;
}

static void normalise(nlg_dataset *dataset) {
    static const float imagenet_mean[3] = {0.485f, 0.456f, 0.406f}, imagenet_std[3] = {0.229f, 0.224f, 0.225f};
    nlg_samples *samples = &dataset->training;
    nlg_dataset_info *info = &dataset->info;
    const size_t images = samples->summed_samples ? samples->summed_samples : samples->count;
    size_t pixels = images * (size_t)samples->h * (size_t)samples->w;
    if (samples->pixels && !samples->summed) {
        nlg_samples_sum(samples->pixels, pixels, info->c, samples->sum, samples->square);
        samples->summed = true;
    }
    for (int c = 0; c < info->c; c++) {
        if (dataset->options.std[0] > 0) {
            info->mean[c] = dataset->options.mean[c];
            info->std[c] = dataset->options.std[c];
        } else if (samples->count == 0 || !samples->summed) {
            info->mean[c] = imagenet_mean[c % 3];
            info->std[c] = imagenet_std[c % 3];
        } else { /* n * sum of squares - square of sum, exact in 128 bits */
            unsigned __int128 n = pixels, s = samples->sum[c];
            double spread = (double)(n * samples->square[c] - s * s);
            info->mean[c] = (float)((double)samples->sum[c] / (double)pixels / 255.0);
            info->std[c] = (float)(sqrt(spread) / (double)pixels / 255.0);
        }
        if (!(info->std[c] > 0)) info->std[c] = 1; /* all pixels are equal */
    }
    for (int v = 0; v < 256; v++) {
        dataset->plain[v] = (float)(v / 255.0);
        for (int c = 0; c < info->c; c++)
            dataset->normal[c][v] = (float)((v / 255.0 - (double)info->mean[c]) / (double)info->std[c]);
    }
}

/* --- opening -------------------------------------------------------------------------------------------------------- */

static nlg_status find_folder(nlg_dataset *dataset, const char *name, const char *argument, nlg_error *err) {
    const nlg_dataset_format *format = dataset->format->made_of ? dataset->format->made_of : dataset->format;
    char found[NLG_PATH_BYTES];
    const char *folder = argument && *argument ? argument : dataset->options.folder;
    const char *source = folder;
    if (!folder) {
        if (format->needs_folder)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected the folder of the images; write %s:DIR", name, format->name);
        if (!nlg_dataset_format_folder(format, found, sizeof found)) {
            char package[128] = "", place[NLG_PATH_BYTES] = "$NLG_DATA";
            if (format->debian_package)
                snprintf(package, sizeof package, "install the Debian package %s, or ", format->debian_package);
            nlg_dataset_fetch_folder(format, place, sizeof place, NULL);
            return nlg_fail(err, NLG_ERR_IO,
                            "%s: expected its files in %.600s, found none; %sfetch them with: lineage data fetch %s", format->name,
                            place, package, format->name);
        }
        folder = source = found;
        if (format->debian_folder && strcmp(found, format->debian_folder) == 0) source = format->debian_package;
    }
    dataset->options.folder = nlg_arena_printf(dataset->arena, "%s", folder);
    dataset->info.source =
        nlg_arena_printf(dataset->arena, "%s%s", source == format->debian_package && source ? "Debian package " : "", source);
    return dataset->options.folder && dataset->info.source ? NLG_OK : nlg_fail_memory(err, strlen(folder) + 1, "a path");
}

static nlg_status open_into(nlg_dataset *dataset, const char *name, const char *argument, nlg_error *err) {
    nlg_dataset_info *info = &dataset->info;
    info->options = &dataset->options;
    info->classes = dataset->format->classes;
    info->class_names = dataset->format->class_names;
    info->targets = dataset->format->targets;
    info->digest = info->test_digest = "";
    info->name = nlg_arena_printf(dataset->arena, "%s", name);
    if (!info->name) return nlg_fail_memory(err, strlen(name) + 1, "a name");
    NLG_TRY(find_folder(dataset, name, argument, err));
    nlg_samples *samples = &dataset->training;
    NLG_TRY(dataset->format->load(dataset, false, samples, err));
    info->h = samples->h;
    info->w = samples->w;
    info->c = samples->c;
    if (samples->count) info->digest = samples->digest;
    nlg_samples_keep(dataset, samples);
    NLG_TRY(split(dataset, err));
    normalise(dataset);
    return NLG_OK;
}

nlg_status nlg_dataset_open(const char *name, const nlg_dataset_options *options, nlg_dataset **dataset, nlg_error *err) {
    *dataset = NULL;
    const char *colon = strchr(name, ':');
    const nlg_dataset_format *format;
    NLG_TRY(nlg_dataset_format_find(name, &format, err));
    nlg_dataset *d = nlg_alloc(1, sizeof *d);
    if (!d || !(d->arena = nlg_arena_create())) {
        nlg_free(d);
        return nlg_fail_memory(err, sizeof *d, "a data set");
    }
    d->format = format;
    if (options) d->options = *options;
    nlg_status status = open_into(d, name, colon ? colon + 1 : NULL, err);
    if (status == NLG_OK)
        *dataset = d;
    else
        nlg_dataset_close(d);
    return status;
}

void nlg_dataset_close(nlg_dataset *dataset) {
    if (!dataset) return;
    nlg_samples_release(&dataset->training);
    nlg_samples_release(&dataset->test);
    nlg_free(dataset->order);
    nlg_free(dataset->skipped);
    nlg_arena_destroy(dataset->arena);
    nlg_free(dataset);
}

const nlg_dataset_info *nlg_dataset_describe(const nlg_dataset *dataset) {
    return &dataset->info;
}

nlg_status nlg_dataset_check_test(nlg_dataset *dataset, nlg_error *err) {
    if (dataset->test_open || !dataset->format->check_test) return NLG_OK;
    return dataset->format->check_test(dataset, err);
}

nlg_status nlg_dataset_open_test(nlg_dataset *dataset, nlg_error *err) {
    if (dataset->test_open) return NLG_OK;
    nlg_samples *samples = &dataset->test;
    const nlg_dataset_info *info = &dataset->info;
    nlg_status status = dataset->format->load(dataset, true, samples, err);
    if (status == NLG_OK && dataset->training.count && (samples->h != info->h || samples->w != info->w || samples->c != info->c))
        status = nlg_fail(err, NLG_ERR_INPUT,
                          "%s: expected test images of %d x %d x %d as in training, found %d x %d x %d; fetch them again",
                          dataset->options.folder, info->w, info->h, info->c, samples->w, samples->h, samples->c);
    if (status != NLG_OK) {
        nlg_samples_release(samples);
        return status;
    }
    nlg_samples_keep(dataset, samples);
    dataset->info.h = samples->h; /* without training images not known before */
    dataset->info.w = samples->w;
    dataset->info.test = samples->count;
    dataset->info.test_digest = samples->digest;
    dataset->test_open = true;
    return NLG_OK;
}
