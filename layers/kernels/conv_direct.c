/* Dense and grouped convolution as an implicit matrix product: forward pass and data gradient.
 *
 * Weights are packed once into panels [panel][k][16]. A worker takes its outputs in blocks whose source strip stays in the second
 * cache, and for each panel runs k in pieces whose weights stay in the first one while all tiles of the block pass by. The
 * chain over k continues through a buffer between pieces, so neither blocking nor threads alter a bit. */
#include "layers/kernels/conv_internal.h"

#include <string.h>

#include "layers/kernels/pointwise_simd.h"

enum {
    STRIP_BYTES = 160 * 1024, /* source of one block */
    LEAST_PIXELS = 48,
    MOST_PIXELS = 1024,
    CHUNK_PANELS = 6,       /* panels whose unfinished sums are kept at a time */
    CHUNK_FLOATS = 1 << 15, /* weights of the panels that left-over pixels pass by */
};

typedef struct direct_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *packed, *scale;
    bool scaled;                                /* pixels are multiplied with `scale` on their way to the strip */
    int64_t ld_x, ld_scale, block_pixels, unit; /* cuts between workers fall on multiples of `unit` pixels */
    nlg_conv_grid grid;
    int64_t block_k;
    nlg_conv_output out;
    const nlg_conv_run *runs;
    float *scratch; /* per worker */
    size_t strip_size, partial_size, worker_size;
} direct_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* Source rows (or columns) that another output needs. */
static int64_t step(const nlg_conv_axis *axis) {
    return axis->taps == 1 ? 1 : axis->stride;
}

/* How a phase is blocked, and the scratch each worker needs for it. */
static void plan_blocks(direct_run *run) {
    const nlg_conv_phase *phase = &run->phase;
    const nlg_conv_simd *simd = run->exec->simd->conv;
    int64_t tile = simd->tile_pixels, q = phase->cols.outputs;
    int64_t bytes = (int64_t)sizeof(float) * run->task.panels.sources * step(&phase->rows) * step(&phase->cols);
    int64_t pixels = STRIP_BYTES / bytes;
    pixels = pixels < LEAST_PIXELS ? LEAST_PIXELS : smaller(pixels, MOST_PIXELS);
    /* The most that the cuts below can give for any number of images: scratch is laid out once, for the whole batch. */
    int64_t largest = smaller(pixels + pixels / 2 + 1 + (q > tile ? q : tile), phase->pixels);
    int64_t blocks = (phase->pixels + pixels / 2) / pixels; /* of equal size: each passes all weights */
    if (blocks > 0) pixels = (phase->pixels + blocks - 1) / blocks;
    run->unit = tile;
    if (phase->padded && 2 * q > pixels) {
        pixels = (pixels + q / 2) / q * q;
        if (!pixels) pixels = q;
        run->unit = q;
    } else {
        pixels = (pixels + tile - 1) / tile * tile;
    }
    run->block_pixels = smaller(pixels, phase->pixels);
    int64_t pieces = run->block_pixels <= tile || run->task.panels.spread ? 1 : (phase->depth + simd->block_k - 1) / simd->block_k;
    run->block_k = pieces > 1 ? (phase->depth + pieces - 1) / pieces : phase->depth;
    run->strip_size = nlg_conv_lines(run->scaled ? (size_t)largest * (size_t)run->task.panels.sources
                                                 : nlg_conv_strip_size(&run->task, phase, largest));
    run->partial_size = phase->depth > simd->block_k ? (size_t)largest * CHUNK_PANELS * NLG_PANEL : 0;
    run->worker_size = run->strip_size + run->partial_size + nlg_conv_lines((size_t)largest * 4) + NLG_CONV_STATE;
}

