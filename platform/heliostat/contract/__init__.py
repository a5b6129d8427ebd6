"""What authors of methods import: the protocols of a search and a task, specs, parts, sections.

Imports process (guards), store (a run as reports see it), values, errors, names and terminal.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from heliostat.contract.commands import (
        json_option,
        next_command,
        print_json,
        runs_option,
    )
    from heliostat.contract.config import (
        EXTENDABLE,
        MethodConfig,
        part_refs,
        plain,
        validate,
        without_none,
    )
    from heliostat.contract.files import regular_file
    from heliostat.contract.finding import Finding
    from heliostat.contract.hooks import hookimpl
    from heliostat.contract.lazy import lazy_names
    from heliostat.contract.method import MethodSpec, Metric, ProductSpec
    from heliostat.contract.part import (
        Dataset,
        Layer,
        Loss,
        Model,
        NoParameters,
        PartKind,
        PartRef,
        PartSpec,
        Sampler,
        Score,
    )
    from heliostat.contract.run import Run, SharedData
    from heliostat.contract.sections import (
        Folded,
        Frames,
        HeatMap,
        Image,
        Picture,
        Plot,
        Section,
        Series,
        Table,
        Text,
    )
    from heliostat.contract.task import Resources, Task, TaskContext
    from heliostat.contract.toml_text import toml_value
    from heliostat.contract.within import Within
    from heliostat.store.folder import RunFolder, find, folders, runs_root
    from heliostat.store.view import RunView
    from heliostat.terminal import say
    from heliostat.values.canonical import Artifact, Shared, digest
    from heliostat.values.names import stored, task
    from heliostat.values.outcome import Failure, Outcome
    from heliostat.values.streams import Name, stream

# Loaded when first used, so that a verb's help needs neither numpy nor pydantic.
_HOMES = {
    **dict.fromkeys(
        ("json_option", "next_command", "print_json", "runs_option"), "contract.commands"
    ),
    **dict.fromkeys(
        ("EXTENDABLE", "MethodConfig", "part_refs", "plain", "validate", "without_none"),
        "contract.config",
    ),
    "regular_file": "contract.files",
    "Finding": "contract.finding",
    "toml_value": "contract.toml_text",
    "Within": "contract.within",
    "hookimpl": "contract.hooks",
    "lazy_names": "contract.lazy",
    **dict.fromkeys(("MethodSpec", "Metric", "ProductSpec"), "contract.method"),
    **dict.fromkeys(
        ("Dataset", "Layer", "Loss", "Model", "NoParameters", "PartKind", "PartRef", "PartSpec",
         "Sampler", "Score"),
        "contract.part",
    ),
    **dict.fromkeys(("Run", "SharedData"), "contract.run"),
    **dict.fromkeys(
        ("Folded", "Frames", "HeatMap", "Image", "Picture", "Plot", "Section", "Series", "Table",
         "Text"),
        "contract.sections",
    ),
    **dict.fromkeys(("Resources", "Task", "TaskContext"), "contract.task"),
    **dict.fromkeys(("RunFolder", "find", "folders", "runs_root"), "store.folder"),
    "RunView": "store.view",
    "say": "terminal",
    **dict.fromkeys(("Artifact", "Shared", "digest"), "values.canonical"),
    **dict.fromkeys(("stored", "task"), "values.names"),
    **dict.fromkeys(("Failure", "Outcome"), "values.outcome"),
    **dict.fromkeys(("Name", "stream"), "values.streams"),
}  # fmt: skip

__all__ = [
    "EXTENDABLE", "Artifact", "Dataset", "Failure", "Finding", "Folded", "Frames", "HeatMap",
    "Image", "Layer", "Loss", "MethodConfig", "MethodSpec", "Metric", "Model", "Name",
    "NoParameters", "Outcome", "PartKind", "PartRef", "PartSpec", "Picture", "Plot", "ProductSpec",
    "Resources", "Run", "RunFolder", "RunView", "Sampler", "Score", "Section", "Series", "Shared",
    "SharedData", "Table", "Task", "TaskContext", "Text", "Within", "digest", "find", "folders",
    "hookimpl", "json_option", "lazy_names", "next_command", "part_refs", "plain", "print_json",
    "regular_file", "runs_option", "runs_root", "say", "stored", "stream", "task", "toml_value",
    "validate", "without_none",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'heliostat.contract' has no attribute {name!r}")
    return getattr(importlib.import_module(f"heliostat.{_HOMES[name]}"), name)
