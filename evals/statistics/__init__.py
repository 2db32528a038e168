"""Intervals, paired differences and shares over tasks; scipy and statsmodels do the arithmetic."""
