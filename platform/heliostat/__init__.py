"""Heliostat: a paper's method becomes a plugin that gives the same result wherever it runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliostat.config import EXTENDABLE, MethodConfig
    from heliostat.encoding import Artifact, Shared
    from heliostat.errors import ConfigError, DataError, HeliostatError, TaskError
    from heliostat.hookspecs import hookimpl
    from heliostat.methods import MethodSpec, Metric, ProductSpec
    from heliostat.outcome import Failure, Outcome
    from heliostat.parts import PartKind, PartRef, PartSpec
    from heliostat.run import Run
    from heliostat.task import Resources, Task, TaskContext

# Loaded when first used: `heliostat --help` needs none of numpy, pydantic and pluggy.
_HOMES = {
    "EXTENDABLE": "config",
    "Artifact": "encoding",
    "ConfigError": "errors",
    "DataError": "errors",
    "Failure": "outcome",
    "HeliostatError": "errors",
    "MethodConfig": "config",
    "MethodSpec": "methods",
    "Metric": "methods",
    "Outcome": "outcome",
    "PartKind": "parts",
    "PartRef": "parts",
    "PartSpec": "parts",
    "ProductSpec": "methods",
    "Resources": "task",
    "Run": "run",
    "Shared": "encoding",
    "Task": "task",
    "TaskContext": "task",
    "TaskError": "errors",
    "hookimpl": "hookspecs",
}

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


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heliostat' has no attribute {name!r}")
    return getattr(importlib.import_module(f"heliostat.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
