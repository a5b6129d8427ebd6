"""Heliostat: a paper's method becomes a plugin that gives the same result wherever it runs."""

from heliostat.config import EXTENDABLE, MethodConfig
from heliostat.encoding import Artifact, Shared
from heliostat.errors import ConfigError, DataError, HeliostatError, TaskError
from heliostat.hookspecs import hookimpl
from heliostat.methods import MethodSpec, Metric, ProductSpec
from heliostat.outcome import Failure, Outcome
from heliostat.parts import PartKind, PartRef, PartSpec
from heliostat.run import Run
from heliostat.task import Resources, Task, TaskContext

__all__ = [
    "EXTENDABLE",
    "Artifact",
    "ConfigError",
    "DataError",
    "Failure",
    "HeliostatError",
    "MethodConfig",
    "MethodSpec",
    "Metric",
    "Outcome",
    "PartKind",
    "PartRef",
    "PartSpec",
    "ProductSpec",
    "Resources",
    "Run",
    "Shared",
    "Task",
    "TaskContext",
    "TaskError",
    "hookimpl",
]
