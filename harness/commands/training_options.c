/* Options about data and training that several commands share. */
#include "harness/commands/training_options.h"

#include "harness/options.h"

nlg_status nlg_training_option(nlg_training_options *options, int key, const char *value, nlg_error *err) {
    nlg_training_options *o = options;
    int64_t seed;
    switch (key) {
    case NLG_KEY_DATA:
        o->data = value;
        return NLG_OK;
    case NLG_KEY_TRAIN_IMAGES:
        return nlg_option_count("--train-images", value, &o->dataset.train_limit, err);
    case NLG_KEY_VALIDATION_IMAGES:
        return nlg_option_count("--validation-images", value, &o->dataset.validation, err);
    case NLG_KEY_SPLIT_SEED:
        NLG_TRY(nlg_option_integer("--split-seed", value, 0, INT64_MAX, &seed, err));
        o->dataset.split_seed = (uint64_t)seed;
        return NLG_OK;
    case NLG_KEY_EPOCHS:
        return nlg_option_int("--epochs", value, 1, 100000, &o->epochs, err);
    case NLG_KEY_BATCH:
        return nlg_option_int("--batch", value, 1, 1 << 16, &o->batch, err);
    default:
        return nlg_option_number("--lr", value, 0, 1e9, &o->lr, err);
    }
}

nlg_recipe nlg_training_recipe(const nlg_training_options *options) {
    nlg_recipe recipe = nlg_recipe_default();
    const nlg_dataset_format *format = NULL;
    if (options->data && nlg_dataset_format_find(options->data, &format, NULL) == NLG_OK)
        recipe = nlg_task_recipe(nlg_task_for(&(const nlg_dataset_info){.targets = nlg_dataset_format_targets(format)}));
    recipe.epochs = options->epochs;
    if (options->batch) recipe.batch = options->batch;
    if (options->lr >= 0) recipe.lr = options->lr;
    return recipe;
}
