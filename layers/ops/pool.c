/* Pooling: max_pool, avg_pool (also global) and adaptive_avg_pool, with PyTorch's rules.
 *
 * ceil_mode rounds the number of windows up, but the last one must start inside the input or its padding before. The average
 * divides by the window inside the padded input (count_include_pad) or by its pixels inside the input.
 * Cost: other_ops = size of the window per output, padding included; C H W for a global pool; for an adaptive pool, the pixels
 * of each window. */
#include "layers/kernels/pool.h"

#include "layers/ops/op_util.h"
#include "layers/ops/onnx.h"

static nlg_pool_axis axis_of(int in, int kernel, int stride, int before, int after, bool same, bool ceil_mode) {
    nlg_pool_axis axis = {.in = in, .kernel = kernel, .stride = stride, .before = before, .after = after};
    if (same) same_padding(in, kernel, stride, 1, &axis.before, &axis.after);
    int room = in + axis.before + axis.after - kernel + (ceil_mode ? stride - 1 : 0);
    axis.out = room < 0 ? 0 : room / stride + 1;
    if (ceil_mode && (int64_t)(axis.out - 1) * stride >= in + axis.before) axis.out--;
    return axis;
}

static nlg_pool pool_of(const nlg_pool_attrs *a, nlg_shape x, int n) {
    nlg_pool pool = {.n = n, .c = x.c, .count_padding = a->count_include_pad};
    if (a->global) {
        pool.h = axis_of(x.h, x.h, 1, 0, 0, false, false);
        pool.w = axis_of(x.w, x.w, 1, 0, 0, false, false);
    } else {
        pool.h = axis_of(x.h, a->kernel_h, a->stride_h, a->pad_top, a->pad_bottom, a->same, a->ceil_mode);
        pool.w = axis_of(x.w, a->kernel_w, a->stride_w, a->pad_left, a->pad_right, a->same, a->ceil_mode);
    }
    return pool;
}

static nlg_pool pool_of_call(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0];
    return pool_of(call->attrs, (nlg_shape){x->h, x->w, x->c}, x->n);
}

static nlg_status infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_pool_attrs *a = attrs;
    (void)n_x;
    if (!a->global) {
        if (a->kernel_h < 1 || a->kernel_w < 1 || a->stride_h < 1 || a->stride_w < 1)
            return nlg_fail(err, NLG_ERR_INPUT, "pool: kernel %dx%d and stride %dx%d must be at least 1", a->kernel_h, a->kernel_w,
                            a->stride_h, a->stride_w);
        int most_h = a->pad_top > a->pad_bottom ? a->pad_top : a->pad_bottom;
        int most_w = a->pad_left > a->pad_right ? a->pad_left : a->pad_right;
        if (a->pad_top < 0 || a->pad_bottom < 0 || a->pad_left < 0 || a->pad_right < 0 || most_h > a->kernel_h / 2 ||
            most_w > a->kernel_w / 2)
            return nlg_fail(err, NLG_ERR_INPUT, "pool: padding %d %d %d %d must be between 0 and half the kernel %dx%d", a->pad_top,
                            a->pad_bottom, a->pad_left, a->pad_right, a->kernel_h, a->kernel_w);
    }
    nlg_pool pool = pool_of(a, *x, 1);
    if (pool.h.out < 1 || pool.w.out < 1)
        return nlg_fail(err, NLG_ERR_INPUT, "pool: kernel %dx%d does not fit the padded input %dx%d", a->kernel_h, a->kernel_w,
                        x->h + pool.h.before + pool.h.after, x->w + pool.w.before + pool.w.after);
    *y = (nlg_shape){pool.h.out, pool.w.out, x->c};
    return NLG_OK;
}

static void cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    const nlg_pool_attrs *a = attrs;
    (void)n_x;
    cost->other_ops = a->global ? shape_size(*x) : shape_size(y) * a->kernel_h * a->kernel_w;
}

static size_t max_saved_size(const nlg_op_call *call) {
    return (size_t)nlg_tensor_pixels(&call->y) * (size_t)call->y.c; /* int32 where in the window */
}

static void max_forward(const nlg_op_call *call) {
    nlg_pool pool = pool_of_call(call);
    nlg_max_pool_forward(call->exec, &pool, call->x[0].data, call->x[0].ld, call->y.data, call->y.ld,
                         call->training ? (int32_t *)(void *)call->saved : NULL);
}

