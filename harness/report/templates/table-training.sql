-- title: Networks trained here: {experiment}
-- section: experiment
-- note: Mean test accuracy over seeds with Student's 95 % interval; the learning rate was chosen on validation. A rate at the edge of its grid may
--   not be the best there is.
-- each: experiment
WITH one AS (
  SELECT arm, stage, json_remove(factors, '$.seed', '$.rate', '$.lr') AS setting, position, status, rate, seed,
    coalesce(json_extract(factors, '$.network'), arm) AS network, json_extract(factors, '$.train_images') AS images,
    max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy, max(CASE metric WHEN 'test_images' THEN value END) AS test_images,
    max(CASE metric WHEN 'macs' THEN value END) AS macs, max(CASE metric WHEN 'params' THEN value END) AS params
  FROM results WHERE profile = :profile AND experiment = :experiment AND final = 1 AND measure = 'train' GROUP BY stage, position),
grid AS (
  SELECT arm AS tried, min(rate) AS least, max(rate) AS most FROM results
  WHERE profile = :profile AND experiment = :experiment AND final = 0 AND measure = 'train' GROUP BY arm)
SELECT :experiment AS "experiment", arm AS "network|Network", 100 * mean(accuracy) AS "mean|Test accuracy, %|.2",
  CASE WHEN count(accuracy) >= 3 THEN 100 * t_low(accuracy) END AS "t_low|From|.2", CASE WHEN count(accuracy) >= 3 THEN 100 * t_high(accuracy) END AS "t_high|To|.2",
  count(accuracy) AS "n|Seeds|0", max(params) AS "params|Parameters|,", max(macs) AS "macs|MACs|,", max(rate) AS "rate|Rate|g",
  CASE WHEN count(accuracy) = 0 THEN 'diverged' WHEN mean(accuracy) <= wilson_high(round(max(test_images) / 10.0), max(test_images)) THEN 'did not train'
    WHEN least < most AND max(rate) IN (least, most) THEN 'edge of the grid' END AS "note|Note",
  CASE stage WHEN 'random' THEN 'random' ELSE coalesce(designer, 'searched') END AS "designer|Designed by", images AS "train_images|Training images|,", 100 * sd(accuracy) AS "sd|Deviation|.2",
  sum(status = 'diverged') AS "diverged|Diverged|0", max(test_images) AS "test_images|Test images|,"
FROM one LEFT JOIN networks ON networks.name = network LEFT JOIN grid ON tried = arm
GROUP BY stage, arm, setting ORDER BY min(position)
