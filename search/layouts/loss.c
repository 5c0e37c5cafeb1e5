/* How far a picture is from a target: OKLab and edges, in whole numbers. */
#include <string.h>

#include "layers/base/dmath.h"
#include "layers/base/memory.h"
#include "search/layouts/picture.h"

enum {
    ONE = 4096,   /* of L, a and b */
    LEVELS = 64,  /* of each channel in the table: the upper six bits */
    BLOCK = 4,    /* pixels of the second scale's blocks */
    CHANNELS = 3, /* L, a, b */
};

typedef struct lab {
    int16_t l, a, b, unused;
} lab;

struct nlg_layout_loss {
    int w, h;
    lab *table;   /* [LEVELS][LEVELS][LEVELS] by red, green, blue */
    lab *target;  /* [h, w] */
    int16_t *row; /* differences: two rows of L, one of a, one of b */
    int32_t *sum; /* of BLOCK rows, a block's columns each */
    int16_t *coarse[2];
};

/* ---- colours ------------------------------------------------------------------------------------------------------- */

/* IEC 61966-2-1 */
static double linear(double srgb) {
    return srgb <= 0.04045 ? srgb / 12.92 : nlg_pow((srgb + 0.055) / 1.055, 2.4);
}

static int16_t whole(double value) {
    return (int16_t)(value * ONE + (value < 0 ? -0.5 : 0.5));
}

/* x >= 0; by Newton's method from a third of the exponent, far beyond the 1 / 4096 that is kept. */
static double cube_root(double x) {
    if (x < 1e-12) return 0;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits = bits / 3 + (UINT64_C(1023) << 52) / 3 * 2;
    double y;
    memcpy(&y, &bits, sizeof y);
    for (int i = 0; i < 4; i++) y = (2 * y + x / (y * y)) / 3;
    return y;
}

