"""What a run becomes in MLflow: parameters, tags and points; nothing here needs MLflow."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from heliostat.contract import RunView

MOST = 500
"""Characters of a parameter's value that any MLflow server takes."""

_FORBIDDEN = re.compile(r"[^\w.\-/ ]")


class Point(NamedTuple):
    """One value of a metric."""

    name: str
    value: float
    step: int


def parameters(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a configuration as flat text: sections joined by dots, values as JSON."""
    found: dict[str, str] = {}
    for name, value in config.items():
        if isinstance(value, Mapping) and value:
            found |= parameters(value, f"{prefix}{name}.")
        else:
            text = value if isinstance(value, str) else json.dumps(value)
            found[f"{prefix}{name}"] = text if len(text) <= MOST else text[: MOST - 3] + "..."
    return found


def tags(view: RunView) -> dict[str, str]:
    """Return what names a run and its result."""
    found = {"heliostat.run": view.id, "heliostat.method": view.method,
             "heliostat.seed": str(view.seed), "heliostat.state": view.state,
             "heliostat.code": view.code}  # fmt: skip
    if view.digest:
        found["heliostat.digest"] = view.digest
    return found


def points(view: RunView) -> Iterator[Point]:
    """Yield all metrics so far; those of a sub-search have its key in front."""
    for scope in view.scopes():
        prefix = "".join(f"{number}." for number in scope)
        for name, values in view.metrics(scope).items():
            for step, value in values:
                if math.isfinite(value):  # databases behind MLflow keep no NaN
                    yield Point(_FORBIDDEN.sub("_", f"{prefix}{name}"), float(value), step)
