/* safetensors files: 8 bytes little-endian header length, a JSON header {name: {dtype, shape, data_offsets}, __metadata__: {text:
 * text}}, then the data. Everything that the format forbids is refused: tensors that overlap, bytes that belong to none, names that
 * stand there twice, sizes that do not fit shape and dtype. */
#ifndef NLG_SAFETENSORS_H
#define NLG_SAFETENSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/json.h"
#include "layers/base/status.h"

enum { NLG_TENSOR_RANK_MAX = 8 };
typedef struct nlg_safetensor {
    const char *name, *dtype; /* name: without the prefix that all names of the file have */
    int rank;
    int64_t shape[NLG_TENSOR_RANK_MAX];
    size_t count, begin, end; /* elements; place in the data */
} nlg_safetensor;

typedef struct nlg_safetensors {
    const char *path;
    const char *data; /* NULL: only the header was read */
    size_t data_bytes;
    const char *prefix; /* "module." or "_orig_mod.", as PyTorch's wrappers write them; "" mostly */
    nlg_safetensor *tensors;
    int n_tensors;
    cJSON *header;
    char *block;
} nlg_safetensors;

/* `path` is borrowed. A PyTorch, HDF5 or NumPy file is recognised; the message has the line that converts it. */
nlg_status nlg_safetensors_open(const char *path, bool with_data, nlg_safetensors *file, nlg_error *err);
void nlg_safetensors_close(nlg_safetensors *file); /* also after a failed open */

const nlg_safetensor *nlg_safetensors_find(const nlg_safetensors *file, const char *name); /* NULL: none */
const char *nlg_safetensors_metadata(const nlg_safetensors *file, const char *key); /* NULL: none; lives as long as the file */

/* Values as float: F64 (rounded), F32, F16, BF16. False for another dtype. */
bool nlg_safetensors_convert(const nlg_safetensors *file, const nlg_safetensor *tensor, float *out);
bool nlg_safetensors_readable(const nlg_safetensor *tensor); /* one of these dtypes */

#endif
