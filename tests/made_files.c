/* Small data files made by tests. */
#define _GNU_SOURCE /* nftw */
#include "tests/made_files.h"

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <jpeglib.h>
#include <png.h>
#include <zlib.h>

#include "layers/base/file.h"
#include "layers/base/status.h"

static void *must(void *block) {
    if (!block) fail_msg("out of memory");
    return block;
}

/* --- folders and files ---------------------------------------------------------------------------------------------- */

char *made_folder(void) {
    const char *base = getenv("TMPDIR");
    char name[512];
    snprintf(name, sizeof name, "%s/nlg-test-XXXXXX", base && *base ? base : P_tmpdir);
    if (!mkdtemp(name)) fail_msg("cannot make the folder %s", name);
    return must(strdup(name));
}

static int remove_one(const char *path, const struct stat *info, int type, struct FTW *where) {
    (void)info, (void)type, (void)where;
    return remove(path);
}

void made_folder_remove(char *folder) {
    nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(folder);
}

const char *made_path(const char *folder, const char *name) {
    static char paths[8][1024];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

void made_file(const char *folder, const char *name, const void *data, size_t size) {
    char path[1024];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    nlg_error err = {0};
    char *slash = strrchr(path, '/');
    *slash = '\0';
    if (nlg_folder_create(path, &err) != NLG_OK) fail_msg("%s", err.text);
    *slash = '/';
    FILE *file = fopen(path, "wb");
    if (!file || (size && fwrite(data, 1, size, file) != size) || fclose(file) != 0) fail_msg("cannot write %s", path);
}

static made_bytes gzip(const void *data, size_t size) {
    z_stream stream = {0};
    if (deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) fail_msg("deflateInit2");
    made_bytes packed = {.size = deflateBound(&stream, (uLong)size)};
    packed.data = must(malloc(packed.size));
    void *copy = must(malloc(size + 1)); /* next_in is not const */
    memcpy(copy, data, size);
    stream.next_in = copy;
    stream.avail_in = (uInt)size;
    stream.next_out = packed.data;
    stream.avail_out = (uInt)packed.size;
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) fail_msg("deflate");
    packed.size = stream.total_out;
    deflateEnd(&stream);
    free(copy);
    return packed;
}

void made_gzip(const char *folder, const char *name, const void *data, size_t size) {
    made_bytes packed = gzip(data, size);
    made_file(folder, name, packed.data, packed.size);
    free(packed.data);
}

uint8_t *made_read(const char *folder, const char *name, size_t *size) {
    FILE *file = fopen(made_path(folder, name), "rb");
    if (!file) fail_msg("cannot read %s", name);
    uint8_t *data = must(malloc(1 << 20));
    *size = fread(data, 1, 1 << 20, file);
    fclose(file);
    return data;
}

/* --- IDX and CIFAR-10 ----------------------------------------------------------------------------------------------- */

uint8_t made_pixel(size_t image, size_t p) {
    return (uint8_t)((image * 37 + p * 11 + image * p) % 256);
}

static void big_endian(uint8_t *into, uint32_t value) {
    for (int i = 0; i < 4; i++) into[i] = (uint8_t)(value >> (24 - 8 * i));
}

made_bytes made_idx_images(uint32_t count, uint32_t h, uint32_t w) {
    size_t image = (size_t)h * w;
    made_bytes b = {.size = 16 + count * image};
    b.data = must(malloc(b.size));
    big_endian(b.data, 0x0803);
    big_endian(b.data + 4, count);
    big_endian(b.data + 8, h);
    big_endian(b.data + 12, w);
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < image; p++) b.data[16 + i * image + p] = made_pixel(i, p);
    return b;
}

made_bytes made_idx_labels(uint32_t count, int classes) {
    made_bytes b = {.size = 8 + count};
    b.data = must(malloc(b.size));
    big_endian(b.data, 0x0801);
    big_endian(b.data + 4, count);
    for (uint32_t i = 0; i < count; i++) b.data[8 + i] = (uint8_t)(i % (uint32_t)classes);
    return b;
}

void made_idx_set(const char *folder, uint32_t train, uint32_t test, uint32_t h, uint32_t w, bool packed) {
    const char *const names[2] = {"train", "t10k"};
    for (int part = 0; part < 2; part++) {
        uint32_t count = part ? test : train;
        if (count == 0) continue;
        made_bytes images = made_idx_images(count, h, w), labels = made_idx_labels(count, 10);
        char name[64];
        snprintf(name, sizeof name, "%s-images-idx3-ubyte%s", names[part], packed ? ".gz" : "");
        (packed ? made_gzip : made_file)(folder, name, images.data, images.size);
        snprintf(name, sizeof name, "%s-labels-idx1-ubyte%s", names[part], packed ? ".gz" : "");
        (packed ? made_gzip : made_file)(folder, name, labels.data, labels.size);
        free(images.data);
        free(labels.data);
    }
}

made_bytes made_cifar(uint32_t first, uint32_t count) {
    made_bytes b = {.size = (size_t)count * 3073};
    b.data = must(malloc(b.size));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *record = b.data + (size_t)i * 3073;
        record[0] = (uint8_t)((first + i) % 10);
        for (size_t p = 0; p < 3072; p++) record[1 + p] = made_pixel(first + i, p);
    }
    return b;
}

