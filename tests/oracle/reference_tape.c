#include "tests/oracle/reference_tape.h"

#include <math.h>
#include <string.h>

#include "tests/oracle/reference_json.h"

nlg_status nlg_reference_fill(nlg_tape *tape, nlg_reference_input *input, double offset, double factor, nlg_error *err) {
    input->value = nlg_arena_alloc(tape->arena, input->count, sizeof(float));
    input->gradient = nlg_arena_alloc(tape->arena, input->count, sizeof(float));
    if (!input->value || !input->gradient) return nlg_fail_memory(err, input->count * sizeof(float), input->name);
    uint64_t key = nlg_fill_key(input->name);
    for (size_t i = 0; i < input->count; i++) input->value[i] = (float)(offset + factor * nlg_fill_value(key, i));
    return NLG_OK;
}

/* Copies between N,C,H,W order and an NHWC tensor. */
static void reorder(const nlg_tensor *t, float *nchw, bool to_tensor) {
    size_t i = 0;
    for (int n = 0; n < t->n; n++)
        for (int c = 0; c < t->c; c++)
            for (int y = 0; y < t->h; y++)
                for (int x = 0; x < t->w; x++, i++) {
                    float *value = t->data + (((int64_t)n * t->h + y) * t->w + x) * t->ld + c;
                    if (to_tensor)
                        *value = nchw[i];
                    else
                        nchw[i] = *value;
                }
}

static nlg_status make_tensor(nlg_tape *tape, int n, nlg_shape shape, nlg_tensor *t, nlg_error *err) {
    *t = (nlg_tensor){.n = n, .h = shape.h, .w = shape.w, .c = shape.c, .ld = shape.c};
    size_t pixels = (size_t)n * (size_t)shape.h * (size_t)shape.w;
    t->data = nlg_arena_alloc(tape->arena, pixels * (size_t)shape.c, sizeof *t->data);
    return t->data ? NLG_OK : nlg_fail_memory(err, pixels * (size_t)shape.c * sizeof *t->data, "a tensor");
}

static nlg_status make_value(nlg_tape *tape, int n, nlg_shape shape, nlg_reference_value **value, nlg_error *err) {
    *value = nlg_arena_alloc(tape->arena, 1, sizeof **value);
    if (!*value) return nlg_fail_memory(err, sizeof **value, "a tensor");
    NLG_TRY(make_tensor(tape, n, shape, &(*value)->data, err));
    return make_tensor(tape, n, shape, &(*value)->gradient, err);
}

nlg_status nlg_tape_read(nlg_tape *tape, const nlg_reference_input *input, nlg_reference_value **value, nlg_error *err) {
    if (input->rank != 2 && input->rank != 4)
        return nlg_fail(err, NLG_ERR_INPUT, "input %s: expected a shape [N,C,H,W] or [N,C]", input->name);
    bool image = input->rank == 4;
    nlg_shape shape = {image ? input->shape[2] : 1, image ? input->shape[3] : 1, input->shape[1]};
    NLG_TRY(make_value(tape, input->shape[0], shape, value, err));
    (*value)->rank = input->rank;
    reorder(&(*value)->data, input->value, true);
    return NLG_OK;
}

static nlg_status allocate(nlg_tape *tape, size_t count, float **block, nlg_error *err) {
    *block = nlg_arena_alloc(tape->arena, count ? count : 1, sizeof **block);
    return *block ? NLG_OK : nlg_fail_memory(err, count * sizeof **block, "an operation");
}

