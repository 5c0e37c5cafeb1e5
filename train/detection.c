#include "train/detection.h"

#include <math.h>
#include <stdlib.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"

nlg_status nlg_detector_of(const nlg_graph *graph, const char *name, nlg_detector *detector, nlg_error *err) {
    const nlg_shape in = graph->nodes[0].shape;
    const int outputs = graph->n_outputs / (1 + nlg_graph_exits(graph)), levels = outputs / 2;
    nlg_shape maps[NLG_LEVELS_MAX] = {{0}};
    bool good = outputs % 2 == 0 && levels >= 1 && levels <= NLG_LEVELS_MAX;
    for (int l = 0; good && l < levels; l++) {
        const nlg_shape scores = graph->nodes[graph->outputs[l]].shape, boxes = graph->nodes[graph->outputs[levels + l]].shape;
        good = scores.h == boxes.h && scores.w == boxes.w && boxes.c == 4 * NLG_ANCHORS && scores.c % NLG_ANCHORS == 0 &&
               (l == 0 || scores.c == graph->nodes[graph->outputs[0]].shape.c);
        maps[l] = scores;
    }
    for (int i = 0; good && i < graph->n_outputs; i++) { /* each exit as the end */
        const nlg_shape end = graph->nodes[graph->outputs[i % outputs]].shape, here = graph->nodes[graph->outputs[i]].shape;
        good = graph->output_exit[i] == i / outputs && here.h == end.h && here.w == end.w && here.c == end.c;
    }
    if (!good)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a detector (scores and boxes of %d anchors for each level), found a network with %d outputs; "
                        "take one such as retinanet_tiny",
                        name, NLG_ANCHORS, graph->n_outputs);
    *detector = (nlg_detector){.anchors = nlg_anchors_of(in.h, in.w, maps, levels), .classes = maps[0].c / NLG_ANCHORS};
    return NLG_OK;
}

nlg_detect_options nlg_detect_defaults(void) {
    return (nlg_detect_options){.threshold = 0.05, .overlap = 0.5, .candidates = 1000, .most = 300};
}

typedef struct candidate {
    float logit;
    int32_t level, index; /* of the score in its level */
} candidate;

/* The largest first, equal ones in order: levels, places, anchors, classes. */
static int by_logit(const void *a, const void *b) {
    const candidate *x = a, *y = b;
    if (x->logit != y->logit) return x->logit > y->logit ? -1 : 1;
    if (x->level != y->level) return x->level < y->level ? -1 : 1;
    return x->index < y->index ? -1 : x->index > y->index;
}

/* Scores of a level above the threshold, the best `most` of them at the front of the list from `begin` on. */
static nlg_status collect(const nlg_tensor *y, int level, int image, float threshold, int most, candidate **list, int *room,
                          int begin, int *count, nlg_error *err) {
    const float *base = y->data + (int64_t)image * y->h * y->w * y->ld;
    int n = begin;
    for (int p = 0; p < y->h * y->w; p++)
        for (int c = 0; c < y->c; c++) {
            const float logit = base[p * y->ld + c];
            if (!(logit > threshold)) continue;
            if (n == *room) {
                candidate *grown = nlg_realloc(*list, 2 * (size_t)n + 64, sizeof *grown);
                if (grown == NULL) return nlg_fail_memory(err, (2 * (size_t)n + 64) * sizeof *grown, "detections");
                *list = grown;
                *room = 2 * n + 64;
            }
            (*list)[n++] = (candidate){logit, level, p * y->c + c};
        }
    if (n > begin) qsort(*list + begin, (size_t)(n - begin), sizeof **list, by_logit);
    *count = n - begin < most ? n : begin + most;
    return NLG_OK;
}

static nlg_box box_of(const nlg_detector *d, const nlg_plan *plan, int image, const candidate *c) {
    const nlg_tensor in = nlg_plan_input(plan), y = nlg_plan_output(plan, d->anchors.n_levels + c->level);
    const int anchor = c->index / d->classes, place = anchor / NLG_ANCHORS;
    const float *code = y.data + ((int64_t)image * y.h * y.w + place) * y.ld + (int64_t)4 * (anchor % NLG_ANCHORS);
    const nlg_box at = nlg_anchor_at(&d->anchors, d->anchors.first[c->level] + anchor), b = nlg_box_decode(&at, code);
    return (nlg_box){fmin(fmax(b.x1, 0), in.w), fmin(fmax(b.y1, 0), in.h), fmin(fmax(b.x2, 0), in.w), fmin(fmax(b.y2, 0), in.h)};
}

nlg_status nlg_detect(const nlg_detector *d, const nlg_plan *plan, int image, const nlg_detect_options *o,
                      nlg_detection *detections, int *count, nlg_error *err) {
    const float threshold = (float)nlg_log(o->threshold / (1 - o->threshold));
    candidate *list = NULL;
    int room = 0, n = 0;
    nlg_status status = NLG_OK;
    *count = 0;
    for (int l = 0; status == NLG_OK && l < d->anchors.n_levels; l++) {
        const nlg_tensor y = nlg_plan_output(plan, l);
        status = collect(&y, l, image, threshold, o->candidates, &list, &room, n, &n, err);
    }
    if (status == NLG_OK && n > 0) {
        const size_t total = (size_t)n;
        qsort(list, total, sizeof *list, by_logit);
        nlg_box *boxes = nlg_alloc(total, sizeof *boxes);
        int32_t *labels = nlg_alloc(total, sizeof *labels);
        int *order = nlg_alloc(2 * total, sizeof *order), *keep = order + total;
        if (boxes == NULL || labels == NULL || order == NULL) {
            status = nlg_fail_memory(err, total * sizeof *boxes, "detections");
        } else {
            for (int i = 0; i < n; i++) {
                boxes[i] = box_of(d, plan, image, &list[i]);
                labels[i] = list[i].index % d->classes;
                order[i] = i;
            }
            *count = nlg_suppress(boxes, labels, order, n, o->overlap, o->most, keep);
            for (int i = 0; i < *count; i++) {
                const nlg_box *b = &boxes[keep[i]];
                detections[i] = (nlg_detection){.x = b->x1,
                                                .y = b->y1,
                                                .w = b->x2 - b->x1,
                                                .h = b->y2 - b->y1,
                                                .score = nlg_sigmoid((double)list[keep[i]].logit),
                                                .label = labels[keep[i]]};
            }
        }
        nlg_free(boxes);
        nlg_free(labels);
        nlg_free(order);
    }
    nlg_free(list);
    return status;
}
