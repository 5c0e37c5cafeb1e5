/* Winograd's F(4x4, 3x3): 36 products for 16 outputs instead of 144, for 3 x 3 convolutions at stride 1; F(2x2, 5x5): 36 for 4
 * outputs instead of 100; and F(4, 3) and F(4, 7) along one axis: 6 or 10 products for 4 outputs instead of 12 or 28, for 1 x 3,
 * 3 x 1, 1 x 7 and 7 x 1.
 *
 * Tiles are taken across the batch in blocks whose transformed source [products][tiles][channels] stays in the second cache. For
 * each panel of outputs the products are small matrix products, followed at once by the output transform. Where the transformed
 * weights are too many for the caches they are made again for each block, step by step along the source channels, from the plain
 * ones. The data gradient is the same with weights rotated by half a turn. The weight gradient multiplies transformed sources with
 * transformed output gradients, summed over tiles in chunks and parts that depend on the shape alone, and transforms the sums once;
 * it is for 3 x 3 only.
 */
#include "layers/kernels/conv_internal.h"
#include "layers/kernels/winograd_simd.h"

#include <string.h>

enum {
    OUT = NLG_WINOGRAD_OUT,
    PRODUCTS = 36, /* of 3 x 3, the most */
    TAPS = 9,
    MOST_TAPS = 25,
    SOURCE_BYTES = 256 * 1024, /* transformed source of a block */
    LEAST_TILES = 12,
    MOST_TILES = 48,
    CHUNK_PANELS = 2,     /* panels of products at a time */
    LATE_BYTES = 4 << 20, /* transformed weights beyond that are made from the plain ones when they are needed, */
    LATE_STEP = 32,       /* for so many source channels at a time */
    LATE_TILES = 66,
    FEW_TILES = 6,   /* for so few, one panel's weights are made at a time, which then lie nearer */
    CHUNK = 96,      /* tiles of one chain of the weight gradient */
    DEEP_CHUNKS = 3, /* most of a part that is transformed as a whole, up to MOST_PARTS */
    PART_CHUNKS = 2, /* fewest of a part */
    MOST_PARTS = 16,
    PARTS_FLOATS = 1 << 20, /* bound on the sums of all parts */
    BIAS_PIXELS = 192,
};

/* Outputs of a tile along each axis that the kernel spans; work of the transforms a source and an output channel and tile, in
 * operations on 16 lanes. */
typedef struct form {
    int out, taps, products, source_work, output_work;
} form;

static const form forms[NLG_WINOGRAD_FORMS] = {
    [NLG_WINOGRAD_SQUARE_3] = {OUT, TAPS, PRODUCTS, 24, 20},
    [NLG_WINOGRAD_SQUARE_5] = {2, MOST_TAPS, PRODUCTS, 24, 12},
    [NLG_WINOGRAD_LINE_3] = {OUT, 3, 6, 3, 3},
    [NLG_WINOGRAD_LINE_7] = {OUT, 7, 10, 8, 6},
};

/* NLG_WINOGRAD_FORMS if there is none. */
static nlg_winograd_form form_of(const nlg_conv_shape *s) {
    if (s->stride_h != 1 || s->stride_w != 1 || s->dilation != 1 || s->groups != 1) return NLG_WINOGRAD_FORMS;
    if (s->r == 3 && s->s == 3) return NLG_WINOGRAD_SQUARE_3;
    if (s->r == 5 && s->s == 5) return NLG_WINOGRAD_SQUARE_5;
    if ((s->r != 1 || s->p != s->h) && (s->s != 1 || s->q != s->w)) return NLG_WINOGRAD_FORMS;
    const int taps = s->r * s->s;
    return taps == 3 ? NLG_WINOGRAD_LINE_3 : taps == 7 ? NLG_WINOGRAD_LINE_7 : NLG_WINOGRAD_FORMS;
}

