# The looks of all figures: axes, grid and what their scripts plot with. Loaded before plots/NAME.gp, after the layout, which sets ranges,
# ticks (without texts) and the names below in capitals. Texts stand in plots/texts.gp.
INK = 0x1f2328   # the page's colour of text replaces it in SVG
GRID = 0xd9d9d9
set encoding utf8
set multiplot
set lmargin at screen LEFT
set rmargin at screen RIGHT
set tmargin at screen TOP
set bmargin at screen BOTTOM
if (XLOG) set logscale x
if (YLOG) set logscale y
set xrange [X0:X1]
set yrange [Y0:Y1]
set format ""
set border 3 linecolor rgb INK linewidth 0.8
set tics nomirror out scale 0.5
set grid linecolor rgb GRID linetype 1 linewidth 0.8
unset key
set datafile separator "\t"
set datafile commentschars ""
set datafile missing "NaN"
set datafile columnheaders
set style fill solid 0.85 noborder
# plot @LINES, @POINTS ...: lines join rows of one `line`; STEPS are lines that go level, then up; bars reach from low to high.
# Lines of one colour have dashes of their own.
LINES = 'for [s = 0:SERIES - 1] DATA using "x":(column("n") == s ? column("y") : NaN):"colour" with lines linewidth 2 dashtype DASH[s + 1] linecolor rgb variable'
DASHES = 'DATA using "x":"y":"colour" with lines linewidth 1.5 dashtype 2 linecolor rgb variable'
STEPS = 'for [s = 0:SERIES - 1] DATA using (column("n") == s ? column("x") : NaN):"y" with steps linewidth 1.8 dashtype DASH[s + 1] linecolor rgb COLOUR[s + 1]'
POINTS = 'DATA using (column("x")):(column("mark")):(POINT*column("size")):(column("shape")):(column("colour")) with points pointtype variable pointsize variable linewidth 1.5 linecolor rgb variable'
BARS = 'DATA using "x":"mark":"low":"high":"colour" with yerrorbars pointtype 0 linewidth 1.2 linecolor rgb variable'
XBARS = 'DATA using "x":"mark":"low":"high":"colour" with xerrorbars pointtype 0 linewidth 1.6 linecolor rgb variable'
# Level lines from 0 to x, one a category.
STEMS = 'DATA using (0):"mark":"x":(0):"colour" with vectors nohead linewidth 1.2 linecolor rgb variable'
# Bands from low to high around each series.
BANDS = 'for [s = 0:SERIES - 1] DATA using (column("n") == s ? column("x") : NaN):"low":"high" with filledcurves fillcolor rgb COLOUR[s + 1] fillstyle transparent solid 0.15 noborder'
