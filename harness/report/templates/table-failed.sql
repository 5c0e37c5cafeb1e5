-- title: Runs and proposals that failed, diverged or were rejected
-- section: appendix
-- note: Proposals are those of searches, counted over all searches of an arm; a rejected one was not trained. One that was
--   proposed again is not counted again.
WITH proposals AS (
  SELECT experiment, stage, arm, status, min(position) AS position, min(key) AS key, count(*) AS n, sum(count(*)) OVER (PARTITION BY experiment, stage, arm) AS proposed
  FROM lab_trials WHERE profile = :profile AND NOT is_repeat GROUP BY experiment, stage, arm, status),
listed AS (
  SELECT experiment, stage, position, arm, rate, seed, status, message FROM results WHERE profile = :profile AND status <> 'done' GROUP BY experiment, stage, position
  UNION ALL
  SELECT experiment, stage, position, arm, NULL, NULL, proposals.status, printf('%,d of %,d different proposals', n, proposed)
    || CASE WHEN proposals.status = 'rejected' AND json_extract(spec, '$.limits.macs') > 0 THEN printf('; the limit is %,d MACs', json_extract(spec, '$.limits.macs')) ELSE '' END
    || CASE WHEN proposals.status = 'rejected' AND json_extract(spec, '$.limits.params') > 0 THEN printf('; the limit is %,d parameters', json_extract(spec, '$.limits.params')) ELSE '' END
  FROM proposals JOIN records USING (key) WHERE proposals.status <> 'done')
SELECT experiment AS "experiment|Experiment", stage AS "stage|Stage", arm AS "arm|Arm", rate AS "rate|Rate|g", seed AS "seed|Seed|0", status AS "status|Status", message AS "message|Reason"
FROM listed ORDER BY experiment, stage, position
