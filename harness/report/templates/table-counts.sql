-- title: Counts beside the published ones
-- section: *
-- note: Differences are ours less the published; MACs are published rounded, so a part of a percent is rounding. Where the
--   source says so, torchvision and timm print rounded figures only, and the MACs are our own count on their model: 0.00 then checks the
--   structure, and no other's count. Where some are over 1 %, a table with the reasons follows.
SELECT name AS "model|Network", designer AS "designer|Designed by", year AS "year|Year", all_params AS "params", params AS "params_without_aux|Parameters|,",
  published_params AS "published_params|Published parameters|,", params - published_params AS "params_difference",
  params_percent AS "params_difference_percent|Difference, %|.2", macs AS "macs|MACs|,", published_macs AS "published_macs|Published MACs|,",
  macs_percent AS "macs_difference_percent|Difference, %|.2", published_source || CASE WHEN published_macs % 1000 <> 0 THEN '; MACs: our count on its model' ELSE '' END AS "source|Source", deviations AS "deviations"
FROM counted WHERE profile = :profile AND EXISTS (SELECT 1 FROM json_each(:networks) WHERE name GLOB value) ORDER BY row
