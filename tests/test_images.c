/* Images: decoding of every kind, damage, and resizing as Pillow does it. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <cjson/cJSON.h>
#include <png.h>
#include <zlib.h>

#include "datasets/image.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/base/rng.h"
#include "tests/made_files.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- resizing ------------------------------------------------------------------------------------------------------- */

static int number(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return item ? item->valueint : 0;
}

static const char *text(const cJSON *row, const char *key) {
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(row, key);
    return item ? item->valuestring : NULL;
}

/* The made-up pictures of tests/tools/resize_reference.py. */
static nlg_image picture(const char *pattern, int h, int w) {
    nlg_image image = {h, w, malloc((size_t)h * (size_t)w * 3)};
    uint64_t key = nlg_fill_key("noise");
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++) {
                size_t i = ((size_t)y * (size_t)w + (size_t)x) * 3 + (size_t)c;
                image.rgb[i] = strcmp(pattern, "noise") == 0 ? (uint8_t)((nlg_fill_value(key, i) + 1.0) * 128.0)
                                                             : (uint8_t)((7 * x + 5 * y + 40 * c + x * y) % 256);
            }
    return image;
}

static void resizing_equals_pillow(void **state) {
    (void)state;
    char *file;
    size_t size;
    nlg_error err = {0};
    if (nlg_file_read("tests/reference/resize.json", (size_t)1 << 20, &file, &size, &err) != NLG_OK) fail_msg("%s", err.text);
    cJSON *rows = cJSON_Parse(file), *row;
    int cases = 0;
    cJSON_ArrayForEach(row, rows) {
        nlg_image image = picture(text(row, "pattern"), number(row, "h"), number(row, "w"));
        nlg_filter filter = strcmp(text(row, "filter"), "bicubic") == 0 ? NLG_FILTER_BICUBIC : NLG_FILTER_BILINEAR;
        int crop = number(row, "crop"), h = crop ? crop : number(row, "out_h"), w = crop ? crop : number(row, "out_w");
        size_t bytes = (size_t)h * (size_t)w * 3;
        uint8_t *out = malloc(bytes);
        if (crop)
            assert_int_equal(nlg_image_prepare(&image, &(nlg_image_recipe){number(row, "resize"), crop, filter}, out, &err),
                             NLG_OK);
        else
            assert_int_equal(nlg_image_resize(&image,
                                              &(nlg_resize_plan){.h = h, .w = w, .window_h = h, .window_w = w, .filter = filter},
                                              out, &err),
                             NLG_OK);
        const cJSON *values = cJSON_GetObjectItemCaseSensitive(row, "values"), *value;
        if (values) {
            assert_int_equal(cJSON_GetArraySize(values), bytes);
            size_t i = 0;
            cJSON_ArrayForEach(value, values) {
                if (out[i] != value->valueint)
                    fail_msg("case %d, byte %zu: expected %d, found %d", cases, i, value->valueint, out[i]);
                i++;
            }
        } else {
            char hex[65];
            nlg_digest *digest = nlg_digest_create();
            nlg_digest_update(digest, out, bytes);
            nlg_digest_finish(digest, hex);
            assert_string_equal(hex, text(row, "sha256"));
        }
        free(out);
        free(image.rgb);
        cases++;
    }
    assert_true(cases >= 50);
    cJSON_Delete(rows);
    nlg_free(file);
}

