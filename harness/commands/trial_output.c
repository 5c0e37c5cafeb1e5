/* Trials as JSON objects and table rows. */
#include "harness/commands/trial_output.h"

#include <math.h>

/* What is not done has no score. */
static double score_of(const nlg_trial *trial) {
    return trial && trial->status == NLG_TRIAL_DONE ? trial->score : (double)NAN;
}

const nlg_trial *nlg_trial_better(const nlg_trial *first, const nlg_trial *second) {
    if (nlg_trial_is_better(second, first)) return second;
    return first && first->status == NLG_TRIAL_DONE ? first : NULL;
}

void nlg_trial_json(cJSON *object, const nlg_trial *trial, const char *genotype, const nlg_trial *best_so_far) {
    nlg_json_number(object, "number", trial->number);
    nlg_json_text(object, "hash", trial->hash);
    cJSON_AddBoolToObject(object, "is_repeat", trial->is_repeat);
    nlg_json_text(object, "status", nlg_trial_status_name(trial->status));
    nlg_json_number(object, "score", score_of(trial));
    if (best_so_far) nlg_json_number(object, "best_score", score_of(best_so_far));
    nlg_json_number(object, "params", nlg_measured((double)trial->params));
    nlg_json_number(object, "macs", nlg_measured((double)trial->macs));
    nlg_json_number(object, "latency_ms", nlg_measured(trial->latency_ms));
    nlg_json_number(object, "cost", nlg_measured(trial->cost));
    nlg_json_number(object, "reward", trial->status == NLG_TRIAL_DONE ? trial->reward : (double)NAN);
    nlg_json_number(object, "budget", trial->budget);
    nlg_json_number(object, "epochs", trial->budget_epochs);
    nlg_json_number(object, "seed", (double)trial->seed);
    nlg_json_text(object, "digest", trial->digest);
    nlg_json_text(object, "message", trial->message);
    nlg_json_text(object, "genotype", genotype);
    nlg_json_number(object, "overhead_seconds", trial->overhead_seconds);
    nlg_json_number(object, "evaluation_seconds", trial->evaluation_seconds);
    nlg_json_number(object, "simulated_cost", nlg_trial_simulated_cost(trial));
}

const char *const nlg_trial_headers[] = {"trial",  "proxy score", "params", "MACs",    "status",
                                         "repeat", "seconds",     "hash",   "genotype"};
const char nlg_trial_align[] = "rrrrllrll";

static void add_count(nlg_text_table *table, int64_t count) {
    if (count > 0)
        nlg_text_table_integer(table, count);
    else
        nlg_text_table_cell(table, "-");
}

void nlg_trial_cells(nlg_text_table *table, const nlg_trial *trial, const char *genotype) {
    nlg_text_table_integer(table, trial->number);
    if (trial->status == NLG_TRIAL_DONE) {
        nlg_text_table_cell(table, "%.4f", trial->score);
    } else {
        nlg_text_table_cell(table, "-");
    }
    add_count(table, trial->params);
    add_count(table, trial->macs);
    nlg_text_table_cell(table, "%s", nlg_trial_status_name(trial->status));
    nlg_text_table_cell(table, "%s", trial->is_repeat ? "yes" : "");
    nlg_text_table_cell(table, "%.2f", trial->evaluation_seconds);
    nlg_text_table_cell(table, "%.12s", trial->hash);
    nlg_text_table_cell(table, "%s", genotype);
}
