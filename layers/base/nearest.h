/* The nearest of several names to the one that the user typed, for "did you mean". */
#ifndef NLG_NEAREST_H
#define NLG_NEAREST_H

/* Start with {.wanted = text}; try every candidate; the first of the nearest wins. Candidates are borrowed. */
typedef struct nlg_nearest {
    const char *wanted;
    const char *best;
    int distance;
} nlg_nearest;

void nlg_nearest_try(nlg_nearest *nearest, const char *candidate);
/* The best candidate, or NULL if none is near enough to be a slip (more than a third of the letters differ). */
const char *nlg_nearest_name(const nlg_nearest *nearest);

#endif