/* Pixel parts x panel parts for the team: least time, counting cycles of the fullest worker and the bytes it reads. */
static void plan_grid(direct_run *run) {
    int threads = nlg_team_size(run->exec->team);
    const nlg_conv_phase *phase = &run->phase;
    const nlg_conv_panels *panels = &run->task.panels;
    double units = (double)((phase->pixels + run->unit - 1) / run->unit), best = -1;
    double weight_bytes = 4.0 * NLG_PANEL * (double)phase->depth;
    double source_bytes = 4.0 * run->task.n * run->task.source_h * run->task.source_w * panels->sources * (phase->padded ? 3 : 1);
    for (int b = 1; b <= threads && b <= panels->count; b++) {
        int a = (int)smaller(threads / b, (int64_t)units);
        int64_t part_units = ((int64_t)units + a - 1) / a, part_panels = (panels->count + b - 1) / b;
        double cycles = (double)(part_units * run->unit * part_panels) * (double)phase->depth;
        double bytes = weight_bytes * (double)part_panels + source_bytes / a;
        double cost = cycles + bytes / 8;
        if (best >= 0 && cost >= best) continue;
        best = cost;
        run->grid = (nlg_conv_grid){.pixel_parts = a, .panel_parts = b};
    }
    int64_t part = (phase->pixels + run->grid.pixel_parts - 1) / run->grid.pixel_parts;
    nlg_conv_grid_refine(&run->grid, threads, panels->count, (part + run->block_pixels - 1) / run->block_pixels,
                         (double)(phase->pixels * panels->count) * (double)phase->depth);
}

/* Panels from `first` on that read the same source channels and whose outputs follow each other. */
static int chunk_panels(const direct_run *run, int first, int end) {
    const nlg_conv_panels *panels = &run->task.panels;
    int same = panels->panels_per_group - first % panels->panels_per_group;
    int64_t most = run->block_k < run->phase.depth ? CHUNK_PANELS : CHUNK_FLOATS / (NLG_PANEL * run->block_k + 1) / 2 * 2;
    if (run->block_pixels <= run->exec->simd->conv->tile_pixels) most = INT32_MAX;
    return (int)smaller(smaller(same, end - first), most);
}

/* `next`: the panel that is likely to follow these. */
static void run_block(const direct_run *run, const nlg_conv_gemm *block, int panel_begin, int panel_end, int next) {
    const nlg_conv_panels *panels = &run->task.panels;
    int64_t depth = run->phase.depth;
    for (int p = panel_begin, count; p < panel_end; p += count) {
        nlg_conv_gemm job = *block;
        job.panels = count = chunk_panels(run, p, panel_end);
        nlg_conv_panel first = nlg_conv_panel_at(panels, p), last = nlg_conv_panel_at(panels, p + count - 1);
        job.x += first.source;
        job.panel_stride = depth * NLG_PANEL;
        job.spread = panels->spread;
        job.out = run->out;
        job.out.y += first.channel;
        if (job.out.add) job.out.add += first.channel;
        if (job.out.bias) job.out.bias += first.channel;
        if (job.out.gate) job.out.gate += first.channel;
        job.out.channels = last.channel + last.channels - first.channel;
        int64_t k = 0;
        do {
            job.length = smaller(run->block_k, depth - k);
            job.w = run->packed + (p * depth + k) * NLG_PANEL;
            job.first = k == 0;
            job.fresh = block->fresh && p == panel_begin;
            job.last = k + job.length == depth;
            job.next = job.last ? run->packed + (p + count < panel_end ? p + count : next) * depth * NLG_PANEL
                                : job.w + job.length * NLG_PANEL;
            run->exec->simd->conv->gemm(&job);
            k += job.length;
            for (job.skip += job.length; k < depth && job.skip >= job.runs->length; job.runs++) job.skip -= job.runs->length;
        } while (k < depth);
    }
}

