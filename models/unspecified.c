/* The table of networks that cannot be built. */
#include "models/unspecified.h"

#include <strings.h>

#include "models/families.h"

/* Four blocks on four input states, whose outputs are not concatenated: more is not known. */
static const char cells[] = "the block tables of its cells were printed as figures only, no source states them";

static const nlg_unspecified_model rows[] = {
    {"nasnet_b_mobile", "nasnet_b", &nlg_nasnet, {224, 224, 3}, 5300000, 488000000, "NASNet Table 3, 4 @ 1536", cells},
    {"nasnet_b_cifar", "nasnet_b", &nlg_nasnet, {32, 32, 3}, 2600000, 0, "NASNet Table 1, 4 @ 1152", cells},
    {"nasnet_c_mobile", "nasnet_c", &nlg_nasnet, {224, 224, 3}, 4900000, 558000000, "NASNet Table 3, 3 @ 960", cells},
    {"nasnet_c_cifar", "nasnet_c", &nlg_nasnet, {32, 32, 3}, 3100000, 0, "NASNet Table 1, 4 @ 640", cells},
};

int nlg_unspecified_count(void) {
    return (int)(sizeof rows / sizeof rows[0]);
}

const nlg_unspecified_model *nlg_unspecified_at(int index) {
    return index >= 0 && index < nlg_unspecified_count() ? &rows[index] : NULL;
}

const nlg_unspecified_model *nlg_unspecified_find(const char *name) {
    for (int i = 0; i < nlg_unspecified_count(); i++)
        if (strcasecmp(rows[i].name, name) == 0 || strcasecmp(rows[i].alias, name) == 0) return &rows[i];
    return NULL;
}
