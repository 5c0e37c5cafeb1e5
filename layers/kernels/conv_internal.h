/* Shared by the convolution drivers: every pass as one or more plain gathers.
 *
 * A pass is cut into phases: one for the forward pass, stride x stride for the data gradient, whose outputs at equal distance
 * from each other see the same taps. Within a phase output i of an axis reads the source at i * stride + first + t * step for
 * taps t, so that both passes, dense, grouped and depthwise, run through the same loops. */
#ifndef NLG_CONV_INTERNAL_H
#define NLG_CONV_INTERNAL_H

#include "layers/kernels/conv.h"
#include "layers/kernels/conv_simd.h"
#include "layers/kernels/simd.h"

typedef struct nlg_conv_axis {
    int outputs, out, out_step;      /* output i is position out + i * out_step of the written tensor */
    int source, stride, first, step; /* source length; tap t of output i reads i * stride + first + t * step */
    int taps, tap, tap_step;         /* tap t is kernel position tap + t * tap_step */
} nlg_conv_axis;

/* Output channels in panels of 16: 16 channels of one group, or as many whole groups as fit, block-diagonal. */
typedef struct nlg_conv_panels {
    int count, outputs, sources; /* panels; output and source channels of the whole convolution */
    int group_outputs, group_sources, groups_per_panel, panels_per_group;
    int depth;  /* source channels that each panel reads */
    int spread; /* channels of a group where 16 of them make a panel of both, and only a group's own are multiplied; else 0 */
} nlg_conv_panels;

typedef struct nlg_conv_panel {
    int channel, channels; /* output channels */
    int source;            /* first source channel */
} nlg_conv_panel;

/* One pass: what is read (n x rows x columns x channels) and what is written. */
typedef struct nlg_conv_task {
    nlg_conv_pass pass;
    int n, out_h, out_w, source_h, source_w, kernel_h, kernel_w;
    int phases_h, phases_w;
    nlg_conv_panels panels;
} nlg_conv_task;

typedef struct nlg_conv_phase {
    nlg_conv_axis rows, cols;
    int64_t pixels; /* outputs of this phase */
    int64_t depth;  /* k: taps times source channels of a panel */
    bool padded;    /* some tap lies outside the source: read through a zero-padded copy */
    int64_t width;  /* columns of that copy */
} nlg_conv_phase;

void nlg_conv_task_init(nlg_conv_task *task, const nlg_conv_shape *shape, nlg_conv_pass pass);
void nlg_conv_phase_init(nlg_conv_phase *phase, const nlg_conv_task *task, const nlg_conv_shape *shape, int index);
nlg_conv_panel nlg_conv_panel_at(const nlg_conv_panels *panels, int index);

/* The chain's runs relative to a pixel's base; at most kernel_h * kernel_w. Returns how many. */
int nlg_conv_runs(const nlg_conv_task *task, const nlg_conv_phase *phase, int64_t ld, nlg_conv_run *runs);

/* Most floats that the padded copy for `pixels` consecutive outputs takes (0 where none is needed). */
size_t nlg_conv_strip_size(const nlg_conv_task *task, const nlg_conv_phase *phase, int64_t pixels);

/* Bases of `pixels` consecutive outputs from `begin` on, relative to the returned pointer, and their numbers in the written
 * tensor. Where the phase is padded, the rows they need are copied to `strip`. */
const float *nlg_conv_gather(const nlg_conv_task *task, const nlg_conv_phase *phase, const float *x, int64_t ld, int64_t begin,
                             int64_t pixels, float *strip, int64_t *offset, int64_t *index);

/* Scratch is handed out in pieces of whole cache lines. */
static inline size_t nlg_conv_lines(size_t floats) {
    return (floats + 15) / 16 * 16;
}

/* [0, total) cut into `parts` nearly equal ranges: where range `part` begins. */
static inline int64_t nlg_conv_cut(int64_t total, int64_t parts, int64_t part) {
    return total / parts * part + total % parts * part / parts;
}

/* Tasks that each worker of a team begins with, so that others can take some of them: where one core is slower than another, and
 * where the parts of the fullest worker are not those of the rest. */
enum { NLG_CONV_TASKS = 8 };

/* Time of so many equal tasks, in tasks: those of the fullest worker, and what the others wait for the last one. */
static inline double nlg_conv_rounds(int64_t tasks, int threads) {
    return (double)((tasks + threads - 1) / threads) + (threads > 1 ? 0.25 : 0);
}

/* Floats at the end of a worker's scratch for what it knows of its last task: a line. */
enum { NLG_CONV_STATE = 16 };

