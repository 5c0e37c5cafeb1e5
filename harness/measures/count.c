/* Measure "count": parameters and multiply-accumulates. */
#include "harness/measures/measure.h"
#include "layers/base/json.h"

static const nlg_value_key keys[] = {NLG_KEYS_OF_SUBJECT, NLG_KEYS_OF_INPUT, {0}};

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    nlg_graph_cost cost;
    nlg_shape input;
    int classes;
    *work = 0;
    NLG_TRY(nlg_value_input(values, where, &input, &classes, err));
    if (classes) nlg_json_number(spec, "classes", classes);
    return nlg_subject_specify(lab, values, input, classes, where, spec, &cost, err);
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    nlg_graph_cost cost;
    nlg_shape input;
    int classes;
    (void)detail;
    NLG_TRY(nlg_value_input(spec, "count", &input, &classes, err));
    cJSON *again = cJSON_CreateObject();
    nlg_status status = nlg_subject_specify(lab, spec, input, classes, "count", again, &cost, err);
    cJSON_Delete(again);
    NLG_TRY(status);
    nlg_record_metric(record, "params", "", (double)cost.params);
    nlg_record_metric(record, "params_without_aux", "", (double)cost.params_without_aux);
    nlg_record_metric(record, "macs", "MACs", (double)cost.macs);
    nlg_record_metric(record, "other_ops", "", (double)cost.other_ops);
    nlg_record_metric(record, "layers", "", cost.layers);
    return NLG_OK;
}

const nlg_measure nlg_measure_count = {
    .name = "count",
    .summary = "parameters and multiply-accumulates of a network at its own input",
    .keys = keys,
    .specify = specify,
    .run = run,
};
