/* Building our own table: trainings that are missing, one line each in PATH.rows, then the compressed tables.
 *
 * The first line is the configuration: other settings never mix. Every other line is written and synced by the process that has
 * trained, begins with a newline and ends with a digest of the configuration and the line: what was cut, damaged or glued together
 * is ignored, so that its training is done again. PATH.rows-lock keeps other builds away. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "datasets/format.h"
#include "layers/base/digest.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"
#include "layers/kernels/exec.h"
#include "search/evaluators/own_table.h"
#include "search/evaluators/table_file.h"
#include "search/parallel/workers.h"
#include "search/store/store_lock.h"

enum { LARGEST_ROWS = 512 << 20, LINE_MAX_BYTES = 4096, CHECK_DIGITS = 16 };

typedef struct build {
    const nlg_table_build_options *options;
    const nlg_table_recipe *recipe;
    char *config, *rows_path;
    nlg_store_lock lock;
    int count; /* architectures */
    nlg_code *codes;
    nlg_table_row *rows; /* count x seeds; epochs 0: not trained yet */
    int done, total;
} build;

/* ---- the text of growing files ----------------------------------------------------------------------------------------- */

typedef struct text {
    char *bytes;
    size_t size, room;
    bool failed;
} text;

static void add(text *t, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(text *t, const char *format, ...) {
    char part[LINE_MAX_BYTES];
    va_list list;
    va_start(list, format);
    const int length = vsnprintf(part, sizeof part, format, list);
    va_end(list);
    t->failed = t->failed || length < 0 || length >= (int)sizeof part;
    if (t->failed) return;
    if (t->size + (size_t)length > t->room) {
        const size_t room = 2 * (t->size + (size_t)length);
        char *bytes = nlg_realloc(t->bytes, room, 1);
        t->failed = !bytes;
        if (t->failed) return;
        t->bytes = bytes;
        t->room = room;
    }
    memcpy(t->bytes + t->size, part, (size_t)length);
    t->size += (size_t)length;
}

/* ---- PATH.rows --------------------------------------------------------------------------------------------------------- */

static nlg_table_row *row_of(const build *b, int architecture, int seed) {
    return &b->rows[(size_t)architecture * (size_t)b->recipe->seeds + (size_t)(seed - 1)];
}

static bool write_all(int file, const char *bytes, size_t size) {
    while (size > 0) {
        const ssize_t n = write(file, bytes, size);
        if (n < 0 && errno != EINTR) return false;
        if (n > 0) bytes += n, size -= (size_t)n;
    }
    return true;
}

/* All of it or nothing. Workers take turns, so that no line begins within another. */
static nlg_status append(const build *b, const char *line, size_t size, nlg_error *err) {
    const int file = open(b->rows_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (file < 0) return nlg_fail(err, NLG_ERR_IO, "%s: cannot be opened any more: %s", b->rows_path, strerror(errno));
    bool good;
    do good = flock(file, LOCK_EX) == 0;
    while (!good && errno == EINTR);
    const off_t start = good ? lseek(file, 0, SEEK_END) : -1;
    good = good && start >= 0 && write_all(file, line, size) && fsync(file) == 0;
    const int cause = errno;
    if (!good && start >= 0 && ftruncate(file, start) != 0) /* what stays has no digest and is ignored */
        nlg_warn("%s: a line that was cut cannot be removed: %s; it is not read", b->rows_path, strerror(errno));
    close(file);
    return good ? NLG_OK
                : nlg_fail(err, NLG_ERR_IO,
                           "%s: cannot be written: %s; what was trained before is safe: give the same command again", b->rows_path,
                           strerror(cause));
}

static nlg_status check_of(const build *b, const char *line, size_t size, char check[CHECK_DIGITS + 1], nlg_error *err) {
    char hex[65];
    nlg_digest *d = nlg_digest_create();
    if (!d) return nlg_fail_memory(err, 256, "a digest");
    nlg_digest_update(d, b->config, strlen(b->config) + 1);
    nlg_digest_update(d, line, size);
    nlg_digest_finish(d, hex);
    snprintf(check, CHECK_DIGITS + 1, "%.*s", CHECK_DIGITS, hex);
    return NLG_OK;
}

static nlg_status append_row(const build *b, int architecture, const nlg_table_row *row, nlg_error *err) {
    text t = {0};
    char check[CHECK_DIGITS + 1] = "";
    add(&t, "\n%d %d %" PRId64 " %" PRId64 " %s %.6g %.10g %d", architecture, row->seed, row->params, row->macs, row->digest,
        row->seconds, row->test, row->epochs);
    for (int i = 0; i < row->epochs; i++) add(&t, " %.10g", row->validation[i]);
    nlg_status status = t.failed ? nlg_fail_memory(err, LINE_MAX_BYTES, "a row") : check_of(b, t.bytes + 1, t.size - 1, check, err);
    if (status == NLG_OK) add(&t, " %s\n", check);
    if (status == NLG_OK) status = t.failed ? nlg_fail_memory(err, LINE_MAX_BYTES, "a row") : append(b, t.bytes, t.size, err);
    nlg_free(t.bytes);
    return status;
}

/* Takes a line in, unless it is none that append_row wrote for this configuration. */
static nlg_status read_row(const build *b, char *line, size_t size, nlg_error *err) {
    nlg_table_row row = {0};
    int architecture = -1, length = 0;
    char check[CHECK_DIGITS + 1];
    if (size < CHECK_DIGITS + 2 || size > LINE_MAX_BYTES || memchr(line, '\0', size)) return NLG_OK;
    const size_t content = size - CHECK_DIGITS - 1;
    line[size] = '\0';
    NLG_TRY(check_of(b, line, content, check, err));
    if (line[content] != ' ' || strcmp(line + content + 1, check) != 0) return NLG_OK;
    line[content] = '\0';
    if (sscanf(line, "%d %d %" SCNd64 " %" SCNd64 " %64s %lf %lf %d%n", &architecture, &row.seed, &row.params, &row.macs,
               row.digest, &row.seconds, &row.test, &row.epochs, &length) != 8)
        return NLG_OK;
    if (architecture < 0 || architecture >= b->count || row.seed < 1 || row.seed > b->recipe->seeds) return NLG_OK;
    if (row.epochs != b->recipe->recipe.epochs) return NLG_OK;
    const char *at = line + length;
    for (int i = 0; i < row.epochs; i++) {
        char *end;
        row.validation[i] = strtod(at, &end);
        if (end == at) return NLG_OK;
        at = end;
    }
    if (*at) return NLG_OK;
    row.code = b->codes[architecture];
    *row_of(b, architecture, row.seed) = row;
    return NLG_OK;
}

static nlg_status write_header_line(const build *b, nlg_error *err) {
    const size_t size = strlen(b->config) + 1;
    char *line = nlg_alloc(size + 1, 1);
    if (!line) return nlg_fail_memory(err, size + 1, "the first line");
    snprintf(line, size + 1, "%s\n", b->config);
    nlg_status status = nlg_file_write(b->rows_path, line, size, err);
    nlg_free(line);
    return status;
}

static nlg_status continue_rows(build *b, nlg_error *err) {
    char *content = NULL;
    size_t size;
    NLG_TRY(nlg_file_read(b->rows_path, LARGEST_ROWS, &content, &size, err));
    const size_t config = strlen(b->config);
    nlg_status status = NLG_OK;
    if (size <= config && memcmp(content, b->config, size) == 0) { /* nothing but a cut first line */
        nlg_free(content);
        return write_header_line(b, err);
    }
    if (size <= config || content[config] != '\n' || memcmp(content, b->config, config) != 0)
        status =
            nlg_fail(err, NLG_ERR_INPUT,
                     "%s: was begun with other settings, data or numerics version; remove it to begin again, or name another path",
                     b->rows_path);
    char *line = content + config + 1, *end;
    while (status == NLG_OK && (end = memchr(line, '\n', size - (size_t)(line - content)))) {
        status = read_row(b, line, (size_t)(end - line), err);
        line = end + 1;
    }
    nlg_free(content);
    return status;
}

static nlg_status begin_rows(build *b, nlg_error *err) {
    NLG_TRY(nlg_file_exists(b->rows_path) ? continue_rows(b, err) : write_header_line(b, err));
    for (int i = 0; i < b->total; i++) b->done += b->rows[i].epochs > 0;
    return NLG_OK;
}

/* ---- training ---------------------------------------------------------------------------------------------------------- */

static nlg_status train_and_append(build *b, int number, nlg_table_row *row, nlg_error *err) {
    const int architecture = number / b->recipe->seeds, seed = number % b->recipe->seeds + 1;
    NLG_TRY(nlg_table_train(b->recipe, &b->codes[architecture], seed, row, err));
    return append_row(b, architecture, row, err);
}

static nlg_status report(build *b, nlg_error *err) {
    b->done++;
    const nlg_table_build_options *o = b->options;
    if (!o->progress || o->progress(o->progress_context, b->done, b->total)) return NLG_OK;
    return nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped after %d of %d trainings; give the same command again to continue", b->done,
                    b->total);
}

/* In a worker: what it has trained is in the file when it ends. */
static nlg_status evaluate(void *context, const nlg_space *space, nlg_trial *trial, nlg_error *err) {
    (void)space;
    nlg_table_row row;
    return train_and_append(context, trial->number, &row, err);
}

static nlg_status after_worker(void *context, nlg_trial *trial, nlg_error *err) {
    if (trial->status != NLG_TRIAL_DONE) return nlg_fail(err, NLG_ERR_CHECK, "training %d: %s", trial->number, trial->message);
    return report(context, err);
}

static nlg_status train_in_workers(build *b, nlg_error *err) {
    nlg_trial *trials = nlg_alloc((size_t)b->total, sizeof *trials);
    int *chosen = nlg_alloc((size_t)b->total, sizeof *chosen), count = 0;
    nlg_status status = trials && chosen ? NLG_OK : nlg_fail_memory(err, (size_t)b->total * sizeof *trials, "the trainings");
    for (int i = 0; status == NLG_OK && i < b->total; i++) {
        trials[i] = (nlg_trial){.number = i, .budget = 1};
        if (!b->rows[i].epochs) chosen[count++] = i;
    }
    const nlg_evaluator evaluator = {.name = "table rows", .context = b, .evaluate = evaluate};
    const nlg_worker_job job = {.evaluator = &evaluator,
                                .space = b->recipe->space,
                                .workers = b->options->workers,
                                .done = after_worker,
                                .context = b,
                                .stop = b->options->stop};
    if (status == NLG_OK) status = nlg_workers_run(&job, trials, chosen, count, err);
    nlg_free(trials);
    nlg_free(chosen);
    return status == NLG_OK ? continue_rows(b, err) : status;
}

static nlg_status train_here(build *b, nlg_error *err) {
    for (int i = 0; i < b->total; i++) {
        if (b->rows[i].epochs) continue;
        NLG_TRY(train_and_append(b, i, &b->rows[i], err));
        NLG_TRY(report(b, err));
    }
    return NLG_OK;
}

/* ---- the tables -------------------------------------------------------------------------------------------------------- */

static void write_header(const build *b, text *t, bool seconds) {
    add(t, "arch,hash,params,macs");
    for (int seed = 1; seed <= b->recipe->seeds; seed++) {
        for (int epoch = 1; epoch <= b->recipe->recipe.epochs; epoch++) add(t, ",val_s%d_e%d", seed, epoch);
        if (seconds) add(t, ",seconds_s%d", seed);
        add(t, ",digest_s%d", seed);
    }
    add(t, "\n");
}

static nlg_status write_table(const build *b, text *t, bool seconds, nlg_error *err) {
    const nlg_space *space = b->recipe->space;
    write_header(b, t, seconds);
    for (int i = 0; i < b->count; i++) {
        char genotype[NLG_GENOTYPE_MAX], hash[65];
        space->encode(space, &b->codes[i], genotype, sizeof genotype);
        if (strpbrk(genotype, ",\n"))
            return nlg_fail(err, NLG_ERR_INPUT, "space %s: a genotype with a comma cannot stand in a table: %s", space->name,
                            genotype);
        NLG_TRY(nlg_space_hash(space, &b->codes[i], hash, err));
        add(t, "%s,%s,%" PRId64 ",%" PRId64, genotype, hash, row_of(b, i, 1)->params, row_of(b, i, 1)->macs);
        for (int seed = 1; seed <= b->recipe->seeds; seed++) {
            const nlg_table_row *row = row_of(b, i, seed);
            for (int epoch = 0; epoch < row->epochs; epoch++) add(t, ",%.10g", row->validation[epoch]);
            if (seconds) add(t, ",%.6g", row->seconds);
            add(t, ",%s", row->digest);
        }
        add(t, "\n");
    }
    return NLG_OK;
}

static void write_test_table(const build *b, text *t) {
    add(t, "arch");
    for (int seed = 1; seed <= b->recipe->seeds; seed++) add(t, ",test_s%d", seed);
    add(t, "\n");
    for (int i = 0; i < b->count; i++) {
        char genotype[NLG_GENOTYPE_MAX];
        b->recipe->space->encode(b->recipe->space, &b->codes[i], genotype, sizeof genotype);
        add(t, "%s", genotype);
        for (int seed = 1; seed <= b->recipe->seeds; seed++) add(t, ",%.10g", row_of(b, i, seed)->test);
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

static nlg_status write_text(const build *b, const char *ending, text *t, nlg_error *err) {
    char *path = NULL;
    nlg_status status = t->failed ? nlg_fail_memory(err, t->size, "a table") : nlg_table_path(b->options->path, ending, &path, err);
    if (status == NLG_OK)
        status = strstr(ending, ".gz") ? nlg_pack_file(path, t->bytes, t->size, err) : nlg_file_write(path, t->bytes, t->size, err);
    nlg_free(path);
    return status;
}

static nlg_status write_tables(const build *b, char digest[65], nlg_error *err) {
    text table = {0}, plain = {0}, test = {0}, facts = {0};
    char test_digest[65] = "", file_digest[65] = "";
    nlg_status status = write_table(b, &table, true, err);
    if (status == NLG_OK) status = write_table(b, &plain, false, err);
    write_test_table(b, &test);
    if (status == NLG_OK) status = write_text(b, ".csv.gz", &table, err);
    if (status == NLG_OK) status = write_text(b, "-test.csv.gz", &test, err);
    if (status == NLG_OK) status = digest_of(&plain, digest, err);
    if (status == NLG_OK) status = digest_of(&table, file_digest, err);
    if (status == NLG_OK) status = digest_of(&test, test_digest, err);
    add(&facts,
        "{\"digest\": \"%s\",\n \"file_digest\": \"%s\",\n \"test_file_digest\": \"%s\",\n \"architectures\": %d,\n \"config\": ",
        digest, file_digest, test_digest, b->count);
    add(&facts, "%s}\n", b->config);
    if (status == NLG_OK) status = write_text(b, ".json", &facts, err);
    nlg_free(table.bytes);
    nlg_free(plain.bytes);
    nlg_free(test.bytes);
    nlg_free(facts.bytes);
    return status;
}

/* ---- all of it --------------------------------------------------------------------------------------------------------- */

/* As many architectures as asked for, at equal distances in the list. */
static void thin_out(build *b, int limit) {
    if (limit == 0 || limit >= b->count) return;
    for (int i = 0; i < limit; i++) b->codes[i] = b->codes[(int64_t)i * b->count / limit];
    b->count = limit;
}

/* Whether PATH holds this very table already, whole; digest: its. A table of other settings is the work of hours: it is not written
 * over. One that is damaged is built again. */
static nlg_status find_finished(const build *b, bool *finished, char digest[65], nlg_error *err) {
    char *names[3] = {NULL, NULL, NULL};
    static const char *const endings[] = {".json", ".csv.gz", "-test.csv.gz"};
    nlg_table_facts facts = {0};
    nlg_table_file *table = NULL, *test = NULL;
    nlg_status status = NLG_OK;
    *finished = false;
    for (int i = 0; i < 3 && status == NLG_OK; i++) status = nlg_table_path(b->options->path, endings[i], &names[i], err);
    if (status == NLG_OK && nlg_file_exists(names[0])) {
        status = nlg_table_facts_read(b->options->path, &facts, err);
        if (status == NLG_OK && strcmp(facts.config, b->config) != 0)
            status = nlg_fail(err, NLG_ERR_INPUT,
                              "%s: tells of a finished table of space %s with other settings, data or numerics version; remove its "
                              "files to build another there, or name another path",
                              names[0], facts.space);
        nlg_error damage = {0};
        *finished = status == NLG_OK && nlg_table_file_open(names[1], &table, &damage) == NLG_OK &&
                    nlg_table_file_open(names[2], &test, &damage) == NLG_OK &&
                    nlg_table_facts_check(&facts, table, test, &damage) == NLG_OK;
        if (*finished) snprintf(digest, 65, "%s", facts.digest);
    }
    nlg_table_file_close(table);
    nlg_table_file_close(test);
    nlg_table_facts_free(&facts);
    for (int i = 0; i < 3; i++) nlg_free(names[i]);
    return status;
}

static nlg_status set_up(build *b, bool *finished, char digest[65], nlg_error *err) {
    const nlg_table_recipe *r = b->recipe;
    NLG_TRY(nlg_table_check(r, err));
    NLG_TRY(nlg_table_path(b->options->path, ".rows", &b->rows_path, err));
    NLG_TRY(nlg_store_lock_take(&b->lock, b->rows_path, err));
    NLG_TRY(nlg_table_config(r, &b->config, err));
    NLG_TRY(find_finished(b, finished, digest, err));
    if (*finished) return NLG_OK;
    NLG_TRY(nlg_space_list(r->space, &b->codes, &b->count, err));
    thin_out(b, r->limit);
    b->total = b->count * r->seeds;
    b->rows = nlg_alloc((size_t)b->total, sizeof *b->rows);
    if (!b->rows) return nlg_fail_memory(err, (size_t)b->total * sizeof *b->rows, "the rows");
    return begin_rows(b, err);
}

nlg_status nlg_table_build(const nlg_table_build_options *options, char digest[65], nlg_error *err) {
    build b = {.options = options, .recipe = &options->recipe, .lock.file = -1};
    bool finished = false;
    nlg_status status = set_up(&b, &finished, digest, err);
    if (status == NLG_OK && b.done < b.total) status = options->workers > 0 ? train_in_workers(&b, err) : train_here(&b, err);
    for (int i = 0; status == NLG_OK && i < b.total; i++) {
        if (!b.rows[i].epochs) status = nlg_fail(err, NLG_ERR_IO, "%s: a row is missing; give the same command again", b.rows_path);
    }
    if (status == NLG_OK && !finished) status = write_tables(&b, digest, err);
    if (status == NLG_OK) nlg_file_remove(b.rows_path); /* also of a build that was killed behind its last file */
    nlg_store_lock_release(&b.lock);
    nlg_free(b.config);
    nlg_free(b.rows_path);
    nlg_free(b.codes);
    nlg_free(b.rows);
    return status;
}
