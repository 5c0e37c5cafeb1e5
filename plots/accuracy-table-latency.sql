-- title: Accuracy against the latency by a table of operations ({experiment})
-- caption: Test accuracy of networks trained here with one recipe ({data}), mean over seeds; bars: Student's 95 % interval of the mean over
--   seeds (from 3 seeds on). The latency is the sum of a table of operations that was measured on one CPU. {steps}{named}
-- section: experiment
-- alt: Test accuracy against the latency by a table of operations of the networks of the experiment "{experiment}", {sides}, {fronts}.
-- needs: lineage run mnas-front --profile full
-- each: experiment
-- x: milliseconds per image, by the table
-- y: test accuracy, %
-- xscale: log
SELECT x, y, low, high, series, line, designer, colour, marker, label, priority, hover, sides, fronts, data, steps, named
FROM accuracy_against_cost
WHERE profile = :profile AND experiment = :experiment AND cost = 'table ms'
ORDER BY marker DESC, series, x
