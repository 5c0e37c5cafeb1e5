/* Downloading data sets by the program curl, and comparing files with the published digests. */
#define _GNU_SOURCE /* pipe2 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "datasets/fetch.h"
#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"

extern char **environ;

typedef struct listener {
    nlg_fetch_progress *progress;
    void *context;
} listener;

__attribute__((format(printf, 2, 3))) static void say(const listener *l, const char *format, ...) {
    if (!l->progress) return;
    char line[NLG_PATH_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    l->progress(l->context, line);
}

/* --- curl ----------------------------------------------------------------------------------------------------------- */

enum { CURL_RESOLVE = 6, CURL_CONNECT = 7, CURL_HTTP = 22, CURL_WRITE = 23, CURL_TIMEOUT = 28, CURL_RANGE = 33, CURL_RESUME = 36 };

typedef struct run {
    int exit_code; /* -1: no such program */
    char message[256];
} run;

static uint64_t file_bytes(const char *path) {
    struct stat info;
    return stat(path, &info) == 0 && info.st_size > 0 ? (uint64_t)info.st_size : 0;
}

static int start_curl(const char *address, const char *part, int message_pipe[2], pid_t *child) {
    char *const arguments[] = {(char[]){"curl"},
                               (char[]){"--fail"},
                               (char[]){"--location"},
                               (char[]){"--silent"},
                               (char[]){"--show-error"},
                               (char[]){"--connect-timeout"},
                               (char[]){"20"},
                               (char[]){"--speed-limit"}, /* give up after a minute without bytes, not before */
                               (char[]){"1"},
                               (char[]){"--speed-time"},
                               (char[]){"60"},
                               (char[]){"--continue-at"},
                               (char[]){"-"},
                               (char[]){"--output"},
                               nlg_strdup(part),
                               nlg_strdup(address),
                               NULL};
    posix_spawn_file_actions_t actions;
    int cause = arguments[14] && arguments[15] ? posix_spawn_file_actions_init(&actions) : ENOMEM;
    if (cause == 0) {
        cause = posix_spawn_file_actions_adddup2(&actions, message_pipe[1], STDERR_FILENO);
        if (cause == 0) cause = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        if (cause == 0) cause = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        if (cause == 0) cause = posix_spawnp(child, arguments[0], &actions, NULL, arguments, environ);
        posix_spawn_file_actions_destroy(&actions);
    }
    nlg_free(arguments[14]);
    nlg_free(arguments[15]);
    return cause;
}

/* Waits for the program, telling now and then how far it is. A Ctrl-C reaches it as well, being in the same group. */
static int wait_for(pid_t child, const char *part, uint64_t bytes, const listener *l) {
    const struct timespec nap = {.tv_nsec = 100 * 1000 * 1000};
    int state;
    for (int naps = 1;; naps++) {
        pid_t ended = waitpid(child, &state, WNOHANG);
        if (ended == child) return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
        if (ended < 0 && errno != EINTR) return 128;
        nanosleep(&nap, NULL);
        if (naps % 50 == 0) say(l, "  %.1f of %.1f MB", (double)file_bytes(part) / 1e6, (double)bytes / 1e6);
    }
}

static nlg_status run_curl(const char *address, const char *part, uint64_t bytes, const listener *l, run *r, nlg_error *err) {
    int message_pipe[2];
    *r = (run){0};
    if (pipe2(message_pipe, O_CLOEXEC) != 0)
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot start curl: %s; close other files", address, strerror(errno));
    pid_t child;
    int cause = start_curl(address, part, message_pipe, &child);
    close(message_pipe[1]);
    if (cause == 0) {
        r->exit_code = wait_for(child, part, bytes, l);
        ssize_t count = read(message_pipe[0], r->message, sizeof r->message - 1); /* a silent curl writes one short line at most */
        r->message[count > 0 ? count : 0] = '\0';
        r->message[strcspn(r->message, "\r\n")] = '\0';
    } else {
        r->exit_code = -1;
    }
    close(message_pipe[0]);
    if (cause && cause != ENOENT) return nlg_fail(err, NLG_ERR_IO, "%s: cannot start curl: %s", address, strerror(cause));
    return NLG_OK;
}

static nlg_status explain(const char *address, const char *path, const run *r, nlg_error *err) {
    if (r->exit_code == 128 + SIGINT)
        return nlg_fail(err, NLG_ERR_INTERRUPTED, "%s: stopped; the same command continues the download", address);
    const char *hint = "try again: the download continues where it stopped";
    switch (r->exit_code) {
    case -1:
    case 127:
        return nlg_fail(err, NLG_ERR_IO,
                        "%s: cannot download: the program curl is missing; install it (apt-get install curl) or put the file at %s",
                        address, path);
    case CURL_RESOLVE:
    case CURL_CONNECT:
    case CURL_TIMEOUT:
        hint = "there seems to be no network: connect, set https_proxy, or put the file there by other means";
        break;
    case CURL_HTTP:
        hint = "the server does not give the file out: get it elsewhere and put it there";
        break;
    case CURL_WRITE:
        hint = "check the free space and the permissions of the folder";
        break;
    default:
        break;
    }
    return nlg_fail(err, NLG_ERR_IO, "%s: cannot download to %s: %s (curl exit %d); %s", address, path,
                    r->message[0] ? r->message : "curl ended without a message", r->exit_code, hint);
}

/* --- one file ------------------------------------------------------------------------------------------------------- */

static nlg_status download(const nlg_dataset_file *file, const char *path, const char *part, const listener *l, nlg_error *err) {
    if (file_bytes(part) > file->bytes) nlg_file_remove(part); /* of something else */
    if (file_bytes(part) == file->bytes) return NLG_OK;        /* curl would ask for the bytes behind the end */
    run r;
    NLG_TRY(run_curl(file->address, part, file->bytes, l, &r, err));
    if (r.exit_code == CURL_RANGE || r.exit_code == CURL_RESUME) { /* the server cannot continue: from the start */
        nlg_file_remove(part);
        NLG_TRY(run_curl(file->address, part, file->bytes, l, &r, err));
    }
    return r.exit_code == 0 ? NLG_OK : explain(file->address, path, &r, err);
}

nlg_status nlg_fetch_file(const nlg_dataset_file *file, const char *folder, nlg_fetch_progress *progress, void *context,
                          nlg_error *err) {
    listener l = {progress, context};
    char path[NLG_PATH_BYTES], part[NLG_PATH_BYTES], digest[65];
    if (!nlg_path_join(path, folder, file->name) || snprintf(part, sizeof part, "%s.part", path) >= (int)sizeof part)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: the path is too long", folder);
    if (nlg_file_exists(path)) {
        NLG_TRY(nlg_digest_file(path, digest, err));
        if (strcmp(digest, file->sha256) == 0) {
            say(&l, "%s: complete", file->name);
            return NLG_OK;
        }
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected SHA-256 %s, found %s; remove the file and fetch again", path,
                        file->sha256, digest);
    }
    NLG_TRY(nlg_folder_create(folder, err));
    uint64_t had = file_bytes(part);
    say(&l, "%s: fetching %.1f MB%s", file->name, (double)file->bytes / 1e6, had && had <= file->bytes ? ", continued" : "");
    NLG_TRY(download(file, path, part, &l, err));
    NLG_TRY(nlg_digest_file(part, digest, err));
    if (strcmp(digest, file->sha256) != 0) {
        uint64_t found = file_bytes(part);
        if (found >= file->bytes || found == 0) nlg_file_remove(part); /* never to be continued */
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected %llu bytes with SHA-256 %s, received %llu with %s; fetch again",
                        file->address, (unsigned long long)file->bytes, file->sha256, (unsigned long long)found, digest);
    }
    int handle = open(part, O_RDONLY | O_CLOEXEC);
    if (handle >= 0) {
        (void)fsync(handle);
        close(handle);
    }
    if (rename(part, path) != 0) return nlg_fail(err, NLG_ERR_IO, "%s: cannot rename %s: %s", path, part, strerror(errno));
    say(&l, "%s: complete, SHA-256 as published", file->name);
    return NLG_OK;
}

