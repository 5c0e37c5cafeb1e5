/* Timing of one network's steady step. */
#include "harness/measures/bench.h"

#include "harness/measures/peak.h"
#include "harness/progress.h"
#include "harness/query/stats.h"
#include "train/train.h"

enum { LEAST_REPS = 5, MOST_REPS = 1 << 20, LEAST_WARMUP = 2, UPDATE_CHUNK = 4096, LAYER_RUNS = 11 };

/* Of norms whose statistics are not those of their inputs: at 1 values grow from layer to layer until the sigmoids of squeezes
 * yield subnormal numbers, which some CPUs multiply a hundred times slower and no trained network has. */
static const double NORM_GAIN = 0.5;

struct nlg_bench {
    const nlg_network *network;
    const nlg_exec *exec;
    nlg_bench_options options;
    nlg_weights weights, gradients, momentum;
    nlg_plan *plan;
    size_t bytes; /* measured */
    int *labels;
    int64_t steps;
    double *times;
    size_t times_room;
};

static void fill_input(nlg_tensor x) {
    uint64_t key = nlg_fill_key("input"), index = 0;
    for (int64_t p = 0; p < nlg_tensor_pixels(&x); p++)
        for (int c = 0; c < x.c; c++) x.data[p * x.ld + c] = (float)nlg_fill_value(key, index++);
}

static nlg_status prepare_training(nlg_bench *bench, nlg_error *err) {
    nlg_shape out = bench->network->graph->nodes[bench->network->graph->outputs[0]].shape;
    if (out.h != 1 || out.w != 1)
        return nlg_fail(err, NLG_ERR_INPUT, "model %s is no classifier (output %dx%dx%d); --mode infer can be timed",
                        bench->network->model->name, out.h, out.w, out.c);
    NLG_TRY(nlg_weights_create(bench->network->graph, &bench->gradients, err));
    NLG_TRY(nlg_weights_create(bench->network->graph, &bench->momentum, err));
    bench->labels = nlg_alloc((size_t)bench->options.batch, sizeof *bench->labels);
    if (!bench->labels) return nlg_fail_memory(err, (size_t)bench->options.batch * sizeof *bench->labels, "labels");
    for (int i = 0; i < bench->options.batch; i++) bench->labels[i] = i % out.c;
    return NLG_OK;
}

static nlg_status prepare(nlg_bench *bench, nlg_error *err) {
    const nlg_bench_options *o = &bench->options;
    const nlg_graph *graph = bench->network->graph;
    nlg_plan_options plan = {.batch = o->batch,
                             .mode = o->mode,
                             .without_aux = true,
                             .memory_limit = o->memory_limit,
                             .other_bytes = (o->mode == NLG_TRAIN ? 3 : 1) * nlg_weights_bytes(graph)};
    NLG_TRY(nlg_plan_measure(graph, bench->exec, &plan, &bench->bytes, err));
    bench->bytes += plan.other_bytes;
    NLG_TRY(nlg_weights_create(bench->network->graph, &bench->weights, err));
    nlg_weights_fill_reference(&bench->weights, NORM_GAIN);
    if (o->mode == NLG_TRAIN) NLG_TRY(prepare_training(bench, err));
    NLG_TRY(nlg_plan_create(graph, bench->exec, &plan, &bench->weights, o->mode == NLG_TRAIN ? &bench->gradients : NULL,
                            &bench->plan, err));
    fill_input(nlg_plan_input(bench->plan));
    return NLG_OK;
}

nlg_status nlg_bench_create(const nlg_network *network, const nlg_exec *exec, const nlg_bench_options *options, nlg_bench **out,
                            nlg_error *err) {
    nlg_bench *bench = nlg_alloc(1, sizeof *bench);
    *out = NULL;
    if (!bench) return nlg_fail_memory(err, sizeof *bench, "a benchmark");
    bench->network = network;
    bench->exec = exec;
    bench->options = *options;
    nlg_status status = prepare(bench, err);
    if (status != NLG_OK) {
        nlg_bench_destroy(bench);
        return status;
    }
    *out = bench;
    return NLG_OK;
}

