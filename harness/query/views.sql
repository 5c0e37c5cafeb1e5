-- Views that several figures and tables share, for the connection of harness/query/query.h. Embedded into the program by views.c.

-- What final stages trained, as figures and tables show it: one row for each arm and setting of an experiment, which is everything that was
-- crossed but seeds and rates. task: classification, which has an accuracy over n seeds, or detection, which has an average precision over
-- n_ap; diverged runs have neither. low, high: Student's interval over the seeds, from 3 on, of a precision from 6 on and within 0 to 100;
-- image_low, image_high: Wilson's over the test images, of an accuracy of one training. train_accuracy: while the last epoch trains;
-- fitted_accuracy: on the same images afterwards, without dropout and augmentation, where that was asked for. setting_text: what tells apart
-- the settings of an arm, e.g. "without shift" or
-- "training images 1,000"; NULL where it has one only. designer: the factor of that name where there is one, else that of the network, else
-- searched, or random for what a stage of that name draws from a space and for winners of random search. A training that several stages share
-- counts once, in the first. note: what of the runs diverged, and whether the rate is at the edge of the grid that was tried for the arm, or
-- for others where it had none of its own.
CREATE TEMP VIEW final_arms AS
  WITH one AS (SELECT profile, experiment, min(stage) AS stage, min(position) AS position, arm, results.status, rate, json_remove(factors, '$.seed', '$.rate', '$.lr') AS setting,
      coalesce(json_extract(spec, '$.network'), arm) AS network, json_extract(factors, '$.train_images') AS images,
      CASE WHEN json_extract(spec, '$.recipe.detection') IS NULL THEN 'classification' ELSE 'detection' END AS task,
      max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy, max(CASE metric WHEN 'test_images' THEN value END) AS test_images,
      max(CASE metric WHEN 'train_accuracy' THEN value END) AS train_accuracy,
      max(CASE metric WHEN 'fitted_accuracy' THEN value END) AS fitted_accuracy,
      max(CASE metric WHEN 'test_ap' THEN value END) AS ap, max(CASE metric WHEN 'test_ap50' THEN value END) AS ap50,
      max(CASE metric WHEN 'macs' THEN value END) AS macs, max(CASE metric WHEN 'params' THEN value END) AS params
    FROM results JOIN records USING (key) WHERE final = 1 AND results.measure = 'train' GROUP BY profile, experiment, arm, setting, key),
  factor AS (SELECT profile, experiment, stage, arm, setting, key, replace(replace(key, 'train_', 'training_'), '_', ' ') AS name,
      CASE type WHEN 'integer' THEN printf('%,d', value) ELSE value END AS value
    FROM (SELECT DISTINCT profile, experiment, stage, arm, setting FROM one), json_each(setting)),
  varying AS (SELECT profile, experiment, stage, arm, key FROM factor GROUP BY profile, experiment, stage, arm, key
    HAVING count(DISTINCT value) > 1),
  texts AS (SELECT profile, experiment, stage, arm, setting,
      group_concat(CASE value WHEN '0' THEN 'without ' || name ELSE name || ' ' || value END, ', ') AS setting_text
    FROM factor JOIN varying USING (profile, experiment, stage, arm, key) GROUP BY profile, experiment, stage, arm, setting),
  grid AS (SELECT profile, experiment, arm, min(rate) AS least, max(rate) AS most FROM results WHERE final = 0 AND measure = 'train'
    GROUP BY profile, experiment, arm),
  grids AS (SELECT profile, experiment, min(least) AS all_least, max(most) AS all_most FROM grid GROUP BY profile, experiment),
  arms AS (SELECT profile, experiment, stage, min(position) AS position, arm, setting, network, images, max(rate) AS rate, task,
      coalesce(json_extract(setting, '$.designer'),
        CASE WHEN stage = 'random' OR arm LIKE 'winner of random%' THEN 'random' END, designer, 'searched') AS designer,
      count(accuracy) AS n, 100 * mean(accuracy) AS accuracy, 100 * sd(accuracy) AS sd,
      CASE WHEN count(accuracy) >= 3 THEN 100 * t_low(accuracy) END AS low,
      CASE WHEN count(accuracy) >= 3 THEN 100 * t_high(accuracy) END AS high,
      CASE count(accuracy) WHEN 1 THEN 100 * wilson_low(max(accuracy) * max(test_images), max(test_images)) END AS image_low,
      CASE count(accuracy) WHEN 1 THEN 100 * wilson_high(max(accuracy) * max(test_images), max(test_images)) END AS image_high,
      100 * mean(train_accuracy) AS train_accuracy, 100 * mean(fitted_accuracy) AS fitted_accuracy,
      count(ap) AS n_ap, 100 * mean(ap) AS ap, 100 * sd(ap) AS ap_sd,
      CASE WHEN count(ap) >= 6 THEN max(0, 100 * t_low(ap)) END AS ap_low,
      CASE WHEN count(ap) >= 6 THEN min(100, 100 * t_high(ap)) END AS ap_high, 100 * mean(ap50) AS ap50,
      max(macs) AS macs, max(params) AS params, max(test_images) AS test_images, count(*) AS runs, sum(status = 'diverged') AS diverged
    FROM one LEFT JOIN networks ON networks.name = network GROUP BY profile, experiment, stage, arm, setting)
  SELECT arms.*, setting_text, nullif(ltrim(CASE diverged WHEN 0 THEN '' WHEN runs THEN 'diverged' ELSE printf('%d of %d diverged', diverged, runs) END
      || CASE WHEN coalesce(least < most AND rate IN (least, most), all_least < all_most AND rate IN (all_least, all_most))
        THEN ', edge of the grid' ELSE '' END, ', '), '') AS note
  FROM arms LEFT JOIN texts USING (profile, experiment, stage, arm, setting) LEFT JOIN grid USING (profile, experiment, arm) LEFT JOIN grids USING (profile, experiment);

