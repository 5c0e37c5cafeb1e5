/* lineage layout: user interfaces designed by searches: draw, compare, and design one from a picture. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/build_info.h"
#include "harness/command.h"
#include "harness/measures/layout_search.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

typedef struct layout_options {
    const char *target, *texts, *output, *strategy;
    int budget;
} layout_options;

static const layout_options defaults = {
    .target = "sign-in", .texts = "", .strategy = "evolution:population=50:sample=10", .budget = 5000};

enum { KEY_TARGET = 0x100, KEY_TEXTS, KEY_OUTPUT, KEY_STRATEGY, KEY_BUDGET, PATH_BYTES = 4096 };
static const struct argp_option options[] = {
    {"target", KEY_TARGET, "T", 0, "sign-in (default), profile, shop, outside, or a PNG or JPEG file of 64 to 1024 pixels a side",
     0},
    {"texts", KEY_TEXTS, "FILE", 0, "The texts that may appear, one a line (with a picture of yours)", 0},
    {"strategy", KEY_STRATEGY, "NAME[:OPTION=VALUE...]", 0,
     "design: how layouts are chosen (default evolution:population=50:sample=10)", 0},
    {"budget", KEY_BUDGET, "N", 0, "design: layouts that are drawn, by the strategy and by random search each (default 5000)", 0},
    {"output", KEY_OUTPUT, "PATH", 0, "draw: a file .png or .html; design: a folder", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    layout_options *o = where;
    switch (key) {
    case KEY_TARGET:
        o->target = value;
        return NLG_OK;
    case KEY_TEXTS:
        o->texts = value;
        return NLG_OK;
    case KEY_STRATEGY:
        o->strategy = value;
        return NLG_OK;
    case KEY_BUDGET:
        return nlg_option_int("--budget", value, 1, 1000000, &o->budget, err);
    default:
        o->output = value;
        return NLG_OK;
    }
}

static nlg_status open_space(const layout_options *o, nlg_space *space, nlg_error *err) {
    char text[2 * NLG_SPACE_TEXT_MAX + 64];
    if (strchr(o->target, ',') || strchr(o->texts, ','))
        return nlg_fail(err, NLG_ERR_INPUT,
                        "--target, --texts: a path with a comma cannot be part of a space's name; rename the file");
    const int length = snprintf(text, sizeof text, "layout:target=%s%s%s", o->target, o->texts[0] ? ",texts=" : "", o->texts);
    if (length >= (int)sizeof text) return nlg_fail(err, NLG_ERR_INPUT, "--target, --texts: the paths are too long");
    return nlg_space_open(text, space, err);
}

/* ---- targets ------------------------------------------------------------------------------------------------------- */

static nlg_status list(const nlg_invocation *call, nlg_error *err) {
    cJSON *rows = call->settings.json ? cJSON_CreateArray() : NULL;
    nlg_text_table *table =
        call->settings.json ? NULL : nlg_text_table_create("lrl", (const char *[]){"target", "components", "layout"});
    nlg_status status = NLG_OK;
    for (int i = 0; i < nlg_layout_target_count() && status == NLG_OK; i++) {
        nlg_layout_target t;
        status = nlg_layout_target_open(nlg_layout_target_name_at(i), "", &t, err);
        if (status != NLG_OK) break;
        char text[NLG_GENOTYPE_MAX] = "";
        if (t.has_truth) nlg_layout_write(&t.truth, text, sizeof text);
        if (rows) {
            cJSON *row = nlg_json_object_in(rows);
            nlg_json_text(row, "target", t.name);
            nlg_json_text(row, "layout", t.has_truth ? text : NULL);
            nlg_json_text(row, "digest", t.digest);
        } else {
            nlg_text_table_cell(table, "%s", t.name);
            nlg_text_table_cell(table, t.has_truth ? "%d" : "-", t.truth.count);
            nlg_text_table_cell(table, "%s", t.has_truth ? "known" : "none: circles, a gradient, slanted lines");
        }
        nlg_layout_target_close(&t);
    }
    if (status != NLG_OK) {
        cJSON_Delete(rows);
        nlg_text_table_destroy(table);
        return status;
    }
    return rows ? nlg_json_print(rows, err) : nlg_text_table_print(table, stdout, err);
}

/* ---- files --------------------------------------------------------------------------------------------------------- */

static nlg_status write_html(const char *path, const nlg_layout *layout, const nlg_layout_target *t, nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    nlg_layout_html(writer.stream, layout, &t->style, t->name);
    return nlg_file_commit(&writer, err);
}

