-- title: Counts that differ by over 1 %
-- section: *
-- note: Ours over the published ones. The reason is empty where none is known. Rounded: by less than half of the last published digit that is not 0.
WITH apart AS (
  SELECT *, abs(params_percent) > 1 AND abs(params - published_params)
      < 0.5 * CAST('1e' || (length(published_params) - length(rtrim(published_params, '0'))) AS REAL) AS is_size_rounded,
    abs(macs_percent) > 1 AND abs(macs - published_macs)
      < 0.5 * CAST('1e' || (length(published_macs) - length(rtrim(published_macs, '0'))) AS REAL) AS is_cost_rounded,
    -- The lines about what is printed; one that begins with a number only repeats the counts.
    (SELECT group_concat(value, ' ') FROM json_each('[' || replace(json_quote(deviations), '\n', '","') || ']')
      WHERE (value LIKE '%printed%' OR value LIKE '%rounded%') AND value NOT GLOB '[0-9]*') AS lines
  FROM counted WHERE profile = :profile AND (abs(params_percent) > 1 OR abs(macs_percent) > 1))
SELECT name AS "model|Network", params_percent AS "params_difference_percent|Parameters, %|.2",
  macs_percent AS "macs_difference_percent|MACs, %|.2", published_source AS "source|Published in",
  coalesce(lines, nullif(ltrim(CASE WHEN is_size_rounded THEN ', the published number of parameters is rounded' ELSE '' END
    || CASE WHEN is_cost_rounded THEN ', the published MACs are rounded' ELSE '' END, ', '), '')) AS "reason|Reason"
FROM apart WHERE EXISTS (SELECT 1 FROM json_each(:networks) WHERE name GLOB value) ORDER BY row
