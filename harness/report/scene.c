/* Scenes, and as SVG, PNG and PDF. */
#include "harness/report/scene.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/report/escape.h"
#include "harness/report/gnuplot.h"
#include "harness/report/layout.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

/* Light and dark; the colours of Okabe and Ito, told apart by colour-blind readers. */
static const struct {
    const char *fill, *border, *dark_fill, *dark_border;
} tones[NLG_TONES] = {
    [NLG_TONE_INPUT] = {"#fdeee2", "#d55e00", "#3a2416", "#ff9d5c"},
    [NLG_TONE_LAYER] = {"#e4f0f9", "#0072b2", "#12293b", "#56b4e9"},
    [NLG_TONE_POOL] = {"#ddf3ec", "#009e73", "#10302a", "#3fc9a0"},
    [NLG_TONE_JOIN] = {"#f1f2f4", "#6b7480", "#2a2f35", "#a9b2bc"},
    [NLG_TONE_BLOCK] = {"#fff8e3", "#b07d00", "#302a18", "#e6b84a"},
};
static const char *const page = "#ffffff", *const dark_page = "#15171a";
static const char *const ink = "#1f2328", *const dark_ink = "#e6e8ea", *const line_colour = "#57606a", *const dark_line = "#a9b2bc";

static const struct {
    double size;
    bool bold;
} faces[NLG_FACES] = {[NLG_FACE_HEAD] = {14, true},
                      [NLG_FACE_BOLD] = {12, true},
                      [NLG_FACE_PLAIN] = {12, false},
                      [NLG_FACE_SOFT] = {11, false},
                      [NLG_FACE_SMALL] = {9, false}};

double nlg_face_size(nlg_face face) {
    return faces[face].size;
}

const char *nlg_tone_fill(nlg_tone tone) {
    return tones[tone].fill;
}

double nlg_face_width(nlg_face face, const char *text) {
    return nlg_text_width(text, faces[face].size) * (faces[face].bold ? 1.12 : 1);
}

/* --- what a scene holds --- */

void nlg_scene_free(nlg_scene *s) {
    nlg_free(s->boxes);
    nlg_free(s->lines);
    nlg_free(s->texts);
    nlg_free(s->points);
    for (int i = 0; i < s->n_pictures; i++) nlg_image_release(&s->pictures[i].image);
    nlg_free(s->pictures);
    nlg_free(s->places);
    nlg_free(s->frames);
    *s = (nlg_scene){0};
}

/* The list with room for one more; NULL, and noted, when memory is short. */
static void *more(nlg_scene *s, void *list, int *room, int count, size_t size) {
    void *grown = s->short_of_memory ? NULL : nlg_grow(list, room, count, size);
    s->short_of_memory = grown == NULL;
    return grown;
}

void nlg_scene_add_box(nlg_scene *s, nlg_scene_box box) {
    nlg_scene_box *boxes = more(s, s->boxes, &s->room_boxes, s->n_boxes, sizeof box);
    if (!boxes) return;
    s->boxes = boxes;
    boxes[s->n_boxes++] = box;
}

void nlg_scene_add_text(nlg_scene *s, double x, double y, int anchor, nlg_face face, const char *text) {
    nlg_scene_text t = {.x = x, .y = y, .anchor = anchor, .face = face}, *texts;
    snprintf(t.text, sizeof t.text, "%s", text);
    if (!*text || !(texts = more(s, s->texts, &s->room_texts, s->n_texts, sizeof t))) return;
    s->texts = texts;
    texts[s->n_texts++] = t;
}

static void add_point(nlg_scene *s, double x, double y) {
    nlg_scene_point *points = more(s, s->points, &s->room_points, s->n_points, sizeof *points);
    if (!points) return;
    s->points = points;
    points[s->n_points++] = (nlg_scene_point){x, y};
}

void nlg_scene_line_from(nlg_scene *s, double x, double y) {
    nlg_scene_line *lines = more(s, s->lines, &s->room_lines, s->n_lines, sizeof *lines);
    if (!lines) return;
    s->lines = lines;
    lines[s->n_lines++] = (nlg_scene_line){.first = s->n_points};
    add_point(s, x, y);
}

static void piece(nlg_scene *s, double x1, double y1, double x2, double y2, double x, double y) {
    add_point(s, x1, y1);
    add_point(s, x2, y2);
    add_point(s, x, y);
}

