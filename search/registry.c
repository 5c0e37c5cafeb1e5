/* The registries of spaces and strategies. */
#include <string.h>

#include "search/search.h"

#define SPACE(x) extern const nlg_space nlg_space_##x;
#include "search/spaces.def"
#undef SPACE
#define STRATEGY(x) extern const nlg_strategy nlg_strategy_##x;
#include "search/strategies.def"
#undef STRATEGY

static const nlg_space *const spaces[] = {
#define SPACE(x) &nlg_space_##x,
#include "search/spaces.def"
#undef SPACE
};

static const nlg_strategy *const strategies[] = {
#define STRATEGY(x) &nlg_strategy_##x,
#include "search/strategies.def"
#undef STRATEGY
};

int nlg_space_count(void) {
    return (int)(sizeof spaces / sizeof spaces[0]);
}

const nlg_space *nlg_space_at(int index) {
    return spaces[index];
}

const nlg_space *nlg_space_find(const char *name) {
    for (int i = 0; i < nlg_space_count(); i++) {
        if (strcmp(spaces[i]->name, name) == 0) return spaces[i];
    }
    return NULL;
}

int nlg_strategy_count(void) {
    return (int)(sizeof strategies / sizeof strategies[0]);
}

const nlg_strategy *nlg_strategy_at(int index) {
    return strategies[index];
}

const nlg_strategy *nlg_strategy_find(const char *name) {
    for (int i = 0; i < nlg_strategy_count(); i++) {
        if (strcmp(strategies[i]->name, name) == 0) return strategies[i];
    }
    return NULL;
}

const char *nlg_trial_status_name(nlg_trial_status status) {
    static const char *const names[NLG_TRIAL_STATUS_COUNT] = {"done", "failed", "rejected", "nonfinite"};
    return names[status];
}
