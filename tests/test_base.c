/* layers/base: status, memory, random streams, the thread team, CPU, digests, files. (The elementary functions: test_dmath.c.) */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "layers/base/cpu.h"
#include "layers/base/digest.h"
#include "layers/base/dmath.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/rng.h"
#include "layers/base/share.h"
#include "layers/base/status.h"
#include "layers/base/team.h"
#include "layers/kernels/simd.h"

#ifdef __has_feature /* clang */
#define SANITIZED __has_feature(address_sanitizer)
#elif defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void check_near(double found, double expected, double tolerance) {
    if (!(fabs(found - expected) <= tolerance)) fail_msg("expected %.17g within %g, found %.17g", expected, tolerance, found);
}

/* --- status ---------------------------------------------------------------------------------------------------------- */

static void first_failure_wins(void **state) {
    (void)state;
    nlg_error err = {0};
    assert_int_equal(nlg_fail_at(&err, "nothing"), NLG_OK);
    assert_int_equal(nlg_fail(&err, NLG_ERR_IO, "file %d", 7), NLG_ERR_IO);
    assert_int_equal(nlg_fail(&err, NLG_ERR_NUMERIC, "later"), NLG_ERR_NUMERIC);
    assert_int_equal(nlg_fail_at(&err, "layer %s", "conv1"), NLG_ERR_IO);
    assert_string_equal(err.text, "layer conv1: file 7");
    assert_int_equal(err.status, NLG_ERR_IO);
    assert_int_equal(nlg_fail(NULL, NLG_ERR_CHECK, "unheard"), NLG_ERR_CHECK);
    assert_int_not_equal(nlg_fail_at(NULL, "unheard"), NLG_OK);
}

static void long_failure_text_is_cut(void **state) {
    (void)state;
    char text[3000];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    nlg_error err = {0};
    nlg_fail(&err, NLG_ERR_INPUT, "%s", text);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    nlg_fail_at(&err, "where");
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_memory_equal(err.text, "where: xxx", 10);
    nlg_fail_at(&err, "%s", text);
    assert_memory_equal(err.text, "where: xxx", 10);
}

static void exit_codes_are_those_of_the_header(void **state) {
    (void)state;
    const int expected[] = {[NLG_OK] = 0,          [NLG_ERR_INPUT] = 2,         [NLG_ERR_IO] = 2,   [NLG_ERR_MEMORY] = 2,
                            [NLG_ERR_NUMERIC] = 1, [NLG_ERR_INTERRUPTED] = 130, [NLG_ERR_CHECK] = 1};
    for (size_t i = 0; i < COUNT(expected); i++) assert_int_equal(nlg_status_exit_code((nlg_status)i), expected[i]);
}

/* --- memory ---------------------------------------------------------------------------------------------------------- */

static void allocation_checks_overflow(void **state) {
    (void)state;
    size_t sum = 5;
    assert_true(nlg_size_mul_add(&sum, 3, 4));
    assert_int_equal(sum, 17);
    assert_false(nlg_size_mul_add(&sum, SIZE_MAX / 2, 3));
    assert_false(nlg_size_mul_add(&sum, SIZE_MAX - 10, 1));
    assert_int_equal(sum, 17);
    volatile size_t huge = SIZE_MAX / 2;
    assert_null(nlg_alloc(huge, 3));
    assert_null(nlg_realloc(NULL, huge, 3));
    assert_null(nlg_alloc_large(SIZE_MAX - 5));
}

static void blocks_are_zeroed_and_aligned(void **state) {
    (void)state;
    const size_t sizes[] = {0, 1, 63, 4096, (2 << 20) - 1, 2 << 20, (5 << 20) + 3};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        unsigned char *block = nlg_alloc_large(sizes[i]);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % (sizes[i] >= 2 << 20 ? 2 << 20 : 64), 0);
        for (size_t j = 0; j < sizes[i]; j++)
            if (block[j] != 0) fail_msg("size %zu: byte %zu is not zero", sizes[i], j);
        memset(block, 0xAB, sizes[i]);
        nlg_free_large(block, sizes[i]);
    }
    int *small = nlg_alloc(100, sizeof *small);
    assert_non_null(small);
    for (int i = 0; i < 100; i++) assert_int_equal(small[i], 0);
    small[0] = 42;
    small = nlg_realloc(small, 10000, sizeof *small);
    assert_int_equal(small[0], 42);
    nlg_free(small);
    int *list = NULL, room = 0;
    for (int i = 0; i < 1000; i++) {
        int *grown = nlg_grow(list, &room, i, sizeof *list);
        assert_non_null(grown);
        assert_true(room > i && room <= 2 * i + 64);
        list = grown;
        list[i] = i;
    }
    for (int i = 0; i < 1000; i++) assert_int_equal(list[i], i);
    const int full = room;
    nlg_alloc_fail_after(0);
    assert_ptr_equal(nlg_grow(list, &room, 1000, sizeof *list), list); /* there is room */
    assert_null(nlg_grow(list, &room, full, sizeof *list));
    nlg_alloc_fail_after(-1);
    assert_int_equal(room, full);
    nlg_free(list);
    void *empty = nlg_alloc(0, 8);
    assert_non_null(empty);
    nlg_free(empty);
}

