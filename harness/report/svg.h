/* gnuplot's SVG made fit for a page: a name and a description instead of "Gnuplot", ids of its own, colours of text and axes from
 * the page (light or dark), and titles under the mouse. */
#ifndef NLG_SVG_H
#define NLG_SVG_H

#include <stddef.h>

#include "harness/report/layout.h"

nlg_status nlg_svg_finish(const char *raw, const char *id, const char *title, const char *alt, const nlg_layout *layout,
                          const nlg_rows *rows, char **svg, size_t *size, nlg_error *err);

#endif
