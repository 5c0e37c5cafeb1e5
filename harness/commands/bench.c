/* lineage bench: time per step, images per second and share of the machine's peak. */
#include <math.h>
#include <stdio.h>

#include "harness/measures/bench.h"
#include "harness/build_info.h"
#include "harness/command.h"
#include "harness/options.h"
#include "harness/output.h"
#include "harness/progress.h"
#include "layers/base/memory.h"

typedef struct bench_options {
    int mode, batch;
    double seconds;
    bool layers, csv, markdown;
    nlg_shape input;
} bench_options;

static const char *const modes[] = {"infer", "train", NULL};
enum { KEY_MODE = 0x100, KEY_BATCH, KEY_SECONDS, KEY_LAYERS, KEY_INPUT, KEY_CSV, KEY_MARKDOWN };
static const struct argp_option options[] = {
    {"mode", KEY_MODE, "MODE", 0,
     "infer (default): forward pass; train: forward, loss, backward and update, without auxiliary heads", 0},
    {"batch", KEY_BATCH, "B", 0, "Images per step (default 1)", 0},
    {"seconds", KEY_SECONDS, "S", 0, "Time each network for about so long (default 2)", 0},
    {"layers", KEY_LAYERS, NULL, 0, "Also time every layer: GFLOP/s, algorithm, bytes", 0},
    {"input", KEY_INPUT, "C,H,W", 0, "Another input size, where the network allows it", 0},
    {"csv", KEY_CSV, NULL, 0, "Print comma-separated values", 0},
    {"markdown", KEY_MARKDOWN, NULL, 0, "Print a Markdown table", 0},
    {0},
};

static nlg_status option(void *where, int key, const char *value, nlg_error *err) {
    bench_options *o = where;
    switch (key) {
    case KEY_MODE:
        return nlg_option_choice("--mode", value, modes, &o->mode, err);
    case KEY_BATCH:
        return nlg_option_int("--batch", value, 1, 1 << 16, &o->batch, err);
    case KEY_SECONDS:
        return nlg_option_number("--seconds", value, 0, 3600, &o->seconds, err);
    case KEY_LAYERS:
        o->layers = true;
        return NLG_OK;
    case KEY_CSV:
        o->csv = true;
        return NLG_OK;
    case KEY_MARKDOWN:
        o->markdown = true;
        return NLG_OK;
    default:
        return nlg_option_shape("--input", value, &o->input, err);
    }
}

typedef struct timed {
    char name[sizeof((nlg_network *)0)->title];
    double ms, deviation; /* of one step; a tenth and nine tenths of a normal distribution lie 1.2816 deviations from its middle */
} timed;

/* Where the results go: JSON, or a table with the layers printed as they come. */
typedef struct bench_output {
    cJSON *json;
    nlg_text_table *table;
    timed *rows;
    int count, all;
    const char *now;
    nlg_progress progress;
} bench_output;

static void add_json(cJSON *row, const nlg_invocation *call, const nlg_exec *exec, const char *model, const nlg_bench_result *r) {
    const bench_options *o = call->options;
    nlg_json_text(row, "model", model);
    nlg_json_text(row, "mode", modes[o->mode]);
    nlg_json_number(row, "batch", o->batch);
    nlg_json_number(row, "threads", nlg_team_size(exec->team));
    nlg_json_text(row, "isa", nlg_isa_name(exec->isa));
    nlg_json_text(row, "backend", nlg_backend_name(exec->backend));
    nlg_json_number(row, "ms_median", r->ms_median);
    nlg_json_number(row, "ms_min", r->ms_min);
    nlg_json_number(row, "ms_p10", r->ms_p10);
    nlg_json_number(row, "ms_p90", r->ms_p90);
    nlg_json_number(row, "images_per_s", r->images_per_s);
    nlg_json_number(row, "gflop_per_s", r->gflop_per_s);
    nlg_json_number(row, "share_of_peak", r->share_of_peak);
    nlg_json_number(row, "reps", r->reps);
    nlg_json_number(row, "warmup", r->warmup);
    nlg_json_number(row, "peak_gflop_per_s", r->peak_gflop_per_s);
    cJSON_AddBoolToObject(row, "noisy", r->noisy);
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    nlg_json_text(row, "cpu", cpu.model);
    nlg_json_text(row, "commit", nlg_build_commit());
}

