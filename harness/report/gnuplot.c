/* Running gnuplot. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np */
#include "harness/report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

extern char **environ;

nlg_status nlg_gnuplot_folder(char *folder, size_t size, nlg_error *err) {
    const char *place = getenv("TMPDIR");
    snprintf(folder, size, "%.200s/lineage-XXXXXX", place && *place ? place : "/tmp");
    return mkdtemp(folder) ? NLG_OK : nlg_fail(err, NLG_ERR_IO, "%s: %s", folder, strerror(errno));
}

void nlg_gnuplot_remove(const char *folder, const char *const *files, int n_files) {
    char path[512];
    for (int i = -1; i < n_files; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, i < 0 ? "errors" : files[i]);
        nlg_file_remove(path);
    }
    nlg_file_remove(folder);
}

static nlg_status read_reason(const char *folder, const char *figure, nlg_error *err) {
    char path[512], *text = NULL, line[300] = "it said nothing";
    size_t size = 0;
    snprintf(path, sizeof path, "%s/errors", folder);
    if (nlg_file_read(path, 1 << 20, &text, &size, NULL) == NLG_OK) {
        const char *at = text;
        while (*at) { /* the last line that is not blank says what was wrong */
            size_t length = strcspn(at, "\n");
            if (strspn(at, " \t^") < length) snprintf(line, sizeof line, "%.*s", (int)length, at + strspn(at, " \t"));
            at += length + (at[length] == '\n');
        }
    }
    nlg_free(text);
    return nlg_fail(err, NLG_ERR_INPUT, "figure %s: gnuplot failed: %s", figure, line);
}

nlg_status nlg_gnuplot_run(const char *folder, const char *figure, nlg_error *err) {
    char *arguments[] = {(char *)(uintptr_t) "gnuplot", (char *)(uintptr_t) "-d", (char *)(uintptr_t) "main.gp", NULL};
    posix_spawn_file_actions_t actions;
    pid_t child;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addchdir_np(&actions, folder);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 2, "errors", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int failed = posix_spawnp(&child, "gnuplot", &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed) return nlg_fail(err, NLG_ERR_INPUT, "gnuplot cannot be started (%s); install it by make setup", strerror(failed));
    int ended;
    pid_t waited;
    while ((waited = waitpid(child, &ended, 0)) < 0 && errno == EINTR) {
    }
    if (waited == child && WIFSIGNALED(ended) && WTERMSIG(ended) == SIGINT)
        return nlg_fail(err, NLG_ERR_INTERRUPTED, "interrupted while drawing %s", figure);
    return waited == child && ended == 0 ? NLG_OK : read_reason(folder, figure, err);
}
