"""Heliostat: a paper's method becomes a plugin that gives the same result wherever it runs."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from heliostat.distributions import read_tolerantly

if TYPE_CHECKING:
    from heliostat.contract.config import EXTENDABLE, MethodConfig
    from heliostat.contract.hooks import hookimpl
    from heliostat.contract.method import MethodSpec, Metric, ProductSpec
    from heliostat.contract.part import PartKind, PartRef, PartSpec
    from heliostat.contract.run import Run
    from heliostat.contract.task import Resources, Task, TaskContext
    from heliostat.errors import ConfigError, DataError, HeliostatError, TaskError
    from heliostat.plugins.registry import registry
    from heliostat.values.canonical import Artifact, Shared
    from heliostat.values.names import stored, task
    from heliostat.values.outcome import Failure, Outcome

read_tolerantly()  # before any library that reads what is installed, in workers too

# Loaded when first used: `heliostat --help` needs none of numpy, pydantic and pluggy.
_HOMES = {
    "EXTENDABLE": "contract.config",
    "Artifact": "values.canonical",
    "ConfigError": "errors",
    "DataError": "errors",
    "Failure": "values.outcome",
    "HeliostatError": "errors",
    "MethodConfig": "contract.config",
    "MethodSpec": "contract.method",
    "Metric": "contract.method",
    "Outcome": "values.outcome",
    "PartKind": "contract.part",
    "PartRef": "contract.part",
    "PartSpec": "contract.part",
    "ProductSpec": "contract.method",
    "Resources": "contract.task",
    "Run": "contract.run",
    "Shared": "values.canonical",
    "Task": "contract.task",
    "TaskContext": "contract.task",
    "TaskError": "errors",
    "hookimpl": "contract.hooks",
    "registry": "plugins.registry",
    "stored": "values.names",
    "task": "values.names",
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
    "registry",
    "stored",
    "task",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heliostat' has no attribute {name!r}")
    # a script's first use of the door, perhaps; what is behind it loads numerical libraries
    importlib.import_module("heliostat.worker.instructions").hold_early()
    return getattr(importlib.import_module(f"heliostat.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
