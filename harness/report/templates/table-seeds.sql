-- title: Every run
-- section: appendix
-- note: tables/seeds.tsv has for each row also its CPU, threads and compiler, the digest of its data, the seed of their split and the key of its
--   record; Machine and build says where the rest stands.
-- filter: yes
SELECT experiment AS "experiment|Experiment", stage AS "part|Stage", arm AS "network|Arm",
  -- What the arm's name does not tell.
  (SELECT group_concat(replace(replace(key, 'train_', 'training_'), '_', ' ') || ' ' || CASE type WHEN 'integer' THEN printf('%,d', value) ELSE value END, ', ')
    FROM json_each(json_remove(factors, '$.seed', '$.rate', '$.lr', '$.network', '$.label', '$.strategy', '$.side', '$.way', '$.rank', '$.search_seed',
      '$.reward_alpha', '$.reward_beta', '$.designer'))) AS "setting|Setting",
  json_remove(factors, '$.seed', '$.rate', '$.lr', '$.network') AS "factors",
  rate AS "rate|Rate|g", results.seed AS "seed|Seed|0", results.status AS "status|Status",
  max(CASE metric WHEN 'train_loss' THEN value END) AS "loss|Loss|.4", max(CASE metric WHEN 'train_accuracy' THEN value END) AS "train_accuracy",
  100 * max(CASE metric WHEN 'val_accuracy' THEN value END) AS "validation_accuracy|Validation, %|.2",
  100 * max(CASE metric WHEN 'test_accuracy' THEN value END) AS "test_accuracy|Test, %|.2", max(CASE metric WHEN 'test_images' THEN value END) AS "test_images",
  nullif(results.digest, '') AS "digest|Digest", results.message AS "message|Message",
  commit_id AS "commit|Commit", threads AS "threads", cpu AS "cpu", compiler AS "compiler",
  json_extract(spec, '$.data.digest') AS "data_digest", json_extract(spec, '$.data.split_seed') AS "split_seed", key AS "key",
  min(results.seconds) AS "seconds"
FROM results JOIN records USING (key) JOIN machines ON machines.id = machine
WHERE profile = :profile AND results.measure NOT IN ('count', 'latency') GROUP BY experiment, stage, position ORDER BY experiment, stage, position
