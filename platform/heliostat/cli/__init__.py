"""The command line: data on standard output, progress and messages on standard error."""

from heliostat.cli.main import main

__all__ = ["main"]
