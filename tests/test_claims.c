/* Claims: rules on rows, their files, templates, and the report of a store with two experiments of one kind. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness/claims/claim.h"
#include "harness/query/query.h"
#include "harness/report/report.h"
#include "harness/report/template.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "search/store/records.h"
#include "tests/program.h"

/* --- rules --- */

static nlg_verdict decide(const char *rule, const char *params, const char *query) {
    nlg_query *q;
    nlg_verdict v;
    nlg_error err = {0};
    cJSON *p = NULL;
    assert_int_equal(nlg_query_open(NULL, NULL, &q, &err), NLG_OK);
    assert_int_equal(nlg_json_read(params, strlen(params), "params", &p, &err), NLG_OK);
    nlg_claim claim = {.file = "f.json",
                       .experiment = "e",
                       .id = "c",
                       .text = "t",
                       .system = "s",
                       .query = query,
                       .unit = "",
                       .would_decide = "",
                       .rule = nlg_rule_find(rule),
                       .params = p};
    assert_non_null(claim.rule);
    if (nlg_claim_decide(&claim, q, "smoke", &v, &err) != NLG_OK) fail_msg("%s", err.text);
    cJSON_Delete(p);
    nlg_query_close(q);
    return v;
}

#define SEQUENCE(n) "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < " n ") "

