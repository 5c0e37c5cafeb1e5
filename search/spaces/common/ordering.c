/* The smallest code over all orders: depth first, parts with smaller codes first, no further than what is known allows. */
#include "search/spaces/common/ordering.h"

#include <string.h>

enum { LONGEST = 32 }; /* code of one part */

static int compare(const int16_t *a, const int16_t *b, int count) {
    for (int i = 0; i < count; i++) {
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

typedef struct candidate {
    int part;
    int16_t code[LONGEST];
} candidate;

/* Those that may stand next, by code. */
static int list_candidates(const nlg_ordering *o, candidate *list, int *length) {
    int count = 0;
    for (int part = 0; part < o->parts; part++) {
        if (o->place[part] >= 0 || (o->may_stand && !o->may_stand(o, part))) continue;
        candidate found = {.part = part};
        *length = o->write(o, part, found.code);
        int at = count++;
        for (; at > 0 && compare(list[at - 1].code, found.code, *length) > 0; at--) list[at] = list[at - 1];
        list[at] = found;
    }
    return count;
}

static void place_next(nlg_ordering *o) {
    if (o->standing == o->parts) {
        if (o->best_length && compare(o->code, o->best, o->length) >= 0) return;
        o->best_length = o->length;
        memcpy(o->best, o->code, sizeof o->best);
        return;
    }
    candidate list[NLG_ORDERING_PARTS];
    int added = 0;
    const int count = list_candidates(o, list, &added);
    for (int i = 0; i < count; i++) {
        memcpy(&o->code[o->length], list[i].code, (size_t)added * sizeof o->code[0]);
        if (o->best_length && compare(o->code, o->best, o->length + added) > 0) return; /* so are all that follow */
        o->place[list[i].part] = o->standing++;
        o->length += added;
        place_next(o);
        o->length -= added;
        o->place[list[i].part] = -1;
        o->standing--;
    }
}

void nlg_ordering_find(nlg_ordering *ordering) {
    ordering->standing = ordering->length = ordering->best_length = 0;
    for (int i = 0; i < ordering->parts; i++) ordering->place[i] = -1;
    place_next(ordering);
}
