/* Layouts: text, pictures, loss, targets and searches. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/digest.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_layout.h"
#include "search/runner.h"
#include "tests/made_files.h"

static nlg_layout_target open_target(const char *name, const char *texts) {
    nlg_layout_target target;
    nlg_error err = {0};
    if (nlg_layout_target_open(name, texts, &target, &err) != NLG_OK) fail_msg("%s", err.text);
    return target;
}

static nlg_image picture_of(const nlg_layout_target *target, int divisor) {
    nlg_image image;
    nlg_error err = {0};
    if (nlg_layout_target_picture(target, divisor, &image, &err) != NLG_OK) fail_msg("%s", err.text);
    return image;
}

static void skip_without_cairo(void) {
    if (!nlg_layout_can_draw()) skip();
}

/* ---- text ---- */

static void truths_are_written_as_they_were_read(void **state) {
    (void)state;
    for (int i = 0; i < nlg_layout_target_count(); i++) {
        nlg_layout_target t = open_target(nlg_layout_target_name_at(i), "");
        char text[NLG_GENOTYPE_MAX], again[NLG_GENOTYPE_MAX];
        nlg_layout back;
        nlg_error err = {0};
        assert_int_equal(t.has_truth, strcmp(t.name, "outside") != 0);
        if (t.has_truth) {
            assert_true(nlg_layout_write(&t.truth, text, sizeof text) < sizeof text);
            if (nlg_layout_read(text, &t.style, &back, &err) != NLG_OK) fail_msg("%s", err.text);
            nlg_layout_write(&back, again, sizeof again);
            assert_string_equal(text, again);
            assert_memory_equal(&back, &t.truth, sizeof back);
        }
        nlg_layout_target_close(&t);
    }
}

static void wrong_texts_say_where(void **state) {
    (void)state;
    static const struct {
        const char *text, *part;
    } bad[] = {
        {"layuot bg0 { }", "the word layout at byte 0"},
        {"layout bg12 { }", "bg and a whole number from 0 to 11"},
        {"layout bg0 { circle 1,1 3x3 c0 r0 }", "box, row, column, text, button, image, input or }"},
        {"layout bg0 { box 40,1 3x3 c0 r0 }", "from 0 to 39"},
        {"layout bg0 { box 1,1 0x3 c0 r0 }", "from 1 to 40"},
        {"layout bg0 { box 1,1 3x3 c0 r4 }", "from 0 to 3"},
        {"layout bg0 { text 1,1 3x3 c- t0 }", "c and a whole number"},
        {"layout bg0 { row start 3x3 c0 r0 s0 }", "a place"},
        {"layout bg0 { row 1,1 3x3 c0 r0 s0 { text 1,1 3x3 c0 t0 } }", "start, centre or end"},
        {"layout bg0 { text 1,1 3x3 c0 t24 }", "from 0 to 23"},
        {"layout bg0 { box 1,1 3x3 c0 r0 } x", "the end"},
        {"layout bg0 { box 1,1 3x3 c0 r0 {box 1,1 3x3 c0 r0 {box 1,1 3x3 c0 r0 {box 1,1 3x3 c0 r0 {box 1,1 3x3 c0 r0 {} } } } } }",
         "at most 4 containers"},
    };
    nlg_layout_target t = open_target("sign-in", "");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nlg_layout layout;
        nlg_error err = {0};
        assert_int_equal(nlg_layout_read(bad[i].text, &t.style, &layout, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].part)) fail_msg("expected \"%s\": %s", bad[i].part, err.text);
    }
    nlg_layout_target_close(&t);
}

/* ---- pictures ---- */

/* Debian 12's Cairo 1.16, FreeType and DejaVu Sans 2.37. */
static void pictures_have_known_digests(void **state) {
    (void)state;
    skip_without_cairo();
    static const char *const known[][2] = {
        {"c3e54fe5309d702c", "c30db0ce42f05048"},
        {"008b04e14ddad05c", "d78e01707f53342d"},
        {"df651dce1b1f83a2", "5c39d683b804d682"},
        {"aaffac2a92428b36", "0a4d6009ea051eb5"},
    };
    for (int i = 0; i < nlg_layout_target_count(); i++) {
        nlg_layout_target t = open_target(nlg_layout_target_name_at(i), "");
        for (int divisor = 1; divisor <= 2; divisor++) {
            nlg_image image = picture_of(&t, divisor);
            char hex[65];
            nlg_digest *digest = nlg_digest_create();
            nlg_digest_update(digest, image.rgb, (size_t)image.w * (size_t)image.h * 3);
            nlg_digest_finish(digest, hex);
            hex[16] = '\0';
            if (strcmp(hex, known[i][divisor - 1]) != 0) fail_msg("%s at 1/%d: %s", t.name, divisor, hex);
            nlg_image_release(&image);
        }
        nlg_layout_target_close(&t);
    }
}

