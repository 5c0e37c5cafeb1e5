/* JPEG by libjpeg-turbo and PNG by libpng, both to RGB. What a damaged file leaves half decoded is thrown away. */
#include "datasets/image.h"

#include <math.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jpeglib.h>
#include <jerror.h>
#include <png.h>

#include "layers/base/file.h"
#include "layers/base/memory.h"

enum { LIMIT_FILE_BYTES = 256 << 20, LIMIT_PIXELS = 178956970 }; /* the second is Pillow's limit against decompression bombs */

/* A decoder at work. libjpeg and libpng leave errors by longjmp, so all that must survive it lives here. */
typedef struct decoder {
    const uint8_t *bytes;
    size_t size, position;
    nlg_image *image;
    bool no_memory;
    uint8_t *line; /* one row of CMYK */
    char reason[256];
    jmp_buf escape;
    union {
        struct {
            struct jpeg_decompress_struct info;
            struct jpeg_error_mgr manager;
            struct jpeg_progress_mgr progress;
        } jpeg;
        struct {
            png_structp reader;
            png_infop info;
        } png;
    };
} decoder;

static void allocate(decoder *d, size_t h, size_t w) {
    if (h == 0 || w == 0 || h > LIMIT_PIXELS || w > LIMIT_PIXELS / h) {
        snprintf(d->reason, sizeof d->reason, "it claims %zu x %zu pixels, allowed are %d in all", w, h, LIMIT_PIXELS);
        longjmp(d->escape, 1);
    }
    d->image->h = (int)h;
    d->image->w = (int)w;
    d->image->rgb = nlg_alloc(h * w, 3);
    if (!d->image->rgb) {
        d->no_memory = true;
        longjmp(d->escape, 1);
    }
}

/* A damaged file that asks for too much is refused before; so a failed allocation is the machine's fault, not the file's. */
enum { MOST_SCANS = 200, MOST_PASSES = 20 };

/* --- JPEG ----------------------------------------------------------------------------------------------------------- */

static void jpeg_fails(j_common_ptr info) {
    decoder *d = info->client_data;
    char text[JMSG_LENGTH_MAX];
    info->err->format_message(info, text);
    d->no_memory = info->err->msg_code == JERR_OUT_OF_MEMORY;
    snprintf(d->reason, sizeof d->reason, "%s", text);
    longjmp(d->escape, 1);
}

static void jpeg_warns(j_common_ptr info, int level) {
    if (level < 0 && info->err->msg_code == JWRN_JPEG_EOF) { /* other warnings leave a usable image, as in Pillow */
        decoder *d = info->client_data;
        snprintf(d->reason, sizeof d->reason, "the file is truncated");
        longjmp(d->escape, 1);
    }
}

/* A progressive file may hold thousands of scans of a few bytes, each of which costs as much as decoding all pixels. */
static void jpeg_progresses(j_common_ptr info) {
    decoder *d = info->client_data;
    const struct jpeg_decompress_struct *jpeg = &d->jpeg.info;
    const double pixels = (double)jpeg->image_width * (double)jpeg->image_height, scans = jpeg->input_scan_number;
    if (scans <= MOST_SCANS && scans * pixels <= (double)MOST_PASSES * LIMIT_PIXELS) return;
    snprintf(d->reason, sizeof d->reason, "it holds more than %.0f scans", scans - 1);
    longjmp(d->escape, 1);
}

static uint8_t scale_255(int a, int b) /* a * b / 255, rounded */
{
    int t = a * b + 128;
    return (uint8_t)(((t >> 8) + t) >> 8);
}

/* Adobe writes CMYK inverted, so the stored k is the brightness that is left of each colour's (inverted) share. */
static void cmyk_to_rgb(const uint8_t *cmyk, size_t pixels, uint8_t *rgb) {
    for (size_t p = 0; p < pixels; p++)
        for (int c = 0; c < 3; c++) {
            int k = cmyk[4 * p + 3];
            rgb[3 * p + c] = (uint8_t)(k - scale_255(255 - cmyk[4 * p + c], k));
        }
}

static void read_jpeg(decoder *d) {
    struct jpeg_decompress_struct *info = &d->jpeg.info;
    jpeg_mem_src(info, d->bytes, (unsigned long)d->size);
    jpeg_read_header(info, TRUE);
    bool cmyk = info->num_components == 4;
    info->out_color_space = cmyk ? JCS_CMYK : JCS_RGB;
    allocate(d, info->image_height, info->image_width);
    if (cmyk && !(d->line = nlg_alloc(info->image_width, 4))) {
        d->no_memory = true;
        longjmp(d->escape, 1);
    }
    jpeg_start_decompress(info);
    while (info->output_scanline < info->output_height) {
        uint8_t *row = d->image->rgb + (size_t)info->output_scanline * info->output_width * 3;
        JSAMPROW into = cmyk ? d->line : row;
        jpeg_read_scanlines(info, &into, 1);
        if (cmyk) cmyk_to_rgb(d->line, info->output_width, row);
    }
    jpeg_finish_decompress(info);
}