void nlg_bench_destroy(nlg_bench *bench) {
    if (!bench) return;
    nlg_plan_destroy(bench->plan);
    nlg_weights_destroy(&bench->weights);
    nlg_weights_destroy(&bench->gradients);
    nlg_weights_destroy(&bench->momentum);
    nlg_free(bench->labels);
    nlg_free(bench->times);
    nlg_free(bench);
}

size_t nlg_bench_bytes(const nlg_bench *bench) {
    return bench->bytes;
}

/* --- one step --- */

/* The whole block at once: gradients of what is not trainable are zero, so it stays. */
static void update(void *context, int64_t begin, int64_t end, int worker) {
    static const nlg_optimizer_options sgd = {.kind = NLG_SGD, .momentum = 0.9};
    nlg_bench *bench = context;
    size_t floats = bench->network->graph->weights_floats;
    (void)worker;
    for (int64_t i = begin; i < end; i++) {
        size_t first = (size_t)i * UPDATE_CHUNK, count = floats - first < UPDATE_CHUNK ? floats - first : UPDATE_CHUNK;
        float *state[] = {bench->momentum.values + first};
        nlg_optimizer_update(&sgd, 1e-3, bench->steps, false, 1, count, bench->weights.values + first,
                             bench->gradients.values + first, state);
    }
}

static void step(nlg_bench *bench) {
    int batch = bench->options.batch;
    nlg_plan_forward(bench->plan, batch, nlg_rng_stream(nlg_rng_seed(0), (uint64_t)bench->steps++));
    if (bench->options.mode != NLG_TRAIN) return;
    nlg_tensor y = nlg_plan_output(bench->plan, 0), dy = nlg_plan_output_gradient(bench->plan, 0);
    nlg_softmax_cross_entropy(batch, y.c, y.data, y.ld, bench->labels, 0, 1.0 / batch, dy.data, dy.ld);
    nlg_plan_backward(bench->plan);
    size_t floats = bench->network->graph->weights_floats;
    nlg_team_run(bench->exec->team, (int64_t)((floats + UPDATE_CHUNK - 1) / UPDATE_CHUNK), update, bench);
}

static double step_ms(nlg_bench *bench) {
    double start = nlg_seconds_now();
    step(bench);
    return 1e3 * (nlg_seconds_now() - start);
}

static nlg_status keep_time(nlg_bench *bench, size_t count, double ms, nlg_error *err) {
    if (count == bench->times_room) {
        size_t room = bench->times_room ? 2 * bench->times_room : 1024;
        double *grown = nlg_realloc(bench->times, room, sizeof *grown);
        if (!grown) return nlg_fail_memory(err, room * sizeof *grown, "timings");
        bench->times = grown;
        bench->times_room = room;
    }
    bench->times[count] = ms;
    return NLG_OK;
}

/* Between two steps, of which neither is timed then: the share of the time that is over. */
static nlg_status pause(const nlg_bench *bench, double begin, double end, double start, double seconds, nlg_error *err) {
    const nlg_bench_options *o = &bench->options;
    const double part = seconds > 0 ? (nlg_seconds_now() - start) / seconds : 1;
    if (nlg_interrupted()) return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped");
    if (o->progress) o->progress(o->progress_context, begin + (end - begin) * (part < 1 ? part : 1));
    return NLG_OK;
}

