/* The command line: help, mistakes, JSON contracts, exit codes, short memory, full disks. Training and prediction: test_cli_runs.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <cmocka.h>

#include "layers/base/cpu.h"
#include "tests/program.h"

static int enter(void **state) {
    (void)state;
    program_enter();
    return 0;
}

static int leave(void **state) {
    (void)state;
    program_leave();
    return 0;
}

/* --- help and mistakes --- */

static void every_command_has_help_with_an_example(void **state) {
    (void)state;
    char *list = strdup(run_good("lineage --help").out), *rest, *line;
    int commands = 0;
    assert_non_null(list);
    for (line = strtok_r(list, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        char name[32];
        if (sscanf(line, "  %31[a-z] ", name) != 1 || strncmp(line, "  lineage", 9) == 0) continue;
        char usage[64];
        snprintf(usage, sizeof usage, "Usage: lineage %s", name);
        program_result r = run_good("lineage %s --help", name);
        if (!strstr(r.out, usage) || !strstr(r.out, "Example") || !strstr(r.out, "lineage "))
            fail_msg("%s --help: %s", name, r.out);
        assert_string_equal(r.err, "");
        run_refused("unknown option --no-such-option", "lineage %s --no-such-option", name);
        commands++;
    }
    free(list);
    assert_true(commands >= 10);
    char *help = strdup(run_good("lineage help").out);
    assert_string_equal(help, run_good("lineage").out);
    free(help);
}

static void mistakes_are_one_line_with_the_nearest_name(void **state) {
    (void)state;
    run_refused("did you mean 'count'", "lineage cuont");
    run_refused("lists the commands", "lineage qqqqqqqq");
    run_refused("did you mean 'resnet50'", "lineage count resnt50");
    run_refused("did you mean --json", "lineage count lenet5 --jsno");
    run_refused("--output: expected FILE, found an empty name", "lineage draw lenet5 --output \"$UNSET\"");
    run_refused("--checkpoint: expected FILE, found an empty name", "lineage train lenet5_small --checkpoint=");
    run_refused("--results: expected DIR, found an empty name", "lineage report --results ''");
    run_refused("argument 2 is empty", "lineage export lenet5 \"$UNSET\"");
    run_refused("did you mean 'avx2'", "lineage bench lenet5 --isa avx");
    run_refused("needs a value: --batch B", "lineage bench lenet5 --batch");
    run_refused("takes no value", "lineage count lenet5 --json=1");
    run_refused("unknown option -z", "lineage count lenet5 -z");
    run_refused("option --s is ambiguous", "lineage train lenet5 --s 1");
    run_refused("expected MODEL", "lineage show");
    run_refused("unexpected argument 'resnet18'", "lineage show lenet5 resnet18");
    run_refused("expected either MODEL... or --all", "lineage count");
    run_refused("expected either MODEL... or --all", "lineage count --all lenet5");
    run_refused("--threads: expected a whole number from 1", "lineage bench lenet5 --threads 0");
    run_refused("--threads: expected a whole number from 1", "lineage bench lenet5 --threads 2x");
    run_refused("--mem-limit: expected bytes", "lineage bench lenet5 --mem-limit 5Q");
    run_refused("--input: expected C,H,W", "lineage count resnet50 --input 3,224");
    run_refused("32 x 32, not", "lineage count lenet5_1998 --input 1,28,28");
    run_refused("exclude each other", "lineage count lenet5 --csv --json");
    run_refused("--sort: expected one of", "lineage models --sort size");
    run_refused("no family begins with 'qqq'", "lineage models --family qqq");
    run_refused("not made of cells", "lineage show lenet5 --genotype");
    run_refused("not made of cells", "lineage count lenet5 --genotype x");
    run_refused("expected '+'", "lineage train nasnet_small --genotype 'normal 2 = sep3x3(0)'");
    run_refused("MODEL...", "lineage count --all --genotype x");
    run_refused("NLG_ISA", "NLG_ISA=sse lineage bench lenet5");
    run_refused("--weights FILE is required", "lineage eval lenet5");
    run_refused("no-such-file", "lineage eval lenet5 --weights $D/no-such-file");
    run_refused("no-such-file", "lineage predict resnet18 $D/x.png --weights $D/no-such-file");
}

static void mistakes_in_experiments_are_found_at_once(void **state) {
    (void)state;
    run_good("mkdir $D/e");
#define EDITED                                                                                                                     \
    "sed 's/%s/%s/' harness/experiments/%s.json >$D/e/x.json; lineage run --profile smoke --results $D/r --experiments $D/e"
    run_refused("x.json: unknown key \"nots\"; did you mean \"notes\"?", EDITED, "\"notes\"", "\"nots\"", "counts");
    run_refused("x.json: profile \"smoke\": key \"train_images\" is used by no stage", EDITED, "\\$train_images", "$train_image",
                "human-vs-searched");
    run_refused("x.json: line 2: not valid JSON", EDITED, "\"id\"", "id", "search-small");
    run_refused("x.json: stage \"selection\": unknown model 'resnet20_smal'; did you mean 'resnet20_small'?", EDITED,
                "\"lenet5_small\"", "\"resnet20_smal\"", "human-vs-searched");
    run_refused("x.json: stage \"search\": ", EDITED, "\"evolution:", "\"evolutoin:", "search-small");
    run_refused("did you mean 'fashion-mnist'?", EDITED, "fashion-mnist", "fashion-mnits", "human-vs-searched");
    run_refused("no profile \"smokee\"; expected smoke, quick or full", "lineage run --profile smokee");
    run_refused("no experiments there: No such file", "lineage run --experiments $D/none");
    run_refused("no experiments (*.json) there", "mkdir $D/empty; lineage run --experiments $D/empty");
#undef EDITED
}

/* --- counts --- */

static void counts_follow_the_contract(void **state) {
    (void)state;
    cJSON *list = run_json("lineage count lenet5 resnet50 googlenet --json"), *row;
    static const double params[] = {61706, 25557032, 13004888}, macs[] = {416520, 4089184256, 1498376192};
    assert_true(cJSON_IsArray(list) && cJSON_GetArraySize(list) == 3);
    int i = 0;
    cJSON_ArrayForEach(row, list) {
        json_has_exactly(row, "model input params params_without_aux macs flops other_ops activations_bytes layers");
        assert_true(json_number(row, "params") == params[i]);
        assert_true(json_number(row, "macs") == macs[i]);
        assert_true(json_number(row, "flops") == 2 * macs[i]);
        assert_true(json_number(row, "other_ops") > 0);
        assert_true(json_number(row, "activations_bytes") > 0);
        i++;
    }
    assert_string_equal(json_text(cJSON_GetArrayItem(list, 1), "model"), "resnet50");
    assert_int_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(cJSON_GetArrayItem(list, 1), "input"), 0)->valueint, 3);
    assert_true(json_number(cJSON_GetArrayItem(list, 2), "params_without_aux") == 6624904);
    assert_true(json_number(cJSON_GetArrayItem(list, 0), "layers") == 5);
    cJSON_Delete(list);

    list = run_json("lineage count resnet50 --input 3,288,288 --json");
    assert_true(json_number(cJSON_GetArrayItem(list, 0), "macs") > 1.6 * macs[1]);
    assert_true(json_number(cJSON_GetArrayItem(list, 0), "params") == params[1]);
    cJSON_Delete(list);
}

