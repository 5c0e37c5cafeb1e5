#include "harness/report/layouts_svg.h"

#include <string.h>

#include "harness/measures/measure.h"
#include "harness/report/escape.h"
#include "layers/base/memory.h"
#include "search/layouts/target.h"

enum { WIDTH = 150, GAP = 14, HEAD = 34, DIVISOR = 2 };

typedef struct drawing {
    FILE *out;
    double top; /* of the row */
} drawing;

static nlg_status put_picture(const drawing *d, int column, double height, const char *title, const nlg_image *image,
                              nlg_error *err) {
    const double left = column * (WIDTH + GAP);
    char *png;
    size_t size;
    NLG_TRY(nlg_image_encode_png(image, &png, &size, err));
    fprintf(d->out, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"12\" fill=\"currentColor\">", left, d->top - 7);
    nlg_escape(d->out, NLG_ESCAPE_HTML, title);
    fprintf(d->out, "</text>\n<image x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" href=\"data:image/png;base64,", left,
            d->top, WIDTH, height);
    nlg_escape_base64(d->out, png, size);
    fprintf(d->out,
            "\"/>\n<rect x=\"%.1f\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"none\" stroke=\"currentColor\" "
            "stroke-opacity=\"0.4\"/>\n",
            left, d->top, WIDTH, height);
    nlg_free(png);
    return NLG_OK;
}

static nlg_status put_layout(const drawing *d, int column, double height, const nlg_layout_target *target,
                             nlg_layout_painter *painter, const cJSON *found, nlg_error *err) {
    nlg_layout layout;
    nlg_image image;
    NLG_TRY(nlg_layout_read(nlg_value_text(found, "genotype"), &target->style, &layout, err));
    NLG_TRY(nlg_layout_paint_image(painter, &layout, &image, err));
    nlg_status status = put_picture(d, column, height, nlg_value_text(found, "title"), &image, err);
    nlg_image_release(&image);
    return status;
}

static nlg_status put_row(drawing *d, const cJSON *row, const nlg_layout_target *target, nlg_error *err) {
    const double height = (double)WIDTH * target->style.h / target->style.w;
    nlg_layout_painter *painter;
    nlg_image image;
    const cJSON *found;
    int column = 0;
    NLG_TRY(nlg_layout_target_picture(target, DIVISOR, &image, err));
    nlg_status status = put_picture(d, column++, height, target->name, &image, err);
    nlg_image_release(&image);
    if (status == NLG_OK) status = nlg_layout_painter_create(&target->style, DIVISOR, &painter, err);
    if (status != NLG_OK) return status;
    cJSON_ArrayForEach(found, cJSON_GetObjectItemCaseSensitive(row, "found")) {
        if (status == NLG_OK) status = put_layout(d, column++, height, target, painter, found, err);
    }
    nlg_layout_painter_destroy(painter);
    d->top += height + GAP + HEAD;
    return status;
}

static nlg_status open_target(const cJSON *row, nlg_layout_target *target, nlg_error *err) {
    NLG_TRY(nlg_layout_target_open(nlg_value_text(row, "target"), "", target, err));
    if (strcmp(target->digest, nlg_value_text(row, "digest")) == 0) return NLG_OK;
    nlg_layout_target_close(target);
    return nlg_fail(err, NLG_ERR_INPUT, "target %s: it is another one than that of the records", nlg_value_text(row, "target"));
}

/* The size of the whole picture. */
static nlg_status measure(const cJSON *layouts, int *width, double *height, nlg_error *err) {
    const cJSON *row;
    int columns = 0;
    *height = 0;
    cJSON_ArrayForEach(row, layouts) {
        nlg_layout_target target;
        const int n = 1 + cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(row, "found"));
        NLG_TRY(open_target(row, &target, err));
        *height += (double)WIDTH * target.style.h / target.style.w + GAP + HEAD;
        nlg_layout_target_close(&target);
        if (n > columns) columns = n;
    }
    *width = columns * (WIDTH + GAP) - GAP + 1; /* the last frame */
    return NLG_OK;
}

nlg_status nlg_layouts_svg(FILE *out, const cJSON *layouts, const char *id, const char *title, nlg_error *err) {
    drawing d = {.out = out, .top = HEAD};
    const cJSON *row;
    int width;
    double height;
    NLG_TRY(measure(layouts, &width, &height, err));
    fprintf(out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%.0f\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
            "aria-labelledby=\"%s-title\" class=\"cell\" font-family=\"sans-serif\">\n<title id=\"%s-title\">",
            width, height, width, height, id, id);
    nlg_escape(out, NLG_ESCAPE_HTML, title);
    fputs("</title>\n<style>.cell{color:#1f2328}@media(prefers-color-scheme:dark){.cell{color:#e6e8ea}}</style>\n", out);
    nlg_status status = NLG_OK;
    cJSON_ArrayForEach(row, layouts) {
        nlg_layout_target target;
        if (status == NLG_OK) status = open_target(row, &target, err);
        if (status != NLG_OK) break;
        status = put_row(&d, row, &target, err);
        nlg_layout_target_close(&target);
    }
    fputs("</svg>\n", out);
    return status;
}
