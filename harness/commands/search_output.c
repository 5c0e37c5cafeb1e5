/* The results of a search as the command prints them. */
#include "harness/commands/search_output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/commands/trial_output.h"
#include "layers/base/memory.h"

/* ---- results ----------------------------------------------------------------------------------------------------------- */

static void genotype_of(const nlg_space *space, const nlg_trial *trial, char text[NLG_GENOTYPE_MAX]) {
    space->encode(space, &trial->code, text, NLG_GENOTYPE_MAX);
}

static const char *score_text(const nlg_search_output *m) {
    if (m->scores) return m->scores;
    return m->table ? nlg_table_evaluator_score_text(m->table) : "proxy: validation accuracy after the search's short training";
}

/* The final step: what was kept from the search is opened for its best architecture. */
static nlg_status add_report(cJSON *object, const nlg_search_output *m, const nlg_trial *best, nlg_error *err) {
    double accuracy;
    if (!m->table) return NLG_OK;
    NLG_TRY(nlg_table_evaluator_report(m->table, &best->code, &accuracy, err));
    nlg_json_number(object, "report", accuracy);
    nlg_json_text(object, "report_is", nlg_table_evaluator_report_text(m->table));
    return NLG_OK;
}

/* Architectures that are worth a look, by their first trials; of the best, the first `most`. Returns their number. */
typedef int (*chooser)(const nlg_search_result *r, int most, const nlg_trial **chosen);

/* Best first. */
static int find_top(const nlg_search_result *r, int most, const nlg_trial **top) {
    int count = 0;
    for (int i = 0; i < r->count; i++) {
        const nlg_trial *trial = &r->trials[i];
        if (trial->status != NLG_TRIAL_DONE || trial->is_repeat) continue;
        int at = count;
        while (at > 0 && nlg_trial_is_better(trial, top[at - 1])) at--;
        if (at == most) continue;
        if (count < most) count++;
        memmove(&top[at + 1], &top[at], (size_t)(count - 1 - at) * sizeof(const nlg_trial *));
        top[at] = trial;
    }
    return count;
}

static bool beats_in_both(const nlg_trial *a, const nlg_trial *b) {
    if (a->status != NLG_TRIAL_DONE || a->budget < b->budget || !(a->cost > 0)) return false;
    return a->score >= b->score && a->cost <= b->cost && (a->score > b->score || a->cost < b->cost || a->budget > b->budget);
}

/* Cheapest first. */
static int find_front(const nlg_search_result *r, int most, const nlg_trial **front) {
    int count = 0;
    (void)most;
    for (int i = 0; i < r->count; i++) {
        const nlg_trial *trial = &r->trials[i];
        bool beaten = trial->status != NLG_TRIAL_DONE || trial->is_repeat || !(trial->cost > 0); /* 0: not measured */
        for (int j = 0; j < r->count && !beaten; j++) beaten = beats_in_both(&r->trials[j], trial);
        if (beaten) continue;
        int at = count++;
        for (; at > 0 && trial->cost < front[at - 1]->cost; at--) front[at] = front[at - 1];
        front[at] = trial;
    }
    return count;
}

/* Counts with separators, as tables have them; latencies with their unit. */
static void print_chosen(const nlg_search_options *run, const nlg_trial *t, const char *genotype) {
    char cost[64], digits[32];
    if (run->objective.cost == NLG_COST_LATENCY)
        snprintf(cost, sizeof cost, "latency %.4g ms", t->cost);
    else
        snprintf(cost, sizeof cost, "%s %s", nlg_cost_name(run->objective.cost), nlg_count_text((int64_t)t->cost, digits));
    printf("%.4f  %s  trial %d  %s\n", t->score, cost, t->number, genotype);
}

/* document: NULL to print text. */
static nlg_status add_list(cJSON *document, const char *name, const char *title, chooser choose, int most,
                           const nlg_search_options *run, const nlg_search_result *r, nlg_error *err) {
    char genotype[NLG_GENOTYPE_MAX];
    const nlg_trial **chosen = nlg_alloc((size_t)r->count + 1, sizeof(const nlg_trial *));
    if (!chosen) return nlg_fail_memory(err, (size_t)r->count * sizeof(const nlg_trial *), "the best trials");
    int count = choose(r, most, chosen);
    cJSON *list = document ? cJSON_AddArrayToObject(document, name) : NULL;
    if (!document) printf("\n%s: %d architecture%s\n", title, count, count == 1 ? "" : "s");
    for (int i = 0; i < count; i++) {
        genotype_of(run->space, chosen[i], genotype);
        if (document) {
            nlg_trial_json(nlg_json_object_in(list), chosen[i], genotype, NULL);
        } else {
            print_chosen(run, chosen[i], genotype);
        }
    }
    nlg_free(chosen);
    return NLG_OK;
}

static nlg_status add_lists(cJSON *document, const nlg_search_options *run, const nlg_search_output *m, const nlg_search_result *r,
                            nlg_error *err) {
    char title[128];
    snprintf(title, sizeof title, "Pareto front (score, %s)", nlg_cost_name(run->objective.cost));
    if (m->top) NLG_TRY(add_list(document, "top", "Best by score", find_top, m->top, run, r, err));
    return m->front ? add_list(document, "front", title, find_front, 0, run, r, err) : NLG_OK;
}

