-- title: Model size: EfficientNet beside other networks
-- caption: ImageNet top-1 accuracy against parameters as in Figure 1 of the EfficientNet paper, from its Table 2. Hollow: published by
--   others, not measured here.
-- section: efficientnet
-- alt: Accuracy against parameters: the line of EfficientNet-B0 to B7 lies above and left of all other networks of the table.
-- needs: results/published/imagenet.tsv
-- x: parameters
-- y: ImageNet top-1 accuracy, %
-- xscale: log
-- add: label x# y# ?series
SELECT params AS x, top1 AS y, designer || ' (published)' AS series, CASE WHEN family = 'EfficientNet' THEN 'EfficientNet' END AS line, designer,
  'published' AS source, model AS label, CASE WHEN family = 'EfficientNet' THEN 100 ELSE 0 END + top1 AS priority,
  printf('%s (%d): %.1f %%, %.3g M parameters', model, year, top1, params / 1e6) AS hover
FROM published_imagenet WHERE comparison = 'efficientnet_table2' AND params IS NOT NULL AND top1 IS NOT NULL
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.1f %%', label, y) FROM added
ORDER BY source DESC, designer, line, x
