/* Samples to normalised float images, with keyed augmentation. */
#include <string.h>

#include "datasets/format.h"
#include "layers/base/rng.h"

/* What happens to one image, all drawn from its own stream. Output pixel (y, x) is input pixel (y + dy, x + dx), mirrored. */
typedef struct drawn {
    int dy, dx;
    bool flip;
    int cut_top, cut_bottom, cut_left, cut_right; /* [top, bottom) x [left, right) becomes zero */
} drawn;

enum { DRAW_Y, DRAW_X, DRAW_FLIP, DRAW_CUT_Y, DRAW_CUT_X }; /* indices of the stream: a setting never moves another's draw */

static int clamp(int v, int low, int high) {
    return v < low ? low : v > high ? high : v;
}

static drawn draw(const nlg_augmentation *a, uint64_t seed, uint32_t epoch, uint32_t index, int h, int w) {
    nlg_rng rng = nlg_rng_stream(nlg_rng_stream(nlg_rng_named(nlg_rng_seed(seed), "augmentation"), epoch), index);
    drawn d = {0};
    if (a->shift > 0) {
        d.dy = (int)nlg_rng_below(rng, DRAW_Y, 2 * (uint64_t)a->shift + 1) - a->shift;
        d.dx = (int)nlg_rng_below(rng, DRAW_X, 2 * (uint64_t)a->shift + 1) - a->shift;
    }
    d.flip = a->flip && nlg_rng_below(rng, DRAW_FLIP, 2) == 1;
    if (a->cutout > 0) {
        int top = (int)nlg_rng_below(rng, DRAW_CUT_Y, (uint64_t)h) - a->cutout / 2;
        int left = (int)nlg_rng_below(rng, DRAW_CUT_X, (uint64_t)w) - a->cutout / 2;
        d.cut_top = clamp(top, 0, h);
        d.cut_bottom = clamp(top + a->cutout, 0, h);
        d.cut_left = clamp(left, 0, w);
        d.cut_right = clamp(left + a->cutout, 0, w);
    }
    return d;
}

/* in [h, w, c] -> out [h + 2 pad, w + 2 pad, c], through a table of 256 values per channel. Inlined for each c, which must be
 * a constant to be quick. */
static inline __attribute__((always_inline)) void paint(const uint8_t *in, int h, int w, int c, int pad, const drawn *d,
                                                        const float *const *table, float *out) {
    int out_h = h + 2 * pad, out_w = w + 2 * pad;
    int oy = d->dy - pad, ox = d->dx - pad;
    int first = clamp(-ox, 0, out_w), last = clamp(w - ox, first, out_w); /* columns that the input covers, before mirroring */
    for (int y = 0; y < out_h; y++) {
        float *row = out + (size_t)y * (size_t)out_w * (size_t)c;
        int from = y + oy;
        bool covered = from >= 0 && from < h;
        const uint8_t *line = in + (covered ? (size_t)from * (size_t)w * (size_t)c : 0);
        for (int x = 0; x < out_w; x++) {
            if (covered && x == first && last > first) { /* jump over the covered part, then paint it */
                x = last - 1;
                continue;
            }
            for (int k = 0; k < c; k++) row[(d->flip ? out_w - 1 - x : x) * c + k] = table[k][0];
        }
        if (!covered) continue;
        const uint8_t *source = line + (first + ox) * c;
        float *target = row + (d->flip ? out_w - 1 - first : first) * c;
        int step = d->flip ? -c : c;
        for (int x = first; x < last; x++, source += c, target += step)
            for (int k = 0; k < c; k++) target[k] = table[k][source[k]];
    }
    for (int y = d->cut_top; y < d->cut_bottom; y++)
        memset(out + ((size_t)y * (size_t)out_w + (size_t)d->cut_left) * (size_t)c, 0,
               (size_t)(d->cut_right - d->cut_left) * (size_t)c * sizeof *out);
}

/* The samples of a split, their number, and which sample each index means (NULL: itself). */
static nlg_status choose(const nlg_dataset *dataset, nlg_split split, const nlg_samples **samples, const uint32_t **order,
                         uint32_t *count, nlg_error *err) {
    const nlg_dataset_info *info = &dataset->info;
    *samples = split == NLG_SPLIT_TEST ? &dataset->test : &dataset->training;
    *order = split == NLG_SPLIT_TEST ? NULL : dataset->order + (split == NLG_SPLIT_VALIDATION ? info->train : 0);
    *count = split == NLG_SPLIT_TEST ? info->test : split == NLG_SPLIT_VALIDATION ? info->validation : info->train;
    if (split == NLG_SPLIT_TEST && !dataset->test_open)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: the test split is not open; it is read by the final step alone", info->name);
    return NLG_OK;
}

/* ---- targets --------------------------------------------------------------------------------------------------------- */

