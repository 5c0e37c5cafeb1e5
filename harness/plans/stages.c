/* Crossing and selecting. */
#include "harness/plans/stages.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "layers/base/json.h"
#include "layers/base/memory.h"

/* A trial in the making, and one element of a list: values of the measure, factors, and a name where one was given. */
typedef struct choice {
    cJSON *values, *factors;
} choice;

typedef struct list {
    choice *items;
    int count, room;
} list;

typedef struct maker {
    nlg_store *store;
    const nlg_experiment *experiment;
    const nlg_stage *stage;
    const nlg_stage_plan *earlier;
    const char *where;
    unsigned missing; /* sources that are not all in the store, one bit each: stand-ins are taken for what they will give */
    nlg_error *err;
} maker;

static const cJSON *member(const cJSON *object, const char *name) {
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

static nlg_status no_memory(const maker *m) {
    return nlg_fail_memory(m->err, 0, "the trials of a stage");
}

static void release(choice *o) {
    cJSON_Delete(o->values);
    cJSON_Delete(o->factors);
}

static void free_list(list *l) {
    for (int i = 0; i < l->count; i++) release(&l->items[i]);
    nlg_free(l->items);
    *l = (list){0};
}

/* Takes both objects, also when it fails. */
static nlg_status add(const maker *m, list *l, cJSON *values, cJSON *factors) {
    choice *more = values && factors ? nlg_grow(l->items, &l->room, l->count, sizeof *more) : NULL;
    if (!more) {
        cJSON_Delete(values);
        cJSON_Delete(factors);
        return no_memory(m);
    }
    l->items = more;
    l->items[l->count++] = (choice){values, factors};
    return NLG_OK;
}

/* Puts a copy, in place of what has that name. */
static bool put(cJSON *object, const char *name, const cJSON *value) {
    return nlg_json_set(object, name, cJSON_Duplicate(value, true));
}

/* ---- lists that are written out ---------------------------------------------------------------------------------------- */

static nlg_status add_value(const maker *m, list *l, const char *key, const cJSON *value) {
    cJSON *values = cJSON_CreateObject(), *factors = cJSON_CreateObject();
    if (!put(values, key, value) || !put(factors, key, value)) {
        cJSON_Delete(values);
        cJSON_Delete(factors);
        return no_memory(m);
    }
    return add(m, l, values, factors);
}

/* Several keys at once. Long genotypes are no factors; the label stands for them. */
static nlg_status add_object(const maker *m, list *l, const cJSON *object) {
    cJSON *values = cJSON_CreateObject(), *factors = cJSON_CreateObject();
    bool good = values && factors;
    const cJSON *v, *f;
    cJSON_ArrayForEach(v, object) {
        if (strcmp(v->string, "factors") == 0) {
            cJSON_ArrayForEach(f, v) good = good && put(factors, f->string, f);
            continue;
        }
        const cJSON *value = nlg_experiment_value(m->experiment->scale, v);
        if (strcmp(v->string, "label") != 0) good = good && put(values, v->string, value);
        if (strcmp(v->string, "genotype") != 0 && !member(member(object, "factors"), v->string))
            good = good && put(factors, v->string, value);
    }
    if (good) return add(m, l, values, factors);
    cJSON_Delete(values);
    cJSON_Delete(factors);
    return no_memory(m);
}

static nlg_status add_element(const maker *m, list *l, const char *key, const cJSON *given) {
    const cJSON *value = nlg_experiment_value(m->experiment->scale, given);
    return cJSON_IsObject(value) ? add_object(m, l, value) : add_value(m, l, key, value);
}

static double number_of(const maker *m, const cJSON *selector, const char *name, double fallback) {
    const cJSON *given = member(selector, name);
    const cJSON *value = given ? nlg_experiment_value(m->experiment->scale, given) : NULL;
    return cJSON_IsNumber(value) ? value->valuedouble : fallback;
}

static nlg_status add_range(const maker *m, list *l, const char *key, const cJSON *selector) {
    const double from = number_of(m, selector, "from", 1), count = number_of(m, selector, "count", 0);
    for (int i = 0; i < count; i++) {
        cJSON *value = cJSON_CreateNumber(from + i);
        nlg_status status = value ? add_value(m, l, key, value) : no_memory(m);
        cJSON_Delete(value);
        NLG_TRY(status);
    }
    return NLG_OK;
}

static nlg_status add_models(const maker *m, list *l, const char *key, const char *pattern) {
    for (int i = 0; i < nlg_model_count(); i++) {
        if (fnmatch(pattern, nlg_model_at(i)->name, 0) != 0) continue;
        cJSON *value = cJSON_CreateString(nlg_model_at(i)->name);
        nlg_status status = value ? add_value(m, l, key, value) : no_memory(m);
        cJSON_Delete(value);
        NLG_TRY(status);
    }
    if (l->count) return NLG_OK;
    return nlg_fail(m->err, NLG_ERR_INPUT, "%s: key \"%s\": no network's name fits \"%.64s\"; `lineage models` lists them",
                    m->where, key, pattern);
}

/* ---- lists that follow from earlier stages ----------------------------------------------------------------------------- */

static int source_of(const maker *m, const cJSON *name) {
    for (int i = 0; i < m->experiment->n_stages; i++)
        if (strcmp(m->experiment->stages[i].name, name->valuestring) == 0) return i;
    return 0;
}

/* Whether the trial agrees in the given keys; NULL: in all that both have, but not in `but`. */
static bool agrees(const nlg_planned *trial, const cJSON *factors, const cJSON *keys, const char *but) {
    const cJSON *k;
    if (keys) {
        cJSON_ArrayForEach(k, keys) {
            const cJSON *own = cJSON_IsString(k) ? member(trial->factors, k->valuestring) : NULL;
            const cJSON *wanted = cJSON_IsString(k) ? member(factors, k->valuestring) : NULL;
            if (!own || !wanted || !cJSON_Compare(own, wanted, true)) return false;
        }
        return true;
    }
    cJSON_ArrayForEach(k, factors) {
        const cJSON *own = member(trial->factors, k->string);
        if (own && strcmp(k->string, but) != 0 && !cJSON_Compare(own, k, true)) return false;
    }
    return true;
}

static bool fits_where(const nlg_planned *trial, const cJSON *where) {
    const cJSON *w;
    cJSON_ArrayForEach(w, where) {
        const cJSON *own = member(trial->factors, w->string);
        if (!own) own = member(trial->values, w->string);
        if (!own || !cJSON_Compare(own, w, true)) return false;
    }
    return true;
}

/* NaN: there is no record, or it lacks the metric (diverged). */
static nlg_status read_metric(const maker *m, const nlg_planned *trial, const char *metric, double *value) {
    nlg_record record;
    bool found;
    *value = (double)NAN;
    NLG_TRY(nlg_store_record(m->store, trial->key, &record, &found, m->err));
    if (found) *value = nlg_record_value(&record, metric);
    if (found) nlg_record_free(&record);
    return NLG_OK;
}

/* The value of the key whose trials have the best mean, the first one of equal values; one of which a trial lacks the metric only
 * if there is no other. */
static nlg_status add_best(const maker *m, list *l, const char *key, const cJSON *selector, const cJSON *so_far) {
    const int at = source_of(m, member(selector, "best_of"));
    const nlg_stage_plan *source = &m->earlier[at];
    const cJSON *by = member(selector, "by"), *best = NULL;
    const double sign = cJSON_IsTrue(member(selector, "lowest")) ? -1 : 1;
    double best_mean = (double)NAN;
    for (int i = 0; i < source->count; i++) {
        const cJSON *value = member(source->trials[i].values, key);
        double sum = 0, n = 0;
        bool is_first = value && agrees(&source->trials[i], so_far, by, key);
        for (int j = 0; j < source->count && is_first; j++) {
            const nlg_planned *t = &source->trials[j];
            double one = (double)NAN;
            if (!cJSON_Compare(member(t->values, key), value, true) || !agrees(t, so_far, by, key)) continue;
            is_first = j >= i;
            if (is_first && !(m->missing & 1u << at)) NLG_TRY(read_metric(m, t, member(selector, "metric")->valuestring, &one));
            sum += one;
            n++;
        }
        if (!is_first) continue;
        const double mean = sign * sum / n;
        if (!best || (!isnan(mean) && !(mean <= best_mean))) {
            best = value;
            best_mean = mean;
        }
    }
    if (!best)
        return nlg_fail(m->err, NLG_ERR_INPUT, "%s: key \"%s\": no trial of the stage \"%s\" agrees and has that key", m->where,
                        key, member(selector, "best_of")->valuestring);
    return add_value(m, l, key, best);
}

static nlg_status add_all(const maker *m, list *l, const char *key, const cJSON *selector) {
    const nlg_stage_plan *source = &m->earlier[source_of(m, member(selector, "all_of"))];
    for (int i = 0; i < source->count; i++) {
        const cJSON *value = member(source->trials[i].values, key);
        bool known = !value;
        for (int j = 0; j < l->count && !known; j++) known = cJSON_Compare(member(l->items[j].values, key), value, true);
        if (!known) NLG_TRY(add_value(m, l, key, value));
    }
    if (l->count) return NLG_OK;
    return nlg_fail(m->err, NLG_ERR_INPUT, "%s: the stage \"%s\" has no key \"%s\"", m->where,
                    member(selector, "all_of")->valuestring, key);
}

/* An architecture by which a search or a sample is named. */
static nlg_status add_architecture(const maker *m, list *l, const char *space, const char *genotype, const char *label,
                                   const cJSON *search_factors, const char *strategy, double rank, const cJSON *seed) {
    cJSON *values = cJSON_CreateObject(), *factors = cJSON_CreateObject();
    const cJSON *f;
    nlg_json_text(values, "space", space);
    nlg_json_text(values, "genotype", genotype);
    if (seed) put(values, "seed", seed);
    cJSON_ArrayForEach(f, search_factors) put(factors, strcmp(f->string, "seed") == 0 ? "search_seed" : f->string, f);
    cJSON_DeleteItemFromObjectCaseSensitive(factors, "label");
    if (strategy && !member(factors, "strategy")) nlg_json_text(factors, "strategy", strategy);
    nlg_json_text(factors, "label", label);
    nlg_json_number(factors, "rank", rank);
    return add(m, l, values, factors);
}

static nlg_status random_genotype(const maker *m, const char *name, uint64_t seed, int index, char text[NLG_GENOTYPE_MAX]) {
    nlg_space space;
    nlg_code code;
    nlg_status status = nlg_space_open(name, &space, m->err);
    if (status == NLG_OK) {
        nlg_space_sample(&space, nlg_rng_stream(nlg_rng_named(nlg_rng_seed(seed), "sample"), (uint64_t)index), &code);
        space.encode(&space, &code, text, NLG_GENOTYPE_MAX);
    }
    nlg_space_close(&space);
    return status == NLG_OK ? status : nlg_fail_at(m->err, "%s", m->where);
}

static nlg_status add_random(const maker *m, list *l, const cJSON *selector) {
    const cJSON *from = member(selector, "sample");
    const char *space = nlg_value_text(from, "space");
    const double count = number_of(m, selector, "count", 1), seed = number_of(m, from, "seed", 0);
    for (int i = 0, tried = 0; i < count; tried++) {
        char genotype[NLG_GENOTYPE_MAX], label[128];
        bool known = false;
        NLG_TRY(random_genotype(m, space, (uint64_t)seed, tried, genotype));
        for (int j = 0; j < l->count && !known; j++)
            known = strcmp(nlg_value_text(l->items[j].values, "genotype"), genotype) == 0 && tried < 100 * count;
        if (known) continue;
        snprintf(label, sizeof label, "random architecture %d", ++i);
        NLG_TRY(add_architecture(m, l, space, genotype, label, NULL, NULL, i, NULL));
    }
    return NLG_OK;
}

/* The next best trial of a history after those that were taken; -1 if there is none. In order of trying, or of reward. */
static int pick(const cJSON *history, const bool *taken, bool in_order) {
    int best = -1, i = 0;
    double best_value = 0;
    const cJSON *t;
    cJSON_ArrayForEach(t, history) {
        const char *status = nlg_value_text(t, "status");
        const double value = nlg_value_number(t, member(t, "reward") ? "reward" : "score", 0);
        const bool usable = status && strcmp(status, "done") == 0 && !nlg_value_flag(t, "repeat") && nlg_value_text(t, "genotype");
        if (usable && !taken[i] && (best < 0 || (!in_order && value > best_value))) {
            best = i;
            best_value = value;
        }
        i++;
    }
    return best;
}

/* In the way of the runner: a larger budget comes first, so only trials at the largest count. */
static double largest_budget(const cJSON *history) {
    double most = 0;
    const cJSON *t;
    cJSON_ArrayForEach(t, history) {
        const char *status = nlg_value_text(t, "status");
        if (status && strcmp(status, "done") == 0) most = fmax(most, nlg_value_number(t, "epochs", 0));
    }
    return most;
}

/* The seed that the selector lets an architecture take over from its search. */
static const cJSON *kept_seed(const cJSON *selector, const nlg_planned *t) {
    return cJSON_IsTrue(member(selector, "keep_seed")) ? member(t->values, "seed") : NULL;
}

/* The space of its networks: the search's, or the one that the selector names. */
static const char *space_for(const cJSON *selector, const nlg_planned *t) {
    const char *other = nlg_value_text(selector, "space");
    return other ? other : nlg_value_text(t->values, "space");
}

static nlg_status take_from_history(const maker *m, list *l, const nlg_planned *t, const cJSON *history, const cJSON *selector,
                                    bool in_order) {
    enum { LABEL = 160 };
    const char *space = space_for(selector, t);
    const int count = (int)number_of(m, selector, "count", 1), n = cJSON_GetArraySize(history);
    bool *taken = nlg_alloc((size_t)n + 1, sizeof *taken);
    if (!taken) return no_memory(m);
    const double budget = in_order ? 0 : largest_budget(history);
    for (int i = 0; i < n; i++) taken[i] = nlg_value_number(cJSON_GetArrayItem(history, i), "epochs", 0) < budget;
    nlg_status status = NLG_OK;
    const double seed = nlg_value_number(t->values, "seed", 0);
    for (int rank = 1, i; rank <= count && status == NLG_OK && (i = pick(history, taken, in_order)) >= 0; rank++) {
        char label[LABEL];
        taken[i] = true;
        if (in_order)
            snprintf(label, sizeof label, "architecture %d of %.80s, seed %.0f", i + 1, t->arm, seed);
        else if (count > 1)
            snprintf(label, sizeof label, "winner %d of %.80s, seed %.0f", rank, t->arm, seed);
        else
            snprintf(label, sizeof label, "winner of %.80s, seed %.0f", t->arm, seed);
        status = add_architecture(m, l, space, nlg_value_text(cJSON_GetArrayItem(history, i), "genotype"), label, t->factors,
                                  t->arm, rank, kept_seed(selector, t));
    }
    nlg_free(taken);
    return status;
}

/* Before the search was run: architectures of about the same size. */
static nlg_status take_placeholders(const maker *m, list *l, const nlg_planned *t, const cJSON *selector) {
    const int count = (int)number_of(m, selector, "count", 1);
    const char *space = space_for(selector, t);
    for (int i = 0; i < count; i++) {
        char genotype[NLG_GENOTYPE_MAX];
        NLG_TRY(random_genotype(m, space, 0, i, genotype));
        NLG_TRY(add_architecture(m, l, space, genotype, "an architecture that a search will find", t->factors, t->arm, i + 1,
                                 kept_seed(selector, t)));
    }
    return NLG_OK;
}

static nlg_status add_from_searches(const maker *m, list *l, const cJSON *selector, const cJSON *name, bool in_order) {
    const int at = source_of(m, name);
    const nlg_stage_plan *source = &m->earlier[at];
    for (int i = 0; i < source->count; i++) {
        const nlg_planned *t = &source->trials[i];
        if (!fits_where(t, member(selector, "where"))) continue;
        if (m->missing & 1u << at) {
            NLG_TRY(take_placeholders(m, l, t, selector));
            continue;
        }
        nlg_record record;
        bool found;
        cJSON *detail = NULL;
        NLG_TRY(nlg_store_record(m->store, t->key, &record, &found, m->err));
        if (!found) continue;
        const char *text = record.detail ? record.detail : "{}";
        nlg_status status = nlg_json_read(text, strlen(text), m->where, &detail, m->err);
        if (status == NLG_OK) status = take_from_history(m, l, t, member(detail, "history"), selector, in_order);
        cJSON_Delete(detail);
        nlg_record_free(&record);
        NLG_TRY(status);
    }
    return NLG_OK;
}

static nlg_status add_selected(const maker *m, list *l, const char *key, const cJSON *selector, const cJSON *so_far) {
    const cJSON *v;
    if (member(selector, "best_of")) return add_best(m, l, key, selector, so_far);
    if ((v = member(selector, "winners_of"))) return add_from_searches(m, l, selector, v, false);
    if (member(selector, "all_of")) return add_all(m, l, key, selector);
    if ((v = member(selector, "models"))) return add_models(m, l, key, v->valuestring);
    if (!(v = member(selector, "sample"))) return add_range(m, l, key, selector);
    return cJSON_IsObject(v) ? add_random(m, l, selector) : add_from_searches(m, l, selector, v, true);
}

/* ---- crossing ---------------------------------------------------------------------------------------------------------- */

static nlg_status list_options(const maker *m, const cJSON *given, const cJSON *so_far, list *l) {
    const cJSON *values = nlg_experiment_value(m->experiment->scale, given), *v;
    if (cJSON_IsObject(values)) return add_selected(m, l, given->string, values, so_far);
    if (!cJSON_IsArray(values)) return add_element(m, l, given->string, values);
    cJSON_ArrayForEach(v, values) NLG_TRY(add_element(m, l, given->string, v));
    return NLG_OK;
}

static bool merge(cJSON *into, const cJSON *from) {
    bool good = into != NULL;
    const cJSON *v;
    cJSON_ArrayForEach(v, from) good = good && put(into, v->string, v);
    return good;
}

static nlg_status extend(const maker *m, const choice *o, const cJSON *given, list *out) {
    list choices = {0};
    nlg_status status = list_options(m, given, o->factors, &choices);
    for (int i = 0; i < choices.count && status == NLG_OK; i++) {
        cJSON *values = cJSON_Duplicate(o->values, true), *factors = cJSON_Duplicate(o->factors, true);
        if (merge(values, choices.items[i].values) && merge(factors, choices.items[i].factors)) {
            status = add(m, out, values, factors);
        } else {
            cJSON_Delete(values);
            cJSON_Delete(factors);
            status = no_memory(m);
        }
    }
    free_list(&choices);
    return status;
}

static nlg_status cross(const maker *m, list *all) {
    const cJSON *key;
    NLG_TRY(add(m, all, cJSON_CreateObject(), cJSON_CreateObject()));
    cJSON_ArrayForEach(key, m->stage->cross) {
        list longer = {0};
        nlg_status status = NLG_OK;
        for (int i = 0; i < all->count && status == NLG_OK; i++) status = extend(m, &all->items[i], key, &longer);
        free_list(all);
        *all = longer;
        NLG_TRY(status);
    }
    return NLG_OK;
}

/* ---- trials ------------------------------------------------------------------------------------------------------------ */

static char *name_arm(const nlg_stage *stage, const choice *o) {
    static const char *const keys[] = {"network", "strategy", "genotype", "space"};
    const char *label = nlg_value_text(o->factors, "label");
    for (int i = 0; i < 4 && !label; i++) label = nlg_value_text(o->values, keys[i]);
    return nlg_strdup(label ? label : stage->measure->name);
}

static nlg_status complete(const maker *m, nlg_lab *lab, const choice *o, nlg_planned *t) {
    const cJSON *v;
    *t = (nlg_planned){.values = cJSON_Duplicate(o->values, true), .factors = cJSON_Duplicate(o->factors, true)};
    bool good = t->values && t->factors;
    cJSON_ArrayForEach(v, m->stage->with) good =
        good && (member(t->values, v->string) || put(t->values, v->string, nlg_experiment_value(m->experiment->scale, v)));
    if (!good) return no_memory(m);
    NLG_TRY(nlg_measure_complete(m->stage->measure, m->where, t->values, m->err));
    if (m->stage->final && !cJSON_AddTrueToObject(t->values, "final")) return no_memory(m);
    const choice whole = {t->values, t->factors};
    t->arm = name_arm(m->stage, &whole);
    if (!t->arm) return no_memory(m);
    NLG_TRY(nlg_measure_specify(m->stage->measure, lab, t->values, m->where, &t->spec, t->key, &t->work, m->err));
    return m->store && !m->missing ? nlg_store_has_record(m->store, t->key, &t->stored, m->err) : NLG_OK;
}

static void free_planned(nlg_planned *t) {
    cJSON_Delete(t->values);
    cJSON_Delete(t->factors);
    nlg_free(t->arm);
    nlg_free(t->spec);
}

static nlg_status add_trial(const maker *m, nlg_lab *lab, const choice *o, nlg_stage_plan *plan) {
    nlg_planned trial, *more = nlg_grow(plan->trials, &plan->room, plan->count, sizeof *more);
    if (!more) return no_memory(m);
    plan->trials = more;
    nlg_status status = complete(m, lab, o, &trial);
    if (status == NLG_OK)
        plan->trials[plan->count++] = trial;
    else
        free_planned(&trial);
    return status;
}

/* Whether a source is planned for good and all its records are there. */
static nlg_status look_at_sources(maker *m) {
    for (int i = 0; i < m->experiment->n_stages; i++) {
        if (!(m->stage->sources & 1u << i)) continue;
        const nlg_stage_plan *source = &m->earlier[i];
        bool found = !source->tentative && m->store;
        for (int t = 0; t < source->count && found; t++)
            NLG_TRY(nlg_store_has_record(m->store, source->trials[t].key, &found, m->err));
        if (!found) m->missing |= 1u << i;
    }
    return NLG_OK;
}

nlg_status nlg_stage_make(nlg_lab *lab, nlg_store *store, const nlg_experiment *experiment, int stage,
                          const nlg_stage_plan *earlier, nlg_stage_plan *plan, nlg_error *err) {
    char where[1200];
    maker m = {.store = store,
               .experiment = experiment,
               .stage = &experiment->stages[stage],
               .earlier = earlier,
               .where = where,
               .err = err};
    list all = {0};
    *plan = (nlg_stage_plan){0};
    nlg_stage_where(experiment, m.stage, where, sizeof where);
    nlg_status status = look_at_sources(&m);
    plan->tentative = m.missing != 0;
    if (status == NLG_OK) status = cross(&m, &all);
    for (int i = 0; i < all.count && status == NLG_OK; i++) status = add_trial(&m, lab, &all.items[i], plan);
    free_list(&all);
    if (status != NLG_OK) nlg_stage_plan_free(plan);
    return status;
}

void nlg_stage_plan_free(nlg_stage_plan *plan) {
    for (int i = 0; i < plan->count; i++) free_planned(&plan->trials[i]);
    nlg_free(plan->trials);
    *plan = (nlg_stage_plan){0};
}

void nlg_planned_text(const nlg_planned *t, char *text, size_t size) {
    static const char *const told[] = {"network", "strategy", "space", "label", "rank", "search_seed"};
    size_t used = 0;
    const cJSON *f;
    *text = '\0';
    cJSON_ArrayForEach(f, t->factors) {
        char number[32];
        bool skip = false;
        for (size_t i = 0; i < sizeof told / sizeof *told; i++) skip |= strcmp(f->string, told[i]) == 0;
        if (skip || used >= size) continue;
        const char *value = cJSON_IsString(f)   ? f->valuestring
                            : cJSON_IsNumber(f) ? nlg_number_text(f->valuedouble, number)
                            : cJSON_IsTrue(f)   ? "true"
                                                : "false";
        const char *name = strcmp(f->string, "seed") == 0 && member(t->factors, "search_seed") ? "training seed" : f->string;
        used += (size_t)snprintf(text + used, size - used, "%s%s %s", used ? ", " : "", name, value);
    }
}
