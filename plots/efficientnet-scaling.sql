-- title: Four ways to scale a network
-- caption: Tables 3 and 7 of the EfficientNet paper: from each base network ("baseline") a line leads to the same network scaled in
--   depth, width, resolution, or all three (compound). Hollow: published by others, not measured here.
-- section: efficientnet
-- alt: Accuracy against multiply-accumulates of MobileNetV1, MobileNetV2, ResNet-50 and EfficientNet-B0 scaled four ways; the compound
--   way ends highest for each.
-- needs: results/published/scaling.tsv
-- x: multiply-accumulates per image
-- y: ImageNet top-1 accuracy, %
-- xscale: log
-- add: label x# y# ?series
WITH t AS (SELECT replace(model, ' scaled', '') AS model, scaling, macs, top1 FROM published_scaling WHERE comparison IN ('efficientnet_table3', 'efficientnet_table7')),
ends AS (SELECT b.model, s.scaling, b.macs AS x0, b.top1 AS y0, s.macs AS x1, s.top1 AS y1 FROM t AS b JOIN t AS s ON s.model = b.model AND s.scaling <> 'baseline'
  WHERE b.scaling = 'baseline')
SELECT x0 AS x, y0 AS y, scaling || ' (published)' AS series, model || scaling AS line, 'published' AS source, 0 AS marker, NULL AS label, 0 AS priority,
  NULL AS hover, NULL AS colour, 0 AS part FROM ends
UNION ALL SELECT x1, y1, scaling || ' (published)', model || scaling, 'published', 1, CASE scaling WHEN 'compound' THEN model END, y1,
  printf('%s, %s: %.1f %%, %.3g G multiply-accumulates', model, scaling, y1, x1 / 1e9), NULL, 0 FROM ends
UNION ALL SELECT DISTINCT x0, y0, 'baseline (published)', NULL, 'published', 1, NULL, 0,
  printf('%s, baseline: %.1f %%, %.3g G multiply-accumulates', model, y0, x0 / 1e9), 'grey', 1 FROM ends
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, 'added', 1, label, 1000, printf('%s: %.1f %%', label, y), NULL, 2 FROM added
ORDER BY part, series, line, x
