-- title: Published ImageNet accuracy against multiply-accumulates that this program counts
-- caption: {humans} human-designed and {searches} searched networks that this program builds at the input size of the paper. Accuracies are
--   published (top-1, one crop); training recipes differ between papers. Multiply-accumulates are counted here.
--   Steps join the networks that no other of their side beats in both; names stand at the ends of a front and where it
--   rises by a point and more, where there is room; every network shows its name when pointed at. Hollow: accuracies published by others, not measured here.
-- section: human-vs-searched
-- alt: Published ImageNet accuracy of {humans} human-designed and {searches} searched networks against multiply-accumulates counted here, with
--   the fronts of both sides.
-- needs: lineage run
-- x: multiply-accumulates per image, counted here
-- y: ImageNet top-1 accuracy, %
-- xscale: log
WITH same(name, comparison, model, variant) AS (VALUES
  ('vgg16_bn', 'senet_table2', 'VGG-16 (BN)', 'SENet authors re-implementation baseline'),
  ('googlenet', 'nasnet_table3', 'Inception V1', NULL),
  ('bn_inception', 'nasnet_table2', 'Inception V2', NULL),
  ('inception_v3', 'nasnet_table2', 'Inception V3', NULL),
  ('inception_v4', 'senet_table8', 'Inception-v4', '320/299 crop'),
  ('inception_resnet_v2', 'nasnet_table2', 'Inception ResNet V2', NULL),
  ('resnet50_v1', 'senet_table2', 'ResNet-50', 'original authors, single crop ("original" column)'),
  ('resnet101_v1', 'senet_table2', 'ResNet-101', 'original authors, single crop ("original" column)'),
  ('resnet152_v1', 'senet_table2', 'ResNet-152', 'original authors, single crop ("original" column)'),
  ('resnext50_32x4d', 'resnext_table3_cardinality', 'ResNeXt-50', '32x4d'),
  ('resnext101_32x4d', 'resnext_table3_cardinality', 'ResNeXt-101', '32x4d'),
  ('resnext101_64x4d', 'resnext_table4', 'ResNeXt-101', '64x4d'),
  ('legacy_seresnet50', 'senet_table2', 'SE-ResNet-50', 'SE, ratio 16'),
  ('legacy_seresnet101', 'senet_table2', 'SE-ResNet-101', 'SE, ratio 16'),
  ('legacy_seresnet152', 'senet_table2', 'SE-ResNet-152', 'SE, ratio 16'),
  ('legacy_seresnext50_32x4d', 'senet_table2', 'SE-ResNeXt-50', 'SE, ratio 16 (32x4d)'),
  ('legacy_seresnext101_32x4d', 'senet_table2', 'SE-ResNeXt-101', 'SE, ratio 16 (32x4d)'),
  ('legacy_senet154', 'senet_table8', 'SENet-154', '224 crop'),
  ('mobilenetv1_100', 'mobilenet_v1_grid', 'MobileNet v1', '1 MobileNet-224'),
  ('mobilenetv1_075', 'mobilenet_v1_grid', 'MobileNet v1', '0.75 MobileNet-224'),
  ('mobilenetv1_050', 'mobilenet_v1_grid', 'MobileNet v1', '0.5 MobileNet-224'),
  ('mobilenetv1_025', 'mobilenet_v1_grid', 'MobileNet v1', '0.25 MobileNet-224'),
  ('mobilenetv2_140', 'mobilenet_v2_grid', 'MobileNet v2', '1.4, 224'),
  ('mobilenetv2_130', 'mobilenet_v2_grid', 'MobileNet v2', '1.3, 224'),
  ('mobilenetv2_100', 'mobilenet_v2_grid', 'MobileNet v2', '1, 224'),
  ('mobilenetv2_075', 'mobilenet_v2_grid', 'MobileNet v2', '0.75, 224'),
  ('mobilenetv2_050', 'mobilenet_v2_grid', 'MobileNet v2', '0.5, 224'),
  ('mobilenetv2_035', 'mobilenet_v2_grid', 'MobileNet v2', '0.35, 224'),
  ('nasnet_a_mobile', 'nasnet_table3', 'NASNet-A', '4 @ 1056'),
  ('nasnet_a_large', 'nasnet_table2', 'NASNet-A', '6 @ 4032'),
  ('pnasnet_5_large', NULL, 'PNASNet-5', 'N=4, F=216 (large)'),
  ('amoebanet_a_large', 'amoebanet_table2', 'AmoebaNet-A', 'N=6, F=190'),
  ('semnasnet_140', 'mnasnet_a1_grid', 'MnasNet-A1', 'depth multiplier 1.4, 224'),
  ('semnasnet_100', 'mnasnet_a1_grid', 'MnasNet-A1', 'depth multiplier 1, 224'),
  ('semnasnet_075', 'mnasnet_a1_grid', 'MnasNet-A1', 'depth multiplier 0.75, 224'),
  ('semnasnet_050', 'mnasnet_a1_grid', 'MnasNet-A1', 'depth multiplier 0.5, 224'),
  ('semnasnet_035', 'mnasnet_a1_grid', 'MnasNet-A1', 'depth multiplier 0.35, 224'),
  ('tf_efficientnet_b0', 'efficientnet_table2', 'EfficientNet-B0', NULL),
  ('tf_efficientnet_b1', 'efficientnet_table2', 'EfficientNet-B1', NULL),
  ('tf_efficientnet_b2', 'efficientnet_table2', 'EfficientNet-B2', NULL),
  ('tf_efficientnet_b3', 'efficientnet_table2', 'EfficientNet-B3', NULL),
  ('tf_efficientnet_b4', 'efficientnet_table2', 'EfficientNet-B4', NULL),
  ('tf_efficientnet_b5', 'efficientnet_table2', 'EfficientNet-B5', NULL),
  ('tf_efficientnet_b6', 'efficientnet_table2', 'EfficientNet-B6', NULL),
  ('tf_efficientnet_b7', 'efficientnet_table2', 'EfficientNet-B7', NULL)),
