/* Figures: their files, their queries on an empty store, texts that do not overlap, and names that must do no harm. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "datasets/dataset.h"
#include "harness/report/detections_scene.h"
#include "harness/report/draw.h"
#include "harness/report/escape.h"
#include "harness/report/figure.h"
#include "harness/report/layout.h"
#include "harness/report/report.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "models/model.h"
#include "search/store/store.h"
#include "tests/program.h"
#include "tests/read_back.h"
#include "train/recipe.h"

static nlg_figure *figures;
static int n_figures;

static int load(void **state) {
    (void)state;
    nlg_error err = {0};
    if (nlg_figures_load(&figures, &n_figures, &err) == NLG_OK) return 0;
    fprintf(stderr, "%s\n", err.text);
    return -1;
}

static int unload(void **state) {
    (void)state;
    nlg_figures_free(figures, n_figures);
    return 0;
}

static nlg_query *open_empty(void) {
    nlg_query *q;
    nlg_error err = {0};
    if (nlg_query_open(NULL, "results/published", &q, &err) != NLG_OK) fail_msg("%s", err.text);
    return q;
}

static const nlg_figure *find(const char *name) {
    const nlg_figure *f;
    nlg_error err = {0};
    if (nlg_figure_find(figures, n_figures, name, &f, &err) != NLG_OK) fail_msg("%s", err.text);
    return f;
}

static nlg_rows *rows_of(nlg_query *q, const nlg_figure *f) {
    nlg_rows *rows;
    nlg_error err = {0};
    if (nlg_figure_tables(f, q, NULL, f->name, &err) != NLG_OK) fail_msg("%s", err.text);
    if (nlg_figure_rows(f, q, "smoke", "none", &rows, &err) != NLG_OK) fail_msg("%s", err.text);
    return rows;
}

static void every_query_runs_on_an_empty_store(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    int published = 0;
    assert_true(n_figures > 20);
    for (int i = 0; i < n_figures; i++) {
        nlg_rows *rows = rows_of(q, &figures[i]);
        published += rows->count > 0;
        assert_true(nlg_rows_column(rows, "x") >= 0 && nlg_rows_column(rows, "y") >= 0);
        if (figures[i].each_experiment && rows->count) fail_msg("%s: rows without a store", figures[i].name);
        nlg_rows_free(rows);
    }
    assert_true(published >= 12); /* the published figures need no store */
    nlg_query_close(q);
}

/* The mark means one thing, whatever the figure. */
static void captions_tell_what_is_hollow(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    for (int i = 0; i < n_figures; i++) {
        nlg_rows *rows = rows_of(q, &figures[i]);
        bool is_hollow = false;
        for (int k = 0; k < rows->count; k++) {
            const char *source = nlg_rows_text(rows, k, "source");
            is_hollow |= source && strcmp(source, "published") == 0;
        }
        const char *told = strstr(figures[i].caption, "Hollow: ");
        if (rows->count && is_hollow != (told && strstr(told, "published by others, not measured here.")))
            fail_msg("%s: the caption says '%s' of hollow points", figures[i].name, told ? told : "nothing");
        nlg_rows_free(rows);
    }
    nlg_query_close(q);
}

static double left_of(const nlg_placed_text *t, double width) {
    return t->anchor == NLG_TEXT_LEFT ? t->x : t->anchor == NLG_TEXT_CENTRE ? t->x - width / 2 : t->x - width;
}

/* By the widths that the layout itself assumes: a browser's are checked by tests/pages.sh. */
static void texts_neither_overlap_nor_leave(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    for (int f = 0; f < n_figures; f++) {
        nlg_rows *rows = rows_of(q, &figures[f]);
        for (int narrow = 0; rows->count && narrow < 2; narrow++) {
            nlg_layout *l;
            if (nlg_layout_make(&figures[f], rows, narrow ? 350 : 760, 560, narrow, &l, &err) != NLG_OK) fail_msg("%s", err.text);
            for (int i = 0; i < l->n_texts; i++) {
                const nlg_placed_text *a = &l->texts[i];
                double size_a = a->is_small ? (narrow ? 10 : 11.5) : (narrow ? 11 : 13), wa = nlg_text_width(a->text, size_a),
                       xa = left_of(a, wa);
                if (xa < 0 || xa + wa > l->width || a->y < 0 || a->y > l->height)
                    fail_msg("%s: '%s' is clipped", figures[f].name, a->text);
                for (int j = 0; j < i; j++) {
                    const nlg_placed_text *b = &l->texts[j];
                    double size_b = b->is_small ? (narrow ? 10 : 11.5) : (narrow ? 11 : 13), wb = nlg_text_width(b->text, size_b),
                           xb = left_of(b, wb);
                    bool apart = xa + wa <= xb || xb + wb <= xa || fabs(a->y - b->y) >= 0.5 * (size_a + size_b);
                    if (!apart) fail_msg("%s%s: '%s' lies on '%s'", figures[f].name, narrow ? " (narrow)" : "", a->text, b->text);
                }
            }
            nlg_layout_free(l);
        }
        nlg_rows_free(rows);
    }
    nlg_query_close(q);
}

static double distance_to(double x, double y, const double box[4]) {
    return hypot(x - fmin(fmax(x, box[0]), box[2]), y - fmin(fmax(y, box[1]), box[3]));
}

static bool is_led(const nlg_layout *l, int row) {
    for (int i = 0; i < l->n_leaders; i++)
        if (l->leaders[i].x0 == l->pixel[2 * row] && l->leaders[i].y0 == l->pixel[2 * row + 1]) return true;
    return false;
}

/* Of the label `text` of the row, in `box`: its own point is the nearest one, or has a line to it. */
static bool is_at_its_point(const nlg_layout *l, const double box[4], int row) {
    const double own = distance_to(l->pixel[2 * row], l->pixel[2 * row + 1], box);
    for (int i = 0; i < l->n_points; i++)
        if (l->points[i].shape && distance_to(l->pixel[2 * i], l->pixel[2 * i + 1], box) < own) return is_led(l, row);
    return true;
}

static bool runs_through(const nlg_segment *s, const double box[4]) {
    for (int k = 1; k < 64; k++)
        if (distance_to(s->x0 + (s->x1 - s->x0) * k / 64, s->y0 + (s->y1 - s->y0) * k / 64, box) == 0) return true;
    return false;
}

static void labels_belong_to_their_points(void **state) {
    (void)state;
    static const char *const names[] = {"published-params", "published-macs", "efficientnet-size"};
    nlg_query *q = open_empty();
    nlg_error err = {0};
    for (int f = 0; f < 6; f++) {
        const bool is_narrow = f % 2;
        nlg_rows *rows = rows_of(q, find(names[f / 2]));
        nlg_layout *l;
        int seen = 0;
        assert_int_equal(
            nlg_layout_make(find(names[f / 2]), rows, is_narrow ? 350 : 760, is_narrow ? 400 : 470, is_narrow, &l, &err), NLG_OK);
        for (int row = 0; row < l->n_points; row++) {
            const char *label = nlg_rows_text(rows, row, "label");
            for (int i = 0; label && i < l->n_texts; i++) {
                const nlg_placed_text *t = &l->texts[i];
                if (strcmp(t->text, label) != 0) continue;
                const double size = is_narrow ? 10 : 11.5, width = nlg_text_width(label, size),
                             box[4] = {t->x, t->y - 0.5 * size, t->x + width, t->y + 0.5 * size};
                seen++;
                if (!is_at_its_point(l, box, row)) fail_msg("%s: '%s' stands at another point", names[f / 2], label);
                for (int k = 0; !is_narrow && k < l->n_leaders; k++)
                    if (runs_through(&l->leaders[k], box)) fail_msg("%s: a line runs through '%s'", names[f / 2], label);
            }
        }
        assert_true(seen > (is_narrow ? 10 : 15));
        nlg_layout_free(l);
        nlg_rows_free(rows);
    }
    nlg_query_close(q);
}

