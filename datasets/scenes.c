/* Scenes: detection images made from Fashion-MNIST's garments (and MNIST's digits) at several sizes and contrasts on textured
 * backgrounds.
 *
 * A scene is a pure function of the key (split_seed), the split and its number: nothing is stored but where the objects are.
 * Training scenes take their items from the first five sixths of the files' training images, validation scenes from the rest, test
 * scenes from the files' test images, so that splits never share an item. Only +, -, *, / and integers decide a pixel. */
#include <math.h>
#include <string.h>
#include <stdio.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/rng.h"

enum { DEFAULT_SIDE = 96, LEAST_SIDE = 64, MOST_SIDE = 256, TRAIN = 8000, VALIDATION = 500, TEST = 500, OBJECTS = 8 };
enum { VERSION = 1 }; /* of the drawing: part of the digest */

typedef struct rgb {
    double v[3];
} rgb;

/* An item on the scene: which sample, its square of `side` pixels at (x, y), and how it looks. */
typedef struct placed {
    const nlg_samples *source;
    uint32_t item;
    double x, y, side, contrast;
    bool mirrored;
    rgb colour;
    nlg_object object;
} placed;

typedef struct scene {
    nlg_rng rng;
    uint64_t drawn; /* numbers taken so far */
    int side, n;
    placed item[OBJECTS];
} scene;

static double draw(scene *s) {
    return nlg_rng_uniform(s->rng, s->drawn++);
}

static double between(scene *s, double low, double high) {
    return low + (high - low) * draw(s);
}

static int below(scene *s, int n) {
    return (int)nlg_rng_below(s->rng, s->drawn++, (uint64_t)n);
}

/* ---- where the objects are --------------------------------------------------------------------------------------------- */

/* The pixels of an item that are not background, as part of its side. */
static nlg_box outline(const placed *p) {
    enum { LEAST = 24 };
    const nlg_samples *s = p->source;
    const uint8_t *pixels = s->pixels + (size_t)p->item * (size_t)(s->h * s->w);
    int left = s->w, right = 0, top = s->h, bottom = 0;
    for (int y = 0; y < s->h; y++)
        for (int x = 0; x < s->w; x++) {
            if (pixels[y * s->w + x] < LEAST) continue;
            const int column = p->mirrored ? s->w - 1 - x : x;
            if (column < left) left = column;
            if (column + 1 > right) right = column + 1;
            if (y < top) top = y;
            if (y + 1 > bottom) bottom = y + 1;
        }
    if (right <= left) return (nlg_box){0, 0, 1, 1}; /* an empty item */
    return (nlg_box){(double)left / s->w, (double)top / s->h, (double)right / s->w, (double)bottom / s->h};
}

/* Shared part of the smaller of two boxes. */
static double covered(const nlg_object *a, const nlg_object *b) {
    const double w = fmin(a->x + a->w, b->x + b->w) - fmax(a->x, b->x), h = fmin(a->y + a->h, b->y + b->h) - fmax(a->y, b->y);
    return w > 0 && h > 0 ? w * h / fmin(a->area, b->area) : 0;
}

static bool is_free(const scene *s, const nlg_object *o) {
    for (int i = 0; i < s->n; i++)
        if (covered(&s->item[i].object, o) > 0.2) return false;
    return true;
}

/* Items [first, first + count) of a source; its labels begin at `label`. */
typedef struct pool {
    const nlg_samples *source;
    uint32_t first, count;
    int label;
} pool;

static void place(scene *s, const pool *from, bool digits) {
    enum { TRIES = 12 };
    placed p = {.source = from->source,
                .item = from->first + (uint32_t)nlg_rng_below(s->rng, s->drawn++, from->count),
                .contrast = between(s, 0.45, 1),
                .mirrored = draw(s) < 0.5 && !digits};
    /* Sizes are even on a scale of ratios: a fifth to three fifths of the image. */
    const double t = draw(s);
    p.side = s->side * (0.2 + 0.4 * t * t);
    for (int c = 0; c < 3; c++) p.colour.v[c] = between(s, 40, 255);
    const nlg_box part = outline(&p);
    for (int i = 0; i < TRIES; i++) {
        const double room_x = s->side - p.side * (part.x2 - part.x1), room_y = s->side - p.side * (part.y2 - part.y1);
        p.x = draw(s) * room_x - p.side * part.x1;
        p.y = draw(s) * room_y - p.side * part.y1;
        p.object = (nlg_object){.x = p.x + p.side * part.x1,
                                .y = p.y + p.side * part.y1,
                                .w = p.side * (part.x2 - part.x1),
                                .h = p.side * (part.y2 - part.y1),
                                .label = from->label + p.source->labels[p.item]};
        p.object.area = p.object.w * p.object.h;
        if (!is_free(s, &p.object)) continue;
        s->item[s->n++] = p;
        return;
    }
}