-- What every training of a final stage is one of: winners of a strategy, random architectures, or its own arm.
CREATE TEMP VIEW arm_kinds AS
  SELECT profile, experiment, stage, position, arm, CASE
      WHEN arm LIKE 'winner of random, seed %' THEN 'winners of random search'
      WHEN arm LIKE 'winner of %, seed %' THEN 'winners of ' || substr(arm, 11, instr(arm, ', seed ') - 11)
      WHEN arm LIKE 'architecture % of %' THEN 'random architectures' ELSE arm END AS kind
  FROM members WHERE final = 1;

-- What the final trainings of an experiment saw, in words: "Fashion-MNIST, 5,000 training images, "; '' where their records do not say it.
CREATE TEMP VIEW trained_on AS
  WITH title(name, title) AS (VALUES ('mnist', 'MNIST'), ('fashion-mnist', 'Fashion-MNIST'), ('cifar10', 'CIFAR-10'),
      ('fashion-mnist-first', 'the first five classes of Fashion-MNIST'), ('fashion-mnist-last', 'the last five classes of Fashion-MNIST'),
      ('scenes', 'generated scenes')),
    saw AS (SELECT DISTINCT profile, experiment, json_extract(spec, '$.data.name') AS name, json_extract(spec, '$.data.train') AS images
      FROM members JOIN records USING (key) WHERE final = 1 AND measure = 'train')
  SELECT profile, experiment, coalesce(replace(group_concat(DISTINCT coalesce(title, name)), ',', ' and ')
    || CASE WHEN min(images) < max(images) THEN printf(', %,d to %,d training images, ', min(images), max(images))
      ELSE printf(', %,d training images, ', max(images)) END, '') AS data
  FROM saw LEFT JOIN title USING (name) GROUP BY profile, experiment;

-- Milliseconds of networks on this machine, by the profile that measured them.
CREATE TEMP VIEW times AS SELECT profile AS here, arm, min(value) AS ms FROM here_results WHERE measure = 'latency' AND metric = 'median_ms'
  GROUP BY profile, arm;

