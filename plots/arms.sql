-- title: Accuracy of the arms ({experiment})
-- caption: Test accuracy of each arm, mean over seeds; bars: Student's 95 % interval of the mean over seeds (from 3 seeds on).
-- section: experiment
-- alt: Test accuracy of each arm of the experiment "{experiment}" with its interval.
-- needs: lineage run
-- each: experiment
-- x: test accuracy, %
-- yscale: category
WITH one AS (
  SELECT arm, replace(replace(replace(replace(json_remove(factors, '$.network', '$.label', '$.seed', '$.rate', '$.lr'), '{', ''), '}', ''), '"', ''), ':', ' ') AS setting,
    position, max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy, max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results JOIN records USING (key) WHERE profile = :profile AND experiment = :experiment AND final = 1 AND results.measure = 'train'
    AND (json_extract(spec, '$.genotype') IS NULL OR NOT EXISTS (SELECT 1 FROM members AS o JOIN records AS q USING (key) WHERE o.profile = :profile AND o.experiment = :experiment AND q.measure = 'search')) GROUP BY stage, position),
arms AS (
  SELECT arm || CASE setting WHEN '' THEN '' ELSE ', ' || replace(setting, ',', ', ') END AS name, min(position) AS place, max(macs) AS macs, count(accuracy) AS n,
    100 * mean(accuracy) AS x, CASE WHEN count(accuracy) >= 3 THEN 100 * t_low(accuracy) END AS low, CASE WHEN count(accuracy) >= 3 THEN 100 * t_high(accuracy) END AS high
  FROM one WHERE accuracy IS NOT NULL GROUP BY arm, setting)
SELECT x, name AS y, low, high, NULL AS series, printf('%s: %.2f %% over %d seed%s', name, x, n, CASE n WHEN 1 THEN '' ELSE 's' END) AS hover
FROM arms WHERE (SELECT count(*) BETWEEN 2 AND 40 AND (count(*) < 3 OR max(macs) <= 1.1 * min(macs)) FROM arms) ORDER BY place
