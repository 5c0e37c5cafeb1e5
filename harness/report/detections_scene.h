/* A picture of detections: one row of test images with the truth, and one with the answers of each detector. */
#ifndef NLG_DETECTIONS_SCENE_H
#define NLG_DETECTIONS_SCENE_H

#include <cjson/cJSON.h>

#include "harness/report/scene.h"

/* data: the member "data" of the detectors' specs, which must be here with the same digest: records have no images. rows:
 * [{"title", "answers"}] with the answers of records (train/task_detection.c) to the first test images. */
nlg_status nlg_detections_scene(nlg_scene *scene, const cJSON *data, const cJSON *rows, nlg_error *err);

#endif
