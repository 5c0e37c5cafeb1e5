-- title: Cardinality at equal cost
-- caption: ImageNet top-1 error (one crop) of ResNeXt-50 and -101 by the number of groups at equal complexity (ResNeXt paper, Table 3).
--   Hollow: published by others, not measured here.
-- section: resnext
-- alt: ImageNet error falls as the number of groups grows from 1 to 32 at equal cost.
-- needs: results/published/imagenet.tsv
-- x: groups
-- y: ImageNet top-1 error, %
-- xscale: log
-- add: label x# y# ?series
WITH t AS (SELECT model, variant, 100 - top1 AS error, CAST(CASE WHEN variant GLOB '*[0-9]x*' OR variant GLOB '*[0-9] x*' THEN trim(substr(variant, 1, instr(variant, 'x') - 1)) END AS INTEGER) AS groups
  FROM published_imagenet WHERE comparison = 'resnext_table3_cardinality' AND top1 IS NOT NULL)
SELECT groups AS x, error AS y, CASE WHEN model LIKE '%101%' THEN '101' ELSE '50' END || ' layers (published)' AS series,
  CASE WHEN model LIKE '%101%' THEN '101' ELSE '50' END AS line, 'published' AS source, variant AS label, 0 AS priority, printf('%s %s: %.1f %%', model, variant, error) AS hover
FROM t WHERE groups >= 1
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, 'added', label, 1000, printf('%s: %.1f %%', label, y) FROM added
ORDER BY source DESC, series, x