/* Ottosson 2020, the matrices of his page. */
static lab to_lab(double r, double g, double b) {
    const double l = cube_root(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cube_root(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cube_root(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (lab){whole(0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s),
                 whole(1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s),
                 whole(0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s), 0};
}

static void fill_table(lab *table) {
    double level[LEVELS];
    for (int i = 0; i < LEVELS; i++) level[i] = linear((double)i / (LEVELS - 1));
    for (int r = 0; r < LEVELS; r++) {
        for (int g = 0; g < LEVELS; g++) {
            for (int b = 0; b < LEVELS; b++) *table++ = to_lab(level[r], level[g], level[b]);
        }
    }
}

static lab look_up(const nlg_layout_loss *loss, uint32_t pixel) {
    return loss->table[(pixel >> 6 & 0x3f000) | (pixel >> 4 & 0xfc0) | (pixel >> 2 & 0x3f)];
}

static uint32_t pack(const uint8_t rgb[3]) {
    return (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
}

/* ---- life ---------------------------------------------------------------------------------------------------------- */

nlg_status nlg_layout_loss_create(const nlg_image *target, nlg_layout_loss **made, nlg_error *err) {
    *made = NULL;
    const size_t w = (size_t)target->w, h = (size_t)target->h, table = (size_t)LEVELS * LEVELS * LEVELS;
    nlg_layout_loss *loss = nlg_alloc(1, sizeof *loss);
    if (!loss) return nlg_fail_memory(err, sizeof *loss, "the loss");
    *loss = (nlg_layout_loss){.w = target->w, .h = target->h};
    loss->table = nlg_alloc(table, sizeof *loss->table);
    loss->target = nlg_alloc(w * h, sizeof *loss->target);
    loss->row = nlg_alloc((CHANNELS + 1) * w, sizeof *loss->row);
    loss->sum = nlg_alloc(w / BLOCK + 1, sizeof *loss->sum);
    for (int i = 0; i < 2; i++) loss->coarse[i] = nlg_alloc(w / BLOCK + 1, sizeof *loss->coarse[i]);
    if (!loss->table || !loss->target || !loss->row || !loss->sum || !loss->coarse[0] || !loss->coarse[1]) {
        nlg_layout_loss_destroy(loss);
        return nlg_fail_memory(err, table * sizeof(lab), "the loss");
    }
    fill_table(loss->table);
    for (size_t i = 0; i < w * h; i++) loss->target[i] = look_up(loss, pack(target->rgb + 3 * i));
    *made = loss;
    return NLG_OK;
}

void nlg_layout_loss_destroy(nlg_layout_loss *loss) {
    if (!loss) return;
    nlg_free(loss->table);
    nlg_free(loss->target);
    nlg_free(loss->row);
    nlg_free(loss->sum);
    for (int i = 0; i < 2; i++) nlg_free(loss->coarse[i]);
    nlg_free(loss);
}

/* ---- sums ---------------------------------------------------------------------------------------------------------- */

static int magnitude(int x) {
    return x < 0 ? -x : x;
}

static int64_t sum_of_magnitudes(const int16_t *restrict x, int n) {
    int32_t sum = 0; /* 1024 values below 2^15 */
    for (int i = 0; i < n; i++) sum += magnitude(x[i]);
    return sum;
}

/* Of the steps between neighbours, and to the row before (NULL: there is none). */
static int64_t sum_of_steps(const int16_t *restrict x, const int16_t *restrict before, int n) {
    int32_t sum = 0;
    for (int i = 0; i + 1 < n; i++) sum += magnitude(x[i + 1] - x[i]);
    if (before) {
        for (int i = 0; i < n; i++) sum += magnitude(x[i] - before[i]);
    }
    return sum;
}

static void take_row(const nlg_layout_loss *loss, const uint32_t *pixels, int y, int16_t *l, int16_t *a, int16_t *b) {
    const lab *target = loss->target + (size_t)y * (size_t)loss->w;
    uint32_t last = ~pixels[0];
    lab mine = {0};
    for (int x = 0; x < loss->w; x++) {
        if (pixels[x] != last) mine = look_up(loss, last = pixels[x]);
        l[x] = (int16_t)(mine.l - target[x].l);
        a[x] = (int16_t)(mine.a - target[x].a);
        b[x] = (int16_t)(mine.b - target[x].b);
    }
}

/* The means of a row of blocks once its last pixel row is there. */
static int64_t add_to_blocks(nlg_layout_loss *loss, const int16_t *l, int y) {
    const int n = loss->w / BLOCK;
    for (int i = 0; i < n; i++) {
        int32_t sum = 0;
        for (int j = 0; j < BLOCK; j++) sum += l[BLOCK * i + j];
        loss->sum[i] = y % BLOCK ? loss->sum[i] + sum : sum;
    }
    if (y % BLOCK != BLOCK - 1) return 0;
    const int row = y / BLOCK;
    int16_t *mine = loss->coarse[row % 2];
    for (int i = 0; i < n; i++) mine[i] = (int16_t)(loss->sum[i] / (BLOCK * BLOCK));
    return sum_of_steps(mine, row ? loss->coarse[1 - row % 2] : NULL, n);
}

double nlg_layout_loss_of(nlg_layout_loss *loss, const uint32_t *pixels, int stride) {
    int64_t colour = 0, edges = 0, coarse = 0;
    const int w = loss->w;
    int16_t *a = loss->row + 2 * (size_t)w, *b = a + w;
    for (int y = 0; y < loss->h; y++) {
        int16_t *l = loss->row + (size_t)(y % 2) * (size_t)w;
        const int16_t *before = y ? loss->row + (size_t)(1 - y % 2) * (size_t)w : NULL;
        take_row(loss, pixels + (size_t)y * (size_t)stride, y, l, a, b);
        colour += sum_of_magnitudes(l, w) + 2 * sum_of_magnitudes(a, w) + 2 * sum_of_magnitudes(b, w);
        edges += sum_of_steps(l, before, w);
        coarse += add_to_blocks(loss, l, y);
    }
    const int64_t n = (int64_t)w * loss->h, blocks = (int64_t)(w / BLOCK) * (loss->h / BLOCK);
    const double fine = (double)(4 * colour + edges) / (double)n, wide = blocks ? (double)coarse / (double)blocks : 0;
    return (fine + wide) / (4 * ONE);
}

nlg_status nlg_layout_loss_of_image(nlg_layout_loss *loss, const nlg_image *image, double *value, nlg_error *err) {
    const size_t n = (size_t)image->w * (size_t)image->h;
    uint32_t *pixels = nlg_alloc(n, sizeof *pixels);
    if (!pixels) return nlg_fail_memory(err, n * sizeof *pixels, "a picture");
    for (size_t i = 0; i < n; i++) pixels[i] = pack(image->rgb + 3 * i);
    *value = nlg_layout_loss_of(loss, pixels, image->w);
    nlg_free(pixels);
    return NLG_OK;
}

double nlg_layout_loss_of_plain(nlg_layout_loss *loss, const uint8_t colour[3]) {
    /* One row, used for every y: a stride of 0. */
    uint32_t row[NLG_LAYOUT_SIDE_MAX];
    for (int x = 0; x < loss->w; x++) row[x] = pack(colour);
    return nlg_layout_loss_of(loss, row, 0);
}
