/* Allocation with overflow checks, a failure hook for tests, large blocks on huge pages, and arenas. */
#include "layers/base/memory.h"

#include <limits.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_BYTES = 64, HUGE_PAGE_BYTES = 2 << 20, FIRST_CHUNK_BYTES = 16 << 10, LAST_CHUNK_BYTES = 1 << 20 };

static atomic_long allocations_left = -1; /* until the failure that a test asked for; negative: none */

void nlg_alloc_fail_after(long n) {
    atomic_store(&allocations_left, n);
}

bool nlg_alloc_failure_pending(void) {
    return atomic_load(&allocations_left) >= 0;
}

static bool failure_is_due(void) {
    return atomic_load_explicit(&allocations_left, memory_order_relaxed) >= 0 && atomic_fetch_sub(&allocations_left, 1) == 0;
}

bool nlg_size_mul_add(size_t *sum, size_t a, size_t b) {
    size_t product, total;
    if (__builtin_mul_overflow(a, b, &product) || __builtin_add_overflow(*sum, product, &total)) return false;
    *sum = total;
    return true;
}

void *nlg_alloc(size_t count, size_t size) {
    size_t bytes = 0;
    if (failure_is_due() || !nlg_size_mul_add(&bytes, count, size)) return NULL;
    return calloc(bytes ? bytes : 1, 1);
}

void *nlg_realloc(void *block, size_t count, size_t size) {
    size_t bytes = 0;
    if (failure_is_due() || !nlg_size_mul_add(&bytes, count, size)) return NULL;
    return realloc(block, bytes ? bytes : 1);
}

void nlg_free(void *block) {
    free(block);
}

void *nlg_grow(void *block, int *room, int count, size_t size) {
    enum { FIRST = 64 };
    if (count < *room) return block;
    if (*room > INT_MAX / 2) return NULL;
    const int larger = *room ? 2 * *room : FIRST;
    void *grown = nlg_realloc(block, (size_t)larger, size);
    if (grown) *room = larger;
    return grown;
}

char *nlg_strdup(const char *text) {
    return failure_is_due() ? NULL : strdup(text);
}

void *nlg_alloc_large(size_t bytes) {
    size_t alignment = bytes >= HUGE_PAGE_BYTES ? HUGE_PAGE_BYTES : LINE_BYTES;
    if (failure_is_due() || bytes > SIZE_MAX - alignment) return NULL;
    size_t rounded = bytes ? (bytes + alignment - 1) / alignment * alignment : alignment;
    void *block = aligned_alloc(alignment, rounded);
    if (!block) return NULL;
    if (alignment == HUGE_PAGE_BYTES) (void)madvise(block, rounded, MADV_HUGEPAGE); /* a hint: without it pages are small */
    return memset(block, 0, rounded);
}

void nlg_free_large(void *block, size_t bytes) {
    (void)bytes;
    free(block);
}

nlg_status nlg_fail_memory(nlg_error *err, size_t bytes, const char *what) {
    return nlg_fail(err, NLG_ERR_MEMORY,
                    "out of memory: cannot allocate %zu bytes (%.1f MiB) for %s; free some memory, raise the limit (ulimit -v) or "
                    "use a smaller batch or network",
                    bytes, (double)bytes / (1 << 20), what);
}

/* --- arena ---------------------------------------------------------------------------------------------------------- */

typedef struct chunk {
    struct chunk *next;
    size_t size, used;
    alignas(16) unsigned char bytes[];
} chunk;

struct nlg_arena {
    chunk *newest;
};

nlg_arena *nlg_arena_create(void) {
    return nlg_alloc(1, sizeof(nlg_arena));
}

void nlg_arena_destroy(nlg_arena *arena) {
    if (!arena) return;
    for (chunk *c = arena->newest, *next; c; c = next) {
        next = c->next;
        nlg_free(c);
    }
    nlg_free(arena);
}

void *nlg_arena_alloc(nlg_arena *arena, size_t count, size_t size) {
    size_t need = 15;
    if (failure_is_due()) return NULL; /* each block counts, not only the chunks that they are cut from */
    if (!nlg_size_mul_add(&need, count, size)) return NULL;
    need = need < 16 ? 16 : need & ~(size_t)15;
    chunk *c = arena->newest;
    if (!c || c->size - c->used < need) {
        size_t room = c ? c->size * 2 : FIRST_CHUNK_BYTES;
        if (room > LAST_CHUNK_BYTES) room = LAST_CHUNK_BYTES;
        if (room < need) room = need;
        if (room > SIZE_MAX - sizeof(chunk)) return NULL;
        c = nlg_alloc(1, sizeof(chunk) + room);
        if (!c) return NULL;
        c->size = room;
        c->next = arena->newest;
        arena->newest = c;
    }
    void *block = c->bytes + c->used;
    c->used += need;
    return block;
}

char *nlg_arena_printf(nlg_arena *arena, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = length < 0 ? NULL : nlg_arena_alloc(arena, (size_t)length + 1, 1);
    if (text) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}
