-- title: How the networks were trained: {experiment}
-- section: experiment
-- note: A list gives all values that there are. Validation, test: images that were kept apart from the training. Rates: learning rates. Seeds: of each
--   network in each setting. Shift 2: moved by up to two pixels, at random. Weight decay
--   is of convolutions and linear layers alone; clipped: the norm of the gradient.
-- each: experiment
WITH run AS (
  SELECT final, stage, arm, json_remove(factors, '$.seed', '$.rate', '$.lr') AS setting, members.key, json_extract(spec, '$.seed') AS seed,
    json_extract(spec, '$.data.name') AS data, json_extract(spec, '$.data.train') AS train, json_extract(spec, '$.data.validation') AS validation,
    json_extract(spec, '$.recipe.epochs') AS epochs, json_extract(spec, '$.recipe.batch') AS batch, json_extract(spec, '$.recipe.lr') AS rate,
    json_extract(spec, '$.data.image[1]') || 'x' || json_extract(spec, '$.data.image[2]') AS image, json_extract(spec, '$.recipe') AS recipe,
    json_extract(spec, '$.recipe.augmentation.flip') AS flip, json_extract(spec, '$.recipe.augmentation.shift') AS shift,
    (SELECT value FROM metrics WHERE metrics.key = members.key AND name = 'test_images') AS test
  FROM members JOIN records USING (key) WHERE profile = :profile AND experiment = :experiment AND measure = 'train'),
fact(final, data, what, value, text) AS ( -- each once
  SELECT final, data, 'train', train, printf('%,d', train) FROM run
  UNION SELECT final, data, 'validation', validation, printf('%,d', validation) FROM run
  UNION SELECT final, data, 'test', test, printf('%,d', test) FROM run WHERE test IS NOT NULL
  UNION SELECT final, data, 'epochs', epochs, epochs FROM run
  UNION SELECT final, data, 'batch', batch, batch FROM run
  UNION SELECT final, data, 'image', image, image FROM run
  UNION SELECT final, data, 'steps', recipe_text, recipe_text FROM (SELECT DISTINCT final, data, CASE json_extract(recipe, '$.optimizer')
      WHEN 'sgd' THEN 'SGD, ' || CASE WHEN json_extract(recipe, '$.nesterov') THEN 'Nesterov ' ELSE '' END || 'momentum ' || json_extract(recipe, '$.momentum')
      ELSE json_extract(recipe, '$.optimizer') END || ', ' || json_extract(recipe, '$.schedule') || ', warm-up ' || json_extract(recipe, '$.warmup_epochs')
    || ' epochs, weight decay ' || json_extract(recipe, '$.weight_decay')
    || CASE WHEN json_extract(recipe, '$.clip_norm') > 0 THEN ', clipped at ' || json_extract(recipe, '$.clip_norm') ELSE '' END AS recipe_text FROM run)
  UNION SELECT final, data, 'augmentation', 2 * shift + flip, CASE WHEN flip AND shift THEN 'mirrored and shift ' || shift WHEN flip THEN 'mirrored'
    WHEN shift THEN 'shift ' || shift ELSE 'none' END FROM run
  UNION SELECT final, data, 'rate', rate, rate FROM run
  UNION SELECT final, data, 'seeds', count(DISTINCT seed), count(DISTINCT seed) FROM run GROUP BY final, data, stage, arm, setting),
list AS (
  SELECT DISTINCT final, data, what, group_concat(text, ', ') OVER (PARTITION BY final, data, what ORDER BY value
    ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS text FROM fact)
SELECT :experiment AS "experiment", CASE final WHEN 1 THEN 'to be tested' ELSE 'to choose the rate' END AS "stage|Trained", data AS "data|Data set",
  max(CASE what WHEN 'image' THEN text END) AS "image|Image",
  max(CASE what WHEN 'train' THEN text END) AS "train_images|Training images|,", max(CASE what WHEN 'validation' THEN text END) AS "validation_images|Validation|,",
  max(CASE what WHEN 'test' THEN text END) AS "test_images|Test|,", max(CASE what WHEN 'epochs' THEN text END) AS "epochs|Epochs|0",
  max(CASE what WHEN 'batch' THEN text END) AS "batch|Batch|0", max(CASE what WHEN 'augmentation' THEN text END) AS "augmentation|Augmentation",
  max(CASE what WHEN 'steps' THEN text END) AS "steps|Steps and schedule",
  max(CASE what WHEN 'rate' THEN text END) AS "rates|Rates|g", max(CASE what WHEN 'seeds' THEN text END) AS "seeds|Seeds|0",
  (SELECT count(DISTINCT key) FROM run WHERE run.final = list.final AND run.data IS list.data) AS "trainings|Trainings|,"
FROM list GROUP BY final, data ORDER BY final, data
