/* A steady step allocates nothing, touches no new page and makes no system call but those that wake and await threads; planning
 * and starting are quick; what is timed meets no subnormal numbers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#ifdef __SSE__
#include <xmmintrin.h>
#endif

#include "harness/measures/bench.h"
#include "layers/graph/plan.h"
#include "layers/kernels/simd.h"
#include "train/train.h"
#include "models/model.h"
#include "tests/program.h"

enum { WARM_UP = 3, TRIES = 20, CHUNK = 4096 };

static atomic_long allocations;

/* Sanitizers bring their own allocator. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(SANITIZED)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);
void *malloc(size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_malloc(size);
}
void *calloc(size_t count, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_calloc(count, size);
}
void *realloc(void *block, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_realloc(block, size);
}
void *aligned_alloc(size_t alignment, size_t size) {
    atomic_fetch_add(&allocations, 1);
    return __libc_memalign(alignment, size);
}
#endif

/* ---- a network and its step ---- */

typedef struct subject {
    const char *name;
    nlg_mode mode;
    int batch, threads;
    nlg_exec exec;
    nlg_graph *graph;
    nlg_weights weights, gradients, momentum;
    nlg_plan *plan;
    int labels[64];
    int64_t steps;
} subject;

static bool open_subject(subject *s) {
    const nlg_model *model;
    nlg_error err = {0};
    const nlg_plan_options options = {.batch = s->batch, .mode = s->mode, .without_aux = true};
    s->exec = (nlg_exec){.team = nlg_team_create(s->threads), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
    nlg_status status = nlg_model_find(s->name, &model, &err);
    if (status == NLG_OK) status = nlg_model_build(model, model->input, model->classes, &s->graph, &err);
    if (status == NLG_OK) status = nlg_weights_create(s->graph, &s->weights, &err);
    if (status == NLG_OK) nlg_weights_fill_reference(&s->weights, 1);
    if (status == NLG_OK) status = nlg_weights_create(s->graph, &s->gradients, &err);
    if (status == NLG_OK) status = nlg_weights_create(s->graph, &s->momentum, &err);
    if (status == NLG_OK)
        status =
            nlg_plan_create(s->graph, &s->exec, &options, &s->weights, s->mode == NLG_TRAIN ? &s->gradients : NULL, &s->plan, &err);
    for (int i = 0; i < s->batch; i++) s->labels[i] = i % 10;
    return status == NLG_OK;
}

static void update(void *context, int64_t begin, int64_t end, int worker) {
    static const nlg_optimizer_options sgd = {.kind = NLG_SGD, .momentum = 0.9};
    subject *s = context;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        size_t first = (size_t)i * CHUNK, left = s->graph->weights_floats - first;
        float *state[] = {s->momentum.values + first};
        nlg_optimizer_update(&sgd, 1e-3, s->steps, false, 1, left < CHUNK ? left : CHUNK, s->weights.values + first,
                             s->gradients.values + first, state);
    }
}

static void step(subject *s) {
    nlg_plan_forward(s->plan, s->batch, nlg_rng_stream(nlg_rng_seed(0), (uint64_t)s->steps++));
    if (s->mode != NLG_TRAIN) return;
    nlg_tensor y = nlg_plan_output(s->plan, 0), dy = nlg_plan_output_gradient(s->plan, 0);
    nlg_softmax_cross_entropy(s->batch, y.c, y.data, y.ld, s->labels, 0, 1.0 / s->batch, dy.data, dy.ld);
    nlg_plan_backward(s->plan);
    nlg_team_run(s->exec.team, (int64_t)((s->graph->weights_floats + CHUNK - 1) / CHUNK), update, s);
}

static long page_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* From now on any system call but those for waiting, time and leaving ends the process. False where that is not to be had. */
static bool forbid_system_calls(void) {
#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        ALLOW(SYS_futex),
        ALLOW(SYS_sched_yield),
        ALLOW(SYS_clock_gettime),
        ALLOW(SYS_exit_group),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program) == 0;
}

enum { DONE, NOT_PLANNED = 10, ALLOCATED, FAULTED };

/* In a process of its own. */
static void take_steps(subject *s) {
    if (!open_subject(s)) _exit(NOT_PLANNED);
    for (int i = 0; i < WARM_UP; i++) step(s);
    long before = allocations;
    step(s);
    if (allocations != before) _exit(ALLOCATED);
    /* The kernel may move a page at any time, but not in every step. */
    bool still = false;
    for (int i = 0; i < TRIES && !still; i++) {
        long faults = page_faults();
        step(s);
        still = page_faults() == faults;
    }
    if (!still) _exit(FAULTED);
    forbid_system_calls();
    step(s);
    _exit(DONE);
}

