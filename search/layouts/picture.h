/* Pictures of layouts, drawn by Cairo, and how far a picture is from a target.
 *
 * Letters are DejaVu Sans (Debian: fonts-dejavu-core), drawn in shades of grey without hinting, from the font's file: no
 * setting of the machine takes part. A build without Cairo has the same functions; they fail and say so. */
#ifndef NLG_LAYOUT_PICTURE_H
#define NLG_LAYOUT_PICTURE_H

#include "datasets/image.h"
#include "search/layouts/layout.h"

bool nlg_layout_can_draw(void); /* false in a build without Cairo */

/* Draws layouts of one style at full size / divisor (1 or 2); pixels are reused from one picture to the next. */
typedef struct nlg_layout_painter nlg_layout_painter;
nlg_status nlg_layout_painter_create(const nlg_layout_style *style, int divisor, nlg_layout_painter **painter, nlg_error *err);
void nlg_layout_painter_destroy(nlg_layout_painter *painter);
/* The picture: 0xRRGGBB a pixel (upper byte undefined), *stride pixels a row. It lives until the next call. */
nlg_status nlg_layout_paint(nlg_layout_painter *painter, const nlg_layout *layout, const uint32_t **pixels, int *stride,
                            nlg_error *err);
/* The same as an image; release it with nlg_image_release. */
nlg_status nlg_layout_paint_image(nlg_layout_painter *painter, const nlg_layout *layout, nlg_image *image, nlg_error *err);
/* The drawing that no layout can equal, as a target from outside the space: circles, a gradient, slanted lines. */
nlg_status nlg_layout_paint_outside(const nlg_layout_style *style, int divisor, nlg_image *image, nlg_error *err);

/* ---- loss ---- */

/* The difference of two pictures of one size:
 *   mean over pixels of |dL| + 2 |da| + 2 |db| in OKLab (B. Ottosson, "A perceptual color space for image processing", 2020)
 *   + a quarter of the mean difference of L's horizontal and vertical steps (edges)
 *   + a quarter of the same on means of 4 x 4 pixels.
 * 0 for equal pictures; white against black is 1 plus edges. All sums are of whole numbers (1 / 4096), so their order does not
 * matter. Heavier edges would make a component at a place not quite right worse than none. */
typedef struct nlg_layout_loss nlg_layout_loss;
nlg_status nlg_layout_loss_create(const nlg_image *target, nlg_layout_loss **loss, nlg_error *err);
void nlg_layout_loss_destroy(nlg_layout_loss *loss);
double nlg_layout_loss_of(nlg_layout_loss *loss, const uint32_t *pixels, int stride);
/* The image has the target's size. */
nlg_status nlg_layout_loss_of_image(nlg_layout_loss *loss, const nlg_image *image, double *value, nlg_error *err);
double nlg_layout_loss_of_plain(nlg_layout_loss *loss, const uint8_t colour[3]); /* of a canvas in one colour */

#endif