static nlg_status print_json(const nlg_search_options *run, const nlg_search_output *m, const nlg_search_result *r,
                             nlg_error *err) {
    char genotype[NLG_GENOTYPE_MAX], text[NLG_STRATEGY_OPTIONS_TEXT];
    double values[NLG_STRATEGY_OPTIONS_MAX];
    NLG_TRY(nlg_strategy_parse(run->strategy, run->strategy_options, values, text, err));
    cJSON *document = cJSON_CreateObject();
    nlg_json_text(document, "space", run->space->name);
    nlg_json_text(document, "strategy", run->strategy->name);
    cJSON_AddItemToObject(document, "strategy_options", cJSON_Parse(text));
    nlg_json_text(document, "evaluator", run->evaluator->name);
    cJSON_AddItemToObject(document, "evaluator_config", cJSON_Parse(run->evaluator_config));
    cJSON *objective = cJSON_AddObjectToObject(document, "objective");
    nlg_json_text(objective, "cost", nlg_cost_name(run->objective.cost));
    nlg_json_number(objective, "target", run->objective.target > 0 ? run->objective.target : (double)NAN);
    nlg_json_number(objective, "alpha", run->objective.alpha);
    nlg_json_number(objective, "beta", run->objective.beta);
    nlg_json_text(document, "score", score_text(m));
    if (run->evaluator->cost_unit) nlg_json_text(document, "cost_unit", run->evaluator->cost_unit);
    nlg_json_number(document, "seed", (double)run->seed);
    nlg_json_number(document, "batch", run->batch);
    nlg_json_number(document, "budget", run->budget);
    nlg_json_number(document, "count", r->count);
    nlg_json_number(document, "evaluations", r->evaluations);
    nlg_json_number(document, "repeats", r->repeats);
    cJSON_AddBoolToObject(document, "complete",
                          r->count == run->budget || (run->evaluations > 0 && r->evaluations >= run->evaluations));
    const nlg_trial *best = NULL;
    cJSON *history = cJSON_CreateArray();
    for (int i = 0; i < r->count; i++) {
        best = nlg_trial_better(best, &r->trials[i]);
        genotype_of(run->space, &r->trials[i], genotype);
        nlg_trial_json(nlg_json_object_in(history), &r->trials[i], genotype, best);
    }
    if (best) {
        cJSON *object = cJSON_AddObjectToObject(document, "best");
        genotype_of(run->space, best, genotype);
        nlg_trial_json(object, best, genotype, NULL);
        nlg_status status = add_report(object, m, best, err);
        if (status != NLG_OK) {
            cJSON_Delete(document);
            cJSON_Delete(history);
            return status;
        }
    } else {
        cJSON_AddNullToObject(document, "best");
    }
    cJSON_AddItemToObject(document, "history", history);
    nlg_json_text(document, "digest", r->digest);
    nlg_status listed = add_lists(document, run, m, r, err);
    if (listed != NLG_OK) {
        cJSON_Delete(document);
        return listed;
    }
    return nlg_json_print(document, err);
}

static nlg_status print_report(const nlg_search_output *m, const nlg_trial *best, nlg_error *err) {
    double accuracy;
    if (!m->table || !best) return NLG_OK;
    NLG_TRY(nlg_table_evaluator_report(m->table, &best->code, &accuracy, err));
    printf("Best by score: trial %d. Reported: %.2f %%, %s\n", best->number, 100 * accuracy,
           nlg_table_evaluator_report_text(m->table));
    return NLG_OK;
}

static nlg_status print_text(const nlg_search_options *run, const nlg_search_output *m, const nlg_search_result *r,
                             nlg_error *err) {
    char genotype[NLG_GENOTYPE_MAX];
    nlg_text_table *table = nlg_text_table_create(nlg_trial_align, nlg_trial_headers);
    const nlg_trial *best = NULL;
    int done = 0;
    for (int i = 0; i < r->count; i++) { /* the rows in which the best changes */
        const nlg_trial *now = nlg_trial_better(best, &r->trials[i]);
        done += r->trials[i].status == NLG_TRIAL_DONE;
        if (now == best) continue;
        best = now;
        genotype_of(run->space, best, genotype);
        nlg_trial_cells(table, best, genotype);
    }
    printf("Improvements (each was the best so far):\n");
    NLG_TRY(nlg_text_table_print(table, stdout, err));
    printf("\n%d trials: %d evaluated, %d repeated, %d failed\n", r->count, r->evaluations, r->repeats, r->count - done);
    if (r->shared) printf("%d of them were not evaluated anew: the store has them from other searches\n", r->shared);
    if (run->evaluator->cost_unit) {
        double cost = 0;
        for (int i = 0; i < r->count; i++) cost += nlg_trial_simulated_cost(&r->trials[i]);
        if (isnan(cost))
            printf("Simulated cost: not known, the table lacks some\n");
        else
            printf("Simulated cost: %.6g %s\n", cost, run->evaluator->cost_unit);
    }
    printf("Scores: %s\n", score_text(m));
    NLG_TRY(print_report(m, best, err));
    NLG_TRY(add_lists(NULL, run, m, r, err));
    printf("digest %s\n", r->digest);
    return NLG_OK;
}

nlg_status nlg_search_print(const nlg_search_options *run, const nlg_search_output *how, const nlg_search_result *result,
                            nlg_error *err) {
    return (how->json ? print_json : print_text)(run, how, result, err);
}
