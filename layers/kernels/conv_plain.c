/* Convolution in the simplest loops and double sums: what the fast forms are tested against. */
#include "layers/kernels/conv.h"

#include <stddef.h>

/* Input row (or column) that kernel position r of output p reads. */
static int input_at(int p, int stride, int r, int dilation, int pad) {
    return p * stride + r * dilation - pad;
}

static int64_t pixel(int n, int h, int w, int height, int width) {
    return ((int64_t)n * height + h) * width + w;
}

void nlg_conv_plain_forward(const nlg_conv_shape *s, const float *x, const float *w_oihw, const float *bias, float *y) {
    int group_c = s->c / s->groups, group_k = s->k / s->groups;
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++)
                for (int k = 0; k < s->k; k++) {
                    double sum = bias ? (double)bias[k] : 0;
                    for (int i = 0; i < s->r; i++)
                        for (int j = 0; j < s->s; j++) {
                            int h = input_at(p, s->stride_h, i, s->dilation, s->pad_top);
                            int w = input_at(q, s->stride_w, j, s->dilation, s->pad_left);
                            if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
                            for (int c = 0; c < group_c; c++)
                                sum += (double)x[pixel(n, h, w, s->h, s->w) * s->c + k / group_k * group_c + c] *
                                       (double)w_oihw[(((int64_t)k * group_c + c) * s->r + i) * s->s + j];
                        }
                    y[pixel(n, p, q, s->p, s->q) * s->k + k] = (float)sum;
                }
}

static void plain_data(const nlg_conv_shape *s, const float *w_oihw, const float *dy, float *dx) {
    int group_c = s->c / s->groups, group_k = s->k / s->groups;
    for (int n = 0; n < s->n; n++)
        for (int h = 0; h < s->h; h++)
            for (int w = 0; w < s->w; w++)
                for (int c = 0; c < s->c; c++) {
                    double sum = 0;
                    for (int i = 0; i < s->r; i++)
                        for (int j = 0; j < s->s; j++) {
                            int up = h + s->pad_top - i * s->dilation, left = w + s->pad_left - j * s->dilation;
                            if (up < 0 || up % s->stride_h || up / s->stride_h >= s->p) continue;
                            if (left < 0 || left % s->stride_w || left / s->stride_w >= s->q) continue;
                            const float *from = dy + pixel(n, up / s->stride_h, left / s->stride_w, s->p, s->q) * s->k;
                            for (int k = c / group_c * group_k; k < (c / group_c + 1) * group_k; k++)
                                sum +=
                                    (double)from[k] * (double)w_oihw[(((int64_t)k * group_c + c % group_c) * s->r + i) * s->s + j];
                        }
                    dx[pixel(n, h, w, s->h, s->w) * s->c + c] = (float)sum;
                }
}

static double plain_weight(const nlg_conv_shape *s, const float *x, const float *dy, int k, int channel, int i, int j) {
    double sum = 0;
    for (int n = 0; n < s->n; n++)
        for (int p = 0; p < s->p; p++)
            for (int q = 0; q < s->q; q++) {
                int h = input_at(p, s->stride_h, i, s->dilation, s->pad_top),
                    w = input_at(q, s->stride_w, j, s->dilation, s->pad_left);
                if (h < 0 || h >= s->h || w < 0 || w >= s->w) continue;
                sum += (double)x[pixel(n, h, w, s->h, s->w) * s->c + channel] * (double)dy[pixel(n, p, q, s->p, s->q) * s->k + k];
            }
    return sum;
}

void nlg_conv_plain_backward(const nlg_conv_shape *s, const float *x, const float *w_oihw, const float *dy, float *dx,
                             float *dw_oihw, float *db) {
    int group_c = s->c / s->groups, group_k = s->k / s->groups;
    if (dx) plain_data(s, w_oihw, dy, dx);
    for (int k = 0; dw_oihw && k < s->k; k++)
        for (int c = 0; c < group_c; c++)
            for (int i = 0; i < s->r; i++)
                for (int j = 0; j < s->s; j++) *dw_oihw++ = (float)plain_weight(s, x, dy, k, k / group_k * group_c + c, i, j);
    for (int k = 0; db && k < s->k; k++) {
        double sum = 0;
        for (int64_t i = 0; i < (int64_t)s->n * s->p * s->q; i++) sum += (double)dy[i * s->k + k];
        db[k] = (float)sum;
    }
}
