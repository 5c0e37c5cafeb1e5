/* Drawings of structures: every network fits on its page, what they show is what the networks are, and texts do no harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness/report/layouts_scene.h"
#include "harness/report/panels.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/layouts/target.h"

static void open_network(const char *name, nlg_network *network) {
    nlg_error err = {0};
    if (nlg_network_open(name, NULL, (nlg_shape){0}, 0, network, &err) != NLG_OK) fail_msg("%s", err.text);
}

/* --- places --- */

typedef struct area {
    double x0, y0, x1, y1;
} area;

static area area_of(const nlg_scene_text *t) {
    const double width = nlg_face_width(t->face, t->text), left = t->x - 0.5 * (t->anchor + 1) * width;
    return (area){left, t->y - 0.75 * nlg_face_size(t->face), left + width, t->y + 0.1 * nlg_face_size(t->face)};
}

static bool overlap(area a, area b) {
    return a.x0 < b.x1 - 0.5 && b.x0 < a.x1 - 0.5 && a.y0 < b.y1 - 0.5 && b.y0 < a.y1 - 0.5;
}

static bool contains(area outer, area inner) {
    return inner.x0 > outer.x0 - 0.5 && inner.x1 < outer.x1 + 0.5 && inner.y0 > outer.y0 - 0.5 && inner.y1 < outer.y1 + 0.5;
}

static void check_scene(const nlg_scene *s, const char *what) {
    const area page = {0, 0, s->width, s->height};
    assert_true(s->n_boxes > 0 && s->n_texts > 0);
    for (int i = 0; i < s->n_boxes; i++) {
        const nlg_scene_box *b = &s->boxes[i];
        const area box = {b->x, b->y, b->x + b->w, b->y + b->h};
        if (!contains(page, box)) fail_msg("%s: box %d is not on the page", what, i);
        for (int k = 0; k < i; k++) {
            const nlg_scene_box *o = &s->boxes[k];
            if (overlap(box, (area){o->x, o->y, o->x + o->w, o->y + o->h})) fail_msg("%s: boxes %d and %d", what, k, i);
        }
        for (int k = 0; k < s->n_texts; k++)
            if (overlap(box, area_of(&s->texts[k])) && !contains(box, area_of(&s->texts[k])))
                fail_msg("%s: '%s' crosses the border of box %d", what, s->texts[k].text, i);
    }
    for (int i = 0; i < s->n_texts; i++) {
        if (!contains(page, area_of(&s->texts[i]))) fail_msg("%s: '%s' is clipped", what, s->texts[i].text);
        for (int k = 0; k < i; k++)
            if (overlap(area_of(&s->texts[i]), area_of(&s->texts[k])))
                fail_msg("%s: '%s' on '%s'", what, s->texts[i].text, s->texts[k].text);
    }
    for (int i = 0; i < s->n_points; i++)
        if (s->points[i].x < 0 || s->points[i].x > s->width || s->points[i].y < 0 || s->points[i].y > s->height)
            fail_msg("%s: a line leaves the page", what);
}

/* Every element that is opened is closed, in order, and no text holds a bare sign. */
static void check_svg(const char *svg, const char *what) {
    char open[16][16];
    int depth = 0;
    for (const char *c = svg; *c; c++) {
        if (*c == '&' && strncmp(c, "&lt;", 4) && strncmp(c, "&gt;", 4) && strncmp(c, "&amp;", 5) && strncmp(c, "&quot;", 6) &&
            strncmp(c, "&#39;", 5))
            fail_msg("%s: a bare & at '%.20s'", what, c);
        if (*c != '<') continue;
        const char *end = strchr(c, '>');
        assert_non_null(end);
        char name[16] = "";
        sscanf(c + 1 + (c[1] == '/'), "%15[a-z]", name);
        if (!*name) fail_msg("%s: '%.20s'", what, c);
        if (c[1] == '/') {
            assert_true(depth > 0);
            assert_string_equal(open[--depth], name);
        } else if (end[-1] != '/') {
            assert_true(depth < 16);
            memcpy(open[depth++], name, sizeof name);
        }
        c = end;
    }
    assert_int_equal(depth, 0);
}

