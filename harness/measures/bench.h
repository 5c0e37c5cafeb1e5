/* Timing of one network's steady step. */
#ifndef NLG_BENCH_H
#define NLG_BENCH_H

#include "harness/network.h"
#include "layers/graph/plan.h"

typedef struct nlg_bench_options {
    int batch;
    nlg_mode mode;
    double seconds; /* timed for about so long, after warming up */
    size_t memory_limit;
    void (*progress)(void *context, double fraction); /* between steps; may be NULL */
    void *progress_context;
} nlg_bench_options;

typedef struct nlg_bench_result {
    double ms_median, ms_min, ms_p10, ms_p90, images_per_s, gflop_per_s, peak_gflop_per_s, share_of_peak;
    int reps, warmup;
    bool noisy; /* p90 / p10 > 1.2 */
} nlg_bench_result;

typedef struct nlg_bench_layer {
    const char *name, *op, *algorithm;
    double forward_ms, backward_ms; /* medians; backward 0 in inference */
    double gflop_per_s;             /* of both together */
    double bytes;                   /* read and written once: first input, output, parameters */
} nlg_bench_layer;

/* The network with reference weights and input (never zero or denormal), planned. An inference step is the forward pass; a
 * training step also the loss, the backward pass and an SGD update with momentum, without auxiliary heads. */
typedef struct nlg_bench nlg_bench;
nlg_status nlg_bench_create(const nlg_network *network, const nlg_exec *exec, const nlg_bench_options *options, nlg_bench **bench,
                            nlg_error *err);
void nlg_bench_destroy(nlg_bench *bench);
size_t nlg_bench_bytes(const nlg_bench *bench); /* weights, gradients, momentum and plan */

nlg_status nlg_bench_run(nlg_bench *bench, nlg_bench_result *result, nlg_error *err);
/* Times every kernel call by itself; *layers has nlg_bench_layers entries, free with nlg_free. */
int nlg_bench_layers(const nlg_bench *bench);
nlg_status nlg_bench_time_layers(nlg_bench *bench, nlg_bench_layer **layers, nlg_error *err);

#endif
