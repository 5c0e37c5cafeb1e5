/* Winograd's F(4x4, 3x3): 36 products for 16 outputs instead of 144, for 3 x 3 convolutions at stride 1.
 *
 * Tiles are taken across the batch in blocks whose transformed source [36][tiles][channels] stays in the second cache. For each
 * panel of outputs the 36 products are small matrix products by the direct form's microkernel, followed at once by the output
 * transform. The data gradient is the same with turned weights. The weight gradient multiplies transformed sources with transformed
 * output gradients, summed over tiles in chunks and parts that depend on the shape alone, and transforms the sums once. */
#include "layers/kernels/conv_internal.h"
#include "layers/kernels/winograd_simd.h"

#include <string.h>

enum {
    TILE = NLG_WINOGRAD_TILE,
    OUT = NLG_WINOGRAD_OUT,
    PRODUCTS = NLG_WINOGRAD_PRODUCTS,
    SOURCE_BYTES = 256 * 1024, /* transformed source of a block */
    LEAST_TILES = 12,
    MOST_TILES = 48,
    CHUNK_PANELS = 2, /* panels of products at a time */
    PART_CHUNKS = 2,  /* fewest of a part */
    MOST_PARTS = 16,
    PARTS_FLOATS = 1 << 20, /* bound on the sums of all parts */
    BIAS_PIXELS = 192,
};

typedef struct winograd_run {
    const nlg_exec *exec;
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *packed, *dy;
    int64_t ld_x, ld_dy, tiles_h, tiles_w, tiles, block, ld_source;
    int64_t source_step, product_step; /* distance of two of the 36 parts; odd numbers of lines, so that they share no cache set */
    int tile_parts, panel_parts;
    nlg_conv_output out;
    float *sums, *bias_sums, *scratch;
    size_t panel_size, worker_size;
    bool bias;
} winograd_run;

/* A worker's memory. */
typedef struct workspace {
    float *source, *products, *zero;
    int64_t *offset, *index;
} workspace;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t odd_lines(int64_t floats) {
    return (floats / NLG_PANEL | 1) * NLG_PANEL;
}

static void plan(winograd_run *run, const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    run->exec = exec;
    nlg_conv_task_init(&run->task, shape, pass);
    nlg_conv_phase_init(&run->phase, &run->task, shape, 0);
    run->tiles_h = (run->phase.rows.outputs + OUT - 1) / OUT;
    run->tiles_w = (run->phase.cols.outputs + OUT - 1) / OUT;
    run->tiles = run->task.n * run->tiles_h * run->tiles_w;
    run->ld_source = (int64_t)nlg_conv_lines((size_t)run->task.panels.sources);
    run->panel_size = (size_t)PRODUCTS * (size_t)run->task.panels.sources * NLG_PANEL;
    if (pass == NLG_CONV_BACKWARD_WEIGHTS) {
        run->block = run->task.panels.sources <= 128 ? 96 : 48; /* the chunk, part of the numerics */
    } else {
        int64_t tile = exec->simd->conv->tile_pixels, fit = SOURCE_BYTES / (PRODUCTS * (int64_t)sizeof(float) * run->ld_source);
        run->block = (smaller(fit < LEAST_TILES ? LEAST_TILES : fit, MOST_TILES) + tile - 1) / tile * tile;
    }
    if (run->block > run->tiles) run->block = run->tiles;
    run->source_step = odd_lines(run->block * run->ld_source);
    run->product_step = odd_lines(run->block * NLG_PANEL * (pass == NLG_CONV_BACKWARD_WEIGHTS ? 1 : CHUNK_PANELS));
    size_t products = (size_t)(PRODUCTS * run->product_step);
    if (products < BIAS_PIXELS * NLG_PANEL) products = BIAS_PIXELS * NLG_PANEL;
    size_t channels =
        (size_t)(run->task.panels.sources > run->task.panels.outputs ? run->task.panels.sources : run->task.panels.outputs);
    run->worker_size =
        (size_t)(PRODUCTS * run->source_step) + products + nlg_conv_lines(channels) + nlg_conv_lines((size_t)run->block * 4);
}