static void check_panels(nlg_panels *panels, const char *what) {
    nlg_scene scene = {0};
    nlg_bytes svg;
    nlg_error err = {0};
    if (nlg_panels_scene(panels, &scene, &err) != NLG_OK) fail_msg("%s: %s", what, err.text);
    check_scene(&scene, what);
    assert_int_equal(nlg_scene_svg(&scene, "id", what, "alt", &svg, &err), NLG_OK);
    check_svg(svg.data, what);
    nlg_free(svg.data);
    nlg_scene_free(&scene);
}

static void draw(const nlg_network *network, const nlg_structure *structure) {
    nlg_panels panels = {0};
    nlg_error err = {0};
    if (nlg_panels_add(&panels, network, structure, NULL, &err) != NLG_OK) fail_msg("%s: %s", network->title, err.text);
    check_panels(&panels, network->title);
    nlg_panels_free(&panels);
}

static void every_network_fits(void **state) {
    (void)state;
    const char *kind[1];
    for (int i = 0; i < nlg_model_count(); i++) {
        nlg_network network;
        open_network(nlg_model_at(i)->name, &network);
        draw(&network, &(nlg_structure){.show = nlg_structure_choice(network.graph)});
        draw(&network, &(nlg_structure){.show = NLG_SHOW_STAGES, .brief = true});
        if (network.graph->n_nodes < 200) draw(&network, &(nlg_structure){.show = NLG_SHOW_LAYERS});
        if (nlg_structure_kinds(network.graph, kind, 1)) draw(&network, &(nlg_structure){.show = NLG_SHOW_BLOCKS, .block = "*"});
        if (nlg_has_cells(network.model)) {
            nlg_panels panels = {0};
            nlg_error err = {0};
            assert_int_equal(nlg_panels_add_cells(&panels, network.model, NULL, &err), NLG_OK);
            check_panels(&panels, network.title);
            nlg_panels_free(&panels);
        }
        nlg_network_close(&network);
    }
}

