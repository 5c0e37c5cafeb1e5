/* coco: the 12 scores of made-up ground truth and detections.
 *
 * {"images": 3 (ids from 1, or from 0 where that is used) or a list of ids or of {"id"}, "categories": [ids or {"id"}],
 *  "annotations": [{"image_id", "category_id", "bbox", "area", "iscrowd"}], "detections": [{"image_id", "category_id", "bbox",
 * "score"}]} Other keys, like "scores" and the annotations' ids, are not read. As in pycocotools, annotations of images and
 * detections of categories that are not listed do not count, and a detection in an image that is not listed is an error. */
#include <math.h>
#include <stdlib.h>

#include "layers/base/memory.h"
#include "tests/oracle/reference.h"
#include "train/coco_scores.h"

typedef struct id_list {
    int64_t *id; /* sorted, each once */
    int count;
} id_list;

typedef struct coco_case {
    id_list images, categories;
    nlg_object *objects; /* sorted by image, in order within it */
    nlg_detection *detections;
    int n_objects, n_detections;
    int *first_object, *first_detection; /* [images + 1] */
} coco_case;

static int by_id(const void *a, const void *b) {
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static int find_id(const id_list *list, double id) {
    const int64_t wanted = (int64_t)id;
    const int64_t *at = bsearch(&wanted, list->id, (size_t)list->count, sizeof *list->id, by_id);
    return at != NULL && (double)wanted == id ? (int)(at - list->id) : -1;
}

static nlg_status read_ids(const cJSON *in, const char *key, double first, id_list *list, nlg_error *err) {
    const cJSON *given = cJSON_GetObjectItemCaseSensitive(in, key), *item;
    const bool counted = cJSON_IsNumber(given) && given->valuedouble >= 0 && given->valuedouble <= 1e7;
    if (!counted && !cJSON_IsArray(given)) return nlg_fail(err, NLG_ERR_INPUT, "coco: \"%s\": expected a list of ids", key);
    const int count = counted ? given->valueint : cJSON_GetArraySize(given);
    int n = 0;
    list->id = nlg_alloc((size_t)count + 1, sizeof *list->id);
    if (list->id == NULL) return nlg_fail_memory(err, (size_t)count * sizeof *list->id, "ids");
    for (; counted && n < count; n++) list->id[n] = (int64_t)first + n;
    cJSON_ArrayForEach(item, given) {
        const cJSON *id = cJSON_IsObject(item) ? cJSON_GetObjectItemCaseSensitive(item, "id") : item;
        if (!cJSON_IsNumber(id)) return nlg_fail(err, NLG_ERR_INPUT, "coco: \"%s\": entry %d has no id", key, n);
        list->id[n++] = (int64_t)id->valuedouble;
    }
    qsort(list->id, (size_t)n, sizeof *list->id, by_id);
    for (int i = 0; i < n; i++)
        if (i == 0 || list->id[i] != list->id[i - 1]) list->id[list->count++] = list->id[i];
    return NLG_OK;
}

static bool get_number(const cJSON *object, const char *key, double *value) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, key);
    if (cJSON_IsBool(item)) *value = cJSON_IsTrue(item);
    if (cJSON_IsNumber(item)) *value = item->valuedouble;
    return cJSON_IsNumber(item) || cJSON_IsBool(item);
}

/* Image, category and box of an annotation or a detection. */
static nlg_status read_box(const cJSON *item, const char *what, int number, double ids[2], double box[4], nlg_error *err) {
    const cJSON *bbox = cJSON_GetObjectItemCaseSensitive(item, "bbox");
    bool good = get_number(item, "image_id", &ids[0]) && get_number(item, "category_id", &ids[1]) && cJSON_GetArraySize(bbox) == 4;
    for (int i = 0; good && i < 4; i++) {
        const cJSON *v = cJSON_GetArrayItem(bbox, i);
        good = cJSON_IsNumber(v);
        if (good) box[i] = v->valuedouble;
    }
    if (good) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "coco: %s %d: expected \"image_id\", \"category_id\" and a \"bbox\" of four numbers", what,
                    number);
}

/* Both lists become sorted by image, stably: counted first, then written. */
static nlg_status read_annotations(const cJSON *list, coco_case *c, nlg_error *err) {
    const cJSON *item;
    c->objects = nlg_alloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *c->objects);
    if (c->objects == NULL) return nlg_fail_memory(err, 64, "annotations");
    for (int image = 0; image <= c->images.count; image++) {
        int number = 0;
        c->first_object[image] = c->n_objects;
        cJSON_ArrayForEach(item, list) {
            double ids[2], box[4], crowd = 0;
            NLG_TRY(read_box(item, "annotation", number++, ids, box, err));
            const int label = find_id(&c->categories, ids[1]);
            if (find_id(&c->images, ids[0]) != image || label < 0) continue;
            nlg_object o = {.x = box[0], .y = box[1], .w = box[2], .h = box[3], .area = box[2] * box[3], .label = label};
            get_number(item, "area", &o.area);
            get_number(item, "iscrowd", &crowd);
            o.crowd = crowd > 0;
            c->objects[c->n_objects++] = o;
        }
    }
    return NLG_OK;
}

