/* Boxes of a dense detector: anchors, overlaps, matching, coding, suppression. Arithmetic in double, sums in a fixed order.
 * Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017, Section 4; details as torchvision 0.29 has them. */
#ifndef NLG_TRAIN_BOXES_H
#define NLG_TRAIN_BOXES_H

#include "datasets/dataset.h"
#include "layers/ops/op.h"

enum { NLG_ANCHORS = 9, NLG_LEVELS_MAX = 8 };

/* At each place of each level 9 boxes: aspect ratios 1:2, 1:1, 2:1 (height : width), each with sides s, s 2^(1/3) and s 2^(2/3);
 * s is 4 times the stride of the first level and doubles with each level (32 to 512 pixels on P3 to P7). Order: levels, rows,
 * columns, aspect ratios, sizes. */
typedef struct nlg_anchors {
    int n_levels, count;
    int h[NLG_LEVELS_MAX], w[NLG_LEVELS_MAX];               /* places */
    int stride_h[NLG_LEVELS_MAX], stride_w[NLG_LEVELS_MAX]; /* pixels */
    int first[NLG_LEVELS_MAX];                              /* anchor of each level */
    nlg_box base[NLG_LEVELS_MAX][NLG_ANCHORS];              /* around 0, rounded to whole pixels */
} nlg_anchors;
/* For an image of h x w and the maps of the levels. */
nlg_anchors nlg_anchors_of(int h, int w, const nlg_shape *maps, int n_levels);
nlg_box nlg_anchor_at(const nlg_anchors *anchors, int index);

double nlg_box_overlap(const nlg_box *a, const nlg_box *b); /* intersection over union */

enum { NLG_MATCH_NEGATIVE = -1, NLG_MATCH_BETWEEN = -2 };
/* match[anchor]: the box with the largest overlap if that is at least 0.5; NEGATIVE below 0.4; BETWEEN: takes no part. The anchors
 * with the largest overlap for some box are given the box that they themselves overlap most, however little. `best` is scratch of
 * n boxes. Returns the number of matched anchors. */
int nlg_match_anchors(const nlg_anchors *anchors, const nlg_box *boxes, int n, double *best, int32_t *match);

/* Offsets (dx, dy, dw, dh) of a box from an anchor: shift of the centre over the anchor's size, logarithm of the ratio of sizes. */
void nlg_box_encode(const nlg_box *anchor, const nlg_box *box, double code[4]);
/* Back; the logarithms are limited to log(1000 / 16). */
nlg_box nlg_box_decode(const nlg_box *anchor, const float code[4]);

/* Greedy non-maximum suppression: `order` lists boxes by falling score; those of one class that overlap a kept one by more than
 * the limit are dropped. labels NULL: one class. Writes the kept ones in that order, at most `most`; returns their number. */
int nlg_suppress(const nlg_box *boxes, const int32_t *labels, const int *order, int n, double limit, int most, int *keep);

#endif
