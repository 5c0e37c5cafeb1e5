-- title: Every run
-- section: appendix
-- filter: yes
SELECT experiment AS "experiment|Experiment", stage AS "part|Stage", arm AS "network|Arm", json_remove(factors, '$.seed', '$.rate', '$.lr', '$.network') AS "factors",
  rate AS "rate|Rate|g", seed AS "seed|Seed|0", status AS "status|Status",
  max(CASE metric WHEN 'train_loss' THEN value END) AS "loss|Loss|.4", max(CASE metric WHEN 'train_accuracy' THEN value END) AS "train_accuracy",
  100 * max(CASE metric WHEN 'val_accuracy' THEN value END) AS "validation_accuracy|Validation, %|.2",
  100 * max(CASE metric WHEN 'test_accuracy' THEN value END) AS "test_accuracy|Test, %|.2", max(CASE metric WHEN 'test_images' THEN value END) AS "test_images",
  nullif(digest, '') AS "digest|Digest", message AS "message|Message",
  (SELECT commit_id FROM records JOIN machines ON machines.id = machine WHERE records.key = results.key) AS "commit",
  (SELECT threads FROM records JOIN machines ON machines.id = machine WHERE records.key = results.key) AS "threads", min(seconds) AS "seconds"
FROM results WHERE profile = :profile AND measure NOT IN ('count', 'latency') GROUP BY experiment, stage, position ORDER BY experiment, stage, position