/* Processor time of the shells and programs so far: that of the clock depends on the neighbours. */
static double seconds_of_programs(void) {
    struct rusage used;
    getrusage(RUSAGE_CHILDREN, &used);
    return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + 1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

static void everything_is_counted_in_two_seconds(void **state) {
    (void)state;
    const char *slower = getenv("NLG_SLOWER");
    double start = seconds_of_programs(), limit = 2 * (slower ? atof(slower) : 1);
    cJSON *counts = run_json("lineage count --all --json");
    double taken = seconds_of_programs() - start;
    if (taken > limit) fail_msg("count --all took %.2f s, expected at most %.2f", taken, limit);
    cJSON *models = run_json("lineage models --json");
    assert_int_equal(cJSON_GetArraySize(counts), cJSON_GetArraySize(models));
    cJSON_Delete(counts);
    cJSON_Delete(models);
    char *once = strdup(run_good("lineage count --all").out);
    assert_non_null(strstr(once, "FLOPs = 2 x MACs"));
    assert_string_equal(once, run_good("lineage count --all").out);
    free(once);
}

static void the_program_starts_in_20_ms(void **state) {
    (void)state;
    const char *slower = getenv("NLG_SLOWER");
    double least = 1, limit = 0.02 * (slower ? atof(slower) : 1);
    for (int i = 0; i < 10; i++) {
        double start = seconds_of_programs();
        run_good("lineage --help");
        double taken = seconds_of_programs() - start;
        if (taken < least) least = taken;
    }
    if (least > limit) fail_msg("`lineage --help` took %.1f ms, expected at most %.1f", 1e3 * least, 1e3 * limit);
}

/* The layers add up to the network, and grouped convolutions show their groups. */
static void layers_add_up(void **state) {
    (void)state;
    char *csv = strdup(run_good("lineage count resnext50_32x4d --csv").out), *rest, *line;
    double params = 0, macs = 0;
    int grouped = 0, lines = 0;
    for (line = strtok_r(csv, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest), lines++) {
        char layer[128], op[32], kernel[16], stride[16], padding[16];
        int node, dilation, groups, in_c, in_h, in_w, out_c, out_h, out_w, aux;
        double p, m, other;
        if (lines == 0) {
            assert_string_equal(
                line, "model,node,layer,op,kernel,stride,padding,dilation,groups,in_c,in_h,in_w,out_c,out_h,out_w,params,macs,"
                      "other_ops,aux");
            continue;
        }
        if (!strstr(line, ",conv2d,")) {
            char *field = line;
            for (int i = 0; i < 15; i++) field = strchr(field, ',') + 1;
            assert_int_equal(sscanf(field, "%lf,%lf", &p, &m), 2);
            params += p;
            macs += m;
            continue;
        }
        int fields =
            sscanf(line, "resnext50_32x4d,%d,%127[^,],%31[^,],%15[^,],%15[^,],%15[^,],%d,%d,%d,%d,%d,%d,%d,%d,%lf,%lf,%lf,%d",
                   &node, layer, op, kernel, stride, padding, &dilation, &groups, &in_c, &in_h, &in_w, &out_c, &out_h, &out_w, &p,
                   &m, &other, &aux);
        if (fields != 18) fail_msg("line with %d fields: %s", fields, line);
        int k = atoi(kernel);
        assert_true(m == (double)out_h * out_w * out_c * (in_c / groups) * k * k);
        grouped += groups == 32;
        params += p;
        macs += m;
    }
    free(csv);
    assert_int_equal(grouped, 16);
    assert_true(params == 25028904);
    cJSON *list = run_json("lineage count resnext50_32x4d --json");
    assert_true(json_number(cJSON_GetArrayItem(list, 0), "macs") == macs);
    cJSON_Delete(list);
}

/* --- models, show, draw, info --- */

static void models_are_sorted_and_filtered(void **state) {
    (void)state;
    cJSON *list = run_json("lineage models --designer searched --sort macs --json"), *row;
    double before = 0;
    assert_true(cJSON_GetArraySize(list) > 10);
    cJSON_ArrayForEach(row, list) {
        assert_string_equal(json_text(row, "designer"), "searched");
        assert_true(json_number(row, "macs") >= before);
        before = json_number(row, "macs");
        assert_true(json_number(row, "year") >= 2016);
    }
    cJSON_Delete(list);
    list = run_json("lineage models --family lenet --small --json");
    assert_true(cJSON_GetArraySize(list) > 0);
    cJSON_ArrayForEach(row, list) {
        assert_non_null(strstr(json_text(row, "family"), "LeNet"));
        assert_true(cJSON_IsTrue(cJSON_GetObjectItem(row, "small")));
    }
    cJSON_Delete(list);
    assert_non_null(strstr(run_good("lineage models").out, "Not specified, so not built: nasnet_b"));
}

static void show_tells_layers_deviations_and_cells(void **state) {
    (void)state;
    cJSON *doc = run_json("lineage show resnet18 --json");
    assert_string_equal(json_text(doc, "model"), "resnet18");
    assert_true(json_number(doc, "params") == 11689512);
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(doc, "layers")) > 60);
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(doc, "genotype")));
    cJSON_Delete(doc);
    const char *text = run_good("lineage show alexnet_small --deviations").out;
    assert_non_null(strstr(text, "5x5 with stride 1"));
    assert_null(strstr(text, "conv2d"));
    text = run_good("lineage show nasnet_a_small --genotype").out;
    assert_memory_equal(text, "normal\n", 7);
    assert_non_null(strstr(text, "reduction\n"));
    assert_non_null(strstr(text, "concat "));
}

