"""Driving runs: starting, resuming, what makes a run the same, what it says at its end.

Imports executors, plugins and everything below; no report, no command line.
"""

from heliostat.worker.instructions import hold, loaded

if not loaded():
    hold()  # before a driver's own imports load libraries; with others, each run says so