static void rules_decide_by_rows(void **state) {
    (void)state;
    static const struct {
        const char *rule, *params, *query;
        nlg_verdict_kind kind;
    } cases[] = {
        {"greater", "{}", SEQUENCE("10") "SELECT i AS pair, 80 + i / 10.0 AS a, 79.0 AS b FROM s", NLG_SUPPORTED},
        {"greater", "{}", SEQUENCE("10") "SELECT i AS pair, 79.0 AS a, 80 + i / 10.0 AS b FROM s", NLG_CONTRADICTED},
        {"greater", "{}", SEQUENCE("10") "SELECT i AS pair, 80 + (i % 2) * i / 10.0 AS a, 80 + (1 - i % 2) * i / 10.0 AS b FROM s",
         NLG_NOT_SHOWN},
        {"greater", "{}", SEQUENCE("5") "SELECT i AS pair, 80 + i AS a, 79.0 AS b FROM s",
         NLG_NOT_TESTABLE}, /* p = 0.0625 at best */
        {"greater", "{}", SEQUENCE("10") "SELECT i AS pair, 80 AS a, 80 AS b FROM s", NLG_NOT_SHOWN},
        {"greater", "{}", SEQUENCE("3") "SELECT i AS pair, NULL AS a, 1 AS b FROM s", NLG_NOT_TESTABLE},
        {"greater", "{}", "SELECT 1 AS pair, 1 AS a, 1 AS b WHERE 0", NLG_UNDECIDED},
        {"not_lower", "{\"margin\":1}", SEQUENCE("10") "SELECT i AS pair, 80 + (i % 3) / 10.0 AS a, 80.2 AS b FROM s",
         NLG_SUPPORTED},
        {"not_lower", "{\"margin\":1}", SEQUENCE("10") "SELECT i AS pair, 75 + (i % 3) / 10.0 AS a, 80.2 AS b FROM s",
         NLG_CONTRADICTED},
        {"not_lower", "{\"margin\":0}", SEQUENCE("10") "SELECT i AS pair, 80 + (i % 3 - 1) AS a, 80 AS b FROM s", NLG_NOT_SHOWN},
        {"equal", "{}", "SELECT 'C1' AS pair, 156 AS a, 156 AS b UNION SELECT 'S2', 12, 12", NLG_SUPPORTED},
        {"equal", "{}", "SELECT 'C1' AS pair, 156 AS a, 156 AS b UNION SELECT 'S2', 12, 13", NLG_CONTRADICTED},
        {"ratio_within", "{\"low\":8,\"high\":9}", "SELECT 'x' AS pair, 850 AS a, 100 AS b", NLG_SUPPORTED},
        {"ratio_within", "{\"low\":8,\"high\":9}", "SELECT 'x' AS pair, 950 AS a, 100 AS b", NLG_CONTRADICTED},
        {"ratio_within", "{\"high\":0.9}", SEQUENCE("10") "SELECT i AS pair, 50 + i AS a, 100 AS b FROM s", NLG_SUPPORTED},
        /* Two arms of the same numbers: the mean of a / b is 1.8, that of b / a 2.1. */
        {"ratio_within", "{\"low\":1}", SEQUENCE("40") "SELECT i AS pair, 1 + i * 7 % 41 AS a, 1 + i * 13 % 41 AS b FROM s",
         NLG_NOT_SHOWN},
        {"ratio_within", "{\"low\":1}", SEQUENCE("10") "SELECT i AS pair, i - 1 AS a, 1 AS b FROM s", NLG_NOT_TESTABLE}, /* a 0 */
        {"ratio_within", "{\"low\":2}", SEQUENCE("10") "SELECT i AS pair, 10 + i AS a, 10 AS b FROM s", NLG_CONTRADICTED},
        {"ordered", "{}", SEQUENCE("40") "SELECT i / 4 AS pair, i % 4 AS a, i % 4 * 2 + 0.1 AS b FROM s WHERE i < 40",
         NLG_SUPPORTED},
        {"ordered", "{}", SEQUENCE("40") "SELECT i / 4 AS pair, i % 4 AS a, -(i % 4) AS b FROM s WHERE i < 40", NLG_CONTRADICTED},
        {"correlation_above", "{}", SEQUENCE("20") "SELECT i AS pair, i AS a, i * i AS b FROM s", NLG_SUPPORTED},
        {"correlation_above", "{}", SEQUENCE("20") "SELECT i AS pair, i AS a, -i AS b FROM s", NLG_CONTRADICTED},
        {"correlation_above", "{}", SEQUENCE("20") "SELECT i AS pair, i AS a, i * 7 % 20 AS b FROM s", NLG_NOT_SHOWN},
        {"front_dominates", "{}", SEQUENCE("8") "SELECT i AS pair, 3.0 + i AS a, 2 AS b FROM s", NLG_SUPPORTED},
        {"descriptive", "{}", SEQUENCE("8") "SELECT i AS pair, 3.0 AS a, 2 AS b FROM s", NLG_DESCRIBED},
        /* Two contrasts: both must hold, after Holm. */
        {"greater", "{}", SEQUENCE("20") "SELECT i AS pair, i % 2 AS contrast, 80 + i AS a, 79 AS b FROM s", NLG_SUPPORTED},
        {"greater", "{}", SEQUENCE("12") "SELECT i AS pair, i % 2 AS contrast, 80 + i AS a, 79 AS b FROM s",
         NLG_NOT_SHOWN}, /* p 0.031 each */
        {"greater", "{}", SEQUENCE("20") "SELECT i AS pair, i % 2 AS contrast, 80 + i AS a, 79 + (i % 2) * 40 AS b FROM s",
         NLG_CONTRADICTED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_verdict v = decide(cases[i].rule, cases[i].params, cases[i].query);
        if (v.kind != cases[i].kind)
            fail_msg("%s, %s: expected %s, found %s (p %g, %g to %g)", cases[i].rule, cases[i].query,
                     nlg_verdict_name(cases[i].kind), nlg_verdict_name(v.kind), v.p, v.low, v.high);
        nlg_verdict_free(&v);
    }
}

/* A verdict never stands beside the figures of a contrast that says something else. */
static void figures_are_those_of_the_contrast_that_decides(void **state) {
    (void)state;
    static const char three[] =
        SEQUENCE("30") "SELECT i AS pair, substr('abc', i % 3 + 1, 1) AS contrast, 80 + i / 100.0 AS a, "
                       "CASE i % 3 WHEN 0 THEN 79 WHEN 1 THEN 90 ELSE 80 + (i * 7 % 5 - 1.85) END AS b FROM s";
    nlg_verdict v = decide("greater", "{}", three);
    assert_int_equal(v.kind, NLG_CONTRADICTED);
    assert_int_equal(v.contrasts, 3);
    assert_string_equal(v.each[v.decisive].name, "b");
    assert_true(v.p < 0.05 && v.difference < -9 && v.high < 0 && v.pairs == 10);
    assert_int_equal(v.each[0].verdict.kind, NLG_SUPPORTED);
    assert_int_equal(v.each[2].verdict.kind, NLG_NOT_SHOWN);
    assert_true(v.each[0].verdict.difference > 0 && v.each[2].verdict.p > 0.05);
    nlg_verdict_free(&v);

    v = decide("ratio_within", "{\"low\":1}", SEQUENCE("2") "SELECT 1 AS pair, i AS contrast, i - 0.5 AS a, 1 AS b FROM s");
    assert_int_equal(v.kind, NLG_CONTRADICTED);
    assert_string_equal(v.each[v.decisive].name, "1");
    assert_true(v.difference == 0.5 && v.each[1].verdict.difference == 1.5);
    nlg_verdict_free(&v);

    v = decide("ratio_within", "{\"low\":1}",
               SEQUENCE("3") "SELECT 1 AS pair, (i * i * 4000) || ' images' AS contrast, i AS a, 1 AS b FROM s");
    assert_string_equal(v.each[0].name, "4000 images");
    assert_string_equal(v.each[1].name, "16000 images");
    assert_string_equal(v.each[2].name, "36000 images");
    nlg_verdict_free(&v);
}

static void figures_of_a_verdict(void **state) {
    (void)state;
    nlg_verdict v =
        decide("greater", "{}", SEQUENCE("10") "SELECT i AS pair, CASE WHEN i < 10 THEN 80 + i / 10.0 END AS a, 80.0 AS b FROM s");
    assert_int_equal(v.pairs, 9);
    assert_int_equal(v.incomplete, 1);
    assert_true(fabs(v.p - 2.0 / 512) < 1e-15);
    assert_true(fabs(v.difference - 0.5) < 1e-12);
    assert_true(v.effect == 1);
    assert_true(v.low > 0.3 && v.low < 0.42 && v.high > 0.58 && v.high < 0.7);
    nlg_verdict many[3] = {{.p = 0.01}, {.p = (double)NAN}, {.p = 0.04}};
    nlg_error err = {0};
    assert_int_equal(nlg_verdicts_adjust(many, 3, &err), NLG_OK);
    assert_true(fabs(many[0].q - 0.02) < 1e-15 && fabs(many[2].q - 0.04) < 1e-15);
}

/* --- files --- */

#define CLAIM(rest) "{\"id\":\"e\",\"title\":\"t\",\"claims\":[{\"id\":\"c\",\"text\":\"t\",\"system\":\"resnet\"," rest "}]}"

static void faults_of_claim_files_are_refused(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {CLAIM("\"query\":\"SELECT 1\",\"rule\":\"greatr\""),
         "e.json: claims[0]: rule: there is no rule 'greatr'; did you mean greater?"},
        {CLAIM("\"rule\":\"greater\""), "claims[0]: query is missing"},
        {CLAIM("\"query\":\"SELECT 1\",\"rule\":\"greater\",\"colour\":1"), "claims[0]: unknown key 'colour'"},
        {CLAIM("\"query\":\"SELECT 1\",\"rule\":\"not_lower\""), "claims[0]: params: margin is missing"},
        {CLAIM("\"query\":\"SELECT 1\",\"rule\":\"not_lower\",\"params\":{\"margin\":\"x\"}"), "params: margin: expected a number"},
        {CLAIM("\"query\":\"SELECT 1\",\"rule\":\"greater\",\"params\":{\"margin\":1}"), "params: unknown key 'margin'"},
        {CLAIM("\"query\":1,\"rule\":\"greater\""), "claims[0]: query: expected a text"},
        {"{\"id\":\"e\",\"claims\":{}}", "claims: expected a list"},
        {"{\"id\":\"e\",\"claims\":[1]}", "claims[0]: expected an object"},
        {"{\"id\":\"e\",\"claims\":[{\"id\":\"c\",\"text\":\"t\",\"system\":\"s\",\"query\":\"q\",\"rule\":\"equal\"},"
         "{\"id\":\"c\",\"text\":\"t\",\"system\":\"s\",\"query\":\"q\",\"rule\":\"equal\"}]}",
         "claims[1]: the id 'c' is taken"},
        {"{", "e.json"},
    };
    program_enter();
    char folder[512], path[600];
    assert_non_null(getcwd(folder, sizeof folder));
    snprintf(folder, sizeof folder, "%s", getenv("D"));
    snprintf(path, sizeof path, "%s/e.json", folder);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        nlg_claims claims;
        nlg_error err = {0};
        assert_int_equal(nlg_file_write(path, cases[i][0], strlen(cases[i][0]), &err), NLG_OK);
        assert_int_equal(nlg_claims_load(folder, &claims, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, cases[i][1])) fail_msg("expected '%s', found '%s'", cases[i][1], err.text);
        nlg_claims_free(&claims);
    }
    program_leave();
}

