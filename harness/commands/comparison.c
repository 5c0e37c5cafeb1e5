/* Replays of searches on tables. */
#include "harness/commands/comparison.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "layers/base/memory.h"
#include "layers/base/team.h"
#include "search/runner.h"

enum { TOP = 25, SAMPLES = 4096 };

/* ---- one run ------------------------------------------------------------------------------------------------------------ */

typedef struct spending {
    const nlg_comparison *comparison;
    double cost;
} spending;

/* Goes on until both budgets are spent. */
static bool after_trial(void *context, const nlg_trial *trial, const nlg_trial *best, int done, int budget) {
    (void)best, (void)budget;
    spending *s = context;
    const nlg_comparison *c = s->comparison;
    s->cost += trial->simulated_cost;
    return done < c->options->budget || s->cost < c->cost_budget;
}

static double mean_of(const double *x, int n, int count) {
    double sum = 0;
    if (count < n) return (double)NAN;
    for (int i = 0; i < n; i++) sum += x[i];
    return sum / n;
}

static nlg_status follow(const nlg_comparison *c, const nlg_search_result *result, nlg_replay *replay, nlg_error *err) {
    replay->steps = nlg_alloc((size_t)result->count, sizeof *replay->steps);
    if (!replay->steps) return nlg_fail_memory(err, (size_t)result->count * sizeof *replay->steps, "a replay");
    replay->count = result->count;
    const nlg_trial *best = NULL;
    double report = (double)NAN, cost = 0, top[TOP + 1];
    int in_top = 0;
    for (int i = 0; i < result->count; i++) {
        const nlg_trial *trial = &result->trials[i];
        cost += trial->simulated_cost;
        if (nlg_trial_is_better(trial, best)) {
            best = trial;
            NLG_TRY(nlg_table_evaluator_report(c->options->evaluator, &trial->code, &report, err));
        }
        if (trial->status == NLG_TRIAL_DONE && !trial->is_repeat) {
            int at = in_top;
            for (; at > 0 && top[at - 1] < trial->score; at--) top[at] = top[at - 1];
            top[at] = trial->score;
            if (in_top < TOP) in_top++;
        }
        replay->steps[i] = (nlg_replay_step){.score = best ? best->score : (double)NAN,
                                             .report = report,
                                             .top5 = mean_of(top, 5, in_top),
                                             .top25 = mean_of(top, TOP, in_top),
                                             .cost = cost,
                                             .is_repeat = trial->is_repeat};
    }
    return NLG_OK;
}

static nlg_status run_once(const nlg_comparison *c, int contender, int seed, nlg_replay *replay, nlg_error *err) {
    const nlg_comparison_options *o = c->options;
    spending s = {.comparison = c};
    nlg_search_options search = {.space = o->space,
                                 .strategy = o->contender[contender].strategy,
                                 .strategy_options = o->contender[contender].options,
                                 .evaluator = nlg_table_evaluator_interface(o->evaluator),
                                 .budget = 2 * o->budget,
                                 .batch = o->batch,
                                 .seed = o->first_seed + (uint64_t)seed,
                                 .progress = after_trial,
                                 .progress_context = &s};
    nlg_search_result result;
    nlg_status status = nlg_search_run(&search, &result, err);
    if (status == NLG_ERR_INTERRUPTED) { /* both budgets are spent */
        *err = (nlg_error){0};
        status = NLG_OK;
    }
    if (status == NLG_OK) status = follow(c, &result, replay, err);
    nlg_free(result.trials);
    return status;
}

/* ---- all runs ----------------------------------------------------------------------------------------------------------- */

typedef struct job {
    nlg_comparison *comparison;
    atomic_int next, done;
    atomic_bool failed;
    nlg_error *errors; /* per thread */
} job;

/* Threads take the next run when they are free: strategies differ in their own cost by orders. */
static void work(void *context, int64_t begin, int64_t end, int worker) {
    job *j = context;
    nlg_comparison *c = j->comparison;
    const nlg_comparison_options *o = c->options;
    int runs = o->contenders * o->seeds;
    (void)end, (void)worker;
    nlg_error *err = &j->errors[begin];
    for (int run; !j->failed && (run = atomic_fetch_add(&j->next, 1)) < runs;) {
        int contender = run % o->contenders, seed = run / o->contenders;
        nlg_replay *replay = &c->replays[contender * o->seeds + seed];
        nlg_status status = run_once(c, contender, seed, replay, err);
        if (status == NLG_OK && o->stop && o->stop()) status = nlg_fail(err, NLG_ERR_INTERRUPTED, "stopped; nothing is kept");
        if (status != NLG_OK) j->failed = true;
        int done = atomic_fetch_add(&j->done, 1) + 1;
        if (begin == 0 && o->progress) o->progress(o->progress_context, (double)done / runs);
    }
}

