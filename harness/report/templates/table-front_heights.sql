-- title: Heights of the fronts: {experiment}
-- section: experiment
-- note: A side's front is the best accuracy at every cost; its height is the mean of that over the logarithm of the cost, where both sides have
--   networks. Means over seeds, each with fronts of its own; the difference is searched minus human-designed, seed by seed. From, to: the 95 %
--   interval of what stands left of it, from three seeds on: Student's of a side, the bootstrap's (BCa) of the difference, as in the verdict.
-- each: experiment
SELECT :experiment AS "experiment", counted AS "counted",
  CASE counted WHEN 'all' THEN 'published networks and the best cell of our search' WHEN 'published' THEN 'published networks alone'
    WHEN 'random search' THEN 'published networks and the winner of random search' ELSE counted END AS "searched_side|Searched side",
  cost AS "cost|At equal", mean(searched) AS "searched|Searched, %|.2",
  CASE WHEN count(*) >= 3 THEN t_low(searched) END AS "searched_low|From|.2", CASE WHEN count(*) >= 3 THEN t_high(searched) END AS "searched_high|To|.2",
  mean(human) AS "human|Human-designed, %|.2",
  CASE WHEN count(*) >= 3 THEN t_low(human) END AS "human_low|From|.2", CASE WHEN count(*) >= 3 THEN t_high(human) END AS "human_high|To|.2",
  mean(searched - human) AS "difference|Difference|.2", CASE WHEN count(*) >= 3 THEN bca_low(searched - human) END AS "low|From|.2",
  CASE WHEN count(*) >= 3 THEN bca_high(searched - human) END AS "high|To|.2", count(*) AS "n|Seeds|0"
FROM front_heights WHERE profile = :profile AND experiment = :experiment
GROUP BY counted, cost ORDER BY CASE counted WHEN 'all' THEN 0 WHEN 'published' THEN 1 ELSE 2 END, cost
