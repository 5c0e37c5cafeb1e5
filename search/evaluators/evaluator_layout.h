/* Evaluator "layout": draws a layout at half its size and scores it by its difference from the space's target.
 *
 * score = plain / (plain + loss), where plain is the loss of a canvas in the most frequent colour of the target's picture: 0.5
 * for a canvas that shows nothing, 1 for the target itself. The same picture has the same score everywhere. */
#ifndef NLG_EVALUATOR_LAYOUT_H
#define NLG_EVALUATOR_LAYOUT_H

#include "search/evaluator.h"
#include "search/spaces/layout.h"

typedef struct nlg_layout_evaluator nlg_layout_evaluator;
/* space: of the kind `layout`, borrowed. NLG_ERR_INPUT for another one and without Cairo. */
nlg_status nlg_layout_evaluator_create(const nlg_space *space, nlg_layout_evaluator **evaluator, nlg_error *err);
void nlg_layout_evaluator_destroy(nlg_layout_evaluator *evaluator);

const nlg_evaluator *nlg_layout_evaluator_interface(const nlg_layout_evaluator *evaluator); /* for nlg_search_options */
const char *nlg_layout_evaluator_config(const nlg_layout_evaluator *evaluator); /* canonical JSON; names the target's digest */
double nlg_layout_evaluator_loss(const nlg_layout_evaluator *evaluator, double score); /* that a score above 0 stands for */

#endif
