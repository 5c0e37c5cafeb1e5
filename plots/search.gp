# Best proxy score against evaluations: median and interquartile range.
TABLE = ARG1
OUT = ARG2
COLUMN = ARG3
load "plots/style.gp"
set xlabel "evaluations"
stats TABLE using 2 skip 1 nooutput
set xtics ceil(STATS_max / 10.0)
set ylabel "best validation accuracy so far, % (proxy)"
set offsets graph 0.03, graph 0.03, graph 0.05, graph 0.05
set style fill transparent solid 0.18 noborder
pick(name) = strcol(1) eq name || strcol(1) eq "regularized_".name ? column(2) : 1/0
plot TABLE using (pick("random")):4:5 skip 1 with filledcurves linecolor rgb HUMAN notitle, \
     TABLE using (pick("evolution")):4:5 skip 1 with filledcurves linecolor rgb SEARCHED notitle, \
     TABLE using (pick("random")):3 skip 1 with linespoints pointtype 7 linecolor rgb HUMAN linewidth 2 dashtype 2 title "random search", \
     TABLE using (pick("evolution")):3 skip 1 with linespoints pointtype 9 linecolor rgb SEARCHED linewidth 2 title "regularised evolution"
