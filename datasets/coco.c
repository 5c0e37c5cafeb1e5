/* COCO's own files: annotations/instances_*.json beside folders of images (T.-Y. Lin et al., "Microsoft COCO", ECCV 2014).
 *
 * The JSON may be hundreds of megabytes, nearly all of it outlines that are not needed. So it is cut at the braces into images,
 * annotations and categories, and each is parsed by itself without its "segmentation". */
#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/json.h"

enum { DEFAULT_SIDE = 640, MOST_SIDE = 1 << 13 };
static const size_t limit_file = (size_t)4 << 30;

typedef struct coco_image {
    int64_t id;
    int h, w;
    const char *path;
} coco_image;

typedef struct coco_object {
    int64_t image, category;
    uint32_t number; /* in the file */
    nlg_object object;
} coco_object;

typedef struct coco_category {
    int64_t id;
    const char *name;
} coco_category;

typedef struct reader {
    nlg_dataset *dataset;
    const char *path, *folder; /* of the images */
    const char *text, *at, *end;
    char *piece; /* of the file, without outlines */
    size_t piece_room;
    coco_image *images;
    coco_object *objects;
    coco_category *categories;
    int n_images, images_room, n_objects, objects_room, n_categories, categories_room;
} reader;

/* ---- cutting the file -------------------------------------------------------------------------------------------------- */

static nlg_status fail_at(const reader *r, const char *expected, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT, "%s: byte %zu: expected %s, found %s; the file is damaged or not COCO's", r->path,
                    (size_t)(r->at - r->text), expected, r->at < r->end ? "something else" : "the end of the file");
}

static char skip_space(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\n' || *r->at == '\t' || *r->at == '\r')) r->at++;
    return r->at < r->end ? *r->at : '\0';
}

static nlg_status skip_string(reader *r, nlg_error *err) {
    if (skip_space(r) != '"') return fail_at(r, "a string", err);
    for (r->at++; r->at < r->end && *r->at != '"'; r->at++) r->at += *r->at == '\\';
    if (r->at >= r->end) {
        r->at = r->end;
        return fail_at(r, "the end of a string", err);
    }
    r->at++;
    return NLG_OK;
}

/* Any value, without looking into it. */
static nlg_status skip_value(reader *r, nlg_error *err) {
    int depth = 0;
    skip_space(r);
    const char *begin = r->at;
    for (; r->at < r->end; r->at++) {
        const char c = *r->at;
        if (c == '"') {
            NLG_TRY(skip_string(r, err));
            r->at--;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']' || c == ',') {
            if (depth == 0) break;
            if (c != ',' && --depth == 0) {
                r->at++;
                return NLG_OK;
            }
        } else if (depth == 0 && (c == ' ' || c == '\n' || c == '\t' || c == '\r')) {
            break;
        }
    }
    if (depth > 0 || r->at == begin) return fail_at(r, depth > 0 ? "a closing bracket" : "a value", err);
    return NLG_OK;
}

static bool key_is(const char *key, const char *end, const char *name) {
    return (size_t)(end - key) == strlen(name) + 2 && memcmp(key + 1, name, strlen(name)) == 0;
}

static nlg_status take(reader *r, size_t *length, const char *begin, nlg_error *err) {
    const size_t more = (size_t)(r->at - begin);
    if (*length + more + 2 > r->piece_room) { /* with a digit in place of the outline and a zero byte */
        const size_t room = 2 * (*length + more) + 256;
        char *grown = nlg_realloc(r->piece, room, 1);
        if (!grown) return nlg_fail_memory(err, room, r->path);
        r->piece = grown;
        r->piece_room = room;
    }
    memcpy(r->piece + *length, begin, more);
    *length += more;
    return NLG_OK;
}