static void rows_and_columns_place_their_children(void **state) {
    (void)state;
    nlg_layout_target t = open_target("sign-in", "");
    nlg_layout layout;
    nlg_error err = {0};
    nlg_layout_item items[NLG_LAYOUT_COMPONENTS];
    const char *text =
        "layout bg0 { row 2,3 30x10 c1 r0 s2 { image start 4x4 c2 r0 image centre 5x4 c2 r0 image end 4x4 c2 r0 } column"
        " 1,20 20x30 c1 r0 s1 { box end 10x10 c3 r0 { text 1,2 4x2 c4 t0 } input centre 6x3 c2 r0 t0 } }";
    if (nlg_layout_read(text, &t.style, &layout, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(nlg_layout_items(&layout, &t.style, items), 8);
    static const int places[8][2] = {{16, 24}, {24, 32}, {64, 48}, {112, 64}, {8, 160}, {84, 164}, {92, 180}, {64, 248}};
    for (int i = 0; i < 8; i++) {
        assert_int_equal(items[i].x, places[i][0]);
        assert_int_equal(items[i].y, places[i][1]);
    }
    nlg_layout_target_close(&t);
}

/* ---- loss ---- */

static double linear(double v) {
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

static void oklab(const uint8_t *p, double out[3]) {
    const double r = linear(p[0] / 255.0), g = linear(p[1] / 255.0), b = linear(p[2] / 255.0);
    const double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    const double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    const double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    out[0] = 0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s;
    out[1] = 1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s;
    out[2] = 0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s;
}

/* The definition, pixel by pixel in double. */
static double plain_loss(const nlg_image *a, const nlg_image *b) {
    const int w = a->w, h = a->h;
    double *d = malloc((size_t)w * (size_t)h * sizeof *d), colour = 0, edges = 0, coarse = 0;
    for (int i = 0; i < w * h; i++) {
        double x[3], y[3];
        oklab(a->rgb + 3 * (size_t)i, x);
        oklab(b->rgb + 3 * (size_t)i, y);
        d[i] = x[0] - y[0];
        colour += fabs(d[i]) + 2 * fabs(x[1] - y[1]) + 2 * fabs(x[2] - y[2]);
    }
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++) {
            if (x + 1 < w) edges += fabs(d[y * w + x + 1] - d[y * w + x]);
            if (y > 0) edges += fabs(d[y * w + x] - d[(y - 1) * w + x]);
        }
    const int cw = w / 4, ch = h / 4;
    double *c = calloc((size_t)cw * (size_t)ch, sizeof *c);
    for (int y = 0; y < 4 * ch; y++)
        for (int x = 0; x < 4 * cw; x++) c[y / 4 * cw + x / 4] += d[y * w + x] / 16;
    for (int y = 0; y < ch; y++)
        for (int x = 0; x < cw; x++) {
            if (x + 1 < cw) coarse += fabs(c[y * cw + x + 1] - c[y * cw + x]);
            if (y > 0) coarse += fabs(c[y * cw + x] - c[(y - 1) * cw + x]);
        }
    free(c);
    free(d);
    return (colour + 0.25 * edges) / (w * h) + 0.25 * coarse / (cw * ch);
}

static nlg_image made_picture(int h, int w, uint64_t seed, int coarse) {
    nlg_image image = {h, w, nlg_alloc((size_t)h * (size_t)w * 3, 1)};
    const nlg_rng rng = nlg_rng_seed(seed);
    for (int y = 0; y < h; y++)
        for (int x = 0; x < w; x++)
            for (int c = 0; c < 3; c++)
                image.rgb[((size_t)y * (size_t)w + (size_t)x) * 3 + (size_t)c] =
                    (uint8_t)nlg_rng_below(rng, (uint64_t)((y / coarse * w + x / coarse) * 3 + c), 256);
    return image;
}

static double loss_between(const nlg_image *target, const nlg_image *image) {
    nlg_layout_loss *loss;
    double value;
    assert_int_equal(nlg_layout_loss_create(target, &loss, NULL), NLG_OK);
    assert_int_equal(nlg_layout_loss_of_image(loss, image, &value, NULL), NLG_OK);
    nlg_layout_loss_destroy(loss);
    return value;
}

static void the_loss_is_the_definitions(void **state) {
    (void)state;
    static const int sizes[][3] = {{64, 64, 1}, {90, 71, 1}, {64, 80, 9}, {67, 66, 20}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        nlg_image a = made_picture(sizes[i][0], sizes[i][1], i, sizes[i][2]);
        nlg_image b = made_picture(sizes[i][0], sizes[i][1], i + 100, sizes[i][2]);
        const double wanted = plain_loss(&a, &b), found = loss_between(&a, &b);
        /* Colours have six bits a channel in the table: up to 1/126 of a channel's range. */
        if (fabs(found - wanted) > 0.01 * wanted) fail_msg("expected %f, found %f", wanted, found);
        assert_true(loss_between(&a, &a) == 0);
        assert_true(found == loss_between(&b, &a));
        nlg_image_release(&a);
        nlg_image_release(&b);
    }
}

static void black_is_1_from_white(void **state) {
    (void)state;
    nlg_image black = {64, 64, nlg_alloc(64 * 64, 3)};
    nlg_layout_loss *loss;
    assert_int_equal(nlg_layout_loss_create(&black, &loss, NULL), NLG_OK);
    assert_true(fabs(nlg_layout_loss_of_plain(loss, (const uint8_t[3]){255, 255, 255}) - 1) < 0.001);
    assert_true(nlg_layout_loss_of_plain(loss, (const uint8_t[3]){0, 0, 0}) == 0);
    nlg_layout_loss_destroy(loss);
    nlg_image_release(&black);
}

/* ---- recovery ---- */

static void recovery_counts_matches(void **state) {
    (void)state;
    nlg_layout_target t = open_target("profile", "");
    assert_true(nlg_layout_recovery(&t.truth, &t.truth, &t.style) == 1);
    nlg_layout other = t.truth;
    other.component[0].kind = NLG_LAYOUT_IMAGE; /* another kind: one of 12 is not found, one found is wrong */
    assert_true(fabs(nlg_layout_recovery(&t.truth, &other, &t.style) - 11.0 / 12) < 1e-12);
    other = t.truth;
    other.count = 0;
    assert_true(nlg_layout_recovery(&t.truth, &other, &t.style) == 0);
    other = t.truth;
    other.component[1].x += 1; /* 12 x 12 shifted by 1: overlap 11 / 13 */
    assert_true(nlg_layout_recovery(&t.truth, &other, &t.style) == 1);
    other.component[1].x += 4; /* 7 / 17 */
    assert_true(nlg_layout_recovery(&t.truth, &other, &t.style) < 1);
    nlg_layout_target_close(&t);
}

/* ---- targets of a user ---- */

static void a_file_is_a_target(void **state) {
    (void)state;
    char *folder = made_folder();
    char space_text[512];
    nlg_image image = made_picture(96, 128, 5, 32);
    nlg_space space, other;
    nlg_error err = {0};
    if (nlg_image_write_png(made_path(folder, "a.png"), &image, &err) != NLG_OK) fail_msg("%s", err.text);
    static const char texts[] = "one\r\n\nzwei \xc3\xbc\nthree";
    made_file(folder, "texts", texts, sizeof texts - 1);
    snprintf(space_text, sizeof space_text, "layout:target=%s,components=6,texts=%s", made_path(folder, "a.png"),
             made_path(folder, "texts"));
    if (nlg_space_open(space_text, &space, &err) != NLG_OK) fail_msg("%s", err.text);
    const nlg_layout_target *t = nlg_layout_space_target(&space);
    assert_int_equal(t->style.w, 128);
    assert_int_equal(t->style.n_colours, 12); /* 4 x 3 squares */
    assert_int_equal(t->style.n_texts, 3);
    assert_string_equal(t->style.texts[1], "zwei \xc3\xbc");
    assert_memory_equal(space.name, "layout:target=a.png#", 20);
    /* Another spelling of the path is the same space; the digest in a name is compared. */
    snprintf(space_text, sizeof space_text, "layout:target=%s/./a.png#%.12s,texts=%s,components=6", folder, t->digest,
             made_path(folder, "texts"));
    if (nlg_space_open(space_text, &other, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_string_equal(space.name, other.name);
    nlg_space_close(&other);
    snprintf(space_text, sizeof space_text, "layout:target=%s/a.png#%.12s,components=6", folder, t->digest);
    assert_int_equal(nlg_space_open(space_text, &other, &err), NLG_ERR_INPUT); /* other texts */
    nlg_space_close(&other);
    nlg_space_close(&space);
    nlg_image_release(&image);
    made_folder_remove(folder);
}

static void bad_targets_are_refused(void **state) {
    (void)state;
    char *folder = made_folder(), path[512];
    nlg_image small = made_picture(32, 128, 5, 32);
    nlg_error err = {0};
    if (nlg_image_write_png(made_path(folder, "small.png"), &small, &err) != NLG_OK) fail_msg("%s", err.text);
    made_file(folder, "text", "hello", 5);
    made_file(folder, "latin", "h\xfcllo\n", 6);
    made_file(folder, "empty", "\n\n", 2);
    static const struct {
        const char *target, *texts, *part;
    } bad[] = {
        {"nosuch", "", "nearest"},
        {"small.png", "", "64 to 1024 pixels"},
        {"text", "", ""},
        {"sign-in", "text", "texts of its own"},
        {"outside", "latin", "UTF-8"},
        {"outside", "empty", "one text a line"},
        {"outside", "none", ""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nlg_layout_target target;
        nlg_error mine = {0};
        const bool is_file = strcmp(bad[i].target, "sign-in") != 0 && strcmp(bad[i].target, "outside") != 0;
        snprintf(path, sizeof path, "%s%s%s", is_file ? folder : "", is_file ? "/" : "", bad[i].target);
        const nlg_status status =
            nlg_layout_target_open(path, bad[i].texts[0] ? made_path(folder, bad[i].texts) : "", &target, &mine);
        if (status != NLG_ERR_INPUT && status != NLG_ERR_IO) fail_msg("%s is taken", path);
        if (!strstr(mine.text, bad[i].part)) fail_msg("expected \"%s\": %s", bad[i].part, mine.text);
    }
    nlg_image_release(&small);
    made_folder_remove(folder);
}

/* ---- searches ---- */

static double best_score(const char *strategy, uint64_t seed) {
    enum { BUDGET = 400 };
    nlg_space space;
    nlg_layout_evaluator *evaluator;
    nlg_error err = {0};
    nlg_search_result result;
    char options[NLG_STRATEGY_OPTIONS_TEXT];
    nlg_search_options how = {.budget = BUDGET, .seed = seed, .space = &space, .strategy_options = options};
    assert_int_equal(nlg_space_open("layout", &space, &err), NLG_OK);
    if (nlg_layout_evaluator_create(&space, &evaluator, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(nlg_strategy_pick(strategy, true, &how.strategy, options, &err), NLG_OK);
    how.evaluator = nlg_layout_evaluator_interface(evaluator);
    how.evaluator_config = nlg_layout_evaluator_config(evaluator);
    if (nlg_search_run(&how, &result, &err) != NLG_OK) fail_msg("%s", err.text);
    const double score = result.trials[result.best].score;
    nlg_free(result.trials);
    nlg_layout_evaluator_destroy(evaluator);
    nlg_space_close(&space);
    return score;
}

static void evolution_comes_nearer_than_random_search(void **state) {
    (void)state;
    skip_without_cairo();
    for (uint64_t seed = 1; seed <= 2; seed++) {
        const double evolved = best_score("evolution:population=20:sample=5", seed), random = best_score("random", seed);
        if (!(evolved > random && random > 0.3)) fail_msg("seed %d: evolution %f, random %f", (int)seed, evolved, random);
    }
}

static void the_truth_scores_1(void **state) {
    (void)state;
    skip_without_cairo();
    for (int i = 0; i < nlg_layout_target_count(); i++) {
        char text[128], genotype[NLG_GENOTYPE_MAX];
        nlg_space space;
        nlg_layout_evaluator *evaluator;
        nlg_error err = {0};
        nlg_trial trial = {0};
        snprintf(text, sizeof text, "layout:target=%s", nlg_layout_target_name_at(i));
        if (nlg_space_open(text, &space, &err) != NLG_OK) fail_msg("%s", err.text);
        const nlg_layout_target *t = nlg_layout_space_target(&space);
        if (nlg_layout_evaluator_create(&space, &evaluator, &err) != NLG_OK) fail_msg("%s", err.text);
        const nlg_evaluator *e = nlg_layout_evaluator_interface(evaluator);
        if (t->has_truth) {
            nlg_layout_write(&t->truth, genotype, sizeof genotype);
            if (space.decode(&space, genotype, &trial.code, &err) != NLG_OK) fail_msg("%s", err.text);
            assert_int_equal(e->evaluate(e->context, &space, &trial, &err), NLG_OK);
            assert_true(trial.score == 1);
            assert_true(nlg_layout_evaluator_loss(evaluator, trial.score) == 0);
        }
        nlg_layout_evaluator_destroy(evaluator);
        nlg_space_close(&space);
    }
    nlg_layout_evaluator *evaluator;
    nlg_error err = {0};
    assert_int_equal(nlg_layout_evaluator_create(nlg_space_find("mnasnet"), &evaluator, &err), NLG_ERR_INPUT);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(truths_are_written_as_they_were_read),
        cmocka_unit_test(wrong_texts_say_where),
        cmocka_unit_test(pictures_have_known_digests),
        cmocka_unit_test(rows_and_columns_place_their_children),
        cmocka_unit_test(the_loss_is_the_definitions),
        cmocka_unit_test(black_is_1_from_white),
        cmocka_unit_test(recovery_counts_matches),
        cmocka_unit_test(a_file_is_a_target),
        cmocka_unit_test(bad_targets_are_refused),
        cmocka_unit_test(evolution_comes_nearer_than_random_search),
        cmocka_unit_test(the_truth_scores_1),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
