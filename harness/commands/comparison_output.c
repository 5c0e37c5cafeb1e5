/* Tables, JSON and charts of a comparison. Accuracies in per cent, but 0 to 1 in JSON. */
#include "harness/commands/comparison_output.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/report/draw.h"
#include "harness/output.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

enum { COST_STEPS = 100, TESTS = NLG_COMPARE_STRATEGIES * NLG_COMPARE_STRATEGIES };

/* ---- on standard output ------------------------------------------------------------------------------------------------- */

static void add_accuracy(nlg_text_table *table, double mean, double sd) {
    if (isnan(mean)) {
        nlg_text_table_cell(table, "-");
    } else if (isnan(sd)) {
        nlg_text_table_cell(table, "%.2f +- -", 100 * mean); /* one seed */
    } else {
        char deviation[24] = "-"; /* of one seed there is none */
        if (!isnan(sd)) snprintf(deviation, sizeof deviation, "%.2f", 100 * sd);
        nlg_text_table_cell(table, "%.2f +- %s", 100 * mean, deviation);
    }
}

static void add_row(nlg_text_table *table, const char *label, const char *budget, const nlg_standing *s) {
    nlg_text_table_cell(table, "%s", label);
    nlg_text_table_cell(table, "%s", budget);
    add_accuracy(table, s->score_mean, s->score_sd);
    add_accuracy(table, s->report_mean, s->report_sd);
    nlg_text_table_cell(table, "%.2f", 100 * s->auc);
    nlg_text_table_cell(table, "%.2f", 100 * s->regret);
    nlg_text_table_cell(table, "%+.2f", s->relative);
    nlg_text_table_cell(table, "%.1f", s->unique);
}

static nlg_status print_tests(const nlg_comparison *c, int budget, nlg_error *err) {
    static const char *const headers[] = {"pair", "difference", "p", "p (Holm)", "effect"};
    nlg_pair_test tests[TESTS];
    int count;
    NLG_TRY(nlg_comparison_tests(c, budget, tests, &count, err));
    if (!count) return NLG_OK;
    const nlg_contender *contender = c->options->contender;
    nlg_text_table *table = nlg_text_table_create("lrrrr", headers);
    for (int i = 0; i < count; i++) {
        const nlg_pair_test *t = &tests[i];
        nlg_text_table_cell(table, "%s - %s", contender[t->a].label, contender[t->b].label);
        nlg_text_table_cell(table, "%+.3f", 100 * t->difference);
        nlg_text_table_cell(table, "%.2g", t->test.p);
        nlg_text_table_cell(table, "%.2g", t->p_holm);
        nlg_text_table_cell(table, "%+.2f", t->test.effect);
    }
    if (budget) {
        printf("\nReported accuracy after %d trials, paired by seed: mean difference in percentage points, p of Wilcoxon's "
               "signed-rank\n"
               "test, the same by Holm for all pairs, rank-biserial effect from -1 to 1:\n",
               budget);
    } else {
        printf("\nThe same at equal simulated cost:\n");
    }
    return nlg_text_table_print(table, stdout, err);
}

nlg_status nlg_comparison_print(const nlg_comparison *c, const int *budgets, int n_budgets, nlg_error *err) {
    static const char *const headers[] = {"strategy", "trials",   "score %",       "reported %",
                                          "AUC %",    "regret %", "over random %", "unique"};
    const nlg_comparison_options *o = c->options;
    const char *unit = nlg_table_evaluator_interface(o->evaluator)->cost_unit;
    char text[64];
    printf("%s, %d seed%s from %llu; score: %s;\nreported: %s\n\n", o->space->name, o->seeds, o->seeds == 1 ? "" : "s",
           (unsigned long long)o->first_seed, nlg_table_evaluator_score_text(o->evaluator),
           nlg_table_evaluator_report_text(o->evaluator));
    nlg_text_table *table = nlg_text_table_create("lrrrrrrr", headers);
    for (int i = 0; i < o->contenders; i++) {
        for (int b = 0; b < n_budgets; b++) {
            nlg_standing s = nlg_comparison_standing(c, i, budgets[b]);
            snprintf(text, sizeof text, "%d", budgets[b]);
            add_row(table, o->contender[i].label, text, &s);
        }
        nlg_standing s = nlg_comparison_standing_at_cost(c, i, c->cost_budget);
        add_row(table, o->contender[i].label, "equal cost", &s);
    }
    NLG_TRY(nlg_text_table_print(table, stdout, err));
    printf("\nScore: what the strategy saw of its best; reported: that architecture's accuracy, mean and deviation over the seeds. "
           "AUC: mean\n"
           "of the best score so far over the trials. Regret: reported below the table's best. Over random: reported against the "
           "table's\n"
           "mean. Unique: trials that were no repeats.\n");
    printf("In the whole table: mean %.2f %%, best %.2f %%; the architecture with the best score has %.2f %%\n",
           100 * c->table.report_mean, 100 * c->table.report_best, 100 * c->table.report_of_best_score);
    printf(
        "Equal cost: each strategy may spend what %d random trainings cost (%.4g %s). Repeats cost nothing; at most %d trials.\n",
        o->budget, c->cost_budget, unit ? unit : "", 2 * o->budget);
    NLG_TRY(print_tests(c, o->budget, err));
    NLG_TRY(print_tests(c, 0, err));
    putchar('\n');
    for (int i = 0; i < o->contenders; i++)
        printf("%s: %s %s\n", o->contender[i].label, o->contender[i].strategy->name, o->contender[i].options);
    return NLG_OK;
}

