-- title: Search: proxy against final accuracy ({experiment})
-- caption: Each retrained architecture: the proxy score that the search saw, and its test accuracy after the full training, mean over seeds
--   (bars: 95 % interval over seeds, from 3 on). Of fewer than ten architectures there is no such figure.
-- section: search
-- alt: Test accuracy after retraining against proxy score in the search.
-- needs: lineage run (ten retrained architectures and more)
-- each: experiment
-- x: proxy validation accuracy in the search, %
-- y: test accuracy after retraining, %
WITH trained AS (
  SELECT json_extract(spec, '$.genotype') AS genotype, stage, arm, CASE WHEN kind <> arm THEN kind ELSE 'others' END AS kind,
    count(value) AS n, 100 * mean(value) AS y, CASE WHEN count(value) >= 3 THEN 100 * t_low(value) END AS low,
    CASE WHEN count(value) >= 3 THEN 100 * t_high(value) END AS high
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND metric = 'test_accuracy'
    AND json_extract(spec, '$.genotype') IS NOT NULL GROUP BY 1, 2, 3),
proxy AS (SELECT genotype, max(score) AS score FROM lab_trials
  WHERE profile = :profile AND experiment = :experiment AND status = 'done' GROUP BY genotype),
both AS (SELECT * FROM trained JOIN proxy USING (genotype) WHERE score IS NOT NULL AND y IS NOT NULL)
SELECT 100 * score AS x, y, low, high, kind AS series, NULL AS label,
  printf('%s: proxy %.2f %%, test %.2f %% (%d seeds)', arm, 100 * score, y, n) AS hover
FROM both WHERE (SELECT count(*) FROM both) >= 10 ORDER BY kind, x
