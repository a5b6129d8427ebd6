"""What a comparison found, as a typed value; `plain` is what a run stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Judged:
    """One contestant: what was chosen for it, and its metrics, a column of seeds each.

    `refused`: why it has no metrics. `missing`: why some metric is not among them, by its name.
    `passes`: thousand rows through its networks, in the tuning and in a training. `beside`:
    differences from the reference by metric. `remarks`: sentences on what trainings had to bear,
    such as blocks lost.
    """

    name: str
    label: str
    sentence: str
    needs_groups: bool
    parameters: Mapping[str, Any]
    trials: int
    failed: int
    chosen: float | None
    default: float | None
    tuning_passes: float
    passes: float
    metrics: Mapping[str, list[float]]
    missing: Mapping[str, str]
    refused: str
    beside: Mapping[str, Mapping[str, Any]]
    curves: list[Mapping[str, Any]]
    remarks: list[str]


@dataclass(frozen=True)
class Outcome:
    """A comparison: the data, the contestants, the sweep of lambda, rounds of the method.

    `of`: which way each metric is better, and what it is. `hint`: what could be set otherwise.
    `classes`: names of labels 0 and 1.
    """

    dataset: str
    rows: int
    groups: int
    smallest: int
    median: float
    largest: int
    positives: float
    classes: list[str]
    note: str
    hint: str
    train_rows: int
    test_rows: int
    seeds: int
    criterion: str
    reference: str
    of: Mapping[str, list[str]]
    contestants: list[Judged]
    sweep: list[Judged]
    rounds: list[Mapping[str, float]]
    sentence: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, with what `heliostat ls` and a tuning read at the top."""
        return {**asdict(self), **self._outputs()}

    def _outputs(self) -> dict[str, float]:
        """Return the method's own means, as they are declared; nothing where it has none."""
        return {
            name: sum(values) / len(values)
            for one in self.contestants
            if one.name == "fams"
            for name, values in one.metrics.items()
            if name in ("accuracy", "gap_squared", "nll") and values
        }
