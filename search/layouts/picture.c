/* Pictures of layouts, by Cairo. Curves are Bézier arcs with constant coefficients: no function of the C library decides a pixel.
 */
#include "search/layouts/picture.h"

#include <string.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

#ifdef NLG_CAIRO

#include <cairo.h>
#include <cairo-ft.h>

#define FONT_FILE "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
#define ARC       0.5522847498 /* of the radius: a quarter of a circle by one Bézier curve */

struct nlg_layout_painter {
    nlg_layout_style style;
    cairo_surface_t *surface;
    cairo_t *cairo;
};

bool nlg_layout_can_draw(void) {
    return true;
}

/* ---- font ---- */

typedef struct font {
    FT_Library library;
    FT_Face face;
} font;

static void close_font(void *data) {
    font *f = data;
    if (f->face) FT_Done_Face(f->face);
    if (f->library) FT_Done_FreeType(f->library);
    nlg_free(f);
}

static nlg_status open_font(cairo_t *cairo, nlg_error *err) {
    static const cairo_user_data_key_t key;
    font *f = nlg_alloc(1, sizeof *f);
    if (!f) return nlg_fail_memory(err, sizeof *f, "a font");
    if (FT_Init_FreeType(&f->library) != 0 || FT_New_Face(f->library, FONT_FILE, 0, &f->face) != 0) {
        close_font(f);
        return nlg_fail(err, NLG_ERR_IO, FONT_FILE ": cannot be read; layouts are drawn with it: install fonts-dejavu-core");
    }
    cairo_font_face_t *face = cairo_ft_font_face_create_for_ft_face(f->face, FT_LOAD_NO_HINTING | FT_LOAD_NO_AUTOHINT);
    if (cairo_font_face_set_user_data(face, &key, f, close_font) != CAIRO_STATUS_SUCCESS) {
        cairo_font_face_destroy(face);
        close_font(f);
        return nlg_fail_memory(err, 0, "a font");
    }
    cairo_font_options_t *options = cairo_font_options_create();
    cairo_font_options_set_antialias(options, CAIRO_ANTIALIAS_GRAY);
    cairo_font_options_set_hint_style(options, CAIRO_HINT_STYLE_NONE);
    cairo_font_options_set_hint_metrics(options, CAIRO_HINT_METRICS_OFF);
    cairo_set_font_options(cairo, options);
    cairo_set_font_face(cairo, face);
    cairo_font_options_destroy(options);
    cairo_font_face_destroy(face); /* the context holds it */
    return NLG_OK;
}

/* ---- life ---- */

static nlg_status check(const nlg_layout_painter *p, nlg_error *err) {
    const cairo_status_t status = p->cairo ? cairo_status(p->cairo) : CAIRO_STATUS_NO_MEMORY;
    if (status == CAIRO_STATUS_SUCCESS) return NLG_OK;
    if (status == CAIRO_STATUS_NO_MEMORY) return nlg_fail_memory(err, 0, "a picture");
    return nlg_fail(err, NLG_ERR_INPUT, "a layout cannot be drawn: %s", cairo_status_to_string(status));
}

nlg_status nlg_layout_painter_create(const nlg_layout_style *style, int divisor, nlg_layout_painter **painter, nlg_error *err) {
    *painter = NULL;
    nlg_layout_painter *p = nlg_alloc(1, sizeof *p);
    if (!p) return nlg_fail_memory(err, sizeof *p, "a picture");
    p->style = *style;
    p->surface = cairo_image_surface_create(CAIRO_FORMAT_RGB24, style->w / divisor, style->h / divisor);
    p->cairo = cairo_create(p->surface);
    cairo_scale(p->cairo, 1.0 / divisor, 1.0 / divisor);
    nlg_status status = check(p, err);
    if (status == NLG_OK) status = open_font(p->cairo, err);
    if (status != NLG_OK) {
        nlg_layout_painter_destroy(p);
        return status;
    }
    *painter = p;
    return NLG_OK;
}

void nlg_layout_painter_destroy(nlg_layout_painter *p) {
    if (!p) return;
    cairo_destroy(p->cairo);
    cairo_surface_destroy(p->surface);
    nlg_free(p);
}

/* ---- drawing ---- */

static void set_colour(cairo_t *c, const uint8_t rgb[3]) {
    cairo_set_source_rgb(c, rgb[0] / 255.0, rgb[1] / 255.0, rgb[2] / 255.0);
}

