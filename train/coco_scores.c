/* Matching runs image by image, as they come; what is kept of a detection is its score and, for each range of areas, at which
 * overlaps it is a hit and at which it is ignored. */
#include "train/coco_scores.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/memory.h"

enum { OVERLAPS = 10, RECALLS = 101, AREAS = 4, RANKS = 3, MOST = 100 };
enum { ALL, SMALL, MEDIUM, LARGE };

static const int most_of[RANKS] = {1, 10, MOST};
static const double smallest[AREAS] = {0, 0, 32 * 32, 96 * 96}, largest[AREAS] = {1e10, 32 * 32, 96 * 96, 1e10};

const char *const nlg_coco_score_names[NLG_COCO_SCORES] = {"ap",  "ap50", "ap75",  "ap_small", "ap_medium", "ap_large",
                                                           "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large"};

typedef struct entry {
    double score;
    int64_t number; /* in order of coming */
    int32_t label;
    uint8_t rank;                        /* among the image's detections of its class, from 0 */
    uint16_t hit[AREAS], ignored[AREAS]; /* bits: overlaps */
} entry;

struct nlg_coco {
    int classes;
    int64_t (*wanted)[AREAS]; /* [classes]: objects that count */
    bool *present;            /* [classes]: has any ground truth, be it a crowd */
    entry *entries;
    int64_t count, room;
    int64_t *unseen; /* [classes]: detections of classes without ground truth so far */
};

void nlg_coco_destroy(nlg_coco *c) {
    if (c == NULL) return;
    nlg_free(c->wanted);
    nlg_free(c->present);
    nlg_free(c->entries);
    nlg_free(c->unseen);
    nlg_free(c);
}

nlg_status nlg_coco_create(int classes, nlg_coco **coco, nlg_error *err) {
    nlg_coco *c = nlg_alloc(1, sizeof *c);
    *coco = NULL;
    if (c == NULL) return nlg_fail_memory(err, sizeof *c, "scores");
    const size_t n = (size_t)classes;
    c->classes = classes;
    c->wanted = nlg_alloc(n, sizeof *c->wanted);
    c->present = nlg_alloc(n, sizeof *c->present);
    c->unseen = nlg_alloc(n, sizeof *c->unseen);
    if (c->wanted == NULL || c->present == NULL || c->unseen == NULL) {
        nlg_coco_destroy(c);
        return nlg_fail_memory(err, n * sizeof *c->wanted, "scores");
    }
    *coco = c;
    return NLG_OK;
}

void nlg_coco_clear(nlg_coco *c) {
    memset(c->wanted, 0, (size_t)c->classes * sizeof *c->wanted);
    memset(c->present, 0, (size_t)c->classes * sizeof *c->present);
    memset(c->unseen, 0, (size_t)c->classes * sizeof *c->unseen);
    c->count = 0;
}

/* numpy's linspace(start, end, n), whose bits decide at equal overlaps and recalls. */
static double spaced(double start, double end, int n, int i) {
    return i == n - 1 ? end : i * ((end - start) / (n - 1)) + start;
}

/* ---- one image --------------------------------------------------------------------------------------------------------- */

/* Intersection over union; with a crowd, over the detection. */
static double overlap(const nlg_detection *d, const nlg_object *o) {
    const double w = fmin(d->x + d->w, o->x + o->w) - fmax(d->x, o->x);
    if (!(w > 0)) return 0;
    const double h = fmin(d->y + d->h, o->y + o->h) - fmax(d->y, o->y);
    if (!(h > 0)) return 0;
    const double shared = w * h, own = d->w * d->h;
    return shared / (o->crowd ? own : own + o->w * o->h - shared);
}

/* The work of one image and one class. */
typedef struct match {
    const nlg_object *const *object; /* [n_objects] */
    const double *overlaps;          /* [n_detections, n_objects] */
    int n_objects, n_detections;
    int *order;  /* [n_objects]: those that count in this range, then the ignored */
    bool *taken; /* [n_objects] */
    bool *skip;  /* [n_objects]: is ignored in this range */
} match;

static void order_objects(match *m, int area) {
    int n = 0;
    for (int i = 0; i < m->n_objects; i++)
        m->skip[i] = m->object[i]->crowd || m->object[i]->area < smallest[area] || m->object[i]->area > largest[area];
    for (int pass = 0; pass < 2; pass++)
        for (int i = 0; i < m->n_objects; i++)
            if (m->skip[i] == (pass == 1)) m->order[n++] = i;
}

/* The object that detection d is given at this overlap, -1: none. */
static int choose(const match *m, int d, double at_least) {
    int best = -1;
    for (int i = 0; i < m->n_objects; i++) {
        const int o = m->order[i];
        if (m->taken[o] && !m->object[o]->crowd) continue;
        if (best >= 0 && !m->skip[best] && m->skip[o]) break; /* one that counts is found: the ignored cannot be better */
        const double v = m->overlaps[(size_t)d * (size_t)m->n_objects + (size_t)o];
        if (v < at_least) continue;
        at_least = v;
        best = o;
    }
    return best;
}

