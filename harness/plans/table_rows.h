/* Checking a table of trained architectures (search/evaluators/own_table.h): the trials of some rows are run again from their specs
 * (table_plan.h) and compared with the table's files. */
#ifndef NLG_TABLE_ROWS_H
#define NLG_TABLE_ROWS_H

#include "harness/command.h"
#include "search/evaluators/own_table.h"

typedef struct nlg_table_rows {
    const char *path; /* of the files, without endings */
    const char *data; /* NULL: as it was when the table was built */
    int rows;         /* so many, picked by the settings' seed; at most all */
    const nlg_settings *settings;
    /* Optional: what is known already is not trained again. */
    bool (*skip)(void *context, const nlg_table_facts *facts, int row, int seed);
    /* After each training; differs: the first column that does, or "". */
    nlg_status (*done)(void *context, const nlg_table_facts *facts, int row, const char *genotype, const nlg_table_row *trained,
                       const char *differs, nlg_error *err);
    void *context;
} nlg_table_rows;

typedef struct nlg_table_rows_summary {
    int rows, done, skipped, differ; /* rows: picked */
} nlg_table_rows_summary;

/* Refused before any training: files that are not those of PATH.json, another numerics version, other images. Stops at Ctrl-C with
 * NLG_ERR_INTERRUPTED; the summary is filled in any case. Opens the test split. */
nlg_status nlg_table_rows_check(const nlg_table_rows *check, nlg_table_rows_summary *summary, nlg_error *err);
/* What of it is known, and the seconds of one thread that the rest takes by its multiply-accumulates. */
nlg_status nlg_table_rows_plan(const nlg_table_rows *check, nlg_table_rows_summary *summary, double *seconds_left, nlg_error *err);

#endif
