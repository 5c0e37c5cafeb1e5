-- title: Best so far against trials
-- caption: Median over seeds of the reported accuracy of the best architecture so far; band: from the first to the third quartile.
-- section: compare
-- alt: One line a strategy: reported accuracy of the best architecture so far.
-- needs: lineage compare --output DIR
-- x: trials
-- y: reported accuracy of the best so far, %
-- input: strategy at# ?top1_mean# ?top5_mean# ?top25_mean# ?score_median# ?score_q25# ?score_q75# ?report_median# ?report_q25#
--   ?report_q75#
WITH low AS (SELECT quantile(report_q25, 0.1) AS floor FROM input) -- the first trials would hide the differences later
SELECT at AS x, report_median AS y, max(report_q25, floor) AS low, report_q75 AS high, strategy AS series, strategy AS line,
  CASE WHEN at = max(at) OVER (PARTITION BY strategy) THEN strategy END AS label, 0 AS marker
FROM input, low WHERE report_median >= floor ORDER BY strategy, at
