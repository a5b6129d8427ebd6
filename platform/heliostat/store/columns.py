"""What the tables of a journal may hold: SQLite keeps any value anywhere, so reading checks."""

from __future__ import annotations

import itertools
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from heliostat.errors import CorruptStore, shown
from heliostat.names import COLLECTION
from heliostat.values.outcome import Failure

_NAMES: dict[type, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bytes: "bytes",
    type(None): "nothing",
}
_TEXT, _WHOLE, _NUMBER, _BYTES = (str,), (int,), (float,), (bytes,)


@dataclass(frozen=True)
class Table:
    """The columns that a query reads from a table, in order, each with the types it may hold."""

    name: str
    columns: Mapping[str, tuple[type, ...]]

    @cached_property
    def kinds(self) -> frozenset[tuple[type, ...]]:
        """The types that a row may have; one look-up checks a whole row."""
        return frozenset(itertools.product(*self.columns.values()))

    def damaged(self, database: object, row: tuple[Any, ...]) -> CorruptStore:
        """Return the error that names the first column of a row that holds something else."""
        if len(row) != len(self.columns):
            return CorruptStore(
                f"{database}: table {self.name}", f"{len(self.columns)} columns", str(len(row))
            )
        for (column, kinds), value in zip(self.columns.items(), row, strict=True):
            if type(value) not in kinds:
                return self.wrong(database, column, " or ".join(_NAMES[k] for k in kinds), value)
        return self.wrong(database, "value", "what was written", row)

    def wrong(self, database: object, column: str, expected: str, value: object) -> CorruptStore:
        """Return the error that names a column, what was expected in it and what it holds."""
        return CorruptStore(
            f"{database}: table {self.name}, column {column}", expected, shown(value)
        )


META = Table("meta", {"value": _TEXT})
OUTCOME = Table(
    "outcome",
    {
        "key": _BYTES,
        "function": _TEXT,
        "item": _TEXT,
        "shared": _TEXT,
        "value": (str, type(None)),
        "failure": (str, type(None)),
        "observed": _WHOLE,
        "seconds": _NUMBER,
        "worker": _TEXT,
        "attempts": _WHOLE,
        "depth": _WHOLE,
    },
)
SEEN = Table(
    "outcome",
    {**OUTCOME.columns, "delivered": (int, type(None)), "call's delivered": (int, type(None))},
)
"""Outcomes beside how much of their call the search saw."""
CALL = Table("call", {"key": _BYTES, "delivered": _WHOLE})
CALL_KEY = Table("call", {"key": _BYTES})
DISOWNED = Table("disowned", {"scope": _BYTES})
CHECKPOINT = Table("checkpoint", {"step": _WHOLE, "counter": _WHOLE, "state": tuple(_NAMES)})
"""A state is sealed, so that a damaged one is noticed by its seal and the one before is used."""
CHECKPOINT_PLACE = Table("checkpoint", {"scope": _BYTES, "counter": _WHOLE})
METRIC = Table(
    "metric",
    {"scope": _BYTES, "step": _WHOLE, "name": _TEXT, "value": (float, type(None))},
)
PRODUCT = Table(
    "product",
    {
        "name": _TEXT,
        "scope": _BYTES,
        "kind": _TEXT,
        "sha256": _TEXT,
        "bytes": _WHOLE,
        "media": _TEXT,
    },
)
EVENT = Table("event", {"time": _NUMBER, "kind": _TEXT, "text": _TEXT})
WORK = Table("outcome", {"worker": _TEXT, "count": _WHOLE, "seconds": _NUMBER})
COUNT = Table("outcome", {"count": _WHOLE})


def failure_in(text: str) -> Failure:
    """Return the failure that a column holds; raises ValueError for any other text."""
    fields = _object(text)
    if not {"kind", "message"} <= fields.keys() <= {"kind", "message", "traceback"}:
        raise ValueError
    return Failure(**_texts(fields))


def hashes_in(text: str) -> tuple[str, ...]:
    """Return the list of texts that a column holds; raises ValueError for any other text."""
    return tuple(_list(text))


# The run's record: named texts in one table, each with a meaning of its own


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _whole(text: str) -> int:
    if not (text.isascii() and text.isdecimal()):
        raise ValueError
    return int(text)


def _positive(text: str) -> int:
    if _whole(text) < 1:
        raise ValueError
    return int(text)


def _moment(text: str) -> float:
    value = float(text)
    if not (math.isfinite(value) and 0 <= value < 1e11):
        raise ValueError
    return value


def _object(text: str) -> dict[str, Any]:
    value = _json(text)
    if not isinstance(value, dict):
        raise ValueError
    return value


def _texts(fields: dict[str, Any]) -> dict[str, str]:
    if not all(isinstance(value, str) for value in fields.values()):
        raise ValueError
    return fields


def _list(text: str) -> list[str]:
    value = _json(text)
    if not (isinstance(value, list) and all(isinstance(one, str) for one in value)):
        raise ValueError
    return value


def _environment(text: str) -> dict[str, Any]:
    fields = _object(text)
    for name in ("cpu", "versions", "variables"):
        if not isinstance(fields.get(name, {}), dict):
            raise ValueError
    return fields


def _packages(text: str) -> list[str]:
    """Packages, or packages of a collection: to look for an inner one imports those around it."""
    names = _list(text)
    if not all(name.removeprefix(f"{COLLECTION}.").isidentifier() for name in names):
        raise ValueError
    return names


def _plugins(text: str) -> list[dict[str, str]]:
    value = _json(text)
    if not isinstance(value, list):
        raise ValueError
    for row in value:
        if not (
            isinstance(row, dict) and {"name", "distribution", "version"} <= _texts(row).keys()
        ):
            raise ValueError
    return value


_RECORD: dict[str, tuple[str, Callable[[str], Any]]] = {
    **dict.fromkeys(("schema", "seed", "method_version", "starts"), ("a whole number", _whole)),
    "lookahead": ("a positive whole number", _positive),
    "created": ("seconds since 1970", _moment),
    **dict.fromkeys(("config", "record"), ("a JSON object", _object)),
    "environment": ("a JSON object with the objects cpu, versions and variables", _environment),
    **dict.fromkeys(
        ("inputs", "sources"), ("a JSON object of texts", lambda text: _texts(_object(text)))
    ),
    "labels": ("a JSON list of texts", _list),
    "packages": ("a JSON list of names of packages", _packages),
    "plugins": ("a JSON list of objects with name, distribution and version", _plugins),
}


def recorded(database: object, name: str, text: str) -> Any:
    """Return what a text of the run's record says; raises CorruptStore for one that says nothing.

    Names that are not in the table are texts as they are.
    """
    expected, read = _RECORD.get(name, ("", str))
    try:
        return read(text)
    except (ValueError, OverflowError) as error:
        raise CorruptStore(f"{database}: table meta, {name}", expected, shown(text)) from error
