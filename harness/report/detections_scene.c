#include "harness/report/detections_scene.h"

#include <math.h>
#include <stdlib.h>

#include "harness/measures/lab.h"
#include "harness/picture.h"
#include "layers/base/memory.h"

enum { SIDE = 160, GAP = 8, HEAD = 22, MOST = 8, NAME_H = 11, NAMES = 64 };
static const double LETTER_W = 5.2; /* of 9 pixels, on average */

typedef struct drawing {
    nlg_scene *scene;
    const nlg_dataset_info *info;
    nlg_target target[MOST];
    int images;
    double factor;       /* of the network's pixels */
    nlg_box name[NAMES]; /* where the names of one image stand */
    int names;
} drawing;

/* The test images as they are, once each; the rows use them. */
static nlg_status put_images(drawing *d, const nlg_dataset *dataset, nlg_error *err) {
    const nlg_dataset_info *info = d->info;
    const size_t values = (size_t)info->h * (size_t)info->w * 3;
    float *pixels = nlg_alloc((size_t)d->images * values, sizeof *pixels);
    uint32_t index[MOST];
    if (!pixels) return nlg_fail_memory(err, (size_t)d->images * values * sizeof *pixels, "images");
    for (int i = 0; i < d->images; i++) index[i] = (uint32_t)i;
    nlg_status status = nlg_dataset_images(dataset, NLG_SPLIT_TEST, index, (size_t)d->images, &(nlg_augmentation){.raw = true}, 0,
                                           0, pixels, d->target, err);
    for (int i = 0; status == NLG_OK && i < d->images; i++) {
        nlg_image image;
        status = nlg_picture_create(info->h, info->w, &image, err);
        if (status != NLG_OK) break;
        for (size_t k = 0; k < values; k++) image.rgb[k] = (uint8_t)lroundf(pixels[(size_t)i * values + k] * 255.0F);
        nlg_scene_add_picture(d->scene, &image, SIDE, d->factor * info->h, true);
    }
    nlg_free(pixels);
    return status;
}

static bool overlap(const nlg_box *a, const nlg_box *b) {
    return a->x1 < b->x2 && b->x1 < a->x2 && a->y1 < b->y2 && b->y1 < a->y2;
}

/* Above the frame, inside it or below, where the image (at 0) has room that no other name has taken. */
static bool find_room(drawing *d, const nlg_box *frame, double width, nlg_box *place) {
    const double tops[] = {frame->y1 - NAME_H, frame->y1 + 1, frame->y2 - NAME_H - 1, frame->y2};
    const double x = fmax(0, fmin(frame->x1, SIDE - width));
    for (int i = 0; i < 4 && d->names < NAMES; i++) {
        *place = (nlg_box){x, tops[i], x + width, tops[i] + NAME_H};
        bool is_free = place->y1 >= 0 && place->y2 <= d->factor * d->info->h && width <= SIDE;
        for (int k = 0; k < d->names && is_free; k++) is_free = !overlap(place, &d->name[k]);
        if (!is_free) continue;
        d->name[d->names++] = *place;
        return true;
    }
    return false;
}

/* A box in the network's pixels and what it holds, on the image at (left, top). score < 0: the truth. */
static void put_box(drawing *d, double left, double top, const nlg_box *b, int label, double score) {
    const nlg_colour c = nlg_class_colour(label);
    const nlg_box frame = {d->factor * b->x1, d->factor * b->y1, d->factor * b->x2, d->factor * b->y2};
    nlg_box place;
    char text[64];
    const bool has_name = d->info->class_names && label >= 0 && label < d->info->classes;
    int length = snprintf(text, sizeof text, "%.40s", has_name ? d->info->class_names[label] : "");
    if (score >= 0) length += snprintf(text + length, sizeof text - (size_t)length, " %.2f", score);
    nlg_scene_frame f = {
        left + frame.x1, top + frame.y1, frame.x2 - frame.x1, frame.y2 - frame.y1, {c.rgb[0], c.rgb[1], c.rgb[2]}, false};
    nlg_scene_add_frame(d->scene, f);
    if (!find_room(d, &frame, LETTER_W * length + 4, &place)) return;
    f = (nlg_scene_frame){left + place.x1, top + place.y1, place.x2 - place.x1, NAME_H, {c.rgb[0], c.rgb[1], c.rgb[2]}, true};
    nlg_scene_add_frame(d->scene, f);
    nlg_scene_add_text(d->scene, left + place.x1 + 2, top + place.y2 - 3, -1, NLG_FACE_SMALL, text);
}

