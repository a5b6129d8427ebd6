"""What a plugin hands over for one method."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

if TYPE_CHECKING:
    import click

    from heliostat.report.sections import Section
    from heliostat.runs import RunView


@dataclass(frozen=True)
class Metric:
    """One number of a result: `direction` is "min" or "max", `unit` is shown beside it."""

    direction: str = "min"
    unit: str = ""
    format: str = ".4g"


@dataclass(frozen=True)
class ProductSpec:
    """A kind of thing that a run leaves for other methods.

    `kind` is a part kind, so that ``loss = "run:ID"`` finds it; `build(value)` makes the part from
    what `run.save(name, value, kind=kind)` stored.
    """

    kind: str
    summary: str
    build: Callable[[Any], Any]


@dataclass(frozen=True)
class MethodSpec:
    """A method: its typed configuration, its search and how its result is shown.

    `search(config, run)` returns an encodable value. `summary(result, run_id)` is what a terminal
    shows at the end; `report(view)` makes the sections of the HTML report. `presets` are
    configurations by name; "smoke" ends within seconds. `unit` names what `run.report(count=...)`
    counts. `version` and `migrate(config, version)` read configurations of older versions.
    """

    name: str
    summary: str
    paper: str
    config: type[BaseModel]
    search: Callable[[Any, Any], Any]
    outputs: Mapping[str, Metric] = field(default_factory=dict)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    products: Sequence[ProductSpec] = ()
    report: Callable[[RunView], Sequence[Section]] | None = None
    describe: Callable[[Any, str], str] | None = None
    commands: Sequence[click.Command] = ()
    unit: str = "items"
    version: int = 1
    migrate: Callable[[Mapping[str, Any], int], Mapping[str, Any]] | None = None
