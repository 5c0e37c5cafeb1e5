/* Rows of the networks of a paper, which stand at the end of the file that builds them: MODEL(name, .family, .spec, .input, ...)
 * for each variant, in a table that ROWS hands to the registry under a name of families.def. Included by such files only. */
#ifndef NLG_ROWS_H
#define NLG_ROWS_H

#include "models/families.h"

/* Rows say what differs from the defaults and leave the rest out. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

// clang-format off
#define MODEL(id, ...)     {.name = #id, __VA_ARGS__},
#define ROWS(id, table)    const nlg_model_rows nlg_##id##_rows = {table, (int)(sizeof table / sizeof *table)};

#define SPEC(type, ...)    .spec = &(const type){__VA_ARGS__}
#define PUBLISHED(p, m, s) .published_params = p, .published_macs = m, .published_source = s
#define TV                 "torchvision"
#define TIMM               "timm"
#define NORM_COUNTED       "The printed multiply-adds hold two operations for each output of batch normalization as well."

/* What they are for. */
#define IMAGENET(size)     .input = {size, size, 3}, .classes = 1000, .any_input = true
#define CIFAR              .input = {32, 32, 3}, .classes = 10, .any_input = true
#define SMALL              .input = {28, 28, 1}, .classes = 10, .any_input = true, .small = true
/* Compared with another small form by an experiment; trained there and nowhere else. */
#define TWIN               .input = {28, 28, 1}, .classes = 10, .any_input = true

/* Preprocessing: nothing stated means the shorter side to 256 of 224 (crop fraction 0.875), bilinear, ImageNet's mean and std. */
#define PREPARE(...)       .preprocessing = {__VA_ARGS__}
#define CROP(fraction)     .crop_fraction = fraction
#define HALF               .mean = {0.5f, 0.5f, 0.5f}, .std = {0.5f, 0.5f, 0.5f}
#define LARGE_CROP         PREPARE(CROP(0.911f), .interpolation = NLG_BICUBIC, HALF)

/* Networks that are a table of layers, and those that are made of cells. */
#define TABLE(...)           SPEC(nlg_layer_table, __VA_ARGS__)
#define CELLS(genotype, ...) .spec = &(const nlg_cell_network){&genotype, {__VA_ARGS__}}
#define AUX(a, b)            .aux_filters = {a, b}, .aux_weight = 0.4f
#define NF(n, f)             .repeats = n, .filters = f
#define TF_NORM              .norm_eps = 1e-3f, .norm_momentum = 3e-4f
#define ON_CIFAR             .stem = NLG_STEM_CIFAR, .norm_momentum = 0.1f, AUX(128, 768)
#define ON_IMAGENET          .stem = NLG_STEM_IMAGENET, TF_NORM, .dropout = 0.5f
// clang-format on

#endif