nlg_status nlg_tape_apply(nlg_tape *tape, const char *name, const void *attrs, nlg_reference_value *const *x, int n_x,
                          nlg_reference_input *const *params, int n_params, nlg_reference_value **y, nlg_error *err) {
    const nlg_op *op = nlg_op_find(name);
    if (!op || tape->n_calls == NLG_TAPE_CALLS) return nlg_fail(err, NLG_ERR_INPUT, "operation %s: not available", name);
    nlg_shape shapes[NLG_OP_MAX_INPUTS], out = {0};
    for (int i = 0; i < n_x; i++) shapes[i] = (nlg_shape){x[i]->data.h, x[i]->data.w, x[i]->data.c};
    NLG_TRY(op->infer(attrs, shapes, n_x, &out, err));
    nlg_param_spec specs[NLG_OP_MAX_PARAMS];
    int wanted = op->params ? op->params(attrs, shapes, n_x, specs) : 0;
    if (wanted != n_params) return nlg_fail(err, NLG_ERR_INPUT, "operation %s: %d parameters, expected %d", name, n_params, wanted);
    for (int i = 0; i < n_params; i++) {
        bool same = params[i]->rank == specs[i].rank;
        for (int d = 0; same && d < specs[i].rank; d++) same = params[i]->shape[d] == specs[i].shape[d];
        if (!same)
            return nlg_fail(err, NLG_ERR_INPUT, "input %s: the shape does not fit the input's and the attributes", params[i]->name);
    }
    NLG_TRY(make_value(tape, x[0]->data.n, out, y, err));
    (*y)->rank = x[0]->rank;

    nlg_reference_call *c = &tape->calls[tape->n_calls++];
    *c = (nlg_reference_call){.op = op, .y = *y};
    nlg_op_call *call = &c->call;
    *call = (nlg_op_call){.exec = tape->exec,
                          .attrs = attrs,
                          .training = true,
                          .batch_statistics = tape->batch_statistics,
                          .n_x = n_x,
                          .y = (*y)->data,
                          .dy = (*y)->gradient,
                          .n_params = n_params};
    for (int i = 0; i < n_x; i++) {
        c->x[i] = x[i];
        call->x[i] = x[i]->data;
        call->dx[i] = x[i]->gradient;
    }
    for (int i = 0; i < n_params; i++) {
        bool fixed = specs[i].role == NLG_PARAM_RUNNING_MEAN || specs[i].role == NLG_PARAM_RUNNING_VAR;
        call->param[i] = params[i]->value;
        call->dparam[i] = fixed ? NULL : params[i]->gradient;
    }
    NLG_TRY(allocate(tape, op->packed_size ? op->packed_size(call) : 0, &call->packed, err));
    NLG_TRY(allocate(tape, op->saved_size ? op->saved_size(call) : 0, &call->saved, err));
    NLG_TRY(allocate(tape, nlg_op_parts_size(op, call), &call->parts, err));
    NLG_TRY(allocate(tape, op->scratch_size ? op->scratch_size(call) : 0, &call->scratch, err));
    if (op->pack) op->pack(call);
    nlg_op_forward(op, call);
    return NLG_OK;
}

static void fill_output_gradient(nlg_tape *tape) {
    const nlg_tensor *t = &tape->calls[tape->n_calls - 1].y->gradient;
    uint64_t key = nlg_fill_key("dy"), i = 0;
    for (int n = 0; n < t->n; n++)
        for (int c = 0; c < t->c; c++)
            for (int64_t pixel = 0; pixel < (int64_t)t->h * t->w; pixel++, i++)
                t->data[((int64_t)n * t->h * t->w + pixel) * t->ld + c] = (float)nlg_fill_value(key, i);
}

void nlg_tape_backward(nlg_tape *tape) {
    fill_output_gradient(tape);
    for (int i = tape->n_calls - 1; i >= 0; i--) {
        nlg_reference_call *c = &tape->calls[i];
        for (int j = 0; j < c->call.n_x; j++) {
            c->call.accumulate_dx[j] = c->x[j]->gradient_written;
            c->x[j]->gradient_written = true;
        }
        nlg_op_backward(c->op, &c->call);
    }
}

cJSON *nlg_reference_describe(int rank, const int *shape, const double *value, size_t count, double factor) {
    cJSON *out = cJSON_CreateObject(), *dims = cJSON_AddArrayToObject(out, "shape");
    double sum = 0, square = 0, probe = 0;
    uint64_t key = nlg_fill_key("probe");
    for (size_t i = 0; i < count; i++) {
        double v = factor * value[i];
        sum += v, square += v * v, probe += v * nlg_fill_value(key, i);
    }
    for (int i = 0; i < rank; i++) cJSON_AddItemToArray(dims, cJSON_CreateNumber(shape[i]));
    nlg_json_put_number(out, "mean", sum / (double)count);
    nlg_json_put_number(out, "rms", sqrt(square / (double)count));
    cJSON *first = cJSON_AddArrayToObject(out, "first"), *last = cJSON_AddArrayToObject(out, "last");
    size_t shown = count < 8 ? count : 8;
    for (size_t i = 0; i < shown; i++) nlg_json_add_number(first, factor * value[i]);
    for (size_t i = count - shown; i < count; i++) nlg_json_add_number(last, factor * value[i]);
    nlg_json_put_number(out, "probe", probe / sqrt((double)count));
    return out;
}

cJSON *nlg_reference_describe_floats(nlg_tape *tape, int rank, const int *shape, const float *value, size_t count, double factor) {
    double *copy = nlg_arena_alloc(tape->arena, count, sizeof *copy);
    if (!copy) return NULL;
    for (size_t i = 0; i < count; i++) copy[i] = (double)value[i];
    return nlg_reference_describe(rank, shape, copy, count, factor);
}

cJSON *nlg_reference_describe_value(nlg_tape *tape, const nlg_tensor *t, int rank, double factor) {
    size_t count = (size_t)nlg_tensor_pixels(t) * (size_t)t->c;
    float *nchw = nlg_arena_alloc(tape->arena, count, sizeof *nchw);
    if (!nchw) return NULL;
    reorder(t, nchw, false);
    return nlg_reference_describe_floats(tape, rank, (const int[]){t->n, t->c, t->h, t->w}, nchw, count, factor);
}
