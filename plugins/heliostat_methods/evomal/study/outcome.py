"""What a run leaves as its result: the accounts of its searches, or a table of searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from heliostat_methods.evomal.comparison.outcome import Account
from heliostat_methods.evomal.comparison.records import read
from heliostat_methods.evomal.searches.found import FoundLoss
from heliostat_search.statistics import MeanInterval, mean_interval, paired


@dataclass(frozen=True)
class CellAccount:
    """One search of a table: its place, its estimated cost, why it was not run, what it found."""

    dataset: str
    model: str
    baseline: str
    seed: int
    core_hours: float
    not_run: str = ""
    counts: dict[str, int] | None = None
    steps: dict[str, int] | None = None
    best: tuple[FoundLoss, ...] | None = None

    def absent(self) -> tuple[str, ...]:
        """Return what a search that was not run does not have."""
        return tuple(name for name in ("counts", "steps", "best") if getattr(self, name) is None)


@dataclass(frozen=True)
class TableRow:
    """One line of a table: the losses that one kind of search found, under all test seeds.

    ``search_low`` and so on are None where no interval can be given, and all numbers where every
    search has a diverged training. ``kept``: of how many searches the numbers are.
    """

    name: str
    searches: int
    diverged: int
    kept: int | None = None
    mean: float | None = None
    search_means: tuple[float, ...] | None = None
    search_low: float | None = None
    search_high: float | None = None
    test_low: float | None = None
    test_high: float | None = None
    difference: MeanInterval | None = None
    t_p: float | None = None
    wilcoxon_p: float | None = None
    gap_low: float | None = None
    gap_high: float | None = None

    @classmethod
    def of(cls, name: str, values: Sequence[Any], standard: Sequence[float]) -> TableRow:
        """Return the line for `values` (search seeds, test seeds) of a metric."""
        all_, base = np.array(values), np.array(standard)
        whole = all_[np.isfinite(all_).all(axis=1)]
        counted: dict[str, Any] = {
            "name": name,
            "searches": len(all_),
            "diverged": int((~np.isfinite(all_)).sum()),
        }
        if not len(whole):
            return cls(**counted)
        means, each = whole.mean(axis=1), whole.mean(axis=0)
        over_tests = mean_interval(each)
        said: dict[str, Any] = {"test_low": over_tests.low, "test_high": over_tests.high}
        if len(means) >= 2:
            interval = mean_interval(means)
            said |= {"search_low": interval.low, "search_high": interval.high}
        if name != "standard" and np.isfinite(base).all():
            test = paired(each, base)
            said |= {"difference": test.difference, "t_p": test.t_p,
                     "wilcoxon_p": test.wilcoxon_p}  # fmt: skip
            if len(means) >= 2:
                gaps = mean_interval(means - base.mean())
                said |= {"gap_low": gaps.low, "gap_high": gaps.high}
        return cls(
            **counted, **said, kept=len(whole), mean=float(means.mean()),
            search_means=tuple(float(m) for m in means),
        )  # fmt: skip

    def absent(self) -> tuple[str, ...]:
        """Return what could not be said."""
        return tuple(name for name, value in vars(self).items() if value is None)


@dataclass(frozen=True)
class TableLoss:
    """One loss that a table compares, at one learning rate."""

    label: str
    learning_rate: float
    values: tuple[float, ...] = ()
    diverged: int = 0


@dataclass(frozen=True)
class StudyTable:
    """All losses for one data set and model; the first row is the standard loss."""

    dataset: str
    model: str
    metric: str
    standard: str
    test_steps: int
    rows: tuple[TableRow, ...]
    losses: tuple[TableLoss, ...]


@dataclass(frozen=True)
class StudyOutcome:
    """A study: its plan, what it cost by the estimate, and its tables.

    Runs of earlier versions did not say ``aside_core_hours``, the part for transfers and standard
    losses, nor the ``rates`` tried.
    """

    cells: tuple[CellAccount, ...]
    estimated_core_hours: float
    cap: float
    search_seeds: int
    test_seeds: int
    tables: tuple[StudyTable, ...]
    aside_core_hours: float | None = None
    rates: tuple[float, ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What a run leaves."""

    baseline: str
    problems: tuple[Account, ...] = ()
    best_fitness: float | None = None
    test_metric: float | None = None
    study: StudyOutcome | None = None

    @classmethod
    def of(cls, data: Any) -> Outcome:
        """Return the outcome that a run stored as plain data."""
        return read(cls, data)

    def absent(self) -> tuple[str, ...]:
        """Return what a run of single searches does not have."""
        return ("study",) if self.study is None else ()
