/* Search strategies on made-up spaces, the controller's gradients, objectives. (Evolution in detail: test_search.c.) */
#include "tests/made_up_search.h"

#include "search/code_map.h"
#include "search/strategies/common/controller.h"

/* --- every strategy ------------------------------------------------------------------------------------------------------ */

static int three(const nlg_space *self, int position) {
    (void)self, (void)position;
    return 3;
}
static const nlg_space toy = {.name = "toy", .length = 4, .choices = three, .encode = encode, .decode = decode};

/* Options that suit runs of a few hundred trials. */
static const char *short_run(const char *strategy) {
    static const char *const options[][2] = {
        {"evolution", "{\"population\": 12, \"sample\": 4}"},
        {"nsga2", "{\"population\": 12}"},
        {"reinforce", "{\"hidden\": 0, \"rate\": 0.1, \"children\": 1, \"power\": 1, \"baseline\": 0.95}"},
        {"ppo", "{\"hidden\": 16, \"rate\": 0.01, \"children\": 5, \"baseline\": 0.9}"},
        {"pnas", "{\"beam\": 15, \"members\": 2, \"hidden\": 16, \"epochs\": 20}"},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (strcmp(options[i][0], strategy) == 0) return options[i][1];
    return NULL;
}

static void every_strategy_finds_the_optimum_of_a_toy(void **state) {
    (void)state;
    for (int i = 0; i < nlg_strategy_count(); i++) {
        const char *name = nlg_strategy_at(i)->name;
        for (int batch = 1; batch <= 3; batch += 2) {
            nlg_search_result r;
            search_well(&(experiment){.space = &toy,
                                      .strategy = name,
                                      .options = short_run(name),
                                      .budget = 400,
                                      .batch = batch,
                                      .seed = 7,
                                      .context = {.all_work = true}},
                        &r);
            static const int16_t wanted[] = {1, 2, 1, 2}; /* 3 is wanted at odd positions, 2 is the nearest there is */
            if (memcmp(r.trials[r.best].code.value, wanted, sizeof wanted) != 0)
                fail_msg("%s, batch %d: best score %g", name, batch, r.trials[r.best].score);
            nlg_free(r.trials);
        }
    }
}

/* 9.8 million codes: the mean of the best scores over seeds, which is 0 for the optimum. */
static double mean_best(const char *strategy, const char *options, int budget, int batch) {
    enum { SEEDS = 4 };
    double sum = 0;
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        nlg_search_result r;
        search_well(&(experiment){.strategy = strategy,
                                  .options = options,
                                  .budget = budget,
                                  .batch = batch,
                                  .seed = seed,
                                  .context = {.all_work = true}},
                    &r);
        sum += r.trials[r.best].score;
        nlg_free(r.trials);
    }
    return sum / SEEDS;
}

static void guided_strategies_beat_random_search(void **state) {
    (void)state;
    static const struct {
        const char *name;
        double share; /* of random search's distance from the optimum that may remain */
    } guided[] = {{"local", 0.2}, {"evolution", 0.5}, {"reinforce", 0.75}, {"ppo", 0.75}, {"pnas", 0.5}};
    double baseline = mean_best("random", NULL, 300, 1);
    for (size_t i = 0; i < sizeof guided / sizeof guided[0]; i++) {
        const char *name = guided[i].name;
        for (int batch = 1; batch <= 4; batch += 3) {
            double mean = mean_best(name, short_run(name), 300, batch);
            if (!(mean > guided[i].share * baseline))
                fail_msg("%s, batch %d: mean best score %g, random search %g", name, batch, mean, baseline);
        }
    }
}

static void failed_trials_stop_no_strategy(void **state) {
    (void)state;
    for (int i = 0; i < nlg_strategy_count(); i++) {
        const char *name = nlg_strategy_at(i)->name;
        nlg_search_result r; /* three of seven fail */
        search_well(&(experiment){.strategy = name, .options = short_run(name), .budget = 120, .batch = 3, .seed = 2}, &r);
        assert_true(r.best >= 0);
        nlg_free(r.trials);
    }
}

