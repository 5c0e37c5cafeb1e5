-- title: Four ways to scale a network, here ({experiment})
-- caption: The axes of the paper's chart, our own networks: from the base a line leads to the same network scaled in depth, width, resolution,
--   or all three (compound), at about the same cost each. Test accuracy, mean over {seeds} seeds; bars: Student's 95 % interval of the mean over
--   seeds (from 3 seeds on).
-- section: experiment
-- alt: Test accuracy against multiply-accumulates of a network of the experiment "{experiment}" scaled in four ways, each a line from the base;
--   at the highest cost the {best} way is highest.
-- needs: lineage run
-- each: experiment
-- x: multiply-accumulates per image
-- y: test accuracy, %
-- xscale: log
WITH one AS (
  SELECT json_extract(factors, '$.way') AS way, json_extract(factors, '$.cost') AS cost, arm,
    100 * max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy, max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results WHERE profile = :profile AND experiment = :experiment AND final = 1 AND measure = 'train'
    AND json_extract(factors, '$.way') IS NOT NULL GROUP BY arm, key),
arms AS (
  SELECT way, arm, CAST(cost AS REAL) AS cost, max(macs) AS x, mean(accuracy) AS y, count(accuracy) AS n,
    CASE WHEN count(accuracy) >= 3 THEN t_low(accuracy) END AS low, CASE WHEN count(accuracy) >= 3 THEN t_high(accuracy) END AS high
  FROM one WHERE accuracy IS NOT NULL GROUP BY way, arm),
told AS (SELECT CASE WHEN min(n) < max(n) THEN min(n) || ' to ' || max(n) ELSE max(n) END AS seeds,
  (SELECT way FROM arms WHERE way <> 'base' ORDER BY cost DESC, y DESC LIMIT 1) AS best FROM arms),
drawn AS (
  SELECT b.x, b.y, NULL AS low, NULL AS high, s.way || ' (here, reduced)' AS series, s.way AS line, 0 AS marker, NULL AS label,
    0 AS priority, NULL AS hover, NULL AS colour, 0 AS part
  FROM arms AS b JOIN (SELECT DISTINCT way FROM arms WHERE way <> 'base') AS s WHERE b.way = 'base'
  UNION ALL SELECT x, y, low, high, way || ' (here, reduced)', way, 1, NULL, y,
    printf('%s: %.2f %%, %.3g M multiply-accumulates', arm, y, x / 1e6), NULL, 0 FROM arms WHERE way <> 'base'
  UNION ALL SELECT x, y, low, high, 'base (here, reduced)', NULL, 1, NULL, 0,
    printf('%s: %.2f %%, %.3g M multiply-accumulates', arm, y, x / 1e6), 'grey', 1 FROM arms WHERE way = 'base')
SELECT drawn.*, seeds, best FROM drawn, told WHERE (SELECT count(*) FROM arms) >= 3 ORDER BY part, series, line, x
