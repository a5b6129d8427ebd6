"""What a comparison and an account of the losses on one data set say, as typed values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heliostat_methods.evomal.losses.tree import Task
from heliostat_methods.evomal.searches.found import FoundLoss
from heliostat_search.trainings.paired_seeds import PairedTest
from heliostat_search.trainings.rates import TriedRate

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
    """One line of a comparison: a loss trained one way, over all seeds (see ``OverSeeds``).

    Roles end with ``_best_rate`` where the rate is the best after all steps, with ``_best`` where
    rate and steps are. ``rates`` by split, ``kept`` the step of each training that was measured,
    ``edge`` whether a better rate may lie beyond those tried, ``others`` further measures of each
    training. Runs of earlier versions said the first nine fields alone.
    """

    role: str
    label: str
    learning_rate: float
    values: tuple[float, ...]
    diverged: int
    mean: float | None
    low: float | None
    high: float | None
    curve: Curve
    rates: tuple[float, ...] = ()
    kept: tuple[int, ...] = ()
    exploded: int = 0
    edge: bool = False
    others: dict[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Against:
    """A contestant against the first one: at the configured rate, at equal steps, at its best.

    None where it was not trained so, or below two finite pairs.
    """

    role: str
    label: str
    configured: PairedTest | None
    at_end: PairedTest | None
    at_best: PairedTest | None


@dataclass(frozen=True)
class Trivial:
    """What knows nothing of the inputs, and its measures on test data."""

    label: str
    measures: dict[str, float]


@dataclass(frozen=True)
class ReferenceTest:
    """A reference against the standard loss in a run of an earlier version."""

    label: str
    test: PairedTest | None


@dataclass(frozen=True)
class Comparison:
    """Test metrics of all losses, and paired tests against the standard one.

    ``tried``: by role and split, the rates tried. ``epochs``: ``steps`` in passes over the training
    rows; ``deviation``: that of a regression's target, in its units. The last four fields are of
    runs of earlier versions.
    """

    metric: str
    seeds: int
    steps: int
    curve_steps: tuple[int, ...]
    losses: tuple[ComparedLoss, ...]
    tried: dict[str, tuple[tuple[TriedRate, ...], ...]] = field(default_factory=dict)
    against: tuple[Against, ...] = ()
    trivial: Trivial | None = None
    epochs: float | None = None
    splits: int = 1
    deviation: float | None = None
    rates_tried: dict[str, tuple[tuple[float, float], ...]] = field(default_factory=dict)
    references: tuple[ReferenceTest, ...] = ()
    at_same_rate: PairedTest | None = None
    at_best_rates: PairedTest | None = None

    @property
    def of_found(self) -> bool:
        """Whether a found loss takes part."""
        return any(one.role == "found" for one in self.losses)

    @property
    def tests(self) -> tuple[Against, ...]:
        """The paired tests, also of a run of an earlier version, which stopped nothing early."""
        if self.against or not (self.references or self.of_found):
            return self.against
        found = [Against("found", "found", self.at_same_rate, self.at_best_rates, None)]
        return (
            *(found if self.of_found else ()),
            *(Against("reference", one.label, None, one.test, None) for one in self.references),
        )

    def absent(self) -> tuple[str, ...]:
        """Return what only earlier versions wrote, and what there is not."""
        old = ("rates_tried", "references", "at_same_rate", "at_best_rates")
        empty: tuple[Any, ...] = ({}, (), None, None)
        unknown = [
            name for name in ("trivial", "epochs", "deviation") if getattr(self, name) is None
        ]
        return (
            *(name for name, value in zip(old, empty, strict=True) if getattr(self, name) == value),
            *unknown,
        )

    def role(self, name: str) -> ComparedLoss:
        """Return the line of a role, such as ``found_best``."""
        return next(one for one in self.losses if one.role == name)

    def best_of(self, name: str) -> ComparedLoss:
        """Return a contestant's line at its best: earlier versions stopped nothing early."""
        lines = {one.role: one for one in self.losses}
        return lines.get(f"{name}_best") or lines[f"{name}_best_rate"]


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
    losses; ``readable``: the best loss in fewer nodes and digits; ``short``: the one to use, with
    how it was trained at its best (``training``). They and the last four are None where there is
    nothing to show.
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
    readable: FoundLoss | None = None
    short: FoundLoss | None = None
    training: dict[str, Any] | None = None
    comparison: Comparison | None = None
    behaviour: tuple[Labelled, ...] | None = None
    transfer: tuple[Transfer, ...] | None = None
    landscape: tuple[Labelled, ...] | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what was not asked for."""
        return tuple(
            name
            for name in (
                "comparison",
                "behaviour",
                "transfer",
                "landscape",
                "readable",
                "short",
                "training",
            )
            if getattr(self, name) is None
        )
