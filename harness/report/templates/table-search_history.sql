-- title: Trials of the searches
SELECT experiment, arm AS strategy, json_extract(factors, '$.seed') AS seed, trial, status, is_repeat AS repeat, score,
  max(CASE status WHEN 'done' THEN score END) OVER (PARTITION BY experiment, stage, position ORDER BY trial) AS best, params, macs, genotype
FROM lab_trials WHERE profile = :profile ORDER BY experiment, stage, position, trial
