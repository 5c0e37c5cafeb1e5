/* Weight gradient of dense and grouped convolution: an outer product per pixel, summed over pixels.
 *
 * Pixels are cut into chunks of fixed length; within a chunk each weight is one chain of fused multiply-adds, and chunks are added
 * up in order within a part. The number of parts depends on the shape alone; they are added in order at the end, when the
 * panels [k][16] also become O,I,H,W and grouped ones lose what lies off the diagonal. */
#include "layers/kernels/conv_internal.h"

#include <string.h>

enum {
    CHUNK = 256,     /* pixels: a panel of dy stays in the first cache */
    PART_CHUNKS = 4, /* fewest of a part */
    MOST_PARTS = 16,
    PARTS_FLOATS = 1 << 20, /* bound on what the parts' sums take */
    STRIP_BYTES = 160 * 1024,
    MOST_CHUNKS = 4, /* per strip */
    SLICE = 64,      /* source channels of one step of the final reduction */
    MOST_AREA = 256, /* kernel positions of the fast form */
    SHORT_RUN = 12,  /* rows of a run that others join */
};

typedef struct weights_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *dy;
    int64_t ld_x, ld_dy, chunks, block_pixels, units; /* units: kernel rows in tiles */
    int parts, panel_parts, row_parts;
    const nlg_conv_run *runs;
    int run_count;
    int64_t run_units;
    const int64_t *row_offset;         /* of rows in runs too short for a tile, which then make one run; else NULL */
    float *sums, *bias_sums, *scratch; /* [parts][panels][depth][16], [parts][panels][16], per worker */
    size_t sums_size, bias_size, strip_size, worker_size;
} weights_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static void plan(weights_run *run, const nlg_conv_shape *shape, const nlg_exec *exec) {
    run->exec = exec;
    nlg_conv_task_init(&run->task, shape, NLG_CONV_BACKWARD_WEIGHTS);
    nlg_conv_phase_init(&run->phase, &run->task, shape, 0);
    const nlg_conv_phase *phase = &run->phase;
    run->sums_size = (size_t)run->task.panels.count * (size_t)phase->depth * NLG_PANEL;
    run->bias_size = (size_t)run->task.panels.count * NLG_PANEL;
    run->chunks = (phase->pixels + CHUNK - 1) / CHUNK;
    int64_t parts = smaller(smaller(MOST_PARTS, run->chunks / PART_CHUNKS), (int64_t)(PARTS_FLOATS / run->sums_size));
    run->parts = parts < 1 ? 1 : (int)parts;

    int64_t bytes = (int64_t)sizeof(float) * run->task.panels.sources * phase->rows.stride * phase->cols.stride * CHUNK;
    int64_t chunks = smaller(STRIP_BYTES / bytes, MOST_CHUNKS);
    run->block_pixels = smaller((chunks < 1 ? 1 : chunks) * CHUNK, phase->pixels);
    run->strip_size = nlg_conv_lines(nlg_conv_strip_size(&run->task, phase, run->block_pixels));
    run->worker_size = run->strip_size + (size_t)CHUNK * NLG_PANEL + NLG_PANEL + nlg_conv_lines((size_t)run->block_pixels * 4);
}

/* Beside the parts, panels and kernel rows are shared out where that fills the team better. */
static void plan_grid(weights_run *run) {
    int threads = nlg_team_size(run->exec->team), panels = run->task.panels.count;
    double best = -1;
    const int most = threads == 1 ? 1 : NLG_CONV_TASKS * threads;
    for (int b = 1; b <= most && b <= panels; b++)
        for (int r = 1; r <= most && r <= run->units; r++) {
            const double rounds = nlg_conv_rounds((int64_t)run->parts * b * r, threads);
            double share = (double)((panels + b - 1) / b) / panels * (double)((run->units + r - 1) / r) / (double)run->units;
            double cost = rounds * share * (1 + 0.02 * (b - 1) + 0.03 * (r - 1));
            if (best >= 0 && cost >= best) continue;
            best = cost;
            run->panel_parts = b;
            run->row_parts = r;
        }
}

typedef struct chunk_state {
    const float *x;
    const int64_t *offset;
    int64_t begin;
    int pixels;
    float *panel, *bias;
} chunk_state;

