/* build/reference KIND: one case as JSON on standard input, the result as JSON on standard output, in the schema of
 * tests/reference. Kinds: op, optimizer (reference_op.c), model (reference_model.c), train (reference_train.c), coco
 * (reference_coco.c). */
#ifndef NLG_REFERENCE_H
#define NLG_REFERENCE_H

#include <cjson/cJSON.h>

#include "layers/base/status.h"
#include "layers/graph/graph.h"
#include "layers/kernels/exec.h"

/* Each reads the case `in` and adds its results to the object `out`. Unknown keys and impossible cases are NLG_ERR_INPUT. */
typedef nlg_status nlg_reference_kind(const nlg_exec *exec, const cJSON *in, cJSON *out, nlg_error *err);
nlg_reference_kind nlg_reference_op, nlg_reference_optimizer, nlg_reference_model, nlg_reference_train, nlg_reference_coco;
/* The network that a case names under `key`, for images of its "input" or of the network's usual size. Owned by the caller. */
nlg_status nlg_reference_graph(const cJSON *in, const char *key, nlg_graph **graph, nlg_error *err);

#endif