static nlg_status run_all(nlg_comparison *c, nlg_error *err) {
    int threads = c->options->threads;
    job j = {.comparison = c, .errors = nlg_alloc((size_t)threads, sizeof *j.errors)};
    nlg_team *team = nlg_team_create(threads);
    nlg_status status = j.errors && team ? NLG_OK : nlg_fail_memory(err, (size_t)threads * sizeof *j.errors, "the threads");
    if (status == NLG_OK) nlg_team_run(team, nlg_team_size(team), work, &j);
    for (int i = 0; status == NLG_OK && i < threads; i++) {
        if (j.errors[i].status != NLG_OK) status = nlg_fail(err, j.errors[i].status, "%s", j.errors[i].text);
    }
    if (team) nlg_team_destroy(team);
    nlg_free(j.errors);
    return status;
}

static nlg_status measure_mean_cost(nlg_comparison *c, nlg_error *err) {
    const nlg_comparison_options *o = c->options;
    const nlg_evaluator *evaluator = nlg_table_evaluator_interface(o->evaluator);
    double sum = 0;
    for (int i = 0; i < SAMPLES; i++) {
        nlg_trial trial = {.budget = 1};
        nlg_code code;
        nlg_space_sample(o->space, nlg_rng_stream(nlg_rng_seed(0), (uint64_t)i), &code);
        nlg_space_canonical(o->space, &code, &trial.code);
        NLG_TRY(evaluator->evaluate(evaluator->context, o->space, &trial, err));
        sum += trial.simulated_cost;
    }
    c->mean_cost = sum / SAMPLES;
    c->cost_budget = c->mean_cost * o->budget;
    return NLG_OK;
}

nlg_status nlg_compare(const nlg_comparison_options *options, nlg_comparison *c, nlg_error *err) {
    *c = (nlg_comparison){.options = options, .table = nlg_table_evaluator_summary(options->evaluator)};
    if (c->table.costs < c->table.scores)
        return nlg_fail(
            err, NLG_ERR_INPUT,
            "the table has a score but no cost (%s) for %d of %d architectures, and strategies are compared at equal cost; "
            "complete it, or use `lineage search`",
            nlg_table_evaluator_interface(options->evaluator)->cost_unit, c->table.scores - c->table.costs, c->table.rows);
    size_t runs = (size_t)options->contenders * (size_t)options->seeds;
    c->replays = nlg_alloc(runs, sizeof *c->replays);
    nlg_status status = c->replays ? NLG_OK : nlg_fail_memory(err, runs * sizeof *c->replays, "the replays");
    if (status == NLG_OK) status = measure_mean_cost(c, err);
    if (status == NLG_OK) status = run_all(c, err);
    if (status != NLG_OK) nlg_comparison_free(c);
    return status;
}

