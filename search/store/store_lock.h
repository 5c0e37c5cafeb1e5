/* The lock of a store: at most one writing process per file, released by the system when the process dies. */
#ifndef NLG_STORE_LOCK_H
#define NLG_STORE_LOCK_H

#include "layers/base/file.h"

typedef nlg_file_lock nlg_store_lock;

/* A killed search may have workers that die a moment later, with the last descriptor of its lock; on a busy machine seconds. */
enum { NLG_STORE_PATIENCE = 300 };

static inline nlg_status nlg_store_lock_take(nlg_store_lock *lock, const char *store, nlg_error *err) {
    return nlg_file_lock_take(lock, store, "another process works with this store", NLG_STORE_PATIENCE, err);
}
static inline void nlg_store_lock_release(nlg_store_lock *lock) {
    nlg_file_lock_release(lock);
}

#endif
