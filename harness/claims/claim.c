/* Reading claims and deciding them. */
#define _GNU_SOURCE /* strverscmp */
#include "harness/claims/claim.h"

#include <dirent.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/query/stats.h"
#include "harness/query/query.h"
#include "layers/base/file.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"
#include "layers/base/nearest.h"

const char *nlg_verdict_name(nlg_verdict_kind kind) {
    static const char *const names[] = {"supported", "contradicted", "not shown", "not testable at this scale",
                                        "described", "not decided"};
    return names[kind];
}

/* --- files --- */

static bool is_listed(const char *list, const char *name, bool *optional) {
    size_t length = strlen(name);
    for (const char *at = list; *at;) {
        size_t item = strcspn(at, " ");
        *optional = *at == '?';
        if (item - *optional == length && strncmp(at + *optional, name, length) == 0) return true;
        at += item + (at[item] == ' ');
    }
    return false;
}

static nlg_status check_params(const char *where, const nlg_rule *rule, const cJSON *params, nlg_error *err) {
    const cJSON *p;
    bool optional;
    if (params && !cJSON_IsObject(params)) return nlg_fail(err, NLG_ERR_INPUT, "%s: params: expected an object", where);
    cJSON_ArrayForEach(p, params) {
        if (!is_listed(rule->params, p->string, &optional))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: params: unknown key '%s'; the rule %s takes: %s", where, p->string, rule->name,
                            *rule->params ? rule->params : "none");
        if (!cJSON_IsNumber(p)) return nlg_fail(err, NLG_ERR_INPUT, "%s: params: %s: expected a number", where, p->string);
    }
    for (const char *at = rule->params; *at;) {
        size_t item = strcspn(at, " ");
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)item, at);
        if (*at != '?' && !cJSON_GetObjectItemCaseSensitive(params, name))
            return nlg_fail(err, NLG_ERR_INPUT, "%s: params: %s is missing; the rule %s needs it", where, name, rule->name);
        at += item + (at[item] == ' ');
    }
    return NLG_OK;
}

static nlg_status text_of(const cJSON *object, const char *key, bool required, const char *where, const char **text,
                          nlg_error *err) {
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);
    *text = "";
    if (!v && !required) return NLG_OK;
    if (!v) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s is missing", where, key);
    if (!cJSON_IsString(v) || !*v->valuestring) return nlg_fail(err, NLG_ERR_INPUT, "%s: %s: expected a text", where, key);
    *text = v->valuestring;
    return NLG_OK;
}

static nlg_status read_claim(const nlg_experiment_text *e, const cJSON *object, int number, nlg_claim *c, nlg_error *err) {
    static const char known[] = "id text system query rule params unit would_decide";
    char where[512];
    const cJSON *member;
    const char *rule;
    bool optional;
    snprintf(where, sizeof where, "%.400s: claims[%d]", e->file, number);
    if (!cJSON_IsObject(object)) return nlg_fail(err, NLG_ERR_INPUT, "%s: expected an object", where);
    cJSON_ArrayForEach(member, object) if (!is_listed(known, member->string, &optional)) {
        return nlg_fail(err, NLG_ERR_INPUT, "%s: unknown key '%s'; known: %s", where, member->string, known);
    }
    *c = (nlg_claim){.file = e->file, .experiment = e->id, .params = cJSON_GetObjectItemCaseSensitive(object, "params")};
    NLG_TRY(text_of(object, "id", true, where, &c->id, err));
    NLG_TRY(text_of(object, "text", true, where, &c->text, err));
    NLG_TRY(text_of(object, "system", true, where, &c->system, err));
    NLG_TRY(text_of(object, "query", true, where, &c->query, err));
    NLG_TRY(text_of(object, "unit", false, where, &c->unit, err));
    NLG_TRY(text_of(object, "would_decide", false, where, &c->would_decide, err));
    NLG_TRY(text_of(object, "rule", true, where, &rule, err));
    c->rule = nlg_rule_find(rule);
    if (!c->rule) {
        nlg_nearest nearest = {.wanted = rule};
        for (int i = 0; nlg_rule_at(i); i++) nlg_nearest_try(&nearest, nlg_rule_at(i)->name);
        const char *near = nlg_nearest_name(&nearest);
        return nlg_fail(err, NLG_ERR_INPUT, "%s: rule: there is no rule '%s'%s%s%s", where, rule, near ? "; did you mean " : "",
                        near ? near : "", near ? "?" : "");
    }
    return check_params(where, c->rule, c->params, err);
}

