/* Options about data and training that several commands share: --data, --train-images, --validation-images, --split-seed, --epochs,
 * --batch, --lr. A command lists those that it takes with these keys, since defaults and help texts are its own. */
#ifndef NLG_TRAINING_OPTIONS_H
#define NLG_TRAINING_OPTIONS_H

#include "harness/command.h"
#include "train/train.h"

typedef struct nlg_training_options {
    const char *data;
    nlg_dataset_options dataset;
    int epochs, batch;
    double lr; /* negative: the recipe's default; 0 is a rate */
} nlg_training_options;

enum {
    NLG_KEY_DATA = 0x200,
    NLG_KEY_TRAIN_IMAGES,
    NLG_KEY_VALIDATION_IMAGES,
    NLG_KEY_SPLIT_SEED,
    NLG_KEY_EPOCHS,
    NLG_KEY_BATCH,
    NLG_KEY_LR,
};

#define NLG_OPTION_DATA(group)                                                                                                     \
    {                                                                                                                              \
        "data", NLG_KEY_DATA, "NAME", 0,                                                                                           \
            "fashion-mnist (default), mnist, cifar10, imagefolder:DIR, or NAME:DIR; for detectors scenes or coco:DIR", group       \
    }
#define NLG_OPTION_SPLIT_SEED(group)                                                                                               \
    { "split-seed", NLG_KEY_SPLIT_SEED, "N", 0, "Key of the permutation that cuts validation from training (default 0)", group }

/* Reads one of them. Another key is a mistake of the command. */
nlg_status nlg_training_option(nlg_training_options *options, int key, const char *value, nlg_error *err);
static inline bool nlg_is_training_option(int key) {
    return key >= NLG_KEY_DATA && key <= NLG_KEY_LR;
}

/* The default recipe of the data's task with the epochs, the batch (if given) and the rate (if given). */
nlg_recipe nlg_training_recipe(const nlg_training_options *options);

#endif
