-- title: Search: best validation accuracy so far ({experiment})
-- caption: Median over search seeds of the best proxy score after so many evaluations; band: from the first to the third quartile. Every
--   strategy has the same number of evaluations.
-- section: search
-- alt: Best proxy score by number of evaluations, one line a strategy and space.
-- needs: lineage run
-- each: experiment
-- x: evaluations
-- y: best validation accuracy so far, % (proxy)
WITH run AS (
  SELECT arm || CASE WHEN (SELECT count(DISTINCT space) FROM lab_trials WHERE profile = :profile AND experiment = :experiment) > 1 THEN ', ' || space ELSE '' END AS arm,
    position, trial, max(CASE WHEN status = 'done' THEN score END) OVER (PARTITION BY stage, position ORDER BY trial) AS best
  FROM lab_trials WHERE profile = :profile AND experiment = :experiment)
SELECT trial AS x, 100 * median(best) AS y, 100 * quantile(best, 0.25) AS low, 100 * quantile(best, 0.75) AS high, arm AS series, arm AS line,
  CASE WHEN trial = (SELECT max(trial) FROM run) AND (SELECT count(DISTINCT arm) FROM run) < 4 THEN arm END AS label, CASE WHEN trial = (SELECT max(trial) FROM run) THEN 1 ELSE 0 END AS marker,
  printf('%s after %d: %.2f %% (%d seeds)', arm, trial, 100 * median(best), count(best)) AS hover
FROM run WHERE best IS NOT NULL GROUP BY arm, trial ORDER BY arm, trial
