-- title: Accuracy against time ({experiment})
-- caption: Test accuracy of networks trained here with one recipe ({data}), mean over seeds; bars: Student's 95 % interval of the mean over
--   seeds (from 3 seeds on). {steps}{named}
-- section: experiment
-- alt: Test accuracy against the time of a forward pass of the networks of the experiment "{experiment}", {sides}, {fronts}.
-- needs: lineage run --profile quick (six networks and more)
-- each: experiment
-- x: milliseconds per image on this machine (median)
-- y: test accuracy, %
-- xscale: log
SELECT x, y, low, high, series, line, designer, colour, marker, label, priority, hover, sides, fronts, data, steps, named
FROM accuracy_against_cost
WHERE profile = :profile AND experiment = :experiment AND cost = 'ms' AND here = :here AND arms >= 6
ORDER BY marker DESC, series, x
