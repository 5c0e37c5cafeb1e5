/* Whole reads with limits, and writes that replace a file only when every byte is on disk. */
#include "layers/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
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
    nlg_free(writer->target);
    nlg_free(writer->temporary);
    *writer = (nlg_file_writer){0};
}

/* The folder of a path, to be freed: "." where it names none. */
static char *folder_of(const char *path) {
    const char *slash = strrchr(path, '/');
    char *folder = nlg_strdup(slash ? path : ".");
    if (folder && slash) folder[slash == path ? 1 : slash - path] = '\0';
    return folder;
}

static const char *name_in(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Follows a link that leads to nothing (yet) one step: *path becomes where it points. */
static int follow_link(char **path) {
    char text[4096];
    const ssize_t length = readlink(*path, text, sizeof text - 1);
    if (length < 0) return errno;
    text[length] = '\0';
    char *folder = folder_of(*path), *next = NULL;
    const size_t size = folder ? strlen(folder) + (size_t)length + 2 : 0;
    if (folder && (next = nlg_alloc(size, 1)) != NULL)
        snprintf(next, size, "%s%s%s", text[0] == '/' ? "" : folder, text[0] == '/' ? "" : "/", text);
    nlg_free(folder);
    if (!next) return ENOMEM;
    nlg_free(*path);
    *path = next;
    return 0;
}

nlg_status nlg_file_target(const char *path, char **target, nlg_error *err) {
    enum { MOST_LINKS = 40 };
    struct stat info;
    int cause = 0;
    *target = nlg_strdup(path);
    if (!*target) return nlg_fail_memory(err, strlen(path) + 1, "a file name");
    for (int links = 0; lstat(*target, &info) == 0 && S_ISLNK(info.st_mode) && !cause; links++)
        cause = links < MOST_LINKS ? follow_link(target) : ELOOP;
    if (!cause) return NLG_OK;
    nlg_free(*target);
    *target = NULL;
    return cause == ENOMEM ? nlg_fail_memory(err, strlen(path) + 1, "a file name") : fail_io(err, path, "write", cause);
}

/* --- temporary files: TARGET.tmp-PID-RANDOM beside the target, locked as long as they are written --------------------------- */

enum { RANDOM_DIGITS = 16, LONGEST_STEM = 200 };

/* Not guessable, so that nobody can put a link in its place beforehand. */
static uint64_t random_bits(void) {
    uint64_t bits;
    if (getrandom(&bits, sizeof bits, 0) == (ssize_t)sizeof bits) return bits;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000007u ^ (uint64_t)now.tv_nsec << 20;
}

static char *temporary_name(const char *target) {
    const char *name = name_in(target);
    const size_t size = strlen(target) + 64;
    char *text = nlg_alloc(size, 1);
    if (text)
        snprintf(text, size, "%.*s%.*s.tmp-%ld-%016llx", (int)(name - target), target, LONGEST_STEM, name, (long)getpid(),
                 (unsigned long long)random_bits());
    return text;
}

static bool is_temporary_of(const char *name, const char *candidate) {
    size_t stem = strlen(name);
    if (stem > LONGEST_STEM) stem = LONGEST_STEM;
    if (strncmp(candidate, name, stem) != 0 || strncmp(candidate + stem, ".tmp-", 5) != 0) return false;
    const char *at = candidate + stem + 5;
    const size_t digits = strspn(at, "0123456789");
    return digits > 0 && at[digits] == '-' && strspn(at + digits + 1, "0123456789abcdef") == RANDOM_DIGITS &&
           at[digits + 1 + RANDOM_DIGITS] == '\0';
}

static void warn_of_refusal(const char *path, int cause) {
    if (cause != ENOENT) nlg_warn("%s: cannot be removed: %s; it is not needed any more, remove it by hand", path, strerror(cause));
}

void nlg_file_remove(const char *path) {
    const int before = errno;
    if (remove(path) != 0) warn_of_refusal(path, errno);
    errno = before;
}

/* What a killed process left: nobody holds its lock. */
static void remove_if_stale(int folder, const char *name) {
    const int file = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat info;
    if (file < 0) return;
    if (fstat(file, &info) == 0 && S_ISREG(info.st_mode) && flock(file, LOCK_EX | LOCK_NB) == 0 && unlinkat(folder, name, 0) != 0)
        warn_of_refusal(name, errno);
    close(file);
}

static void remove_stale(const char *target) {
    char *folder = folder_of(target);
    DIR *stream = folder ? opendir(folder) : NULL;
    nlg_free(folder);
    if (!stream) return;
    for (struct dirent *item; (item = readdir(stream));)
        if (is_temporary_of(name_in(target), item->d_name)) remove_if_stale(dirfd(stream), item->d_name);
    closedir(stream);
}

/* A new file with its lock, or -1 with errno. Who removes stale files may take it between the two: then another one. */
static int create_temporary(nlg_file_writer *writer, mode_t mode) {
    enum { TRIES = 100 };
    for (int i = 0; i < TRIES; i++) {
        nlg_free(writer->temporary);
        writer->temporary = temporary_name(writer->target);
        if (!writer->temporary) return errno = ENOMEM, -1;
        const int file = open(writer->temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
        struct stat info;
        if (file < 0 && errno == EEXIST) continue;
        if (file < 0) return -1;
        const bool locked = flock(file, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK; /* some file systems have no locks */
        if (locked && fstat(file, &info) == 0 && info.st_nlink > 0) return file;
        close(file);
        nlg_file_remove(writer->temporary);
    }
    return errno = EEXIST, -1;
}

nlg_status nlg_file_begin(nlg_file_writer *writer, const char *path, nlg_error *err) {
    *writer = (nlg_file_writer){0};
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) return fail_io(err, path, "write", EISDIR);
    const bool in_place = exists && !S_ISREG(info.st_mode); /* a pipe or device must not be replaced by a file */
    nlg_status status = NLG_OK;
    writer->path = nlg_strdup(path);
    if (!writer->path) status = nlg_fail_memory(err, strlen(path) + 1, "a file name");
    if (status == NLG_OK && !in_place) status = nlg_file_target(path, &writer->target, err);
    if (status == NLG_OK && in_place) {
        writer->stream = fopen(path, "we");
    } else if (status == NLG_OK) {
        remove_stale(writer->target);
        const int file = create_temporary(writer, exists ? 0600 : 0666);
        if (file >= 0 && exists && fchown(file, info.st_uid, info.st_gid) != 0) errno = 0; /* only for who may; the mode counts */
        if (file >= 0 && exists) (void)fchmod(file, info.st_mode & 0777);
        writer->stream = file >= 0 ? fdopen(file, "w") : NULL;
        if (file >= 0 && !writer->stream) {
            close(file);
            nlg_file_remove(writer->temporary);
            errno = ENOMEM;
        }
    }
    if (writer->stream) return NLG_OK;
    if (status == NLG_OK)
        status = errno == ENOMEM ? nlg_fail_memory(err, strlen(path) + 64, "a file") : fail_io(err, path, "write", errno);
    release(writer);
    return status;
}

/* The rename itself must survive a power cut. Some file systems cannot sync a folder: not an error. */
static void sync_folder(const char *path) {
    char *folder = folder_of(path);
    if (!folder) return;
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
    if (!cause && !in_place && rename(writer->temporary, writer->target) != 0) cause = errno;
    nlg_status status = NLG_OK;
    if (cause) {
        status = fail_io(err, writer->path, "write", cause);
        if (!in_place) nlg_file_remove(writer->temporary);
    } else if (!in_place) {
        sync_folder(writer->target);
    }
    release(writer);
    return status;
}

void nlg_file_abort(nlg_file_writer *writer) {
    if (writer->stream) fclose(writer->stream);
    if (writer->temporary) nlg_file_remove(writer->temporary);
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
