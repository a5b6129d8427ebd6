"""Heliostat runs in MLflow: an observer."""