static void add_standing(cJSON *row, const nlg_comparison *c, const nlg_standing *s) {
    nlg_json_number(row, "seeds", c->options->seeds);
    nlg_json_number(row, "val_mean", s->score_mean);
    nlg_json_number(row, "val_sd", s->score_sd);
    nlg_json_number(row, "test_mean", s->report_mean);
    nlg_json_number(row, "test_sd", s->report_sd);
    nlg_json_number(row, "auc_mean", s->auc);
    nlg_json_number(row, "regret_mean", s->regret);
}

static nlg_status add_tests(cJSON *list, const nlg_comparison *c, int budget, nlg_error *err) {
    nlg_pair_test tests[TESTS];
    int count;
    NLG_TRY(nlg_comparison_tests(c, budget, tests, &count, err));
    for (int i = 0; i < count; i++) {
        const nlg_pair_test *t = &tests[i];
        cJSON *row = nlg_json_object_in(list);
        nlg_json_text(row, "a", c->options->contender[t->a].label);
        nlg_json_text(row, "b", c->options->contender[t->b].label);
        nlg_json_text(row, "at", budget ? "trials" : "cost");
        nlg_json_number(row, "n", (double)t->test.n);
        nlg_json_number(row, "difference", t->difference);
        nlg_json_number(row, "p", t->test.p);
        nlg_json_number(row, "p_holm", t->p_holm);
        nlg_json_number(row, "effect", t->test.effect);
    }
    return NLG_OK;
}

nlg_status nlg_comparison_json_with_tests(const nlg_comparison *c, const int *budgets, int n_budgets, nlg_error *err) {
    const nlg_comparison_options *o = c->options;
    const char *unit = nlg_table_evaluator_interface(o->evaluator)->cost_unit;
    cJSON *document = cJSON_CreateObject();
    nlg_json_text(document, "space", o->space->name);
    nlg_json_text(document, "score", nlg_table_evaluator_score_text(o->evaluator));
    nlg_json_text(document, "reported", nlg_table_evaluator_report_text(o->evaluator));
    nlg_json_number(document, "first_seed", (double)o->first_seed);
    nlg_json_text(document, "cost_unit", unit);
    nlg_json_number(document, "equal_cost", c->cost_budget);
    nlg_json_number(document, "table_mean", c->table.report_mean);
    nlg_json_number(document, "table_best", c->table.report_best);
    cJSON *rows = cJSON_AddArrayToObject(document, "rows");
    for (int i = 0; i < o->contenders; i++) {
        for (int b = 0; b <= n_budgets; b++) {
            const bool by_cost = b == n_budgets;
            const nlg_standing s =
                by_cost ? nlg_comparison_standing_at_cost(c, i, c->cost_budget) : nlg_comparison_standing(c, i, budgets[b]);
            cJSON *row = nlg_json_object_in(rows);
            nlg_json_text(row, "strategy", o->contender[i].label);
            nlg_json_text(row, "at", by_cost ? "cost" : "trials");
            nlg_json_number(row, "budget", by_cost ? c->cost_budget : budgets[b]);
            add_standing(row, c, &s);
            nlg_json_number(row, "over_mean_random_percent", s.relative);
            nlg_json_number(row, "unique", s.unique);
        }
    }
    cJSON *tests = cJSON_AddArrayToObject(document, "tests");
    nlg_status status = add_tests(tests, c, o->budget, err);
    if (status == NLG_OK) status = add_tests(tests, c, 0, err);
    if (status == NLG_OK) return nlg_json_print(document, err);
    cJSON_Delete(document);
    return status;
}

