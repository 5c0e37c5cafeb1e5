/* Readers of the commands and of the reference program. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/command.h"
#include "harness/plans/experiment.h"
#include "harness/query/query.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "tests/fuzz/fuzz.h"
#include "tests/oracle/reference.h"

void fuzz_experiment(const uint8_t *data, size_t size) {
    nlg_error err = {0};
    nlg_experiment experiment;
    const nlg_status status = nlg_experiment_load(fuzz_file("e.json", data, size), "smoke", &experiment, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) nlg_experiment_close(&experiment);
}

extern const nlg_command nlg_command_predict, nlg_command_export;

static nlg_status call(const nlg_command *command, char **words, nlg_error *err) {
    int count = 0;
    while (words[count]) count++;
    return nlg_command_invoke(command, count, words, err);
}

/* Class names of `predict`, which reads them before it looks for the picture. */
void fuzz_labels(const uint8_t *data, size_t size) {
    static char weights[256];
    nlg_error err = {0};
    if (!weights[0]) {
        snprintf(weights, sizeof weights, "%s", fuzz_path("weights.safetensors"));
        char *make[] = {(char[]){"export"}, (char[]){"resnet20_cifar"}, weights, NULL};
        fuzz_demand(call(&nlg_command_export, make, &err) == NLG_OK, "no weights", &err);
    }
    char labels[256], weights_option[300], labels_option[300];
    snprintf(labels, sizeof labels, "%s", fuzz_file("labels.txt", data, size));
    snprintf(weights_option, sizeof weights_option, "--weights=%s", weights);
    snprintf(labels_option, sizeof labels_option, "--labels=%s", labels);
    char *words[] = {(char[]){"predict"}, (char[]){"resnet20_cifar"}, weights_option,
                     labels_option,       (char[]){"/nowhere.png"},   NULL};
    const nlg_status status = call(&nlg_command_predict, words, &err);
    fuzz_demand(status != NLG_OK, "a picture that does not exist was classified", NULL);
    fuzz_check(status, &err);
}

/* A network of more weights or work than an input of the fuzzer is worth, or than its memory holds. */
static bool is_large(const cJSON *in) {
    nlg_graph *graph = NULL;
    nlg_graph_cost cost = {0};
    if (nlg_reference_graph(in, cJSON_HasObjectItem(in, "id") ? "id" : "model", &graph, NULL) != NLG_OK) return false;
    const bool is_known = nlg_graph_count(graph, &cost, NULL) == NLG_OK;
    nlg_graph_destroy(graph);
    return is_known && (cost.params > 30 * 1000 * 1000 || cost.macs > INT64_C(5) * 1000 * 1000 * 1000);
}

/* The first byte chooses the kind of request. */
void fuzz_reference(const uint8_t *data, size_t size) {
    static nlg_reference_kind *const kinds[] = {nlg_reference_op, nlg_reference_optimizer, nlg_reference_model, nlg_reference_train,
                                                nlg_reference_coco};
    if (size < 1) return;
    nlg_error err = {0};
    cJSON *in = cJSON_ParseWithLength((const char *)data + 1, size - 1), *out = cJSON_CreateObject();
    if (cJSON_IsObject(in) && !is_large(in)) fuzz_check(kinds[data[0] % 5](fuzz_exec(), in, out, &err), &err);
    char *text = NULL;
    nlg_error short_of_memory = {0};
    (void)nlg_json_finish(out, false, &text, &short_of_memory);
    nlg_free(text);
    cJSON_Delete(in);
}

/* Rows of figures that a user brings, and published tables. */
void fuzz_rows(const uint8_t *data, size_t size) {
    nlg_error err = {0};
    nlg_query *query;
    if (nlg_query_open(NULL, NULL, &query, &err) != NLG_OK) return;
    char *text = fuzz_text(data, size);
    nlg_error refused = {0};
    fuzz_check(nlg_query_load_rows(query, "rows", size % 2 ? "label x# ?y#" : NULL, text, "rows.tsv", &refused), &refused);
    free(text);
    nlg_query_close(query);
}
