/* lineage ops: the operations that networks are made of. */
#include "harness/command.h"
#include "harness/output.h"
#include "layers/ops/op.h"

static void inputs_text(const nlg_op *op, char text[32]) {
    if (op->min_inputs == op->max_inputs)
        snprintf(text, 32, "%d", op->min_inputs);
    else
        snprintf(text, 32, "%d to %d", op->min_inputs, op->max_inputs);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    static const char *const headers[] = {"operation", "inputs", "weights", "what it is"};
    cJSON *list = call->settings.json ? cJSON_CreateArray() : NULL;
    nlg_text_table *table = call->settings.json ? NULL : nlg_text_table_create("lrll", headers);
    for (int i = 0; i < nlg_op_count(); i++) {
        const nlg_op *op = nlg_op_at(i);
        char inputs[32];
        inputs_text(op, inputs);
        if (list) {
            cJSON *row = nlg_json_object_in(list);
            nlg_json_text(row, "name", op->name);
            nlg_json_text(row, "summary", op->summary);
            nlg_json_number(row, "min_inputs", op->min_inputs);
            nlg_json_number(row, "max_inputs", op->max_inputs);
            cJSON_AddBoolToObject(row, "weights", op->params != NULL);
        } else {
            nlg_text_table_cell(table, "%s", op->name);
            nlg_text_table_cell(table, "%s", inputs);
            nlg_text_table_cell(table, "%s", op->params ? "yes" : "-");
            nlg_text_table_cell(table, "%s", op->summary ? op->summary : "");
        }
    }
    return list ? nlg_json_print(list, err) : nlg_text_table_print(table, stdout, err);
}

const nlg_command nlg_command_ops = {
    .name = "ops",
    .summary = "List the operations that networks are made of",
    .arguments = "",
    .help = "How to add one: CONTRIBUTING.md.\n\nExample:\n  lineage ops",
    .shared = NLG_TAKES_JSON,
    .run = run,
};