/* A window has the pixels of the whole. */
static void a_window_is_cut_from_the_whole(void **state) {
    (void)state;
    enum { H = 23, W = 31 };
    nlg_image image = picture("noise", 17, 40);
    uint8_t whole[H * W * 3], part[H * W * 3];
    for (int filter = 0; filter < 2; filter++) {
        nlg_resize_plan plan = {.h = H, .w = W, .window_h = H, .window_w = W, .filter = (nlg_filter)filter};
        assert_int_equal(nlg_image_resize(&image, &plan, whole, NULL), NLG_OK);
        plan.y = 5, plan.x = 8, plan.window_h = 11, plan.window_w = 13;
        assert_int_equal(nlg_image_resize(&image, &plan, part, NULL), NLG_OK);
        for (int y = 0; y < 11; y++) assert_memory_equal(part + y * 13 * 3, whole + ((y + 5) * W + 8) * 3, 13 * 3);
    }
    nlg_error err = {0};
    nlg_resize_plan outside = {.h = H, .w = W, .y = 1, .window_h = H, .window_w = W};
    assert_int_equal(nlg_image_resize(&image, &outside, part, &err), NLG_ERR_INPUT);
    assert_int_equal(nlg_image_prepare(&image, &(nlg_image_recipe){.resize = 10, .crop = 11}, part, &(nlg_error){0}),
                     NLG_ERR_INPUT);
    assert_int_equal(nlg_image_prepare(&image, &(nlg_image_recipe){.crop = 0}, part, &(nlg_error){0}), NLG_ERR_INPUT);
    free(image.rgb);
}

static void normalisation_rounds_once(void **state) {
    (void)state;
    const uint8_t rgb[6] = {0, 128, 255, 10, 20, 30};
    const float mean[3] = {0.485f, 0.456f, 0.406f}, std[3] = {0.229f, 0.224f, 0.225f};
    float out[6];
    nlg_image_normalise(rgb, 2, mean, std, out);
    for (int i = 0; i < 6; i++) {
        float expected = (float)((rgb[i] / 255.0 - (double)mean[i % 3]) / (double)std[i % 3]);
        assert_memory_equal(&out[i], &expected, sizeof expected);
    }
}

/* --- decoding ------------------------------------------------------------------------------------------------------- */

static nlg_image decoded(made_bytes file) {
    nlg_image image;
    nlg_error err = {0};
    if (nlg_image_decode(file.data, file.size, "made", &image, &err) != NLG_OK) fail_msg("%s", err.text);
    free(file.data);
    return image;
}

/* Each kind of PNG, 3 x 4 pixels, against the pixels it stands for. */
static void every_kind_of_png(void **state) {
    (void)state;
    enum { H = 3, W = 4, N = H * W };
    static const uint8_t palette[] = {10, 20, 30, 200, 100, 50, 0, 255, 7, 99, 98, 97};
    for (int interlaced = 0; interlaced < 2; interlaced++)
        for (int kind = 0; kind < 12; kind++) {
            static const struct {
                int type, depth, samples;
                bool transparent;
            } kinds[12] = {{PNG_COLOR_TYPE_RGB, 8, 3, false},        {PNG_COLOR_TYPE_RGB, 16, 3, false},
                           {PNG_COLOR_TYPE_RGBA, 8, 4, false},       {PNG_COLOR_TYPE_RGBA, 16, 4, false},
                           {PNG_COLOR_TYPE_GRAY, 8, 1, false},       {PNG_COLOR_TYPE_GRAY, 16, 1, false},
                           {PNG_COLOR_TYPE_GRAY_ALPHA, 8, 2, false}, {PNG_COLOR_TYPE_PALETTE, 8, 1, false},
                           {PNG_COLOR_TYPE_PALETTE, 2, 1, true},     {PNG_COLOR_TYPE_GRAY, 4, 1, false},
                           {PNG_COLOR_TYPE_GRAY, 1, 1, false},       {PNG_COLOR_TYPE_GRAY, 8, 1, true}};
            int type = kinds[kind].type, depth = kinds[kind].depth, samples = kinds[kind].samples;
            uint8_t rows[N * 8] = {0}, expected[N * 3];
            for (int y = 0; y < H; y++)
                for (int x = 0; x < W; x++) {
                    int p = y * W + x, value[4] = {0};
                    for (int s = 0; s < samples; s++) {
                        int full = (p * 67 + s * 41 + kind) & 255;
                        value[s] = type == PNG_COLOR_TYPE_PALETTE ? p % 4 : depth < 8 ? full >> (8 - depth) : full;
                        if (depth == 16) rows[(p * samples + s) * 2] = (uint8_t)full, rows[(p * samples + s) * 2 + 1] = 0x5a;
                        if (depth == 8) rows[p * samples + s] = (uint8_t)value[s];
                        if (depth < 8) {
                            int row_bytes = (W * depth + 7) / 8, bit = x * depth;
                            rows[y * row_bytes + bit / 8] |= (uint8_t)(value[s] << (8 - depth - bit % 8));
                        }
                    }
                    for (int c = 0; c < 3; c++) {
                        int gray = depth < 8 ? value[0] * 255 / ((1 << depth) - 1) : value[0];
                        expected[3 * p + c] = type == PNG_COLOR_TYPE_PALETTE  ? palette[3 * value[0] + c]
                                              : (type & PNG_COLOR_MASK_COLOR) ? (uint8_t)value[c]
                                                                              : (uint8_t)gray;
                    }
                }
            made_png png = {.h = H, .w = W, .color_type = type, .bit_depth = depth, .interlaced = interlaced};
            png.transparent = kinds[kind].transparent;
            if (type == PNG_COLOR_TYPE_PALETTE) png.palette = palette, png.palette_count = 4;
            nlg_image image = decoded(made_png_encode(&png, rows));
            assert_int_equal(image.h, H);
            assert_int_equal(image.w, W);
            if (memcmp(image.rgb, expected, sizeof expected) != 0) fail_msg("PNG kind %d, interlaced %d", kind, interlaced);
            nlg_image_release(&image);
        }
}

