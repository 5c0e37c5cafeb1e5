/* Dense and grouped convolution as an implicit matrix product: forward pass and data gradient.
 *
 * Weights are packed once into panels [panel][k][16]. A worker takes its outputs in blocks whose source strip stays in the second
 * cache, and for each panel runs k in pieces whose weights stay in the first one while all tiles of the block pass by. The
 * chain over k continues through a buffer between pieces, so neither blocking nor threads alter a bit. */
#include "layers/kernels/conv_internal.h"

#include <string.h>

enum {
    STRIP_BYTES = 160 * 1024, /* source of one block */
    LEAST_PIXELS = 48,
    MOST_PIXELS = 1024,
    CHUNK_PANELS = 4, /* panels whose unfinished sums are kept at a time */
};

typedef struct direct_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *packed;
    int64_t ld_x, block_pixels, unit; /* cuts between workers fall on multiples of `unit` pixels */
    int pixel_parts, panel_parts;
    int64_t block_k;
    nlg_conv_output out;
    const nlg_conv_run *runs;
    float *scratch; /* per worker */
    size_t strip_size, partial_size, worker_size;
} direct_run;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

/* How a phase is blocked, and the scratch each worker needs for it. */
static void plan_blocks(direct_run *run) {
    const nlg_conv_phase *phase = &run->phase;
    const nlg_conv_simd *simd = run->exec->simd->conv;
    int64_t tile = simd->tile_pixels, q = phase->cols.outputs;
    int64_t bytes = (int64_t)sizeof(float) * run->task.panels.sources * phase->rows.stride * phase->cols.stride;
    int64_t pixels = STRIP_BYTES / bytes;
    pixels = pixels < LEAST_PIXELS ? LEAST_PIXELS : smaller(pixels, MOST_PIXELS);
    run->unit = tile;
    if (phase->padded && 2 * q > pixels) {
        pixels = (pixels + q / 2) / q * q;
        if (!pixels) pixels = q;
        run->unit = q;
    } else {
        pixels = (pixels + tile - 1) / tile * tile;
    }
    run->block_pixels = smaller(pixels, phase->pixels);
    int64_t pieces = run->block_pixels <= tile ? 1 : (phase->depth + simd->block_k - 1) / simd->block_k;
    run->block_k = pieces > 1 ? (phase->depth + pieces - 1) / pieces : phase->depth;
    run->strip_size = nlg_conv_lines(nlg_conv_strip_size(&run->task, phase, run->block_pixels));
    run->partial_size = pieces > 1 ? (size_t)run->block_pixels * CHUNK_PANELS * NLG_PANEL : 0;
    run->worker_size = run->strip_size + run->partial_size + nlg_conv_lines((size_t)run->block_pixels * 4);
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
        run->pixel_parts = a;
        run->panel_parts = b;
    }
}

/* Panels from `first` on that read the same source channels and whose outputs follow each other. */
static int chunk_panels(const nlg_conv_panels *panels, int first, int end, bool pieces) {
    int same = panels->panels_per_group - first % panels->panels_per_group;
    return (int)smaller(smaller(same, end - first), pieces ? CHUNK_PANELS : INT32_MAX);
}

static void run_block(const direct_run *run, const nlg_conv_gemm *block, int panel_begin, int panel_end) {
    const nlg_conv_panels *panels = &run->task.panels;
    int64_t depth = run->phase.depth;
    bool pieces = run->block_k < depth;
    for (int p = panel_begin, count; p < panel_end; p += count) {
        nlg_conv_gemm job = *block;
        job.panels = count = chunk_panels(panels, p, panel_end, pieces);
        nlg_conv_panel first = nlg_conv_panel_at(panels, p), last = nlg_conv_panel_at(panels, p + count - 1);
        job.x += first.source;
        job.panel_stride = depth * NLG_PANEL;
        job.out = run->out;
        job.out.y += first.channel;
        if (job.out.add) job.out.add += first.channel;
        if (job.out.bias) job.out.bias += first.channel;
        job.out.channels = last.channel + last.channels - first.channel;
        int64_t k = 0;
        do {
            job.length = smaller(run->block_k, depth - k);
            job.w = run->packed + (p * depth + k) * NLG_PANEL;
            job.first = k == 0;
            job.last = k + job.length == depth;
            run->exec->simd->conv->gemm(&job);
            k += job.length;
            for (job.skip += job.length; k < depth && job.skip >= job.runs->length; job.runs++) job.skip -= job.runs->length;
        } while (k < depth);
    }
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const direct_run *run = context;
    float *strip = run->scratch + (size_t)worker * run->worker_size, *partial = strip + run->strip_size;
    int64_t *offset = (int64_t *)(void *)(partial + run->partial_size), *index = offset + run->block_pixels;
    int64_t units = (run->phase.pixels + run->unit - 1) / run->unit;
    for (int64_t part = begin; part < end; part++) {
        int64_t a = part / run->panel_parts, b = part % run->panel_parts;
        int panel_begin = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b);
        int panel_end = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b + 1);
        int64_t stop = smaller(nlg_conv_cut(units, run->pixel_parts, a + 1) * run->unit, run->phase.pixels);
        for (int64_t at = nlg_conv_cut(units, run->pixel_parts, a) * run->unit; at < stop; at += run->block_pixels) {
            int64_t pixels = smaller(run->block_pixels, stop - at);
            nlg_conv_gemm block = {.offset = offset, .index = index, .pixels = (int)pixels, .runs = run->runs, .partial = partial};
            block.x = nlg_conv_gather(&run->task, &run->phase, run->x, run->ld_x, at, pixels, strip, offset, index);
            run_block(run, &block, panel_begin, panel_end);
        }
    }
}

