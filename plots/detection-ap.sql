-- title: Detection: AP against multiply-accumulates ({experiment})
-- caption: Average precision on generated scenes of detectors trained here, mean over seeds, winners and random architectures; bars: 95 % interval, from 3
--   trainings on.
-- section: experiment
-- alt: Average precision against multiply-accumulates of the detectors trained here.
-- needs: lineage run
-- each: experiment
-- x: multiply-accumulates per image
-- y: AP, %
-- xscale: log
WITH one AS (
  SELECT CASE stage WHEN 'winners' THEN 'winners of ' || substr(arm, 11, instr(arm, ', seed') - 11) WHEN 'random' THEN 'random pyramids' ELSE arm END AS arm, position, max(CASE metric WHEN 'test_ap' THEN value END) AS ap, max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results WHERE profile = :profile AND experiment = :experiment GROUP BY stage, position)
SELECT max(macs) AS x, 100 * mean(ap) AS y, CASE WHEN count(ap) >= 3 THEN 100 * t_low(ap) END AS low, CASE WHEN count(ap) >= 3 THEN 100 * t_high(ap) END AS high,
  NULL AS series, arm AS label, printf('%s: AP %.2f (%d trainings)', arm, 100 * mean(ap), count(ap)) AS hover
FROM one WHERE ap IS NOT NULL AND macs IS NOT NULL GROUP BY arm ORDER BY arm
