/* Our own table: every architecture of a small space trained with several seeds, so that searches on it can be replayed in seconds
 * and any row can be checked by training it again.
 *
 * PATH.csv.gz has a row for each architecture: genotype, hash, parameters, MACs and, for each seed, the validation accuracy after
 * every epoch, the seconds that the trial took and the digest of the trained weights. PATH-test.csv.gz has the test accuracies,
 * apart. PATH.json says how the rows were trained and has the digests of both files. Accuracies are in percent. The
 * rows are trained by code above this folder; a seed trains an architecture to the same bits as a search with that --seed does. */
#ifndef NLG_OWN_TABLE_H
#define NLG_OWN_TABLE_H

#include "train/train.h"
#include "search/space.h"

struct nlg_table_file;

enum { NLG_TABLE_SEEDS = 8, NLG_TABLE_EPOCHS = 64, NLG_TABLE_CODES = 1000000 };

/* One training. */
typedef struct nlg_table_row {
    nlg_code code;
    int seed; /* 1 .. seeds */
    int64_t params, macs;
    int epochs;
    double validation[NLG_TABLE_EPOCHS], test; /* percent */
    double seconds;                            /* of training, validating and testing */
    char digest[65];
} nlg_table_row;

typedef struct nlg_table_recipe {
    const nlg_space *space;
    nlg_dataset *dataset; /* with its test split opened */
    nlg_dataset_options data;
    const nlg_exec *exec;
    nlg_recipe recipe;
    int seeds;
    int limit; /* this many architectures, evenly over the space (for tests); 0: all */
} nlg_table_recipe;

/* NLG_ERR_INPUT unless the recipe's space has networks and at most NLG_TABLE_CODES codes, and its seeds and epochs fit a table. */
nlg_status nlg_table_check(const nlg_table_recipe *recipe, nlg_error *err);

/* All architectures of a space of at most NLG_TABLE_CODES codes, canonical, in order of their codes; free with nlg_free. */
nlg_status nlg_space_list(const nlg_space *space, nlg_code **codes, int *count, nlg_error *err);
/* Those of a table: as many as its limit says, at equal distances in that list. */
nlg_status nlg_table_list(const nlg_table_recipe *recipe, nlg_code **codes, int *count, nlg_error *err);

/* A table before it is written. All is borrowed. */
typedef struct nlg_table {
    const nlg_table_recipe *recipe;
    const nlg_code *codes;
    int count;                 /* architectures */
    const nlg_table_row *rows; /* count x seeds */
} nlg_table;
/* Writes the three files, PATH.json last. digest: of the table without seconds. */
nlg_status nlg_table_write(const nlg_table *table, const char *path, char digest[65], nlg_error *err);
/* *found: whether PATH holds the table of this recipe already, whole; digest: its. A finished table of another recipe is the work
 * of hours and not written over: NLG_ERR_INPUT. A damaged one counts as absent. */
nlg_status nlg_table_find(const nlg_table_recipe *recipe, const char *path, bool *found, char digest[65], nlg_error *err);

/* JSON text of all that the rows depend on; free with nlg_free. */
nlg_status nlg_table_config(const nlg_table_recipe *recipe, char **text, nlg_error *err);

/* How a finished table was made: reads PATH.json into a recipe without space, dataset and exec, and the names of these two. The
 * file may come from anywhere: a number that no table can have is NLG_ERR_INPUT. */
typedef struct nlg_table_facts {
    char space[NLG_SPACE_NAME_MAX], data[64];
    char digest[65];                       /* of the table without seconds */
    char file_digest[65], test_digest[65]; /* of the unpacked files */
    int architectures, numerics_version;
    nlg_table_recipe recipe;
    char *config; /* as nlg_table_config gives it for the same recipe */
} nlg_table_facts;
nlg_status nlg_table_facts_read(const char *path, nlg_table_facts *facts, nlg_error *err);
void nlg_table_facts_free(nlg_table_facts *facts);
/* NLG_ERR_CHECK with the file named unless both files are those that the facts tell of. */
nlg_status nlg_table_facts_check(const nlg_table_facts *facts, const struct nlg_table_file *table,
                                 const struct nlg_table_file *test, nlg_error *err);

#endif