/* What the legend shows of a series is true of all its points. */
static void points_of_a_series_look_alike(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    for (int f = 0; f < n_figures; f++) {
        nlg_rows *rows = rows_of(q, &figures[f]);
        nlg_layout *l;
        assert_int_equal(nlg_layout_make(&figures[f], rows, 760, 560, false, &l, &err), NLG_OK);
        for (int i = 0; i < l->n_points; i++)
            for (int k = 0; k < l->n_legend; k++) {
                const nlg_placed_point *a = &l->points[i], *b = &l->legend[k];
                if (a->series != b->series || !a->shape || !b->shape) continue;
                if (a->shape != b->shape || a->colour != b->colour)
                    fail_msg("%s: '%s' does not look like the legend", figures[f].name, nlg_rows_text(rows, i, "series"));
            }
        nlg_layout_free(l);
        nlg_rows_free(rows);
    }
    nlg_query_close(q);
}

/* A store with these rows, after program_enter; smoke: records of the experiment "none". */
static nlg_query *open_with(const char *rows) {
    static const char machine[] = "INSERT INTO machines VALUES (1, 'c', 1, 1, 'i', 'c', 'c', 'f'); ";
    char path[512], sql[16384];
    nlg_store *store;
    nlg_query *q;
    nlg_error err = {0};
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, NULL), NLG_OK);
    nlg_store_close(store);
    snprintf(sql, sizeof sql, "%s%s", machine, rows);
    ask_store(path, sql);
    if (nlg_query_open(path, "results/published", &q, &err) != NLG_OK) fail_msg("%s", err.text);
    return q;
}