static void add_row(nlg_text_table *t, const nlg_invocation *call, const nlg_exec *exec, const char *model,
                    const nlg_bench_result *r) {
    const bench_options *o = call->options;
    nlg_text_table_cell(t, "%s", model);
    nlg_text_table_cell(t, "%s", modes[o->mode]);
    nlg_text_table_cell(t, "%d", o->batch);
    nlg_text_table_cell(t, "%d", nlg_team_size(exec->team));
    nlg_text_table_cell(t, "%s", nlg_isa_name(exec->isa));
    nlg_text_table_cell(t, "%s", nlg_backend_name(exec->backend));
    const double ms[4] = {r->ms_median, r->ms_min, r->ms_p10, r->ms_p90};
    for (int i = 0; i < 4; i++) nlg_text_table_cell(t, "%.3f", ms[i]);
    nlg_text_table_cell(t, "%.1f", r->images_per_s);
    nlg_text_table_cell(t, "%.1f", r->gflop_per_s);
    nlg_text_table_cell(t, "%.3f", r->share_of_peak);
    nlg_text_table_cell(t, "%d", r->reps);
    const bool above = r->share_of_peak > 1;
    nlg_text_table_cell(t, "%s%s%s", r->noisy ? "noisy" : "", r->noisy && above ? ", " : "", above ? "above peak" : "");
}

static void layers_json(cJSON *row, const nlg_bench_layer *layers, int count, double peak) {
    cJSON *list = cJSON_AddArrayToObject(row, "layers");
    for (int i = 0; i < count; i++) {
        cJSON *layer = nlg_json_object_in(list);
        nlg_json_text(layer, "layer", layers[i].name);
        nlg_json_text(layer, "op", layers[i].op);
        nlg_json_text(layer, "algorithm", layers[i].algorithm);
        nlg_json_number(layer, "forward_ms", layers[i].forward_ms);
        nlg_json_number(layer, "backward_ms", layers[i].backward_ms);
        nlg_json_number(layer, "gflop_per_s", layers[i].gflop_per_s);
        nlg_json_number(layer, "share_of_peak", layers[i].gflop_per_s / peak);
        nlg_json_number(layer, "bytes", layers[i].bytes);
    }
}

static nlg_status print_table(nlg_text_table *table, const bench_options *o, nlg_error *err) {
    return (o->csv        ? nlg_text_table_print_csv
            : o->markdown ? nlg_text_table_print_markdown
                          : nlg_text_table_print)(table, stdout, err);
}

static nlg_status layers_table(const char *model, const nlg_bench_layer *layers, int count, double peak, const bench_options *o,
                               nlg_error *err) {
    static const char *const headers[] = {"layer",   "op",    "algorithm", "forward ms", "backward ms",
                                          "GFLOP/s", "share", "MB",        "GB/s"};
    nlg_text_table *t = nlg_text_table_create("lllrrrrrr", headers);
    for (int i = 0; i < count; i++) {
        const nlg_bench_layer *l = &layers[i];
        double ms = l->forward_ms + l->backward_ms;
        nlg_text_table_cell(t, "%s", l->name);
        nlg_text_table_cell(t, "%s", l->op);
        nlg_text_table_cell(t, "%s", l->algorithm);
        nlg_text_table_cell(t, "%.4f", l->forward_ms);
        nlg_text_table_cell(t, "%.4f", l->backward_ms);
        nlg_text_table_cell(t, "%.1f", l->gflop_per_s);
        nlg_text_table_cell(t, "%.3f", l->gflop_per_s / peak);
        nlg_text_table_cell(t, "%.3f", 1e-6 * l->bytes);
        nlg_text_table_cell(t, "%.1f", ms > 0 ? 1e-6 * l->bytes / ms : 0);
    }
    printf("%s\n", model);
    NLG_TRY(print_table(t, o, err));
    putchar('\n');
    return NLG_OK;
}

