/* Depthwise convolution (one filter per channel): forward pass, data gradient, weight gradient.
 *
 * Packed weights are [rows][taps][channels in whole vectors], per phase. Work is shared out by output rows, and by channels too
 * where rows are few. The weight gradient is cut over output rows into a number of parts that depends on the shape alone. */
#include "layers/kernels/conv_internal.h"
#include "layers/kernels/depthwise_simd.h"

#include <string.h>

enum {
    MOST_PARTS = 16,
    PART_ROWS = 8,       /* fewest output rows of a part */
    CHANNELS = 64,       /* whose sums stay in the first cache */
    RANGES_A_WORKER = 4, /* wanted for an even share */
};

typedef struct depthwise_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *w, *dy;
    int64_t ld_x, ld_dy, ld_w, rows;
    int cuts; /* channel ranges */
    nlg_conv_output out;
    int parts;
    float *sums, *bias_sums;
    bool accumulate;
    float *dw, *db;
} depthwise_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t vectors(int channels) {
    return (channels + NLG_PANEL - 1) / NLG_PANEL;
}

/* Output row number `number` of all images, channels from `channel` on. */
static nlg_depthwise_row row_job(const depthwise_run *run, int64_t number, int channel, int channels) {
    const nlg_conv_axis *rows = &run->phase.rows, *cols = &run->phase.cols;
    int64_t image = number / rows->outputs, p = number % rows->outputs, top = p * rows->stride + rows->first;
    int64_t begin = top < 0 ? (-top + rows->step - 1) / rows->step : 0;
    int64_t end = top >= rows->source ? 0 : (rows->source - 1 - top) / rows->step + 1;
    nlg_depthwise_row job = {.ld_x = run->ld_x,
                             .columns = cols->source,
                             .outputs = cols->outputs,
                             .stride = cols->stride,
                             .first = cols->first,
                             .step = cols->step,
                             .taps = cols->taps,
                             .channels = channels,
                             .out_step = cols->out_step,
                             .ld_w = run->ld_w,
                             .out = run->out};
    job.row_begin = (int)smaller(begin, rows->taps);
    job.row_end = (int)(smaller(end, rows->taps) > job.row_begin ? smaller(end, rows->taps) : job.row_begin);
    job.row_step = (int64_t)rows->step * run->task.source_w * run->ld_x;
    job.x = run->x + (image * rows->source + top) * run->task.source_w * run->ld_x + channel;
    job.index = (image * run->task.out_h + rows->out + p * rows->out_step) * run->task.out_w + cols->out;
    if (run->w) job.w = run->w + channel;
    if (run->out.y) job.out.y += channel;
    if (job.out.add) job.out.add += channel;
    if (job.out.bias) job.out.bias += channel;
    job.out.channels = channels;
    return job;
}

static void channel_range(const depthwise_run *run, int64_t cut, int *begin, int *end) {
    int64_t all = vectors(run->task.panels.outputs);
    *begin = (int)(nlg_conv_cut(all, run->cuts, cut) * NLG_PANEL);
    *end = (int)smaller(nlg_conv_cut(all, run->cuts, cut + 1) * NLG_PANEL, run->task.panels.outputs);
}

static void run_rows(void *context, int64_t begin, int64_t end, int worker) {
    const depthwise_run *run = context;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int from, to;
        channel_range(run, i / run->rows, &from, &to);
        nlg_depthwise_row job = row_job(run, i % run->rows, from, to - from);
        run->exec->simd->depthwise->row(&job);
    }
}

static size_t phase_weights(const depthwise_run *run) {
    return (size_t)run->phase.rows.taps * (size_t)run->phase.cols.taps * (size_t)run->ld_w;
}

static void start(depthwise_run *run, const nlg_conv_shape *shape, nlg_conv_pass pass) {
    nlg_conv_task_init(&run->task, shape, pass);
    run->ld_w = vectors(shape->c) * NLG_PANEL;
}

void nlg_conv_depthwise_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                               const float *packed, const nlg_conv_output *out, float *scratch) {
    (void)scratch;
    depthwise_run run = {.exec = exec, .x = x, .ld_x = ld_x, .w = packed, .out = *out};
    start(&run, shape, pass);
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        run.rows = (int64_t)shape->n * run.phase.rows.outputs;
        if (run.phase.pixels) {
            int64_t wanted = ((int64_t)RANGES_A_WORKER * nlg_team_size(exec->team) + run.rows - 1) / run.rows;
            run.cuts = (int)smaller(wanted, vectors(shape->c));
            nlg_team_run(exec->team, run.rows * run.cuts, run_rows, &run);
        }
        run.w += phase_weights(&run);
    }
}