static void run_chunk(const weights_run *run, const chunk_state *chunk, int64_t part, int index, int64_t row_begin,
                      int64_t row_end) {
    const nlg_conv_panels *panels = &run->task.panels;
    nlg_conv_panel panel = nlg_conv_panel_at(panels, index);
    int64_t tile = run->exec->simd->conv->tile_pixels;
    float *sums = run->sums + (size_t)part * run->sums_size + (size_t)(index * run->phase.depth) * NLG_PANEL;
    run->exec->simd->conv->pack_panel(run->dy + chunk->begin * run->ld_dy + panel.channel, run->ld_dy, panel.channels,
                                      chunk->pixels, chunk->panel, chunk->bias);
    nlg_conv_outer job = {
        .offset = chunk->offset, .pixels = chunk->pixels, .panels = 1, .unused = NLG_PANEL - panel.channels, .dy = chunk->panel};
    for (int i = 0; i < run->run_count; i++) {
        int64_t begin = row_begin - i * run->run_units, end = row_end - i * run->run_units, length = run->runs[i].length;
        begin = begin < 0 ? 0 : begin * tile;
        end = end < 0 ? 0 : smaller(end * tile, length);
        if (begin >= end) continue;
        job.x = chunk->x + panel.source + (run->row_offset ? 0 : run->runs[i].offset + begin);
        job.row_offset = run->row_offset ? run->row_offset + begin : NULL;
        job.rows = end - begin;
        job.out = sums + (i * length + begin) * NLG_PANEL;
        run->exec->simd->conv->outer(&job);
    }
}

static void clear_rows(const weights_run *run, float *sums, int64_t row_begin, int64_t row_end) {
    int64_t tile = run->exec->simd->conv->tile_pixels;
    for (int i = 0; i < run->run_count; i++) {
        int64_t begin = row_begin - i * run->run_units, end = row_end - i * run->run_units, length = run->runs[i].length;
        begin = begin < 0 ? 0 : begin * tile;
        end = end < 0 ? 0 : smaller(end * tile, length);
        if (begin < end) memset(sums + (i * length + begin) * NLG_PANEL, 0, (size_t)((end - begin) * NLG_PANEL) * sizeof *sums);
    }
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const weights_run *run = context;
    float *strip = run->scratch + (size_t)worker * run->worker_size, *panel = strip + run->strip_size,
          *unused = panel + CHUNK * NLG_PANEL;
    int64_t *offset = (int64_t *)(void *)(unused + NLG_PANEL), *index = offset + run->block_pixels;
    for (int64_t task = begin; task < end; task++) {
        int64_t r = task % run->row_parts, b = task / run->row_parts % run->panel_parts,
                part = task / run->row_parts / run->panel_parts;
        int64_t row_begin = nlg_conv_cut(run->units, run->row_parts, r), row_end = nlg_conv_cut(run->units, run->row_parts, r + 1);
        int panel_begin = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b);
        int panel_end = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b + 1);
        float *bias = run->bias_sums + (size_t)part * run->bias_size;
        for (int p = panel_begin; p < panel_end; p++) {
            clear_rows(run, run->sums + (size_t)part * run->sums_size + (size_t)(p * run->phase.depth) * NLG_PANEL, row_begin,
                       row_end);
            if (r == 0) memset(bias + p * NLG_PANEL, 0, NLG_PANEL * sizeof *bias);
        }
        int64_t stop = smaller(nlg_conv_cut(run->chunks, run->parts, part + 1) * CHUNK, run->phase.pixels);
        for (int64_t at = nlg_conv_cut(run->chunks, run->parts, part) * CHUNK; at < stop; at += run->block_pixels) {
            int64_t pixels = smaller(run->block_pixels, stop - at);
            const float *x = nlg_conv_gather(&run->task, &run->phase, run->x, run->ld_x, at, pixels, strip, offset, index);
            for (int64_t i = 0; i < pixels; i += CHUNK)
                for (int p = panel_begin; p < panel_end; p++) {
                    chunk_state chunk = {
                        x, offset + i, at + i, (int)smaller(CHUNK, pixels - i), panel, r == 0 ? bias + p * NLG_PANEL : unused};
                    run_chunk(run, &chunk, part, p, row_begin, row_end);
                }
        }
    }
}

/* ---- adding the parts ---- */

typedef struct finish_run {
    const nlg_conv_parts *parts;
    int64_t area, position[MOST_AREA]; /* of each kernel position's first vector in a panel */
} finish_run;

/* `vectors` x 16 sums: those of the first part become those of all. */
static void add_parts(const nlg_conv_parts *parts, float *sums, size_t stride, int64_t vectors) {
    for (int part = 1; part < parts->count; part++) parts->exec->simd->conv->add(sums, sums + (size_t)part * stride, vectors);
}

/* One float at a time: several groups in a panel, and very large kernels. */
static void unpack_floats(const finish_run *run, const nlg_conv_panel *panel, const float *sums, int begin, int end) {
    const nlg_conv_panels *p = &run->parts->task->panels;
    for (int lane = 0; lane < panel->channels; lane++) {
        int channel = panel->channel + lane, first = channel / p->group_outputs * p->group_sources - panel->source;
        float *dw = run->parts->dw + ((int64_t)channel * p->group_sources + begin) * run->area;
        for (int c = begin; c < end; c++)
            for (int64_t tap = 0; tap < run->area; tap++, dw++) {
                float value = sums[(tap * p->depth + first + c) * NLG_PANEL + lane];
                *dw = run->parts->accumulate ? *dw + value : value;
            }
    }
}