static void every_kind_of_jpeg(void **state) {
    (void)state;
    enum { H = 16, W = 24, N = H * W };
    uint8_t pixels[N * 4];
    for (int kind = 0; kind < 5; kind++) {
        int components = kind == 0 ? 1 : kind == 4 ? 4 : 3;
        for (int p = 0; p < N; p++)
            for (int s = 0; s < components; s++) pixels[p * components + s] = (uint8_t)(40 + p % W * 3 + p / W * 4 + 20 * s);
        made_jpeg jpeg = {.h = H, .w = W, .components = components, .progressive = kind == 2, .rotated = kind == 3};
        nlg_image image = decoded(made_jpeg_encode(&jpeg, pixels));
        assert_int_equal(image.h, H); /* also with an EXIF orientation */
        assert_int_equal(image.w, W);
        for (int p = 0; p < N; p++)
            for (int c = 0; c < 3; c++) {
                int expected = pixels[p * components + (components == 1 ? 0 : c)];
                if (components == 4)
                    expected = pixels[p * 4 + c] * pixels[p * 4 + 3] / 255; /* inverted: brightness times brightness */
                if (abs(image.rgb[3 * p + c] - expected) > 4)
                    fail_msg("JPEG kind %d, pixel %d, channel %d: expected about %d, found %d", kind, p, c, expected,
                             image.rgb[3 * p + c]);
            }
        nlg_image_release(&image);
    }
}

/* --- damage --------------------------------------------------------------------------------------------------------- */

static made_bytes small_png(void) {
    uint8_t pixels[8 * 8 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = made_pixel(3, i);
    return made_png_encode(&(made_png){.h = 8, .w = 8, .color_type = PNG_COLOR_TYPE_RGB, .bit_depth = 8}, pixels);
}

static made_bytes small_jpeg(int progressive) {
    uint8_t pixels[16 * 16 * 3];
    for (size_t i = 0; i < sizeof pixels; i++) pixels[i] = made_pixel(5, i);
    return made_jpeg_encode(&(made_jpeg){.h = 16, .w = 16, .components = 3, .progressive = progressive}, pixels);
}

/* Cut at every byte: always refused by name. Damaged at every byte: any result, but no fault (the sanitizers look on). */
static void cut_or_damaged_at_every_byte(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        made_bytes file = kind == 0 ? small_png() : small_jpeg(kind == 2);
        for (size_t size = 0; size < file.size; size++) {
            uint8_t *cut = malloc(size + 1); /* of exactly this size, so that reading behind it is seen */
            memcpy(cut, file.data, size);
            nlg_image image;
            nlg_error err = {0};
            nlg_status status = nlg_image_decode(cut, size, "cut.img", &image, &err);
            if (status != NLG_ERR_INPUT) fail_msg("kind %d cut to %zu of %zu bytes: status %d", kind, size, file.size, status);
            assert_non_null(strstr(err.text, "cut.img: expected"));
            assert_null(image.rgb);
            free(cut);
        }
        for (size_t i = 0; i < file.size; i++)
            for (int flip = 1; flip < 256; flip *= 5) {
                file.data[i] ^= (uint8_t)flip;
                nlg_image image;
                nlg_error err = {0};
                if (nlg_image_decode(file.data, file.size, "damaged", &image, &err) == NLG_OK) nlg_image_release(&image);
                file.data[i] ^= (uint8_t)flip;
            }
        free(file.data);
    }
}

