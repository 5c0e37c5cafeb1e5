/* Splits batch normalisation over the team: elementwise passes by pixels, sums by parts that depend on the shape alone. */
#include "layers/kernels/norm.h"

#include <string.h>

#include "layers/kernels/norm_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/split.h"

enum { PART_VALUES = 16384, PART_ROWS = 256, MAX_PARTS = 16, CENTER_ROWS = 8, BLOCK_VALUES = 65536, STREAM_VALUES = 1 << 22 };

static int64_t lower(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* ---- folding: where pixels without gaps have few channels, several are taken as one pixel, whose channels fill vectors ---- */

enum { FOLD_LEAST = 64, FOLD_MOST = 512, FOLD_VECTORS = 5, LANES = 16 };

/* How many pixels: 1 where channels are many. */
static int fold_of(int64_t rows, int c) {
    int vectors = LANES; /* pixels whose channels fill vectors */
    while (vectors > 1 && c * (vectors / 2) % LANES == 0) vectors /= 2;
    int pixels = vectors;
    while (pixels * c < FOLD_LEAST) pixels *= 2;
    return pixels * c > FOLD_MOST || pixels > rows ? 1 : pixels;
}

static bool without_gaps(const nlg_norm *norm) {
    return norm->ld_x == norm->c && (!norm->add || norm->ld_add == norm->c);
}

typedef struct folded {
    nlg_norm norm;
    nlg_norm_gradient gradient;
    int pixels;
    int64_t rest; /* pixels left over at the end, fewer than one fold */
    float vectors[FOLD_VECTORS][FOLD_MOST];
} folded;

/* Copies of a vector of channels, one for each pixel of the fold. */
static const float *repeated(folded *f, int index, const float *vector, int c) {
    if (!vector || f->pixels == 1) return vector;
    for (int k = 0; k < f->pixels; k++) memcpy(f->vectors[index] + k * c, vector, (size_t)c * sizeof *vector);
    return f->vectors[index];
}

static void fold(folded *f, const nlg_norm *norm, const nlg_norm_gradient *gradient, int pixels) {
    int c = norm->c;
    f->pixels = pixels;
    f->rest = norm->rows % f->pixels;
    f->norm = *norm;
    f->norm.rows /= f->pixels;
    f->norm.c *= f->pixels, f->norm.ld_x *= f->pixels, f->norm.ld_add *= f->pixels;
    f->norm.scale = repeated(f, 0, norm->scale, c);
    f->norm.shift = repeated(f, 1, norm->shift, c);
    f->norm.mean = repeated(f, 2, norm->mean, c);
    if (!gradient) return;
    f->gradient = *gradient;
    f->gradient.ld_dx *= f->pixels, f->gradient.ld_dadd *= f->pixels;
    f->gradient.slope = repeated(f, 3, gradient->slope, c);
    f->gradient.offset = repeated(f, 4, gradient->offset, c);
}

/* ---- gaps: where folded pixels have some, a block of them is copied to where they have none ---- */

enum { PACKED_VALUES = 2048, AHEAD_PIXELS = 32 /* fetched before they are copied */ };

static void copy_floats(float *to, const float *from, int count) {
    int i = 0;
    for (; i + 4 <= count; i += 4) memcpy(to + i, from + i, 4 * sizeof *to);
    for (; i < count; i++) to[i] = from[i];
}

/* `pixels` of c floats without gaps: where they lie, or copied to `room`. */
static float *packed(float *from, int64_t ld, int c, int64_t pixels, float *room) {
    if (from == NULL || ld == c) return from;
    for (int64_t i = 0; i < pixels; i++) {
        __builtin_prefetch(from + (i + AHEAD_PIXELS) * ld, 0, 3);
        copy_floats(room + i * c, from + i * ld, c);
    }
    return room;
}

static void unpack(const float *from, float *to, int64_t ld, int c, int64_t pixels) {
    if (to == NULL || ld == c) return;
    for (int64_t i = 0; i < pixels; i++) copy_floats(to + i * ld, from + i * c, c);
}

/* Where pixels from number `pixel` on begin; NULL stays. */
static float *at(const float *from, int64_t pixel, int64_t ld) {
    return from == NULL ? NULL : (float *)(uintptr_t)(from + pixel * ld);
}

/* ---- sums ---- */

static int64_t part_count(int64_t rows, int c) {
    int64_t parts = lower(MAX_PARTS, lower(rows * c / PART_VALUES, rows / PART_ROWS));
    return parts < 1 ? 1 : parts;
}

typedef struct norm_job {
    const nlg_norm_simd *simd;
    const nlg_norm *norm; /* folded */
    const nlg_norm *whole;
    int pixels;      /* of the fold */
    bool gaps;       /* between folded pixels */
    bool statistics; /* sums of x, shifted by norm->mean; else of gradients */
    float *dy;
    const float *dz;
    int64_t ld_dy;
    const nlg_norm_gradient *gradient;
    float *y;
    int64_t ld_y;
    bool stream;
    int64_t parts;
    int width;    /* channels of a task */
    double *sums; /* [parts][2][c] */
} norm_job;

size_t nlg_norm_scratch_size(int64_t rows, int c) {
    size_t folded_c = (size_t)c * (size_t)fold_of(rows, c);
    return (size_t)part_count(rows, c) * 2 * folded_c * (sizeof(double) / sizeof(float)) + (size_t)c;
}

/* first and second [c] += the sums over some rows, channels from `channel` on. */
static void sum_rows(const norm_job *job, const nlg_norm *norm, int64_t ld_dy, int64_t row, int64_t rows, int channel, int c,
                     double *first, double *second) {
    nlg_norm part = *norm;
    part.c = c;
    part.x += channel, part.mean += channel;
    if (job->statistics) {
        job->simd->statistics(rows, c, part.x + row * part.ld_x, part.ld_x, part.mean, first, second);
        return;
    }
    if (part.add) part.add += channel;
    part.scale += channel, part.shift += channel;
    job->simd->gradient_sums(&part, row, rows, job->dy + channel, ld_dy, first, second);
}

/* The same, all channels, where folded pixels have gaps. Blocks are whole groups of rows, so that the chains of additions are the
 * same. */
static void sum_packed_rows(const norm_job *job, int64_t row, int64_t rows, double *first, double *second) {
    const nlg_norm *whole = job->whole;
    const int c = whole->c;
    float x[PACKED_VALUES], add[PACKED_VALUES], dy[PACKED_VALUES];
    nlg_norm part = *job->norm;
    part.ld_x = part.ld_add = part.c;
    const int64_t block = PACKED_VALUES / part.c / NLG_NORM_GROUP * NLG_NORM_GROUP;
    for (int64_t count; rows > 0; row += count, rows -= count) {
        count = lower(rows, block);
        const int64_t pixel = row * job->pixels, pixels = count * job->pixels;
        part.x = packed(at(whole->x, pixel, whole->ld_x), whole->ld_x, c, pixels, x);
        part.add = packed(at(whole->add, pixel, whole->ld_add), whole->ld_add, c, pixels, add);
        if (job->statistics) {
            job->simd->statistics(count, part.c, part.x, part.c, part.mean, first, second);
            continue;
        }
        float *gradient = at(job->dy, pixel, job->ld_dy);
        float *dense = packed(gradient, job->ld_dy, c, pixels, dy);
        job->simd->gradient_sums(&part, 0, count, dense, part.c, first, second);
        if (part.act != NLG_ACT_NONE) unpack(dense, gradient, job->ld_dy, c, pixels);
    }
}

static void run_sums(void *context, int64_t begin, int64_t end, int worker) {
    const norm_job *job = context;
    const nlg_norm *norm = job->norm;
    int64_t groups = (norm->c + job->width - 1) / job->width;
    (void)worker;
    for (int64_t task = begin; task < end; task++) {
        int64_t part = task / groups, first = norm->rows * part / job->parts, stop = norm->rows * (part + 1) / job->parts;
        int channel = (int)(task % groups) * job->width, c = norm->c - channel < job->width ? norm->c - channel : job->width;
        double *sum = job->sums + part * 2 * norm->c + channel;
        memset(sum, 0, (size_t)c * sizeof *sum);
        memset(sum + norm->c, 0, (size_t)c * sizeof *sum);
        if (job->gaps)
            sum_packed_rows(job, first, stop - first, sum, sum + norm->c);
        else
            sum_rows(job, norm, job->ld_dy * job->pixels, first, stop - first, channel, c, sum, sum + norm->c);
    }
}

/* Both sums over all parts, over the pixels of the fold, and over the pixels left over, in this order. The width of a task is free:
 * channels do not meet. */
static void sum_parts(const nlg_exec *exec, const nlg_norm *norm, bool statistics, float *dy, int64_t ld_dy, float *scratch,
                      double *first, double *second) {
    int c = norm->c;
    folded f;
    bool dense = without_gaps(norm) && (statistics || ld_dy == c);
    fold(&f, norm, NULL, fold_of(norm->rows, c));
    norm_job job = {.simd = exec->simd->norm,
                    .norm = &f.norm,
                    .whole = norm,
                    .pixels = f.pixels,
                    .gaps = !dense && f.pixels > 1,
                    .statistics = statistics,
                    .dy = dy,
                    .ld_dy = ld_dy,
                    .parts = part_count(norm->rows, c),
                    .sums = (double *)(void *)scratch};
    job.width = job.parts < MAX_PARTS && !job.gaps ? NLG_NORM_WIDTH / 4 : NLG_NORM_WIDTH;
    nlg_split(exec, job.parts * ((f.norm.c + job.width - 1) / job.width), norm->rows * c, run_sums, &job);
    for (int i = 0; i < c; i++) first[i] = second[i] = 0.0;
    for (int64_t part = 0; part < job.parts; part++)
        for (int k = 0; k < f.pixels; k++) {
            const double *sum = job.sums + part * 2 * f.norm.c + k * c;
            for (int i = 0; i < c; i++) first[i] += sum[i], second[i] += sum[f.norm.c + i];
        }
    if (f.rest > 0) sum_rows(&job, norm, ld_dy, norm->rows - f.rest, f.rest, 0, c, first, second);
}

void nlg_norm_statistics(const nlg_exec *exec, int64_t rows, int c, const float *x, int64_t ld_x, double *mean, double *variance,
                         float *scratch) {
    /* Shift by a rough mean, of a few rows at equal distances, so that squares do not cancel. */
    float *center = scratch + nlg_norm_scratch_size(rows, c) - c;
    int64_t samples = lower(rows, CENTER_ROWS);
    float weight = 1.0f / (float)samples;
    memset(center, 0, (size_t)c * sizeof *center);
    for (int64_t k = 0; k < samples; k++) {
        const float *from = x + rows * k / samples * ld_x;
        for (int i = 0; i < c; i++) center[i] += from[i] * weight;
    }
    nlg_norm norm = {.rows = rows, .c = c, .x = x, .ld_x = ld_x, .mean = center};
    sum_parts(exec, &norm, true, NULL, 0, scratch, mean, variance);
    for (int i = 0; i < c; i++) {
        double shift = mean[i] / (double)rows;
        double value = variance[i] / (double)rows - shift * shift;
        mean[i] = (double)center[i] + shift;
        variance[i] = value < 0.0 ? 0.0 : value; /* NaN stays */
    }
}

void nlg_norm_gradient_sums(const nlg_exec *exec, const nlg_norm *norm, float *dy, int64_t ld_dy, double *sum, double *product,
                            float *scratch) {
    sum_parts(exec, norm, false, dy, ld_dy, scratch, sum, product);
}

/* ---- elementwise: each range from its end to its begin, since the pass before left its end in the caches ---- */

static void apply_rows(const norm_job *job, const nlg_norm *norm, int64_t first, int64_t rows) {
    if (job->gradient)
        job->simd->gradient_apply(norm, first, rows, job->dz, job->ld_dy, job->gradient, job->stream);
    else
        job->simd->apply(norm, first, rows, job->y, job->ld_y, job->stream);
}

static void run_apply(void *context, int64_t begin, int64_t end, int worker) {
    const norm_job *job = context;
    int64_t block = BLOCK_VALUES / job->norm->c + 1;
    (void)worker;
    for (int64_t rows; end > begin; end -= rows) {
        rows = lower(end - begin, block);
        apply_rows(job, job->norm, end - rows, rows);
    }
}

/* Whether the next reader would find nothing in the caches anyway. `c` and `ld` of the fold. */
static bool streams(const nlg_norm *norm, const float *y, int64_t ld) {
    return norm->rows * norm->c >= STREAM_VALUES && norm->c % LANES == 0 && ld % LANES == 0 && (uintptr_t)y % 64 == 0;
}

void nlg_norm_apply(const nlg_exec *exec, const nlg_norm *norm, float *y, int64_t ld_y) {
    folded f;
    fold(&f, norm, NULL, without_gaps(norm) && ld_y == norm->c ? fold_of(norm->rows, norm->c) : 1);
    norm_job job = {.simd = exec->simd->norm, .norm = &f.norm, .y = y, .ld_y = ld_y * f.pixels};
    job.stream = streams(&f.norm, y, job.ld_y);
    nlg_split(exec, f.norm.rows, norm->rows * norm->c * 2, run_apply, &job);
    job.ld_y = ld_y;
    job.stream = false;
    if (f.rest > 0) apply_rows(&job, norm, norm->rows - f.rest, f.rest);
}

void nlg_norm_gradient_apply(const nlg_exec *exec, const nlg_norm *norm, const float *dz, int64_t ld_dz,
                             const nlg_norm_gradient *gradient) {
    int c = norm->c;
    bool dense =
        without_gaps(norm) && ld_dz == c && (!gradient->dx || gradient->ld_dx == c) && (!gradient->dadd || gradient->ld_dadd == c);
    folded f;
    fold(&f, norm, gradient, dense ? fold_of(norm->rows, c) : 1);
    norm_job job = {.simd = exec->simd->norm, .norm = &f.norm, .dz = dz, .ld_dy = ld_dz * f.pixels, .gradient = &f.gradient};
    job.stream = gradient->dx && streams(&f.norm, gradient->dx, f.gradient.ld_dx);
    nlg_split(exec, f.norm.rows, norm->rows * c * 3, run_apply, &job);
    job.ld_dy = ld_dz;
    job.stream = false;
    job.gradient = gradient;
    if (f.rest > 0) apply_rows(&job, norm, norm->rows - f.rest, f.rest);
}

/* ---- sums per image ---- */

typedef struct dot_job {
    const nlg_norm_simd *simd;
    int64_t rows;
    int c, vectors; /* channels of an image, and the vectors they take: each is a task */
    const float *a, *b;
    int64_t ld_a, ld_b;
    double factor;
    bool accumulate;
    float *out;
    int64_t ld_out;
} dot_job;

static void run_dot(void *context, int64_t begin, int64_t end, int worker) {
    const dot_job *job = context;
    (void)worker;
    for (int64_t vectors; begin < end; begin += vectors) {
        int64_t image = begin / job->vectors, first = begin % job->vectors, channel = first * LANES;
        vectors = lower(lower(end - begin, job->vectors - first), NLG_NORM_WIDTH / LANES);
        int c = (int)lower(job->c - channel, vectors * LANES);
        double sum[NLG_NORM_WIDTH] = {0};
        job->simd->dot(job->rows, c, job->a + image * job->rows * job->ld_a + channel, job->ld_a,
                       job->b ? job->b + image * job->rows * job->ld_b + channel : NULL, job->ld_b, sum);
        float *out = job->out + image * job->ld_out + channel;
        for (int i = 0; i < c; i++) out[i] = (float)((job->accumulate ? (double)out[i] : 0.0) + job->factor * sum[i]);
    }
}

static void dot(const nlg_exec *exec, int64_t images, dot_job *job) {
    job->simd = exec->simd->norm;
    job->vectors = (job->c + LANES - 1) / LANES;
    nlg_split(exec, images * job->vectors, images * job->rows * job->c * 2, run_dot, job);
}

void nlg_channel_dot(const nlg_exec *exec, int64_t images, int64_t rows, int c, const float *a, int64_t ld_a, const float *b,
                     int64_t ld_b, bool accumulate, float *out, int64_t ld_out) {
    dot_job job = {.rows = rows,
                   .c = c,
                   .a = a,
                   .ld_a = ld_a,
                   .b = b,
                   .ld_b = ld_b,
                   .factor = 1.0,
                   .accumulate = accumulate,
                   .out = out,
                   .ld_out = ld_out};
    dot(exec, images, &job);
}

void nlg_channel_mean(const nlg_exec *exec, int64_t images, int64_t rows, int c, const float *a, int64_t ld_a, float *out,
                      int64_t ld_out) {
    dot_job job = {.rows = rows, .c = c, .a = a, .ld_a = ld_a, .factor = 1.0 / (double)rows, .out = out, .ld_out = ld_out};
    dot(exec, images, &job);
}
