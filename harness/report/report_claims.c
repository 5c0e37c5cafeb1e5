/* Claims of the report: verdicts, the evidence for them, and the sentence that sums them up. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/plans/experiment.h"
#include "harness/report/report_claims.h"
#include "layers/base/json.h"
#include "layers/base/memory.h"

static void p_text(cJSON *object, const char *name, double p) {
    char text[32];
    snprintf(text, sizeof text, p < 0.001 ? "<0.001" : "%.3f", p);
    nlg_json_text(object, name, isfinite(p) ? text : NULL);
}

static const char *class_of(nlg_verdict_kind kind) {
    return kind == NLG_SUPPORTED      ? "supported"
           : kind == NLG_CONTRADICTED ? "contradicted"
           : kind == NLG_DESCRIBED    ? "described"
                                      : "open";
}

/* Decimals that leave two digits of an interval's width. */
static int decimals_of(double low, double high) {
    const double width = high - low;
    const int decimals = width > 0 ? 1 - (int)floor(log10(width)) : 0;
    return decimals < 0 ? 0 : decimals > 6 ? 6 : decimals;
}

/* "+0.27 (+0.20 to +0.37) points" */
static void figure_text(const nlg_claim *c, const nlg_verdict *v, const char *unit, char *text, size_t size) {
    const bool is_ratio = nlg_claim_is_ratio(c), has_interval = isfinite(v->low) && v->low < v->high;
    const char *blank = *unit ? " " : "";
    const int n = decimals_of(v->low, v->high);
    if (has_interval && is_ratio)
        snprintf(text, size, "%.*f (%.*f to %.*f)%s%.90s", n, v->difference, n, v->low, n, v->high, blank, unit);
    else if (has_interval)
        snprintf(text, size, "%+.*f (%+.*f to %+.*f)%s%.90s", n, v->difference, n, v->low, n, v->high, blank, unit);
    else if (strcmp(c->rule->name, "equal") == 0 && v->difference == 0)
        snprintf(text, size, "no difference%s%.90s", *unit ? " in " : "", unit);
    else
        snprintf(text, size, is_ratio ? "%.4g%s%.90s" : "%+.3g%s%.90s", v->difference, blank, unit);
}

/* What the rule made of one contrast, or of the claim by the contrast that decides it. brief: for columns of tables, without what
 * is subtracted from what; figure: without a unit, for columns that name it. */
static void add_figures_of(cJSON *row, const nlg_claim *c, const nlg_verdict *v) {
    char text[256], brief[128];
    nlg_json_number(row, "pairs", (double)v->pairs);
    snprintf(text, sizeof text, "%zu pair%s", v->pairs, v->pairs == 1 ? "" : "s");
    nlg_json_text(row, "pairs_text", text);
    p_text(row, "p", v->p);
    p_text(row, "q", v->q);
    const char *against = c->rule->against;
    snprintf(text, sizeof text, "%+.2f%s%s", v->effect, against ? " against the " : "", against ? against : "");
    nlg_json_text(row, "effect", isfinite(v->effect) ? text : NULL);
    snprintf(brief, sizeof brief, "%.*s", (int)strcspn(c->unit, ","), c->unit);
    figure_text(c, v, brief, text, sizeof text);
    nlg_json_text(row, "brief", isfinite(v->difference) ? text : NULL);
    figure_text(c, v, "", text, sizeof text);
    nlg_json_text(row, "figure", isfinite(v->difference) ? text : NULL);
    figure_text(c, v, c->unit, text, sizeof text);
    nlg_json_text(row, "ours", isfinite(v->difference) ? text : NULL);
}

/* "Rule ... (at least 8, at most 9)": how the claim is decided, with the numbers of its file. */
static void add_rule(cJSON *row, const nlg_claim *c) {
    static const struct {
        const char *name, *before, *after;
    } words[] = {{"low", "at least ", ""},
                 {"high", "at most ", ""},
                 {"margin", "margin ", ""},
                 {"above", "bound ", ""},
                 {"least_pairs", "not with fewer than ", " pairs"}};
    char text[1024];
    int used = snprintf(text, sizeof text, "%.700s", c->rule->means), listed = 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        const cJSON *v = cJSON_GetObjectItemCaseSensitive(c->params, words[i].name);
        if (cJSON_IsNumber(v))
            used += snprintf(text + used, sizeof text - (size_t)used, "%s%s%g%s", listed++ ? ", " : " (", words[i].before,
                             v->valuedouble, words[i].after);
    }
    if (listed) snprintf(text + used, sizeof text - (size_t)used, ")");
    nlg_json_text(row, "rule", text);
}