net AS (
  SELECT replace(replace(c.name, 'tf_', ''), 'legacy_', '') AS name, c.designer AS side, c.macs AS x, p.top1 AS y
  FROM same AS s JOIN published_imagenet AS p ON p.model = s.model AND p.variant IS s.variant AND p.comparison IS s.comparison
    AND p.confidence = 'verified' AND p.eval = 'single-crop' AND p.top1 IS NOT NULL
  JOIN counted AS c ON c.name = s.name AND c.profile = :profile AND c.input = p.resolution WHERE c.macs IS NOT NULL),
front AS (SELECT * FROM net AS a WHERE NOT EXISTS (SELECT 1 FROM net AS b
  WHERE b.side = a.side AND b.x <= a.x AND b.y >= a.y AND (b.x < a.x OR b.y > a.y))),
named AS (SELECT name, y >= coalesce(lag(y) OVER side, 0) + 1 OR x = max(x) OVER (PARTITION BY side) AS has_name FROM front
  WINDOW side AS (PARTITION BY side ORDER BY x)),
told AS (SELECT sum(side = 'human') AS humans, sum(side = 'searched') AS searches FROM net)
SELECT x, y, side || ' (published accuracy)' AS series, NULL AS line, side AS designer, 'published' AS source, 1 AS marker,
  CASE WHEN name IN (SELECT name FROM named WHERE has_name) THEN name END AS label, y AS priority,
  printf('%s: %.1f %%, %.3g G multiply-accumulates', name, y, x / 1e9) AS hover, humans, searches FROM net, told
UNION ALL SELECT x, y, 'front, ' || side, side, side, NULL, 0, NULL, 0, NULL, humans, searches FROM front, told
ORDER BY marker DESC, series, x