static nlg_scene_point last_point(const nlg_scene *s) {
    return s->n_points ? s->points[s->n_points - 1] : (nlg_scene_point){0, 0};
}

void nlg_scene_straight_to(nlg_scene *s, double x, double y) {
    nlg_scene_point p = last_point(s);
    piece(s, p.x + (x - p.x) / 3, p.y + (y - p.y) / 3, x - (x - p.x) / 3, y - (y - p.y) / 3, x, y);
}

void nlg_scene_curve_to(nlg_scene *s, double x, double y) {
    nlg_scene_point p = last_point(s);
    const double bend = 0.5 * (y - p.y);
    if (p.x == x)
        nlg_scene_straight_to(s, x, y);
    else
        piece(s, p.x, p.y + bend, x, y - bend, x, y);
}

void nlg_scene_turn_to(nlg_scene *s, double x, double y, double corner_x, double corner_y) {
    nlg_scene_point p = last_point(s);
    piece(s, 0.4 * p.x + 0.6 * corner_x, 0.4 * p.y + 0.6 * corner_y, 0.4 * x + 0.6 * corner_x, 0.4 * y + 0.6 * corner_y, x, y);
}

void nlg_scene_line_ends(nlg_scene *s, bool dashed, bool arrow) {
    if (s->short_of_memory) return;
    nlg_scene_line *line = &s->lines[s->n_lines - 1];
    line->n = s->n_points - line->first;
    line->dashed = dashed;
    line->arrow = arrow;
}

int nlg_scene_add_picture(nlg_scene *s, nlg_image *image, double w, double h, bool coarse) {
    nlg_scene_picture *pictures = more(s, s->pictures, &s->room_pictures, s->n_pictures, sizeof *pictures);
    if (pictures) {
        s->pictures = pictures;
        pictures[s->n_pictures++] = (nlg_scene_picture){.image = *image, .w = w, .h = h, .coarse = coarse};
    } else {
        nlg_image_release(image);
    }
    *image = (nlg_image){0};
    return s->n_pictures - 1;
}

void nlg_scene_put_picture(nlg_scene *s, int picture, double x, double y) {
    nlg_scene_place *places = more(s, s->places, &s->room_places, s->n_places, sizeof *places);
    if (!places) return;
    s->places = places;
    places[s->n_places++] = (nlg_scene_place){picture, x, y};
}

void nlg_scene_add_frame(nlg_scene *s, nlg_scene_frame frame) {
    nlg_scene_frame *frames = more(s, s->frames, &s->room_frames, s->n_frames, sizeof frame);
    if (!frames) return;
    s->frames = frames;
    frames[s->n_frames++] = frame;
}

/* The three corners of an arrow's head; the tip comes first. */
static void head_of(const nlg_scene *s, const nlg_scene_line *line, nlg_scene_point corner[3]) {
    const double length = 6.5, half = 3;
    const nlg_scene_point tip = s->points[line->first + line->n - 1], *from = &s->points[line->first + line->n - 2];
    double dx = tip.x - from->x, dy = tip.y - from->y, norm = hypot(dx, dy);
    if (norm < 1e-9) dx = 0, dy = norm = 1;
    dx /= norm, dy /= norm;
    corner[0] = tip;
    for (int side = 0; side < 2; side++) {
        const double across = side ? half : -half;
        corner[side + 1] = (nlg_scene_point){tip.x - length * dx - across * dy, tip.y - length * dy + across * dx};
    }
}

/* --- SVG --- */

static void print_style(FILE *f, bool dark) {
    fprintf(f, ".structure{color:%s}.structure .l{stroke:%s}.structure .a{fill:%s}.structure .s{fill:%s}", dark ? dark_ink : ink,
            dark ? dark_line : line_colour, dark ? dark_line : line_colour, dark ? dark_line : line_colour);
    fprintf(f, ".structure .g{fill:%s}", dark ? dark_page : page);
    for (int t = 0; t < NLG_TONES; t++)
        fprintf(f, ".structure .t%d{fill:%s;stroke:%s}", t, dark ? tones[t].dark_fill : tones[t].fill,
                dark ? tones[t].dark_border : tones[t].border);
}

