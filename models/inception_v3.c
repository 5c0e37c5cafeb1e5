/* Inception v3: Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, "Rethinking the Inception Architecture for Computer Vision", CVPR 2016
 * (arXiv 2015), Table 1 and Figures 5 to 7 and 10, in torchvision's form: the widths of the 17x17 modules and the 1x1 of 80 in the
 * stem come from the released code. Batch norm in the auxiliary head (Section 6 and "BN-auxiliary"). Names are torchvision's. */
#include "models/families.h"
#include "models/rows.h"

// clang-format off
/* Figures 5, 6 and 7. */
#define MODULE_A(name, pool_proj)                                                                                                  \
    "[module, Figure 5] " name " { ( branch1x1 1x1:64 | branch5x5_1 1x1:48, branch5x5_2 5x5:64"                                                          \
         " | branch3x3dbl_1 1x1:64, branch3x3dbl_2 3x3:96, branch3x3dbl_3 3x3:96 | avg 3x3, branch_pool 1x1:" #pool_proj " ) }, "
#define MODULE_B(name, n7)                                                                                                         \
    "[module, Figure 6] " name " { ( branch1x1 1x1:192 | branch7x7_1 1x1:" #n7 ", branch7x7_2 1x7:" #n7 ", branch7x7_3 7x1:192"                          \
         " | branch7x7dbl_1 1x1:" #n7 ", branch7x7dbl_2 7x1:" #n7 ", branch7x7dbl_3 1x7:" #n7 ", branch7x7dbl_4 7x1:" #n7           \
         ", branch7x7dbl_5 1x7:192 | avg 3x3, branch_pool 1x1:192 ) }, "
#define MODULE_C(name)                                                                                                             \
    "[module, Figure 7] " name " { ( branch1x1 1x1:320 | branch3x3_1 1x1:384, ( branch3x3_2a 1x3:384 | branch3x3_2b 3x1:384 )"                           \
         " | branch3x3dbl_1 1x1:448, branch3x3dbl_2 3x3:384, ( branch3x3dbl_3a 1x3:384 | branch3x3dbl_3b 3x1:384 )"                 \
         " | avg 3x3, branch_pool 1x1:192 ) }, "

static const char inception_v3_table[] =
    "Conv2d_1a_3x3 3x3/2v:32, Conv2d_2a_3x3 3x3v:32, Conv2d_2b_3x3 3x3:64, max 3x3/2v, "
    "Conv2d_3b_1x1 1x1:80, Conv2d_4a_3x3 3x3v:192, max 3x3/2v, "
    MODULE_A("Mixed_5b", 32)
    MODULE_A("Mixed_5c", 64)
    MODULE_A("Mixed_5d", 64)
    "[reduction] Mixed_6a { ( branch3x3 3x3/2v:384 | branch3x3dbl_1 1x1:64, branch3x3dbl_2 3x3:96, branch3x3dbl_3 3x3/2v:96 | max 3x3/2v ) }, "
    MODULE_B("Mixed_6b", 128)
    MODULE_B("Mixed_6c", 160)
    MODULE_B("Mixed_6d", 160)
    MODULE_B("Mixed_6e", 192)
    "[auxiliary head] AuxLogits { aux 0.4 { avg 5x5/3v, conv0 1x1:128, conv1 5x5v:768, global, classes fc } }, "
    "[reduction] Mixed_7a { ( branch3x3_1 1x1:192, branch3x3_2 3x3/2v:320"
    " | branch7x7x3_1 1x1:192, branch7x7x3_2 1x7:192, branch7x7x3_3 7x1:192, branch7x7x3_4 3x3/2v:192 | max 3x3/2v ) }, "
    MODULE_C("Mixed_7b")
    MODULE_C("Mixed_7c")
    "global, dropout 0.5, classes fc";

