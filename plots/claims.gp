plot @POINTS
