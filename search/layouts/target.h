/* What layouts are made for: a picture, with the colours and texts that a layout may use. */
#ifndef NLG_LAYOUT_TARGET_H
#define NLG_LAYOUT_TARGET_H

#include "search/layouts/picture.h"

typedef struct nlg_layout_target {
    char name[64];   /* of a built-in one; of a file its last part, '#' and the first 12 digits of the digest */
    char digest[65]; /* of all that a loss depends on: canvas, colours, texts, and the truth or the picture */
    nlg_layout_style style;
    bool has_truth; /* the layout that the picture was drawn from is known */
    nlg_layout truth;
    nlg_image picture; /* of a file; else rgb is NULL */
} nlg_layout_target;

/* The built-in targets: sign-in, profile and shop are layouts themselves, outside is not. */
int nlg_layout_target_count(void);
const char *nlg_layout_target_name_at(int index);

/* name: a built-in one, or a PNG or JPEG file of 64 to 1024 pixels a side, whose most frequent colours become the palette ("FILE#12
 * digits": also compared with its digest). texts: a file with one text a line, at most 32 of at most 63 bytes of UTF-8; "": the
 * built-in list. */
nlg_status nlg_layout_target_open(const char *name, const char *texts, nlg_layout_target *target, nlg_error *err);
void nlg_layout_target_close(nlg_layout_target *target);
/* The picture at 1 / divisor of its size; release it. Built-in ones need Cairo. */
nlg_status nlg_layout_target_picture(const nlg_layout_target *target, int divisor, nlg_image *image, nlg_error *err);

#endif