static void failing_queries_name_file_and_claim(void **state) {
    (void)state;
    static const char *const queries[] = {"SELECT nothing FROM nowhere", "SELECT 1 AS pair, 2 AS a", "DELETE FROM records"};
    nlg_query *q;
    nlg_error err = {0};
    assert_int_equal(nlg_query_open(NULL, NULL, &q, &err), NLG_OK);
    for (int i = 0; i < 3; i++) {
        nlg_verdict v;
        nlg_claim claim = {
            .file = "mine.json", .experiment = "e", .id = "my-claim", .query = queries[i], .rule = nlg_rule_find("equal")};
        err = (nlg_error){0};
        assert_int_equal(nlg_claim_decide(&claim, q, "smoke", &v, &err), NLG_ERR_INPUT);
        assert_non_null(strstr(err.text, "mine.json: claim my-claim: query"));
    }
    nlg_query_close(q);
}

/* Every shipped claim names a rule and a section, and its query runs on an empty store. */
static void shipped_claims_run(void **state) {
    (void)state;
    nlg_claims claims;
    nlg_query *q;
    nlg_error err = {0};
    if (nlg_claims_load("harness/experiments", &claims, &err) != NLG_OK) fail_msg("%s", err.text);
    assert_int_equal(nlg_query_open(NULL, "results/published", &q, &err), NLG_OK);
    for (int i = 0; i < claims.n_claims; i++) {
        nlg_verdict v;
        if (nlg_claim_decide(&claims.claims[i], q, "smoke", &v, &err) != NLG_OK) fail_msg("%s", err.text);
        nlg_verdict_free(&v);
    }
    for (int i = 0; i < claims.n_experiments; i++)
        if (strcmp(claims.experiments[i].id, "vgg-depth") == 0)
            assert_non_null(strstr(claims.experiments[i].notes, "after first runs")); /* the report shows it to readers */
    nlg_query_close(q);
    nlg_claims_free(&claims);
}

