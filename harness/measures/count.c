/* Measure "count": parameters and multiply-accumulates, and the latency that a table of operations predicts. */
#include <math.h>

#include "harness/measures/measure.h"
#include "layers/base/json.h"

static const nlg_value_key keys[] = {NLG_KEYS_OF_SUBJECT, NLG_KEYS_OF_INPUT, NLG_KEY_OF_LATENCY, {0}};

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    nlg_graph_cost cost;
    nlg_shape input;
    int classes;
    *work = 0;
    NLG_TRY(nlg_value_input(values, where, &input, &classes, err));
    if (classes) nlg_json_number(spec, "classes", classes);
    if (nlg_value_text(values, "latency") && !nlg_value_text(values, "space"))
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: key \"latency\": a table is of one space; name the network by \"space\" and \"genotype\"", where);
    NLG_TRY(nlg_value_latency(values, where, spec, err));
    return nlg_subject_specify(lab, values, input, classes, where, spec, &cost, err);
}

static nlg_status predict(const cJSON *spec, const nlg_latency_table *table, nlg_record *record, nlg_error *err) {
    char missing[NLG_OPERATION_MAX];
    nlg_space space;
    nlg_code code;
    double ms = (double)NAN;
    nlg_status status = nlg_space_open(nlg_value_text(spec, "space"), &space, err);
    if (status == NLG_OK) status = nlg_latency_check_space(table, &space, err);
    if (status == NLG_OK) status = space.decode(&space, nlg_value_text(spec, "genotype"), &code, err);
    if (status == NLG_OK) status = nlg_latency_predict(table, &space, &code, &ms, missing, err);
    if (status == NLG_OK && isnan(ms))
        status =
            nlg_fail(err, NLG_ERR_INPUT, "%s: lacks the operation %s; measure the table anew", nlg_latency_path(table), missing);
    nlg_space_close(&space);
    if (status == NLG_OK) nlg_record_metric(record, "latency_ms", "ms", ms);
    return status;
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
    nlg_latency_table *table;
    NLG_TRY(nlg_spec_latency(spec, &input, classes, &table, err));
    status = table ? predict(spec, table, record, err) : NLG_OK;
    nlg_latency_close(table);
    return status;
}

const nlg_measure nlg_measure_count = {
    .name = "count",
    .summary = "parameters, multiply-accumulates and predicted latency of a network",
    .keys = keys,
    .specify = specify,
    .run = run,
};