/* Three searches of one strategy, of which two can evaluate nothing at first, and the third nothing for longer. */
static void the_best_so_far_never_falls(void **state) {
    (void)state;
    program_enter();
    nlg_query *q = open_with(
        "WITH s(n, spec, detail) AS (VALUES"
        " (1, '{\"recipe\":{\"detection\":{}}}', '{\"history\":[{\"status\":\"rejected\",\"score\":0},"
        "{\"status\":\"done\",\"score\":0.5},{\"status\":\"done\",\"score\":0.3},{\"status\":\"rejected\",\"score\":0}]}'),"
        " (2, '{}', '{\"history\":[{\"status\":\"done\",\"score\":0.9}]}')," /* it ended early, its best stays */
        " (3, '{}', '{\"history\":[{\"status\":\"rejected\",\"score\":0},{\"status\":\"rejected\",\"score\":0},"
        "{\"status\":\"done\",\"score\":0.1},{\"status\":\"done\",\"score\":0.1,\"repeat\":true}," /* which costs nothing */
        "{\"status\":\"done\",\"score\":0.7}]}'))"
        "INSERT INTO records SELECT n, 'search', spec, 1, 'done', '', '', detail, 1, 1, '' FROM s;"
        "INSERT INTO members SELECT 'smoke', 'none', 'search', key, 'evolution', '{}', 0, key FROM records");
    nlg_rows *rows = rows_of(q, find("search-anytime"));
    static const double expected[][2] = {{2, 50}, {3, 50}, {4, 70}}; /* after one evaluation most searches have nothing */
    assert_int_equal(rows->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_true(nlg_rows_number(rows, i, "x") == expected[i][0]);
        assert_true(fabs(nlg_rows_number(rows, i, "y") - expected[i][1]) < 1e-9);
    }
    char *title = nlg_figure_text(find("search-anytime")->y, NULL, rows);
    assert_string_equal(title, "best validation AP so far, % (proxy)");
    nlg_free(title);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* Searches of two spaces: each space is a picture of its own, with the names of strategies alone. */
static void every_space_is_a_panel(void **state) {
    (void)state;
    program_enter();
    nlg_query *q = open_with("WITH s(n, space, score) AS (VALUES (1, 'b', 0.5), (2, 'b', 0.7), (3, 'a', 0.9))"
                             "INSERT INTO records SELECT n, 'search', '{\"space\":\"' || space || '\"}', 1, 'done', '', '', "
                             "'{\"history\":[{\"status\":\"done\",\"score\":' || score || '}]}', 1, 1, '' FROM s;"
                             "INSERT INTO members SELECT 'smoke', 'none', 'search', key, 'evolution', '{}', 0, key FROM records");
    nlg_rows *rows = rows_of(q, find("search-anytime"));
    assert_int_equal(rows->count, 2);
    assert_string_equal(nlg_rows_text(rows, 0, "label"), "evolution");
    nlg_rows_keep(rows, "none", "b"); /* there is no such column */
    assert_int_equal(rows->count, 2);
    nlg_rows_keep(rows, "panel", "b");
    assert_int_equal(rows->count, 1);
    assert_true(fabs(nlg_rows_number(rows, 0, "y") - 60) < 1e-9);
    char *title = nlg_figure_text(find("search-anytime")->title, "none", rows),
         *caption = nlg_figure_text(find("search-anytime")->caption, "none", rows);
    assert_string_equal(title, "Search: best validation accuracy so far (none, space b)");
    assert_non_null(strstr(caption, "Searches of each line: 2."));
    nlg_free(title);
    nlg_free(caption);
    nlg_rows_free(rows);
    rows = rows_of(q, find("search-anytime"));
    nlg_rows_keep(rows, "panel", NULL);
    assert_int_equal(rows->count, 1);
    assert_string_equal(nlg_rows_text(rows, 0, "panel"), "a");
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* experiment: whose arms are asked for. The second arm reaches 85 % halfway through its second epoch, the first one never does.
 * Both stages have the same trainings. */
static nlg_rows *arms_of(const char *experiment, const char *metric) {
    nlg_error err = {0};
    nlg_rows *rows;
    char text[2048];
    snprintf(text, sizeof text,
             "WITH s(n, reached) AS (VALUES (1, 0.8), (2, 0.95))"
             "INSERT INTO records SELECT n, 'train', '{\"recipe\":{\"epochs\":2}}', 1, 'done', '', '', "
             "'{\"history\":[{\"train_accuracy\":0.75},{\"train_accuracy\":' || reached || '}]}', 1, 1, '' FROM s;"
             "INSERT INTO metrics SELECT key, 'test_accuracy', '', 0.7 FROM records;"
             "INSERT INTO metrics SELECT key, '%s', '', 0.9 FROM records;"
             "INSERT INTO members SELECT 'smoke', '%s', stage, key, 'arm ' || key, '{}', 1, key FROM records,"
             " (SELECT 'final' AS stage UNION ALL SELECT 'other')",
             metric, experiment);
    nlg_query *q = open_with(text);
    if (nlg_figure_rows(find("arms"), q, "smoke", experiment, &rows, &err) != NLG_OK) fail_msg("%s", err.text);
    nlg_query_close(q);
    return rows;
}

/* Arms stand by what their experiment's claim is about: epochs, the gap between training and test, or test accuracy. */
static void arms_show_what_the_claim_is_about(void **state) {
    (void)state;
    static const struct {
        const char *experiment, *metric, *title;
        double value[2];
    } cases[] = {{"alexnet-relu", "none", "Epochs until 15 % training error (e)", {2, 1.5}},
                 {"none", "fitted_accuracy", "Gap between training and test accuracy (e)", {20, 20}},
                 {"none", "none", "Test accuracy of the arms (e)", {70, 70}}};
    for (int i = 0; i < 3; i++) {
        program_enter();
        nlg_rows *rows = arms_of(cases[i].experiment, cases[i].metric);
        assert_int_equal(rows->count, 2);
        for (int k = 0; k < 2; k++) assert_true(fabs(nlg_rows_number(rows, k, "x") - cases[i].value[k]) < 1e-9);
        char *title = nlg_figure_text(find("arms")->title, "e", rows), *caption = nlg_figure_text(find("arms")->caption, "e", rows);
        assert_string_equal(title, cases[i].title);
        assert_int_equal(strstr(caption, "1 of 2 trainings never reach it") != NULL, i == 0);
        assert_non_null(strstr(caption, "mean over 1 seed;"));
        nlg_free(title);
        nlg_free(caption);
        nlg_rows_free(rows);
        program_leave();
    }
}

/* Twelve lines that end within a fiftieth of the height: all are named, beside the axes, from the highest end to the lowest; each
 * has a colour or a dash of its own. */
static void line_ends_are_named_in_their_order(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    nlg_rows *rows;
    nlg_layout *l;
    static const char sql[] =
        "WITH n(i) AS (VALUES (3), (1), (11), (7), (2), (12), (5), (4), (9), (10), (6), (8)), e(x) AS (VALUES (1), (2), (7)) "
        "SELECT x, CASE x WHEN 7 THEN i / 600.0 ELSE 1 END AS y, 'line ' || i AS series, 'line ' || i AS line, "
        "CASE x WHEN 7 THEN 'line ' || i END AS label FROM n, e ORDER BY i, x";
    assert_int_equal(nlg_query_run(q, sql, NULL, NULL, "lines", &rows, &err), NLG_OK);
    for (int narrow = 0; narrow < 2; narrow++) {
        assert_int_equal(nlg_layout_make(find("curves"), rows, narrow ? 350 : 760, 560, narrow, &l, &err), NLG_OK);
        double last = 0;
        int named = 0;
        for (int i = 0; i < l->n_texts; i++) {
            char expected[32];
            if (strncmp(l->texts[i].text, "line ", 5) != 0 || l->texts[i].x < l->right) continue;
            snprintf(expected, sizeof expected, "line %d", 12 - named);
            assert_string_equal(l->texts[i].text, expected);
            if (named) assert_true(l->texts[i].y - last >= 10);
            last = l->texts[i].y;
            named++;
        }
        assert_int_equal(named, 12);
        assert_int_equal(l->dropped, 0);
        for (int i = 0; i < l->x_ticks; i++) assert_true(l->x_tick[i].value == floor(l->x_tick[i].value));
        for (int i = 0; i < l->n_points; i++)
            for (int k = 0; k < i; k++) {
                const nlg_placed_point *a = &l->points[i], *b = &l->points[k];
                assert_int_equal(a->series == b->series, a->colour == b->colour && a->dash == b->dash);
            }
        nlg_layout_free(l);
    }
    nlg_rows_free(rows);
    nlg_query_close(q);
}

/* Two lines whose names are longer than the room above them: beside the axes at their own ends, or in the legend alone. */
static void labels_stand_at_their_own_ends(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    nlg_rows *rows;
    static const char sql[] = "WITH e(x) AS (VALUES (1), (2), (24)), n(name, y) AS (VALUES ('bn_inception_small_no_norm', 0.62), "
                              "('bn_inception_small', 0.15)) "
                              "SELECT x, y + 1.0 / x AS y, name AS series, name AS line, CASE x WHEN 24 THEN name END AS label "
                              "FROM n, e ORDER BY name, x";
    assert_int_equal(nlg_query_run(q, sql, NULL, NULL, "lines", &rows, &err), NLG_OK);
    for (int narrow = 0; narrow < 2; narrow++) {
        nlg_layout *l;
        int beside = 0, inside = 0;
        assert_int_equal(nlg_layout_make(find("curves"), rows, narrow ? 350 : 760, 470, narrow, &l, &err), NLG_OK);
        for (int i = 0; i < l->n_texts; i++) {
            const nlg_placed_text *t = &l->texts[i];
            if (strncmp(t->text, "bn_inception", 12) != 0 || t->y < l->top) continue;
            inside += t->x < l->right;
            beside += t->x > l->right && fabs(t->y - l->pixel[2 * (strcmp(t->text, "bn_inception_small") ? 5 : 2) + 1]) < 1;
        }
        assert_int_equal(inside, 0);
        assert_int_equal(beside, narrow ? 0 : 2);
        assert_int_equal(l->n_legend, 2);
        nlg_layout_free(l);
    }
    nlg_rows_free(rows);
    nlg_query_close(q);
}

/* Winners of a strategy are one line, the median of their trainings, with a band of quartiles; one network alone keeps its name. */
static void what_searches_found_is_one_line(void **state) {
    (void)state;
    program_enter();
    nlg_query *q =
        open_with("WITH s(n, arm, loss) AS (VALUES (1, 'winner of random, seed 1', 0.1), (2, 'winner of random, seed 2', 0.2), (3, "
                  "'winner of "
                  "random, seed 3', 0.9), (4, 'resnet8_small', 0.4))"
                  "INSERT INTO records SELECT n, 'train', '{}', 1, 'done', '', '', '{\"history\":[{\"loss\":1},{\"loss\":' || loss "
                  "|| '}]}', 1, 1, "
                  "arm FROM s; INSERT INTO members SELECT 'smoke', 'none', 'final', key, created, '{}', 1, key FROM records");
    nlg_rows *rows = rows_of(q, find("curves"));
    assert_int_equal(rows->count, 4);
    assert_string_equal(nlg_rows_text(rows, 1, "label"), "resnet8_small");
    assert_null(nlg_rows_text(rows, 1, "low"));
    assert_string_equal(nlg_rows_text(rows, 3, "label"), "winners of random search (3)");
    assert_string_equal(nlg_rows_text(rows, 0, "trainings"), "1 to 3 trainings a line");
    assert_true(nlg_rows_number(rows, 3, "y") == 0.2 && fabs(nlg_rows_number(rows, 3, "low") - 0.15) < 1e-12 &&
                fabs(nlg_rows_number(rows, 3, "high") - 0.55) < 1e-12);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* rows: "(network, images, macs, accuracy), ..." */
static nlg_query *open_trained(const char *trained) {
    char sql[4096];
    snprintf(
        sql, sizeof sql,
        "CREATE TEMP TABLE s AS WITH v(network, images, macs, accuracy) AS (VALUES %s) SELECT row_number() OVER () AS n, * FROM v;"
        "INSERT INTO records SELECT n, 'train', json_object('data', json_object('name', 'fashion-mnist', 'train', 5000)), 1, "
        "'done', '', "
        "'', '', 1, 1, '' FROM s;"
        "INSERT INTO metrics SELECT n, 'macs', '', macs FROM s UNION ALL SELECT n, 'test_accuracy', '', accuracy FROM s;"
        "INSERT INTO members SELECT 'smoke', 'none', 'final', n, network, json_object('network', network, 'train_images', images), "
        "1, "
        "n FROM s",
        trained);
    return open_with(sql);
}

static int count_in(const nlg_rows *rows, const char *column) {
    int n = 0;
    for (int i = 0; i < rows->count; i++) n += nlg_rows_text(rows, i, column) != NULL;
    return n;
}

static void fronts_join_what_is_comparable(void **state) {
    (void)state;
    static const struct {
        const char *trained, *alt;
        int on_fronts, labels;
    } cases[] = {{"('resnet8_small', 1000, 100, 0.5), ('resnet20_small', 1000, 200, 0.6), ('vgg_small', 1000, 300, 0.4)",
                  "human-designed, with their front.", 2, 3},
                 {"('resnet8_small', 1000, 100, 0.5), ('resnet20_small', 5000, 200, 0.6), ('vgg_small', 1000, 300, 0.4)",
                  "human-designed, without a front.", 0, 3},
                 {"('resnet8_small', 1000, 100, 0.5), ('resnet20_small', 1000, 200, 0.6), ('nasnet_a_small', 1000, 300, 0.7)",
                  "human-designed and searched, with the front of the human-designed.", 2, 3},
                 /* Of many, those on the front, and the lowest and the most expensive. */
                 {"('resnet8_small', 1, 1, 0.5), ('resnet20_small', 1, 2, 0.6), ('a', 1, 3, 0.3), ('b', 1, 3, 0.31), ('c', 1, 3, "
                  "0.32), ('d', 1, "
                  "3, 0.33), ('e', 1, 3, 0.34), ('f', 1, 3, 0.35), ('g', 1, 3, 0.36), ('h', 1, 3, 0.37), ('i', 1, 3, 0.38), ('j', "
                  "1, 3, 0.39), "
                  "('k', 1, 4, 0.31)",
                  "human-designed and searched, with the front of the human-designed.", 2, 5}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        program_enter();
        nlg_query *q = open_trained(cases[i].trained);
        nlg_rows *rows = rows_of(q, find("accuracy-macs"));
        char *alt = nlg_figure_text(find("accuracy-macs")->alt, "none", rows);
        const char *end = alt + strlen(alt) - strlen(cases[i].alt);
        assert_true(end > alt);
        assert_string_equal(end, cases[i].alt);
        assert_int_equal(count_in(rows, "line"), cases[i].on_fronts);
        assert_int_equal(count_in(rows, "label"), cases[i].labels);
        nlg_free(alt);
        nlg_rows_free(rows);
        nlg_query_close(q);
        program_leave();
    }
}

/* What lies far below the front would take the height that shows the front; the caption counts it. */
static void the_few_far_below_the_front_are_counted(void **state) {
    (void)state;
    program_enter();
    nlg_query *q = open_trained("('resnet8_small', 1, 1, 0.5), ('resnet20_small', 1, 2, 0.6), ('a', 1, 3, 0.5), ('b', 1, 3, 0.51), "
                                "('c', 1, 3, 0.52), ('d', 1, 3, 0.53), ('e', 1, 3, 0.54), ('f', 1, 3, 0.55), ('g', 1, 3, 0.56), "
                                "('h', 1, 3, 0.57), ('i', 1, 3, 0.58), ('j', 1, 3, 0.11), ('k', 1, 4, 0.1)");
    nlg_rows *rows = rows_of(q, find("accuracy-macs"));
    char *caption = nlg_figure_text(find("accuracy-macs")->caption, "none", rows);
    assert_non_null(strstr(caption, "Below the axis, but in the table: 2 networks of at most 11.0 %."));
    assert_non_null(strstr(caption, "(Fashion-MNIST, 5,000 training images, 1 seed), mean"));
    assert_null(strstr(caption, "seed by seed")); /* one side alone has two networks that share a range of costs */
    assert_int_equal(rows->count, 11 + 2);
    nlg_free(caption);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* rows: "(arm, factors, macs, metric, value), ..." */
static nlg_query *open_measured(const char *trained) {
    char sql[4096];
    snprintf(sql, sizeof sql,
             "CREATE TEMP TABLE s AS WITH v(arm, factors, macs, metric, value) AS (VALUES %s) SELECT row_number() OVER () AS n, * "
             "FROM v;"
             "INSERT INTO records SELECT n, 'train', '{}', 1, 'done', '', '', '', 1, 1, '' FROM s;"
             "INSERT INTO metrics SELECT n, 'macs', '', macs FROM s UNION ALL SELECT n, metric, '', value FROM s;"
             "INSERT INTO members SELECT 'smoke', 'none', 'final', n, arm, factors, 1, n FROM s",
             trained);
    return open_with(sql);
}

/* Every way is a line that begins at the base, which is one point. */
static void ways_of_scaling_begin_at_the_base(void **state) {
    (void)state;
    program_enter();
    nlg_query *q = open_measured("('base', '{\"way\": \"base\", \"cost\": \"1\"}', 1e6, 'test_accuracy', 0.7),"
                                 "('deep', '{\"way\": \"depth\", \"cost\": \"3\"}', 3e6, 'test_accuracy', 0.71),"
                                 "('deeper', '{\"way\": \"depth\", \"cost\": \"5\"}', 5e6, 'test_accuracy', 0.72),"
                                 "('wide', '{\"way\": \"width\", \"cost\": \"5\"}', 5e6, 'test_accuracy', 0.75),"
                                 "('wide', '{\"way\": \"width\", \"cost\": \"5\"}', 5e6, 'test_accuracy', 0.77),"
                                 "('other', '{}', 9e6, 'test_accuracy', 0.9)");
    nlg_rows *rows = rows_of(q, find("own-scaling"));
    static const double x[] = {1e6, 3e6, 5e6, 1e6, 5e6, 1e6}, y[] = {70, 71, 72, 70, 76, 70};
    assert_int_equal(rows->count, 6);
    for (int i = 0; i < 6; i++) {
        const char *line = nlg_rows_text(rows, i, "line");
        assert_string_equal(line ? line : "none", i < 3 ? "depth" : i < 5 ? "width" : "none");
        assert_true(nlg_rows_number(rows, i, "x") == x[i] && fabs(nlg_rows_number(rows, i, "y") - y[i]) < 1e-9);
        assert_true((nlg_rows_number(rows, i, "marker") > 0) == (i != 0 && i != 3));
    }
    char *caption = nlg_figure_text(find("own-scaling")->caption, "none", rows),
         *alt = nlg_figure_text(find("own-scaling")->alt, "none", rows);
    assert_non_null(strstr(caption, "mean over 1 to 2 seeds"));
    assert_non_null(strstr(alt, "the width way is highest"));
    nlg_free(caption);
    nlg_free(alt);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* What has a mean is large and named; what did not train is counted, not drawn; detectors of one cost have no chart. */
static void detectors_stand_over_their_cost(void **state) {
    (void)state;
    program_enter();
    nlg_query *q = open_measured("('retinanet_tiny_bn', '{\"network\": \"retinanet_tiny_bn\"}', 10e6, 'test_ap', 0.2),"
                                 "('retinanet_tiny_bn', '{\"network\": \"retinanet_tiny_bn\"}', 10e6, 'test_ap', 0.3),"
                                 "('nas_fpn_tiny', '{\"network\": \"nas_fpn_tiny\"}', 12e6, 'test_ap', 0.3),"
                                 "('winner of evolution, seed 1', '{}', 11e6, 'test_ap', 0.31),"
                                 "('architecture 1 of random, seed 1', '{}', 11e6, 'test_ap', 0.001)");
    nlg_rows *rows = rows_of(q, find("own-detection-cost"));
    static const char *const series[] = {"human-designed (here, reduced)", "searched, as the paper prints it (here, reduced)",
                                         "winners of evolution"};
    static const double y[] = {25, 30, 31};
    assert_int_equal(rows->count, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(nlg_rows_text(rows, i, "series"), series[i]);
        assert_true(fabs(nlg_rows_number(rows, i, "y") - y[i]) < 1e-9);
        assert_true((nlg_rows_text(rows, i, "label") != NULL) == (i < 2) && (nlg_rows_number(rows, i, "single") > 0) == (i == 2));
    }
    char *caption = nlg_figure_text(find("own-detection-cost")->caption, "none", rows);
    assert_non_null(strstr(caption, "mean of 1 to 2 trainings"));
    assert_non_null(strstr(caption, "differ by 20 % at most. Below the axis, but in the table: 1 of at most 0.1 %."));
    nlg_free(caption);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
    program_enter();
    q = open_measured("('retinanet_tiny_bn', '{}', 10e6, 'test_ap', 0.2), ('nas_fpn_tiny', '{}', 10e6, 'test_ap', 0.3)");
    rows = rows_of(q, find("own-detection-cost"));
    assert_int_equal(rows->count, 0);
    nlg_rows_free(rows);
    nlg_query_close(q);
    program_leave();
}

/* Two networks a side at the same two costs: a front's height is the accuracy of the cheap one, for the dear one counts at the end
 * alone. */
static void heights_of_fronts_have_intervals(void **state) {
    (void)state;
    char *sql;
    size_t size;
    nlg_rows *rows;
    nlg_error err = {0};
    program_enter();
    nlg_query *q = open_with(
        "CREATE TEMP TABLE s AS WITH seeds(seed) AS (VALUES (1), (2), (3), (4)),"
        " v(network, macs, accuracy) AS (VALUES ('resnet8_small', 1e6, 0.5), ('vgg_small', 1e8, 0.6),"
        " ('nasnet_a_small', 1e6, 0.53), ('amoebanet_small', 1e8, 0.6))"
        " SELECT row_number() OVER () AS n, network, macs, seed, accuracy + CASE network WHEN 'nasnet_a_small' THEN seed "
        "/ 100.0 ELSE 0 END AS "
        "accuracy FROM v, seeds;"
        "INSERT INTO records SELECT n, 'train', json_object('seed', seed), 1, 'done', '', '', '', 1, 1, '' FROM s;"
        "INSERT INTO metrics SELECT n, 'macs', '', macs FROM s UNION ALL SELECT n, 'test_accuracy', '', accuracy FROM s "
        "UNION ALL SELECT n, 'val_accuracy', '', accuracy FROM s;"
        "INSERT INTO members SELECT 'smoke', 'none', 'final', n, network, json_object('network', network, 'seed', seed), "
        "1, n FROM s;" /* and the time of each here, which grows half as fast as its multiply-accumulates */
        "INSERT INTO records SELECT 100 + n, 'latency', '{}', 1, 'done', '', '', '', 1, 1, '' FROM s WHERE seed = 1;"
        "INSERT INTO metrics SELECT 100 + n, 'median_ms', 'ms', sqrt(macs) FROM s WHERE seed = 1;"
        "INSERT INTO members SELECT 'smoke', 'latency', 'latency', n, network, json_object('network', network), 0, 100 + n "
        "FROM s WHERE seed = 1");
    assert_int_equal(nlg_file_read("harness/report/templates/table-front_heights.sql", 1 << 16, &sql, &size, &err), NLG_OK);
    if (nlg_query_run(q, sql, "smoke", "none", "heights", &rows, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(rows->count, 8); /* of each choice of what counts as searched, and the time; nothing has parameters */
    for (int i = 0; i < rows->count; i++) {
        static const char *const columns[] = {"searched|Searched|.2", "human|Human-designed|.2", "difference|Difference|.2",
                                              "human_low|From|.2"};
        static const double heights[] = {55.5, 50, 5.5, 50}, above_chance[] = {45.5, 40, 5.5, 40};
        const bool is_height = i < 4;
        /* Two decades of multiply-accumulates are one of time. */
        const double decades = is_height || strcmp(nlg_rows_text(rows, i, "cost"), "time") == 0 ? 1 : 2;
        assert_string_equal(nlg_rows_text(rows, i, "measure|Measure"), is_height ? "height, %" : "hypervolume");
        for (int c = 0; c < 4; c++)
            assert_true(fabs(nlg_rows_number(rows, i, columns[c]) - decades * (is_height ? heights : above_chance)[c]) < 1e-6);
        const double searched_low = is_height ? 53.446 : decades * 43.446; /* 55.5 - 3.182 * 1.291 / 2 */
        assert_true(fabs(nlg_rows_number(rows, i, "searched_low|From|.2") - searched_low) < 1e-3 * decades);
        const double low = nlg_rows_number(rows, i, "low|From|.2") / decades,
                     high = nlg_rows_number(rows, i, "high|To|.2") / decades;
        assert_true(low > 4 && low < 5.5 && high > 5.5 && high < 7);
        assert_true(nlg_rows_number(rows, i, "n|Seeds|0") == 4);
    }
    nlg_rows_free(rows);
    nlg_free(sql);
    nlg_query_close(q);
    program_leave();
}

/* Every network of the list is a row of a published table and has the input size that is printed there, once. */
static void published_networks_stand_at_our_counts(void **state) {
    (void)state;
    char *sql = NULL;
    size_t size;
    program_enter();
    FILE *f = open_memstream(&sql, &size);
    assert_non_null(f);
    int known = 0;
    fputs("CREATE TEMP TABLE s AS WITH v(name) AS (VALUES ", f);
    for (int i = 0; i < nlg_model_count(); i++) {
        fprintf(f, "%s('%s')", i ? "," : "", nlg_model_at(i)->name);
        if (strcmp(nlg_model_at(i)->name, "resnet50_v1") == 0) known = i + 1;
    }
    fputs(") SELECT row_number() OVER () AS n, name FROM v; INSERT INTO records SELECT n, 'count', '{}', 1, 'done', '', '', '', 1, "
          "1, "
          "'' FROM s; INSERT INTO metrics SELECT n, 'macs', '', 1000 + n FROM s; INSERT INTO members SELECT 'smoke', 'counts', "
          "'counts', n, name, '{}', 0, n FROM s",
          f);
    fclose(f);
    nlg_query *q = open_with(sql);
    nlg_rows *rows = rows_of(q, find("published-counted"));
    int points = 0, searched = 0;
    for (int i = 0; i < rows->count; i++) {
        const bool is_point = nlg_rows_number(rows, i, "marker") > 0;
        const char *hover = nlg_rows_text(rows, i, "hover");
        points += is_point;
        searched += is_point && strcmp(nlg_rows_text(rows, i, "designer"), "searched") == 0;
        if (!is_point) continue;
        assert_string_equal(nlg_rows_text(rows, i, "source"), "published");
        if (strncmp(hover, "resnet50_v1:", 12) == 0)
            assert_true(nlg_rows_number(rows, i, "x") == 1000 + known && nlg_rows_number(rows, i, "y") == 75.3);
    }
    assert_int_equal(points, 45);
    assert_int_equal(searched, 17);
    assert_true(rows->count > points + 2); /* two fronts */
    assert_true(count_in(rows, "label") > 2 && count_in(rows, "label") < 45);
    char *caption = nlg_figure_text(find("published-counted")->caption, NULL, rows);
    assert_int_equal(strncmp(caption, "28 human-designed and 17 searched networks", 42), 0);
    nlg_free(caption);
    nlg_rows_free(rows);
    nlg_query_close(q);
    free(sql);
    program_leave();
}

/* Error bars of both points reach past all places beside the right one; its label stands at the end of its own. */
static void labels_avoid_bars(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    nlg_rows *rows;
    nlg_layout *l;
    static const char sql[] =
        "SELECT 90.1 AS x, 50 AS y, 10 AS low, 90 AS high, 'stack_3x3_small' AS label, 1 AS priority UNION ALL SELECT 100, 50, 20, "
        "80, 'stack_5x5_small', 0 UNION ALL SELECT 52, 50, 10, 90, NULL, 0";
    assert_int_equal(nlg_query_run(q, sql, NULL, NULL, "bars", &rows, &err), NLG_OK);
    assert_int_equal(nlg_layout_make(find("accuracy-macs"), rows, 760, 470, false, &l, &err), NLG_OK);
    int found = 0;
    for (int i = 0; i < l->n_texts; i++) {
        const nlg_placed_text *t = &l->texts[i];
        if (strncmp(t->text, "stack", 5) != 0) continue;
        const double width = nlg_text_width(t->text, 11.5);
        found++;
        for (int k = 0; k < 3; k++) {
            const double x = l->pixel[2 * k], high = k == 1 ? 80 : 90, low = k == 1 ? 20 : 10;
            const double from = l->bottom - (high - l->y0) / (l->y1 - l->y0) * (l->bottom - l->top),
                         to = l->bottom - (low - l->y0) / (l->y1 - l->y0) * (l->bottom - l->top);
            assert_false(x > t->x && x < t->x + width && t->y > from && t->y < to);
        }
    }
    assert_int_equal(found, 2);
    nlg_layout_free(l);
    nlg_rows_free(rows);
    nlg_query_close(q);
}

/* Ratios and differences: the axis names what is shown, and every bound of the rule is a line. */
static void pairs_have_a_unit_and_their_lines(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    const nlg_figure *f = find("claim-pairs");
    nlg_error err = {0};
    nlg_rows *rows;
    static const char given[] =
        "pair\tcontrast\tvalue\tlow_bound\thigh_bound\taxis\tclaim\n"
        "1\t-\t0.9\t0.97\t1.03\tms x %, hypervolume of the latency-aware search minus the other\tIt is equal\n"
        "2\t-\t1.1\t0.97\t1.03\tms x %, hypervolume of the latency-aware search minus the other\tIt is equal\n";
    assert_int_equal(nlg_figure_tables(f, q, given, "pairs", &err), NLG_OK);
    assert_int_equal(nlg_figure_rows(f, q, "smoke", NULL, &rows, &err), NLG_OK);
    assert_int_equal(rows->count, 5); /* two pairs, their mean, two lines */
    assert_true(fabs(nlg_rows_number(rows, 2, "x") - 1) < 1e-12);
    assert_true(nlg_rows_number(rows, 3, "x") == 0.97 && nlg_rows_number(rows, 4, "x") == 1.03);
    char *caption = nlg_figure_text(f->caption, NULL, rows);
    assert_non_null(strstr(caption, "(2 pairs)"));
    assert_non_null(strstr(caption, "between the lines at 0.97 and 1.03 speaks for the claim"));
    nlg_free(caption);
    char *alt = nlg_figure_text(f->alt, NULL, rows);
    assert_ptr_equal(strstr(alt, "It is equal. All pairs"), alt);
    assert_non_null(strstr(alt, "the other. 1"));
    nlg_free(alt);
    char *title = nlg_figure_text(f->x, NULL, rows), *plain = nlg_figure_text("{experiment} {none} {", "e", rows);
    assert_string_equal(title, "ms x %, hypervolume of the latency-aware search minus the other");
    assert_string_equal(plain, "e {none} {");
    nlg_free(title);
    nlg_free(plain);
    nlg_layout *l; /* on a phone two lines, none of them cut */
    int lines = 0;
    assert_int_equal(nlg_layout_make(f, rows, 350, 130, true, &l, &err), NLG_OK);
    for (int i = 0; i < l->n_texts; i++)
        lines += strcmp(l->texts[i].text, "ms x %,") == 0 ||
                 strcmp(l->texts[i].text, "hypervolume of the latency-aware search minus the other") == 0;
    assert_int_equal(lines, 2);
    nlg_layout_free(l);
    nlg_rows_free(rows);
    nlg_query_close(q);
}

/* Ratios that lie far apart have a logarithmic axis, those close together and differences a linear one. */
static void far_ratios_have_a_logarithmic_axis(void **state) {
    (void)state;
    static const struct {
        const char *rows;
        bool is_log;
    } cases[] = {
        {"1\t-\t0.5\t1\n2\t-\t40\t1\n", true}, {"1\t-\t0.9\t1\n2\t-\t1.1\t1\n", false}, {"1\t-\t0.5\t0\n2\t-\t40\t0\n", false}};
    const nlg_figure *f = find("claim-pairs");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_query *q = open_empty();
        nlg_error err = {0};
        nlg_rows *rows;
        nlg_layout *l;
        char given[200];
        snprintf(given, sizeof given, "pair\tcontrast\tvalue\tis_ratio\n%s", cases[i].rows);
        assert_int_equal(nlg_figure_tables(f, q, given, "pairs", &err), NLG_OK);
        assert_int_equal(nlg_figure_rows(f, q, "smoke", NULL, &rows, &err), NLG_OK);
        assert_int_equal(nlg_layout_make(f, rows, 760, 130, false, &l, &err), NLG_OK);
        assert_int_equal(l->x_log, cases[i].is_log);
        nlg_layout_free(l);
        nlg_rows_free(rows);
        nlg_query_close(q);
    }
}

/* On a phone the names of contrasts take two lines and three, and their rows the height for them. */
static void long_names_are_broken_not_cut(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    const nlg_figure *f = find("claim-pairs");
    nlg_error err = {0};
    nlg_rows *rows;
    static const char given[] = "pair\tcontrast\tvalue\n"
                                "1\tnasbench201, area under the curve against reinforcement learning\t0.9\n"
                                "1\tinception_resnet_small_without_norm\t1.1\n";
    static const char *const expected[] = {"inception_resnet_small_", "without_norm", "nasbench201, area under the",
                                           "curve against reinforcement", "learning"};
    assert_int_equal(nlg_figure_tables(f, q, given, "pairs", &err), NLG_OK);
    assert_int_equal(nlg_figure_rows(f, q, "smoke", NULL, &rows, &err), NLG_OK);
    const int low = nlg_layout_height(f, rows, 760, 400, false), high = nlg_layout_height(f, rows, 350, 400, true);
    assert_int_equal(high - low, 2 * 12); /* three lines, not two */
    nlg_layout *l;
    assert_int_equal(nlg_layout_make(f, rows, 350, high, true, &l, &err), NLG_OK);
    int found = 0;
    double last = 0;
    for (int i = 0; i < l->n_texts; i++) {
        const nlg_placed_text *t = &l->texts[i];
        assert_null(strstr(t->text, "\xe2\x80\xa6"));
        if (found == 5 || strcmp(t->text, expected[found]) != 0) continue;
        assert_true(!found || t->y - last >= 11.9);
        last = t->y;
        found++;
    }
    assert_int_equal(found, 5);
    nlg_layout_free(l);
    nlg_rows_free(rows);
    nlg_query_close(q);
}

static void queries_may_only_read(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    static const char *const bad[] = {
        "DELETE FROM records", "ATTACH '/tmp/x' AS y", "PRAGMA journal_mode = wal",  "SELECT 1; SELECT 2",
        "DROP TABLE networks", "CREATE TABLE t(x)",    "SELECT load_extension('x')", "",
        "SELECT nothing"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nlg_rows *rows;
        nlg_error err = {0};
        if (nlg_query_run(q, bad[i], NULL, NULL, "mine.json, claim x", &rows, &err) == NLG_OK) fail_msg("taken: %s", bad[i]);
        assert_non_null(strstr(err.text, "mine.json, claim x"));
    }
    nlg_query_close(q);
}

static void own_rows_are_checked(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    const nlg_figure *f = find("published-macs");
    static const struct {
        const char *text, *says;
    } bad[] = {{"", "no line of column names"},
               {"label\tx\n", "the column 'y' is missing"},
               {"label\tx\ty\tcolour\n", "unknown column 'colour'"},
               {"label\tx\ty\nmine\t1e9\n", "expected 3 cells"},
               {"label\tx\ty\nmine\t1e9\tgood\n", "line 2: expected a number for y, found 'good'"},
               {"label\tx\ty\nmine\t\t80\n", "expected a number for x, found nothing"},
               {"label\tx\tx\ty\n", "is there twice"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        nlg_error err = {0};
        assert_int_equal(nlg_figure_tables(f, q, bad[i].text, "mine.tsv", &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i].says) || !strstr(err.text, "mine.tsv"))
            fail_msg("expected '%s', found '%s'", bad[i].says, err.text);
    }
    nlg_error err = {0};
    nlg_rows *rows;
    assert_int_equal(nlg_figure_tables(f, q, "# mine\nlabel\tx\ty\r\nMyNet\t1.5e9\t81.5\r\n", "mine.tsv", &err), NLG_OK);
    assert_int_equal(nlg_figure_rows(f, q, "quick", NULL, &rows, &err), NLG_OK);
    int mine = 0;
    for (int i = 0; i < rows->count; i++) {
        const char *label = nlg_rows_text(rows, i, "label");
        if (!label || strcmp(label, "MyNet")) continue;
        mine++;
        assert_string_equal(nlg_rows_text(rows, i, "source"), "added");
        assert_true(nlg_rows_number(rows, i, "x") == 1.5e9 && nlg_rows_number(rows, i, "y") == 81.5);
    }
    assert_int_equal(mine, 1);
    nlg_rows_free(rows);
    nlg_query_close(q);
}

static int times_in(const char *text, const char *word) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, word)); at += strlen(word)) n++;
    return n;
}

/* Names that gnuplot, a shell or a browser could take for commands; each must arrive as text. */
static void hostile_names_are_texts(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    const nlg_figure *f = find("published-macs");
    nlg_error err = {0};
    nlg_rows *rows;
    nlg_drawing d;
    static const char rows_text[] = "label\tx\ty\tseries\n"
                                    "|touch PWNED;\t1e9\t90\t<touch PWNED\n"
                                    "'; system('touch PWNED'); '\t2e9\t91\t`touch PWNED`\n"
                                    "\"quoted\\n <script>alert(1)</script> &amp;\t3e9\t92\t$(touch PWNED)\n"
                                    "bad \xff\xc3 bytes \x01\t4e9\t93\t@POINTS\n";
    program_enter();
    assert_int_equal(nlg_figure_tables(f, q, rows_text, "mine.tsv", &err), NLG_OK);
    assert_int_equal(nlg_figure_rows(f, q, "quick", NULL, &rows, &err), NLG_OK);
    const unsigned all = NLG_DRAW_SVG | NLG_DRAW_NARROW | NLG_DRAW_PNG | NLG_DRAW_PDF | NLG_DRAW_TEX;
    if (nlg_figure_draw(f, rows, "f1", "<title> & \"t\"", "alt", all, &d, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_null(strstr(d.svg.data, "<script>"));
    assert_non_null(strstr(d.svg.data, "&lt;script"));
    assert_non_null(strstr(d.svg.data, "|touch PWNED;"));
    assert_non_null(strstr(d.svg.data, "bad \xef\xbf\xbd\xef\xbf\xbd bytes"));
    assert_non_null(strstr(d.svg.data, "&lt;title&gt; &amp; &quot;t&quot;"));
    assert_null(strstr(d.svg.data, "Gnuplot"));
    assert_int_equal(times_in(d.svg.data, "<title"), 1 + times_in(d.svg.data, "<circle cx=")); /* ours alone */
    assert_null(strstr(d.svg.data, "id='gp"));
    assert_non_null(strstr(d.svg.data, "currentColor"));
    assert_true(d.png.size > 1000 && memcmp(d.png.data, "\x89PNG", 4) == 0);
    assert_true(d.pdf.size > 1000 && memcmp(d.pdf.data, "%PDF", 4) == 0);
    assert_true(d.tex.size > 1000 && d.tex_pdf.size > 1000);
    assert_true(access("PWNED", F_OK) != 0);
    nlg_drawing_free(&d);
    nlg_rows_free(rows);
    program_leave();
    nlg_query_close(q);
}

static void one_point_and_equal_points_are_drawn(void **state) {
    (void)state;
    nlg_query *q = open_empty();
    nlg_error err = {0};
    nlg_rows *rows;
    nlg_drawing d;
    nlg_figure f = *find("published-macs");
    static const char *const queries[] = {"SELECT 5 AS x, 7 AS y", "SELECT 5 AS x, 7 AS y, 'a' AS label UNION ALL SELECT 5, 7, 'b'",
                                          "SELECT NULL AS x, NULL AS y", "SELECT -1 AS x, 2 AS y"};
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++) {
        assert_int_equal(nlg_query_run(q, queries[i], NULL, NULL, "test", &rows, &err), NLG_OK);
        if (nlg_figure_draw(&f, rows, "f", "t", "a", NLG_DRAW_SVG, &d, &err) != NLG_OK) fail_msg("%s: %s", queries[i], err.text);
        nlg_drawing_free(&d);
        nlg_rows_free(rows);
    }
    nlg_query_close(q);
}

static void escapes(void **state) {
    (void)state;
    static const struct {
        nlg_escape_kind kind;
        const char *text, *expected;
    } cases[] = {{NLG_ESCAPE_HTML, "<a href=\"x\">'&\xff", "&lt;a href=&quot;x&quot;&gt;&#39;&amp;\xef\xbf\xbd"},
                 {NLG_ESCAPE_MARKDOWN, "a_b|c*<i>`", "a\\_b\\|c\\*&lt;i>\\`"},
                 {NLG_ESCAPE_TEX, "50 % & $x_1 #\\{}", "50 \\% \\& \\$x\\_\\allowbreak{}1 \\#\\textbackslash{}\\{\\}"},
                 {NLG_ESCAPE_TSV, "a\tb\nc", "a b c"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        nlg_escape(f, cases[i].kind, cases[i].text);
        fclose(f);
        assert_string_equal(text, cases[i].expected);
        free(text);
    }
}

static void the_command(void **state) {
    (void)state;
    program_enter();
    program_result list = run_good("lineage plot --list --results $D/none");
    assert_non_null(strstr(list.out, "published-macs"));
    assert_non_null(strstr(list.out, "no data yet: lineage run"));
    run_refused("there is no figure 'published-mac'; did you mean published-macs?", "lineage plot published-mac --out $D/x.svg");
    run_refused("expected a name that ends in .svg", "lineage plot timeline --out $D/x.jpg");
    run_refused("make it by: lineage run", "lineage plot accuracy-macs --results $D/none --out $D/x.svg");
    run_refused("takes no rows of your own", "lineage plot accuracy-macs --add $D/x --results $D/none --out $D/x.svg");
    run_good("lineage plot timeline --out $D/x.svg && test -s $D/x.svg");
    program_leave();
}

/* ---- detections -------------------------------------------------------------------------------------------------------- */

static int occurrences(const char *text, const char *part) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) n++;
    return n;
}

/* PNG and PDF show the images where the scene has them: two pixels of the print for one of the scene. */
static void pictures_are_printed(const nlg_scene *scene) {
    nlg_bytes png, pdf;
    nlg_image print;
    nlg_error err = {0};
    if (nlg_scene_print(scene, &png, &pdf, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(strncmp(pdf.data, "%PDF", 4), 0);
    assert_int_equal(nlg_image_decode(png.data, png.size, "print", &print, NULL), NLG_OK);
    assert_int_equal(print.w, 2 * (int)scene->width);
    int differences = 0, pixels = 0;
    const nlg_scene_place *place = &scene->places[scene->n_places - 1]; /* of answers with no box */
    const nlg_scene_picture *picture = &scene->pictures[place->picture];
    for (int y = 0; y < picture->image.h; y++)
        for (int x = 0; x < picture->image.w; x++) {
            const int at_x = (int)(2 * (place->x + (x + 0.5) * picture->w / picture->image.w)),
                      at_y = (int)(2 * (place->y + (y + 0.5) * picture->h / picture->image.h));
            for (int c = 0; c < 3; c++, pixels++)
                differences +=
                    abs(print.rgb[(at_y * print.w + at_x) * 3 + c] - picture->image.rgb[(y * picture->image.w + x) * 3 + c]) > 48;
        }
    if (20 * differences > pixels) fail_msg("%d of %d pixels are others", differences, pixels);
    nlg_image_release(&print);
    nlg_free(png.data);
    nlg_free(pdf.data);
}

/* The pixels and the truth come from the data, which must be those of the record; a record has boxes only. */
static void detections_stand_beside_the_truth(void **state) {
    (void)state;
    const nlg_dataset_options options = {.train_limit = 8, .validation = 8, .image_size = 64};
    nlg_dataset *scenes;
    nlg_error err = {0};
    cJSON *data = cJSON_CreateObject(), *rows;
    static const char said[] =
        "[{\"title\": \"a < b\", \"answers\": [[[10, 20, 30.5, 25, 8, 0.87]], [[0, 0, 64, 64, 77, 0.4], [1, 2]]]},"
        " {\"title\": \"none\", \"answers\": [[], []]}]";
    assert_int_equal(nlg_dataset_open("scenes", &options, &scenes, NULL), NLG_OK);
    assert_true(nlg_recipe_add_data(data, scenes));
    assert_int_equal(nlg_dataset_open_test(scenes, NULL), NLG_OK);
    nlg_target truth[2];
    float *pixels = nlg_alloc((size_t)2 * 64 * 64 * 3, sizeof *pixels);
    assert_int_equal(nlg_dataset_images(scenes, NLG_SPLIT_TEST, (const uint32_t[]){0, 1}, 2, NULL, 0, 0, pixels, truth, NULL),
                     NLG_OK);
    assert_int_equal(nlg_json_read(said, strlen(said), "answers", &rows, NULL), NLG_OK);
    for (int other = 0; other < 2; other++) {
        nlg_scene scene = {0};
        nlg_bytes bytes = {0};
        nlg_status status = nlg_detections_scene(&scene, data, rows, &err);
        if (other == 0) {
            if (status == NLG_OK) status = nlg_scene_svg(&scene, "found", "t", "alt", &bytes, &err);
            if (status != NLG_OK) fail_msg("%s", err.text);
            const char *svg = bytes.data;
            assert_int_equal(occurrences(svg, "<image id="), 2);
            assert_int_equal(occurrences(svg, "<use "), 6);
            assert_int_equal(occurrences(svg, "fill=\"none\" stroke=\"#"), truth[0].n_objects + truth[1].n_objects + 2);
            assert_int_equal(occurrences(svg, "bag 0.87"), 1);
            assert_int_equal(occurrences(svg, "x=\"25.0\" y=\"262.0\" width=\"76.2\" height=\"62.5\""), 1); /* 2.5 times as large */
            assert_non_null(strstr(svg, "a &lt; b"));
            assert_non_null(strstr(svg, "data:image/png;base64,iVBORw0KGgo"));
            pictures_are_printed(&scene);
            cJSON_ReplaceItemInObject(data, "digest", cJSON_CreateString("other"));
        } else {
            assert_int_equal(status, NLG_ERR_INPUT);
            assert_non_null(strstr(err.text, "give the same files"));
        }
        nlg_free(bytes.data);
        nlg_scene_free(&scene);
    }
    cJSON_Delete(data);
    cJSON_Delete(rows);
    nlg_free(pixels);
    nlg_dataset_close(scenes);
}

/* A table for programs: in tabs, and as RFC 4180 has it. */
static void tables_are_tsv_and_csv(void **state) {
    (void)state;
    static const char sql[] = "SELECT 'plain' AS \"name|Heading\", 0.1 AS \"x|X|.2\", NULL AS \"a,b\" UNION ALL "
                              "SELECT 'a \"quote\", a comma', 1200000, 'tab' || char(9) || 'line' || char(10) || 'end'";
    static const char *const expected[NLG_TABLE_KINDS] = {
        [NLG_TABLE_TSV] = "name\tx\ta,b\nplain\t0.1\t-\na \"quote\", a comma\t1200000\ttab line end\n",
        [NLG_TABLE_CSV] = "name,x,\"a,b\"\r\nplain,0.1,\r\n\"a \"\"quote\"\", a comma\",1200000,\"tab line end\"\r\n"};
    nlg_query *q = open_empty();
    nlg_rows *rows;
    assert_int_equal(nlg_query_run(q, sql, "quick", NULL, "test", &rows, NULL), NLG_OK);
    for (int k = 0; k < NLG_TABLE_KINDS; k++) {
        char *text = NULL;
        size_t size;
        FILE *f = open_memstream(&text, &size);
        assert_non_null(f);
        nlg_report_rows(f, rows, (nlg_table_kind)k, true);
        fclose(f);
        assert_string_equal(text, expected[k]);
        free(text);
    }
    nlg_rows_free(rows);
    nlg_query_close(q);
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_tsv_and_csv),
        cmocka_unit_test(every_query_runs_on_an_empty_store),
        cmocka_unit_test(captions_tell_what_is_hollow),
        cmocka_unit_test(texts_neither_overlap_nor_leave),
        cmocka_unit_test(labels_belong_to_their_points),
        cmocka_unit_test(points_of_a_series_look_alike),
        cmocka_unit_test(the_best_so_far_never_falls),
        cmocka_unit_test(every_space_is_a_panel),
        cmocka_unit_test(arms_show_what_the_claim_is_about),
        cmocka_unit_test(line_ends_are_named_in_their_order),
        cmocka_unit_test(labels_stand_at_their_own_ends),
        cmocka_unit_test(what_searches_found_is_one_line),
        cmocka_unit_test(fronts_join_what_is_comparable),
        cmocka_unit_test(the_few_far_below_the_front_are_counted),
        cmocka_unit_test(ways_of_scaling_begin_at_the_base),
        cmocka_unit_test(detectors_stand_over_their_cost),
        cmocka_unit_test(published_networks_stand_at_our_counts),
        cmocka_unit_test(heights_of_fronts_have_intervals),
        cmocka_unit_test(labels_avoid_bars),
        cmocka_unit_test(pairs_have_a_unit_and_their_lines),
        cmocka_unit_test(far_ratios_have_a_logarithmic_axis),
        cmocka_unit_test(long_names_are_broken_not_cut),
        cmocka_unit_test(queries_may_only_read),
        cmocka_unit_test(own_rows_are_checked),
        cmocka_unit_test(hostile_names_are_texts),
        cmocka_unit_test(one_point_and_equal_points_are_drawn),
        cmocka_unit_test(escapes),
        cmocka_unit_test(the_command),
        cmocka_unit_test(detections_stand_beside_the_truth),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
