-- title: Networks trained here: {experiment}
-- section: experiment
-- note: Mean test accuracy over seeds. From, to: a 95 % interval, Student's over the seeds from three on; of one training Wilson's over the test
--   images, which knows nothing of other seeds; of two none. Learning rates were {rates_were}; a note tells of one at the edge of its grid, which
--   may not be the best there is. Training accuracy: in the last epoch, with augmentation and dropout at work; after training: on the same images
--   without them. Parameters: all that are trained, those of auxiliary heads among them.
-- each: experiment
SELECT :experiment AS "experiment", arm AS "network", setting_text AS "setting", arm || coalesce(', ' || setting_text, '') AS "name|Network",
  accuracy AS "mean|Test accuracy, %|.2", coalesce(low, image_low) AS "low|From|.2", coalesce(high, image_high) AS "high|To|.2",
  CASE WHEN low IS NOT NULL THEN 'Student' WHEN image_low IS NOT NULL THEN 'Wilson' END AS "interval",
  train_accuracy AS "train_accuracy|Training accuracy, %|.2", fitted_accuracy AS "fitted_accuracy|After training, %|.2", n AS "n|Seeds|0",
  params AS "params|Parameters|,", macs AS "macs|MACs|,", rate AS "rate|Rate|g",
  CASE WHEN accuracy <= 100 * wilson_high(round(test_images / 10.0), test_images) THEN 'did not train' ELSE note END AS "note|Note",
  designer AS "designer|Designed by",
  images AS "train_images", sd AS "sd|Standard deviation|.2", diverged AS "diverged", test_images AS "test_images",
  CASE WHEN EXISTS (SELECT 1 FROM results WHERE profile = :profile AND experiment = :experiment AND measure = 'train' AND final = 0)
    THEN 'chosen on validation' ELSE 'given, not chosen' END AS "rates_were"
FROM final_arms WHERE profile = :profile AND experiment = :experiment AND task = 'classification' ORDER BY stage, position
