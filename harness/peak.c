/* Peak of fused multiply-adds over the team. */
#include "harness/peak.h"

#include "harness/progress.h"
#include "layers/kernels/peak_simd.h"
#include "layers/kernels/simd.h"

typedef struct peak_job {
    const nlg_peak_simd *simd;
    int64_t rounds;
} peak_job;

static void run_rounds(void *context, int64_t begin, int64_t end, int worker) {
    const peak_job *job = context;
    (void)worker;
    volatile float kept = 0;
    for (int64_t i = begin; i < end; i++) kept = job->simd->run(job->rounds);
    (void)kept;
}

static double time_rounds(const nlg_exec *exec, peak_job *job) {
    double start = nlg_seconds_now();
    nlg_team_run(exec->team, nlg_team_size(exec->team), run_rounds, job);
    return nlg_seconds_now() - start;
}

double nlg_peak_gflop_per_s(const nlg_exec *exec) {
    enum { RUNS = 10 };
    const double run_seconds = 0.02;
    peak_job job = {exec->simd->peak, 1000};
    while (time_rounds(exec, &job) < run_seconds) job.rounds *= 2;
    double best = 0;
    for (int i = 0; i < RUNS; i++) {
        double seconds = time_rounds(exec, &job);
        double rate = 1e-9 * (double)job.rounds * job.simd->flops_per_round * nlg_team_size(exec->team) / seconds;
        if (rate > best) best = rate;
    }
    return best;
}