static void put_truth(drawing *d, int i, double left, double top) {
    const nlg_target *t = &d->target[i];
    for (int k = 0; k < t->n_objects; k++) {
        const nlg_box box = nlg_target_box(t, k);
        if (!t->objects[k].crowd) put_box(d, left, top, &box, t->objects[k].label, -1);
    }
}

static void put_answers(drawing *d, int i, const cJSON *answers, double left, double top) {
    const nlg_target *t = &d->target[i];
    const cJSON *a;
    cJSON_ArrayForEach(a, cJSON_GetArrayItem(answers, i)) {
        double v[6];
        int n = 0;
        const cJSON *number;
        cJSON_ArrayForEach(number, a) if (n < 6) v[n++] = cJSON_IsNumber(number) ? number->valuedouble : 0;
        if (n < 6) continue;
        const nlg_box box = {v[0] * t->scale + t->dx, v[1] * t->scale + t->dy, (v[0] + v[2]) * t->scale + t->dx,
                             (v[1] + v[3]) * t->scale + t->dy};
        put_box(d, left, top, &box, (int)v[4], v[5]);
    }
}

static void put_row(drawing *d, int row, const char *title, const cJSON *answers) {
    const double top = row * (d->factor * d->info->h + HEAD + GAP) + HEAD;
    nlg_scene_add_text(d->scene, 0, top - 7, -1, NLG_FACE_PLAIN, title);
    for (int i = 0; i < d->images; i++) {
        const double left = i * (SIDE + GAP);
        nlg_scene_put_picture(d->scene, i, left, top);
        d->names = 0;
        if (answers)
            put_answers(d, i, answers, left, top);
        else
            put_truth(d, i, left, top);
    }
}

static nlg_status draw(drawing *d, const nlg_dataset *dataset, const cJSON *rows, nlg_error *err) {
    const cJSON *row;
    int at = 0;
    d->info = nlg_dataset_describe(dataset);
    d->factor = (double)SIDE / d->info->w;
    d->scene->width = d->images * (SIDE + GAP) - GAP;
    d->scene->height = (cJSON_GetArraySize(rows) + 1) * (d->factor * d->info->h + HEAD + GAP) - GAP;
    NLG_TRY(put_images(d, dataset, err));
    put_row(d, at++, "truth", NULL);
    cJSON_ArrayForEach(row, rows) put_row(d, at++, cJSON_GetObjectItemCaseSensitive(row, "title")->valuestring,
                                          cJSON_GetObjectItemCaseSensitive(row, "answers"));
    return NLG_OK;
}

nlg_status nlg_detections_scene(nlg_scene *scene, const cJSON *data, const cJSON *rows, nlg_error *err) {
    const nlg_settings settings = {0};
    nlg_lab lab;
    nlg_dataset *dataset;
    drawing d = {.scene = scene, .images = MOST};
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) {
        const int n = cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "answers"));
        if (n < d.images) d.images = n;
    }
    nlg_lab_open(&lab, &settings);
    nlg_status status = nlg_lab_find_data(&lab, data, &dataset, NULL, err);
    if (status == NLG_OK) status = nlg_dataset_open_test(dataset, err);
    if (status == NLG_OK) status = draw(&d, dataset, rows, err);
    nlg_lab_close(&lab);
    return status;
}
