/* lineage report: verdicts, tables, figures and pages from the store and the published figures; runs no experiment. */
#include <stdio.h>
#include <string.h>

#include "harness/command.h"
#include "harness/query/results_store.h"
#include "harness/report/report.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

typedef struct report_options {
    nlg_report_source from;
    const char *output, *claims;
} report_options;

enum { KEY_PROFILE = 0x100, KEY_RESULTS, KEY_OUTPUT, KEY_SHIPPED, KEY_LIVE, KEY_CLAIMS };
static const struct argp_option options[] = {
    {"profile", KEY_PROFILE, "P", 0, "smoke, quick (default) or full", 0},
    {"results", KEY_RESULTS, "DIR", 0, "Where results are kept (default results/local)", 0},
    {"output", KEY_OUTPUT, "DIR", 0, "Where the report goes (default results/report)", 0},
    {"live", KEY_LIVE, NULL, 0, "Profile quick: show what ran here, and no shipped records", 0},
    {"shipped", KEY_SHIPPED, "DIR", 0, "Profile quick: where shipped records are (default results/reference)", 0},
    {"claims", KEY_CLAIMS, "FILE", 0, "Only write the verdicts of the shipped records to this JSON file", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    (void)err;
    report_options *o = where;
    switch (key) {
    case KEY_PROFILE:
        o->from.profile = value;
        break;
    case KEY_RESULTS:
        o->from.results = value;
        break;
    case KEY_SHIPPED:
        o->from.shipped = value;
        break;
    case KEY_LIVE:
        o->from.live = true;
        break;
    case KEY_CLAIMS:
        o->claims = value;
        o->from.only_shipped = true;
        break;
    default:
        o->output = value;
    }
    return NLG_OK;
}

static void print_verdicts(const nlg_report *r) {
    const cJSON *finding;
    puts(cJSON_GetObjectItem(r->data, "headline")->valuestring);
    cJSON_ArrayForEach(finding, cJSON_GetObjectItem(r->data, "findings")) {
        const char *text = cJSON_GetStringValue(cJSON_GetObjectItem(finding, "finding"));
        if (text) puts(text);
    }
    for (int i = 0; i < r->claims.n_claims; i++) {
        const nlg_report_claim *c = &r->outcomes[i];
        char evidence[96];
        nlg_report_evidence_text(r, c, evidence, sizeof evidence);
        printf("  %-26s %-26s %s%s%s\n", nlg_report_verdict_name(c), r->claims.claims[i].id, evidence,
               c->has_live ? "; other seeds here: " : "", c->has_live ? nlg_verdict_name(c->live.kind) : "");
        if (*c->evidence.differs) printf("  %-26s %s\n", "", c->evidence.differs);
    }
}

static nlg_status write_claims(const nlg_report *r, const char *path, nlg_error *err) {
    char *text;
    NLG_TRY(nlg_json_write(r->verdict_list, true, &text, err));
    nlg_status status = nlg_file_write(path, text, strlen(text), err);
    nlg_free(text);
    if (status == NLG_OK) printf("%d verdicts written to %s\n", r->claims.n_claims, path);
    return status;
}

static nlg_status make(nlg_report *r, const report_options *o, bool json, nlg_error *err) {
    if (o->claims) return write_claims(r, o->claims, err);
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

/* A wrong name must not pass for a machine on which nothing ran. */
static nlg_status warn_of_nothing(const nlg_report_source *from, nlg_error *err) {
    char path[1024];
    NLG_TRY(nlg_results_path(from->results, path, sizeof path, err));
    if (!nlg_file_exists(path))
        fprintf(stderr, "warning: %s holds no results; the report is of the shipped records alone\n", from->results);
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    const report_options *o = call->options;
    const bool may_be_shipped = strcmp(o->from.profile, "quick") == 0 && !o->from.live && !o->claims;
    nlg_report report;
    if (strcmp(o->from.profile, "quick") != 0 && (o->from.live || o->from.shipped || o->claims))
        return nlg_fail(err, NLG_ERR_INPUT, "--live, --shipped and --claims are for the profile quick, found %s", o->from.profile);
    nlg_status status = nlg_report_open(&report, &o->from, err);
    if (status == NLG_OK && may_be_shipped) status = warn_of_nothing(&o->from, err);
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
    .defaults = &(const report_options){.from = {.profile = "quick", .results = "results/local"}, .output = "results/report"},
    .options_size = sizeof(report_options),
    .option = option,
    .run = run,
};
