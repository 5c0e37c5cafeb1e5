/* Pixels moved about: channel_pad (option A shortcut of He et al. 2015), spatial_pad, upsample_nearest. Cost: none. */
#include <limits.h>

#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static void no_cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    (void)attrs, (void)x, (void)n_x, (void)y;
    *cost = (nlg_op_cost){0};
}

/* A map of `rows` x `columns` pixels from tensor to tensor, pixel by pixel from their first ones on. */
static nlg_pixel_map map_of(const nlg_tensor *from, const nlg_tensor *to, int rows, int columns, int channels) {
    return (nlg_pixel_map){.n = from->n,
                           .c = channels,
                           .rows = rows,
                           .columns = columns,
                           .from_image = (int64_t)from->h * from->w * from->ld,
                           .from_row = from->w * from->ld,
                           .from_pixel = from->ld,
                           .to_image = (int64_t)to->h * to->w * to->ld,
                           .to_row = to->w * to->ld,
                           .to_pixel = to->ld};
}

static void zero(const nlg_exec *exec, const nlg_tensor *t) {
    nlg_zero_rows(exec, nlg_tensor_pixels(t), t->c, t->data, t->ld);
}

/* ---- channel_pad: every stride-th pixel, zero channels around ---- */

static nlg_status channel_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_channel_pad_attrs *a = attrs;
    (void)n_x;
    if (a->stride < 1 || a->before < 0 || a->after < 0 || (int64_t)x->c + a->before + a->after > INT_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "channel pad: stride %d must be at least 1, channels before %d and after %d at least 0",
                        a->stride, a->before, a->after);
    *y = (nlg_shape){(x->h - 1) / a->stride + 1, (x->w - 1) / a->stride + 1, x->c + a->before + a->after};
    return NLG_OK;
}

static void channel_forward(const nlg_op_call *call) {
    const nlg_channel_pad_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    int64_t rows = nlg_tensor_pixels(y);
    nlg_pixel_map map = map_of(x, y, y->h, y->w, x->c);
    map.from_row *= a->stride;
    map.from_pixel *= a->stride;
    nlg_copy_pixels(call->exec, &map, x->data, false, y->data + a->before);
    if (a->before) nlg_zero_rows(call->exec, rows, a->before, y->data, y->ld);
    if (a->after) nlg_zero_rows(call->exec, rows, a->after, y->data + a->before + x->c, y->ld);
}

static void channel_backward(const nlg_op_call *call) {
    const nlg_channel_pad_attrs *a = call->attrs;
    const nlg_tensor *dx = &call->dx[0], *dy = &call->dy;
    if (!dx->data) return;
    nlg_pixel_map map = map_of(dy, dx, dy->h, dy->w, dx->c);
    map.to_row *= a->stride;
    map.to_pixel *= a->stride;
    bool accumulate = call->accumulate_dx[0];
    if (a->stride > 1 && !accumulate) zero(call->exec, dx);
    nlg_copy_pixels(call->exec, &map, dy->data + a->before, accumulate, dx->data);
}

static void channel_describe(const void *attrs, char *text, size_t size) {
    const nlg_channel_pad_attrs *a = attrs;
    snprintf(text, size, "s%d +%d+%d", a->stride, a->before, a->after);
}

static const char *channel_word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "pad channels";
}

