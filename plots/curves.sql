-- title: Training: loss by epoch ({experiment})
-- caption: Training loss after each epoch ({data}{trainings}), median over the trainings of a line; band: from the first to the third quartile
--   (of 3 trainings and more).{groups}{sums}
-- section: experiment
-- alt: Training loss by epoch for each network, or group of networks, of the experiment "{experiment}"; at the
--   end {lowest} lowest.
-- needs: lineage run --profile quick (several epochs)
-- each: experiment
-- x: epoch
-- y: training loss{unit}
WITH settings AS MATERIALIZED (
  SELECT stage AS of, arm AS whose, setting, setting_text FROM final_arms WHERE profile = :profile AND experiment = :experiment AND setting_text IS NOT NULL),
one AS MATERIALIZED ( -- each training once, also where two stages have it
  SELECT DISTINCT records.key AS training, kind, kind <> arm AS is_kind, arm || coalesce(', ' || setting_text, '') AS name,
    coalesce(json_extract(factors, '$.network'), arm) AS network, h.key + 1 AS epoch, json_extract(h.value, '$.loss') AS loss,
    json_extract(spec, '$.recipe.detection') IS NOT NULL AS detects, json_extract(spec, '$.exits') = 1 AS has_exits
  FROM members JOIN arm_kinds USING (profile, experiment, stage, position, arm) JOIN records USING (key)
    LEFT JOIN settings ON of = stage AND whose = arm AND setting = json_remove(factors, '$.seed', '$.rate', '$.lr'),
    json_each(CASE WHEN json_valid(detail) THEN detail ELSE '{}' END, '$.history') AS h
  WHERE profile = :profile AND experiment = :experiment AND measure = 'train'),
many AS (SELECT count(DISTINCT CASE WHEN is_kind THEN kind ELSE name END) > 12 AS many FROM one),
named AS (
  SELECT CASE WHEN is_kind THEN kind WHEN many THEN CASE designer WHEN 'human' THEN 'human-designed networks' ELSE 'searched networks' END
      ELSE one.name END AS line, one.name, epoch, loss
  FROM one JOIN many LEFT JOIN networks ON networks.name = network WHERE loss IS NOT NULL),
lines AS (
  SELECT line, CASE count(DISTINCT name) WHEN 1 THEN min(name) ELSE line || ' (' || count(DISTINCT name) || ')' END AS name,
    CASE line WHEN 'human-designed networks' THEN 'human' WHEN 'searched networks' THEN 'searched' WHEN 'random architectures' THEN 'random' END AS side
  FROM named GROUP BY line),
looks AS ( -- blue, vermilion and grey mean a side where a line is one
  SELECT *, CASE WHEN side = 'random' THEN 'grey' WHEN side IS NOT NULL OR NOT max(side IS NOT NULL) OVER () THEN NULL
      WHEN max(coalesce(side, '') IN ('human', 'searched')) OVER ()
        THEN json_extract('["green", "purple", "orange", "sky", "wine"]', '$[' || (place % 5) || ']')
      ELSE json_extract('["vermilion", "green", "purple", "orange", "sky", "wine", "blue"]', '$[' || (place % 7) || ']') END AS colour
  FROM (SELECT *, row_number() OVER (PARTITION BY side IS NULL ORDER BY name COLLATE by_number) - 1 AS place FROM lines)),
curves AS (
  SELECT looks.name, side, colour, epoch, count(*) AS n, median(loss) AS loss, CASE WHEN count(*) >= 3 THEN quantile(loss, 0.25) END AS low,
    CASE WHEN count(*) >= 3 THEN quantile(loss, 0.75) END AS high
  FROM named JOIN looks USING (line) GROUP BY line, epoch),
told AS (
  SELECT coalesce((SELECT data FROM trained_on WHERE profile = :profile AND experiment = :experiment), '') AS data,
    (SELECT CASE WHEN min(n) < max(n) THEN min(n) || ' to ' ELSE '' END || max(n) FROM curves)
    || CASE WHEN (SELECT count(DISTINCT line) < count(DISTINCT name) FROM named) THEN ' trainings a line'
      WHEN (SELECT max(n) FROM curves) = 1 THEN ' seed' ELSE ' seeds' END AS trainings,
    CASE WHEN max(detects) THEN ' (focal loss + smooth L1)' ELSE ' (cross entropy), nats' END AS unit,
    coalesce(' The loss of ' || group_concat(DISTINCT CASE WHEN has_exits THEN name END) || ' is the sum over its exits.', '') AS sums,
    (SELECT printf('%s, at %.2f, is', name, loss) FROM curves ORDER BY epoch DESC, loss LIMIT 1) AS lowest
  FROM one)
SELECT epoch AS x, loss AS y, low, high, name AS series, name AS line, CASE WHEN side <> 'random' THEN side END AS designer, colour,
  CASE WHEN epoch = max(epoch) OVER (PARTITION BY name) THEN name END AS label, -loss AS priority,
  printf('%s, epoch %d: loss %.3f', name, epoch, loss) AS hover,
  CASE WHEN (SELECT max(is_kind) FROM one) THEN ' What searches found is one line for each strategy.' ELSE '' END
  || CASE WHEN (SELECT many FROM many) THEN ' Human-designed networks are one line, searched ones another.' ELSE '' END
  || CASE WHEN (SELECT count(DISTINCT line) < count(DISTINCT name) FROM named) THEN
    ' A number behind a name: so many networks, whose trainings the median and the quartiles are over.' ELSE '' END AS groups,
  data, trainings, unit, sums, lowest
FROM curves, told WHERE (SELECT max(epoch) FROM curves) > 1 ORDER BY name COLLATE by_number, epoch