static void max_backward(const nlg_op_call *call) {
    nlg_pool pool = pool_of_call(call);
    if (!call->dx[0].data) return;
    nlg_max_pool_backward(call->exec, &pool, call->dy.data, call->dy.ld, (const int32_t *)(const void *)call->saved,
                          call->accumulate_dx[0], call->dx[0].data, call->dx[0].ld);
}

static void average_forward(const nlg_op_call *call) {
    nlg_pool pool = pool_of_call(call);
    nlg_average_pool_forward(call->exec, &pool, call->x[0].data, call->x[0].ld, call->y.data, call->y.ld);
}

static void average_backward(const nlg_op_call *call) {
    nlg_pool pool = pool_of_call(call);
    if (!call->dx[0].data) return;
    nlg_average_pool_backward(call->exec, &pool, call->dy.data, call->dy.ld, call->accumulate_dx[0], call->dx[0].data,
                              call->dx[0].ld);
}

static nlg_window window(const void *attrs, nlg_shape x) {
    const nlg_pool_attrs *a = attrs;
    if (a->global) return (nlg_window){{x.h, x.w}, {1, 1}, {0}, false, 1, 0};
    return (nlg_window){{a->kernel_h, a->kernel_w},
                        {a->stride_h, a->stride_w},
                        {a->pad_top, a->pad_bottom, a->pad_left, a->pad_right},
                        a->same,
                        1,
                        0};
}

static void describe(const void *attrs, char *text, size_t size) {
    const nlg_pool_attrs *a = attrs;
    if (a->global)
        snprintf(text, size, "global");
    else if (a->same)
        snprintf(text, size, "%dx%d s%d same", a->kernel_h, a->kernel_w, a->stride_h);
    else
        snprintf(text, size, "%dx%d s%d p%d%s", a->kernel_h, a->kernel_w, a->stride_h, a->pad_top, a->ceil_mode ? " ceil" : "");
}

static nlg_status max_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    if (((const nlg_pool_attrs *)attrs)->global)
        return nlg_fail(err, NLG_ERR_INPUT, "max pool: `global` is for average pools; give the input's size as kernel");
    return infer(attrs, x, n_x, y, err);
}

/* The padding behind is what the last window needs, so that rounding up needs no word of its own. */
static int pad_behind(const nlg_pool_axis *a) {
    const int needed = (a->out - 1) * a->stride + a->kernel - a->in - a->before;
    return needed > 0 ? needed : 0;
}

static bool onnx_pool(const nlg_onnx_use *u, const char *type) {
    const nlg_pool_attrs *a = u->attrs;
    const nlg_pool pool = pool_of(a, u->x[0], 1);
    const int bottom = pad_behind(&pool.h), right = pad_behind(&pool.w);
    const bool average = type[0] == 'A';
    if (average && a->count_include_pad && (bottom > pool.h.after || right > pool.w.after)) return false; /* would be counted */
    const nlg_onnx_attr attrs[] = {{.name = "kernel_shape", .n = 2, .ints = {pool.h.kernel, pool.w.kernel}},
                                   {.name = "strides", .n = 2, .ints = {pool.h.stride, pool.w.stride}},
                                   {.name = "pads", .n = 4, .ints = {pool.h.before, pool.w.before, bottom, right}},
                                   {.name = "count_include_pad", .n = 1, .ints = {a->count_include_pad}, .one = true}};
    nlg_onnx_node(u->onnx, type, u->in, 1, u->out, attrs, average ? 4 : 3);
    return true;
}

static bool onnx_max(const nlg_onnx_use *u) {
    return onnx_pool(u, "MaxPool");
}