static void a_steady_step_asks_for_nothing(void **state) {
    static const subject subjects[] = {
        {.name = "lenet5", .mode = NLG_TRAIN, .batch = 16, .threads = 2},
        {.name = "resnet8_small", .mode = NLG_TRAIN, .batch = 8, .threads = 2},
        {.name = "mobilenetv2_small", .mode = NLG_TRAIN, .batch = 4, .threads = 1},
        {.name = "cells_small", .mode = NLG_TRAIN, .batch = 4, .threads = 2},
        {.name = "mobilenetv2_small", .mode = NLG_INFER, .batch = 1, .threads = 2},
        {.name = "resnet20_cifar", .mode = NLG_INFER, .batch = 3, .threads = 2},
    };
    (void)state;
    for (size_t i = 0; i < sizeof subjects / sizeof *subjects; i++) {
        subject s = subjects[i];
        const char *mode = s.mode == NLG_TRAIN ? "training" : "inference";
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) take_steps(&s);
        int status = 0;
        while (waitpid(child, &status, 0) < 0) assert_int_equal(errno, EINTR);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) fail_msg("%s, %s: a steady step made a system call", s.name, mode);
        if (!WIFEXITED(status)) fail_msg("%s, %s: ended by signal %d", s.name, mode, WTERMSIG(status));
        if (WEXITSTATUS(status) == ALLOCATED) fail_msg("%s, %s: a steady step allocated memory", s.name, mode);
        if (WEXITSTATUS(status) == FAULTED) fail_msg("%s, %s: every steady step had page faults", s.name, mode);
        assert_int_equal(WEXITSTATUS(status), DONE);
    }
}

/* ---- time to begin ---- */

static double cpu_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Half a second is the aim for the largest; this many times as long fails, for slow and busy machines. */
enum { GENEROUS = 5 };

static double allowed(double seconds) {
    const char *slower = getenv("NLG_SLOWER");
    return seconds * GENEROUS * (slower ? atof(slower) : 1);
}

static void planning_is_quick(void **state) {
    static const char *const names[] = {"resnet50", "inception_v4", "efficientnet_b4", "nasnetalarge", "amoebanet_d_18_208"};
    const nlg_plan_options options = {.batch = 1, .mode = NLG_TRAIN};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const nlg_model *model;
        nlg_graph *graph;
        nlg_error err = {0};
        size_t bytes;
        nlg_exec exec = {.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
        double begin = cpu_seconds();
        assert_int_equal(nlg_model_find(names[i], &model, &err), NLG_OK);
        assert_int_equal(nlg_model_build(model, model->input, model->classes, &graph, &err), NLG_OK);
        assert_int_equal(nlg_plan_measure(graph, &exec, &options, &bytes, &err), NLG_OK);
        double seconds = cpu_seconds() - begin;
        print_message("# %s: %.3f s, %.0f MB\n", names[i], seconds, 1e-6 * (double)bytes);
        if (seconds > allowed(0.5))
            fail_msg("%s: planned in %.2f s of processor time, expected %.2f", names[i], seconds, allowed(0.5));
        nlg_graph_destroy(graph);
        nlg_team_destroy(exec.team);
    }
}

static void the_program_starts_quickly(void **state) {
    double least = 1e9;
    (void)state;
    for (int i = 0; i < 5; i++) {
        struct rusage before, after;
        getrusage(RUSAGE_CHILDREN, &before);
        run_good("lineage --version");
        getrusage(RUSAGE_CHILDREN, &after);
        double seconds =
            (double)(after.ru_utime.tv_sec - before.ru_utime.tv_sec + after.ru_stime.tv_sec - before.ru_stime.tv_sec) +
            1e-6 * (double)(after.ru_utime.tv_usec - before.ru_utime.tv_usec + after.ru_stime.tv_usec - before.ru_stime.tv_usec);
        if (seconds < least) least = seconds;
    }
    print_message("# start: %.1f ms\n", 1e3 * least);
    if (least > allowed(0.02)) fail_msg("started in %.3f s of processor time, expected %.3f", least, allowed(0.02));
}

static int enter(void **state) {
    (void)state;
    program_enter();
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

/* The processor notes operands below 1.2e-38, which slow it down many times on some machines. */
static void timed_networks_meet_no_subnormals(void **state) {
    (void)state;
#ifdef __SSE__
    enum { DENORMAL_OPERAND = 2 };
    static const char *const names[] = {"semnasnet_100", "mnasnet1_0", "mobilenet_v2", "efficientnet_b0", "seresnet50"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const nlg_bench_options options = {.batch = 1, .mode = NLG_INFER};
        const nlg_exec exec = {.team = nlg_team_create(1), .isa = nlg_isa_best(), .simd = nlg_simd_table(nlg_isa_best())};
        nlg_network network;
        nlg_bench *bench;
        nlg_bench_result result;
        nlg_error err;
        assert_int_equal(nlg_network_open(names[i], NULL, (nlg_shape){0}, 0, &network, &err), NLG_OK);
        assert_int_equal(nlg_bench_create(&network, &exec, &options, &bench, &err), NLG_OK);
        _mm_setcsr(_mm_getcsr() & ~(unsigned)DENORMAL_OPERAND);
        assert_int_equal(nlg_bench_run(bench, &result, &err), NLG_OK);
        if (_mm_getcsr() & DENORMAL_OPERAND) fail_msg("%s meets subnormal numbers", names[i]);
        nlg_bench_destroy(bench);
        nlg_network_close(&network);
        nlg_team_destroy(exec.team);
    }
#else
    skip();
#endif
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_step_asks_for_nothing),
        cmocka_unit_test(planning_is_quick),
        cmocka_unit_test(timed_networks_meet_no_subnormals),
        cmocka_unit_test_setup_teardown(the_program_starts_quickly, enter, leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