static bool channel_onnx(const nlg_onnx_use *u) {
    const nlg_channel_pad_attrs *a = u->attrs;
    char thin[NLG_ONNX_NAME], name[5][NLG_ONNX_NAME];
    const int64_t from[] = {0, 0}, to[] = {u->x[0].h, u->x[0].w}, axes[] = {2, 3}, steps[] = {a->stride, a->stride};
    const int64_t *const lists[] = {from, to, axes, steps}, pads[] = {0, a->before, 0, 0, 0, a->after, 0, 0};
    for (int i = 0; i < 4; i++) nlg_onnx_whole_numbers(u->onnx, lists[i], 2, name[i]);
    nlg_onnx_whole_numbers(u->onnx, pads, 8, name[4]);
    snprintf(thin, sizeof thin, "%.140s_thinned", u->out);
    nlg_onnx_node(u->onnx, "Slice", (const char *const[]){u->in[0], name[0], name[1], name[2], name[3]}, 5, thin, NULL, 0);
    nlg_onnx_node(u->onnx, "Pad", (const char *const[]){thin, name[4]}, 2, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_channel_pad = {
    .name = "channel_pad",
    .summary = "channels of zeros behind (shortcut A)",
    .attrs_size = sizeof(nlg_channel_pad_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = channel_infer,
    .cost = no_cost,
    .forward = channel_forward,
    .backward = channel_backward,
    .describe = channel_describe,
    .word = channel_word,
    .onnx = channel_onnx,
};

/* ---- spatial_pad: zero pixels around, negative values crop ---- */

static nlg_status spatial_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_spatial_pad_attrs *a = attrs;
    (void)n_x;
    int64_t h = (int64_t)x->h + a->top + a->bottom, w = (int64_t)x->w + a->left + a->right;
    bool gone = a->top <= -x->h || a->bottom <= -x->h || a->left <= -x->w || a->right <= -x->w;
    if (h < 1 || w < 1 || h > INT_MAX || w > INT_MAX || gone)
        return nlg_fail(err, NLG_ERR_INPUT, "spatial pad: padding %d %d %d %d leaves nothing of an input of %dx%d", a->top,
                        a->bottom, a->left, a->right, x->h, x->w);
    *y = (nlg_shape){(int)h, (int)w, x->c};
    return NLG_OK;
}

/* The pixels that input and output share: copied from `from` to `to`, whose frame is larger by the padding. */
static void copy_common(const nlg_op_call *call, const nlg_tensor *from, int top, int left, const nlg_tensor *to, bool accumulate) {
    int from_y = top < 0 ? -top : 0, to_y = top < 0 ? 0 : top, from_x = left < 0 ? -left : 0, to_x = left < 0 ? 0 : left;
    int rows = from->h - from_y < to->h - to_y ? from->h - from_y : to->h - to_y;
    int columns = from->w - from_x < to->w - to_x ? from->w - from_x : to->w - to_x;
    nlg_pixel_map map = map_of(from, to, rows, columns, from->c);
    if (!accumulate && (rows < to->h || columns < to->w)) zero(call->exec, to);
    nlg_copy_pixels(call->exec, &map, from->data + from_y * map.from_row + from_x * map.from_pixel, accumulate,
                    to->data + to_y * map.to_row + to_x * map.to_pixel);
}

static void spatial_forward(const nlg_op_call *call) {
    const nlg_spatial_pad_attrs *a = call->attrs;
    copy_common(call, &call->x[0], a->top, a->left, &call->y, false);
}

static void spatial_backward(const nlg_op_call *call) {
    const nlg_spatial_pad_attrs *a = call->attrs;
    if (call->dx[0].data) copy_common(call, &call->dy, -a->top, -a->left, &call->dx[0], call->accumulate_dx[0]);
}

static void spatial_describe(const void *attrs, char *text, size_t size) {
    const nlg_spatial_pad_attrs *a = attrs;
    snprintf(text, size, "%d,%d,%d,%d", a->top, a->bottom, a->left, a->right);
}

static bool spatial_onnx(const nlg_onnx_use *u) {
    const nlg_spatial_pad_attrs *a = u->attrs;
    const int64_t pads[] = {0, 0, a->top, a->left, 0, 0, a->bottom, a->right};
    char name[NLG_ONNX_NAME];
    nlg_onnx_whole_numbers(u->onnx, pads, 8, name);
    nlg_onnx_node(u->onnx, "Pad", (const char *const[]){u->in[0], name}, 2, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_spatial_pad = {
    .name = "spatial_pad",
    .summary = "a border of zeros",
    .attrs_size = sizeof(nlg_spatial_pad_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = spatial_infer,
    .cost = no_cost,
    .forward = spatial_forward,
    .backward = spatial_backward,
    .describe = spatial_describe,
    .onnx = spatial_onnx,
};

/* ---- upsample_nearest ---- */

static nlg_status upsample_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_upsample_attrs *a = attrs;
    (void)n_x;
    if (a->factor < 1 || (int64_t)x->h * a->factor > INT_MAX || (int64_t)x->w * a->factor > INT_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "upsample: factor %d must be at least 1", a->factor);
    *y = (nlg_shape){x->h * a->factor, x->w * a->factor, x->c};
    return NLG_OK;
}

static void upsample_forward(const nlg_op_call *call) {
    const nlg_upsample_attrs *a = call->attrs;
    const nlg_tensor *x = &call->x[0], *y = &call->y;
    nlg_pixel_map map = map_of(x, y, x->h, x->w, x->c);
    map.to_row *= a->factor;
    map.to_pixel *= a->factor;
    for (int i = 0; i < a->factor; i++)
        for (int j = 0; j < a->factor; j++)
            nlg_copy_pixels(call->exec, &map, x->data, false, y->data + ((int64_t)i * y->w + j) * y->ld);
}

static void upsample_backward(const nlg_op_call *call) {
    const nlg_upsample_attrs *a = call->attrs;
    const nlg_tensor *dx = &call->dx[0], *dy = &call->dy;
    if (!dx->data) return;
    nlg_pixel_map map = map_of(dy, dx, dx->h, dx->w, dx->c);
    map.from_row *= a->factor;
    map.from_pixel *= a->factor;
    for (int i = 0; i < a->factor; i++)
        for (int j = 0; j < a->factor; j++)
            nlg_copy_pixels(call->exec, &map, dy->data + ((int64_t)i * dy->w + j) * dy->ld, call->accumulate_dx[0] || i + j > 0,
                            dx->data);
}

static void upsample_describe(const void *attrs, char *text, size_t size) {
    snprintf(text, size, "x%d", ((const nlg_upsample_attrs *)attrs)->factor);
}

static const char *upsample_word(const void *attrs, nlg_shape x) {
    (void)attrs, (void)x;
    return "upsample";
}

static bool upsample_onnx(const nlg_onnx_use *u) {
    const float factor = (float)((const nlg_upsample_attrs *)u->attrs)->factor, scales[] = {1, 1, factor, factor};
    const nlg_onnx_attr attrs[] = {{.name = "mode", .word = "nearest"},
                                   {.name = "coordinate_transformation_mode", .word = "asymmetric"},
                                   {.name = "nearest_mode", .word = "floor"}};
    char name[NLG_ONNX_NAME];
    nlg_onnx_constant(u->onnx, scales, 4, name);
    nlg_onnx_node(u->onnx, "Resize", (const char *const[]){u->in[0], "", name}, 3, u->out, attrs, 3);
    return true;
}

const nlg_op nlg_op_upsample_nearest = {
    .name = "upsample_nearest",
    .summary = "larger by whole factors, nearest pixel",
    .attrs_size = sizeof(nlg_upsample_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = upsample_infer,
    .cost = no_cost,
    .forward = upsample_forward,
    .backward = upsample_backward,
    .describe = upsample_describe,
    .word = upsample_word,
    .onnx = upsample_onnx,
};
