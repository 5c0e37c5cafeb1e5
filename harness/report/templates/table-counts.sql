-- title: Counts beside the published ones
-- section: *
-- note: Differences are ours less the published; MACs are published rounded, so a part of a percent is rounding.
WITH one AS (
  SELECT arm, min(position) AS place, max(CASE metric WHEN 'params' THEN value END) AS params, max(CASE metric WHEN 'params_without_aux' THEN value END) AS bare,
    max(CASE metric WHEN 'macs' THEN value END) AS macs FROM results WHERE profile = :profile AND measure = 'count' GROUP BY arm)
SELECT arm AS "model|Network", designer AS "designer|Designed by", year AS "year|Year", params AS "params", coalesce(bare, params) AS "params_without_aux|Parameters|,", published_params AS "published_params|Published|,",
  coalesce(bare, params) - published_params AS "params_difference|Difference|,", macs AS "macs|MACs|,", published_macs AS "published_macs|Published MACs|,",
  100 * (macs / published_macs - 1) AS "macs_difference_percent|Difference, %|.2", published_source AS "source|Source", deviations AS "deviations"
FROM one JOIN networks ON networks.name = arm WHERE EXISTS (SELECT 1 FROM json_each(:networks) WHERE arm GLOB value) ORDER BY networks.row
