/* lineage search under mpirun, on made-up images of 12 x 12: the history of one process, whatever is killed when. Only a build
 * with MPI (make WITH_MPI=1) runs these; other builds refuse to start. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/made_files.h"
#include "tests/program.h"

/* mpirun looks for cores of its own for each process, and as root asks twice. Its own leaks are not ours. */
#define MPIRUN                                                                                                                     \
    "OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 ASAN_OPTIONS=detect_leaks=0 mpirun --oversubscribe --bind-to none "
#define SEARCH                                                                                                                     \
    "search --space lineage --data mnist:$D --train-images 64 --validation-images 60 --epochs 1 --batch 32 --threads 1 --seed 5 "  \
    "--strategy evolution:population=4:sample=2 --ask 3 --budget 60 "
enum { BUDGET = 60 };

static bool with_mpi;
static char whole[80]; /* digest of the search by one process */

static int enter(void **state) {
    (void)state;
    program_enter();
    made_idx_set(getenv("D"), 200, 20, 12, 12, true);
    program_result r =
        run("OMPI_COMM_WORLD_SIZE=2 lineage search --space nasbench201 --evaluator table --strategy random --budget 1");
    with_mpi = !strstr(r.err, "built without MPI");
    if (!with_mpi) return 0;
    cJSON *json = run_json("lineage " SEARCH "--store $D/whole.db --json");
    snprintf(whole, sizeof whole, "%s", json_text(json, "digest"));
    cJSON_Delete(json);
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

static void builds_without_mpi_refuse_mpirun(void **state) {
    (void)state;
    if (with_mpi) skip();
    run_refused("one of 3 processes of mpirun, but built without MPI", "OMPI_COMM_WORLD_SIZE=3 lineage " SEARCH "--store $D/x.db");
}

static void check_digest(const char *command) {
    cJSON *r = run_json("%s", command);
    assert_string_equal(json_text(r, "digest"), whole);
    assert_true(json_number(r, "count") == BUDGET);
    cJSON_Delete(r);
}

static void histories_do_not_depend_on_ranks(void **state) {
    (void)state;
    if (!with_mpi) skip();
    check_digest(MPIRUN "-n 1 lineage " SEARCH "--store $D/one.db --json");
    check_digest(MPIRUN "-n 2 lineage " SEARCH "--store $D/two.db --json");
    check_digest(MPIRUN "-n 3 lineage " SEARCH "--store $D/three.db --isa portable --json");
    program_result r = run_good("lineage trials --store $D/two.db --tsv | tail -n +2 | wc -l");
    assert_int_equal(atoi(r.out), BUDGET);
}

static void mistakes_end_all_processes(void **state) {
    (void)state;
    if (!with_mpi) skip();
    program_result r = run(MPIRUN "-n 2 lineage " SEARCH "--store $D/m.db --workers 2");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "mpirun says how many evaluate at once"));
    assert_string_equal(r.out, "");
    r = run(MPIRUN "-n 1 lineage " SEARCH "--store $D/m.db : -n 1 lineage " SEARCH "--store $D/m.db --epochs 2");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "do not have the same program, data and options"));
    r = run(MPIRUN "-n 2 lineage " SEARCH "--store $D/no/folder/m.db");
    assert_int_equal(r.code, 2);
}

/* Process `rank` of the job that the shell has in $p. */
#define OF_RANK "for q in $(pgrep -P $p); do tr '\\0' '\\n' < /proc/$q/environ | grep -qx OMPI_COMM_WORLD_RANK=%d && echo $q; done"

static void killed_processes_cost_nothing(void **state) {
    (void)state;
    if (!with_mpi) skip();
    for (int rank = 0; rank < 2; rank++) {
        for (int trials = 2; trials <= 20; trials += 18) {
            run_good("rm -f $D/k.db*");
            /* Killed as soon as there are so many trials; the job ends with it. */
            program_result r = run("{ " MPIRUN "-n 2 lineage " SEARCH "--store $D/k.db >/dev/null 2>&1 & }; p=$!; "
                                   "until [ $(lineage trials --store $D/k.db --tsv 2>&- | wc -l) -gt %d ]; do kill -0 $p || break; "
                                   "sleep 0.01; done; kill -9 $(" OF_RANK "); wait $p",
                                   trials, rank);
            assert_int_not_equal(r.code, 0);
            r = run_good("lineage trials --store $D/k.db --tsv | tail -n +2 | wc -l");
            assert_in_range(atoi(r.out), trials, BUDGET);
            check_digest(MPIRUN "-n 2 lineage " SEARCH "--store $D/k.db --json");
        }
    }
    check_digest("lineage " SEARCH "--store $D/k.db --json");
}

/* An experiment on three processes: the records of one; a mistake ends all of them. */
static void experiments_do_not_depend_on_ranks(void **state) {
    (void)state;
    static const char text[] =
        "{\"id\":\"x\",\"title\":\"t\",\"profiles\":{\"smoke\":{}},\"stages\":["
        "{\"name\":\"a\",\"measure\":\"train\",\"cross\":{\"network\":[\"lenet5_small\",\"resnet8_small\"],\"rate\":[0.02,0.05]},"
        "\"with\":{\"data\":\"mnist:%s\",\"train_images\":64,\"validation_images\":60,\"epochs\":1,\"batch\":32}},"
        "{\"name\":\"b\",\"measure\":\"train\",\"final\":true,\"cross\":{\"network\":[\"resnet8_small\"],\"rate\":{\"best_of\":"
        "\"a\","
        "\"metric\":\"val_accuracy\"},\"seed\":[1,2]},\"with\":{\"data\":\"mnist:%s\",\"train_images\":64,\"validation_images\":60,"
        "\"epochs\":1,\"batch\":32}},"
        "{\"name\":\"s\",\"measure\":\"search\",\"with\":{\"space\":\"nasbench201\",\"evaluator\":\"table\",\"budget\":5}}]}";
    char whole_text[2048];
    if (!with_mpi) skip();
    run_good("mkdir $D/large");
    char folder[512];
    snprintf(folder, sizeof folder, "%s/large", getenv("D"));
    made_idx_set(folder, 200, 20, 28, 28, true);
    snprintf(whole_text, sizeof whole_text, text, folder, folder);
    made_file(getenv("D"), "e.json", whole_text, strlen(whole_text));
    run_good("lineage run --profile smoke --experiments $D/e.json --results $D/one");
    program_result r = run_good(MPIRUN "-n 3 lineage run --profile smoke --experiments $D/e.json --results $D/three");
    assert_non_null(strstr(r.out, "7 of 7 trials done"));
    assert_non_null(strstr(run_good("lineage verify --results $D/one --against $D/three").out, "7 of 7 records"));
    assert_non_null(strstr(run_good(MPIRUN "-n 2 lineage run --profile smoke --experiments $D/e.json --results $D/three").out,
                           "all 7 trials were done already"));
    run_good(MPIRUN "-n 2 lineage run --plan --profile smoke --experiments $D/e.json --results $D/three");
    r = run(MPIRUN "-n 2 lineage run nosuch --profile smoke --experiments $D/e.json --results $D/three");
    assert_int_equal(r.code, 2);
    assert_non_null(strstr(r.err, "no such experiment"));
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(builds_without_mpi_refuse_mpirun),   cmocka_unit_test(histories_do_not_depend_on_ranks),
        cmocka_unit_test(mistakes_end_all_processes),         cmocka_unit_test(killed_processes_cost_nothing),
        cmocka_unit_test(experiments_do_not_depend_on_ranks),
    };
    return cmocka_run_group_tests_name("mpi", tests, enter, leave);
}
