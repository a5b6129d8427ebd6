"""What a comparison and an account of the losses on one data set say, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heliostat_methods.evomal.comparison.paired_seeds import PairedTest
from heliostat_methods.evomal.losses.tree import Task
from heliostat_methods.evomal.searches.found import FoundLoss

Labelled = tuple[str, dict[str, Any]]
"""A loss's label, and what the analysis says of it as plain data."""


@dataclass(frozen=True)
class Curve:
    """The metric on the way, mean and 95 % interval, (K,) each; empty if all diverged."""

    mean: tuple[float, ...] = ()
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True)
class ComparedLoss:
    """One line of a comparison: a loss at one learning rate, over all seeds (see ``OverSeeds``)."""

    role: str
    label: str
    learning_rate: float
    values: tuple[float, ...]
    diverged: int
    mean: float | None
    low: float | None
    high: float | None
    curve: Curve


@dataclass(frozen=True)
class ReferenceTest:
    """A reference against the standard loss, both at their best rates."""

    label: str
    test: PairedTest | None


@dataclass(frozen=True)
class Comparison:
    """Test metrics of all losses, and paired tests against the standard one.

    ``rates_tried``: by role, pairs of a factor and the mean validation metric there.
    """

    metric: str
    seeds: int
    steps: int
    curve_steps: tuple[int, ...]
    losses: tuple[ComparedLoss, ...]
    rates_tried: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    references: tuple[ReferenceTest, ...] = ()
    at_same_rate: PairedTest | None = None
    at_best_rates: PairedTest | None = None

    @property
    def of_found(self) -> bool:
        """Whether a found loss takes part."""
        return any(one.role == "found" for one in self.losses)

    def absent(self) -> tuple[str, ...]:
        """Return the tests that a comparison of given losses alone does not have."""
        return () if self.of_found else ("at_same_rate", "at_best_rates")

    def role(self, name: str) -> ComparedLoss:
        """Return the line of a role, such as ``found_best_rate``."""
        return next(one for one in self.losses if one.role == name)


@dataclass(frozen=True)
class Transfer:
    """The found loss on another data set or model."""

    dataset: str
    model: str
    metric: str
    comparison: Comparison


@dataclass(frozen=True)
class Account:
    """What is known of the losses on one data set.

    ``labels``: what ``y`` stands for; ``front`` and ``scored``: (complexity, fitness) of accepted
    losses. The last four are None where there was nothing to compare.
    """

    dataset: str
    task: Task
    metric: str
    model: str
    together: tuple[str, ...]
    rows: dict[str, int]
    classes: int
    counts: dict[str, int]
    steps: dict[str, int]
    best: tuple[FoundLoss, ...]
    front: tuple[tuple[float, float], ...]
    scored: tuple[tuple[float, float], ...]
    standard: dict[str, Any]
    notes: tuple[str, ...]
    labels: dict[str, Any] | None = None
    comparison: Comparison | None = None
    behaviour: tuple[Labelled, ...] | None = None
    transfer: tuple[Transfer, ...] | None = None
    landscape: tuple[Labelled, ...] | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what was not asked for."""
        return tuple(
            name
            for name in ("comparison", "behaviour", "transfer", "landscape")
            if getattr(self, name) is None
        )
