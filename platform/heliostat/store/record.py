"""The record of a run: what it is, what it goes by and how it ended, as one typed value.

It is stored whole, as one JSON text, and checked whole when it is read: a run folder may come from
anywhere.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError

from heliostat.errors import CorruptStore, shown
from heliostat.names import COLLECTION


def _environment(values: dict[str, Any]) -> dict[str, Any]:
    for name in ("cpu", "versions", "variables"):
        if not isinstance(values.get(name, {}), dict):
            raise ValueError(f"an object as {name}")
    return values


def _package(name: str) -> str:
    """A package, or one of a collection: to look for an inner one imports those around it."""
    if not name.removeprefix(f"{COLLECTION}.").isidentifier():
        raise ValueError("the name of a package")
    return name


@dataclass(frozen=True)
class UsedPlugin:
    """A plugin besides the built-in ones that was loaded."""

    name: str
    distribution: str
    version: str


@dataclass(frozen=True)
class RunRecord:
    """All that is recorded of a run beside its outcomes."""

    method: str
    config: dict[str, Any]
    seed: Annotated[int, Field(ge=0)] = 0
    lookahead: Annotated[int, Field(ge=1)] = 1
    method_version: Annotated[int, Field(ge=1)] = 1
    preset: str = ""
    inputs: dict[str, str] = field(default_factory=dict)
    """The hashes of files and products that the configuration names."""
    on: str = ""
    """What it runs on, for lists: its data sets, or what its method says."""
    goals: dict[str, Literal["min", "max"]] = field(default_factory=dict)
    """What its method makes small or large, the goals by default first."""
    best: dict[str, float] = field(default_factory=dict)
    """The goals of its method as a finished run came to them."""
    directory: str = "."
    """Where the run began: relative paths are meant from there."""
    folder: str = ""
    """Where its own folder was then; runs before it was recorded have none."""
    forked_from: str = ""
    """The run that it shares outcomes with, and the key up to which."""
    packages: tuple[Annotated[str, AfterValidator(_package)], ...] = ()
    sources: dict[str, str] = field(default_factory=dict)
    """The hash of each source file of these packages."""
    fingerprint: str = ""
    created: Annotated[float, Field(ge=0, lt=1e11)] = 0.0
    """Seconds since 1970."""
    command: str = ""
    numerics: str = ""
    """The instruction level that it was begun at; runs before there was a choice have none."""
    environment: Annotated[dict[str, Any], AfterValidator(_environment)] = field(
        default_factory=dict
    )
    plugins: tuple[UsedPlugin, ...] = ()
    labels: tuple[str, ...] = ()
    """What the result depends on besides the configuration."""
    extended: bool = False
    """Whether its budget grew, so that some keys are asked anew."""
    retried: dict[str, int] = field(default_factory=dict)
    """How many failures of the machine were asked again, by kind."""
    superseded_after: tuple[int, ...] | None = None
    """The first key that was asked again; what comes after it may be asked anew."""
    starts: Annotated[int, Field(ge=0)] = 0
    state: Literal["running", "finished", "failed", "interrupted", "paused"] = "running"
    error: str = ""
    result: str | None = None
    """What the search returned: canonical text, or the marker of an artifact."""
    digest: str | None = None
    rows: dict[str, int] = field(default_factory=dict)
    """How many metrics and products a finished run ended with: they enter no digest."""
    spent: Annotated[float, Field(ge=0)] = 0.0
    """Seconds of all starts that came to an end of their own; a killed one says none."""
    last_start: dict[str, Any] = field(default_factory=dict)
    """The account of the last driver: seconds, evaluated, replayed, executor."""

    def text(self) -> str:
        """Return the form that is stored."""
        return json.dumps(asdict(self))


_READ = TypeAdapter(RunRecord)


def record_in(database: Path, text: str) -> RunRecord:
    """Return the record that a text holds; raises CorruptStore naming the first field at fault."""
    where = f"{database}: table run, record"
    try:
        return _READ.validate_python(json.loads(text))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(map(str, first["loc"]))
        place = f"{where}, {name}" if name else where
        if first["type"] == "missing":
            raise CorruptStore(place, "a value", "nothing") from error
        expected = first["msg"].removeprefix("Input should be ").removeprefix("Value error, ")
        raise CorruptStore(place, expected, shown(first["input"])) from error
    except (ValueError, RecursionError) as error:
        raise CorruptStore(where, "a JSON object", shown(text)) from error
