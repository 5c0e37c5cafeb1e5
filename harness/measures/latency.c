/* Measure "latency": the time of one forward pass on this machine. Its spec names machine and commit, so another of these measures
 * anew. */
#include "harness/build_info.h"
#include "harness/measures/bench.h"
#include "harness/measures/measure.h"
#include "harness/options.h"
#include "layers/base/json.h"

static const nlg_value_key keys[] = {
    NLG_KEYS_OF_SUBJECT,
    NLG_KEYS_OF_INPUT,
    {"batch", NLG_VALUE_WHOLE, 1, 65536, "1", "images at a time"},
    {"seconds", NLG_VALUE_NUMBER, 0, 3600, "1", "for which it is timed, about"},
    {"threads", NLG_VALUE_WHOLE, 1, 1024, NULL, "threads; without it those of the command"},
    {0},
};

static int threads_of(const nlg_lab *lab, const cJSON *values) {
    const int threads = nlg_value_int(values, "threads");
    return threads ? threads : lab->settings->threads;
}

static nlg_status specify(nlg_lab *lab, const cJSON *values, const char *where, cJSON *spec, double *work, nlg_error *err) {
    const double warming_up = 0.6;
    nlg_graph_cost cost;
    nlg_shape input;
    int classes;
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    NLG_TRY(nlg_value_input(values, where, &input, &classes, err));
    NLG_TRY(nlg_subject_specify(lab, values, input, classes, where, spec, &cost, err));
    if (classes) nlg_json_number(spec, "classes", classes);
    *work = nlg_value_number(values, "seconds", 1) + warming_up;
    nlg_json_number(spec, "batch", nlg_value_number(values, "batch", 1));
    nlg_json_number(spec, "seconds", nlg_value_number(values, "seconds", 1));
    nlg_json_text(spec, "backend", nlg_backend_name(lab->settings->backend));
    cJSON_AddBoolToObject(spec, "direct_only", lab->settings->direct_only);
    cJSON *machine = cJSON_AddObjectToObject(spec, "machine");
    nlg_json_text(machine, "cpu", cpu.model);
    nlg_json_number(machine, "threads", threads_of(lab, values));
    nlg_json_text(machine, "isa", nlg_isa_name(lab->settings->isa));
    nlg_json_text(machine, "commit", nlg_build_commit());
    return NLG_OK;
}

static nlg_status measure(nlg_lab *lab, const nlg_network *network, const cJSON *spec, nlg_record *record, nlg_error *err) {
    nlg_bench *bench = NULL;
    nlg_bench_result b;
    const nlg_bench_options how = {.batch = nlg_value_int(spec, "batch"),
                                   .mode = NLG_INFER,
                                   .seconds = nlg_value_number(spec, "seconds", 1),
                                   .memory_limit = lab->settings->memory_limit};
    nlg_status status = nlg_bench_create(network, &lab->exec, &how, &bench, err);
    if (status == NLG_OK) status = nlg_bench_run(bench, &b, err);
    nlg_bench_destroy(bench);
    NLG_TRY(status);
    nlg_record_metric(record, "median_ms", "ms", b.ms_median);
    nlg_record_metric(record, "p10_ms", "ms", b.ms_p10);
    nlg_record_metric(record, "p90_ms", "ms", b.ms_p90);
    nlg_record_metric(record, "repetitions", "", b.reps);
    nlg_record_metric(record, "noisy", "", b.noisy);
    return NLG_OK;
}

static nlg_status run(nlg_lab *lab, const cJSON *spec, nlg_record *record, cJSON *detail, nlg_error *err) {
    const cJSON *machine = cJSON_GetObjectItemCaseSensitive(spec, "machine");
    nlg_network s;
    nlg_shape input;
    int classes;
    (void)detail;
    NLG_TRY(nlg_value_input(spec, "latency", &input, &classes, err));
    if (!nlg_lab_watch(lab, 0, "timing")) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    nlg_lab_stop(lab);
    NLG_TRY(nlg_lab_start(lab, nlg_value_int(machine, "threads"), err));
    nlg_status status = nlg_subject_open(spec, input, classes, "latency", &s, err);
    if (status == NLG_OK) {
        status = measure(lab, &s, spec, record, err);
        nlg_record_metric(record, "params", "", (double)s.cost.params);
        nlg_record_metric(record, "macs", "MACs", (double)s.cost.macs);
    }
    nlg_network_close(&s);
    return status;
}

const nlg_measure nlg_measure_latency = {
    .name = "latency",
    .summary = "median time of one forward pass on this machine",
    .keys = keys,
    .headline = "median_ms",
    .is_timed = true,
    .specify = specify,
    .run = run,
};
