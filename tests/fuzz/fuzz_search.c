/* Readers of spaces, genotypes, strategies, tables and stores. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/network.h"
#include "layers/base/memory.h"
#include "search/evaluators/evaluator_table.h"
#include "search/evaluators/latency.h"
#include "search/evaluators/own_table.h"
#include "search/layouts/layout.h"
#include "search/runner.h"
#include "search/store/store.h"
#include "tests/fuzz/fuzz.h"

enum { LARGE_GENOTYPE = NLG_GENOTYPE_MAX - 1 };

static void use_code(const nlg_space *space, const nlg_code *code, const uint8_t *data) {
    nlg_error err = {0};
    nlg_code again, canonical, twice, child;
    char text[NLG_GENOTYPE_MAX], hash[65];
    fuzz_demand(nlg_space_valid(space, code), "a genotype that was read is not valid", NULL);
    space->encode(space, code, text, sizeof text);
    fuzz_demand(strlen(text) < LARGE_GENOTYPE, "a genotype does not fit", NULL);
    fuzz_demand(space->decode(space, text, &again, &err) == NLG_OK && nlg_code_equal(code, &again), "decode(encode) differs", &err);
    nlg_space_canonical(space, code, &canonical);
    nlg_space_canonical(space, &canonical, &twice);
    fuzz_demand(nlg_code_equal(&canonical, &twice), "the canonical form has another", NULL);
    fuzz_demand(nlg_space_hash(space, code, hash, &err) == NLG_OK, "no hash", &err);
    nlg_space_mutate(space, nlg_rng_seed(data[0]), code, &child);
    fuzz_demand(nlg_space_valid(space, &child), "a mutation is not valid", NULL);
    nlg_graph *graph = NULL;
    nlg_graph_cost cost;
    if (!space->build || strncmp(space->name, "nasfpn", 6) == 0) return; /* large */
    nlg_status status = space->build(space, code, 28, 28, 1, 10, &graph, &err);
    fuzz_check(status, &err);
    if (status != NLG_OK) return;
    (void)nlg_graph_count(graph, &cost, &err);
    nlg_graph_destroy(graph);
}

/* The first byte chooses the space. */
void fuzz_genotype(const uint8_t *data, size_t size) {
    if (size < 1) return;
    nlg_space space;
    nlg_error err = {0};
    nlg_code code = {0};
    if (nlg_space_open(nlg_space_at(data[0] % nlg_space_count())->name, &space, &err) == NLG_OK && space.decode) {
        char *text = fuzz_text(data + 1, size - 1);
        nlg_status status = space.decode(&space, text, &code, &err);
        fuzz_check(status, &err);
        if (status == NLG_OK) use_code(&space, &code, data);
        free(text);
    }
    nlg_space_close(&space);
}

/* Cells of networks, as --genotype gives them; the first byte chooses the network. */
void fuzz_cells(const uint8_t *data, size_t size) {
    static const char *const names[] = {"nasnet_a_small", "cells_small", "pnasnet_small", "amoebanet_small", "lenet5"};
    if (size < 2 || data[1] == '@') return; /* a file's name */
    nlg_network network;
    nlg_error err = {0};
    char *text = fuzz_text(data + 1, size - 1), *genotype = NULL;
    nlg_status status = nlg_network_open(names[data[0] % 5], text, (nlg_shape){0}, 0, &network, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) fuzz_check(nlg_network_genotype(&network, &genotype, &err), &err);
    nlg_free(genotype);
    nlg_network_close(&network);
    free(text);
}

/* "NAME:option=value", or a name, a line end and a JSON object. */
void fuzz_strategy(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), *json = strchr(text, '\n');
    char options[NLG_STRATEGY_OPTIONS_TEXT], written[NLG_STRATEGY_OPTIONS_TEXT];
    double values[NLG_STRATEGY_OPTIONS_MAX], again[NLG_STRATEGY_OPTIONS_MAX];
    const nlg_strategy *strategy;
    nlg_error err = {0};
    nlg_status status;
    if (json) *json++ = '\0';
    if (json) {
        strategy = nlg_strategy_find(text);
        status = strategy ? nlg_strategy_parse(strategy, json, values, written, &err) : NLG_ERR_INPUT;
        if (strategy) fuzz_check(status, &err);
    } else {
        status = nlg_strategy_pick(text, size % 2, &strategy, options, &err);
        fuzz_check(status, &err);
        if (status == NLG_OK)
            fuzz_demand(nlg_strategy_parse(strategy, options, values, written, &err) == NLG_OK, "picked options are refused", &err);
    }
    if (status == NLG_OK)
        fuzz_demand(nlg_strategy_parse(strategy, written, again, NULL, &err) == NLG_OK &&
                        memcmp(values, again, sizeof *values * (size_t)strategy->n_options) == 0,
                    "written options differ", &err);
    free(text);
}

void fuzz_space(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size);
    nlg_space space, again;
    nlg_error err = {0};
    nlg_status status = nlg_space_open(text, &space, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) {
        nlg_code code;
        fuzz_demand(nlg_space_open(space.name, &again, &err) == NLG_OK, "a space's own name is refused", &err);
        nlg_space_close(&again);
        nlg_space_sample(&space, nlg_rng_seed(3), &code);
        fuzz_demand(nlg_space_valid(&space, &code), "a sample is not valid", NULL);
    }
    nlg_space_close(&space);
    free(text);
}