/* Where it takes at most four fifths of the direct form's time by a count of operations on 16 lanes: products, transforms, and one
 * operation for each weight moved (for the gradient each time its sums are passed over). Packed weights and an image's bits must
 * not depend on the batch, so the count is for a batch of 64 whatever comes. Fewer than 16 channels leave lanes of the transforms
 * idle. The data gradient of a single row or column of outputs is cut into phases of at most one tap: direct. */
bool nlg_conv_winograd_pays(const nlg_conv_shape *s, nlg_conv_pass pass) {
    const nlg_winograd_form which = form_of(s);
    if (which == NLG_WINOGRAD_FORMS || s->c < NLG_PANEL || s->k < NLG_PANEL) return false;
    if (pass == NLG_CONV_BACKWARD_WEIGHTS && which != NLG_WINOGRAD_SQUARE_3) return false;
    const form *f = &forms[which];
    const int64_t images = 64;
    bool backward = pass == NLG_CONV_BACKWARD_DATA;
    if (backward && ((s->r > 1 && s->p == 1) || (s->s > 1 && s->q == 1))) return false;
    int64_t rows = backward ? s->h : s->p, cols = backward ? s->w : s->q, pairs = (int64_t)s->c * s->k;
    int64_t tiles_h = s->r == 1 ? rows : (rows + f->out - 1) / f->out, tiles_w = s->s == 1 ? cols : (cols + f->out - 1) / f->out;
    int64_t tiles = images * tiles_h * tiles_w, passes = pass == NLG_CONV_BACKWARD_WEIGHTS ? 5 + tiles / 48 : 1;
    int64_t winograd =
        tiles * (f->products * pairs / 16 + f->source_work * s->c + f->output_work * s->k) + passes * f->products * pairs;
    int64_t direct = images * rows * cols * f->taps * pairs / 16 + passes * f->taps * pairs;
    return 5 * winograd <= 4 * direct;
}

typedef struct winograd_run {
    const nlg_exec *exec;
    const form *form;
    const nlg_winograd_transforms *transforms;
    int out_h, out_w; /* outputs of a tile */
    bool across;      /* a line along the columns of an image */
    nlg_conv_task task;
    nlg_conv_phase phase;
    const float *x, *packed, *dy;
    int64_t ld_x, ld_dy, tiles_h, tiles_w, tiles, block, ld_source;
    bool late;                         /* weights are transformed by the step, not when packed */
    int64_t step;                      /* source channels at a time */
    int64_t source_step, product_step; /* distance of two products' parts; odd numbers of lines, so that they share no cache set */
    nlg_conv_grid grid;                /* of tiles x panels */
    int tile_parts, panel_parts;       /* of the weight gradient */
    nlg_conv_output out;
    float *sums, *bias_sums, *scratch;
    float *gradients; /* transformed, where a part's are all kept */
    int64_t part, part_begin, part_tiles;
    size_t panel_size, source_size, products_size, weights_size, worker_size;
    bool bias;
} winograd_run;

/* A worker's memory. */
typedef struct workspace {
    float *source, *products, *weights;
    int64_t *offset;
    int64_t *begin, *count; /* tiles in `source`, from one of the worker's tasks to the next */
} workspace;

static int64_t smaller(int64_t a, int64_t b) {
    return a < b ? a : b;
}

static int64_t odd_lines(int64_t floats) {
    return (floats / NLG_PANEL | 1) * NLG_PANEL;
}

/* Where the transformed weights would be large, reading them takes longer than making them from the plain ones for each block. */
static bool is_deep(const form *f, const nlg_conv_panels *panels) {
    return (int64_t)f->products * panels->sources * panels->outputs * (int64_t)sizeof(float) > LATE_BYTES;
}

