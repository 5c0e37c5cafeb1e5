#include "train/boxes.h"

#include <math.h>

#include "layers/base/dmath.h"

enum { SIZES = 3, RATIOS = 3, SCALE = 4 };

/* ---- anchors ----------------------------------------------------------------------------------------------------------- */

static double round_to_even(double v) {
    const double down = floor(v), rest = v - down;
    if (rest != 0.5) return floor(v + 0.5);
    return fmod(down, 2) == 0 ? down : down + 1;
}

static void make_base(int side, nlg_box base[NLG_ANCHORS]) {
    const double third = nlg_pow(2, 1.0 / 3), ratio[RATIOS] = {0.5, 1, 2},
                 size[SIZES] = {side, floor(side * third), floor(side * third * third)};
    for (int r = 0; r < RATIOS; r++)
        for (int s = 0; s < SIZES; s++) {
            const double tall = nlg_sqrt(ratio[r]), w = round_to_even(size[s] / tall / 2), h = round_to_even(size[s] * tall / 2);
            base[r * SIZES + s] = (nlg_box){-w, -h, w, h};
        }
}

nlg_anchors nlg_anchors_of(int h, int w, const nlg_shape *maps, int n_levels) {
    nlg_anchors a = {.n_levels = n_levels};
    for (int l = 0; l < n_levels; l++) {
        a.h[l] = maps[l].h, a.w[l] = maps[l].w;
        a.stride_h[l] = h / maps[l].h, a.stride_w[l] = w / maps[l].w;
        a.first[l] = a.count;
        a.count += maps[l].h * maps[l].w * NLG_ANCHORS;
        make_base(SCALE * a.stride_h[0] << l, a.base[l]);
    }
    return a;
}

nlg_box nlg_anchor_at(const nlg_anchors *a, int index) {
    int l = a->n_levels - 1;
    while (index < a->first[l]) l--;
    index -= a->first[l];
    const nlg_box *b = &a->base[l][index % NLG_ANCHORS];
    const int place = index / NLG_ANCHORS;
    const double x = (double)(place % a->w[l]) * a->stride_w[l], y = (double)(place / a->w[l]) * a->stride_h[l];
    return (nlg_box){x + b->x1, y + b->y1, x + b->x2, y + b->y2};
}

/* ---- matching ---------------------------------------------------------------------------------------------------------- */

/* Of 1-D ranges; negative: the gap. Without fmin and fmax, which are calls. */
static inline double shared_length(double a1, double a2, double b1, double b2) {
    return (a2 < b2 ? a2 : b2) - (a1 > b1 ? a1 : b1);
}

static inline double overlap_of(const nlg_box *a, const nlg_box *b) {
    const double w = shared_length(a->x1, a->x2, b->x1, b->x2), h = shared_length(a->y1, a->y2, b->y1, b->y2);
    if (!(w > 0 && h > 0)) return 0;
    const double shared = w * h;
    return shared / ((a->x2 - a->x1) * (a->y2 - a->y1) + (b->x2 - b->x1) * (b->y2 - b->y1) - shared);
}

double nlg_box_overlap(const nlg_box *a, const nlg_box *b) {
    return overlap_of(a, b);
}

int nlg_match_anchors(const nlg_anchors *anchors, const nlg_box *boxes, int n, double *best, int32_t *match) {
    int matched = 0;
    for (int i = 0; i < n; i++) best[i] = 0;
    for (int a = 0; a < anchors->count && n > 0; a++) {
        const nlg_box anchor = nlg_anchor_at(anchors, a);
        for (int i = 0; i < n; i++) {
            const double v = overlap_of(&anchor, &boxes[i]);
            best[i] = v > best[i] ? v : best[i];
        }
    }
    for (int a = 0; a < anchors->count; a++) {
        const nlg_box anchor = nlg_anchor_at(anchors, a);
        int box = 0;
        double overlap = -1;
        bool is_best = false;
        for (int i = 0; i < n; i++) {
            const double v = overlap_of(&anchor, &boxes[i]);
            if (v > overlap) overlap = v, box = i;
            is_best = is_best || (v > 0 && v == best[i]);
        }
        match[a] = overlap >= 0.5 || is_best ? box : overlap < 0.4 ? NLG_MATCH_NEGATIVE : NLG_MATCH_BETWEEN;
        matched += match[a] >= 0;
    }
    return matched;
}

/* ---- coding ------------------------------------------------------------------------------------------------------------ */

void nlg_box_encode(const nlg_box *a, const nlg_box *b, double code[4]) {
    const double aw = a->x2 - a->x1, ah = a->y2 - a->y1, bw = b->x2 - b->x1, bh = b->y2 - b->y1;
    code[0] = (b->x1 + 0.5 * bw - (a->x1 + 0.5 * aw)) / aw;
    code[1] = (b->y1 + 0.5 * bh - (a->y1 + 0.5 * ah)) / ah;
    code[2] = nlg_log(bw / aw);
    code[3] = nlg_log(bh / ah);
}

nlg_box nlg_box_decode(const nlg_box *a, const float code[4]) {
    const double limit = nlg_log(1000.0 / 16), aw = a->x2 - a->x1, ah = a->y2 - a->y1;
    const double x = (double)code[0] * aw + a->x1 + 0.5 * aw, y = (double)code[1] * ah + a->y1 + 0.5 * ah;
    const double w = nlg_exp(fmin((double)code[2], limit)) * aw, h = nlg_exp(fmin((double)code[3], limit)) * ah;
    return (nlg_box){x - 0.5 * w, y - 0.5 * h, x + 0.5 * w, y + 0.5 * h};
}

/* ---- suppression ------------------------------------------------------------------------------------------------------- */

int nlg_suppress(const nlg_box *boxes, const int32_t *labels, const int *order, int n, double limit, int most, int *keep) {
    int kept = 0;
    for (int i = 0; i < n && kept < most; i++) {
        const int candidate = order[i];
        bool good = true;
        for (int k = 0; k < kept && good; k++) {
            if (labels != NULL && labels[keep[k]] != labels[candidate]) continue;
            good = !(nlg_box_overlap(&boxes[keep[k]], &boxes[candidate]) > limit);
        }
        if (good) keep[kept++] = candidate;
    }
    return kept;
}
