/* The places of boxes and lanes; for boxes.c. */
#ifndef NLG_BOXES_PLACE_H
#define NLG_BOXES_PLACE_H

#include "harness/report/boxes.h"

typedef struct nlg_box_lanes nlg_box_lanes;

nlg_status nlg_box_lanes_find(nlg_boxes *boxes, nlg_error *err); /* boxes have their sizes */
void nlg_box_lanes_free(nlg_box_lanes *lanes);
double nlg_box_room(const nlg_box *box); /* width with what is drawn beside the box */
/* Where the arrows of a box cross a layer that they only pass. */
double nlg_box_lane_x(const nlg_boxes *boxes, int from, int layer);
/* Where an arrow meets the upper edge of its box: side by side, in the order that they come in. */
double nlg_box_port_x(const nlg_boxes *boxes, const nlg_arrow *arrow);

#endif