static void plan(winograd_run *run, const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    run->exec = exec;
    nlg_conv_task_init(&run->task, shape, pass);
    nlg_conv_phase_init(&run->phase, &run->task, shape, 0);
    const nlg_winograd_form which = form_of(shape);
    run->form = &forms[which];
    run->transforms = &exec->simd->winograd->form[which];
    run->out_h = shape->r == 1 ? 1 : run->form->out;
    run->out_w = shape->s == 1 ? 1 : run->form->out;
    run->across = shape->r == 1;
    run->tiles_h = (run->phase.rows.outputs + run->out_h - 1) / run->out_h;
    run->tiles_w = (run->phase.cols.outputs + run->out_w - 1) / run->out_w;
    const int taps = run->form->taps, products = run->form->products;
    run->tiles = run->task.n * run->tiles_h * run->tiles_w;
    int64_t sources = run->task.panels.sources;
    run->late = is_deep(run->form, &run->task.panels);
    run->step = run->late ? LATE_STEP : sources;
    run->ld_source = (int64_t)nlg_conv_lines((size_t)run->step);
    run->panel_size = (size_t)(run->late ? taps : products) * (size_t)sources * NLG_PANEL;
    if (pass == NLG_CONV_BACKWARD_WEIGHTS) {
        run->block = CHUNK; /* part of the numerics */
    } else if (run->late) {
        run->block = LATE_TILES;
    } else {
        int64_t tile = exec->simd->winograd->tiles, fit = SOURCE_BYTES / (products * (int64_t)sizeof(float) * run->ld_source);
        run->block = (smaller(fit < LEAST_TILES ? LEAST_TILES : fit, MOST_TILES) + tile - 1) / tile * tile;
    }
    if (run->block > run->tiles) run->block = run->tiles;
    run->source_step = odd_lines(run->block * run->ld_source);
    run->product_step = odd_lines(run->block * NLG_PANEL * (pass == NLG_CONV_BACKWARD_WEIGHTS ? 1 : CHUNK_PANELS));
    run->products_size = (size_t)(products * run->product_step);
    if (run->products_size < BIAS_PIXELS * NLG_PANEL) run->products_size = BIAS_PIXELS * NLG_PANEL;
    run->source_size = (size_t)((sources + run->step - 1) / run->step * products * run->source_step);
    run->weights_size = run->late ? (size_t)(products * CHUNK_PANELS) * (size_t)odd_lines(LATE_STEP * NLG_PANEL) : 0;
    run->worker_size =
        run->source_size + run->products_size + run->weights_size + nlg_conv_lines((size_t)run->block * 2) + NLG_CONV_STATE;
}

static workspace workspace_of(const winograd_run *run, int worker) {
    workspace w = {.source = run->scratch + (size_t)worker * run->worker_size};
    w.products = w.source + run->source_size;
    w.weights = w.products + run->products_size;
    w.offset = (int64_t *)(void *)(w.weights + run->weights_size);
    for (int64_t i = 0; i < run->block; i++) w.offset[i] = i * run->ld_source;
    w.begin = (int64_t *)(void *)(w.source + run->worker_size - NLG_CONV_STATE);
    w.count = w.begin + 1;
    return w;
}

/* A tile's place: tiles are counted row by row through the images. */
typedef struct place {
    int64_t image;
    int row, column; /* of its first output */
} place;

static place place_of(const winograd_run *run, int64_t tile) {
    int64_t row = tile / run->tiles_w;
    return (place){row / run->tiles_h, (int)(row % run->tiles_h) * run->out_h, (int)(tile % run->tiles_w) * run->out_w};
}

static void advance(const winograd_run *run, place *p) {
    p->column += run->out_w;
    if (p->column < run->phase.cols.outputs) return;
    p->column = 0;
    p->row += run->out_h;
    if (p->row < run->phase.rows.outputs) return;
    p->row = 0;
    p->image++;
}

static int within(int value, int most) {
    return value < 0 ? 0 : value < most ? value : most;
}

/* rows x columns pixels of a tensor [n][height][width] from (row, column) of an image on. */
static nlg_winograd_window window_at(const float *x, int64_t ld, int64_t image, int height, int width, int row, int column,
                                     int rows, int columns) {
    return (nlg_winograd_window){.x = x,
                                 .at = ((image * height + row) * width + column) * ld,
                                 .row = width * ld,
                                 .column = ld,
                                 .top = within(-row, rows),
                                 .bottom = within(height - row, rows),
                                 .left = within(-column, columns),
                                 .right = within(width - column, columns)};
}

