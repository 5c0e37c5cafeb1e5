/* A lock file beside the store. The store itself must not be opened a second time: closing any descriptor of a file drops the
 * record locks that SQLite holds on it. */
#include "search/store/store_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "layers/base/memory.h"

/* A killed search may have workers that die a moment later, with the last descriptor of its lock; on a busy machine seconds. */
enum { PATIENCE = 300 };

/* The holder removes the file before it lets go: a lock on a removed file counts for nothing. */
static bool still_there(const nlg_store_lock *lock) {
    struct stat held, named;
    return fstat(lock->file, &held) == 0 && stat(lock->path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

nlg_status nlg_store_lock_take(nlg_store_lock *lock, const char *store, nlg_error *err) {
    size_t size = strlen(store) + sizeof "-lock";
    *lock = (nlg_store_lock){.path = nlg_alloc(size, 1), .file = -1};
    if (!lock->path) return nlg_fail_memory(err, size, "the name of a lock file");
    snprintf(lock->path, size, "%s-lock", store);
    for (int tries = 0;;) {
        lock->file = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock->file < 0) {
            return nlg_fail(err, NLG_ERR_IO,
                            "%s: cannot be written: creating %s-lock: %s; use a folder that exists and may be written to", store,
                            store, strerror(errno));
        }
        if (flock(lock->file, LOCK_EX | LOCK_NB) != 0) {
            int cause = errno;
            close(lock->file);
            lock->file = -1;
            if (cause == EINTR) continue;
            if (cause == EWOULDBLOCK && tries++ < PATIENCE) {
                const struct timespec wait = {.tv_nsec = 10000000};
                nanosleep(&wait, NULL);
                continue;
            }
            if (cause == EWOULDBLOCK) {
                return nlg_fail(err, NLG_ERR_INPUT,
                                "%s: another process is searching with this store; wait for it or use another file", store);
            }
            return nlg_fail(err, NLG_ERR_IO, "%s: cannot be locked: %s; use a file system with locks", store, strerror(cause));
        }
        if (still_there(lock)) return NLG_OK;
        close(lock->file);
    }
}

void nlg_store_lock_release(nlg_store_lock *lock) {
    if (lock->file >= 0) {
        unlink(lock->path);
        close(lock->file);
    }
    nlg_free(lock->path);
    *lock = (nlg_store_lock){.file = -1};
}
