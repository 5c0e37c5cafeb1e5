# Speed against the fastest other program, and the goals; ARG3: threads.
TABLE = ARG1
OUT = ARG2
THREADS = int(ARG3)
set terminal svg size 820,760 font "sans-serif,13" background "white" noenhanced
set output OUT
set datafile separator "\t"
set datafile missing "-"
set border 3 linecolor rgb "#666666"
set tics nomirror out
set grid linecolor rgb "#dddddd" linetype 1
set key outside top center horizontal
HUMAN = "#0072b2"    # colours of Okabe and Ito, told apart by colour-blind readers
SEARCHED = "#d55e00"
set logscale x 2
set xrange [0.25:8]
set xtics (0.25, 0.5, 0.7, 1, 1.5, 2, 3, 4, 6, 8)
set yrange [] reverse
set offsets 0, 0, 0.7, 0.7
set xlabel sprintf("times as fast as the best peer, %d thread%s (bar: goal)", THREADS, THREADS > 1 ? "s" : "")
set arrow from 1, graph 0 to 1, graph 1 nohead linecolor rgb "#666666"
set key samplen 1 width -6
TRAIN = "#009e73"
infer(b) = strcol(1) eq "infer" && column(3) == THREADS && (b == 1) == (column(4) == 1) ? column(8) : NaN
train(c) = strcol(1) eq "train" && column(3) == THREADS ? column(c) : NaN
plot TABLE using 10:11:ytic(2) skip 1 with points pointtype "|" linecolor rgb "#333333" notitle, \
     TABLE using (infer(1)):11 skip 1 with points pointtype 7 pointsize 1.1 linecolor rgb HUMAN title "inference, batch 1", \
     TABLE using (infer(16)):11 skip 1 with points pointtype 9 pointsize 1.3 linecolor rgb SEARCHED title "larger batch", \
     TABLE using (train(8)):11 skip 1 with points pointtype 5 pointsize 1.1 linecolor rgb TRAIN title "training"