/* Compares a file, or what gzip packed in it, with the published digests. */
static nlg_status verify_file(const nlg_dataset_file *file, const char *folder, const listener *l, nlg_error *err) {
    char path[NLG_PATH_BYTES], digest[65];
    if (!nlg_path_join(path, folder, file->name)) return nlg_fail(err, NLG_ERR_INPUT, "%s: the path is too long", folder);
    if (nlg_file_exists(path)) {
        NLG_TRY(nlg_digest_file(path, digest, err));
        if (strcmp(digest, file->sha256) == 0) {
            say(l, "%s: as published", file->name);
            return NLG_OK;
        }
    }
    if (!file->unpacked_sha256)
        return nlg_fail(err, NLG_ERR_CHECK, "%s: expected SHA-256 %s, found %s; fetch it again", path, file->sha256,
                        nlg_file_exists(path) ? digest : "no such file");
    nlg_unpacker *unpacker;
    NLG_TRY(nlg_unpacker_open(path, &unpacker, err));
    nlg_digest *sum = nlg_digest_create();
    char *buffer = nlg_alloc(1 << 16, 1);
    nlg_status status = sum && buffer ? NLG_OK : nlg_fail_memory(err, 1 << 16, path);
    for (size_t got = 1; status == NLG_OK && got;) {
        status = nlg_unpacker_read(unpacker, buffer, 1 << 16, &got, err);
        nlg_digest_update(sum, buffer, got);
    }
    if (sum) nlg_digest_finish(sum, digest);
    nlg_free(buffer);
    if (status == NLG_OK && strcmp(digest, file->unpacked_sha256) != 0)
        status = nlg_fail(err, NLG_ERR_CHECK, "%s: expected contents with SHA-256 %s, found %s; fetch it again",
                          nlg_unpacker_path(unpacker), file->unpacked_sha256, digest);
    if (status == NLG_OK) say(l, "%s: the content is that of the published file, compressed again", file->name);
    nlg_unpacker_close(unpacker);
    return status;
}