void nlg_comparison_free(nlg_comparison *c) {
    for (int i = 0; c->replays && i < c->options->contenders * c->options->seeds; i++) nlg_free(c->replays[i].steps);
    nlg_free(c->replays);
    c->replays = NULL;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

const nlg_replay *nlg_comparison_replay(const nlg_comparison *c, int contender, int seed) {
    return &c->replays[contender * c->options->seeds + seed];
}

const nlg_replay_step *nlg_replay_at(const nlg_replay *replay, int trials) {
    return trials >= 1 && trials <= replay->count ? &replay->steps[trials - 1] : NULL;
}

const nlg_replay_step *nlg_replay_at_cost(const nlg_replay *replay, double cost) {
    int low = 0, high = replay->count; /* the first step that costs more */
    while (low < high) {
        int middle = (low + high) / 2;
        if (replay->steps[middle].cost > cost) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return nlg_replay_at(replay, low);
}

/* steps: one per seed, NULL where there is none. */
static nlg_standing stand(const nlg_comparison *c, const nlg_replay_step *const *steps, double *room) {
    int seeds = c->options->seeds;
    double *scores = room, *reports = room + seeds;
    size_t n_scores = 0, n_reports = 0;
    for (int i = 0; i < seeds; i++) {
        if (steps[i] && !isnan(steps[i]->score)) scores[n_scores++] = steps[i]->score;
        if (steps[i] && !isnan(steps[i]->report)) reports[n_reports++] = steps[i]->report;
    }
    nlg_standing s = {.score_mean = nlg_mean(scores, n_scores),
                      .score_sd = nlg_standard_deviation(scores, n_scores),
                      .report_mean = nlg_mean(reports, n_reports),
                      .report_sd = nlg_standard_deviation(reports, n_reports)};
    if (n_scores < 2) s.score_sd = (double)NAN; /* one seed tells nothing of the deviation */
    if (n_reports < 2) s.report_sd = (double)NAN;
    s.regret = c->table.report_best - s.report_mean;
    s.relative = 100 * (s.report_mean / c->table.report_mean - 1);
    return s;
}

/* What the best so far was worth on average; before the first that worked, nothing. */
static double area(const nlg_replay *replay, int trials, double *unique) {
    double sum = 0;
    *unique = 0;
    for (int i = 0; i < trials; i++) {
        const nlg_replay_step *step = &replay->steps[i];
        if (!isnan(step->score)) sum += step->score;
        *unique += !step->is_repeat;
    }
    return trials ? sum / trials : 0;
}

static nlg_standing standing(const nlg_comparison *c, int contender, int budget, double cost) {
    int seeds = c->options->seeds;
    nlg_standing s = {.score_mean = (double)NAN, .report_mean = (double)NAN};
    double *room = nlg_alloc(2 * (size_t)seeds, sizeof *room), auc = 0, unique = 0;
    const nlg_replay_step **steps = nlg_alloc((size_t)seeds, sizeof *steps);
    for (int i = 0; room && steps && i < seeds; i++) {
        const nlg_replay *replay = nlg_comparison_replay(c, contender, i);
        steps[i] = budget ? nlg_replay_at(replay, budget) : nlg_replay_at_cost(replay, cost);
        int trials = steps[i] ? (int)(steps[i] - replay->steps) + 1 : 0;
        double new;
        auc += area(replay, trials, &new) / seeds;
        unique += new / seeds;
    }
    if (room && steps) s = stand(c, steps, room);
    s.auc = auc;
    s.unique = unique;
    nlg_free(room);
    nlg_free(steps);
    return s;
}

nlg_standing nlg_comparison_standing(const nlg_comparison *c, int contender, int budget) {
    return standing(c, contender, budget, 0);
}

nlg_standing nlg_comparison_standing_at_cost(const nlg_comparison *c, int contender, double cost) {
    return standing(c, contender, 0, cost);
}

/* Whether all seeds have the same history: copies of one run are no sample that a test could be made of. */
static bool is_constant(const nlg_comparison *c, int contender) {
    const nlg_replay *first = nlg_comparison_replay(c, contender, 0);
    for (int seed = 1; seed < c->options->seeds; seed++) {
        const nlg_replay *other = nlg_comparison_replay(c, contender, seed);
        const int steps = first->count < other->count ? first->count : other->count;
        for (int i = 0; i < steps; i++) {
            const nlg_replay_step *a = &first->steps[i], *b = &other->steps[i];
            if (a->cost < b->cost || a->cost > b->cost || a->score < b->score || a->score > b->score) return false;
        }
    }
    return true;
}

static nlg_status test_pair(const nlg_comparison *c, int budget, nlg_pair_test *t, double *room, nlg_error *err) {
    size_t n = 0;
    for (int i = 0; i < c->options->seeds; i++) {
        const nlg_replay *a = nlg_comparison_replay(c, t->a, i), *b = nlg_comparison_replay(c, t->b, i);
        const nlg_replay_step *x = budget ? nlg_replay_at(a, budget) : nlg_replay_at_cost(a, c->cost_budget);
        const nlg_replay_step *y = budget ? nlg_replay_at(b, budget) : nlg_replay_at_cost(b, c->cost_budget);
        if (x && y && !isnan(x->report) && !isnan(y->report)) room[n++] = x->report - y->report;
    }
    t->difference = n ? nlg_mean(room, n) : (double)NAN;
    return nlg_wilcoxon(room, n, &t->test, err);
}

nlg_status nlg_comparison_tests(const nlg_comparison *c, int budget, nlg_pair_test *tests, int *count, nlg_error *err) {
    double *room = nlg_alloc((size_t)c->options->seeds, sizeof *room), p[NLG_COMPARE_STRATEGIES * NLG_COMPARE_STRATEGIES],
           q[NLG_COMPARE_STRATEGIES * NLG_COMPARE_STRATEGIES];
    nlg_status status = room ? NLG_OK : nlg_fail_memory(err, (size_t)c->options->seeds * sizeof *room, "a test");
    bool constant[NLG_COMPARE_STRATEGIES];
    for (int i = 0; i < c->options->contenders; i++) constant[i] = is_constant(c, i); /* always so with one seed */
    *count = 0;
    for (int a = 0; a < c->options->contenders; a++) {
        for (int b = a + 1; status == NLG_OK && b < c->options->contenders; b++) {
            if (constant[a] || constant[b]) continue;
            tests[*count] = (nlg_pair_test){.a = a, .b = b};
            status = test_pair(c, budget, &tests[*count], room, err);
            p[*count] = tests[*count].test.p;
            ++*count;
        }
    }
    if (status == NLG_OK && *count) status = nlg_holm(p, (size_t)*count, q, err);
    for (int i = 0; status == NLG_OK && i < *count; i++) tests[i].p_holm = q[i];
    nlg_free(room);
    return status;
}
