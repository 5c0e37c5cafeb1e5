-- title: Layouts: lowest loss so far
-- caption: Lowest loss after so many layouts were drawn, mean over the targets ({targets}); a line is the median over seeds, its band goes from
--   the first to the third quartile of them. Every strategy draws the same number. 0: equal to the targets' pictures.
-- section: beyond
-- alt: Lowest loss by number of layouts drawn, mean over the targets, for each strategy.
-- needs: lineage run beyond-networks
-- x: layouts drawn
-- y: lowest loss so far, mean over targets
-- xscale: log
WITH curve AS (
  SELECT json_extract(factors, '$.target') AS target, json_extract(factors, '$.seed') AS seed, CASE WHEN arm LIKE 'random%' THEN 'random' WHEN arm LIKE 'evolution%' THEN 'evolution' ELSE 'local search' END AS strategy,
    json_extract(c.value, '$.evaluations') AS drawn, json_extract(c.value, '$.loss') AS loss
  FROM members JOIN records USING (key), json_each(CASE WHEN json_valid(detail) THEN detail ELSE '{}' END, '$.curve') AS c
  WHERE profile = :profile AND measure = 'layout'),
seeds AS (SELECT strategy, seed, drawn, mean(loss) AS loss FROM curve GROUP BY strategy, seed, drawn),
each AS (SELECT strategy, drawn, group_concat(printf('%s %.3f', target, loss), ', ') AS losses FROM (
  SELECT strategy, target, drawn, median(loss) AS loss FROM curve GROUP BY strategy, target, drawn ORDER BY target) GROUP BY strategy, drawn)
SELECT drawn AS x, median(loss) AS y, quantile(loss, 0.25) AS low, quantile(loss, 0.75) AS high, strategy AS series, strategy AS line,
  CASE strategy WHEN 'random' THEN 'grey' END AS colour, CASE WHEN drawn = (SELECT max(drawn) FROM curve) THEN strategy END AS label,
  CASE WHEN drawn = (SELECT max(drawn) FROM curve) THEN 1 ELSE 0 END AS marker,
  (SELECT group_concat(target, ', ') FROM (SELECT DISTINCT target FROM curve ORDER BY target)) AS targets,
  printf('%s after %d: %.4f over %d seeds (%s)', strategy, drawn, median(loss), count(loss), losses) AS hover
FROM seeds JOIN each USING (strategy, drawn) GROUP BY strategy, drawn ORDER BY strategy, drawn
