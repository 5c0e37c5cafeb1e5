/* Depthwise convolution (one filter per channel): forward pass, data gradient, weight gradient.
 *
 * Packed weights are [rows][taps][channels in whole vectors], per phase. Work is cut into row blocks of each image x channel
 * blocks. Within one, columns go by blocks whose source rows stay in the first cache, so that each is fetched once for all tap
 * rows. A dilated kernel at stride 1 runs as `step` interleaved dense ones over every step-th column. The weight gradient is cut
 * over output rows into a number of parts that depends on the shape alone. */
#include "layers/kernels/conv_internal.h"
#include "layers/kernels/depthwise_simd.h"

#include <string.h>

enum {
    MOST_PARTS = 16,
    PART_ROWS = 8,           /* fewest output rows of a part */
    CHANNELS = 64,           /* whose sums stay in the first cache */
    FIRST_BYTES = 20 * 1024, /* source of a column block */
    ROWS_BYTES = 192 * 1024, /* source of a row block, all channels */
    BLOCKS_A_WORKER = 4,     /* wanted for an even share */
};

typedef struct depthwise_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *w, *dy;
    int64_t ld_x, ld_dy, ld_w, rows;
    int row_blocks, channel_block, channel_blocks, col_block;
    nlg_conv_output out;
    int parts;
    float *sums, *bias_sums;
    bool accumulate;
    float *dw, *db;
} depthwise_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

static int64_t divide_up(int64_t a, int64_t b) {
    return (a + b - 1) / b;
}

/* All rows and columns of an image, channels from `channel` on. */
static nlg_depthwise_block image_block(const depthwise_run *run, int64_t image, int channel, int channels) {
    const nlg_conv_axis *rows = &run->phase.rows, *cols = &run->phase.cols;
    int64_t ld_row = run->task.source_w * run->ld_x;
    nlg_depthwise_block block = {.x = run->x + image * run->task.source_h * ld_row + channel,
                                 .ld_row = ld_row,
                                 .ld_x = run->ld_x,
                                 .rows = *rows,
                                 .cols = *cols,
                                 .row_end = rows->outputs,
                                 .col_end = cols->outputs,
                                 .channels = channels,
                                 .ld_w = run->ld_w,
                                 .index = (image * run->task.out_h + rows->out) * run->task.out_w + cols->out,
                                 .ld_index = (int64_t)rows->out_step * run->task.out_w,
                                 .out = run->out};
    if (run->w) block.w = run->w + channel;
    if (run->out.y) block.out.y += channel;
    if (block.out.add) block.out.add += channel;
    if (block.out.bias) block.out.bias += channel;
    if (block.out.gate) block.out.gate += channel;
    block.out.channels = channels;
    return block;
}

/* Every step-th output column from number `residue` on, as a dense kernel over every step-th source column. */
static nlg_depthwise_block interleaved(const nlg_depthwise_block *block, int residue) {
    nlg_depthwise_block b = *block;
    nlg_conv_axis *cols = &b.cols;
    int step = cols->step, first = residue + cols->first, base = ((first % step) + step) % step;
    cols->outputs = residue < cols->outputs ? (cols->outputs - residue + step - 1) / step : 0;
    cols->source = base < cols->source ? (cols->source - base + step - 1) / step : 0;
    cols->first = (first - base) / step;
    cols->step = 1;
    b.index += (int64_t)residue * cols->out_step;
    cols->out_step *= step;
    b.x += base * b.ld_x;
    b.ld_x *= step;
    return b;
}

static void run_columns(const depthwise_run *run, nlg_depthwise_block block) {
    for (int q = 0; q < block.cols.outputs; q += run->col_block) {
        block.col_begin = q;
        block.col_end = (int)smaller(q + run->col_block, block.cols.outputs);
        run->exec->simd->depthwise->block(&block);
    }
}

static void run_blocks(void *context, int64_t begin, int64_t end, int worker) {
    const depthwise_run *run = context;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        int64_t band = i / run->channel_blocks, image = band / run->row_blocks, part = band % run->row_blocks;
        int channel = (int)(i % run->channel_blocks) * run->channel_block;
        int channels = (int)smaller(run->channel_block, run->task.panels.outputs - channel);
        nlg_depthwise_block block = image_block(run, image, channel, channels);
        block.row_begin = (int)nlg_conv_cut(run->phase.rows.outputs, run->row_blocks, part);
        block.row_end = (int)nlg_conv_cut(run->phase.rows.outputs, run->row_blocks, part + 1);
        int step = block.cols.step;
        if (step == 1 || block.cols.stride > 1) {
            run_columns(run, block);
            continue;
        }
        for (int residue = 0; residue < step; residue++) run_columns(run, interleaved(&block, residue));
    }
}

