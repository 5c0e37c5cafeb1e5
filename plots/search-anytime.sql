-- title: Search: best validation {measured} so far ({experiment})
-- caption: Median over searches of the best proxy score after so many evaluations, every search counted at every evaluation; band: from the
--   first to the third quartile. A search of which nothing could be evaluated so far, since its proposals failed or were rejected for
--   their cost, counts as 0; a line begins where half of its searches have a score.{late}
-- section: search
-- alt: Best proxy score by number of evaluations, one line a strategy and space; no line ever falls.
-- needs: lineage run
-- each: experiment
-- x: evaluations
-- y: best validation {measured} so far, % (proxy)
WITH t AS MATERIALIZED (SELECT * FROM lab_trials WHERE profile = :profile AND experiment = :experiment),
spaces AS (SELECT count(DISTINCT space) > 1 AS many FROM t),
run AS (SELECT DISTINCT arm || CASE WHEN many THEN ', ' || space ELSE '' END AS arm, stage, position FROM t, spaces),
upto AS (SELECT run.arm AS arm, max(trial) AS last FROM run JOIN t USING (stage, position) GROUP BY 1),
evaluation AS (
  SELECT run.arm, stage, position, n.trial, CASE WHEN t.status = 'done' THEN t.score END AS score
  FROM run JOIN upto USING (arm) JOIN (SELECT DISTINCT trial FROM t) AS n ON n.trial <= last LEFT JOIN t USING (stage, position, trial)),
so_far AS (SELECT arm, trial, max(score) OVER (PARTITION BY stage, position ORDER BY trial) AS best FROM evaluation),
many AS (SELECT count(DISTINCT arm) AS arms, max(trial) AS last FROM so_far),
kind AS (SELECT CASE WHEN max(json_extract(spec, '$.recipe.detection')) IS NULL THEN 'accuracy' ELSE 'AP' END AS measured
  FROM records WHERE key IN (SELECT key FROM t))
SELECT trial AS x, 100 * median(coalesce(best, 0)) AS y, 100 * quantile(coalesce(best, 0), 0.25) AS low,
  100 * quantile(coalesce(best, 0), 0.75) AS high, arm AS series, arm AS line, CASE WHEN trial = max(trial) OVER (PARTITION BY arm) AND arms <= 12 THEN arm END AS label,
  trial = last AS marker, measured,
  printf('%s after %d: %.2f %% (%d of %d searches have a score)', arm, trial, 100 * median(coalesce(best, 0)), count(best), count(*)) AS hover,
  CASE WHEN last >= 100 THEN ' The axis begins at the twentieth evaluation, so that the differences at the end can be seen.' ELSE '' END AS late
FROM so_far, many, kind WHERE last < 100 OR trial >= 20 GROUP BY arm, trial HAVING 2 * count(best) >= count(*) ORDER BY arm, trial
