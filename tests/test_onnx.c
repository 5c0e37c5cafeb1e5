/* ONNX files, read byte by byte: protobuf's wire format, names that resolve, tensors of the right size. What the nodes compute was
 * compared with onnxruntime's results once; here it is that every network keeps to the same few operations. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "layers/base/memory.h"
#include "layers/graph/onnx.h"
#include "models/model.h"

typedef struct bytes {
    const unsigned char *at;
    size_t size;
} bytes;

typedef struct field {
    int number, kind;
    uint64_t value; /* of a varint */
    bytes text;     /* of a delimited field */
} field;

static uint64_t take_varint(bytes *b) {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
        assert_true(b->size > 0);
        const unsigned char byte = *b->at++;
        b->size--;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return value;
    }
    fail_msg("a number of more than 64 bits");
    return 0;
}

static bool take_field(bytes *b, field *f) {
    if (!b->size) return false;
    const uint64_t key = take_varint(b);
    *f = (field){.number = (int)(key >> 3), .kind = (int)(key & 7)};
    if (f->kind == 0) {
        f->value = take_varint(b);
    } else {
        assert_true(f->kind == 2 || f->kind == 5);
        f->text.size = f->kind == 5 ? 4 : take_varint(b);
        f->text.at = b->at;
        assert_true(f->text.size <= b->size);
        b->at += f->text.size;
        b->size -= f->text.size;
    }
    return true;
}

static bool is(bytes text, const char *word) {
    return text.size == strlen(word) && memcmp(text.at, word, text.size) == 0;
}

/* The one field of this number; empty: none. */
static bytes find(bytes message, int number) {
    field f;
    while (take_field(&message, &f))
        if (f.number == number) return f.text;
    return (bytes){0};
}

enum { GRAPH = 7, NODE = 1, TENSOR = 5, INPUT = 11, OUTPUT = 12, NAMES = 16384 };

typedef struct names {
    bytes name[NAMES];
    int n;
} names;

static bool knows(const names *known, bytes name) {
    for (int i = 0; i < known->n; i++)
        if (known->name[i].size == name.size && memcmp(known->name[i].at, name.at, name.size) == 0) return true;
    return false;
}

static void learn(names *known, bytes name) {
    assert_true(known->n < NAMES && name.size > 0);
    if (knows(known, name)) fail_msg("'%.*s' twice", (int)name.size, (const char *)name.at);
    known->name[known->n++] = name;
}

/* Its bytes are as many as its shape says. Returns whether it has floats. */
static bool check_tensor(bytes tensor) {
    uint64_t count = 1, type = 0;
    size_t size = 0;
    field f;
    while (take_field(&tensor, &f)) {
        if (f.number == 1) count *= f.value;
        if (f.number == 2) type = f.value;
        if (f.number == 9) size = f.text.size;
    }
    assert_true(type == 1 || type == 7);
    assert_int_equal(size, count * (type == 1 ? 4 : 8));
    return type == 1;
}

static void check_node(bytes node, names *known) {
    static const char *const types[] = {"Conv", "Flatten", "Gemm",        "BatchNormalization", "Relu", "Clip", "Sigmoid", "Tanh",
                                        "Mul",  "MaxPool", "AveragePool", "GlobalAveragePool",  "LRN",  "Sum",  "Concat",  "Slice",
                                        "Pad",  "Resize",  "Identity"};
    field f;
    bool typed = false;
    const bytes all = node;
    while (take_field(&node, &f)) {
        if (f.number == 1 && f.text.size && !knows(known, f.text))
            fail_msg("'%.*s' is nowhere", (int)f.text.size, (const char *)f.text.at);
        for (size_t i = 0; f.number == 4 && i < sizeof types / sizeof *types; i++) typed |= is(f.text, types[i]);
    }
    assert_true(typed);
    learn(known, find(all, 2));
}

static int check_model(bytes model, const nlg_graph *g) {
    static names known;
    bytes graph = find(model, GRAPH), rest;
    field f;
    int nodes = 0, outputs = 0, tensors = 0, params = 0;
    known.n = 0;
    for (int pass = 0; pass < 2; pass++) /* initialisers and inputs are known before the first node */
        for (rest = graph; take_field(&rest, &f);) {
            if (pass == 0 && f.number == TENSOR) {
                check_tensor(f.text);
                tensors += memcmp(find(f.text, 8).at, "constant_", 9) != 0;
                learn(&known, find(f.text, 8));
            }
            if (pass == 0 && f.number == INPUT) learn(&known, find(f.text, 1));
            if (pass == 1 && f.number == NODE) check_node(f.text, &known), nodes++;
        }
    for (rest = graph; take_field(&rest, &f);)
        if (f.number == OUTPUT) assert_true(knows(&known, find(f.text, 1))), outputs++;
    for (int i = 0; i < g->n_params; i++) params += !g->params[i].aux;
    assert_int_equal(tensors, params);
    for (int i = 0; i < g->n_outputs; i++) outputs -= g->output_exit[i] == 0;
    assert_int_equal(outputs, 0);
    return nodes;
}

