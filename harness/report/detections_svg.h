/* A picture of detections: one row of test images with the truth, and one with the answers of each detector. */
#ifndef NLG_DETECTIONS_SVG_H
#define NLG_DETECTIONS_SVG_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "layers/base/status.h"

/* data: the member "data" of the detectors' specs, which must be here with the same digest: records have no images. rows:
 * [{"title", "answers"}] with the answers of records (train/task_detection.c) to the first test images. id: of the title and the
 * images, unique in a page. */
nlg_status nlg_detections_svg(FILE *out, const cJSON *data, const cJSON *rows, const char *id, const char *title, nlg_error *err);

#endif