/* --- templates --- */

static const char *partial(void *context, const char *name) {
    (void)context;
    return strcmp(name, "item") == 0 ? "[{{n}}]" : NULL;
}

static nlg_status render(const char *text, const char *data, char **out, nlg_error *err) {
    cJSON *json;
    size_t size;
    assert_int_equal(nlg_json_read(data, strlen(data), "data", &json, err), NLG_OK);
    FILE *f = open_memstream(out, &size);
    nlg_status status = nlg_template_render(f, text, "page.html", NLG_ESCAPE_HTML, json, partial, NULL, err);
    fclose(f);
    cJSON_Delete(json);
    return status;
}

static void templates_follow_mustache(void **state) {
    (void)state;
    static const char data[] =
        "{\"name\":\"<b>\",\"n\":3,\"yes\":true,\"no\":false,\"none\":null,\"empty\":[],\"list\":[{\"n\":1},{\"n\":2}],"
        "\"words\":[\"a\",\"b\"],\"deep\":{\"x\":{\"y\":\"z\"}}}";
    static const char *const cases[][2] = {
        {"{{name}} {{{name}}} {{&name}}", "&lt;b&gt; <b> <b>"},
        {"{{#list}}{{n}},{{/list}}{{n}}", "1,2,3"},
        {"{{#words}}{{.}};{{/words}}", "a;b;"},
        {"{{#yes}}y{{/yes}}{{#no}}n{{/no}}{{^no}}N{{/no}}{{#none}}x{{/none}}{{^empty}}E{{/empty}}{{#missing}}m{{/missing}}", "yNE"},
        {"{{deep.x.y}} {{#deep}}{{x.y}}{{/deep}}", "z z"},
        {"a\n  {{#yes}}\nb\n  {{/yes}}\nc\n", "a\nb\nc\n"},
        {"{{! nothing {{ }}x", "x"},
        {"{{=<% %>=}}<%n%>{{n}}<%={{ }}=%>{{n}}", "3{{n}}3"},
        {"{{#list}}{{>item}}{{/list}}", "[1][2]"},
        {"{{#list}}{{#yes}}{{n}}{{/yes}}{{/list}}", "12"},
        {"{{none}}|", "|"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *out = NULL;
        nlg_error err = {0};
        if (render(cases[i][0], data, &out, &err) != NLG_OK) fail_msg("%s: %s", cases[i][0], err.text);
        assert_string_equal(out, cases[i][1]);
        free(out);
    }
    static const char *const bad[][2] = {{"a\n{{nam}}", "page.html, line 2: there is no value 'nam'"},
                                         {"{{#list}}x", "section not closed"},
                                         {"x{{/list}}", "closes a section that is not open"},
                                         {"{{#list}}{{/lost}}", "closes another section"},
                                         {"{{name", "not closed"},
                                         {"{{>what}}", "there is no partial 'what'"},
                                         {"{{=<%=}}", "expected two marks"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *out = NULL;
        nlg_error err = {0};
        assert_int_equal(render(bad[i][0], data, &out, &err), NLG_ERR_INPUT);
        if (!strstr(err.text, bad[i][1])) fail_msg("expected '%s', found '%s'", bad[i][1], err.text);
        free(out);
    }
}

/* --- the report --- */

static void put(nlg_store *store, nlg_member *members, int *n, const char *arm, int seed, double accuracy) {
    static const nlg_session_facts facts = {.commit = "abc", .compiler = "gcc", .flags = "-O2", .isa = "avx2", .threads = 1};
    static char factors[256][64], keys[256][65];
    nlg_error err = {0};
    char spec[512];
    nlg_record r = {.measure = "train", .status = "done", .detail = NULL, .seconds = 1.5};
    snprintf(spec, sizeof spec, "{\"measure\":\"train\",\"network\":\"%s\",\"recipe\":{\"lr\":0.1},\"seed\":%d,\"x\":%.4f}", arm,
             seed, accuracy);
    r.spec = spec;
    assert_int_equal(nlg_record_key(spec, r.key, &err), NLG_OK);
    nlg_record_metric(&r, "test_accuracy", "fraction", accuracy);
    nlg_record_metric(&r, "test_images", "images", 10000);
    nlg_record_metric(&r, "macs", "", 1000 * (double)strlen(arm));
    nlg_record_metric(&r, "params", "", 100 * (double)strlen(arm));
    if (nlg_store_put_record(store, &r, &facts, &err) != NLG_OK) fail_msg("%s", err.text);
    snprintf(factors[*n], sizeof factors[*n], "{\"network\":\"%s\",\"seed\":%d}", arm, seed);
    snprintf(keys[*n], sizeof keys[*n], "%s", r.key);
    members[*n] = (nlg_member){.arm = arm, .factors = factors[*n], .key = keys[*n], .final = true};
    ++*n;
}

static const cJSON *child(const cJSON *object, const char *name, int index) {
    return cJSON_GetArrayItem(cJSON_GetObjectItem(object, name), index);
}

/* Two experiments of one measure: two groups in every table and figure, and no row of one in the other's. */
static void two_experiments_of_one_kind_stay_apart(void **state) {
    (void)state;
    static const char *const arms[] = {"lenet5_small", "resnet8_small", "nasnet_a_small"};
    nlg_error err = {0};
    nlg_store *store;
    char path[600];
    program_enter();
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    if (nlg_store_open(path, NLG_STORE_WRITE, &store, &err) != NLG_OK) fail_msg("%s", err.text);
    for (int e = 0; e < 2; e++) {
        nlg_member members[64];
        int n = 0;
        for (int a = 0; a < 3; a++)
            for (int s = 1; s <= 3; s++) put(store, members, &n, arms[a], s, (e ? 0.9 : 0.5) + 0.01 * a + 0.001 * s);
        if (nlg_store_set_members(store, "smoke", e ? "second & <third>" : "first", "final", members, n, &err) != NLG_OK)
            fail_msg("%s", err.text);
    }
    nlg_store_close(store);

    cJSON *data = run_json("lineage report --profile smoke --results $D --json");
    const cJSON *section;
    int tables = 0, figures = 0;
    cJSON_ArrayForEach(section, cJSON_GetObjectItem(data, "sections")) {
        for (int i = 0; child(section, "figures", i); i++)
            figures += strcmp(json_text(child(section, "figures", i), "name"), "accuracy-macs") == 0;
        for (int i = 0; child(section, "tables", i); i++) {
            const cJSON *table = child(section, "tables", i);
            if (strncmp(json_text(table, "id"), "table-training-", 15)) continue;
            tables++;
            assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItem(table, "rows")), 3);
            const char *mean = json_text(child(child(table, "rows", 0), "cells", 1), "text");
            assert_string_equal(mean, strstr(json_text(table, "id"), "first") ? "50.20" : "90.20");
        }
    }
    assert_int_equal(tables, 2);
    assert_int_equal(figures, 2);
    cJSON_Delete(data);

    run_good("lineage report --profile smoke --results $D --output \"$D/|touch PWNED; '\"");
    run_good("test ! -e PWNED && test ! -e $D/PWNED");
    run_good("test -s \"$D/|touch PWNED; '/figures/accuracy-macs-second____third_.svg\"");
    run_good("grep -q 'second &amp; &lt;third&gt;' \"$D/|touch PWNED; '/index.html\" && ! grep -q '<third>' \"$D/|touch PWNED; "
             "'/index.html\"");
    run_good("grep -qF 'second \\& \\textless{}third' \"$D/|touch PWNED; '/report.tex\"");
    run_good("test $(grep -c second \"$D/|touch PWNED; '/tables/training.tsv\") = 3");
    run_good("test $(grep -c second \"$D/|touch PWNED; '/tables/training.csv\") = 3");
    run_refused("only of: smoke; make it by lineage run --profile full", "lineage report --profile full --results $D");
    run_refused("there is no profile 'fast'", "lineage report --profile fast --results $D");
    run_refused("no results there; make them first", "lineage report --live --results $D/none");
    program_leave();
}