static size_t runs_size(const nlg_conv_task *task) {
    return nlg_conv_lines((size_t)task->kernel_h * (size_t)task->kernel_w * sizeof(nlg_conv_run) / sizeof(float));
}

void nlg_conv_direct_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                            const float *packed, const nlg_conv_output *out, float *scratch) {
    direct_run run = {.exec = exec, .x = x, .ld_x = ld_x, .packed = packed, .out = *out};
    nlg_conv_task_init(&run.task, shape, pass);
    nlg_conv_run *runs = (nlg_conv_run *)(void *)scratch;
    run.runs = runs;
    run.scratch = scratch + runs_size(&run.task);
    for (int i = 0; i < run.task.phases_h * run.task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &run.task, shape, i);
        if (run.phase.pixels) {
            nlg_conv_runs(&run.task, &run.phase, ld_x, runs);
            plan_blocks(&run);
            plan_grid(&run);
            nlg_team_run(exec->team, (int64_t)run.pixel_parts * run.panel_parts, run_parts, &run);
        }
        run.packed += (size_t)run.task.panels.count * (size_t)run.phase.depth * NLG_PANEL;
    }
}

/* ---- packing ---- */

typedef struct pack_run {
    const nlg_conv_task *task;
    nlg_conv_phase phase;
    const float *w;
    float *packed;
} pack_run;

/* One panel [taps][depth][16], in slices of source channels that keep source and target in the first cache. */
static void pack_panel(const pack_run *run, int index) {
    const nlg_conv_panels *p = &run->task->panels;
    const nlg_conv_axis *rows = &run->phase.rows, *cols = &run->phase.cols;
    nlg_conv_panel panel = nlg_conv_panel_at(p, index);
    int64_t area = (int64_t)run->task->kernel_h * run->task->kernel_w, depth = p->depth;
    bool forward = run->task->pass == NLG_CONV_FORWARD;
    float *to = run->packed + index * run->phase.depth * NLG_PANEL;
    if (panel.channels < NLG_PANEL || p->groups_per_panel > 1) memset(to, 0, (size_t)run->phase.depth * NLG_PANEL * sizeof *to);
    for (int slice = 0; slice < p->group_sources; slice += 32) {
        int slice_end = (int)smaller(slice + 32, p->group_sources);
        for (int lane = 0; lane < panel.channels; lane++) {
            int channel = panel.channel + lane, group = channel / p->group_outputs, within = channel % p->group_outputs;
            int first = group * p->group_sources - panel.source;
            for (int c = slice; c < slice_end; c++) {
                int64_t row = forward ? (int64_t)channel * p->group_sources + c
                                      : ((int64_t)group * p->group_sources + c) * p->group_outputs + within;
                for (int r = 0; r < rows->taps; r++)
                    for (int s = 0; s < cols->taps; s++) {
                        int64_t tap =
                            (int64_t)(rows->tap + r * rows->tap_step) * run->task->kernel_w + cols->tap + s * cols->tap_step;
                        to[((r * cols->taps + s) * depth + first + c) * NLG_PANEL + lane] = run->w[row * area + tap];
                    }
            }
        }
    }
}

static void pack_panels(void *context, int64_t begin, int64_t end, int worker) {
    (void)worker;
    for (int64_t i = begin; i < end; i++) pack_panel(context, (int)i);
}

void nlg_conv_direct_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                          float *packed) {
    nlg_conv_task task;
    nlg_conv_task_init(&task, shape, pass);
    pack_run run = {.task = &task, .w = w_oihw, .packed = packed};
    for (int i = 0; i < task.phases_h * task.phases_w; i++) {
        nlg_conv_phase_init(&run.phase, &task, shape, i);
        nlg_team_run(exec->team, run.phase.depth ? task.panels.count : 0, pack_panels, &run);
        run.packed += (size_t)task.panels.count * (size_t)run.phase.depth * NLG_PANEL;
    }
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

static size_t gather_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    direct_run run = {.exec = exec};
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
                                             : gather_scratch_size(shape, pass, exec);
}