static workspace workspace_of(const winograd_run *run, int worker) {
    workspace w = {.source = run->scratch + (size_t)worker * run->worker_size};
    w.products = w.source + PRODUCTS * run->source_step;
    w.offset = (int64_t *)(void *)(w.source + run->worker_size - nlg_conv_lines((size_t)run->block * 4));
    w.index = w.offset + run->block;
    size_t channels =
        (size_t)(run->task.panels.sources > run->task.panels.outputs ? run->task.panels.sources : run->task.panels.outputs);
    w.zero = (float *)(void *)w.offset - nlg_conv_lines(channels);
    memset(w.zero, 0, nlg_conv_lines(channels) * sizeof(float));
    for (int64_t i = 0; i < run->block; i++) {
        w.offset[i] = i * run->ld_source;
        w.index[i] = i;
    }
    return w;
}

/* The `size` x `size` pixels of a tensor [n][height][width] from (row, column) on; `zero` for those outside. */
static void find_pixels(const float *x, int64_t ld, int64_t image, int height, int width, int row, int column, int size,
                        const float *zero, const float **pixel) {
    const float *first = x + ((image * height + row) * width + column) * ld;
    for (int i = 0; i < size; i++, first += width * ld)
        for (int j = 0; j < size; j++) {
            bool inside = row + i >= 0 && row + i < height && column + j >= 0 && column + j < width;
            *pixel++ = inside ? first + j * ld : zero;
        }
}

static void transform_source(const winograd_run *run, const workspace *w, int64_t begin, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        const float *pixel[TILE * TILE];
        int64_t image = (begin + i) / (run->tiles_h * run->tiles_w), within = (begin + i) % (run->tiles_h * run->tiles_w);
        int row = (int)(within / run->tiles_w) * OUT + run->phase.rows.first,
            column = (int)(within % run->tiles_w) * OUT + run->phase.cols.first;
        find_pixels(run->x, run->ld_x, image, run->task.source_h, run->task.source_w, row, column, TILE, w->zero, pixel);
        run->exec->simd->winograd->source(pixel, run->task.panels.sources, w->source + i * run->ld_source, run->source_step);
    }
}

static void transform_outputs(const winograd_run *run, const workspace *w, int64_t begin, int64_t count, int panel, int panels) {
    for (int64_t i = 0; i < count; i++) {
        int64_t image = (begin + i) / (run->tiles_h * run->tiles_w), within = (begin + i) % (run->tiles_h * run->tiles_w);
        int row = (int)(within / run->tiles_w) * OUT, column = (int)(within % run->tiles_w) * OUT;
        nlg_winograd_outputs tile = {.products = w->products + i * panels * NLG_PANEL,
                                     .stride = run->product_step,
                                     .index = (image * run->task.out_h + row) * run->task.out_w + column,
                                     .row_step = run->task.out_w,
                                     .channel = panel * NLG_PANEL,
                                     .rows = (int)smaller(OUT, run->phase.rows.outputs - row),
                                     .cols = (int)smaller(OUT, run->phase.cols.outputs - column)};
        for (int p = 0; p < panels; p++, tile.products += NLG_PANEL, tile.channel += NLG_PANEL)
            run->exec->simd->winograd->outputs(&tile, &run->out);
    }
}

static void run_tiles(void *context, int64_t begin, int64_t end, int worker) {
    const winograd_run *run = context;
    workspace w = workspace_of(run, worker);
    int64_t depth = run->task.panels.sources, tile = run->exec->simd->conv->tile_pixels, units = (run->tiles + tile - 1) / tile;
    nlg_conv_run whole = {0, depth};
    for (int64_t part = begin; part < end; part++) {
        int64_t a = part / run->panel_parts, b = part % run->panel_parts;
        int panel_begin = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b);
        int panel_end = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b + 1);
        int64_t stop = smaller(nlg_conv_cut(units, run->tile_parts, a + 1) * tile, run->tiles);
        for (int64_t at = nlg_conv_cut(units, run->tile_parts, a) * tile; at < stop; at += run->block) {
            int64_t count = smaller(run->block, stop - at);
            transform_source(run, &w, at, count);
            for (int p = panel_begin, panels; p < panel_end; p += panels) {
                panels = (int)smaller(CHUNK_PANELS, panel_end - p);
                nlg_conv_gemm job = {.offset = w.offset,
                                     .index = w.index,
                                     .pixels = (int)count,
                                     .panels = panels,
                                     .runs = &whole,
                                     .length = depth,
                                     .panel_stride = (int64_t)run->panel_size,
                                     .first = true,
                                     .last = true};
                job.out.ld_y = job.out.channels = panels * NLG_PANEL;
                for (int i = 0; i < PRODUCTS; i++) {
                    job.x = w.source + i * run->source_step;
                    job.w = run->packed + (size_t)p * run->panel_size + (size_t)(i * depth) * NLG_PANEL;
                    job.out.y = w.products + i * run->product_step;
                    run->exec->simd->conv->gemm(&job);
                }
                transform_outputs(run, &w, at, count, p, panels);
            }
        }
    }
}

