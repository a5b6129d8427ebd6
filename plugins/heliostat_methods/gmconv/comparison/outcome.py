"""What a comparison found, as typed values; ``plain`` is what a run stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heliostat_search.trainings.lines import Difference, Line

WAYS: dict[str, str] = {
    "equal_steps": "after as many steps",
    "at_best": "each at its best, stopped by validation rows",
}
"""How variants are compared; the rate of each is chosen on validation rows."""


@dataclass(frozen=True)
class LayerWidth:
    """A layer's mask over the paired trainings: its width at the measured steps, mean and range.

    ``steps`` (K); ``mean``, ``low``, ``high`` (K) over seeds.
    """

    layer: str
    steps: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Field:
    """A layer's receptive field at the end: means over ``trainings``, and the first one's map.

    Trainings whose outputs have no derivative that is finite and not 0 have no field.

    ``predicted``: the radius that the chain of masks alone would have, without weights and
    non-linearities; None where the network is no plain chain up to there, and of discs. ``map``:
    rows of the input from its top, each entry the sum over ``scale`` x ``scale`` places.
    """

    layer: str
    radius: float
    deviation: float
    area: float
    fit: float
    predicted: float | None
    map: list[list[float]]
    trainings: int
    scale: int = 1


@dataclass(frozen=True)
class Compared:
    """One variant: what it is, how many parameters it adds, what it came to.

    ``converted``: layers under a mask; ``skipped``: convolutions that stayed, each with why.
    ``tried``: rates with the mean validation metric at the end and at the best. ``curve``: steps,
    and mean, low, high of the test metric over seeds.
    """

    label: str
    kind: str
    sentence: str
    parameters: int
    added: int
    converted: list[str]
    skipped: list[list[str]]
    tried: list[list[float]]
    lines: list[Line]
    differences: list[Difference]
    curve: Mapping[str, list[float]]
    widths: list[LayerWidth]
    fields: list[Field]


@dataclass(frozen=True)
class Outcome:
    """A comparison on one data set and one network."""

    dataset: str
    task: str
    model: str
    metric: str
    classes: int
    rows: Mapping[str, int]
    remarks: list[str]
    seeds: int
    rate_seeds: int
    steps: int
    trivial: float
    trivial_label: str
    variants: list[Compared]
    sentence: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, with what lists and a tuning read at the top."""
        return {**asdict(self), **self._outputs()}

    def _outputs(self) -> dict[str, float]:
        """Return the static variant's mean and its difference, as declared."""
        found: dict[str, float] = {}
        for one in self.variants:
            if one.kind != "static" or found:
                continue
            line = next((row for row in one.lines if row.way == "equal_steps"), None)
            if line is not None and line.mean is not None:
                found["test_metric"] = line.mean
            said = next((row for row in one.differences if row.way == "equal_steps"), None)
            if said is not None and said.mean is not None:
                found["difference"] = said.mean
        return found
