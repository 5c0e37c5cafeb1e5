/* Where everything of a figure stands, in pixels, before gnuplot draws: ranges, ticks, legend and labels, so that no two texts
 * overlap and none is clipped. */
#ifndef NLG_LAYOUT_H
#define NLG_LAYOUT_H

#include "harness/report/figure.h"

typedef enum { NLG_TEXT_LEFT, NLG_TEXT_CENTRE, NLG_TEXT_RIGHT } nlg_anchor;

/* y: of the text's middle, from the top. */
typedef struct nlg_placed_text {
    double x, y;
    nlg_anchor anchor;
    bool is_small;
    char *text;
} nlg_placed_text;

typedef struct nlg_tick {
    double value;
    char text[24];
} nlg_tick;

/* A symbol of the legend or a row's point. shape: gnuplot's number, 0: none. */
typedef struct nlg_placed_point {
    double x, y; /* legend: pixels from the top left; rows: values on the axes */
    int series, shape, colour;
    int dash;                /* gnuplot's number, from 1 on, of the series' lines */
    bool in_line, ends_line; /* joined with the next one; a break behind it */
    bool is_single;          /* one of those that a larger point sums up */
} nlg_placed_point;

typedef struct nlg_segment {
    double x0, y0, x1, y1;
} nlg_segment;

enum { NLG_TICKS = 24, NLG_SERIES = 64, NLG_DASHES = 5 };

typedef struct nlg_layout {
    int width, height;
    double left, right, top, bottom; /* of the plot's box, from the left and the top */
    double x0, x1, y0, y1;           /* ranges; y0 is at the bottom */
    bool x_log, y_log;
    nlg_tick x_tick[NLG_TICKS], y_tick[NLG_TICKS];
    int x_ticks, y_ticks, n_series;
    nlg_placed_text *texts;
    nlg_placed_point *points, *legend;                   /* points: [rows] */
    nlg_segment *leaders;                                /* from a label to its point; legend lines have series >= 0 in `legend` */
    int n_texts, n_points, n_legend, n_leaders, dropped; /* dropped: labels without room */
    double *pixel;                                       /* [rows][2]: x, y of each row's point */
} nlg_layout;

/* A drawing of width x height pixels. is_narrow: smaller texts. Free with nlg_layout_free. */
nlg_status nlg_layout_make(const nlg_figure *figure, const nlg_rows *rows, int width, int height, bool is_narrow,
                           nlg_layout **layout, nlg_error *err);
void nlg_layout_free(nlg_layout *layout);
/* The height that a drawing of this width needs: categories have rows of their own, higher where a name takes two lines; else
 * `least`. */
int nlg_layout_height(const nlg_figure *figure, const nlg_rows *rows, int width, int least, bool is_narrow);

/* Pixels of a text at this size of font, at least: DejaVu Sans, the widest of the fonts that viewers use. */
double nlg_text_width(const char *text, double size);

#endif
