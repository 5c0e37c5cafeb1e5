#include "harness/picture.h"

#include <math.h>
#include <string.h>

#include "layers/base/memory.h"

/* ---- font: five columns a letter, the lowest bit on top ---------------------------------------------------------------- */

static const char letters[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ.-/%:";
static const uint8_t columns[][5] = {
    {0x3E, 0x51, 0x49, 0x45, 0x3E}, {0x00, 0x42, 0x7F, 0x40, 0x00}, {0x42, 0x61, 0x51, 0x49, 0x46}, {0x21, 0x41, 0x45, 0x4B, 0x31},
    {0x18, 0x14, 0x12, 0x7F, 0x10}, {0x27, 0x45, 0x45, 0x45, 0x39}, {0x3C, 0x4A, 0x49, 0x49, 0x30}, {0x01, 0x71, 0x09, 0x05, 0x03},
    {0x36, 0x49, 0x49, 0x49, 0x36}, {0x06, 0x49, 0x49, 0x29, 0x1E}, {0x7E, 0x11, 0x11, 0x11, 0x7E}, {0x7F, 0x49, 0x49, 0x49, 0x36},
    {0x3E, 0x41, 0x41, 0x41, 0x22}, {0x7F, 0x41, 0x41, 0x22, 0x1C}, {0x7F, 0x49, 0x49, 0x49, 0x41}, {0x7F, 0x09, 0x09, 0x09, 0x01},
    {0x3E, 0x41, 0x49, 0x49, 0x7A}, {0x7F, 0x08, 0x08, 0x08, 0x7F}, {0x00, 0x41, 0x7F, 0x41, 0x00}, {0x20, 0x40, 0x41, 0x3F, 0x01},
    {0x7F, 0x08, 0x14, 0x22, 0x41}, {0x7F, 0x40, 0x40, 0x40, 0x40}, {0x7F, 0x02, 0x0C, 0x02, 0x7F}, {0x7F, 0x04, 0x08, 0x10, 0x7F},
    {0x3E, 0x41, 0x41, 0x41, 0x3E}, {0x7F, 0x09, 0x09, 0x09, 0x06}, {0x3E, 0x41, 0x51, 0x21, 0x5E}, {0x7F, 0x09, 0x19, 0x29, 0x46},
    {0x46, 0x49, 0x49, 0x49, 0x31}, {0x01, 0x01, 0x7F, 0x01, 0x01}, {0x3F, 0x40, 0x40, 0x40, 0x3F}, {0x1F, 0x20, 0x40, 0x20, 0x1F},
    {0x3F, 0x40, 0x38, 0x40, 0x3F}, {0x63, 0x14, 0x08, 0x14, 0x63}, {0x07, 0x08, 0x70, 0x08, 0x07}, {0x61, 0x51, 0x49, 0x45, 0x43},
    {0x00, 0x60, 0x60, 0x00, 0x00}, {0x08, 0x08, 0x08, 0x08, 0x08}, {0x20, 0x10, 0x08, 0x04, 0x02}, {0x23, 0x13, 0x08, 0x64, 0x62},
    {0x00, 0x36, 0x36, 0x00, 0x00},
};

static const uint8_t *columns_of(char c) {
    if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
    const char *at = c != '\0' ? strchr(letters, c) : NULL;
    return at != NULL ? columns[at - letters] : NULL;
}

int nlg_picture_text_width(const char *text, int scale) {
    return (int)strlen(text) * 6 * scale + scale;
}

void nlg_picture_text(nlg_image *image, int x, int y, const char *text, int scale, nlg_colour ink, nlg_colour ground) {
    nlg_picture_fill(image, x, y, nlg_picture_text_width(text, scale), 9 * scale, ground);
    x += scale;
    for (; *text != '\0'; text++, x += 6 * scale) {
        const uint8_t *c = columns_of(*text);
        for (int bit = 0; c != NULL && bit < 35; bit++)
            if (c[bit / 7] >> bit % 7 & 1)
                nlg_picture_fill(image, x + bit / 7 * scale, y + (bit % 7 + 1) * scale, scale, scale, ink);
    }
}

/* ---- colours and shapes ------------------------------------------------------------------------------------------------ */

nlg_colour nlg_class_colour(int label) {
    static const nlg_colour colours[] = {{{230, 60, 60}},  {{255, 200, 40}},  {{60, 190, 80}},  {{70, 130, 250}},
                                         {{240, 130, 40}}, {{170, 80, 220}},  {{70, 215, 225}}, {{240, 80, 210}},
                                         {{195, 240, 70}}, {{250, 170, 190}}, {{0, 150, 140}},  {{220, 185, 255}},
                                         {{165, 100, 40}}, {{255, 245, 180}}, {{150, 20, 20}},  {{165, 250, 195}},
                                         {{135, 135, 20}}, {{250, 205, 165}}, {{40, 60, 170}},  {{150, 150, 150}}};
    return colours[label % (int)(sizeof colours / sizeof *colours)];
}

nlg_colour nlg_ink_on(nlg_colour ground) {
    const int light = 3 * ground.rgb[0] + 6 * ground.rgb[1] + ground.rgb[2];
    return light > 1250 ? (nlg_colour){{0, 0, 0}} : (nlg_colour){{255, 255, 255}};
}

nlg_status nlg_picture_create(int h, int w, nlg_image *image, nlg_error *err) {
    *image = (nlg_image){.h = h, .w = w, .rgb = nlg_alloc((size_t)h * (size_t)w, 3)};
    return image->rgb != NULL ? NLG_OK : nlg_fail_memory(err, (size_t)h * (size_t)w * 3, "a picture");
}

void nlg_picture_fill(nlg_image *image, int x, int y, int w, int h, nlg_colour colour) {
    for (int i = y < 0 ? 0 : y; i < y + h && i < image->h; i++)
        for (int k = x < 0 ? 0 : x; k < x + w && k < image->w; k++)
            memcpy(image->rgb + ((size_t)i * (size_t)image->w + (size_t)k) * 3, colour.rgb, 3);
}

void nlg_picture_frame(nlg_image *image, double x, double y, double w, double h, int thickness, nlg_colour colour) {
    const int left = (int)lround(x), top = (int)lround(y), right = (int)lround(x + w), bottom = (int)lround(y + h), t = thickness;
    nlg_picture_fill(image, left - t, top - t, right - left + 2 * t, t, colour);
    nlg_picture_fill(image, left - t, bottom, right - left + 2 * t, t, colour);
    nlg_picture_fill(image, left - t, top, t, bottom - top, colour);
    nlg_picture_fill(image, right, top, t, bottom - top, colour);
}

void nlg_picture_paste(nlg_image *image, int x, int y, const nlg_image *from, int factor) {
    for (int i = 0; i < from->h; i++)
        for (int k = 0; k < from->w; k++) {
            nlg_colour c;
            memcpy(c.rgb, from->rgb + ((size_t)i * (size_t)from->w + (size_t)k) * 3, 3);
            nlg_picture_fill(image, x + k * factor, y + i * factor, factor, factor, c);
        }
}