-- Final arms against a cost: 'macs', 'params', 'ms', the median time of an image in the profile `here` of this machine, or 'table ms', the
-- latency by a table of operations where the experiment counts it. arms: how many the experiment has with that cost; is_one_setting: all
-- saw as many images; low, high: Student's interval alone. Nothing where all arms cost about the same, or nobody designed one.
CREATE TEMP VIEW arm_costs AS
  WITH table_times AS (SELECT profile, experiment, arm, min(value) AS ms FROM results WHERE measure = 'count' AND metric = 'latency_ms'
      GROUP BY profile, experiment, arm),
    arms AS (SELECT *, arm || coalesce(', ' || setting_text, '') AS name FROM final_arms WHERE n > 0),
    costs AS (
      SELECT profile, experiment, 'macs' AS cost, NULL AS here, macs AS x, accuracy AS y, low, high, name, designer, images, n FROM arms
      UNION ALL SELECT profile, experiment, 'params', NULL, params, accuracy, low, high, name, designer, images, n FROM arms
      UNION ALL SELECT profile, experiment, 'ms', here, ms, accuracy, low, high, name, designer, images, n FROM arms
        JOIN times ON times.arm = network
      UNION ALL SELECT profile, experiment, 'table ms', NULL, ms, accuracy, low, high, name, designer, images, n FROM arms
        JOIN table_times USING (profile, experiment, arm)),
    counted AS (SELECT *, count(*) OVER same AS arms, min(x) OVER same AS least, max(x) OVER same AS most,
        sum(designer = 'human') OVER same AS humans, sum(name LIKE 'winner of %') OVER same AS winners, min(y) OVER same AS worst, max(y) OVER same AS best,
        count(images) OVER same IN (0, count(*) OVER same) AND min(images) OVER same IS max(images) OVER same AS is_one_setting
      FROM costs WHERE x IS NOT NULL WINDOW same AS (PARTITION BY profile, experiment, cost, here))
  SELECT profile, experiment, cost, here, x, y, low, high, name, designer, n, arms, winners, is_one_setting,
    x IN (least, most) OR y IN (worst, best) AS is_outermost
  FROM counted WHERE most > 1.1 * least AND humans > 0;

-- The front of a side: those arms that no other of their side beats in both, where all were trained in one setting; points: how many.
CREATE TEMP VIEW arm_fronts AS
  SELECT *, count(*) OVER (PARTITION BY profile, experiment, cost, here, designer) AS points
  FROM arm_costs AS a WHERE designer <> 'random' AND is_one_setting AND NOT EXISTS (SELECT 1 FROM arm_costs AS b
    WHERE b.profile = a.profile AND b.experiment = a.experiment AND b.cost = a.cost AND b.here IS a.here AND b.designer = a.designer
      AND b.x <= a.x AND b.y >= a.y AND (b.x < a.x OR b.y > a.y));

