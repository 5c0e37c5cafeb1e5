-- title: Search: accuracy of what was found ({experiment})
-- caption: Test accuracy after training anew with the full recipe ({data}). Small points: one training each; large: the mean of the
--   row; n: how many {units}. Bars: Student's 95 % interval of the mean over those, from 3 on. {trained}{shared}
-- section: search
-- alt: Test accuracy of what searches found, one row for each group, with every training, the mean and its interval; {best}.
-- needs: lineage run (three winners of a strategy, or random architectures, and more)
-- each: experiment
-- x: test accuracy after retraining, %
-- yscale: category
WITH one AS ( -- unit: an architecture of a group, or a training of what is a row of its own
  SELECT DISTINCT kind, kind <> arm AS is_group, CASE kind WHEN arm THEN key ELSE arm END AS unit, arm, key, 100 * value AS accuracy
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND metric = 'test_accuracy'
    AND json_extract(spec, '$.genotype') IS NOT NULL
    AND EXISTS (SELECT 1 FROM members AS o JOIN records AS q USING (key)
      WHERE o.profile = :profile AND o.experiment = :experiment AND q.measure = 'search')),
units AS (SELECT kind, is_group, unit, count(*) AS trainings, mean(accuracy) AS accuracy FROM one GROUP BY kind, unit),
groups AS (
  SELECT kind, is_group, count(*) AS n, max(trainings) AS trainings, mean(accuracy) AS accuracy,
    CASE WHEN count(*) >= 3 THEN t_low(accuracy) END AS low, CASE WHEN count(*) >= 3 THEN t_high(accuracy) END AS high,
    kind || ', n = ' || count(*) AS name
  FROM units GROUP BY kind),
told AS (
  SELECT coalesce((SELECT rtrim(data, ', ') FROM trained_on WHERE profile = :profile AND experiment = :experiment), '') AS data,
    CASE WHEN min(is_group) THEN 'architectures' ELSE 'architectures, or trainings of one network' END AS units,
    CASE WHEN max(CASE WHEN is_group THEN trainings END) = 1 THEN 'Every architecture that was found or drawn was trained once, n = 1 training each.'
      ELSE 'The accuracy of an architecture is the mean over its trainings.' END AS trained,
    (SELECT CASE count(*) WHEN 0 THEN '' ELSE printf(' %d architecture%s found in two groups, and trained once for both.', count(*),
        CASE count(*) WHEN 1 THEN ' was' ELSE 's were' END) END
      FROM (SELECT key FROM one GROUP BY key HAVING count(DISTINCT kind) > 1)) AS shared,
    (SELECT printf('the row %s has the highest mean, %.2f %%', name, accuracy) FROM groups ORDER BY accuracy DESC LIMIT 1) AS best
  FROM groups)
SELECT one.accuracy AS x, name AS y, NULL AS low, NULL AS high, 'one training' AS series, 'grey' AS colour, 'human' AS designer, 1 AS single, 1 AS part,
  printf('%s: %.2f %%', arm, one.accuracy) AS hover, groups.accuracy AS mean, data, units, trained, shared, best
FROM one JOIN groups USING (kind), told WHERE (SELECT max(n) FROM groups WHERE is_group) >= 3
UNION ALL SELECT accuracy, name, low, high, 'mean, 95 % interval', 'blue', 'human', 0, 2, printf('%s: mean %.2f %%', name, accuracy), accuracy,
  data, units, trained, shared, best
FROM groups, told WHERE (SELECT max(n) FROM groups WHERE is_group) >= 3
ORDER BY part, mean DESC, y COLLATE by_number, x