/* Three networks of each side. Validation chooses who takes the front: the human side's `vgg_small` is the best on test only. */
static void fronts_are_chosen_by_validation(void **state) {
    (void)state;
    static const struct {
        const char *network;
        double macs, validation, test;
    } rows[] = {
        {"lenet5_small", 1e4, 0.5, 0.50},  {"vgg_small", 1e5, 0.4, 0.90},       {"resnet8_small", 1e6, 0.8, 0.70},
        {"nasnet_a_small", 1e4, 0.6, 0.6}, {"mnasnet_a1_small", 1e5, 0.6, 0.2}, {"amoebanet_small", 1e7, 0.9, 0.9},
    };
    static const nlg_session_facts facts = {.commit = "abc", .compiler = "gcc", .flags = "-O2", .isa = "avx2", .threads = 1};
    enum { N = sizeof rows / sizeof *rows };
    nlg_member members[N];
    char factors[N][64], keys[N][65], path[600], spec[200];
    nlg_error err = {0};
    nlg_store *store;
    nlg_query *q;
    nlg_rows *heights;
    program_enter();
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, &err), NLG_OK);
    for (int i = 0; i < N; i++) {
        nlg_record r = {.measure = "train", .status = "done", .spec = spec};
        snprintf(spec, sizeof spec, "{\"measure\":\"train\",\"network\":\"%s\",\"recipe\":{\"lr\":0.1},\"seed\":1}",
                 rows[i].network);
        assert_int_equal(nlg_record_key(spec, r.key, &err), NLG_OK);
        nlg_record_metric(&r, "val_accuracy", "fraction", rows[i].validation);
        nlg_record_metric(&r, "test_accuracy", "fraction", rows[i].test);
        nlg_record_metric(&r, "macs", "", rows[i].macs);
        nlg_record_metric(&r, "params", "", 100);
        assert_int_equal(nlg_store_put_record(store, &r, &facts, &err), NLG_OK);
        snprintf(factors[i], sizeof factors[i], "{\"network\":\"%s\"}", rows[i].network);
        memcpy(keys[i], r.key, sizeof keys[i]);
        members[i] = (nlg_member){.arm = rows[i].network, .factors = factors[i], .key = keys[i], .final = true};
    }
    assert_int_equal(nlg_store_set_members(store, "smoke", "e", "final", members, N, &err), NLG_OK);
    nlg_store_close(store);
    assert_int_equal(nlg_query_open(path, NULL, &q, &err), NLG_OK);
    if (nlg_query_run(q, "SELECT cost, searched, human FROM front_heights WHERE counted = 'all'", "smoke", "e", "t", &heights,
                      &err))
        fail_msg("%s", err.text);
    /* From 10^4 to 10^6, where both have networks; at one number of parameters there is no range. */
    assert_int_equal(heights->count, 1);
    assert_string_equal(nlg_rows_text(heights, 0, "cost"), "multiply-accumulates");
    assert_float_equal(nlg_rows_number(heights, 0, "human"), 50, 1e-5);    /* LeNet up to 10^6 */
    assert_float_equal(nlg_rows_number(heights, 0, "searched"), 60, 1e-5); /* as good on validation, the cheaper stays */
    nlg_rows_free(heights);
    /* Without the cheapest of a side, or without one that holds no front. */
    static const struct {
        const char *left_out;
        double searched, human;
    } without[] = {{"lenet5_small", 60, 90}, {"nasnet_a_small", 20, 50}, {"vgg_small", 60, 50}};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        char sql[200];
        snprintf(sql, sizeof sql, "SELECT searched, human FROM front_heights_left_out WHERE left_out = '%s'", without[i].left_out);
        if (nlg_query_run(q, sql, "smoke", "e", "t", &heights, &err)) fail_msg("%s", err.text);
        assert_int_equal(heights->count, 1);
        assert_float_equal(nlg_rows_number(heights, 0, "human"), without[i].human, 1e-5);
        assert_float_equal(nlg_rows_number(heights, 0, "searched"), without[i].searched, 1e-5);
        nlg_rows_free(heights);
    }
    nlg_query_close(q);
    program_leave();
}

