-- title: Claims: size and direction of the effects
-- caption: Effect of each claim that was tested: matched-pairs rank-biserial correlation, 1 where every pair points the way that the paper
--   says, -1 where every pair points the other way.
-- section: verdicts
-- alt: One point a claim between -1 (against the claim) and 1 (for the claim).
-- needs: lineage run
-- x: effect: against the claim (-1) to for it (1)
-- yscale: category
-- input: claim effect# verdict
SELECT effect AS x, claim AS y, verdict AS series, CASE verdict WHEN 'supported' THEN 'green' WHEN 'contradicted' THEN 'vermilion' ELSE 'grey' END AS colour,
  printf('%s: %s, effect %.2f', claim, verdict, effect) AS hover, 1 AS marker FROM input
UNION ALL SELECT v, (SELECT claim FROM input LIMIT 1), NULL, NULL, NULL, 0 FROM (SELECT -1 AS v UNION SELECT 1) WHERE EXISTS (SELECT 1 FROM input)
