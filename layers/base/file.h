/* Files: whole reads with limits, and writes that never leave a partial file in place of a good one. */
#ifndef NLG_FILE_H
#define NLG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "layers/base/status.h"

/* Read a whole file of at most `limit` bytes into a new block (free with nlg_free); a zero byte is added behind it. */
nlg_status nlg_file_read(const char *path, size_t limit, char **data, size_t *size, nlg_error *err);

/* Atomic replacement: write `path`.tmp-PID, fsync, rename, fsync the folder. begin -> write to ->stream -> commit or abort. */
typedef struct nlg_file_writer {
    FILE *stream;
    char *path, *temporary;
} nlg_file_writer;
nlg_status nlg_file_begin(nlg_file_writer *writer, const char *path, nlg_error *err);
nlg_status nlg_file_commit(nlg_file_writer *writer, nlg_error *err); /* on failure the old file stays, the temporary is removed */
void nlg_file_abort(nlg_file_writer *writer);
nlg_status nlg_file_write(const char *path, const void *data, size_t size, nlg_error *err); /* all of it in one call */
/* Before long work: whether the file could be written. What is there stays as it is. */
nlg_status nlg_file_probe(const char *path, nlg_error *err);

bool nlg_file_exists(const char *path);
nlg_status nlg_folder_create(const char *path, nlg_error *err); /* with parents; fine when it exists */

#endif