/* The object that begins here, without "segmentation", as a document of its own. */
static nlg_status read_piece(reader *r, cJSON **piece, nlg_error *err) {
    size_t length = 0;
    const char *begin = r->at;
    if (skip_space(r) != '{') return fail_at(r, "an object", err);
    r->at++;
    bool ends = skip_space(r) == '}';
    r->at += ends;
    while (!ends) {
        skip_space(r);
        const char *key = r->at;
        NLG_TRY(skip_string(r, err));
        const char *key_end = r->at;
        if (skip_space(r) != ':') return fail_at(r, "a colon", err);
        r->at++;
        if (key_is(key, key_end, "segmentation")) {
            NLG_TRY(take(r, &length, begin, err));
            NLG_TRY(skip_value(r, err));
            begin = r->at;
            r->piece[length++] = '0';
        } else {
            NLG_TRY(skip_value(r, err));
        }
        const char c = skip_space(r);
        if (c != ',' && c != '}') return fail_at(r, "a comma or a closing brace", err);
        r->at++;
        ends = c == '}';
    }
    NLG_TRY(take(r, &length, begin, err));
    return nlg_json_read(r->piece, length, r->path, piece, err);
}

static nlg_status read_list(reader *r, const char *what, nlg_status (*add)(reader *, const cJSON *, const char *, nlg_error *),
                            nlg_error *err) {
    if (skip_space(r) != '[') return fail_at(r, "a list", err);
    r->at++;
    if (skip_space(r) == ']') {
        r->at++;
        return NLG_OK;
    }
    for (uint32_t number = 0;; number++) {
        char where[160];
        cJSON *piece = NULL;
        snprintf(where, sizeof where, "%s %u (byte %zu)", what, number, (size_t)(r->at - r->text));
        nlg_status status = read_piece(r, &piece, err);
        if (status == NLG_OK) status = add(r, piece, where, err);
        cJSON_Delete(piece);
        if (status != NLG_OK) return status;
        const char c = skip_space(r);
        if (c != ',' && c != ']') return fail_at(r, "a comma or the end of the list", err);
        r->at++;
        if (c == ']') return NLG_OK;
    }
}

/* ---- what is in it ----------------------------------------------------------------------------------------------------- */

static nlg_status lacks(const reader *r, const char *where, const char *expected, nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: expected %s", r->path, where, expected);
}

static bool get_number(const cJSON *object, const char *key, double *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!cJSON_IsNumber(item) || !isfinite(item->valuedouble)) return false;
    *value = item->valuedouble;
    return true;
}

static bool get_id(const cJSON *object, const char *key, int64_t *id) {
    double value = 0;
    if (!get_number(object, key, &value) || fabs(value) > 9e15) return false;
    *id = (int64_t)value;
    return (double)*id == value;
}

#define ROOM_FOR_ONE(list, room, count, what)                                                                                      \
    do {                                                                                                                           \
        void *grown = nlg_grow(list, &(room), count, sizeof *(list));                                                              \
        if (!grown) return nlg_fail_memory(err, 2 * (size_t)(count) * sizeof *(list), what);                                       \
        (list) = grown;                                                                                                            \
    } while (0)

static nlg_status add_image(reader *r, const cJSON *item, const char *where, nlg_error *err) {
    enum { LONGEST = 1 << 17 };
    coco_image image = {0};
    double h = 0, w = 0;
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "file_name"));
    if (!get_id(item, "id", &image.id) || !name || !get_number(item, "width", &w) || !get_number(item, "height", &h) ||
        !(w >= 1 && h >= 1 && w <= LONGEST && h <= LONGEST))
        return lacks(r, where, "an image with \"id\", \"file_name\", \"width\" and \"height\"", err);
    ROOM_FOR_ONE(r->images, r->images_room, r->n_images, r->path);
    image.h = (int)h, image.w = (int)w;
    image.path = nlg_arena_printf(r->dataset->arena, "%s/%s", r->folder, name);
    if (!image.path) return nlg_fail_memory(err, strlen(name), "a path");
    r->images[r->n_images++] = image;
    return NLG_OK;
}

static nlg_status add_object(reader *r, const cJSON *item, const char *where, nlg_error *err) {
    coco_object o = {.number = (uint32_t)r->n_objects};
    const cJSON *box = cJSON_GetObjectItemCaseSensitive(item, "bbox"), *crowd = cJSON_GetObjectItemCaseSensitive(item, "iscrowd");
    double v[4] = {0};
    bool good = get_id(item, "image_id", &o.image) && get_id(item, "category_id", &o.category) && cJSON_GetArraySize(box) == 4;
    for (int i = 0; good && i < 4; i++) {
        const cJSON *value = cJSON_GetArrayItem(box, i);
        good = cJSON_IsNumber(value) && isfinite(value->valuedouble);
        if (good) v[i] = value->valuedouble;
    }
    if (!good) return lacks(r, where, "\"image_id\", \"category_id\" and a \"bbox\" of left, top, width and height", err);
    o.object = (nlg_object){.x = v[0], .y = v[1], .w = v[2], .h = v[3], .area = v[2] * v[3]};
    get_number(item, "area", &o.object.area);
    o.object.crowd = cJSON_IsTrue(crowd) || (cJSON_IsNumber(crowd) && crowd->valuedouble != 0);
    ROOM_FOR_ONE(r->objects, r->objects_room, r->n_objects, r->path);
    r->objects[r->n_objects++] = o;
    return NLG_OK;
}

