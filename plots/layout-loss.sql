-- title: Layouts: lowest loss so far
-- caption: Median over seeds of the lowest loss after so many layouts were drawn, one line for each strategy and target. Every strategy draws the
--   same number. 0: equal to the target's picture.
-- section: beyond
-- alt: Lowest loss by number of layouts drawn, for each strategy and target.
-- needs: lineage run beyond-networks
-- x: layouts drawn
-- y: lowest loss so far
-- xscale: log
WITH curve AS (
  SELECT json_extract(factors, '$.target') AS target, CASE WHEN arm LIKE 'random%' THEN 'random' WHEN arm LIKE 'evolution%' THEN 'evolution' ELSE 'local search' END AS strategy,
    json_extract(c.value, '$.evaluations') AS drawn, json_extract(c.value, '$.loss') AS loss
  FROM members JOIN records USING (key), json_each(CASE WHEN json_valid(detail) THEN detail ELSE '{}' END, '$.curve') AS c
  WHERE profile = :profile AND measure = 'layout')
SELECT drawn AS x, median(loss) AS y, strategy AS series, strategy || ', ' || target AS line,
  CASE WHEN drawn = (SELECT max(drawn) FROM curve) THEN target END AS label, CASE WHEN drawn = (SELECT max(drawn) FROM curve) THEN 1 ELSE 0 END AS marker,
  printf('%s, %s after %d: %.4f (%d seeds)', target, strategy, drawn, median(loss), count(loss)) AS hover
FROM curve GROUP BY target, strategy, drawn ORDER BY strategy, target, drawn
