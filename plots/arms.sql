-- title: {what} ({experiment})
-- caption: {told}, mean over {seeds}; bars: Student's 95 % interval of the mean over seeds (from 3 seeds on).{late}
-- section: experiment
-- alt: {what} for each arm of the experiment "{experiment}", with its interval.
-- needs: lineage run
-- each: experiment
-- x: {axis}
-- yscale: category
WITH target(experiment, share) AS ( -- of experiments whose claims are about the epochs until so many training images are classified correctly
  VALUES ('alexnet-relu', 0.85), ('inception-v2', 0.8), ('inception-v4', 0.8)),
settings AS MATERIALIZED (
  SELECT arm AS whose, setting, max(setting_text) AS setting_text FROM final_arms WHERE profile = :profile AND experiment = :experiment AND setting_text IS NOT NULL
  GROUP BY arm, setting),
one AS ( -- each training once, also where two stages have it
  SELECT results.arm || coalesce(', ' || setting_text, '') AS name, min(position) AS position, key, share, json_extract(spec, '$.recipe.epochs') AS epochs,
    max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy, max(CASE metric WHEN 'fitted_accuracy' THEN value END) AS fitted,
    max(CASE metric WHEN 'macs' THEN value END) AS macs
  FROM results JOIN records USING (key) LEFT JOIN target USING (experiment)
    LEFT JOIN settings ON whose = results.arm AND setting = json_remove(factors, '$.seed', '$.rate', '$.lr')
  WHERE profile = :profile AND experiment = :experiment AND final = 1 AND results.measure = 'train'
    AND (json_extract(spec, '$.genotype') IS NULL OR NOT EXISTS (SELECT 1 FROM members AS o JOIN records AS q USING (key) WHERE o.profile = :profile AND o.experiment = :experiment AND q.measure = 'search')) GROUP BY name, key),
history AS (
  SELECT name, one.key AS training, share, h.key AS epoch, json_extract(h.value, '$.train_accuracy') AS share_then,
    lag(json_extract(h.value, '$.train_accuracy'), 1, 0.1) OVER (PARTITION BY name, one.key ORDER BY h.key) AS share_before
  FROM one JOIN records USING (key), json_each(CASE WHEN share IS NOT NULL AND json_valid(detail) THEN detail ELSE '{}' END, '$.history') AS h),
reached AS (
  SELECT name, training AS key, min(epoch + CASE WHEN share_before >= share THEN 0 ELSE (share - share_before) / (share_then - share_before) END) AS after
  FROM history WHERE share_then >= share GROUP BY name, training),
valued AS (
  SELECT one.*, CASE WHEN share IS NOT NULL THEN coalesce(after, epochs) WHEN fitted IS NOT NULL THEN 100 * (fitted - accuracy) ELSE 100 * accuracy END AS value,
    share IS NOT NULL AND after IS NULL AS is_late
  FROM one LEFT JOIN reached USING (name, key) WHERE accuracy IS NOT NULL),
arms AS (
  SELECT name, min(position) AS place, max(macs) AS macs, count(value) AS n, mean(value) AS x, max(share) AS share, max(fitted) AS fitted,
    sum(is_late) AS late, CASE WHEN count(value) >= 3 THEN t_low(value) END AS low, CASE WHEN count(value) >= 3 THEN t_high(value) END AS high
  FROM valued GROUP BY name),
texts AS (
  SELECT CASE WHEN max(share) IS NOT NULL THEN printf('Epochs until %g %% training error', 100 - 100 * max(share))
      WHEN max(fitted) IS NOT NULL THEN 'Gap between training and test accuracy' ELSE 'Test accuracy of the arms' END AS what,
    CASE WHEN max(share) IS NOT NULL THEN printf('Epochs until %g %% of the training images are classified correctly while an epoch trains, interpolated between epochs', 100 * max(share))
      WHEN max(fitted) IS NOT NULL THEN 'Accuracy on the training images after training, without dropout and augmentation, less accuracy on the test images'
      ELSE 'Test accuracy of each arm' END AS told,
    CASE WHEN max(share) IS NOT NULL THEN printf('epochs until %g %% training error', 100 - 100 * max(share))
      WHEN max(fitted) IS NOT NULL THEN 'training less test accuracy, percentage points' ELSE 'test accuracy, %' END AS axis,
    CASE WHEN min(n) = max(n) THEN printf('%d seed%s', min(n), CASE min(n) WHEN 1 THEN '' ELSE 's' END) ELSE printf('%d to %d seeds', min(n), max(n)) END AS seeds,
    CASE WHEN sum(late) > 0 THEN printf(' %d of %d trainings never reach it and count with all their epochs.', sum(late), sum(n)) ELSE '' END AS late
  FROM arms)
SELECT x, name AS y, low, high, NULL AS series, what, told, axis, seeds, texts.late AS late,
  printf('%s: %.2f%s over %d seed%s', name, x, CASE WHEN share IS NOT NULL THEN ' epochs' WHEN fitted IS NOT NULL THEN ' points' ELSE ' %' END, n,
    CASE n WHEN 1 THEN '' ELSE 's' END) AS hover
FROM arms, texts WHERE (SELECT count(*) BETWEEN 2 AND 40 AND (count(*) < 3 OR max(macs) <= 1.1 * min(macs)) FROM arms) ORDER BY place