static void add_rectangle(cairo_t *c, double x, double y, double w, double h, double r) {
    if (2 * r > w) r = w / 2;
    if (2 * r > h) r = h / 2;
    if (r <= 0) {
        cairo_rectangle(c, x, y, w, h);
        return;
    }
    const double k = r - ARC * r, right = x + w, bottom = y + h;
    cairo_move_to(c, x + r, y);
    cairo_line_to(c, right - r, y);
    cairo_curve_to(c, right - k, y, right, y + k, right, y + r);
    cairo_line_to(c, right, bottom - r);
    cairo_curve_to(c, right, bottom - k, right - k, bottom, right - r, bottom);
    cairo_line_to(c, x + r, bottom);
    cairo_curve_to(c, x + k, bottom, x, bottom - k, x, bottom - r);
    cairo_line_to(c, x, y + r);
    cairo_curve_to(c, x, y + k, x + k, y, x + r, y);
    cairo_close_path(c);
}

/* DejaVu Sans' ascent and descent, 0.928 and 0.236 of its size, in whole pixels as browsers take them; the line is as high as
 * the component. */
static void draw_text(cairo_t *c, const nlg_layout_item *item) {
    enum { INDENT = 8 /* border and padding of an input */ };
    const int ascent = (928 * item->font + 500) / 1000, descent = (236 * item->font + 500) / 1000;
    cairo_set_font_size(c, item->font);
    double x = item->x;
    if (item->kind == NLG_LAYOUT_INPUT) x += INDENT;
    if (item->kind == NLG_LAYOUT_BUTTON) {
        cairo_text_extents_t extents;
        cairo_text_extents(c, item->text, &extents);
        x += (item->w - extents.x_advance) / 2;
    }
    set_colour(c, item->ink);
    cairo_move_to(c, x, item->y + (item->h - ascent - descent) / 2 + ascent);
    cairo_show_text(c, item->text);
}

static void draw_item(cairo_t *c, const nlg_layout_item *item) {
    if (item->filled) {
        add_rectangle(c, item->x, item->y, item->w, item->h, item->radius);
        set_colour(c, item->colour);
        cairo_fill(c);
    }
    if (item->kind == NLG_LAYOUT_INPUT || item->kind == NLG_LAYOUT_IMAGE) {
        set_colour(c, item->ink);
        cairo_set_line_width(c, 2);
        const int x = item->x, y = item->y, r = item->radius, right = x + item->w, bottom = y + item->h;
        if (item->kind == NLG_LAYOUT_INPUT) {
            add_rectangle(c, x + 1, y + 1, item->w - 2, item->h - 2, r > 1 ? r - 1 : 0);
        } else {
            cairo_move_to(c, x + r, y + r);
            cairo_line_to(c, right - r, bottom - r);
            cairo_move_to(c, right - r, y + r);
            cairo_line_to(c, x + r, bottom - r);
        }
        cairo_stroke(c);
    }
    if (item->text) draw_text(c, item);
}

nlg_status nlg_layout_paint(nlg_layout_painter *p, const nlg_layout *layout, const uint32_t **pixels, int *stride, nlg_error *err) {
    nlg_layout_item items[NLG_LAYOUT_COMPONENTS];
    const int n = nlg_layout_items(layout, &p->style, items);
    set_colour(p->cairo, p->style.palette[layout->background]);
    cairo_paint(p->cairo);
    for (int i = 0; i < n; i++) draw_item(p->cairo, &items[i]);
    cairo_surface_flush(p->surface);
    NLG_TRY(check(p, err));
    *pixels = (const uint32_t *)(const void *)cairo_image_surface_get_data(p->surface);
    *stride = cairo_image_surface_get_stride(p->surface) / (int)sizeof **pixels;
    return NLG_OK;
}

static nlg_status copy(const nlg_layout_painter *p, nlg_image *image, nlg_error *err) {
    const int w = cairo_image_surface_get_width(p->surface), h = cairo_image_surface_get_height(p->surface);
    const int stride = cairo_image_surface_get_stride(p->surface);
    const unsigned char *data = cairo_image_surface_get_data(p->surface);
    *image = (nlg_image){h, w, nlg_alloc((size_t)w * (size_t)h * 3, 1)};
    if (!image->rgb) return nlg_fail_memory(err, (size_t)w * (size_t)h * 3, "a picture");
    for (int y = 0; y < h; y++) {
        for (int x = 0; x < w; x++) {
            uint32_t pixel;
            memcpy(&pixel, data + (size_t)y * (size_t)stride + 4 * (size_t)x, sizeof pixel);
            uint8_t *to = image->rgb + 3 * ((size_t)y * (size_t)w + (size_t)x);
            to[0] = (uint8_t)(pixel >> 16), to[1] = (uint8_t)(pixel >> 8), to[2] = (uint8_t)pixel;
        }
    }
    return NLG_OK;
}