/* "against resolution; of 3 contrasts 2 supported, 1 contradicted" */
static void add_contrasts_text(cJSON *row, const nlg_verdict *v) {
    char text[256];
    int used = snprintf(text, sizeof text, "%.95s; of %d contrasts", v->each[v->decisive].name, v->contrasts), listed = 0;
    for (int kind = NLG_SUPPORTED; kind < NLG_UNDECIDED; kind++) {
        int n = 0;
        for (int i = 0; i < v->contrasts; i++) n += (int)v->each[i].verdict.kind == kind;
        if (n)
            used += snprintf(text + used, sizeof text - (size_t)used, "%s %d %s", listed++ ? "," : "", n,
                             nlg_verdict_name((nlg_verdict_kind)kind));
    }
    nlg_json_text(row, "contrasts_text", text);
}

static void add_contrasts(cJSON *row, const nlg_claim *c, const nlg_verdict *v) {
    cJSON *list = v->each ? cJSON_AddArrayToObject(row, "contrasts") : NULL;
    for (int i = 0; list && i < v->contrasts; i++) {
        cJSON *o = nlg_json_object_in(list);
        nlg_json_text(o, "name", v->each[i].name);
        nlg_json_text(o, "verdict", nlg_verdict_name(v->each[i].verdict.kind));
        nlg_json_text(o, "class", class_of(v->each[i].verdict.kind));
        add_figures_of(o, c, &v->each[i].verdict);
    }
    if (!list) return;
    cJSON_AddBoolToObject(row, "has_contrasts", true);
    char unit[128];
    snprintf(unit, sizeof unit, "%.*s", (int)strcspn(c->unit, ","), c->unit);
    nlg_json_text(row, "unit", *unit ? unit : NULL);
}

/* ---- the verdict of the report ----------------------------------------------------------------------------------------- */

static bool is_quick_with_shipped(const nlg_report *r) {
    return r->live != NULL;
}

/* A test that looks at results before all are there is another test; exact figures are not. Its figures are not shown either. */
static void hold_back(nlg_report_claim *c) {
    nlg_verdict *v = &c->verdict;
    const bool is_open = v->kind == NLG_NOT_TESTABLE || v->kind == NLG_UNDECIDED;
    c->is_incomplete = (is_open || isfinite(v->p) || isfinite(v->low)) && (c->evidence.missing > 0 || !c->evidence.is_complete);
    if (!c->is_incomplete) return;
    nlg_verdict_free(v);
    v->kind = NLG_UNDECIDED;
    v->contrasts = 1;
    v->p = v->q = v->effect = v->difference = v->low = v->high = (double)NAN;
}

static nlg_status evidence_of(const nlg_report *r, nlg_query *query, const char *source, const char *profile,
                              const nlg_claim *claim, nlg_evidence *evidence, nlg_error *err) {
    char plan[65] = "";
    for (int i = 0; i < r->claims.n_experiments; i++)
        if (r->claims.experiments[i].id == claim->experiment)
            NLG_TRY(nlg_experiment_plan(r->claims.experiments[i].document, profile, plan, err));
    return nlg_evidence_of(query, source, profile, claim->experiment, plan, evidence, err);
}

static nlg_status decide(nlg_report *r, int i, nlg_error *err) {
    const nlg_claim *claim = &r->claims.claims[i];
    nlg_report_claim *c = &r->outcomes[i];
    NLG_TRY(nlg_claim_decide(claim, r->query, r->profile, &c->verdict, err));
    NLG_TRY(evidence_of(r, r->query, r->source, r->profile, claim, &c->evidence, err));
    hold_back(c);
    if (!is_quick_with_shipped(r)) return NLG_OK;
    nlg_report_claim live = {0};
    NLG_TRY(nlg_claim_decide(claim, r->live, r->asked, &live.verdict, err));
    nlg_status status = evidence_of(r, r->live, "live", r->asked, claim, &live.evidence, err);
    hold_back(&live);
    if (status != NLG_OK || live.verdict.kind == NLG_UNDECIDED) {
        nlg_verdict_free(&live.verdict);
    } else if (c->verdict.kind == NLG_UNDECIDED && !c->evidence.trials) { /* nothing is shipped: what ran here decides */
        nlg_verdict_free(&c->verdict);
        c->verdict = live.verdict;
        c->evidence = live.evidence;
        c->is_live = true;
    } else {
        c->live = live.verdict;
        c->has_live = true;
    }
    return status;
}