static nlg_status read_detections(const cJSON *list, coco_case *c, nlg_error *err) {
    const cJSON *item;
    c->detections = nlg_alloc((size_t)cJSON_GetArraySize(list) + 1, sizeof *c->detections);
    if (c->detections == NULL) return nlg_fail_memory(err, 64, "detections");
    for (int image = 0; image <= c->images.count; image++) {
        int number = -1;
        c->first_detection[image] = c->n_detections;
        cJSON_ArrayForEach(item, list) {
            double ids[2], box[4], score = 0;
            NLG_TRY(read_box(item, "detection", ++number, ids, box, err));
            if (find_id(&c->images, ids[0]) < 0)
                return nlg_fail(err, NLG_ERR_INPUT, "coco: detection %d: image %g is not listed", number, ids[0]);
            if (!get_number(item, "score", &score) || !isfinite(score))
                return nlg_fail(err, NLG_ERR_INPUT, "coco: detection %d: expected a \"score\"", number);
            const int label = find_id(&c->categories, ids[1]);
            if (find_id(&c->images, ids[0]) != image || label < 0) continue;
            c->detections[c->n_detections++] =
                (nlg_detection){.x = box[0], .y = box[1], .w = box[2], .h = box[3], .score = score, .label = label};
        }
    }
    return NLG_OK;
}

static nlg_status score(const coco_case *c, cJSON *out, nlg_error *err) {
    nlg_coco *coco = NULL;
    double scores[NLG_COCO_SCORES];
    int64_t stray = 0;
    NLG_TRY(nlg_coco_create(c->categories.count + 1, &coco, err));
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < c->images.count; i++)
        status = nlg_coco_add(coco, c->objects + c->first_object[i], c->first_object[i + 1] - c->first_object[i],
                              c->detections + c->first_detection[i], c->first_detection[i + 1] - c->first_detection[i], err);
    if (status == NLG_OK) status = nlg_coco_finish(coco, scores, &stray, err);
    nlg_coco_destroy(coco);
    if (status != NLG_OK) return status;
    cJSON *list = cJSON_AddArrayToObject(out, "scores");
    for (int i = 0; i < NLG_COCO_SCORES; i++) cJSON_AddItemToArray(list, cJSON_CreateNumber(isnan(scores[i]) ? -1 : scores[i]));
    if (stray > 0) cJSON_AddNumberToObject(out, "detections_without_ground_truth", (double)stray);
    return NLG_OK;
}

static bool uses_zero(const cJSON *list) {
    const cJSON *item;
    double id = 1;
    cJSON_ArrayForEach(item, list) if (get_number(item, "image_id", &id) && id == 0) return true;
    return false;
}

static nlg_status read_case(const cJSON *in, coco_case *c, nlg_error *err) {
    const cJSON *annotations = cJSON_GetObjectItemCaseSensitive(in, "annotations"),
                *detections = cJSON_GetObjectItemCaseSensitive(in, "detections");
    if (!cJSON_IsArray(annotations) || !cJSON_IsArray(detections))
        return nlg_fail(err, NLG_ERR_INPUT, "coco: expected the lists \"annotations\" and \"detections\"");
    const double first = uses_zero(annotations) || uses_zero(detections) ? 0 : 1;
    NLG_TRY(read_ids(in, "images", first, &c->images, err));
    NLG_TRY(read_ids(in, "categories", 1, &c->categories, err));
    c->first_object = nlg_alloc((size_t)c->images.count + 1, sizeof *c->first_object);
    c->first_detection = nlg_alloc((size_t)c->images.count + 1, sizeof *c->first_detection);
    if (c->first_object == NULL || c->first_detection == NULL) return nlg_fail_memory(err, 64, "images");
    NLG_TRY(read_annotations(annotations, c, err));
    return read_detections(detections, c, err);
}

nlg_status nlg_reference_coco(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err) {
    (void)exec;
    coco_case c = {0};
    nlg_status status = read_case(in, &c, err);
    if (status == NLG_OK) status = score(&c, out, err);
    nlg_free(c.images.id);
    nlg_free(c.categories.id);
    nlg_free(c.objects);
    nlg_free(c.detections);
    nlg_free(c.first_object);
    nlg_free(c.first_detection);
    return status;
}