/* ---- weight gradient ---- */

static void plan_parts(depthwise_run *run, const nlg_conv_shape *shape) {
    start(run, shape, NLG_CONV_BACKWARD_WEIGHTS);
    nlg_conv_phase_init(&run->phase, &run->task, shape, 0);
    run->rows = (int64_t)shape->n * shape->p;
    run->parts = (int)smaller(MOST_PARTS, (run->rows + PART_ROWS - 1) / PART_ROWS);
    run->cuts = (int)((shape->c + CHANNELS - 1) / CHANNELS);
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const depthwise_run *run = context;
    (void)worker;
    int64_t taps = (int64_t)run->phase.rows.taps * run->phase.cols.taps;
    for (int64_t i = begin; i < end; i++) {
        int64_t part = i % run->parts, stop = nlg_conv_cut(run->rows, run->parts, part + 1);
        int from, to;
        channel_range(run, i / run->parts, &from, &to);
        size_t bytes = (size_t)vectors(to - from) * NLG_PANEL * sizeof(float);
        float *sums = run->sums + part * taps * run->ld_w + from, *bias = run->bias_sums + part * run->ld_w + from;
        for (int64_t t = 0; t < taps; t++) memset(sums + t * run->ld_w, 0, bytes);
        memset(bias, 0, bytes);
        for (int64_t r = nlg_conv_cut(run->rows, run->parts, part); r < stop; r++) {
            nlg_depthwise_outer job = {.row = row_job(run, r, from, to - from),
                                       .dy = run->dy + r * run->phase.cols.outputs * run->ld_dy + from,
                                       .ld_dy = run->ld_dy,
                                       .sums = sums,
                                       .bias = run->db ? bias : NULL};
            run->exec->simd->depthwise->outer(&job);
        }
    }
}

static void add_parts(const depthwise_run *run, const float *parts, int64_t stride, float *target) {
    float sum = parts[0];
    for (int64_t i = 1; i < run->parts; i++) sum += parts[i * stride];
    *target = run->accumulate ? *target + sum : sum;
}

size_t nlg_conv_depthwise_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    (void)exec;
    if (pass != NLG_CONV_BACKWARD_WEIGHTS) return 0;
    depthwise_run run = {0};
    plan_parts(&run, shape);
    return (size_t)run.parts * (phase_weights(&run) + (size_t)run.ld_w);
}

void nlg_conv_depthwise_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *dy,
                                int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch) {
    depthwise_run run = {
        .exec = exec, .x = x, .dy = dy, .ld_x = ld_x, .ld_dy = ld_dy, .accumulate = accumulate, .dw = dw_oihw, .db = db};
    plan_parts(&run, shape);
    run.sums = scratch;
    run.bias_sums = scratch + (size_t)run.parts * phase_weights(&run);
    nlg_team_run(exec->team, (int64_t)run.cuts * run.parts, run_parts, &run);
    int64_t taps = (int64_t)shape->r * shape->s;
    for (int c = 0; c < shape->c; c++)
        for (int64_t t = 0; t < taps; t++) add_parts(&run, run.sums + t * run.ld_w + c, taps * run.ld_w, run.dw + c * taps + t);
    for (int c = 0; db && c < shape->c; c++) add_parts(&run, run.bias_sums + c, run.ld_w, db + c);
}

/* ---- packing ---- */

size_t nlg_conv_depthwise_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass) {
    depthwise_run run = {0};
    start(&run, shape, pass);
    size_t size = 0;
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        size += phase_weights(&run);
    }
    return size;
}

void nlg_conv_depthwise_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                             float *packed) {
    (void)exec;
    depthwise_run run = {0};
    start(&run, shape, pass);
    memset(packed, 0, nlg_conv_depthwise_packed_size(shape, pass) * sizeof *packed);
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        const nlg_conv_axis *rows = &run.phase.rows, *cols = &run.phase.cols;
        for (int r = 0; r < rows->taps; r++)
            for (int s = 0; s < cols->taps; s++, packed += run.ld_w)
                for (int64_t c = 0; c < shape->c; c++)
                    packed[c] = w_oihw[(c * shape->r + rows->tap + r * rows->tap_step) * shape->s + cols->tap + s * cols->tap_step];
    }
}
