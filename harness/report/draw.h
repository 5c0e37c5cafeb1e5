/* Drawing: gnuplot run in a folder of its own, in which every file has a fixed name. It reads numbers, placed texts as data, and
 * the scripts of plots/; nothing that a user names is a command, a path or a part of a script. */
#ifndef NLG_DRAW_H
#define NLG_DRAW_H

#include <stddef.h>

#include "harness/report/figure.h"

typedef enum { NLG_DRAW_SVG = 1, NLG_DRAW_NARROW = 2, NLG_DRAW_PNG = 4, NLG_DRAW_PDF = 8, NLG_DRAW_TEX = 16 } nlg_formats;

typedef struct nlg_bytes {
    char *data; /* a zero byte behind it; NULL: not asked for */
    size_t size;
} nlg_bytes;

/* narrow: an SVG for phones. tex: for LaTeX (gnuplot's cairolatex), which includes tex_pdf under the name "figure". */
typedef struct nlg_drawing {
    nlg_bytes svg, narrow, png, pdf, tex, tex_pdf;
} nlg_drawing;

/* formats: nlg_formats, ored. The SVGs have `title` as their name and `alt` as description; colours of text and axes follow the
 * page. id: begins every id in them. Free with nlg_drawing_free, also after a failure. */
nlg_status nlg_figure_draw(const nlg_figure *figure, const nlg_rows *rows, const char *id, const char *title, const char *alt,
                           unsigned formats, nlg_drawing *drawing, nlg_error *err);
/* The SVG of a figure whose rows a command hands over (`-- input:`), as tab-separated text, into the file `out`. */
nlg_status nlg_figure_draw_rows(const char *name, const char *rows, const char *out, nlg_error *err);
void nlg_drawing_free(nlg_drawing *drawing);

#endif