static nlg_status read_claims(nlg_claims *claims, const nlg_experiment_text *e, nlg_error *err) {
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(e->document, "claims"), *object;
    int number = 0;
    if (list && !cJSON_IsArray(list)) return nlg_fail(err, NLG_ERR_INPUT, "%s: claims: expected a list", e->file);
    cJSON_ArrayForEach(object, list) {
        nlg_claim *more = nlg_realloc(claims->claims, (size_t)claims->n_claims + 1, sizeof *more);
        if (!more) return nlg_fail_memory(err, 0, "claims");
        claims->claims = more;
        nlg_claim *c = &more[claims->n_claims];
        NLG_TRY(read_claim(e, object, number++, c, err));
        for (int i = 0; i < claims->n_claims; i++)
            if (strcmp(more[i].id, c->id) == 0)
                return nlg_fail(err, NLG_ERR_INPUT, "%s: claims[%d]: the id '%s' is taken by a claim of %s", e->file, number - 1,
                                c->id, more[i].file);
        claims->n_claims++;
    }
    return NLG_OK;
}

static nlg_status read_file(nlg_claims *claims, const char *folder, const char *name, nlg_error *err) {
    enum { LARGEST = 1 << 22 };
    nlg_experiment_text *e = &claims->experiments[claims->n_experiments++];
    char path[1024], *text;
    size_t size;
    *e = (nlg_experiment_text){0};
    snprintf(path, sizeof path, "%.700s/%.255s", folder, name);
    if (!(e->file = nlg_strdup(path))) return nlg_fail_memory(err, 0, path);
    NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_json_read(text, size, path, &e->document, err);
    nlg_free(text);
    if (status != NLG_OK) return status;
    NLG_TRY(text_of(e->document, "id", true, path, &e->id, err));
    NLG_TRY(text_of(e->document, "title", false, path, &e->title, err));
    NLG_TRY(text_of(e->document, "paper", false, path, &e->paper, err));
    NLG_TRY(text_of(e->document, "question", false, path, &e->question, err));
    NLG_TRY(text_of(e->document, "notes", false, path, &e->notes, err));
    return NLG_OK;
}

nlg_status nlg_claims_load(const char *folder, nlg_claims *claims, nlg_error *err) {
    struct dirent **files = NULL;
    *claims = (nlg_claims){0};
    int n = scandir(folder, &files, NULL, alphasort);
    if (n < 0) return nlg_fail(err, NLG_ERR_INPUT, "%s: cannot be read; it holds the experiments", folder);
    claims->experiments = nlg_alloc((size_t)n + 1, sizeof *claims->experiments);
    nlg_status status = claims->experiments ? NLG_OK : nlg_fail_memory(err, 0, "claims");
    for (int i = 0; i < n; i++) {
        const char *dot = strrchr(files[i]->d_name, '.');
        if (status == NLG_OK && dot && strcmp(dot, ".json") == 0) status = read_file(claims, folder, files[i]->d_name, err);
        free(files[i]);
    }
    free(files);
    for (int i = 0; status == NLG_OK && i < claims->n_experiments; i++) status = read_claims(claims, &claims->experiments[i], err);
    return status;
}

bool nlg_claim_is_ratio(const nlg_claim *claim) {
    return strcmp(claim->rule->unit, "a / b") == 0;
}

void nlg_claims_free(nlg_claims *claims) {
    for (int i = 0; claims->experiments && i < claims->n_experiments; i++) {
        cJSON_Delete(claims->experiments[i].document);
        nlg_free(claims->experiments[i].file);
    }
    nlg_free(claims->experiments);
    nlg_free(claims->claims);
    *claims = (nlg_claims){0};
}

/* --- deciding --- */

typedef struct claim_row {
    const char *contrast, *pair;
    double a, b;
} claim_row;

static int by_contrast_and_pair(const void *x, const void *y) {
    const claim_row *p = x, *q = y;
    int order = strverscmp(p->contrast, q->contrast); /* 5000 images before 20000 images */
    if (!order) order = strcmp(p->pair, q->pair);
    if (!order) order = (p->a > q->a) - (p->a < q->a);
    return order ? order : (p->b > q->b) - (p->b < q->b);
}

