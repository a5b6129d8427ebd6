"""Compiled layers, metrics and the meta step; may import `population`."""
