/* Convolution through OpenBLAS: patches copied to a matrix (im2col), one sgemm per image chunk and group.
 *
 * The yardstick in tests and benchmarks, and the faster choice on CPUs without AVX2. Its results are outside the promise of equal
 * bits. Packed weights are [k][r][s][c] in both directions; OpenBLAS splits the product over its own threads. */
#include "layers/kernels/conv_internal.h"

#include <string.h>

#include "layers/kernels/openblas.h"

enum { MATRIX_FLOATS = 1 << 20 };

/* Patch length of one group and the output pixels handled at a time. */
static int64_t patch(const nlg_conv_shape *s) {
    return (int64_t)s->r * s->s * (s->c / s->groups);
}

static int64_t chunk_pixels(const nlg_conv_shape *s) {
    int64_t all = (int64_t)s->n * s->p * s->q, some = MATRIX_FLOATS / patch(s) + 1;
    return some < all ? some : all;
}

size_t nlg_conv_openblas_packed_size(const nlg_conv_shape *shape, nlg_conv_pass pass) {
    (void)pass;
    return (size_t)shape->k * (size_t)patch(shape);
}

size_t nlg_conv_openblas_scratch_size(const nlg_conv_shape *shape, nlg_conv_pass pass, const nlg_exec *exec) {
    (void)exec;
    size_t weights = pass == NLG_CONV_BACKWARD_WEIGHTS ? nlg_conv_openblas_packed_size(shape, pass) : 0;
    return (size_t)(chunk_pixels(shape) * patch(shape)) + weights;
}

static void reorder(const nlg_conv_shape *s, const float *from, float *to, bool to_oihw, bool accumulate) {
    int64_t area = (int64_t)s->r * s->s, depth = s->c / s->groups;
    for (int64_t k = 0; k < s->k; k++)
        for (int64_t c = 0; c < depth; c++)
            for (int64_t t = 0; t < area; t++) {
                int64_t oihw = (k * depth + c) * area + t, packed = (k * area + t) * depth + c;
                if (!to_oihw)
                    to[packed] = from[oihw];
                else
                    to[oihw] = accumulate ? to[oihw] + from[packed] : from[packed];
            }
}

void nlg_conv_openblas_pack(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *w_oihw,
                            float *packed) {
    (void)exec;
    (void)pass;
    reorder(shape, w_oihw, packed, false, false);
}

typedef void visit_tap(float *column, float *pixel, int64_t channels);

static void read_tap(float *column, float *pixel, int64_t channels) {
    if (pixel)
        memcpy(column, pixel, (size_t)channels * sizeof *column);
    else
        memset(column, 0, (size_t)channels * sizeof *column);
}

static void add_tap(float *column, float *pixel, int64_t channels) {
    for (int64_t c = 0; pixel && c < channels; c++) pixel[c] += column[c];
}

/* Pairs each patch entry of outputs begin .. begin + pixels with its channels in x, NULL outside the image. */
static void each_tap(const nlg_conv_shape *s, float *x, int64_t ld, int group, int64_t begin, int64_t pixels, float *columns,
                     visit_tap *visit) {
    int64_t channels = s->c / s->groups;
    for (int64_t i = begin; i < begin + pixels; i++) {
        int64_t n = i / s->q / s->p, p = i / s->q % s->p, q = i % s->q;
        for (int r = 0; r < s->r; r++)
            for (int t = 0; t < s->s; t++, columns += channels) {
                int64_t h = p * s->stride_h + r * s->dilation - s->pad_top, w = q * s->stride_w + t * s->dilation - s->pad_left;
                bool inside = h >= 0 && h < s->h && w >= 0 && w < s->w;
                visit(columns, inside ? x + ((n * s->h + h) * s->w + w) * ld + group * channels : NULL, channels);
            }
    }
}

