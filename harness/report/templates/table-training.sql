-- title: Networks trained here: {experiment}
-- section: experiment
-- note: Mean test accuracy over seeds with Student's 95 % interval; the learning rate was chosen on validation. A rate at the edge of its grid may
--   not be the best there is. Training accuracy: in the last epoch, with augmentation and dropout at work; after training: on the same images
--   without them.
-- each: experiment
SELECT :experiment AS "experiment", arm AS "network", setting_text AS "setting", arm || coalesce(', ' || setting_text, '') AS "name|Network",
  accuracy AS "mean|Test accuracy, %|.2", low AS "t_low|From|.2", high AS "t_high|To|.2",
  train_accuracy AS "train_accuracy|Training accuracy, %|.2", fitted_accuracy AS "fitted_accuracy|After training, %|.2", n AS "n|Seeds|0",
  params AS "params|Parameters|,", macs AS "macs|MACs|,", rate AS "rate|Rate|g",
  CASE WHEN accuracy <= 100 * wilson_high(round(test_images / 10.0), test_images) THEN 'did not train' ELSE note END AS "note|Note",
  designer AS "designer|Designed by",
  images AS "train_images", sd AS "sd|Deviation|.2", diverged AS "diverged", test_images AS "test_images"
FROM final_arms WHERE profile = :profile AND experiment = :experiment AND task = 'classification' ORDER BY stage, position