/* The first byte chooses the space, the second the signal. */
void fuzz_table(const uint8_t *data, size_t size) {
    static const char *const names[] = {"nasbench201", "nasbenchmacro", "accelnas", "lineage"};
    if (size < 2) return;
    nlg_space space;
    nlg_error err = {0};
    if (nlg_space_open(names[data[0] % 4], &space, &err) != NLG_OK) return;
    const char *path = fuzz_file("t.csv", data + 2, size - 2);
    fuzz_file("t-test.csv", data + 2, size - 2);
    nlg_table_evaluator *table = NULL;
    const nlg_table_evaluator_options options = {.space = &space, .file = path, .signal = data[1] & 1 ? "seed1" : NULL};
    nlg_status status = nlg_table_evaluator_create(&options, &table, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) {
        (void)nlg_table_evaluator_summary(table);
        const nlg_evaluator *evaluator = nlg_table_evaluator_interface(table);
        for (uint64_t i = 0; i < 3; i++) {
            nlg_trial trial = {.budget = i == 2 ? 0.5 : 1};
            nlg_error refused = {0};
            nlg_code code;
            nlg_space_sample(&space, nlg_rng_seed(i), &code);
            nlg_space_canonical(&space, &code, &trial.code);
            fuzz_check(evaluator->evaluate(evaluator->context, &space, &trial, &refused), &refused);
        }
        nlg_table_evaluator_destroy(table);
    }
    nlg_space_close(&space);
}

void fuzz_facts(const uint8_t *data, size_t size) {
    nlg_error err = {0};
    nlg_table_facts facts;
    fuzz_file("t.json", data, size);
    const nlg_status status = nlg_table_facts_read(fuzz_path("t"), &facts, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) nlg_table_facts_free(&facts);
}

void fuzz_latency(const uint8_t *data, size_t size) {
    nlg_error err = {0}, unknown = {0}, refused = {0};
    nlg_latency_table *table = NULL;
    nlg_status status = nlg_latency_open(fuzz_file("l.csv", data, size), &table, &err);
    fuzz_check(status, &err);
    if (status != NLG_OK) return;
    const nlg_latency_conditions *c = nlg_latency_measured(table);
    nlg_space space;
    nlg_code code;
    double ms;
    char missing[NLG_OPERATION_MAX];
    const bool is_small = (int64_t)c->input.h * c->input.w * c->input.c < 1 << 14 && c->classes < 1000 && c->batch < 64;
    if (nlg_space_open(c->space, &space, &unknown) == NLG_OK && is_small) {
        nlg_space_sample(&space, nlg_rng_seed(1), &code);
        fuzz_check(nlg_latency_predict(table, &space, &code, &ms, missing, &refused), &refused);
    }
    nlg_space_close(&space);
    nlg_latency_close(table);
}

static nlg_status see_trial(void *context, const nlg_trial_row *row) {
    (void)context;
    return strlen(row->genotype) ? NLG_OK : NLG_OK;
}

typedef struct walk {
    nlg_store *store;
    nlg_error *err;
} walk;

static nlg_status see_run(void *context, const nlg_run_row *run) {
    walk *w = context;
    return nlg_store_rows(w->store, run->id, see_trial, NULL, w->err);
}

static nlg_status score(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)context, (void)space, (void)err;
    trial->score = 0.5;
    trial->macs = 5;
    trial->params = 3;
    return NLG_OK;
}

/* A store that is listed, and one that a search goes on with. */
void fuzz_store(const uint8_t *data, size_t size) {
    nlg_error err = {0}, refused = {0};
    nlg_store *store = NULL;
    const char *path = fuzz_file("s.db", data, size);
    unlink(fuzz_path("s.db-wal"));
    unlink(fuzz_path("s.db-shm"));
    unlink(fuzz_path("s.db-journal"));
    nlg_status status = nlg_store_open(path, NLG_STORE_READ, &store, &err);
    fuzz_check(status, &err);
    if (status == NLG_OK) {
        walk w = {store, &refused};
        nlg_trial *trials = NULL;
        int count;
        fuzz_check(nlg_store_runs(store, see_run, &w, &refused), &refused);
        nlg_error damaged = {0};
        fuzz_check(nlg_store_trials(store, 1, &trials, &count, &damaged), &damaged);
        nlg_free(trials);
        nlg_store_close(store);
    }
    nlg_space space;
    nlg_error ended = {0};
    if (nlg_space_open("lineage", &space, &ended) != NLG_OK) return;
    const nlg_evaluator evaluator = {.name = "made up", .evaluate = score};
    const nlg_search_options options = {.space = &space,
                                        .strategy = nlg_strategy_find("random"),
                                        .evaluator = &evaluator,
                                        .evaluator_config = "{}",
                                        .budget = 4,
                                        .batch = 1,
                                        .seed = 1,
                                        .store = fuzz_path("s.db")};
    nlg_search_result result;
    fuzz_check(nlg_search_run(&options, &result, &ended), &ended);
    nlg_free(result.trials);
    nlg_space_close(&space);
}

void fuzz_layout(const uint8_t *data, size_t size) {
    static const nlg_layout_style style = {.w = 160, .h = 120, .n_colours = 4, .n_texts = 2, .texts = {"one", "two"}};
    nlg_error err = {0};
    nlg_layout layout, again;
    char *text = fuzz_text(data, size);
    nlg_status status = nlg_layout_read(text, &style, &layout, &err);
    fuzz_check(status, &err);
    free(text);
    if (status != NLG_OK) return;
    const size_t length = nlg_layout_write(&layout, NULL, 0);
    char *written = malloc(length + 1);
    if (!written) return;
    nlg_layout_write(&layout, written, length + 1);
    fuzz_demand(nlg_layout_read(written, &style, &again, &err) == NLG_OK, "a written layout cannot be read", &err);
    free(written);
}
