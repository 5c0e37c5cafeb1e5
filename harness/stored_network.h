/* The architecture of a trial in a store. */
#ifndef NLG_STORED_NETWORK_H
#define NLG_STORED_NETWORK_H

#include "layers/ops/op.h"
#include "search/space.h"

typedef struct nlg_stored_network {
    char space[NLG_SPACE_NAME_MAX], genotype[NLG_GENOTYPE_MAX];
    nlg_shape input; /* of the images that the search trained on, with their border; zeros where nothing was trained */
    int classes;
} nlg_stored_network;

/* place: "STORE:N" where the store holds one run, else "STORE:RUN:N"; N is a trial's number or "best". */
nlg_status nlg_stored_network_find(const char *place, nlg_stored_network *found, nlg_error *err);

#endif
