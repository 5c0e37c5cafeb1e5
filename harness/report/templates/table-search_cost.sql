-- title: What the searches cost
-- section: search
-- note: All searches of a strategy in a space together. A proposal is a repeat of an architecture, is rejected or fails, or is evaluated. Epochs and
--   MACs: what training every evaluated architecture takes; none where a table answers. Hours: of the searches as recorded, the strategy's own
--   among them, which no record keeps apart; a table answers at once, so there they are nearly all its own. A score that an earlier search had left
--   was not trained again, which saves time. Simulated: what the evaluations would have cost by the table.
WITH search AS (
  SELECT experiment, stage, position, arm, json_extract(spec, '$.space') AS space, seconds, json_extract(spec, '$.budget') AS budget, json_extract(spec, '$.evaluations') AS different,
    json_extract(spec, '$.evaluator') AS evaluator, max(CASE metrics.name WHEN 'trained_macs' THEN value END) AS trained,
    max(CASE metrics.name WHEN 'simulated_cost' THEN value END) AS simulated, max(CASE metrics.name WHEN 'simulated_cost' THEN unit END) AS unit
  FROM members JOIN records USING (key) LEFT JOIN metrics USING (key) WHERE profile = :profile AND measure = 'search'
  GROUP BY experiment, stage, position),
proposal AS (
  SELECT experiment, stage, arm, space, count(*) AS n, sum(is_repeat) AS repeats, sum(status <> 'done' AND NOT is_repeat) AS lost,
    sum(status = 'done' AND NOT is_repeat) AS evaluated, sum(CASE WHEN is_repeat THEN 0 ELSE epochs END) AS epochs
  FROM lab_trials WHERE profile = :profile GROUP BY experiment, stage, arm, space)
SELECT experiment AS "experiment|Experiment", space AS "space|Space", arm AS "strategy|Strategy", count(*) AS "searches|Searches|,",
  CASE WHEN min(budget) < max(budget) THEN min(budget) || ' to ' || max(budget) WHEN different THEN printf('%d, %d different', budget, different)
    ELSE budget END AS "proposals_each|Proposals each, at most",
  n AS "proposals|Proposals|,", repeats AS "repeats|Repeats|,", lost AS "rejected_or_failed|Rejected, failed|,", evaluated AS "evaluated|Evaluated|,",
  CASE evaluator WHEN 'train' THEN epochs END AS "epochs|Epochs|,", sum(trained) AS "trained_macs", sum(trained) / 1e12 AS "trained_tera_macs|MACs trained, 10^12|.1",
  sum(seconds) AS "seconds", sum(seconds) / 3600 AS "hours|Hours|.2",
  sum(CASE unit WHEN 'seconds' THEN simulated END) AS simulated_seconds, sum(CASE unit WHEN 'MACs x epochs' THEN simulated END) AS simulated_macs_epochs,
  CASE unit WHEN 'seconds' THEN printf('%,.1f hours', sum(simulated) / 3600) WHEN 'MACs x epochs' THEN printf('%,.1f x 10^12 MACs x epochs', sum(simulated) / 1e12)
    END AS "simulated|Simulated"
FROM search JOIN proposal USING (experiment, stage, arm, space) GROUP BY experiment, stage, arm, space ORDER BY experiment, min(position)