/* Holm's p of every contrast. What it takes back is not shown; a rule that decides by intervals keeps its word. */
static nlg_status adjust(const nlg_claim *claim, nlg_contrast *each, int n, nlg_error *err) {
    double *room = nlg_alloc(2 * (size_t)n, sizeof *room);
    int tested = 0;
    if (!room) return nlg_fail_memory(err, 0, "a claim");
    for (int i = 0; i < n; i++)
        if (!isnan(each[i].verdict.p)) room[tested++] = each[i].verdict.p;
    nlg_status status = tested ? nlg_holm(room, (size_t)tested, room + n, err) : NLG_OK;
    for (int i = 0, t = 0; status == NLG_OK && i < n; i++) {
        nlg_verdict *v = &each[i].verdict;
        if (isnan(v->p)) continue;
        v->p = room[n + t++];
        if (n > 1 && !claim->rule->against && v->p > 0.05 && (v->kind == NLG_SUPPORTED || v->kind == NLG_CONTRADICTED))
            v->kind = NLG_NOT_SHOWN;
    }
    nlg_free(room);
    return status;
}

static nlg_verdict_kind joined_kind(const nlg_contrast *each, int n) {
    bool seen[NLG_DESCRIBED + 1] = {false};
    for (int i = 0; i < n; i++) seen[each[i].verdict.kind] = true;
    return seen[NLG_CONTRADICTED]   ? NLG_CONTRADICTED
           : seen[NLG_NOT_TESTABLE] ? NLG_NOT_TESTABLE
           : seen[NLG_NOT_SHOWN]    ? NLG_NOT_SHOWN
           : seen[NLG_SUPPORTED]    ? NLG_SUPPORTED
                                    : NLG_DESCRIBED;
}

/* Among the contrasts of the joined kind: the clearest one of a contradiction (least p), else the weakest (largest p). */
static int decisive(const nlg_contrast *each, int n, nlg_verdict_kind kind) {
    int best = -1;
    for (int i = 0; i < n; i++) {
        if (each[i].verdict.kind != kind) continue;
        const double p = each[i].verdict.p, known = best < 0 ? (double)NAN : each[best].verdict.p;
        if (isnan(known) ? best < 0 || !isnan(p) : kind == NLG_CONTRADICTED ? p < known : p > known) best = i;
    }
    return best < 0 ? 0 : best;
}

/* Takes the contrasts, unless it fails. */
static nlg_status join(const nlg_claim *claim, nlg_contrast *each, int n, nlg_verdict *whole, nlg_error *err) {
    NLG_TRY(adjust(claim, each, n, err));
    const nlg_verdict_kind kind = joined_kind(each, n);
    const int at = decisive(each, n, kind);
    *whole = each[at].verdict;
    whole->contrasts = n;
    whole->decisive = at;
    whole->kind = kind;
    whole->incomplete = 0;
    for (int i = 0; i < n; i++) {
        whole->incomplete += each[i].verdict.incomplete;
        if (each[i].verdict.pairs < whole->pairs) whole->pairs = each[i].verdict.pairs;
    }
    if (n > 1)
        whole->each = each;
    else
        nlg_free(each);
    return NLG_OK;
}

void nlg_verdict_free(nlg_verdict *verdict) {
    nlg_free(verdict->each);
    verdict->each = NULL;
}

static nlg_status decide_contrast(const nlg_claim *claim, claim_row *rows, int n, nlg_verdict *v, nlg_error *err) {
    char key[256];
    *v = (nlg_verdict){.kind = NLG_NOT_TESTABLE,
                       .p = (double)NAN,
                       .q = (double)NAN,
                       .effect = (double)NAN,
                       .difference = (double)NAN,
                       .low = (double)NAN,
                       .high = (double)NAN,
                       .contrasts = 1};
    nlg_claim_rows r = {0};
    r.pair = nlg_alloc((size_t)n + 1, sizeof *r.pair);
    r.a = nlg_alloc(2 * (size_t)n + 1, sizeof *r.a);
    nlg_status status = r.pair && r.a ? NLG_OK : nlg_fail_memory(err, 0, "a claim");
    r.b = r.a + n;
    for (int i = 0; status == NLG_OK && i < n; i++) {
        if (!isfinite(rows[i].a) || !isfinite(rows[i].b)) {
            r.incomplete++;
            continue;
        }
        r.pair[r.count] = rows[i].pair;
        r.a[r.count] = rows[i].a;
        r.b[r.count++] = rows[i].b;
    }
    snprintf(key, sizeof key, "%s/%s", claim->id, n ? rows[0].contrast : "");
    if (status == NLG_OK && r.count) status = claim->rule->decide(&r, claim->params, key, v, err);
    v->incomplete = r.incomplete;
    nlg_free(r.pair);
    nlg_free(r.a);
    return status;
}

