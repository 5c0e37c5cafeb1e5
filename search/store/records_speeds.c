/* How long trainings and searches take, from records of several machines. */
#include <math.h>
#include <stdio.h>

#include "layers/base/dmath.h"
#include "layers/base/json.h"
#include "layers/base/median.h"
#include "layers/base/memory.h"
#include "search/store/records.h"
#include "search/store/store_internal.h"

static const char *const doing = "reading the speeds";

/* ---- slowness of machines: the pace of a training is that of its network times the slowness of its machine ------------- */

/* What a network takes on a machine: the logarithm of seconds for a unit of work. */
typedef struct cell {
    int network, machine; /* numbered from 0 */
    int64_t id;           /* of the machine in the store */
    double pace;
} cell;

typedef struct fit {
    cell *cells; /* by machine */
    int count, room, networks, machines;
    double *network_level, *machine_level, *values;
    int *group; /* of machines: the least number of those that networks connect it with */
} fit;

static void free_fit(fit *f) {
    nlg_free(f->cells);
    nlg_free(f->network_level);
    nlg_free(f->machine_level);
    nlg_free(f->values);
    nlg_free(f->group);
}

/* Of networks that several machines have trained. Lower quartiles, since other programs only ever slow a training. */
static nlg_status read_cells(nlg_store *store, const char *work, fit *f, nlg_error *err) {
    static const char sql[] =
        "WITH paces AS (SELECT coalesce(json_extract(spec, '$.graph'), key) AS network, machine, seconds / value AS pace"
        "  FROM records JOIN metrics USING (key) WHERE name = ?1 AND status = 'done' AND seconds > 0 AND value > 0),"
        " shared AS (SELECT network FROM paces GROUP BY network HAVING min(machine) < max(machine)),"
        " ranked AS (SELECT network, machine, pace, row_number() OVER (PARTITION BY network, machine ORDER BY pace) AS n,"
        "  count(*) OVER (PARTITION BY network, machine) AS of FROM paces JOIN shared USING (network))"
        " SELECT dense_rank() OVER (ORDER BY network) - 1, dense_rank() OVER (ORDER BY machine) - 1, machine, pace"
        " FROM ranked WHERE n = (of + 3) / 4 ORDER BY 2, 1";
    sqlite3_stmt *s;
    bool row;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    nlg_store_bind_text(s, 1, work);
    nlg_status status = NLG_OK;
    while (status == NLG_OK && (status = nlg_store_step(store, s, &row, doing, err)) == NLG_OK && row) {
        cell *more = nlg_grow(f->cells, &f->room, f->count, sizeof *more);
        if (!more) {
            status = nlg_fail_memory(err, (size_t)f->count * sizeof *more, "the speeds");
            continue;
        }
        f->cells = more;
        cell *c = &more[f->count++];
        *c = (cell){sqlite3_column_int(s, 0), sqlite3_column_int(s, 1), sqlite3_column_int64(s, 2),
                    nlg_log(sqlite3_column_double(s, 3))};
        if (c->network >= f->networks) f->networks = c->network + 1;
        if (c->machine >= f->machines) f->machines = c->machine + 1;
    }
    sqlite3_finalize(s);
    return status;
}

/* Of the machines, or else of the networks: medians of what the levels of the others leave. */
static void take_levels(const fit *f, bool of_machines) {
    double *levels = of_machines ? f->machine_level : f->network_level;
    const int count = of_machines ? f->machines : f->networks;
    for (int i = 0; i < count; i++) {
        int n = 0;
        for (const cell *c = f->cells; c < f->cells + f->count; c++)
            if ((of_machines ? c->machine : c->network) == i)
                f->values[n++] = c->pace - (of_machines ? f->network_level[c->network] : f->machine_level[c->machine]);
        levels[i] = nlg_median(f->values, n);
    }
}

static void find_groups(const fit *f) {
    for (int i = 0; i < f->machines; i++) f->group[i] = i;
    for (bool changes = true; changes;) {
        changes = false;
        for (int i = 0; i < f->count; i++)
            for (int k = 0; k < f->count; k++) {
                const int least = f->group[f->cells[k].machine];
                if (f->cells[i].network != f->cells[k].network || f->group[f->cells[i].machine] <= least) continue;
                f->group[f->cells[i].machine] = least;
                changes = true;
            }
    }
}

/* The quickest machine of a group, of those that share `least` networks; NAN: none does. */
static double quickest(const fit *f, int group, int least) {
    double level = (double)NAN;
    for (int i = 0; i < f->machines; i++) {
        int n = 0;
        for (const cell *c = f->cells; c < f->cells + f->count; c++) n += c->machine == i;
        if (f->group[i] == group && n >= least && !(f->machine_level[i] >= level)) level = f->machine_level[i];
    }
    return level;
}

/* Levels of a group are known but for a constant: that of the quickest machine becomes 0, if possible of one that shares several
 * networks, since an hour of noise may make a network look quick. */
static void anchor(const fit *f) {
    enum { SEVERAL = 3 };
    for (int group = 0; group < f->machines; group++) {
        const double sure = quickest(f, group, SEVERAL), level = isnan(sure) ? quickest(f, group, 1) : sure;
        for (int i = 0; i < f->machines; i++)
            if (f->group[i] == group) f->machine_level[i] -= level;
    }
}