static const cJSON *claim_of(const cJSON *data, const char *id) {
    const cJSON *c;
    cJSON_ArrayForEach(c, cJSON_GetObjectItem(data, "claims")) {
        if (strcmp(json_text(c, "id"), id) == 0) return c;
    }
    fail_msg("no claim %s", id);
    return NULL;
}

/* A search of the experiment lenet-conv, whose chart stands in another section than its claims. */
static void put_search(const char *path) {
    static const nlg_session_facts facts = {.commit = "abc", .compiler = "gcc", .flags = "-O2", .isa = "avx2", .threads = 1};
    char spec[] = "{\"measure\":\"search\",\"strategy\":\"random\",\"space\":\"s\",\"seed\":1}";
    char detail[] = "{\"history\":[{\"genotype\":\"a\",\"status\":\"done\",\"score\":0.5}]}";
    nlg_record r = {.measure = "search", .status = "done", .spec = spec, .detail = detail};
    nlg_error err = {0};
    nlg_store *store;
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, &err), NLG_OK);
    assert_int_equal(nlg_record_key(spec, r.key, &err), NLG_OK);
    nlg_record_metric(&r, "best_score", "fraction", 0.5);
    assert_int_equal(nlg_store_put_record(store, &r, &facts, &err), NLG_OK);
    const nlg_member member = {.arm = "random", .factors = "{}", .key = r.key};
    assert_int_equal(nlg_store_set_members(store, "full", "lenet-conv", "search", &member, 1, &err), NLG_OK);
    nlg_store_close(store);
}

