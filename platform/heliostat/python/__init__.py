"""Runs from Python and notebooks: started, resumed, opened, listed, shown.

Imports cli (its display and what names a target), report and everything below. Nothing here ends
the process or reads the command line; what goes wrong is raised, as `heliostat.errors` has it.
"""
