/* Inception-v4 and Inception-ResNet-v1 and v2: Szegedy, Ioffe, Vanhoucke, Alemi, "Inception-v4, Inception-ResNet and the Impact of
 * Residual Connections on Learning", AAAI 2017 (arXiv 2016).
 *
 * Inception-v4: Figures 3 to 9, names of timm. Inception-ResNet-v2: the released network in timm's form, which is not the one drawn
 * in the paper (that has Inception-v4's stem, 5/10/5 blocks of widths 384/1154/2048): its own stem, 10/20/10 blocks of widths
 * 320/1088/2080, a last 1x1 convolution of 1536. Inception-ResNet-v1: Figures 10 to 14; names follow v2. */
#include "models/families.h"
#include "models/rows.h"

// clang-format off
#define BRANCH_POOL(width) "avg 3x3, branch3.1 1x1:" #width

static const char inception_v4_table[] =
    /* Figure 3: stem. */
    "features.0 3x3/2v:32, features.1 3x3v:32, features.2 3x3:64, "
    "[stem, first split] features.3 { ( max 3x3/2v | conv 3x3/2v:96 ) }, "
    "[stem, second split] features.4 { ( branch0.0 1x1:64, branch0.1 3x3v:96"
    " | branch1.0 1x1:64, branch1.1 1x7:64, branch1.2 7x1:64, branch1.3 3x3v:96 ) }, "
    "[stem, third split] features.5 { ( conv 3x3/2v:192 | max 3x3/2v ) }, "
    /* Figure 4: four Inception-A. */
    "[Inception-A] features *4@6 { ( branch0 1x1:96 | branch1.0 1x1:64, branch1.1 3x3:96"
    " | branch2.0 1x1:64, branch2.1 3x3:96, branch2.2 3x3:96 | " BRANCH_POOL(96) " ) }, "
    /* Figure 7: Reduction-A, (k, l, m, n) = (192, 224, 256, 384). */
    "[Reduction-A] features.10 { ( branch0 3x3/2v:384 | branch1.0 1x1:192, branch1.1 3x3:224, branch1.2 3x3/2v:256 | max 3x3/2v ) }, "
    /* Figure 5: seven Inception-B. */
    "[Inception-B] features *7@11 { ( branch0 1x1:384 | branch1.0 1x1:192, branch1.1 1x7:224, branch1.2 7x1:256"
    " | branch2.0 1x1:192, branch2.1 7x1:192, branch2.2 1x7:224, branch2.3 7x1:224, branch2.4 1x7:256 | " BRANCH_POOL(128) " ) }, "
    /* Figure 8: Reduction-B. */
    "[Reduction-B] features.18 { ( branch0.0 1x1:192, branch0.1 3x3/2v:192"
    " | branch1.0 1x1:256, branch1.1 1x7:256, branch1.2 7x1:320, branch1.3 3x3/2v:320 | max 3x3/2v ) }, "
    /* Figure 6: three Inception-C. */
    "[Inception-C] features *3@19 { ( branch0 1x1:256 | branch1_0 1x1:384, ( branch1_1a 1x3:256 | branch1_1b 3x1:256 )"
    " | branch2_0 1x1:384, branch2_1 3x1:448, branch2_2 1x3:512, ( branch2_3a 1x3:256 | branch2_3b 3x1:256 )"
    " | " BRANCH_POOL(256) " ) }, "
    "global, dropout 0.2, classes last_linear";

/* Residual blocks A (35x35), B (17x17), C (8x8): the branches are projected by a 1x1 convolution without norm or ReLU, scaled, added. */
#define BLOCK_A(kind, n3, n3b, out)                                                                                                \
    kind " { ( branch0 1x1:32 | branch1.0 1x1:32, branch1.1 3x3:32"                                                                \
         " | branch2.0 1x1:32, branch2.1 3x3:" #n3 ", branch2.2 3x3:" #n3b " ), conv2d 1x1:" #out "! }"
#define BLOCK_B(kind, n1, n17, n71, out)                                                                                           \
    kind " { ( branch0 1x1:" #n1 " | branch1.0 1x1:128, branch1.1 1x7:" #n17 ", branch1.2 7x1:" #n71 " ), conv2d 1x1:" #out "! }"
#define BLOCK_C(kind, n13, n31, out)                                                                                               \
    kind " { ( branch0 1x1:192 | branch1.0 1x1:192, branch1.1 1x3:" #n13 ", branch1.2 3x1:" #n31 " ), conv2d 1x1:" #out "! }"
#define REDUCTION_A(k, l, m, n)                                                                                                    \
    "[Reduction-A] mixed_6a { ( branch0 3x3/2v:" #n " | branch1.0 1x1:" #k ", branch1.1 3x3:" #l ", branch1.2 3x3/2v:" #m " | max 3x3/2v ) }, "
