-- title: Published accuracy on ImageNet against parameters
-- caption: Top-1 accuracy as the papers of NASNet (Tables 2 and 3) and EfficientNet (Table 2) print it, one crop; dashed lines join the
--   networks of one family. Crops and resolutions differ between families, and MACs are counted by the authors. Hollow: published by
--   others, not measured here.
-- section: nasnet
-- alt: Scatter of published ImageNet networks against the number of parameters. The searched families lie above human-designed networks
--   of equal size.
-- needs: results/published/imagenet.tsv
-- x: parameters
-- y: ImageNet top-1 accuracy, %
-- xscale: log
-- add: label x# y# ?series
WITH rows AS (
  SELECT CASE WHEN variant LIKE '%@%' THEN model || ' ' || replace(variant, ' ', '') ELSE model END AS name, model,
    CASE WHEN family LIKE 'Inception%' THEN 'Inception' WHEN family = 'NASNet' THEN model ELSE family END AS family, designer, year,
    params AS cost, top1, comparison
  FROM published_imagenet
  WHERE comparison IN ('nasnet_table2', 'nasnet_table3', 'efficientnet_table2') AND params IS NOT NULL AND top1 IS NOT NULL),
once AS ( -- a network that two tables print is taken from NASNet's
  SELECT * FROM rows AS r WHERE comparison <> 'efficientnet_table2' OR NOT EXISTS (
    SELECT 1 FROM rows AS o WHERE o.comparison <> 'efficientnet_table2' AND o.designer = r.designer
      AND abs(o.top1 - r.top1) < 0.5 AND o.cost BETWEEN r.cost / 1.15 AND r.cost * 1.15
      AND substr(lower(o.model), 1, 7) = substr(lower(r.model), 1, 7)))
SELECT cost AS x, top1 AS y, designer || ' (published)' AS series, family AS line, designer, 'published' AS source, name AS label,
  top1 + CASE designer WHEN 'searched' THEN 100 ELSE 0 END AS priority,
  printf('%s (%d): %.1f %%, %.3g M parameters', name, year, top1, cost / 1e6) AS hover
FROM once
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.1f %%', label, y) FROM added
ORDER BY source DESC, designer, line, x