static void print_box(FILE *f, const nlg_scene_box *b) {
    if (b->round)
        fprintf(f, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", b->x + 0.5 * b->w, b->y + 0.5 * b->h, 0.5 * b->w);
    else
        fprintf(f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"4\"", b->x, b->y, b->w, b->h);
    fprintf(f, " class=\"t%d\" stroke-width=\"%s\"%s/>\n", (int)b->tone, b->strong ? "2.6" : "1.4",
            b->dashed ? " stroke-dasharray=\"4 3\"" : "");
}

static void print_line(FILE *f, const nlg_scene *s, const nlg_scene_line *line) {
    const nlg_scene_point *p = &s->points[line->first];
    fprintf(f, "<path class=\"l\"%s d=\"M%.1f %.1f", line->dashed ? " stroke-dasharray=\"5 3\"" : "", p->x, p->y);
    for (int i = 1; i < line->n; i++) fprintf(f, "%s%.1f %.1f", i % 3 == 1 ? "C" : " ", p[i].x, p[i].y);
    fprintf(f, "\"/>\n");
    if (!line->arrow) return;
    nlg_scene_point c[3];
    head_of(s, line, c);
    fprintf(f, "<path class=\"a\" stroke=\"none\" d=\"M%.1f %.1fL%.1f %.1fL%.1f %.1fZ\"/>\n", c[0].x, c[0].y, c[1].x, c[1].y,
            c[2].x, c[2].y);
}

static void print_text(FILE *f, const nlg_scene_text *t) {
    static const char *const anchors[] = {"start", "middle", "end"};
    fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" font-size=\"%g\" text-anchor=\"%s\"%s%s>", t->x, t->y, faces[t->face].size,
            anchors[t->anchor + 1], faces[t->face].bold ? " font-weight=\"bold\"" : "",
            t->face == NLG_FACE_SOFT ? " class=\"s\"" : "");
    nlg_escape(f, NLG_ESCAPE_HTML, t->text);
    fputs("</text>\n", f);
}

static nlg_status print_pictures(FILE *f, const nlg_scene *s, const char *id, nlg_error *err) {
    if (s->n_pictures) fputs("<defs>\n", f);
    for (int i = 0; i < s->n_pictures; i++) {
        const nlg_scene_picture *p = &s->pictures[i];
        char *png;
        size_t size;
        NLG_TRY(nlg_image_encode_png(&p->image, &png, &size, err));
        fputs("<image id=\"", f);
        nlg_escape(f, NLG_ESCAPE_HTML, id);
        fprintf(f, "-%d\" width=\"%.1f\" height=\"%.1f\"%s href=\"data:image/png;base64,", i, p->w, p->h,
                p->coarse ? " style=\"image-rendering:pixelated\"" : "");
        nlg_escape_base64(f, png, size);
        fputs("\"/>\n", f);
        nlg_free(png);
    }
    if (s->n_pictures) fputs("</defs>\n", f);
    for (int i = 0; i < s->n_places; i++) {
        fputs("<use href=\"#", f);
        nlg_escape(f, NLG_ESCAPE_HTML, id);
        fprintf(f, "-%d\" x=\"%.1f\" y=\"%.1f\"/>\n", s->places[i].picture, s->places[i].x, s->places[i].y);
    }
    return NLG_OK;
}

static void print_frames(FILE *f, const nlg_scene *s, bool grounds) {
    for (int i = 0; i < s->n_frames; i++) {
        const nlg_scene_frame *r = &s->frames[i];
        if (r->is_ground == grounds)
            fprintf(
                f, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" %s stroke=\"#%02x%02x%02x\" stroke-width=\"%s\"/>\n",
                r->x, r->y, r->w, r->h, grounds ? "class=\"g\"" : "fill=\"none\"", r->rgb[0], r->rgb[1], r->rgb[2],
                grounds ? "1" : "1.5");
    }
}

