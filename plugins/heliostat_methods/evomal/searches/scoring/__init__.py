"""Scoring of a generation, and what saves some of it; may import `searches.settings`."""
