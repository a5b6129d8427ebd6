"""Runs and calls of one plugin, in processes that may end badly; imports the core and `verdict`."""