static void cells_are_pasted_into_networks(void **state) {
    (void)state;
    char digest[2][80];
    const char *const cells[] = {"", "--genotype @$D/cells.txt"};
    run_good("lineage show nasnet_small --genotype > $D/cells.txt");
    for (int i = 0; i < 2; i++) {
        cJSON *doc = run_json("lineage train nasnet_small %s --train-images 32 --validation-images 32 --epochs 1 --json", cells[i]);
        snprintf(digest[i], sizeof digest[i], "%s", json_text(doc, "digest"));
        if (i == 1) assert_non_null(strstr(json_text(doc, "genotype"), "reduction"));
        cJSON_Delete(doc);
    }
    assert_string_equal(digest[0], digest[1]);
    const char *one = "--genotype='normal 2 = conv1x1(1) + identity(1) concat 2'";
    const char *text = run_good("lineage show nasnet_small %s", one).out;
    assert_non_null(strstr(text, "conv1x1(1) + identity(1)"));
    assert_non_null(strstr(text, "a genotype was given"));
    cJSON *doc = run_json("lineage count pnasnet_small %s --json", one);
    assert_true(json_number(cJSON_GetArrayItem(doc, 0), "params") < 40000);
    cJSON_Delete(doc);
    text = run_good("lineage draw amoebanet_small --cells --output - %s", one).out;
    assert_non_null(strstr(text, "conv1x1"));
    text =
        run_good(
            "lineage draw nas_fpn_small --cells --output - --genotype '0 1 gp P3; 1 5 sum P4; 2 6 sum P5; 3 7 sum P6; 4 8 sum P7'")
            .out;
    assert_non_null(strstr(text, "global pooling"));
    run_good("lineage bench nasnet_small %s --seconds 0.1 && lineage export nasnet_small $D/w.safetensors %s", one, one);
    /* All misfits are named: those that the message has no room for, on lines before it. */
    const program_result misfit = run("lineage eval nasnet_small --weights $D/w.safetensors");
    int lines = 0, count = 0;
    for (const char *c = misfit.err; *c; c++) lines += *c == '\n';
    const char *message = strstr(misfit.err, "lineage eval:");
    assert_int_equal(misfit.code, 2);
    assert_non_null(message);
    assert_int_equal(sscanf(strstr(message, "w.safetensors: "), "w.safetensors: %d tensors do not fit", &count), 1);
    assert_int_equal(lines, count + 1);
}