#define REDUCTION_B(n1, n2a, n2b)                                                                                                  \
    "[Reduction-B] mixed_7a { ( branch0.0 1x1:256, branch0.1 3x3/2v:384 | branch1.0 1x1:256, branch1.1 3x3/2v:" #n1                              \
    " | branch2.0 1x1:256, branch2.1 3x3:" #n2a ", branch2.2 3x3/2v:" #n2b " | max 3x3/2v ) }, "

static const char inception_resnet_v2_table[] =
    "conv2d_1a 3x3/2v:32, conv2d_2a 3x3v:32, conv2d_2b 3x3:64, max 3x3/2v, conv2d_3b 1x1:80, conv2d_4a 3x3v:192, max 3x3/2v, "
    "[Inception-A] mixed_5b { ( branch0 1x1:96 | branch1.0 1x1:48, branch1.1 5x5:64"
    " | branch2.0 1x1:64, branch2.1 3x3:96, branch2.2 3x3:96 | " BRANCH_POOL(64) " ) }, "
    "[Inception-ResNet-A] repeat *10 { " BLOCK_A("residual 0.17", 48, 64, 320) " }, "
    REDUCTION_A(256, 256, 384, 384)
    "[Inception-ResNet-B] repeat_1 *20 { " BLOCK_B("residual 0.1", 192, 160, 192, 1088) " }, "
    REDUCTION_B(288, 288, 320)
    "[Inception-ResNet-C] repeat_2 *9 { " BLOCK_C("residual 0.2", 224, 256, 2080) " }, "
    "[Inception-ResNet-C] block8 { " BLOCK_C("residual_linear 1", 224, 256, 2080) " }, "
    "conv2d_7b 1x1:1536, global, dropout 0.2, classes classif";

static const char inception_resnet_v1_table[] =
    "conv2d_1a 3x3/2v:32, conv2d_2a 3x3v:32, conv2d_2b 3x3:64, max 3x3/2v, conv2d_3b 1x1:80, conv2d_4a 3x3v:192, "
    "conv2d_4b 3x3/2v:256, "
    "[Inception-ResNet-A] repeat *5 { " BLOCK_A("residual 0.17", 32, 32, 256) " }, "
    REDUCTION_A(192, 192, 256, 384)
    "[Inception-ResNet-B] repeat_1 *10 { " BLOCK_B("residual 0.1", 128, 128, 128, 896) " }, "
    REDUCTION_B(256, 256, 256)
    "[Inception-ResNet-C] repeat_2 *5 { " BLOCK_C("residual 0.2", 192, 192, 1792) " }, "
    "global, dropout 0.2, classes classif";

static const char inception_v4_small[] =
    "features.0 3x3:16, features.3 { ( max 3x3/2 | conv 3x3/2:32 ) }, "
    "[Inception-A] features *1@6 { ( branch0 1x1:24 | branch1.0 1x1:16, branch1.1 3x3:24"
    " | branch2.0 1x1:16, branch2.1 3x3:24, branch2.2 3x3:24 | " BRANCH_POOL(24) " ) }, "
    "[Reduction-A] features.10 { ( branch0 3x3/2:48 | branch1.0 1x1:24, branch1.1 3x3:32, branch1.2 3x3/2:32 | max 3x3/2 ) }, "
    "[Inception-B] features *2@11 { ( branch0 1x1:64 | branch1.0 1x1:32, branch1.1 1x7:32, branch1.2 7x1:48"
    " | branch2.0 1x1:32, branch2.1 7x1:32, branch2.2 1x7:32, branch2.3 7x1:32, branch2.4 1x7:48 | " BRANCH_POOL(32) " ) }, "
    "global, dropout 0.2, classes last_linear";

static const char inception_resnet_small[] =
    "conv2d_1a 3x3:32, max 2x2/2v, conv2d_2b 3x3:64, "
    "[Inception-ResNet-A] repeat *2 { " BLOCK_A("residual 0.17", 32, 32, 64) " }, "
    "[Reduction-A] mixed_6a { ( branch0 3x3/2:48 | branch1.0 1x1:32, branch1.1 3x3/2:48 | max 3x3/2 ) }, "
    "[Inception-ResNet-B] repeat_1 *2 { residual 0.1 { ( branch0 1x1:32 | branch1.0 1x1:32, branch1.1 1x7:32, branch1.2 7x1:32 ), conv2d 1x1:160! } }, "
    "global, dropout 0.2, classes classif";

