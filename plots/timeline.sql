-- title: Published accuracy on ImageNet by year
-- caption: The best published top-1 accuracy of a single network of each family, of one crop where that was published, at the year in which
--   the network appeared first. Resolutions differ, and the older networks were tested with several crops. Hollow: published by
--   others, not measured here.{memory}
-- section: lineage
-- alt: Best top-1 accuracy of each network family by year, from AlexNet in 2012 to EfficientNet in 2019; searched networks appear from
--   2017 on; both sides lead in turn.
-- needs: results/published/imagenet.tsv
-- x: year of first publication
-- y: ImageNet top-1 accuracy, %
-- add: label x# y# ?series
WITH best AS (
  SELECT model, family, designer, year, top1, confidence, row_number() OVER (PARTITION BY family, designer ORDER BY coalesce(eval, 'single-crop') LIKE 'single-crop%' DESC, top1 DESC, params) AS place
  FROM published_imagenet WHERE year IS NOT NULL AND top1 IS NOT NULL AND coalesce(eval, '') NOT LIKE '%ensemble%'
    AND family IN ('AlexNet', 'Zeiler', 'OverFeat', 'VGG', 'GoogLeNet', 'Inception', 'ResNet', 'ResNeXt', 'SENet', 'DenseNet',
      'Xception', 'PolyNet', 'DPN', 'MobileNet', 'ShuffleNet', 'SqueezeNet', 'NASNet', 'PNASNet', 'AmoebaNet', 'GPipe', 'MnasNet', 'EfficientNet', 'DARTS')),
shown AS (SELECT *, max(confidence = 'recalled') OVER () AS any_recalled FROM best WHERE place = 1)
SELECT year AS x, top1 AS y, designer || ' (published' || CASE confidence WHEN 'recalled' THEN ', from memory)' ELSE ')' END AS series, NULL AS line, designer,
  CASE confidence WHEN 'recalled' THEN 'recalled' ELSE 'published' END AS source, 1 AS marker, model AS label, NULL AS colour,
  top1 AS priority, printf('%s, %d: %.1f %%', model, year, top1) AS hover,
  CASE WHEN any_recalled THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END AS memory FROM shown
UNION ALL
SELECT year, top1, 'best so far', 'best', NULL, NULL, 0, NULL, 'grey', 0, NULL,
  CASE WHEN any_recalled THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END FROM (
  SELECT year, max(top1) AS top1, any_recalled FROM shown GROUP BY year) AS y
  WHERE NOT EXISTS (SELECT 1 FROM shown AS s WHERE s.year < y.year AND s.top1 >= y.top1)
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', 1, label, NULL, 1000, printf('%s: %.1f %%', label, y), NULL FROM added
ORDER BY series, x