static nlg_status paint(const nlg_layout *layout, const nlg_layout_target *t, nlg_image *image, nlg_error *err) {
    nlg_layout_painter *painter;
    NLG_TRY(nlg_layout_painter_create(&t->style, 1, &painter, err));
    nlg_status status = nlg_layout_paint_image(painter, layout, image, err);
    nlg_layout_painter_destroy(painter);
    return status;
}

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* ---- draw ---------------------------------------------------------------------------------------------------------- */

static nlg_status draw_in(const nlg_invocation *call, const nlg_space *space, nlg_error *err) {
    const layout_options *o = call->options;
    const nlg_layout_target *t = nlg_layout_space_target(space);
    const char *genotype = call->settings.genotype;
    nlg_layout layout = t->truth;
    if (genotype) {
        nlg_code code;
        NLG_TRY(space->decode(space, genotype, &code, err));
        nlg_layout_space_layout(space, &code, &layout);
    }
    const bool known = genotype || t->has_truth;
    if (ends_with(o->output, ".html")) {
        if (!known)
            return nlg_fail(err, NLG_ERR_INPUT, "target %s is a picture and no layout; give a layout by --genotype", t->name);
        return write_html(o->output, &layout, t, err);
    }
    nlg_image image;
    NLG_TRY(known ? paint(&layout, t, &image, err) : nlg_layout_target_picture(t, 1, &image, err));
    nlg_status status = nlg_image_write_png(o->output, &image, err);
    nlg_image_release(&image);
    return status;
}

static nlg_status draw(const nlg_invocation *call, nlg_error *err) {
    const layout_options *o = call->options;
    if (!o->output || !(ends_with(o->output, ".png") || ends_with(o->output, ".html")))
        return nlg_fail(err, NLG_ERR_INPUT, "layout draw: expected --output FILE.png or FILE.html, found %s",
                        o->output ? o->output : "none");
    nlg_space space;
    nlg_status status = open_space(o, &space, err);
    if (status == NLG_OK) status = draw_in(call, &space, err);
    nlg_space_close(&space);
    return status;
}

/* ---- compare ------------------------------------------------------------------------------------------------------- */

static nlg_status compare(const nlg_invocation *call, nlg_error *err) {
    if (call->n_arguments != 3)
        return nlg_fail(err, NLG_ERR_INPUT, "layout compare: expected two pictures; see lineage layout --help");
    const char *const paths[] = {call->arguments[1], call->arguments[2]};
    nlg_image image[2] = {{0}};
    nlg_layout_loss *loss = NULL;
    double value = 0;
    nlg_status status = nlg_image_read(paths[0], &image[0], err);
    if (status == NLG_OK) status = nlg_image_read(paths[1], &image[1], err);
    if (status == NLG_OK && (image[0].w != image[1].w || image[0].h != image[1].h || image[0].w > NLG_LAYOUT_SIDE_MAX))
        status = nlg_fail(err, NLG_ERR_INPUT, "%s: expected %d x %d pixels as %s has (at most %d across), found %d x %d", paths[1],
                          image[0].w, image[0].h, paths[0], NLG_LAYOUT_SIDE_MAX, image[1].w, image[1].h);
    if (status == NLG_OK) status = nlg_layout_loss_create(&image[0], &loss, err);
    if (status == NLG_OK) status = nlg_layout_loss_of_image(loss, &image[1], &value, err);
    nlg_layout_loss_destroy(loss);
    for (int i = 0; i < 2; i++) {
        if (image[i].rgb) nlg_image_release(&image[i]);
    }
    if (status != NLG_OK) return status;
    if (!call->settings.json) {
        printf("loss %.6f\n", value);
        return NLG_OK;
    }
    cJSON *o = cJSON_CreateObject();
    nlg_json_number(o, "loss", value);
    return nlg_json_print(o, err);
}

/* ---- design -------------------------------------------------------------------------------------------------------- */

typedef struct display {
    nlg_progress progress;
    const char *name;
    int part; /* 0, 1 */
} display;

static bool show(void *context, int done, int budget, double loss) {
    display *d = context;
    nlg_progress_update(&d->progress, (d->part + (double)done / budget) / 2, "%s: layout %d of %d, lowest loss %.4f", d->name, done,
                        budget, loss);
    return !nlg_interrupted();
}

