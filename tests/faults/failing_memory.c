/* For LD_PRELOAD: allocation number FAIL_AT (from 1) of the program `lineage` since main began fails, whoever asks for it,
 * libraries too. COUNT_TO names a file for the number of allocations. Children that are forked count on from where their parent
 * was. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes);

static atomic_long count;
static long fail_at;
static int counting;

/* Before main, libraries set themselves up: libpixman crashes there when memory is short. */
typedef int start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                       void (*rtld_fini)(void), void *stack_end);
start_main __libc_start_main;
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*rtld_fini)(void), void *stack_end) {
    start_main *next;
    *(void **)&next = dlsym(RTLD_NEXT, "__libc_start_main");
    const char *name = strrchr(argv[0], '/'), *at = getenv("FAIL_AT");
    fail_at = at ? atol(at) : 0;
    counting = name && strcmp(name, "/lineage") == 0;
    return next(main, argc, argv, init, fini, rtld_fini, stack_end);
}

static int fails(void) {
    if (!counting || atomic_fetch_add(&count, 1) + 1 != fail_at) return 0;
    errno = ENOMEM;
    return 1;
}

void *malloc(size_t bytes) {
    return fails() ? NULL : __libc_malloc(bytes);
}

void *calloc(size_t number, size_t size) {
    return fails() ? NULL : __libc_calloc(number, size);
}

void *realloc(void *block, size_t bytes) {
    return fails() ? NULL : __libc_realloc(block, bytes);
}

void *memalign(size_t alignment, size_t bytes) {
    return fails() ? NULL : __libc_memalign(alignment, bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) {
    return memalign(alignment, bytes);
}

int posix_memalign(void **block, size_t alignment, size_t bytes) {
    void *found = memalign(alignment, bytes);
    if (!found) return ENOMEM;
    *block = found;
    return 0;
}

__attribute__((destructor)) static void report(void) {
    const char *path = getenv("COUNT_TO");
    char text[32];
    if (!counting || !path) return;
    const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (file < 0) return;
    const int length = snprintf(text, sizeof text, "%ld\n", (long)count);
    if (write(file, text, (size_t)length) != length) _exit(99);
    close(file);
}
