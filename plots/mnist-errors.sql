-- title: MNIST in 1998
-- caption: Test error of the classifiers that LeCun et al. compared (1998, Figure 9). Published by others, not measured here.{memory}
-- section: lenet
-- alt: Points of MNIST test error: LeNet-5 with 0.95 % below fully connected networks of 1.6 to 4.7 % and a linear classifier of 12 %.
-- needs: results/published/mnist.tsv
-- x: MNIST test error, %
-- yscale: category
SELECT error AS x, model || coalesce(' (' || variant || ')', '') AS y, CASE family WHEN 'LeNet' THEN 'convolutional' ELSE 'other' END
    || CASE confidence WHEN 'recalled' THEN ' (published, from memory)' ELSE ' (published)' END AS series,
  CASE family WHEN 'LeNet' THEN 'vermilion' ELSE 'blue' END AS colour, CASE confidence WHEN 'recalled' THEN 'recalled' ELSE 'published' END AS source,
  printf('%s: %g %%', model, error) AS hover, CASE WHEN max(confidence = 'recalled') OVER () THEN ' Crosses: typed from memory, not checked against the paper.' ELSE '' END AS memory
FROM published_mnist WHERE error IS NOT NULL
ORDER BY x
