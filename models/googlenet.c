/* GoogLeNet (Inception v1): Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, "Going Deeper with
 * Convolutions", CVPR 2015 (arXiv 2014), Table 1 and Figure 3.
 *
 * Two forms. `googlenet_v1` is the paper's: 5x5 convolutions, biases, local response normalisation, auxiliary classifiers behind a
 * 5x5 average pool. `googlenet` is torchvision's: batch norm and no biases, 3x3 in the place of 5x5 (its authors call that a known
 * bug), a 2x2 last pool, adaptive 4x4 pools before the auxiliary classifiers, dropout 0.2.
 *
 * A module is four branches: 1x1 | 1x1, 3x3 | 1x1, 5x5 | 3x3 max pool, 1x1. */
#include "models/families.h"
#include "models/rows.h"

// clang-format off
#define MODULE(name, n1, n3_reduce, n3, n5_reduce, k5, n5, pool_proj)                                                              \
    "[" name "] " name " { ( branch1 1x1:" #n1 " | branch2.0 1x1:" #n3_reduce ", branch2.1 3x3:" #n3 " | branch3.0 1x1:" #n5_reduce              \
         ", branch3.1 " k5 ":" #n5 " | max 3x3, branch4.1 1x1:" #pool_proj " ) }, "
#define AUXILIARY(name, mark, pool) "[auxiliary head] " name " { aux 0.3@" mark " { " pool ", conv 1x1:128, dense fc1 1024, dropout 0.7, classes fc2 } }, "

/* Table 1; `lrn` is the local response normalisation, `aux_pool` what an auxiliary classifier starts with. */
#define GOOGLENET(k5, lrn, last_pool, aux_pool, dropout)                                                                           \
    "conv1 7x7/2:64, max 3x3/2c, " lrn "conv2 1x1:64, conv3 3x3:192, " lrn "max 3x3/2c, "                                          \
    MODULE("inception3a",  64,  96, 128, 16, k5,  32,  32)                                                                         \
    MODULE("inception3b", 128, 128, 192, 32, k5,  96,  64)                                                                         \
    "max 3x3/2c, "                                                                                                                 \
    MODULE("inception4a", 192,  96, 208, 16, k5,  48,  64)                                                                         \
    "mark 1, "                                                                                                                     \
    MODULE("inception4b", 160, 112, 224, 24, k5,  64,  64)                                                                         \
    MODULE("inception4c", 128, 128, 256, 24, k5,  64,  64)                                                                         \
    MODULE("inception4d", 112, 144, 288, 32, k5,  64,  64)                                                                         \
    "mark 2, "                                                                                                                     \
    MODULE("inception4e", 256, 160, 320, 32, k5, 128, 128)                                                                         \
    last_pool ", "                                                                                                                 \
    MODULE("inception5a", 256, 160, 320, 32, k5, 128, 128)                                                                         \
    MODULE("inception5b", 384, 192, 384, 48, k5, 128, 128)                                                                         \
    AUXILIARY("aux1", "1", aux_pool)                                                                                               \
    AUXILIARY("aux2", "2", aux_pool)                                                                                               \
    "global, dropout " dropout ", classes fc"

static const char googlenet_torchvision[] = GOOGLENET("3x3", "", "max 2x2/2c", "adaptive 4", "0.2");
static const char googlenet_paper[] = GOOGLENET("5x5", "lrn, ", "max 3x3/2c", "avg 5x5/3v", "0.4");

static const char googlenet_small[] =
    "conv1 3x3:32, max 2x2/2v, "
    MODULE("inception3a", 32, 24, 32,  8, "5x5", 16, 16)
    MODULE("inception3b", 48, 32, 48,  8, "5x5", 24, 24)
    "max 2x2/2v, "
    MODULE("inception4a", 64, 48, 96, 16, "5x5", 32, 32)
    MODULE("inception4b", 64, 48, 96, 16, "5x5", 32, 32)
    "global, dropout 0.2, classes fc";