/* Median polish: J. Tukey, "Exploratory Data Analysis", 1977, chapter 11, of the logarithms. */
static nlg_status polish(fit *f, nlg_error *err) {
    enum { ROUNDS = 50 };
    f->network_level = nlg_alloc((size_t)f->networks + 1, sizeof *f->network_level);
    f->machine_level = nlg_alloc((size_t)f->machines + 1, sizeof *f->machine_level);
    f->values = nlg_alloc((size_t)f->count + 1, sizeof *f->values);
    f->group = nlg_alloc((size_t)f->machines + 1, sizeof *f->group);
    if (!f->network_level || !f->machine_level || !f->values || !f->group) return nlg_fail_memory(err, 0, "the speeds");
    for (int i = 0; i < ROUNDS; i++) {
        take_levels(f, false);
        take_levels(f, true);
    }
    find_groups(f);
    anchor(f);
    return NLG_OK;
}

/* {"3":1.5,...}: slowness by machine, as far as known; to be freed with cJSON_free. */
static nlg_status slowness_text(const fit *f, char **text, nlg_error *err) {
    cJSON *object = cJSON_CreateObject();
    for (int i = 0; i < f->count; i++) {
        char name[24];
        if (i && f->cells[i - 1].machine == f->cells[i].machine) continue;
        snprintf(name, sizeof name, "%lld", (long long)f->cells[i].id);
        nlg_json_number(object, name, nlg_exp(f->machine_level[f->cells[i].machine]));
    }
    *text = object ? cJSON_PrintUnformatted(object) : NULL;
    cJSON_Delete(object);
    return *text ? NLG_OK : nlg_fail_memory(err, 0, "the speeds");
}

static nlg_status find_slowness(nlg_store *store, const char *work, char **text, nlg_error *err) {
    fit f = {0};
    *text = NULL;
    nlg_status status = read_cells(store, work, &f, err);
    if (status == NLG_OK) status = polish(&f, err);
    if (status == NLG_OK) status = slowness_text(&f, text, err);
    free_fit(&f);
    return status;
}

/* ---- seconds ----------------------------------------------------------------------------------------------------------- */

static nlg_status read_seconds(nlg_store *store, const char *measure, const char *work, const char *slowness, nlg_speed_taker *take,
                               void *context, nlg_error *err) {
    static const char sql[] =
        "WITH slowness AS MATERIALIZED (SELECT CAST(key AS INTEGER) AS machine, value AS slowness FROM json_each(?3)),"
        " scaled AS (SELECT key, measure, value, seconds / value / coalesce(slowness, 1) AS pace,"
        "  dense_rank() OVER (ORDER BY coalesce(json_extract(spec, '$.graph'), key), value, status) AS alike"
        "  FROM records JOIN metrics USING (key) LEFT JOIN slowness USING (machine)"
        "  WHERE name = ?2 AND status IN ('done', 'diverged') AND seconds > 0 AND value > 0),"
        " by_pace AS MATERIALIZED (SELECT *, row_number() OVER (PARTITION BY alike ORDER BY pace) AS n,"
        "  count(*) OVER (PARTITION BY alike) AS of FROM scaled),"
        " typical AS MATERIALIZED (SELECT one.key, one.measure, one.value, one.value * quarter.pace AS seconds"
        "  FROM by_pace AS one JOIN by_pace AS quarter ON quarter.alike = one.alike AND quarter.n = (quarter.of + 3) / 4)"
        " SELECT NULL, NULL, total(seconds), total(value) FROM typical WHERE measure = ?1"
        /* a record that several trials share takes its seconds once */
        " UNION ALL SELECT experiment, stage, total(CASE n WHEN 1 THEN seconds END), total(value) FROM typical JOIN"
        "  (SELECT experiment, stage, key, row_number() OVER (PARTITION BY profile, key ORDER BY experiment, stage) AS n"
        "   FROM members) USING (key) WHERE measure = ?1 GROUP BY experiment, stage";
    sqlite3_stmt *s;
    bool row;
    NLG_TRY(nlg_store_prepare(store, sql, &s, doing, err));
    nlg_store_bind_text(s, 1, measure);
    nlg_store_bind_text(s, 2, work);
    nlg_store_bind_text(s, 3, slowness);
    nlg_status status = NLG_OK;
    while ((status = nlg_store_step(store, s, &row, doing, err)) == NLG_OK && row) {
        const bool all = sqlite3_column_type(s, 0) == SQLITE_NULL;
        take(context, all ? NULL : nlg_store_column_text(s, 0), all ? NULL : nlg_store_column_text(s, 1),
             sqlite3_column_double(s, 2), sqlite3_column_double(s, 3));
    }
    sqlite3_finalize(s);
    return status;
}

nlg_status nlg_store_speeds(nlg_store *store, const char *measure, const char *work, nlg_speed_taker *take, void *context,
                            nlg_error *err) {
    char *slowness;
    NLG_TRY(find_slowness(store, work, &slowness, err));
    nlg_status status = read_seconds(store, measure, work, slowness, take, context, err);
    cJSON_free(slowness);
    return status;
}
