#include "harness/report/layouts_scene.h"

#include <math.h>
#include <string.h>

#include "harness/measures/measure.h"
#include "search/layouts/target.h"

enum { WIDTH = 150, GAP = 14, HEAD = 34, DIVISOR = 2 };

typedef struct drawing {
    nlg_scene *scene;
    double top; /* of the row */
} drawing;

/* Takes the image over. */
static void put_picture(const drawing *d, int column, double height, const char *title, nlg_image *image) {
    const double left = column * (WIDTH + GAP) + 0.5;
    nlg_scene_add_text(d->scene, left, d->top - 7, -1, NLG_FACE_PLAIN, title);
    nlg_scene_put_picture(d->scene, nlg_scene_add_picture(d->scene, image, WIDTH, height, false), left, d->top);
    nlg_scene_add_frame(d->scene, (nlg_scene_frame){left, d->top, WIDTH, height, {0x8a, 0x93, 0x9c}, false});
}

static nlg_status put_layout(const drawing *d, int column, double height, const nlg_layout_target *target,
                             nlg_layout_painter *painter, const cJSON *found, nlg_error *err) {
    nlg_layout layout;
    nlg_image image;
    NLG_TRY(nlg_layout_read(nlg_value_text(found, "genotype"), &target->style, &layout, err));
    NLG_TRY(nlg_layout_paint_image(painter, &layout, &image, err));
    put_picture(d, column, height, nlg_value_text(found, "title"), &image);
    return NLG_OK;
}

static nlg_status put_row(drawing *d, const cJSON *row, const nlg_layout_target *target, nlg_error *err) {
    const double height = (double)WIDTH * target->style.h / target->style.w;
    nlg_layout_painter *painter;
    nlg_image image;
    const cJSON *found;
    int column = 0;
    NLG_TRY(nlg_layout_target_picture(target, DIVISOR, &image, err));
    put_picture(d, column++, height, target->name, &image);
    nlg_status status = nlg_layout_painter_create(&target->style, DIVISOR, &painter, err);
    if (status != NLG_OK) return status;
    cJSON_ArrayForEach(found, cJSON_GetObjectItemCaseSensitive(row, "found")) {
        if (status == NLG_OK) status = put_layout(d, column++, height, target, painter, found, err);
    }
    nlg_layout_painter_destroy(painter);
    d->top += height + GAP + HEAD;
    return status;
}

static nlg_status open_target(const cJSON *row, nlg_layout_target *target, nlg_error *err) {
    NLG_TRY(nlg_layout_target_open(nlg_value_text(row, "target"), "", target, err));
    if (strcmp(target->digest, nlg_value_text(row, "digest")) == 0) return NLG_OK;
    nlg_layout_target_close(target);
    return nlg_fail(err, NLG_ERR_INPUT, "target %s: it is another one than that of the records", nlg_value_text(row, "target"));
}

nlg_status nlg_layouts_scene(nlg_scene *scene, const cJSON *layouts, nlg_error *err) {
    drawing d = {.scene = scene, .top = HEAD};
    const cJSON *row;
    nlg_status status = NLG_OK;
    cJSON_ArrayForEach(row, layouts) {
        nlg_layout_target target;
        const int n = 1 + cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "found"));
        if (status == NLG_OK) status = open_target(row, &target, err);
        if (status != NLG_OK) break;
        status = put_row(&d, row, &target, err);
        nlg_layout_target_close(&target);
        scene->width = fmax(scene->width, n * (WIDTH + GAP) - GAP + 1);
    }
    scene->height = d.top - HEAD;
    return status;
}
