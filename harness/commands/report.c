/* lineage report: verdicts, tables, figures and pages from the store and the published figures; runs no experiment. */
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/report/report.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

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

static void print_verdicts(const nlg_report *r) {
    puts(cJSON_GetObjectItem(r->data, "headline")->valuestring);
    for (int i = 0; i < r->claims.n_claims; i++)
        printf("  %-26s %s\n", nlg_verdict_name(r->verdicts[i].kind), r->claims.claims[i].id);
}

static nlg_status make(nlg_report *r, const report_options *o, bool json, nlg_error *err) {
    if (json) {
        char *text;
        NLG_TRY(nlg_json_write(r->data, true, &text, err));
        puts(text);
        nlg_free(text);
        return NLG_OK;
    }
    NLG_TRY(nlg_folder_create(o->output, err));
    NLG_TRY(nlg_report_write_tables(r, o->output, err));
    print_verdicts(r);
    fflush(stdout);
    NLG_TRY(nlg_report_draw(r, o->output, err));
    NLG_TRY(nlg_report_write_pages(r, o->output, err));
    printf("report: %s/index.html, report.md and report.tex\n", o->output);
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const report_options *o = call->options;
    nlg_report report;
    nlg_status status = nlg_report_open(&report, o->results, o->profile, err);
    if (status == NLG_OK) status = make(&report, o, call->settings.json, err);
    nlg_report_close(&report);
    return status;
}

const nlg_command nlg_command_report = {
    .name = "report",
    .summary = "Decide the claims; write tables, charts and pages from the stored results",
    .arguments = "",
    .help = "Reads the store and results/published, and runs no experiment. --json prints the document of which the pages are "
            "templates\n"
            "(harness/report/templates) and writes nothing. Figures without data are listed as missing with the command that makes "
            "it.\n\n"
            "Example:\n  lineage report --profile smoke",
    .options = options,
    .shared = NLG_TAKES_JSON,
    .defaults = &(const report_options){.profile = "quick", .results = "results/local", .output = "results/report"},
    .options_size = sizeof(report_options),
    .option = option,
    .run = run,
};
