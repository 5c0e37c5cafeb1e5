/* Canonical codes of graphs: the smallest code over all orders in which their parts (blocks, layers, cells) may stand. */
#ifndef NLG_ORDERING_H
#define NLG_ORDERING_H

#include "search/space.h"

enum { NLG_ORDERING_PARTS = 16 };

/* The members before `place` are given. may_stand and write see the parts that stand already by their places. */
typedef struct nlg_ordering nlg_ordering;
struct nlg_ordering {
    const void *graph;
    int parts;
    bool (*may_stand)(const nlg_ordering *ordering, int part); /* optional: all may */
    /* The code of a part at the next place, `standing`; returns its length, the same for all parts that may stand there. */
    int (*write)(const nlg_ordering *ordering, int part, int16_t *code);
    int place[NLG_ORDERING_PARTS]; /* -1: does not stand yet */
    int standing;
    int length, best_length;
    int16_t code[NLG_CODE_MAX], best[NLG_CODE_MAX];
};

/* Fills best and best_length; 0 if no order is possible, which does not happen for a graph that came from a code. */
void nlg_ordering_find(nlg_ordering *ordering);

#endif
