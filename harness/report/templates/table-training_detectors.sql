-- title: Detectors trained here: {experiment}
-- section: experiment
-- note: AP: mean average precision on test images over seeds, with Student's 95 % interval from three seeds on. AP50 counts a box as found that
--   covers half of the union. The learning rate was chosen on validation; one at the edge of its grid may not be the best there is.
-- each: experiment
SELECT :experiment AS "experiment", arm AS "network", setting_text AS "setting", arm || coalesce(', ' || setting_text, '') AS "name|Detector", ap AS "mean|AP, %|.2", ap_low AS "t_low|From|.2", ap_high AS "t_high|To|.2",
  ap50 AS "ap50|AP50, %|.2", n_ap AS "n|Seeds|0", params AS "params|Parameters|,", macs AS "macs|MACs|,", rate AS "rate|Rate|g", note AS "note|Note",
  designer AS "designer|Designed by", ap_sd AS "sd|Deviation|.2", diverged AS "diverged", test_images AS "test_images"
FROM final_arms
WHERE profile = :profile AND experiment = :experiment AND task = 'detection' ORDER BY stage, position