static nlg_status add_category(reader *r, const cJSON *item, const char *where, nlg_error *err) {
    coco_category c = {0};
    const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(item, "name"));
    if (!get_id(item, "id", &c.id) || !name) return lacks(r, where, "a category with \"id\" and \"name\"", err);
    ROOM_FOR_ONE(r->categories, r->categories_room, r->n_categories, r->path);
    c.name = nlg_arena_printf(r->dataset->arena, "%s", name);
    if (!c.name) return nlg_fail_memory(err, strlen(name), "a name");
    r->categories[r->n_categories++] = c;
    return NLG_OK;
}

static nlg_status read_file(reader *r, nlg_error *err) {
    unsigned seen = 0;
    if (skip_space(r) != '{') return fail_at(r, "an object", err);
    r->at++;
    while (skip_space(r) != '}') {
        const char *key = r->at;
        NLG_TRY(skip_string(r, err));
        const char *key_end = r->at;
        if (skip_space(r) != ':') return fail_at(r, "a colon", err);
        r->at++;
        nlg_status status;
        if (key_is(key, key_end, "images"))
            seen |= 1, status = read_list(r, "image", add_image, err);
        else if (key_is(key, key_end, "annotations"))
            seen |= 2, status = read_list(r, "annotation", add_object, err);
        else if (key_is(key, key_end, "categories"))
            seen |= 4, status = read_list(r, "category", add_category, err);
        else
            status = skip_value(r, err);
        NLG_TRY(status);
        if (skip_space(r) == ',')
            r->at++;
        else if (skip_space(r) != '}')
            return fail_at(r, "a comma or a closing brace", err);
    }
    if (seen == 7) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected the lists \"images\", \"annotations\" and \"categories\", found no \"%s\"",
                    r->path,
                    !(seen & 1)   ? "images"
                    : !(seen & 2) ? "annotations"
                                  : "categories");
}

/* ---- samples ----------------------------------------------------------------------------------------------------------- */

