/* Measuring the operations of a space.
 *
 * An operation is timed within networks that have it, call by call, so that its input is where the operation before it left it;
 * timing it by itself in a loop would find everything in the nearest cache. As few networks as have all operations are run, and
 * an operation takes the median of its times in them. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "layers/base/file.h"
#include "layers/base/median.h"
#include "layers/base/memory.h"
#include "layers/graph/plan.h"
#include "search/evaluators/latency_steps.h"
#include "search/evaluators/own_table.h"

enum {
    LISTED_MAX = 20000,     /* spaces of so many codes are looked at completely */
    STILL = 2000,           /* else this many random architectures in a row have nothing new */
    OPERATIONS_MAX = 20000, /* a space with more cannot be measured operation by operation */
    WARM_UP = 3,
    RUNS_MAX = 400,
};

typedef struct operation {
    char *text;
    double *ms; /* medians in the networks that have it; sorted in the end */
    int count, room;
} operation;

typedef struct builder {
    const nlg_latency_options *options;
    nlg_latency_conditions conditions;
    operation *operations; /* by text */
    int count, room;
    bool found;         /* an operation that was not there */
    nlg_code *networks; /* that together have all of them */
    int n_networks, room_networks;
    double *overheads;
    nlg_latency_summary *summary;
} builder;

/* ---- finding ----------------------------------------------------------------------------------------------------------- */

