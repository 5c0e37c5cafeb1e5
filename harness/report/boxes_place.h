/* Sizes and places of boxes and lanes; for boxes*.c. */
#ifndef NLG_BOXES_PLACE_H
#define NLG_BOXES_PLACE_H

#include "harness/report/boxes.h"

/* In pixels; NLG_BOX_ARC: how far a shortcut's arc stands off. */
enum { NLG_BOX_LINE_H = 15, NLG_BOX_SOFT_H = 14, NLG_BOX_ARC = 16, NLG_BOX_TITLE = NLG_BOX_TEXT + 16 };

void nlg_box_title(const nlg_box *box, char text[NLG_BOX_TITLE]); /* with how many it stands for */
void nlg_box_measure(const nlg_boxes *boxes, nlg_box *box);       /* sets w and h */
double nlg_box_room(const nlg_box *box);                          /* width with what is drawn beside the box */
bool nlg_box_holds_text(const nlg_box *bar, const char *title);   /* within the bar, not beside it */
/* Where the arrows of a box cross a layer that they only pass. */
double nlg_box_lane_x(const nlg_boxes *boxes, int from, int layer);
/* Where an arrow meets the upper edge of its box: side by side, in the order that they come in. */
double nlg_box_port_x(const nlg_boxes *boxes, const nlg_arrow *arrow);

#endif