static int by_image_id(const void *a, const void *b) {
    const coco_image *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_category_id(const void *a, const void *b) {
    const coco_category *x = a, *y = b;
    return (x->id > y->id) - (x->id < y->id);
}

static int by_image(const void *a, const void *b) {
    const coco_object *x = a, *y = b;
    if (x->image != y->image) return x->image > y->image ? 1 : -1;
    return (x->number > y->number) - (x->number < y->number);
}

/* Labels are the places of the categories in order of their ids, or the ids themselves. */
static nlg_status name_classes(reader *r, nlg_error *err) {
    nlg_dataset *d = r->dataset;
    const bool ids = d->options.category_ids;
    if (r->n_categories > 0) qsort(r->categories, (size_t)r->n_categories, sizeof *r->categories, by_category_id);
    for (int i = 0; i < r->n_categories; i++) {
        const int64_t id = r->categories[i].id;
        if (i > 0 && id == r->categories[i - 1].id)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: two categories have the id %lld", r->path, (long long)id);
        if (ids && (id < 0 || id > 100000))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: category id %lld cannot be a label", r->path, (long long)id);
    }
    if (r->n_categories == 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: no categories", r->path);
    const int classes = ids ? (int)r->categories[r->n_categories - 1].id + 1 : r->n_categories;
    const char **names = nlg_arena_alloc(d->arena, (size_t)classes, sizeof *names);
    if (!names) return nlg_fail_memory(err, (size_t)classes * sizeof *names, "the class names");
    for (int i = 0; i < classes; i++) names[i] = "(none)";
    for (int i = 0; i < r->n_categories; i++) names[ids ? r->categories[i].id : i] = r->categories[i].name;
    if (d->info.classes && d->info.classes != classes)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %d categories as in the other split, found %d", r->path, d->info.classes,
                        classes);
    d->info.classes = classes;
    d->info.class_names = names;
    return NLG_OK;
}

static int label_of(const reader *r, int64_t category) {
    const coco_category key = {.id = category},
                        *found = bsearch(&key, r->categories, (size_t)r->n_categories, sizeof key, by_category_id);
    if (!found) return -1;
    return r->dataset->options.category_ids ? (int)category : (int)(found - r->categories);
}

static nlg_status check_images(reader *r, nlg_error *err) {
    int kept = 0, missing = 0;
    char first[NLG_PATH_BYTES + 64] = "";
    if (r->n_images > 0) qsort(r->images, (size_t)r->n_images, sizeof *r->images, by_image_id);
    for (int i = 0; i < r->n_images; i++) {
        if (i > 0 && r->images[i].id == r->images[i - 1].id)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: two images have the id %lld", r->path, (long long)r->images[i].id);
    }
    for (int i = 0; i < r->n_images; i++) {
        if (nlg_file_exists(r->images[i].path)) {
            r->images[kept++] = r->images[i];
            continue;
        }
        if (missing++ == 0) snprintf(first, sizeof first, "%s", r->images[i].path);
    }
    if (missing == 0) return NLG_OK;
    if (r->dataset->options.strict || kept == 0)
        return nlg_fail(err, NLG_ERR_IO, "%.900s: cannot be read; %d of the %d images of %s are not there", first, missing,
                        r->n_images, r->path);
    r->n_images = kept;
    char line[NLG_PATH_BYTES + 128];
    snprintf(line, sizeof line, "%s: no such file, and %d more of %s", first, missing - 1, r->path);
    return nlg_dataset_skip(r->dataset, line, err);
}

static nlg_status fill(reader *r, nlg_samples *samples, nlg_error *err) {
    const size_t images = (size_t)r->n_images;
    const int side = r->dataset->options.image_size;
    uint32_t n = 0, stray = 0, unknown = 0;
    samples->count = (uint32_t)r->n_images;
    samples->paths = nlg_alloc(images, sizeof *samples->paths);
    samples->scale = nlg_alloc(images, sizeof *samples->scale);
    samples->first_object = nlg_alloc(images + 1, sizeof *samples->first_object);
    samples->objects = nlg_alloc((size_t)r->n_objects + 1, sizeof *samples->objects);
    if (!samples->paths || !samples->scale || !samples->first_object || !samples->objects)
        return nlg_fail_memory(err, (size_t)r->n_objects * sizeof *samples->objects, r->path);
    if (r->n_objects > 0) qsort(r->objects, (size_t)r->n_objects, sizeof *r->objects, by_image);
    int at = 0;
    for (int i = 0; i < r->n_images; i++) {
        const coco_image *image = &r->images[i];
        samples->paths[i] = image->path;
        samples->scale[i] = fmin((double)side / image->h, (double)side / image->w);
        samples->first_object[i] = n;
        while (at < r->n_objects && r->objects[at].image < image->id) at++, stray++;
        for (; at < r->n_objects && r->objects[at].image == image->id; at++) {
            nlg_object o = r->objects[at].object;
            o.label = label_of(r, r->objects[at].category);
            if (o.label < 0)
                unknown++;
            else
                samples->objects[n++] = o;
        }
    }
    samples->first_object[images] = n;
    stray += (uint32_t)(r->n_objects - at);
    char line[NLG_PATH_BYTES + 128];
    if (stray > 0) {
        snprintf(line, sizeof line, "%s: %u annotations of images that are not there", r->path, stray);
        NLG_TRY(nlg_dataset_skip(r->dataset, line, err));
    }
    if (unknown > 0) {
        snprintf(line, sizeof line, "%s: %u annotations of categories that it does not list", r->path, unknown);
        NLG_TRY(nlg_dataset_skip(r->dataset, line, err));
    }
    return NLG_OK;
}

/* The instances_*.json of a split and its folder of images. */
static bool find_file(const char *folder, bool test, char path[NLG_PATH_BYTES], char images[NLG_PATH_BYTES]) {
    const char *const prefix = test ? "instances_val" : "instances_train";
    char annotations[NLG_PATH_BYTES], best[256] = "";
    if (!nlg_path_join(annotations, folder, "annotations")) return false;
    DIR *d = opendir(annotations);
    if (!d) return false;
    for (const struct dirent *e = readdir(d); e; e = readdir(d)) {
        const char *dot = strrchr(e->d_name, '.');
        if (strncmp(e->d_name, prefix, strlen(prefix)) != 0 || !dot || strcmp(dot, ".json") != 0) continue;
        if (best[0] == '\0' || strcmp(e->d_name, best) < 0) snprintf(best, sizeof best, "%s", e->d_name);
    }
    closedir(d);
    char name[256], inner[300];
    snprintf(name, sizeof name, "%s", best[0] ? best + strlen("instances_") : "");
    if (best[0]) *strrchr(name, '.') = '\0';
    snprintf(inner, sizeof inner, "images/%s", name);
    if (!best[0] || !nlg_path_join(path, annotations, best) || !nlg_path_join(images, folder, name)) return false;
    if (!nlg_file_exists(images)) nlg_path_join(images, folder, inner);
    return true;
}

static nlg_status load(nlg_dataset *dataset, bool test, nlg_samples *samples, nlg_error *err) {
    nlg_dataset_options *o = &dataset->options;
    char path[NLG_PATH_BYTES], images[NLG_PATH_BYTES], other[NLG_PATH_BYTES], other_images[NLG_PATH_BYTES], *text = NULL;
    size_t size = 0;
    if (o->image_size == 0) o->image_size = DEFAULT_SIDE;
    if (o->image_size < 32 || o->image_size > MOST_SIDE)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected an image size from 32 to %d, found %d", dataset->info.name, MOST_SIDE,
                        o->image_size);
    samples->h = samples->w = o->image_size;
    samples->c = 3;
    if (!find_file(o->folder, test, path, images)) {
        if (!test && find_file(o->folder, true, other, other_images)) return NLG_OK; /* for evaluation only */
        return nlg_fail(err, NLG_ERR_IO, "%s: expected annotations/instances_%s*.json, found none", o->folder,
                        test ? "val" : "train");
    }
    NLG_TRY(nlg_file_read(path, limit_file, &text, &size, err));
    reader r = {.dataset = dataset, .path = path, .folder = images, .text = text, .at = text, .end = text + size};
    nlg_status status = read_file(&r, err);
    nlg_digest *digest = nlg_digest_create();
    if (digest) {
        nlg_digest_update(digest, text, size);
        nlg_digest_finish(digest, samples->digest);
    }
    nlg_free(text);
    if (status == NLG_OK) status = name_classes(&r, err);
    if (status == NLG_OK) status = check_images(&r, err);
    if (status == NLG_OK) status = fill(&r, samples, err);
    nlg_free(r.piece);
    nlg_free(r.images);
    nlg_free(r.objects);
    nlg_free(r.categories);
    return status;
}

