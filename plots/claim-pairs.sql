-- title: Pairs of a claim
-- caption: Each small point is one pair of the claim, such as two trainings of the same seed: what is subtracted or divided stands at the
--   axis. The large point is the mean, its bar the 95 % bootstrap interval. A line: where the claim begins to hold, at no difference, at the
--   loss that it allows, or at the ratio that it states.
-- section: verdicts
-- alt: Differences or ratios of all pairs with their mean and interval, beside the line that divides for and against.
-- needs: lineage report
-- x: {axis}
-- yscale: category
-- input: pair ?contrast value# ?low_bound# ?high_bound# ?axis
WITH d AS (SELECT coalesce(contrast, 'all pairs') AS contrast, pair, value, low_bound, high_bound, axis FROM input)
SELECT value AS x, contrast AS y, NULL AS low, NULL AS high, 'one pair' AS series, 'grey' AS colour, 'human' AS designer, 1 AS single,
  1 AS marker, 1 AS part, printf('%s: %.4g', pair, value) AS hover, axis FROM d
UNION ALL SELECT mean(value), contrast, bca_low(value), bca_high(value), 'mean, 95 % interval', 'blue', 'human', 0, 1, 2,
  printf('mean %.4g', mean(value)), NULL FROM d GROUP BY contrast
UNION ALL SELECT * FROM (SELECT min(low_bound) AS x, min(contrast), NULL, NULL, NULL, NULL, NULL, 0, 0, 3, NULL, NULL FROM d
  UNION ALL SELECT max(high_bound), min(contrast), NULL, NULL, NULL, NULL, NULL, 0, 0, 3, NULL, NULL FROM d) WHERE x IS NOT NULL
ORDER BY part, y COLLATE by_number, x
