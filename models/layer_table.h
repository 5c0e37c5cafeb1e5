/* Networks written as text: layer tables with branches, as papers of the Inception family print them.
 *
 *   items     item, item, ...            one after another
 *   conv      NAME KxK/STRIDE:OUT        convolution, batch norm, ReLU; "3x3" pads to keep the size, "3x3v" does not pad; a final
 *                                        "!" is a plain convolution with bias
 *   pool      max 3x3/2  avg 3x3         "v": no padding, "c": no padding and the size rounded up
 *   branches  ( items | items | ... )    concatenated
 *   scope     NAME { items }             names inside are NAME.name
 *   repeat    NAME *N@FIRST { items }    scopes NAME.FIRST, NAME.FIRST+1, ...; @FIRST may be missing (0)
 *   block     [TITLE] item               the item, or each repetition of a repeat, is a block of this title
 *   residual  residual 0.17 { items }    relu(x + 0.17 * items(x)); "residual_linear": without the ReLU
 *   aux       aux 0.3@1 { items }        an auxiliary head with this loss weight on the value of "mark 1" (without @: on x); the
 *                                        main path goes on from x
 *   others    mark N, lrn, relu, global (average pool), adaptive N, dropout RATE, dense NAME OUT (linear, ReLU), classes NAME
 * (linear)
 */
#ifndef NLG_LAYER_TABLE_H
#define NLG_LAYER_TABLE_H

#include "models/model.h"

/* What the table leaves open, the same in the whole network. */
typedef struct nlg_layer_table {
    const char *items;
    bool no_norm;            /* convolution and ReLU only */
    bool bias;               /* of the convolutions */
    float norm_eps;          /* default 1e-5 */
    bool exclude_pad;        /* average pools divide by the pixels inside */
    const char *conv_suffix; /* of the layer's name, for its two parts: ".conv" and ".bn" by default */
    const char *norm_suffix;
    float lrn_alpha; /* over 5 channels, beta 0.75, k 1 */
} nlg_layer_table;

/* Adds the table's layers behind x and returns the last value. */
nlg_value nlg_build_layer_table(nlg_builder *b, const nlg_layer_table *table, nlg_value x, int classes);
/* The build function of families whose spec is a layer table: input, table, output. */
void nlg_build_table_model(nlg_builder *b, const nlg_model *model, nlg_shape input, int classes);

#endif
