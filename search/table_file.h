/* Tables of evaluated architectures as files: comma-separated values, plain or gzip-compressed, one header line, no quoting. */
#ifndef NLG_TABLE_FILE_H
#define NLG_TABLE_FILE_H

#include <stdbool.h>

#include "layers/base/status.h"

/* A name without a folder stands for a file in results/published, results/tables or results/latency, either of the working folder
 * or of those that come with the program. */
typedef struct nlg_table_file nlg_table_file;
nlg_status nlg_table_file_open(const char *name_or_path, nlg_table_file **file, nlg_error *err);
void nlg_table_file_close(nlg_table_file *file);

const char *nlg_table_file_path(const nlg_table_file *file);
const char *nlg_table_file_digest(const nlg_table_file *file); /* SHA-256 of the unpacked text */
int nlg_table_file_rows(const nlg_table_file *file);
int nlg_table_file_columns(const nlg_table_file *file);
const char *nlg_table_file_header(const nlg_table_file *file, int column);
const char *nlg_table_file_cell(const nlg_table_file *file, int row, int column);

/* The column of that name; an error names the file. */
nlg_status nlg_table_file_find(const nlg_table_file *file, const char *header, int *column, nlg_error *err);
/* An empty cell, which means a missing value, is NAN; a cell that is no number is an error. */
nlg_status nlg_table_file_number(const nlg_table_file *file, int row, int column, double *value, nlg_error *err);
nlg_status nlg_table_file_row_digest(const nlg_table_file *file, int row, char hex[65], nlg_error *err);

/* PATH and an ending in a new block (free with nlg_free); an ending ".csv.gz" that PATH has already is taken off first. */
nlg_status nlg_table_path(const char *path, const char *ending, char **name, nlg_error *err);

#endif
