"""What a comparison found, as typed values; ``plain`` is what a run stores of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from heliostat_search.trainings.lines import Difference, Line

WAYS: dict[str, str] = {
    "equal_steps": "after as many steps",
    "equal_cost": "after as many gradient evaluations",
    "at_best": "each at its best, stopped by validation rows",
    "area": "on average over the training",
}
"""How contestants are compared: rate, and steps of the third, chosen on validation rows."""


@dataclass(frozen=True)
class Course:
    """The way of a contestant's trainings at its rate of equal steps.

    ``steps`` (K) with the test metric's mean and interval; ``noted`` (H) with the median over seeds
    of what `HISTORY` names and its quartiles; ``drawn`` (S) with the first run's loss over ``grid``
    for each of ``labels``, normalised to [0, 1], and the median and quartiles over seeds of where
    the loss is least. Empty lists where there is nothing.
    """

    steps: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    noted: list[int]
    history: Mapping[str, list[list[float]]]
    drawn: list[int]
    grid: list[float]
    labels: list[float]
    curves: list[list[list[float]]]
    minima: list[list[float]]


@dataclass(frozen=True)
class Begun:
    """How a contestant's losses began: ``unusable`` of ``count``, how many were ``replaced``.

    ``change`` is the mean change of the task's loss of fresh models by a step along the loss;
    ``history`` the median objective after the meta steps ``at`` of Algorithm 1.
    """

    start: str
    count: int
    unusable: int
    replaced: int
    change: float
    at: list[int]
    history: list[float]


@dataclass(frozen=True)
class Compared:
    """One contestant: what it is, what it costs, what it came to.

    ``step_cost`` gradient evaluations of a step, ``before`` those before the first; ``tried`` rates
    with the mean validation metric at the end and at the best; ``stopped`` and ``reverts`` over all
    paired trainings of equal steps. ``lines`` lacks a way that cannot be.
    """

    name: str
    label: str
    sentence: str
    adapts: str
    step_cost: float
    before: float
    beginning: Begun | None
    tried: list[list[float]]
    lines: list[Line]
    differences: list[Difference]
    course: Course
    stopped: int
    reverts: int


@dataclass(frozen=True)
class Outcome:
    """A comparison on one data set; ``budget`` is the gradient evaluations of equal cost."""

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
    budget: float
    trivial: float
    trivial_label: str
    contestants: list[Compared]
    sentence: str

    def plain(self) -> dict[str, Any]:
        """Return it as plain data, with what lists and a tuning read at the top."""
        return {**asdict(self), **self._outputs()}

    def _outputs(self) -> dict[str, float]:
        """Return the method's own mean and its difference, as declared; nothing without it."""
        found: dict[str, float] = {}
        for one in self.contestants:
            if one.name == "adalfl":
                line = next((row for row in one.lines if row.way == "equal_steps"), None)
                if line is not None and line.mean is not None:
                    found["test_metric"] = line.mean
                said = next((row for row in one.differences if row.way == "equal_steps"), None)
                if said is not None and said.mean is not None:
                    found["difference"] = said.mean
        return found
