/* Tables of trained architectures (search/evaluators/own_table.h) as plans: every row is a trial of the measure train for each
 * seed. A table is built by running these trials as those of any experiment and writing their records into its files. */
#ifndef NLG_TABLE_PLAN_H
#define NLG_TABLE_PLAN_H

#include "harness/measures/measure.h"
#include "harness/plans/execute.h"
#include "search/evaluators/own_table.h"

/* The values of the measure train that all rows share, and those of one row; delete with cJSON_Delete. data: the name of the data
 * set, which may have a folder. The default recipe with the table's epochs, batch and rate is meant. */
nlg_status nlg_table_values(const nlg_table_recipe *recipe, const char *data, cJSON **values, nlg_error *err);
nlg_status nlg_table_row_values(const nlg_table_recipe *recipe, const nlg_code *code, int seed, cJSON *values, nlg_error *err);
/* What a record of such a trial says. NLG_ERR_NUMERIC where the training diverged: a table has no place for that. */
nlg_status nlg_table_take_row(const nlg_table_recipe *recipe, const nlg_record *record, const nlg_code *code, int seed,
                              nlg_table_row *row, nlg_error *err);

typedef struct nlg_table_build_options {
    const nlg_settings *settings;
    const char *data;        /* name of the data set */
    nlg_table_recipe recipe; /* without dataset and exec */
    const char *path;        /* of the files, without endings */
    const char *results;     /* folder of the store that keeps the trials */
    int workers;             /* as nlg_execution.workers */
} nlg_table_build_options;
/* Runs what the store lacks and writes the files; an interrupted build goes on from the store. A finished table of the same recipe
 * stays as it is, and nothing is run. digest: as nlg_table_write. Opens the test split. The summary is filled in any case. */
nlg_status nlg_table_build(const nlg_table_build_options *options, char digest[65], nlg_execution_summary *summary, nlg_error *err);

#endif