/* A claim of the project on a store of one record, then made again here with the same bits, then with others. */
static void evidence_is_counted(void **state) {
    (void)state;
    static const nlg_session_facts facts = {.commit = "abc", .compiler = "gcc", .flags = "-O2", .isa = "avx2", .threads = 1};
    nlg_error err = {0};
    nlg_store *store;
    char path[600], spec[] = "{\"measure\":\"count\",\"network\":\"lenet5_1998\"}";
    nlg_record r = {.measure = "count", .status = "done", .spec = spec};
    program_enter();
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    assert_int_equal(nlg_store_open(path, NLG_STORE_WRITE, &store, &err), NLG_OK);
    assert_int_equal(nlg_record_key(spec, r.key, &err), NLG_OK);
    nlg_record_metric(&r, "params", "", 60000);
    assert_int_equal(nlg_store_put_record(store, &r, &facts, &err), NLG_OK);
    const nlg_member member = {.arm = "lenet5_1998", .factors = "{\"network\":\"lenet5_1998\"}", .key = r.key};
    assert_int_equal(nlg_store_set_members(store, "full", "lenet-conv", "counts", &member, 1, &err), NLG_OK);
    nlg_store_close(store);

    cJSON *data = run_json("lineage report --profile full --results $D --json");
    const cJSON *c = claim_of(data, "lenet-parameters");
    assert_string_equal(json_text(c, "verdict"), "supported");
    assert_string_equal(json_text(c, "source"), "live");
    assert_true(cJSON_IsNull(cJSON_GetObjectItem(c, "reverified")));
    assert_string_equal(json_text(claim_of(data, "senet-macs"), "verdict"), "not decided");
    assert_string_equal(json_text(claim_of(data, "senet-macs"), "evidence"), "no records yet");
    cJSON_Delete(data);

    assert_int_equal(nlg_store_open(path, NLG_STORE_READ, &store, &err), NLG_OK);
    nlg_record stored;
    bool found;
    assert_int_equal(nlg_store_record(store, r.key, &stored, &found, &err), NLG_OK);
    nlg_store_close(store);
    const char *created = stored.created;
    run_good("printf 'key\\tcreated\\tsame\\tdiffers\\n%s\\t%s\\t1\\t-\\n' > $D/verifications.tsv", r.key, created);
    data = run_json("lineage report --profile full --results $D --json");
    assert_string_equal(json_text(claim_of(data, "lenet-parameters"), "reverified"), "1 of 1");
    cJSON_Delete(data);
    run_good("printf '%s\\tanother time\\t0\\tdigest\\n' >> $D/verifications.tsv", r.key); /* of another record of that key */
    data = run_json("lineage report --profile full --results $D --json");
    assert_string_equal(json_text(claim_of(data, "lenet-parameters"), "reverified"), "1 of 1");
    cJSON_Delete(data);
    run_good("printf '%s\\t%s\\t0\\tparams: stored 1, now 2\\n' >> $D/verifications.tsv", r.key, created);
    data = run_json("lineage report --profile full --results $D --json");
    c = claim_of(data, "lenet-parameters");
    assert_string_equal(json_text(c, "verdict"), "not verified here");
    assert_non_null(strstr(json_text(c, "differs"), "params: stored 1, now 2"));
    cJSON_Delete(data);
    nlg_record_free(&stored);

    put_search(path);
    run_good("lineage report --profile full --results $D --output $D/r");
    run_good("tr -d ' \\n\\t' < $D/r/claims.json | grep -qF '\"reverified\":[0,1]'");
    run_good("grep -q 'class=\"structure\"' $D/r/index.html && test -s $D/r/figures/structure-nasnet-cells.pdf");
    run_good("grep -q 'elsewhere on this page: <a href=\"#figure-search-anytime-lenet-conv\">' $D/r/index.html");
    run_good("test $(grep -c 'elsewhere on this page' $D/r/index.html) = 1");
    /* Notes are paragraphs, and stand in each section that has a claim of the experiment. */
    run_good("test $(grep -c '<p class=\"soft\">One winner a search' $D/r/index.html) = 2");
    run_good("grep -q '<li>Our own accuracy of MnasNet in five widths.*at one input size.</li>' $D/r/index.html");
    run_good("grep -q 'item Our own accuracy of MnasNet in five widths.*at one input size.$' $D/r/report.tex");
    program_leave();
}