static void drawings_have_formats(void **state) {
    (void)state;
    const char *text = run_good("lineage draw googlenet --output -").out;
    assert_memory_equal(text, "digraph \"googlenet (Inception, 2014)\"", 37);
    assert_non_null(strstr(text, "label=\"inception3a\\n4 branches\\n28x28x256\""));
    assert_non_null(strstr(text, "dashed")); /* auxiliary heads */
    text = run_good("lineage draw nas_fpn_r50_7_256 --cells --output -").out;
    assert_non_null(strstr(text, "global pooling"));
    text = run_good("lineage draw googlenet --block inception3a --output -").out;
    assert_non_null(strstr(text, "label=\"1x1 conv 96\\nBN, ReLU\\n28x28x96\""));
    text = run_good("lineage draw mobilenet_v2 --block all --output -").out;
    assert_non_null(strstr(text, "label=\"MBConv1 k3\"") && strstr(text, "label=\"MBConv6 k3\"") ? text : NULL);
    run_good("lineage draw lenet5 --show layers --output $D/a.svg && head -c 4 $D/a.svg | grep -q '<svg' && ! test -e $D/a.dot");
    run_good("lineage draw nasnet_a_small --cells --output $D/cells.dot && grep -q '^digraph' $D/cells.dot");
    run_good("cd $D && lineage draw lenet5 && test -s lenet5.svg");
    run_good("cd $D && lineage draw lenet5 --output=-x.png && head -c 4 ./-x.png | grep -q PNG");
    run_good("lineage draw resnet18 --output $D/a.pdf && head -c 8 $D/a.pdf | grep -q PDF");
    assert_non_null(strstr(run_good("lineage draw --list").out, "\nstructure-fpn "));
    run_good("cd $D && lineage draw structure-se && test -s structure-se.svg");
    run_good("mkdir $D/bin && ln -s $(command -v lineage) $D/bin/lineage"); /* no gnuplot */
    program_result none = run("cd $D && PATH=$D/bin lineage draw lenet5 --output b.png");
    assert_int_equal(none.code, 2);
    assert_non_null(strstr(none.err, "gnuplot cannot be started"));
    run_refused("expected a name that ends with .svg, .png, .pdf or .dot", "lineage draw lenet5 --output $D/a.jpg");
    run_refused("a PNG has at most 32767 a side", "lineage draw resnet1202_cifar --show layers --output $D/a.png");
    run_refused("lenet5 has no block 'x'; it has: none", "lineage draw lenet5 --block x --output -");
    run_refused("--show: expected stages, blocks or layers, found 'x'", "lineage draw lenet5 --show x --output -");
    run_refused("expected a network or a drawing", "lineage draw");
    run_refused("unknown model 'nosuch'", "lineage bench lenet5 nosuch --seconds 0.1 --threads 1");
    run_good("lineage export lenet5_small $D/a.onnx --seed 3 && head -c 20 $D/a.onnx | grep -q netlineage");
    run_refused("has no form in ONNX's operations", "lineage export lenet5_1998 $D/b.onnx");
    run_refused("is the checkpoint of a training",
                "echo x >$D/t.st && echo x >$D/t.st.state && ln -s t.st $D/l.st && lineage export lenet5 $D/l.st");
    run_refused("export writes safetensors, not what .pth stands for", "lineage export lenet5 $D/a.pth");
    assert_non_null(strstr(run_good("lineage show efficientnet_b2").out, "resized to 288 (bicubic), centre crop 288,"));
    assert_non_null(strstr(run_good("lineage show inception_v3").out, "resized to 342 (bilinear), centre crop 299,"));
    cJSON *shown = run_json("lineage show efficientnet_b7 --json");
    assert_true(json_number(cJSON_GetObjectItem(shown, "preprocessing"), "resize") == 600);
    cJSON_Delete(shown);
    run_refused("cannot write", "lineage draw lenet5 --output $D/no-folder/x.dot");
}

