/* Counting what was made again. */
#include "harness/query/evidence.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "harness/query/results_store.h"
#include "layers/base/file.h"
#include "layers/base/memory.h"

nlg_status nlg_evidence_load(nlg_query *query, const char *store, nlg_error *err) {
    enum { LARGEST = 1 << 26 };
    char path[4096] = "verifications", *text = NULL;
    size_t size;
    if (store) NLG_TRY(nlg_verifications_path(store, path, sizeof path, err));
    if (store && nlg_file_exists(path)) NLG_TRY(nlg_file_read(path, LARGEST, &text, &size, err));
    nlg_status status = nlg_query_load_rows(query, "verifications", NLG_VERIFICATION_COLUMNS, text, path, err);
    nlg_free(text);
    return status;
}

nlg_status nlg_evidence_of(nlg_query *query, const char *source, const char *profile, const char *experiment, const char *plan,
                           nlg_evidence *evidence, nlg_error *err) {
    static const char sql[] =
        "WITH own AS (SELECT DISTINCT key FROM members WHERE profile = :profile AND experiment = :experiment),"
        " made AS (SELECT key, created, seconds, measure, spec FROM records WHERE key IN own),"
        " tables AS (SELECT DISTINCT json_extract(spec, '$.config.table') AS digest FROM made WHERE measure = 'search'),"
        " checks AS (SELECT v.rowid AS line, v.key AS key, same, differs, 1 AS is_record FROM verifications AS v JOIN made USING "
        "(key, "
        "created)"
        "  UNION ALL SELECT v.rowid, v.key || v.created, same, v.key || ': ' || differs, 0 FROM verifications AS v"
        "  WHERE v.key LIKE 'row %' AND created IN (SELECT digest FROM tables)),"
        " last AS (SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY key ORDER BY line DESC) AS age FROM checks) WHERE age "
        "= 1)"
        " SELECT (SELECT sum(is_record) FROM last) AS again, (SELECT sum(is_record AND same) FROM last) AS same,"
        " (SELECT CASE is_record WHEN 1 THEN 'run ' || substr(key, 1, 12) || ', ' ELSE 'the table replayed, ' END || differs FROM "
        "last"
        "  WHERE NOT same ORDER BY line LIMIT 1) AS differs,"
        " (SELECT count(*) FROM own) AS trials, (SELECT count(*) FROM own) - (SELECT count(*) FROM made) AS missing,"
        " (SELECT sum(seconds) FROM made) AS seconds,"
        " (SELECT digest FROM plans WHERE profile = :profile AND experiment = :experiment) AS plan";
    nlg_rows *rows;
    NLG_TRY(nlg_query_run(query, sql, profile, experiment, "evidence", &rows, err));
    const double seconds = nlg_rows_number(rows, 0, "seconds"), again = nlg_rows_number(rows, 0, "again"),
                 same = nlg_rows_number(rows, 0, "same");
    const char *differs = nlg_rows_text(rows, 0, "differs"), *made = nlg_rows_text(rows, 0, "plan");
    *evidence = (nlg_evidence){.source = source,
                               .again = isfinite(again) ? (int)again : 0,
                               .same = isfinite(same) ? (int)same : 0,
                               .trials = (int)nlg_rows_number(rows, 0, "trials"),
                               .missing = (int)nlg_rows_number(rows, 0, "missing"),
                               .is_complete = made && strcmp(made, plan) == 0,
                               .seconds = isfinite(seconds) ? seconds : 0};
    snprintf(evidence->differs, sizeof evidence->differs, "%s", differs ? differs : "");
    nlg_rows_free(rows);
    return NLG_OK;
}
