"""How good a model is: overlap, boundaries, agreement of the measures, calibration, screening."""
