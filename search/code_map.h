/* A map from codes to numbers, for what a search has seen already. Codes are compared as they are: give canonical ones. */
#ifndef NLG_CODE_MAP_H
#define NLG_CODE_MAP_H

#include "search/space.h"

typedef struct nlg_code_map {
    struct nlg_code_slot *slots; /* zeros: an empty map */
    size_t count, room;
} nlg_code_map;

nlg_status nlg_code_map_put(nlg_code_map *map, const nlg_code *code, double value, nlg_error *err); /* adds or overwrites */
const double *nlg_code_map_get(const nlg_code_map *map, const nlg_code *code); /* NULL if absent; until the next put */
void nlg_code_map_free(nlg_code_map *map);

/* Whether one of `count` structs of `size` bytes, which begin with a code, has this one. For short lists that change. */
bool nlg_codes_have(const void *entries, size_t size, int count, const nlg_code *code);

#endif
