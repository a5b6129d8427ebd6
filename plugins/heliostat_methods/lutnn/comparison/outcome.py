"""What a comparison found, as typed values; ``plain`` is what a run stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heliostat_methods.lutnn.training.accounts import LayerAccount
from heliostat_search.trainings.lines import Difference, Line

WAYS: dict[str, str] = {
    "equal_steps": "after all steps of fine-tuning",
    "at_best": "each at its best, stopped by validation rows",
}
"""How variants are compared; the rate of each is chosen on validation rows."""
SAID = {"equal_steps": "after all steps", "at_best": "at its best"}
"""The same inside a sentence."""


@dataclass(frozen=True)
class Temperature:
    """A layer's temperature over the paired trainings: mean and range at the measured steps."""

    layer: str
    steps: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


@dataclass(frozen=True)
class Compared:
    """One variant: what it is and costs, what it came to.

    ``macs`` of one sample in linear layers and convolutions and ``bytes`` of all numbers, with
    those of the dense network; ``layers`` look up, ``skipped`` stay dense, each with why (of the
    first seed). ``int8_search``: the metric of each seed's frozen network with an int8 search.
    ``tried``: rates with the mean validation metric at the end and at the best.
    """

    label: str
    kind: str
    sentence: str
    trained: bool
    macs: int
    bytes: int
    dense_macs: int
    dense_bytes: int
    layers: list[LayerAccount]
    skipped: list[list[str]]
    int8_search: list[float]
    tried: list[list[float]]
    lines: list[Line]
    differences: list[Difference]
    curve: Mapping[str, list[float]]
    temperatures: list[Temperature]


@dataclass(frozen=True)
class Outcome:
    """A comparison on one data set and one network; ``steps`` are those of fine-tuning."""

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
    dense_steps: int
    dense_rate: float
    dense_edge: bool
    trivial: float
    trivial_label: str
    variants: list[Compared]
    sentence: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, with what lists and a tuning read at the top."""
        return {**asdict(self), **self._outputs()}

    def _outputs(self) -> dict[str, float]:
        """Return the mean of LUT-NN, its difference and its size, as declared."""
        found: dict[str, float] = {}
        one = next((v for v in self.variants if v.kind == "lutnn"), None)
        if one is None:
            return found
        line = next((row for row in one.lines if row.way == "equal_steps"), None)
        if line is not None and line.mean is not None:
            found["test_metric"] = line.mean
        said = next((row for row in one.differences if row.way == "equal_steps"), None)
        if said is not None and said.mean is not None:
            found["difference"] = said.mean
        found["size_ratio"] = one.dense_bytes / one.bytes
        return found