/* Which items scene `number` may take: number counts the validation scenes behind the training scenes. */
static int find_pools(const nlg_samples *samples, uint32_t number, pool pools[2]) {
    int n = 0, label = 0;
    for (const nlg_samples *source = samples->source; source; source = source->source, label += 10) {
        const uint32_t cut = source->count - source->count / 6;
        const bool whole = samples->fixed_validation == 0,
                   validation = !whole && number >= samples->count - samples->fixed_validation;
        pools[n++] = (pool){.source = source,
                            .first = validation ? cut : 0,
                            .count = whole        ? source->count
                                     : validation ? source->count - cut
                                                  : cut,
                            .label = label};
    }
    return n;
}

static void compose(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t number, scene *s) {
    const bool test = samples->fixed_validation == 0;
    const nlg_rng key = nlg_rng_named(nlg_rng_seed(dataset->options.split_seed), test ? "test scenes" : "scenes");
    pool pools[2];
    *s = (scene){.rng = nlg_rng_stream(key, number), .side = samples->h};
    const int n_pools = find_pools(samples, number, pools), wanted = 1 + below(s, OBJECTS - 2);
    for (int i = 0; i < wanted; i++) {
        const int which = below(s, n_pools);
        place(s, &pools[which], which > 0);
    }
}

/* ---- how they look ----------------------------------------------------------------------------------------------------- */

static double mix(double a, double b, double t) {
    return a + (b - a) * t;
}

static double smooth(double t) {
    return t * t * (3 - 2 * t);
}

/* Smooth random heights with one lattice point every `step` pixels, in 0..1. */
static double noise(nlg_rng rng, double x, double y, double step) {
    const double u = x / step, v = y / step;
    const int i = (int)u, j = (int)v;
    const double fu = smooth(u - i), fv = smooth(v - j);
    double corner[2][2];
    for (int b = 0; b < 2; b++)
        for (int a = 0; a < 2; a++)
            corner[b][a] = (double)(nlg_rng_u64(rng, (uint64_t)(j + b) * 1024 + (uint64_t)(i + a)) >> 40) * 0x1p-24;
    return mix(mix(corner[0][0], corner[0][1], fu), mix(corner[1][0], corner[1][1], fu), fv);
}

/* A wave between 0 and 1 of period 1, made of parabolas. */
static double wave(double t) {
    t -= floor(t);
    const double x = 4 * t - (t < 0.5 ? 1 : 3), hump = 1 - x * x;
    return 0.5 + (t < 0.5 ? 0.5 : -0.5) * hump;
}

typedef enum { CLOUDS, STRIPES, CLOTH, TILES, TEXTURES } texture;

static void paint_background(scene *s, uint8_t *pixels) {
    const texture kind = (texture)below(s, TEXTURES);
    const nlg_rng rough = nlg_rng_named(s->rng, "rough"), fine = nlg_rng_named(s->rng, "fine"),
                  grain = nlg_rng_named(s->rng, "grain");
    const double period = between(s, 6, 24), slant = between(s, -1, 1), coarse = s->side * between(s, 0.15, 0.5);
    const double strength = between(s, 0.3, 1);
    rgb a, b;
    const double light = between(s, 50, 190), spread = between(s, 20, 70);
    for (int c = 0; c < 3; c++) {
        a.v[c] = light + between(s, -35, 35);
        b.v[c] = a.v[c] + (draw(s) < 0.5 ? -spread : spread);
    }
    for (int y = 0; y < s->side; y++)
        for (int x = 0; x < s->side; x++) {
            const double cloud = noise(rough, x, y, coarse), detail = noise(fine, x, y, 5);
            double t = cloud;
            if (kind == STRIPES) t = wave((x + slant * y) / period + cloud);
            if (kind == CLOTH) t = 0.5 * wave(x / period) + 0.5 * wave(y / period);
            if (kind == TILES) t = ((int)(x / period) + (int)(y / period)) % 2 ? 0.75 : 0.25;
            t = mix(cloud, t, strength) * 0.75 + 0.25 * detail;
            const double dust = 10 * ((double)(nlg_rng_u64(grain, (uint64_t)(y * s->side + x)) >> 40) * 0x1p-24 - 0.5);
            for (int c = 0; c < 3; c++) {
                const double v = mix(a.v[c], b.v[c], t) + dust;
                pixels[(y * s->side + x) * 3 + c] = (uint8_t)(v < 0 ? 0 : v > 255 ? 255 : v + 0.5);
            }
        }
}

