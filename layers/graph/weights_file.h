/* Weight files: safetensors, names and shapes as in the state dict (O,I,H,W). */
#ifndef NLG_WEIGHTS_FILE_H
#define NLG_WEIGHTS_FILE_H

#include "layers/graph/graph.h"

/* Extra tensors that are stored with the weights (optimizer state) and text metadata (epoch, seed, recipe). */
typedef struct nlg_extra_tensor {
    const char *name;
    float *values;
    size_t count;
} nlg_extra_tensor;
typedef struct nlg_metadata {
    const char *key;
    const char *value; /* reading: allocated with nlg_strdup, or NULL if the file lacks it */
} nlg_metadata;

/* Written atomically. */
nlg_status nlg_weights_save(const nlg_weights *weights, const char *path, const nlg_extra_tensor *extra, int n_extra,
                            const nlg_metadata *metadata, int n_metadata, nlg_error *err);

/* F64, F32, F16 and BF16 are read; names may all begin with "module.", as a wrapped PyTorch model writes them. Never a partly
 * loaded model: all missing, unexpected and misshapen tensors are listed first, and values that are not finite are refused. Extra
 * tensors are taken when present (all or none of them). Missing tensors of auxiliary heads are allowed when allow_missing_aux. */
typedef struct nlg_load_options {
    bool allow_missing_aux;
    nlg_extra_tensor *extra;
    int n_extra;
    bool extra_found;
    nlg_metadata *metadata;
    int n_metadata;
    /* Called for each tensor that does not fit, where the one line of an error has no room for all; may be NULL. */
    void (*problem)(const char *kind, const char *name);
    /* This layer keeps its new weights, though the file may have some for it: for fine-tuning with other classes. NULL: none. */
    const char *new_head;
} nlg_load_options;
nlg_status nlg_weights_load(nlg_weights *weights, const char *path, nlg_load_options *options, nlg_error *err);

#endif
