/* Convolution: choice of algorithm and backend. */
#include "layers/kernels/conv_internal.h"

enum { SCALED_VALUES = 1 << 17 }; /* of an image of x, from which on it is scaled block by block */

typedef struct driver {
    const char *name;
    size_t (*packed_size)(const nlg_conv_shape *, nlg_conv_pass);
    size_t (*scratch_size)(const nlg_conv_shape *, nlg_conv_pass, const nlg_exec *);
    void (*pack)(const nlg_exec *, const nlg_conv_shape *, nlg_conv_pass, const float *, float *);
    void (*gather)(const nlg_exec *, const nlg_conv_shape *, nlg_conv_pass, const float *, int64_t, const float *,
                   const nlg_conv_output *, float *);
    void (*weights)(const nlg_exec *, const nlg_conv_shape *, const float *, int64_t, const float *, int64_t, bool, float *,
                    float *, float *);
} driver;

#define DRIVER(name)                                                                                                               \
    {                                                                                                                              \
#name, nlg_conv_##name##_packed_size, nlg_conv_##name##_scratch_size, nlg_conv_##name##_pack, nlg_conv_##name##_gather,    \
            nlg_conv_##name##_weights                                                                                              \
    }

static const driver algorithms[] = {
    [NLG_CONV_DIRECT] = DRIVER(direct),
    [NLG_CONV_DEPTHWISE] = DRIVER(depthwise),
    [NLG_CONV_WINOGRAD] = DRIVER(winograd),
};
static const driver openblas = DRIVER(openblas);

static const driver *driver_for(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    return exec->backend == NLG_BACKEND_OPENBLAS ? &openblas : &algorithms[nlg_conv_choose(shape, pass, exec->direct_only)];
}

static int output_size(int in, int kernel, int stride, int pad, int dilation) {
    int64_t room = (int64_t)in + pad - (int64_t)(kernel - 1) * dilation - 1;
    return room < 0 ? 0 : (int)(room / stride) + 1;
}

bool nlg_conv_output_size(nlg_conv_shape *s) {
    s->p = output_size(s->h, s->r, s->stride_h, s->pad_top + s->pad_bottom, s->dilation);
    s->q = output_size(s->w, s->s, s->stride_w, s->pad_left + s->pad_right, s->dilation);
    return s->p > 0 && s->q > 0;
}

nlg_conv_algorithm nlg_conv_choose(const nlg_conv_shape *s, nlg_conv_pass pass, bool direct_only) {
    if (s->groups > 1 && s->groups == s->c && s->groups == s->k) return NLG_CONV_DEPTHWISE;
    return !direct_only && nlg_conv_winograd_pays(s, pass) ? NLG_CONV_WINOGRAD : NLG_CONV_DIRECT;
}

const char *nlg_conv_algorithm_name(nlg_conv_algorithm algorithm) {
    return algorithms[algorithm].name;
}

size_t nlg_conv_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    return pass == NLG_CONV_BACKWARD_WEIGHTS ? 0 : driver_for(shape, pass, exec)->packed_size(shape, pass);
}

size_t nlg_conv_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    return driver_for(shape, pass, exec)->scratch_size(shape, pass, exec);
}

void nlg_conv_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw, float *packed) {
    driver_for(shape, pass, exec)->pack(exec, shape, pass, w_oihw, packed);
}

static nlg_conv_output output_of(const nlg_conv_shape *shape, const nlg_conv_epilogue *epilogue, float *y, int64_t ld_y) {
    nlg_conv_output out = {.y = y, .ld_y = ld_y, .channels = shape->k};
    if (epilogue) {
        out.add = epilogue->add;
        out.ld_add = epilogue->ld_add;
        out.bias = epilogue->bias;
        out.act = epilogue->act;
    }
    return out;
}

void nlg_conv_forward(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *packed,
                      const nlg_conv_epilogue *epilogue, float *y, int64_t ld_y, float *scratch) {
    nlg_conv_output out = output_of(shape, epilogue, y, ld_y);
    driver_for(shape, NLG_CONV_FORWARD, exec)->gather(exec, shape, NLG_CONV_FORWARD, x, ld_x, packed, &out, scratch);
}

bool nlg_conv_scale_fits(const nlg_conv_shape *s, const nlg_exec *exec) {
    return exec->backend == NLG_BACKEND_OWN && nlg_conv_is_pixelwise(s) && (int64_t)s->h * s->w * s->c >= SCALED_VALUES;
}

size_t nlg_conv_scaled_scratch_size(const nlg_conv_shape *shape, const nlg_exec *exec) {
    return nlg_conv_direct_scaled_scratch_size(shape, exec);
}

void nlg_conv_scaled_forward(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *scale,
                             int64_t ld_scale, const float *packed, const nlg_conv_epilogue *epilogue, float *y, int64_t ld_y,
                             float *scratch) {
    nlg_conv_output out = output_of(shape, epilogue, y, ld_y);
    nlg_conv_direct_scaled(exec, shape, x, ld_x, scale, ld_scale, packed, &out, scratch);
}

bool nlg_conv_gate_fits(const nlg_conv_shape *shape, const nlg_exec *exec) {
    return exec->backend == NLG_BACKEND_OWN &&
           nlg_conv_choose(shape, NLG_CONV_BACKWARD_DATA, exec->direct_only) != NLG_CONV_WINOGRAD;
}

void nlg_conv_backward_gated(const nlg_exec *exec, const nlg_conv_shape *shape, const float *dy, int64_t ld_dy, const float *packed,
                             const float *x, int64_t ld_x, bool accumulate, float *dx, int64_t ld_dx, float *scratch) {
    nlg_conv_output out = {
        .y = dx, .ld_y = ld_dx, .add = accumulate ? dx : NULL, .ld_add = ld_dx, .gate = x, .ld_gate = ld_x, .channels = shape->c};
    driver_for(shape, NLG_CONV_BACKWARD_DATA, exec)->gather(exec, shape, NLG_CONV_BACKWARD_DATA, dy, ld_dy, packed, &out, scratch);
}

void nlg_conv_backward_data(const nlg_exec *exec, const nlg_conv_shape *shape, const float *dy, int64_t ld_dy, const float *packed,
                            bool accumulate, float *dx, int64_t ld_dx, float *scratch) {
    nlg_conv_output out = {.y = dx, .ld_y = ld_dx, .add = accumulate ? dx : NULL, .ld_add = ld_dx, .channels = shape->c};
    driver_for(shape, NLG_CONV_BACKWARD_DATA, exec)->gather(exec, shape, NLG_CONV_BACKWARD_DATA, dy, ld_dy, packed, &out, scratch);
}

void nlg_conv_backward_weights(const nlg_exec *exec, const nlg_conv_shape *shape, const float *x, int64_t ld_x, const float *dy,
                               int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch) {
    driver_for(shape, NLG_CONV_BACKWARD_WEIGHTS, exec)->weights(exec, shape, x, ld_x, dy, ld_dy, accumulate, dw_oihw, db, scratch);
}
