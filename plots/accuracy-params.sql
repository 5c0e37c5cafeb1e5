-- title: Accuracy against parameters ({experiment})
-- caption: Test accuracy of networks trained here with one recipe ({data}), mean over seeds; bars: Student's 95 % interval of the mean over
--   seeds (from 3 seeds on). {steps}{named}
-- section: experiment
-- alt: Test accuracy against parameters of the networks of the experiment "{experiment}", {sides}, {fronts}.
-- needs: lineage run --profile quick (six networks and more)
-- each: experiment
-- x: parameters
-- y: test accuracy, %
-- xscale: log
SELECT x, y, low, high, series, line, designer, colour, marker, label, priority, hover, sides, fronts, data, steps, named
FROM accuracy_against_cost
WHERE profile = :profile AND experiment = :experiment AND cost = 'params' AND arms >= 6
ORDER BY marker DESC, series, x