/* Brightness of an item at a place of its square, between its pixels; 0 outside. */
static double look_up(const placed *p, double u, double v) {
    const nlg_samples *s = p->source;
    const uint8_t *pixels = s->pixels + (size_t)p->item * (size_t)(s->h * s->w);
    const double x = (p->mirrored ? 1 - u : u) * s->w - 0.5, y = v * s->h - 0.5;
    const int i = (int)floor(x), j = (int)floor(y);
    double corner[2][2];
    for (int b = 0; b < 2; b++)
        for (int a = 0; a < 2; a++) {
            const bool inside = i + a >= 0 && i + a < s->w && j + b >= 0 && j + b < s->h;
            corner[b][a] = inside ? (double)pixels[(j + b) * s->w + i + a] : 0;
        }
    return mix(mix(corner[0][0], corner[0][1], x - i), mix(corner[1][0], corner[1][1], x - i), y - j);
}

/* How much of the background it hides. */
static double opacity(double brightness) {
    enum { CLEAR = 8, FULL = 48 };
    const double t = (brightness - CLEAR) / (FULL - CLEAR);
    return t <= 0 ? 0 : t >= 1 ? 1 : smooth(t);
}

static void paint_item(const scene *s, const placed *p, uint8_t *pixels) {
    enum { SAMPLES = 2 };
    const double shadow = p->side / 20;
    const int top = (int)fmax(floor(p->y), 0), left = (int)fmax(floor(p->x), 0);
    const int bottom = (int)fmin(floor(p->y + p->side + shadow) + 1, s->side),
              right = (int)fmin(floor(p->x + p->side + shadow) + 1, s->side);
    for (int y = top; y < bottom; y++)
        for (int x = left; x < right; x++) {
            double cover = 0, shade = 0, bright = 0;
            for (int i = 0; i < SAMPLES * SAMPLES; i++) {
                const double px = x + (i % SAMPLES + 0.5) / SAMPLES - p->x, py = y + ((double)(i / SAMPLES) + 0.5) / SAMPLES - p->y;
                const double v = look_up(p, px / p->side, py / p->side), o = opacity(v);
                cover += o;
                bright += o * v;
                shade += opacity(look_up(p, (px - shadow) / p->side, (py - shadow) / p->side));
            }
            bright = cover > 0 ? bright / cover / 255 : 0;
            cover *= p->contrast / (SAMPLES * SAMPLES);
            shade *= 0.35 * p->contrast / (SAMPLES * SAMPLES);
            for (int c = 0; c < 3; c++) {
                uint8_t *at = &pixels[(y * s->side + x) * 3 + c];
                *at = (uint8_t)(mix(*at * (1 - shade), p->colour.v[c] * (0.25 + 0.75 * bright), cover) + 0.5);
            }
        }
}

static nlg_status read(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *pixels, nlg_error *err) {
    (void)err;
    scene s;
    compose(dataset, samples, sample, &s);
    paint_background(&s, pixels);
    for (int i = 0; i < s.n; i++) paint_item(&s, &s.item[i], pixels);
    return NLG_OK;
}

/* ---- loading ----------------------------------------------------------------------------------------------------------- */

extern const nlg_dataset_format nlg_dataset_fashion_mnist, nlg_dataset_mnist, nlg_dataset_scenes, nlg_dataset_scenes_digits;

static nlg_status load_source(const nlg_dataset *dataset, const nlg_dataset_format *format, const char *folder, bool test,
                              nlg_samples **into, nlg_error *err) {
    nlg_dataset other = *dataset; /* as its loader wants to be called */
    other.options.folder = folder;
    other.info.classes = format->classes;
    *into = nlg_alloc(1, sizeof **into);
    if (!*into) return nlg_fail_memory(err, sizeof **into, "scenes");
    NLG_TRY(format->load(&other, test, *into, err));
    if ((*into)->count < 6)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected at least 6 images in %s, found %u", dataset->info.name, folder,
                        (*into)->count);
    return NLG_OK;
}

static nlg_status load_sources(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    char folder[NLG_PATH_BYTES];
    NLG_TRY(load_source(dataset, &nlg_dataset_fashion_mnist, dataset->options.folder, test, &samples->source, err));
    if (dataset->format != &nlg_dataset_scenes_digits) return NLG_OK;
    if (!nlg_dataset_format_folder(&nlg_dataset_mnist, folder, sizeof folder))
        return nlg_fail(err, NLG_ERR_IO, "%s: expected MNIST's files, found none; fetch them with: lineage data fetch mnist",
                        dataset->info.name);
    return load_source(dataset, &nlg_dataset_mnist, folder, test, &samples->source->source, err);
}

