/* What a dense detector's outputs mean: class scores of each level, then box offsets of each level (models/detection.c). Early
 * exits (auxiliary heads) have as many of the same shapes. */
#ifndef NLG_TRAIN_DETECTION_H
#define NLG_TRAIN_DETECTION_H

#include "layers/graph/plan.h"
#include "train/boxes.h"
#include "train/coco_scores.h"

typedef struct nlg_detector {
    nlg_anchors anchors;
    int classes;
} nlg_detector;
/* From the outputs' shapes; `name` (a data set, a model) begins the message where the graph is no such detector. */
nlg_status nlg_detector_of(const nlg_graph *graph, const char *name, nlg_detector *detector, nlg_error *err);

/* torchvision's way to detections: of each level the `candidates` best scores above `threshold`, boxes cut at the image's edge,
 * suppression within each class, the `most` best in all. */
typedef struct nlg_detect_options {
    double threshold, overlap;
    int candidates, most;
} nlg_detect_options;
nlg_detect_options nlg_detect_defaults(void); /* 0.05, 0.5, 1000, 300 */

/* The detections of one image of the batch, best first, into detections [options->most], in pixels of the network's image as
 * corners turned into left, top, width, height. Several threads may call this at once. Returns their number in *count. */
nlg_status nlg_detect(const nlg_detector *detector, const nlg_plan *plan, int image, const nlg_detect_options *options,
                      nlg_detection *detections, int *count, nlg_error *err);

#endif
