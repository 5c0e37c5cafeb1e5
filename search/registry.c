/* The registries of spaces and strategies, and spaces with parameters. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "layers/base/nearest.h"
#include "search/strategy.h"

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

/* ---- spaces with parameters ---- */

static nlg_status unknown_space(const char *name, nlg_error *err) {
    nlg_nearest nearest = {.wanted = name};
    char known[512] = "";
    for (int i = 0; i < nlg_space_count(); i++) {
        const size_t used = strlen(known);
        nlg_nearest_try(&nearest, spaces[i]->name);
        snprintf(known + used, sizeof known - used, "%s%s", i ? ", " : "", spaces[i]->name);
    }
    const char *near = nlg_nearest_name(&nearest);
    if (near) return nlg_fail(err, NLG_ERR_INPUT, "unknown space '%.64s'; the nearest is '%s'", name, near);
    return nlg_fail(err, NLG_ERR_INPUT, "unknown space '%.64s'; there are %s", name, known);
}

static nlg_status unknown_parameter(const nlg_space *space, const char *text, nlg_error *err) {
    char known[256] = "";
    for (int i = 0; i < space->n_parameters; i++) {
        const nlg_space_parameter *p = &space->parameters[i];
        size_t used = strlen(known);
        if (p->text) {
            snprintf(known + used, sizeof known - used, "%s%s=TEXT", i ? ", " : "", p->name);
        } else {
            snprintf(known + used, sizeof known - used, "%s%s=%d..%d", i ? ", " : "", p->name, p->min, p->max);
        }
    }
    return nlg_fail(err, NLG_ERR_INPUT, "space %.64s: expected parameters of %s, found '%.64s'", space->name,
                    known[0] ? known : "none", text);
}

/* "B=5,N=2" */
static nlg_status read_parameters(nlg_space *space, const char *text, nlg_error *err) {
    for (const char *at = text;;) {
        const size_t length = strcspn(at, "=");
        int i = 0;
        while (i < space->n_parameters &&
               (strlen(space->parameters[i].name) != length || strncmp(space->parameters[i].name, at, length) != 0))
            i++;
        if (i == space->n_parameters || at[length] != '=') return unknown_parameter(space, at, err);
        const nlg_space_parameter *p = &space->parameters[i];
        const char *value_text = at + length + 1;
        const char *end = value_text + strcspn(value_text, ",");
        if (p->text) {
            if (end - value_text >= NLG_SPACE_TEXT_MAX)
                return nlg_fail(err, NLG_ERR_INPUT, "space %.64s: %s has more than %d bytes", space->name, p->name,
                                NLG_SPACE_TEXT_MAX - 1);
            snprintf(space->parameter_text[i], NLG_SPACE_TEXT_MAX, "%.*s", (int)(end - value_text), value_text);
        } else {
            char *stop;
            errno = 0;
            const long value = strtol(value_text, &stop, 10);
            if (stop == value_text || errno || stop != end || value < p->min || value > p->max)
                return unknown_parameter(space, at, err);
            space->parameter[i] = (int)value;
        }
        if (*end == '\0') return NLG_OK;
        at = end + 1;
    }
}

/* The name of a space whose parameters are not the defaults lists all of them. A space with texts names itself when it is opened.
 */
static void write_name(nlg_space *space) {
    for (int i = 0; i < space->n_parameters; i++) {
        if (space->parameters[i].text) return;
    }
    bool plain = true;
    for (int i = 0; i < space->n_parameters; i++) plain = plain && space->parameter[i] == space->parameters[i].value;
    for (int i = 0; i < space->n_parameters && !plain; i++) {
        const size_t used = strlen(space->name);
        snprintf(space->name + used, sizeof space->name - used, "%c%s=%d", i ? ',' : ':', space->parameters[i].name,
                 space->parameter[i]);
    }
}

nlg_status nlg_space_open(const char *text, nlg_space *space, nlg_error *err) {
    *space = (nlg_space){0};
    char name[NLG_SPACE_NAME_MAX];
    snprintf(name, sizeof name, "%.*s", (int)strcspn(text, ":"), text);
    const nlg_space *found = nlg_space_find(name);
    if (!found) return unknown_space(name, err);
    *space = *found;
    for (int i = 0; i < space->n_parameters; i++) {
        space->parameter[i] = space->parameters[i].value;
        const char *text_default = space->parameters[i].text;
        snprintf(space->parameter_text[i], NLG_SPACE_TEXT_MAX, "%s", text_default ? text_default : "");
    }
    const char *parameters = strchr(text, ':');
    if (parameters) NLG_TRY(read_parameters(space, parameters + 1, err));
    write_name(space);
    return space->open ? space->open(space, err) : NLG_OK;
}

void nlg_space_close(nlg_space *space) {
    if (space->close) space->close(space);
    *space = (nlg_space){0};
}

/* ---- strategies ---- */

int nlg_strategy_count(void) {
    return (int)(sizeof strategies / sizeof strategies[0]);
}

const nlg_strategy *nlg_strategy_at(int index) {
    return strategies[index];
}

/* Not in the list: it does nothing by itself. */
extern const nlg_strategy nlg_strategy_exec;

const nlg_strategy *nlg_strategy_find(const char *name) {
    if (strcmp(name, nlg_strategy_exec.name) == 0) return &nlg_strategy_exec;
    for (int i = 0; i < nlg_strategy_count(); i++) {
        if (strcmp(strategies[i]->name, name) == 0) return strategies[i];
        if (strategies[i]->alias && strcmp(strategies[i]->alias, name) == 0) return strategies[i];
    }
    return NULL;
}
