/* Phases, panels and padded strips of a convolution pass. */
#include "layers/kernels/conv_internal.h"

#include <string.h>

static int divide_up(int a, int b) {
    return (a + b - 1) / b;
}

static int common_divisor(int a, int b) {
    while (b) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static nlg_conv_axis forward_axis(int in, int out, int kernel, int stride, int pad, int dilation) {
    return (nlg_conv_axis){.outputs = out,
                           .out_step = 1,
                           .source = in,
                           .stride = stride,
                           .first = -pad,
                           .step = dilation,
                           .taps = kernel,
                           .tap_step = 1};
}

/* Input position h = phase + i * stride gets the kernel positions r for which h + pad - r * dilation is a multiple of the stride;
 * they repeat every `period`. Tap 0 is the largest of them, so that the source position grows with the tap. */
static nlg_conv_axis backward_axis(int in, int out, int kernel, int stride, int pad, int dilation, int phase) {
    nlg_conv_axis axis = {
        .outputs = phase < in ? divide_up(in - phase, stride) : 0, .out = phase, .out_step = stride, .source = out, .stride = 1};
    int divisor = common_divisor(dilation, stride), period = stride / divisor;
    axis.step = dilation / divisor;
    axis.tap_step = -period;
    for (int r = kernel - 1; r >= 0; r--) {
        int64_t distance = (int64_t)phase + pad - (int64_t)r * dilation;
        if (distance % stride) continue;
        if (!axis.taps++) {
            axis.tap = r;
            axis.first = (int)(distance / stride);
        }
    }
    return axis;
}

static nlg_conv_panels make_panels(int groups, int outputs, int sources) {
    nlg_conv_panels p = {
        .outputs = outputs, .sources = sources, .group_outputs = outputs / groups, .group_sources = sources / groups};
    if (p.group_outputs >= NLG_PANEL) {
        p.groups_per_panel = 1;
        p.panels_per_group = divide_up(p.group_outputs, NLG_PANEL);
    } else {
        p.groups_per_panel = NLG_PANEL / p.group_outputs < groups ? NLG_PANEL / p.group_outputs : groups;
        p.panels_per_group = 1;
    }
    p.count = divide_up(groups, p.groups_per_panel) * p.panels_per_group;
    p.depth = p.groups_per_panel * p.group_sources;
    bool square = p.group_outputs == p.group_sources && outputs % NLG_PANEL == 0;
    if (square && (p.group_outputs == 4 || p.group_outputs == 8)) p.spread = p.group_outputs;
    return p;
}

nlg_conv_panel nlg_conv_panel_at(const nlg_conv_panels *p, int index) {
    int group = index / p->panels_per_group * p->groups_per_panel, within = index % p->panels_per_group * NLG_PANEL;
    nlg_conv_panel panel = {.channel = group * p->group_outputs + within, .source = group * p->group_sources};
    int width = p->groups_per_panel * p->group_outputs - within, left = p->outputs - panel.channel;
    if (width > NLG_PANEL) width = NLG_PANEL;
    panel.channels = width < left ? width : left;
    /* The last panel may hold fewer groups; it then reads some channels of its neighbour, with zero weights. */
    if (panel.source > p->sources - p->depth) panel.source = p->sources - p->depth;
    return panel;
}

/* With a single output any stride is right; a long one gives each input position a phase of at most one tap, where a short one
 * would multiply mostly by padding. */
static int backward_stride(int out, int stride) {
    return out > 1 ? stride : 1 << 29;
}

void nlg_conv_task_init(nlg_conv_task *task, const nlg_conv_shape *s, nlg_conv_pass pass) {
    *task = (nlg_conv_task){.pass = pass, .n = s->n, .kernel_h = s->r, .kernel_w = s->s, .phases_h = 1, .phases_w = 1};
    if (pass == NLG_CONV_BACKWARD_DATA) {
        task->out_h = s->h, task->out_w = s->w, task->source_h = s->p, task->source_w = s->q;
        int stride_h = backward_stride(s->p, s->stride_h), stride_w = backward_stride(s->q, s->stride_w);
        task->phases_h = stride_h < s->h ? stride_h : s->h;
        task->phases_w = stride_w < s->w ? stride_w : s->w;
        task->panels = make_panels(s->groups, s->c, s->k);
    } else {
        task->out_h = s->p, task->out_w = s->q, task->source_h = s->h, task->source_w = s->w;
        task->panels = make_panels(s->groups, s->k, s->c);
    }
}

static bool leaves_source(const nlg_conv_axis *a) {
    return a->first < 0 || (int64_t)(a->outputs - 1) * a->stride + a->first + (int64_t)(a->taps - 1) * a->step >= a->source;
}

void nlg_conv_phase_init(nlg_conv_phase *phase, const nlg_conv_task *task, const nlg_conv_shape *s, int index) {
    int ph = index / task->phases_w, pw = index % task->phases_w;
    if (task->pass == NLG_CONV_BACKWARD_DATA) {
        phase->rows = backward_axis(s->h, s->p, s->r, backward_stride(s->p, s->stride_h), s->pad_top, s->dilation, ph);
        phase->cols = backward_axis(s->w, s->q, s->s, backward_stride(s->q, s->stride_w), s->pad_left, s->dilation, pw);
    } else {
        phase->rows = forward_axis(s->h, s->p, s->r, s->stride_h, s->pad_top, s->dilation);
        phase->cols = forward_axis(s->w, s->q, s->s, s->stride_w, s->pad_left, s->dilation);
    }
    phase->pixels = (int64_t)task->n * phase->rows.outputs * phase->cols.outputs;
    phase->depth = (int64_t)phase->rows.taps * phase->cols.taps * task->panels.depth;
    phase->padded = phase->depth && phase->pixels && (leaves_source(&phase->rows) || leaves_source(&phase->cols));
    phase->width = (int64_t)(phase->cols.outputs - 1) * phase->cols.stride + (int64_t)(phase->cols.taps - 1) * phase->cols.step + 1;
}

int nlg_conv_runs(const nlg_conv_task *task, const nlg_conv_phase *phase, int64_t ld, nlg_conv_run *runs) {
    int64_t pixel = phase->padded ? task->panels.sources : ld, row = pixel * (phase->padded ? phase->width : task->source_w);
    int count = 0;
    for (int r = 0; r < phase->rows.taps; r++)
        for (int s = 0; s < phase->cols.taps; s++) {
            nlg_conv_run run = {r * phase->rows.step * row + s * phase->cols.step * pixel, task->panels.depth};
            if (count && runs[count - 1].offset + runs[count - 1].length == run.offset)
                runs[count - 1].length += run.length;
            else
                runs[count++] = run;
        }
    return count;
}

size_t nlg_conv_strip_size(const nlg_conv_task *task, const nlg_conv_phase *phase, int64_t pixels) {
    if (!phase->padded) return 0;
    const nlg_conv_axis *rows = &phase->rows;
    int64_t q = phase->cols.outputs, image = rows->outputs * q, reach = (int64_t)(rows->taps - 1) * rows->step + 1;
    int64_t images = (pixels + image - 2) / image + 1, touched = (pixels + q - 2) / q + 1;
    if (images > task->n) images = task->n;
    int64_t most = touched * rows->stride + images * reach, whole = images * ((int64_t)(rows->outputs - 1) * rows->stride + reach);
    return (size_t)(most < whole ? most : whole) * (size_t)phase->width * (size_t)task->panels.sources;
}

static void zero(float *to, int64_t floats) {
    if (floats > 0) memset(to, 0, (size_t)floats * sizeof *to);
}

/* One padded source row: column j of the copy is source column first + j. */
static void copy_row(const nlg_conv_task *task, const nlg_conv_phase *phase, const float *row, int64_t ld, float *to) {
    int64_t c = task->panels.sources, width = phase->width, begin = -phase->cols.first, end = begin + phase->cols.source;
    if (begin < 0) begin = 0;
    if (begin > width) begin = width;
    if (end > width) end = width;
    if (end < begin) end = begin;
    zero(to, begin * c);
    const float *from = row + (begin + phase->cols.first) * ld;
    if (ld == c)
        memcpy(to + begin * c, from, (size_t)((end - begin) * c) * sizeof *to);
    else
        for (int64_t j = begin; j < end; j++, from += ld) memcpy(to + j * c, from, (size_t)c * sizeof *to);
    zero(to + end * c, (width - end) * c);
}

static void list_pixels(int64_t count, int64_t first, int64_t step, int64_t *list) {
    for (int64_t i = 0; i < count; i++, first += step) list[i] = first;
}

const float *nlg_conv_gather(const nlg_conv_task *task, const nlg_conv_phase *phase, const float *x, int64_t ld, int64_t begin,
                             int64_t pixels, float *strip, int64_t *offset, int64_t *index) {
    const nlg_conv_axis *rows = &phase->rows, *cols = &phase->cols;
    int64_t q = cols->outputs, image_pixels = rows->outputs * q, done = 0, used = 0;
    int64_t pixel = phase->padded ? task->panels.sources : ld, row = pixel * (phase->padded ? phase->width : task->source_w);
    if (!phase->depth) pixel = row = 0;
    while (done < pixels) {
        int64_t image = (begin + done) / image_pixels, within = (begin + done) % image_pixels, p = within / q, j = within % q;
        int64_t count = image_pixels - within < pixels - done ? image_pixels - within : pixels - done;
        int64_t top = p * rows->stride + rows->first, base = used;
        if (phase->padded) {
            int64_t last = (within + count - 1) / q,
                    height = (last - p) * rows->stride + (int64_t)(rows->taps - 1) * rows->step + 1;
            for (int64_t i = 0; i < height; i++, used += row) {
                if (top + i >= 0 && top + i < task->source_h)
                    copy_row(task, phase, x + ((image * task->source_h + top + i) * task->source_w) * ld, ld, strip + used);
                else
                    zero(strip + used, row);
            }
        } else {
            base = phase->depth ? (image * task->source_h + top) * row + cols->first * pixel : 0;
        }
        int64_t out_row = (image * task->out_h + rows->out + p * rows->out_step) * task->out_w + cols->out;
        for (int64_t left = count, row_left; left > 0; left -= row_left) {
            row_left = q - j < left ? q - j : left;
            list_pixels(row_left, base + j * cols->stride * pixel, cols->stride * pixel, offset + done);
            list_pixels(row_left, out_row + j * cols->out_step, cols->out_step, index + done);
            done += row_left;
            j = 0;
            base += rows->stride * row;
            out_row += (int64_t)rows->out_step * task->out_w;
        }
    }
    return phase->padded ? strip : x;
}