static nlg_status decide_rows(const nlg_claim *claim, const nlg_rows *rows, nlg_verdict *verdict, nlg_error *err) {
    claim_row *all = nlg_alloc((size_t)rows->count + 1, sizeof *all);
    nlg_contrast *each = nlg_alloc((size_t)rows->count + 1, sizeof *each);
    nlg_status status = all && each ? NLG_OK : nlg_fail_memory(err, 0, "a claim");
    int contrasts = 0;
    for (int i = 0; status == NLG_OK && i < rows->count; i++) {
        const char *contrast = nlg_rows_text(rows, i, "contrast"), *pair = nlg_rows_text(rows, i, "pair");
        all[i] =
            (claim_row){contrast ? contrast : "", pair ? pair : "", nlg_rows_number(rows, i, "a"), nlg_rows_number(rows, i, "b")};
    }
    if (status == NLG_OK) qsort(all, (size_t)rows->count, sizeof *all, by_contrast_and_pair);
    for (int begin = 0, end; status == NLG_OK && (begin < rows->count || !contrasts); begin = end) {
        for (end = begin; end < rows->count && strcmp(all[end].contrast, all[begin].contrast) == 0;) end++;
        if (rows->count) snprintf(each[contrasts].name, sizeof each->name, "%s", all[begin].contrast);
        status = decide_contrast(claim, all + begin, end - begin, &each[contrasts++].verdict, err);
    }
    if (status == NLG_OK) status = join(claim, each, contrasts, verdict, err);
    if (status != NLG_OK) nlg_free(each);
    nlg_free(all);
    return status;
}

nlg_status nlg_claim_decide(const nlg_claim *claim, nlg_query *query, const char *profile, nlg_verdict *verdict, nlg_error *err) {
    static const char *const needed[] = {"pair", "a", "b"};
    char what[700];
    nlg_rows *rows;
    snprintf(what, sizeof what, "%.500s: claim %.100s: query", claim->file, claim->id);
    NLG_TRY(nlg_query_run(query, claim->query, profile, claim->experiment, what, &rows, err));
    nlg_status status = NLG_OK;
    for (int i = 0; status == NLG_OK && i < 3; i++)
        if (nlg_rows_column(rows, needed[i]) < 0)
            status = nlg_fail(err, NLG_ERR_INPUT, "%s: the column %s is missing; expected pair, a, b", what, needed[i]);
    if (status == NLG_OK) status = decide_rows(claim, rows, verdict, err);
    if (status == NLG_OK && !rows->count) verdict->kind = NLG_UNDECIDED;
    nlg_rows_free(rows);
    return status;
}

nlg_status nlg_claims_check(const char *file, const char *experiment, cJSON *document, nlg_query *query, nlg_error *err) {
    const nlg_experiment_text e = {.id = experiment, .document = document, .file = (char *)(uintptr_t)file};
    nlg_claims claims = {0};
    nlg_status status = read_claims(&claims, &e, err);
    for (int i = 0; i < claims.n_claims && status == NLG_OK; i++) {
        nlg_verdict verdict;
        status = nlg_claim_decide(&claims.claims[i], query, "smoke", &verdict, err);
        if (status == NLG_OK) nlg_verdict_free(&verdict);
    }
    nlg_free(claims.claims);
    return status;
}

nlg_status nlg_verdicts_adjust(nlg_verdict *verdicts, int count, nlg_error *err) {
    double *room = nlg_alloc(2 * (size_t)count + 1, sizeof *room);
    size_t n = 0, at = 0;
    if (!room) return nlg_fail_memory(err, 0, "claims");
    for (int i = 0; i < count; i++)
        if (!isnan(verdicts[i].p)) room[n++] = verdicts[i].p;
    nlg_status status = n ? nlg_benjamini_hochberg(room, n, room + n, err) : NLG_OK;
    for (int i = 0; status == NLG_OK && i < count; i++)
        if (!isnan(verdicts[i].p)) verdicts[i].q = room[n + at++];
    nlg_free(room);
    return status;
}
