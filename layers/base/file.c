/* Whole reads with limits, and writes that replace a file only when every byte is on disk. */
#include "layers/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/base/memory.h"

/* "FILE: cannot DO: REASON; WHAT TO DO" */
static nlg_status fail_io(nlg_error *err, const char *path, const char *action, int cause) {
    const char *hint = "check the path and its permissions";
    switch (cause) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        hint = "free some space or choose another folder";
        break;
    case ENOENT:
        hint = "check the spelling and that its folder exists";
        break;
    case EACCES:
    case EPERM:
    case EROFS:
        hint = "change its permissions or choose another folder";
        break;
    case ENOTDIR:
    case EEXIST:
        hint = "a part of this path is a file where a folder is needed: choose another path";
        break;
    case EISDIR:
        hint = "name a file in it";
        break;
    case EMFILE:
    case ENFILE:
        hint = "close other files or raise the limit (ulimit -n)";
        break;
    case ENAMETOOLONG:
        hint = "choose a shorter name";
        break;
    default:
        break;
    }
    return nlg_fail(err, NLG_ERR_IO, "%s: cannot %s: %s; %s", path, action, strerror(cause), hint);
}

/* --- reading -------------------------------------------------------------------------------------------------------- */

/* Reads to the end, whatever the reported size (pipes and /proc report none). */
static nlg_status read_all(int file, const char *path, size_t limit, size_t expected, char **data, size_t *size, nlg_error *err) {
    size_t capacity = expected < limit ? expected + 1 : limit + 1, used = 0;
    char *block = nlg_alloc(capacity + 1, 1);
    if (!block) return nlg_fail_memory(err, capacity + 1, path);
    for (;;) {
        if (used > limit) {
            nlg_free(block);
            return nlg_fail(err, NLG_ERR_INPUT, "%s: expected at most %zu bytes, found more; is this the right file?", path, limit);
        }
        if (used == capacity) {
            size_t grown = capacity < limit / 2 ? 2 * capacity + 4096 : limit + 1;
            if (grown > limit + 1) grown = limit + 1;
            char *larger = nlg_realloc(block, grown + 1, 1);
            if (!larger) {
                nlg_free(block);
                return nlg_fail_memory(err, grown + 1, path);
            }
            block = larger;
            capacity = grown;
        }
        ssize_t count = read(file, block + used, capacity - used);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            int cause = errno;
            nlg_free(block);
            return fail_io(err, path, "read", cause);
        }
        if (count == 0) break;
        used += (size_t)count;
    }
    block[used] = '\0';
    *data = block;
    *size = used;
    return NLG_OK;
}

nlg_status nlg_file_read(const char *path, size_t limit, char **data, size_t *size, nlg_error *err) {
    *data = NULL;
    *size = 0;
    if (limit > SIZE_MAX / 2 - 2) limit = SIZE_MAX / 2 - 2; /* room for the end mark */
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return fail_io(err, path, "read", errno);
    struct stat info;
    nlg_status status;
    if (fstat(file, &info) != 0) {
        status = fail_io(err, path, "read", errno);
    } else if (S_ISDIR(info.st_mode)) {
        status = fail_io(err, path, "read", EISDIR);
    } else {
        size_t expected = S_ISREG(info.st_mode) && info.st_size > 0 ? (size_t)info.st_size : 0;
        if (expected > limit)
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected at most %zu bytes, found %zu; is this the right file?", path, limit,
                              expected);
        else
            status = read_all(file, path, limit, expected, data, size, err);
    }
    close(file);
    return status;
}

/* --- writing -------------------------------------------------------------------------------------------------------- */

static void release(nlg_file_writer *writer) {
    nlg_free(writer->path);
    nlg_free(writer->temporary);
    *writer = (nlg_file_writer){0};
}

static char *temporary_name(const char *path) {
    size_t size = strlen(path) + 32;
    char *name = nlg_alloc(size, 1);
    if (name) snprintf(name, size, "%s.tmp-%ld", path, (long)getpid());
    return name;
}

