/* Blocks that several families are made of. Names are those of the parameters, see builder.h. */
#ifndef NLG_BLOCKS_H
#define NLG_BLOCKS_H

#include "models/families.h"

/* Convolution, batch norm, activation. */
nlg_value nlg_conv_norm_act(nlg_builder *b, nlg_value x, nlg_conv_args conv, nlg_norm_args norm, nlg_act act, const char *conv_name,
                            const char *norm_name);

/* Squeeze-and-excitation (Hu et al. 2018): x * sigmoid(expand(act(reduce(mean of x)))), two 1x1 convolutions with bias. */
nlg_value nlg_squeeze_excite(nlg_builder *b, nlg_value x, int width, nlg_act act, const char *reduce_name, const char *expand_name);

/* Global average pool, dropout (0: none), linear layer, output. */
void nlg_classifier(nlg_builder *b, nlg_value x, float dropout, int classes, const char *name);

/* A ResNet up to its classifier; `stages` (may be NULL) takes the output of each stage (C2 .. C5 of detectors). */
nlg_value nlg_resnet_trunk(nlg_builder *b, const nlg_resnet_spec *spec, nlg_value x, nlg_value stages[4]);

/* MobileNet v2 up to its last block; takes the outputs C2 .. C5, each half the size of the one before. small: as in
 * nlg_detector_spec. */
void nlg_mobilenet_v2_trunk(nlg_builder *b, const nlg_mobilenet_spec *spec, bool small, nlg_value x, nlg_value stages[4]);

/* Channels times `width`, to the nearest multiple of 8, at least 8, never below 0.9 of the product (the rule of the MobileNet v2,
 * MnasNet and EfficientNet code). */
int nlg_round_channels(int channels, float width);

/* ---- Mobile networks: one description for MobileNet v1 and v2, MnasNet and EfficientNet ---------------------------------- */

/* A line of the papers' stage tables: `repeat` blocks; only the first has `stride`. expand 1: no expanding convolution.
 * squeeze: squeeze-and-excitation with 1 / squeeze of the block's input channels; 0: none. */
typedef struct nlg_mobile_stage {
    int kernel, expand, out, repeat, stride, squeeze;
} nlg_mobile_stage;

/* Parameter names of a block: convolution and batch norm by role. */
typedef struct nlg_mobile_block_names {
    const char *expand, *expand_norm, *depthwise, *depthwise_norm, *reduce, *excite, *project, *project_norm;
} nlg_mobile_block_names;

/* The naming of a network. `scope` pushes that of a block, given its stage, its index in the stage and its index in the network. */
typedef struct nlg_mobile_naming {
    const char *stem, *stem_norm, *head, *head_norm, *classifier;
    nlg_mobile_block_names block, block_without_expand;
    void (*scope)(nlg_builder *b, int stage, int index, int block);
} nlg_mobile_naming;
extern const nlg_mobile_naming nlg_mobile_naming_timm;

typedef struct nlg_mobile_net {
    const nlg_mobile_naming *naming;
    const nlg_mobile_stage *stages;
    int n_stages;
    float width, depth;   /* multipliers of the stages' channels and repeats; 0: 1 */
    bool fixed_end_depth; /* the depth multiplier leaves the first and the last stage alone */
    int stem, head;       /* channels, scaled already; head 0: none */
    int stem_stride;      /* default 2 */
    bool v1;              /* MobileNet v1: no residual connections, an activation after the projecting convolution */
    bool dense;           /* a full convolution in place of the depthwise and the projecting one */
    bool relu_bottleneck; /* an activation after the projecting convolution */
    nlg_mobile_join join;
    nlg_act act;
    bool same; /* TensorFlow's padding */
    nlg_norm_args norm;
    float dropout;   /* before the classifier */
    float drop_path; /* of the last block, growing linearly from 0 at the first */
} nlg_mobile_net;
void nlg_mobile_build(nlg_builder *b, const nlg_mobile_net *net, nlg_shape input, int classes);
/* Stem and blocks; `after` (may be NULL) takes the output of each of the net's stages. */
nlg_value nlg_mobile_trunk(nlg_builder *b, const nlg_mobile_net *net, nlg_value x, nlg_value *after);
void nlg_mobile_build_on(nlg_builder *b, const nlg_mobile_net *net, nlg_value x, int classes); /* x: the image */

#endif
