/* Architectures of spaces as models, so that every command that takes a network takes them too. */
#ifndef NLG_SPACE_MODEL_H
#define NLG_SPACE_MODEL_H

#include "models/model.h"
#include "search/space.h"

/* A row like those of the model registry for the architecture with this genotype (white space around it is free). Its name is the
 * space's. Input {0,0,0} and classes 0: the space's own; other sizes are allowed. The row lives in the arena and borrows the space;
 * a genotype that the space does not have, or a space without networks, is NLG_ERR_INPUT. */
nlg_status nlg_space_model(const nlg_space *space, const char *genotype, nlg_shape input, int classes, nlg_arena *arena,
                           const nlg_model **model, nlg_error *err);

#endif
