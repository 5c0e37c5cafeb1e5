-- title: Depth on CIFAR-10
-- caption: Test error of residual networks by depth (ResNet paper, Table 6). The plain twins are drawn in the paper as curves only, without
--   numbers. Hollow: published by others, not measured here.
-- section: resnet
-- alt: CIFAR-10 error of ResNets falls from depth 20 to 110 and rises again at 1202.
-- needs: results/published/cifar10.tsv
-- x: layers
-- y: CIFAR-10 test error, %
-- xscale: log
-- add: label x# y# ?series
SELECT depth AS x, error AS y, 'ResNet (published)' AS series, 'r' AS line, 'human' AS designer, 'published' AS source, model AS label, 0 AS priority,
  printf('%s: %.2f %%', model, error) AS hover
FROM published_cifar10 WHERE comparison = 'resnet_table6' AND model LIKE 'ResNet%' AND error IS NOT NULL AND variant NOT LIKE 'mean%'
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.2f %%', label, y) FROM added
ORDER BY source DESC, x
