/* A network as an ONNX file. */
#ifndef NLG_GRAPH_ONNX_H
#define NLG_GRAPH_ONNX_H

#include "layers/graph/graph.h"

/* ModelProto of the network in inference, without auxiliary heads: input "input" [N,C,H,W], outputs "output", "output_1", ...; free
 * *data with nlg_free. Refused: an op that has no ONNX form, and more than protobuf's 2 GiB. */
nlg_status nlg_onnx_model(const nlg_weights *weights, const char *name, unsigned char **data, size_t *size, nlg_error *err);

#endif