static nlg_status time_layers(nlg_bench *bench, const char *model, cJSON *row, double peak, const bench_options *o,
                              nlg_error *err) {
    nlg_bench_layer *layers;
    NLG_TRY(nlg_bench_time_layers(bench, &layers, err));
    nlg_status status = NLG_OK;
    if (row)
        layers_json(row, layers, nlg_bench_layers(bench), peak);
    else
        status = layers_table(model, layers, nlg_bench_layers(bench), peak, o, err);
    nlg_free(layers);
    return status;
}

static void show_progress(void *context, double fraction) {
    bench_output *output = context;
    nlg_progress_update(&output->progress, (output->count + fraction) / output->all, "%s: timed step by step", output->now);
}

/* As in "A is 1.31 +- 0.05 times as fast as B": errors of a ratio add up in squares. */
static void print_ratios(const bench_output *output) {
    const timed *best = output->rows;
    for (int i = 1; i < output->count; i++)
        if (output->rows[i].ms < best->ms) best = &output->rows[i];
    for (int i = 0; i < output->count; i++) {
        const timed *other = &output->rows[i];
        if (other == best) continue;
        const double ratio = other->ms / best->ms;
        printf("%s is %.2f +- %.2f times as fast as %s\n", best->name, ratio,
               ratio * hypot(other->deviation / other->ms, best->deviation / best->ms), other->name);
    }
}

static nlg_status bench_planned(const nlg_invocation *call, const nlg_exec *exec, nlg_bench *bench, const char *model,
                                bench_output *output, nlg_error *err) {
    const bench_options *o = call->options;
    nlg_bench_result result;
    cJSON *row = NULL;
    fprintf(stderr, "%s: %.1f MiB (%zu bytes)\n", model, (double)nlg_bench_bytes(bench) / (1 << 20), nlg_bench_bytes(bench));
    output->now = model;
    nlg_status status = nlg_bench_run(bench, &result, err);
    nlg_progress_end(&output->progress);
    NLG_TRY(status);
    timed *mine = &output->rows[output->count++];
    snprintf(mine->name, sizeof mine->name, "%s", model);
    mine->ms = result.ms_median;
    mine->deviation = (result.ms_p90 - result.ms_p10) / (2 * 1.2816);
    if (result.noisy) fprintf(stderr, "%s: noisy: p90 is %.2f times p10\n", model, result.ms_p90 / result.ms_p10);
    if (result.share_of_peak > 1)
        fprintf(stderr,
                "%s: %.0f %% of the peak: Winograd convolution needs fewer multiplications than are counted, or other programs "
                "ran while the peak was measured\n",
                model, 100 * result.share_of_peak);
    if (output->json) {
        row = nlg_json_object_in(output->json);
        add_json(row, call, exec, model, &result);
    } else {
        add_row(output->table, call, exec, model, &result);
    }
    return o->layers ? time_layers(bench, model, row, result.peak_gflop_per_s, o, err) : NLG_OK;
}

static nlg_status bench_one(const nlg_invocation *call, const nlg_exec *exec, const char *name, bench_output *output,
                            nlg_error *err) {
    const bench_options *o = call->options;
    nlg_network network;
    nlg_bench *bench = NULL;
    nlg_status status = nlg_network_open(name, call->settings.genotype, o->input, 0, &network, err);
    nlg_bench_options how = {.batch = o->batch,
                             .mode = o->mode == 1 ? NLG_TRAIN : NLG_INFER,
                             .seconds = o->seconds,
                             .memory_limit = call->settings.memory_limit,
                             .progress = show_progress,
                             .progress_context = output};
    if (status == NLG_OK) status = nlg_bench_create(&network, exec, &how, &bench, err);
    if (status == NLG_OK) status = bench_planned(call, exec, bench, network.title, output, err);
    nlg_bench_destroy(bench);
    nlg_network_close(&network);
    return status;
}