static void refusals_say_why(void **state) {
    (void)state;
    nlg_image image;
    nlg_error err = {0};
    assert_int_equal(nlg_image_decode("GIF89a....", 10, "a.gif", &image, &err), NLG_ERR_INPUT);
    assert_string_equal(err.text, "a.gif: expected a JPEG or PNG image, found a file that starts with 47 49 46; convert it");
    err = (nlg_error){0};
    assert_int_equal(nlg_image_decode("", 0, "empty.png", &image, &err), NLG_ERR_INPUT);
    assert_string_equal(err.text, "empty.png: expected a JPEG or PNG image, found 0 bytes");

    made_bytes bomb = small_png(); /* IHDR: bytes 16 to 24 are the size, 29 to 33 the checksum over 12 to 29 */
    for (int i = 16; i < 24; i++) bomb.data[i] = i % 4 == 2 ? 0xff : 0;
    uLong sum = crc32(0, bomb.data + 12, 17);
    for (int i = 0; i < 4; i++) bomb.data[29 + i] = (uint8_t)(sum >> (24 - 8 * i));
    err = (nlg_error){0};
    assert_int_equal(nlg_image_decode(bomb.data, bomb.size, "bomb.png", &image, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "it claims 65280 x 65280 pixels"));
    free(bomb.data);

    err = (nlg_error){0};
    assert_int_equal(nlg_image_read("tests/no-such-image.png", &image, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "tests/no-such-image.png: cannot read"));
}

static made_bytes small_progressive(void) {
    uint8_t gray[16 * 16];
    for (int i = 0; i < 256; i++) gray[i] = (uint8_t)(i * 37);
    return made_jpeg_encode(&(made_jpeg){.h = 16, .w = 16, .components = 1, .progressive = true}, gray);
}

/* The last scan again and again: a few bytes each, and each costs a pass over all pixels. */
static void floods_of_scans_are_refused(void **state) {
    (void)state;
    made_bytes sound = small_progressive();
    size_t scan = sound.size - 2;
    while (scan > 0 && (sound.data[scan] != 0xFF || sound.data[scan + 1] != 0xDA)) scan--;
    assert_true(scan > 0);
    const size_t length = sound.size - 2 - scan, copies = 300;
    uint8_t *flood = malloc(sound.size + copies * length);
    assert_non_null(flood);
    memcpy(flood, sound.data, sound.size - 2);
    for (size_t i = 0; i < copies; i++) memcpy(flood + sound.size - 2 + i * length, sound.data + scan, length);
    memcpy(flood + sound.size - 2 + copies * length, sound.data + sound.size - 2, 2);
    nlg_image image;
    nlg_error err = {0};
    assert_int_equal(nlg_image_decode(sound.data, sound.size, "sound", &image, &err), NLG_OK);
    nlg_image_release(&image);
    assert_int_equal(nlg_image_decode(flood, sound.size + copies * length, "flood", &image, &err), NLG_ERR_INPUT);
    if (!strstr(err.text, "flood") || !strstr(err.text, "more than 200 scans")) fail_msg("%s", err.text);
    free(flood);
    free(sound.data);
}

