/* Antialiased resizing in 8-bit fixed point, with the arithmetic of Pillow's Image.resize: coefficients of a widened filter,
 * normalised in double and rounded to 22 bits behind the point; first along rows, rounded and clipped to 8 bits, then along
 * columns. Only the window that is asked for is computed, which changes none of its pixels. */
#include "datasets/image.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"

enum { FRACTION_BITS = 32 - 8 - 2 };

/* Coefficients of `count` neighbouring output positions. */
typedef struct taps {
    int *first, *length; /* [count]: which inputs */
    int32_t *weight;     /* [count, most] */
    int most;
} taps;

static double bilinear(double x) {
    x = fabs(x);
    return x < 1.0 ? 1.0 - x : 0.0;
}

static double bicubic(double x) /* Keys (1981), equation 4 with a = -1/2 */
{
    const double a = -0.5;
    x = fabs(x);
    if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
    if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
    return 0.0;
}

static void taps_release(taps *t) {
    nlg_free(t->first);
    nlg_free(t->length);
    nlg_free(t->weight);
}

static nlg_status taps_create(int in, int out, int begin, int count, nlg_filter filter, taps *t, nlg_error *err) {
    double scale = (double)in / out, stretch = scale > 1.0 ? scale : 1.0;
    double support = (filter == NLG_FILTER_BICUBIC ? 2.0 : 1.0) * stretch;
    t->most = (int)ceil(support) * 2 + 1;
    t->first = nlg_alloc((size_t)count, sizeof *t->first);
    t->length = nlg_alloc((size_t)count, sizeof *t->length);
    t->weight = nlg_alloc((size_t)count * (size_t)t->most, sizeof *t->weight);
    double *exact = nlg_alloc((size_t)t->most, sizeof *exact);
    if (!t->first || !t->length || !t->weight || !exact) {
        nlg_free(exact);
        taps_release(t);
        *t = (taps){0};
        return nlg_fail_memory(err, (size_t)count * (size_t)t->most * sizeof *t->weight, "resizing an image");
    }
    for (int i = 0; i < count; i++) {
        double centre = (begin + i + 0.5) * scale, total = 0.0;
        int first = (int)(centre - support + 0.5), last = (int)(centre + support + 0.5);
        if (first < 0) first = 0;
        if (last > in) last = in;
        for (int k = 0; k < last - first; k++) {
            double x = (k + first - centre + 0.5) * (1.0 / stretch);
            exact[k] = filter == NLG_FILTER_BICUBIC ? bicubic(x) : bilinear(x);
            total += exact[k];
        }
        for (int k = 0; k < last - first; k++) {
            double share = (total != 0.0 ? exact[k] / total : exact[k]) * (1 << FRACTION_BITS);
            t->weight[(size_t)i * (size_t)t->most + (size_t)k] = (int32_t)(share < 0 ? share - 0.5 : share + 0.5);
        }
        t->first[i] = first;
        t->length[i] = last - first;
    }
    nlg_free(exact);
    return NLG_OK;
}

static uint8_t to_byte(int32_t sum) {
    int32_t value = sum >> FRACTION_BITS;
    return (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
}

static void resize_row(const uint8_t *in, const taps *t, int count, uint8_t *out) {
    for (int i = 0; i < count; i++) {
        int32_t sum[3] = {1 << (FRACTION_BITS - 1), 1 << (FRACTION_BITS - 1), 1 << (FRACTION_BITS - 1)};
        const int32_t *weight = t->weight + (size_t)i * (size_t)t->most;
        const uint8_t *pixel = in + (size_t)t->first[i] * 3;
        for (int k = 0; k < t->length[i]; k++)
            for (int c = 0; c < 3; c++) sum[c] += pixel[3 * k + c] * weight[k];
        for (int c = 0; c < 3; c++) out[3 * i + c] = to_byte(sum[c]);
    }
}

/* One output row from `length` rows of `width` bytes; sums in `sum` [width]. */
static void resize_column(const uint8_t *rows, const int32_t *weight, int length, size_t width, int32_t *sum, uint8_t *out) {
    for (size_t i = 0; i < width; i++) sum[i] = 1 << (FRACTION_BITS - 1);
    for (int k = 0; k < length; k++)
        for (size_t i = 0; i < width; i++) sum[i] += rows[(size_t)k * width + i] * weight[k];
    for (size_t i = 0; i < width; i++) out[i] = to_byte(sum[i]);
}

nlg_status nlg_image_resize(const nlg_image *image, const nlg_resize_plan *plan, uint8_t *out, nlg_error *err) {
    if (plan->h < 1 || plan->w < 1 || plan->window_h < 1 || plan->window_w < 1 || plan->y < 0 || plan->x < 0 ||
        plan->y > plan->h - plan->window_h || plan->x > plan->w - plan->window_w)
        return nlg_fail(err, NLG_ERR_INPUT, "resizing: expected a window inside %d x %d pixels, found %d x %d at %d, %d", plan->w,
                        plan->h, plan->window_w, plan->window_h, plan->x, plan->y);
    taps across = {0}, down = {0};
    size_t width = (size_t)plan->window_w * 3;
    nlg_status status = taps_create(image->w, plan->w, plan->x, plan->window_w, plan->filter, &across, err);
    if (status == NLG_OK) status = taps_create(image->h, plan->h, plan->y, plan->window_h, plan->filter, &down, err);
    if (status == NLG_OK) {
        int top = down.first[0], bottom = down.first[plan->window_h - 1] + down.length[plan->window_h - 1];
        uint8_t *rows = nlg_alloc((size_t)(bottom - top), width);
        int32_t *sum = nlg_alloc(width, sizeof *sum);
        if (rows && sum) {
            for (int y = top; y < bottom; y++)
                resize_row(image->rgb + (size_t)y * (size_t)image->w * 3, &across, plan->window_w,
                           rows + (size_t)(y - top) * width);
            for (int y = 0; y < plan->window_h; y++)
                resize_column(rows + (size_t)(down.first[y] - top) * width, down.weight + (size_t)y * (size_t)down.most,
                              down.length[y], width, sum, out + (size_t)y * width);
        } else {
            status = nlg_fail_memory(err, (size_t)(bottom - top) * width, "resizing an image");
        }
        nlg_free(rows);
        nlg_free(sum);
    }
    taps_release(&across);
    taps_release(&down);
    return status;
}