static nlg_status print_svg(FILE *f, const nlg_scene *s, const char *id, const char *title, const char *alt, nlg_error *err) {
    fprintf(f,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" "
            "class=\"structure%s\" font-family=\"sans-serif\" fill=\"currentColor\" aria-labelledby=\"",
            s->width, s->height, s->width, s->height, s->n_pictures ? " pictures" : "");
    nlg_escape(f, NLG_ESCAPE_HTML, id);
    fputs("-title ", f);
    nlg_escape(f, NLG_ESCAPE_HTML, id);
    fputs("-alt\">\n<title id=\"", f);
    nlg_escape(f, NLG_ESCAPE_HTML, id);
    fputs("-title\">", f);
    nlg_escape(f, NLG_ESCAPE_HTML, title);
    fputs("</title>\n<desc id=\"", f);
    nlg_escape(f, NLG_ESCAPE_HTML, id);
    fputs("-alt\">", f);
    nlg_escape(f, NLG_ESCAPE_HTML, alt);
    fputs("</desc>\n<style>", f);
    print_style(f, false);
    fputs("@media(prefers-color-scheme:dark){", f);
    print_style(f, true);
    fputs("}</style>\n", f);
    NLG_TRY(print_pictures(f, s, id, err));
    for (int grounds = 0; grounds < 2; grounds++) print_frames(f, s, grounds);
    fputs("<g fill=\"none\" stroke-width=\"1.3\">\n", f);
    for (int i = 0; i < s->n_lines; i++) print_line(f, s, &s->lines[i]);
    fputs("</g>\n", f);
    for (int i = 0; i < s->n_boxes; i++) print_box(f, &s->boxes[i]);
    for (int i = 0; i < s->n_texts; i++) print_text(f, &s->texts[i]);
    fputs("</svg>\n", f);
    return NLG_OK;
}

nlg_status nlg_scene_svg(const nlg_scene *s, const char *id, const char *title, const char *alt, nlg_bytes *svg, nlg_error *err) {
    *svg = (nlg_bytes){0};
    FILE *f = s->short_of_memory ? NULL : open_memstream(&svg->data, &svg->size);
    if (!f) return nlg_fail_memory(err, 0, "a drawing");
    nlg_status status = print_svg(f, s, id, title, alt, err);
    const bool failed = ferror(f) != 0;
    if ((fclose(f) || failed) && status == NLG_OK) status = nlg_fail_memory(err, 0, "a drawing");
    if (status == NLG_OK) return NLG_OK; /* plain malloc's block: nlg_free takes it */
    free(svg->data);
    *svg = (nlg_bytes){0};
    return status;
}

/* --- gnuplot --- */

static nlg_scene_point on_curve(const nlg_scene_point *p, double t) {
    const double u = 1 - t, a = u * u * u, b = 3 * u * u * t, c = 3 * u * t * t, d = t * t * t;
    return (nlg_scene_point){a * p[0].x + b * p[1].x + c * p[2].x + d * p[3].x, a * p[0].y + b * p[1].y + c * p[2].y + d * p[3].y};
}

static void print_lines(FILE *f, const nlg_scene *s, bool dashed) {
    enum { STEPS = 12 };
    for (int i = 0; i < s->n_lines; i++) {
        const nlg_scene_line *line = &s->lines[i];
        if (line->dashed != dashed) continue;
        for (int k = 0; k + 3 < line->n; k += 3)
            for (int step = k == 0 ? 0 : 1; step <= STEPS; step++) {
                nlg_scene_point p = on_curve(&s->points[line->first + k], (double)step / STEPS);
                fprintf(f, "%.2f\t%.2f\n", p.x, p.y);
            }
        fputc('\n', f);
    }
    fputs("-10\t-10\n", f); /* so that no file is empty */
}

static void print_texts(FILE *f, const nlg_scene *s, int kind) {
    for (int i = 0; i < s->n_texts; i++) {
        const nlg_scene_text *t = &s->texts[i];
        if (3 * (int)t->face + t->anchor + 1 != kind) continue;
        fprintf(f, "%.2f\t%.2f\t", t->x, t->y - 0.35 * faces[t->face].size);
        for (const char *c = t->text; *c; c++) {
            if (*c == '\\') fputc('\\', f);
            fputc(*c == '"' ? '\'' : (unsigned char)*c < 32 ? ' ' : *c, f);
        }
        fputc('\n', f);
    }
    fputs("-10\t-10\t.\n", f);
}

/* All pixels one behind the other. */
static void print_pixels(FILE *f, const nlg_scene *s) {
    for (int i = 0; i < s->n_pictures; i++) {
        const nlg_image *image = &s->pictures[i].image;
        fwrite(image->rgb, 3, (size_t)image->h * (size_t)image->w, f);
    }
}

