-- title: Pairs of a claim
-- caption: Each small point is one pair of results that the claim compares: {axis} ({pairs}). The large point is the {mean}, its bar
--   the 95 % bootstrap interval.{side}
-- section: verdicts
-- alt: {claim}All pairs with their {mean} and 95 % interval: {axis}. {results}.
-- needs: lineage report
-- x: {axis}
-- yscale: category
-- input: pair ?contrast value# ?low_bound# ?high_bound# ?axis ?is_ratio# ?claim
WITH given AS (SELECT coalesce(contrast, 'all pairs') AS contrast, pair, value, low_bound AS low, high_bound AS high, axis, coalesce(is_ratio, 0) AS is_ratio, claim FROM input),
counted AS (SELECT count(*) AS n FROM given GROUP BY contrast),
d AS (SELECT *, (SELECT CASE WHEN count(*) = 1 THEN n || ' pairs' WHEN min(n) = max(n) THEN printf('%d pairs in each of %d comparisons', n, count(*))
    ELSE printf('%d pairs in %d comparisons', sum(n), count(*)) END FROM counted) AS pairs,
  CASE WHEN low IS NOT NULL AND high IS NOT NULL THEN printf(' What lies between the lines at %g and %g speaks for the claim.', low, high)
    WHEN low < 0 THEN printf(' What lies right of the line speaks for the claim, which allows a loss of %g.', -low)
    WHEN low IS NOT NULL THEN printf(' What lies right of the line at %g speaks for the claim.', low)
    WHEN high IS NOT NULL THEN printf(' What lies left of the line at %g speaks for the claim.', high) ELSE '' END AS side
  FROM given),
means AS (
  SELECT contrast, min(low) AS low, max(high) AS high, mean(value) AS mean, bca_low(value) AS least, bca_high(value) AS most
  FROM d WHERE is_ratio = 0 GROUP BY contrast
  UNION ALL SELECT contrast, min(low), max(high), exp(mean(ln(value))), exp(bca_low(ln(value))), exp(bca_high(ln(value)))
  FROM d WHERE is_ratio = 1 GROUP BY contrast),
told AS (
  SELECT group_concat(CASE WHEN contrast = 'all pairs' THEN '' ELSE contrast || ': ' END || printf('%.3g', mean)
    || coalesce(printf(', %.3g to %.3g', least, most), '')
    || CASE WHEN low IS NOT NULL AND high IS NOT NULL THEN CASE WHEN least > low AND most < high THEN ', between the lines'
          WHEN most < low OR least > high THEN ', outside the lines' WHEN most IS NOT NULL THEN ', across a line' ELSE '' END
        WHEN least > coalesce(low, high) THEN ', right of the line' WHEN most < coalesce(low, high) THEN ', left of the line'
        WHEN most >= coalesce(low, high) THEN ', across the line' ELSE '' END, '; ') AS results
  FROM (SELECT * FROM means ORDER BY contrast COLLATE by_number))
SELECT value AS x, contrast AS y, NULL AS low, NULL AS high, 'one pair' AS series, 'grey' AS colour, 'human' AS designer, 1 AS single,
  1 AS marker, 1 AS part, printf('%s: %.4g', pair, value) AS hover, axis, pairs, side, results,
  CASE WHEN claim IS NULL THEN '' ELSE claim || '. ' END AS claim,
  CASE is_ratio WHEN 1 THEN 'geometric mean' ELSE 'mean' END AS mean,
  CASE WHEN is_ratio AND min(value) OVER () > 0 AND max(value) OVER () > 4 * min(value) OVER () THEN 'log' ELSE 'linear' END AS x_scale
FROM d, told
UNION ALL SELECT mean, contrast, least, most, 'mean, 95 % interval', 'blue', 'human', 0, 1, 2,
  printf('mean %.4g', mean), NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM means
UNION ALL SELECT * FROM (SELECT min(low) AS x, min(contrast), NULL, NULL, NULL, NULL, NULL, 0, 0, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM d
  UNION ALL SELECT max(high), min(contrast), NULL, NULL, NULL, NULL, NULL, 0, 0, 3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM d) WHERE x IS NOT NULL
ORDER BY part, y COLLATE by_number, x