static nlg_status search(const nlg_invocation *call, const nlg_space *space, const char *name, display *d,
                         nlg_layout_search_result *result, nlg_error *err) {
    const layout_options *o = call->options;
    char text[NLG_STRATEGY_OPTIONS_TEXT];
    nlg_layout_search_options how = {.space = space,
                                     .strategy_options = text,
                                     .budget = o->budget,
                                     .seed = call->settings.seed,
                                     .progress = show,
                                     .progress_context = d};
    d->name = name;
    NLG_TRY(nlg_strategy_pick(name, true, &how.strategy, text, err));
    NLG_TRY(nlg_layout_search(&how, result, err));
    d->part++;
    return NLG_OK;
}

static const char *in_folder(const layout_options *o, const char *name, char path[PATH_BYTES]) {
    snprintf(path, PATH_BYTES, "%s/%s", o->output, name);
    return path;
}

/* Target, random search's and the strategy's layout from left to right. */
static nlg_status write_side_by_side(const char *path, const nlg_image *pictures, int n, nlg_error *err) {
    enum { GAP = 16 };
    const int h = pictures[0].h, w = pictures[0].w, all = n * w + (n - 1) * GAP;
    nlg_image sheet = {h, all, nlg_alloc((size_t)h * (size_t)all * 3, 1)};
    if (!sheet.rgb) return nlg_fail_memory(err, (size_t)h * (size_t)all * 3, "a picture");
    memset(sheet.rgb, 255, (size_t)h * (size_t)all * 3);
    for (int i = 0; i < n; i++) {
        for (int y = 0; y < h; y++)
            memcpy(sheet.rgb + 3 * ((size_t)y * (size_t)all + (size_t)(i * (w + GAP))), pictures[i].rgb + 3 * (size_t)y * (size_t)w,
                   3 * (size_t)w);
    }
    nlg_status status = nlg_image_write_png(path, &sheet, err);
    nlg_image_release(&sheet);
    return status;
}

static nlg_status write_curves(const char *path, const nlg_layout_search_result *results, const char *const *names, int n,
                               nlg_error *err) {
    nlg_file_writer writer;
    NLG_TRY(nlg_file_begin(&writer, path, err));
    fputs("strategy\tevaluations\tloss\n", writer.stream);
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < results[i].n_curve; k++)
            fprintf(writer.stream, "%s\t%d\t%.6f\n", names[i], results[i].curve[k].evaluations, results[i].curve[k].loss);
    }
    return nlg_file_commit(&writer, err);
}

static nlg_status write_results(const layout_options *o, const nlg_layout_target *t, const nlg_layout_search_result results[2],
                                const char *const names[2], nlg_error *err) {
    static const char *const html[] = {"random.html", "best.html"}, *const png[] = {"random.png", "best.png"};
    char path[PATH_BYTES];
    nlg_image pictures[3] = {{0}};
    nlg_status status = nlg_layout_target_picture(t, 1, &pictures[0], err);
    if (status == NLG_OK) status = nlg_image_write_png(in_folder(o, "target.png", path), &pictures[0], err);
    for (int i = 0; i < 2 && status == NLG_OK; i++) {
        status = write_html(in_folder(o, html[i], path), &results[i].best, t, err);
        if (status == NLG_OK) status = paint(&results[i].best, t, &pictures[i + 1], err);
        if (status == NLG_OK) status = nlg_image_write_png(in_folder(o, png[i], path), &pictures[i + 1], err);
    }
    if (status == NLG_OK) status = write_side_by_side(in_folder(o, "side-by-side.png", path), pictures, 3, err);
    if (status == NLG_OK) status = write_curves(in_folder(o, "curve.tsv", path), results, names, 2, err);
    for (int i = 0; i < 3; i++) {
        if (pictures[i].rgb) nlg_image_release(&pictures[i]);
    }
    return status;
}