static void every_drawing_of_the_report_fits(void **state) {
    (void)state;
    cJSON *drawings, *d;
    nlg_error err = {0};
    if (nlg_drawings_load(&drawings, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_true(cJSON_GetArraySize(drawings) >= 20);
    cJSON_ArrayForEach(d, drawings) {
        nlg_panels panels = {0};
        if (nlg_drawing_panels(d, &panels, &err) != NLG_OK) fail_msg("%s", err.text);
        check_panels(&panels, cJSON_GetObjectItem(d, "id")->valuestring);
        nlg_panels_free(&panels);
    }
    cJSON_Delete(drawings);
}

/* --- what is shown --- */

/* The drawing of compound scaling has the networks of the experiment at its first cost, for its images. */
static void scaled_networks_are_those_that_are_trained(void **state) {
    (void)state;
    cJSON *drawings, *experiment, *d, *panel;
    char *text;
    size_t size;
    int n = 0;
    assert_int_equal(nlg_file_read("harness/experiments/efficientnet-compound.json", 1 << 20, &text, &size, NULL), NLG_OK);
    assert_int_equal(nlg_json_read(text, size, "the experiment", &experiment, NULL), NLG_OK);
    nlg_free(text);
    const cJSON *arms = cJSON_GetObjectItem(cJSON_GetObjectItem(cJSON_GetObjectItem(experiment, "profiles"), "full"), "arms");
    assert_int_equal(nlg_drawings_load(&drawings, NULL), NLG_OK);
    cJSON_ArrayForEach(d, drawings) {
        if (strcmp(cJSON_GetObjectItem(d, "id")->valuestring, "structure-efficientnet-scaling") != 0) continue;
        cJSON_ArrayForEach(panel, cJSON_GetObjectItem(d, "panels")) {
            const cJSON *arm = cJSON_GetArrayItem(arms, n++), *input = cJSON_GetObjectItem(panel, "input");
            assert_non_null(arm);
            assert_string_equal(cJSON_GetObjectItem(panel, "network")->valuestring + strlen("space:"),
                                cJSON_GetObjectItem(arm, "space")->valuestring);
            assert_string_equal(cJSON_GetObjectItem(panel, "genotype")->valuestring,
                                cJSON_GetObjectItem(arm, "genotype")->valuestring);
            assert_int_equal(cJSON_GetArrayItem(input, 0)->valueint, 1);
            assert_int_equal(cJSON_GetArrayItem(input, 1)->valueint, 28);
        }
        nlg_panels panels = {0};
        assert_int_equal(nlg_drawing_panels(d, &panels, NULL), NLG_OK);
        assert_non_null(strstr(panels.panel[0].soft, "8.81 M MACs"));
        nlg_panels_free(&panels);
    }
    const cJSON *next = cJSON_GetArrayItem(arms, n);
    assert_int_equal(n, 5);
    assert_string_equal(cJSON_GetObjectItem(cJSON_GetObjectItem(next, "factors"), "cost")->valuestring, "5");
    cJSON_Delete(drawings);
    cJSON_Delete(experiment);
}

static void boxes_of(const char *name, nlg_structure structure, nlg_boxes *boxes) {
    nlg_network network;
    nlg_error err = {0};
    *boxes = (nlg_boxes){0};
    open_network(name, &network);
    if (nlg_structure_boxes(&network, &structure, boxes, &err) != NLG_OK) fail_msg("%s", err.text);
    nlg_network_close(&network);
}

static int count_shortcuts(const char *name, nlg_show show, nlg_shortcut_mark mark) {
    nlg_boxes boxes;
    int n = 0;
    boxes_of(name, (nlg_structure){.show = show}, &boxes);
    for (int i = 0; i < boxes.n_boxes; i++) n += boxes.box[i].shortcut == mark;
    nlg_boxes_free(&boxes);
    return n;
}

static const nlg_box *find_box(const nlg_boxes *boxes, const char *title, int times) {
    for (int i = 0; i < boxes->n_boxes; i++)
        if (strcmp(boxes->box[i].title, title) == 0 && boxes->box[i].times == times) return &boxes->box[i];
    fail_msg("no '%s' x %d", title, times);
    return NULL;
}

static int count_title(const nlg_boxes *boxes, const char *title) {
    int n = 0;
    for (int i = 0; i < boxes->n_boxes; i++) n += strcmp(boxes->box[i].title, title) == 0;
    return n;
}

static void shortcuts_are_seen(void **state) {
    (void)state;
    assert_int_equal(count_shortcuts("resnet18", NLG_SHOW_BLOCKS, NLG_SHORTCUT_IDENTITY), 5);
    assert_int_equal(count_shortcuts("resnet18", NLG_SHOW_BLOCKS, NLG_SHORTCUT_PROJECTION), 3);
    assert_int_equal(count_shortcuts("resnet20_small", NLG_SHOW_BLOCKS, NLG_SHORTCUT_PROJECTION), 2); /* option A: no weights */
    assert_int_equal(count_shortcuts("plain34", NLG_SHOW_BLOCKS, NLG_SHORTCUT_NONE), 21);
    assert_int_equal(count_shortcuts("resnet50", NLG_SHOW_STAGES, NLG_SHORTCUT_IDENTITY), 4);
    assert_int_equal(count_shortcuts("mobilenetv1_100", NLG_SHOW_BLOCKS, NLG_SHORTCUT_IDENTITY), 0);
    assert_int_equal(count_shortcuts("mobilenet_v2", NLG_SHOW_BLOCKS, NLG_SHORTCUT_IDENTITY), 10);
    assert_int_equal(count_shortcuts("inception_resnet_v2", NLG_SHOW_BLOCKS, NLG_SHORTCUT_IDENTITY), 40);
    assert_int_equal(count_shortcuts("nasnet_a_small", NLG_SHOW_BLOCKS, NLG_SHORTCUT_IDENTITY),
                     0); /* a cell ends in a concatenation */
}

static void stages_are_those_of_the_papers(void **state) {
    (void)state;
    nlg_boxes boxes;
    boxes_of("resnet50", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    const nlg_box *b = find_box(&boxes, "bottleneck", 6);
    assert_string_equal(b->line[0], "1x1 conv 256");
    assert_string_equal(b->line[1], "3x3 conv 256");
    assert_string_equal(b->line[2], "1x1 conv 1024");
    assert_int_equal(b->size, 14);
    assert_int_equal(count_title(&boxes, "bottleneck"), 4);
    nlg_boxes_free(&boxes);
    /* MobileNet v2, Table 2; EfficientNet, Table 1. */
    boxes_of("mobilenet_v2", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    assert_int_equal(count_title(&boxes, "MBConv6 k3"), 6);
    assert_int_equal(find_box(&boxes, "MBConv6 k3", 4)->size, 14);
    nlg_boxes_free(&boxes);
    boxes_of("efficientnet_b0", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    assert_int_equal(count_title(&boxes, "MBConv6 k5") + count_title(&boxes, "MBConv6 k3") + count_title(&boxes, "MBConv1 k3"), 7);
    assert_string_equal(find_box(&boxes, "MBConv6 k5", 4)->line[2], "SE");
    nlg_boxes_free(&boxes);
    boxes_of("nasnet_a_mobile", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    assert_int_equal(count_title(&boxes, "normal cell"), 3);
    assert_int_equal(count_title(&boxes, "reduction cell"), 4);
    find_box(&boxes, "normal cell", 4);
    nlg_boxes_free(&boxes);
    /* Modules of equal size that differ within stay apart. */
    boxes_of("inception_v3", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    assert_int_equal(count_title(&boxes, "module, Figure 6"), 3);
    find_box(&boxes, "module, Figure 6", 2);
    nlg_boxes_free(&boxes);
}

static void shared_weights_are_one_box(void **state) {
    (void)state;
    nlg_boxes boxes;
    boxes_of("retinanet_r50", (nlg_structure){.show = NLG_SHOW_STAGES}, &boxes);
    assert_int_equal(count_title(&boxes, "class subnet"), 1);
    assert_string_equal(find_box(&boxes, "class subnet", 1)->soft[0], "on 5 maps, same weights");
    assert_true(find_box(&boxes, "box subnet", 1)->strong);
    nlg_boxes_free(&boxes);
}

static void blocks_are_found_by_title(void **state) {
    (void)state;
    nlg_boxes boxes;
    nlg_network network;
    nlg_error err = {0};
    boxes_of("mobilenet_v2", (nlg_structure){.show = NLG_SHOW_BLOCKS, .block = "MBConv6 k3"}, &boxes);
    assert_int_equal(boxes.n_boxes, 5); /* input, expand, depthwise, project, sum */
    nlg_boxes_free(&boxes);
    boxes_of("mobilenet_v2", (nlg_structure){.show = NLG_SHOW_BLOCKS, .block = "MBConv6 k3#1"}, &boxes);
    assert_int_equal(boxes.n_boxes, 4); /* of stride 2: no shortcut */
    nlg_boxes_free(&boxes);
    open_network("mobilenet_v2", &network);
    boxes = (nlg_boxes){0};
    assert_int_equal(nlg_structure_boxes(&network, &(nlg_structure){.block = "bottleneck"}, &boxes, &err), NLG_ERR_INPUT);
    assert_string_equal(err.text, "mobilenet_v2 has no block 'bottleneck'; it has: MBConv1 k3, MBConv6 k3");
    err = (nlg_error){0};
    assert_int_equal(nlg_structure_boxes(&network, &(nlg_structure){.block = "MBConv6 k3#99"}, &boxes, &err), NLG_ERR_INPUT);
    nlg_boxes_free(&boxes);
    nlg_network_close(&network);
}

static void equal_sizes_stand_side_by_side(void **state) {
    (void)state;
    nlg_boxes a, b, *both[] = {&a, &b};
    nlg_error err = {0};
    boxes_of("vgg19", (nlg_structure){.show = NLG_SHOW_LAYERS}, &a);
    boxes_of("resnet34", (nlg_structure){.show = NLG_SHOW_LAYERS}, &b);
    for (int i = 0; i < 2; i++) assert_int_equal(nlg_boxes_place(both[i], &err), NLG_OK);
    nlg_boxes_align(both, 2);
    for (int size = 112; size >= 7; size /= 2) {
        double top[2] = {1e9, 1e9};
        for (int d = 0; d < 2; d++)
            for (int i = 0; i < both[d]->n_boxes; i++)
                if (both[d]->box[i].size == size && both[d]->layer_top[both[d]->box[i].layer] < top[d])
                    top[d] = both[d]->layer_top[both[d]->box[i].layer];
        if (!(top[0] < 1e8 && top[0] - top[1] < 0.01 && top[1] - top[0] < 0.01)) fail_msg("%d: %g and %g", size, top[0], top[1]);
    }
    for (int i = 0; i < 2; i++) nlg_boxes_free(both[i]);
}

/* --- texts and memory --- */

static void texts_are_escaped(void **state) {
    (void)state;
    nlg_scene scene = {.width = 400, .height = 60};
    nlg_bytes svg;
    nlg_error err = {0};
    nlg_scene_add_text(&scene, 10, 20, -1, NLG_FACE_BOLD, "</text><script>x & \"y\"");
    nlg_scene_line_from(&scene, 1, 1);
    nlg_scene_straight_to(&scene, 5, 5);
    nlg_scene_line_ends(&scene, true, true);
    assert_int_equal(nlg_scene_svg(&scene, "i\"d", "<b>", "a & b", &svg, &err), NLG_OK);
    check_svg(svg.data, "escaped");
    assert_null(strstr(svg.data, "<script"));
    assert_null(strstr(svg.data, "i\"d"));
    assert_non_null(strstr(svg.data, "stroke-dasharray"));
    nlg_free(svg.data);
    nlg_scene_free(&scene);
}

static nlg_status draw_once(const nlg_network *network, nlg_error *err) {
    nlg_panels panels = {0};
    nlg_scene scene = {0};
    nlg_bytes svg = {0};
    nlg_status status = nlg_panels_add(&panels, network, &(nlg_structure){.show = NLG_SHOW_STAGES}, NULL, err);
    if (status == NLG_OK) status = nlg_panels_add_cells(&panels, network->model, NULL, err);
    panels.aligned = true;
    if (status == NLG_OK) status = nlg_panels_scene(&panels, &scene, err);
    if (status == NLG_OK) status = nlg_scene_svg(&scene, "id", "title", "alt", &svg, err);
    nlg_free(svg.data);
    nlg_scene_free(&scene);
    nlg_panels_free(&panels);
    return status;
}

static void short_memory_is_said(void **state) {
    (void)state;
    nlg_network network;
    open_network("nasnet_a_small", &network);
    for (long n = 0;; n++) {
        nlg_error err = {0};
        nlg_alloc_fail_after(n);
        const nlg_status status = draw_once(&network, &err);
        const bool through = nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        if (through) {
            assert_int_equal(status, NLG_OK);
            assert_true(n > 20);
            break;
        }
        assert_int_equal(status, NLG_ERR_MEMORY);
    }
    nlg_network_close(&network);
}

/* The target and what was found stand side by side; what was drawn for another target is refused. */
static void layouts_stand_beside_their_target(void **state) {
    (void)state;
    nlg_layout_target target;
    nlg_error err = {0};
    char text[600];
    cJSON *layouts;
    if (!nlg_layout_can_draw()) skip();
    assert_int_equal(nlg_layout_target_open("profile", "", &target, NULL), NLG_OK);
    for (int is_other = 0; is_other < 2; is_other++) {
        snprintf(text, sizeof text,
                 "[{\"target\": \"profile\", \"digest\": \"%s%s\", \"found\": [{\"title\": \"a < b\", \"genotype\": \"layout bg2 { "
                 "box 2,3 "
                 "30x20 c1 r2 button 2,50 36x5 c3 r1 t2 }\"}]}]",
                 target.digest, is_other ? "x" : "");
        assert_int_equal(nlg_json_read(text, strlen(text), "layouts", &layouts, NULL), NLG_OK);
        nlg_scene scene = {0};
        nlg_bytes svg = {0};
        assert_int_equal(nlg_layouts_scene(&scene, layouts, &err), is_other ? NLG_ERR_INPUT : NLG_OK);
        assert_int_equal(nlg_scene_svg(&scene, "l", "Layouts", "alt", &svg, &err), NLG_OK);
        const char *first = strstr(svg.data, "data:image/png;base64,"),
                   *second = first ? strstr(first + 1, "data:image/png;base64,") : NULL;
        if (!is_other) {
            assert_non_null(second);
            assert_int_not_equal(strncmp(first, second, 200), 0);
            assert_non_null(strstr(svg.data, ">a &lt; b</text>"));
        }
        nlg_free(svg.data);
        nlg_scene_free(&scene);
        cJSON_Delete(layouts);
    }
    assert_non_null(strstr(err.text, "profile"));
    nlg_layout_target_close(&target);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_network_fits),
        cmocka_unit_test(every_drawing_of_the_report_fits),
        cmocka_unit_test(scaled_networks_are_those_that_are_trained),
        cmocka_unit_test(shortcuts_are_seen),
        cmocka_unit_test(stages_are_those_of_the_papers),
        cmocka_unit_test(shared_weights_are_one_box),
        cmocka_unit_test(blocks_are_found_by_title),
        cmocka_unit_test(equal_sizes_stand_side_by_side),
        cmocka_unit_test(texts_are_escaped),
        cmocka_unit_test(layouts_stand_beside_their_target),
        cmocka_unit_test(short_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
