/* Running a spec again and comparing. */
#include "harness/plans/again.h"

#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"

nlg_status nlg_record_again(nlg_lab *lab, const nlg_record *stored, nlg_record *again, nlg_error *err) {
    cJSON *detail = NULL;
    if (stored->detail) NLG_TRY(nlg_json_read(stored->detail, strlen(stored->detail), "a detail", &detail, err));
    lab->source = nlg_value_text(detail, "source");
    nlg_status status = nlg_measure_run(lab, stored->spec, again, err);
    lab->source = NULL;
    cJSON_Delete(detail);
    return status == NLG_OK || status == NLG_ERR_INTERRUPTED ? status : nlg_fail_at(err, "record %.12s", stored->key);
}

/* The detail as canonical text without the folder of the data; free with nlg_free. */
static nlg_status history_of(const nlg_record *record, char **text, nlg_error *err) {
    cJSON *object = NULL;
    const char *detail = record->detail ? record->detail : "{}";
    *text = NULL;
    NLG_TRY(nlg_json_read(detail, strlen(detail), "a detail", &object, err));
    cJSON_DeleteItemFromObjectCaseSensitive(object, "source");
    nlg_status status = nlg_json_canonical(object, text, err);
    cJSON_Delete(object);
    return status;
}

static bool metrics_differ(const nlg_record *stored, const nlg_record *again, char difference[NLG_DIFFERENCE]) {
    for (int i = 0; i < stored->n_metrics; i++) {
        const double was = stored->metrics[i].value, is = nlg_record_value(again, stored->metrics[i].name);
        if (was == is) continue;
        snprintf(difference, NLG_DIFFERENCE, "%s: stored %.17g, now %.17g", stored->metrics[i].name, was, is);
        return true;
    }
    if (stored->n_metrics == again->n_metrics) return false;
    snprintf(difference, NLG_DIFFERENCE, "stored %d metrics, now %d", stored->n_metrics, again->n_metrics);
    return true;
}

nlg_status nlg_record_compare(const nlg_record *stored, const nlg_record *again, char difference[NLG_DIFFERENCE], nlg_error *err) {
    char *was, *is = NULL;
    *difference = '\0';
    if (strcmp(stored->status, again->status) != 0) {
        snprintf(difference, NLG_DIFFERENCE, "status: stored %s, now %s", stored->status, again->status);
        return NLG_OK;
    }
    if (strcmp(stored->digest, again->digest) != 0) {
        snprintf(difference, NLG_DIFFERENCE, "digest: stored %.16s, now %.16s", stored->digest, again->digest);
        return NLG_OK;
    }
    if (metrics_differ(stored, again, difference)) return NLG_OK;
    nlg_status status = history_of(stored, &was, err);
    if (status == NLG_OK) status = history_of(again, &is, err);
    if (status == NLG_OK && strcmp(was, is) != 0) snprintf(difference, NLG_DIFFERENCE, "detail: the history is another");
    nlg_free(was);
    nlg_free(is);
    return status;
}