void made_tar_gz(const char *folder, const char *name, const made_member *members, int count) {
    size_t size = 1024;
    for (int i = 0; i < count; i++) size += 512 + (members[i].bytes.size + 511) / 512 * 512;
    uint8_t *tar = must(calloc(size, 1)), *at = tar;
    for (int i = 0; i < count; i++) {
        char *header = (char *)at;
        unsigned sum = 0;
        snprintf(header, 100, "%s", members[i].name);
        snprintf(header + 124, 12, "%011zo", members[i].bytes.size);
        header[156] = '0';
        memset(header + 148, ' ', 8);
        for (int b = 0; b < 512; b++) sum += at[b];
        snprintf(header + 148, 8, "%06o", sum);
        memcpy(at + 512, members[i].bytes.data, members[i].bytes.size);
        at += 512 + (members[i].bytes.size + 511) / 512 * 512;
    }
    made_gzip(folder, name, tar, size);
    free(tar);
}

/* --- images --------------------------------------------------------------------------------------------------------- */

static void png_grow(png_structp writer, png_bytep bytes, size_t count) {
    made_bytes *out = png_get_io_ptr(writer);
    out->data = must(realloc(out->data, out->size + count));
    memcpy(out->data + out->size, bytes, count);
    out->size += count;
}

made_bytes made_png_encode(const made_png *png, const uint8_t *rows) {
    made_bytes out = {0};
    png_structp writer = must(png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL));
    png_infop info = must(png_create_info_struct(writer));
    png_set_write_fn(writer, &out, png_grow, NULL);
    png_set_IHDR(writer, info, (png_uint_32)png->w, (png_uint_32)png->h, png->bit_depth, png->color_type,
                 png->interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    if (png->palette) {
        png_color colors[256];
        for (int i = 0; i < png->palette_count; i++)
            colors[i] = (png_color){png->palette[3 * i], png->palette[3 * i + 1], png->palette[3 * i + 2]};
        png_set_PLTE(writer, info, colors, png->palette_count);
    }
    png_byte alpha[1] = {0};
    png_color_16 gray = {0};
    if (png->transparent) png_set_tRNS(writer, info, alpha, 1, &gray);
    png_write_info(writer, info);
    size_t row_bytes = png_get_rowbytes(writer, info);
    int passes = png_set_interlace_handling(writer);
    for (int pass = 0; pass < passes; pass++)
        for (int y = 0; y < png->h; y++) png_write_row(writer, rows + (size_t)y * row_bytes);
    png_write_end(writer, info);
    png_destroy_write_struct(&writer, &info);
    return out;
}

made_bytes made_jpeg_encode(const made_jpeg *jpeg, const uint8_t *pixels) {
    struct jpeg_compress_struct info;
    struct jpeg_error_mgr manager;
    unsigned char *out = NULL;
    unsigned long size = 0;
    info.err = jpeg_std_error(&manager);
    jpeg_create_compress(&info);
    jpeg_mem_dest(&info, &out, &size);
    info.image_width = (JDIMENSION)jpeg->w;
    info.image_height = (JDIMENSION)jpeg->h;
    info.input_components = jpeg->components;
    info.in_color_space = jpeg->components == 1 ? JCS_GRAYSCALE : jpeg->components == 3 ? JCS_RGB : JCS_CMYK;
    jpeg_set_defaults(&info);
    jpeg_set_quality(&info, 100, TRUE);
    for (int c = 0; c < info.num_components; c++) info.comp_info[c].h_samp_factor = info.comp_info[c].v_samp_factor = 1;
    if (jpeg->progressive) jpeg_simple_progression(&info);
    jpeg_start_compress(&info, TRUE);
    static const unsigned char exif[] =
        "Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0"; /* orientation 6 */
    if (jpeg->rotated) jpeg_write_marker(&info, JPEG_APP0 + 1, exif, sizeof exif);
    JSAMPLE *line = must(malloc((size_t)jpeg->w * (size_t)jpeg->components));
    for (int y = 0; y < jpeg->h; y++) {
        size_t bytes = (size_t)jpeg->w * (size_t)jpeg->components;
        memcpy(line, pixels + (size_t)y * bytes, bytes);
        jpeg_write_scanlines(&info, &line, 1);
    }
    free(line);
    jpeg_finish_compress(&info);
    jpeg_destroy_compress(&info);
    return (made_bytes){out, size};
}

void made_image_file(const char *folder, const char *name, int h, int w, uint8_t r, uint8_t g, uint8_t b) {
    uint8_t *pixels = must(malloc((size_t)h * (size_t)w * 3));
    for (int i = 0; i < h * w; i++) {
        pixels[3 * i] = r;
        pixels[3 * i + 1] = g;
        pixels[3 * i + 2] = b;
    }
    bool png = strcmp(name + strlen(name) - 4, ".png") == 0;
    made_bytes file = png ? made_png_encode(&(made_png){.h = h, .w = w, .color_type = PNG_COLOR_TYPE_RGB, .bit_depth = 8}, pixels)
                          : made_jpeg_encode(&(made_jpeg){.h = h, .w = w, .components = 3}, pixels);
    made_file(folder, name, file.data, file.size);
    free(file.data);
    free(pixels);
}