static void info_describes_build_and_machine(void **state) {
    (void)state;
    cJSON *info = run_json("lineage info --json");
    static const char *const texts[] = {"version", "commit", "compiler", "flags", "cpu", "isa"};
    for (int i = 0; i < 6; i++) assert_true(strlen(json_text(info, texts[i])) > 0);
    assert_true(json_number(info, "numerics_version") >= 1);
    assert_true(json_number(info, "threads") == json_number(info, "cores"));
    assert_true(json_number(info, "cores") >= 1);
    assert_string_equal(cJSON_GetArrayItem(cJSON_GetObjectItem(info, "isas"), 0)->valuestring, "portable");
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(info, "backends")) == 2);
    assert_true(strlen(json_text(cJSON_GetObjectItem(info, "libraries"), "sqlite")) > 0);
    assert_true(json_number(cJSON_GetObjectItem(info, "caches"), "l1d_bytes") >= 0);
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItem(info, "data")) >= 3);
    cJSON_Delete(info);
    info = run_json("NLG_ISA=portable lineage info --json");
    assert_string_equal(json_text(info, "isa"), "portable");
    cJSON_Delete(info);
}

/* The forms that `info` lists are those that --isa and NLG_ISA take; the others are refused. */
static void instruction_sets_are_listed_and_taken(void **state) {
    (void)state;
    cJSON *info = run_json("lineage info --json");
    const cJSON *form = cJSON_GetObjectItem(info, "isas")->child;
    for (int isa = 0; isa < NLG_ISA_COUNT; isa++) {
        const char *name = nlg_isa_name((nlg_isa)isa);
        if (!nlg_isa_available((nlg_isa)isa)) {
            run_refused(name, "lineage bench lenet5 --isa %s --seconds 0", name);
            continue;
        }
        assert_non_null(form);
        assert_string_equal(form->valuestring, name);
        form = form->next;
        run_good("lineage bench lenet5 --isa %s --seconds 0", name);
        cJSON *chosen = run_json("NLG_ISA=%s lineage info --json", name);
        assert_string_equal(json_text(chosen, "isa"), name);
        cJSON_Delete(chosen);
    }
    assert_null(form);
    cJSON_Delete(info);
}