/* Benjamini and Hochberg over all verdicts of one kind. */
static nlg_status adjust(nlg_report *r, bool live, nlg_error *err) {
    const int n = r->claims.n_claims;
    nlg_verdict *all = nlg_alloc((size_t)n + 1, sizeof *all);
    if (!all) return nlg_fail_memory(err, (size_t)n * sizeof *all, "the claims");
    for (int i = 0; i < n; i++) {
        const nlg_report_claim *c = &r->outcomes[i];
        all[i] = live ? c->live : c->verdict;
        if (live ? !c->has_live : c->verdict.kind == NLG_UNDECIDED) all[i].p = (double)NAN;
    }
    nlg_status status = nlg_verdicts_adjust(all, n, err);
    for (int i = 0; status == NLG_OK && i < n; i++) *(live ? &r->outcomes[i].live.q : &r->outcomes[i].verdict.q) = all[i].q;
    nlg_free(all);
    return status;
}

static bool is_refuted(const nlg_report_claim *c) { /* a record made again here has other bits */
    return *c->evidence.differs != '\0';
}

const char *nlg_report_verdict_name(const nlg_report_claim *c) {
    return is_refuted(c) ? "not verified here" : nlg_verdict_name(c->verdict.kind);
}

/* "shipped; 3 of 3 re-verified" */
void nlg_report_evidence_text(const nlg_report *r, const nlg_report_claim *c, char *text, size_t size) {
    const nlg_evidence *e = &c->evidence;
    if (strcmp(e->source, "smoke") == 0)
        snprintf(text, size, "smoke: no evidence");
    else if (!e->trials && is_quick_with_shipped(r))
        snprintf(text, size, "no shipped records yet");
    else if (!e->trials)
        snprintf(text, size, "no records yet");
    else if (c->is_incomplete && !e->missing)
        snprintf(text, size, "%s, not all runs of the present plan", e->source);
    else if (c->is_incomplete)
        snprintf(text, size, "%s, %d of %d runs so far", e->source, e->trials - e->missing, e->trials);
    else if (e->again > 0)
        snprintf(text, size, "%s; %d of %d re-verified", e->source, e->same, e->again);
    else
        snprintf(text, size, strcmp(e->source, "shipped") == 0 ? "%s; none re-verified" : "%s", e->source);
}

/* ---- for people -------------------------------------------------------------------------------------------------------- */

/* An empty line parts them. */
static void add_notes(cJSON *row, const char *text) {
    cJSON *list = cJSON_AddArrayToObject(row, "notes");
    while (*text) {
        const char *end = strstr(text, "\n\n");
        const size_t length = end ? (size_t)(end - text) : strlen(text);
        char *paragraph = nlg_alloc(length + 1, 1);
        if (!paragraph) return;
        memcpy(paragraph, text, length);
        cJSON *one = nlg_json_object_in(list);
        nlg_json_text(one, "paragraph", paragraph);
        cJSON_AddBoolToObject(one, "after_first", one && one != list->child);
        nlg_free(paragraph);
        text += length + (end ? 2 : 0);
    }
    cJSON_AddBoolToObject(row, "more_notes", cJSON_GetArraySize(list) > 1);
}