static nlg_status read(const nlg_dataset *dataset, const nlg_samples *samples, uint32_t sample, uint8_t *pixels, nlg_error *err) {
    uint8_t border[3];
    double scale = 0;
    nlg_image image;
    for (int c = 0; c < 3; c++) border[c] = (uint8_t)lround(255 * (double)dataset->info.mean[c]);
    NLG_TRY(nlg_image_read(samples->paths[sample], &image, err));
    nlg_status status = nlg_image_fit(&image, samples->h, samples->w, dataset->options.filter, border, pixels, &scale, err);
    if (status == NLG_OK && fabs(scale - samples->scale[sample]) > 1e-9)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected the size that the annotations state, found %d x %d",
                          samples->paths[sample], image.w, image.h);
    nlg_image_release(&image);
    return status;
}

static bool present(const char *folder) {
    char path[NLG_PATH_BYTES], images[NLG_PATH_BYTES];
    return find_file(folder, false, path, images) || find_file(folder, true, path, images);
}

const nlg_dataset_format nlg_dataset_coco = {
    .name = "coco",
    .summary = "detection: photographs with boxes in COCO's files; instances_val*.json is the test split",
    .layout =
        "annotations/instances_train*.json and instances_val*.json, images in train* and val* (or images/train* and images/val*)",
    .targets = NLG_TARGET_OBJECTS,
    .needs_folder = true,
    .load = load,
    .read = read,
    .present = present,
};
