/* Targets of layouts: built in, or a user's picture. */
#include "search/layouts/target.h"

#include <stdlib.h>
#include <string.h>

#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"

static const char outside[] = "outside";
static const struct {
    const char *name, *truth;
} targets[] = {
    {"sign-in", "layout bg1 { column 3,8 34x42 c0 r2 s3 { text start 30x4 c4 t4 text start 26x2 c3 t5 input centre 30x5 c0 r1 t1"
                " input centre 30x5 c0 r1 t2 button centre 30x6 c5 r1 t0 text centre 16x2 c5 t3 } }"},
    {"profile", "layout bg0 { box 0,0 40x16 c5 r0 image 14,10 12x12 c6 r3 text 13,23 20x3 c4 t16 row 8,27 24x7 c- r0 s1 {"
                " button start 11x5 c5 r1 t6 button start 11x5 c2 r1 t7 } box 3,37 34x20 c1 r2 { text 2,2 20x2 c3 t9"
                " text 2,6 20x2 c3 t8 image 2,11 9x7 c2 r1 image 12,11 9x7 c2 r1 image 22,11 9x7 c2 r1 } }"},
    {"shop", "layout bg1 { box 0,0 40x7 c0 r0 { text 2,2 22x3 c4 t19 button 30,1 9x5 c9 r1 t14 } row 2,9 36x38 c- r0 s2 {"
             " column start 17x32 c0 r1 s2 { image centre 15x14 c6 r1 text start 15x2 c4 t20 text start 8x3 c8 t18"
             " button end 10x4 c7 r1 t17 } column start 17x32 c0 r1 s2 { image centre 15x14 c11 r1 text start 15x2 c4 t22"
             " text start 8x3 c8 t18 button end 10x4 c7 r1 t17 } } button 4,51 32x6 c5 r2 t11 }"},
    {outside, NULL},
};
enum { TARGETS = sizeof targets / sizeof *targets };

static const nlg_layout_style built_in = {
    .w = 320,
    .h = 480,
    .n_colours = 12,
    .palette = {{255, 255, 255}, /* white */
                {243, 244, 246},
                {209, 213, 219},
                {107, 114, 128},
                {17, 24, 39}, /* nearly black */
                {37, 99, 235},
                {219, 234, 254},
                {22, 163, 74},
                {220, 38, 38},
                {245, 158, 11},
                {124, 58, 237},
                {252, 231, 243}},
    .n_texts = 24,
    .texts = {"Sign in", "Email",    "Password",      "Forgot password?", "Welcome back", "Create account", "Follow",
              "Message", "Settings", "Notifications", "Dark mode",        "Save",         "Cancel",         "Home",
              "Search",  "Profile",  "Anna Berg",     "Add to cart",      "42.00",        "New arrivals",   "Details",
              "Send",    "Share",    "Help"},
};

int nlg_layout_target_count(void) {
    return TARGETS;
}

const char *nlg_layout_target_name_at(int index) {
    return targets[index].name;
}

/* ---- texts --------------------------------------------------------------------------------------------------------- */

/* Length of the UTF-8 sequence at s, 0 if there is none (RFC 3629) or a control character. */
static int sequence(const unsigned char *s) {
    if (s[0] < 0x80) return s[0] >= 0x20 && s[0] != 0x7f;
    const int length = s[0] >= 0xc2 && s[0] < 0xe0 ? 2 : s[0] >= 0xe0 && s[0] < 0xf0 ? 3 : s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : 0;
    for (int i = 1; i < length; i++) {
        if ((s[i] & 0xc0) != 0x80) return 0;
    }
    if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) || (s[0] == 0xf0 && s[1] < 0x90) ||
        (s[0] == 0xf4 && s[1] > 0x8f))
        return 0;
    return length;
}

static nlg_status add_text(nlg_layout_style *style, const char *path, const char *text, size_t length, nlg_error *err) {
    if (style->n_texts == NLG_LAYOUT_TEXTS)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: more than %d texts; a layout chooses among at most so many", path,
                        NLG_LAYOUT_TEXTS);
    if (length >= NLG_LAYOUT_TEXT_BYTES)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: text %d has %zu bytes; expected at most %d", path, style->n_texts + 1, length,
                        NLG_LAYOUT_TEXT_BYTES - 1);
    char *to = style->texts[style->n_texts++];
    memset(to, 0, NLG_LAYOUT_TEXT_BYTES);
    memcpy(to, text, length);
    for (const unsigned char *s = (const unsigned char *)to; *s;) {
        const int bytes = sequence(s);
        if (!bytes)
            return nlg_fail(err, NLG_ERR_INPUT, "%s: text %d: expected UTF-8 without control characters", path, style->n_texts);
        s += bytes;
    }
    return strlen(to) == length ? NLG_OK : nlg_fail(err, NLG_ERR_INPUT, "%s: text %d holds a zero byte", path, style->n_texts);
}

