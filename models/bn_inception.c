/* BN-Inception: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
 * ICML 2015, Figure 5 (appendix). This is the "Inception v2" of the NASNet and TF-Slim tables. The "Inception v2" of the Inception
 * v3 paper is another network (299 x 299, 3.8G multiply-adds) and is not built here.
 *
 * The 5x5 convolutions of GoogLeNet are two 3x3; modules 3c and 4e halve the size and pass the pool through. Names and biases are
 * those of the model that is in circulation (converted from Caffe): its convolutions keep biases in front of batch norm. */
#include "models/families.h"
#include "models/rows.h"

// clang-format off
#define MODULE(m, n1, n3_reduce, n3, nd_reduce, nd, pool, pool_proj)                                                               \
    "[inception " m "] ( inception_" m "_1x1 1x1:" #n1 " | inception_" m "_3x3_reduce 1x1:" #n3_reduce ", inception_" m "_3x3 3x3:" #n3              \
    " | inception_" m "_double_3x3_reduce 1x1:" #nd_reduce ", inception_" m "_double_3x3_1 3x3:" #nd                               \
    ", inception_" m "_double_3x3_2 3x3:" #nd " | " pool " 3x3, inception_" m "_pool_proj 1x1:" #pool_proj " ), "
#define REDUCTION(m, n3_reduce, n3, nd_reduce, nd)                                                                                 \
    "[reduction " m "] ( inception_" m "_3x3_reduce 1x1:" #n3_reduce ", inception_" m "_3x3 3x3/2:" #n3                                              \
    " | inception_" m "_double_3x3_reduce 1x1:" #nd_reduce ", inception_" m "_double_3x3_1 3x3:" #nd                               \
    ", inception_" m "_double_3x3_2 3x3/2:" #nd " | max 3x3/2c ), "

static const char bn_inception_table[] =
    "conv1_7x7_s2 7x7/2:64, max 3x3/2c, conv2_3x3_reduce 1x1:64, conv2_3x3 3x3:192, max 3x3/2c, "
    MODULE("3a",  64,  64,  64,  64,  96, "avg", 32)
    MODULE("3b",  64,  64,  96,  64,  96, "avg", 64)
    REDUCTION("3c",   128, 160,  64,  96)
    MODULE("4a", 224,  64,  96,  96, 128, "avg", 128)
    MODULE("4b", 192,  96, 128,  96, 128, "avg", 128)
    MODULE("4c", 160, 128, 160, 128, 160, "avg", 128)
    MODULE("4d",  96, 128, 192, 160, 192, "avg", 128)
    REDUCTION("4e",   128, 192, 192, 256)
    MODULE("5a", 352, 192, 320, 160, 224, "avg", 128)
    MODULE("5b", 352, 192, 320, 192, 224, "max", 128)
    "global, classes last_linear";

static const char bn_inception_small[] =
    "conv1 3x3:32, max 2x2/2v, "
    MODULE("3a", 16, 16, 24, 16, 24, "avg", 16)
    MODULE("3b", 24, 24, 32, 24, 32, "avg", 16)
    REDUCTION("3c", 24, 32, 24, 32)
    MODULE("4a", 48, 32, 48, 32, 48, "avg", 32)
    MODULE("4b", 48, 32, 48, 32, 48, "max", 32)
    "global, classes last_linear";
// clang-format on

static const nlg_family bn_inception = {
    .name = "Inception",
    .title = "Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    .authors = "S. Ioffe, C. Szegedy",
    .venue = "ICML 2015, arXiv 1502.03167",
    .year = 2015,
    .designer = NLG_HUMAN,
    .deviations =
        "Convolutions have biases in front of batch norm, as the converted Caffe model has them (10,016 parameters).\n"
        "The pools of 4c and 4d are projected to 128, so that 4c to 4e have 608, 608 and 1056 outputs; the paper's table and "
        "TF-Slim's inception_v2 have 96 (576, 576, 1024). TF-Slim's starts with a separable 7x7.\n"
        "\"Inception v2\" of the Inception v3 paper is another network.\n"
        "Weight files converted from Caffe expect pixels in BGR order from 0 to 255.\n",
    .build = nlg_build_table_model,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(bn_inception, .family = &bn_inception, .aliases = "bninception inception_v2", IMAGENET(224),
          TABLE(bn_inception_table, .bias = true, .conv_suffix = "", .norm_suffix = "_bn"),
          PUBLISHED(11295240, 2000000000, "converted Caffe model; MACs: Inception v3 Table 3"))
};
ROWS(bn_inception, rows)

static const nlg_model small_rows[] = {
    MODEL(bn_inception_small, .family = &bn_inception, .aliases = "inception_v2_small", SMALL,
          TABLE(bn_inception_small, .bias = true, .conv_suffix = "", .norm_suffix = "_bn"),
          .deviations = "Two modules at 14x14, a reduction that passes the pool through and two modules at 7x7, of about a fifth of the widths, in place "
                        "of ten modules; a 3x3 stem without stride.\n")
    MODEL(bn_inception_small_no_norm, .family = &bn_inception, TWIN, TABLE(bn_inception_small, .no_norm = true),
          .deviations = "bn_inception_small without batch norm.\n")
};
ROWS(bn_inception_small, small_rows)
// clang-format on