static nlg_status export(const nlg_model *model, bytes *out, nlg_graph **graph, nlg_error *err) {
    nlg_weights weights;
    unsigned char *data = NULL;
    NLG_TRY(nlg_model_build(model, (nlg_shape){0}, 0, graph, err));
    nlg_status status = nlg_weights_create(*graph, &weights, err);
    if (status != NLG_OK) return status;
    status = nlg_onnx_model(&weights, model->name, &data, &out->size, err);
    out->at = data;
    nlg_weights_destroy(&weights);
    return status;
}

static void every_small_network_is_expressed(void **state) {
    (void)state;
    int n = 0;
    for (int i = 0; i < nlg_model_count(); i++) {
        const nlg_model *model = nlg_model_at(i);
        nlg_graph *graph = NULL;
        nlg_error err = {0};
        bytes out = {0};
        if (!model->small && strcmp(model->name, "retinanet_tiny") != 0 && strcmp(model->name, "nas_fpn_tiny_2") != 0) continue;
        if (export(model, &out, &graph, &err) != NLG_OK) fail_msg("%s: %s", model->name, err.text);
        assert_true(check_model(out, graph) > 10);
        nlg_free((void *)(uintptr_t)out.at);
        nlg_graph_destroy(graph);
        n++;
    }
    assert_true(n > 20);
}

/* The whole of a small file, field by field. */
static void convolutions_have_their_attributes(void **state) {
    (void)state;
    const nlg_model *model;
    nlg_graph *graph;
    nlg_error err = {0};
    bytes out, rest, node = {0};
    field f;
    uint64_t values[5][4] = {{0}};
    assert_int_equal(nlg_model_find("alexnet_small", &model, &err), NLG_OK);
    assert_int_equal(export(model, &out, &graph, &err), NLG_OK);
    int convolutions = 0;
    for (rest = find(out, GRAPH); take_field(&rest, &f);)
        if (f.number == NODE && is(find(f.text, 4), "Conv") && ++convolutions == 2) node = f.text;
    assert_int_equal(convolutions, 5);
    static const char *const wanted[] = {"kernel_shape", "strides", "pads", "dilations", "group"};
    while (take_field(&node, &f)) {
        if (f.number != 5) continue;
        bytes attribute = f.text;
        field a;
        int k = 0, which = 0, n = 0;
        while (k < 5 && !is(find(attribute, 1), wanted[k])) k++;
        assert_true(k < 5);
        which = k;
        while (take_field(&attribute, &a))
            if (a.number == 3 || a.number == 8) values[which][n++] = a.value;
    }
    assert_true(values[0][0] == 5 && values[0][1] == 5 && values[1][0] == 1 && values[3][1] == 1 && values[4][0] == 2);
    for (int i = 0; i < 4; i++) assert_true(values[2][i] == 2);
    nlg_free((void *)(uintptr_t)out.at);
    nlg_graph_destroy(graph);
}

static void what_has_no_form_is_named(void **state) {
    (void)state;
    const nlg_model *model;
    nlg_graph *graph;
    nlg_error err = {0};
    bytes out = {0};
    assert_int_equal(nlg_model_find("lenet5_1998", &model, &err), NLG_OK);
    assert_int_equal(export(model, &out, &graph, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "has no form in ONNX's operations"));
    assert_null(out.at);
    nlg_graph_destroy(graph);
}

static void short_memory_is_said(void **state) {
    (void)state;
    const nlg_model *model;
    nlg_graph *graph;
    nlg_weights weights;
    nlg_error err = {0};
    assert_int_equal(nlg_model_find("efficientnet_small", &model, &err), NLG_OK);
    assert_int_equal(nlg_model_build(model, (nlg_shape){0}, 0, &graph, &err), NLG_OK);
    assert_int_equal(nlg_weights_create(graph, &weights, &err), NLG_OK);
    for (long n = 0;; n += 1 + n / 16) {
        unsigned char *data;
        size_t size;
        err = (nlg_error){0};
        nlg_alloc_fail_after(n);
        const nlg_status status = nlg_onnx_model(&weights, "x", &data, &size, &err);
        const bool through = nlg_alloc_failure_pending();
        nlg_alloc_fail_after(-1);
        nlg_free(data);
        assert_int_equal(status, through ? NLG_OK : NLG_ERR_MEMORY);
        if (through) break;
    }
    nlg_weights_destroy(&weights);
    nlg_graph_destroy(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_small_network_is_expressed),
        cmocka_unit_test(convolutions_have_their_attributes),
        cmocka_unit_test(what_has_no_form_is_named),
        cmocka_unit_test(short_memory_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