static nlg_status print_results(const nlg_invocation *call, const nlg_layout_target *t, const nlg_layout_search_result results[2],
                                const char *const names[2], nlg_error *err) {
    if (call->settings.json) {
        cJSON *rows = cJSON_CreateArray();
        for (int i = 0; i < 2; i++) {
            const nlg_layout_search_result *r = &results[i];
            cJSON *row = nlg_json_object_in(rows);
            nlg_json_text(row, "strategy", names[i]);
            nlg_json_text(row, "target", t->name);
            nlg_json_number(row, "seed", (double)call->settings.seed);
            nlg_json_number(row, "loss", r->loss);
            nlg_json_number(row, "loss_full_size", r->loss_full_size);
            if (!isnan(r->recovery)) nlg_json_number(row, "recovery", r->recovery);
            nlg_json_number(row, "evaluations", r->evaluations);
            nlg_json_number(row, "repeats", r->repeats);
            nlg_json_text(row, "digest", r->digest);
            nlg_json_text(row, "genotype", r->genotype);
        }
        return nlg_json_print(rows, err);
    }
    nlg_text_table *table =
        nlg_text_table_create("lrrrr", (const char *[]){"strategy", "layouts drawn", "loss", "at full size", "components found"});
    for (int i = 0; i < 2; i++) {
        const nlg_layout_search_result *r = &results[i];
        nlg_text_table_cell(table, "%s", names[i]);
        nlg_text_table_integer(table, r->evaluations);
        nlg_text_table_cell(table, "%.4f", r->loss);
        nlg_text_table_cell(table, "%.4f", r->loss_full_size);
        if (isnan(r->recovery)) {
            nlg_text_table_cell(table, "-");
        } else {
            nlg_text_table_cell(table, "%.0f%%", 100 * r->recovery);
        }
    }
    return nlg_text_table_print(table, stdout, err);
}

static nlg_status design_in(const nlg_invocation *call, const nlg_space *space, nlg_error *err) {
    const layout_options *o = call->options;
    const nlg_layout_target *t = nlg_layout_space_target(space);
    const char *const names[2] = {"random", o->strategy};
    nlg_layout_search_result *results = nlg_alloc(2, sizeof *results);
    if (!results) return nlg_fail_memory(err, 2 * sizeof *results, "two searches");
    display d = {0};
    nlg_interrupt_watch();
    nlg_progress_start(&d.progress);
    nlg_status status = NLG_OK;
    for (int i = 0; i < 2 && status == NLG_OK; i++) status = search(call, space, names[i], &d, &results[i], err);
    nlg_progress_end(&d.progress);
    if (status == NLG_OK) status = print_results(call, t, results, names, err);
    if (status == NLG_OK) status = write_results(o, t, results, names, err);
    nlg_free(results);
    return status;
}

static nlg_status design(const nlg_invocation *call, nlg_error *err) {
    const layout_options *o = call->options;
    if (!o->output) return nlg_fail(err, NLG_ERR_INPUT, "layout design: expected --output DIR, found none");
    const nlg_strategy *strategy;
    char text[NLG_STRATEGY_OPTIONS_TEXT];
    NLG_TRY(nlg_strategy_pick(o->strategy, true, &strategy, text, err));
    NLG_TRY(nlg_folder_create(o->output, err));
    nlg_space space;
    nlg_status status = open_space(o, &space, err);
    if (status == NLG_OK) status = design_in(call, &space, err);
    nlg_space_close(&space);
    return status;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    static const char *const actions[] = {"targets", "draw", "compare", "design", NULL};
    int action = 0;
    if (call->n_arguments) NLG_TRY(nlg_option_choice("layout", call->arguments[0], actions, &action, err));
    if (call->n_arguments > 1 && action != 2)
        return nlg_fail(err, NLG_ERR_INPUT, "layout %s: expected nothing behind it, found '%.60s'; see lineage layout --help",
                        actions[action], call->arguments[1]);
    return action == 0 ? list(call, err) : action == 1 ? draw(call, err) : action == 2 ? compare(call, err) : design(call, err);
}

const nlg_command nlg_command_layout = {
    .name = "layout",
    .summary = "Design user interfaces from a picture, by the same searches",
    .arguments = "[targets | draw | compare A.png B.png | design]",
    .max_arguments = 3,
    .help =
        "design lets a strategy and random search draw --budget layouts each and writes target.png, best and random as .html and "
        ".png, side-by-side.png (target, random, best) and curve.tsv. Losses are of `lineage layout compare`: 0 for equal "
        "pictures, about 1 for white against black. A stored search of the space does the same: lineage search --space "
        "layout:target=T --evaluator layout.\n\n"
        "Examples:\n"
        "  lineage layout draw --target profile --output profile.png\n"
        "  lineage layout design --target shop --budget 2000 --output shop\n"
        "  lineage layout design --target mine.png --texts mine.txt --output mine",
    .options = options,
    .shared = NLG_TAKES_SEED | NLG_TAKES_JSON | NLG_TAKES_GENOTYPE,
    .defaults = &defaults,
    .options_size = sizeof(layout_options),
    .option = option,
    .run = run,
};
