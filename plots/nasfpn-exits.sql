-- title: Early exits: AP against multiply-accumulates
-- caption: One training with heads behind every pyramid ("early exits"): a pass may stop after one, two or three stacks. Beside it networks of
--   one, two and three stacks that were trained each by itself. Mean over seeds on generated scenes; bars: Student's 95 % interval of the mean,
--   from 6 trainings on, within 0 to 100; of fewer each training is a small point.
-- section: nasfpn
-- alt: Average precision against multiply-accumulates after one, two and three stacks. After three, early exits of one network have {exits},
--   a network of its own {own}.
-- needs: lineage run nasfpn-search
-- x: multiply-accumulates per image
-- y: AP, %
WITH one AS (
  SELECT 'early exits of one network' AS series, position, 3 AS stacks, max(CASE metric WHEN 'test_ap' THEN value END) AS ap, max(CASE metric WHEN 'macs' THEN value END) AS macs
    FROM results WHERE profile = :profile AND experiment = 'nasfpn-search' AND stage = 'exits' GROUP BY position
  UNION ALL SELECT 'early exits of one network', position, e.k, max(CASE metric WHEN 'test_ap_exit' || e.k THEN value END), max(CASE metric WHEN 'macs_exit' || e.k THEN value END)
    FROM results, (SELECT 1 AS k UNION ALL SELECT 2) AS e WHERE profile = :profile AND experiment = 'nasfpn-search' AND stage = 'exits' GROUP BY position, e.k
  UNION ALL SELECT 'a network each', position, CASE json_extract(factors, '$.network') WHEN 'nas_fpn_tiny' THEN 1 WHEN 'nas_fpn_tiny_2' THEN 2 ELSE 3 END,
      max(CASE metric WHEN 'test_ap' THEN value END), max(CASE metric WHEN 'macs' THEN value END)
    FROM results WHERE profile = :profile AND experiment = 'nasfpn-search' AND stage = 'stacks' AND json_extract(factors, '$.network') LIKE 'nas_fpn_tiny%' GROUP BY position),
means AS (
  SELECT series, stacks, max(macs) AS macs, 100 * mean(ap) AS ap, count(ap) AS n, CASE WHEN count(ap) >= 6 THEN max(0, 100 * t_low(ap)) END AS low,
    CASE WHEN count(ap) >= 6 THEN min(100, 100 * t_high(ap)) END AS high
  FROM one WHERE ap IS NOT NULL AND macs IS NOT NULL GROUP BY series, stacks),
told AS (SELECT coalesce(max(CASE series WHEN 'a network each' THEN printf('%.1f %%', ap) END), 'nothing') AS own,
  coalesce(max(CASE series WHEN 'early exits of one network' THEN printf('%.1f %%', ap) END), 'nothing') AS exits FROM means WHERE stacks = 3)
SELECT macs AS x, ap AS y, low, high, series, series AS line, stacks || CASE stacks WHEN 1 THEN ' stack' ELSE ' stacks' END AS label, 0 AS single, stacks,
  printf('%s, %d stacks: AP %.2f (%d seeds)', series, stacks, ap, n) AS hover, exits, own FROM means, told
UNION ALL SELECT means.macs, 100 * one.ap, NULL, NULL, series, NULL, NULL, 1, stacks, printf('%s, %d stacks: AP %.2f', series, stacks, 100 * one.ap), exits, own
FROM one JOIN means USING (series, stacks), told WHERE n < 6 AND one.ap IS NOT NULL
ORDER BY single, series, stacks
