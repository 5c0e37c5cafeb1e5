-- title: Early exits: AP against multiply-accumulates
-- caption: One training with heads behind every pyramid ("early exits"): a pass may stop after one, two or three stacks. Beside it networks of
--   one, two and three stacks that were trained each by itself. Mean over seeds on generated scenes; bars: 95 % interval over seeds, from 3 on.
-- section: nasfpn
-- alt: Average precision against multiply-accumulates after one, two and three stacks, of one network with early exits and of three networks.
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
    FROM results WHERE profile = :profile AND experiment = 'nasfpn-search' AND stage = 'stacks' AND json_extract(factors, '$.network') LIKE 'nas_fpn_tiny%' GROUP BY position)
SELECT max(macs) AS x, 100 * mean(ap) AS y, CASE WHEN count(ap) >= 3 THEN 100 * t_low(ap) END AS low, CASE WHEN count(ap) >= 3 THEN 100 * t_high(ap) END AS high,
  series, series AS line, stacks || CASE stacks WHEN 1 THEN ' stack' ELSE ' stacks' END AS label, printf('%s, %d stacks: AP %.2f (%d seeds)', series, stacks, 100 * mean(ap), count(ap)) AS hover
FROM one WHERE ap IS NOT NULL AND macs IS NOT NULL GROUP BY series, stacks ORDER BY series, stacks
