-- title: Time of one forward pass ({experiment})
-- caption: Median time with p10 and p90 on the machine that the report names. Grey: the time varied (p90 above 1.2 times p10), so its
--   median is rough.
-- section: latency
-- alt: Milliseconds against multiply-accumulates on logarithmic axes; networks of equal cost differ in time.
-- needs: lineage run latency
-- each: experiment
-- x: multiply-accumulates per image
-- y: milliseconds (median, p10 to p90)
-- xscale: log
-- yscale: log
WITH one AS (
  SELECT arm, position, max(CASE metric WHEN 'macs' THEN value END) AS macs, max(CASE metric WHEN 'median_ms' THEN value END) AS ms,
    max(CASE metric WHEN 'p10_ms' THEN value END) AS low, max(CASE metric WHEN 'p90_ms' THEN value END) AS high
  FROM here_results WHERE profile = :here AND experiment = :experiment AND measure = 'latency' GROUP BY stage, position)
SELECT macs AS x, ms AS y, low, high, CASE WHEN high > 1.2 * low THEN 'varying time' ELSE coalesce(designer, 'searched') END AS series, coalesce(designer, 'searched') AS designer,
  CASE WHEN high > 1.2 * low THEN 'grey' END AS colour, arm AS label, ms AS priority, printf('%s: %.3g ms (%.3g to %.3g)', arm, ms, low, high) AS hover
FROM one LEFT JOIN networks ON networks.name = arm WHERE ms IS NOT NULL AND macs IS NOT NULL ORDER BY series, x