nlg_status nlg_bench_run(nlg_bench *bench, nlg_bench_result *result, nlg_error *err) {
    const double warmup_share = 0.1, seconds = bench->options.seconds, warmup_end = warmup_share / (1 + warmup_share);
    size_t reps = 0;
    *result = (nlg_bench_result){.peak_gflop_per_s = nlg_peak_gflop_per_s(bench->exec)};
    double start = nlg_seconds_now();
    do {
        NLG_TRY(pause(bench, 0, warmup_end, start, warmup_share * seconds, err));
        step(bench);
        result->warmup++;
    } while (result->warmup < LEAST_WARMUP || nlg_seconds_now() - start < warmup_share * seconds);
    start = nlg_seconds_now();
    do {
        NLG_TRY(pause(bench, warmup_end, 1, start, seconds, err));
        NLG_TRY(keep_time(bench, reps, step_ms(bench), err));
        reps++;
    } while (reps < LEAST_REPS || (reps < MOST_REPS && nlg_seconds_now() - start < seconds));
    nlg_sort(bench->times, reps);
    result->reps = (int)reps;
    result->ms_min = bench->times[0];
    result->ms_p10 = nlg_quantile_sorted(bench->times, reps, 0.1);
    result->ms_median = nlg_quantile_sorted(bench->times, reps, 0.5);
    result->ms_p90 = nlg_quantile_sorted(bench->times, reps, 0.9);
    result->noisy = result->ms_p90 > 1.2 * result->ms_p10;
    double gflop = 2e-9 * (double)bench->network->cost.macs * bench->options.batch * (bench->options.mode == NLG_TRAIN ? 3 : 1);
    result->images_per_s = 1e3 * bench->options.batch / result->ms_median;
    result->gflop_per_s = 1e3 * gflop / result->ms_median;
    result->share_of_peak = result->gflop_per_s / result->peak_gflop_per_s;
    return NLG_OK;
}

/* --- layers --- */

int nlg_bench_layers(const nlg_bench *bench) {
    return nlg_plan_step_count(bench->plan);
}

static double parameter_bytes(const nlg_network *network, const nlg_node *node) {
    size_t floats = 0;
    for (int i = 0; node && i < node->n_params; i++) floats += network->graph->params[node->params[i]].count;
    return 4.0 * (double)floats;
}

static nlg_bench_layer describe_layer(const nlg_bench *bench, int index, double *forward, double *backward) {
    nlg_plan_step step = nlg_plan_step_at(bench->plan, index);
    nlg_sort(forward, LAYER_RUNS);
    nlg_sort(backward, LAYER_RUNS);
    nlg_bench_layer layer = {.name = step.name, .op = step.op, .algorithm = step.algorithm};
    layer.forward_ms = nlg_quantile_sorted(forward, LAYER_RUNS, 0.5);
    layer.backward_ms = nlg_quantile_sorted(backward, LAYER_RUNS, 0.5);
    int passes = bench->options.mode == NLG_TRAIN ? 3 : 1;
    double ms = layer.forward_ms + layer.backward_ms;
    double gflop = 2e-9 * (double)step.cost.macs * bench->options.batch * passes;
    layer.gflop_per_s = ms > 0 ? 1e3 * gflop / ms : 0;
    double floats = (double)nlg_tensor_pixels(&step.x) * step.x.c + (double)nlg_tensor_pixels(&step.y) * step.y.c;
    layer.bytes = 4 * floats + parameter_bytes(bench->network, step.node);
    return layer;
}

nlg_status nlg_bench_time_layers(nlg_bench *bench, nlg_bench_layer **layers, nlg_error *err) {
    int count = nlg_bench_layers(bench);
    *layers = nlg_alloc((size_t)count, sizeof **layers);
    double *times = nlg_alloc((size_t)count, 2 * LAYER_RUNS * sizeof *times);
    if (!*layers || !times) {
        nlg_free(*layers);
        nlg_free(times);
        *layers = NULL;
        return nlg_fail_memory(err, (size_t)count * sizeof **layers, "layer timings");
    }
    nlg_plan_time_steps(bench->plan, true);
    step(bench);
    for (int run = 0; run < LAYER_RUNS; run++) {
        step(bench);
        for (int i = 0; i < count; i++) {
            nlg_plan_step timed = nlg_plan_step_at(bench->plan, i);
            times[2 * LAYER_RUNS * i + run] = timed.forward_ms;
            times[2 * LAYER_RUNS * i + LAYER_RUNS + run] = timed.backward_ms;
        }
    }
    nlg_plan_time_steps(bench->plan, false);
    for (int i = 0; i < count; i++)
        (*layers)[i] = describe_layer(bench, i, times + 2 * LAYER_RUNS * i, times + 2 * LAYER_RUNS * i + LAYER_RUNS);
    nlg_free(times);
    return NLG_OK;
}
