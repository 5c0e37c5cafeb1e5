/* A picture of layouts: of each target its picture and what each strategy found. */
#ifndef NLG_LAYOUTS_SCENE_H
#define NLG_LAYOUTS_SCENE_H

#include <cjson/cJSON.h>

#include "harness/report/scene.h"

/* layouts: [{"target", "digest", "found": [{"title", "genotype"}]}]; a target that is not built in, or is another one now, is
 * NLG_ERR_INPUT, as a build without Cairo is. */
nlg_status nlg_layouts_scene(nlg_scene *scene, const cJSON *layouts, nlg_error *err);

#endif
