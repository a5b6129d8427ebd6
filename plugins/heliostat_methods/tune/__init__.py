"""Tuning: search the configuration of any method for the best of its results."""