static nlg_winograd_window source_window(const winograd_run *run, const place *p) {
    nlg_winograd_window w =
        window_at(run->x, run->ld_x, p->image, run->task.source_h, run->task.source_w, p->row + run->phase.rows.first,
                  p->column + run->phase.cols.first, run->out_h + run->phase.rows.taps - 1, run->out_w + run->phase.cols.taps - 1);
    if (run->across) w = (nlg_winograd_window){w.x, w.at, w.column, w.row, w.left, w.right, w.top, w.bottom};
    return w;
}

static nlg_winograd_window gradient_window(const winograd_run *run, const place *p) {
    return window_at(run->dy, run->ld_dy, p->image, run->task.out_h, run->task.out_w, p->row, p->column, OUT, OUT);
}

static void transform_source(const winograd_run *run, const workspace *w, int64_t begin, int64_t count) {
    place p = place_of(run, begin);
    for (int64_t i = 0; i < count; i++, advance(run, &p)) {
        nlg_winograd_window window = source_window(run, &p);
        float *to = w->source + i * run->ld_source;
        for (int64_t c = 0; c < run->task.panels.sources; c += run->step, to += run->form->products * run->source_step)
            run->transforms->source(&window, (int)c, (int)smaller(c + run->step, run->task.panels.sources), to, run->source_step);
    }
}

static void transform_outputs(const winograd_run *run, const workspace *w, int64_t begin, int64_t count, int panel, int panels) {
    place at = place_of(run, begin);
    for (int64_t i = 0; i < count; i++, advance(run, &at)) {
        nlg_winograd_outputs tile = {.products = w->products + i * panels * NLG_PANEL,
                                     .stride = run->product_step,
                                     .index = (at.image * run->task.out_h + at.row) * run->task.out_w + at.column,
                                     .row_step = run->task.out_w,
                                     .channel = panel * NLG_PANEL,
                                     .rows = within(run->phase.rows.outputs - at.row, run->out_h),
                                     .cols = within(run->phase.cols.outputs - at.column, run->out_w)};
        if (run->across) tile.row_step = 1, tile.rows = tile.cols, tile.cols = 1;
        for (int p = 0; p < panels; p++, tile.products += NLG_PANEL, tile.channel += NLG_PANEL)
            run->transforms->outputs(&tile, &run->out);
    }
}

/* The products of `count` tiles and some panels: step by step over the source channels, sums waiting in w->products. */
static void multiply(const winograd_run *run, const workspace *w, int64_t count, int panel, int panels) {
    const int taps = run->form->taps, products = run->form->products;
    int64_t depth = run->task.panels.sources;
    const float *packed = run->packed + (size_t)panel * run->panel_size;
    nlg_winograd_multiply job = {.v = w->source,
                                 .products = w->products,
                                 .count = products,
                                 .v_stride = run->source_step,
                                 .product_stride = run->product_step,
                                 .ld_v = run->ld_source,
                                 .tiles = (int)count,
                                 .panels = panels};
    for (int64_t k = 0; k < depth; k += run->step, job.v += products * run->source_step) {
        job.depth = smaller(run->step, depth - k);
        job.first = k == 0;
        job.u = run->late ? w->weights : packed;
        job.u_stride = run->late ? odd_lines(job.depth * NLG_PANEL) : job.depth * NLG_PANEL;
        job.panel_stride = products * job.u_stride;
        job.ahead = job.u + job.u_stride;
        job.ahead_floats = job.u_stride;
        job.ahead_panel = job.panel_stride;
        if (run->late) {
            const float *plain = packed + (size_t)(k * taps * NLG_PANEL);
            for (int p = 0; p < panels; p++)
                run->transforms->weights(plain + (size_t)p * run->panel_size, job.depth, w->weights + p * job.panel_stride,
                                         job.u_stride);
            job.ahead_panel = (int64_t)run->panel_size;
            job.ahead = k + job.depth < depth ? plain + job.depth * taps * NLG_PANEL : packed + panels * job.ahead_panel;
            job.ahead_floats = job.depth * taps * NLG_PANEL / products;
        }
        run->exec->simd->winograd->multiply(&job);
    }
}

