"""The options of `explain` and of an analysis, each described once; neither torch nor NumPy is imported."""
