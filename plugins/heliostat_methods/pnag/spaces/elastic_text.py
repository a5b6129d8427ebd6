"""The text of an elastic architecture, `depths:kernels:expands`, as OFA and PNAG write it.

One depth for each unit, then a kernel and an expand ratio for each slot; 0 where no layer is.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numpy.typing import NDArray

from heliostat.errors import ConfigError
from heliostat_methods.pnag.spaces.elastic_units import ElasticUnits, place_of
from heliostat_methods.pnag.spaces.space import Archs

FIELDS = ("depths", "kernels", "expands")


def write_units(elastic: ElasticUnits, arch: NDArray[Any]) -> str:
    """Return the text of an architecture (decisions,)."""
    blocks = elastic.blocks(arch)
    padded = [list(unit) + [(0, 0)] * (elastic.slots - len(unit)) for unit in blocks]
    layers = [layer for unit in padded for layer in unit]
    rows = ([len(unit) for unit in blocks], [k for k, _ in layers], [e for _, e in layers])
    return ":".join(",".join(map(str, row)) for row in rows)


def read_units(elastic: ElasticUnits, text: str) -> Archs:
    """Return the architecture (decisions,) of a text; ConfigError says what is wrong, and where."""
    parts = text.split(":")
    if len(parts) != len(FIELDS):
        raise ConfigError(
            "architecture", text, "depths:kernels:expands", f"it has {len(parts)} parts"
        )
    slots = elastic.units * elastic.slots
    depths = _numbers("depths", parts[0], elastic.units)
    kernels = _values("kernels", parts[1], slots)
    expands = _numbers("expands", parts[2], slots)
    blocks = []
    for unit, depth in enumerate(depths):
        place_of(f"unit{unit + 1}.depth", depth, elastic.depths)
        start, end = unit * elastic.slots, (unit + 1) * elastic.slots
        _check_absent(f"unit{unit + 1}", "kernel", kernels[start:end], depth)
        _check_absent(f"unit{unit + 1}", "expand", expands[start:end], depth)
        layers = slice(start, start + depth)
        blocks.append(tuple(zip(kernels[layers], expands[layers], strict=True)))
    return elastic.of_blocks(tuple(blocks))


def _values(field: str, part: str, wanted: int) -> list[int | str]:
    values = [value.strip() for value in part.split(",")]
    if len(values) != wanted:
        raise ConfigError(
            field, part, f"{wanted} values with commas between them", f"it has {len(values)}"
        )
    return [int(value) if value.isascii() and value.isdigit() else value for value in values]


def _numbers(field: str, part: str, wanted: int) -> list[int]:
    numbers: list[int] = []
    for value in _values(field, part, wanted):
        if isinstance(value, str):
            raise ConfigError(field, value, "whole numbers with commas between them")
        numbers.append(value)
    return numbers


def _check_absent(unit: str, field: str, values: Sequence[int | str], depth: int) -> None:
    for slot, value in enumerate(values[depth:], start=depth + 1):
        if value != 0:
            raise ConfigError(
                f"{unit}.layer{slot}.{field}",
                value,
                "0",
                f"a unit of depth {depth} has no such layer",
            )