static void arena_blocks_are_zeroed_aligned_and_distinct(void **state) {
    (void)state;
    nlg_arena *arena = nlg_arena_create();
    unsigned char *blocks[2000];
    size_t sizes[COUNT(blocks)];
    for (size_t i = 0; i < COUNT(blocks); i++) {
        sizes[i] = i == 1000 ? 3 << 20 : nlg_rng_below(nlg_rng_seed(1), i, 300);
        blocks[i] = nlg_arena_alloc(arena, sizes[i], 1);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % 16, 0);
        for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(blocks[i][j], 0);
        memset(blocks[i], (int)(i % 255 + 1), sizes[i]);
    }
    for (size_t i = 0; i < COUNT(blocks); i++)
        for (size_t j = 0; j < sizes[i]; j++) assert_int_equal(blocks[i][j], i % 255 + 1);
    assert_string_equal(nlg_arena_printf(arena, "%s.%d", "layer", 12), "layer.12");
    volatile size_t huge = SIZE_MAX - 4;
    assert_null(nlg_arena_alloc(arena, huge, 1));
    assert_null(nlg_arena_alloc(arena, huge / 2, 8));
    nlg_arena_destroy(arena);
    nlg_arena_destroy(NULL);
}

static void hook_fails_exactly_one_allocation(void **state) {
    (void)state;
    nlg_alloc_fail_after(2);
    void *first = nlg_alloc(1, 1);
    char *second = nlg_strdup("text");
    assert_non_null(first);
    assert_non_null(second);
    assert_null(nlg_realloc(first, 2, 1)); /* the old block stays */
    void *fourth = nlg_alloc_large(10);
    assert_non_null(fourth);
    nlg_free_large(fourth, 10);
    nlg_free(first);
    nlg_free(second);
    nlg_alloc_fail_after(0);
    assert_null(nlg_alloc_large(10));
    nlg_alloc_fail_after(0);
    assert_null(nlg_strdup("text"));
    nlg_alloc_fail_after(3);
    nlg_alloc_fail_after(-1);
    nlg_arena *arena = nlg_arena_create();
    nlg_alloc_fail_after(0);
    assert_null(nlg_arena_printf(arena, "text"));
    assert_non_null(nlg_arena_printf(arena, "text"));
    nlg_arena_destroy(arena);
}

static void memory_message_states_bytes_and_purpose(void **state) {
    (void)state;
    nlg_error err = {0};
    assert_int_equal(nlg_fail_memory(&err, 3 << 20, "activations"), NLG_ERR_MEMORY);
    assert_non_null(strstr(err.text, "3145728 bytes (3.0 MiB) for activations; "));
}

/* --- random streams -------------------------------------------------------------------------------------------------- */

static void filling_has_the_published_check_values(void **state) {
    (void)state;
    const double expected[] = {-0.80436337, 0.304720759, -0.592751503, -0.451110721};
    uint64_t key = nlg_fill_key("input");
    for (uint64_t i = 0; i < 4; i++) {
        double value = nlg_fill_value(key, i);
        assert_true(value == (double)(float)value);
        check_near(value, expected[i], 1e-9);
    }
}

/* Raw values are part of the numerics version: a change of any of these changes every training run. */
static void streams_keep_their_values(void **state) {
    (void)state;
    nlg_rng root = nlg_rng_seed(1);
    assert_true(nlg_rng_u64(root, 0) == UINT64_C(0x7708bbc64d901f02));
    assert_true(nlg_rng_u64(nlg_rng_stream(root, 3), 5) == UINT64_C(0xd21b469bde15fc3c));
    assert_true(nlg_rng_u64(nlg_rng_named(root, "w"), 9) == UINT64_C(0xad69725534e503bd));
    assert_true(nlg_rng_normal(root, 4) == 0x1.c4bf5944bf7d5p-2);
}

static void streams_are_distinct(void **state) {
    (void)state;
    enum { SEEDS = 30, STREAMS = 30, VALUES = 10, TOTAL = SEEDS * (STREAMS + 1) * VALUES };
    static uint64_t values[TOTAL];
    size_t n = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        nlg_rng root = nlg_rng_seed(seed);
        for (uint64_t i = 0; i < VALUES; i++) values[n++] = nlg_rng_u64(root, i);
        for (uint64_t stream = 0; stream < STREAMS; stream++)
            for (uint64_t i = 0; i < VALUES; i++) values[n++] = nlg_rng_u64(nlg_rng_stream(root, stream), i);
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            if (values[i] == values[j]) fail_msg("values %zu and %zu of the list of streams are equal", i, j);
    assert_true(nlg_rng_named(nlg_rng_seed(1), "a").key != nlg_rng_named(nlg_rng_seed(1), "b").key);
}