static void options_have_sources(void **state) {
    (void)state;
    for (int i = 0; i < nlg_strategy_count(); i++) {
        const nlg_strategy *s = nlg_strategy_at(i);
        for (int j = 0; j < s->n_options; j++) {
            const nlg_strategy_option *o = &s->options[j];
            assert_non_null(o->source);
            assert_true(o->value >= o->min && o->value <= o->max);
        }
    }
    const nlg_strategy *strategy;
    char json[NLG_STRATEGY_OPTIONS_TEXT];
    nlg_error err = {0};
    assert_int_equal(nlg_strategy_pick("regularized_evolution:population=7:ageing=false", false, &strategy, json, NULL), NLG_OK);
    assert_string_equal(strategy->name, "evolution");
    assert_string_equal(json, "{\"population\":7,\"ageing\":false}");
    assert_int_equal(nlg_strategy_pick("random", false, &strategy, json, NULL), NLG_OK);
    assert_string_equal(json, "{}");
    assert_int_equal(nlg_strategy_pick("evolution:population", false, &strategy, json, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "expected option=value"));
    err = (nlg_error){0};
    assert_int_equal(nlg_strategy_pick("evolution:population=7,8", false, &strategy, json, &err), NLG_ERR_INPUT);
    err = (nlg_error){0};
    assert_int_equal(nlg_strategy_pick("evolutoin", false, &strategy, json, &err), NLG_ERR_INPUT);
    assert_non_null(strstr(err.text, "nearest is 'evolution'"));
}

/* --- the controller ------------------------------------------------------------------------------------------------------ */

static void check_gradients(const nlg_space *space, int hidden, int layers) {
    nlg_controller_options options = {.hidden = hidden, .layers = layers, .init = 0.8, .rate = 0.1};
    nlg_controller *c;
    nlg_code code;
    assert_int_equal(nlg_controller_create(space, &options, nlg_rng_seed(3), &c, NULL), NLG_OK);
    double logarithm = nlg_controller_sample(c, nlg_rng_seed(4), &code), entropy;
    assert_true(nlg_space_valid(space, &code));
    assert_true(nlg_controller_evaluate(c, &code, &entropy) == logarithm);
    const double weight = 0.7, entropy_weight = -0.3, step = 1e-6;
    nlg_controller_learn(c, weight, entropy_weight);
    double *p = nlg_controller_parameters(c);
    const double *g = nlg_controller_gradient(c);
    double largest = 0;
    for (size_t i = 0; i < nlg_controller_count(c); i++) {
        double kept = p[i], sides[2], e;
        for (int side = 0; side < 2; side++) {
            p[i] = kept + (side ? step : -step);
            sides[side] = weight * nlg_controller_evaluate(c, &code, &e);
            sides[side] += entropy_weight * e;
        }
        p[i] = kept;
        double expected = (sides[1] - sides[0]) / (2 * step);
        if (fabs(expected - g[i]) > 1e-7)
            fail_msg("H %d, L %d, parameter %zu: expected %.10g, found %.10g", hidden, layers, i, expected, g[i]);
        if (fabs(g[i]) > largest) largest = fabs(g[i]);
    }
    assert_true(largest > 0.1);
    nlg_controller_destroy(c);
}

static void gradients_of_the_controller(void **state) {
    (void)state;
    check_gradients(&beads, 0, 1);
    check_gradients(&beads, 1, 1);
    check_gradients(&beads, 7, 1);
    check_gradients(&toy, 5, 2);
    check_gradients(&toy, 9, 3);
    nlg_space cells; /* positions with different numbers of values */
    assert_int_equal(nlg_space_open("nasnet_small", &cells, NULL), NLG_OK);
    check_gradients(&cells, 4, 2);
    nlg_space_close(&cells);
}

