-- title: Search: accuracy of what was found ({experiment})
-- caption: Test accuracy of the architectures trained anew with the full recipe, mean over training seeds; bars: 95 % interval over seeds,
--   from 3 on. Random architectures are trained the same way.
-- section: search
-- alt: Test accuracy of retrained winners of each strategy beside random architectures.
-- needs: lineage run
-- each: experiment
-- x: test accuracy after retraining, %
-- yscale: category
SELECT 100 * mean(value) AS x, arm AS y, CASE WHEN count(value) >= 3 THEN 100 * t_low(value) END AS low,
  CASE WHEN count(value) >= 3 THEN 100 * t_high(value) END AS high, CASE WHEN kind <> arm THEN kind ELSE 'others' END AS series,
  printf('%s: %.2f %% (%d trainings)', arm, 100 * mean(value), count(value)) AS hover
FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND metric = 'test_accuracy'
  AND json_extract(spec, '$.genotype') IS NOT NULL
  AND EXISTS (SELECT 1 FROM members AS o JOIN records AS q USING (key)
    WHERE o.profile = :profile AND o.experiment = :experiment AND q.measure = 'search')
GROUP BY arm ORDER BY x DESC
