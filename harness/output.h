/* What commands print on standard output: one JSON document, or tables. */
#ifndef NLG_OUTPUT_H
#define NLG_OUTPUT_H

#include <stdint.h>
#include <stdio.h>

#include "layers/base/json.h"

/* Prints the document on standard output and deletes it, in either case. */
nlg_status nlg_json_print(cJSON *document, nlg_error *err);

/* A table: columns are aligned when printed. Cells are filled row by row; a lack of memory is reported by printing. */
typedef struct nlg_text_table nlg_text_table;
/* align: one letter per column, 'l' or 'r'. */
nlg_text_table *nlg_text_table_create(const char *align, const char *const *headers);
void nlg_text_table_destroy(nlg_text_table *table);
void nlg_text_table_cell(nlg_text_table *table, const char *format, ...) __attribute__((format(printf, 2, 3)));
void nlg_text_table_integer(nlg_text_table *table, int64_t value); /* with thousands separators in print, plain in CSV */
/* Print and destroy, in either case. On a terminal that is too narrow, the widest columns of text are cut. CSV quotes where needed.
 */
nlg_status nlg_text_table_print(nlg_text_table *table, FILE *stream, nlg_error *err);
nlg_status nlg_text_table_print_csv(nlg_text_table *table, FILE *stream, nlg_error *err);
nlg_status nlg_text_table_print_markdown(nlg_text_table *table, FILE *stream, nlg_error *err);

const char *nlg_count_text(int64_t count, char text[32]); /* 25,557,032, for sentences */

#endif