/* Pictures are extras: without gnuplot the tables and pages are there, and the exit code is 0. */
static void no_gnuplot_is_a_warning(void **state) {
    (void)state;
    nlg_error err = {0};
    nlg_store *store;
    nlg_member members[8];
    int n = 0;
    char path[600];
    program_enter();
    snprintf(path, sizeof path, "%s/store.sqlite", getenv("D"));
    if (nlg_store_open(path, NLG_STORE_WRITE, &store, &err) != NLG_OK) fail_msg("%s", err.text);
    put(store, members, &n, "lenet5_small", 1, 0.7);
    assert_int_equal(nlg_store_set_members(store, "quick", "one", "final", members, n, &err), NLG_OK);
    nlg_store_close(store);
    program_result r = run_good("L=$(command -v lineage) && PATH=/nowhere \"$L\" report --live --results $D --output $D/r");
    assert_non_null(strstr(r.err, "warning: no picture"));
    run_good("test -s $D/r/index.html && test -s $D/r/tables/training.tsv && grep -q 'cannot be started' $D/r/index.html");
    program_leave();
}

int main(int argc, char **argv) {
    (void)argc;
    program_find(argv[0]);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_decide_by_rows),
        cmocka_unit_test(figures_are_those_of_the_contrast_that_decides),
        cmocka_unit_test(figures_of_a_verdict),
        cmocka_unit_test(faults_of_claim_files_are_refused),
        cmocka_unit_test(failing_queries_name_file_and_claim),
        cmocka_unit_test(shipped_claims_run),
        cmocka_unit_test(templates_follow_mustache),
        cmocka_unit_test(two_experiments_of_one_kind_stay_apart),
        cmocka_unit_test(fronts_are_chosen_by_validation),
        cmocka_unit_test(evidence_is_counted),
        cmocka_unit_test(no_gnuplot_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
