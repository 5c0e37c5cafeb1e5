# Shared by all figures. Each script is called as: gnuplot -c SCRIPT TABLE OUTPUT [ARGUMENT]
set terminal svg size 820,520 font "sans-serif,13" background "white" noenhanced
set output OUT
set datafile separator "\t"
set datafile missing "-"
set border 3 linecolor rgb "#666666"
set tics nomirror out
set grid linecolor rgb "#dddddd" linetype 1
set key outside top center horizontal
HUMAN = "#0072b2"    # colours of Okabe and Ito, told apart by colour-blind readers
SEARCHED = "#d55e00"