static void chances_sum_to_one(void **state) {
    (void)state;
    nlg_controller_options options = {.hidden = 6, .layers = 2, .init = 1};
    nlg_controller *c;
    assert_int_equal(nlg_controller_create(&toy, &options, nlg_rng_seed(1), &c, NULL), NLG_OK);
    double sum = 0, likely = 0;
    nlg_code code = {.length = 4}, best = {0};
    for (int i = 0; i < 81; i++) {
        for (int j = 0, rest = i; j < 4; j++, rest /= 3) code.value[j] = (int16_t)(rest % 3);
        double chance = exp(nlg_controller_evaluate(c, &code, NULL));
        sum += chance;
        if (chance > likely) likely = chance, best = code;
    }
    assert_true(fabs(sum - 1) < 1e-12);
    int hits = 0;
    for (uint64_t i = 0; i < 20000; i++) {
        nlg_controller_sample(c, nlg_rng_stream(nlg_rng_seed(9), i), &code);
        hits += nlg_code_equal(&code, &best);
    }
    double spread = sqrt(20000 * likely * (1 - likely));
    assert_true(fabs(hits - 20000 * likely) < 4 * spread);
    nlg_controller_destroy(c);
}

/* Mean score of the trials of a part of the run: what the controller writes gets better. */
static void chances_move_towards_reward(void **state) {
    (void)state;
    static const char *const learners[] = {"reinforce", "ppo"};
    for (int l = 0; l < 2; l++) {
        const nlg_strategy *strategy = nlg_strategy_find(learners[l]);
        double values[NLG_STRATEGY_OPTIONS_MAX];
        assert_int_equal(nlg_strategy_parse(strategy, short_run(learners[l]), values, NULL, NULL), NLG_OK);
        void *memory = nlg_alloc(1, strategy->state_size);
        assert_int_equal(strategy->create(memory, &toy, nlg_rng_seed(8), values, NULL), NLG_OK);
        int wanted[2] = {0, 0}; /* value 2 at position 0 is rewarded, and nothing else */
        for (int i = 0; i < 600; i++) {
            nlg_proposal asked = {.budget = 1};
            assert_int_equal(strategy->ask(memory, 1, &asked, NULL), NLG_OK);
            nlg_trial trial = {.number = i, .code = asked.code, .reward = asked.code.value[0] == 2 ? 1 : 0.2};
            if (i < 20) wanted[0] += asked.code.value[0] == 2;
            if (i >= 580) wanted[1] += asked.code.value[0] == 2;
            assert_int_equal(strategy->tell(memory, &trial, 1, NULL), NLG_OK);
        }
        strategy->destroy(memory);
        nlg_free(memory);
        if (wanted[0] > 13 || wanted[1] < 19)
            fail_msg("%s: %d of 20 at first, %d of 20 at last", learners[l], wanted[0], wanted[1]);
    }
}

/* --- one by one ----------------------------------------------------------------------------------------------------------- */

static void grid_visits_everything_once(void **state) {
    (void)state;
    nlg_search_result r;
    search_well(&(experiment){.space = &toy, .strategy = "grid", .budget = 100, .batch = 7, .context = {.all_work = true}}, &r);
    assert_int_equal(r.evaluations, 81);
    for (int i = 0; i < 100; i++) assert_int_equal(r.trials[i].is_repeat, i >= 81);
    nlg_free(r.trials);
}

static void local_search_stops_at_optima(void **state) {
    (void)state;
    for (int first = 0; first < 2; first++) {
        nlg_search_result r; /* one basin: once there, the neighbours are tried, then it starts again */
        search_well(&(experiment){.space = &toy,
                                  .strategy = "local",
                                  .options = first ? "{\"first\": true}" : NULL,
                                  .budget = 81,
                                  .seed = 1,
                                  .context = {.all_work = true}},
                    &r);
        assert_true(r.best < 60);
        for (int i = 1; i <= 8 && !first; i++) { /* best improvement: all neighbours of the start */
            int different = 0;
            for (int j = 0; j < 4; j++) different += r.trials[i].code.value[j] != r.trials[0].code.value[j];
            assert_int_equal(different, 1);
        }
        nlg_free(r.trials);
    }
}