static void run_tiles(void *context, int64_t begin, int64_t end, int worker) {
    const winograd_run *run = context;
    workspace w = workspace_of(run, worker);
    int64_t tile = run->exec->simd->winograd->tiles, units = (run->tiles + tile - 1) / tile;
    for (int64_t task = begin; task < end; task++) {
        const nlg_conv_cell cell = nlg_conv_grid_cell(&run->grid, task, run->task.panels.count);
        int64_t at = nlg_conv_cut(units, run->grid.pixel_parts, cell.pixel_part) * tile, count;
        int64_t stop = smaller(nlg_conv_cut(units, run->grid.pixel_parts, cell.pixel_part + 1) * tile, run->tiles);
        for (int64_t blocks = (stop - at + run->block - 1) / run->block; at < stop; at += count, blocks--) {
            count = smaller(smaller(((stop - at + blocks - 1) / blocks + tile - 1) / tile * tile, run->block), stop - at);
            if (*w.begin != at || *w.count != count) transform_source(run, &w, at, count);
            *w.begin = at, *w.count = count;
            for (int p = cell.panel_begin, panels; p < cell.panel_end; p += panels) {
                panels = (int)smaller(run->late && count <= FEW_TILES ? 1 : CHUNK_PANELS, cell.panel_end - p);
                multiply(run, &w, count, p, panels);
                transform_outputs(run, &w, at, count, p, panels);
            }
        }
    }
}

/* Tile parts x panel parts: the fullest worker's time, counted as for the choice of the algorithm. */
static void plan_grid(winograd_run *run) {
    int threads = nlg_team_size(run->exec->team), panels = run->task.panels.count, tile = run->exec->simd->winograd->tiles;
    int64_t units = (run->tiles + tile - 1) / tile, depth = run->task.panels.sources;
    double best = -1, work = 0;
    for (int b = 1; b <= threads && b <= panels; b++) {
        int a = (int)smaller(threads / b, units);
        double tiles = (double)((units + a - 1) / a * tile), part_panels = (double)((panels + b - 1) / b);
        double cost = tiles * (run->form->products * (double)depth * part_panels + run->form->source_work * (double)depth +
                               NLG_PANEL * run->form->output_work * part_panels) +
                      part_panels * (double)run->panel_size / 2;
        if (best >= 0 && cost >= best) continue;
        best = cost;
        work = cost * a * b;
        run->grid = (nlg_conv_grid){.pixel_parts = a, .panel_parts = b};
    }
    int64_t part = (run->tiles + run->grid.pixel_parts - 1) / run->grid.pixel_parts;
    nlg_conv_grid_refine(&run->grid, threads, panels, (part + run->block - 1) / run->block, work);
}

void nlg_conv_winograd_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                              const float *packed, const nlg_conv_output *out, float *scratch) {
    winograd_run run = {.x = x, .ld_x = ld_x, .packed = packed, .out = *out, .scratch = scratch};
    plan(&run, shape, pass, exec);
    plan_grid(&run);
    for (int w = 0; w < nlg_team_size(exec->team); w++) *workspace_of(&run, w).count = 0;
    nlg_team_run(exec->team, nlg_conv_grid_tasks(&run.grid), run_tiles, &run);
}

/* ---- weight gradient ---- */

static int count_parts(const winograd_run *run) {
    int64_t chunks = (run->tiles + run->block - 1) / run->block;
    if (is_deep(run->form, &run->task.panels)) return (int)smaller(MOST_PARTS, (chunks + DEEP_CHUNKS - 1) / DEEP_CHUNKS);
    int64_t floats = run->task.panels.count * (int64_t)run->panel_size;
    int64_t parts = smaller(smaller(MOST_PARTS, chunks / PART_CHUNKS), PARTS_FLOATS / floats);
    return parts < 1 ? 1 : (int)parts;
}

