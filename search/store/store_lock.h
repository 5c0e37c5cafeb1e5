/* The lock of a store: at most one writing process per file, released by the system when the process dies. */
#ifndef NLG_STORE_LOCK_H
#define NLG_STORE_LOCK_H

#include "layers/base/status.h"

typedef struct nlg_store_lock {
    char *path; /* FILE-lock */
    int file;   /* -1: not held */
} nlg_store_lock;

nlg_status nlg_store_lock_take(nlg_store_lock *lock, const char *store, nlg_error *err);
void nlg_store_lock_release(nlg_store_lock *lock);

#endif
