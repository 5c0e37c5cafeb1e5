/* Mustache templates (mustache.github.io, spec 1.3 without lambdas) over JSON, so that a library can take this file's place:
 * {{name}} {{a.b}} {{.}} escaped, {{{name}}} and {{&name}} not, {{#list}}..{{/list}}, {{^list}}..{{/list}}, {{! comment}},
 * {{>partial}},
 * {{=<% %>=}} for other marks. Unlike Mustache's, a {{name}} that exists nowhere is an error: it is a slip of the template. */
#ifndef NLG_TEMPLATE_H
#define NLG_TEMPLATE_H

#include <cjson/cJSON.h>

#include "harness/report/escape.h"
#include "layers/base/status.h"

/* name: the template's, for messages ("NAME, line N: ..."). partial: the text of a partial, or NULL; may be NULL itself. */
nlg_status nlg_template_render(FILE *out, const char *text, const char *name, nlg_escape_kind escape, const cJSON *data,
                               const char *(*partial)(void *context, const char *name), void *context, nlg_error *err);

#endif