static void add_chunk(const winograd_run *run, const workspace *w, int64_t begin, int64_t count, int panel, float *sums) {
    int channel = panel * NLG_PANEL, stop = (int)smaller(channel + NLG_PANEL, run->task.panels.outputs);
    place p = place_of(run, begin);
    for (int64_t i = 0; i < count; i++, advance(run, &p)) {
        nlg_winograd_window window = gradient_window(run, &p);
        run->exec->simd->winograd->gradient(&window, channel, stop, w->products + i * NLG_PANEL, run->product_step);
    }
    nlg_conv_outer job = {.offset = w->offset, .pixels = (int)count, .panels = 1, .rows = run->task.panels.sources};
    for (int i = 0; i < PRODUCTS; i++) {
        job.x = w->source + i * run->source_step;
        job.dy = w->products + i * run->product_step;
        job.out = sums + (size_t)(i * run->task.panels.sources) * NLG_PANEL;
        run->exec->simd->conv->outer(&job);
    }
}

static void add_bias(const winograd_run *run, int64_t part, int panel, float *room) {
    int64_t stop = nlg_conv_cut(run->phase.pixels, run->tile_parts, part + 1);
    int width = (int)smaller(NLG_PANEL, run->task.panels.outputs - panel * NLG_PANEL);
    float *sum = run->bias_sums + (part * run->task.panels.count + panel) * NLG_PANEL;
    memset(sum, 0, NLG_PANEL * sizeof *sum);
    for (int64_t i = nlg_conv_cut(run->phase.pixels, run->tile_parts, part); i < stop; i += BIAS_PIXELS)
        run->exec->simd->conv->pack_panel(run->dy + i * run->ld_dy + panel * NLG_PANEL, run->ld_dy, width,
                                          (int)smaller(BIAS_PIXELS, stop - i), room, sum);
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
            if (run->bias) add_bias(run, part, p, w.products);
        }
    }
}

/* Deep layers: their 36 x C x K sums would pass through memory with every chunk. Instead all tiles of a part are transformed, and
 * then each step of source channels by CHUNK_PANELS panels is summed over all of them and transformed back at once. */

typedef struct deep_sizes {
    int64_t steps, source_step, gradient_step; /* of a part's transformed sources and output gradients */
    size_t source, gradients, worker;          /* floats */
} deep_sizes;

static deep_sizes sizes_of_deep(const winograd_run *run, int parts) {
    const nlg_conv_panels *p = &run->task.panels;
    /* Of the largest part for this and any smaller number of images: fewer chunks may come in larger parts. */
    int64_t chunks = (run->tiles + run->block - 1) / run->block, most = (chunks + parts - 1) / parts,
            tiles = smaller((most < DEEP_CHUNKS ? DEEP_CHUNKS : most) * run->block, run->tiles);
    deep_sizes size = {.steps = (p->sources + LATE_STEP - 1) / LATE_STEP,
                       .source_step = odd_lines(tiles * LATE_STEP),
                       .gradient_step = odd_lines(tiles * NLG_PANEL),
                       .worker = (size_t)(PRODUCTS * CHUNK_PANELS * NLG_PANEL) * LATE_STEP + 2 * CHUNK};
    size.source = (size_t)(size.steps * PRODUCTS * size.source_step);
    size.gradients = (size_t)(p->count * PRODUCTS * size.gradient_step);
    return size;
}

static void transform_part(void *context, int64_t begin, int64_t end, int worker) {
    const winograd_run *run = context;
    const nlg_conv_panels *p = &run->task.panels;
    deep_sizes size = sizes_of_deep(run, run->tile_parts);
    place at = place_of(run, run->part_begin + begin);
    (void)worker;
    for (int64_t i = begin; i < end; i++, advance(run, &at)) {
        nlg_winograd_window source = source_window(run, &at), gradient = gradient_window(run, &at);
        for (int64_t s = 0, c = 0; s < size.steps; s++, c += LATE_STEP)
            run->transforms->source(&source, (int)c, (int)smaller(c + LATE_STEP, p->sources),
                                    run->scratch + s * PRODUCTS * size.source_step + i * LATE_STEP, size.source_step);
        for (int panel = 0; panel < p->count; panel++) {
            int channel = panel * NLG_PANEL;
            run->exec->simd->winograd->gradient(&gradient, channel, (int)smaller(channel + NLG_PANEL, p->outputs),
                                                run->gradients + panel * PRODUCTS * size.gradient_step + i * NLG_PANEL,
                                                size.gradient_step);
        }
    }
}

