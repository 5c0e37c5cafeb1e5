/* Writes PNG files (libpng). */
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include "datasets/image.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

typedef struct sink {
    char *bytes;
    size_t size, room;
    jmp_buf failed;
} sink;

static void take(png_structp png, png_bytep data, size_t length) {
    sink *s = png_get_io_ptr(png);
    if (length > s->room - s->size) {
        size_t room = s->room;
        while (length > room - s->size) {
            if (room > SIZE_MAX / 2) longjmp(s->failed, 1);
            room *= 2;
        }
        char *larger = nlg_realloc(s->bytes, room, 1);
        if (!larger) longjmp(s->failed, 1);
        s->bytes = larger, s->room = room;
    }
    memcpy(s->bytes + s->size, data, length);
    s->size += length;
}

static void flush(png_structp png) {
    (void)png;
}

/* libpng reports memory only: the image is well-formed and nothing is written to a file here. */
static void fail(png_structp png, png_const_charp message) {
    (void)message;
    sink *s = png_get_error_ptr(png);
    longjmp(s->failed, 1);
}

static void ignore(png_structp png, png_const_charp message) {
    (void)png, (void)message;
}

nlg_status nlg_image_encode_png(const nlg_image *image, char **bytes, size_t *size, nlg_error *err) {
    enum { FIRST = 1 << 16 };
    *bytes = NULL;
    sink *s = nlg_alloc(1, sizeof *s);
    if (!s) return nlg_fail_memory(err, sizeof *s, "a picture");
    png_structp volatile png = NULL;
    png_infop volatile info = NULL;
    s->room = FIRST;
    s->bytes = nlg_alloc(s->room, 1);
    volatile bool done = false;
    if (s->bytes && setjmp(s->failed) == 0) {
        png = png_create_write_struct(PNG_LIBPNG_VER_STRING, s, fail, ignore);
        if (png) info = png_create_info_struct(png);
        if (info) {
            png_set_write_fn(png, s, take, flush);
            png_set_IHDR(png, info, (png_uint_32)image->w, (png_uint_32)image->h, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                         PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
            png_write_info(png, info);
            for (int y = 0; y < image->h; y++) png_write_row(png, image->rgb + (size_t)y * (size_t)image->w * 3);
            png_write_end(png, NULL);
            done = true;
        }
    }
    png_structp writer = png;
    png_infop head = info;
    if (writer) png_destroy_write_struct(&writer, &head);
    if (done) {
        *bytes = s->bytes;
        *size = s->size;
    } else {
        nlg_free(s->bytes);
    }
    nlg_free(s);
    return done ? NLG_OK : nlg_fail_memory(err, 0, "a picture");
}

nlg_status nlg_image_write_png(const char *path, const nlg_image *image, nlg_error *err) {
    char *bytes;
    size_t size;
    NLG_TRY(nlg_image_encode_png(image, &bytes, &size, err));
    nlg_status status = nlg_file_write(path, bytes, size, err);
    nlg_free(bytes);
    return status;
}
