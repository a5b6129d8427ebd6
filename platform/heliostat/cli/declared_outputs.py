"""The declared outputs of a result: what a terminal shows of a method without words of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from heliostat.contract.method import MethodSpec, Metric
from heliostat.terminal import printable

LONGEST_VALUE = 60


def declared_outputs(method: MethodSpec, result: Any) -> str:
    """Return a line for each declared output that the result has, empty when it has none."""
    if not isinstance(result, Mapping):
        return ""
    found = {name: metric for name, metric in method.outputs.items() if name in result}
    width = max(map(len, found), default=0) + 2
    lines = [
        f"{name:<{width}}{_shown(result[name], metric)} {metric.unit}".rstrip()
        for name, metric in found.items()
    ]
    return "\n".join(map(printable, lines))


def _shown(value: object, metric: Metric) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        try:
            return format(value, metric.format)
        except ValueError:  # the format is a stranger's
            return repr(value)
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else text[: LONGEST_VALUE - 3] + "..."