static nlg_target target_of(const nlg_samples *samples, uint32_t sample, const drawn *d, int pad) {
    nlg_target t = {.label = samples->labels ? samples->labels[sample] : -1,
                    .scale = samples->scale ? samples->scale[sample] : 1,
                    .dx = pad - d->dx,
                    .dy = pad - d->dy,
                    .h = samples->h + 2 * pad,
                    .w = samples->w + 2 * pad};
    if (d->flip) t.mirror = t.w;
    if (!samples->first_object) return t;
    t.objects = samples->objects + samples->first_object[sample];
    t.n_objects = (int)(samples->first_object[sample + 1] - samples->first_object[sample]);
    return t;
}

static double within(double v, double high) {
    return v < 0 ? 0 : v > high ? high : v;
}

nlg_box nlg_target_box(const nlg_target *t, int object) {
    const nlg_object *o = &t->objects[object];
    const double left = o->x * t->scale + t->dx, right = (o->x + o->w) * t->scale + t->dx;
    const bool mirrored = t->mirror > 0;
    return (nlg_box){.x1 = within(mirrored ? t->mirror - right : left, t->w),
                     .y1 = within(o->y * t->scale + t->dy, t->h),
                     .x2 = within(mirrored ? t->mirror - left : right, t->w),
                     .y2 = within((o->y + o->h) * t->scale + t->dy, t->h)};
}

nlg_box nlg_target_box_in_file(const nlg_target *t, const nlg_box *input) {
    const bool mirrored = t->mirror > 0;
    const double left = mirrored ? t->mirror - input->x2 : input->x1, right = mirrored ? t->mirror - input->x1 : input->x2;
    return (nlg_box){.x1 = (left - t->dx) / t->scale,
                     .y1 = (input->y1 - t->dy) / t->scale,
                     .x2 = (right - t->dx) / t->scale,
                     .y2 = (input->y2 - t->dy) / t->scale};
}

nlg_status nlg_dataset_images(const nlg_dataset *dataset, nlg_split split, const uint32_t *index, size_t count,
                              const nlg_augmentation *augmentation, uint64_t seed, uint32_t epoch, float *images,
                              nlg_target *targets, nlg_error *err) {
    const nlg_samples *samples;
    const uint32_t *order;
    uint32_t available;
    NLG_TRY(choose(dataset, split, &samples, &order, &available, err));
    const nlg_augmentation none = {0};
    const nlg_augmentation *a = augmentation ? augmentation : &none;
    int h = samples->h, w = samples->w, c = samples->c;
    if (a->pad < 0 || a->shift < 0 || a->cutout < 0 || a->pad > 4096 || a->shift > 4096 || a->cutout > 1 << 20)
        return nlg_fail(err, NLG_ERR_INPUT, "augmentation: expected pad, shift and cutout from 0 to 4096, found %d, %d and %d",
                        a->pad, a->shift, a->cutout);
    const float *table[NLG_MAX_CHANNELS];
    for (int k = 0; k < c; k++) table[k] = a->raw ? dataset->plain : dataset->normal[k];
    size_t in_bytes = (size_t)h * (size_t)w * (size_t)c;
    size_t out_floats = (size_t)(h + 2 * a->pad) * (size_t)(w + 2 * a->pad) * (size_t)c;
    uint8_t *decoded = NULL;
    if (count && !samples->pixels && !(decoded = nlg_alloc(in_bytes, 1))) return nlg_fail_memory(err, in_bytes, "an image");
    nlg_status status = NLG_OK;
    for (size_t i = 0; status == NLG_OK && i < count; i++) {
        if (index[i] >= available) {
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected image numbers below %u, found %u", dataset->info.name, available,
                              index[i]);
            break;
        }
        uint32_t sample = order ? order[index[i]] : index[i];
        const uint8_t *in;
        status = nlg_samples_pixels(dataset, samples, sample, decoded, &in, err);
        if (status != NLG_OK) break;
        drawn d = {0};
        if (split == NLG_SPLIT_TRAIN) d = draw(a, seed, epoch, index[i], h + 2 * a->pad, w + 2 * a->pad);
        if (c == 1)
            paint(in, h, w, 1, a->pad, &d, table, images + i * out_floats);
        else
            paint(in, h, w, 3, a->pad, &d, table, images + i * out_floats);
        if (targets) targets[i] = target_of(samples, sample, &d, a->pad);
    }
    nlg_free(decoded);
    return status;
}

void nlg_dataset_epoch_order(const nlg_dataset *dataset, uint64_t seed, uint32_t epoch, uint32_t *order) {
    nlg_rng rng = nlg_rng_stream(nlg_rng_named(nlg_rng_seed(seed), "epoch order"), epoch);
    nlg_rng_permutation(rng, order, dataset->info.train);
}
