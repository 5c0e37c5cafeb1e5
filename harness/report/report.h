/* The report: a document (report.json) that is a function of the store, the published figures and the project's files, and pages
 * that are templates over it. */
#ifndef NLG_REPORT_H
#define NLG_REPORT_H

#include <stdio.h>

#include "harness/claims/claim.h"
#include "harness/query/evidence.h"
#include "harness/report/figure.h"

/* What became of a claim. */
typedef struct nlg_report_claim {
    nlg_verdict verdict;
    nlg_evidence evidence; /* for it */
    bool is_incomplete;    /* held back: runs of the experiment are missing */
    bool is_live;          /* nothing is shipped: the verdict is that of what ran here */
    bool has_live;         /* there is also a verdict of what ran here, with other seeds: */
    nlg_verdict live;
} nlg_report_claim;

typedef struct nlg_report {
    nlg_query *query; /* of the evidence; here_results and its like: what ran here */
    nlg_query *live;  /* of what ran here only; NULL: that is the evidence */
    nlg_figure *figures;
    int n_figures;
    nlg_claims claims;
    nlg_report_claim *outcomes; /* [claims.n_claims] */
    cJSON *data;                /* the document, see report_data.c */
    cJSON *verdict_list;        /* claims.json */
    char shipped[4096];         /* the store of shipped records */
    const char *asked;          /* the profile that the report is about */
    const char *profile;        /* that of the evidence, for all queries */
    const char *source;         /* what the evidence is: "smoke", "shipped" or "live" */
} nlg_report;

typedef struct nlg_report_source {
    const char *results, *profile;
    const char *shipped; /* folder of shipped records, NULL: the project's; for the profile quick */
    bool live;           /* show no shipped records */
    bool only_shipped;   /* look at nothing but them */
} nlg_report_source;

/* Reads everything and decides every claim. The evidence of the profile quick is the shipped records, if there are any. Refused: a
 * profile without results (the message names those that have some), a claim, figure or table file with a fault. Close also after a
 * failure. */
nlg_status nlg_report_open(nlg_report *report, const nlg_report_source *source, nlg_error *err);
/* As the page names it, e.g. "supported", "not verified here". */
const char *nlg_report_verdict_name(const nlg_report_claim *claim);
/* "shipped; 3 of 3 re-verified" */
void nlg_report_evidence_text(const nlg_report *report, const nlg_report_claim *claim, char *text, size_t size);
void nlg_report_close(nlg_report *report);

/* OUTPUT/tables/NAME.tsv and NAME.csv, report.json, claims.json. */
nlg_status nlg_report_write_tables(nlg_report *report, const char *output, nlg_error *err);
/* The rows of a claim as the text that the figure of its pairs reads (`-- input:` of plots/claim-pairs.sql). Free with free. */
nlg_status nlg_report_claim_rows(nlg_report *report, const char *claim, char **text, nlg_error *err);
/* OUTPUT/figures/ID.{svg,png,pdf}; a figure that cannot be drawn is a warning on standard error and listed as missing. */
nlg_status nlg_report_draw(nlg_report *report, const char *output, nlg_error *err);
/* OUTPUT/index.html, report.md, report.tex. */
nlg_status nlg_report_write_pages(nlg_report *report, const char *output, nlg_error *err);

/* A result as a table: {id, title, note, filter, columns: [{heading, number}], rows: [{cells: [{text, number}]}]}; headings are
 * "name|Heading|format", see report_tables.c. NULL: memory is short. */
cJSON *nlg_report_table(const nlg_rows *rows, const char *id, const char *title, const char *note, bool filter);
/* The same for machines: names and values; with_head: the line of names. Separated by tabs, a cell without a value is "-"; or as
 * RFC 4180 has it: commas, quotes where a text needs them, lines that end in CR LF, a cell without a value empty. */
typedef enum { NLG_TABLE_TSV, NLG_TABLE_CSV, NLG_TABLE_KINDS } nlg_table_kind;
void nlg_report_rows(FILE *stream, const nlg_rows *rows, nlg_table_kind kind, bool with_head);

#endif
