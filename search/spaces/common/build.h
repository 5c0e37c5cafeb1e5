/* What the spaces of networks share: from a builder to a graph, and features. */
#ifndef NLG_SPACE_BUILD_H
#define NLG_SPACE_BUILD_H

#include "layers/graph/builder.h"
#include "search/space.h"

/* begin -> write the network -> finish. begin returns NULL when memory is short, which finish reports. */
nlg_builder *nlg_space_build_begin(nlg_graph **graph);
nlg_status nlg_space_build_finish(nlg_builder *b, nlg_graph **graph, nlg_error *err); /* *graph is NULL after an error */

/* nlg_space.features: each position of the canonical code one-hot; zeros behind the end of a short code. */
int nlg_space_one_hot(const nlg_space *self, const nlg_code *code, double *out);

#endif
