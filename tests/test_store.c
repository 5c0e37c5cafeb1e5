/* search: the trial store: files that are no good, full disks, two writers, listing. */
#include "tests/made_up_search.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "layers/kernels/exec.h"
#include "search/store/store.h"

/* --- stores that are no good -------------------------------------------------------------------------------------------- */

static void make_store(const char *name) {
    nlg_search_result r;
    remove_store(name);
    search_well(&(experiment){.options = small_population, .budget = TRIALS, .seed = 1, .store = store_path(name)}, &r);
    nlg_free(r.trials);
}

static void write_bytes(const char *path, int flags, long offset, const void *bytes, size_t size) {
    int file = open(path, O_WRONLY | flags, 0666);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, bytes, size, offset), size);
    close(file);
}

static void change(const char *path, const char *sql) {
    sqlite3 *database;
    assert_int_equal(sqlite3_open(path, &database), SQLITE_OK);
    char *text = NULL;
    if (sqlite3_exec(database, sql, NULL, NULL, &text) != SQLITE_OK) fail_msg("%s: %s", sql, text);
    sqlite3_close(database);
}

/* A search on the store ends with one line that names the file and says `part`. */
static void check_refused(const char *path, const char *part) {
    experiment e = {.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path};
    nlg_search_result r;
    nlg_error err = {0};
    nlg_status status = search(&e, &r, &err);
    if (status == NLG_OK) fail_msg("%s was accepted", path);
    assert_int_equal(nlg_status_exit_code(status), 2);
    assert_null(r.trials);
    assert_int_equal(e.commits, 0);
    if (!strstr(err.text, part) || !strstr(err.text, path) || strchr(err.text, '\n'))
        fail_msg("expected \"%s\": %s", part, err.text);
}

static void files_that_are_no_store_are_refused(void **state) {
    (void)state;
    const char *path = store_path("wrong");
    static const char *const texts[] = {"x", "not a database", "not a database, but longer than sixteen bytes"};
    for (int i = 0; i < 3; i++) {
        remove_store("wrong");
        write_bytes(path, O_CREAT, 0, texts[i], strlen(texts[i]));
        check_refused(path, "not a trial store");
        struct stat facts; /* and left alone */
        assert_int_equal(stat(path, &facts), 0);
        assert_int_equal(facts.st_size, strlen(texts[i]));
    }
    remove_store("wrong");
    change(path, "CREATE TABLE other (x); INSERT INTO other VALUES (1)");
    check_refused(path, "another program");
    remove_store("wrong");
    assert_int_equal(mkdir(path, 0777), 0);
    check_refused(path, "no regular file");
    rmdir(path);
    check_refused(store_path("no/such/folder"), "cannot be written");
    nlg_store *store;
    nlg_error err = {0};
    assert_int_equal(nlg_store_open(store_path("absent"), NLG_STORE_READ, &store, &err), NLG_ERR_IO);
    assert_non_null(strstr(err.text, "No such file"));
    assert_null(store);
    remove_store("wrong");
    write_bytes(path, O_CREAT, 0, "", 0); /* an empty file is a new store */
    nlg_search_result r;
    search_well(&(experiment){.budget = 3, .store = path}, &r);
    nlg_free(r.trials);
    remove_store("wrong");
}

static void damaged_and_foreign_stores_are_refused(void **state) {
    (void)state;
    const char *path = store_path("damaged");
    struct stat facts;
    make_store("damaged");
    assert_int_equal(stat(path, &facts), 0);
    assert_int_equal(truncate(path, facts.st_size / 2), 0);
    check_refused(path, "damaged");
    make_store("damaged");
    char noise[2048];
    for (size_t i = 0; i < sizeof noise; i++) noise[i] = (char)(37 * i + 11);
    for (long offset = 100; offset < facts.st_size; offset += 4096) write_bytes(path, 0, offset, noise, sizeof noise);
    check_refused(path, "damaged");
    make_store("damaged");
    write_bytes(path, 0, 0, noise, 100);
    check_refused(path, "not a trial store");

    static const struct {
        const char *sql, *part;
    } changes[] = {
        {"PRAGMA user_version = 99", "schema 99, this program expects"},
        {"UPDATE store SET numerics_version = numerics_version + 1", "numerics version"},
        {"DELETE FROM trials WHERE number = 13", "expected trial 13, found 14"},
        {"UPDATE trials SET budget = 0.5 WHERE number = 20", "trial 20 of the store"},
        {"UPDATE trials SET code = '0,0,0,0,0,0,0,0,0,1' WHERE number = 20", "trial 20 of the store"},
        {"UPDATE trials SET code = 'x' WHERE number = 20", "trial 20 of run 1 cannot be read"},
        {"UPDATE trials SET code = '1,99999' WHERE number = 20", "trial 20 of run 1 cannot be read"},
        {"UPDATE trials SET status = 'lost' WHERE number = 2", "trial 2 of run 1 cannot be read"},
        {"UPDATE trials SET hash = 'abc' WHERE number = 7", "trial 7 of the store is abc"},
        {"UPDATE trials SET seed = seed + 1 WHERE number = 7", "trial 7 of the store"},
        {"UPDATE trials SET status = 'done', score = 9 WHERE number = 0", "of the store is"}, /* then evolution goes elsewhere */
        {"DROP TABLE trials", "no such table"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        make_store("damaged");
        change(path, changes[i].sql);
        check_refused(path, changes[i].part);
    }
    remove_store("damaged");
}

static void second_writer_is_told(void **state) {
    (void)state;
    make_store("busy");
    const char *path = store_path("busy");
    nlg_store *store, *reader;
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, NULL), NLG_OK);
    check_refused(path, "another process works with");
    assert_int_equal(nlg_store_open(path, NLG_STORE_READ, &reader, NULL), NLG_OK); /* reading is allowed */
    nlg_trial *trials;
    int count;
    assert_int_equal(nlg_store_trials(reader, 1, &trials, &count, NULL), NLG_OK);
    assert_int_equal(count, TRIALS);
    nlg_free(trials);
    nlg_store_close(reader);
    nlg_store_close(store);
    nlg_search_result r;
    search_well(&(experiment){.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path}, &r);
    nlg_free(r.trials);
    char lock[600];
    snprintf(lock, sizeof lock, "%s-lock", path);
    assert_int_not_equal(access(lock, F_OK), 0); /* removed after use */
    remove_store("busy");
}