static bool decode_jpeg(decoder *d) {
    d->jpeg.info.err = jpeg_std_error(&d->jpeg.manager);
    d->jpeg.manager.error_exit = jpeg_fails;
    d->jpeg.manager.emit_message = jpeg_warns;
    d->jpeg.info.client_data = d;
    bool done = false;
    if (setjmp(d->escape) == 0) {
        jpeg_create_decompress(&d->jpeg.info); /* keeps err and client_data */
        d->jpeg.progress.progress_monitor = jpeg_progresses;
        d->jpeg.info.progress = &d->jpeg.progress;
        read_jpeg(d);
        jpeg_destroy_decompress(&d->jpeg.info);
        done = true;
    } else {
        jpeg_destroy_decompress(&d->jpeg.info);
    }
    nlg_free(d->line);
    return done;
}

/* --- PNG ------------------------------------------------------------------------------------------------------------ */

static void png_fails(png_structp reader, png_const_charp text) {
    decoder *d = png_get_error_ptr(reader);
    snprintf(d->reason, sizeof d->reason, "%s", text);
    longjmp(d->escape, 1);
}

static void png_warns(png_structp reader, png_const_charp text) {
    (void)reader;
    (void)text;
}

static png_voidp png_allocates(png_structp reader, png_alloc_size_t size) {
    decoder *d = png_get_mem_ptr(reader);
    void *block = nlg_alloc(1, size);
    d->no_memory |= block == NULL;
    return block;
}

static void png_frees(png_structp reader, png_voidp block) {
    (void)reader;
    nlg_free(block);
}

static void png_reads(png_structp reader, png_bytep into, size_t count) {
    decoder *d = png_get_io_ptr(reader);
    if (count > d->size - d->position) png_error(reader, "the file is truncated");
    memcpy(into, d->bytes + d->position, count);
    d->position += count;
}

static void read_png(decoder *d) {
    png_structp reader = d->png.reader;
    png_infop info = d->png.info;
    png_set_read_fn(reader, d, png_reads);
    png_read_info(reader, info);
    size_t h = png_get_image_height(reader, info), w = png_get_image_width(reader, info);
    int type = png_get_color_type(reader, info);
    if (png_get_bit_depth(reader, info) == 16) png_set_strip_16(reader);
    if (type == PNG_COLOR_TYPE_PALETTE) png_set_palette_to_rgb(reader);
    if (type == PNG_COLOR_TYPE_GRAY) png_set_expand_gray_1_2_4_to_8(reader);
    if (!(type & PNG_COLOR_MASK_COLOR)) png_set_gray_to_rgb(reader);
    png_set_strip_alpha(reader);
    int passes = png_set_interlace_handling(reader);
    png_read_update_info(reader, info);
    if (png_get_rowbytes(reader, info) != 3 * w) png_error(reader, "its pixel format is unknown");
    allocate(d, h, w);
    for (int pass = 0; pass < passes; pass++)
        for (size_t y = 0; y < h; y++) png_read_row(reader, d->image->rgb + y * w * 3, NULL);
    png_read_end(reader, NULL);
}

static bool decode_png(decoder *d) {
    d->png.reader = png_create_read_struct_2(PNG_LIBPNG_VER_STRING, d, png_fails, png_warns, d, png_allocates, png_frees);
    d->png.info = d->png.reader ? png_create_info_struct(d->png.reader) : NULL;
    if (!d->png.info) {
        png_destroy_read_struct(&d->png.reader, NULL, NULL);
        d->no_memory = true;
        return false;
    }
    bool done = false;
    if (setjmp(d->escape) == 0) {
        read_png(d);
        png_destroy_read_struct(&d->png.reader, &d->png.info, NULL);
        done = true;
    } else {
        png_destroy_read_struct(&d->png.reader, &d->png.info, NULL);
    }
    return done;
}

/* --- public --------------------------------------------------------------------------------------------------------- */