static void print_places(FILE *f, const nlg_scene *s) {
    for (int i = 0; i < s->n_places; i++) {
        const nlg_scene_place *place = &s->places[i];
        const nlg_scene_picture *p = &s->pictures[place->picture];
        const double dx = p->w / p->image.w, dy = p->h / p->image.h;
        size_t skip = 0;
        for (int k = 0; k < place->picture; k++) skip += (size_t)s->pictures[k].image.h * (size_t)s->pictures[k].image.w * 3;
        fprintf(f,
                "\"pixels\" binary skip=%zu array=(%d,%d) format=\"%%uchar\" dx=%.6f dy=%.6f origin=(%.4f,%.4f) using 1:2:3 with "
                "rgbimage, ",
                skip, p->image.w, p->image.h, dx, dy, place->x + 0.5 * dx, place->y + 0.5 * dy);
    }
}

static void print_frame_rows(FILE *f, const nlg_scene *s, bool grounds) {
    for (int i = 0; i < s->n_frames; i++) {
        const nlg_scene_frame *r = &s->frames[i];
        if (r->is_ground == grounds)
            fprintf(f, "%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t%d\n", r->x, r->y, r->x, r->x + r->w, r->y, r->y + r->h,
                    r->rgb[0] << 16 | r->rgb[1] << 8 | r->rgb[2]);
    }
    fputs("-10\t-10\t-10\t-9\t-10\t-9\t0\n", f);
}

static void print_objects(FILE *f, const nlg_scene *s, double scale) {
    for (int i = 0; i < s->n_boxes; i++) {
        const nlg_scene_box *b = &s->boxes[i];
        fprintf(f, "set object %d ", i + 1);
        if (b->round)
            fprintf(f, "circle at %.2f,%.2f size %.2f", b->x + 0.5 * b->w, b->y + 0.5 * b->h, 0.5 * b->w);
        else
            fprintf(f, "rectangle from %.2f,%.2f to %.2f,%.2f", b->x, b->y, b->x + b->w, b->y + b->h);
        fprintf(f, " behind fillcolor rgb \"%s\" fillstyle solid 1 border linecolor rgb \"%s\" linewidth %.2f%s\n",
                tones[b->tone].fill, tones[b->tone].border, scale * (b->strong ? 2.2 : 1.2), b->dashed ? " dashtype 2" : "");
    }
    for (int i = 0, n = s->n_boxes; i < s->n_lines; i++) {
        nlg_scene_point c[3];
        if (!s->lines[i].arrow) continue;
        head_of(s, &s->lines[i], c);
        fprintf(f,
                "set object %d polygon from %.2f,%.2f to %.2f,%.2f to %.2f,%.2f to %.2f,%.2f behind fillcolor rgb \"%s\" fillstyle "
                "solid "
                "1 noborder\n",
                ++n, c[0].x, c[0].y, c[1].x, c[1].y, c[2].x, c[2].y, c[0].x, c[0].y, line_colour);
    }
}

static const char *const anchor_words[] = {"left", "center", "right"};
enum { PRINTS = 2, FIRST_TEXT = 3, MOST_PIXELS = 32767 /* cairo */ };
static const char *const print_names[PRINTS] = {"out.png", "out.pdf"};
static const char *const scene_files[] = {"main.gp", "lines", "dashed", "0",      "1",       "2",       "3",      "4",
                                          "5",       "6",     "7",      "8",      "9",       "10",      "11",     "12",
                                          "13",      "14",    "pixels", "frames", "grounds", "out.png", "out.pdf"};
enum { SCENE_FILES = sizeof scene_files / sizeof *scene_files, PIXELS = FIRST_TEXT + 3 * NLG_FACES };

