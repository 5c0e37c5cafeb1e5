-- title: Proxy and final rank: {experiment}
-- section: search
-- note: Over the retrained architectures. With fewer than ten nothing can be concluded, with fewer than three there is no row. The p of
--   Kendall's tau-b is exact where there are no ties; that of Spearman's rho is of Student's distribution, which holds from about ten on.
-- each: experiment
WITH trained AS (
  SELECT json_extract(spec, '$.genotype') AS genotype, mean(value) AS final FROM results JOIN records USING (key)
  WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND final = 1 AND metric = 'test_accuracy' AND json_extract(spec, '$.genotype') IS NOT NULL GROUP BY 1),
proxy AS (SELECT genotype, max(score) AS score FROM lab_trials WHERE profile = :profile AND experiment = :experiment AND status = 'done' GROUP BY genotype),
both AS (SELECT score, final FROM trained JOIN proxy USING (genotype) WHERE score IS NOT NULL AND final IS NOT NULL)
SELECT :experiment AS "experiment", count(*) AS "n|Architectures|0", kendall_tau(score, final) AS "kendall_tau_b|Kendall's tau-b|.3", kendall_p(score, final) AS "kendall_p|p|.3",
  spearman(score, final) AS "spearman|Spearman's rho|.3", CASE WHEN count(*) >= 10 THEN spearman_p(score, final) END AS "spearman_p|p of rho|.3",
  CASE WHEN count(*) < 10 THEN 'too few to conclude' END AS "note|Note" FROM both HAVING count(*) >= 3
