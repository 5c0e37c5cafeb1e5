/* 1 x 1 convolution -> depthwise convolution over strips of rows.
 *
 * A task is a block of the channels between the two, for one band of output rows of an image. It walks down the band in strips:
 * makes the rows of its channels that the next strip reads and does not have yet, then runs the depthwise kernel on them. Rows
 * that two strips share are moved up, those that two bands share are made twice. */
#include "layers/kernels/conv_chain.h"

#include <string.h>

#include "layers/kernels/depthwise_simd.h"

enum {
    STRIP_BYTES = 160 * 1024, /* rows of a block's channels */
    LEAST_STRIP = 2,          /* output rows, while a block may be narrower */
    MOST_BLOCKS = 16,
};

typedef struct chain_run {
    const nlg_exec *exec;
    const nlg_conv_link *first, *second;
    nlg_conv_task task;
    nlg_conv_phase phase; /* of the depthwise one */
    const float *x;
    int64_t ld_x, ld_w, ld_y;
    float *y;
    int panels, block_panels, blocks, bands, strip;
    int64_t block_k, most_pixels;
    float *scratch;
    size_t rows_size, partial_size, worker_size;
} chain_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b) {
    return a > b ? a : b;
}

bool nlg_conv_chain_fits(const nlg_conv_shape *first, const nlg_conv_shape *second, const nlg_exec *exec) {
    const nlg_conv_shape *a = first, *b = second;
    if (exec->backend != NLG_BACKEND_OWN) return false;
    bool depthwise = b->groups > 1 && b->groups == b->c && b->groups == b->k && b->dilation == 1;
    return nlg_conv_is_pixelwise(a) && depthwise && a->k == b->c && a->p == b->h && a->q == b->w && a->n == b->n;
}

/* Rows of `panels` panels that stay in the cache, as strips of so many outputs; 0 if not even one output's do. */
static int strip_of(const nlg_conv_shape *first, const nlg_conv_shape *second, int panels) {
    int64_t fit = STRIP_BYTES / ((int64_t)sizeof(float) * NLG_PANEL * panels * first->w);
    if (fit < second->r) return 0;
    return (int)smaller((fit - second->r) / second->stride_h + 1, second->p);
}

/* Blocks and bands of least time, counting the cycles of the fullest worker: multiply-adds of 16 lanes, source rows fetched anew
 * for each block, rows moved up between strips. None of this alters a result. */
static void plan_tasks(chain_run *run, const nlg_conv_shape *a, const nlg_conv_shape *b) {
    const int threads = nlg_team_size(run->exec->team), most_bands = threads == 1 ? 1 : NLG_CONV_TASKS * threads;
    double best = -1;
    for (int blocks = 1; blocks <= run->panels && blocks <= MOST_BLOCKS; blocks++) {
        const int panels = (run->panels + blocks - 1) / blocks, strip = strip_of(a, b, panels);
        if ((strip < LEAST_STRIP && strip < b->p && panels > 1 && blocks < MOST_BLOCKS) || (blocks - 1) * panels >= run->panels)
            continue;
        for (int bands = 1; bands <= b->p && bands <= most_bands; bands++) {
            const double outputs = (b->p + bands - 1) / bands, overlap = b->r > b->stride_h ? b->r - b->stride_h : 0;
            const double made = outputs * b->stride_h + overlap, strips = outputs / (strip ? strip : 1);
            const double pixels = (made < a->h ? made : a->h) * a->w, moved = strips * overlap * a->w;
            const double cycles = pixels * panels * a->c + outputs * b->q * panels * b->r * b->s + pixels * a->c / 2 +
                                  (pixels + 2 * moved) * panels * 4;
            const int64_t tasks = (int64_t)a->n * blocks * bands;
            const double cost = cycles * nlg_conv_rounds(tasks, threads);
            if (best >= 0 && cost >= best) continue;
            best = cost;
            run->block_panels = panels;
            run->blocks = blocks;
            run->bands = bands;
            run->strip = (int)larger(strip, 1);
        }
    }
}

static void plan_blocks(chain_run *run, const nlg_conv_shape *first, const nlg_conv_shape *second) {
    const nlg_conv_simd *simd = run->exec->simd->conv;
    nlg_conv_task_init(&run->task, second, NLG_CONV_FORWARD);
    nlg_conv_phase_init(&run->phase, &run->task, second, 0);
    run->panels = (first->k + NLG_PANEL - 1) / NLG_PANEL;
    run->ld_w = (int64_t)run->panels * NLG_PANEL;
    plan_tasks(run, first, second);
    int64_t most = (int64_t)(run->strip - 1) * second->stride_h + second->r, pixels = smaller(most, first->h) * first->w;
    int64_t pieces = (first->c + simd->block_k - 1) / simd->block_k;
    run->most_pixels = pixels;
    run->block_k = (first->c + pieces - 1) / pieces;
    run->rows_size = (size_t)pixels * (size_t)run->block_panels * NLG_PANEL;
    run->partial_size = pieces > 1 ? run->rows_size : 0;
    run->worker_size = run->rows_size + run->partial_size + nlg_conv_lines((size_t)pixels * 4);
}