/* Digest of all that decides the pixels; the objects' places follow from it. */
static nlg_status digest_of(const nlg_dataset *dataset, nlg_samples *samples, nlg_error *err) {
    char text[160];
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 64, "a digest");
    const int length =
        snprintf(text, sizeof text, "scenes %d, side %d, key %llu, %u, %u of them for validation", VERSION, samples->h,
                 (unsigned long long)dataset->options.split_seed, samples->count, samples->fixed_validation);
    nlg_digest_update(digest, text, (size_t)length);
    for (const nlg_samples *s = samples->source; s; s = s->source) nlg_digest_update(digest, s->digest, strlen(s->digest));
    nlg_digest_finish(digest, samples->digest);
    return NLG_OK;
}

static nlg_status list_objects(const nlg_dataset *dataset, nlg_samples *samples, nlg_error *err) {
    uint32_t n = 0;
    samples->first_object = nlg_alloc((size_t)samples->count + 1, sizeof *samples->first_object);
    samples->objects = nlg_alloc((size_t)samples->count * OBJECTS, sizeof *samples->objects);
    if (!samples->first_object || !samples->objects)
        return nlg_fail_memory(err, (size_t)samples->count * OBJECTS * sizeof *samples->objects, "scenes");
    for (uint32_t i = 0; i < samples->count; i++) {
        scene s;
        compose(dataset, samples, i, &s);
        for (int k = 0; k < s.n; k++) samples->objects[n++] = s.item[k].object;
        samples->first_object[i + 1] = n;
    }
    return NLG_OK;
}

/* The mean and the deviation of all pixels are those of the first scenes. */
static nlg_status sum_pixels(const nlg_dataset *dataset, nlg_samples *samples, nlg_error *err) {
    enum { SCENES = 64 };
    const size_t pixels = (size_t)samples->h * (size_t)samples->w;
    uint8_t *image = nlg_alloc(pixels, 3);
    if (!image) return nlg_fail_memory(err, pixels * 3, "a scene");
    for (uint32_t i = 0; i < SCENES; i++) {
        read(dataset, samples, i, image, err);
        nlg_samples_sum(image, pixels, 3, samples->sum, samples->square);
    }
    nlg_free(image);
    samples->summed_samples = SCENES;
    samples->summed = true;
    return NLG_OK;
}

static nlg_status load(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    const nlg_dataset_options *o = &dataset->options;
    const int side = o->image_size ? o->image_size : DEFAULT_SIDE;
    if (side < LEAST_SIDE || side > MOST_SIDE)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected images of %d to %d pixels, found %d", dataset->info.name, LEAST_SIDE,
                        MOST_SIDE, side);
    if (o->validation > 100000)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected up to 100000 validation images, found %u", dataset->info.name,
                        o->validation);
    samples->h = samples->w = side;
    samples->c = 3;
    samples->fixed_validation = test ? 0 : o->validation ? o->validation : VALIDATION;
    samples->count = test ? TEST : TRAIN + samples->fixed_validation;
    NLG_TRY(load_sources(dataset, test, samples, err));
    NLG_TRY(digest_of(dataset, samples, err));
    NLG_TRY(list_objects(dataset, samples, err));
    return test ? NLG_OK : sum_pixels(dataset, samples, err);
}

static bool present(const char *folder) {
    return nlg_dataset_fashion_mnist.present(folder);
}

static const char *const names[] = {"T-shirt/top", "trouser", "pullover",   "dress", "coat", "sandal", "shirt",
                                    "sneaker",     "bag",     "ankle boot", "0",     "1",    "2",      "3",
                                    "4",           "5",       "6",          "7",     "8",    "9"};

#define OF_BOTH                                                                                                                    \
    .class_names = names, .targets = NLG_TARGET_OBJECTS, .made_of = &nlg_dataset_fashion_mnist, .load = load, .read = read,        \
    .present = present

const nlg_dataset_format nlg_dataset_scenes = {
    .name = "scenes",
    .summary = "detection: generated images of 1 to 6 garments on textured backgrounds, 64 to 256 pixels, 10 classes",
    .layout = "those of fashion-mnist",
    .classes = 10,
    OF_BOTH,
};

const nlg_dataset_format nlg_dataset_scenes_digits = {
    .name = "scenes-digits",
    .summary = "detection: the same with handwritten digits among the garments, 20 classes",
    .layout = "those of fashion-mnist and mnist",
    .classes = 20,
    OF_BOTH,
};
