/* lineage data show: a contact sheet of a data set's training images, with the boxes or the class of each. */
#include <math.h>
#include <stdio.h>

#include "harness/commands/data_show.h"
#include "harness/picture.h"
#include "layers/base/memory.h"

enum { COLUMNS = 6, CELL = 192, GAP = 6, TEXT = 18 };

typedef struct sheet {
    const nlg_dataset *dataset;
    const nlg_dataset_info *info;
    nlg_image picture;
    int factor; /* each pixel of an image becomes factor x factor */
    float *values;
    nlg_image image;
} sheet;

static nlg_status read_image(sheet *s, uint32_t index, nlg_target *target, nlg_error *err) {
    const nlg_augmentation raw = {.raw = true};
    NLG_TRY(nlg_dataset_images(s->dataset, NLG_SPLIT_TRAIN, &index, 1, &raw, 0, 0, s->values, target, err));
    for (int p = 0; p < s->image.h * s->image.w; p++)
        for (int c = 0; c < 3; c++)
            s->image.rgb[3 * p + c] = (uint8_t)lround(255 * (double)s->values[p * s->info->c + (s->info->c == 3 ? c : 0)]);
    return NLG_OK;
}

static void draw(sheet *s, int cell, const nlg_target *target) {
    const int x = GAP + cell % COLUMNS * (s->image.w * s->factor + GAP),
              y = GAP + cell / COLUMNS * (s->image.h * s->factor + TEXT + GAP);
    nlg_picture_paste(&s->picture, x, y, &s->image, s->factor);
    int text_x = x;
    for (int i = 0; i < target->n_objects; i++) {
        const nlg_colour colour = nlg_class_colour(target->objects[i].label);
        const nlg_box b = nlg_target_box(target, i);
        nlg_picture_frame(&s->picture, x + b.x1 * s->factor, y + b.y1 * s->factor, (b.x2 - b.x1) * s->factor,
                          (b.y2 - b.y1) * s->factor, 2, colour);
    }
    /* Names below the image, each class once, as far as there is room. */
    for (int i = 0; i < (s->info->targets == NLG_TARGET_LABEL ? 1 : target->n_objects); i++) {
        const int label = s->info->targets == NLG_TARGET_LABEL ? target->label : target->objects[i].label;
        const char *name = s->info->class_names[label];
        bool again = false;
        for (int k = 0; k < i; k++) again = again || target->objects[k].label == label;
        if (again || text_x + nlg_picture_text_width(name, 1) > x + s->image.w * s->factor) continue;
        const nlg_colour colour = nlg_class_colour(label);
        nlg_picture_text(&s->picture, text_x, y + s->image.h * s->factor + 4, name, 1, nlg_ink_on(colour), colour);
        text_x += nlg_picture_text_width(name, 1) + 3;
    }
}

static nlg_status fill(sheet *s, int images, nlg_error *err) {
    const nlg_colour ground = {{32, 32, 36}};
    const int rows = (images + COLUMNS - 1) / COLUMNS, columns = images < COLUMNS ? images : COLUMNS;
    s->factor = CELL / s->info->w > 1 ? CELL / s->info->w : 1;
    NLG_TRY(nlg_picture_create(GAP + rows * (s->info->h * s->factor + TEXT + GAP), GAP + columns * (s->info->w * s->factor + GAP),
                               &s->picture, err));
    nlg_picture_fill(&s->picture, 0, 0, s->picture.w, s->picture.h, ground);
    NLG_TRY(nlg_picture_create(s->info->h, s->info->w, &s->image, err));
    s->values = nlg_alloc((size_t)s->info->h * (size_t)s->info->w * (size_t)s->info->c, sizeof *s->values);
    if (!s->values) return nlg_fail_memory(err, (size_t)s->info->h * (size_t)s->info->w * sizeof *s->values, "an image");
    for (int i = 0; i < images; i++) {
        nlg_target target;
        NLG_TRY(read_image(s, (uint32_t)i, &target, err));
        draw(s, i, &target);
    }
    return NLG_OK;
}

nlg_status nlg_data_sheet(const nlg_dataset *dataset, int images, const char *path, nlg_error *err) {
    sheet s = {.dataset = dataset, .info = nlg_dataset_describe(dataset)};
    if ((uint32_t)images > s.info->train) images = (int)s.info->train;
    if (images < 1) return nlg_fail(err, NLG_ERR_INPUT, "%s: no training images to show", s.info->name);
    nlg_status status = fill(&s, images, err);
    if (status == NLG_OK) status = nlg_image_write_png(path, &s.picture, err);
    nlg_image_release(&s.picture);
    nlg_image_release(&s.image);
    nlg_free(s.values);
    return status;
}
