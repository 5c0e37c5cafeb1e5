/* The 12 figures of the COCO evaluation of boxes, equal to pycocotools' COCOeval (T.-Y. Lin, P. Dollar).
 *
 * AP is the mean of the precisions at recalls 0, 0.01, ..., 1, of the overlaps 0.5, 0.55, ..., 0.95 and of the classes that have
 * ground truth; AR the mean of the recalls. Of an image at most 100 detections of a class count (maxDets; AR1 and AR10: 1 and 10).
 * Small, medium and large mean areas up to 32^2, up to 96^2 and above. Crowds and objects of other sizes are ignored: they are
 * not missed, and detections on them are no false alarms.
 *
 * One rule differs from pycocotools: an annotation's id may be 0 there, and then counts as not found; here ids play no part. */
#ifndef NLG_TRAIN_COCO_SCORES_H
#define NLG_TRAIN_COCO_SCORES_H

#include "datasets/dataset.h"

typedef struct nlg_detection {
    double x, y, w, h; /* in pixels of the stored image, as nlg_object */
    double score;
    int32_t label;
} nlg_detection;

enum { NLG_COCO_SCORES = 12 };
/* "ap", "ap50", "ap75", "ap_small", "ap_medium", "ap_large", "ar1", "ar10", "ar100", "ar_small", "ar_medium", "ar_large" */
extern const char *const nlg_coco_score_names[NLG_COCO_SCORES];

typedef struct nlg_coco nlg_coco;
nlg_status nlg_coco_create(int classes, nlg_coco **coco, nlg_error *err);
void nlg_coco_destroy(nlg_coco *coco);
void nlg_coco_clear(nlg_coco *coco);
/* One image's ground truth and detections, both in any order of classes. Equal scores rank in order of images and of detections, so
 * images must come in the order of their ids. Labels must be below `classes`. */
nlg_status nlg_coco_add(nlg_coco *coco, const nlg_object *objects, int n_objects, const nlg_detection *detections, int n_detections,
                        nlg_error *err);
/* NaN: no ground truth in that range. *stray: detections in classes that have no ground truth at all, which no figure shows. */
nlg_status nlg_coco_finish(nlg_coco *coco, double scores[NLG_COCO_SCORES], int64_t *stray, nlg_error *err);

#endif