/* Blocking of a phase. None of it alters a result. */
static void plan_blocks(depthwise_run *run) {
    const nlg_conv_axis *rows = &run->phase.rows, *cols = &run->phase.cols;
    int64_t tile = run->exec->simd->depthwise->tile, column = (int64_t)sizeof(float) * larger(rows->taps, 1);
    int64_t fit = FIRST_BYTES / (column * cols->source) / NLG_PANEL * NLG_PANEL; /* channels whose whole rows fit */
    run->channel_block = (int)smaller(larger(fit, CHANNELS), run->ld_w);
    int64_t width = (FIRST_BYTES / (column * run->channel_block) - cols->taps) / cols->stride / tile * tile;
    run->col_block = fit >= CHANNELS ? cols->outputs : (int)larger(width, 2 * tile);
    run->channel_blocks = (int)divide_up(run->task.panels.outputs, run->channel_block);
    int64_t row_bytes = (int64_t)sizeof(float) * run->task.panels.outputs * cols->source * rows->stride;
    int64_t most = larger(rows->outputs, 1), wanted = (int64_t)BLOCKS_A_WORKER * nlg_team_size(run->exec->team);
    int64_t blocks = divide_up(most * row_bytes, ROWS_BYTES);
    blocks = larger(blocks, divide_up(wanted, (int64_t)run->task.n * run->channel_blocks));
    run->row_blocks = (int)smaller(blocks, most);
}

static size_t phase_weights(const depthwise_run *run) {
    return (size_t)run->phase.rows.taps * (size_t)run->phase.cols.taps * (size_t)run->ld_w;
}

static void start(depthwise_run *run, const nlg_conv_shape *shape, nlg_conv_pass pass) {
    nlg_conv_task_init(&run->task, shape, pass);
    run->ld_w = divide_up(shape->c, NLG_PANEL) * NLG_PANEL;
}

void nlg_conv_depthwise_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                               const float *packed, const nlg_conv_output *out, float *scratch) {
    (void)scratch;
    depthwise_run run = {.exec = exec, .x = x, .ld_x = ld_x, .w = packed, .out = *out};
    start(&run, shape, pass);
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        if (run.phase.pixels) {
            plan_blocks(&run);
            nlg_team_run(exec->team, (int64_t)run.task.n * run.row_blocks * run.channel_blocks, run_blocks, &run);
        }
        run.w += phase_weights(&run);
    }
}

/* ---- weight gradient ---- */

static void plan_parts(depthwise_run *run, const nlg_conv_shape *shape) {
    start(run, shape, NLG_CONV_BACKWARD_WEIGHTS);
    nlg_conv_phase_init(&run->phase, &run->task, shape, 0);
    run->rows = (int64_t)shape->n * shape->p;
    run->parts = (int)smaller(MOST_PARTS, divide_up(run->rows, PART_ROWS));
    run->channel_block = CHANNELS;
    run->channel_blocks = (int)divide_up(shape->c, CHANNELS);
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const depthwise_run *run = context;
    (void)worker;
    const nlg_conv_axis *rows = &run->phase.rows, *cols = &run->phase.cols;
    int64_t taps = (int64_t)rows->taps * cols->taps;
    for (int64_t i = begin; i < end; i++) {
        int64_t part = i / run->channel_blocks, r = nlg_conv_cut(run->rows, run->parts, part);
        int64_t stop = nlg_conv_cut(run->rows, run->parts, part + 1);
        int channel = (int)(i % run->channel_blocks) * CHANNELS,
            channels = (int)smaller(CHANNELS, run->task.panels.outputs - channel);
        size_t bytes = (size_t)divide_up(channels, NLG_PANEL) * NLG_PANEL * sizeof(float);
        float *sums = run->sums + part * taps * run->ld_w + channel, *bias = run->bias_sums + part * run->ld_w + channel;
        for (int64_t t = 0; t < taps; t++) memset(sums + t * run->ld_w, 0, bytes);
        memset(bias, 0, bytes);
        int64_t fit = larger(1, FIRST_BYTES / ((int64_t)sizeof(float) * channels * cols->source * rows->stride));
        while (r < stop) { /* rows of one image that stay in the cache while all taps pass by */
            int64_t image = r / rows->outputs, p = r % rows->outputs, count = smaller(smaller(fit, rows->outputs - p), stop - r);
            nlg_depthwise_outer job = {.block = image_block(run, image, channel, channels),
                                       .dy = run->dy + image * rows->outputs * cols->outputs * run->ld_dy + channel,
                                       .ld_dy = run->ld_dy,
                                       .ld_dy_row = cols->outputs * run->ld_dy,
                                       .sums = sums,
                                       .bias = run->db ? bias : NULL};
            job.block.row_begin = (int)p;
            job.block.row_end = (int)(p + count);
            run->exec->simd->depthwise->outer(&job);
            r += count;
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
    nlg_team_run(exec->team, (int64_t)run.channel_blocks * run.parts, run_parts, &run);
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
