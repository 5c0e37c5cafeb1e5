plot @BANDS, @STEPS
