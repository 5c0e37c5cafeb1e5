/* What the outputs of a classifier mean: names, and keys by which folders are matched. */
#ifndef NLG_CLASS_MAP_H
#define NLG_CLASS_MAP_H

#include "layers/base/status.h"

typedef struct nlg_class_map {
    const char **keys, **names; /* of each output; the key is the name where the file has none of its own */
    int count;
    char *text;
} nlg_class_map;

/* A file with a line for each output: a name, a WordNet synset ("n01440764") with or without a name behind it, or columns separated
 * by tabs of which one is the synset or the first the key, the last the name. Lines that begin with # and a head "output<tab>..."
 * are passed over. "imagenet": the 1000 classes of ILSVRC 2012, which come with the program. */
nlg_status nlg_class_map_open(const char *path, nlg_class_map *map, nlg_error *err);
void nlg_class_map_close(nlg_class_map *map); /* also after a failed open */

#endif
