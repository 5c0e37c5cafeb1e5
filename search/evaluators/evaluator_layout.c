#include "search/evaluators/evaluator_layout.h"

#include <stdio.h>

#include "layers/base/memory.h"

enum { DIVISOR = 2 };

struct nlg_layout_evaluator {
    nlg_evaluator interface;
    nlg_layout_painter *painter;
    nlg_layout_loss *loss;
    double plain;
    char config[256];
};

static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    nlg_layout_evaluator *e = context;
    nlg_layout layout;
    const uint32_t *pixels;
    int stride;
    nlg_layout_space_layout(space, &trial->code, &layout);
    NLG_TRY(nlg_layout_paint(e->painter, &layout, &pixels, &stride, err));
    trial->score = e->plain / (e->plain + nlg_layout_loss_of(e->loss, pixels, stride));
    trial->status = NLG_TRIAL_DONE;
    return NLG_OK;
}

/* The most frequent colour among equal pixels of the picture; the smaller one if two are. */
static nlg_status frequent_colour(const nlg_image *image, uint8_t rgb[3], nlg_error *err) {
    enum { COLOURS = 1 << 24 };
    uint32_t *counts = nlg_alloc(COLOURS, sizeof *counts);
    if (!counts) return nlg_fail_memory(err, COLOURS * sizeof *counts, "the colours of a picture");
    const size_t n = (size_t)image->w * (size_t)image->h;
    uint32_t best = 0;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = image->rgb + 3 * i;
        const uint32_t colour = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        const uint32_t count = ++counts[colour];
        if (count > counts[best] || (count == counts[best] && colour < best)) best = colour;
    }
    for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(best >> (16 - 8 * c));
    nlg_free(counts);
    return NLG_OK;
}

static nlg_status prepare(nlg_layout_evaluator *e, const nlg_layout_target *target, nlg_error *err) {
    nlg_image picture = {0};
    uint8_t frequent[3];
    nlg_status status = nlg_layout_target_picture(target, DIVISOR, &picture, err);
    if (status == NLG_OK) status = nlg_layout_painter_create(&target->style, DIVISOR, &e->painter, err);
    if (status == NLG_OK) status = nlg_layout_loss_create(&picture, &e->loss, err);
    if (status == NLG_OK) status = frequent_colour(&picture, frequent, err);
    if (status == NLG_OK) {
        e->plain = nlg_layout_loss_of_plain(e->loss, frequent);
        if (e->plain <= 0) status = nlg_fail(err, NLG_ERR_INPUT, "target %s: the picture has one colour only", target->name);
    }
    if (picture.rgb) nlg_image_release(&picture);
    return status;
}

nlg_status nlg_layout_evaluator_create(const nlg_space *space, nlg_layout_evaluator **evaluator, nlg_error *err) {
    *evaluator = NULL;
    const nlg_layout_target *target = nlg_layout_space_target(space);
    if (!target) return nlg_fail(err, NLG_ERR_INPUT, "evaluator layout: expected a space of layouts, found %s", space->name);
    nlg_layout_evaluator *e = nlg_alloc(1, sizeof *e);
    if (!e) return nlg_fail_memory(err, sizeof *e, "an evaluator");
    e->interface = (nlg_evaluator){.name = "layout", .no_costs = true, .context = e, .evaluate = evaluate};
    snprintf(e->config, sizeof e->config, "{\"target\":\"%s\",\"divisor\":%d,\"loss\":\"oklab and edges at 1 and 4 pixels\"}",
             target->digest, DIVISOR);
    nlg_status status = prepare(e, target, err);
    if (status != NLG_OK) {
        nlg_layout_evaluator_destroy(e);
        return status;
    }
    *evaluator = e;
    return NLG_OK;
}

void nlg_layout_evaluator_destroy(nlg_layout_evaluator *e) {
    if (!e) return;
    nlg_layout_painter_destroy(e->painter);
    nlg_layout_loss_destroy(e->loss);
    nlg_free(e);
}

const nlg_evaluator *nlg_layout_evaluator_interface(const nlg_layout_evaluator *e) {
    return &e->interface;
}

const char *nlg_layout_evaluator_config(const nlg_layout_evaluator *e) {
    return e->config;
}

double nlg_layout_evaluator_loss(const nlg_layout_evaluator *e, double score) {
    return e->plain / score - e->plain;
}
