plot DATA using (column("part") == 3 ? column("x") : NaN):(Y0):(0):(Y1 - Y0) with vectors nohead linecolor rgb INK linewidth 1, \
    @XBARS, @POINTS