/* Scaled pixels in the strip: source and output pixels are the same ones. */
static void scale_pixels(const direct_run *run, int64_t begin, int64_t pixels, float *strip, int64_t *offset, int64_t *index) {
    const int64_t image_pixels = (int64_t)run->task.source_h * run->task.source_w, c = run->task.panels.sources;
    for (int64_t done = 0, count; done < pixels; done += count) {
        const int64_t at = begin + done, image = at / image_pixels;
        count = smaller(pixels - done, (image + 1) * image_pixels - at);
        run->exec->simd->pointwise->multiply(count, c, run->x + at * run->ld_x, run->ld_x, run->scale + image * run->ld_scale, 0,
                                             false, strip + done * c, c);
    }
    for (int64_t i = 0; i < pixels; i++) offset[i] = i * c, index[i] = begin + i;
}

/* What a worker has in its strip, from one of its tasks to the next. */
typedef struct strip_state {
    int64_t begin, pixels;
} strip_state;

static strip_state *state_of(const direct_run *run, int worker) {
    return (strip_state *)(void *)(run->scratch + (size_t)(worker + 1) * run->worker_size - NLG_CONV_STATE);
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const direct_run *run = context;
    float *strip = run->scratch + (size_t)worker * run->worker_size, *partial = strip + run->strip_size;
    int64_t *offset = (int64_t *)(void *)(partial + run->partial_size), *index = offset + run->block_pixels;
    strip_state *state = state_of(run, worker);
    const int64_t unit = run->unit, units = (run->phase.pixels + unit - 1) / unit;
    for (int64_t task = begin; task < end; task++) {
        const nlg_conv_cell cell = nlg_conv_grid_cell(&run->grid, task, run->task.panels.count);
        const int next = run->grid.by_panels ? cell.panel_begin : cell.panel_end < run->task.panels.count ? cell.panel_end : 0;
        int64_t at = nlg_conv_cut(units, run->grid.pixel_parts, cell.pixel_part) * unit, count;
        int64_t stop = smaller(nlg_conv_cut(units, run->grid.pixel_parts, cell.pixel_part + 1) * unit, run->phase.pixels);
        for (int64_t blocks = (stop - at + run->block_pixels - 1) / run->block_pixels; at < stop; at += count, blocks--) {
            count = smaller(((stop - at + blocks - 1) / blocks + unit - 1) / unit * unit, stop - at);
            nlg_conv_gemm block = {.x = run->scaled || run->phase.padded ? strip : run->x,
                                   .offset = offset,
                                   .index = index,
                                   .pixels = (int)count,
                                   .runs = run->runs,
                                   .partial = partial};
            if (state->begin != at || state->pixels != count) {
                block.fresh = !run->scaled && !run->phase.padded;
                if (run->scaled)
                    scale_pixels(run, at, count, strip, offset, index);
                else
                    nlg_conv_gather(&run->task, &run->phase, run->x, run->ld_x, at, count, strip, offset, index);
                *state = (strip_state){at, count};
            }
            run_block(run, &block, cell.panel_begin, cell.panel_end, blocks > 1 ? cell.panel_begin : next);
        }
    }
}

static size_t runs_size(const nlg_conv_task *task) {
    return nlg_conv_lines((size_t)task->kernel_h * (size_t)task->kernel_w * sizeof(nlg_conv_run) / sizeof(float));
}

static void run_phases(direct_run *run, const nlg_conv_shape *shape, nlg_conv_pass pass, float *scratch) {
    nlg_conv_task_init(&run->task, shape, pass);
    nlg_conv_run *runs = (nlg_conv_run *)(void *)scratch;
    run->runs = runs;
    run->scratch = scratch + runs_size(&run->task);
    for (int i = 0; i < run->task.phases_h * run->task.phases_w; i++) {
        nlg_conv_phase_init(&run->phase, &run->task, shape, i);
        if (run->phase.pixels) {
            nlg_conv_runs(&run->task, &run->phase, run->ld_x, runs);
            plan_blocks(run);
            plan_grid(run);
            for (int w = 0; w < nlg_team_size(run->exec->team); w++) *state_of(run, w) = (strip_state){0};
            nlg_team_run(run->exec->team, nlg_conv_grid_tasks(&run->grid), run_parts, run);
        }
        run->packed += (size_t)run->task.panels.count * (size_t)run->phase.depth * NLG_PANEL;
    }
}

