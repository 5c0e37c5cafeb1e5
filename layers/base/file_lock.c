/* A lock file beside the file. The file itself is never opened: SQLite's record locks on it would be dropped with the first
 * descriptor that is closed. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

/* The holder removes the file before it lets go: a lock on a removed file counts for nothing. */
static bool still_there(const nlg_file_lock *lock) {
    struct stat held, named;
    return fstat(lock->file, &held) == 0 && lstat(lock->path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

static nlg_status name_lock(const char *path, nlg_file_lock *lock, nlg_error *err) {
    char *target;
    NLG_TRY(nlg_file_target(path, &target, err));
    const size_t size = strlen(target) + sizeof "-lock";
    lock->path = nlg_alloc(size, 1);
    if (lock->path) snprintf(lock->path, size, "%s-lock", target);
    nlg_free(target);
    return lock->path ? NLG_OK : nlg_fail_memory(err, size, "the name of a lock file");
}

static nlg_status take(nlg_file_lock *lock, const char *path, const char *others, int patience, nlg_error *err) {
    for (int tries = 0;;) {
        lock->file = open(lock->path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (lock->file < 0)
            return nlg_fail(err, NLG_ERR_IO,
                            "%s: cannot be written: creating %s: %s; use a folder that exists and may be written to", path,
                            lock->path, strerror(errno));
        if (flock(lock->file, LOCK_EX | LOCK_NB) == 0) {
            if (still_there(lock)) return NLG_OK;
            close(lock->file);
            continue;
        }
        const int cause = errno;
        close(lock->file);
        lock->file = -1;
        if (cause == EINTR) continue;
        if (cause == EWOULDBLOCK && tries++ < patience) {
            const struct timespec wait = {.tv_nsec = 10000000};
            nanosleep(&wait, NULL);
            continue;
        }
        if (cause == EWOULDBLOCK) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s; wait for it or use another file", path, others);
        return nlg_fail(err, NLG_ERR_IO, "%s: cannot be locked: %s; use a file system with locks", path, strerror(cause));
    }
}

nlg_status nlg_file_lock_take(nlg_file_lock *lock, const char *path, const char *others, int patience, nlg_error *err) {
    *lock = (nlg_file_lock){.file = -1};
    nlg_status status = name_lock(path, lock, err);
    if (status == NLG_OK) status = take(lock, path, others, patience, err);
    if (status == NLG_OK) return NLG_OK;
    nlg_free(lock->path);
    *lock = (nlg_file_lock){.file = -1};
    return status;
}

void nlg_file_lock_release(nlg_file_lock *lock) {
    if (lock->path && lock->file >= 0) {
        nlg_file_remove(lock->path);
        close(lock->file);
    }
    nlg_free(lock->path);
    *lock = (nlg_file_lock){.file = -1};
}
