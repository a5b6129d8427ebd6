"""What a run becomes in MLflow: parameters, tags and points; nothing here needs MLflow."""

from __future__ import annotations

import json
import math
import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from heliostat.contract import RunView

MOST = 500
"""Characters of a value that any MLflow server takes."""

LONGEST = 240
"""Characters of a name; servers take 250, and equal ones get a number behind."""

_FORBIDDEN = re.compile(r"[^A-Za-z0-9_.\-/ ]")


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    step: int


class Names:
    """Legal names in MLflow: the same for the same, and never one for two.

    A server takes some characters alone, no name that is no path (`a//b`, `../a`), and may keep
    names in files, where capitals are alike.
    """

    def __init__(self) -> None:
        self._given: dict[str, str] = {}
        self._taken: set[str] = set()

    def legal(self, name: str) -> str:
        """Return the name, or one as like it as may be."""
        if name not in self._given:
            wanted = _legal(name)
            chosen, number = wanted, 1
            while chosen.casefold() in self._taken:
                number += 1
                chosen = f"{wanted}_{number}"
            self._taken.add(chosen.casefold())
            self._given[name] = chosen
        return self._given[name]


def _legal(name: str) -> str:
    found = _FORBIDDEN.sub("_", name)[:LONGEST].strip() or "_"
    if posixpath.normpath(found) != found or found.startswith((".", "/")):
        found = found.replace("/", "_").lstrip(".") or "_"
    return found


def parameters(config: Mapping[str, Any]) -> dict[str, str]:
    """Return a configuration as flat text: sections joined by dots, values as JSON."""
    names = Names()
    return {names.legal(name): text for name, text in _flat(config, "")}


def _flat(config: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", cut(value if isinstance(value, str) else json.dumps(value))


def cut(text: str) -> str:
    """Return a value that a server takes."""
    return text if len(text) <= MOST else text[: MOST - 3] + "..."


def tags(view: RunView) -> dict[str, str]:
    """Return what names a run and its result, with what people wrote about it."""
    marks = view.marks
    found = {"heliostat.run": view.id, "heliostat.method": view.method,
             "heliostat.seed": str(view.seed), "heliostat.state": view.state,
             "heliostat.code": view.code, "heliostat.on": view.about.on,
             "heliostat.digest": view.digest or "", "heliostat.error": cut(view.error),
             "mlflow.note.content": cut(marks.note)}  # fmt: skip
    found |= {f"heliostat.tag.{key}": value for key, value in marks.tags.items()}
    return {name: text for name, text in found.items() if text}


def points(view: RunView, names: Names) -> Iterator[Point]:
    """Yield all metrics so far; those of a sub-search have its key in front."""
    for scope in view.scopes():
        prefix = "".join(f"{number}." for number in scope)
        for name, values in view.metrics(scope).items():
            for step, value in values:
                if math.isfinite(value):  # databases behind MLflow keep no NaN
                    yield Point(names.legal(f"{prefix}{name}"), float(value), step)
