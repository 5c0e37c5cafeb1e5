/* lineage report: tables, figures and text from the results store and the published figures; runs nothing else but gnuplot. */
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/report/gnuplot.h"
#include "harness/report/report.h"
#include "layers/base/file.h"

typedef struct report_options {
    const char *profile, *results, *output;
} report_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_OUTPUT };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "smoke, quick (default) or full", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {"output", KEY_OUTPUT, "DIR", 0, "Where the report goes (default results/report)", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    (void)err;
    report_options *o = where;
    *(key == KEY_PROFILE ? &o->profile : key == KEY_RESULTS ? &o->results : &o->output) = value;
    return NLG_OK;
}

static nlg_status draw(const char *folder, const nlg_figure *figure, nlg_error *err) {
    char table[1024], out[1024];
    snprintf(table, sizeof table, "%s/tables/%s.tsv", folder, figure->table);
    snprintf(out, sizeof out, "%s/figures/%s.svg", folder, figure->name);
    return nlg_gnuplot(figure->script, table, out, figure->argument, err);
}

static nlg_status make(const report_options *o, const nlg_result_row *rows, int count, nlg_error *err) {
    char folder[1024];
    if (!count)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: nothing of profile %s yet; make it first by lineage run --profile %s --results %s",
                        o->results, o->profile, o->profile, o->results);
    snprintf(folder, sizeof folder, "%s/tables", o->output);
    NLG_TRY(nlg_folder_create(folder, err));
    snprintf(folder, sizeof folder, "%s/figures", o->output);
    NLG_TRY(nlg_folder_create(folder, err));
    NLG_TRY(nlg_report_tables(o->output, rows, count, err));
    for (int i = 0; i < nlg_n_figures; i++) NLG_TRY(draw(o->output, &nlg_figures[i], err));
    return nlg_report_text(o->output, o->profile, rows, count, err);
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const report_options *o = call->options;
    nlg_result_row *rows;
    int count;
    nlg_status status = nlg_results_rows(o->results, o->profile, &rows, &count, err);
    if (status == NLG_OK) status = make(o, rows, count, err);
    nlg_results_free_rows(rows, count);
    if (status == NLG_OK) printf("report: %s/index.html and %s/report.md\n", o->output, o->output);
    return status;
}

const nlg_command nlg_command_report = {
    .name = "report",
    .summary = "Write tables, charts and a page from the stored results",
    .arguments = "",
    .help =
        "Reads the store and results/published, and runs no experiment. Missing data is an error.\n\nExample:\n  lineage report "
        "--profile smoke",
    .options = options,
    .defaults = &(const report_options){.profile = "quick", .results = "results/local", .output = "results/report"},
    .options_size = sizeof(report_options),
    .option = option,
    .run = run,
};