/* Where the text is, or belongs. */
static int place_of(const builder *b, const char *text) {
    int low = 0, high = b->count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (strcmp(b->operations[middle].text, text) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static nlg_status note(void *context, const char *text, nlg_error *err) {
    builder *b = context;
    const int at = place_of(b, text);
    if (at < b->count && strcmp(b->operations[at].text, text) == 0) return NLG_OK;
    if (b->count == OPERATIONS_MAX)
        return nlg_fail(err, NLG_ERR_INPUT, "space %s has more than %d different operations: no table can have all of them",
                        b->options->space->name, OPERATIONS_MAX);
    operation *grown = nlg_grow(b->operations, &b->room, b->count, sizeof *grown);
    if (!grown) return nlg_fail_memory(err, (size_t)b->room * sizeof *grown, "the operations of a space");
    b->operations = grown;
    char *copy = nlg_strdup(text);
    if (!copy) return nlg_fail_memory(err, strlen(text), "an operation");
    memmove(&b->operations[at + 1], &b->operations[at], (size_t)(b->count - at) * sizeof *b->operations);
    b->operations[at] = (operation){.text = copy};
    b->count++;
    b->found = true;
    return NLG_OK;
}

static nlg_status keep_network(builder *b, const nlg_code *code, nlg_error *err) {
    nlg_code *grown = nlg_grow(b->networks, &b->room_networks, b->n_networks, sizeof *grown);
    if (!grown) return nlg_fail_memory(err, (size_t)b->room_networks * sizeof *grown, "networks to measure");
    b->networks = grown;
    b->networks[b->n_networks++] = *code;
    return NLG_OK;
}

static nlg_status tell(const builder *b, int done, int total, nlg_error *err) {
    const nlg_latency_options *o = b->options;
    if (!o->progress || o->progress(o->progress_context, done, total)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped; nothing was written");
}

static nlg_status look_at(builder *b, const nlg_code *code, nlg_error *err) {
    b->found = false;
    b->summary->listed++;
    NLG_TRY(nlg_latency_steps(b->options->space, code, &b->conditions, note, b, err));
    if (b->found) NLG_TRY(keep_network(b, code, err));
    return tell(b, b->count, 0, err);
}

/* In random order, so that those which are measured are like any other. */
static nlg_status look_at_all(builder *b, nlg_error *err) {
    nlg_code *codes;
    int count;
    NLG_TRY(nlg_space_list(b->options->space, &codes, &count, err));
    uint32_t *order = nlg_alloc((size_t)count, sizeof *order);
    nlg_status status = order ? NLG_OK : nlg_fail_memory(err, (size_t)count * sizeof *order, "an order");
    if (order) nlg_rng_permutation(nlg_rng_named(nlg_rng_seed(0), "latency"), order, (uint32_t)count);
    for (int i = 0; status == NLG_OK && i < count; i++) status = look_at(b, &codes[order[i]], err);
    nlg_free(order);
    nlg_free(codes);
    b->summary->complete = true;
    return status;
}

static nlg_status look_at_random(builder *b, nlg_error *err) {
    const nlg_rng rng = nlg_rng_named(nlg_rng_seed(0), "latency");
    int still = 0;
    for (uint64_t i = 0; still < STILL; i++) {
        nlg_code drawn, code;
        nlg_space_sample(b->options->space, nlg_rng_stream(rng, i), &drawn);
        nlg_space_canonical(b->options->space, &drawn, &code);
        NLG_TRY(look_at(b, &code, err));
        still = b->found ? 0 : still + 1;
    }
    return NLG_OK;
}

static nlg_status find_operations(builder *b, nlg_error *err) {
    const nlg_space *space = b->options->space;
    double codes = 1;
    for (int i = 0; i < space->length; i++) codes *= space->choices(space, i);
    return codes <= LISTED_MAX && !space->block ? look_at_all(b, err) : look_at_random(b, err);
}

/* ---- one network, planned for the conditions ------------------------------------------------------------------------------ */

typedef struct running {
    nlg_graph *graph;
    nlg_weights weights;
    nlg_plan *plan;
    int batch, runs; /* runs: more of a small network */
} running;

static void fill_input(nlg_tensor x) {
    const uint64_t key = nlg_fill_key("input");
    uint64_t index = 0;
    for (int64_t p = 0; p < nlg_tensor_pixels(&x); p++)
        for (int c = 0; c < x.c; c++) x.data[p * x.ld + c] = (float)nlg_fill_value(key, index++);
}

static void stop(running *r) {
    nlg_plan_destroy(r->plan);
    nlg_weights_destroy(&r->weights);
    if (r->graph) nlg_graph_destroy(r->graph);
}

static double whole_ms(const running *r) {
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    nlg_plan_forward(r->plan, r->batch, nlg_rng_seed(0));
    clock_gettime(CLOCK_MONOTONIC, &b);
    return 1e3 * (double)(b.tv_sec - a.tv_sec) + 1e-6 * (double)(b.tv_nsec - a.tv_nsec);
}

/* Until caches, branch predictors and the clock are where a steady stream of images has them. */
static void warm_up(running *r, int least_runs) {
    const double warm_up_ms = 3, timed_ms = 20;
    double all = 0, last = 0;
    for (int i = 0; i < WARM_UP || all < warm_up_ms; i++) all += last = whole_ms(r);
    const double runs = last > 0 ? timed_ms / last : RUNS_MAX;
    r->runs = runs > RUNS_MAX ? RUNS_MAX : (int)runs;
    if (r->runs < least_runs) r->runs = least_runs;
}

static nlg_status start(const nlg_latency_options *o, const nlg_code *code, running *r, nlg_error *err) {
    const nlg_plan_options plan = {.batch = o->batch, .mode = NLG_INFER};
    *r = (running){.batch = o->batch};
    nlg_status status = o->space->build(o->space, code, o->input.h, o->input.w, o->input.c, o->classes, &r->graph, err);
    if (status == NLG_OK) status = nlg_weights_create(r->graph, &r->weights, err);
    if (status == NLG_OK) {
        nlg_weights_fill_reference(&r->weights, 1);
        status = nlg_plan_create(r->graph, o->exec, &plan, &r->weights, NULL, &r->plan, err);
    }
    if (status != NLG_OK) {
        stop(r);
        return status;
    }
    fill_input(nlg_plan_input(r->plan));
    warm_up(r, o->repetitions);
    return NLG_OK;
}

nlg_status nlg_latency_measure(const nlg_latency_options *options, const nlg_code *code, double *ms, nlg_error *err) {
    running r;
    NLG_TRY(start(options, code, &r, err));
    double *times = nlg_alloc((size_t)r.runs, sizeof *times);
    nlg_status status = times ? NLG_OK : nlg_fail_memory(err, (size_t)r.runs * sizeof *times, "times");
    for (int i = 0; times && i < r.runs; i++) times[i] = whole_ms(&r);
    if (times) *ms = nlg_median(times, r.runs);
    nlg_free(times);
    stop(&r);
    return status;
}

/* ---- measuring --------------------------------------------------------------------------------------------------------- */

/* times: `runs` of each step, then of the whole. */
static nlg_status take_times(builder *b, const running *r, double *times, double *overhead, nlg_error *err) {
    const int runs = r->runs, steps = nlg_plan_step_count(r->plan);
    double all = 0;
    for (int i = 0; i < steps; i++) {
        char text[NLG_OPERATION_MAX];
        nlg_plan_step_text(r->plan, i, text, sizeof text);
        const int at = place_of(b, text);
        if (at == b->count || strcmp(b->operations[at].text, text) != 0)
            return nlg_fail(err, NLG_ERR_CHECK,
                            "space %s: the plan for these threads has '%s', which the plan for one thread lacks",
                            b->options->space->name, text);
        double *t = times + (size_t)i * (size_t)runs;
        const double ms = nlg_median(t, runs);
        all += ms;
        operation *o = &b->operations[at];
        b->summary->noisy += !o->count && t[runs * 9 / 10] > 1.2 * t[runs / 10];
        double *grown = nlg_grow(o->ms, &o->room, o->count, sizeof *grown);
        if (!grown) return nlg_fail_memory(err, (size_t)o->room * sizeof *grown, "times");
        o->ms = grown;
        o->ms[o->count++] = ms;
    }
    *overhead = nlg_median(times + (size_t)steps * (size_t)runs, runs) - all;
    return NLG_OK;
}

static nlg_status time_network(builder *b, const nlg_code *code, double *overhead, nlg_error *err) {
    const nlg_latency_options *o = b->options;
    running r;
    NLG_TRY(start(o, code, &r, err));
    const size_t steps = (size_t)nlg_plan_step_count(r.plan), runs = (size_t)r.runs;
    double *times = nlg_alloc((steps + 1) * runs, sizeof *times);
    nlg_status status = times ? NLG_OK : nlg_fail_memory(err, (steps + 1) * runs * sizeof *times, "times");
    for (size_t run = 0; status == NLG_OK && run < runs; run++) {
        times[steps * runs + run] = whole_ms(&r);
        nlg_plan_time_steps(r.plan, true);
        nlg_plan_forward(r.plan, o->batch, nlg_rng_seed(0));
        nlg_plan_time_steps(r.plan, false);
        for (size_t i = 0; i < steps; i++) times[i * runs + run] = nlg_plan_step_at(r.plan, (int)i).forward_ms;
    }
    if (status == NLG_OK) status = take_times(b, &r, times, overhead, err);
    nlg_free(times);
    stop(&r);
    return status;
}

static nlg_status measure(builder *b, nlg_error *err) {
    const int all = b->n_networks * b->options->rounds;
    b->overheads = nlg_alloc((size_t)all, sizeof *b->overheads);
    if (!b->overheads) return nlg_fail_memory(err, (size_t)all * sizeof *b->overheads, "times");
    for (int i = 0; i < all; i++) {
        NLG_TRY(time_network(b, &b->networks[i % b->n_networks], &b->overheads[i], err));
        NLG_TRY(tell(b, i + 1, all, err));
    }
    b->summary->overhead_ms = nlg_median(b->overheads, all);
    return NLG_OK;
}

static nlg_status write_file(const builder *b, const char *path, nlg_error *err) {
    const nlg_latency_options *o = b->options;
    const nlg_latency_conditions *c = &b->conditions;
    char space[NLG_SPACE_NAME_MAX], cpu[sizeof c->cpu];
    nlg_file_writer w;
    snprintf(space, sizeof space, "%s", o->space->name);
    nlg_latency_swap(space, ',', ';');
    snprintf(cpu, sizeof cpu, "%s", o->cpu);
    nlg_latency_swap(cpu, ',', ' ');
    NLG_TRY(nlg_file_begin(&w, path, err));
    fprintf(w.stream,
            "what,value\nspace,%s\ninput,%dx%dx%d\nclasses,%d\nbatch,%d\nthreads,%d\nisa,%s\ncpu,%s\nnumerics version,%d\n", space,
            c->input.h, c->input.w, c->input.c, c->classes, c->batch, nlg_team_size(o->exec->team), nlg_isa_name(o->exec->isa), cpu,
            NLG_NUMERICS_VERSION);
    fprintf(w.stream, "overhead,%.6f\n", b->summary->overhead_ms);
    for (int i = 0; i < b->count; i++) {
        const operation *each = &b->operations[i];
        fprintf(w.stream, "%s,%.6f\n", each->text, nlg_median(each->ms, each->count));
    }
    return nlg_file_commit(&w, err);
}

nlg_status nlg_latency_build(const nlg_latency_options *options, const char *path, nlg_latency_summary *summary, nlg_error *err) {
    *summary = (nlg_latency_summary){0};
    builder b = {.options = options,
                 .conditions = {.input = options->input, .classes = options->classes, .batch = options->batch},
                 .summary = summary};
    nlg_status status = find_operations(&b, err);
    if (status == NLG_OK) status = measure(&b, err);
    if (status == NLG_OK) status = write_file(&b, path, err);
    summary->networks = b.n_networks;
    summary->operations = b.count;
    for (int i = 0; i < b.count; i++) {
        nlg_free(b.operations[i].text);
        nlg_free(b.operations[i].ms);
    }
    nlg_free(b.operations);
    nlg_free(b.networks);
    nlg_free(b.overheads);
    return status;
}