/* --- short of disk and memory --- */

static void failed_writes_are_noticed(void **state) {
    (void)state;
    run_refused("No space left on device", "lineage models >/dev/full");
    run_refused("No space left on device", "lineage count lenet5 --json >/dev/full");
    run_refused("cannot write to standard output", "lineage info >&-");
}

#ifndef __SANITIZE_ADDRESS__ /* its shadow alone exceeds every limit */
/* From the smallest limit with which the program starts, twice and again: never a signal, never a wrong answer. */
static void short_memory_is_one_line(void **state) {
    (void)state;
    int start = 16384, refused = 0;
    while (run("ulimit -v %d; lineage --help", start).code != 0 && start < 1 << 22) start += start / 2;
    for (int limit = start; limit < 8 * start; limit += limit / 2) {
        program_result r = run("ulimit -v %d; lineage bench vgg16 --batch 16 --seconds 0 --threads 2 --json", limit);
        size_t length = strlen(r.err);
        if (r.code == 0) break;
        if (r.code != 2 || length == 0 || strchr(r.err, '\n') + 1 != r.err + length)
            fail_msg("ulimit -v %d: exit code %d: %s", limit, r.code, r.err);
        refused++;
    }
    assert_true(refused >= 2);
    run_refused("--mem-limit", "lineage bench resnet18 --mem-limit 1M");
    run_refused("for OpenBLAS", "ulimit -v 300000; lineage bench lenet5 --backend openblas");
}
#endif

static void a_missing_openblas_is_one_line(void **state) {
    (void)state;
    run_refused("install Debian's package libopenblas0",
                "echo x >$D/libopenblas.so.0; LD_LIBRARY_PATH=$D lineage bench lenet5 --backend openblas");
    assert_non_null(strstr(run_good("LD_LIBRARY_PATH=$D lineage info").out, "cannot load the library"));
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_command_has_help_with_an_example, enter, leave),
        cmocka_unit_test_setup_teardown(mistakes_are_one_line_with_the_nearest_name, enter, leave),
        cmocka_unit_test_setup_teardown(mistakes_in_experiments_are_found_at_once, enter, leave),
        cmocka_unit_test_setup_teardown(counts_follow_the_contract, enter, leave),
        cmocka_unit_test_setup_teardown(everything_is_counted_in_two_seconds, enter, leave),
        cmocka_unit_test_setup_teardown(the_program_starts_in_20_ms, enter, leave),
        cmocka_unit_test_setup_teardown(layers_add_up, enter, leave),
        cmocka_unit_test_setup_teardown(models_are_sorted_and_filtered, enter, leave),
        cmocka_unit_test_setup_teardown(show_tells_layers_deviations_and_cells, enter, leave),
        cmocka_unit_test_setup_teardown(cells_are_pasted_into_networks, enter, leave),
        cmocka_unit_test_setup_teardown(drawings_have_formats, enter, leave),
        cmocka_unit_test_setup_teardown(info_describes_build_and_machine, enter, leave),
        cmocka_unit_test_setup_teardown(instruction_sets_are_listed_and_taken, enter, leave),
        cmocka_unit_test_setup_teardown(failed_writes_are_noticed, enter, leave),
        cmocka_unit_test_setup_teardown(a_missing_openblas_is_one_line, enter, leave),
#ifndef __SANITIZE_ADDRESS__
        cmocka_unit_test_setup_teardown(short_memory_is_one_line, enter, leave),
#endif
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