/* Where a space grows, so does what is tried: all of one block, then the best K of each length. */
static void pnas_grows_block_by_block(void **state) {
    (void)state;
    enum { K = 6 };
    static const nlg_space growing = {
        .name = "growing", .length = 6, .block = 2, .choices = three, .encode = encode, .decode = decode};
    nlg_search_result r;
    search_well(&(experiment){.space = &growing,
                              .strategy = "pnas",
                              .options = "{\"beam\": 6, \"members\": 2, \"hidden\": 8, \"epochs\": 30}",
                              .budget = 5 * K,
                              .seed = 1,
                              .context = {.all_work = true}},
                &r);
    for (int i = 0; i < r.count; i++) {
        assert_int_equal(r.trials[i].code.length, i < K ? 2 : i < 2 * K ? 4 : 6);
        assert_false(r.trials[i].is_repeat);
        if (i < K || i >= 3 * K) continue;
        bool extends = false; /* one that was tried a level before */
        for (int j = 0; j < i; j++) {
            const nlg_code *shorter = &r.trials[j].code, *code = &r.trials[i].code;
            extends |= shorter->length + 2 == code->length &&
                       memcmp(shorter->value, code->value, (size_t)shorter->length * sizeof code->value[0]) == 0;
        }
        assert_true(extends);
    }
    nlg_free(r.trials);
}

static void halving_promotes_the_best(void **state) {
    (void)state;
    nlg_search_result r;
    search_well(&(experiment){.strategy = "halving",
                              .options = "{\"eta\": 3, \"rungs\": 3}",
                              .budget = 130,
                              .batch = 2,
                              .seed = 3,
                              .context = {.all_work = true}},
                &r);
    int counts[3] = {0};
    for (int i = 0; i < r.count; i++) {
        const nlg_trial *t = &r.trials[i];
        int rung = t->budget == 1 ? 2 : t->budget > 0.3 ? 1 : 0;
        counts[rung]++;
        if (rung == 0) continue;
        /* It was among the best third of what was told below. */
        int below = 0, better = 0, found = 0;
        for (int j = 0; j < i; j++) {
            const nlg_trial *u = &r.trials[j];
            if ((u->budget > 0.3) != (rung == 2) || u->budget == 1) continue;
            below++;
            found += strcmp(u->hash, t->hash) == 0;
            better += u->reward > t->reward;
        }
        assert_true(found > 0);
        assert_true(3 * better < below);
    }
    assert_true(counts[0] > counts[1] && counts[1] > counts[2] && counts[2] > 5);
    assert_true(r.trials[r.best].budget == 1);
    nlg_free(r.trials);
}

static void nsga2_spreads_over_the_front(void **state) {
    (void)state;
    nlg_search_result r[2];
    const char *const names[] = {"nsga2", "random"};
    double volume[2] = {0, 0};
    for (int k = 0; k < 2; k++) {
        experiment e = {
            .strategy = names[k], .budget = 600, .seed = 5, .objective = {.cost = NLG_COST_PARAMS}, .context = {.all_work = true}};
        e.options = k ? NULL : "{\"population\": 24}";
        search_well(&e, &r[k]);
        /* Area that the trials dominate: costs 1000 .. 1220, scores -0.45 .. 0. */
        for (int cost = 1000; cost < 1220; cost++) {
            double best = -0.45;
            for (int i = 0; i < r[k].count; i++) {
                assert_true(r[k].trials[i].cost == (double)r[k].trials[i].params);
                if (r[k].trials[i].cost <= cost && r[k].trials[i].score > best) best = r[k].trials[i].score;
            }
            volume[k] += best + 0.45;
        }
        nlg_free(r[k].trials);
    }
    print_message("# area under the front: nsga2 %g, random %g\n", volume[0], volume[1]);
    assert_true(volume[0] > 1.15 * volume[1]);
}

