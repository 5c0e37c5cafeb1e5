/* Boxes and arrows between them, put in layers from top to bottom: an arrow leads to a later layer, long ones keep a lane beside
 * the boxes, boxes of a layer stand where few arrows cross and most are short. */
#ifndef NLG_BOXES_H
#define NLG_BOXES_H

#include "harness/report/scene.h"

enum { NLG_BOX_LINES = 10, NLG_BOX_TEXT = 64 };

typedef enum { NLG_SHORTCUT_NONE, NLG_SHORTCUT_IDENTITY, NLG_SHORTCUT_PROJECTION } nlg_shortcut_mark;

typedef struct nlg_box {
    char title[NLG_BOX_TEXT];               /* "" for a sign in a circle: `line[0]` */
    char line[NLG_BOX_LINES][NLG_BOX_TEXT]; /* below the title */
    char soft[NLG_BOX_LINES][NLG_BOX_TEXT]; /* below the lines: shapes, what is of less weight */
    int n_lines, n_soft;
    nlg_tone tone;
    bool is_sign, dashed, strong;
    nlg_shortcut_mark shortcut; /* an arc past the box */
    int times;                  /* stands for so many; 0: 1 */
    int size;                   /* rows of its map: boxes of one size can be aligned between drawings */
    double bar_w, bar_h;        /* > 0: a bar of this size, its title to the right */
    int column;                 /* of drawings in columns, from 0 on; -1: wherever it fits */
    /* Where it is, once placed: */
    double x, y, w, h; /* the middle, the upper edge */
    int layer;
} nlg_box;

typedef struct nlg_arrow {
    int from, to;
    bool dashed;
} nlg_arrow;

typedef struct nlg_boxes {
    nlg_box *box;
    nlg_arrow *arrow;
    int n_boxes, n_arrows, room_boxes, room_arrows;
    bool in_columns, are_close, are_bars; /* bars stand close and without arrows */
    /* Once placed: */
    double width, height, *layer_top, *layer_height;
    int n_layers;
    struct nlg_box_lanes *lanes;
} nlg_boxes;

void nlg_boxes_free(nlg_boxes *boxes);
/* Returns the new box's index, -1 when memory is short. */
int nlg_boxes_add(nlg_boxes *boxes, const nlg_box *box);
/* An arrow that is there already is not added again. */
nlg_status nlg_boxes_join(nlg_boxes *boxes, int from, int to, nlg_error *err);
void nlg_box_line(nlg_box *box, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nlg_box_soft(nlg_box *box, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Sizes and places; the upper left corner is 0, 0. */
nlg_status nlg_boxes_place(nlg_boxes *boxes, nlg_error *err);
/* Moves layers down so that the first of each size begins at the same height in all drawings. */
void nlg_boxes_align(nlg_boxes *const *drawings, int n);
void nlg_boxes_draw(const nlg_boxes *boxes, nlg_scene *scene, double x, double y);
/* As Graphviz DOT: boxes and arrows of one drawing, which Graphviz places anew. */
void nlg_boxes_dot(const nlg_boxes *boxes, FILE *out, const char *id);

#endif