-- What a figure of these draws: the arms, and the fronts of two points and more. Of more than twelve arms, those on the fronts, what is
-- random and the outermost have labels (winners of searches only where they are few), and those far below the fronts are left out if they
-- are a quarter at most. sides, fronts, data: what there is, in words.
CREATE TEMP VIEW accuracy_against_cost AS
  WITH drawn AS (
      SELECT profile, experiment, cost, here, arms, winners, x, y, low, high, designer || ' (here, reduced)' AS series, NULL AS line, designer,
        CASE designer WHEN 'random' THEN 'grey' END AS colour, 1 AS marker,
        CASE WHEN (arms <= 12 OR is_outermost OR designer = 'random' OR is_on_front) AND NOT (winners > 6 AND name LIKE 'winner of %')
          THEN name END AS label,
        y + 1000 * is_on_front AS priority, printf('%s: %.2f %% over %d seed%s', name, y, n, CASE n WHEN 1 THEN '' ELSE 's' END) AS hover, n
      FROM (SELECT *, EXISTS (SELECT 1 FROM arm_fronts AS f WHERE f.profile = a.profile AND f.experiment = a.experiment
          AND f.cost = a.cost AND f.here IS a.here AND f.designer = a.designer AND f.name = a.name) AS is_on_front FROM arm_costs AS a)
      UNION ALL
      SELECT profile, experiment, cost, here, arms, winners, x, y, NULL, NULL, 'front, ' || designer, designer, designer, NULL, 0, NULL, 0, NULL, n
      FROM arm_fronts WHERE points > 1),
    counted AS (SELECT *, max(designer = 'searched') OVER same AS has_searched, max(coalesce(line, '') = 'human') OVER same AS has_front,
        max(coalesce(line, '') = 'searched') OVER same AS has_front_searched,
        min(n) OVER same AS fewest, max(n) OVER same AS seeds,
        min(CASE WHEN line IS NOT NULL THEN y END) OVER same AS front_low, max(CASE WHEN line IS NOT NULL THEN y END) OVER same AS front_high
      FROM drawn WINDOW same AS (PARTITION BY profile, experiment, cost, here)),
    far AS (SELECT *, coalesce(arms > 12 AND y < front_low - 0.2 * (front_high - front_low), 0) AS is_far FROM counted),
    told AS (SELECT *, is_far AND 4 * sum(is_far) OVER same <= arms AS is_left_out, sum(is_far) OVER same AS n_far,
        max(CASE WHEN is_far THEN y END) OVER same AS y_far
      FROM far WINDOW same AS (PARTITION BY profile, experiment, cost, here))
  SELECT *, CASE WHEN has_searched THEN 'human-designed and searched' ELSE 'human-designed' END AS sides,
    CASE has_front + has_front_searched WHEN 2 THEN 'with the fronts of both sides' WHEN 1 THEN
      CASE WHEN NOT has_searched THEN 'with their front' WHEN has_front THEN 'with the front of the human-designed' ELSE
        'with the front of the searched' END ELSE 'without a front' END AS fronts,
    coalesce(saw, '') || CASE WHEN fewest < seeds THEN fewest || ' to ' ELSE '' END || seeds || CASE seeds WHEN 1 THEN ' seed' ELSE ' seeds' END AS data,
    CASE has_front + has_front_searched WHEN 0 THEN '' ELSE 'Steps join the networks that no other' || CASE WHEN has_searched THEN
      ' of their side' ELSE '' END || ' beats in both.' END || CASE WHEN has_front + has_front_searched = 2 AND has_heights THEN
      ' These are fronts of the mean test accuracy; what claims compare are fronts chosen on validation images, seed by seed.' ELSE '' END AS steps,
    CASE WHEN winners > 6 THEN ' Winners of searches show their names when pointed at.'
      WHEN arms > 12 THEN ' Those on the fronts, random ones and the outermost are named where there is room; every other one shows its name when pointed at, '
      || 'and stands in the table.' ELSE '' END
    || CASE WHEN n_far > 0 AND 4 * n_far <= arms THEN printf(' Below the axis, but in the table: %d network%s of at most %.1f %%.', n_far,
      CASE n_far WHEN 1 THEN '' ELSE 's' END, y_far) ELSE '' END AS named
  FROM told LEFT JOIN (SELECT profile, experiment, data AS saw FROM trained_on) USING (profile, experiment)
    LEFT JOIN (SELECT DISTINCT profile, experiment, 1 AS has_heights FROM front_heights_left_out) USING (profile, experiment)
  WHERE NOT is_left_out;

-- Every counted network beside its published counts. all_params: with auxiliary heads, params: without, as they are published.
CREATE TEMP VIEW counted AS
  WITH one AS (SELECT profile, arm, max(CASE metric WHEN 'params' THEN value END) AS all_params,
      max(CASE metric WHEN 'params_without_aux' THEN value END) AS bare, max(CASE metric WHEN 'macs' THEN value END) AS macs
    FROM results WHERE measure = 'count' GROUP BY profile, arm)
  SELECT networks.*, profile, all_params, coalesce(bare, all_params) AS params, macs,
    100 * (coalesce(bare, all_params) / published_params - 1) AS params_percent, 100 * (macs / published_macs - 1) AS macs_percent
  FROM one JOIN networks ON name = arm;