nlg_status nlg_comparison_json(const nlg_comparison *c, const int *budgets, int n_budgets, nlg_error *err) {
    cJSON *document = cJSON_CreateArray();
    for (int i = 0; i < c->options->contenders; i++) {
        for (int b = 0; b < n_budgets; b++) {
            nlg_standing s = nlg_comparison_standing(c, i, budgets[b]);
            cJSON *row = nlg_json_object_in(document);
            nlg_json_text(row, "strategy", c->options->contender[i].label);
            nlg_json_number(row, "budget", budgets[b]);
            add_standing(row, c, &s);
        }
    }
    return nlg_json_print(document, err);
}

/* ---- tables ------------------------------------------------------------------------------------------------------------- */

static nlg_status begin(nlg_file_writer *writer, const char *folder, const char *name, const char *header, nlg_error *err) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.tsv", folder, name);
    NLG_TRY(nlg_file_begin(writer, path, err));
    fprintf(writer->stream, "%s\n", header);
    return NLG_OK;
}

static nlg_status write_scores(const nlg_comparison *c, const int *budgets, int n_budgets, const char *folder, nlg_error *err) {
    nlg_file_writer w;
    NLG_TRY(
        begin(&w, folder, "scores",
              "strategy\tat\tbudget\tseeds\tscore_mean\tscore_sd\treport_mean\treport_sd\tauc\tregret\tover_mean_random_percent\t"
              "unique_trials\toptions",
              err));
    for (int i = 0; i < c->options->contenders; i++) {
        for (int b = 0; b <= n_budgets; b++) {
            bool by_cost = b == n_budgets;
            nlg_standing s =
                by_cost ? nlg_comparison_standing_at_cost(c, i, c->cost_budget) : nlg_comparison_standing(c, i, budgets[b]);
            fprintf(w.stream, "%s\t%s\t%.6g\t%d\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.4f\t%.3f\t%.2f\t%s\n",
                    c->options->contender[i].label, by_cost ? "cost" : "trials", by_cost ? c->cost_budget : budgets[b],
                    c->options->seeds, 100 * s.score_mean, 100 * s.score_sd, 100 * s.report_mean, 100 * s.report_sd, 100 * s.auc,
                    100 * s.regret, s.relative, s.unique, c->options->contender[i].options);
        }
    }
    return nlg_file_commit(&w, err);
}

static nlg_status write_tests(const nlg_comparison *c, const char *folder, nlg_error *err) {
    nlg_pair_test tests[TESTS];
    nlg_file_writer w;
    NLG_TRY(begin(&w, folder, "tests", "a\tb\tat\tn\tdifference\tp\tp_holm\teffect", err));
    for (int by_cost = 0; by_cost < 2; by_cost++) {
        int count;
        nlg_status status = nlg_comparison_tests(c, by_cost ? 0 : c->options->budget, tests, &count, err);
        if (status != NLG_OK) {
            nlg_file_abort(&w);
            return status;
        }
        for (int i = 0; i < count; i++) {
            const nlg_pair_test *t = &tests[i];
            fprintf(w.stream, "%s\t%s\t%s\t%zu\t%.4f\t%.4g\t%.4g\t%.3f\n", c->options->contender[t->a].label,
                    c->options->contender[t->b].label, by_cost ? "cost" : "trials", t->test.n, 100 * t->difference, t->test.p,
                    t->p_holm, t->test.effect);
        }
    }
    return nlg_file_commit(&w, err);
}

/* Quartiles over the seeds that have a value, in per cent; "-" where fewer than half have one. */
static void print_quartiles(FILE *stream, double *x, size_t n, int seeds) {
    if (2 * n < (size_t)seeds) {
        fprintf(stream, "\t-\t-\t-");
        return;
    }
    nlg_sort(x, n);
    for (int q = 0; q < 3; q++) fprintf(stream, "\t%.4f", 100 * nlg_quantile_sorted(x, n, (double[]){0.5, 0.25, 0.75}[q]));
}

static void print_mean(FILE *stream, const double *x, size_t n, int seeds) {
    if (n == (size_t)seeds) {
        fprintf(stream, "\t%.4f", 100 * nlg_mean(x, n));
    } else {
        fprintf(stream, "\t-");
    }
}