static nlg_status bench_all(const nlg_invocation *call, bench_output *output, nlg_error *err) {
    nlg_exec exec;
    nlg_status status = NLG_OK;
    for (int i = 0; i < call->n_arguments && status == NLG_OK; i++) { /* all names are known before the first is timed */
        nlg_network network;
        status = nlg_network_open(call->arguments[i], call->settings.genotype, ((const bench_options *)call->options)->input, 0,
                                  &network, err);
        nlg_network_close(&network);
    }
    if (status != NLG_OK) return status;
    status = nlg_exec_open(&call->settings, &exec, err);
    for (int i = 0; i < call->n_arguments && status == NLG_OK; i++)
        status = bench_one(call, &exec, call->arguments[i], output, err);
    nlg_exec_close(&exec);
    return status;
}

static nlg_status print_all(const nlg_invocation *call, bench_output *output, nlg_error *err) {
    if (call->settings.json) return nlg_json_print(output->json, err);
    nlg_cpu_info cpu;
    nlg_cpu_query(&cpu);
    const bench_options *o = call->options;
    NLG_TRY(print_table(output->table, o, err));
    if (o->csv || o->markdown) return NLG_OK;
    if (output->count > 1) putchar('\n');
    print_ratios(output);
    printf("\n%s. GFLOP/s = 2 x MACs x batch%s / median time; peak: share of the rate of fused multiply-adds in registers, "
           "measured in "
           "this process with the same threads; noisy: p90 is more than 1.2 times p10.\n",
           cpu.model, o->mode == 1 ? " x 3" : "");
    return NLG_OK;
}

static nlg_status run(const nlg_invocation *call, nlg_error *err) {
    static const char *const headers[] = {"model",  "mode",   "batch",    "threads", "isa",  "backend", "ms median", "ms min",
                                          "ms p10", "ms p90", "images/s", "GFLOP/s", "peak", "reps",    "note"};
    bench_output output = {0};
    if (call->settings.json)
        output.json = cJSON_CreateArray();
    else
        output.table = nlg_text_table_create("llrrllrrrrrrrrl", headers);
    output.all = call->n_arguments;
    output.rows = nlg_alloc((size_t)output.all, sizeof *output.rows);
    if (!output.rows) {
        cJSON_Delete(output.json);
        nlg_text_table_destroy(output.table);
        return nlg_fail_memory(err, (size_t)output.all * sizeof *output.rows, "the times");
    }
    nlg_interrupt_watch();
    nlg_progress_start(&output.progress);
    nlg_status status = bench_all(call, &output, err);
    if (status == NLG_OK) {
        status = print_all(call, &output, err);
    } else { /* what was measured before is not lost, where it can be told from a whole result */
        cJSON_Delete(output.json);
        if (output.count)
            (void)print_table(output.table, call->options, NULL);
        else
            nlg_text_table_destroy(output.table);
    }
    nlg_free(output.rows);
    return status;
}

const nlg_command nlg_command_bench = {
    .name = "bench",
    .summary = "Time networks: milliseconds, images per second, share of the CPU's peak",
    .arguments = "MODEL...",
    .min_arguments = 1,
    .max_arguments = -1,
    .help = "Examples:\n  lineage bench resnet18 --batch 16 --threads 2 --json\n  lineage bench lenet5 --mode train --batch 64\n"
            "  lineage bench mobilenet_v1 --layers",
    .options = options,
    .shared = NLG_TAKES_JSON | NLG_TAKES_EXEC | NLG_TAKES_GENOTYPE,
    .defaults = &(const bench_options){.batch = 1, .seconds = 2},
    .options_size = sizeof(bench_options),
    .option = option,
    .run = run,
};