static cJSON *claim_row(const nlg_report *r, int at) {
    const nlg_claim *c = &r->claims.claims[at];
    const nlg_report_claim *outcome = &r->outcomes[at];
    const nlg_verdict *v = &outcome->verdict;
    const nlg_evidence *e = &outcome->evidence;
    bool is_first = true; /* of its experiment in its section */
    for (int i = 0; i < at && is_first; i++)
        is_first = r->claims.claims[i].experiment != c->experiment || strcmp(r->claims.claims[i].system, c->system) != 0;
    cJSON *row = cJSON_CreateObject();
    char text[1024];
    nlg_json_text(row, "id", c->id);
    const size_t length = strlen(c->text);
    snprintf(text, sizeof text, "%.*s%s", (int)sizeof text - 2, c->text, length && strchr(".?!", c->text[length - 1]) ? "" : ".");
    nlg_json_text(row, "text", text);
    nlg_json_text(row, "system", c->system);
    nlg_json_text(row, "experiment", c->experiment);
    for (int i = 0; i < r->claims.n_experiments; i++) {
        const nlg_experiment_text *t = &r->claims.experiments[i];
        if (t->id != c->experiment) continue;
        if (!is_first) continue; /* what holds for the experiment is said once a section */
        nlg_json_text(row, "paper", *t->paper ? t->paper : NULL);
        nlg_json_text(row, "question", *t->question ? t->question : NULL);
        add_notes(row, t->notes);
    }
    add_rule(row, c);
    nlg_json_text(row, "verdict", nlg_report_verdict_name(outcome));
    nlg_json_text(row, "class", is_refuted(outcome) ? "unverified" : class_of(v->kind));
    nlg_json_text(row, "differs", is_refuted(outcome) ? e->differs : NULL);
    nlg_json_text(row, "source", e->source);
    nlg_report_evidence_text(r, outcome, text, sizeof text);
    nlg_json_text(row, "evidence", text);
    add_figures_of(row, c, v);
    if (v->each) {
        nlg_json_text(row, "contrast", v->each[v->decisive].name);
        add_contrasts_text(row, v);
    }
    add_contrasts(row, c, v);
    snprintf(text, sizeof text, "%d of %d", e->same, e->again);
    nlg_json_text(row, "reverified", e->again > 0 ? text : NULL);
    nlg_json_number(row, "incomplete", v->incomplete ? v->incomplete : (double)NAN);
    if (outcome->has_live) {
        cJSON *figures = cJSON_CreateObject();
        add_figures_of(figures, c, &outcome->live);
        const char *ours = cJSON_GetStringValue(cJSON_GetObjectItem(figures, "ours"));
        snprintf(text, sizeof text, "%.200s%s%zu pair%s", ours ? ours : "", ours ? ", " : "", outcome->live.pairs,
                 outcome->live.pairs == 1 ? "" : "s");
        cJSON_Delete(figures);
        nlg_json_text(row, "live_verdict", nlg_verdict_name(outcome->live.kind));
        nlg_json_text(row, "live_class", class_of(outcome->live.kind));
        nlg_json_text(row, "live_text", text);
    }
    snprintf(text, sizeof text, "%.*s", (int)sizeof text - 1, c->would_decide);
    size_t end = strlen(text);
    if (end && text[end - 1] == '.') text[end - 1] = 0; /* the page ends the sentence */
    nlg_json_text(row, "would_decide", *text && v->kind != NLG_SUPPORTED ? text : NULL);
    return row;
}

/* ---- for machines ------------------------------------------------------------------------------------------------------ */

static void add_numbers_of(cJSON *row, const nlg_verdict *v) {
    nlg_json_text(row, "verdict", nlg_verdict_name(v->kind));
    nlg_json_number(row, "pairs", (double)v->pairs);
    nlg_json_number(row, "p", v->p);
    nlg_json_number(row, "q", v->q);
    nlg_json_number(row, "effect", v->effect);
    nlg_json_number(row, "difference", v->difference);
    cJSON *interval = cJSON_AddArrayToObject(row, "interval");
    for (int i = 0; i < 2; i++) {
        double end = i ? v->high : v->low;
        cJSON_AddItemToArray(interval, isfinite(end) ? cJSON_CreateNumber(end) : cJSON_CreateNull());
    }
}

static void add_pair(cJSON *row, const char *name, int a, int b) {
    cJSON *pair = cJSON_AddArrayToObject(row, name);
    cJSON_AddItemToArray(pair, cJSON_CreateNumber(a));
    cJSON_AddItemToArray(pair, cJSON_CreateNumber(b));
}

static void add_verdict(cJSON *list, const nlg_claim *c, const nlg_report_claim *outcome) {
    const nlg_verdict *v = &outcome->verdict;
    const nlg_evidence *e = &outcome->evidence;
    cJSON *row = nlg_json_object_in(list);
    nlg_json_text(row, "id", c->id);
    add_numbers_of(row, v);
    nlg_json_set(row, "verdict", cJSON_CreateString(nlg_report_verdict_name(outcome)));
    nlg_json_text(row, "source", e->source);
    add_pair(row, "reverified", e->same, e->again);
    nlg_json_number(row, "seconds", e->seconds);
    if (is_refuted(outcome)) nlg_json_text(row, "differs", e->differs);
    cJSON *contrasts = v->each ? cJSON_AddArrayToObject(row, "contrasts") : NULL;
    for (int i = 0; contrasts && i < v->contrasts; i++) {
        cJSON *o = nlg_json_object_in(contrasts);
        nlg_json_text(o, "name", v->each[i].name);
        add_numbers_of(o, &v->each[i].verdict);
    }
    if (!outcome->has_live) return;
    cJSON *live = cJSON_AddObjectToObject(row, "live");
    add_numbers_of(live, &outcome->live);
}