static void distributions_have_their_moments(void **state) {
    (void)state;
    enum { N = 200000 };
    nlg_rng rng = nlg_rng_seed(42);
    double sum = 0.0, squares = 0.0, fourth = 0.0, uniform = 0.0;
    long below[7] = {0};
    for (uint64_t i = 0; i < N; i++) {
        double u = nlg_rng_uniform(rng, i), z = nlg_rng_normal(rng, i);
        assert_true(u >= 0.0 && u < 1.0);
        uniform += u;
        sum += z;
        squares += z * z;
        fourth += z * z * z * z;
        below[nlg_rng_below(rng, i, 7)]++;
    }
    /* Six standard errors each. */
    check_near(uniform / N, 0.5, 6 * 0.2887 / sqrt(N));
    check_near(sum / N, 0.0, 6 / sqrt(N));
    check_near(squares / N, 1.0, 6 * 1.415 / sqrt(N));
    check_near(fourth / N, 3.0, 6 * 9.8 / sqrt(N));
    for (int i = 0; i < 7; i++) check_near((double)below[i] / N, 1.0 / 7, 6 * 0.35 / sqrt(N));
    assert_int_equal(nlg_rng_below(rng, 0, 1), 0);
}

static void permutation_is_one_and_depends_on_the_key(void **state) {
    (void)state;
    enum { N = 1000 };
    uint32_t a[N], b[N];
    bool seen[N] = {false};
    nlg_rng_permutation(nlg_rng_seed(5), a, N);
    nlg_rng_permutation(nlg_rng_seed(6), b, N);
    int fixed = 0, same = 0;
    for (int i = 0; i < N; i++) {
        assert_true(a[i] < N && !seen[a[i]]);
        seen[a[i]] = true;
        fixed += a[i] == (uint32_t)i;
        same += a[i] == b[i];
    }
    assert_true(fixed < 10 && same < 10); /* one of each is expected */
    nlg_rng_permutation(nlg_rng_seed(5), a, 1);
    assert_int_equal(a[0], 0);
    nlg_rng_permutation(nlg_rng_seed(5), a, 0);
    int counts[6] = {0};
    for (uint64_t seed = 0; seed < 6000; seed++) {
        nlg_rng_permutation(nlg_rng_seed(seed), a, 3);
        counts[a[0] * 2 + (a[1] > a[2])]++;
    }
    for (int i = 0; i < 6; i++) assert_in_range(counts[i], 1000 - 180, 1000 + 180);
}

/* --- team ------------------------------------------------------------------------------------------------------------ */

typedef struct cover {
    int workers;
    unsigned char *hits;
    atomic_int busy[16], faults; /* per worker */
} cover;

static void mark(void *context, int64_t begin, int64_t end, int worker) {
    cover *c = context;
    if (worker < 0 || worker >= c->workers || begin >= end || atomic_exchange(&c->busy[worker], 1)) {
        atomic_fetch_add(&c->faults, 1);
        return;
    }
    for (int64_t i = begin; i < end; i++) c->hits[i]++;
    atomic_store(&c->busy[worker], 0);
}

static void team_covers_every_task_once(void **state) {
    (void)state;
    const int sizes[] = {1, 2, 3, 7, 16};
    const int64_t tasks[] = {0, 1, 2, 3, 5, 16, 17, 1000};
    for (size_t s = 0; s < COUNT(sizes); s++) {
        nlg_team *team = nlg_team_create(sizes[s]);
        assert_non_null(team);
        assert_in_range(nlg_team_size(team), 1, sizes[s]);
        for (size_t t = 0; t < COUNT(tasks); t++) {
            for (int repeat = 0; repeat < 40; repeat++) {
                unsigned char hits[1000] = {0};
                cover c = {.workers = nlg_team_size(team), .hits = hits};
                (repeat % 2 ? nlg_team_run_from_end : nlg_team_run)(team, tasks[t], mark, &c);
                for (int64_t i = 0; i < tasks[t]; i++)
                    if (hits[i] != 1)
                        fail_msg("%d threads, %d tasks: task %d ran %d times", sizes[s], (int)tasks[t], (int)i, hits[i]);
                assert_int_equal(atomic_load(&c.faults), 0);
            }
        }
        nlg_team_destroy(team);
    }
}

static void count_tasks(void *context, int64_t begin, int64_t end, int worker) {
    (void)worker;
    atomic_fetch_add((_Atomic int64_t *)context, end - begin);
}

/* More tasks than a share's fields have bits for. */
static void team_covers_many_tasks(void **state) {
    (void)state;
    const int64_t tasks = 5 * ((int64_t)1 << 33) + 3;
    nlg_team *team = nlg_team_create(2);
    _Atomic int64_t count = 0;
    nlg_team_run(team, tasks, count_tasks, &count);
    assert_true(atomic_load(&count) == tasks);
    nlg_team_destroy(team);
}

typedef struct late {
    int64_t tasks, first_begin[2], first_end[2];
    atomic_bool begun[2];
    _Atomic int64_t done;
    atomic_bool timed_out;
} late;

