# Test accuracy of the small forms against parameters (column 3) or multiply-accumulates (column 4).
TABLE = ARG1
OUT = ARG2
COLUMN = ARG3
load "plots/style.gp"
c = int(COLUMN)
set logscale x
set format x "%.0s%c"
axis = c == 3 ? "parameters" : "multiply-accumulates per image"
set xlabel axis
set ylabel "test accuracy, % (reduced scale, Fashion-MNIST)"
set offsets graph 0.08, graph 0.2, graph 0.06, graph 0.06
front = c == 3 ? 13 : 14
pick(kind) = strcol(2) eq kind ? column(c) : NaN
set table $FRONT separator "\t"
plot TABLE using (column(c)):8 skip 1 with table if (column(front) == 1)
unset table
# Labels of every other network below its point: neighbours in the table often lie close together.
plot $FRONT using 1:2 smooth unique with lines linecolor rgb "#888888" dashtype 2 linewidth 2 title "Pareto front", \
     TABLE using (pick("human")):8:10:11 skip 1 with yerrorbars pointtype 7 pointsize 1.1 linecolor rgb HUMAN title "human-designed", \
     TABLE using (pick("searched")):8:10:11 skip 1 with yerrorbars pointtype 9 pointsize 1.4 linecolor rgb SEARCHED title "searched", \
     TABLE using c:8:1 skip 1 every 2::0 with labels offset 0.8,0.7 left font ",11" notitle, \
     TABLE using c:8:1 skip 1 every 2::1 with labels offset 0.8,-0.8 left font ",11" notitle
