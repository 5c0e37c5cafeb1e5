# Mean score of the best 1, 5 and 25 architectures against trials, as Figure 3 of Liu et al. 2018 (PNAS).
TABLE = ARG1
OUT = ARG2
load "plots/style.gp"
NAMES = system(sprintf("tail -n +2 '%s' | cut -f 1 | uniq", TABLE))
array COLOURS[8] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"]
colour(i) = COLOURS[(i - 1) % 8 + 1]
set xlabel "trials"
set ylabel "mean score of the best 1, 5, 25, %"
# The first trials would hide the differences later.
stats TABLE using 5 skip 1 nooutput
set yrange [floor(STATS_lo_quartile) - 1:]
pick(name, c) = strcol(1) eq name ? column(c) : 1/0
plot for [i = 1:words(NAMES)] TABLE using (pick(word(NAMES, i), 2)):3 skip 1 with lines linewidth 2 linecolor rgb colour(i) title word(NAMES, i), \
     for [i = 1:words(NAMES)] TABLE using (pick(word(NAMES, i), 2)):4 skip 1 with lines linewidth 1.5 dashtype 2 linecolor rgb colour(i) notitle, \
     for [i = 1:words(NAMES)] TABLE using (pick(word(NAMES, i), 2)):5 skip 1 with lines linewidth 1 dashtype 3 linecolor rgb colour(i) notitle