static bool wait_for(late *l, const atomic_bool *flag, int64_t done) {
    const time_t stop = time(NULL) + 20;
    while (!atomic_load(flag) || atomic_load(&l->done) < done) {
        if (time(NULL) > stop) return false;
        sched_yield();
    }
    return true;
}

/* Worker 0 waits until worker 1 has begun, and that one stays at its first range until all other tasks are done. */
static void hold_back(void *context, int64_t begin, int64_t end, int worker) {
    late *l = context;
    if (!atomic_load(&l->begun[worker])) {
        l->first_begin[worker] = begin;
        l->first_end[worker] = end;
        atomic_store(&l->begun[worker], true);
        if (!wait_for(l, &l->begun[1], worker ? l->tasks - (end - begin) : 0)) atomic_store(&l->timed_out, true);
    }
    atomic_fetch_add(&l->done, end - begin);
}

static void team_does_the_tasks_of_who_is_late(void **state) {
    (void)state;
    nlg_team *team = nlg_team_create(2);
    if (nlg_team_size(team) == 1) {
        nlg_team_destroy(team);
        skip();
    }
    for (int repeat = 0; repeat < 20; repeat++) {
        const bool from_end = repeat % 2;
        late l = {.tasks = 64};
        (from_end ? nlg_team_run_from_end : nlg_team_run)(team, l.tasks, hold_back, &l);
        assert_false(atomic_load(&l.timed_out));
        assert_int_equal(atomic_load(&l.done), l.tasks);
        for (int worker = 0; worker < 2; worker++) /* each begins with its own half, at the end that was asked for */
            assert_int_equal(from_end ? l.first_end[worker] : l.first_begin[worker], 32 * (worker + from_end));
    }
    nlg_team_destroy(team);
}

