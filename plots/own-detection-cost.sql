-- title: AP against multiply-accumulates, here ({experiment})
-- caption: The axes of the paper's chart, our own detectors on generated scenes. Large: mean of {trainings} trainings of a network that
--   people designed or papers print, with Student's 95 % interval of the mean from 6 on; small: one training each of what was found or
--   drawn at random here. The costs differ by {spread} % at most.{below}
-- section: experiment
-- alt: Average precision against multiply-accumulates of the detectors of the experiment "{experiment}"; of the
--   designed and the printed ones {best} is highest.
-- needs: lineage run
-- each: experiment
-- x: multiply-accumulates per image
-- y: AP, %
-- xscale: log
WITH one AS (
  SELECT arm, kind, coalesce(json_extract(factors, '$.network'), arm) AS network,
    100 * max(CASE metric WHEN 'test_ap' THEN value END) AS ap, max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results JOIN arm_kinds USING (profile, experiment, stage, position, arm)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' GROUP BY results.arm, key),
named AS (
  SELECT arm, ap, macs, kind <> arm AS is_single, CASE WHEN kind <> arm THEN kind WHEN designer = 'searched' THEN 'searched, as the paper prints it (here, reduced)'
    ELSE 'human-designed (here, reduced)' END AS series
  FROM one LEFT JOIN networks ON networks.name = network WHERE ap IS NOT NULL),
arms AS (
  SELECT arm, series, is_single, max(macs) AS x, mean(ap) AS y, count(*) AS n, CASE WHEN count(*) >= 6 THEN max(0, t_low(ap)) END AS low,
    CASE WHEN count(*) >= 6 THEN min(100, t_high(ap)) END AS high
  FROM named GROUP BY arm, series, is_single),
far AS (SELECT *, y < 0.5 * (SELECT median(y) FROM arms) AS is_far FROM arms),
told AS (
  SELECT printf('%.0f', 100 * (max(x) / min(x) - 1)) AS spread, max(x) > 1.1 * min(x) AS differs,
    min(CASE WHEN NOT is_single THEN n END) || CASE WHEN min(CASE WHEN NOT is_single THEN n END) < max(CASE WHEN NOT is_single THEN n END)
      THEN ' to ' || max(CASE WHEN NOT is_single THEN n END) ELSE '' END AS trainings,
    CASE WHEN sum(is_far) > 0 THEN printf(' Below the axis, but in the table: %d of at most %.1f %%.', sum(is_far), max(CASE WHEN is_far THEN y END))
      ELSE '' END AS below, (SELECT arm FROM arms WHERE NOT is_single ORDER BY y DESC LIMIT 1) AS best
  FROM far)
SELECT x, y, low, high, series, is_single AS single, CASE WHEN NOT is_single THEN arm END AS label, y AS priority,
  CASE WHEN series LIKE 'random arch%' THEN 'grey' END AS colour,
  printf('%s: AP %.2f (%d training%s), %.4g M multiply-accumulates', arm, y, n, CASE n WHEN 1 THEN '' ELSE 's' END, x / 1e6) AS hover,
  trainings, spread, below, best
FROM far, told WHERE differs AND NOT is_far ORDER BY is_single, series, x
