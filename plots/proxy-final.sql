-- title: Search: proxy against final accuracy ({experiment})
-- caption: Each retrained architecture: the proxy score that the search saw, and its test accuracy after the full training ({data}){means}.{shared}
-- section: search
-- alt: Test accuracy after retraining against proxy score in the search, of {many} architectures; Spearman's rank correlation is {correlation}.
-- needs: lineage run (ten retrained architectures and more)
-- each: experiment
-- x: proxy validation accuracy in the search, %
-- y: test accuracy after retraining, %
WITH trained AS (
  SELECT json_extract(spec, '$.genotype') AS genotype, min(arm) AS arm, CASE WHEN kind <> arm THEN kind ELSE 'others' END AS kind, key, 100 * value AS accuracy
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND metric = 'test_accuracy'
    AND json_extract(spec, '$.genotype') IS NOT NULL GROUP BY 1, 3, key),
means AS (
  SELECT genotype, min(arm) AS arm, kind, count(*) AS n, mean(accuracy) AS y, CASE WHEN count(*) >= 3 THEN t_low(accuracy) END AS low,
    CASE WHEN count(*) >= 3 THEN t_high(accuracy) END AS high
  FROM trained WHERE accuracy IS NOT NULL GROUP BY genotype, kind),
proxy AS (SELECT genotype, max(score) AS score FROM lab_trials
  WHERE profile = :profile AND experiment = :experiment AND status = 'done' GROUP BY genotype),
both AS (SELECT *, 100 * score AS x FROM means JOIN proxy USING (genotype) WHERE score IS NOT NULL),
different AS (SELECT x, mean(y) AS y, count(*) AS groups FROM both GROUP BY genotype),
told AS (
  SELECT coalesce((SELECT rtrim(data, ', ') FROM trained_on WHERE profile = :profile AND experiment = :experiment), '') AS data,
    CASE max(n) WHEN 1 THEN ', n = 1 training each' ELSE ', mean over seeds (bars: Student''s 95 % interval of the mean over seeds, from 3 on)' END AS means,
    (SELECT count(*) FROM different) AS many, (SELECT printf('%.2f', spearman(x, y)) FROM different) AS correlation,
    (SELECT CASE count(*) WHEN 0 THEN '' ELSE printf(' %d that two groups found have both their marks.', count(*)) END FROM different WHERE groups > 1) AS shared
  FROM both)
SELECT x, y, low, high, kind AS series, NULL AS label, printf('%s: proxy %.2f %%, test %.2f %% (%d training%s)', arm, x, y, n,
    CASE n WHEN 1 THEN '' ELSE 's' END) AS hover, data, means, many, correlation, shared
FROM both, told WHERE many >= 10 ORDER BY kind, x
