# Reported accuracy of the best so far against trials or simulated cost: median and interquartile range over seeds, one line a strategy.
TABLE = ARG1
OUT = ARG2
load "plots/style.gp"
NAMES = system(sprintf("tail -n +2 '%s' | cut -f 1 | uniq", TABLE))
AXIS = system(sprintf("head -n 1 '%s' | cut -f 2", TABLE))
array COLOURS[8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]
colour(i) = COLOURS[(i - 1) % 8 + 1]
set xlabel AXIS eq "trials" ? "trials" : "simulated cost, ".AXIS
set ylabel "reported accuracy of the best so far, %"
set style fill transparent solid 0.13 noborder
# The first trials would hide the differences later.
stats TABLE using 10 skip 1 nooutput
LOW = floor(4 * STATS_median) / 4.0 - 0.5
set yrange [LOW:]
pick(name, c) = strcol(1) eq name ? column(c) : 1/0
plot for [i = 1:words(NAMES)] TABLE using (pick(word(NAMES, i), 2)):10:11 skip 1 with filledcurves linecolor rgb colour(i) notitle, \
     for [i = 1:words(NAMES)] TABLE using (pick(word(NAMES, i), 2)):9 skip 1 with lines linewidth 2 linecolor rgb colour(i) \
         title word(NAMES, i)
