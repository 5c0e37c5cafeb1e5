# Legend, lines to labels and all texts of a figure, at pixels from the top left. Loaded after plots/NAME.gp.
unset logscale
unset arrow
set lmargin at screen 0
set rmargin at screen 1
set tmargin at screen 1
set bmargin at screen 0
set xrange [0:WIDTH]
set yrange [HEIGHT:0]
unset border
unset tics
unset grid
set datafile nocolumnheaders
big = sprintf(",%.2f", FONT * SCALE)
small = sprintf(",%.2f", SMALL * SCALE)
words = IS_TEX ? TEX : TEXTS
at(kind) = column(3) == kind ? column(1) : NaN
plot for [d = 1:DASH_KINDS] SEGMENTS using 1:2:($4 == d + 1 ? $3 : NaN) with lines linewidth 2 dashtype d linecolor rgb variable, \
     SEGMENTS using 1:($4 == 1 ? $2 : NaN) with lines linewidth 0.6 linecolor rgb 0x888888, \
     LEGEND using 1:2:(POINT*$5):3:4 with points pointtype variable pointsize variable linewidth 1.5 linecolor rgb variable, \
     words using (at(0)):2:4 with labels left font big textcolor rgb INK, \
     words using (at(1)):2:4 with labels left font small textcolor rgb INK, \
     words using (at(2)):2:4 with labels center font big textcolor rgb INK, \
     words using (at(3)):2:4 with labels center font small textcolor rgb INK, \
     words using (at(4)):2:4 with labels right font big textcolor rgb INK, \
     words using (at(5)):2:4 with labels right font small textcolor rgb INK
unset multiplot
