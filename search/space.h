/* Search spaces: one file in search/spaces and one row of spaces.def each.
 *
 * An architecture is a short array of small integers (its code) whose meaning only the space knows. Strategies see codes alone. */
#ifndef NLG_SPACE_H
#define NLG_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layers/base/rng.h"
#include "layers/base/status.h"

enum { NLG_CODE_MAX = 192, NLG_GENOTYPE_MAX = 1024 };
typedef struct nlg_code {
    int length;
    int16_t value[NLG_CODE_MAX];
} nlg_code;

struct nlg_graph;
struct nlg_arena;
struct nlg_cell_network;

enum { NLG_SPACE_NAME_MAX = 96, NLG_SPACE_PARAMETERS_MAX = 6, NLG_SPACE_TEXT_MAX = 256 };
typedef struct nlg_space_parameter {
    const char *name;
    int value, min, max; /* value: default */
    const char *summary;
    const char *text; /* the default of a parameter that is a text, without commas; NULL: a whole number */
} nlg_space_parameter;

/* Members marked optional may be NULL; the functions below then do what the comment says. */
typedef struct nlg_space nlg_space;
struct nlg_space {
    char name[NLG_SPACE_NAME_MAX]; /* with parameters where they are not the defaults: "nasnet:B=5,N=2,F=24" */
    const char *summary, *source;  /* source: the paper */
    int length;
    /* 0, or: a code may also stop after any number of whole blocks of `block` positions (cells that grow). */
    int block;
    const nlg_space_parameter *parameters;
    int n_parameters;
    int parameter[NLG_SPACE_PARAMETERS_MAX]; /* their values */
    char parameter_text[NLG_SPACE_PARAMETERS_MAX][NLG_SPACE_TEXT_MAX];
    nlg_status (*open)(nlg_space *self, nlg_error *err); /* optional: what follows from the parameters, data */
    void (*close)(nlg_space *self);                      /* optional; also after a failed open */
    const void *spec;                                    /* constant and private to the space, or NULL */
    void *data;                                          /* made by open, freed by close */

    int (*choices)(const nlg_space *self, int position);        /* values at a position: 0 .. choices-1 */
    bool (*valid)(const nlg_space *self, const nlg_code *code); /* optional: beyond every value being in range */
    /* Optional: each position uniform, drawn again until valid. */
    void (*sample)(const nlg_space *self, nlg_rng rng, nlg_code *code);
    /* Optional: one position, another value. */
    void (*mutate)(const nlg_space *self, nlg_rng rng, const nlg_code *parent, nlg_code *child);
    /* Optional: the one representative of all codes that mean the same architecture (isomorphic graphs). Idempotent. */
    void (*canonical)(const nlg_space *self, const nlg_code *code, nlg_code *canonical);
    const char *notation;                                       /* of genotypes, for people: lines without a last newline */
    const char *(*operation)(const nlg_space *self, int index); /* optional: names that the notation uses; NULL behind the last */
    /* Readable genotype, below NLG_GENOTYPE_MAX bytes. */
    void (*encode)(const nlg_space *self, const nlg_code *code, char *text, size_t size);
    nlg_status (*decode)(const nlg_space *self, const char *text, nlg_code *code, nlg_error *err); /* decode(encode(code)) = code */
    /* Network spaces: build the network for an input and classes; other spaces: NULL. */
    nlg_status (*build)(const nlg_space *self, const nlg_code *code, int h, int w, int c, int classes, struct nlg_graph **graph,
                        nlg_error *err);
    bool detects;          /* they are detectors, for images with objects, of sides of a multiple of 64 */
    int input[3], classes; /* of its networks where nothing else is said: channels, rows, columns; zeros: 3, 32, 32 and 10 */
    /* Optional: the network as cells and macro structure (models/cells.h), in the arena; NULL when memory is short. */
    const struct nlg_cell_network *(*cells)(const nlg_space *self, const nlg_code *code, struct nlg_arena *arena);
    int (*features)(const nlg_space *self, const nlg_code *code,
                    double *out);          /* optional, for predictors: their number; out may be NULL */
    double (*size)(const nlg_space *self); /* optional: number of valid codes, where not every code in range is valid */
    int64_t architectures;                 /* distinct ones where they were counted, 0: unknown */
};
/* The row of the registry, by its name without parameters; NULL if there is none. To be used it has to be opened, unless it has
 * neither parameters nor data. */
const nlg_space *nlg_space_find(const char *name);
int nlg_space_count(void);
const nlg_space *nlg_space_at(int index);

/* "NAME" or "NAME:P=1,Q=2" into *space, which is to be closed after use and not to be copied. An error names the nearest space or
 * the parameters that there are. */
nlg_status nlg_space_open(const char *text, nlg_space *space, nlg_error *err);
void nlg_space_close(nlg_space *space); /* also after a failed open */

bool nlg_space_valid(const nlg_space *space, const nlg_code *code); /* length, ranges and the space's own rule */
double nlg_space_size(const nlg_space *space);                      /* number of valid codes of full length */
void nlg_space_sample(const nlg_space *space, nlg_rng rng, nlg_code *code);
/* One change; never an architecture that is the parent's in another guise. */
void nlg_space_mutate(const nlg_space *space, nlg_rng rng, const nlg_code *parent, nlg_code *child);
void nlg_space_canonical(const nlg_space *space, const nlg_code *code, nlg_code *canonical);
/* SHA-256 over the space's name and the canonical code: equal exactly for isomorphic architectures. */
nlg_status nlg_space_hash(const nlg_space *space, const nlg_code *code, char hex[65], nlg_error *err);
bool nlg_code_equal(const nlg_code *a, const nlg_code *b);

#endif
