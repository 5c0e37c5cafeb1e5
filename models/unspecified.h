/* Published networks that no source here specifies far enough to build. They are listed, with what was printed about them, and
 * never guessed. */
#ifndef NLG_UNSPECIFIED_H
#define NLG_UNSPECIFIED_H

#include "models/model.h"

typedef struct nlg_unspecified_model {
    const char *name, *alias;
    const nlg_family *family;
    nlg_shape input;
    int64_t published_params, published_macs; /* 0: not published */
    const char *published_source;
    const char *missing; /* what no source states, as a clause */
} nlg_unspecified_model;

int nlg_unspecified_count(void);
const nlg_unspecified_model *nlg_unspecified_at(int index);
const nlg_unspecified_model *nlg_unspecified_find(const char *name); /* by name or alias; NULL if it is none of them */

#endif
