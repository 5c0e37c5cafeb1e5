set arrow from 0, graph 0 to 0, graph 1 nohead linecolor rgb INK linewidth 1
plot @XBARS, @POINTS