static void print_plot(FILE *f, const nlg_scene *s, bool pdf) {
    /* Fonts are in points: a pixel is 0.75 of them on a screen, 0.72 where 100 pixels are an inch. */
    const double point = pdf ? 0.72 : 1.5, scale = pdf ? 0.8 : 2;
    if (pdf)
        fprintf(f, "reset\nset terminal pdfcairo noenhanced font \"sans-serif,8\" size %.3fin,%.3fin\n", s->width / 100,
                s->height / 100);
    else
        fprintf(f, "reset\nset terminal pngcairo noenhanced font \"sans-serif,16\" background \"white\" size %.0f,%.0f\n",
                2 * s->width, 2 * s->height);
    fprintf(f,
            "set output \"%s\"\nset encoding utf8\nset datafile separator \"\\t\"\nset margins 0,0,0,0\nunset border\nunset tics\n"
            "unset key\nset xrange [0:%.2f]\nset yrange [%.2f:0]\n",
            print_names[pdf], s->width, s->height);
    print_objects(f, s, scale);
    fputs("plot ", f);
    print_places(f, s);
    fprintf(
        f,
        "\"frames\" using 1:2:3:4:5:6:7 with boxxyerror fillstyle empty linecolor rgb variable linewidth %.2f, \"grounds\" using "
        "1:2:3:4:5:6 with boxxyerror fillstyle solid 1 noborder linecolor rgb \"%s\", \"grounds\" using 1:2:3:4:5:6:7 with "
        "boxxyerror fillstyle empty linecolor rgb variable linewidth %.2f, ",
        1.2 * scale, page, 0.8 * scale);
    fprintf(f,
            "\"lines\" using 1:2 with lines linecolor rgb \"%s\" linewidth %.2f, \"dashed\" using 1:2 with lines linecolor "
            "rgb \"%s\" "
            "dashtype 2 linewidth %.2f",
            line_colour, scale, line_colour, scale);
    for (int kind = 0; kind < 3 * NLG_FACES; kind++) {
        const nlg_face face = (nlg_face)(kind / 3);
        fprintf(f, ", \"%d\" using 1:2:3 with labels %s font \"sans-serif%s,%.2f\" textcolor rgb \"%s\"", kind,
                anchor_words[kind % 3], faces[face].bold ? " Bold" : "", point * faces[face].size,
                face == NLG_FACE_SOFT ? line_colour : ink);
    }
    fputs("\nset output\n", f);
}

static nlg_status write_files(const nlg_scene *s, const char *folder, const bool *wanted, nlg_error *err) {
    for (int i = 0; i < SCENE_FILES - PRINTS; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", folder, scene_files[i]);
        FILE *f = fopen(path, "w");
        if (!f) return nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
        for (int k = 0; k < PRINTS && i == 0; k++)
            if (wanted[k]) print_plot(f, s, k == 1);
        if (i > 0 && i < FIRST_TEXT) print_lines(f, s, i == 2);
        if (i == PIXELS) print_pixels(f, s);
        if (i > PIXELS) print_frame_rows(f, s, i == PIXELS + 2);
        if (i >= FIRST_TEXT && i < PIXELS) print_texts(f, s, i - FIRST_TEXT);
        const bool failed = ferror(f) != 0;
        if (fclose(f) || failed) return nlg_fail(err, NLG_ERR_IO, "%s: %s", path, strerror(errno));
    }
    return NLG_OK;
}

nlg_status nlg_scene_print(const nlg_scene *s, nlg_bytes *png, nlg_bytes *pdf, nlg_error *err) {
    nlg_bytes *out[PRINTS] = {png, pdf};
    const bool wanted[PRINTS] = {png != NULL, pdf != NULL};
    char folder[256], path[512];
    for (int i = 0; i < PRINTS; i++)
        if (out[i]) *out[i] = (nlg_bytes){0};
    if (s->short_of_memory) return nlg_fail_memory(err, 0, "a drawing");
    if (png && 2 * (s->width > s->height ? s->width : s->height) > MOST_PIXELS)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "the drawing is %.0f x %.0f pixels, a PNG has at most %d a side; make it .svg or .pdf, or show less",
                        2 * s->width, 2 * s->height, MOST_PIXELS);
    NLG_TRY(nlg_gnuplot_folder(folder, sizeof folder, err));
    nlg_status status = write_files(s, folder, wanted, err);
    if (status == NLG_OK) status = nlg_gnuplot_run(folder, "structure", err);
    for (int i = 0; i < PRINTS; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, print_names[i]);
        if (status == NLG_OK && out[i]) status = nlg_file_read(path, 1 << 26, &out[i]->data, &out[i]->size, err);
    }
    nlg_gnuplot_remove(folder, scene_files, SCENE_FILES);
    return status;
}
