-- title: Detectors trained here: {experiment}
-- section: experiment
-- note: AP: mean average precision on test images over seeds. From, to: Student's 95 % interval over the seeds, from six on, cut at 0 and 100. AP50
--   counts a box as found that covers half of the union. Did not train: AP below 1 %. Learning rates were {rates_were}; a note tells of one at
--   the edge of its grid, which may not be the best there is. Parameters: all that are trained, those of auxiliary heads among them.
-- each: experiment
SELECT :experiment AS "experiment", arm AS "network", setting_text AS "setting", arm || coalesce(', ' || setting_text, '') AS "name|Detector",
  ap AS "mean|AP, %|.2", ap_low AS "low|From|.2", ap_high AS "high|To|.2", ap50 AS "ap50|AP50, %|.2", n_ap AS "n|Seeds|0",
  params AS "params|Parameters|,", macs AS "macs|MACs|,", rate AS "rate|Rate|g", CASE WHEN ap < 1 THEN 'did not train' ELSE note END AS "note|Note",
  designer AS "designer|Designed by", ap_sd AS "sd|Standard deviation|.2", diverged AS "diverged", test_images AS "test_images",
  CASE WHEN EXISTS (SELECT 1 FROM results WHERE profile = :profile AND experiment = :experiment AND measure = 'train' AND final = 0)
    THEN 'chosen on validation' ELSE 'given, not chosen' END AS "rates_were"
FROM final_arms
WHERE profile = :profile AND experiment = :experiment AND task = 'detection' ORDER BY stage, position
