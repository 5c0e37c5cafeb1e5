/* What travels with the weights of a training, in the metadata entry "netlineage" of their file: model and genotype, how images
 * were prepared, names of the classes, and the training itself. */
#ifndef NLG_WEIGHTS_FACTS_H
#define NLG_WEIGHTS_FACTS_H

#include "layers/base/memory.h"
#include "layers/graph/safetensors.h"
#include "train/recipe.h"

typedef struct nlg_weights_facts {
    bool known;            /* the file has the entry */
    char *model;           /* "" where nobody said */
    char *genotype, *data; /* genotype: NULL: the model's own cells; data: name of the data set without its folder */
    int c, h, w, pad;      /* images of the data set, and the border added on each side */
    bool raw;              /* pixel / 255 without normalisation */
    int image_size, resize;
    nlg_filter filter; /* of folders; image_size 0: the images as they were */
    float mean[4], std[4];
    const char **classes; /* in the order of the outputs; NULL: not known */
    int n_classes;
    nlg_arena *arena; /* of all texts */
} nlg_weights_facts;

/* The entry as text, to be freed with nlg_free. genotype may be NULL; `training` (borrowed, may be NULL) is what else belongs to
 * it, such as the identity of the run. */
nlg_status nlg_weights_facts_write(const nlg_dataset *dataset, const nlg_augmentation *preparation, const char *model,
                                   const char *genotype, const cJSON *training, char **text, nlg_error *err);
/* Of an opened file; `known` stays false where it has no such entry. A damaged entry is an error. */
nlg_status nlg_weights_facts_read(const nlg_safetensors *file, nlg_weights_facts *facts, nlg_error *err);
void nlg_weights_facts_free(nlg_weights_facts *facts); /* also after a failed read */

extern const char nlg_weights_facts_key[]; /* "netlineage" */

#endif
