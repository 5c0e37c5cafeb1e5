-- title: CIFAR-10: searched cells beside human-designed networks
-- caption: Test error against parameters, without cutout: Table 1 of the NASNet paper and the tables of PNASNet and AmoebaNet. Hollow:
--   published by others, not measured here.{memory}
-- section: amoebanet
-- alt: CIFAR-10 error against parameters: searched cells reach the error of larger human-designed networks with fewer parameters.
-- needs: results/published/cifar10.tsv
-- x: parameters
-- y: CIFAR-10 test error, %
-- xscale: log
-- add: label x# y# ?series
SELECT params AS x, error AS y, designer || ' (published' || CASE confidence WHEN 'recalled' THEN ', from memory)' ELSE ')' END AS series, NULL AS line, designer,
  CASE confidence WHEN 'recalled' THEN 'recalled' ELSE 'published' END AS source,
  model || CASE WHEN variant LIKE '%@%' THEN ' ' || replace(variant, ' ', '') WHEN variant LIKE 'L=%' THEN ' ' || substr(variant, 1, 12) ELSE '' END AS label, -error AS priority,
  printf('%s, %s: %.2f %%, %.3g M parameters', model, coalesce(variant, ''), error, params / 1e6) AS hover,
  CASE WHEN max(confidence = 'recalled') OVER () THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END AS memory
FROM published_cifar10 WHERE comparison IN ('nasnet_table1', 'amoebanet_table1', 'pnas_cifar') AND error IS NOT NULL AND params IS NOT NULL
  AND coalesce(variant, '') NOT LIKE '%cutout%' AND NOT (comparison <> 'nasnet_table1' AND family = 'NASNet') AND NOT (comparison = 'pnas_cifar' AND model = 'AmoebaNet-A')
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: %.2f %%', label, y), NULL FROM added
ORDER BY source DESC, designer, x