nlg_status nlg_image_decode(const void *bytes, size_t size, const char *name, nlg_image *image, nlg_error *err) {
    *image = (nlg_image){0};
    bool jpeg = size >= 3 && memcmp(bytes, "\xFF\xD8\xFF", 3) == 0;
    bool png = size >= 8 && memcmp(bytes, "\x89PNG\r\n\x1A\n", 8) == 0;
    if (!jpeg && !png) {
        const unsigned char *b = bytes;
        if (size < 3) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected a JPEG or PNG image, found %zu bytes", name, size);
        return nlg_fail(err, NLG_ERR_INPUT,
                        "%s: expected a JPEG or PNG image, found a file that starts with %02x %02x %02x; convert it", name, b[0],
                        b[1], b[2]);
    }
    decoder *d = nlg_alloc(1, sizeof *d);
    if (!d) return nlg_fail_memory(err, sizeof *d, name);
    d->bytes = bytes;
    d->size = size;
    d->image = image;
    nlg_status status = NLG_OK;
    if (!(jpeg ? decode_jpeg(d) : decode_png(d)) || d->no_memory) {
        status = d->no_memory
                     ? nlg_fail_memory(err, (size_t)image->h * (size_t)image->w * 3, name)
                     : nlg_fail(err, NLG_ERR_INPUT, "%s: expected a sound %s image, found damage: %s; replace or remove it", name,
                                jpeg ? "JPEG" : "PNG", d->reason);
        nlg_image_release(image);
    }
    nlg_free(d);
    return status;
}

nlg_status nlg_image_read(const char *path, nlg_image *image, nlg_error *err) {
    *image = (nlg_image){0};
    char *bytes;
    size_t size;
    NLG_TRY(nlg_file_read(path, LIMIT_FILE_BYTES, &bytes, &size, err));
    nlg_status status = nlg_image_decode(bytes, size, path, image, err);
    nlg_free(bytes);
    return status;
}

void nlg_image_release(nlg_image *image) {
    nlg_free(image->rgb);
    *image = (nlg_image){0};
}

/* round(n / 2) of torchvision's CenterCrop: Python rounds halves to even. */
static int half_to_even(int n) {
    return n / 2 + (n % 4 == 3);
}

nlg_status nlg_image_prepare(const nlg_image *image, const nlg_image_recipe *recipe, uint8_t *out, nlg_error *err) {
    int resize = recipe->resize ? recipe->resize : recipe->crop, crop = recipe->crop;
    if (crop < 1 || resize < crop)
        return nlg_fail(err, NLG_ERR_INPUT,
                        "preprocessing: expected a resized side of at least the crop, found resize %d and crop %d", resize, crop);
    double longer = image->h > image->w ? image->h : image->w, shorter = image->h > image->w ? image->w : image->h;
    double side = floor(resize * longer / shorter); /* as Python's int(size * long / short) */
    if (side > INT32_MAX / 2)
        return nlg_fail(err, NLG_ERR_INPUT, "preprocessing: an image of %d x %d pixels is too narrow to be resized", image->w,
                        image->h);
    nlg_resize_plan plan = {.h = image->h > image->w ? (int)side : resize,
                            .w = image->h > image->w ? resize : (int)side,
                            .window_h = crop,
                            .window_w = crop,
                            .filter = recipe->filter};
    plan.y = half_to_even(plan.h - crop);
    plan.x = half_to_even(plan.w - crop);
    return nlg_image_resize(image, &plan, out, err);
}

nlg_status nlg_image_fit(const nlg_image *image, int h, int w, nlg_filter filter, const uint8_t border[3], uint8_t *out,
                         double *scale, nlg_error *err) {
    const double by_height = (double)h / image->h, by_width = (double)w / image->w;
    *scale = by_height < by_width ? by_height : by_width;
    int fit_h = (int)(image->h * *scale + 0.5), fit_w = (int)(image->w * *scale + 0.5);
    fit_h = fit_h < 1 ? 1 : fit_h > h ? h : fit_h;
    fit_w = fit_w < 1 ? 1 : fit_w > w ? w : fit_w;
    const nlg_resize_plan plan = {.h = fit_h, .w = fit_w, .window_h = fit_h, .window_w = fit_w, .filter = filter};
    NLG_TRY(nlg_image_resize(image, &plan, out, err));
    for (int y = h - 1; y >= 0; y--) { /* from the narrow rows to the wide ones, the last first */
        uint8_t *row = out + (size_t)y * (size_t)w * 3;
        if (y < fit_h) memmove(row, out + (size_t)y * (size_t)fit_w * 3, (size_t)fit_w * 3);
        for (int x = y < fit_h ? fit_w : 0; x < w; x++) memcpy(row + (size_t)x * 3, border, 3);
    }
    return NLG_OK;
}

void nlg_image_normalise(const uint8_t *rgb, size_t pixels, const float mean[3], const float std[3], float *out) {
    for (size_t i = 0; i < pixels; i++)
        for (int c = 0; c < 3; c++) out[3 * i + c] = (float)((rgb[3 * i + c] / 255.0 - (double)mean[c]) / (double)std[c]);
}
