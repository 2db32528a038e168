"""Calls of models: retries, fallbacks and hedges, within the time and the money of a run."""
