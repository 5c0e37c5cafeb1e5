/* Allocation: every block of the program comes from here, so that tests can make any allocation fail. */
#ifndef NLG_MEMORY_H
#define NLG_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/status.h"

/* Like malloc (zeroed), realloc and free; NULL when memory is short. Sizes are multiplied with an overflow check. */
void *nlg_alloc(size_t count, size_t size);
void *nlg_realloc(void *block, size_t count, size_t size);
void nlg_free(void *block);
/* Room for an element behind `count` others in a block that has room for *room: the block, moved and twice as large if it was
 * full. NULL when memory is short; the old block stays. */
void *nlg_grow(void *block, int *room, int count, size_t size);
char *nlg_strdup(const char *text);

/* A large block aligned to 64 bytes (2 MiB and huge pages where the size allows), zeroed and touched once. */
void *nlg_alloc_large(size_t bytes);
void nlg_free_large(void *block, size_t bytes);

/* The message that every caller gives for a failed allocation. */
nlg_status nlg_fail_memory(nlg_error *err, size_t bytes, const char *what);

/* Test hook: the n-th allocation from now on fails (0: the next one); negative switches it off. */
void nlg_alloc_fail_after(long n);
/* Whether the failure that was asked for has not happened yet. A test that makes each allocation fail, one after the other, is
 * through when that is so; NLG_OK before that comes from an allocation that was not needed, or from a failure that went unnoticed.
 */
bool nlg_alloc_failure_pending(void);

/* Region allocator for graphs and models: blocks live until the arena is destroyed. Blocks are zeroed, aligned to 16. */
typedef struct nlg_arena nlg_arena;
nlg_arena *nlg_arena_create(void);
void nlg_arena_destroy(nlg_arena *arena);
void *nlg_arena_alloc(nlg_arena *arena, size_t count, size_t size);
char *nlg_arena_printf(nlg_arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* *sum += a * b, false on overflow. For size arithmetic on untrusted or large shapes. */
bool nlg_size_mul_add(size_t *sum, size_t a, size_t b);

#endif
