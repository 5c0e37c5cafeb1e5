-- title: Time of one forward pass: {experiment}
-- section: latency
-- note: Varying: the last decile is above 1.2 times the first; such a median is rough.
-- each: experiment
WITH one AS (
  SELECT arm, position, key, max(CASE metric WHEN 'median_ms' THEN value END) AS ms, max(CASE metric WHEN 'p10_ms' THEN value END) AS low,
    max(CASE metric WHEN 'p90_ms' THEN value END) AS high, max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM here_results WHERE profile = :here AND experiment = :experiment AND measure = 'latency' GROUP BY stage, position)
SELECT :experiment AS "experiment", arm AS "network|Network", coalesce(designer, 'searched') AS "designer|Designed by", ms AS "median_ms|Median, ms|ms", low AS "p10_ms|p10|ms", high AS "p90_ms|p90|ms",
  macs AS "macs|MACs|,", json_extract(spec, '$.machine.threads') AS "threads|Threads|0", coalesce(json_extract(spec, '$.batch'), 1) AS "batch|Batch|0",
  json_extract(spec, '$.machine.cpu') AS "cpu|CPU", CASE WHEN high > 1.2 * low THEN 'varying' END AS "note|Note"
FROM one JOIN here_records USING (key) LEFT JOIN networks ON networks.name = arm WHERE ms IS NOT NULL ORDER BY position
