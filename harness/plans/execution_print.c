/* What an execution would do, and what it is worth. */
#include <stdio.h>

#include "harness/output.h"
#include "harness/plans/execution.h"

static double seconds_of_more(const nlg_execution *e) {
    double seconds = 0;
    for (int i = 0; i < e->n_more; i++) seconds += e->more[i].seconds;
    return seconds;
}

static void add_text_row(nlg_text_table *table, const nlg_plan_row *row) {
    char text[24];
    nlg_text_table_cell(table, "%s", row->experiment);
    nlg_text_table_cell(table, "%s", row->stage);
    nlg_text_table_cell(table, "%s", row->measure);
    nlg_text_table_integer(table, row->trials);
    nlg_text_table_integer(table, row->stored);
    nlg_text_table_cell(table, "%s", row->stored < row->trials ? nlg_duration_text(row->seconds, text) : "-");
}

static void add_json_row(cJSON *stages, const nlg_plan_row *plan, bool final) {
    cJSON *row = nlg_json_object_in(stages);
    nlg_json_text(row, "experiment", plan->experiment);
    nlg_json_text(row, "stage", plan->stage);
    nlg_json_text(row, "measure", plan->measure);
    cJSON_AddBoolToObject(row, "final", final);
    nlg_json_number(row, "trials", plan->trials);
    nlg_json_number(row, "stored", plan->stored);
    nlg_json_number(row, "seconds_left", plan->seconds);
}

static nlg_plan_row row_of(const nlg_execution_state *r, int x, int stage) {
    const nlg_experiment *e = &r->e->experiments[x];
    const nlg_stage_plan *plan = &r->plans[x][stage];
    int left;
    const double seconds = nlg_execution_estimate(r, e, stage, plan, &left);
    return (nlg_plan_row){.experiment = e->id,
                          .stage = e->stages[stage].name,
                          .measure = e->stages[stage].measure->name,
                          .trials = plan->count,
                          .stored = plan->count - left,
                          .seconds = seconds};
}

static nlg_status print_text(const nlg_execution_state *r, nlg_error *err) {
    static const char *const headers[] = {"experiment", "stage", "measure", "trials", "stored", "time left"};
    nlg_text_table *table = nlg_text_table_create("lllrrr", headers);
    char text[24], name[128];
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            nlg_plan_row row = row_of(r, x, e->order[i]);
            snprintf(name, sizeof name, "%.110s (final)", row.stage);
            if (e->stages[e->order[i]].final) row.stage = name;
            add_text_row(table, &row);
        }
    }
    for (int i = 0; i < r->e->n_more; i++) add_text_row(table, &r->e->more[i]);
    NLG_TRY(nlg_text_table_print(table, stdout, err));
    printf("\nProfile %s: %d of %d trials are stored; the rest takes about %s.\n", r->e->profile, r->summary->stored,
           r->summary->trials, nlg_duration_text(nlg_execution_estimate_all(r) + seconds_of_more(r->e), text));
    return NLG_OK;
}

static nlg_status print_json(const nlg_execution_state *r, nlg_error *err) {
    cJSON *object = cJSON_CreateObject(), *stages = cJSON_AddArrayToObject(object, "stages");
    nlg_json_text(object, "profile", r->e->profile);
    nlg_json_number(object, "trials", r->summary->trials);
    nlg_json_number(object, "stored", r->summary->stored);
    nlg_json_number(object, "seconds_left", nlg_execution_estimate_all(r) + seconds_of_more(r->e));
    for (int x = 0; x < r->e->count; x++) {
        const nlg_experiment *e = &r->e->experiments[x];
        for (int i = 0; i < e->n_stages; i++) {
            const nlg_plan_row row = row_of(r, x, e->order[i]);
            add_json_row(stages, &row, e->stages[e->order[i]].final);
        }
    }
    for (int i = 0; i < r->e->n_more; i++) add_json_row(stages, &r->e->more[i], false);
    return nlg_json_print(object, err);
}

nlg_status nlg_execution_print(const nlg_execution *e, bool json, nlg_error *err) {
    nlg_execution_state r;
    nlg_execution_summary summary;
    nlg_status status = nlg_execution_open(&r, e, &summary, err);
    if (status == NLG_OK) status = json ? print_json(&r, err) : print_text(&r, err);
    nlg_execution_close(&r);
    return status;
}

nlg_status nlg_execution_work(const nlg_execution *e, double *seconds, nlg_error *err) {
    nlg_execution_state r;
    nlg_execution_summary summary;
    nlg_status status = nlg_execution_open(&r, e, &summary, err);
    for (int x = 0; x < e->count && status == NLG_OK; x++) {
        seconds[x] = 0;
        for (int s = 0; s < e->experiments[x].n_stages; s++)
            for (int t = 0; t < r.plans[x][s].count; t++)
                seconds[x] += nlg_measure_seconds(e->experiments[x].stages[s].measure, r.plans[x][s].trials[t].work);
    }
    nlg_execution_close(&r);
    return status;
}
