-- title: A searched pyramid beside FPN: AP against cost
-- caption: Table 1 of the NAS-FPN paper (COCO test-dev), its FLOPs halved to multiply-accumulates.{memory}
-- section: nasfpn
-- alt: Average precision against multiply-accumulates: NAS-FPN lies above the FPN of RetinaNet at equal cost.
-- needs: results/published/detection.tsv
-- x: multiply-accumulates per image
-- y: COCO AP, %
-- xscale: log
-- add: label x# y# ?series
SELECT coalesce(macs, flops_as_printed / 2) AS x, ap AS y,
  CASE designer WHEN 'human' THEN 'FPN' ELSE 'NAS-FPN' END || ', test-dev (published' || CASE confidence WHEN 'recalled' THEN ', from memory)' ELSE ')' END AS series, NULL AS line, designer,
  CASE confidence WHEN 'recalled' THEN 'recalled' ELSE 'published' END AS source,
  CASE WHEN model LIKE 'RetinaNet R%' THEN replace(model, 'RetinaNet ', '') WHEN model LIKE '%SpineNet%' THEN replace(model, 'RetinaNet ', '')
    ELSE replace(replace(replace(replace(coalesce(variant, model), ' (7@', ' 7@'), ' (@256)', ''), '384)', '384'), '256)', '256') END || ', ' || CAST(resolution AS INTEGER) AS label, ap AS priority,
  printf('%s, %s, %d pixels: AP %.1f, %.4g G multiply-accumulates', model, coalesce(variant, ''), resolution, ap, coalesce(macs, flops_as_printed / 2) / 1e9) AS hover,
  CASE WHEN max(confidence = 'recalled') OVER () THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END AS memory
FROM published_detection WHERE comparison = 'nasfpn_table1' AND ap IS NOT NULL
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, NULL, 'added', label, 1000, printf('%s: AP %.1f', label, y), NULL FROM added
ORDER BY source DESC, designer, x