/* 0: refused with these words. Runs in a child, which must not come back to the test program. */
static int check_refused_in_child(const char *path, const char *part) {
    experiment e = {.options = small_population, .budget = TRIALS + 1, .seed = 1, .store = path};
    nlg_search_result r;
    nlg_error err = {0};
    if (nlg_status_exit_code(search(&e, &r, &err)) != 2 || r.trials) return 1;
    return strstr(err.text, part) && strstr(err.text, path) ? 0 : 2;
}

static void read_only_store_is_refused(void **state) {
    (void)state;
    enum { NOBODY = 65534 };
    make_store("fixed");
    const char *path = store_path("fixed");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        /* Root may write everywhere: become somebody else. */
        bool root = geteuid() == 0;
        if (root && (chown(folder, NOBODY, NOBODY) || chown(path, NOBODY, NOBODY) || setuid(NOBODY))) _exit(9);
        if (chmod(path, 0444) || check_refused_in_child(path, "may only be read")) _exit(1);
        if (chmod(folder, 0555) || check_refused_in_child(path, "cannot be written")) _exit(2);
        nlg_store *store; /* reading needs no more than that */
        if (nlg_store_open(path, NLG_STORE_READ, &store, NULL) != NLG_OK) _exit(3);
        nlg_store_close(store);
        _exit(chmod(folder, 0755) != 0);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    chmod(folder, 0755);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    remove_store("fixed");
}

/* The file may not grow any further: what was committed stays, and the run goes on when there is room again. */
static void full_disk_loses_nothing(void **state) {
    (void)state;
    nlg_search_result whole, resumed;
    experiment e = {.options = small_population, .budget = 200, .seed = 21};
    search_well(&e, &whole);
    remove_store("full");
    e.store = store_path("full");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {.rlim_cur = 512 << 10, .rlim_max = 512 << 10};
        nlg_error err = {0};
        nlg_search_result result;
        if (setrlimit(RLIMIT_FSIZE, &limit) != 0) _exit(9);
        nlg_status status = search(&e, &result, &err);
        if (nlg_status_exit_code(status) != 2 || result.trials) _exit(4);
        if (!strstr(err.text, "what was stored before is safe") || !strstr(err.text, "storing trial")) _exit(5);
        _exit(e.commits > 20 ? 0 : 6);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
    search_well(&e, &resumed);
    check_same(&whole, &resumed);
    assert_true(resumed.stored > 20);
    nlg_free(whole.trials);
    nlg_free(resumed.trials);
    remove_store("full");
}

static void failing_allocations_are_reported(void **state) {
    (void)state;
    int failures = 0;
    for (long n = 0; n < 400; n++) {
        experiment e = {.options = small_population, .budget = 20, .batch = 3, .store = n % 2 ? NULL : store_path("memory")};
        nlg_search_result r;
        nlg_error err = {0};
        remove_store("memory");
        nlg_alloc_fail_after(n);
        nlg_status status = search(&e, &r, &err);
        nlg_alloc_fail_after(-1);
        nlg_free(r.trials);
        if (status == NLG_OK) continue;
        failures++;
        assert_int_equal(status, NLG_ERR_MEMORY);
        assert_non_null(strstr(err.text, "out of memory"));
    }
    assert_true(failures > 20);
    remove_store("memory");
}