static void match_class(match *m, const nlg_detection *const *detection, entry *entries) {
    for (int area = 0; area < AREAS; area++) {
        order_objects(m, area);
        for (int t = 0; t < OVERLAPS; t++) {
            const double at_least = fmin(spaced(0.5, 0.95, OVERLAPS, t), 1 - 1e-10);
            memset(m->taken, 0, (size_t)m->n_objects * sizeof *m->taken);
            for (int d = 0; d < m->n_detections; d++) {
                const int o = choose(m, d, at_least);
                const double size = detection[d]->w * detection[d]->h;
                const uint16_t bit = (uint16_t)(1u << t);
                if (o >= 0) {
                    m->taken[o] = true;
                    *(m->skip[o] ? &entries[d].ignored[area] : &entries[d].hit[area]) |= bit;
                } else if (size < smallest[area] || size > largest[area]) {
                    entries[d].ignored[area] |= bit;
                }
            }
        }
    }
}

static nlg_status reserve(nlg_coco *c, int more, nlg_error *err) {
    if (c->entries && c->count + more <= c->room) return NLG_OK; /* never NULL: the place behind the last one is pointed at */
    const int64_t room = 2 * (c->count + more) + 1;
    entry *grown = nlg_realloc(c->entries, (size_t)room, sizeof *grown);
    if (grown == NULL) return nlg_fail_memory(err, (size_t)room * sizeof *grown, "scores");
    c->entries = grown;
    c->room = room;
    return NLG_OK;
}

/* Scratch for an image: the objects and the detections of one class. */
typedef struct scratch {
    const nlg_object **object;
    const nlg_detection **detection;
    double *overlaps;
    int *order;
    bool *taken, *skip;
} scratch;

/* Merge sort would do as well: higher scores first, then those that came first (their addresses grow). */
static int by_score(const void *a, const void *b) {
    const nlg_detection *x = *(const nlg_detection *const *)a, *y = *(const nlg_detection *const *)b;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x < y ? -1 : x > y;
}

static void add_class(nlg_coco *c, scratch *s, int label, const nlg_object *objects, int n_objects, const nlg_detection *detections,
                      int n_detections) {
    match m = {.object = s->object, .overlaps = s->overlaps, .order = s->order, .taken = s->taken, .skip = s->skip};
    for (int i = 0; i < n_objects; i++)
        if (objects[i].label == label) s->object[m.n_objects++] = &objects[i];
    for (int i = 0; i < n_detections; i++)
        if (detections[i].label == label) s->detection[m.n_detections++] = &detections[i];
    for (int i = 0; i < m.n_objects; i++)
        for (int area = 0; area < AREAS; area++)
            c->wanted[label][area] +=
                !s->object[i]->crowd && s->object[i]->area >= smallest[area] && s->object[i]->area <= largest[area];
    c->present[label] = c->present[label] || m.n_objects > 0;
    c->unseen[label] += m.n_detections;
    qsort(s->detection, (size_t)m.n_detections, sizeof *s->detection, by_score);
    if (m.n_detections > MOST) m.n_detections = MOST;
    for (int d = 0; d < m.n_detections; d++) {
        for (int o = 0; o < m.n_objects; o++)
            s->overlaps[(size_t)d * (size_t)m.n_objects + (size_t)o] = overlap(s->detection[d], s->object[o]);
        c->entries[c->count + d] =
            (entry){.score = s->detection[d]->score, .number = c->count + d, .label = label, .rank = (uint8_t)d};
    }
    match_class(&m, s->detection, c->entries + c->count);
    c->count += m.n_detections;
}

nlg_status nlg_coco_add(nlg_coco *c, const nlg_object *objects, int n_objects, const nlg_detection *detections, int n_detections,
                        nlg_error *err) {
    const size_t no = (size_t)n_objects + 1, nd = (size_t)n_detections + 1;
    NLG_TRY(reserve(c, n_detections, err));
    scratch s = {.object = nlg_alloc(no, sizeof *s.object),
                 .detection = nlg_alloc(nd, sizeof *s.detection),
                 .overlaps = nlg_alloc(no * (nd < MOST ? nd : MOST), sizeof *s.overlaps),
                 .order = nlg_alloc(no, sizeof *s.order),
                 .taken = nlg_alloc(no, sizeof *s.taken),
                 .skip = nlg_alloc(no, sizeof *s.skip)};
    uint8_t *seen = nlg_alloc((size_t)c->classes, 1);
    nlg_status status = NLG_OK;
    if (s.object == NULL || s.detection == NULL || s.overlaps == NULL || s.order == NULL || s.taken == NULL || s.skip == NULL ||
        seen == NULL)
        status = nlg_fail_memory(err, no * nd * sizeof *s.overlaps, "scores");
    if (status == NLG_OK) {
        for (int i = 0; i < n_objects; i++) seen[objects[i].label] = 1;
        for (int i = 0; i < n_detections; i++) seen[detections[i].label] = 1;
        for (int label = 0; label < c->classes; label++)
            if (seen[label]) add_class(c, &s, label, objects, n_objects, detections, n_detections);
    }
    nlg_free(s.object);
    nlg_free(s.detection);
    nlg_free(s.overlaps);
    nlg_free(s.order);
    nlg_free(s.taken);
    nlg_free(s.skip);
    nlg_free(seen);
    return status;
}

