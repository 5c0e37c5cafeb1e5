-- title: Published accuracy on ImageNet against multiply-accumulates
-- caption: Top-1 accuracy as the papers of NASNet (Tables 2 and 3) and EfficientNet (Table 2) print it, one crop; dashed lines join the
--   networks of one family. Crops and resolutions differ between families, and MACs are counted by the authors. Hollow: published by
--   others, not measured here.
-- section: nasnet
-- alt: Scatter of published ImageNet networks, cost on a logarithmic axis. The searched families NASNet, AmoebaNet and EfficientNet lie
--   above human-designed networks of equal cost.
-- needs: results/published/imagenet.tsv
-- x: multiply-accumulates per image
-- y: ImageNet top-1 accuracy, %
-- xscale: log
-- add: label x# y# ?series
SELECT x, top1 AS y, designer || ' (published)' AS series, family AS line, designer, 'published' AS source, name AS label,
  top1 + CASE designer WHEN 'searched' THEN 100 ELSE 0 END AS priority,
  printf('%s (%d): %.1f %%, %.3g G multiply-accumulates', name, year, top1, x / 1e9) AS hover
FROM published_costs WHERE cost = 'macs'
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.1f %%', label, y) FROM added
ORDER BY source DESC, designer, line, x
