-- title: Accuracy against time ({experiment})
-- caption: Test accuracy of networks trained here with one recipe, mean over seeds; bars: Student's 95 % interval of the mean over seeds
--   (from 3 seeds on). The grey steps join the networks that no other beats in both.
-- section: experiment
-- alt: Test accuracy against the time of a forward pass of the networks of the experiment {experiment}, human-designed and searched,
--   with the front of the best.
-- needs: lineage run --profile quick (six networks and more)
-- each: experiment
-- x: milliseconds per image on this machine (median)
-- y: test accuracy, %
-- xscale: log
WITH times AS (SELECT arm AS timed, min(value) AS ms FROM here_results WHERE profile = :here AND measure = 'latency' AND metric = 'median_ms' GROUP BY arm),
arms AS (SELECT final_arms.name AS name, designer, n, accuracy AS y, low, high, ms AS x FROM final_arms JOIN times ON timed = network
  WHERE profile = :profile AND experiment = :experiment AND ms IS NOT NULL)
SELECT x, y, low, high, designer || ' (here, reduced)' AS series, NULL AS line, designer, NULL AS colour, 1 AS marker, name AS label, y AS priority,
  printf('%s: %.2f %% over %d seed%s', name, y, n, CASE n WHEN 1 THEN '' ELSE 's' END) AS hover FROM arms
  WHERE (SELECT count(*) >= 6 AND max(x) > 1.1 * min(x) AND sum(designer = 'human') > 0 FROM arms)
UNION ALL
SELECT x, y, NULL, NULL, 'front: none is better in both', 'front', NULL, 'grey', 0, NULL, 0, NULL FROM arms AS a
  WHERE (SELECT count(*) >= 6 AND max(x) > 1.1 * min(x) AND sum(designer = 'human') > 0 FROM arms)
    AND NOT EXISTS (SELECT 1 FROM arms AS b WHERE b.x <= a.x AND b.y >= a.y AND (b.x < a.x OR b.y > a.y))
ORDER BY marker DESC, series, x
