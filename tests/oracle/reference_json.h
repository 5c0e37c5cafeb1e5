/* JSON helpers of the reference program. */
#ifndef NLG_REFERENCE_JSON_H
#define NLG_REFERENCE_JSON_H

#include <cjson/cJSON.h>

#include "layers/graph/graph.h"

/* Numbers with nine significant digits, as the oracle prints them; null where not finite. */
void nlg_json_put_number(cJSON *object, const char *key, double value);
void nlg_json_add_number(cJSON *array, double value);
/* Every key of `in` must be one of `keys` (ended by NULL). */
nlg_status nlg_json_check_keys(const cJSON *in, const char *const *keys, const char *what, nlg_error *err);
/* Euclidean norm over all trainable parameters of a block. */
double nlg_gradient_norm(const nlg_weights *block);

#endif