/* A team that cannot start must be reported, not end the program. In a child, since a lowered limit stays. */
static void team_reports_that_threads_cannot_start(void **state) {
    (void)state;
#if defined(NLG_THREADS) && !SANITIZED
    if (getenv("NLG_RUNNER")) skip(); /* valgrind needs its own address space */
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        unsigned long pages = 0;
        FILE *file = fopen("/proc/self/statm", "r");
        if (!file || fscanf(file, "%lu", &pages) != 1) _exit(3);
        fclose(file);
        rlim_t bytes = pages * (rlim_t)sysconf(_SC_PAGESIZE) + (1 << 20);
        if (setrlimit(RLIMIT_AS, &(struct rlimit){bytes, bytes}) != 0) _exit(4);
        _exit(nlg_team_create(64) == NULL ? 0 : 5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
#else
    skip();
#endif
}

/* --- CPU and digests ------------------------------------------------------------------------------------------------- */

static void instruction_sets_have_names(void **state) {
    (void)state;
    for (int i = 0; i < NLG_ISA_COUNT; i++) {
        nlg_isa isa = NLG_ISA_COUNT;
        assert_true(nlg_isa_parse(nlg_isa_name((nlg_isa)i), &isa));
        assert_int_equal(isa, i);
    }
    static const char *const names[] = {"portable", "avx2", "avx512", "neon"};
    assert_int_equal(NLG_ISA_COUNT, 4);
    for (int i = 0; i < NLG_ISA_COUNT; i++) assert_string_equal(nlg_isa_name((nlg_isa)i), names[i]);
    nlg_isa isa;
    assert_false(nlg_isa_parse("sse9", &isa));
    assert_false(nlg_isa_parse("NEON", &isa));
    for (int i = 0; i < NLG_ISA_COUNT; i++)
        if (nlg_isa_available((nlg_isa)i)) assert_non_null(nlg_simd_table((nlg_isa)i));
#if defined(__aarch64__)
    assert_int_equal(nlg_isa_best(), NLG_ISA_NEON);
#else
    assert_false(nlg_isa_available(NLG_ISA_NEON));
    assert_null(nlg_simd_table(NLG_ISA_NEON));
#endif
    assert_true(nlg_isa_available(NLG_ISA_PORTABLE));
    assert_true(nlg_isa_available(nlg_isa_best()));
    nlg_cpu_info info;
    nlg_cpu_query(&info);
    assert_true(info.cores >= 1 && info.model[0] != '\0' && info.l1d_bytes >= 0);
}

static void digest_has_the_published_values(void **state) {
    (void)state;
    char hex[65];
    nlg_digest_finish(nlg_digest_create(), hex);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    nlg_digest *digest = nlg_digest_create();
    nlg_digest_update(digest, "a", 1);
    nlg_digest_update(digest, "bc", 2);
    nlg_digest_finish(digest, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* --- files ----------------------------------------------------------------------------------------------------------- */

static char folder[256];

static int make_folder_of_test(void **state) {
    (void)state;
    const char *base = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/nlg-base-XXXXXX", base && *base ? base : P_tmpdir);
    return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder_of_test(void **state) {
    (void)state;
    char command[300];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name) {
    static char paths[2][512]; /* two results live at a time */
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static int files_in_folder(void) {
    char command[300];
    int count = -1;
    snprintf(command, sizeof command, "ls -A '%s' | wc -l", folder);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_int_equal(fscanf(pipe, "%d", &count), 1);
    pclose(pipe);
    return count;
}

static void check_contents(const char *path, const char *expected) {
    char *data;
    size_t size;
    nlg_error err = {0};
    if (nlg_file_read(path, 1000, &data, &size, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(size, strlen(expected));
    assert_string_equal(data, expected);
    nlg_free(data);
}

static void check_failure(nlg_status status, const nlg_error *err, nlg_status expected, const char *path, const char *reason) {
    assert_int_equal(status, expected);
    assert_int_equal(err->status, expected);
    if (strncmp(err->text, path, strlen(path)) != 0 || !strstr(err->text, reason) || !strstr(err->text, "; ") ||
        strchr(err->text, '\n'))
        fail_msg("expected \"%s: ... %s; what to do\", found \"%s\"", path, reason, err->text);
}

static void files_are_replaced_as_a_whole(void **state) {
    (void)state;
    const char *path = in_folder("a");
    nlg_error err = {0};
    assert_false(nlg_file_exists(path));
    assert_int_equal(nlg_file_write(path, "first", 5, &err), NLG_OK);
    assert_true(nlg_file_exists(path));
    check_contents(path, "first");
    nlg_file_writer writer;
    assert_int_equal(nlg_file_begin(&writer, path, &err), NLG_OK);
    fputs("second, longer", writer.stream);
    fflush(writer.stream);
    check_contents(path, "first");
    assert_int_equal(nlg_file_commit(&writer, &err), NLG_OK);
    check_contents(path, "second, longer");
    assert_int_equal(nlg_file_begin(&writer, path, &err), NLG_OK);
    fputs("third", writer.stream);
    nlg_file_abort(&writer);
    nlg_file_abort(&writer); /* harmless */
    check_contents(path, "second, longer");
    assert_int_equal(nlg_file_write(path, NULL, 0, &err), NLG_OK);
    check_contents(path, "");
    assert_int_equal(files_in_folder(), 1);
    char hex[65];
    assert_int_equal(nlg_digest_file(path, hex, &err), NLG_OK);
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void reads_have_limits(void **state) {
    (void)state;
    const char *path = in_folder("a");
    char *data = NULL;
    size_t size = 0;
    nlg_error err = {0};
    assert_int_equal(nlg_file_write(path, "12345", 5, &err), NLG_OK);
    assert_int_equal(nlg_file_read(path, 5, &data, &size, &err), NLG_OK);
    assert_string_equal(data, "12345");
    nlg_free(data);
    nlg_status status = nlg_file_read(path, 4, &data, &size, &err);
    check_failure(status, &err, NLG_ERR_INPUT, path, "expected at most 4 bytes, found 5");
    assert_null(data);
    err.status = NLG_OK;
    status = nlg_file_read("/dev/zero", 100000, &data, &size, &err); /* no size known beforehand, never ends */
    check_failure(status, &err, NLG_ERR_INPUT, "/dev/zero", "expected at most 100000 bytes");
    err.status = NLG_OK;
    assert_int_equal(nlg_file_read("/proc/self/status", 1 << 20, &data, &size, &err), NLG_OK);
    assert_true(size > 100 && size == strlen(data));
    nlg_free(data);
    status = nlg_file_read(folder, 100, &data, &size, &err);
    check_failure(status, &err, NLG_ERR_IO, folder, strerror(EISDIR));
    err.status = NLG_OK;
    path = in_folder("missing");
    status = nlg_file_read(path, 100, &data, &size, &err);
    check_failure(status, &err, NLG_ERR_IO, path, strerror(ENOENT));
    char hex[65];
    err.status = NLG_OK;
    check_failure(nlg_digest_file(path, hex, &err), &err, NLG_ERR_IO, path, strerror(ENOENT));
    err.status = NLG_OK;
    check_failure(nlg_digest_file(folder, hex, &err), &err, NLG_ERR_IO, folder, strerror(EISDIR));
}

static void folders_are_made_with_parents(void **state) {
    (void)state;
    nlg_error err = {0};
    char path[600];
    snprintf(path, sizeof path, "%s/x//y/z/", folder);
    assert_int_equal(nlg_folder_create(path, &err), NLG_OK);
    assert_int_equal(nlg_folder_create(path, &err), NLG_OK);
    assert_int_equal(nlg_file_write(in_folder("x/y/z/file"), "1", 1, &err), NLG_OK);
    snprintf(path, sizeof path, "%s", in_folder("x/y/z/file/below"));
    check_failure(nlg_folder_create(path, &err), &err, NLG_ERR_IO, path, strerror(ENOTDIR));
}

static void unwritable_places_are_named(void **state) {
    (void)state;
    nlg_error err = {0};
    const char *path = in_folder("missing/file");
    check_failure(nlg_file_write(path, "1", 1, &err), &err, NLG_ERR_IO, path, strerror(ENOENT));
    err.status = NLG_OK;
    check_failure(nlg_file_write(folder, "1", 1, &err), &err, NLG_ERR_IO, folder, strerror(EISDIR));
    assert_int_equal(nlg_file_write(in_folder("file"), "old", 3, &(nlg_error){0}), NLG_OK);
    assert_int_equal(chmod(folder, 0555), 0);
    bool root = geteuid() == 0; /* root may write anywhere: be nobody for a moment */
    if (root) assert_int_equal(seteuid(65534), 0);
    path = in_folder("file");
    const char *new_path = in_folder("new");
    err.status = NLG_OK;
    nlg_status status = nlg_file_write(path, "new", 3, &err);
    nlg_error folder_err = {0};
    nlg_status folder_status = nlg_folder_create(new_path, &folder_err);
    if (root) assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    check_failure(status, &err, NLG_ERR_IO, path, strerror(EACCES));
    check_failure(folder_status, &folder_err, NLG_ERR_IO, new_path, strerror(EACCES));
    check_contents(in_folder("file"), "old");
    assert_int_equal(files_in_folder(), 1);
}

/* A device that is always full, and a file size limit in place of a full file system. */
static void full_disk_is_noticed_and_the_old_file_stays(void **state) {
    (void)state;
    static char data[100000];
    nlg_error err = {0};
    const size_t sizes[] = {1, sizeof data}; /* noticed by the last flush, and by an earlier write */
    for (size_t i = 0; i < COUNT(sizes); i++) {
        nlg_file_writer writer;
        err.status = NLG_OK;
        assert_int_equal(nlg_file_begin(&writer, "/dev/full", &err), NLG_OK);
        (void)!fwrite(data, 1, sizes[i], writer.stream);
        check_failure(nlg_file_commit(&writer, &err), &err, NLG_ERR_IO, "/dev/full", strerror(ENOSPC));
        err.status = NLG_OK;
        check_failure(nlg_file_write("/dev/full", data, sizes[i], &err), &err, NLG_ERR_IO, "/dev/full", strerror(ENOSPC));
    }
    assert_int_equal(nlg_file_write("/dev/null", data, sizeof data, &err), NLG_OK);
    struct stat info;
    assert_true(stat("/dev/null", &info) == 0 && S_ISCHR(info.st_mode));

    const char *path = in_folder("file");
    assert_int_equal(nlg_file_write(path, "old", 3, &(nlg_error){0}), NLG_OK);
    struct rlimit before, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = before;
    small.rlim_cur = 50000;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    err.status = NLG_OK;
    nlg_status status = nlg_file_write(path, data, sizeof data, &err);
    nlg_error writer_err = {0};
    nlg_file_writer writer;
    assert_int_equal(nlg_file_begin(&writer, path, &writer_err), NLG_OK);
    for (int i = 0; i < 100; i++) (void)!fwrite(data, 1, 1000, writer.stream);
    nlg_status writer_status = nlg_file_commit(&writer, &writer_err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_DFL);
    check_failure(status, &err, NLG_ERR_IO, path, strerror(EFBIG));
    check_failure(writer_status, &writer_err, NLG_ERR_IO, path, strerror(EFBIG));
    check_contents(path, "old");
    assert_int_equal(files_in_folder(), 1);
}

static void shared_files_are_found(void **state) {
    (void)state;
    char path[4096], name[700];
    assert_true(nlg_share_path("plots/axes.gp", path, sizeof path)); /* of the project that this program was built in */
    assert_true(nlg_file_exists(path));
    snprintf(name, sizeof name, "%s", in_folder("plots"));
    assert_int_equal(mkdir(name, 0777), 0);
    setenv("NLG_SHARE", folder, 1);
    assert_false(nlg_share_path("plots/axes.gp", path, sizeof path)); /* there and nowhere else */
    snprintf(name, sizeof name, "%s/plots/axes.gp", folder);
    assert_string_equal(path, name); /* for a message */
    assert_int_equal(nlg_file_write(name, "", 0, NULL), NLG_OK);
    assert_true(nlg_share_path("plots/axes.gp", path, sizeof path));
    assert_string_equal(path, name);
    assert_false(nlg_share_path("plots/axes.gp", path, strlen(name))); /* no room for the end */
    unsetenv("NLG_SHARE");
}

/* The file behind a link is replaced, the link and the file's mode stay. */
static void links_and_modes_are_kept(void **state) {
    (void)state;
    nlg_error err = {0};
    struct stat info;
    char *target = NULL;
    assert_int_equal(mkdir(in_folder("big"), 0755), 0);
    assert_int_equal(nlg_file_write(in_folder("big/w"), "old", 3, &err), NLG_OK);
    assert_int_equal(chmod(in_folder("big/w"), 0600), 0);
    assert_int_equal(symlink("big/w", in_folder("link")), 0);
    assert_int_equal(symlink("link", in_folder("twice")), 0);
    assert_int_equal(nlg_file_write(in_folder("twice"), "new", 3, &err), NLG_OK);
    check_contents(in_folder("big/w"), "new");
    assert_true(lstat(in_folder("link"), &info) == 0 && S_ISLNK(info.st_mode));
    assert_true(lstat(in_folder("twice"), &info) == 0 && S_ISLNK(info.st_mode));
    assert_true(stat(in_folder("big/w"), &info) == 0 && (info.st_mode & 0777) == 0600);
    assert_int_equal(nlg_file_target(in_folder("twice"), &target, &err), NLG_OK);
    assert_string_equal(target, in_folder("big/w"));
    nlg_free(target);
    assert_int_equal(symlink("big/first", in_folder("ahead")), 0); /* leads to nothing yet */
    assert_int_equal(nlg_file_write(in_folder("ahead"), "1", 1, &err), NLG_OK);
    check_contents(in_folder("big/first"), "1");
    assert_int_equal(symlink("round", in_folder("round")), 0);
    check_failure(nlg_file_write(in_folder("round"), "1", 1, &err), &err, NLG_ERR_IO, in_folder("round"), strerror(ELOOP));
}

/* What killed writers left is removed; what others write just now, and what users named alike, is not. */
static void stale_temporaries_are_removed(void **state) {
    (void)state;
    nlg_error err = {0};
    nlg_file_writer writer, other;
    static const char *const kept[] = {"w.tmp-1", "w.tmp-backup", "w.tmp-1-0123456789abcdeg", "w2.tmp-1-0123456789abcdef",
                                       "w.tmp-1-0123456789abcdef0"};
    for (size_t i = 0; i < COUNT(kept); i++) assert_int_equal(nlg_file_write(in_folder(kept[i]), "mine", 4, &err), NLG_OK);
    assert_int_equal(nlg_file_begin(&other, in_folder("w"), &err), NLG_OK);
    pid_t child = fork();
    if (child == 0) {
        if (nlg_file_begin(&writer, in_folder("w"), &err) == NLG_OK) fflush(writer.stream);
        kill(getpid(), SIGKILL);
    }
    int ended;
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_true(WIFSIGNALED(ended));
    assert_int_equal(files_in_folder(), (int)COUNT(kept) + 2);
    assert_int_equal(symlink("w.tmp-1", in_folder("w.tmp-1-0123456789abcdef")), 0); /* not followed, not removed */
    assert_int_equal(nlg_file_begin(&writer, in_folder("w"), &err), NLG_OK);
    assert_int_equal(files_in_folder(), (int)COUNT(kept) + 3); /* the link, the other's, ours */
    assert_int_equal(fputs("ours", writer.stream) >= 0, 1);
    assert_int_equal(fputs("other", other.stream) >= 0, 1);
    assert_int_equal(nlg_file_commit(&writer, &err), NLG_OK);
    check_contents(in_folder("w"), "ours");
    assert_int_equal(nlg_file_commit(&other, &err), NLG_OK);
    check_contents(in_folder("w"), "other");
    for (size_t i = 0; i < COUNT(kept); i++) check_contents(in_folder(kept[i]), "mine");
}

static void probing_leaves_nothing(void **state) {
    (void)state;
    nlg_error err = {0};
    assert_int_equal(nlg_file_probe(in_folder("new"), &err), NLG_OK);
    assert_int_equal(nlg_file_probe("/dev/full", &err), NLG_OK);
    assert_int_equal(files_in_folder(), 0);
    check_failure(nlg_file_probe(in_folder("none/x"), &err), &err, NLG_ERR_IO, in_folder("none/x"), strerror(ENOENT));
    err = (nlg_error){0};
    check_failure(nlg_file_probe(folder, &err), &err, NLG_ERR_IO, folder, strerror(EISDIR));
}

static void one_process_holds_a_lock(void **state) {
    (void)state;
    nlg_error err = {0};
    nlg_file_lock lock, second;
    assert_int_equal(symlink("file", in_folder("link")), 0);
    assert_int_equal(nlg_file_lock_take(&lock, in_folder("link"), "in use", 0, &err), NLG_OK);
    assert_int_equal(nlg_file_lock_take(&second, in_folder("file"), "in use", 1, &err), NLG_ERR_INPUT); /* the same file */
    assert_non_null(strstr(err.text, "file: in use; wait for it"));
    nlg_file_lock_release(&second);
    nlg_file_lock_release(&lock);
    nlg_file_lock_release(&lock); /* nothing to do */
    assert_int_equal(files_in_folder(), 1);
    assert_int_equal(nlg_file_lock_take(&second, in_folder("file"), "in use", 0, &err), NLG_OK);
    nlg_file_lock_release(&second);
    assert_int_equal(symlink("victim", in_folder("file-lock")), 0); /* a planted link is not followed */
    err = (nlg_error){0};
    assert_int_equal(nlg_file_lock_take(&lock, in_folder("file"), "in use", 0, &err), NLG_ERR_IO);
    assert_false(nlg_file_exists(in_folder("victim")));
}

/* --- any allocation may fail ------------------------------------------------------------------------------------------ */

static nlg_status use_everything(nlg_error *err) {
    nlg_team *team = nlg_team_create(2);
    if (!team) return nlg_fail_memory(err, 1, "a team");
    nlg_team_destroy(team);
    nlg_arena *arena = nlg_arena_create();
    if (!arena) return nlg_fail_memory(err, 1, "an arena");
    bool filled = nlg_arena_alloc(arena, 100, 8) && nlg_arena_printf(arena, "text") && nlg_arena_alloc(arena, 4 << 20, 1);
    nlg_arena_destroy(arena);
    if (!filled) return nlg_fail_memory(err, 1, "a block");
    char path[600], hex[65];
    snprintf(path, sizeof path, "%s", in_folder("p/q"));
    NLG_TRY(nlg_folder_create(path, err));
    snprintf(path, sizeof path, "%s", in_folder("p/q/file"));
    NLG_TRY(nlg_file_write(path, "text", 4, err));
    char *data;
    size_t size;
    NLG_TRY(nlg_file_read(path, 100, &data, &size, err));
    nlg_free(data);
    NLG_TRY(nlg_file_read("/proc/self/status", 1 << 20, &data, &size, err)); /* grows while it reads */
    nlg_free(data);
    return nlg_digest_file(path, hex, err);
}

static char warned[1024];

static void keep_warning(const char *text) {
    snprintf(warned, sizeof warned, "%s", text);
}

/* A folder with something in it stands for what the system does not let go. */
static void a_refused_removal_is_said(void **state) {
    (void)state;
    char full[512];
    snprintf(full, sizeof full, "%s", in_folder("full"));
    assert_int_equal(nlg_folder_create(full, NULL), NLG_OK);
    assert_int_equal(nlg_file_write(in_folder("full/file"), "x", 1, NULL), NLG_OK);
    nlg_file_remove(full); /* nobody listens */
    nlg_warnings_go_to(keep_warning);
    errno = EDOM;
    nlg_file_remove(full);
    assert_int_equal(errno, EDOM);
    if (!strstr(warned, full) || !strstr(warned, "cannot be removed: Directory not empty")) fail_msg("%s", warned);
    warned[0] = '\0';
    nlg_file_remove(in_folder("full/file"));
    nlg_file_remove(in_folder("full/file")); /* gone already: as it should be */
    nlg_file_remove(full);
    assert_string_equal(warned, "");
    assert_false(nlg_file_exists(full));
    nlg_warnings_go_to(NULL);
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    long failures = 0;
    for (long n = 0; n < 1000; n++) {
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        nlg_status status = use_everything(&err);
        nlg_alloc_fail_after(-1);
        assert_int_equal(status, err.status);
        if (status == NLG_OK && n > 20) break;
        if (status == NLG_OK) continue; /* one that is not needed for the result, like the folder's name for its fsync */
        assert_int_equal(status, NLG_ERR_MEMORY);
        assert_non_null(strstr(err.text, "out of memory"));
        failures++;
    }
    assert_in_range(failures, 10, 900);
}

int main(void) {
#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, make_folder_of_test, remove_folder_of_test)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),
        cmocka_unit_test(long_failure_text_is_cut),
        cmocka_unit_test(exit_codes_are_those_of_the_header),
        cmocka_unit_test(allocation_checks_overflow),
        cmocka_unit_test(blocks_are_zeroed_and_aligned),
        cmocka_unit_test(arena_blocks_are_zeroed_aligned_and_distinct),
        cmocka_unit_test(hook_fails_exactly_one_allocation),
        cmocka_unit_test(memory_message_states_bytes_and_purpose),
        cmocka_unit_test(filling_has_the_published_check_values),
        cmocka_unit_test(streams_keep_their_values),
        cmocka_unit_test(streams_are_distinct),
        cmocka_unit_test(distributions_have_their_moments),
        cmocka_unit_test(permutation_is_one_and_depends_on_the_key),
        cmocka_unit_test(team_reports_that_threads_cannot_start),
        cmocka_unit_test(team_covers_every_task_once),
        cmocka_unit_test(team_covers_many_tasks),
        cmocka_unit_test(team_does_the_tasks_of_who_is_late),
        cmocka_unit_test(instruction_sets_have_names),
        cmocka_unit_test(digest_has_the_published_values),
        FILE_TEST(files_are_replaced_as_a_whole),
        FILE_TEST(reads_have_limits),
        FILE_TEST(folders_are_made_with_parents),
        FILE_TEST(unwritable_places_are_named),
        FILE_TEST(full_disk_is_noticed_and_the_old_file_stays),
        FILE_TEST(shared_files_are_found),
        FILE_TEST(links_and_modes_are_kept),
        FILE_TEST(stale_temporaries_are_removed),
        FILE_TEST(probing_leaves_nothing),
        FILE_TEST(one_process_holds_a_lock),
        FILE_TEST(a_refused_removal_is_said),
        FILE_TEST(any_allocation_may_fail),
    };
    return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