/* A grid of outputs for the team: pixel parts x panel parts, one task each. */
typedef struct nlg_conv_grid {
    int pixel_parts, panel_parts;
    bool by_panels; /* a panel part's tasks follow each other, else a pixel part's */
} nlg_conv_grid;

typedef struct nlg_conv_cell {
    int64_t pixel_part;
    int panel_begin, panel_end;
} nlg_conv_cell;

static inline int64_t nlg_conv_grid_tasks(const nlg_conv_grid *grid) {
    return (int64_t)grid->pixel_parts * grid->panel_parts;
}

static inline nlg_conv_cell nlg_conv_grid_cell(const nlg_conv_grid *grid, int64_t task, int panels) {
    const int64_t b = grid->by_panels ? task / grid->pixel_parts : task % grid->panel_parts;
    return (nlg_conv_cell){grid->by_panels ? task % grid->pixel_parts : task / grid->panel_parts,
                           (int)nlg_conv_cut(panels, grid->panel_parts, b), (int)nlg_conv_cut(panels, grid->panel_parts, b + 1)};
}

/* Cuts the parts of each of `threads` workers further: a pixel part of `blocks` blocks by the block, and one block's panels into
 * pairs at the finest. Blocks are worked on one by one anyway, and a block's source is prepared once for panels that follow each
 * other, so this costs next to nothing. `work`: cycles in all. */
static inline void nlg_conv_grid_refine(nlg_conv_grid *grid, int threads, int panels, int64_t blocks, double work) {
    const double least = 8192; /* cycles of a task */
    if (threads == 1) return;
    grid->by_panels = grid->pixel_parts == 1 && grid->panel_parts > 1;
    int64_t most = (int64_t)(work / least / (double)nlg_conv_grid_tasks(grid));
    if (most > NLG_CONV_TASKS) most = NLG_CONV_TASKS;
    if (most < 2) return;
    const int64_t cut = blocks < most ? blocks : most;
    grid->pixel_parts *= (int)cut;
    if (grid->by_panels && cut > 1) return;
    for (int p = (int)(most / cut); p > 1; p--)
        if (panels % (2 * p * grid->panel_parts) == 0) {
            grid->panel_parts *= p;
            return;
        }
}

/* Each output pixel is a matrix product of the same pixel of x. */
static inline bool nlg_conv_is_pixelwise(const nlg_conv_shape *s) {
    return s->r == 1 && s->s == 1 && s->stride_h == 1 && s->stride_w == 1 && s->groups == 1 && s->p == s->h && s->q == s->w;
}

#define NLG_CONV_DRIVER(name)                                                                                                      \
    size_t nlg_conv_##name##_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass);                                         \
    size_t nlg_conv_##name##_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec);                  \
    void nlg_conv_##name##_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,        \
                                float *packed);                                                                                    \
    void nlg_conv_##name##_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x,           \
                                  int64_t ld_x, const float *packed, const nlg_conv_output *out, float *scratch);                  \
    void nlg_conv_##name##_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x,                \
                                   const float *dy, int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch);

/* An algorithm or backend: `gather` is the forward pass (x -> y) or the data gradient (dy -> dx). */
NLG_CONV_DRIVER(direct)
NLG_CONV_DRIVER(depthwise)
NLG_CONV_DRIVER(winograd)
NLG_CONV_DRIVER(openblas)

/* Whether Winograd's form exists and is faster: a rule on the shape alone. */
bool nlg_conv_winograd_pays(const nlg_conv_shape *shape, nlg_conv_pass pass);

/* nlg_conv_scaled_forward. */
size_t nlg_conv_direct_scaled_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec);
void nlg_conv_direct_scaled(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *scale,
                            int64_t ld_scale, const float *packed, const nlg_conv_output *out, float *scratch);

/* The weight gradient of the direct form has its own file. */
size_t nlg_conv_direct_weights_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec);

/* Sums of a weight gradient in `count` parts `part_stride` apart, each of panels [r][s][depth][16] `panel_stride` apart; bias sums
 * [part][panel][16]. Adds the parts in order, and writes or adds to dw_oihw and db. Overwrites the first part. */
typedef struct nlg_conv_parts {
    const nlg_exec *exec;
    const nlg_conv_task *task;
    int count;
    float *sums;
    size_t part_stride, panel_stride;
    float *bias_sums;
    bool accumulate;
    float *dw, *db;
} nlg_conv_parts;
void nlg_conv_finish_weights(const nlg_conv_parts *parts);

#endif