/* libjpeg and libpng allocate for themselves. Their lack of memory is no damage of the file. */
static void lack_of_memory_is_no_damage(void **state) {
    (void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    skip(); /* their shadow does not fit below a limit */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    skip();
#endif
#endif
    made_bytes jpeg = small_progressive(); /* coefficients of all pixels are kept: 2 bytes for each beside 3 for colours */
    size_t frame = 0;
    while (frame + 9 < jpeg.size && (jpeg.data[frame] != 0xFF || jpeg.data[frame + 1] != 0xC2)) frame++;
    assert_true(frame + 9 < jpeg.size);
    const uint8_t claim[4] = {16000 >> 8, 16000 & 255, 10000 >> 8, 10000 & 255};
    memcpy(jpeg.data + frame + 5, claim, 4);
    struct rlimit before, limit;
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "re");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld", &pages), 1);
    fclose(f);
    assert_int_equal(getrlimit(RLIMIT_AS, &before), 0);
    limit = before;
    limit.rlim_cur = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)600 << 20);
    nlg_image image;
    nlg_error err = {0};
    assert_int_equal(setrlimit(RLIMIT_AS, &limit), 0);
    nlg_status status = nlg_image_decode(jpeg.data, jpeg.size, "large", &image, &err);
    assert_int_equal(setrlimit(RLIMIT_AS, &before), 0);
    nlg_image_release(&image);
    if (status != NLG_ERR_MEMORY) fail_msg("%d: %s", status, err.text);
    free(jpeg.data);
}

static void any_allocation_may_fail(void **state) {
    (void)state;
    uint8_t cmyk[8 * 8 * 4] = {0}, out[5 * 5 * 3];
    made_bytes files[2] = {small_png(), made_jpeg_encode(&(made_jpeg){.h = 8, .w = 8, .components = 4}, cmyk)};
    for (int kind = 0; kind < 2; kind++) {
        bool through = false;
        for (long n = 0; !through; n++) {
            nlg_image image = {0};
            nlg_error err = {0};
            nlg_alloc_fail_after(n);
            nlg_status status = nlg_image_decode(files[kind].data, files[kind].size, "made", &image, &err);
            if (status == NLG_OK) status = nlg_image_prepare(&image, &(nlg_image_recipe){.resize = 6, .crop = 5}, out, &err);
            through = nlg_alloc_failure_pending();
            nlg_alloc_fail_after(-1);
            assert_int_equal(status == NLG_OK, through);
            nlg_image_release(&image);
            if (status != NLG_OK) assert_int_equal(status, NLG_ERR_MEMORY);
            assert_true(n < 200);
        }
        free(files[kind].data);
    }
}

static void a_written_png_reads_back(void **state) {
    (void)state;
    nlg_image image = picture("noise", 37, 301), back;
    nlg_error err = {0};
    char *folder = made_folder();
    const char *path = made_path(folder, "written.png");
    if (nlg_image_write_png(path, &image, &err) != NLG_OK) fail_msg("%s", err.text);
    if (nlg_image_read(path, &back, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(back.h, 37);
    assert_int_equal(back.w, 301);
    assert_memory_equal(back.rgb, image.rgb, (size_t)37 * 301 * 3);
    made_folder_remove(folder);
    for (long n = 0; n < 3; n++) {
        char *bytes = NULL;
        size_t size = 0;
        nlg_alloc_fail_after(n);
        nlg_status status = nlg_image_encode_png(&image, &bytes, &size, &err);
        nlg_alloc_fail_after(-1);
        assert_int_equal(status, n < 2 ? NLG_ERR_MEMORY : NLG_OK); /* the sink and its bytes; 33 KB fit into the first block */
        assert_true((bytes != NULL) == (status == NLG_OK));
        nlg_free(bytes);
    }
    nlg_image_release(&back);
    free(image.rgb);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(resizing_equals_pillow),
        cmocka_unit_test(a_window_is_cut_from_the_whole),
        cmocka_unit_test(normalisation_rounds_once),
        cmocka_unit_test(every_kind_of_png),
        cmocka_unit_test(every_kind_of_jpeg),
        cmocka_unit_test(cut_or_damaged_at_every_byte),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(floods_of_scans_are_refused),
        cmocka_unit_test(lack_of_memory_is_no_damage),
        cmocka_unit_test(any_allocation_may_fail),
        cmocka_unit_test(a_written_png_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