nlg_status nlg_file_begin(nlg_file_writer *writer, const char *path, nlg_error *err) {
    *writer = (nlg_file_writer){0};
    struct stat info;
    bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return fail_io(err, path, "write", EISDIR);
    bool in_place = exists && !S_ISREG(info.st_mode); /* a pipe or device, like /dev/stdout, must not be replaced by a file */
    writer->path = nlg_strdup(path);
    writer->temporary = writer->path && !in_place ? temporary_name(path) : NULL;
    if (!writer->path || (!writer->temporary && !in_place)) {
        release(writer);
        return nlg_fail_memory(err, strlen(path) + 32, "a file name");
    }
    writer->stream = fopen(in_place ? path : writer->temporary, "we");
    if (!writer->stream) {
        int cause = errno;
        release(writer);
        return fail_io(err, path, "write", cause);
    }
    return NLG_OK;
}

/* The rename itself must survive a power cut. Some file systems cannot sync a folder: not an error. */
static void sync_folder(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = nlg_strdup(slash ? path : ".");
    if (!folder) return;
    if (slash) folder[slash == path ? 1 : slash - path] = '\0';
    int file = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file >= 0) {
        (void)fsync(file);
        close(file);
    }
    nlg_free(folder);
}

nlg_status nlg_file_commit(nlg_file_writer *writer, nlg_error *err) {
    bool in_place = !writer->temporary;
    int cause = 0;
    bool failed_before = ferror(writer->stream);
    errno = 0;
    if (failed_before) fputc('\n', writer->stream); /* stdio forgot why an earlier write failed: ask again */
    if (fflush(writer->stream) != 0 || failed_before) cause = errno ? errno : EIO;
    if (!cause && fsync(fileno(writer->stream)) != 0 && !(in_place && (errno == EINVAL || errno == ENOTSUP || errno == EROFS)))
        cause = errno;
    if (fclose(writer->stream) != 0 && !cause) cause = errno;
    writer->stream = NULL;
    if (!cause && !in_place && rename(writer->temporary, writer->path) != 0) cause = errno;
    nlg_status status = NLG_OK;
    if (cause) {
        status = fail_io(err, writer->path, "write", cause);
        if (!in_place) (void)unlink(writer->temporary);
    } else if (!in_place) {
        sync_folder(writer->path);
    }
    release(writer);
    return status;
}

void nlg_file_abort(nlg_file_writer *writer) {
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary) (void)unlink(writer->temporary);
    release(writer);
}

nlg_status nlg_file_write(const char *path, const void *data, size_t size, nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    if (size > 0 && fwrite(data, 1, size, writer.stream) != size) {
        int cause = errno;
        nlg_file_abort(&writer);
        return fail_io(err, path, "write", cause);
    }
    return nlg_file_commit(&writer, err);
}

nlg_status nlg_file_probe(const char *path, nlg_error *err) {
    struct stat info;
    nlg_file_writer writer;
    if (stat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISDIR(info.st_mode)) return NLG_OK; /* a pipe must not be opened */
    NLG_TRY(nlg_file_begin(&writer, path, err));
    nlg_file_abort(&writer);
    return NLG_OK;
}

/* --- names ---------------------------------------------------------------------------------------------------------- */

bool nlg_file_exists(const char *path) {
    struct stat info;
    return stat(path, &info) == 0;
}

static int make_folder(const char *path) {
    if (mkdir(path, 0777) == 0) return 0;
    int cause = errno;
    struct stat info;
    if (stat(path, &info) == 0) return S_ISDIR(info.st_mode) ? 0 : ENOTDIR; /* another process may have been faster */
    return cause;
}

nlg_status nlg_folder_create(const char *path, nlg_error *err) {
    char *part = nlg_strdup(path);
    if (!part) return nlg_fail_memory(err, strlen(path) + 1, "a folder name");
    int cause = 0;
    for (char *slash = part + (*part == '/'); !cause && (slash = strchr(slash, '/')); *slash++ = '/') {
        *slash = '\0';
        cause = make_folder(part);
    }
    if (!cause) cause = make_folder(part);
    nlg_free(part);
    return cause ? fail_io(err, path, "create the folder", cause) : NLG_OK;
}