/* Small forms without residual connections and with unscaled ones. */
#define SMALL_RESNET(block_a, block_b, project)                                                                                    \
    "conv2d_1a 3x3:32, max 2x2/2v, conv2d_2b 3x3:64, "                                                                              \
    "[Inception-ResNet-A] repeat *2 { " block_a " { ( branch0 1x1:32 | branch1.0 1x1:32, branch1.1 3x3:32"                                               \
    " | branch2.0 1x1:32, branch2.1 3x3:32, branch2.2 3x3:32 ), conv2d 1x1:64" project " } }, "                                     \
    "[Reduction-A] mixed_6a { ( branch0 3x3/2:48 | branch1.0 1x1:32, branch1.1 3x3/2:48 | max 3x3/2 ) }, "                                        \
    "[Inception-ResNet-B] repeat_1 *2 { " block_b " { ( branch0 1x1:32 | branch1.0 1x1:32, branch1.1 1x7:32, branch1.2 7x1:32 ), conv2d 1x1:160" project \
    " } }, global, dropout 0.2, classes classif"
static const char inception_resnet_small_bare[] = SMALL_RESNET("block", "block", "!, relu");
static const char inception_resnet_small_plain[] = SMALL_RESNET("block", "block", "");
static const char inception_resnet_small_unscaled[] = SMALL_RESNET("residual 1", "residual 1", "!");
// clang-format on

static const char title[] = "Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning";
static const char authors[] = "C. Szegedy, S. Ioffe, V. Vanhoucke, A. Alemi";
static const char venue[] = "AAAI 2017, arXiv 1602.07261";

static const nlg_family inception_v4 = {
    .name = "Inception",
    .title = title,
    .authors = authors,
    .venue = venue,
    .year = 2016,
    .designer = NLG_HUMAN,
    .deviations =
        "Average pools leave the padding out of the divisor, as in timm. EfficientNet's Table 2 prints 48M parameters for it.\n",
    .build = nlg_build_table_model,
};

static const nlg_family inception_resnet = {
    .name = "Inception-ResNet",
    .title = title,
    .authors = authors,
    .venue = venue,
    .year = 2016,
    .designer = NLG_HUMAN,
    .deviations = "The convolution that projects a residual branch has a bias and no batch norm, as in the released v2.\n"
                  "Residual scales are those of the released v2 (0.17, 0.1, 0.2); the paper says between 0.1 and 0.3.\n",
    .build = nlg_build_table_model,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(inception_v4, .family = &inception_v4, IMAGENET(299), TABLE(inception_v4_table, .norm_eps = 1e-3f, .exclude_pad = true),
          PREPARE(CROP(0.875f), .interpolation = NLG_BICUBIC, HALF), PUBLISHED(42679816, 12253974624, TIMM))
    MODEL(inception_resnet_v1, .family = &inception_resnet, IMAGENET(299),
          TABLE(inception_resnet_v1_table, .norm_eps = 1e-3f, .exclude_pad = true), PREPARE(CROP(0.8975f), .interpolation = NLG_BICUBIC, HALF),
          .deviations = "No implementation with published counts is known: built from the paper's figures (22,756,328 parameters here).\n")
    MODEL(inception_resnet_v2, .family = &inception_resnet, IMAGENET(299),
          TABLE(inception_resnet_v2_table, .norm_eps = 1e-3f, .exclude_pad = true), PREPARE(CROP(0.8975f), .interpolation = NLG_BICUBIC, HALF),
          PUBLISHED(55843464, 13155794016, TIMM),
          .deviations = "The released network, not the one drawn in the paper: its own stem, 10/20/10 blocks of widths 320/1088/2080 (paper: Inception-v4's "
                        "stem, 5/10/5 blocks of 384/1154/2048), the last block without scale and ReLU, a final 1x1 convolution of 1536.\n")
};
ROWS(inception_v4, rows)

static const nlg_model small_rows[] = {
    MODEL(inception_v4_small, .family = &inception_v4, SMALL, TABLE(inception_v4_small, .norm_eps = 1e-3f, .exclude_pad = true),
          .deviations = "One Inception-A at 14x14 and two Inception-B at 7x7, of about a sixth of the widths, in place of 4, 7 and 3; a stem of a "
                        "convolution and one split into pool and convolution; one reduction, padded.\n")
    MODEL(inception_resnet_small, .family = &inception_resnet, SMALL, TABLE(inception_resnet_small),
          .deviations = "Two blocks A at 14x14 and two blocks B at 7x7 in place of 40; widths 64 and 160; a 3x3 stem of two layers; one reduction.\n")
    MODEL(inception_resnet_small_bare, .family = &inception_resnet, TWIN, TABLE(inception_resnet_small_bare),
          .deviations = "inception_resnet_small without the additions: all layers are the same.\n")
    MODEL(inception_resnet_small_plain, .family = &inception_resnet, TWIN, TABLE(inception_resnet_small_plain),
          .deviations = "inception_resnet_small without residual connections: each block is followed by batch norm and ReLU.\n")
    MODEL(inception_resnet_small_unscaled, .family = &inception_resnet, TWIN, TABLE(inception_resnet_small_unscaled),
          .deviations = "inception_resnet_small with residual branches that are added as they are.\n")
};
ROWS(inception_v4_small, small_rows)
// clang-format on
