-- title: One-stage detection: AP against time
-- caption: Figure 2 and Table 1e of the RetinaNet paper: COCO test-dev AP and time of an image on an Nvidia M40 (YOLOv2: Titan X). The
--   points of a line differ in the side of the image, 400 to 800 pixels. Hollow:
--   published by others, not measured here.
-- section: retinanet
-- alt: Average precision against milliseconds: RetinaNet with ResNet-50 and ResNet-101 lies above YOLOv2, SSD, DSSD, R-FCN and FPN
--   Faster R-CNN.
-- needs: results/published/detection.tsv
-- x: milliseconds per image
-- y: COCO AP, %
-- add: label x# y# ?series
SELECT latency_ms AS x, ap AS y, CASE comparison WHEN 'retinanet_table1e' THEN backbone ELSE 'other detectors' END || ' (published)' AS series,
  CASE comparison WHEN 'retinanet_table1e' THEN backbone END AS line, 'published' AS source,
  CASE comparison WHEN 'retinanet_table1e' THEN CAST(resolution AS INTEGER) || ' px' ELSE model END AS label, ap AS priority,
  printf('%s: AP %.1f, %g ms', coalesce(variant, model), ap, latency_ms) AS hover
FROM published_detection WHERE comparison IN ('retinanet_table1e', 'retinanet_fig2') AND latency_ms IS NOT NULL AND ap IS NOT NULL
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, 'added', label, 1000, printf('%s: AP %.1f', label, y) FROM added
ORDER BY source DESC, series DESC, line, x
