-- title: Search: best validation {measured} so far ({experiment}{in_space})
-- caption: Median over searches of the best proxy score after so many different architectures; band: from the first to the third quartile.
--   One that is proposed again costs nothing and is not counted; a search that proposes no other keeps its best. A search of which nothing
--   could be evaluated so far, since its proposals failed or were rejected for their cost, counts as 0; a line begins where half of its searches have a score.{aim}{seeds}{late}
-- section: search
-- alt: Best proxy score by number of different architectures, one line a strategy; no line ever falls. After {last} architectures {best}
--   the highest median, {best_score} %.
-- needs: lineage run
-- each: experiment
-- x: different architectures proposed
-- y: best validation {measured} so far, % (proxy)
WITH t AS MATERIALIZED (SELECT arm, coalesce(space, '') AS space, stage, position, key,
    row_number() OVER (PARTITION BY stage, position ORDER BY trial) AS trial, status, score FROM lab_trials
  WHERE profile = :profile AND experiment = :experiment AND NOT is_repeat),
run AS (SELECT DISTINCT arm, space, stage, position FROM t),
upto AS (SELECT space, max(trial) AS last FROM t GROUP BY space),
evaluation AS (
  SELECT run.arm, run.space, stage, position, n.trial, CASE WHEN t.status = 'done' THEN t.score END AS score
  FROM run JOIN upto USING (space) JOIN (SELECT DISTINCT trial FROM t) AS n ON n.trial <= last LEFT JOIN t USING (stage, position, trial)),
so_far AS (SELECT arm, space, trial, max(score) OVER (PARTITION BY stage, position ORDER BY trial) AS best FROM evaluation),
of_space AS (SELECT space, count(DISTINCT arm) AS arms, max(trial) AS last, (SELECT count(DISTINCT space) > 1 FROM run) AS is_one_of_many FROM so_far GROUP BY space),
searches AS (SELECT space, min(n) AS fewest, max(n) AS most FROM (SELECT space, arm, count(*) AS n FROM run GROUP BY space, arm) GROUP BY space),
kind AS (SELECT CASE WHEN max(json_extract(spec, '$.recipe.detection')) IS NULL THEN 'accuracy' ELSE 'AP' END AS measured,
    CASE WHEN max(json_extract(spec, '$.objective.target')) IS NULL THEN '' ELSE ' Those with a reward maximise it, of score and cost, and not the score alone.' END AS aim
  FROM records WHERE key IN (SELECT key FROM t)),
lines AS (
  SELECT space, arm, trial, 100 * median(coalesce(best, 0)) AS score, 100 * quantile(coalesce(best, 0), 0.25) AS low,
    100 * quantile(coalesce(best, 0), 0.75) AS high, count(best) AS scored, count(*) AS n
  FROM so_far JOIN of_space USING (space) WHERE last < 100 OR trial >= 20 GROUP BY space, arm, trial HAVING 2 * count(best) >= count(*)),
ends AS (SELECT space, arm, score, max(score) OVER (PARTITION BY space) AS best_score FROM lines JOIN of_space USING (space) WHERE trial = last),
winners AS (
  SELECT space, group_concat(arm, ' and ') || CASE count(*) WHEN 1 THEN ' has' ELSE ' have' END AS best, printf('%.2f', best_score) AS best_score
  FROM ends WHERE score = best_score GROUP BY space)
SELECT trial AS x, score AS y, low, high, arm AS series, arm AS line,
  CASE WHEN trial = max(trial) OVER (PARTITION BY space, arm) AND arms <= 12 THEN arm END AS label, trial = last AS marker, measured, aim,
  printf('%s after %d: %.2f %% (%d of %d searches have a score)', arm, trial, score, scored, n) AS hover,
  CASE WHEN last >= 100 THEN ' The axis begins at the twentieth architecture, so that the differences at the end can be seen.' ELSE '' END AS late,
  CASE WHEN fewest = most THEN printf(' Searches of each line: %d.', most) ELSE printf(' Searches of each line: %d to %d.', fewest, most) END AS seeds,
  CASE WHEN is_one_of_many THEN space END AS panel, CASE WHEN is_one_of_many THEN ', space ' || space ELSE '' END AS in_space,
  last, coalesce(best, 'no strategy has') AS best, coalesce(best_score, '0') AS best_score
FROM lines JOIN of_space USING (space) JOIN searches USING (space) JOIN kind LEFT JOIN winners USING (space)
ORDER BY space, arm, trial
