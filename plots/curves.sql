-- title: Training: loss by epoch ({experiment})
-- caption: Training loss after each epoch, mean over the seeds of the final stage. What searches found is one line for each strategy, and of
--   more than twelve lines human-designed networks are one and searched ones another: with the number of networks behind its name, the
--   median of them and a band from the lowest to the highest.
-- section: experiment
-- alt: Training loss by epoch for each network, or group of networks, of the experiment "{experiment}".
-- needs: lineage run --profile quick (several epochs)
-- each: experiment
-- x: epoch
-- y: training loss
WITH one AS (
  SELECT kind, kind <> arm AS is_kind, arm || coalesce(', ' || json_extract(factors, '$.train_images') || ' images', '') AS name,
    coalesce(json_extract(factors, '$.network'), arm) AS network, h.key + 1 AS epoch, mean(json_extract(h.value, '$.loss')) AS loss
  FROM members JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key),
    json_each(CASE WHEN json_valid(detail) THEN detail ELSE '{}' END, '$.history') AS h
  WHERE profile = :profile AND experiment = :experiment AND measure = 'train' GROUP BY kind, 3, epoch),
many AS (SELECT count(DISTINCT CASE WHEN is_kind THEN kind ELSE name END) > 12 AS many FROM one),
named AS (
  SELECT CASE WHEN is_kind THEN kind WHEN many THEN CASE designer WHEN 'human' THEN 'human-designed networks' ELSE 'searched networks' END
      ELSE one.name END AS line, one.name, epoch, loss
  FROM one JOIN many LEFT JOIN networks ON networks.name = network WHERE loss IS NOT NULL),
sizes AS (SELECT line, count(DISTINCT name) AS n FROM named GROUP BY line),
curves AS (
  SELECT CASE n WHEN 1 THEN min(name) ELSE line || ' (' || n || ')' END AS name, epoch, median(loss) AS loss,
    CASE WHEN n > 1 THEN min(loss) END AS low, CASE WHEN n > 1 THEN max(loss) END AS high
  FROM named JOIN sizes USING (line) GROUP BY line, epoch)
SELECT epoch AS x, loss AS y, low, high, name AS series, name AS line,
  CASE WHEN epoch = max(epoch) OVER (PARTITION BY name) THEN name END AS label, -loss AS priority,
  printf('%s, epoch %d: loss %.3f', name, epoch, loss) AS hover
FROM curves WHERE (SELECT max(epoch) FROM curves) > 1 ORDER BY name COLLATE by_number, epoch
