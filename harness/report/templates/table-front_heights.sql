-- title: Fronts of both sides: {experiment}
-- section: experiment
-- note: At every cost a side is represented by that of its networks of at most so much cost which is the best on validation; the height of its
--   front is the mean of their test accuracies over the logarithm of the cost, where both sides have networks. Hypervolume: points of accuracy
--   times decades of cost under the front, up to the reference point: the dearest cost that both sides have, and 10 %, which is chance.
--   Time: of a forward pass on this machine. Means over seeds, each with fronts of its own; difference: searched minus human-designed, seed
--   by seed. From, to: the 95 % interval of what stands left of it, from three seeds on: the bootstrap's (BCa) of the difference, as in the
--   verdict, but drawn anew, so that the last digit may differ; Student's of a side.
-- each: experiment
WITH front AS (SELECT * FROM front_heights WHERE profile = :profile AND experiment = :experiment AND here IN ('', :here)),
v AS (SELECT counted, cost, 'height, %' AS what, searched, human FROM front
  UNION ALL SELECT counted, cost, 'hypervolume', width * (searched - 10), width * (human - 10) FROM front)
SELECT :experiment AS "experiment", counted AS "counted", cost AS "cost",
  CASE counted WHEN 'all' THEN 'with the cell found here' WHEN 'published' THEN 'published alone'
    WHEN 'random search' THEN 'with random search''s cell' ELSE counted END AS "searched_side|Searched side",
  CASE cost WHEN 'multiply-accumulates' THEN 'MACs' WHEN 'time' THEN 'time here' ELSE cost END AS "at_equal|Cost",
  what AS "measure|Measure", mean(searched - human) AS "difference|Difference|.2",
  CASE WHEN count(*) >= 3 THEN bca_low(searched - human) END AS "low|From|.2", CASE WHEN count(*) >= 3 THEN bca_high(searched - human) END AS "high|To|.2",
  mean(searched) AS "searched|Searched|.2",
  CASE WHEN count(*) >= 3 THEN t_low(searched) END AS "searched_low|From|.2", CASE WHEN count(*) >= 3 THEN t_high(searched) END AS "searched_high|To|.2",
  mean(human) AS "human|Human-designed|.2",
  CASE WHEN count(*) >= 3 THEN t_low(human) END AS "human_low|From|.2", CASE WHEN count(*) >= 3 THEN t_high(human) END AS "human_high|To|.2",
  count(*) AS "n|Seeds|0"
FROM v GROUP BY what, counted, cost ORDER BY what, CASE counted WHEN 'all' THEN 0 WHEN 'published' THEN 1 ELSE 2 END, cost
