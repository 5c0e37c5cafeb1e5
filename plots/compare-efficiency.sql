-- title: Mean score of the best 1, 5 and 25 architectures
-- caption: Mean score of the best (solid), the best 5 (dashed) and the best 25 (dotted) different architectures so far, as in Figure 3 of
--   the PNAS paper; a line begins where every seed has that many.
-- section: compare
-- alt: Three lines a strategy: mean score of the best 1, 5 and 25 architectures by trials.
-- needs: lineage compare --output DIR
-- x: trials
-- y: mean score of the best, %
-- input: strategy at# ?top1_mean# ?top5_mean# ?top25_mean# ?score_median# ?score_q25# ?score_q75# ?report_median# ?report_q25#
--   ?report_q75#
WITH long AS (
  SELECT strategy, at, 1 AS best, top1_mean AS y FROM input UNION ALL SELECT strategy, at, 5, top5_mean FROM input
  UNION ALL SELECT strategy, at, 25, top25_mean FROM input),
low AS (SELECT quantile(y, 0.05) AS floor FROM long WHERE y IS NOT NULL)
SELECT at AS x, y, strategy AS series, strategy || best AS line, best, 0 AS marker FROM long, low WHERE y >= floor ORDER BY strategy, best, at