static void forward(const nlg_exec *exec, const nlg_conv_shape *s, float *x, int64_t ld_x, const float *packed,
                    const nlg_conv_output *out, float *columns) {
    int64_t depth = patch(s), group_k = s->k / s->groups, all = (int64_t)s->n * s->p * s->q, chunk = chunk_pixels(s);
    bool in_place = out->add == out->y && out->add; /* y holds the addend */
    for (int64_t at = 0; at < all; at += chunk) {
        int64_t pixels = chunk < all - at ? chunk : all - at;
        for (int g = 0; g < s->groups; g++) {
            each_tap(s, x, ld_x, g, at, pixels, columns, read_tap);
            nlg_openblas_loaded()->sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, (int)pixels, (int)group_k, (int)depth, 1, columns,
                                         (int)depth, packed + g * group_k * depth, (int)depth, in_place ? 1 : 0,
                                         out->y + at * out->ld_y + g * group_k, (int)out->ld_y);
        }
    }
    nlg_conv_output rest = *out;
    if (in_place) rest.add = NULL;
    if (rest.bias || rest.add || rest.act != NLG_ACT_NONE) exec->simd->conv->finish(&rest, all);
}

static void backward_data(const nlg_conv_shape *s, const float *dy, int64_t ld_dy, const float *packed, const nlg_conv_output *out,
                          float *columns) {
    int64_t depth = patch(s), group_k = s->k / s->groups, all = (int64_t)s->n * s->p * s->q, chunk = chunk_pixels(s);
    if (!out->add)
        for (int64_t i = 0; i < (int64_t)s->n * s->h * s->w; i++) memset(out->y + i * out->ld_y, 0, (size_t)s->c * sizeof *out->y);
    for (int64_t at = 0; at < all; at += chunk) {
        int64_t pixels = chunk < all - at ? chunk : all - at;
        for (int g = 0; g < s->groups; g++) {
            nlg_openblas_loaded()->sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)pixels, (int)depth, (int)group_k, 1,
                                         dy + at * ld_dy + g * group_k, (int)ld_dy, packed + g * group_k * depth, (int)depth, 0,
                                         columns, (int)depth);
            each_tap(s, out->y, out->ld_y, g, at, pixels, columns, add_tap);
        }
    }
}

void nlg_conv_openblas_gather(const nlg_exec *exec, const nlg_conv_shape *shape, nlg_conv_pass pass, const float *x, int64_t ld_x,
                              const float *packed, const nlg_conv_output *out, float *scratch) {
    nlg_openblas_loaded()->set_num_threads(nlg_team_size(exec->team));
    if (pass == NLG_CONV_FORWARD)
        forward(exec, shape, (float *)(uintptr_t)x, ld_x, packed, out, scratch);
    else
        backward_data(shape, x, ld_x, packed, out, scratch);
}

void nlg_conv_openblas_weights(const nlg_exec *exec, const nlg_conv_shape *s, const float *x, int64_t ld_x, const float *dy,
                               int64_t ld_dy, bool accumulate, float *dw_oihw, float *db, float *scratch) {
    int64_t depth = patch(s), group_k = s->k / s->groups, all = (int64_t)s->n * s->p * s->q, chunk = chunk_pixels(s);
    float *columns = scratch, *sums = scratch + chunk * depth;
    nlg_openblas_loaded()->set_num_threads(nlg_team_size(exec->team));
    for (int64_t at = 0; at < all; at += chunk) {
        int64_t pixels = chunk < all - at ? chunk : all - at;
        for (int g = 0; g < s->groups; g++) {
            each_tap(s, (float *)(uintptr_t)x, ld_x, g, at, pixels, columns, read_tap);
            nlg_openblas_loaded()->sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, (int)group_k, (int)depth, (int)pixels, 1,
                                         dy + at * ld_dy + g * group_k, (int)ld_dy, columns, (int)depth, at ? 1 : 0,
                                         sums + g * group_k * depth, (int)depth);
        }
    }
    reorder(s, sums, dw_oihw, true, accumulate);
    for (int k = 0; db && k < s->k; k++) {
        double sum = 0;
        for (int64_t i = 0; i < all; i++) sum += (double)dy[i * ld_dy + k];
        db[k] = accumulate ? db[k] + (float)sum : (float)sum;
    }
}