-- ImageNet networks as NASNet's and EfficientNet's tables print them, against a cost: 'macs' or 'params'. One that two tables print is
-- taken from NASNet's.
CREATE TEMP VIEW published_costs AS
  WITH rows AS (
      SELECT 'macs' AS cost, macs AS x, top1, model, variant, family, designer, year, comparison FROM published_imagenet
      UNION ALL SELECT 'params', params, top1, model, variant, family, designer, year, comparison FROM published_imagenet),
    printed AS (
      SELECT cost, x, top1, CASE WHEN variant LIKE '%@%' THEN model || ' ' || replace(variant, ' ', '') ELSE model END AS name, model,
        CASE WHEN family LIKE 'Inception%' THEN 'Inception' WHEN family = 'NASNet' THEN model ELSE family END AS family, designer, year,
        comparison
      FROM rows
      WHERE comparison IN ('nasnet_table2', 'nasnet_table3', 'efficientnet_table2') AND x IS NOT NULL AND top1 IS NOT NULL)
  SELECT cost, x, top1, name, family, designer, year FROM printed AS r
  WHERE comparison <> 'efficientnet_table2' OR NOT EXISTS (
    SELECT 1 FROM printed AS o WHERE o.cost = r.cost AND o.comparison <> 'efficientnet_table2' AND o.designer = r.designer
      AND abs(o.top1 - r.top1) < 0.5 AND o.x BETWEEN r.x / 1.15 AND r.x * 1.15
      AND substr(lower(o.model), 1, 7) = substr(lower(r.model), 1, 7));

-- Searches in tables, in percent: final, the reported accuracy of the best architecture; area, the mean of the best score so far over
-- different architectures, as many as the longest search of the stage in that space has: one that runs out of them keeps its best.
CREATE TEMP VIEW table_searches AS
  WITH t AS (SELECT profile, experiment, stage, position, max(score) OVER (PARTITION BY profile, experiment, stage, position ORDER BY trial) AS best
      FROM lab_trials WHERE NOT is_repeat),
    c AS (SELECT profile, experiment, stage, position, count(*) AS n, sum(best) AS total, max(best) AS last FROM t
      GROUP BY profile, experiment, stage, position),
    ended AS (SELECT profile, experiment, stage, position, json_extract(factors, '$.space') AS space,
        json_extract(factors, '$.strategy') AS strategy, seed, value AS final, n, total, last
      FROM results JOIN c USING (profile, experiment, stage, position) WHERE metric = 'best_report')
  SELECT profile, experiment, stage, space, strategy, seed, 100 * final AS final,
    100 * (total + (max(n) OVER same - n) * last) / max(n) OVER same AS area
  FROM ended WINDOW same AS (PARTITION BY profile, experiment, stage, space);

-- Test accuracy of what each search found, trained anew, in percent: the mean over its trainings.
CREATE TEMP VIEW search_winners AS
  SELECT profile, experiment, json_extract(factors, '$.strategy') AS strategy, json_extract(factors, '$.search_seed') AS seed,
    100 * mean(value) AS accuracy
  FROM results WHERE stage = 'winners' AND metric = 'test_accuracy' GROUP BY 1, 2, 3, 4;

