"""Heliostat: a paper's method becomes a plugin that gives the same result wherever it runs."""

from __future__ import annotations

import importlib
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from heliostat.distributions import read_tolerantly

if TYPE_CHECKING:
    from heliostat.contract.config import EXTENDABLE, MethodConfig
    from heliostat.contract.hooks import hookimpl
    from heliostat.contract.method import MethodSpec, Metric, ProductSpec
    from heliostat.contract.part import PartKind, PartRef, PartSpec
    from heliostat.contract.run import Run
    from heliostat.contract.task import Resources, Task, TaskContext
    from heliostat.errors import ConfigError, DataError, HeliostatError, Interrupted, TaskError
    from heliostat.plugins.registry import registry
    from heliostat.python.handle import RunHandle
    from heliostat.python.listing import open, runs
    from heliostat.python.starting import resume, run
    from heliostat.python.tuning import tune
    from heliostat.values.canonical import Artifact, Shared
    from heliostat.values.names import stored, task
    from heliostat.values.outcome import Failure, Outcome

read_tolerantly()  # before any library that reads what is installed, in workers too

_DISPATCHING = ("numpy", "scipy", "torch", "numba", "llvmlite", "sklearn", "pyarrow")
"""As `heliostat.contract.instructions` has it, whose import costs more than this whole module."""


class _BeforeLibraries:
    """Holds the process to its level when the first numerical library is looked for.

    So whoever imports heliostat before numpy has equal bits on other CPUs; until then nothing of
    the environment is touched, and a command may still choose another level.
    """

    @classmethod
    def find_spec(cls, name: str, path: object = None, target: object = None) -> None:
        """Find nothing: the library is found by those who come after."""
        if name in _DISPATCHING and cls in sys.meta_path:
            sys.meta_path.remove(cls)
            instructions = importlib.import_module("heliostat.worker.instructions")
            with suppress(Exception):  # a level that is none is told when a run begins
                instructions.hold_early()


# A Ray worker is held by its driver: what its node says otherwise has to be seen.
_IN_RAY_WORKER = os.path.basename(getattr(sys, "argv", [""])[0]) == "default_worker.py"
if not _IN_RAY_WORKER:
    sys.meta_path.insert(0, _BeforeLibraries)

# Loaded when first used: `heliostat --help` needs none of numpy, pydantic and pluggy.
_HOMES = {
    "EXTENDABLE": "contract.config",
    "Artifact": "values.canonical",
    "ConfigError": "errors",
    "DataError": "errors",
    "Failure": "values.outcome",
    "HeliostatError": "errors",
    "Interrupted": "errors",
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
    "RunHandle": "python.handle",
    "Shared": "values.canonical",
    "Task": "contract.task",
    "TaskContext": "contract.task",
    "TaskError": "errors",
    "hookimpl": "contract.hooks",
    "open": "python.listing",
    "registry": "plugins.registry",
    "resume": "python.starting",
    "run": "python.starting",
    "runs": "python.listing",
    "stored": "values.names",
    "task": "values.names",
    "tune": "python.tuning",
}

__all__ = [
    "EXTENDABLE",
    "Artifact",
    "ConfigError",
    "DataError",
    "Failure",
    "HeliostatError",
    "Interrupted",
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
    "RunHandle",
    "Shared",
    "Task",
    "TaskContext",
    "TaskError",
    "hookimpl",
    "open",
    "registry",
    "resume",
    "run",
    "runs",
    "stored",
    "task",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heliostat' has no attribute {name!r}")
    return getattr(importlib.import_module(f"heliostat.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
