-- title: Pairs of a claim
-- caption: Each small point is one pair (the same seed, split and order of images for both): the difference that the claim is about. The
--   large point is the mean, its bar the 95 % bootstrap interval; right of the line speaks for the claim: of 0, or of
--   the loss that the claim allows.
-- section: verdicts
-- alt: Differences of all pairs with their mean and interval, beside the line that divides for and against.
-- needs: lineage report
-- x: difference, for the claim to the right of the line
-- yscale: category
-- input: pair a# b# ?contrast ?line#
WITH d AS (SELECT coalesce(contrast, 'all pairs') AS contrast, pair, a - b AS difference, coalesce(line, 0) AS line FROM input)
SELECT difference AS x, contrast AS y, NULL AS low, NULL AS high, 'one pair' AS series, 'grey' AS colour, 'human' AS designer,
  'published' AS source, 1 AS marker, 1 AS part, printf('%s: %+.4g', pair, difference) AS hover FROM d
UNION ALL SELECT mean(difference), contrast, bca_low(difference), bca_high(difference), 'mean, 95 % interval', 'blue', 'human', NULL, 1, 2,
  printf('mean %+.4g', mean(difference)) FROM d GROUP BY contrast
UNION ALL SELECT min(line), min(contrast), NULL, NULL, NULL, NULL, NULL, NULL, 0, 3, NULL FROM d
ORDER BY part, y COLLATE by_number, x