/* One point of a curve: what every seed has after `trials` trials, or at a cost. */
static void print_point(FILE *stream, const nlg_comparison *c, int contender, int trials, double cost, double *room) {
    int seeds = c->options->seeds;
    double *values[4] = {room, room + seeds, room + 2 * seeds, room + 3 * seeds};
    size_t counts[4] = {0};
    for (int i = 0; i < seeds; i++) {
        const nlg_replay *replay = nlg_comparison_replay(c, contender, i);
        const nlg_replay_step *s = trials ? nlg_replay_at(replay, trials) : nlg_replay_at_cost(replay, cost);
        if (!s) continue;
        const double found[4] = {s->score, s->report, s->top5, s->top25};
        for (int v = 0; v < 4; v++)
            if (!isnan(found[v])) values[v][counts[v]++] = found[v];
    }
    print_mean(stream, values[0], counts[0], seeds); /* before the quartiles sort them */
    print_mean(stream, values[2], counts[2], seeds);
    print_mean(stream, values[3], counts[3], seeds);
    print_quartiles(stream, values[0], counts[0], seeds);
    print_quartiles(stream, values[1], counts[1], seeds);
    fputc('\n', stream);
}

static nlg_status write_curve(const nlg_comparison *c, bool by_cost, const char *folder, nlg_error *err) {
    nlg_file_writer w;
    char header[256];
    const char *unit = nlg_table_evaluator_interface(c->options->evaluator)->cost_unit;
    snprintf(
        header, sizeof header,
        "strategy\t%s\ttop1_mean\ttop5_mean\ttop25_mean\tscore_median\tscore_q25\tscore_q75\treport_median\treport_q25\treport_q75",
        !by_cost ? "trials"
        : unit   ? unit
                 : "cost");
    double *room = nlg_alloc(4 * (size_t)c->options->seeds, sizeof *room);
    if (!room) return nlg_fail_memory(err, 4 * (size_t)c->options->seeds * sizeof *room, "a curve");
    nlg_status status = begin(&w, folder, by_cost ? "cost_curve" : "curve", header, err);
    int points = by_cost ? COST_STEPS : c->options->budget;
    for (int i = 0; status == NLG_OK && i < c->options->contenders; i++) {
        for (int p = 1; p <= points; p++) {
            double cost = c->cost_budget * p / points;
            fprintf(w.stream, "%s\t%.6g", c->options->contender[i].label, by_cost ? cost : p);
            print_point(w.stream, c, i, by_cost ? 0 : p, cost, room);
        }
    }
    nlg_free(room);
    return status == NLG_OK ? nlg_file_commit(&w, err) : status;
}

/* The table with its second column, which is named by what is counted, under the name `at`, as the figures expect it. */
static nlg_status picture_rows(const char *folder, const char *table, char **rows, nlg_error *err) {
    enum { LARGEST = 1 << 26 };
    char path[1024], *text;
    size_t size;
    snprintf(path, sizeof path, "%s/%s.tsv", folder, table);
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    const char *rest = strchr(strchr(text, '\t') + 1, '\t');
    *rows = nlg_alloc(size + 16, 1);
    if (*rows) snprintf(*rows, size + 16, "strategy\tat%s", rest);
    nlg_free(text);
    return *rows ? NLG_OK : nlg_fail_memory(err, size, "a picture");
}

/* A picture that cannot be drawn is a warning: the results are safe in the tables. */
static void draw(const char *folder, const char *table, const char *figure, const char *name) {
    char path[1024], *rows = NULL;
    nlg_error err = {0};
    snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    if (picture_rows(folder, table, &rows, &err) != NLG_OK || nlg_figure_draw_rows(figure, rows, path, &err) != NLG_OK)
        fprintf(stderr, "lineage compare: warning: no picture %s: %s\n", path, err.text);
    nlg_free(rows);
}

nlg_status nlg_comparison_write(const nlg_comparison *c, const int *budgets, int n_budgets, const char *folder, nlg_error *err) {
    NLG_TRY(nlg_folder_create(folder, err));
    NLG_TRY(write_scores(c, budgets, n_budgets, folder, err));
    NLG_TRY(write_curve(c, false, folder, err));
    NLG_TRY(write_curve(c, true, folder, err));
    NLG_TRY(write_tests(c, folder, err));
    draw(folder, "curve", "compare-trials", "curve");
    draw(folder, "cost_curve", "compare-cost", "cost_curve");
    draw(folder, "curve", "compare-efficiency", "efficiency");
    return NLG_OK;
}
