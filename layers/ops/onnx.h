/* Writing ONNX (onnx.ai, opset 13): what ops need to say how they are expressed in it. Values are N,C,H,W there; weights are as in
 * state dicts here. The file is protobuf's wire format (protobuf.dev/programming-guides/encoding), written by hand. */
#ifndef NLG_ONNX_H
#define NLG_ONNX_H

#include "layers/ops/op.h"

/* Bytes that grow; after a lack of memory `failed` stays true and nothing is added. */
typedef struct nlg_wire {
    unsigned char *data;
    size_t size, room;
    bool failed;
} nlg_wire;
void nlg_wire_varint(nlg_wire *w, int field, int64_t value);
void nlg_wire_bytes(nlg_wire *w, int field, const void *data, size_t size);
void nlg_wire_text(nlg_wire *w, int field, const char *text);
void nlg_wire_message(nlg_wire *w, int field, nlg_wire *message); /* takes and frees the message */

/* A graph in the making: encoded nodes and initialisers of GraphProto. */
typedef struct nlg_onnx {
    nlg_wire graph;
    int n_constants;
} nlg_onnx;

enum { NLG_ONNX_NAME = 160, NLG_ONNX_INTS = 8 };
/* An attribute: one number, several, a word, or a fraction. */
typedef struct nlg_onnx_attr {
    const char *name;
    int n; /* of ints; 0: a word or a fraction */
    int64_t ints[NLG_ONNX_INTS];
    bool one; /* ints[0] alone, not a list */
    const char *word;
    float fraction;
} nlg_onnx_attr;

/* One use of an op. */
typedef struct nlg_onnx_use {
    nlg_onnx *onnx;
    const void *attrs;
    int n_x, n_params;
    nlg_shape x[NLG_OP_MAX_INPUTS], y;
    const char *in[NLG_OP_MAX_INPUTS], *param[NLG_OP_MAX_PARAMS]; /* names of values and initialisers */
    const char *out;
} nlg_onnx_use;

void nlg_onnx_node(nlg_onnx *onnx, const char *type, const char *const *in, int n_in, const char *out, const nlg_onnx_attr *attrs,
                   int n_attrs);
/* An initialiser; shape: n_dims sizes. */
void nlg_onnx_floats(nlg_onnx *onnx, const char *name, const float *values, const int64_t *shape, int n_dims);
/* Constants under a name of their own. */
void nlg_onnx_constant(nlg_onnx *onnx, const float *values, int n, char name[NLG_ONNX_NAME]); /* n 0: one number, a scalar */
void nlg_onnx_whole_numbers(nlg_onnx *onnx, const int64_t *values, int n, char name[NLG_ONNX_NAME]);

#endif
