-- title: Fronts without some of the networks: {experiment}
-- section: experiment
-- note: How much the verdict on the fronts, with the cell found here, hangs on single networks: the difference of the heights, searched minus
--   human-designed, when one network, or all of one width, do not take part. Means over seeds; from, to: the 95 % bootstrap interval (BCa),
--   p: Wilcoxon's. Only what changes a difference by 0.02 points or more is listed. This was looked at after the verdict, and is no test.
-- each: experiment
WITH one AS MATERIALIZED (SELECT left_out, cost, seed, searched - human AS difference, avg(searched - human) OVER w AS mean, count(*) OVER w AS n
  FROM front_heights_left_out WHERE counted = 'all' AND here = '' AND profile = :profile AND experiment = :experiment
  WINDOW w AS (PARTITION BY left_out, cost)),
changed AS MATERIALIZED (SELECT DISTINCT left_out FROM one JOIN (SELECT cost, mean AS whole FROM one WHERE left_out = '') USING (cost)
  WHERE n >= 3 AND (left_out = '' OR abs(mean - whole) >= 0.02)),
told AS MATERIALIZED (SELECT left_out, cost, mean(difference) AS difference, bca_low(difference) AS low, bca_high(difference) AS high,
    wilcoxon_p(difference) AS p FROM one JOIN changed USING (left_out) GROUP BY left_out, cost)
SELECT :experiment AS "experiment", CASE m.left_out WHEN '' THEN 'none' WHEN '*_075' THEN 'all widths of 3/4' WHEN '*_050' THEN 'all widths of 1/2'
    ELSE m.left_out END AS "left_out|Left out",
  m.difference AS "macs|At equal MACs|.2", m.low AS "macs_low|From|.2", m.high AS "macs_high|To|.2", m.p AS "macs_p|p|.3",
  p.difference AS "params|At equal parameters|.2", p.low AS "params_low|From|.2", p.high AS "params_high|To|.2", p.p AS "params_p|p|.3"
FROM told AS m LEFT JOIN told AS p ON p.left_out = m.left_out AND p.cost = 'parameters'
WHERE m.cost = 'multiply-accumulates' AND (SELECT count(*) FROM changed) > 1
ORDER BY m.left_out <> '', m.difference
