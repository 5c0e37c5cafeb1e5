/* Splits batch normalisation over the team: elementwise passes by pixels, sums by parts that depend on the shape alone. */
#include "layers/kernels/norm.h"

#include <string.h>

#include "layers/kernels/norm_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/split.h"

enum { PART_VALUES = 8192, MAX_PARTS = 32, CENTER_ROWS = 8, DOT_CHANNELS = 64 };

static int64_t part_count(int64_t rows, int c) {
    int64_t parts = rows * c / PART_VALUES;
    if (parts > MAX_PARTS) parts = MAX_PARTS;
    if (parts > rows) parts = rows;
    return parts < 1 ? 1 : parts;
}

typedef struct norm_job {
    const nlg_norm_simd *simd;
    const nlg_norm *norm;
    const float *center; /* statistics */
    const float *dy;     /* gradients */
    int64_t ld_dy;
    const nlg_norm_gradient *gradient;
    float *y;
    int64_t ld_y;
    int64_t parts;
    double *sums; /* [parts][2][c] */
} norm_job;

size_t nlg_norm_scratch_size(int64_t rows, int c) {
    return (size_t)part_count(rows, c) * 2 * (size_t)c * (sizeof(double) / sizeof(float)) + (size_t)c;
}

static void run_sums(void *context, int64_t begin, int64_t end, int worker) {
    const norm_job *job = context;
    const nlg_norm *norm = job->norm;
    (void)worker;
    for (int64_t part = begin; part < end; part++) {
        int64_t first = norm->rows * part / job->parts, rows = norm->rows * (part + 1) / job->parts - first;
        double *sum = job->sums + part * 2 * norm->c;
        memset(sum, 0, 2 * (size_t)norm->c * sizeof *sum);
        if (job->center)
            job->simd->statistics(rows, norm->c, norm->x + first * norm->ld_x, norm->ld_x, job->center, sum, sum + norm->c);
        else
            job->simd->gradient_sums(norm, first, rows, job->dy, job->ld_dy, sum, sum + norm->c);
    }
}

/* Both sums over all parts, in order. */
static void sum_parts(const nlg_exec *exec, norm_job *job, float *scratch, double *first, double *second) {
    int64_t rows = job->norm->rows;
    int c = job->norm->c;
    job->simd = exec->simd->norm;
    job->parts = part_count(rows, c);
    job->sums = (double *)(void *)scratch;
    nlg_split(exec, job->parts, rows * c, run_sums, job);
    for (int i = 0; i < c; i++) first[i] = job->sums[i], second[i] = job->sums[c + i];
    for (int64_t part = 1; part < job->parts; part++) {
        const double *sum = job->sums + part * 2 * c;
        for (int i = 0; i < c; i++) first[i] += sum[i], second[i] += sum[c + i];
    }
}

void nlg_norm_statistics(const nlg_exec *exec, int64_t rows, int c, const float *x, int64_t ld_x, double *mean, double *variance,
                         float *scratch) {
    /* Shift by a rough mean, of a few rows spread evenly, so that squares do not cancel. */
    float *center = scratch + nlg_norm_scratch_size(rows, c) - c;
    int64_t samples = rows < CENTER_ROWS ? rows : CENTER_ROWS;
    float weight = 1.0f / (float)samples;
    memset(center, 0, (size_t)c * sizeof *center);
    for (int64_t k = 0; k < samples; k++) {
        const float *from = x + rows * k / samples * ld_x;
        for (int i = 0; i < c; i++) center[i] += from[i] * weight;
    }
    nlg_norm norm = {.rows = rows, .c = c, .x = x, .ld_x = ld_x};
    norm_job job = {.norm = &norm, .center = center};
    sum_parts(exec, &job, scratch, mean, variance);
    for (int i = 0; i < c; i++) {
        double shift = mean[i] / (double)rows;
        double value = variance[i] / (double)rows - shift * shift;
        mean[i] = (double)center[i] + shift;
        variance[i] = value < 0.0 ? 0.0 : value; /* NaN stays */
    }
}

static void run_apply(void *context, int64_t begin, int64_t end, int worker) {
    const norm_job *job = context;
    (void)worker;
    job->simd->apply(job->norm, begin, end - begin, job->y, job->ld_y);
}

void nlg_norm_apply(const nlg_exec *exec, const nlg_norm *norm, float *y, int64_t ld_y) {
    norm_job job = {.simd = exec->simd->norm, .norm = norm, .y = y, .ld_y = ld_y};
    nlg_split(exec, norm->rows, norm->rows * norm->c * 2, run_apply, &job);
}

void nlg_norm_gradient_sums(const nlg_exec *exec, const nlg_norm *norm, const float *dy, int64_t ld_dy, double *sum,
                            double *product, float *scratch) {
    norm_job job = {.norm = norm, .dy = dy, .ld_dy = ld_dy};
    sum_parts(exec, &job, scratch, sum, product);
}

static void run_gradient_apply(void *context, int64_t begin, int64_t end, int worker) {
    const norm_job *job = context;
    (void)worker;
    job->simd->gradient_apply(job->norm, begin, end - begin, job->dy, job->ld_dy, job->gradient);
}

void nlg_norm_gradient_apply(const nlg_exec *exec, const nlg_norm *norm, const float *dy, int64_t ld_dy,
                             const nlg_norm_gradient *gradient) {
    norm_job job = {.simd = exec->simd->norm, .norm = norm, .dy = dy, .ld_dy = ld_dy, .gradient = gradient};
    nlg_split(exec, norm->rows, norm->rows * norm->c * 3, run_gradient_apply, &job);
}

typedef struct dot_job {
    const nlg_norm_simd *simd;
    int64_t rows, chunks;
    int c;
    const float *a, *b;
    int64_t ld_a, ld_b;
    bool accumulate;
    float *out;
    int64_t ld_out;
} dot_job;

static void run_dot(void *context, int64_t begin, int64_t end, int worker) {
    const dot_job *job = context;
    (void)worker;
    for (int64_t task = begin; task < end; task++) {
        int64_t image = task / job->chunks, channel = task % job->chunks * DOT_CHANNELS;
        int c = job->c - channel < DOT_CHANNELS ? (int)(job->c - channel) : DOT_CHANNELS;
        double sum[DOT_CHANNELS] = {0};
        job->simd->dot(job->rows, c, job->a + image * job->rows * job->ld_a + channel, job->ld_a,
                       job->b ? job->b + image * job->rows * job->ld_b + channel : NULL, job->ld_b, sum);
        float *out = job->out + image * job->ld_out + channel;
        for (int i = 0; i < c; i++) out[i] = (float)(job->accumulate ? (double)out[i] + sum[i] : sum[i]);
    }
}

void nlg_channel_dot(const nlg_exec *exec, int64_t images, int64_t rows, int c, const float *a, int64_t ld_a, const float *b,
                     int64_t ld_b, bool accumulate, float *out, int64_t ld_out) {
    int64_t chunks = (c + DOT_CHANNELS - 1) / DOT_CHANNELS;
    dot_job job = {exec->simd->norm, rows, chunks, c, a, b, ld_a, ld_b, accumulate, out, ld_out};
    nlg_split(exec, images * chunks, images * rows * c * 2, run_dot, &job);
}
