/* Published genotypes by name. */
#include <string.h>

#include "models/cells.h"

static const nlg_named_genotype named[] = {
    {"nasnet_a", &nlg_nasnet_a},       {"pnasnet_5", &nlg_pnasnet_5},     {"amoebanet_a", &nlg_amoebanet_a},
    {"amoebanet_b", &nlg_amoebanet_b}, {"amoebanet_c", &nlg_amoebanet_c}, {"amoebanet_d", &nlg_amoebanet_d},
};

const nlg_named_genotype *nlg_genotype_at(int index) {
    return index >= 0 && index < (int)(sizeof named / sizeof named[0]) ? &named[index] : NULL;
}

const nlg_cell_genotype *nlg_genotype_find(const char *name) {
    for (int i = 0; nlg_genotype_at(i) != NULL; i++)
        if (strcmp(named[i].name, name) == 0) return named[i].genotype;
    return NULL;
}