/* ---- the headline ------------------------------------------------------------------------------------------------------ */

/* "not shown at equal parameters: +0.50 (95 % interval -0.03 to +0.62) points"; that it is an interval, and of what, is told once.
 */
static void tell_figure(FILE *out, const nlg_claim *c, const nlg_verdict *v, const char *verdict, const char *contrast,
                        bool *told) {
    const int decimals = decimals_of(v->low, v->high);
    const int unit = (int)strcspn(c->unit, ","); /* what comes behind is what is subtracted from what */
    fprintf(out, "%s%s%s", verdict, contrast ? " " : "", contrast ? contrast : "");
    if (!isfinite(v->difference) || !isfinite(v->low)) return;
    fprintf(out, ": %+.*f (%s%+.*f to %+.*f)", decimals, v->difference, *told ? "" : "95 % interval ", decimals, v->low, decimals,
            v->high);
    if (!*told) fprintf(out, " %.*s", unit, c->unit);
    *told = true;
}

/* A sentence: the claim, and its verdict or those of its contrasts. */
static void tell_verdict(FILE *out, const nlg_claim *c, const nlg_report_claim *o, bool *told) {
    const nlg_verdict *v = &o->verdict;
    const int length = (int)strcspn(c->text, ":."); /* what comes behind is how it is measured */
    fprintf(out, "\"%.*s\" is ", length, c->text);
    if (v->kind == NLG_UNDECIDED || !v->each || is_refuted(o)) {
        tell_figure(out, c, v, v->kind == NLG_UNDECIDED ? "not yet decided" : nlg_report_verdict_name(o), NULL, told);
    } else {
        for (int k = 0; k < v->contrasts; k++) {
            if (k) fputs("; ", out);
            tell_figure(out, c, &v->each[k].verdict, nlg_verdict_name(v->each[k].verdict.kind), v->each[k].name, told);
        }
    }
    fputc('.', out);
}

/* What is said below the headline: of the comparison that all of this is for. */
static nlg_status add_findings(nlg_report *r, nlg_error *err) {
    static const char *const ids[] = {"human-vs-searched", "human-vs-searched-published"};
    cJSON *list = cJSON_AddArrayToObject(r->data, "findings");
    bool told = false;
    for (int i = 0; i < 2 * r->claims.n_claims; i++) {
        const int at = i % r->claims.n_claims;
        char *text = NULL;
        size_t size;
        if (strcmp(r->claims.claims[at].id, ids[i / r->claims.n_claims]) != 0) continue;
        FILE *out = open_memstream(&text, &size);
        if (out) tell_verdict(out, &r->claims.claims[at], &r->outcomes[at], &told);
        if (!out || fclose(out)) return nlg_fail_memory(err, 0, "the report");
        nlg_json_text(nlg_json_object_in(list), "finding", text);
        free(text);
    }
    return NLG_OK;
}

/* About numbers that no training and no search can change. */
static bool is_count(const nlg_claim *c, const nlg_verdict *v) {
    return isnan(v->p) && v->pairs > 0 && (strcmp(c->rule->name, "equal") == 0 || v->low == v->high);
}

static void add_count(FILE *out, int *n, int count, const char *one, const char *many) {
    if (!count) return;
    fprintf(out, "%s%d %s", (*n)++ ? ", " : "", count, count == 1 ? one : many);
}