static void wrong_use_is_an_error(void **state) {
    (void)state;
    nlg_search_result r;
    nlg_error err = {0};
    assert_int_equal(search(&(experiment){.budget = 0}, &r, &err), NLG_ERR_INPUT);
    memset(&err, 0, sizeof err);
    assert_int_equal(search(&(experiment){.budget = 1, .batch = -1}, &r, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "batch"));
}

/* --- listing ------------------------------------------------------------------------------------------------------------ */

typedef struct listing {
    int rows;
    nlg_trial trials[TRIALS];
} listing;

static nlg_status list_run(void *context, const nlg_run_row *row) {
    (*(int *)context)++;
    assert_string_equal(row->identity.space, "beads");
    assert_string_equal(row->identity.strategy, "evolution");
    assert_string_equal(row->identity.strategy_options, "{\"population\":8,\"sample\":3,\"ageing\":true,\"identity\":0.05}");
    assert_string_equal(row->identity.evaluator, "made_up");
    assert_true(row->identity.seed == 1);
    assert_int_equal(row->identity.batch, 1);
    assert_int_equal(row->numerics_version, NLG_NUMERICS_VERSION);
    assert_int_equal(row->budget, TRIALS);
    assert_int_equal(row->trials, TRIALS);
    assert_int_equal(strlen(row->created), strlen("2000-01-01T00:00:00Z"));
    return NLG_OK;
}

static nlg_status list_trial(void *context, const nlg_trial_row *row) {
    listing *list = context;
    nlg_code code;
    assert_int_equal(decode(&beads, row->genotype, &code, NULL), NLG_OK);
    assert_true(nlg_code_equal(&code, &row->trial.code));
    assert_string_equal(row->session.commit, "abc");
    assert_string_equal(row->session.compiler, "unknown");
    assert_string_equal(row->session.isa, "none");
    assert_int_equal(row->session.threads, 3);
    assert_true(row->cpu[0] && row->cores > 0);
    assert_true(row->trial.overhead_seconds > 0);
    list->trials[list->rows++] = row->trial;
    return list->rows == 20 ? NLG_ERR_CHECK : NLG_OK; /* enough */
}

static void stored_runs_can_be_listed(void **state) {
    (void)state;
    make_store("list");
    nlg_store *store;
    assert_int_equal(nlg_store_open(store_path("list"), NLG_STORE_READ, &store, NULL), NLG_OK);
    int runs = 0;
    assert_int_equal(nlg_store_runs(store, list_run, &runs, NULL), NLG_OK);
    assert_int_equal(runs, 1);
    listing list = {0};
    assert_int_equal(nlg_store_rows(store, 1, list_trial, &list, NULL), NLG_ERR_CHECK);
    assert_int_equal(list.rows, 20);
    nlg_store_close(store);
    remove_store("list");
}

/* What one strategy has evaluated, another takes over, with the history that it has alone; what failed is tried again. */
static void evaluations_are_shared_between_runs(void **state) {
    (void)state;
    for (int workers = 0; workers <= 2; workers += 2) {
        nlg_search_result first, alone, again;
        experiment random = {.space = &coins, .strategy = "random", .budget = 40, .seed = 3, .is_shared = true};
        experiment local = {.space = &coins, .strategy = "local", .budget = 40, .batch = 4, .seed = 3, .is_shared = true};
        search_well(&local, &alone);
        assert_int_equal(alone.shared, 0);
        remove_store("shared");
        local.store = random.store = store_path("shared");
        local.workers = workers;
        search_well(&random, &first);
        search_well(&local, &again);
        check_same(&alone, &again);
        int failed = 0, found = 0;
        for (int i = 0; i < again.count; i++) {
            if (again.trials[i].is_repeat) continue;
            bool known = false;
            for (int j = 0; j < first.count; j++) known = known || strcmp(first.trials[j].hash, again.trials[i].hash) == 0;
            failed += known && again.trials[i].status == NLG_TRIAL_FAILED;
            found += known && again.trials[i].status != NLG_TRIAL_FAILED;
        }
        assert_true(found > 5 && failed > 0);
        assert_int_equal(again.shared, found);
        if (!workers) assert_int_equal(local.context.calls, alone.evaluations + again.evaluations - found);
        nlg_free(again.trials);
        local.seed = random.seed + 1; /* another training */
        search_well(&local, &again);
        assert_int_equal(again.shared, 0);
        nlg_free(first.trials);
        nlg_free(alone.trials);
        nlg_free(again.trials);
    }
    remove_store("shared");
}

int main(void) {
    if (!make_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_that_are_no_store_are_refused),
        cmocka_unit_test(damaged_and_foreign_stores_are_refused),
        cmocka_unit_test(second_writer_is_told),
        cmocka_unit_test(read_only_store_is_refused),
        cmocka_unit_test(full_disk_loses_nothing),
        cmocka_unit_test(failing_allocations_are_reported),
        cmocka_unit_test(wrong_use_is_an_error),
        cmocka_unit_test(stored_runs_can_be_listed),
        cmocka_unit_test(evaluations_are_shared_between_runs),
    };
    int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
