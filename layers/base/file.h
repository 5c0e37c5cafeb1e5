/* Files: whole reads with limits, and writes that never leave a partial file in place of a good one. */
#ifndef NLG_FILE_H
#define NLG_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "layers/base/status.h"

/* Read a whole file of at most `limit` bytes into a new block (free with nlg_free); a zero byte is added behind it. */
nlg_status nlg_file_read(const char *path, size_t limit, char **data, size_t *size, nlg_error *err);

/* Atomic replacement: write a temporary file, fsync, rename, fsync the folder. begin -> write to ->stream -> commit or abort.
 * Links are followed: the file that they lead to is replaced, with its mode. The temporary file's name is `target`.tmp-PID-RANDOM;
 * those that killed processes left are removed. A pipe or device is written in place. */
typedef struct nlg_file_writer {
    FILE *stream;
    char *path, *target, *temporary; /* as given; with links followed; in the target's folder (NULL: it is written in place) */
} nlg_file_writer;
nlg_status nlg_file_begin(nlg_file_writer *writer, const char *path, nlg_error *err);
nlg_status nlg_file_commit(nlg_file_writer *writer, nlg_error *err); /* on failure the old file stays, the temporary is removed */
void nlg_file_abort(nlg_file_writer *writer);
nlg_status nlg_file_write(const char *path, const void *data, size_t size, nlg_error *err); /* all of it in one call */
/* Before long work: whether the file could be written. What is there stays as it is. */
nlg_status nlg_file_probe(const char *path, nlg_error *err);

/* Where a path leads when links are followed, whether the file exists or not (free with nlg_free). */
nlg_status nlg_file_target(const char *path, char **target, nlg_error *err);

/* At most one process works on a file: PATH-lock, a lock that the system releases when the process dies. `path` may lead through
 * links: the file behind them is locked. Waits up to `patience` hundredths of a second for a process that is just dying; then the
 * error is "PATH: OTHERS; wait for it or use another file". */
typedef struct nlg_file_lock {
    char *path; /* of the lock file; NULL: not held */
    int file;   /* -1: not held */
} nlg_file_lock;
nlg_status nlg_file_lock_take(nlg_file_lock *lock, const char *path, const char *others, int patience, nlg_error *err);
void nlg_file_lock_release(nlg_file_lock *lock);

bool nlg_file_exists(const char *path);
/* A file or an empty folder of ours that is not needed any more. If the system refuses, a warning says so; errno stays as it was.
 */
void nlg_file_remove(const char *path);
nlg_status nlg_folder_create(const char *path, nlg_error *err); /* with parents; fine when it exists */

#endif
