/* The model registry: one file per paper, with one row per variant at its end (models/rows.h). Rows are constant. */
#ifndef NLG_MODEL_H
#define NLG_MODEL_H

#include "layers/graph/builder.h"

typedef struct nlg_model nlg_model;

typedef enum { NLG_HUMAN, NLG_SEARCHED } nlg_designer;
typedef enum { NLG_BILINEAR, NLG_BICUBIC } nlg_interpolation;

/* What the published weights were evaluated with; zero size: the input size itself. */
typedef struct nlg_preprocessing {
    int resize;          /* shorter side in pixels before the centre crop; 0: input size / crop_fraction */
    float crop_fraction; /* default 0.875 */
    nlg_interpolation interpolation;
    float mean[3], std[3]; /* zero std: ImageNet's 0.485 0.456 0.406 / 0.229 0.224 0.225 */
} nlg_preprocessing;

/* The text form of networks made of cells, for families that are. */
typedef struct nlg_genotype_form {
    size_t (*print)(const void *spec, char *text, size_t size); /* like snprintf */
    /* A copy of the spec with the cells of `text`, in the arena. */
    nlg_status (*paste)(const void *spec, const char *text, nlg_arena *arena, const void **pasted, nlg_error *err);
} nlg_genotype_form;

/* Facts shared by the variants of one paper. */
typedef struct nlg_family {
    const char *name; /* "ResNet" */
    const char *title, *authors, *venue;
    int year;
    nlg_designer designer;
    const char *deviations; /* lines on what differs from the paper, for every variant */
    /* Builds one variant: input -> outputs (nlg_output, nlg_output_aux). `classes` replaces the paper's where it differs. */
    void (*build)(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes);
    const nlg_genotype_form *genotypes; /* NULL: not made of cells */
    /* Where `build` is NULL: makes the whole graph itself. */
    nlg_status (*build_graph)(const nlg_model *model, nlg_shape input, int classes, nlg_graph **graph, nlg_error *err);
} nlg_family;

struct nlg_model {
    const char *name;
    const char *aliases; /* space separated torchvision, timm and oracle names */
    const nlg_family *family;
    const void *spec; /* the row of the paper's table, private to the family */
    int year;         /* 0: the family's */
    nlg_shape input;  /* h, w, c */
    int classes;
    bool small;     /* form for 28x28x1 and 32x32x3, used in training here */
    bool any_input; /* other input sizes are allowed */
    nlg_preprocessing preprocessing;
    int64_t published_params, published_macs; /* 0: not published */
    const char *published_source;
    const char *deviations; /* of this variant, beyond the family's; for small forms: every difference from the paper's network */
};

int nlg_model_count(void);
const nlg_model *nlg_model_at(int index);
/* By name or alias; on failure the error suggests the nearest name. */
nlg_status nlg_model_find(const char *name, const nlg_model **model, nlg_error *err);

/* The cells of a row as text, like snprintf; 0 if it is not made of cells. */
size_t nlg_model_genotype(const nlg_model *model, char *text, size_t size);
/* A row like `base` with the cells of `text` (in the form that nlg_model_genotype and searches print), without published counts. */
nlg_status nlg_model_with_genotype(const nlg_model *base, const char *text, nlg_arena *arena, const nlg_model **model,
                                   nlg_error *err);

/* Build a model's graph; input {0,0,0} and classes 0 take the row's own. */
nlg_status nlg_model_build(const nlg_model *model, nlg_shape input, int classes, nlg_graph **graph, nlg_error *err);

#endif
