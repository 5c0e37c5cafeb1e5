/* Splits elementwise work over the team. Tensors without gaps are treated as one row, so that few channels cost no tails. */
#include "layers/kernels/pointwise.h"

#include <string.h>

#include "layers/kernels/pointwise_simd.h"
#include "layers/kernels/simd.h"
#include "layers/kernels/split.h"

enum { CHUNK = 1024, MAX_OPERANDS = 24 };

typedef struct elementwise elementwise;
struct elementwise {
    const nlg_pointwise_simd *simd;
    int64_t rows, c;
    bool flat; /* no gaps: tasks are chunks of values, else pixels */
    nlg_act act;
    int n;
    const float *factor;
    const float *const *x;
    const int64_t *ld_x;
    const float *a, *b;
    int64_t ld_a, ld_b, repeat;
    bool accumulate;
    float *y, *derivative;
    int64_t ld_y;
    void (*body)(const elementwise *job, int64_t first, int64_t rows, int64_t c);
};

/* Distance of the first value of a span. */
static int64_t at(const elementwise *job, int64_t first, int64_t ld) {
    return job->flat ? first : first * ld;
}

static void run(void *context, int64_t begin, int64_t end, int worker) {
    const elementwise *job = context;
    (void)worker;
    if (!job->flat) {
        job->body(job, begin, end - begin, job->c);
        return;
    }
    int64_t first = begin * CHUNK, stop = end * CHUNK, total = job->rows * job->c;
    job->body(job, first, 1, (stop < total ? stop : total) - first);
}

static void start(const nlg_exec *exec, elementwise *job, int operands) {
    job->simd = exec->simd->pointwise;
    int64_t total = job->rows * job->c;
    nlg_split(exec, job->flat ? (total + CHUNK - 1) / CHUNK : job->rows, total * operands, run, job);
}

static void act_body(const elementwise *j, int64_t first, int64_t rows, int64_t c) {
    j->simd->act(j->act, rows, c, j->a + at(j, first, j->ld_a), j->ld_a, j->y + at(j, first, j->ld_y), j->ld_y,
                 j->derivative ? j->derivative + at(j, first, j->c) : NULL);
}

void nlg_act_forward(const nlg_exec *exec, nlg_act act, int64_t rows, int c, const float *x, int64_t ld_x, float *y, int64_t ld_y,
                     float *derivative) {
    elementwise job = {.rows = rows,
                       .c = c,
                       .flat = ld_x == c && ld_y == c,
                       .act = act,
                       .a = x,
                       .ld_a = ld_x,
                       .y = y,
                       .ld_y = ld_y,
                       .derivative = derivative,
                       .body = act_body};
    start(exec, &job, 2);
}

static void act_back_body(const elementwise *j, int64_t first, int64_t rows, int64_t c) {
    j->simd->act_back(j->act, rows, c, j->a + at(j, first, j->ld_a), j->ld_a, j->b + at(j, first, j->ld_b), j->ld_b, j->accumulate,
                      j->y + at(j, first, j->ld_y), j->ld_y);
}

void nlg_act_backward(const nlg_exec *exec, nlg_act act, int64_t rows, int c, const float *y, int64_t ld_y, const float *dy,
                      int64_t ld_dy, bool accumulate, float *dx, int64_t ld_dx) {
    elementwise job = {.rows = rows,
                       .c = c,
                       .flat = ld_y == c && ld_dy == c && ld_dx == c,
                       .act = act,
                       .a = y,
                       .ld_a = ld_y,
                       .b = dy,
                       .ld_b = ld_dy,
                       .accumulate = accumulate,
                       .y = dx,
                       .ld_y = ld_dx,
                       .body = act_back_body};
    start(exec, &job, 3);
}

static void sum_body(const elementwise *j, int64_t first, int64_t rows, int64_t c) {
    const float *x[MAX_OPERANDS];
    for (int k = 0; k < j->n; k++) x[k] = j->x[k] + at(j, first, j->ld_x[k]);
    j->simd->sum(j->act, rows, c, j->n, j->factor, x, j->ld_x, j->accumulate, j->y + at(j, first, j->ld_y), j->ld_y);
}

