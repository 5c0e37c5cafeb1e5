-- title: Search: accuracy of what was found ({experiment})
-- caption: Test accuracy of the architectures trained anew with the full recipe, mean over training seeds; bars: 95 % interval over seeds,
--   from 3 on. Random architectures are trained the same way. Where no group has three architectures there is no such figure.
-- section: search
-- alt: Test accuracy of retrained winners of each strategy beside random architectures.
-- needs: lineage run (three winners of a strategy, or random architectures, and more)
-- each: experiment
-- x: test accuracy after retraining, %
-- yscale: category
WITH arms AS (
  SELECT arm, CASE WHEN kind <> arm THEN kind ELSE 'others' END AS kind, count(value) AS n, 100 * mean(value) AS accuracy,
    CASE WHEN count(value) >= 3 THEN 100 * t_low(value) END AS low, CASE WHEN count(value) >= 3 THEN 100 * t_high(value) END AS high
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND metric = 'test_accuracy'
    AND json_extract(spec, '$.genotype') IS NOT NULL
    AND EXISTS (SELECT 1 FROM members AS o JOIN records AS q USING (key)
      WHERE o.profile = :profile AND o.experiment = :experiment AND q.measure = 'search')
  GROUP BY arm),
groups AS (SELECT kind, count(*) AS size FROM arms GROUP BY kind)
SELECT accuracy AS x, arm AS y, low, high, kind AS series, printf('%s: %.2f %% (%d trainings)', arm, accuracy, n) AS hover
FROM arms WHERE (SELECT max(size) FROM groups) >= 3 ORDER BY x DESC, arm COLLATE by_number