void nlg_conv_direct_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                            const float *packed, const nlg_conv_output *out, float *scratch) {
    direct_run run = {.exec = exec, .x = x, .ld_x = ld_x, .packed = packed, .out = *out};
    run_phases(&run, shape, pass, scratch);
}

void nlg_conv_direct_scaled(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *scale,
                            int64_t ld_scale, const float *packed, const nlg_conv_output *out, float *scratch) {
    direct_run run = {
        .exec = exec, .x = x, .ld_x = ld_x, .scaled = true, .scale = scale, .ld_scale = ld_scale, .packed = packed, .out = *out};
    run_phases(&run, shape, NLG_CONV_FORWARD, scratch);
}

/* ---- packing ---- */

enum { MOST_AREA = 256 }; /* kernel positions of the fast form */

typedef struct pack_run {
    const nlg_exec *exec;
    const nlg_conv_shape *shape;
    nlg_conv_task task;
    const float *w;
    float *packed;
    int64_t area;
    /* Each kernel position belongs to at most one phase: its first vector in that phase's panel 0, -1 where it belongs to none,
     * and the distance of two panels. */
    int64_t first[MOST_AREA], panel_stride[MOST_AREA];
} pack_run;

/* A panel [taps][depth][16] of one group's channels in every phase: rows transposed, as [output][source][taps] forward, and as
 * [output][taps] for each source channel of the data gradient. */
static void pack_rows(const pack_run *run, const nlg_conv_panel *panel, int index) {
    const nlg_conv_panels *p = &run->task.panels;
    const nlg_conv_simd *simd = run->exec->simd->conv;
    int64_t area = run->area, position[MOST_AREA];
    float *to = run->packed;
    for (int i = 0; i < area; i++) position[i] = run->first[i] < 0 ? -1 : run->first[i] + index * run->panel_stride[i];
    nlg_conv_transpose transpose = {.position = position, .rows = panel->channels, .period = (int)area};
    if (run->task.pass == NLG_CONV_FORWARD) {
        transpose.ld = transpose.columns = p->group_sources * area;
        simd->pack_rows(&transpose, run->w + panel->channel * transpose.ld, to);
        return;
    }
    int group = panel->channel / p->group_outputs, within = panel->channel % p->group_outputs;
    const float *from = run->w + ((int64_t)group * p->group_sources * p->group_outputs + within) * area;
    transpose.ld = transpose.columns = area;
    for (int c = 0; c < p->group_sources; c++, from += p->group_outputs * area, to += NLG_PANEL)
        simd->pack_rows(&transpose, from, to);
}

/* One float at a time: several groups in a panel, block-diagonal unless spread, and very large kernels. */
static void pack_floats(const pack_run *run, const nlg_conv_phase *phase, const nlg_conv_panel *panel, float *to) {
    const nlg_conv_panels *p = &run->task.panels;
    const nlg_conv_axis *rows = &phase->rows, *cols = &phase->cols;
    bool forward = run->task.pass == NLG_CONV_FORWARD;
    int64_t depth = p->spread ? p->spread : p->depth;
    memset(to, 0, (size_t)phase->depth * NLG_PANEL * sizeof *to);
    for (int lane = 0; lane < panel->channels; lane++) {
        int channel = panel->channel + lane, group = channel / p->group_outputs, within = channel % p->group_outputs;
        int first = p->spread ? 0 : group * p->group_sources - panel->source;
        for (int c = 0; c < p->group_sources; c++) {
            int64_t row = forward ? (int64_t)channel * p->group_sources + c
                                  : ((int64_t)group * p->group_sources + c) * p->group_outputs + within;
            for (int r = 0; r < rows->taps; r++)
                for (int s = 0; s < cols->taps; s++)
                    to[((int64_t)(r * cols->taps + s) * depth + first + c) * NLG_PANEL + lane] =
                        run->w[row * run->area + (rows->tap + r * rows->tap_step) * run->task.kernel_w + cols->tap +
                               s * cols->tap_step];
        }
    }
}