static nlg_status add_headline(nlg_report *r, nlg_error *err) {
    int count[NLG_UNDECIDED + 1] = {0}, unverified = 0, listed = 0, counts = 0;
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    if (!out) return nlg_fail_memory(err, 0, "the report");
    for (int i = 0; i < r->claims.n_claims; i++) {
        const nlg_report_claim *c = &r->outcomes[i];
        if (c->verdict.kind != NLG_DESCRIBED && is_refuted(c))
            unverified++;
        else if (c->verdict.kind == NLG_SUPPORTED && is_count(&r->claims.claims[i], &c->verdict))
            counts++;
        else
            count[c->verdict.kind]++;
    }
    const int n = r->claims.n_claims - count[NLG_DESCRIBED] - counts;
    if (n > 0 && strcmp(r->asked, "smoke") == 0) {
        fprintf(out, "This is a trial of the machinery: %d claims were run at a size that shows nothing but that everything works",
                n);
    } else if (n > 0) {
        fprintf(out, "Of %d claims put to the test by trainings and searches, ", n);
        add_count(out, &listed, count[NLG_SUPPORTED], "holds", "hold");
        add_count(out, &listed, count[NLG_CONTRADICTED], "is contradicted", "are contradicted");
        add_count(out, &listed, count[NLG_NOT_SHOWN], "is not shown", "are not shown");
        add_count(out, &listed, count[NLG_NOT_TESTABLE], "cannot be tested at this scale", "cannot be tested at this scale");
        add_count(out, &listed, unverified, "could not be verified here", "could not be verified here");
        add_count(out, &listed, count[NLG_UNDECIDED], "is not yet decided", "are not yet decided");
        if (counts) fprintf(out, " (%d more are about counts alone, and hold)", counts);
    } else {
        fputs("No claim is put to the test in this profile; what was measured stands below", out);
    }
    fputc('.', out);
    if (fclose(out)) return nlg_fail_memory(err, 0, "the report");
    nlg_json_text(r->data, "headline", text);
    free(text);
    return n > 0 && strcmp(r->asked, "smoke") != 0 ? add_findings(r, err) : NLG_OK;
}

static const char how_decided[] =
    "Each claim stands with its rule in the file of its experiment before the run; the box of a claim says what was changed "
    "after a first run. Verdicts follow from the stored runs alone. A claim of several contrasts is supported if all of "
    "them are, and contradicted if one is; the table shows the contrast that decides. Most rules decide by a test, p at "
    "most 0.05 after adjustment over the contrasts of a claim (Holm). A rule with bounds or with a margin decides by the 95 "
    "% interval; a p that stands there is that of the test against the margin or the bound and decides nothing. Exact counts need "
    "neither. q is p adjusted over all claims of this page that have one (Benjamini and Hochberg); no verdict follows from "
    "it. The interval is one of the mean, the test one of ranks, and p is adjusted: an interval may lie beside 0 and the claim "
    "still not be shown. The effect size is the rank-biserial correlation of the test, or Kendall's tau where the claim is about "
    "ranks; "
    "against a margin it may be above 0 where the difference is below. Evidence: shipped runs were made by the project and "
    "come with it; those that were made again on this machine with the same bits are re-verified.";

/* Verdicts that would not stand if all claims were one family of tests. */
static void add_unsure(nlg_report *r) {
    cJSON *list = cJSON_AddArrayToObject(r->data, "unsure");
    for (int i = 0; list && i < r->claims.n_claims; i++) {
        const nlg_verdict *v = &r->outcomes[i].verdict;
        if ((v->kind != NLG_SUPPORTED && v->kind != NLG_CONTRADICTED) || !(v->q > 0.05)) continue;
        cJSON *row = nlg_json_object_in(list);
        nlg_json_text(row, "id", r->claims.claims[i].id);
        nlg_json_text(row, "verdict", nlg_report_verdict_name(&r->outcomes[i]));
        p_text(row, "q", v->q);
        cJSON_AddBoolToObject(row, "after_first", row != list->child);
    }
    cJSON_AddBoolToObject(r->data, "has_unsure", cJSON_GetArraySize(list) > 0);
}

nlg_status nlg_report_decide(nlg_report *r, nlg_error *err) {
    const int n = r->claims.n_claims;
    cJSON *list = cJSON_AddArrayToObject(r->data, "claims");
    r->outcomes = nlg_alloc((size_t)n + 1, sizeof *r->outcomes);
    if (!r->outcomes || !list) return nlg_fail_memory(err, 0, "the report");
    for (int i = 0; i < n; i++) NLG_TRY(decide(r, i, err));
    NLG_TRY(adjust(r, false, err));
    NLG_TRY(adjust(r, true, err));
    for (int i = 0; i < n; i++) {
        cJSON_AddItemToArray(list, claim_row(r, i));
        add_verdict(r->verdict_list, &r->claims.claims[i], &r->outcomes[i]);
    }
    cJSON_AddBoolToObject(r->data, "has_claims", n > 0);
    nlg_json_text(r->data, "how_decided", how_decided);
    add_unsure(r);
    return add_headline(r, err);
}