/* Tile parts x panel parts: the fullest worker's time, counted as for the choice of the algorithm. */
static void plan_grid(winograd_run *run) {
    int threads = nlg_team_size(run->exec->team), panels = run->task.panels.count, tile = run->exec->simd->conv->tile_pixels;
    int64_t units = (run->tiles + tile - 1) / tile, depth = run->task.panels.sources;
    double best = -1;
    for (int b = 1; b <= threads && b <= panels; b++) {
        int a = (int)smaller(threads / b, units);
        double tiles = (double)((units + a - 1) / a * tile), part_panels = (double)((panels + b - 1) / b);
        double cost = tiles * (36.0 * (double)depth * part_panels + 24.0 * (double)depth + 320 * part_panels) +
                      part_panels * (double)run->panel_size / 2;
        if (best >= 0 && cost >= best) continue;
        best = cost;
        run->tile_parts = a;
        run->panel_parts = b;
    }
}

void nlg_conv_winograd_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                              const float *packed, const nlg_conv_output *out, float *scratch) {
    winograd_run run = {.x = x, .ld_x = ld_x, .packed = packed, .out = *out, .scratch = scratch};
    plan(&run, shape, pass, exec);
    plan_grid(&run);
    nlg_team_run(exec->team, (int64_t)run.tile_parts * run.panel_parts, run_tiles, &run);
}

/* ---- weight gradient ---- */

static int count_parts(const winograd_run *run) {
    int64_t chunks = (run->tiles + run->block - 1) / run->block, floats = run->task.panels.count * (int64_t)run->panel_size;
    int64_t parts = smaller(smaller(MOST_PARTS, chunks / PART_CHUNKS), PARTS_FLOATS / floats);
    return parts < 1 ? 1 : (int)parts;
}

static void add_chunk(const winograd_run *run, const workspace *w, int64_t begin, int64_t count, int panel, float *sums) {
    int width = (int)smaller(NLG_PANEL, run->task.panels.outputs - panel * NLG_PANEL);
    for (int64_t i = 0; i < count; i++) {
        const float *pixel[OUT * OUT];
        int64_t image = (begin + i) / (run->tiles_h * run->tiles_w), within = (begin + i) % (run->tiles_h * run->tiles_w);
        find_pixels(run->dy + panel * NLG_PANEL, run->ld_dy, image, run->task.out_h, run->task.out_w,
                    (int)(within / run->tiles_w) * OUT, (int)(within % run->tiles_w) * OUT, OUT, w->zero, pixel);
        run->exec->simd->winograd->gradient(pixel, width, w->products + i * NLG_PANEL, run->product_step);
    }
    nlg_conv_outer job = {.offset = w->offset, .pixels = (int)count, .panels = 1, .rows = run->task.panels.sources};
    for (int i = 0; i < PRODUCTS; i++) {
        job.x = w->source + i * run->source_step;
        job.dy = w->products + i * run->product_step;
        job.out = sums + (size_t)(i * run->task.panels.sources) * NLG_PANEL;
        run->exec->simd->conv->outer(&job);
    }
}

static void add_bias(const winograd_run *run, const workspace *w, int64_t part, int panel) {
    int64_t stop = nlg_conv_cut(run->phase.pixels, run->tile_parts, part + 1);
    int width = (int)smaller(NLG_PANEL, run->task.panels.outputs - panel * NLG_PANEL);
    float *sum = run->bias_sums + (part * run->task.panels.count + panel) * NLG_PANEL;
    memset(sum, 0, NLG_PANEL * sizeof *sum);
    for (int64_t i = nlg_conv_cut(run->phase.pixels, run->tile_parts, part); i < stop; i += BIAS_PIXELS)
        run->exec->simd->conv->pack_panel(run->dy + i * run->ld_dy + panel * NLG_PANEL, run->ld_dy, width,
                                          (int)smaller(BIAS_PIXELS, stop - i), w->products, sum);
}

