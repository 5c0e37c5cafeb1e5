/* The parts of the report. Everything is a function of the rows and of results/published. */
#ifndef NLG_REPORT_H
#define NLG_REPORT_H

#include <stdbool.h>

#include "harness/plans/results.h"

typedef struct nlg_figure {
    const char *name, *script, *table, *argument, *caption;
} nlg_figure;
extern const nlg_figure nlg_figures[];
extern const int nlg_n_figures;

/* FOLDER/tables/NAME.tsv. A table without rows is an error that names the experiment to run. */
nlg_status nlg_report_tables(const char *folder, const nlg_result_row *rows, int count, nlg_error *err);
/* FOLDER/index.html with the figures inside, FOLDER/report.md with links to them. */
nlg_status nlg_report_text(const char *folder, const char *profile, const nlg_result_row *rows, int count, nlg_error *err);

double nlg_result_number(const cJSON *object, const char *key); /* NaN where there is none */
bool nlg_result_is(const cJSON *object, const char *key, const char *text);

#endif
