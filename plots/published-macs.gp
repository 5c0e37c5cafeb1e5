# Dashed lines join the networks of one family.
plot @DASHES, @POINTS
