-- title: Detection: AP of each arm ({experiment})
-- caption: Average precision on generated scenes. Small points: one training each; large: their mean; n: how many trainings. Bars: Student's
--   95 % interval of the mean, from 6 trainings on, cut at 0, since no AP lies below; of fewer the points alone are shown. M: millions of
--   multiply-accumulates per image, where arms differ in them.
-- section: experiment
-- alt: Average precision of every training of each arm of the experiment "{experiment}", with the mean and its interval.
-- needs: lineage run
-- each: experiment
-- x: AP, %
-- yscale: category
WITH one AS (
  SELECT kind AS arm, min(stage) AS stage, 100 * max(CASE metric WHEN 'test_ap' THEN value END) AS ap,
    max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) WHERE profile = :profile AND experiment = :experiment
  GROUP BY results.arm, key),
arms AS (
  SELECT arm, min(stage) AS stage, count(*) AS n, mean(ap) AS ap, mean(macs) AS macs, CASE WHEN count(*) >= 6 THEN max(0, t_low(ap)) END AS low,
    CASE WHEN count(*) >= 6 THEN min(100, t_high(ap)) END AS high
  FROM one WHERE ap IS NOT NULL GROUP BY arm),
named AS (
  SELECT *, arm || CASE WHEN max(macs) OVER () > 1.1 * min(macs) OVER () THEN printf(', %.3g M', macs / 1e6) ELSE '' END || ', n = ' || n AS name
  FROM arms)
SELECT one.ap AS x, name AS y, NULL AS low, NULL AS high, 'one training' AS series, 'grey' AS colour, 1 AS single, 'human' AS designer, 1 AS part,
  printf('%s: AP %.2f', one.arm, one.ap) AS hover, named.stage AS stage
FROM one JOIN named USING (arm) WHERE one.ap IS NOT NULL
UNION ALL SELECT ap, name, low, high, 'mean, 95 % interval', 'blue', 0, 'human', 2,
  printf('%s: AP %.2f (%d training%s)', arm, ap, n, CASE n WHEN 1 THEN '' ELSE 's' END), stage FROM named
ORDER BY part, stage, y COLLATE by_number, x