const nlg_op nlg_op_max_pool = {
    .name = "max_pool",
    .summary = "largest value of a window",
    .attrs_size = sizeof(nlg_pool_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = max_infer,
    .cost = cost,
    .saved_size = max_saved_size,
    .forward = max_forward,
    .backward = max_backward,
    .describe = describe,
    .window = window,
    .role = NLG_ROLE_POOL,
    .onnx = onnx_max,
};

static const char *avg_word(const void *attrs, nlg_shape x) {
    (void)x;
    return ((const nlg_pool_attrs *)attrs)->global ? "global avg pool" : "avg pool";
}

static bool onnx_avg(const nlg_onnx_use *u) {
    if (!((const nlg_pool_attrs *)u->attrs)->global) return onnx_pool(u, "AveragePool");
    nlg_onnx_node(u->onnx, "GlobalAveragePool", u->in, 1, u->out, NULL, 0);
    return true;
}

const nlg_op nlg_op_avg_pool = {
    .name = "avg_pool",
    .summary = "mean of a window, or of the whole image",
    .attrs_size = sizeof(nlg_pool_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = infer,
    .cost = cost,
    .forward = average_forward,
    .backward = average_backward,
    .describe = describe,
    .window = window,
    .role = NLG_ROLE_POOL,
    .word = avg_word,
    .onnx = onnx_avg,
};

/* ---- adaptive ---- */

static nlg_pool adaptive_pool(const nlg_adaptive_pool_attrs *a, nlg_shape x, int n) {
    return (nlg_pool){
        .n = n, .c = x.c, .h = {.in = x.h, .out = a->out_h, .adaptive = true}, .w = {.in = x.w, .out = a->out_w, .adaptive = true}};
}

static nlg_pool adaptive_of_call(const nlg_op_call *call) {
    const nlg_tensor *x = &call->x[0];
    return adaptive_pool(call->attrs, (nlg_shape){x->h, x->w, x->c}, x->n);
}

static nlg_status adaptive_infer(const void *attrs, const nlg_shape *x, int n_x, nlg_shape *y, nlg_error *err) {
    const nlg_adaptive_pool_attrs *a = attrs;
    (void)n_x;
    if (a->out_h < 1 || a->out_w < 1)
        return nlg_fail(err, NLG_ERR_INPUT, "adaptive pool: output %dx%d must be at least 1x1", a->out_h, a->out_w);
    *y = (nlg_shape){a->out_h, a->out_w, x->c};
    return NLG_OK;
}

static void adaptive_cost(const void *attrs, const nlg_shape *x, int n_x, nlg_shape y, nlg_op_cost *cost) {
    nlg_pool pool = adaptive_pool(attrs, *x, 1);
    int64_t rows = 0, columns = 0;
    (void)n_x;
    for (int p = 0; p < y.h; p++) rows += nlg_pool_window_at(&pool.h, p, false).length;
    for (int q = 0; q < y.w; q++) columns += nlg_pool_window_at(&pool.w, q, false).length;
    cost->other_ops = rows * columns * y.c;
}

static void adaptive_forward(const nlg_op_call *call) {
    nlg_pool pool = adaptive_of_call(call);
    nlg_average_pool_forward(call->exec, &pool, call->x[0].data, call->x[0].ld, call->y.data, call->y.ld);
}

static void adaptive_backward(const nlg_op_call *call) {
    nlg_pool pool = adaptive_of_call(call);
    if (!call->dx[0].data) return;
    nlg_average_pool_backward(call->exec, &pool, call->dy.data, call->dy.ld, call->accumulate_dx[0], call->dx[0].data,
                              call->dx[0].ld);
}

static void adaptive_describe(const void *attrs, char *text, size_t size) {
    const nlg_adaptive_pool_attrs *a = attrs;
    snprintf(text, size, "to %dx%d", a->out_h, a->out_w);
}

static bool onnx_adaptive(const nlg_onnx_use *u) {
    const int h = u->x[0].h / u->y.h, w = u->x[0].w / u->y.w;
    if (h * u->y.h != u->x[0].h || w * u->y.w != u->x[0].w) return false;
    const nlg_onnx_attr attrs[] = {{.name = "kernel_shape", .n = 2, .ints = {h, w}}, {.name = "strides", .n = 2, .ints = {h, w}}};
    nlg_onnx_node(u->onnx, "AveragePool", u->in, 1, u->out, attrs, 2);
    return true;
}

const nlg_op nlg_op_adaptive_avg_pool = {
    .name = "adaptive_avg_pool",
    .summary = "means that give a stated size",
    .attrs_size = sizeof(nlg_adaptive_pool_attrs),
    .min_inputs = 1,
    .max_inputs = 1,
    .infer = adaptive_infer,
    .cost = adaptive_cost,
    .forward = adaptive_forward,
    .backward = adaptive_backward,
    .describe = adaptive_describe,
    .role = NLG_ROLE_POOL,
    .onnx = onnx_adaptive,
};