static void run_parts(void *context, int64_t begin, int64_t end, int worker) {
    const winograd_run *run = context;
    workspace w = workspace_of(run, worker);
    int64_t chunks = (run->tiles + run->block - 1) / run->block;
    for (int64_t task = begin; task < end; task++) {
        int64_t part = task / run->panel_parts, b = task % run->panel_parts;
        int panel_begin = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b);
        int panel_end = (int)nlg_conv_cut(run->task.panels.count, run->panel_parts, b + 1);
        float *sums = run->sums + (size_t)part * (size_t)run->task.panels.count * run->panel_size;
        memset(sums + (size_t)panel_begin * run->panel_size, 0, (size_t)(panel_end - panel_begin) * run->panel_size * sizeof *sums);
        int64_t stop = smaller(nlg_conv_cut(chunks, run->tile_parts, part + 1) * run->block, run->tiles);
        for (int64_t at = nlg_conv_cut(chunks, run->tile_parts, part) * run->block; at < stop; at += run->block) {
            int64_t count = smaller(run->block, stop - at);
            transform_source(run, &w, at, count);
            for (int p = panel_begin; p < panel_end; p++) add_chunk(run, &w, at, count, p, sums + (size_t)p * run->panel_size);
        }
        for (int p = panel_begin; p < panel_end; p++) {
            run->exec->simd->winograd->weight_gradient(sums + (size_t)p * run->panel_size, run->task.panels.sources);
            if (run->bias) add_bias(run, &w, part, p);
        }
    }
}

void nlg_conv_winograd_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *dy,
                               int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch) {
    winograd_run run = {.x = x, .ld_x = ld_x, .dy = dy, .ld_dy = ld_dy, .bias = db != NULL, .sums = scratch};
    plan(&run, shape, NLG_CONV_BACKWARD_WEIGHTS, exec);
    run.tile_parts = count_parts(&run);
    size_t part_size = (size_t)run.task.panels.count * run.panel_size;
    run.bias_sums = scratch + (size_t)run.tile_parts * part_size;
    run.scratch = run.bias_sums + run.tile_parts * run.task.panels.count * NLG_PANEL;
    int threads = nlg_team_size(exec->team);
    run.panel_parts =
        run.tile_parts % threads == 0 || run.tile_parts >= 4 * threads ? 1 : (int)smaller(threads, run.task.panels.count);
    nlg_team_run(exec->team, (int64_t)run.tile_parts * run.panel_parts, run_parts, &run);
    nlg_conv_parts parts = {exec,           &run.task,     run.tile_parts, run.sums, part_size,
                            run.panel_size, run.bias_sums, accumulate,     dw_oihw,  db};
    nlg_conv_finish_weights(&parts);
}

/* ---- packing and sizes ---- */

typedef struct pack_run {
    const winograd_run *run;
    float *packed;
} pack_run;

static void transform_weights(void *context, int64_t begin, int64_t end, int worker) {
    const pack_run *pack = context;
    (void)worker;
    for (int64_t i = begin; i < end; i++)
        pack->run->exec->simd->winograd->weights(pack->packed + (size_t)i * pack->run->panel_size, pack->run->task.panels.sources);
}

void nlg_conv_winograd_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                            float *packed) {
    winograd_run run = {0};
    plan(&run, shape, pass, exec);
    size_t taps = (size_t)run.phase.depth * NLG_PANEL;
    nlg_conv_direct_pack_phase(exec, &run.task, &run.phase, w_oihw, packed + run.panel_size - taps, run.panel_size);
    pack_run pack = {&run, packed};
    nlg_team_run(exec->team, run.task.panels.count, transform_weights, &pack);
}

size_t nlg_conv_winograd_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass) {
    nlg_conv_task task;
    nlg_conv_task_init(&task, shape, pass);
    return (size_t)task.panels.count * PRODUCTS * (size_t)task.panels.sources * NLG_PANEL;
}

size_t nlg_conv_winograd_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    winograd_run run = {0};
    plan(&run, shape, pass, exec);
    size_t size = run.worker_size * (size_t)nlg_team_size(exec->team);
    if (pass == NLG_CONV_BACKWARD_WEIGHTS)
        size += (size_t)count_parts(&run) * (size_t)run.task.panels.count * (run.panel_size + NLG_PANEL);
    return size;
}
