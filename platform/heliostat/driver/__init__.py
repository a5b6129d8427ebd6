"""Driving runs: starting, resuming, what makes a run the same, what it says at its end.

Imports executors, plugins and everything below; no report, no command line.
"""

from heliostat.worker.instructions import hold_early

hold_early()  # before a driver's own imports load libraries