/* ---- figures ----------------------------------------------------------------------------------------------------------- */

static int by_label_and_score(const void *a, const void *b) {
    const entry *x = a, *y = b;
    if (x->label != y->label) return x->label < y->label ? -1 : 1;
    if (x->score != y->score) return x->score > y->score ? -1 : 1;
    return x->number < y->number ? -1 : x->number > y->number;
}

/* Precision at the 101 recalls, summed, and the last recall, of one class, range, overlap and number of detections an image. */
typedef struct curve {
    double precision, recall;
} curve;

static curve measure(const entry *entries, int64_t n, int area, int overlap_index, int most, int64_t wanted, double *precision,
                     double *recall) {
    double hits = 0, alarms = 0;
    int64_t points = 0;
    for (int64_t i = 0; i < n; i++) {
        if (entries[i].rank >= most) continue;
        const bool ignored = entries[i].ignored[area] >> overlap_index & 1, hit = entries[i].hit[area] >> overlap_index & 1;
        hits += hit;
        alarms += !hit && !ignored;
        recall[points] = hits / (double)wanted;
        precision[points] = hits / (alarms + hits + 0x1p-52);
        points++;
    }
    for (int64_t i = points - 1; i > 0; i--)
        if (precision[i] > precision[i - 1]) precision[i - 1] = precision[i];
    curve c = {.recall = points > 0 ? recall[points - 1] : 0};
    int64_t at = 0;
    for (int r = 0; r < RECALLS; r++) {
        const double at_least = spaced(0, 1, RECALLS, r);
        while (at < points && recall[at] < at_least) at++;
        if (at < points) c.precision += precision[at];
    }
    return c;
}

/* Sums over classes and overlaps of what each figure is a mean of. */
typedef struct sums {
    double precision[AREAS][OVERLAPS], recall[AREAS][RANKS];
    int classes[AREAS];
} sums;

static void add_label(const nlg_coco *c, int label, const entry *entries, int64_t n, double *precision, double *recall, sums *s) {
    for (int area = 0; area < AREAS; area++) {
        const int64_t wanted = c->wanted[label][area];
        if (wanted == 0) continue;
        s->classes[area]++;
        for (int t = 0; t < OVERLAPS; t++)
            for (int rank = area == ALL ? 0 : RANKS - 1; rank < RANKS; rank++) {
                const curve found = measure(entries, n, area, t, most_of[rank], wanted, precision, recall);
                s->recall[area][rank] += found.recall;
                if (rank == RANKS - 1) s->precision[area][t] += found.precision;
            }
    }
}

static double mean(double sum, double count) {
    return count > 0 ? sum / count : (double)NAN;
}

static double mean_precision(const sums *s, int area) {
    double total = 0;
    for (int t = 0; t < OVERLAPS; t++) total += s->precision[area][t];
    return mean(total, (double)s->classes[area] * OVERLAPS * RECALLS);
}

static double mean_recall(const sums *s, int area, int rank) {
    return mean(s->recall[area][rank], (double)s->classes[area] * OVERLAPS);
}

nlg_status nlg_coco_finish(nlg_coco *c, double scores[NLG_COCO_SCORES], int64_t *stray, nlg_error *err) {
    const size_t room = (size_t)c->count + 1;
    double *precision = nlg_alloc(room, sizeof *precision), *recall = nlg_alloc(room, sizeof *recall);
    sums s = {0};
    *stray = 0;
    if (precision == NULL || recall == NULL) {
        nlg_free(precision);
        nlg_free(recall);
        return nlg_fail_memory(err, room * sizeof *precision, "scores");
    }
    if (c->count > 0) qsort(c->entries, (size_t)c->count, sizeof *c->entries, by_label_and_score);
    int64_t begin = 0;
    for (int label = 0; label < c->classes; label++) {
        int64_t end = begin;
        while (end < c->count && c->entries[end].label == label) end++;
        const entry *first = c->count > 0 ? c->entries + begin : NULL; /* without any, a null pointer has no elements */
        add_label(c, label, first, end - begin, precision, recall, &s);
        if (!c->present[label]) *stray += c->unseen[label];
        begin = end;
    }
    nlg_free(precision);
    nlg_free(recall);
    const double values[NLG_COCO_SCORES] = {mean_precision(&s, ALL),
                                            mean(s.precision[ALL][0], (double)s.classes[ALL] * RECALLS),
                                            mean(s.precision[ALL][5], (double)s.classes[ALL] * RECALLS),
                                            mean_precision(&s, SMALL),
                                            mean_precision(&s, MEDIUM),
                                            mean_precision(&s, LARGE),
                                            mean_recall(&s, ALL, 0),
                                            mean_recall(&s, ALL, 1),
                                            mean_recall(&s, ALL, 2),
                                            mean_recall(&s, SMALL, 2),
                                            mean_recall(&s, MEDIUM, 2),
                                            mean_recall(&s, LARGE, 2)};
    memcpy(scores, values, sizeof values);
    return NLG_OK;
}
