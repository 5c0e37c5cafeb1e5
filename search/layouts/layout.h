/* Layouts: a tree of user-interface components on a canvas, as a search space can write it, with a drawing list, pictures and a
 * web page made from it.
 *
 * All positions and sizes are whole units of NLG_LAYOUT_UNIT pixels. Children of the canvas and of a box are placed by their
 * corner; children of a row or a column follow one another with the container's spacing between them and around them, and are
 * aligned across it. Nothing is clipped but by the canvas; later components are drawn above earlier ones. */
#ifndef NLG_LAYOUT_H
#define NLG_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "layers/base/status.h"

enum {
    NLG_LAYOUT_UNIT = 8,         /* pixels */
    NLG_LAYOUT_COMPONENTS = 20,  /* at most */
    NLG_LAYOUT_LEAST = 4,        /* components */
    NLG_LAYOUT_DEPTH = 4,        /* containers within one another, the canvas not counted */
    NLG_LAYOUT_COLOURS = 12,     /* of a palette */
    NLG_LAYOUT_TEXTS = 32,       /* of a list */
    NLG_LAYOUT_TEXT_BYTES = 64,  /* of one text */
    NLG_LAYOUT_RADII = 4,        /* 0, 4, 8, 16 pixels */
    NLG_LAYOUT_SPACINGS = 8,     /* 0, 4, .. 28 pixels */
    NLG_LAYOUT_SIDE_MAX = 1024,  /* pixels of a canvas' side; at least 64 */
    NLG_LAYOUT_TRANSPARENT = -1, /* colour of a container that is not filled */
};

typedef enum {
    NLG_LAYOUT_BOX,
    NLG_LAYOUT_ROW,
    NLG_LAYOUT_COLUMN, /* containers up to here */
    NLG_LAYOUT_TEXT,
    NLG_LAYOUT_BUTTON,
    NLG_LAYOUT_IMAGE, /* a placeholder: a filled rectangle with its diagonals */
    NLG_LAYOUT_INPUT,
    NLG_LAYOUT_KIND_COUNT
} nlg_layout_kind;
const char *nlg_layout_kind_name(nlg_layout_kind kind); /* "box", "row", ... */
static inline bool nlg_layout_is_container(nlg_layout_kind kind) {
    return kind <= NLG_LAYOUT_COLUMN;
}

typedef enum { NLG_LAYOUT_START, NLG_LAYOUT_CENTRE, NLG_LAYOUT_END } nlg_layout_align;

/* What a kind does not have is 0. */
typedef struct nlg_layout_component {
    nlg_layout_kind kind;
    int parent;             /* index of an earlier container, -1: the canvas */
    int x, y;               /* units, in the canvas or a box */
    nlg_layout_align align; /* in a row or a column */
    int w, h;               /* units, at least 1 */
    int colour;             /* of the palette, or NLG_LAYOUT_TRANSPARENT */
    int radius;             /* index: 0 .. NLG_LAYOUT_RADII - 1; texts have none */
    int text;               /* of the list: texts, buttons, inputs */
    int spacing;            /* of rows and columns, in 4 pixels */
} nlg_layout_component;

typedef struct nlg_layout {
    int background; /* colour */
    int count;
    nlg_layout_component component[NLG_LAYOUT_COMPONENTS]; /* in preorder */
} nlg_layout;

/* What a layout's numbers mean. */
typedef struct nlg_layout_style {
    int w, h; /* canvas in pixels */
    int n_colours;
    uint8_t palette[NLG_LAYOUT_COLOURS][3];
    int n_texts;
    char texts[NLG_LAYOUT_TEXTS][NLG_LAYOUT_TEXT_BYTES]; /* UTF-8 */
} nlg_layout_style;
int nlg_layout_units_across(const nlg_layout_style *style); /* values that x and w - 1 may have */
int nlg_layout_units_down(const nlg_layout_style *style);

/* ---- text: layout bg0 { box 2,3 30x20 c1 r2 { text 1,1 20x3 c4 t0 } button 2,50 36x5 c3 r1 t2 } ---- */

/* Returns the length that the whole text has, as snprintf does. */
size_t nlg_layout_write(const nlg_layout *layout, char *text, size_t size);
/* NLG_ERR_INPUT with the place and what was expected there. */
nlg_status nlg_layout_read(const char *text, const nlg_layout_style *style, nlg_layout *layout, nlg_error *err);

/* ---- drawing list ---- */

typedef struct nlg_layout_item {
    nlg_layout_kind kind;
    int x, y, w, h; /* pixels */
    bool filled;
    uint8_t colour[3], ink[3]; /* of the surface (of a text: of its letters); of what stands on it */
    int radius;                /* pixels */
    const char *text;          /* NULL: none; the style's */
    int font;                  /* pixels */
} nlg_layout_item;
/* In drawing order; every component is one item. */
int nlg_layout_items(const nlg_layout *layout, const nlg_layout_style *style, nlg_layout_item items[NLG_LAYOUT_COMPONENTS]);

/* ---- known answers ---- */

/* How much of `truth` is in `found`: the F1 score of components matched greedily by kind and by the overlap of their rectangles
 * (intersection over union at least 0.5), largest overlap first. 0 to 1. */
double nlg_layout_recovery(const nlg_layout *truth, const nlg_layout *found, const nlg_layout_style *style);

/* ---- pages ---- */

/* One HTML file with its style inside, which needs nothing else: rows and columns are flex boxes. title is escaped. */
void nlg_layout_html(FILE *stream, const nlg_layout *layout, const nlg_layout_style *style, const char *title);

#endif