static nlg_status read_texts(const char *path, nlg_layout_style *style, nlg_error *err) {
    enum { LARGEST = 1 << 16 };
    char *data;
    size_t size;
    NLG_TRY(nlg_file_read(path, LARGEST, &data, &size, err));
    style->n_texts = 0;
    nlg_status status = NLG_OK;
    for (const char *at = data, *end = data + size; at < end && status == NLG_OK;) {
        const char *newline = memchr(at, '\n', (size_t)(end - at)), *stop = newline ? newline : end;
        size_t length = (size_t)(stop - at);
        if (length && at[length - 1] == '\r') length--;
        if (length) status = add_text(style, path, at, length, err);
        at = stop + 1;
    }
    nlg_free(data);
    if (status == NLG_OK && style->n_texts == 0)
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected one text a line, found none", path);
    return status;
}

/* ---- colours of a picture ------------------------------------------------------------------------------------------ */

typedef struct colour_count {
    uint32_t colour, count;
} colour_count;

static int by_colour(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

/* More frequent ones first, then the smaller value. */
static int by_count(const void *a, const void *b) {
    const colour_count *x = a, *y = b;
    if (x->count != y->count) return x->count > y->count ? -1 : 1;
    return x->colour < y->colour ? -1 : x->colour > y->colour;
}

static bool is_near(const uint8_t a[3], const uint8_t b[3]) {
    enum { NEAR = 40 }; /* sum over the channels */
    int sum = 0;
    for (int i = 0; i < 3; i++) sum += abs(a[i] - b[i]);
    return sum < NEAR;
}

/* The most frequent colours that are not near a more frequent one. */
static nlg_status choose_palette(const nlg_image *image, nlg_layout_style *style, nlg_error *err) {
    const size_t n = (size_t)image->w * (size_t)image->h;
    uint32_t *all = nlg_alloc(n, sizeof *all);
    colour_count *counts = nlg_alloc(n, sizeof *counts);
    if (!all || !counts) {
        nlg_free(all);
        nlg_free(counts);
        return nlg_fail_memory(err, n * (sizeof *all + sizeof *counts), "the colours of a picture");
    }
    for (size_t i = 0; i < n; i++) {
        const uint8_t *p = image->rgb + 3 * i;
        all[i] = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
    }
    qsort(all, n, sizeof *all, by_colour);
    size_t distinct = 0;
    for (size_t i = 0; i < n; i++) {
        if (i == 0 || all[i] != all[i - 1]) counts[distinct++] = (colour_count){all[i], 0};
        counts[distinct - 1].count++;
    }
    qsort(counts, distinct, sizeof *counts, by_count);
    style->n_colours = 0;
    for (size_t i = 0; i < distinct && style->n_colours < NLG_LAYOUT_COLOURS; i++) {
        const uint8_t rgb[3] = {(uint8_t)(counts[i].colour >> 16), (uint8_t)(counts[i].colour >> 8), (uint8_t)counts[i].colour};
        bool new = true;
        for (int k = 0; k < style->n_colours; k++) new = new && !is_near(rgb, style->palette[k]);
        if (new) memcpy(style->palette[style->n_colours++], rgb, 3);
    }
    nlg_free(all);
    nlg_free(counts);
    return NLG_OK;
}

/* ---- opening ------------------------------------------------------------------------------------------------------- */

static nlg_status open_file(const char *name, nlg_layout_target *t, nlg_error *err) {
    char path[1024];
    const char *mark = strrchr(name, '#');
    snprintf(path, sizeof path, "%.*s", mark ? (int)(mark - name) : (int)strlen(name), name);
    if (!nlg_file_exists(path)) {
        nlg_nearest nearest = {.wanted = name};
        for (int i = 0; i < TARGETS; i++) nlg_nearest_try(&nearest, targets[i].name);
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: there is no such picture, and no built-in target of this name (sign-in, profile, shop, outside); the "
                        "nearest is '%s'",
                        path, nearest.best);
    }
    NLG_TRY(nlg_image_read(path, &t->picture, err));
    const int w = t->picture.w, h = t->picture.h;
    if (w < 64 || h < 64 || w > NLG_LAYOUT_SIDE_MAX || h > NLG_LAYOUT_SIDE_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a picture of 64 to %d pixels a side, found %d x %d; resize it", path,
                        NLG_LAYOUT_SIDE_MAX, w, h);
    t->style.w = w, t->style.h = h;
    return choose_palette(&t->picture, &t->style, err);
}

