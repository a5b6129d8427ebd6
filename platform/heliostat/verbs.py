"""The verbs of the command line: a plugin may not take their names, and help imports none of them.

A leaf, so that the core can know the names without knowing its command line.
"""

from __future__ import annotations

VERBS: dict[str, tuple[str, str]] = {
    "run": ("heliostat.cli.run", "Run a method, or a configuration file."),
    "resume": ("heliostat.cli.run", "Go on with a run that was stopped or killed."),
    "tune": ("heliostat.cli.tune", "Search a method's configuration for its best result."),
    "ls": ("heliostat.cli.inspect", "List runs, newest first."),
    "show": ("heliostat.cli.inspect", "Show a run, or one of its outcomes."),
    "compare": ("heliostat.cli.compare", "Compare two runs: configuration, digest, result."),
    "report": ("heliostat.cli.inspect", "Write the HTML report of a run."),
    "export": ("heliostat.cli.export", "Write a run's outcomes as JSON lines or CSV."),
    "verify": ("heliostat.cli.verify", "Evaluate journaled items again and compare bytes."),
    "methods": ("heliostat.cli.plugins", "List methods, or describe one."),
    "parts": ("heliostat.cli.plugins", "List data sets, models, losses and other parts."),
    "plugins": ("heliostat.cli.plugins", "List plugins and what became of each."),
    "config": ("heliostat.cli.config", "Write or check configuration files."),
    "cluster": ("heliostat.cli.cluster", "Check a cluster file; fetch runs from a cluster."),
    "doctor": ("heliostat.cli.doctor", "Check this machine and say what to mend."),
}
"""Verb: the module that implements it, imported only when it is used, and its help."""