/* Channels of `panels` panels from `panel` on, of `pixels` source pixels from x on. */
static void make_pixels(const chain_run *run, const float *x, int panel, int panels, int channels, int64_t pixels, float *to,
                        float *partial, const int64_t *offset, const int64_t *index) {
    const nlg_conv_link *first = run->first;
    int64_t depth = first->shape.c;
    const nlg_conv_run all = {0, depth};
    nlg_conv_gemm job = {
        .x = x,
        .offset = offset,
        .index = index,
        .pixels = (int)pixels,
        .panels = panels,
        .runs = &all,
        .panel_stride = depth * NLG_PANEL,
        .partial = partial,
        .out = {.y = to, .ld_y = (int64_t)run->block_panels * NLG_PANEL, .act = first->epilogue.act, .channels = channels}};
    if (first->epilogue.bias) job.out.bias = first->epilogue.bias + panel * NLG_PANEL;
    for (int64_t k = 0; k < depth; k += job.length) {
        job.skip = k;
        job.length = smaller(run->block_k, depth - k);
        job.w = first->packed + (panel * depth + k) * NLG_PANEL;
        job.first = k == 0;
        job.last = k + job.length == depth;
        run->exec->simd->conv->gemm(&job);
    }
}

static void run_band(const chain_run *run, int64_t image, int panel, int begin, int end, float *rows, float *partial,
                     const int64_t *offset, const int64_t *index) {
    const nlg_conv_shape *a = &run->first->shape, *b = &run->second->shape;
    const nlg_conv_epilogue *epilogue = &run->second->epilogue;
    const int panels = (int)smaller(run->block_panels, run->panels - panel), channel = panel * NLG_PANEL;
    const int channels = (int)smaller((int64_t)panels * NLG_PANEL, a->k - channel);
    const int64_t ld = (int64_t)run->block_panels * NLG_PANEL, ld_row = a->w * ld;
    nlg_depthwise_block block = {.x = rows,
                                 .ld_row = ld_row,
                                 .ld_x = ld,
                                 .rows = run->phase.rows,
                                 .cols = run->phase.cols,
                                 .col_end = b->q,
                                 .channels = channels,
                                 .w = run->second->packed + channel,
                                 .ld_w = run->ld_w,
                                 .index = image * b->p * b->q,
                                 .ld_index = b->q,
                                 .out = {.y = run->y + channel,
                                         .ld_y = run->ld_y,
                                         .add = epilogue->add ? epilogue->add + channel : NULL,
                                         .ld_add = epilogue->ld_add,
                                         .bias = epilogue->bias ? epilogue->bias + channel : NULL,
                                         .act = epilogue->act,
                                         .channels = channels}};
    int have_begin = 0, have_end = 0; /* rows of the image in `rows` */
    for (int p = begin; p < end; p = block.row_end) {
        block.row_begin = p;
        block.row_end = (int)smaller(p + run->strip, end);
        int need_begin = (int)smaller(larger(p * b->stride_h - b->pad_top, 0), a->h);
        int need_end = (int)smaller(larger((int64_t)(block.row_end - 1) * b->stride_h - b->pad_top + b->r, need_begin), a->h);
        if (have_end > need_begin)
            memmove(rows, rows + (need_begin - have_begin) * ld_row, (size_t)((have_end - need_begin) * ld_row) * sizeof *rows);
        else
            have_end = need_begin;
        have_begin = need_begin;
        if (need_end > have_end)
            make_pixels(run, run->x + (image * a->h + have_end) * a->w * run->ld_x, panel, panels, channels,
                        (int64_t)(need_end - have_end) * a->w, rows + (have_end - have_begin) * ld_row, partial, offset, index);
        have_end = (int)larger(need_end, have_end);
        /* The strip as an image of its own: its first and last row are the image's, or none outside of them is read. */
        block.rows.first = run->phase.rows.first - have_begin;
        block.rows.source = have_end - have_begin;
        run->exec->simd->depthwise->block(&block);
    }
}

static void run_tasks(void *context, int64_t begin, int64_t end, int worker) {
    const chain_run *run = context;
    float *rows = run->scratch + (size_t)worker * run->worker_size, *partial = rows + run->rows_size;
    int64_t pixels = run->most_pixels;
    int64_t *offset = (int64_t *)(void *)(partial + run->partial_size), *index = offset + pixels;
    for (int64_t i = 0; i < pixels; i++) offset[i] = i * run->ld_x, index[i] = i;
    int outputs = run->second->shape.p;
    for (int64_t i = begin; i < end; i++) {
        int64_t band = i / run->blocks % run->bands, image = i / run->blocks / run->bands;
        run_band(run, image, (int)(i % run->blocks) * run->block_panels, (int)nlg_conv_cut(outputs, run->bands, band),
                 (int)nlg_conv_cut(outputs, run->bands, band + 1), rows, partial, offset, index);
    }
}

size_t nlg_conv_chain_scratch_size(const nlg_conv_shape *first, const nlg_conv_shape *second, const nlg_exec *exec) {
    chain_run run = {.exec = exec};
    plan_blocks(&run, first, second);
    return run.worker_size * (size_t)nlg_team_size(exec->team);
}

void nlg_conv_chain_forward(const nlg_exec *exec, const nlg_conv_link *first, const nlg_conv_link *second, const float *x,
                            int64_t ld_x, float *y, int64_t ld_y, float *scratch) {
    chain_run run = {
        .exec = exec, .first = first, .second = second, .x = x, .ld_x = ld_x, .y = y, .ld_y = ld_y, .scratch = scratch};
    plan_blocks(&run, &first->shape, &second->shape);
    nlg_team_run(exec->team, (int64_t)first->shape.n * run.bands * run.blocks, run_tasks, &run);
}
