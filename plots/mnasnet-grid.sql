-- title: Width and resolution: MnasNet-A1 beside MobileNetV2
-- caption: ImageNet top-1 accuracy of networks scaled by width (one line each) and by resolution (the points of a line). The searched network
--   stays above at equal cost. Hollow: published by others, not measured here.
-- section: mnasnet
-- alt: Accuracy against multiply-accumulates for grids of width and resolution: lines of MnasNet-A1 lie above those of MobileNetV2 over
--   the whole range.
-- needs: results/published/scaling.tsv
-- x: multiply-accumulates per image
-- y: ImageNet top-1 accuracy, %
-- xscale: log
-- add: label x# y# ?series
SELECT macs AS x, top1 AS y, CASE comparison WHEN 'mnasnet_a1_grid' THEN 'MnasNet-A1 (published)' ELSE 'MobileNetV2 (published)' END AS series,
  comparison || width_coefficient AS line, CASE comparison WHEN 'mnasnet_a1_grid' THEN 'searched' ELSE 'human' END AS designer, 'published' AS source,
  CASE WHEN macs = max(macs) OVER (PARTITION BY comparison, width_coefficient) THEN 'width ' || width_coefficient END AS label, top1 AS priority,
  printf('%s, width %g, %d pixels: %.1f %%, %.3g M multiply-accumulates', model, width_coefficient, resolution, top1, macs / 1e6) AS hover
FROM published_scaling WHERE comparison IN ('mnasnet_a1_grid', 'mobilenet_v2_grid') AND macs IS NOT NULL AND top1 IS NOT NULL
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.1f %%', label, y) FROM added
ORDER BY source DESC, series, line, x
