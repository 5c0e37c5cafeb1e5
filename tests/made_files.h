/* Small data files made by tests, in a temporary folder of their own. Every failure ends the running test. */
#ifndef NLG_TESTS_MADE_FILES_H
#define NLG_TESTS_MADE_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A new empty folder; free the path with made_folder_remove, which deletes all in it. */
char *made_folder(void);
void made_folder_remove(char *folder);

/* FOLDER/NAME, in one of a few static buffers used in turn; folders on the way are created by made_file. */
const char *made_path(const char *folder, const char *name);
void made_file(const char *folder, const char *name, const void *data, size_t size);
void made_gzip(const char *folder, const char *name, const void *data, size_t size);
uint8_t *made_read(const char *folder, const char *name, size_t *size); /* free with free */

typedef struct made_bytes {
    uint8_t *data; /* free with free */
    size_t size;
} made_bytes;

/* IDX contents: `count` images of h x w whose pixel p of image i is made_pixel(i, p), or labels i % classes. */
uint8_t made_pixel(size_t image, size_t p);
made_bytes made_idx_images(uint32_t count, uint32_t h, uint32_t w);
made_bytes made_idx_labels(uint32_t count, int classes);
/* The four files of an IDX data set, packed or plain. */
void made_idx_set(const char *folder, uint32_t train, uint32_t test, uint32_t h, uint32_t w, bool packed);

/* CIFAR-10 records: label (first + i) % 10, byte b of image i is made_pixel(first + i, b). */
made_bytes made_cifar(uint32_t first, uint32_t count);
/* A tar archive of files, gzip-packed. */
typedef struct made_member {
    const char *name;
    made_bytes bytes;
} made_member;
void made_tar_gz(const char *folder, const char *name, const made_member *members, int count);

/* PNG from samples as they are stored: color type and depth of libpng, rows of the packed width. */
typedef struct made_png {
    int h, w, color_type, bit_depth;
    bool interlaced;
    const uint8_t *palette; /* 3 bytes each */
    int palette_count;
    bool transparent; /* with a tRNS chunk for palette entry or gray value 0 */
} made_png;
made_bytes made_png_encode(const made_png *png, const uint8_t *rows);
/* JPEG, 1, 3 (RGB) or 4 (CMYK as Adobe inverts it) components, quality 100 without subsampling. */
typedef struct made_jpeg {
    int h, w, components;
    bool progressive, rotated; /* rotated: an EXIF orientation of 6 */
} made_jpeg;
made_bytes made_jpeg_encode(const made_jpeg *jpeg, const uint8_t *pixels);
/* An image file of one colour in a format by its name's ending. */
void made_image_file(const char *folder, const char *name, int h, int w, uint8_t r, uint8_t g, uint8_t b);

#endif
