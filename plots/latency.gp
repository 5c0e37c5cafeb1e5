# Time of one forward pass against multiply-accumulates.
TABLE = ARG1
OUT = ARG2
COLUMN = ARG3
load "plots/style.gp"
set logscale xy
set format x "%.0s%c"
set xlabel "multiply-accumulates per image"
set ylabel "milliseconds on this machine (median, p10 to p90)"
set offsets graph 0.08, graph 0.2, graph 0.02, graph 0.02
pick(kind) = strcol(2) eq kind ? column(6) : NaN
plot TABLE using (pick("human")):3:4:5 skip 1 with yerrorbars pointtype 7 pointsize 1.1 linecolor rgb HUMAN title "human-designed", \
     TABLE using (pick("searched")):3:4:5 skip 1 with yerrorbars pointtype 9 pointsize 1.4 linecolor rgb SEARCHED title "searched", \
     TABLE using 6:3:1 skip 1 with labels offset 0.8,0.7 left font ",11" notitle
