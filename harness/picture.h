/* Boxes and short texts on images: contact sheets of data sets, detections. */
#ifndef NLG_PICTURE_H
#define NLG_PICTURE_H

#include "datasets/image.h"

typedef struct nlg_colour {
    uint8_t rgb[3];
} nlg_colour;

/* The colour of a class; those of a few dozen classes can be told apart. */
nlg_colour nlg_class_colour(int label);

/* A black image; release it with nlg_image_release. */
nlg_status nlg_picture_create(int h, int w, nlg_image *image, nlg_error *err);
void nlg_picture_fill(nlg_image *image, int x, int y, int w, int h, nlg_colour colour);
/* The frame lies outside of the box, `thickness` pixels. What is beyond the image is cut. */
void nlg_picture_frame(nlg_image *image, double x, double y, double w, double h, int thickness, nlg_colour colour);
/* A 5 x 7 letter is 5 * scale pixels wide; letters stand 6 * scale apart on a ground of their own, 9 * scale high. Lower case is
 * written as upper case, what the font lacks as a space. */
void nlg_picture_text(nlg_image *image, int x, int y, const char *text, int scale, nlg_colour ink, nlg_colour ground);
int nlg_picture_text_width(const char *text, int scale);
/* Black or white: the one that is easier to read on that ground. */
nlg_colour nlg_ink_on(nlg_colour ground);

/* Copy `from` to (x, y), each pixel `factor` times as large. */
void nlg_picture_paste(nlg_image *image, int x, int y, const nlg_image *from, int factor);

#endif