/* --- data sets ------------------------------------------------------------------------------------------------------ */

static nlg_status fetchable(const char *name, const nlg_dataset_format **format, nlg_error *err) {
    NLG_TRY(nlg_dataset_format_find(name, format, err));
    if ((*format)->file_count) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a data set that is published as files, found one that is your own folder",
                    name);
}

nlg_status nlg_dataset_fetch(const char *name, const char *folder, nlg_fetch_progress *progress, void *context, nlg_error *err) {
    const nlg_dataset_format *format;
    char place[NLG_PATH_BYTES];
    NLG_TRY(fetchable(name, &format, err));
    if (!folder) NLG_TRY(nlg_dataset_fetch_folder(format, place, sizeof place, err));
    for (int i = 0; i < format->file_count; i++)
        NLG_TRY(nlg_fetch_file(&format->files[i], folder ? folder : place, progress, context, err));
    return NLG_OK;
}

nlg_status nlg_dataset_verify(const char *name, const char *folder, nlg_fetch_progress *progress, void *context, nlg_error *err) {
    const nlg_dataset_format *format;
    char place[NLG_PATH_BYTES];
    listener l = {progress, context};
    NLG_TRY(fetchable(name, &format, err));
    if (!folder && !nlg_dataset_format_folder(format, place, sizeof place))
        return nlg_fail(err, NLG_ERR_IO, "%s: expected its files, found them nowhere; fetch them with: lineage data fetch %s", name,
                        name);
    for (int i = 0; i < format->file_count; i++) NLG_TRY(verify_file(&format->files[i], folder ? folder : place, &l, err));
    return NLG_OK;
}
