/* A picture of layouts: of each target its picture and what each strategy found. */
#ifndef NLG_LAYOUTS_SVG_H
#define NLG_LAYOUTS_SVG_H

#include <cjson/cJSON.h>
#include <stdio.h>

#include "layers/base/status.h"

/* layouts: [{"target", "digest", "found": [{"title", "genotype"}]}]; a target that is not built in, or is another one now, is
 * NLG_ERR_INPUT, as a build without Cairo is. id: of the title, unique in a page. */
nlg_status nlg_layouts_svg(FILE *out, const cJSON *layouts, const char *id, const char *title, nlg_error *err);

#endif