/* --- objectives ----------------------------------------------------------------------------------------------------------- */

static void rewards_of_mnasnet(void **state) {
    (void)state;
    const nlg_objective plain = {0}, soft = {NLG_COST_LATENCY, 80, -0.07, -0.07}, hard = {NLG_COST_LATENCY, 80, 0, -1};
    assert_true(nlg_objective_reward(&plain, 0.5, 7) == 0.5);
    assert_true(fabs(nlg_objective_reward(&soft, 0.75, 160) - 0.75 * pow(2, -0.07)) < 1e-12);
    assert_true(fabs(nlg_objective_reward(&soft, 0.75, 40) - 0.75 * pow(0.5, -0.07)) < 1e-12);
    assert_true(nlg_objective_reward(&hard, 0.75, 40) == 0.75);
    assert_true(nlg_objective_reward(&hard, 0.75, 160) == 0.375);
    nlg_search_result r;
    nlg_objective objective = {NLG_COST_PARAMS, 1050, 0, -1};
    search_well(&(experiment){.strategy = "random", .budget = 60, .objective = objective}, &r);
    for (int i = 0; i < r.count; i++) {
        const nlg_trial *t = &r.trials[i];
        bool done = t->status == NLG_TRIAL_DONE;
        assert_true(t->cost == (done ? (double)t->params : 0));
        assert_true(t->reward == (done ? nlg_objective_reward(&objective, t->score, (double)t->params) : 0));
        assert_true(!done || t->reward <= r.trials[r.best].reward);
    }
    nlg_free(r.trials);
    /* No latency was measured. */
    search_well(&(experiment){.strategy = "random", .budget = 5, .objective = soft}, &r);
    for (int i = 0; i < r.count; i++) assert_int_not_equal(r.trials[i].status, NLG_TRIAL_DONE);
    assert_int_equal(r.best, -1);
    nlg_free(r.trials);
}

static void maps_remember(void **state) {
    (void)state;
    nlg_code_map map = {0};
    nlg_code code = {.length = 3};
    assert_null(nlg_code_map_get(&map, &code));
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < 5000; i++) {
            code = (nlg_code){.length = 1 + i % 4, .value = {(int16_t)i, (int16_t)(i / 7), (int16_t)(i % 3)}};
            assert_int_equal(nlg_code_map_get(&map, &code) != NULL, pass);
            assert_int_equal(nlg_code_map_put(&map, &code, i + pass, NULL), NLG_OK);
            assert_true(*nlg_code_map_get(&map, &code) == i + pass);
        }
    }
    assert_int_equal(map.count, 5000);
    nlg_code_map_free(&map);
}

int main(void) {
    if (!make_folder()) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_strategy_finds_the_optimum_of_a_toy),
        cmocka_unit_test(guided_strategies_beat_random_search),
        cmocka_unit_test(failed_trials_stop_no_strategy),
        cmocka_unit_test(options_have_sources),
        cmocka_unit_test(gradients_of_the_controller),
        cmocka_unit_test(chances_sum_to_one),
        cmocka_unit_test(chances_move_towards_reward),
        cmocka_unit_test(grid_visits_everything_once),
        cmocka_unit_test(local_search_stops_at_optima),
        cmocka_unit_test(pnas_grows_block_by_block),
        cmocka_unit_test(halving_promotes_the_best),
        cmocka_unit_test(nsga2_spreads_over_the_front),
        cmocka_unit_test(rewards_of_mnasnet),
        cmocka_unit_test(maps_remember),
    };
    int failed = cmocka_run_group_tests_name("strategies", tests, NULL, NULL);
    rmdir(folder);
    return failed;
}
