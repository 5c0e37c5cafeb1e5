plot @BARS, @POINTS
