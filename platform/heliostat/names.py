"""Names that the whole core goes by: its verbs, and what a method may be called.

A leaf, so that any room can know them without knowing the command line.
"""

from __future__ import annotations

import re

PROJECT = "heliostat"
"""The project's name for pluggy, and what its own plugins are distributed with."""
FAMILY = "heliostat.plugins"
"""What the entry point groups of all versions of the hooks begin with."""
GROUP = f"{FAMILY}.v1"
"""The entry point group; the version of the hooks is part of its name."""
COLLECTION = "heliostat_methods"
"""The package that lists the plugins of this distribution; each package in it is one of them."""

_METHOD = r"[a-z][a-z0-9_]{0,63}\Z"  # compiled when first used: help needs none


def is_method_name(name: object) -> bool:
    """Return whether a name may be a method's: it is part of folder names and commands."""
    return isinstance(name, str) and re.match(_METHOD, name) is not None


VERBS: dict[str, tuple[str, str]] = {
    "run": ("heliostat.cli.verbs.run", "Run a method, or a configuration file."),
    "resume": ("heliostat.cli.verbs.run", "Go on with a run that was stopped or killed."),
    "tune": ("heliostat.cli.verbs.tune", "Search a method's configuration for its best result."),
    "fork": ("heliostat.cli.verbs.fork", "Begin a run with the outcomes of another one."),
    "note": ("heliostat.cli.verbs.note", "Name a run, write about it, tag it."),
    "rm": ("heliostat.cli.verbs.clear", "Remove runs."),
    "du": ("heliostat.cli.verbs.clear", "Show what runs take on disk."),
    "ls": ("heliostat.cli.verbs.ls", "List runs, newest first."),
    "watch": ("heliostat.cli.verbs.watch", "Follow a run that goes on elsewhere."),
    "show": ("heliostat.cli.verbs.inspect", "Show a run, or one of its outcomes."),
    "log": ("heliostat.cli.verbs.log", "Print what happened to a run."),
    "ui": ("heliostat.cli.verbs.ui", "Show runs in a browser, live."),
    "compare": ("heliostat.cli.verbs.compare", "Compare two runs: configuration, digest, result."),
    "report": ("heliostat.cli.verbs.inspect", "Write the HTML report of a run."),
    "export": ("heliostat.cli.verbs.export", "Write a run's outcomes as JSON lines or CSV."),
    "verify": ("heliostat.cli.verbs.verify", "Evaluate journaled items again and compare bytes."),
    "methods": ("heliostat.cli.verbs.plugins", "List methods, or describe one."),
    "parts": ("heliostat.cli.verbs.plugins", "List data sets, models, losses and other parts."),
    "plugins": ("heliostat.cli.verbs.plugins", "List plugins and what became of each."),
    "config": ("heliostat.cli.verbs.config", "Write or check configuration files."),
    "cluster": ("heliostat.cli.verbs.cluster", "Check a cluster file; fetch runs from a cluster."),
    "doctor": ("heliostat.cli.verbs.doctor", "Check this machine and say what to mend."),
}
"""Verb: the module that implements it, imported only when it is used, and its help."""

SUGGESTED = tuple(name for name in VERBS if name != "rm")
"""Verbs that are offered in place of one that does not exist: none that removes anything."""
