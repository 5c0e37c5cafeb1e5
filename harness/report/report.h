/* The report: a document (report.json) that is a function of the store, the published figures and the project's files, and pages
 * that are templates over it. */
#ifndef NLG_REPORT_H
#define NLG_REPORT_H

#include <stdio.h>

#include "harness/claims/claim.h"
#include "harness/report/figure.h"

typedef struct nlg_report {
    nlg_query *query;
    nlg_figure *figures;
    int n_figures;
    nlg_claims claims;
    nlg_verdict *verdicts; /* [claims.n_claims] */
    cJSON *data;           /* the document, see report_data.c */
    cJSON *verdict_list;   /* claims.json */
    const char *profile;
} nlg_report;

/* Reads everything and decides every claim. Refused: a profile without results (the message names those that have some), a claim,
 * figure or table file with a fault. Close also after a failure. */
nlg_status nlg_report_open(nlg_report *report, const char *results, const char *profile, nlg_error *err);
void nlg_report_close(nlg_report *report);

/* OUTPUT/tables/NAME.tsv, report.json, claims.json. */
nlg_status nlg_report_write_tables(nlg_report *report, const char *output, nlg_error *err);
/* OUTPUT/figures/ID.{svg,png,pdf}; a figure that cannot be drawn is a warning on standard error and listed as missing. */
nlg_status nlg_report_draw(nlg_report *report, const char *output, nlg_error *err);
/* OUTPUT/index.html, report.md, report.tex. */
nlg_status nlg_report_write_pages(nlg_report *report, const char *output, nlg_error *err);

/* A result as a table: {id, title, note, filter, columns: [{heading, number}], rows: [{cells: [{text, number}]}]}; headings are
 * "name|Heading|format", see report_tables.c. NULL: memory is short. */
cJSON *nlg_report_table(const nlg_rows *rows, const char *id, const char *title, const char *note, bool filter);
/* The same for machines: names and values, tab-separated; with_head: the line of names. */
void nlg_report_tsv(FILE *stream, const nlg_rows *rows, bool with_head);

#endif