nlg_status nlg_layout_paint_image(nlg_layout_painter *p, const nlg_layout *layout, nlg_image *image, nlg_error *err) {
    const uint32_t *pixels;
    int stride;
    NLG_TRY(nlg_layout_paint(p, layout, &pixels, &stride, err));
    return copy(p, image, err);
}

/* ---- a picture that is no layout ---- */

static void add_circle(cairo_t *c, double x, double y, double r) {
    add_rectangle(c, x - r, y - r, 2 * r, 2 * r, r);
}

nlg_status nlg_layout_paint_outside(const nlg_layout_style *style, int divisor, nlg_image *image, nlg_error *err) {
    static const double chart[][2] = {{24, 400}, {72, 372}, {120, 384}, {168, 336}, {216, 352}, {264, 304}, {296, 280}};
    nlg_layout_painter *p;
    NLG_TRY(nlg_layout_painter_create(style, divisor, &p, err));
    cairo_t *c = p->cairo;
    cairo_scale(c, style->w / 320.0, style->h / 480.0);
    cairo_set_source_rgb(c, 0.97, 0.97, 0.98);
    cairo_paint(c);
    cairo_pattern_t *sky = cairo_pattern_create_linear(0, 0, 320, 160);
    cairo_pattern_add_color_stop_rgb(sky, 0, 0.16, 0.25, 0.60);
    cairo_pattern_add_color_stop_rgb(sky, 1, 0.55, 0.36, 0.75);
    cairo_set_source(c, sky);
    cairo_rectangle(c, 0, 0, 320, 160);
    cairo_fill(c);
    cairo_pattern_destroy(sky);
    cairo_set_source_rgb(c, 1, 1, 1);
    add_circle(c, 160, 160, 52);
    cairo_fill(c);
    cairo_set_source_rgb(c, 0.95, 0.65, 0.25);
    add_circle(c, 160, 160, 46);
    cairo_fill(c);
    cairo_set_source_rgb(c, 0.85, 0.87, 0.92);
    cairo_move_to(c, chart[0][0], 440);
    for (size_t i = 0; i < sizeof chart / sizeof *chart; i++) cairo_line_to(c, chart[i][0], chart[i][1]);
    cairo_line_to(c, 296, 440);
    cairo_close_path(c);
    cairo_fill(c);
    cairo_set_source_rgb(c, 0.16, 0.25, 0.60);
    cairo_set_line_width(c, 4);
    for (size_t i = 0; i < sizeof chart / sizeof *chart; i++) cairo_line_to(c, chart[i][0], chart[i][1]);
    cairo_stroke(c);
    for (size_t i = 0; i < sizeof chart / sizeof *chart; i++) {
        add_circle(c, chart[i][0], chart[i][1], 6);
        cairo_fill(c);
    }
    cairo_surface_flush(p->surface);
    nlg_status status = check(p, err);
    if (status == NLG_OK) status = copy(p, image, err);
    nlg_layout_painter_destroy(p);
    return status;
}

#else

static nlg_status no_cairo(nlg_error *err) {
    return nlg_fail(err, NLG_ERR_INPUT,
                    "layouts cannot be drawn: this program was built without Cairo; install libcairo2-dev and build it again");
}

bool nlg_layout_can_draw(void) {
    return false;
}

nlg_status nlg_layout_painter_create(const nlg_layout_style *style, int divisor, nlg_layout_painter **painter, nlg_error *err) {
    (void)style, (void)divisor;
    *painter = NULL;
    return no_cairo(err);
}

void nlg_layout_painter_destroy(nlg_layout_painter *painter) {
    (void)painter;
}

nlg_status nlg_layout_paint(nlg_layout_painter *painter, const nlg_layout *layout, const uint32_t **pixels, int *stride,
                            nlg_error *err) {
    (void)painter, (void)layout, (void)pixels, (void)stride;
    return no_cairo(err);
}

nlg_status nlg_layout_paint_image(nlg_layout_painter *painter, const nlg_layout *layout, nlg_image *image, nlg_error *err) {
    (void)painter, (void)layout, (void)image;
    return no_cairo(err);
}

nlg_status nlg_layout_paint_outside(const nlg_layout_style *style, int divisor, nlg_image *image, nlg_error *err) {
    (void)style, (void)divisor, (void)image;
    return no_cairo(err);
}

#endif
