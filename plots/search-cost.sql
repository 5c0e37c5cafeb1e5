-- title: What the searches cost
-- caption: Networks evaluated by a search and the CIFAR-10 error of what it found (PNASNet and AmoebaNet papers). Curves of evolution, RL
--   and random search were published as pictures only, without numbers; ours stand below.{memory}
-- section: amoebanet
-- alt: CIFAR-10 error against the number of evaluated networks: PNASNet reaches the error of NASNet with a tenth of the evaluations or
--   less.
-- needs: results/published/search_efficiency.tsv
-- x: networks evaluated
-- y: CIFAR-10 test error, %
-- xscale: log
-- add: label x# y# ?series
SELECT models_evaluated AS x, error AS y, search_strategy || ' (published' || CASE confidence WHEN 'recalled' THEN ', from memory)' ELSE ')' END AS series, NULL AS line,
  CASE confidence WHEN 'recalled' THEN 'recalled' ELSE 'published' END AS source, model AS label, 0 AS priority,
  printf('%s: %.2f %% after %d networks', model, error, models_evaluated) AS hover,
  CASE WHEN max(confidence = 'recalled') OVER () THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END AS memory
FROM published_search_efficiency WHERE models_evaluated IS NOT NULL AND error IS NOT NULL
UNION ALL SELECT x, y, coalesce(series, 'added'), NULL, 'added', label, 1000, printf('%s: %.2f %%', label, y), NULL FROM added
ORDER BY source DESC, series, x