/* One panel's slice of source channels: a task of the final pass. */
static void finish_slice(const finish_run *run, int index, int slice) {
    const nlg_conv_parts *parts = run->parts;
    const nlg_conv_panels *p = &parts->task->panels;
    nlg_conv_panel panel = nlg_conv_panel_at(p, index);
    int64_t area = run->area;
    int begin = slice * SLICE, end = begin + SLICE < p->group_sources ? begin + SLICE : p->group_sources;
    float *sums = parts->sums + (size_t)index * parts->panel_stride;
    for (int first = 0; first < p->depth; first += p->group_sources)
        for (int64_t tap = 0; tap < area; tap++) {
            add_parts(parts, sums + (tap * p->depth + first + begin) * NLG_PANEL, parts->part_stride, end - begin);
        }
    if (p->groups_per_panel == 1 && area <= MOST_AREA) {
        nlg_conv_transpose transpose = {.ld = p->group_sources * area,
                                        .columns = (end - begin) * area,
                                        .position = run->position,
                                        .rows = panel.channels,
                                        .period = (int)area};
        parts->exec->simd->conv->unpack_rows(&transpose, sums + begin * NLG_PANEL,
                                             parts->dw + panel.channel * transpose.ld + begin * area, parts->accumulate);
    } else {
        unpack_floats(run, &panel, sums, begin, end);
    }
    if (!parts->db || slice) return;
    float *bias = parts->bias_sums + (size_t)index * NLG_PANEL;
    add_parts(parts, bias, (size_t)p->count * NLG_PANEL, 1);
    for (int lane = 0; lane < panel.channels; lane++) {
        float *db = parts->db + panel.channel + lane;
        *db = parts->accumulate ? *db + bias[lane] : bias[lane];
    }
}

static void finish_slices(void *context, int64_t begin, int64_t end, int worker) {
    const finish_run *run = context;
    (void)worker;
    int slices = (run->parts->task->panels.group_sources + SLICE - 1) / SLICE;
    for (int64_t i = begin; i < end; i++) finish_slice(run, (int)(i / slices), (int)(i % slices));
}

void nlg_conv_finish_weights(const nlg_conv_parts *parts) {
    const nlg_conv_panels *p = &parts->task->panels;
    finish_run run = {.parts = parts, .area = (int64_t)parts->task->kernel_h * parts->task->kernel_w};
    for (int i = 0; i < MOST_AREA; i++) run.position[i] = (int64_t)i * p->depth * NLG_PANEL;
    int slices = (p->group_sources + SLICE - 1) / SLICE;
    nlg_team_run(parts->exec->team, (int64_t)p->count * slices, finish_slices, &run);
}

/* ---- entry points ---- */

static size_t runs_size(const weights_run *run) {
    size_t area = (size_t)run->task.kernel_h * (size_t)run->task.kernel_w;
    return nlg_conv_lines((area * sizeof(nlg_conv_run) + area * SHORT_RUN * sizeof(int64_t)) / sizeof(float));
}

/* Runs of the source, and where they are short, their rows one by one. */
static void list_rows(weights_run *run, nlg_conv_run *runs, int tile) {
    run->run_count = nlg_conv_runs(&run->task, &run->phase, run->ld_x, runs);
    run->runs = runs;
    int64_t length = runs[0].length;
    if (run->run_count > 1 && length < smaller(tile, SHORT_RUN)) {
        int64_t *offset = (int64_t *)(void *)(runs + run->run_count);
        for (int64_t i = 0; i < run->run_count * length; i++) offset[i] = runs[i / length].offset + i % length;
        run->row_offset = offset;
        runs[0] = (nlg_conv_run){0, run->run_count * length};
        run->run_count = 1;
    }
    run->run_units = (runs[0].length + tile - 1) / tile;
    run->units = run->run_units * run->run_count;
}

size_t nlg_conv_direct_weights_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec) {
    weights_run run = {0};
    plan(&run, shape, exec);
    return runs_size(&run) + (run.sums_size + run.bias_size) * (size_t)run.parts +
           run.worker_size * (size_t)nlg_team_size(exec->team);
}

void nlg_conv_direct_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *dy,
                             int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch) {
    weights_run run = {.x = x, .dy = dy, .ld_x = ld_x, .ld_dy = ld_dy};
    plan(&run, shape, exec);
    list_rows(&run, (nlg_conv_run *)(void *)scratch, exec->simd->conv->tile_pixels);
    run.sums = scratch + runs_size(&run);
    run.bias_sums = run.sums + run.sums_size * (size_t)run.parts;
    run.scratch = run.bias_sums + run.bias_size * (size_t)run.parts;
    plan_grid(&run);
    nlg_team_run(exec->team, (int64_t)run.parts * run.panel_parts * run.row_parts, run_parts, &run);
    nlg_conv_parts parts = {exec,          &run.task,  run.parts, run.sums, run.sums_size, (size_t)run.phase.depth * NLG_PANEL,
                            run.bias_sums, accumulate, dw_oihw,   db};
    nlg_conv_finish_weights(&parts);
}