static void sum_part(void *context, int64_t begin, int64_t end, int worker) {
    const winograd_run *run = context;
    const nlg_conv_panels *p = &run->task.panels;
    deep_sizes size = sizes_of_deep(run, run->tile_parts);
    float *sums = run->scratch + size.source + size.gradients + (size_t)worker * size.worker;
    int64_t *offset = (int64_t *)(void *)(sums + size.worker - 2 * CHUNK);
    for (int64_t i = 0; i < CHUNK; i++) offset[i] = i * LATE_STEP;
    for (int64_t task = begin; task < end; task++) {
        int64_t step = task % size.steps, c = step * LATE_STEP, rows = smaller(LATE_STEP, p->sources - c);
        int panel = (int)(task / size.steps) * CHUNK_PANELS;
        nlg_conv_outer job = {.offset = offset,
                              .panels = (int)smaller(CHUNK_PANELS, p->count - panel),
                              .rows = rows,
                              .dy_stride = PRODUCTS * size.gradient_step,
                              .out_stride = PRODUCTS * rows * NLG_PANEL};
        memset(sums, 0, (size_t)(job.panels * job.out_stride) * sizeof *sums);
        for (int i = 0; i < PRODUCTS; i++)
            for (int64_t at = 0; at < run->part_tiles; at += CHUNK) {
                job.pixels = (int)smaller(CHUNK, run->part_tiles - at);
                job.x = run->scratch + (step * PRODUCTS + i) * size.source_step + at * LATE_STEP;
                job.dy = run->gradients + (panel * PRODUCTS + i) * size.gradient_step + at * NLG_PANEL;
                job.out = sums + i * rows * NLG_PANEL;
                run->exec->simd->conv->outer(&job);
            }
        for (int j = 0; j < job.panels; j++) {
            float *from = sums + j * job.out_stride;
            float *to = run->sums + (size_t)(run->part * p->count + panel + j) * run->panel_size + c * NLG_PANEL;
            run->exec->simd->winograd->weight_gradient(from, rows);
            for (int tap = 0; tap < TAPS; tap++)
                memcpy(to + tap * p->sources * NLG_PANEL, from + tap * rows * NLG_PANEL, (size_t)(rows * NLG_PANEL) * sizeof *to);
            if (run->bias && step == 0) add_bias(run, run->part, panel + j, sums);
        }
    }
}

