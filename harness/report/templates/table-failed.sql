-- title: Runs that failed, diverged or were rejected
-- section: appendix
SELECT experiment AS "experiment|Experiment", stage AS "stage|Stage", arm AS "arm|Arm", rate AS "rate|Rate|g", seed AS "seed|Seed|0", status AS "status|Status", message AS "message|Reason"
FROM results WHERE profile = :profile AND status <> 'done' GROUP BY experiment, stage, position ORDER BY experiment, stage, position
