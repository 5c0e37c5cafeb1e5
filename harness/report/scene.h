/* A picture of boxes, lines and texts before it has a format. Units are pixels, y grows downwards. */
#ifndef NLG_SCENE_H
#define NLG_SCENE_H

#include <stdio.h>

#include "datasets/image.h"
#include "harness/report/draw.h"

/* What a box stands for; a format gives it colours. */
typedef enum { NLG_TONE_INPUT, NLG_TONE_LAYER, NLG_TONE_POOL, NLG_TONE_JOIN, NLG_TONE_BLOCK, NLG_TONES } nlg_tone;

typedef struct nlg_scene_box {
    double x, y, w, h; /* x, y: the upper left corner */
    nlg_tone tone;
    bool round, dashed, strong; /* round: a circle; strong: a thick border */
} nlg_scene_box;

/* Cubic curves: a point, then three more for every piece, as in SVG's C. */
typedef struct nlg_scene_line {
    int first, n; /* in the scene's points */
    bool dashed, arrow;
} nlg_scene_line;
typedef struct nlg_scene_point {
    double x, y;
} nlg_scene_point;

typedef enum { NLG_FACE_HEAD, NLG_FACE_BOLD, NLG_FACE_PLAIN, NLG_FACE_SOFT, NLG_FACE_SMALL, NLG_FACES } nlg_face;
typedef struct nlg_scene_text {
    double x, y; /* of the baseline */
    int anchor;  /* -1, 0, 1: x is the left end, the middle, the right end */
    nlg_face face;
    char text[96];
} nlg_scene_text;

/* An image of w x h, at as many places as wanted; below everything else. */
typedef struct nlg_scene_picture {
    nlg_image image;
    double w, h;
    bool coarse; /* of few pixels, which stay squares */
} nlg_scene_picture;
typedef struct nlg_scene_place {
    int picture;
    double x, y; /* the upper left corner */
} nlg_scene_place;

/* A frame of a colour of its own: around nothing, or, above those, around a ground of the page's colour for a text. */
typedef struct nlg_scene_frame {
    double x, y, w, h;
    uint8_t rgb[3];
    bool is_ground;
} nlg_scene_frame;

typedef struct nlg_scene {
    double width, height;
    nlg_scene_box *boxes;
    nlg_scene_line *lines;
    nlg_scene_text *texts;
    nlg_scene_point *points;
    nlg_scene_picture *pictures;
    nlg_scene_place *places;
    nlg_scene_frame *frames;
    int n_boxes, n_lines, n_texts, n_points, room_boxes, room_lines, room_texts, room_points;
    int n_pictures, n_places, n_frames, room_pictures, room_places, room_frames;
    bool short_of_memory; /* something was not added; the writers fail */
} nlg_scene;

void nlg_scene_free(nlg_scene *scene);
void nlg_scene_add_box(nlg_scene *scene, nlg_scene_box box);
/* A line: where it begins, its pieces, its end. */
void nlg_scene_line_from(nlg_scene *scene, double x, double y);
void nlg_scene_straight_to(nlg_scene *scene, double x, double y);
void nlg_scene_curve_to(nlg_scene *scene, double x, double y); /* leaves and arrives upright */
void nlg_scene_turn_to(nlg_scene *scene, double x, double y, double corner_x, double corner_y);
void nlg_scene_line_ends(nlg_scene *scene, bool dashed, bool arrow);
void nlg_scene_add_text(nlg_scene *scene, double x, double y, int anchor, nlg_face face, const char *text);
/* The number of a picture for its places. The scene takes the image over, also when memory is short; w, h: as the places show it.
 */
int nlg_scene_add_picture(nlg_scene *scene, nlg_image *image, double w, double h, bool coarse);
void nlg_scene_put_picture(nlg_scene *scene, int picture, double x, double y);
void nlg_scene_add_frame(nlg_scene *scene, nlg_scene_frame frame);
double nlg_face_size(nlg_face face);                    /* pixels */
const char *nlg_tone_fill(nlg_tone tone);               /* "#fdeee2", on a light page */
double nlg_face_width(nlg_face face, const char *text); /* at most */

/* id: of title and description, unique in a page. Colours follow the page, light or dark. */
nlg_status nlg_scene_svg(const nlg_scene *scene, const char *id, const char *title, const char *alt, nlg_bytes *svg,
                         nlg_error *err);
/* By gnuplot; either may be NULL. Free with nlg_free, also after a failure. */
nlg_status nlg_scene_print(const nlg_scene *scene, nlg_bytes *png, nlg_bytes *pdf, nlg_error *err);

#endif