/* The same branches without the 1x1 convolutions in front of 3x3 and 5x5. */
#define DIRECT(name, n1, n3, n5, pool_proj)                                                                                        \
    "[" name "] " name " { ( branch1 1x1:" #n1 " | branch2 3x3:" #n3 " | branch3 5x5:" #n5 " | max 3x3, branch4.1 1x1:" #pool_proj " ) }, "
static const char googlenet_small_direct[] =
    "conv1 3x3:32, max 2x2/2v, "
    DIRECT("inception3a", 32, 32,  8, 16)
    DIRECT("inception3b", 48, 48,  8, 24)
    "max 2x2/2v, "
    DIRECT("inception4a", 64, 96, 16, 32)
    DIRECT("inception4b", 64, 96, 16, 32)
    "global, dropout 0.2, classes fc";

/* One path of 3x3 convolutions with the multiply-accumulates of googlenet_small. */
static const char single_path_small[] =
    "conv1 3x3:32, max 2x2/2v, conv3a 3x3:40, conv3b 3x3:56, max 2x2/2v, conv4a 3x3:96, conv4b 3x3:186, global, dropout 0.2, classes fc";
// clang-format on

static const nlg_family googlenet = {
    .name = "Inception",
    .title = "Going Deeper with Convolutions",
    .authors = "C. Szegedy, W. Liu, Y. Jia, P. Sermanet, S. Reed, D. Anguelov, D. Erhan, V. Vanhoucke, A. Rabinovich",
    .venue = "CVPR 2015, arXiv 1409.4842",
    .year = 2014,
    .designer = NLG_HUMAN,
    .deviations =
        "The parameters that Table 1 prints for the first convolution (2.7K) do not match its 7x7x3x64; the filters are built.\n",
    .build = nlg_build_table_model,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(googlenet, .family = &googlenet, .aliases = "inception_v1", IMAGENET(224), TABLE(googlenet_torchvision, .norm_eps = 1e-3f),
          PREPARE(.resize = 256, HALF), PUBLISHED(6624904, 1498376192, TV),
          .deviations = "torchvision's form: batch norm and no biases, 3x3 in the place of 5x5, no local response normalisation, a 2x2 last pool, "
                        "adaptive 4x4 pools in the auxiliary heads, dropout 0.2. Its weights expect (pixel - 0.5) / 0.5.\n")
    MODEL(googlenet_v1, .family = &googlenet, .aliases = "googlenet_paper", IMAGENET(224),
          TABLE(googlenet_paper, .no_norm = true, .lrn_alpha = 2e-5f), PUBLISHED(6998552, 1500000000, "Caffe's count; MACs: GoogLeNet Section 1"),
          .deviations = "Local response normalisation over 5 channels with alpha 1e-4 / 5, beta 0.75, as in Caffe's model; the paper does not say.\n"
                        "The paper's 1.5G multiply-adds are a rounded figure: its own table gives 1.58G.\n")
};
ROWS(googlenet, rows)

static const nlg_model small_rows[] = {
    MODEL(googlenet_small, .family = &googlenet, .aliases = "inception_small", SMALL, TABLE(googlenet_small),
          .deviations = "Four modules of about a fifth of the widths in place of nine, at 14x14 and 7x7; a 3x3 stem without stride; batch norm, no biases, "
                        "no local response normalisation; no auxiliary heads; dropout 0.2.\n")
    MODEL(googlenet_small_direct, .family = &googlenet, TWIN, TABLE(googlenet_small_direct),
          .deviations = "googlenet_small without the 1x1 convolutions that reduce channels in front of 3x3 and 5x5.\n")
    MODEL(single_path_small, .family = &googlenet, TWIN, TABLE(single_path_small),
          .deviations = "One path of 3x3 convolutions with the multiply-accumulates of googlenet_small.\n")
};
ROWS(googlenet_small, small_rows)
// clang-format on
