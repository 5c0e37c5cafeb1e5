-- title: Training: loss by epoch ({experiment})
-- caption: Mean training loss after each epoch over the seeds of the final stage.
-- section: experiment
-- alt: Training loss by epoch for each network of the experiment {experiment}.
-- needs: lineage run --profile quick (several epochs)
-- each: experiment
-- x: epoch
-- y: training loss
WITH epochs AS (
  SELECT arm || coalesce(', ' || json_extract(factors, '$.train_images') || ' images', '') AS name, h.key + 1 AS epoch, mean(json_extract(h.value, '$.loss')) AS loss
  FROM members JOIN records USING (key), json_each(CASE WHEN json_valid(detail) THEN detail ELSE '{}' END, '$.history') AS h
  WHERE profile = :profile AND experiment = :experiment AND final = 1 AND measure = 'train' GROUP BY 1, 2)
SELECT epoch AS x, loss AS y, name AS series, name AS line, CASE WHEN epoch = max(epoch) OVER (PARTITION BY name) THEN name END AS label, -loss AS priority,
  printf('%s, epoch %d: loss %.3f', name, epoch, loss) AS hover
FROM epochs WHERE loss IS NOT NULL AND (SELECT max(epoch) FROM epochs) > 1 AND (SELECT count(DISTINCT name) FROM epochs) <= 60 ORDER BY name COLLATE by_number, epoch