-- Fronts of both sides in an experiment, one row for each seed, cost ('multiply-accumulates', 'parameters', or 'time', of networks of the
-- registry on this machine, with the profile that measured it in `here`, which is '' otherwise) and choice of what counts as
-- searched: 'all', 'published' (networks of the registry only), or 'random search' (its winner in place of another search's). Who takes
-- the front at a cost is chosen by validation: of the side's networks that cost at most so much, the one with the best validation accuracy
-- of that seed (of equal ones the cheapest). searched, human: the mean test accuracy of the chosen in percent, over the logarithm of the
-- cost, from the dearer of the two cheapest networks to the cheaper of the two dearest, where both sides have networks. width: of that
-- range, in decades; width x (height - r) is the front's hypervolume with the reference point (its dear end, r).
-- left_out: '' for all networks; with all that count, also one row for each network left out, and for all of one width ('*_075').
CREATE TEMP VIEW front_heights_left_out AS
  WITH one AS MATERIALIZED (SELECT profile, experiment, stage, position, seed, json_extract(factors, '$.network') AS network,
      coalesce(designer, 'searched') AS side,
      100 * max(CASE metric WHEN 'test_accuracy' THEN value END) AS accuracy,
      max(CASE metric WHEN 'val_accuracy' THEN value END) AS validation,
      max(CASE metric WHEN 'macs' THEN value END) AS macs, max(CASE metric WHEN 'params' THEN value END) AS params
    FROM results LEFT JOIN networks ON networks.name = json_extract(factors, '$.network')
    WHERE final = 1 AND stage IN ('final', 'found', 'control') GROUP BY profile, experiment, stage, position),
  choice AS MATERIALIZED (SELECT DISTINCT profile, experiment, counted, own, '' AS left_out FROM one JOIN (
      SELECT 'all' AS counted, 'found' AS own UNION ALL SELECT 'published', NULL UNION ALL SELECT 'random search', 'control')
    UNION ALL SELECT DISTINCT profile, experiment, 'all', 'found', CASE width WHEN '' THEN network ELSE width END
      FROM (SELECT *, min(side) OVER w <> max(side) OVER w AS has_both FROM one WINDOW w AS (PARTITION BY profile, experiment))
      JOIN (SELECT '' AS width UNION ALL SELECT '*_050' UNION ALL SELECT '*_075') ON width = '' OR network GLOB width
      WHERE has_both AND network IS NOT NULL),
  counts AS MATERIALIZED (SELECT one.*, counted, left_out FROM one JOIN choice USING (profile, experiment)
    WHERE (stage = 'final' OR stage = own) AND CASE WHEN left_out GLOB '[*]*' THEN NOT coalesce(network, '') GLOB left_out
      ELSE coalesce(network, '') <> left_out OR left_out = '' END),
  point AS MATERIALIZED (SELECT profile, experiment, counted, left_out, 'multiply-accumulates' AS cost, '' AS here, seed, side, accuracy,
      validation, log10(macs) AS x FROM counts
    UNION ALL SELECT profile, experiment, counted, left_out, 'parameters', '', seed, side, accuracy, validation, log10(params) FROM counts
    UNION ALL SELECT profile, experiment, 'published', '', 'time', here, seed, side, accuracy, validation, log10(ms)
      FROM one JOIN times ON arm = network WHERE stage = 'final'),
  ends AS (SELECT profile, experiment, counted, left_out, cost, here, max(least) AS least, min(most) AS most FROM (
      SELECT profile, experiment, counted, left_out, cost, here, side, min(x) AS least, max(x) AS most FROM point
      GROUP BY profile, experiment, counted, left_out, cost, here, side)
    GROUP BY profile, experiment, counted, left_out, cost, here HAVING count(*) = 2),
  within AS (SELECT point.*, max(x, least) AS at, most, most - least AS width, validation - 1e-6 * x AS score,
      dense_rank() OVER (ORDER BY profile, experiment, counted, left_out, cost, here, seed, side) AS front
    FROM point JOIN ends USING (profile, experiment, counted, left_out, cost, here) WHERE most > least AND x <= most),
  -- Those that are better on validation than every cheaper one hold the front up to the next.
  better AS (SELECT *, max(score) OVER (PARTITION BY front ORDER BY at, score DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM within),
  step AS (SELECT *, lead(at) OVER (PARTITION BY front ORDER BY at) AS next FROM better WHERE before IS NULL OR score > before),
  height AS MATERIALIZED (SELECT profile, experiment, counted, left_out, cost, here, seed, side, max(width) AS width,
      sum(accuracy * (coalesce(next, most) - at)) / max(width) AS value
    FROM step GROUP BY front)
  SELECT profile, experiment, counted, left_out, cost, here, seed, s.width AS width, s.value AS searched, h.value AS human
  FROM height AS s JOIN height AS h USING (profile, experiment, counted, left_out, cost, here, seed) WHERE s.side = 'searched' AND h.side = 'human';

CREATE TEMP VIEW front_heights AS
  SELECT profile, experiment, counted, cost, here, seed, width, searched, human FROM front_heights_left_out WHERE left_out = '';
