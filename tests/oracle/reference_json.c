#include "tests/oracle/reference_json.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static cJSON *number(double value) {
    char text[40];
    if (!isfinite(value)) return cJSON_CreateNull();
    snprintf(text, sizeof text, "%.9g", value);
    return cJSON_CreateRaw(text);
}

void nlg_json_put_number(cJSON *object, const char *key, double value) {
    cJSON_AddItemToObject(object, key, number(value));
}
void nlg_json_add_number(cJSON *array, double value) {
    cJSON_AddItemToArray(array, number(value));
}

nlg_status nlg_json_check_keys(const cJSON *in, const char *const *keys, const char *what, nlg_error *err) {
    const cJSON *item;
    cJSON_ArrayForEach(item, in) {
        bool known = false;
        for (int i = 0; keys[i] != NULL; i++) known = known || strcmp(item->string, keys[i]) == 0;
        if (known) continue;
        char list[256] = "";
        for (int i = 0; keys[i] != NULL; i++) {
            const size_t used = strlen(list);
            snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", keys[i]);
        }
        return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key \"%s\"; expected %s", what, item->string, list);
    }
    return NLG_OK;
}

double nlg_gradient_norm(const nlg_weights *block) {
    double total = 0;
    for (int i = 0; i < block->graph->n_params; i++) {
        const nlg_param *p = &block->graph->params[i];
        const float *v = nlg_weights_at(block, i);
        for (size_t j = 0; j < p->count && p->trainable; j++) total += (double)v[j] * (double)v[j];
    }
    return sqrt(total);
}