static void pack_panels(void *context, int64_t begin, int64_t end, int worker) {
    const pack_run *run = context;
    const nlg_conv_task *task = &run->task;
    (void)worker;
    bool whole = task->panels.groups_per_panel == 1 && run->area <= MOST_AREA;
    for (int64_t i = begin; i < end; i++) {
        nlg_conv_panel panel = nlg_conv_panel_at(&task->panels, (int)i);
        if (whole) {
            pack_rows(run, &panel, (int)i);
            continue;
        }
        float *to = run->packed;
        for (int j = 0; j < task->phases_h * task->phases_w; j++) {
            nlg_conv_phase phase;
            nlg_conv_phase_init(&phase, task, run->shape, j);
            pack_floats(run, &phase, &panel, to + i * phase.depth * NLG_PANEL);
            to += task->panels.count * phase.depth * NLG_PANEL;
        }
    }
}

/* Panels follow each other phase by phase. */
static void find_positions(pack_run *run) {
    const nlg_conv_task *task = &run->task;
    int64_t begin = 0;
    for (int i = 0; i < MOST_AREA; i++) run->first[i] = -1;
    for (int i = 0; i < task->phases_h * task->phases_w; i++) {
        nlg_conv_phase phase;
        nlg_conv_phase_init(&phase, task, run->shape, i);
        const nlg_conv_axis *rows = &phase.rows, *cols = &phase.cols;
        int64_t panel_stride = phase.depth * NLG_PANEL;
        for (int r = 0; r < rows->taps; r++)
            for (int s = 0; s < cols->taps; s++) {
                int64_t tap = (int64_t)(rows->tap + r * rows->tap_step) * task->kernel_w + cols->tap + s * cols->tap_step;
                if (tap >= MOST_AREA) continue;
                run->first[tap] = begin + (int64_t)(r * cols->taps + s) * task->panels.depth * NLG_PANEL;
                run->panel_stride[tap] = panel_stride;
            }
        begin += task->panels.count * panel_stride;
    }
}

void nlg_conv_direct_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                          float *packed) {
    pack_run run = {.exec = exec, .shape = shape, .w = w_oihw, .packed = packed, .area = (int64_t)shape->r * shape->s};
    nlg_conv_task_init(&run.task, shape, pass);
    find_positions(&run);
    nlg_team_run(exec->team, run.task.panels.count, pack_panels, &run);
}

/* ---- sizes ---- */

size_t nlg_conv_direct_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass) {
    nlg_conv_task task;
    nlg_conv_task_init(&task, shape, pass);
    size_t size = 0;
    for (int i = 0; i < task.phases_h * task.phases_w; i++) {
        nlg_conv_phase phase;
        nlg_conv_phase_init(&phase, &task, shape, i);
        size += (size_t)task.panels.count * (size_t)phase.depth * NLG_PANEL;
    }
    return size;
}

static size_t gather_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, bool scaled, const nlg_exec *exec) {
    direct_run run = {.exec = exec, .scaled = scaled};
    nlg_conv_task_init(&run.task, shape, pass);
    size_t most = 0;
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        if (!run.phase.pixels) continue;
        plan_blocks(&run);
        if (run.worker_size > most) most = run.worker_size;
    }
    return runs_size(&run.task) + most * (size_t)nlg_team_size(exec->team);
}

size_t nlg_conv_direct_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    return pass == NLG_CONV_BACKWARD_WEIGHTS ? nlg_conv_direct_weights_scratch_size(shape, exec)
                                             : gather_scratch_size(shape, pass, false, exec);
}

size_t nlg_conv_direct_scaled_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec) {
    return gather_scratch_size(shape, NLG_CONV_FORWARD, true, exec);
}
