-- title: Hypervolumes of the fronts: {experiment}
-- section: experiment
-- note: Points of accuracy times decades of cost under a front, from the cheapest cost at which both sides have networks to the reference
--   point: the dearest such cost, and 10 %, which is chance. Fronts are chosen by validation, as their heights are. Means over seeds;
--   difference: searched minus human-designed, seed by seed. From, to: the 95 % interval of what stands left of it, from three seeds on:
--   the bootstrap's (BCa) of the difference, Student's of a side.
-- each: experiment
WITH v AS (SELECT counted, cost, width, width * (searched - 10) AS searched, width * (human - 10) AS human FROM front_heights
  WHERE profile = :profile AND experiment = :experiment AND here IN ('', :here))
SELECT :experiment AS "experiment", counted AS "counted", cost AS "cost",
  CASE counted WHEN 'all' THEN 'with the cell found here' WHEN 'published' THEN 'published alone'
    WHEN 'random search' THEN 'with random search''s cell' ELSE counted END AS "searched_side|Searched side",
  CASE cost WHEN 'multiply-accumulates' THEN 'MACs' WHEN 'time' THEN 'time here' ELSE cost END AS "cost_axis|Cost",
  mean(width) AS "width|Decades|.2", mean(searched - human) AS "difference|Difference|.2",
  CASE WHEN count(*) >= 3 THEN bca_low(searched - human) END AS "low|From|.2", CASE WHEN count(*) >= 3 THEN bca_high(searched - human) END AS "high|To|.2",
  mean(searched) AS "searched|Searched|.1",
  CASE WHEN count(*) >= 3 THEN t_low(searched) END AS "searched_low|From|.1", CASE WHEN count(*) >= 3 THEN t_high(searched) END AS "searched_high|To|.1",
  mean(human) AS "human|Human-designed|.1",
  CASE WHEN count(*) >= 3 THEN t_low(human) END AS "human_low|From|.1", CASE WHEN count(*) >= 3 THEN t_high(human) END AS "human_high|To|.1",
  count(*) AS "n|Seeds|0"
FROM v GROUP BY counted, cost ORDER BY CASE counted WHEN 'all' THEN 0 WHEN 'published' THEN 1 ELSE 2 END, cost