static const char inception_v3_small[] =
    "Conv2d_1a_3x3 3x3:16, Conv2d_2b_3x3 3x3:32, max 2x2/2v, "
    "[module, Figure 5] Mixed_5b { ( branch1x1 1x1:16 | branch5x5_1 1x1:12, branch5x5_2 5x5:16"
    " | branch3x3dbl_1 1x1:16, branch3x3dbl_2 3x3:24, branch3x3dbl_3 3x3:24 | avg 3x3, branch_pool 1x1:8 ) }, "
    "[reduction] Mixed_6a { ( branch3x3 3x3/2:48 | branch3x3dbl_1 1x1:16, branch3x3dbl_2 3x3:24, branch3x3dbl_3 3x3/2:24 | max 3x3/2 ) }, "
    "[module, Figure 6] Mixed_6b { ( branch1x1 1x1:48 | branch7x7_1 1x1:32, branch7x7_2 1x7:32, branch7x7_3 7x1:48"
    " | branch7x7dbl_1 1x1:32, branch7x7dbl_2 7x1:32, branch7x7dbl_3 1x7:32, branch7x7dbl_4 7x1:32, branch7x7dbl_5 1x7:48"
    " | avg 3x3, branch_pool 1x1:48 ) }, "
    "[reduction] Mixed_7a { ( branch3x3_1 1x1:48, branch3x3_2 3x3/2:64"
    " | branch7x7x3_1 1x1:48, branch7x7x3_2 1x7:48, branch7x7x3_3 7x1:48, branch7x7x3_4 3x3/2:48 | max 3x3/2 ) }, "
    "[module, Figure 7] Mixed_7b { ( branch1x1 1x1:64 | branch3x3_1 1x1:64, ( branch3x3_2a 1x3:64 | branch3x3_2b 3x1:64 )"
    " | branch3x3dbl_1 1x1:64, branch3x3dbl_2 3x3:64, ( branch3x3dbl_3a 1x3:64 | branch3x3dbl_3b 3x1:64 )"
    " | avg 3x3, branch_pool 1x1:48 ) }, "
    "global, dropout 0.5, classes fc";

/* One stack of 5x5 convolutions, and the same with each of them factorised as Section 3 has it. */
#define STACK(layer) "stem 3x3:16, max 2x2/2v, " layer("c1", 32) ", " layer("c2", 32) ", max 2x2/2v, " layer("c3", 64) ", global, classes fc"
#define FIVE(name, out) name " 5x5:" #out
#define TWO_THREES(name, out) name "a 3x3:" #out ", " name "b 3x3:" #out
#define ROW_AND_COLUMN(name, out) name "a 1x5:" #out ", " name "b 5x1:" #out
static const char stack_5x5[] = STACK(FIVE);
static const char stack_3x3[] = STACK(TWO_THREES);
static const char stack_1x5[] = STACK(ROW_AND_COLUMN);
// clang-format on

static const nlg_family inception_v3 = {
    .name = "Inception",
    .title = "Rethinking the Inception Architecture for Computer Vision",
    .authors = "C. Szegedy, V. Vanhoucke, S. Ioffe, J. Shlens, Z. Wojna",
    .venue = "CVPR 2016, arXiv 1512.00567",
    .year = 2015,
    .designer = NLG_HUMAN,
    .deviations =
        "torchvision's form of the released network; the paper's table of costs prints 4.8G multiply-adds, every implementation "
        "has 5.7G. Keras has no scale in batch norm (23,817,352 trainable parameters).\n",
    .build = nlg_build_table_model,
};

/* ---- rows -------------------------------------------------------------------------------------------------------------- */

// clang-format off
static const nlg_model rows[] = {
    MODEL(inception_v3, .family = &inception_v3, IMAGENET(299), TABLE(inception_v3_table, .norm_eps = 1e-3f), PREPARE(.resize = 342, HALF),
          PUBLISHED(23834568, 5713216096, TV))
};
ROWS(inception_v3, rows)

static const nlg_model small_rows[] = {
    MODEL(inception_v3_small, .family = &inception_v3, SMALL, TABLE(inception_v3_small, .norm_eps = 1e-3f),
          .deviations = "One module each of Figures 5, 6 and 7 at 14x14, 7x7 and 4x4, of about a quarter of the widths, in place of nine; both "
                        "reductions, padded; a 3x3 stem of two layers without stride; no auxiliary head.\n")
    MODEL(stack_5x5_small, .family = &inception_v3, TWIN, TABLE(stack_5x5), .deviations = "Three 5x5 convolutions behind a 3x3 stem.\n")
    MODEL(stack_3x3_small, .family = &inception_v3, TWIN, TABLE(stack_3x3), .deviations = "stack_5x5_small with two 3x3 in place of each 5x5.\n")
    MODEL(stack_1x5_small, .family = &inception_v3, TWIN, TABLE(stack_1x5), .deviations = "stack_5x5_small with 1x5 and 5x1 in place of each 5x5.\n")
};
ROWS(inception_v3_small, small_rows)
// clang-format on