static nlg_status digest_of(nlg_layout_target *t, const char *name, nlg_error *err) {
    nlg_digest *digest = nlg_digest_create();
    if (!digest) return nlg_fail_memory(err, 256, "a digest");
    char text[1024];
    const int length = snprintf(text, sizeof text, "%d %d %d %d", t->style.w, t->style.h, t->style.n_colours, t->style.n_texts);
    nlg_digest_update(digest, text, (size_t)length + 1);
    nlg_digest_update(digest, t->style.palette, sizeof t->style.palette);
    nlg_digest_update(digest, t->style.texts, sizeof t->style.texts);
    if (t->picture.rgb) {
        nlg_digest_update(digest, t->picture.rgb, (size_t)t->picture.w * (size_t)t->picture.h * 3);
    } else {
        nlg_digest_update(digest, name, strlen(name) + 1);
        if (t->has_truth) nlg_digest_update(digest, text, nlg_layout_write(&t->truth, text, sizeof text));
    }
    nlg_digest_finish(digest, t->digest);
    return NLG_OK;
}

static nlg_status name_file(nlg_layout_target *t, const char *name, nlg_error *err) {
    enum { DIGITS = 12, LONGEST = 40 };
    const char *mark = strrchr(name, '#'), *slash = strrchr(name, '/'), *base = slash ? slash + 1 : name;
    if (mark && strncmp(mark + 1, t->digest, DIGITS) != 0)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%.*s: expected the target with digest %s, found %.12s; another picture or list of texts",
                        (int)(mark - name), name, mark + 1, t->digest);
    const int length = (int)(mark && mark > base ? (size_t)(mark - base) : strlen(base));
    snprintf(t->name, sizeof t->name, "%.*s#%.*s", length < LONGEST ? length : LONGEST, base, DIGITS, t->digest);
    return NLG_OK;
}

nlg_status nlg_layout_target_open(const char *name, const char *texts, nlg_layout_target *t, nlg_error *err) {
    *t = (nlg_layout_target){.style = built_in};
    int i = 0;
    while (i < TARGETS && strcmp(targets[i].name, name) != 0) i++;
    nlg_status status = i < TARGETS ? NLG_OK : open_file(name, t, err);
    if (status == NLG_OK && texts[0]) status = read_texts(texts, &t->style, err);
    if (status == NLG_OK && i < TARGETS && targets[i].truth && !texts[0]) {
        t->has_truth = true;
        status = nlg_layout_read(targets[i].truth, &t->style, &t->truth, err);
    } else if (status == NLG_OK && i < TARGETS && targets[i].truth) {
        status = nlg_fail(err, NLG_ERR_INPUT, "target %s has texts of its own; give texts with a picture of yours", name);
    }
    if (status == NLG_OK) status = digest_of(t, name, err);
    if (status == NLG_OK && i < TARGETS && !texts[0]) {
        snprintf(t->name, sizeof t->name, "%s", name);
    } else if (status == NLG_OK) {
        status = name_file(t, name, err);
    }
    if (status != NLG_OK) nlg_layout_target_close(t);
    return status;
}

void nlg_layout_target_close(nlg_layout_target *t) {
    if (t->picture.rgb) nlg_image_release(&t->picture);
    *t = (nlg_layout_target){0};
}

nlg_status nlg_layout_target_picture(const nlg_layout_target *t, int divisor, nlg_image *image, nlg_error *err) {
    if (t->picture.rgb) {
        const int w = t->style.w / divisor, h = t->style.h / divisor;
        *image = (nlg_image){h, w, nlg_alloc((size_t)w * (size_t)h * 3, 1)};
        if (!image->rgb) return nlg_fail_memory(err, (size_t)w * (size_t)h * 3, "a picture");
        const nlg_resize_plan plan = {.h = h, .w = w, .window_h = h, .window_w = w, .filter = NLG_FILTER_BILINEAR};
        nlg_status status = nlg_image_resize(&t->picture, &plan, image->rgb, err);
        if (status != NLG_OK) nlg_image_release(image);
        return status;
    }
    if (!t->has_truth) return nlg_layout_paint_outside(&t->style, divisor, image, err);
    nlg_layout_painter *painter;
    NLG_TRY(nlg_layout_painter_create(&t->style, divisor, &painter, err));
    nlg_status status = nlg_layout_paint_image(painter, &t->truth, image, err);
    nlg_layout_painter_destroy(painter);
    return status;
}
