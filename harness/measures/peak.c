/* Peak of fused multiply-adds over the team. */
#include "harness/measures/peak.h"

#include <sched.h>
#include <stdatomic.h>

#include "harness/progress.h"
#include "layers/kernels/peak_simd.h"
#include "layers/kernels/simd.h"

typedef struct peak_job {
    const nlg_peak_simd *simd;
    int64_t rounds;
    int workers;
    atomic_int ready;
} peak_job;

static void run_rounds(void *context, int64_t begin, int64_t end, int worker) {
    peak_job *job = context;
    (void)worker;
    volatile float kept = 0;
    atomic_fetch_add(&job->ready, 1);
    while (atomic_load(&job->ready) < job->workers) sched_yield(); /* so that each worker has one task, at the same time */
    for (int64_t i = begin; i < end; i++) kept = job->simd->run(job->rounds);
    (void)kept;
}

static double time_rounds(const nlg_exec *exec, peak_job *job) {
    double start = nlg_seconds_now();
    atomic_store(&job->ready, 0);
    nlg_team_run(exec->team, job->workers, run_rounds, job);
    return nlg_seconds_now() - start;
}

double nlg_peak_gflop_per_s(const nlg_exec *exec) {
    enum { RUNS = 10 };
    const double run_seconds = 0.02;
    peak_job job = {.simd = exec->simd->peak, .rounds = 1000, .workers = nlg_team_size(exec->team)};
    while (time_rounds(exec, &job) < run_seconds) job.rounds *= 2;
    double best = 0;
    for (int i = 0; i < RUNS; i++) {
        double seconds = time_rounds(exec, &job);
        double rate = 1e-9 * (double)job.rounds * job.simd->flops_per_round * job.workers / seconds;
        if (rate > best) best = rate;
    }
    return best;
}
