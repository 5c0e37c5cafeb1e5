/* Images: decode a file, resize as Pillow does, crop. All pixels are 8-bit RGB. */
#ifndef NLG_IMAGE_H
#define NLG_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "layers/base/status.h"

typedef enum { NLG_FILTER_BILINEAR, NLG_FILTER_BICUBIC } nlg_filter;

typedef struct nlg_image {
    int h, w;
    uint8_t *rgb; /* [h, w, 3] */
} nlg_image;

/* Decode a JPEG or PNG, told apart by its first bytes, as Pillow's convert("RGB") does: CMYK by Adobe's inverted convention,
 * gray repeated, palettes looked up, alpha dropped, EXIF orientation and colour profiles ignored. Of 16-bit samples the high
 * byte is kept (Pillow clips 16-bit gray at 255, which leaves a white image).
 * `name` is for messages. NLG_ERR_INPUT: truncated, damaged, another format, more than 178,956,970 pixels. */
nlg_status nlg_image_decode(const void *bytes, size_t size, const char *name, nlg_image *image, nlg_error *err);
nlg_status nlg_image_read(const char *path, nlg_image *image, nlg_error *err);
void nlg_image_release(nlg_image *image);

/* As a PNG of 8-bit RGB: into new bytes (free with nlg_free), or into a file that is replaced as a whole. */
nlg_status nlg_image_encode_png(const nlg_image *image, char **bytes, size_t *size, nlg_error *err);
nlg_status nlg_image_write_png(const char *path, const nlg_image *image, nlg_error *err);

/* A window of the image as resized to `h` x `w`: rows y .. y + window_h - 1, columns x .. x + window_w - 1, into out
 * [window_h, window_w, 3]. Antialiased, in 8-bit fixed point, first rows then columns: equal to Pillow in every bit (Pillow 13
 * begins with the columns where the shape is squeezed in height only, which differs by the rounding between the passes). */
typedef struct nlg_resize_plan {
    int h, w;
    int y, x, window_h, window_w;
    nlg_filter filter;
} nlg_resize_plan;
nlg_status nlg_image_resize(const nlg_image *image, const nlg_resize_plan *plan, uint8_t *out, nlg_error *err);

/* What a network wants: the shorter side resized to `resize`, then the centre `crop` x `crop`, as torchvision's Resize and
 * CenterCrop do on Pillow images, rounding included. resize 0: equal to crop. */
typedef struct nlg_image_recipe {
    int resize, crop;
    nlg_filter filter;
} nlg_image_recipe;
nlg_status nlg_image_prepare(const nlg_image *image, const nlg_image_recipe *recipe, uint8_t *out /* [crop, crop, 3] */,
                             nlg_error *err);

/* What a detector wants: the whole image, as large as fits into h x w with its sides in proportion, in the upper left corner; the
 * rest is `border`. *scale: pixels of the result for each of the image's. */
nlg_status nlg_image_fit(const nlg_image *image, int h, int w, nlg_filter filter, const uint8_t border[3], uint8_t *out,
                         double *scale, nlg_error *err);

/* out[p][c] = (rgb[p][c] / 255 - mean[c]) / std[c], each rounded once from double. */
void nlg_image_normalise(const uint8_t *rgb, size_t pixels, const float mean[3], const float std[3], float *out);

#endif
