/* Writing our own table, and finding one that is finished. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "search/evaluators/own_table.h"
#include "search/table_file.h"

enum { LARGEST_PIECE = 4096 };

/* ---- the text of growing files ----------------------------------------------------------------------------------------- */

typedef struct text {
    char *bytes;
    size_t size, room;
    bool failed;
} text;

static void add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *format, ...) {
    char piece[LARGEST_PIECE];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(piece, sizeof piece, format, list);
    va_end(list);
    t->failed = t->failed || length < 0 || length >= (int)sizeof piece;
    if (t->failed) return;
    if (t->size + (size_t)length > t->room) {
        const size_t room = 2 * (t->size + (size_t)length);
        char *bytes = nlg_realloc(t->bytes, room, 1);
        t->failed = !bytes;
        if (t->failed) return;
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->size, piece, (size_t)length);
    t->size += (size_t)length;
}

/* ---- the tables -------------------------------------------------------------------------------------------------------- */

static const nlg_table_row *row_of(const nlg_table *table, int architecture, int seed) {
    return &table->rows[(size_t)architecture * (size_t)table->recipe->seeds + (size_t)(seed - 1)];
}

static void write_header(const nlg_table *table, text *t, bool seconds) {
    add(t, "arch,hash,params,macs");
    for (int seed = 1; seed <= table->recipe->seeds; seed++) {
        for (int epoch = 1; epoch <= table->recipe->recipe.epochs; epoch++) add(t, ",val_s%d_e%d", seed, epoch);
        if (seconds) add(t, ",seconds_s%d", seed);
        add(t, ",digest_s%d", seed);
    }
    add(t, "\n");
}

static nlg_status write_table(const nlg_table *table, text *t, bool seconds, nlg_error *err) {
    const nlg_space *space = table->recipe->space;
    write_header(table, t, seconds);
    for (int i = 0; i < table->count; i++) {
        char genotype[NLG_GENOTYPE_MAX], hash[65];
        space->encode(space, &table->codes[i], genotype, sizeof genotype);
        if (strpbrk(genotype, ",\n"))
            return nlg_fail(err, NLG_ERR_INPUT, "space %s: a genotype with a comma cannot stand in a table: %s", space->name,
                            genotype);
        NLG_TRY(nlg_space_hash(space, &table->codes[i], hash, err));
        add(t, "%s,%s,%" PRId64 ",%" PRId64, genotype, hash, row_of(table, i, 1)->params, row_of(table, i, 1)->macs);
        for (int seed = 1; seed <= table->recipe->seeds; seed++) {
            const nlg_table_row *row = row_of(table, i, seed);
            for (int epoch = 0; epoch < row->epochs; epoch++) add(t, ",%.10g", row->validation[epoch]);
            if (seconds) add(t, ",%.6g", row->seconds);
            add(t, ",%s", row->digest);
        }
        add(t, "\n");
    }
    return NLG_OK;
}

static void write_test_table(const nlg_table *table, text *t) {
    add(t, "arch");
    for (int seed = 1; seed <= table->recipe->seeds; seed++) add(t, ",test_s%d", seed);
    add(t, "\n");
    for (int i = 0; i < table->count; i++) {
        char genotype[NLG_GENOTYPE_MAX];
        table->recipe->space->encode(table->recipe->space, &table->codes[i], genotype, sizeof genotype);
        add(t, "%s", genotype);
        for (int seed = 1; seed <= table->recipe->seeds; seed++) add(t, ",%.10g", row_of(table, i, seed)->test);
        add(t, "\n");
    }
}

static nlg_status digest_of(const text *t, char digest[65], nlg_error *err) {
    nlg_digest *d = nlg_digest_create();
    if (!d) return nlg_fail_memory(err, 256, "a digest");
    nlg_digest_update(d, t->bytes, t->size);
    nlg_digest_finish(d, digest);
    return NLG_OK;
}

static nlg_status write_text(const char *path, const char *ending, text *t, nlg_error *err) {
    char *name = NULL;
    nlg_status status = t->failed ? nlg_fail_memory(err, t->size, "a table") : nlg_table_path(path, ending, &name, err);
    if (status == NLG_OK)
        status = strstr(ending, ".gz") ? nlg_pack_file(name, t->bytes, t->size, err) : nlg_file_write(name, t->bytes, t->size, err);
    nlg_free(name);
    return status;
}

nlg_status nlg_table_write(const nlg_table *table, const char *path, char digest[65], nlg_error *err) {
    text all = {0}, plain = {0}, test = {0}, facts = {0};
    char test_digest[65] = "", file_digest[65] = "", *config;
    NLG_TRY(nlg_table_config(table->recipe, &config, err));
    nlg_status status = write_table(table, &all, true, err);
    if (status == NLG_OK) status = write_table(table, &plain, false, err);
    write_test_table(table, &test);
    if (status == NLG_OK) status = write_text(path, ".csv.gz", &all, err);
    if (status == NLG_OK) status = write_text(path, "-test.csv.gz", &test, err);
    if (status == NLG_OK) status = digest_of(&plain, digest, err);
    if (status == NLG_OK) status = digest_of(&all, file_digest, err);
    if (status == NLG_OK) status = digest_of(&test, test_digest, err);
    add(&facts,
        "{\"digest\": \"%s\",\n \"file_digest\": \"%s\",\n \"test_file_digest\": \"%s\",\n \"architectures\": %d,\n \"config\": ",
        digest, file_digest, test_digest, table->count);
    add(&facts, "%s}\n", config);
    if (status == NLG_OK) status = write_text(path, ".json", &facts, err);
    nlg_free(config);
    nlg_free(all.bytes);
    nlg_free(plain.bytes);
    nlg_free(test.bytes);
    nlg_free(facts.bytes);
    return status;
}

/* ---- one that is finished ---------------------------------------------------------------------------------------------- */

nlg_status nlg_table_find(const nlg_table_recipe *recipe, const char *path, bool *found, char digest[65], nlg_error *err) {
    static const char *const endings[] = {".json", ".csv.gz", "-test.csv.gz"};
    char *names[3] = {NULL, NULL, NULL}, *config = NULL;
    nlg_table_facts facts = {0};
    nlg_table_file *table = NULL, *test = NULL;
    nlg_status status = NLG_OK;
    *found = false;
    for (int i = 0; i < 3 && status == NLG_OK; i++) status = nlg_table_path(path, endings[i], &names[i], err);
    if (status == NLG_OK && nlg_file_exists(names[0])) {
        status = nlg_table_config(recipe, &config, err);
        if (status == NLG_OK) status = nlg_table_facts_read(path, &facts, err);
        if (status == NLG_OK && strcmp(facts.config, config) != 0)
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: tells of a finished table of space %s with other settings, data or numerics version; remove its "
                              "files to build another there, or name another path",
                              names[0], facts.space);
        nlg_error damage = {0};
        *found = status == NLG_OK && nlg_table_file_open(names[1], &table, &damage) == NLG_OK &&
                 nlg_table_file_open(names[2], &test, &damage) == NLG_OK &&
                 nlg_table_facts_check(&facts, table, test, &damage) == NLG_OK;
        if (*found) snprintf(digest, 65, "%s", facts.digest);
    }
    nlg_table_file_close(table);
    nlg_table_file_close(test);
    nlg_table_facts_free(&facts);
    nlg_free(config);
    for (int i = 0; i < 3; i++) nlg_free(names[i]);
    return status;
}
