# Published ImageNet accuracy against parameters (column 5) or multiply-accumulates (column 6); hollow points: published.
TABLE = ARG1
OUT = ARG2
COLUMN = ARG3
load "plots/style.gp"
c = int(COLUMN)
set terminal svg size 820,640 font "sans-serif,13" background "white" noenhanced
set logscale x
set format x "%.0s%c"
axis = c == 5 ? "parameters" : "multiply-accumulates per image"
set xlabel axis
set ylabel "published ImageNet top-1 accuracy, %"
set offsets graph 0.05, graph 0.2, graph 0.04, graph 0.04
pick(kind) = strcol(2) eq kind ? column(c) : NaN
plot TABLE using (pick("human")):4 skip 1 with points pointtype 6 pointsize 1.1 linecolor rgb HUMAN title "human-designed (published)", \
     TABLE using (pick("searched")):4 skip 1 with points pointtype 8 pointsize 1.4 linecolor rgb SEARCHED title "searched (published)", \
     TABLE using c:4:1 skip 1 every 2::0 with labels offset 0.8,0.5 left font ",9" textcolor rgb "#444444" notitle, \
     TABLE using c:4:1 skip 1 every 2::1 with labels offset 0.8,-0.5 left font ",9" textcolor rgb "#444444" notitle