static void sum_all(const nlg_exec *exec, nlg_act act, int n, const float *factor, const float *const *x, const int64_t *ld_x,
                    int64_t rows, int c, bool accumulate, float *y, int64_t ld_y) {
    bool flat = ld_y == c;
    for (int k = 0; k < n; k++) flat = flat && ld_x[k] == c;
    elementwise job = {.rows = rows,
                       .c = c,
                       .flat = flat,
                       .act = act,
                       .n = n,
                       .factor = factor,
                       .x = x,
                       .ld_x = ld_x,
                       .accumulate = accumulate,
                       .y = y,
                       .ld_y = ld_y,
                       .body = sum_body};
    start(exec, &job, n + 1);
}

void nlg_sum(const nlg_exec *exec, nlg_act act, int n, const float *factor, const float *const *x, const int64_t *ld_x,
             int64_t rows, int c, float *y, int64_t ld_y) {
    sum_all(exec, act, n, factor, x, ld_x, rows, c, false, y, ld_y);
}

void nlg_pointwise_add_scaled(const nlg_exec *exec, int64_t rows, int c, float factor, const float *x, int64_t ld_x,
                              bool accumulate, float *y, int64_t ld_y) {
    sum_all(exec, NLG_ACT_NONE, 1, &factor, &x, &ld_x, rows, c, accumulate, y, ld_y);
}

static void multiply_body(const elementwise *j, int64_t first, int64_t rows, int64_t c) {
    if (j->repeat == 1) {
        j->simd->multiply(rows, c, j->a + at(j, first, j->ld_a), j->ld_a, j->b + at(j, first, j->ld_b), j->ld_b, j->accumulate,
                          j->y + at(j, first, j->ld_y), j->ld_y);
        return;
    }
    for (int64_t row = first, stop, end = first + rows; row < end; row = stop) {
        int64_t group = row / j->repeat;
        stop = (group + 1) * j->repeat < end ? (group + 1) * j->repeat : end;
        j->simd->multiply(stop - row, c, j->a + row * j->ld_a, j->ld_a, j->b + group * j->ld_b, 0, j->accumulate,
                          j->y + row * j->ld_y, j->ld_y);
    }
}

void nlg_multiply_rows(const nlg_exec *exec, int64_t rows, int c, const float *a, int64_t ld_a, const float *b, int64_t ld_b,
                       int64_t repeat, bool accumulate, float *y, int64_t ld_y) {
    elementwise job = {.rows = rows,
                       .c = c,
                       .flat = repeat == 1 && ld_a == c && ld_b == c && ld_y == c,
                       .a = a,
                       .ld_a = ld_a,
                       .b = b,
                       .ld_b = ld_b,
                       .repeat = repeat,
                       .accumulate = accumulate,
                       .y = y,
                       .ld_y = ld_y,
                       .body = multiply_body};
    start(exec, &job, 3);
}

static void zero_body(const elementwise *j, int64_t first, int64_t rows, int64_t c) {
    float *y = j->y + at(j, first, j->ld_y);
    for (int64_t row = 0; row < rows; row++, y += j->ld_y) memset(y, 0, (size_t)c * sizeof *y);
}

void nlg_zero_rows(const nlg_exec *exec, int64_t rows, int c, float *y, int64_t ld_y) {
    elementwise job = {.rows = rows, .c = c, .flat = ld_y == c, .y = y, .ld_y = ld_y, .body = zero_body};
    start(exec, &job, 1);
}

typedef struct map_job {
    const nlg_pointwise_simd *simd;
    const nlg_pixel_map *map;
    const float *from;
    bool accumulate;
    float *to;
} map_job;

static void run_map(void *context, int64_t begin, int64_t end, int worker) {
    const map_job *job = context;
    const nlg_pixel_map *m = job->map;
    const float one = 1.0f;
    (void)worker;
    for (int64_t task = begin; task < end; task++) {
        int64_t image = task / m->rows, row = task % m->rows;
        const float *from = job->from + image * m->from_image + row * m->from_row;
        float *to = job->to + image * m->to_image + row * m->to_row;
        job->simd->sum(NLG_ACT_NONE, m->columns, m->c, 1, &one, &from, &m->from_pixel, job->accumulate, to, m->to_pixel);
    }
}

void nlg_copy_pixels(const nlg_exec *exec, const nlg_pixel_map *map, const float *from, bool accumulate, float *to) {
    map_job job = {exec->simd->pointwise, map, from, accumulate, to};
    int64_t tasks = (int64_t)map->n * map->rows;
    nlg_split(exec, tasks, tasks * map->columns * map->c * 2, run_map, &job);
}
