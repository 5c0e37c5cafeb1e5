/* Protobuf's wire format, and nodes and tensors of ONNX in it. */
#include "layers/ops/onnx.h"

#include <stdio.h>
#include <string.h>

#include "layers/base/memory.h"

/* Field numbers of onnx.proto3. */
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_TYPE = 4, NODE_ATTRIBUTE = 5 };
enum { ATTRIBUTE_NAME = 1, ATTRIBUTE_F = 2, ATTRIBUTE_I = 3, ATTRIBUTE_S = 4, ATTRIBUTE_INTS = 8, ATTRIBUTE_TYPE = 20 };
enum { IS_FLOAT = 1, IS_INT = 2, IS_STRING = 3, IS_INTS = 7 };
enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9, TYPE_FLOAT = 1, TYPE_INT64 = 7 };
enum { GRAPH_NODE = 1, GRAPH_INITIALISER = 5 };
enum { VARINT = 0, DELIMITED = 2, FIXED32 = 5 };

static void put(nlg_wire *w, const void *data, size_t size) {
    if (w->failed || size == 0) return;
    if (w->size + size > w->room) {
        const size_t room = 2 * w->room > w->size + size ? 2 * w->room : w->size + size + 64;
        unsigned char *grown = nlg_realloc(w->data, room, 1);
        w->failed = grown == NULL;
        if (w->failed) return;
        w->data = grown;
        w->room = room;
    }
    memcpy(w->data + w->size, data, size);
    w->size += size;
}

static void put_varint(nlg_wire *w, uint64_t value) {
    unsigned char bytes[10];
    size_t n = 0;
    do {
        bytes[n] = (unsigned char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        value >>= 7;
        n++;
    } while (value);
    put(w, bytes, n);
}

static void put_key(nlg_wire *w, int field, int kind) {
    put_varint(w, (uint64_t)field << 3 | (uint64_t)kind);
}

void nlg_wire_varint(nlg_wire *w, int field, int64_t value) {
    put_key(w, field, VARINT);
    put_varint(w, (uint64_t)value);
}

void nlg_wire_bytes(nlg_wire *w, int field, const void *data, size_t size) {
    put_key(w, field, DELIMITED);
    put_varint(w, size);
    put(w, data, size);
}

void nlg_wire_text(nlg_wire *w, int field, const char *text) {
    nlg_wire_bytes(w, field, text, strlen(text));
}

void nlg_wire_message(nlg_wire *w, int field, nlg_wire *message) {
    w->failed |= message->failed;
    nlg_wire_bytes(w, field, message->data, message->size);
    nlg_free(message->data);
    *message = (nlg_wire){0};
}

/* --- nodes --- */

static void put_attribute(nlg_wire *node, const nlg_onnx_attr *a) {
    nlg_wire w = {0};
    nlg_wire_text(&w, ATTRIBUTE_NAME, a->name);
    if (a->one) {
        nlg_wire_varint(&w, ATTRIBUTE_I, a->ints[0]);
    } else if (a->word) {
        nlg_wire_text(&w, ATTRIBUTE_S, a->word);
    } else if (a->n == 0) {
        put_key(&w, ATTRIBUTE_F, FIXED32);
        put(&w, &a->fraction, sizeof a->fraction); /* little-endian, as all machines that this runs on */
    }
    for (int i = 0; i < a->n && !a->one; i++) nlg_wire_varint(&w, ATTRIBUTE_INTS, a->ints[i]);
    nlg_wire_varint(&w, ATTRIBUTE_TYPE, a->one ? IS_INT : a->word ? IS_STRING : a->n ? IS_INTS : IS_FLOAT);
    nlg_wire_message(node, NODE_ATTRIBUTE, &w);
}

void nlg_onnx_node(nlg_onnx *onnx, const char *type, const char *const *in, int n_in, const char *out, const nlg_onnx_attr *attrs,
                   int n_attrs) {
    nlg_wire w = {0};
    for (int i = 0; i < n_in; i++) nlg_wire_text(&w, NODE_INPUT, in[i]);
    nlg_wire_text(&w, NODE_OUTPUT, out);
    nlg_wire_text(&w, NODE_NAME, out);
    nlg_wire_text(&w, NODE_TYPE, type);
    for (int i = 0; i < n_attrs; i++) put_attribute(&w, &attrs[i]);
    nlg_wire_message(&onnx->graph, GRAPH_NODE, &w);
}

/* --- tensors --- */

static void put_tensor(nlg_onnx *onnx, const char *name, int type, const void *values, size_t bytes, const int64_t *shape,
                       int n_dims) {
    nlg_wire w = {0};
    for (int i = 0; i < n_dims; i++) nlg_wire_varint(&w, TENSOR_DIMS, shape[i]);
    nlg_wire_varint(&w, TENSOR_TYPE, type);
    nlg_wire_text(&w, TENSOR_NAME, name);
    nlg_wire_bytes(&w, TENSOR_RAW, values, bytes);
    nlg_wire_message(&onnx->graph, GRAPH_INITIALISER, &w);
}

void nlg_onnx_floats(nlg_onnx *onnx, const char *name, const float *values, const int64_t *shape, int n_dims) {
    size_t count = 1;
    for (int i = 0; i < n_dims; i++) count *= (size_t)shape[i];
    put_tensor(onnx, name, TYPE_FLOAT, values, count * sizeof *values, shape, n_dims);
}

void nlg_onnx_constant(nlg_onnx *onnx, const float *values, int n, char name[NLG_ONNX_NAME]) {
    snprintf(name, NLG_ONNX_NAME, "constant_%d", onnx->n_constants++);
    nlg_onnx_floats(onnx, name, values, (const int64_t[]){n}, n > 0);
}

void nlg_onnx_whole_numbers(nlg_onnx *onnx, const int64_t *values, int n, char name[NLG_ONNX_NAME]) {
    snprintf(name, NLG_ONNX_NAME, "constant_%d", onnx->n_constants++);
    put_tensor(onnx, name, TYPE_INT64, values, (size_t)n * sizeof *values, (const int64_t[]){n}, 1);
}
