/* What evaluators and commands need to know of the space `layout`. */
#ifndef NLG_SPACE_LAYOUT_H
#define NLG_SPACE_LAYOUT_H

#include "search/layouts/target.h"
#include "search/space.h"

const nlg_layout_target *nlg_layout_space_target(const nlg_space *space); /* NULL: another space */
void nlg_layout_space_layout(const nlg_space *space, const nlg_code *code, nlg_layout *layout);

#endif
