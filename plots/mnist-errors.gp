plot @LEVELS
