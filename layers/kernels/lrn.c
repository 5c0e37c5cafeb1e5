/* Splits local response normalisation over the team by pixels; each worker has its own lines. */
#include "layers/kernels/lrn.h"

#include "layers/kernels/lrn_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/split.h"

typedef struct lrn_job {
    const nlg_lrn_simd *simd;
    const nlg_lrn *lrn;
    const float *x, *dy;
    int64_t ld_x, ld_dy;
    bool accumulate;
    float *out;
    int64_t ld_out;
    float *scratch;
} lrn_job;

size_t nlg_lrn_scratch_size(const nlg_exec *exec, const nlg_lrn *lrn) {
    return NLG_LRN_BUFFER(lrn) * (size_t)nlg_team_size(exec->team);
}

static void run(void *context, int64_t begin, int64_t end, int worker) {
    const lrn_job *job = context;
    float *buffer = job->scratch + (size_t)worker * NLG_LRN_BUFFER(job->lrn);
    const float *x = job->x + begin * job->ld_x;
    float *out = job->out + begin * job->ld_out;
    if (job->dy)
        job->simd->backward(job->lrn, end - begin, x, job->ld_x, job->dy + begin * job->ld_dy, job->ld_dy, job->accumulate, out,
                            job->ld_out, buffer);
    else
        job->simd->forward(job->lrn, end - begin, x, job->ld_x, out, job->ld_out, buffer);
}

void nlg_lrn_forward(const nlg_exec *exec, const nlg_lrn *lrn, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                     float *scratch) {
    lrn_job job = {.simd = exec->simd->lrn, .lrn = lrn, .x = x, .ld_x = ld_x, .out = y, .ld_out = ld_y, .scratch = scratch};
    nlg_split(exec, lrn->rows, lrn->rows * lrn->c * 8, run, &job);
}

void nlg_lrn_backward(const nlg_exec *exec, const nlg_lrn *lrn, const float *x, int64_t ld_x, const float *dy, int64_t ld_dy,
                      bool accumulate, float *dx, int64_t ld_dx, float *scratch) {
    lrn_job job = {.simd = exec->simd->lrn,
                   .lrn = lrn,
                   .x = x,
                   .ld_x = ld_x,
                   .dy = dy,
                   .ld_dy = ld_dy,
                   .accumulate = accumulate,
                   .out = dx,
                   .ld_out = ld_dx,
                   .scratch = scratch};
    nlg_split(exec, lrn->rows, lrn->rows * lrn->c * 16, run, &job);
}
