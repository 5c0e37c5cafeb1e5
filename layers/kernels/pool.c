/* Splits pooling over the team: rows of pixels, and channels too where there are few rows (global pools). */
#include "layers/kernels/pool.h"

#include "layers/kernels/norm.h"
#include "layers/kernels/pool_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/split.h"

enum { CHANNELS = 64 };

typedef struct pool_job {
    const nlg_pool *pool;
    void (*run)(const nlg_pool_row *row);
    int in, out; /* pixels of an image on the side read and written */
    int rows;
    int chunks;
    const float *from;
    int64_t ld_from;
    float *to;
    int64_t ld_to;
    int32_t *position;
    bool accumulate;
} pool_job;

static void run(void *context, int64_t begin, int64_t end, int worker) {
    const pool_job *job = context;
    const nlg_pool *pool = job->pool;
    int64_t outputs = (int64_t)pool->h.out * pool->w.out;
    (void)worker;
    for (int64_t task = begin; task < end; task++) {
        int64_t chunk = task % job->chunks, row = task / job->chunks % job->rows, image = task / job->chunks / job->rows;
        nlg_pool_row r = {
            .pool = pool,
            .row = (int)row,
            .begin = (int)chunk * CHANNELS,
            .end = chunk + 1 == job->chunks ? pool->c : (int)(chunk + 1) * CHANNELS,
            .from = job->from + image * job->in * job->ld_from,
            .ld_from = job->ld_from,
            .to = job->to + image * job->out * job->ld_to,
            .ld_to = job->ld_to,
            .position = job->position ? job->position + image * outputs * pool->c : NULL,
            .accumulate = job->accumulate,
        };
        job->run(&r);
    }
}

static void start(const nlg_exec *exec, pool_job *job, bool backward) {
    const nlg_pool *pool = job->pool;
    int inputs = pool->h.in * pool->w.in, outputs = pool->h.out * pool->w.out;
    job->in = backward ? outputs : inputs;
    job->out = backward ? inputs : outputs;
    job->rows = backward ? pool->h.in : pool->h.out;
    job->chunks = pool->n * job->rows < 32 && pool->c >= 2 * CHANNELS ? pool->c / CHANNELS : 1;
    int64_t tasks = (int64_t)pool->n * job->rows * job->chunks;
    nlg_split(exec, tasks, (int64_t)pool->n * (inputs + outputs) * pool->c * 2, run, job);
}

void nlg_max_pool_forward(const nlg_exec *exec, const nlg_pool *pool, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                          int32_t *position) {
    pool_job job = {.pool = pool,
                    .run = exec->simd->pool->max_forward,
                    .from = x,
                    .ld_from = ld_x,
                    .to = y,
                    .ld_to = ld_y,
                    .position = position};
    start(exec, &job, false);
}

void nlg_max_pool_backward(const nlg_exec *exec, const nlg_pool *pool, const float *dy, int64_t ld_dy, const int32_t *position,
                           bool accumulate, float *dx, int64_t ld_dx) {
    pool_job job = {.pool = pool,
                    .run = exec->simd->pool->max_backward,
                    .from = dy,
                    .ld_from = ld_dy,
                    .to = dx,
                    .ld_to = ld_dx,
                    .position = (int32_t *)(uintptr_t)position,
                    .accumulate = accumulate};
    start(exec, &job, true);
}

/* A single window over all pixels and no padding. */
static bool covers_all(const nlg_pool_axis *axis) {
    return axis->out == 1 && (axis->adaptive || (axis->kernel == axis->in && axis->before == 0));
}

void nlg_average_pool_forward(const nlg_exec *exec, const nlg_pool *pool, const float *x, int64_t ld_x, float *y, int64_t ld_y) {
    int64_t pixels = (int64_t)pool->h.in * pool->w.in;
    if (covers_all(&pool->h) && covers_all(&pool->w)) {
        nlg_channel_mean(exec, pool->n, pixels, pool->c, x, ld_x, y, ld_y);
        return;
    }
    pool_job job = {.pool = pool, .run = exec->simd->pool->average_forward, .from = x, .ld_from = ld_x, .to = y, .ld_to = ld_y};
    start(exec, &job, false);
}

void nlg_average_pool_backward(const nlg_exec *exec, const nlg_pool *pool, const float *dy, int64_t ld_dy, bool accumulate,
                               float *dx, int64_t ld_dx) {
    pool_job job = {.pool = pool,
                    .run = exec->simd->pool->average_backward,
                    .from = dy,
                    .ld_from = ld_dy,
                    .to = dx,
                    .ld_to = ld_dx,
                    .accumulate = accumulate};
    start(exec, &job, true);
}
