-- title: What the searches found, trained anew: {experiment}
-- section: search
-- note: Proxy: validation accuracy in the search. Parameters and MACs in the search: of the network as it was there; in some experiments
--   the one that is trained anew is larger. Test accuracy after training anew, mean over training seeds. From, to: a 95 % interval, Student's over the seeds from three on; of one training Wilson's over the test images; of two
--   none. Over mean random: relative to the mean of the random architectures that were trained in the same way. Digests and genotypes:
--   tables/search_summary.tsv.
-- each: experiment
WITH trained AS (
  SELECT json_extract(spec, '$.genotype') AS genotype, arm, stage, min(position) AS place, 100 * mean(value) AS mean, 100 * sd(value) AS sd, count(value) AS n,
    CASE WHEN count(value) >= 3 THEN 100 * t_low(value) END AS low, CASE WHEN count(value) >= 3 THEN 100 * t_high(value) END AS high,
    max((SELECT m.value FROM metrics AS m WHERE m.key = results.key AND m.name = 'test_images')) AS test_images
  FROM results JOIN records USING (key) WHERE profile = :profile AND experiment = :experiment AND results.measure = 'train' AND final = 1 AND metric = 'test_accuracy'
    AND json_extract(spec, '$.genotype') IS NOT NULL GROUP BY 1, 2, 3),
proxy AS (
  SELECT genotype, max(score) AS score, max(params) AS params, max(macs) AS macs FROM lab_trials
  WHERE profile = :profile AND experiment = :experiment AND status = 'done' GROUP BY genotype),
sure AS (
  SELECT *, CASE n WHEN 1 THEN 100 * wilson_low(mean / 100 * test_images, test_images) END AS image_low,
    CASE n WHEN 1 THEN 100 * wilson_high(mean / 100 * test_images, test_images) END AS image_high FROM trained),
base AS (SELECT mean(mean) AS random FROM trained WHERE stage = 'random')
SELECT :experiment AS "experiment", arm AS "arm|Found by", 100 * score AS "proxy_validation|Proxy, %|.2", mean AS "retrained_test_mean|Test accuracy, %|.2",
  coalesce(low, image_low) AS "low|From|.2", coalesce(high, image_high) AS "high|To|.2", sd AS "sd|Standard deviation|.2",
  n AS "n|Trainings|0", 100 * (mean / random - 1) AS "relative_to_mean_random_percent|Over mean random, %|.2", params AS "params|Parameters in the search|,", macs AS "macs|MACs in the search|,", genotype AS "genotype"
FROM sure LEFT JOIN proxy USING (genotype), base WHERE (SELECT count(*) FROM proxy) > 0 ORDER BY stage, place