static void run_deep(winograd_run *run) {
    deep_sizes size = sizes_of_deep(run, run->tile_parts);
    int64_t chunks = (run->tiles + CHUNK - 1) / CHUNK;
    run->gradients = run->scratch + size.source;
    for (run->part = 0; run->part < run->tile_parts; run->part++) {
        run->part_begin = nlg_conv_cut(chunks, run->tile_parts, run->part) * CHUNK;
        run->part_tiles = smaller(nlg_conv_cut(chunks, run->tile_parts, run->part + 1) * CHUNK, run->tiles) - run->part_begin;
        nlg_team_run(run->exec->team, run->part_tiles, transform_part, run);
        nlg_team_run(run->exec->team, (run->task.panels.count + CHUNK_PANELS - 1) / CHUNK_PANELS * size.steps, sum_part, run);
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
    if (is_deep(run.form, &run.task.panels))
        run_deep(&run);
    else
        nlg_team_run(exec->team, (int64_t)run.tile_parts * run.panel_parts, run_parts, &run);
    nlg_conv_parts parts = {exec,           &run.task,     run.tile_parts, run.sums, part_size,
                            run.panel_size, run.bias_sums, accumulate,     dw_oihw,  db};
    nlg_conv_finish_weights(&parts);
}

/* ---- packing and sizes ---- */

typedef struct pack_run {
    const winograd_run *run;
    const float *w;
    float *packed;
} pack_run;

/* Channels [begin, end) of a panel as [channel][taps][16]. The data gradient reads the kernel backwards. */
static void turn_weights(const pack_run *pack, int index, int64_t begin, int64_t end, float *to) {
    const bool forward = pack->run->task.pass == NLG_CONV_FORWARD;
    const int taps = pack->run->form->taps;
    int64_t position[MOST_TAPS];
    for (int i = 0; i < taps; i++) position[i] = (forward ? i : taps - 1 - i) * NLG_PANEL;
    const nlg_conv_panels *p = &pack->run->task.panels;
    nlg_conv_panel panel = nlg_conv_panel_at(p, index);
    nlg_conv_transpose transpose = {.rows = panel.channels, .period = 1, .position = position};
    if (forward) {
        transpose.ld = (int64_t)p->sources * taps;
        transpose.columns = (end - begin) * taps;
        pack->run->exec->simd->conv->pack_rows(&transpose, pack->w + panel.channel * transpose.ld + begin * taps, to);
        return;
    }
    transpose.ld = transpose.columns = transpose.period = taps;
    for (int64_t c = begin; c < end; c++, to += taps * NLG_PANEL)
        pack->run->exec->simd->conv->pack_rows(&transpose, pack->w + (c * p->outputs + panel.channel) * taps, to);
}

/* In the order in which the weights lie in memory: by output channels forward, by source channels for the data gradient. */
static void pack_panels(void *context, int64_t begin, int64_t end, int worker) {
    const pack_run *pack = context;
    const winograd_run *run = pack->run;
    int64_t depth = run->task.panels.sources, steps = (depth + LATE_STEP - 1) / LATE_STEP, panels = end - begin;
    bool forward = run->task.pass == NLG_CONV_FORWARD;
    (void)worker;
    for (int64_t i = 0; i < panels * steps; i++) {
        int64_t index = begin + (forward ? i / steps : i % panels), c = (forward ? i % steps : i / panels) * LATE_STEP;
        int64_t stop = smaller(c + LATE_STEP, depth);
        float *panel = pack->packed + (size_t)index * run->panel_size, taps[LATE_STEP * MOST_TAPS * NLG_PANEL];
        turn_weights(pack, (int)index, c, stop, run->late ? panel + c * run->form->taps * NLG_PANEL : taps);
        if (!run->late) run->transforms->weights(taps, stop - c, panel + c * NLG_PANEL, depth * NLG_PANEL);
    }
}

void nlg_conv_winograd_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                            float *packed) {
    winograd_run run = {0};
    plan(&run, shape, pass, exec);
    pack_run pack = {&run, w_oihw, packed};
    nlg_team_run(exec->team, run.task.panels.count, pack_panels, &pack);
}

size_t nlg_conv_winograd_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass) {
    nlg_conv_task task;
    nlg_conv_task_init(&task, shape, pass);
    const form *f = &forms[form_of(shape)];
    const int rows = is_deep(f, &task.panels) ? f->taps : f->products;
    return (size_t)task.panels.count * (size_t)rows * (size_t)task.panels.sources * NLG_PANEL;
}

size_t nlg_conv_winograd_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    winograd_run run = {0};
    plan(&run, shape, pass, exec);
    size_t threads = (size_t)nlg_team_size(exec->team);
    if (pass != NLG_CONV_BACKWARD_WEIGHTS) return run.worker_size * threads;
    int parts = count_parts(&run);
    deep_sizes deep = sizes_of_deep(&run, parts);
    size_t work = run.late ? deep.source + deep.gradients + deep.worker * threads : run.worker_size * threads;
    return (size_t)parts * (size_t)run.task.panels.count * (run.panel_size + NLG_PANEL) + work;
}
